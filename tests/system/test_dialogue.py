"""What a person types, and what the server says about itself."""
import base64
import queue
import re
import socket
import subprocess
import threading

import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi, tls_context, wait_for

# ---- typed by hand ----


class Typist:
    """Types lines into openssl s_client, as a person does, and reads what it shows."""

    def __init__(self, port, source):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-starttls", "smtp", "-crlf", "-connect", f"127.0.0.1:{port}",
             "-bind", f"{source}:0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode("latin-1").rstrip("\r\n"))
        self.lines.put(None)

    def see(self, expected, seconds=20):
        """Waits for a line that begins so, and returns it."""
        while True:
            try:
                line = self.lines.get(timeout=seconds)
            except queue.Empty:
                line = None
            assert line is not None, f"{expected!r} was not seen, but {self.seen}"
            self.seen.append(line)
            if line.startswith(expected):
                return line

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


@pytest.fixture
def typist():
    made = []

    def make(port, source=STRANGER):
        made.append(Typist(port, source))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_the_dialogue_of_the_howto_works_as_typed(tuvi, sink, typist):
    tuvi.configure(sink.port, "myhostname = mail.example\nvirtual_mailbox_domains = mail.example\n")
    tuvi.passwd("test", "password")
    tuvi.start()
    person = typist(tuvi.p25)
    person.see("250 LIMITS RCPTMAX=1000")
    person.type("helo test.example")
    assert person.see("250") == "250 mail.example"
    person.type("auth login")
    assert person.see("334") == "334 VXNlcm5hbWU6"
    person.type("dGVzdA==")
    assert person.see("334") == "334 UGFzc3dvcmQ6"
    person.type("cGFzc3dvcmQ=")
    assert person.see("2") == "235 2.7.0 Authentication successful"
    person.type("mail from: jj@mail.example")
    assert person.see("250") == "250 2.1.0 Ok"
    person.type("rcpt to: jj@mail.example")
    assert person.see("250") == "250 2.1.5 Ok"
    person.type("data")
    assert person.see("354") == "354 End data with <CR><LF>.<CR><LF>"
    person.type("test")
    person.type(".")
    taken = person.see("250")
    assert re.fullmatch(r"250 2\.0\.0 Ok: queued as [0-9A-F]{6,}", taken)
    person.type("quit")
    person.see("221 2.0.0 Bye")
    message = sink.wait(1)[0]
    assert (message.sender, message.recipients) == ("jj@mail.example", ["jj@mail.example"])
    head, body = message.header_and_body()
    assert body == b"test\r\n"
    assert head.startswith(b"Received: from test.example (unknown [127.0.0.3])\r\n\t(using TLSv1.3 with cipher ")
    queue_id = taken.split()[-1]
    tuvi.wait_log(f"{queue_id}: client=unknown[127.0.0.3], sasl_method=login, sasl_username=test\n")
    tuvi.wait_log(f"{queue_id}: message-id=<>\n")


def test_the_dialogue_relays_for_the_stranger_who_logged_in(tuvi, sink, typist):
    tuvi.passwd("test", "password")
    tuvi.start()
    person = typist(tuvi.p587)
    person.see("250 LIMITS RCPTMAX=1000")
    for line, reply in (("helo test.example", "250 mx.local.test"), ("auth login", "334 VXNlcm5hbWU6"),
                        ("dGVzdA==", "334 UGFzc3dvcmQ6"), ("cGFzc3dvcmQ=", "235 2.7.0 Authentication successful"),
                        ("mail from: jj@local.test", "250 2.1.0 Ok"), ("rcpt to: jj@remote.test", "250 2.1.5 Ok"),
                        ("data", "354 End data with <CR><LF>.<CR><LF>"), ("test\n.", "250 2.0.0 Ok: queued as ")):
        person.type(line)
        person.see(reply)
    assert sink.wait(1)[0].recipients == ["jj@remote.test"]


# ---- what EHLO announces ----

PLAIN = ["PIPELINING", "SIZE 10240000", "VRFY", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8",
         "CHUNKING", "LIMITS RCPTMAX=1000"]
