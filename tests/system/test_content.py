"""What becomes of bytes that not every server bears, and of what a client says about a message."""
import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi

UMLAUTS = "Subject: x\r\n\r\nGrüße\r\n".encode()


@pytest.fixture
def relay():
    made = []

    def start(keywords, more="", more_services=""):
        sink = Sink(keywords=keywords)
        tuvi = Tuvi(sink.port, "tuvi_workers = 1\n" + more, more_services)
        made.extend((tuvi, sink))
        return tuvi.start(), sink
    yield start
    for one in made:
        one.close()


def bring(tuvi, data, mail="MAIL FROM:<ada@local.test>"):
    client = Client(tuvi.p25, MINE)
    client.ehlo()
    for line, code in ((mail, 250), ("RCPT TO:<bob@remote.test>", 250), ("DATA", 354)):
        assert client.command(line)[0] == code
    client.send(data + b".\r\n")
    code, lines = client.reply()
    assert code == 250, lines
    client.quit()


@pytest.mark.parametrize("mail", ("MAIL FROM:<ada@local.test>", "MAIL FROM:<ada@local.test> BODY=8BITMIME"))
def test_mail_of_eight_bits_is_encoded_where_they_are_not_taken(relay, mail):
    tuvi, sink = relay(("PIPELINING",))
    bring(tuvi, UMLAUTS, mail)
    assert sink.wait(1)[0].data.endswith(b"\r\n\r\nGr=C3=BC=C3=9Fe\r\n")


def test_mail_of_seven_bits_goes_there_whatever_was_declared(relay):
    tuvi, sink = relay(("PIPELINING",))
    bring(tuvi, b"Subject: x\r\n\r\nhello\r\n", "MAIL FROM:<ada@local.test> BODY=8BITMIME")
    assert sink.wait(1)[0].data.endswith(b"hello\r\n")


def test_eight_bits_are_sent_anyway_where_conversion_is_disabled(relay):
    tuvi, sink = relay(("PIPELINING",), "disable_mime_output_conversion = yes")
    bring(tuvi, UMLAUTS)
    assert sink.wait(1)[0].data.endswith(UMLAUTS)


def test_eight_bits_and_nul_bytes_arrive_as_they_were_sent(relay):
    tuvi, sink = relay(("PIPELINING", "8BITMIME"))
    data = b"Subject: x\r\n\r\n" + bytes(byte for byte in range(256) if byte not in b"\r\n") + b"\r\n\0\r\n"
    bring(tuvi, data)
    assert sink.wait(1)[0].data.endswith(data)


def test_a_hidden_session_leaves_no_trace_of_the_client(relay):
    tuvi, sink = relay(("PIPELINING",), "smtpd_hide_client_session = yes")
    bring(tuvi, b"Subject: x\r\n\r\nhello\r\n")
    data = sink.wait(1)[0].data
    assert data.startswith(b"Received: by mx.local.test (Tuvi) id ")
    assert MINE.encode() not in data and b"client.test" not in data


def test_who_a_message_is_from_is_logged_as_a_server_says(relay):
    tuvi, sink = relay(("PIPELINING",), "smtpd_tls_auth_only = no")
    bring(tuvi, b"Subject: x\r\n\r\nhello\r\n", "MAIL FROM:<ada@local.test> AUTH=a+2Bd+3Da@local.test")
    tuvi.wait_log(f": client=unknown[{MINE}], sasl_sender=a+d=a@local.test\n")
    bring(tuvi, b"Subject: x\r\n\r\nhello\r\n", "MAIL FROM:<ada@local.test> AUTH=<>")
    tuvi.wait_log(f": client=unknown[{MINE}]\n")
    client = Client(tuvi.p25, STRANGER)
    client.ehlo()
    client.command("MAIL FROM:<ada@remote.test> AUTH=eve@remote.test")
    assert client.command("RCPT TO:<bob@remote.test>")[0] == 554
    tuvi.wait_log("helo=<client.test> sasl_sender=eve@remote.test\n")
    client.close()
    assert len(sink.wait(2)) == 2


def header_of(length, folds):
    """A header whose longest field has so many bytes, a line break counted as one, in so many lines more than one."""
    field = "X-Long: " + "y" * (length - 8 - 3 * folds) + "\r\n z" * folds
    assert len(field.replace("\r", "")) == length
    return f"Subject: x\r\n{field}\r\nX-After: y\r\n\r\nbody\r\n"


@pytest.mark.parametrize("more, limit", (("", 102400), ("header_size_limit = 1000", 1000)))
@pytest.mark.parametrize("folds", (0, 100))
def test_a_message_with_a_header_field_that_is_too_long_is_refused(relay, more, limit, folds):
    tuvi, sink = relay(("PIPELINING",), more)
    client = Client(tuvi.p25, MINE)
    client.ehlo()
    message = ["ada@local.test", ["bob@remote.test"]]
    assert client.message(*message, header_of(limit + 1, folds)) == (552, ["552 5.6.0 Error: header field too long"])
    tuvi.wait_log(f"reject: END-OF-MESSAGE from unknown[{MINE}]: 552 5.6.0 Error: header field too long; from=<ada@local.test>")
    for data in (header_of(limit, folds), "X: y\r\n" * limit + "\r\n", "Subject: x\r\n\r\nX: " + "y" * 2 * limit + "\r\n",
                 "no header: " + "y" * 2 * limit + "\r\n"):
        assert client.message(*message, data)[0] == 250
    assert [one.data.endswith(header_of(limit, folds).encode()) for one in sink.wait(4)].count(True) == 1
    client.quit()
