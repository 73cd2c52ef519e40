"""Where connections come from: smtp_bind_address and its kin, as Postfix does it."""
import re
import subprocess

import pytest

from harness import TUVI, Client, Tuvi, wait_for
from hop import QUICK
from postfix import Postfix

LMTP = "virtual_transport = lmtp:inet:127.0.0.1:{port}\n"


@pytest.fixture
def start(sink):
    made = []

    def make(kind, more="", more_services=""):
        if kind == "postfix":
            server = Postfix("real", sink.port, "mynetworks = 127.0.0.0/8\n" + more)
            port = server.port
        else:
            server = Tuvi(sink.port, QUICK + more, more_services)
            port = server.p25
        made.append(server)
        return server.start(), port
    yield make
    for one in made:
        one.close()


def send(port, recipient="r@far.test"):
    client = Client(port)
    client.ehlo()
    assert client.message("s@sender.test", [recipient], "Subject: x\r\n\r\nx\r\n")[0] == 250
    client.quit()


@pytest.mark.parametrize("kind", ["postfix", "tuvi"])
def test_connections_come_from_the_address_that_was_named(start, sink, kind):
    _, port = start(kind, "smtp_bind_address = 127.0.0.77\n")
    send(port)
    assert sink.wait(1)[0].peer[0] == "127.0.0.77"


@pytest.mark.parametrize("kind", ["postfix", "tuvi"])
def test_an_address_that_is_not_ours_is_passed_over(start, sink, kind):
    server, port = start(kind, "smtp_bind_address = [192.0.2.1]\n")
    send(port)
    assert sink.wait(1)[0].peer[0] == "127.0.0.1"
    server.wait_log("warning: smtp_connect_addr: bind 192.0.2.1: Cannot assign requested address")


@pytest.mark.parametrize("kind", ["postfix", "tuvi"])
def test_or_the_mail_waits_where_that_is_enforced(start, sink, kind):
    server, port = start(kind, "smtp_bind_address = 192.0.2.1\nsmtp_bind_address_enforce = yes\n")
    send(port)
    log = server.wait_log("status=deferred")
    assert re.search(r"to=<r@far\.test>, relay=none, .*dsn=4\.4\.0, status=deferred \(server configuration error\)", log)
    assert "bind 192.0.2.1: Cannot assign requested address" in log
    assert not sink.messages


def test_a_transport_can_have_one_of_its_own(start, sink):
    _, port = start("tuvi", f"relay_domains = here.test\nrelay_transport = near:[127.0.0.1]:{sink.port}\n"
                    "smtp_bind_address = 127.0.0.77\n", "near unix - - n - - smtp -o smtp_bind_address=127.0.0.78\n")
    send(port)
    send(port, "r@here.test")
    assert {one.recipients[0]: one.peer[0] for one in sink.wait(2)} == \
        {"r@far.test": "127.0.0.77", "r@here.test": "127.0.0.78"}


def test_lmtp_has_its_own(start, sink):
    server, port = start("tuvi", f"{LMTP.format(port=sink.port)}lmtp_bind_address = 192.0.2.1\n"
                         "lmtp_bind_address_enforce = yes\n")
    send(port, "r@local.test")
    wait_for(lambda: re.search(r"to=<r@local\.test>.*dsn=4\.4\.0, status=deferred \(server configuration error\)",
                               server.log()), 20, "the mail to wait")
    send(port)
    sink.wait(1)


@pytest.mark.parametrize("name,value", [("smtp_bind_address", "::1"), ("smtp_bind_address6", "127.0.0.1"),
                                        ("lmtp_bind_address", "localhost"), ("lmtp_bind_address6", "x")])
def test_what_is_no_such_address_stops_the_start(tuvi, sink, name, value):
    tuvi.configure(sink.port, f"{name} = {value}\n")
    done = subprocess.run([TUVI, "check", tuvi.root], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{name} = {value}: write an address of this machine" in done.stdout + done.stderr
