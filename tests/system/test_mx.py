"""Where mail goes by DNS: the hosts of a domain's MX records in their order, the domain itself without any, and what
is told when there is neither. A real DNS server answers."""
import os
import pathlib
import re
import signal

import pytest

from dns import Dns
from harness import Client, wait_for

MESSAGE = "Subject: for you\r\nMessage-ID: <1@far.test>\r\n\r\nThe text.\r\n"
QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\ntuvi_workers = 1\n"

# Only 127.0.0.1 has somebody who listens.
RECORDS = """\
two 0 MX 20 second.two
two 0 MX 10 first.two
first.two A 127.0.0.9
second.two A 127.0.0.1
plain A 127.0.0.1
many 0 MX 10 many-hosts
many-hosts A 127.0.0.8
many-hosts A 127.0.0.9
many-hosts A 127.0.0.1
nomail 0 MX 0 .
ours 0 MX 10 mx.local.example.
ours 0 MX 20 second.two
backup 0 MX 10 second.two
backup 0 MX 20 mx.local.example.
empty 0 MX 10 nothere
odd 0 MX 10 od\\032d
odd 0 MX 20 second.two
"""


@pytest.fixture
def dns():
    one = Dns({"far.example": RECORDS})
    yield one
    one.close()


def configure(tuvi, sink, dns, domain):
    """All mail goes to the hosts of this domain, on the port where the sink is."""
    tuvi.configure(sink.port, more=QUICK + f"relayhost = {domain}:{sink.port}\n"
                                           f"myhostname = mx.local.example\ntuvi_dns_servers = 127.0.0.1@{dns.port}\n")


def send(tuvi, recipient="bob@far.test"):
    """Returns the queue id."""
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message("ada@local.test", [recipient], MESSAGE)
    assert code == 250, lines
    client.quit()
    return lines[0].split()[-1]


def test_the_next_host_is_tried_when_the_best_one_is_away(tuvi, sink, dns):
    dns.start()
    configure(tuvi, sink, dns, "two.far.example")
    tuvi.start()
    log = tuvi.wait_log(f"{send(tuvi)}: removed")
    assert f"connect to first.two.far.example[127.0.0.9]:{sink.port}: Connection refused" in log
    assert f"relay=second.two.far.example[127.0.0.1]:{sink.port}, " in log
    assert len(sink.messages) == 1


@pytest.mark.parametrize("domain, relay", [
    ("plain", "plain"),                 # no MX records: the domain itself. RFC 5321 §5.1
    ("many", "many-hosts"),             # one of three addresses listens
    ("backup", "second.two"),           # better than ourselves
    ("odd", "second.two")])             # the other name is none
def test_mail_arrives(tuvi, sink, dns, domain, relay):
    dns.start()
    configure(tuvi, sink, dns, f"{domain}.far.example")
    tuvi.start()
    log = tuvi.wait_log(f"{send(tuvi)}: removed")
    assert f"relay={relay}.far.example[127.0.0.1]:{sink.port}, " in log
    assert len(sink.messages) == 1


@pytest.mark.parametrize("domain, status, reason", [
    ("nomail", "5.1.10", r"Domain nomail\.far\.example does not accept mail \(nullMX\)"),
    ("nothere", "5.4.4", r"Host or domain name not found\. Name service error for name=nothere\.far\.example type=A: "
                         r"Host not found"),
    ("ours", "5.4.6", r"mail for ours\.far\.example loops back to myself")])
def test_mail_that_cannot_go_anywhere_is_returned(tuvi, sink, dns, domain, status, reason):
    dns.start()
    configure(tuvi, sink, dns, f"{domain}.far.example")
    tuvi.start()
    queue_id = send(tuvi)
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert re.search(rf"{queue_id}: to=<bob@far\.test>, relay=none, .*dsn={status}, status=bounced \({reason}\)", log), log


def test_a_host_without_an_address_may_get_one(tuvi, sink, dns):
    dns.start()
    configure(tuvi, sink, dns, "empty.far.example")
    tuvi.start()
    queue_id = send(tuvi)
    log = tuvi.wait_log(f"{queue_id}: to=")
    assert re.search(rf"{queue_id}: .*dsn=4\.4\.3, status=deferred \(Host or domain name not found\. .*"
                     r"name=nothere\.far\.example type=A: Host not found, try again\)", log), log


def test_mail_waits_while_dns_does_not_answer(tuvi, sink, dns):
    configure(tuvi, sink, dns, "two.far.example")
    tuvi.start()
    queue_id = send(tuvi)
    log = tuvi.wait_log("status=deferred", 60)
    assert "Name service error for name=two.far.example type=MX: Host not found, try again" in log
    dns.start()
    tuvi.wait_log(f"{queue_id}: removed", 60)
    assert len(sink.messages) == 1


def test_a_resolve_role_that_dies_comes_back(tuvi, sink, dns):
    dns.start()
    configure(tuvi, sink, dns, "two.far.example")
    tuvi.start()
    for count in range(1, 4):
        (role,) = tuvi.processes("resolve")
        os.kill(role, signal.SIGKILL)
        tuvi.wait_log(f"{send(tuvi)}: removed")
        assert len(sink.messages) == count
        wait_for(lambda old=role: tuvi.processes("resolve") not in ([], [old]), 20, "another resolve role")


def test_a_reload_brings_other_servers(tuvi, sink, dns):
    dns.start()
    other = Dns({"far.example": "two 0 MX 10 other\nother A 127.0.0.1\n"}).start()
    try:
        configure(tuvi, sink, dns, "two.far.example")
        tuvi.start()
        tuvi.wait_log(f"{send(tuvi)}: removed")
        configure(tuvi, sink, other, "two.far.example")
        tuvi.process.send_signal(signal.SIGHUP)
        tuvi.wait_log("reload -- version")
        wait_for(lambda: len(tuvi.processes("resolve")) == 1, 20, "the resolve role")
        log = tuvi.wait_log(f"{send(tuvi)}: removed")
        assert f"relay=other.far.example[127.0.0.1]:{sink.port}, " in log
    finally:
        other.close()


def test_the_resolve_role_has_no_power(tuvi, sink, dns):
    configure(tuvi, sink, dns, "two.far.example")
    tuvi.start()
    (role,) = tuvi.processes("resolve")
    status = pathlib.Path(f"/proc/{role}/status").read_text()
    assert "NoNewPrivs:\t1\n" in status and "Seccomp:\t2\n" in status and f"CapEff:\t{'0' * 16}\n" in status
    assert os.getuid() != 0 or not re.search(r"^Uid:.*\b0\b", status, re.M)


def test_without_a_domain_to_ask_about_there_is_no_resolve_role(tuvi, sink):
    tuvi.configure(sink.port, more=QUICK)
    tuvi.start()
    assert tuvi.workers() and not tuvi.processes("resolve")
