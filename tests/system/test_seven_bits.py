"""Mail of eight bits on its way to a server that does not offer 8BITMIME: what arrives can be decoded to what was
sent, by a reader that knows nothing of us, and is what a Postfix in our place sends. RFC 6152 §3."""
import email
import email.policy

import pytest

from harness import MINE, Client, Sink, Tuvi
from odd_messages import EIGHT, HOPELESS, LIKE_POSTFIX, MIME, TEXT, UNLIKE_POSTFIX, UTF8
from postfix import Postfix

CONVERTED = {**LIKE_POSTFIX, **UNLIKE_POSTFIX}
# What Python's reader does not take for what RFC 5322 §4.5, RFC 2046 §5.1.1 and RFC 6532 §3.7 have it be.
READ_OTHERWISE = ("a label with space before the colon", "lines like boundaries", "a message/global")
CONVERTS = """\
disable_mime_input_processing = no
disable_mime_output_conversion = no
line_length_limit = 2048
"""


def send(port, data):
    client = Client(port, MINE)
    client.ehlo()
    for line, code in (("MAIL FROM:<ada@local.test>", 250), ("RCPT TO:<bob@remote.test>", 250), ("DATA", 354)):
        assert client.command(line)[0] == code
    client.send(data.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    assert client.reply()[0] == 250
    client.quit()


class Relay:
    """A server and the sink where it brings everything."""

    def __init__(self, make, *keywords):
        self.sink = Sink(keywords=("PIPELINING", *keywords))
        self.program = make(self.sink.port).start()
        self.port = getattr(self.program, "p25", None) or self.program.port

    def next(self, data):
        """What arrives next when this is sent."""
        count = len(self.sink.messages)
        send(self.port, data)
        return self.sink.wait(count + 1)[count]

    def through(self, data):
        """The same, without the trace header."""
        arrived = self.next(data).data
        return arrived[arrived.index(b"From: "):]

    def close(self):
        self.program.close()
        self.sink.close()


def tuvi_for(sink_port):
    return Tuvi(sink_port, "tuvi_workers = 1\n")


@pytest.fixture(scope="module")
def ours():
    relay = Relay(tuvi_for)
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def theirs():
    relay = Relay(lambda sink_port: Postfix("real", sink_port, CONVERTS))
    yield relay
    relay.close()


def leaves(data):
    """Type and body of each part that holds none."""
    message = email.message_from_bytes(data.replace(b"\r\n", b"\n"), policy=email.policy.compat32)
    return [(part.get_content_type(), part.get_payload(decode=True))
            for part in message.walk() if not part.is_multipart()]


def body_of(data):
    return data.split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize("name", LIKE_POSTFIX)
def test_what_arrives_is_what_postfix_sends(ours, theirs, name):
    assert ours.through(LIKE_POSTFIX[name]) == theirs.through(LIKE_POSTFIX[name])


@pytest.mark.parametrize("name", UNLIKE_POSTFIX)
def test_and_differs_where_that_cannot_be_right(ours, theirs, name):
    assert ours.through(UNLIKE_POSTFIX[name]) != theirs.through(UNLIKE_POSTFIX[name])


@pytest.mark.parametrize("name", [name for name in CONVERTED if name not in READ_OTHERWISE])
def test_a_reader_gets_every_byte_back(ours, name):
    sent = CONVERTED[name]
    arrived = ours.through(sent)
    assert leaves(arrived) == leaves(sent)
    for line in body_of(arrived).split(b"\r\n"):
        assert line.isascii() or line.startswith(b"Subject:")
        assert len(line) <= 76


@pytest.mark.parametrize("name", HOPELESS)
def test_what_cannot_be_converted_is_returned(ours, name):
    notice = ours.next(HOPELESS[name])
    assert (notice.sender, notice.recipients) == ("", ["ada@local.test"])
    assert b"Status: 5.6.3" in notice.data
    ours.program.wait_log("dsn=5.6.3, status=bounced (8BITMIME is required, but was not offered by host 127.0.0.1[127.0.0.1])")


def test_text_without_any_mime_is_text_in_an_unknown_character_set(ours):
    message = email.message_from_bytes(ours.through(UNLIKE_POSTFIX["no MIME at all"]))
    assert message["MIME-Version"] == "1.0"
    assert message["Content-Type"] == "text/plain; charset=unknown-8bit"
    assert message.get_payload(decode=True) == TEXT + b"\r\n"


def test_nothing_is_touched_on_the_way_to_a_server_that_takes_eight_bits():
    relay = Relay(tuvi_for, "8BITMIME")
    try:
        for data in [*CONVERTED.values(), *HOPELESS.values()]:
            assert relay.through(data) == data
    finally:
        relay.close()


def test_content_that_has_to_be_read_from_disk_is_converted_too(ours):
    body = b"".join(b"%d " % n + TEXT * (n % 50) + b" \r\n" for n in range(20000))
    arrived = ours.through(MIME + UTF8 + EIGHT + b"\r\n" + body)
    assert len(body) > 3000000 and body_of(arrived).isascii()
    assert leaves(arrived) == [("text/plain", body.replace(b"\r\n", b"\n"))]
