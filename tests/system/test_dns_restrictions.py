"""Restrictions that ask DNS: what is found, what is absent, what cannot be found out. A real DNS server answers."""
import socket
import subprocess
import time

import pytest

from dns import Dns
from harness import TUVI, Client, Sink, Tuvi, free_ports, wait_for
from test_proxy import Proxied, line

# What is in no zone is refused by the server, so that it cannot be found out: elsewhere.example.
RECORDS = """\
good MX 10 mx
mx A 127.0.0.1
host A 192.0.2.7
six AAAA 2001:db8::7
nomail MX 0 .
odd MX 10 od\\032d
bare TXT "nothing else"
7.2.0.192.bl A 127.0.0.2
7.2.0.192.bl TXT "because $rbl_what \\010 is" " so"
8.2.0.192.bl A 127.0.0.9
host.there.example.dbl A 127.0.1.2
far.test.dbl A 127.0.1.2
local.test.dbl A 127.0.1.3
7.2.0.192.wl A 127.0.0.1
host.there.example.dwl A 127.0.0.1
"""


@pytest.fixture(scope="module")
def dns():
    one = Dns({"there.example": RECORDS}).start()
    yield one
    one.close()


def configure(tuvi, sink, dns, more):
    tuvi.configure(sink.port, more=f"tuvi_dns_servers = 127.0.0.1@{dns.port}\ntuvi_workers = 1\n"
                                   f"smtpd_delay_reject = yes\n{more}")
    tuvi.start()


def ask(client, sender="", recipient="bob@far.test"):
    """The reply to RCPT, in a transaction of its own."""
    client.command("RSET")
    client.command(f"MAIL FROM:<{sender}>")
    code, lines = client.command(f"RCPT TO:<{recipient}>")
    return f"{code} {lines[0][4:]}" if lines[0].startswith(str(code)) else f"{code} {lines[0]}"


@pytest.mark.parametrize("domain, reply", [
    ("good", None), ("host", None), ("six", None),
    ("nomail", "550 5.7.27 <ada@{0}>: Sender address rejected: Domain {0} does not accept mail (nullMX)"),
    ("odd", "450 4.1.8 <ada@{0}>: Sender address rejected: Malformed DNS server reply"),
    ("bare", "450 4.1.8 <ada@{0}>: Sender address rejected: Domain not found"),
    ("nothere", "450 4.1.8 <ada@{0}>: Sender address rejected: Domain not found"),
    ("lost.elsewhere.example", "450 4.1.8 <ada@{0}>: Sender address rejected: Domain not found")])
def test_a_sender_has_a_domain(tuvi, sink, dns, domain, reply):
    configure(tuvi, sink, dns, "smtpd_sender_restrictions = reject_unknown_sender_domain\n")
    client = Client(tuvi.p25)
    client.ehlo()
    domain = domain if domain.endswith(".example") else f"{domain}.there.example"
    said = ask(client, f"ada@{domain}")
    client.quit()
    if reply is None:
        assert said.startswith("250 "), said
    else:
        assert said == reply.format(domain)
        log = tuvi.wait_log("disconnect from")
        assert log.count("NOQUEUE: reject: RCPT") == log.count("NOQUEUE: explain:") == 1


def test_commands_that_came_together_are_answered_in_their_order(tuvi, sink, dns):
    configure(tuvi, sink, dns, "smtpd_recipient_restrictions = reject_unknown_sender_domain, reject_unknown_helo_hostname\n")
    with socket.create_connection(("127.0.0.1", tuvi.p25), 20) as stream:
        stream.sendall(b"EHLO host.there.example\r\nMAIL FROM:<a@good.there.example>\r\nRCPT TO:<bob@local.test>\r\n"
                       b"RSET\r\nMAIL FROM:<a@nothere.there.example>\r\nRCPT TO:<bob@local.test>\r\nNOOP\r\nQUIT\r\n")
        said = b"".join(iter(lambda: stream.recv(4096), b"")).decode()
    codes = [line[:3] for line in said.splitlines() if line[3:4] == " "]
    assert codes == ["220", "250", "250", "250", "250", "250", "450", "250", "221"], said