SECURE = ["PIPELINING", "SIZE 10240000", "VRFY", "AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN", "ENHANCEDSTATUSCODES",
          "8BITMIME", "DSN", "SMTPUTF8",
         "CHUNKING", "LIMITS RCPTMAX=1000"]
MUST_STARTTLS = (530, ["530 5.7.0 Must issue a STARTTLS command first"])


@pytest.fixture(scope="module")
def server():
    """One for all that only look."""
    sink = Sink()
    tuvi = Tuvi(sink.port)
    tuvi.sink = sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


@pytest.fixture(params=["25", "25 with TLS", "587 with TLS", "465"])
def ready(request, server):
    """A session where mail is taken (from one who logged in, where that is possible), and what it was offered."""
    port = {"2": server.p25, "5": server.p587, "4": server.p465}[request.param[0]]
    client = Client(port, wrapped=request.param == "465")
    client.server = server
    client.offered = client.ehlo()
    if request.param.endswith("with TLS"):
        client.offered = client.starttls()
    client.secure = request.param != "25"
    yield client
    client.close()


@pytest.fixture
def author(ready):
    if ready.secure:
        assert ready.auth_plain()[0] == 235
    return ready


def test_the_list_has_what_works_in_the_order_of_postfix(ready):
    assert ready.offered == (SECURE if ready.secure else PLAIN)


def test_the_list_before_tls_where_tls_is_a_must(server):
    client = Client(server.p587)
    assert client.ehlo() == PLAIN
    client.close()


def test_before_tls_where_tls_is_a_must_only_the_way_to_tls_is_open(server):
    client = Client(server.p587)
    client.ehlo()
    for line in ("MAIL FROM:<ada@local.test> SIZE=100", "RCPT TO:<bob@remote.test>", "DATA", "VRFY bob", "RSET",
                 "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=", "AUTH LOGIN"):
        assert client.command(line) == MUST_STARTTLS, line
    client.send("NOOP\r\nMAIL FROM:<ada@local.test> BODY=8BITMIME\r\nHELO client.test\r\n")
    assert [client.reply()[1][0][:3] for _ in range(3)] == ["250", "530", "250"]  # PIPELINING keeps the order
    assert client.starttls() == SECURE
    client.close()


def test_pipelining_takes_a_whole_message_in_one_breath(author):
    author.send("MAIL FROM:<ada@local.test>\r\nRCPT TO:<bob@local.test>\r\nRCPT TO:<eve@local.test>\r\nDATA\r\n"
                "Subject: one breath\r\n\r\nhello\r\n.\r\nQUIT\r\n")
    assert [author.reply()[0] for _ in range(6)] == [250, 250, 250, 354, 250, 221]


def test_size_is_the_limit_that_is_held(author):
    assert author.command("MAIL FROM:<ada@local.test> SIZE=10240000")[0] == 250
    assert author.command("RSET")[0] == 250
    assert author.command("MAIL FROM:<ada@local.test> SIZE=10240001") == \
        (552, ["552 5.3.4 Message size exceeds fixed limit"])
    assert author.command("MAIL FROM:<ada@local.test> SIZE=many") == (501, ["501 5.5.4 Bad message size syntax"])


def test_a_message_larger_than_size_is_refused_at_its_end(author):
    long_line = b"x" * 1022 + b"\r\n"
    assert author.message("ada@local.test", ["bob@local.test"], long_line * 10001) == \
        (552, ["552 5.3.4 Error: message file too big"])
    assert author.message("ada@local.test", ["bob@local.test"], "Subject: short\r\n\r\nhello\r\n")[0] == 250


def test_vrfy_answers_and_gives_nothing_away(author):
    assert author.command("VRFY bob@local.test") == (252, ["252 2.0.0 bob@local.test"])
    assert author.command("VRFY nobody@remote.test") == (252, ["252 2.0.0 nobody@remote.test"])


def test_starttls_works_once(server):
    client = Client(server.p25)
    client.ehlo()
    assert client.starttls() == SECURE
    assert client.command("STARTTLS") == (554, ["554 5.5.1 Error: TLS already active"])
    client.close()


