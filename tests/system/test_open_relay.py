"""The tricks by which strangers have sent mail through others' servers: none works, whoever is addressed."""
import pytest

from harness import STRANGER, Client, Sink, Tuvi

# Addresses that mean somebody elsewhere, one way or another.
TRICKS = [
    "<victim@remote.test>",
    "victim@remote.test",
    "<victim%remote.test@local.test>",
    "<victim%remote.test>",
    "<victim%remote.test@[127.0.0.1]>",
    "<victim%remote.test@mx.local.test>",
    "<victim%remote.test%local.test@local.test>",
    "<\"victim@remote.test\">",
    "<\"victim@remote.test\"@local.test>",
    "<\"victim%remote.test\">",
    "<\"victim%remote.test\"@local.test>",
    "<\"remote.test!victim\"@local.test>",
    "<victim\\@remote.test@local.test>",
    "<victim@remote.test@local.test>",
    "<remote.test!victim>",
    "<remote.test!victim@local.test>",
    "<local.test!remote.test!victim>",
    "<local.test!victim@remote.test>",
    "<@local.test:victim@remote.test>",
    "<@local.test,@mx.local.test:victim@remote.test>",
    "<@mx.local.test:victim%remote.test@local.test>",
    "<@[127.0.0.1]:victim@remote.test>",
    "<victim@[127.0.0.1]@remote.test>",
    "<victim@remote.test.>",
    "<victim@REMOTE.test>",
    "<victim@[192.0.2.1]>",
    "<victim@[IPv6:2001:db8::1]>",
    "<victim@local.test.remote.test>",
    "<bob@local.test>,<victim@remote.test>",
    "<bob@local.test, victim@remote.test>",
    "<bob@local.test> <victim@remote.test>",
    "<bob@local.test\\0.remote.test>",
    "<victim:remote.test@local.test>",
    "<smtp:victim@remote.test>",
]

SENDERS = ["<ada@remote.test>", "<>", "<bob@local.test>", "<postmaster@local.test>", "<root@[127.0.0.1]>", "<root>"]


@pytest.fixture(scope="module")
def server():
    sink = Sink()
    tuvi = Tuvi(sink.port)
    tuvi.sink = sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


@pytest.mark.parametrize("trick", TRICKS)
def test_a_stranger_cannot_send_elsewhere(server, trick):
    for sender in SENDERS:
        client = Client(server.p25, STRANGER)
        client.ehlo()
        assert client.command(f"MAIL FROM:{sender}")[0] == 250
        code, lines = client.command(f"RCPT TO:{trick}")
        assert code in (450, 451, 454, 501, 550, 554, 555), (trick, sender, lines)
        assert client.command("DATA")[0] == 554
        client.send("BDAT 3 LAST\r\nx\r\n")
        assert client.reply()[0] == 554
        client.close()


def test_a_route_that_leads_home_is_not_followed(server):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    assert client.message("ada@remote.test", ["@remote.test:bob@local.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
    client.close()
    assert [message.recipients for message in server.sink.messages] in ([], [["bob@local.test"]])
