"""Logins that a real Dovecot checks (smtpd_sasl_type = dovecot)."""
import base64
import os
import shutil
import signal
import socket
import threading
import time

import pytest

from dovecot import Dovecot
from harness import STRANGER, Client, wait_for

OK = (235, ["235 2.7.0 Authentication successful"])
WRONG = (535, ["535 5.7.8 Error: authentication failed: (reason unavailable)"])
AWAY = (454, ["454 4.7.0 Temporary authentication failure: Can't connect to authentication server"])
LOST = (454, ["454 4.7.0 Temporary authentication failure: Connection lost to authentication server"])

SETTINGS = "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = {path}\ntuvi_workers = 1\n"


def encode(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def dovecot(tuvi, sink):
    """Made, not started; tuvid is set up to ask it, by a path below queue_directory."""
    one = Dovecot(tuvi.root / "spool" / "private" / "auth")
    tuvi.configure(sink.port, SETTINGS.format(path="private/auth"))
    yield one
    one.close()


@pytest.fixture
def connect(tuvi):
    """A stranger's session under TLS on the submission port."""
    clients = []

    def make():
        client = Client(tuvi.p465, STRANGER, wrapped=True)
        clients.append(client)
        client.offered = [line for line in client.ehlo() if line.startswith("AUTH")]
        return client
    yield make
    for client in clients:
        client.close()


def login(client, user="alice", password="wonderland"):
    """AUTH LOGIN; the last reply."""
    assert client.command("AUTH LOGIN") == (334, ["334 VXNlcm5hbWU6"])
    assert client.command(encode(user)) == (334, ["334 UGFzc3dvcmQ6"])
    return client.command(encode(password))


def complaints(tuvi):
    return [line for line in tuvi.log().splitlines() if "Dovecot auth socket" in line or "hint:" in line]


def wait_complaint(tuvi):
    """The warning and its hint, and nothing else."""
    return wait_for(lambda: len(complaints(tuvi)) >= 2, what="a complaint") and complaints(tuvi)


# ---- it is there ----

def test_the_right_password_is_taken_in_every_way_to_say_it(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    token = encode("\0alice\0wonderland")
    client = connect()
    assert client.offered == ["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]
    assert client.command(f"AUTH PLAIN {token}") == OK
    client = connect()
    assert client.command("AUTH PLAIN") == (334, ["334 "])
    assert client.command(token) == OK
    assert login(connect()) == OK
    client = connect()
    assert client.command("AUTH LOGIN " + encode("bob")) == (334, ["334 UGFzc3dvcmQ6"])
    assert client.command(encode("builder")) == OK
    assert complaints(tuvi) == []


def test_a_wrong_password_and_an_unknown_user_are_refused(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    client = connect()
    for user, password in (("alice", "builder"), ("eve", "wonderland"), ("alice", "wonderland2")):
        assert client.auth_plain(user, password) == WRONG
        assert login(client, user, password) == WRONG
    assert client.command("AUTH PLAIN " + encode("\0alice\0"))[0] == 535
    assert client.command("AUTH PLAIN not-base64")[0] == 535
    assert client.command("AUTH CRAM-MD5") == \
        (535, ["535 5.7.8 Error: authentication failed: Invalid authentication mechanism"])
    assert client.auth_plain() == OK
    for line in ("PLAIN authentication failed: (reason unavailable), sasl_username=alice",
                 "LOGIN authentication failed: (reason unavailable), sasl_username=eve"):
        tuvi.wait_log(f"]: warning: unknown[127.0.0.3]: SASL {line}\n")


def test_mail_goes_out_for_who_logged_in(tuvi, sink, dovecot, connect):
    dovecot.start()
    tuvi.start()
    client = connect()
    assert client.message("alice@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 554
    assert client.command("RSET")[0] == 250
    assert client.auth_plain() == OK
    assert client.message("alice@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    assert b" with ESMTPSA id " in sink.wait(1)[0].data
    tuvi.wait_log("client=unknown[127.0.0.3], sasl_method=PLAIN, sasl_username=alice\n")


def test_the_path_can_be_absolute_too(tuvi, sink, dovecot, connect):
    for path in (dovecot.socket, f"unix:{dovecot.socket}", "unix:private/auth"):
        tuvi.configure(sink.port, SETTINGS.format(path=path))
        dovecot.start()
        tuvi.start()
        client = connect()
        assert client.auth_plain() == OK
        client.close()
        tuvi.stop()
        dovecot.stop()


def test_a_cancelled_login_leaves_the_connection_to_dovecot_usable(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    client = connect()
    for begin in (["AUTH PLAIN"], ["AUTH LOGIN"], ["AUTH LOGIN", encode("alice")]):
        for line in begin:
            assert client.command(line)[0] == 334
        assert client.command("*") == (501, ["501 5.7.0 Authentication aborted"])
    assert client.auth_plain() == OK
    assert complaints(tuvi) == []


@pytest.mark.parametrize("options", ["noanonymous", ""])
def test_anonymous_is_neither_offered_nor_taken_whatever_dovecot_and_the_options_say(tuvi, sink, connect, options):
    dovecot = Dovecot(tuvi.root / "spool" / "private" / "auth", mechanisms="anonymous")
    try:
        tuvi.configure(sink.port, SETTINGS.format(path="private/auth") + f"smtpd_sasl_security_options = {options}\n")
        dovecot.start()
        tuvi.start()
        client = connect()
        assert client.offered == ["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]
        for line in ("AUTH ANONYMOUS " + encode("eve"), "AUTH anonymous", "AUTH ANONYMOUS ="):
            assert client.command(line) == \
                (535, ["535 5.7.8 Error: authentication failed: Invalid authentication mechanism"])
        assert client.message("eve@elsewhere.test", ["victim@remote.test"], "x")[0] == 554
    finally:
        dovecot.close()


def test_the_security_options_hide_mechanisms(tuvi, sink, dovecot, connect):
    tuvi.configure(sink.port, SETTINGS.format(path="private/auth") +
                   "smtpd_sasl_security_options = noanonymous, noplaintext\n")
    dovecot.start()
    tuvi.start()
    client = connect()
    assert client.offered == []
    assert client.auth_plain() == \
        (535, ["535 5.7.8 Error: authentication failed: Invalid authentication mechanism"])


def test_many_log_in_at_the_same_time(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    clients = [connect() for _ in range(40)]
    replies = [None] * len(clients)

    def log_in(i):
        replies[i] = login(clients[i], "alice", "wonderland" if i % 4 else "wrong")
    threads = [threading.Thread(target=log_in, args=(i,)) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [OK if i % 4 else WRONG for i in range(len(clients))]


# ---- it is away ----

def test_without_dovecot_the_daemon_stays_and_says_once_what_is_wrong(tuvi, dovecot, connect):
    tuvi.start()
    workers = tuvi.workers()
    client = connect()
    assert client.offered == []  # what works is announced, and nothing else
    for _ in range(3):
        assert client.auth_plain() == AWAY
        assert client.command("AUTH LOGIN") == AWAY
    for _ in range(3):
        assert connect().offered == []
    assert client.command("NOOP")[0] == 250
    failed = "SASL PLAIN authentication failed: Can't connect to authentication server, sasl_username=(unavailable)\n"
    wait_for(lambda: tuvi.log().count(failed) == 3, what="three lines about three logins")
    path = dovecot.socket
    warning, hint = complaints(tuvi)
    assert warning.endswith(
        f"]: warning: SASL: Connect to Dovecot auth socket '{path}' failed: No such file or directory")
    assert hint.endswith(
        f"]: hint: is the auth server running, and may this process (user {dovecot.owner}) use the socket? "
        f"dovecot.conf wants: service auth {{ unix_listener {path} {{ mode = 0660 user = {dovecot.owner} }} }}")
    assert tuvi.workers() == workers


def test_a_dovecot_that_comes_later_is_found(tuvi, dovecot, connect):
    tuvi.start()
    client = connect()
    assert client.auth_plain() == AWAY
    dovecot.start()
    assert client.auth_plain() == OK
    assert connect().offered == ["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]
    tuvi.wait_log(f"SASL: auth socket '{dovecot.socket}' is back\n")


def test_a_dovecot_that_was_stopped_is_found_again(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    workers = tuvi.workers()
    client = connect()
    assert client.auth_plain(password="builder") == WRONG
    dovecot.stop()
    assert client.auth_plain() == AWAY
    assert login_is_away(connect())
    assert client.message("eve@elsewhere.test", ["bob@local.test"], "x")[0] == 554  # not logged in
    dovecot.start()
    assert client.command("RSET")[0] == 250
    assert client.auth_plain() == OK
    assert login(connect()) == OK
    assert tuvi.workers() == workers
    tuvi.wait_log(f"SASL: auth socket '{dovecot.socket}' is back\n")
    warning, _ = complaints(tuvi)
    assert warning.endswith(f"'{dovecot.socket}' failed: No such file or directory")


def login_is_away(client):
    return client.command("AUTH LOGIN") == AWAY


def test_other_mail_flows_while_dovecot_is_away(tuvi, sink, dovecot):
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    assert client.starttls()
    assert client.auth_plain() == AWAY
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.close()
    sink.wait(1)


def test_a_socket_that_the_workers_may_not_use_is_said_to_be_so(tuvi, sink, connect):
    dovecot = Dovecot(tuvi.root / "spool" / "private" / "auth")
    try:
        tuvi.configure(sink.port, SETTINGS.format(path="private/auth"))
        dovecot.start()
        os.chmod(dovecot.socket, 0o600)
        os.chown(dovecot.socket, 0, 0)
        tuvi.start()
        assert connect().auth_plain() == AWAY
        warning, _ = wait_complaint(tuvi)
        assert warning.endswith(f"'{dovecot.socket}' failed: Permission denied")
    finally:
        dovecot.close()


# ---- it goes in the middle ----

def test_a_login_in_the_middle_of_which_dovecot_dies_gets_454(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    workers = tuvi.workers()
    at_user, at_password, at_plain = (connect() for _ in range(3))
    assert at_user.command("AUTH LOGIN")[0] == 334
    assert at_password.command("AUTH LOGIN " + encode("alice"))[0] == 334
    assert at_plain.command("AUTH PLAIN")[0] == 334
    dovecot.kill_auth()
    tuvi.wait_log(f"warning: SASL: Connection to Dovecot auth socket '{dovecot.socket}' was lost: ")
    assert at_user.command(encode("alice")) == LOST
    assert at_password.command(encode("wonderland")) == LOST
    assert at_plain.command("*") == (501, ["501 5.7.0 Authentication aborted"])
    for client in (at_user, at_password, at_plain, connect()):
        assert client.auth_plain() == OK  # Dovecot has started another
    assert tuvi.workers() == workers


def test_a_request_that_dovecot_dies_over_gets_454(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    workers = tuvi.workers()
    clients = [connect() for _ in range(8)]
    assert clients[0].auth_plain(password="builder") == WRONG
    auth = dovecot.kill_auth(signal.SIGSTOP)  # it will not answer
    for client in clients:
        client.send("AUTH PLAIN " + encode("\0alice\0wonderland") + "\r\n")
    time.sleep(0.3)  # what was sent shall have reached it
    os.kill(auth, signal.SIGKILL)
    assert [client.reply() for client in clients] == [LOST] * len(clients)
    assert [client.auth_plain() for client in clients] == [OK] * len(clients)
    assert tuvi.workers() == workers


def test_a_client_that_leaves_while_dovecot_thinks_harms_nobody(tuvi, dovecot, connect):
    dovecot.start()
    tuvi.start()
    workers = tuvi.workers()
    stays, leaves = connect(), connect()
    assert stays.auth_plain(password="builder") == WRONG
    auth = dovecot.kill_auth(signal.SIGSTOP)
    leaves.send("AUTH PLAIN " + encode("\0alice\0wonderland") + "\r\n")
    stays.send("AUTH PLAIN " + encode("\0alice\0wonderland") + "\r\n")
    leaves.close()
    tuvi.wait_log("disconnect from unknown[127.0.0.3] ehlo=1 auth=0/1 commands=1/2\n")
    os.kill(auth, signal.SIGCONT)
    assert stays.reply() == OK
    assert tuvi.workers() == workers


def test_nobody_waits_for_ever_when_others_try_again_and_again(tuvi, dovecot, connect):
    """Two logins in one breath: the second tries to reach Dovecot again before others have heard of the first."""
    tuvi.start()
    clients = [connect() for _ in range(30)]
    for client in clients:
        client.send("AUTH LOGIN\r\nAUTH LOGIN\r\nNOOP\r\n")
    for client in clients:
        assert [client.reply()[0] for _ in range(3)] == [454, 454, 250]


# ---- servers that are no Dovecot ----

class Listener:
    """Listens where Dovecot would, and says one thing to everybody."""

    def __init__(self, path, greeting, owner):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(16)
        shutil.chown(path, owner)
        self.greeting = greeting
        self.taken = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                one, _ = self.socket.accept()
            except OSError:
                return
            one.settimeout(20)
            self.taken.append(one)
            one.sendall(self.greeting)

    def wait_for(self, text):
        """Reads from the one connection until a client has said so."""
        wait_for(lambda: self.taken, what="a connection")
        asked = b""
        while text not in asked:
            piece = self.taken[0].recv(4096)
            assert piece, f"the connection ended after {asked}"
            asked += piece

    def say(self, text):
        self.taken[0].sendall(text)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        for one in self.taken:
            one.close()


HELLO = (b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\n"
         b"COOKIE\t" + b"a" * 32 + b"\nDONE\n")


@pytest.mark.parametrize("greeting", [
    b"VERSION\t2\t0\nSPID\t1\n",
    b"VERSION\t1\t1\nMECH\tPLAIN\n" * 1000,
    b"\0" * 100000,
    HELLO.replace(b"MECH", b"X"),
], ids=["another version", "no end", "zeros", "no mechanisms"])
def test_a_server_that_speaks_otherwise_is_trouble_and_no_more(tuvi, dovecot, connect, greeting):
    listener = Listener(dovecot.socket, greeting, dovecot.owner)
    tuvi.start()
    workers = tuvi.workers()
    assert connect().auth_plain() == AWAY
    assert len(wait_complaint(tuvi)) == 2
    assert tuvi.workers() == workers
    listener.close()


@pytest.mark.parametrize("answer", [b"OK\t1\tuser=alice\n", b"CONT\t1\t\n", b"FAIL\t1\tuser=alice\n", b"FAIL\t99\n"],
                         ids=["OK", "CONT", "FAIL", "another's"])
def test_an_answer_that_nobody_asked_for_logs_nobody_in(tuvi, dovecot, connect, answer):
    listener = Listener(dovecot.socket, HELLO, dovecot.owner)
    tuvi.start()
    workers = tuvi.workers()
    client = connect()
    client.send("AUTH LOGIN\r\n")
    listener.wait_for(b"AUTH\t1\tLOGIN\t")
    listener.say(b"CONT\t1\tVXNlcm5hbWU6\n")
    assert client.reply() == (334, ["334 VXNlcm5hbWU6"])
    listener.say(answer)
    other = connect()  # the answer has been read by the time that another login is under way
    other.send("AUTH PLAIN " + encode("\0bob\0builder") + "\r\n")
    listener.wait_for(b"AUTH\t2\tPLAIN\t")
    assert client.command("*") == (501, ["501 5.7.0 Authentication aborted"])
    assert client.command("MAIL FROM:<eve@elsewhere.test>")[0] == 250
    assert client.command("RCPT TO:<victim@remote.test>")[0] == 554
    listener.say(b"FAIL\t2\tuser=bob\n")
    assert other.reply() == WRONG
    assert tuvi.workers() == workers
    listener.close()