def test_a_client_that_leaves_while_dns_is_asked_is_forgotten(tuvi, sink):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        tuvi.configure(sink.port, more="smtpd_sender_restrictions = reject_unknown_sender_domain\ntuvi_workers = 1\n"
                                       f"tuvi_dns_servers = 127.0.0.1@{silent.getsockname()[1]}\n")
        tuvi.start()
        with socket.create_connection(("127.0.0.1", tuvi.p25), 20) as stream:
            stream.sendall(b"HELO x\r\nMAIL FROM:<a@far.example>\r\nRCPT TO:<bob@local.test>\r\n")
            silent.settimeout(20)
            silent.recv(512)        # the question is under way
        tuvi.wait_log("lost connection after RCPT from")
        client = Client(tuvi.p25)   # an address that is ours is not asked for
        client.ehlo()
        assert ask(client, "alice@local.test", "bob@local.test").startswith("250 ")
        client.quit()


# ---- the client's name ----

V4 = """\
7 PTR host.there.example.
8 PTR host.there.example.
9 PTR nothere.there.example.
11 PTR od\\032d.there.example.
12 PTR lost.elsewhere.example.
"""
V6 = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.there.example."
LISTS = ["reject_rbl_client bl.there.example", "reject_rbl_client bl.there.example=127.0.0.[1;4..9]",
         "reject_rhsbl_client dbl.there.example", "reject_rhsbl_reverse_client dbl.there.example",
         "reject_rhsbl_helo dbl.there.example", "reject_rhsbl_sender dbl.there.example",
         "reject_rhsbl_recipient dbl.there.example=127.0.1.3", "permit_dnswl_client wl.there.example, reject",
         "permit_rhswl_client dwl.there.example, defer", "reject_rbl_client bl.elsewhere.example, reject",
         "permit_dnswl_client wl.elsewhere.example, reject", "sleep 1, sleep 1, permit",
         "reject_unknown_helo_hostname, permit"]
UNFOUND = "{1} {2}.7.25 Client host rejected: cannot find your hostname, [{0}]"
NAMELESS = "{1} {2}.7.1 Client host rejected: cannot find your reverse hostname, [{0}]"


@pytest.fixture(scope="module")
def named(dns_of_names):
    sink = Sink()
    ports = free_ports(5)
    lists = ["", "reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname",
             "check_client_access inline:{ {there.example = 554 known} }",
             "check_reverse_client_hostname_access inline:{ {there.example = 554 claimed} }"]
    lists += LISTS
    ports += free_ports(len(LISTS))
    services = "".join(
        f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy "
        f"-o smtpd_client_restrictions=$list_{number}\n" for number, port in enumerate(ports))
    settings = "".join(f"list_{number} = {text}\n" for number, text in enumerate(lists))
    tuvi = Tuvi(sink.port, f"tuvi_dns_servers = 127.0.0.1@{dns_of_names.port}\ntuvi_workers = 1\n{settings}"
                           "smtpd_authorized_xclient_hosts = 192.0.2.0/24\n"
                           "smtpd_authorized_xforward_hosts = !x.there.example, .there.example\n"
                           "unknown_client_reject_code = 550\n"
                           "rbl_reply_maps = inline:{ {dbl.there.example = 521 5.7.9 $$rbl_class $$rbl_what is in $$rbl_domain} }\n", services)
    main = tuvi.root / "main.cf"
    main.write_text(main.read_text().replace("smtpd_peername_lookup = no\n", ""))
    tuvi.ports, tuvi.sink = ports, sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


@pytest.fixture(scope="module")
def dns_of_names():
    one = Dns({"there.example": RECORDS, "2.0.192.in-addr.arpa": V4, "8.b.d.0.1.0.0.2.ip6.arpa": V6}).start()
    yield one
    one.close()


def proxied(tuvi, number, address):
    return Proxied(tuvi.ports[number], [line(address, destination="2001:db8::1" if ":" in address else "198.51.100.1")])


@pytest.mark.parametrize("address, name, warning", [
    ("192.0.2.7", "host.there.example", None),
    ("2001:db8::7", "six.there.example", None),
    ("192.0.2.8", "unknown", "hostname host.there.example does not resolve to address 192.0.2.8\n"),
    ("192.0.2.9", "unknown", "hostname nothere.there.example does not resolve to address 192.0.2.9: it has no address"),
    ("192.0.2.10", "unknown", None),
    ("192.0.2.11", "unknown", None),    # no name of a host
    ("192.0.2.12", "unknown", "hostname lost.elsewhere.example does not resolve to address 192.0.2.12: the lookup failed"),
    ("198.51.100.9", "unknown", None)])