def test_every_mechanism_that_is_announced_lets_alice_in(server):
    for port, wrapped in ((server.p25, False), (server.p587, False), (server.p465, True)):
        for mechanism in ("PLAIN", "LOGIN"):
            client = Client(port, STRANGER, wrapped)
            offered = client.ehlo() if wrapped else client.ehlo() and client.starttls()
            assert mechanism in [word for line in offered if line.startswith("AUTH ") for word in line.split()[1:]]
            assert mechanism in [word for line in offered if line.startswith("AUTH=") for word in line[5:].split()]
            if mechanism == "PLAIN":
                assert client.auth_plain() == (235, ["235 2.7.0 Authentication successful"])
            else:
                assert client.command("AUTH LOGIN") == (334, ["334 VXNlcm5hbWU6"])
                assert client.command(base64.b64encode(b"alice").decode()) == (334, ["334 UGFzc3dvcmQ6"])
                assert client.command(base64.b64encode(b"wonderland").decode())[0] == 235
            client.close()


def test_replies_have_enhanced_status_codes(author):
    for line, beginning in (("MAIL FROM:<ada@local.test>", "250 2.1.0 "), ("RCPT TO:<bob@local.test>", "250 2.1.5 "),
                            ("RCPT TO:<>", "501 5.1.3 "), ("MAIL FROM:<x@y.test>", "503 5.5.1 "), ("RSET", "250 2.0.0 "),
                            ("DATA", "503 5.5.1 "), ("NOOP", "250 2.0.0 "), ("WHAT", "500 5.5.2 "),
                            ("MAIL FROM:<ada@local.test> WHAT=1", "555 5.5.4 "), ("QUIT", "221 2.0.0 ")):
        _, lines = author.command(line)
        assert lines[0].startswith(beginning), (line, lines)


def test_eight_bits_pass_unchanged(author):
    body = bytes(range(0x80, 0x100)) + b"\r\n"
    recipient = f"eight-{id(author)}@local.test"
    said = []
    author.server.sink.answer_mail = lambda text: said.append(text) or "250 2.1.0 Ok"
    assert author.command("MAIL FROM:<ada@local.test> BODY=8BITMIME")[0] == 250
    assert author.command(f"RCPT TO:<{recipient}>")[0] == 250
    assert author.command("DATA")[0] == 354
    author.send(b"Subject: x\r\n\r\n" + body + b".\r\n")
    assert author.reply()[0] == 250
    arrived = wait_for(lambda: [m for m in author.server.sink.messages if m.recipients == [recipient]])
    assert arrived[0].header_and_body()[1] == body
    assert any(text.endswith(" BODY=8BITMIME") for text in said)
    assert author.command("MAIL FROM:<ada@local.test> BODY=BINARYMIME")[0] == 555


def test_a_message_in_chunks(author):
    recipient = f"chunks-{id(author)}@local.test"
    content = b"Subject: chunks\r\n\r\n.\r\n..\r\nQUIT\r\n" + b"x" * 100000 + b"\r\n"
    pieces = [content[:7], content[7:20], content[20:70000], content[70000:]]
    assert author.command("MAIL FROM:<ada@local.test>")[0] == 250
    author.send(f"RCPT TO:<{recipient}>\r\n")
    for piece in pieces:
        author.send(b"BDAT %d\r\n" % len(piece) + piece)
    author.send("BDAT 0 LAST\r\n")
    assert author.reply() == (250, ["250 2.1.5 Ok"])
    for piece in pieces:
        assert author.reply() == (250, [f"250 2.0.0 Ok: {len(piece)} bytes"])
    code, lines = author.reply()
    assert code == 250 and lines[0].startswith(f"250 2.0.0 Ok: {len(content)} bytes queued as "), lines
    arrived = wait_for(lambda: [m for m in author.server.sink.messages if m.recipients == [recipient]])
    assert arrived[0].header_and_body()[1] == content.split(b"\r\n\r\n", 1)[1]


def test_chunks_that_are_too_much(author):
    assert author.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert author.command("RCPT TO:<bob@local.test>")[0] == 250
    author.send(b"BDAT 5\r\na\nb\nc")
    assert author.reply()[0] == 250
    author.send(b"BDAT 10240000\r\n" + b"QUIT\r\n" * 1706666 + b"QUIT" + b"BDAT 6 LAST\r\nQUIT\r\n")
    assert author.reply() == (552, ["552 5.3.4 Chunk exceeds message size limit"])
    assert author.reply() == (551, ["551 5.0.0 Discarded 6 bytes after earlier error"])
    assert author.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert author.command("BDAT many") == (521, ["521 5.5.4 Syntax: BDAT count [LAST]"])


