"""The classic set-up runs as it stands: the files of tests/classic, which a Postfix and a Dovecot run too, with
nothing changed but their placeholders."""
import pathlib
import re
import subprocess

import pytest

from dovecot import Dovecot
from harness import MINE, STRANGER, TUVID, Client, Sink, Tuvi, wait_for

CLASSIC = pathlib.Path(__file__).parent.parent / "classic"
ALICE = {"user": "alice@local.test", "password": "wonderland"}


class ClassicTuvi(Tuvi):
    def passwd(self, user, password, *options):
        """Dovecot has the passwords."""

    def configure(self, sink_port, more="", more_services=""):
        words = {"ROOT": self.root, "SINK": sink_port, "P25": self.p25, "P587": self.p587, "P465": self.p465}

        def fill(text):
            return re.sub(r"@(\w+)@", lambda match: str(words[match.group(1)]), text)
        howto = (CLASSIC / "howto.cf").read_text().replace("/var/spool/postfix", f"{self.root}/spool")
        howto = re.sub(r"/etc/ssl/smtpd\.(key|crt)",
                       lambda match: f"{self.root}/{'key' if match.group(1) == 'key' else 'cert'}.pem", howto)
        (self.root / "main.cf").write_text(
            fill((CLASSIC / "main.cf").read_text()) + (howto if more == "howto" else ""))
        (self.root / "master.cf").write_text(fill((CLASSIC / "master.cf").read_text()))

    def log(self):
        path = self.root / "postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""


class ClassicDovecot(Dovecot):
    def __init__(self, socket):
        super().__init__(socket)
        text = (CLASSIC / "dovecot.conf").read_text()
        text = text.replace("@ROOT@/spool/private/auth", str(socket)).replace("@ROOT@/dovecot.log", "@ROOT@/log")
        text = text.replace("@ROOT@/dovecot", "@ROOT@/run")
        (self.root / "dovecot.conf").write_text(
            text.replace("@ROOT@", str(self.root)).replace("@OWNER@", self.owner))
        (self.root / "users").write_text((CLASSIC / "users").read_text())


@pytest.fixture(scope="module", params=["main.cf", "howto"])
def server(request):
    sink = Sink()
    tuvi = ClassicTuvi(sink.port, more=request.param)
    tuvi.sink = sink
    dovecot = ClassicDovecot(tuvi.root / "spool" / "private" / "auth")
    dovecot.start()
    yield tuvi.start()
    tuvi.close()
    dovecot.close()
    sink.close()


def arrived(server, subject):
    def find():
        return [message for message in server.sink.messages if f"Subject: {subject}\r\n".encode() in message.data]
    return wait_for(find, 20, f"the message {subject}")[0]


def message(subject):
    return f"Subject: {subject}\r\n\r\nhello\r\n".encode()


def test_a_user_submits_over_starttls_and_a_password(server):
    with_tls = Client(server.p587, STRANGER)
    with_tls.ehlo()
    assert with_tls.command("MAIL FROM:<alice@local.test>")[1] == ["530 5.7.0 Must issue a STARTTLS command first"]
    with_tls.starttls()
    assert with_tls.auth_plain(**ALICE) == (235, ["235 2.7.0 Authentication successful"])
    assert with_tls.message("alice@local.test", ["bob@far.test"], message("submitted"))[0] == 250
    with_tls.close()
    assert b"with ESMTPSA id" in arrived(server, "submitted").data


def test_and_with_tls_from_the_first_byte(server):
    client = Client(server.p465, STRANGER, wrapped=True)
    client.ehlo()
    assert client.command("MAIL FROM:<alice@local.test>")[0] == 250
    assert client.command("RCPT TO:<bob@far.test>")[0] == 554
    client.command("RSET")
    assert client.auth_plain(**ALICE)[0] == 235
    assert client.message("alice@local.test", ["bob@far.test"], message("wrapped"))[0] == 250
    client.close()
    arrived(server, "wrapped")


def test_a_wrong_password_is_refused(server):
    client = Client(server.p587, STRANGER)
    client.ehlo()
    client.starttls()
    code, lines = client.auth_plain("alice@local.test", "builder")
    client.close()
    assert code == 535 and lines[0].startswith("535 5.7.8 Error: authentication failed:")


def test_the_inside_network_relays_and_a_stranger_does_not(server):
    inside, stranger = Client(server.p25, MINE), Client(server.p25, STRANGER)
    inside.ehlo()
    assert inside.message("x@inside.test", ["bob@far.test"], message("inside"))[0] == 250
    stranger.ehlo()
    assert stranger.command("MAIL FROM:<x@far.test>")[0] == 250
    assert stranger.command("RCPT TO:<bob@far.test>")[1] == ["554 5.7.1 <bob@far.test>: Relay access denied"]
    assert stranger.command("RCPT TO:<nobody@local.test>")[1] == [
        "550 5.1.1 <nobody@local.test>: Recipient address rejected: User unknown in virtual mailbox table"]
    assert stranger.command("RCPT TO:<bob@local.test>")[0] == 250
    inside.close()
    stranger.close()
    arrived(server, "inside")


def test_auth_is_offered_under_tls_alone_and_in_the_old_form_too(server):
    client = Client(server.p25, STRANGER)
    assert not [keyword for keyword in client.ehlo() if keyword.startswith("AUTH")]
    client.starttls()
    keywords = client.ehlo()
    client.close()
    assert "AUTH PLAIN LOGIN" in keywords and "AUTH=PLAIN LOGIN" in keywords


def test_names_of_old_are_told_their_new_ones(server):
    again = subprocess.run([TUVID, "-c", server.root, "-f"], capture_output=True, text=True, check=False)
    assert again.returncode != 0  # the ports are taken
    told = re.search(r"main\.cf, line \d+: .*smtp_use_tls.*smtp_tls_security_level", again.stderr)
    assert bool(told) == ("smtp_use_tls" in (server.root / "main.cf").read_text())
