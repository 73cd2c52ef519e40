"""Restrictions that ask DNS: what is found, what is absent, what cannot be found out. A real DNS server answers."""
import socket

import pytest

from dns import Dns
from harness import Client

# A label that Knot delegates to where nobody answers: its names cannot be looked up.
RECORDS = """\
good MX 10 mx
mx A 127.0.0.1
host A 192.0.2.7
six AAAA 2001:db8::7
nomail MX 0 .
odd MX 10 od\\032d
bare TXT "nothing else"
dead NS nobody.dead
nobody.dead A 127.0.0.253
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
    ("nothere", "450 4.1.8 <ada@{0}>: Sender address rejected: Domain not found")])
def test_a_sender_has_a_domain(tuvi, sink, dns, domain, reply):
    configure(tuvi, sink, dns, "smtpd_sender_restrictions = reject_unknown_sender_domain\n")
    client = Client(tuvi.p25)
    client.ehlo()
    said = ask(client, f"ada@{domain}.there.example")
    client.quit()
    if reply is None:
        assert said.startswith("250 "), said
    else:
        assert said == reply.format(f"{domain}.there.example")
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