def test_a_message_that_runs_in_a_circle(author):
    trace = "Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n"
    refused = (554, ["554 5.4.0 Error: too many hops"])
    assert author.message("ada@local.test", ["bob@local.test"], trace * 50 + "\r\nx\r\n") == refused
    assert author.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert author.command("RCPT TO:<bob@local.test>")[0] == 250
    for _ in range(49):
        author.send(f"BDAT {len(trace)}\r\n{trace}")
        assert author.reply()[0] == 250
    author.send(f"BDAT {len(trace) + 2} LAST\r\n{trace}\r\n")
    assert author.reply() == refused


def test_what_is_not_announced_does_not_work(author):
    for line in ("EXPN staff", "ATRN"):
        assert author.command(line) == (500, ["500 5.5.2 Error: command not recognized"]), line
    for line in ("XCLIENT ADDR=127.0.0.2", "XFORWARD ADDR=127.0.0.2"):
        assert author.command(line) == (550, ["550 5.7.0 Error: insufficient authorization"]), line
    for option in ("REQUIRETLS", "XVERP", "MT-PRIORITY=3"):
        assert author.command(f"MAIL FROM:<ada@local.test> {option}")[0] == 555, option
    assert author.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert author.command("RCPT TO:<bob@local.test> FOO=NEVER")[0] == 555


def test_other_protocols_are_named_in_the_log(server):
    for first, words in ((b"\x16\x03\x01\x02\x00\x01\x00", "begins TLS on a port that begins in plain text"),
                         (b"GET / HTTP/1.1\r\n", "speaks HTTP"),
                         (b"Subject: spam\r\n", f"non-SMTP command from unknown[{MINE}]: Subject: spam")):
        client = Client(server.p25)
        client.send(first)
        assert client.reply() == (221, ["221 2.7.0 Error: I can break rules, too. Goodbye."])
        assert client.reply() == (0, [])
        client.close()
        server.wait_log(words)


