"""Clients behind a proxy: the PROXY protocol, XCLIENT and XFORWARD."""
import socket
import ssl
import struct

import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi, free_ports, tls_context, wait_for

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
MORE = f"""\
smtpd_authorized_xclient_hosts = {STRANGER}
smtpd_authorized_xforward_hosts = 127.0.0.0/8
"""


@pytest.fixture(scope="module")
def server():
    sink = Sink()
    plain, wrapped = free_ports(2)
    common = "-o smtpd_upstream_proxy_protocol=haproxy -o smtpd_upstream_proxy_timeout=1"
    tuvi = Tuvi(sink.port, MORE, more_services=f"127.0.0.1:{plain} inet n - n - - smtpd {common}\n"
                f"127.0.0.1:{wrapped} inet n - n - - smtpd {common} -o smtpd_tls_wrappermode=yes\n")
    tuvi.plain, tuvi.wrapped, tuvi.sink = plain, wrapped, sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


def binary(client, port=4711, destination="198.51.100.1", extra=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    body = socket.inet_pton(family, client) + socket.inet_pton(family, destination) + struct.pack("!HH", port, 25) + extra
    return SIGNATURE + bytes([0x21, 0x21 if ":" in client else 0x11]) + struct.pack("!H", len(body)) + body


def line(client, port=4711, destination="198.51.100.1"):
    return f"PROXY TCP{6 if ':' in client else 4} {client} {destination} {port} 25\r\n".encode()


class Proxied(Client):
    """A client whose connection begins with a header; `pieces` arrive one by one."""

    def __init__(self, port, pieces, wrapped=False):
        self.socket = socket.create_connection(("127.0.0.1", port), 20, (STRANGER, 0))
        self.secure = tls_context().wrap_socket
        for piece in pieces:
            self.socket.sendall(piece)
        if wrapped:
            self.socket = self.secure(self.socket)
        self.open_file()
        self.greeting = self.reply()


def may_relay(client):
    client.ehlo()
    assert client.command("MAIL FROM:<ada@remote.test>")[0] == 250
    return client.command("RCPT TO:<bob@remote.test>")[0] == 250


HEADERS = {
    "line": [line(MINE)],
    "line in pieces": [bytes([byte]) for byte in line(MINE)],
    "binary": [binary(MINE, extra=b"\x05\0\1x")],
    "binary in pieces": [bytes([byte]) for byte in binary(MINE)],
}


@pytest.mark.parametrize("pieces", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("wrapped", (False, True))
def test_the_client_is_whom_the_proxy_names(server, pieces, wrapped):
    client = Proxied(server.wrapped if wrapped else server.plain, pieces, wrapped)
    assert client.greeting[0] == 220
    # The relay restrictions see the client, which is one of ours; the proxy's address is a stranger's.
    assert may_relay(client)
    client.close()


def test_the_clients_hello_may_come_with_the_header(server):
    context = tls_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    with socket.create_connection(("127.0.0.1", server.wrapped), 20) as connection:
        connection.sendall(line(MINE) + outgoing.read())
        assert connection.recv(1) == b"\x16"


def test_a_stranger_behind_the_proxy_stays_one(server):
    for header in (line("203.0.113.9"), binary("2001:db8::9", destination="2001:db8::1")):
        client = Proxied(server.plain, [header + b"EHLO early\r\n"])
        assert client.reply()[0] == 250
        assert not may_relay(client)
        client.close()
    server.wait_log("connect from unknown[203.0.113.9]")
    server.wait_log("reject: RCPT from unknown[2001:db8::9]: 554 5.7.1 ")


def test_the_proxy_may_speak_for_itself(server):
    for header in (b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\0\0\0"):
        client = Proxied(server.plain, [header])
        assert client.greeting[0] == 220
        assert not may_relay(client)
        client.close()


@pytest.mark.parametrize("first", (b"EHLO client.test\r\n", b"PROXY TCP4 1.2.3.4\r\n", SIGNATURE + b"\x31\0\0\0", b"\x16\x03\x01", b""))
def test_without_a_header_nothing_is_served(server, first):
    client = Proxied(server.plain, [first])
    assert client.greeting == (421, ["421 4.3.0 mx.local.test Server local error"])
    assert client.reply() == (0, [])
    client.close()
    server.wait_log("no PROXY header came " + ("in time" if not first else "first"))


# ---- XCLIENT and XFORWARD ----

def test_xclient_makes_another_client(server):
    client = Client(server.p25, STRANGER)
    assert not may_relay(client)
    assert client.command("RSET")[0] == 250
    assert client.command(f"XCLIENT NAME=mx.friend.test ADDR={MINE} HELO=friend.test") == (220, client.greeting[1])
    assert not [keyword for keyword in client.ehlo() if keyword.startswith("XCLIENT")]
    assert client.command("XCLIENT ADDR=127.0.0.9") == (550, ["550 5.7.0 Error: insufficient authorization"])
    assert client.message("ada@remote.test", ["friend@remote.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
    client.close()
    server.wait_log(f"client=mx.friend.test[{MINE}]")
    message = wait_for(lambda: [m for m in server.sink.messages if m.recipients == ["friend@remote.test"]])[0]
    assert f"(mx.friend.test [{MINE}])".encode() in message.header_and_body()[0]


def test_xclient_can_log_in_and_out(server):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    assert client.command("XCLIENT ADDR=127.0.0.3 LOGIN=alice")[0] == 220
    assert may_relay(client)
    assert client.command("RSET")[0] == 250
    assert client.command("XCLIENT LOGIN=[UNAVAILABLE]")[0] == 220
    assert not may_relay(client)
    client.close()


def test_an_address_that_is_unknown_is_in_no_network(server):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    assert client.command("XCLIENT ADDR=[UNAVAILABLE]")[0] == 220
    assert not may_relay(client)
    assert client.command("RCPT TO:<bob@local.test>")[0] == 250
    client.close()
    server.wait_log("RCPT from unknown[unknown]: ")


def test_who_is_not_named_may_not(server):
    client = Client(server.p25, MINE)
    assert not [keyword for keyword in client.ehlo() if keyword.startswith("XCLIENT")]
    assert client.command("XCLIENT ADDR=127.0.0.2")[0] == 550
    client.close()


def test_xforward_is_for_the_log_and_for_one_message(server):
    client = Client(server.p25, MINE)
    assert "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT" in client.ehlo()
    assert client.command("XFORWARD NAME=spike.test ADDR=203.0.113.4 IDENT=58E4E422EB")[0] == 250
    assert client.message("ada@remote.test", ["forward@remote.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
    server.wait_log(f"client=unknown[{MINE}], orig_queue_id=58E4E422EB, orig_client=spike.test[203.0.113.4]")
    assert client.message("ada@remote.test", ["forward@remote.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
    client.close()
    assert server.log().count("orig_client=") == 1

