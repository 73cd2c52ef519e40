"""Whom an address stands for: virtual_alias_maps and alias_maps, as clients and the next hop see it."""
import pytest

from harness import STRANGER, Client, Sink, Tuvi, wait_for

MAPS = """
mydestination = home.test
virtual_alias_domains = alias.test
virtual_alias_maps = inline:{ {sales@alias.test=ada@far.test, bob@far.test} {one@alias.test=ada@far.test}
    {round@alias.test=trip@alias.test} {trip@alias.test=round@alias.test} }
alias_maps = inline:{ {postmaster=ada@far.test} {news=|/bin/news} }
"""


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def server(sink):
    tuvi = Tuvi(sink.port, more=MAPS)
    yield tuvi.start()
    tuvi.close()


@pytest.fixture
def client(server):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    client.command("MAIL FROM:<x@far.test>")
    yield client
    client.close()


def test_a_stranger_s_mail_goes_to_all_whom_the_alias_stands_for(server, sink):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    assert client.message("x@far.test", ["sales@alias.test", "one@alias.test"], b"Subject: s\r\n\r\nhi\r\n")[0] == 250
    sink.wait(1)
    client.close()
    assert sorted(sink.messages[0].recipients) == ["ada@far.test", "bob@far.test"]
    server.wait_log("to=<bob@far.test>, orig_to=<sales@alias.test>, relay=")
    assert b"ada@far.test" not in sink.messages[0].header_and_body()[0]


def test_the_trace_names_the_recipient_as_the_client_did(server, sink):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    assert client.message("x@far.test", ["one@alias.test"], b"Subject: s\r\n\r\nhi\r\n")[0] == 250
    sink.wait(1)
    client.close()
    assert b"for <one@alias.test>;" in sink.messages[0].data
    assert sink.messages[0].recipients == ["ada@far.test"]


def test_an_address_that_no_alias_has_is_unknown(client):
    assert client.command("RCPT TO:<nobody@alias.test>") == (
        550, ["550 5.1.1 <nobody@alias.test>: Recipient address rejected: User unknown in virtual alias table"])


def test_a_circle_is_deferred_and_the_log_says_why(server, client):
    assert client.command("RCPT TO:<round@alias.test>")[0] == 451
    server.wait_log("the alias leads in a circle")


def test_the_postmaster_has_an_alias(client):
    assert client.command("RCPT TO:<postmaster@home.test>")[0] == 250
    assert client.command("RCPT TO:<news@home.test>")[0] == 451


def test_a_stranger_cannot_reach_far_places_by_naming_them(client):
    assert client.command("RCPT TO:<ada@far.test>")[0] == 554