def test_plain_text_where_tls_belongs_is_named_in_the_log(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_starttls_timeout = 1\n")
    tuvi.start()
    for first, words in ((b"EHLO client.test\r\n", f"unknown[{MINE}] speaks plain text on a port that begins with TLS"),
                         (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", f"unknown[{MINE}] speaks HTTP"),
                         (b"", f"unknown[{MINE}] did not begin TLS on a port that begins with it")):
        with socket.create_connection(("127.0.0.1", tuvi.p465), 20, (MINE, 0)) as connection:
            connection.sendall(first)
            tuvi.wait_log(words)


def test_commands_and_keywords_of_ones_own(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_noop_commands = XNOP\nsmtpd_forbidden_commands = XBAD\n"
                              "smtpd_discard_ehlo_keyword_address_maps = inline:{{%s = chunking, vrfy, limits}}\n" % MINE +
                              "smtpd_forbid_unauth_pipelining = yes\n")
    tuvi.start()
    client = Client(tuvi.p25)
    assert client.ehlo() == ["PIPELINING", "SIZE 10240000", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8"]
    tuvi.wait_log("discarding EHLO keywords: VRFY CHUNKING LIMITS")
    assert client.command("XNOP") == (250, ["250 2.0.0 Ok"])
    assert client.command("ETRN local.test") == (459, ["459 <local.test>: service unavailable"])
    assert client.command("XBAD")[0] == 221
    client.close()
    client = Client(tuvi.p25)
    client.send("HELO client.test\r\nMAIL FROM:<ada@local.test>\r\n")
    assert client.reply() == (554, ["554 5.5.0 Error: SMTP protocol synchronization"])
    assert client.reply() == (0, [])
    client.close()
    tuvi.wait_log("improper command pipelining after HELO from")


def test_strict_services(tuvi, sink):
    tuvi.configure(sink.port, "strict_rfc821_envelopes = yes\nsmtpd_discard_ehlo_keywords = dsn, 8bitmime, silent-discard\n"
                              "smtpd_forbid_bare_newline = reject\nsmtpd_forbid_bare_newline_reject_code = 521\n")
    tuvi.start()
    friend, stranger = Client(tuvi.p25), Client(tuvi.p25, STRANGER)
    for client in (friend, stranger):
        assert "8BITMIME" not in client.ehlo()
        assert client.command("MAIL FROM:ada@local.test") == (501, ["501 5.1.7 Bad sender address syntax"])
        assert client.command("MAIL FROM:<ada@local.test>")[0] == 250
        assert client.command("RCPT TO:<bob@local.test>")[0] == 250
        assert client.command("DATA")[0] == 354
        client.send("Subject: x\n\nx\r\n.\r\n")
    assert friend.reply()[0] == 250  # mynetworks are not meant
    assert stranger.reply() == (521, ["521 5.5.2 mx.local.test Error: bare <LF> received"])
    assert stranger.reply() == (0, [])
    for client in (friend, stranger):
        client.close()
    assert "discarding" not in tuvi.log()
    tuvi.wait_log("notes=bare_lf")


def test_recipients_have_limits(tuvi, sink):
    slow = "a" * 60
    tuvi.configure(sink.port, "smtpd_recipient_limit = 2\nvirtual_mailbox_maps = pcre:{{/^(a+a+)+b@/ x} {/^bob/ x}}\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    assert client.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert client.command(f"RCPT TO:<{slow}@local.test>") == \
        (451, [f"451 4.3.0 <{slow}@local.test>: Temporary lookup failure"])
    assert client.command("RCPT TO:<bob1@local.test>")[0] == 250
    assert client.command("RCPT TO:<bob2@local.test>")[0] == 250
    for recipient in ("bob3", "nobody"):    # it is not even looked up
        assert client.command(f"RCPT TO:<{recipient}@local.test>") == (452, ["452 4.5.3 Error: too many recipients"])
    client.close()


def test_helo_announces_nothing(ready):
    assert ready.command("HELO client.test") == (250, ["250 mx.local.test"])
    assert ready.command("HELO") == (501, ["501 Syntax: HELO hostname"])
    assert ready.command("EHLO") == (501, ["501 Syntax: EHLO hostname"])


def test_what_is_switched_off_is_not_announced(tuvi, sink):
    tuvi.configure(sink.port, "disable_vrfy_command = yes\nsmtpd_tls_security_level = none\nmessage_size_limit = 0\n"
                              "broken_sasl_auth_clients = no\nsmtpd_sasl_auth_enable = no\n")
    tuvi.start()
    client = Client(tuvi.p25)
    assert client.ehlo() == ["PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8",
         "CHUNKING", "LIMITS RCPTMAX=1000"]
    assert client.command("VRFY bob") == (502, ["502 5.5.1 VRFY command is disabled"])
    assert client.command("STARTTLS") == (502, ["502 5.5.1 Error: command not implemented"])
    assert client.command("AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=") == \
        (503, ["503 5.5.1 Error: authentication not enabled"])
    client.close()
    client = Client(tuvi.p465, wrapped=True)
    assert client.ehlo() == ["PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8",
         "CHUNKING", "LIMITS RCPTMAX=1000"]
    client.close()


def test_the_old_form_of_auth_is_announced_on_demand_only(tuvi, sink):
    tuvi.configure(sink.port, "broken_sasl_auth_clients = no\n")
    tuvi.start()
    client = Client(tuvi.p465, wrapped=True)
    assert client.ehlo() == [line for line in SECURE if line != "AUTH=PLAIN LOGIN"]
    client.close()


def test_the_session_starts_again_with_tls(server):
    client = Client(server.p25)
    client.ehlo()
    assert client.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert client.command("RCPT TO:<bob@remote.test>")[0] == 250
    assert client.command("STARTTLS")[0] == 220
    client.file.close()
    client.socket = tls_context().wrap_socket(client.socket)
    client.open_file()
    assert client.command("DATA") == (503, ["503 5.5.1 Error: need RCPT command"])
    assert client.command("RCPT TO:<bob@remote.test>") == (503, ["503 5.5.1 Error: need MAIL command"])
    client.close()