def test_a_client_has_the_name_that_has_its_address(named, address, name, warning):
    before, taken = len(named.log()), len(named.sink.messages)
    client = proxied(named, 0, address)
    client.ehlo()
    assert client.message("ada@far.test", ["bob@local.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
    client.quit()
    named.sink.wait(taken + 1)
    wait_for(lambda: f"disconnect from {name}[{address}]" in named.log()[before:], what="the log's line")
    log = named.log()[before:]
    assert f": connect from {name}[{address}]\n" in log and f": client={name}[{address}]\n" in log
    literal = f"IPv6:{address}" if ":" in address else address
    head = named.sink.messages[-1].data.decode()
    assert f" ({name} [{literal}])\r\n" in head, head
    assert (warning in log) if warning else "does not resolve" not in log


@pytest.mark.parametrize("address, replies", [
    ("192.0.2.7", ("", "", "554 5.7.1 <host.there.example[{0}]>: Client host rejected: known",
                   "554 5.7.1 <host.there.example>: Unverified Client host rejected: claimed")),
    ("192.0.2.8", (UNFOUND, "", "", "554 5.7.1 <host.there.example>: Unverified Client host rejected: claimed")),
    ("192.0.2.10", (UNFOUND, NAMELESS, "", "")),
    ("198.51.100.9", (UNFOUND, NAMELESS, "", ""))])
def test_restrictions_know_the_name_and_what_is_claimed(named, address, replies):
    for number, reply in enumerate(replies, start=1):
        client = proxied(named, number, address)
        client.ehlo()
        said = ask(client, "ada@far.test", "bob@local.test")
        client.quit()
        code = 450 if address.startswith("198") else 550
        assert said == (reply.format(address, code, code // 100) or "250 2.1.5 Ok"), number


DENIED = "554 5.7.1 <{0}>: Client host rejected: Access denied"
BLOCKED = "554 5.7.1 Service unavailable; Client host [{1}] blocked using bl.there.example"


@pytest.mark.parametrize("number, address, reply", [
    (0, "192.0.2.7", BLOCKED + "; because $rbl_what ? is so"), (0, "192.0.2.8", BLOCKED), (0, "192.0.2.9", None),
    (1, "192.0.2.7", None), (1, "192.0.2.8", BLOCKED), (1, "192.0.2.9", None),
    (2, "192.0.2.7", "521 5.7.9 Client host host.there.example is in dbl.there.example"), (2, "192.0.2.8", None),
    (3, "192.0.2.8", "521 5.7.9 Unverified Client host host.there.example is in dbl.there.example"),
    (4, "192.0.2.9", None), (5, "192.0.2.9", "521 5.7.9 Sender address ada@far.test is in dbl.there.example"),
    (6, "192.0.2.9", "521 5.7.9 Recipient address bob@local.test is in dbl.there.example"),
    (7, "192.0.2.7", None), (7, "192.0.2.8", DENIED), (8, "192.0.2.7", None),
    (8, "192.0.2.8", "450 4.3.2 <{0}>: Client host rejected: Try again later"),
    (9, "192.0.2.10", DENIED), (10, "192.0.2.10", "450 4.7.1 <{1}>: Client host rejected: Service unavailable"),
    (12, "192.0.2.10", "450 4.7.1 <{2}>: Helo command rejected: Host not found")])
def test_lists_in_dns_speak_for_clients_and_against_them(named, number, address, reply):
    client = proxied(named, 5 + number, address)
    client.ehlo()
    said = ask(client, "ada@far.test", "bob@local.test")
    client.quit()
    name = "host.there.example" if address.endswith("7") else "unknown"
    assert said == ("250 2.1.5 Ok" if reply is None else reply.format(f"{name}[{address}]", address, "client.test"))


def test_sleep_keeps_a_client_waiting(named):
    client = proxied(named, 5 + 11, "192.0.2.10")
    client.ehlo()
    start = time.monotonic()
    assert ask(client, "ada@far.test", "bob@local.test") == "250 2.1.5 Ok"
    assert ask(client, "ada@far.test", "bob@local.test") == "250 2.1.5 Ok"
    assert 3.9 < time.monotonic() - start < 12
    client.quit()


def test_xclient_says_who_the_client_is_and_whether_that_is_known(named):
    client = proxied(named, 1, "192.0.2.7")
    client.ehlo()
    for name, reply in (("NAME=a.example", "250 2.1.5 Ok"), ("NAME=[UNAVAILABLE]", UNFOUND.format("192.0.2.99", 550, 5)),
                        ("NAME=[TEMPUNAVAIL]", UNFOUND.format("192.0.2.99", 450, 4))):
        client.command("RSET")
        assert client.command(f"XCLIENT ADDR=192.0.2.99 {name}")[0] == 220
        client.ehlo()
        assert ask(client, "ada@far.test", "bob@local.test") == reply
    client.quit()


@pytest.mark.parametrize("address, trusted", [("192.0.2.7", True), ("2001:db8::7", True), ("192.0.2.8", False),
                                              ("192.0.2.10", False), ("198.51.100.9", False)])
def test_who_may_speak_for_others_can_be_told_by_name(named, address, trusted):
    client = proxied(named, 0, address)
    assert any(one.startswith("XFORWARD") for one in client.ehlo()) == trusted
    reply = client.command("XFORWARD ADDR=192.0.2.99")
    assert reply == ((250, ["250 2.0.0 Ok"]) if trusted else (550, ["550 5.7.0 Error: insufficient authorization"]))
    client.quit()


def test_but_not_by_a_name_that_a_client_says(named):
    client = proxied(named, 0, "192.0.2.7")
    client.ehlo()
    assert client.command("XCLIENT ADDR=198.51.100.9 NAME=host.there.example")[0] == 220
    assert not any(one.startswith("XFORWARD") for one in client.ehlo())
    client.quit()


def test_a_name_that_dns_does_not_tell_is_not_waited_for_long(tuvi, sink):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        (port,) = free_ports(1)
        tuvi.configure(sink.port, f"tuvi_dns_servers = 127.0.0.1@{silent.getsockname()[1]}\ntuvi_workers = 1\n",
                       f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy"
                       " -o smtpd_peername_lookup=yes -o smtpd_client_restrictions=reject_unknown_client_hostname"
                       " -o unknown_client_reject_code=550\n")
        tuvi.start()
        with socket.create_connection(("127.0.0.1", port), 20) as stream:   # it leaves while it is looked for
            stream.sendall(line("192.0.2.5"))
            silent.settimeout(20)
            silent.recv(512)
        log = tuvi.wait_log("disconnect from unknown[192.0.2.5]")
        assert "connect from unknown[192.0.2.5]" in log and "lost connection after CONNECT from unknown" in log
        start = time.monotonic()
        client = Proxied(port, [line("192.0.2.6")])
        assert 4 < time.monotonic() - start < 9
        client.ehlo()
        assert ask(client, "ada@far.test", "bob@local.test") == UNFOUND.format("192.0.2.6", 450, 4)    # for now
        client.quit()


# ---- tuvi explain ----

def explain(tuvi, *options):
    done = subprocess.run([TUVI, "explain", tuvi.root, *options], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout.splitlines()


def test_explain_asks_dns_and_says_what_came(named):
    code, lines = explain(named, "--client", "192.0.2.7", "--from", "ada@far.test", "--to", "bob@local.test", "--port",
                          str(named.ports[5]))
    assert code == 1
    assert lines[1:] == [
        "dns: PTR 7.2.0.192.in-addr.arpa: found",
        "dns: A host.there.example: found",
        "dns: A 7.2.0.192.bl.there.example: found",
        "dns: TXT 7.2.0.192.bl.there.example: found",
        "smtpd_client_restrictions: reject_rbl_client bl.there.example refuses: 7.2.0.192.bl.there.example is in the DNS",
        "reply to RCPT: " + BLOCKED.format("", "192.0.2.7") + "; because $rbl_what ? is so"]
    code, lines = explain(named, "--client", "192.0.2.9", "--from", "ada@far.test", "--to", "bob@local.test", "--port",
                          str(named.ports[5]))
    assert code == 0
    assert "dns: A nothere.there.example: there is no such name" in lines
    assert "dns: A 9.2.0.192.bl.there.example: there is no such name" in lines


def test_explain_does_not_sleep(named):
    code, lines = explain(named, "--client", "192.0.2.9", "--from", "ada@far.test", "--to", "bob@local.test", "--port",
                          str(named.ports[5 + 11]))
    assert code == 0
    assert lines.count("smtpd_client_restrictions: sleep 1 goes on: the client was kept waiting") == 2
