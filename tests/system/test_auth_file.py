"""Users with passwords in a file of our own (smtpd_sasl_type = file)."""
import base64
import os
import re
import signal
import threading
import time

import pytest

from harness import STRANGER, Client, wait_for

OK = (235, ["235 2.7.0 Authentication successful"])
WRONG = (535, ["535 5.7.8 Error: authentication failed: (reason unavailable)"])
LOST = ["454 4.7.0 Temporary authentication failure: Connection lost to authentication server"]


def encode(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def connect(tuvi):
    """A stranger's session under TLS on the submission port."""
    clients = []

    def make():
        client = Client(tuvi.p465, STRANGER, wrapped=True)
        clients.append(client)
        client.ehlo()
        return client
    yield make
    for client in clients:
        client.close()


def login(client, user, password):
    """AUTH LOGIN; the last reply."""
    assert client.command("AUTH LOGIN") == (334, ["334 VXNlcm5hbWU6"])
    assert client.command(encode(user)) == (334, ["334 UGFzc3dvcmQ6"])
    return client.command(encode(password))


# ---- the ways to log in ----

def test_the_right_password_is_taken_in_every_way_to_say_it(tuvi, connect):
    tuvi.start()
    token = encode("\0alice\0wonderland")
    assert connect().command(f"AUTH PLAIN {token}") == OK
    assert connect().command(f"auth plain {token}") == OK
    client = connect()
    assert client.command("AUTH PLAIN") == (334, ["334 "])
    assert client.command(token) == OK
    assert login(connect(), "alice", "wonderland") == OK
    client = connect()
    assert client.command("AUTH LOGIN " + encode("alice")) == (334, ["334 UGFzc3dvcmQ6"])
    assert client.command(encode("wonderland")) == OK


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(tuvi, connect):
    tuvi.start()
    client = connect()
    for user, password in (("alice", "builder"), ("alice", "wonderland "), ("alice", "Wonderland"), ("alice", "w"),
                           ("eve", "wonderland"), ("alicee", "wonderland"), ("al", "wonderland")):
        assert client.auth_plain(user, password) == WRONG, user
    assert login(client, "alice", "builder") == WRONG
    assert login(client, "eve", "wonderland") == WRONG
    assert client.auth_plain() == OK  # all this was one session
    log = tuvi.wait_log("SASL LOGIN authentication failed: (reason unavailable), sasl_username=eve\n")
    for line in ("SASL PLAIN authentication failed: (reason unavailable), sasl_username=alice",
                 "SASL PLAIN authentication failed: (reason unavailable), sasl_username=eve",
                 "SASL LOGIN authentication failed: (reason unavailable), sasl_username=alice"):
        assert re.search(rf" postfix/smtps/smtpd\[\d+\]: warning: unknown\[127\.0\.0\.3\]: {re.escape(line)}\n", log)
    assert "wonderland" not in log and "builder" not in log


def test_what_is_not_base64_is_refused_and_ends_the_login(tuvi, connect):
    tuvi.start()
    client = connect()
    for line in ("AUTH PLAIN !!!!", "AUTH PLAIN AGFsaWNl=AHdvbmRlcmxhbmQ", "AUTH PLAIN AGFsa", "AUTH LOGIN %%%"):
        code, lines = client.command(line)
        assert code == 535 and "Error: authentication failed: Invalid base64 data in " in lines[0], lines
    for begin in (["AUTH PLAIN"], ["AUTH LOGIN"], ["AUTH LOGIN", encode("alice")]):
        for line in begin:
            assert client.command(line)[0] == 334
        assert client.command("not base64 at all") == \
            (535, ["535 5.7.8 Error: authentication failed: Invalid base64 data in continued response"])
    assert client.command("MAIL FROM:<alice@local.test>")[0] == 250
    assert client.command("RCPT TO:<bob@local.test>")[0] == 554  # still nobody
    assert client.command("RSET")[0] == 250
    assert client.auth_plain() == OK


def test_a_login_is_cancelled_with_a_star(tuvi, connect):
    tuvi.start()
    client = connect()
    for begin in (["AUTH PLAIN"], ["AUTH LOGIN"], ["AUTH LOGIN", encode("alice")]):
        for line in begin:
            assert client.command(line)[0] == 334
        assert client.command("*") == (501, ["501 5.7.0 Authentication aborted"])
    assert client.command("X*")[0] == 500    # "*" alone is a forbidden command now, and would end the session
    assert client.command("MAIL FROM:<alice@local.test>")[0] == 250
    assert client.command("RCPT TO:<bob@local.test>")[0] == 554  # still nobody
    assert client.command("RSET")[0] == 250
    assert client.auth_plain() == OK
    tuvi.wait_log("warning: unknown[127.0.0.3]: SASL LOGIN authentication aborted\n")


def test_a_client_that_leaves_in_the_middle_of_a_login_takes_nothing_along(tuvi, connect):
    tuvi.start()
    workers = sorted(tuvi.workers())
    for lines in ("AUTH LOGIN\r\n", "AUTH LOGIN\r\nYWxpY2U=\r\n", "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=\r\n"):
        for _ in range(5):
            client = connect()
            client.send(lines)
            client.close()
    assert connect().auth_plain() == OK
    assert sorted(tuvi.workers()) == workers


def test_a_response_has_a_limit(tuvi, connect):
    tuvi.start()
    client = connect()
    assert client.command("AUTH PLAIN " + "A" * 12289) == (500, ["500 5.5.6 SASL response limit exceeded"])
    assert client.command("AUTH PLAIN")[0] == 334
    assert client.command("A" * 12289) == (500, ["500 5.5.6 SASL response limit exceeded"])
    assert client.auth_plain() == OK


def test_the_login_stands_in_the_log_and_on_demand_in_the_trace_header(tuvi, sink, connect):
    tuvi.configure(sink.port, "smtpd_sasl_authenticated_header = yes\n")
    tuvi.start()
    client = connect()
    assert client.auth_plain() == OK
    code, lines = client.message("alice@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")
    assert code == 250
    assert b"\r\n\t(Authenticated sender: alice)\r\n\tby mx.local.test (Tuvi) with ESMTPSA id " in sink.wait(1)[0].data
    tuvi.wait_log(f"{lines[0].split()[-1]}: client=unknown[127.0.0.3], sasl_method=PLAIN, sasl_username=alice\n")


# ---- changes while it runs ----

def wait_read_anew(tuvi, times):
    wait_for(lambda: tuvi.log().count(": read anew, ") >= times, 20, "the new passwords")


def test_a_user_added_while_it_runs_can_log_in(tuvi, connect):
    tuvi.start()
    assert connect().auth_plain("bob", "builder") == WRONG
    tuvi.passwd("bob", "builder")
    tuvi.wait_log(f"{tuvi.root}/passwd: read anew, 2 users\n")
    assert connect().auth_plain("bob", "builder") == OK
    assert connect().auth_plain() == OK


def test_a_changed_password_counts_at_once_and_the_old_one_no_more(tuvi, connect):
    tuvi.start()
    assert connect().auth_plain() == OK  # from here on it is remembered
    tuvi.passwd("alice", "looking glass")
    wait_read_anew(tuvi, 1)
    assert connect().auth_plain() == WRONG
    assert connect().auth_plain("alice", "looking glass") == OK


def test_a_removed_user_cannot_log_in_any_more(tuvi, connect):
    tuvi.passwd("bob", "builder")
    tuvi.start()
    assert connect().auth_plain("bob", "builder") == OK
    tuvi.passwd("bob", "", "-d")
    wait_read_anew(tuvi, 1)
    assert connect().auth_plain("bob", "builder") == WRONG
    assert connect().auth_plain() == OK


def test_a_password_file_that_is_broken_leaves_the_passwords_as_they_were(tuvi, connect):
    tuvi.start()
    good = (tuvi.root / "passwd").read_text()
    (tuvi.root / "passwd").write_text("this is no password file\n")
    tuvi.wait_log("passwd")
    tuvi.wait_log("; the passwords stay as they were\n")
    assert connect().auth_plain() == OK
    (tuvi.root / "passwd").write_text(good + good.replace("alice:", "bob:"))
    wait_read_anew(tuvi, 1)
    assert connect().auth_plain("bob", "wonderland") == OK


def test_a_password_with_any_characters_works(tuvi, connect):
    passwords = ["with spaces  in it", "käsi ☂", "col:on", "back\\slash\"quote", "$y$j9T$", "#", "x" * 200]
    for i, password in enumerate(passwords):
        tuvi.passwd(f"user{i}", password)
    tuvi.start()
    for i, password in enumerate(passwords):
        assert connect().auth_plain(f"user{i}", password) == OK, password
        assert connect().auth_plain(f"user{i}", password + "x") == WRONG, password


# ---- many at once ----

def test_many_log_in_at_the_same_time(tuvi, connect):
    for i in range(8):
        tuvi.passwd(f"user{i}", f"secret {i}")
    tuvi.start()
    clients = [connect() for _ in range(48)]
    replies = [None] * len(clients)

    def log_in(i):
        replies[i] = clients[i].auth_plain(f"user{i % 8}", f"secret {i % 8}" if i % 3 else "wrong")
    threads = [threading.Thread(target=log_in, args=(i,)) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [OK if i % 3 else WRONG for i in range(len(clients))]


def test_a_success_is_remembered_and_a_failure_is_not_cheaper(tuvi, connect):
    """A password hash takes its time; known good pairs do not pay twice, and guesses always pay."""
    tuvi.start()

    def seconds(password, expected):
        client = connect()
        start = time.monotonic()
        assert client.auth_plain("alice", password) == expected
        return time.monotonic() - start
    first = seconds("wonderland", OK)
    again = min(seconds("wonderland", OK) for _ in range(5))
    guess = min(seconds(f"guess {i}", WRONG) for i in range(3))
    unknown = connect()
    start = time.monotonic()
    assert unknown.auth_plain("eve", "wonderland") == WRONG
    nobody = time.monotonic() - start
    assert again < first / 2
    assert guess > 2 * again and nobody > 2 * again


# ---- the auth role ends ----

def test_the_auth_role_comes_back_after_it_was_killed(tuvi, connect):
    tuvi.start()
    waiting = connect()
    assert waiting.command("AUTH LOGIN")[0] == 334
    workers = sorted(tuvi.workers())
    [role] = tuvi.processes("auth")
    os.kill(role, signal.SIGKILL)
    tuvi.wait_log(f"warning: process auth pid {role} killed by signal 9\n")
    assert waiting.command(encode("alice"))[1] == LOST
    [fresh] = wait_for(lambda: tuvi.processes("auth"), 20, "another auth role")
    assert fresh != role
    assert connect().auth_plain() == OK
    assert waiting.auth_plain() == OK
    assert sorted(tuvi.workers()) == workers


def test_passwords_changed_while_the_auth_role_is_away_are_known_when_it_is_back(tuvi, connect):
    tuvi.start()
    os.kill(tuvi.processes("auth")[0], signal.SIGKILL)
    tuvi.passwd("bob", "builder")
    wait_for(lambda: connect().auth_plain("bob", "builder") == OK, 20, "bob's login")


def test_a_login_that_meets_the_death_of_the_auth_role_gets_an_answer(tuvi, connect):
    tuvi.start()
    clients = [connect() for _ in range(12)]
    for i, client in enumerate(clients):
        client.send("AUTH PLAIN " + encode(f"\0alice\0guess {i}") + "\r\n")
    os.kill(tuvi.processes("auth")[0], signal.SIGKILL)
    for client in clients:
        code, lines = client.reply()
        assert (code, lines) == WRONG or lines == LOST, lines
    assert wait_for(lambda: connect().auth_plain() == OK)
