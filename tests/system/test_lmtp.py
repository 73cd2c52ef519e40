"""Mail goes to mailboxes over LMTP: to a real Dovecot, and to a server that answers each recipient differently."""
import pathlib
import re
import shutil
import socketserver
import threading

import pytest

from dovecot import Dovecot, mail_owner
from harness import Client, wait_for

QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\ntuvi_workers = 1\n"
MESSAGE = "Subject: for you\r\nMessage-ID: <1@far.test>\r\n\r\nThe text,\r\n.with a dot.\r\n"
RELAY = r"relay=mx\.local\.test\[private/lmtp\]"


class LmtpServer:
    """Answers the end of the data as `answer(recipient)` says, one reply for each; keeps what came in `messages`."""

    def __init__(self, path):
        server = self
        self.path = pathlib.Path(path)
        self.messages = []      # (recipients, data)
        self.greetings = []     # the LHLO lines
        self.hangs_up = []      # as many LHLOs as this has members are answered by closing the connection
        self.answer = lambda recipient: "250 2.1.5 kept"

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                self.say("220 lmtp.test LMTP")
                recipients = []
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    verb = line[:4].upper()
                    if verb == "LHLO":
                        server.greetings.append(line)
                        if server.hangs_up:
                            server.hangs_up.pop()
                            return
                        self.say("250-lmtp.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES")
                    elif verb == "MAIL":
                        recipients = []
                        self.say("250 2.1.0 Ok")
                    elif verb == "RCPT":
                        recipients.append(line.split("<")[1].split(">")[0])
                        self.say("250 2.1.5 Ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(text)
                        server.messages.append((recipients, b"".join(lines)))
                        for recipient in recipients:
                            self.say(server.answer(recipient))
                    elif verb == "QUIT":
                        self.say("221 2.0.0 Bye")
                        return
                    else:
                        self.say("500 5.5.1 what?")

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self.server.daemon_threads = True
        for one in (self.path.parent, self.path):
            shutil.chown(one, mail_owner())
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def private(tuvi):
    """The folder for sockets."""
    return tuvi.root / "spool" / "private"


@pytest.fixture
def lmtp(private):
    one = LmtpServer(private / "lmtp")
    yield one
    one.close()


def send(tuvi, *recipients, sender="ada@far.test"):
    """Returns the queue id."""
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients, MESSAGE)
    assert code == 250, lines
    client.quit()
    return lines[0].split()[-1]


def results(tuvi, queue_id):
    """(program, recipient, relay, dsn, status) of each result in the log."""
    return re.findall(rf"postfix/(\S+)\[\d+\]: {queue_id}: to=<(\S+)>, relay=(\S+), .*dsn=([\d.]+), status=(\w+) ",
                      tuvi.log())


# ---- Dovecot ----

@pytest.mark.parametrize("setting", [
    "virtual_transport = lmtp:unix:private/lmtp\n",
    "virtual_mailbox_domains =\nmydestination = local.test\nlocal_recipient_maps =\n"
    "mailbox_transport = lmtp:unix:private/lmtp\n"])
def test_dovecot_takes_a_message_into_its_mailbox(tuvi, sink, private, setting):
    dovecot = Dovecot(private / "auth", lmtp=private / "lmtp")
    try:
        dovecot.start()
        tuvi.configure(sink.port, more=QUICK + setting)
        tuvi.start()
        queue_id = send(tuvi, "alice@local.test", "bob@local.test")
        tuvi.wait_log(f"{queue_id}: removed")
        for user in ("alice", "bob"):
            assert re.search(rf"postfix/lmtp\[\d+\]: {queue_id}: to=<{user}@local\.test>, {RELAY}, .*dsn=2\.0\.0, "
                             rf"status=sent \(250 2\.0\.0 <{user}@local\.test> .* Saved\)", tuvi.log()), tuvi.log()
            (message,) = dovecot.fetch(user)
            assert b"Return-Path: <ada@far.test>\n" in message
            assert b"Subject: for you\n" in message
            assert b"\n\nThe text,\n.with a dot.\n" in message
    finally:
        tuvi.stop()
        dovecot.close()


def test_mail_waits_while_the_socket_is_not_there(tuvi, sink, private):
    tuvi.configure(sink.port, more=QUICK + "virtual_transport = lmtp:unix:private/lmtp\n")
    tuvi.start()
    queue_id = send(tuvi, "alice@local.test")
    tuvi.wait_log("dsn=4.4.1, status=deferred (connect to mx.local.test[private/lmtp]: No such file or directory)")
    late = LmtpServer(private / "lmtp")
    tuvi.wait_log(f"{queue_id}: removed")
    late.close()
    assert len(late.messages) == 1


def test_a_lost_connection_names_the_stage_as_lmtp_does(tuvi, sink, lmtp):
    lmtp.hangs_up = ["once"]
    tuvi.configure(sink.port, more=QUICK + "virtual_transport = lmtp:unix:private/lmtp\n")
    tuvi.start()
    queue_id = send(tuvi, "alice@local.test")
    tuvi.wait_log("dsn=4.4.2, status=deferred (lost connection with mx.local.test[private/lmtp] while performing the "
                  "LHLO handshake)")
    tuvi.wait_log(f"{queue_id}: removed")
    assert len(lmtp.messages) == 1


# ---- each recipient has a result of its own ----

def test_one_transaction_is_sent_deferred_and_bounced(tuvi, sink, lmtp):
    later = ["450 4.2.2 over quota"]
    answers = {"good@local.test": lambda: "250 2.1.5 kept", "no@local.test": lambda: "550 5.1.1 nobody",
               "later@local.test": lambda: later.pop() if later else "250 2.1.5 kept"}
    lmtp.answer = lambda recipient: answers[recipient]()
    tuvi.configure(sink.port, more=QUICK + "virtual_transport = lmtp:unix:private/lmtp\n")
    tuvi.start()
    queue_id = send(tuvi, *answers)
    tuvi.wait_log(f"{queue_id}: removed")
    relay = "mx.local.test[private/lmtp]"
    assert sorted(results(tuvi, queue_id)) == sorted([
        ("lmtp", "good@local.test", relay, "2.1.5", "sent"),
        ("lmtp", "no@local.test", relay, "5.1.1", "bounced"),
        ("lmtp", "later@local.test", relay, "4.2.2", "deferred"),
        ("lmtp", "later@local.test", relay, "2.1.5", "sent")])
    assert [recipients for recipients, _ in lmtp.messages] == [list(answers), ["later@local.test"]]
    assert f"(host {relay} said: 550 5.1.1 nobody (in reply to end of DATA command))" in tuvi.log()
    (notice,) = sink.wait(1)
    assert (notice.sender, notice.recipients) == ("", ["ada@far.test"])
    assert b"Final-Recipient: rfc822; no@local.test\r\n" in notice.data
    assert b"good@local.test" not in notice.data and b"later@local.test" not in notice.data


def test_a_message_of_eight_bits_is_encoded_for_a_server_that_does_not_take_them(tuvi, sink, lmtp):
    tuvi.configure(sink.port, more=QUICK + "virtual_transport = lmtp:unix:private/lmtp\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message("ada@far.test", ["alice@local.test"], "Subject: x\r\n\r\nGr\u00fc\u00dfe\r\n")
    assert code == 250, lines
    tuvi.wait_log("status=sent")
    assert lmtp.messages[0][1].endswith(b"\r\n\r\nGr=C3=BC=C3=9Fe\r\n")


def test_the_recipient_limit_of_lmtp_makes_more_transactions(tuvi, sink, lmtp):
    tuvi.configure(sink.port, more=QUICK + "virtual_transport = lmtp:unix:private/lmtp\n"
                   "lmtp_destination_recipient_limit = 1\n")
    tuvi.start()
    queue_id = send(tuvi, "a@local.test", "b@local.test")
    tuvi.wait_log(f"{queue_id}: removed")
    assert sorted(recipients for recipients, _ in lmtp.messages) == [["a@local.test"], ["b@local.test"]]


# ---- transports with settings of their own ----

def test_a_transport_of_master_cf_uses_its_own_settings(tuvi, sink, lmtp):
    tuvi.configure(sink.port, more=QUICK + "virtual_transport = boxes:unix:private/lmtp\n"
                   f"default_transport = slow:[127.0.0.1]:{sink.port}\n",
                   more_services="boxes unix - - n - - lmtp\n  -o lmtp_lhlo_name=boxes.test\n"
                   "  -o syslog_name=postfix/boxes\n"
                   "slow unix - - n - - smtp\n  -o smtp_tls_security_level=encrypt\n")
    tuvi.start()
    queue_id = send(tuvi, "a@local.test")
    tuvi.wait_log(f"{queue_id}: removed")
    assert lmtp.greetings == ["LHLO boxes.test"]
    assert [line[0] for line in results(tuvi, queue_id)] == ["boxes/lmtp"]
    send(tuvi, "far@far.test")   # the sink has no TLS, and this transport wants it
    wait_for(lambda: re.search(r"to=<far@far\.test>, .*status=deferred \(TLS is required", tuvi.log()), 20,
             "a deferral for want of TLS")
    assert sink.messages == []
