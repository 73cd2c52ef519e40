"""check_policy_service: a policy server is asked what Postfix would ask it, and what it answers has the same outcome."""
import pwd
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from harness import TUVI, Client, Folder, Sink, Tuvi, free_ports, wait_for
from policy_server import Greylist, PolicyServer
from postfix import Postfix

BODY = "Subject: x\r\n\r\nhello\r\n"
STAGES = ("client", "helo", "sender", "recipient", "data", "end_of_data")


@pytest.fixture
def policy():
    one = PolicyServer()
    yield one
    one.close()


def configure(tuvi, sink, policy, more="", stages=("recipient",), options=""):
    service = f"check_policy_service {{ inet:127.0.0.1:{policy.port}{options} }}"
    tuvi.configure(sink.port, more="tuvi_workers = 1\n" + more
                   + "".join(f"smtpd_{stage}_restrictions = {service}\n" for stage in stages))
    return tuvi.start()


def send(tuvi, sender="s@sender.test", recipients=("r@far.test",)):
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients, BODY)
    client.close()
    return code, lines[-1]


# ---- the same requests as Postfix's ----

class Side:
    def __init__(self, kind, more):
        self.sink, self.policy = Sink(), PolicyServer()
        service = f"check_policy_service {{ inet:127.0.0.1:{self.policy.port}, policy_context=ctx }}"
        text = "mynetworks = 127.0.0.0/8\n" + more
        text += "".join(f"smtpd_{stage}_restrictions = {service}\n" for stage in STAGES)
        if kind == "postfix":
            self.server = Postfix("real", self.sink.port, text)
            self.port = self.server.port
        else:
            self.server = Tuvi(self.sink.port, text)
            self.port = self.server.p25
        self.server.start()

    def close(self):
        for one in (self.server, self.policy, self.sink):
            one.close()


@pytest.fixture(params=["yes", "no"], ids=["delayed", "at once"])
def sides(request):
    made = {}
    try:
        for kind in ("postfix", "tuvi"):
            made[kind] = Side(kind, f"smtpd_delay_reject = {request.param}\n")
        yield made
    finally:
        for one in made.values():
            one.close()


TALKS = {
    "plain": ["EHLO client.test", "MAIL FROM:<s@sender.test> SIZE=1234", "RCPT TO:<r@far.test>", "DATA", BODY + "."],
    "two recipients": ["HELO old.test", "MAIL FROM:<s@sender.test>", "RCPT TO:<r@far.test>", "RCPT TO:<q@far.test>",
                       "DATA", BODY + "."],
    "no sender": ["EHLO client.test", "MAIL FROM:<>", "RCPT TO:<r@far.test>", "RSET", "MAIL FROM:<s@sender.test>",
                  "RCPT TO:<r@far.test>"],
    "no greeting": ["MAIL FROM:<s@sender.test>", "RCPT TO:<r@far.test>"],
}

OURS = {"client_port", "server_port", "instance", "queue_id", "size", "server_address"}
NEWER = {"compatibility_level", "mail_version", "tls_sni"}  # than the Postfix that is compared with may be


def shape(side, requests):
    """What can be compared: all values but those that differ by nature, and of these whether they are there. Postfix asks
    twice what Tuvi asks once in an evaluation, and knows the id of a queue file from its first recipient on."""
    shapes = []
    for one in requests:
        fixed = {name: value for name, value in one.items() if name not in OURS | NEWER}
        named = one["instance"] != "" or one["protocol_state"] == "MAIL"  # Postfix names it a little later
        shapes.append((fixed, named, int(one["client_port"]) > 0))
        assert int(one["server_port"]) == side.port and one["server_address"] == "127.0.0.1"
    return [one for number, one in enumerate(shapes) if one not in shapes[:number]]


@pytest.mark.parametrize("talk", TALKS)
def test_a_policy_server_is_asked_what_postfix_would_ask(sides, talk):
    shapes, sizes = {}, {}
    for kind, side in sides.items():
        client = Client(side.port)
        for line in TALKS[talk]:
            assert client.command(line)[0] in (250, 354), line
        client.quit()
        shapes[kind] = shape(side, side.policy.requests)
        sizes[kind] = [int(one["size"]) for one in side.policy.requests if one["protocol_state"] == "RCPT"]
        for one in side.policy.requests:
            if one["protocol_state"] == "END-OF-MESSAGE":
                assert one["queue_id"] != "" and int(one["size"]) >= len(BODY)
    assert shapes["tuvi"] == shapes["postfix"]
    assert set(sizes["tuvi"]) == set(sizes["postfix"])
    assert NEWER <= set(sides["tuvi"].policy.requests[0])


ANSWERS = ["DUNNO", "OK", "REJECT", "REJECT go away", "DEFER later", "450 4.2.0 Greylisted", "550 no", "DEFER_IF_PERMIT",
           "DEFER_IF_REJECT", "reject_unauth_destination", "permit", "HOLD", "PREPEND X-Policy: yes",
           "REDIRECT eve@elsewhere.test", "BCC eve@elsewhere.test", "INFO seen", "WARN beware", "DISCARD"]


def test_answers_have_the_outcome_that_they_have_with_postfix(sides):
    for number, answer in enumerate(ANSWERS):
        outcomes = {}
        for kind, side in sides.items():
            side.policy.decide = lambda attributes, answer=answer: (
                answer if attributes["protocol_state"] == "RCPT" else "DUNNO")
            client = Client(side.port)
            client.ehlo()
            replies = [client.command(f"MAIL FROM:<s{number}@sender.test>")[0]]
            replies.append(client.command("RCPT TO:<r@far.test>")[1][-1])
            client.quit()
            wait_for(lambda: side.server.log().count("disconnect from") == number + 1, what="the end of the log")
            lines = re.findall(rf"NOQUEUE: ((?:reject|hold|redirect|bcc|info|warn|discard): .* from=<s{number}@.*>) proto",
                               side.server.log())
            outcomes[kind] = replies, list(dict.fromkeys(lines))
        assert outcomes["tuvi"] == outcomes["postfix"], answer


# ---- what is told of an encrypted session with a login ----

def test_a_login_under_tls_is_told(tuvi, sink, policy):
    configure(tuvi, sink, policy, options=", policy_context=submission")
    client = Client(tuvi.p587)
    client.ehlo()
    client.starttls()
    assert client.auth_plain()[0] == 235
    assert client.message("alice@local.test", ["r@far.test"], BODY)[0] == 250
    (one,) = policy.requests
    assert one["sasl_username"] == "alice" and one["sasl_method"].upper() == "PLAIN" and one["sasl_sender"] == ""
    assert one["encryption_protocol"] == "TLSv1.3" and one["encryption_cipher"].startswith("TLS_")
    assert int(one["encryption_keysize"]) in (128, 256)
    assert (one["policy_context"], one["compatibility_level"]) == ("submission", "3.6")
    assert one["ccert_subject"] == one["ccert_fingerprint"] == one["stress"] == one["etrn_domain"] == ""


def test_the_instance_is_the_messages_own(tuvi, sink, policy):
    configure(tuvi, sink, policy, stages=("recipient", "data"))
    client = Client(tuvi.p25)
    client.ehlo()
    for _ in range(2):
        assert client.message("s@sender.test", ["a@far.test", "b@far.test"], BODY)[0] == 250
    instances = [one["instance"] for one in policy.requests]
    assert len(instances) == 6 and len(set(instances[:3])) == len(set(instances[3:])) == 1
    assert instances[0] != instances[3] and len(instances[0]) > 16
    assert [one["recipient_count"] for one in policy.requests] == ["0", "0", "2"] * 2


def test_nothing_that_a_client_says_becomes_an_attribute(tuvi, sink, policy):
    configure(tuvi, sink, policy)
    client = Client(tuvi.p25)
    client.send(b"EHLO a\x01b\xff=x\r\n")
    client.reply()
    client.command('MAIL FROM:<"a=b\\ c"@sender.test>')
    assert client.command("RCPT TO:<r@far.test>")[0] == 250
    (one,) = policy.requests  # each name once: the server sees to that
    assert one["sender"] == '"a=b\\ c"@sender.test' and "\x01" not in one["helo_name"]


# ---- real policies ----

def test_greylisting_lets_in_who_comes_again(tuvi, sink, policy):
    policy.decide = Greylist()
    configure(tuvi, sink, policy)
    assert send(tuvi) == (450, "450 4.2.0 <r@far.test>: Recipient address rejected: Greylisted, come back")
    assert send(tuvi)[0] == 250
    assert sink.wait(1)[0].data.startswith(b"X-Greylist: delayed\r\nReceived: ")
    log = tuvi.wait_log("explain: ")
    assert "check_policy_service" in log and "it answers: DEFER_IF_PERMIT 4.2.0 Greylisted" in log


def test_a_local_socket_below_the_queue_directory(tuvi, sink):
    tuvi.configure(sink.port, more="smtpd_recipient_restrictions = check_policy_service unix:private/policy\n")
    private = tuvi.root / "spool" / "private"
    private.mkdir(parents=True)
    server = PolicyServer(private / "policy", decide=lambda attributes: "REJECT by socket")
    tuvi.start()
    assert send(tuvi)[1].endswith("by socket")
    server.close()


# ---- connections ----

def test_a_connection_serves_many_sessions(tuvi, sink, policy):
    configure(tuvi, sink, policy, stages=("sender", "recipient", "data"))
    for _ in range(5):
        assert send(tuvi)[0] == 250
    assert len(policy.requests) == 10 and set(policy.connections) == {1}


def test_sessions_at_the_same_time_wait_for_nobody(tuvi, sink, policy):
    slow = threading.Event()
    policy.decide = lambda attributes: slow.wait(20) and "DUNNO" if "slow" in attributes["sender"] else "DUNNO"
    configure(tuvi, sink, policy)
    slow_client = Client(tuvi.p25)
    slow_client.ehlo()
    slow_client.command("MAIL FROM:<slow@sender.test>")
    slow_client.send("RCPT TO:<r@far.test>\r\n")
    wait_for(lambda: policy.requests, what="the slow request")
    started = time.monotonic()
    for _ in range(3):
        assert send(tuvi)[0] == 250
    assert time.monotonic() - started < 10
    slow.set()
    assert slow_client.reply()[0] == 250
    assert set(policy.connections) == {1, 2}


def test_a_connection_has_its_number_of_requests(tuvi, sink, policy):
    configure(tuvi, sink, policy, "smtpd_policy_service_request_limit = 2\n")
    for _ in range(5):
        assert send(tuvi)[0] == 250
    assert policy.connections == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("name", ["max_idle", "max_ttl"])
def test_a_connection_has_its_time(tuvi, sink, policy, name):
    configure(tuvi, sink, policy, f"smtpd_policy_service_{name} = 1s\n")
    assert send(tuvi)[0] == 250
    time.sleep(1.5)
    assert send(tuvi)[0] == 250
    assert policy.connections == [1, 2]


def test_a_server_that_was_restarted_is_found_again(tuvi, sink, policy):
    configure(tuvi, sink, policy)
    assert send(tuvi)[0] == 250
    policy.hang_up()
    assert send(tuvi)[0] == 250
    assert policy.connections == [1, 2]
    assert "problem talking" not in tuvi.log()


def test_a_client_that_leaves_takes_its_question_along(tuvi, sink, policy):
    slow = threading.Event()
    policy.decide = lambda attributes: slow.wait(20) and "REJECT too late"
    configure(tuvi, sink, policy)
    client = Client(tuvi.p25)
    client.ehlo()
    client.command("MAIL FROM:<s@sender.test>")
    client.send("RCPT TO:<r@far.test>\r\n")
    wait_for(lambda: policy.requests, what="the request")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    tuvi.wait_log("disconnect from")
    policy.decide = lambda attributes: "DUNNO"
    slow.set()
    assert send(tuvi)[0] == 250
    assert policy.connections == [1, 2]


# ---- troubles ----

PROBLEM = "451 4.3.5 <r@far.test>: Recipient address rejected: Server configuration problem"


def test_a_server_that_is_away_defers_and_is_named_in_the_log(tuvi, sink, policy):
    configure(tuvi, sink, policy, "smtpd_policy_service_retry_delay = 1s\n")
    policy.close()
    started = time.monotonic()
    assert send(tuvi) == (451, PROBLEM)
    assert 1 <= time.monotonic() - started < 10
    tuvi.wait_log(f"warning: problem talking to server 127.0.0.1:{policy.port}: Connection refused")
    assert tuvi.log().count("problem talking to server") == 1


@pytest.mark.parametrize("answer", [b"nonsense\n\n", b"\n", b"x=y\n\n", b"action=" + b"x" * 5000 + b"\n\n", None],
                         ids=["nonsense", "nothing", "no action", "too long", "no answer"])
def test_an_answer_that_is_none_defers(tuvi, sink, policy, answer):
    policy.decide = lambda attributes: answer
    configure(tuvi, sink, policy)
    assert send(tuvi) == (451, PROBLEM)
    assert len(policy.requests) == 2  # smtpd_policy_service_try_limit
    tuvi.wait_log(f"warning: problem talking to server 127.0.0.1:{policy.port}: ")


def test_a_server_is_asked_as_often_as_it_may(tuvi, sink, policy):
    answers = [None, b"?\n\n", "DUNNO"]
    policy.decide = lambda attributes: answers.pop(0)
    configure(tuvi, sink, policy, "smtpd_policy_service_try_limit = 3\n")
    assert send(tuvi)[0] == 250
    assert policy.connections == [1, 2, 3]
    assert "problem talking" not in tuvi.log()


def test_a_server_that_does_not_answer_is_not_waited_for_long(tuvi, sink, policy):
    never = threading.Event()
    policy.decide = lambda attributes: never.wait(30) and None
    configure(tuvi, sink, policy, "smtpd_policy_service_timeout = 1s\n", options=", try_limit=1")
    started = time.monotonic()
    assert send(tuvi) == (451, PROBLEM)
    assert 1 <= time.monotonic() - started < 5
    tuvi.wait_log(f"problem talking to server 127.0.0.1:{policy.port}: Connection timed out")
    never.set()


def test_the_default_action_can_be_anything(tuvi, sink, policy):
    policy.close()
    configure(tuvi, sink, policy, "smtpd_policy_service_default_action = DEFER_IF_PERMIT\n",
              options=", try_limit=1, { default_action = PREPEND X-Policy: away }")
    assert send(tuvi)[0] == 250
    assert sink.wait(1)[0].data.startswith(b"X-Policy: away\r\nReceived: ")


def test_the_default_action_and_context_of_main_cf_count(tuvi, sink, policy):
    configure(tuvi, sink, policy, "smtpd_policy_service_default_action = 450 4.7.1 we are away\n"
                                  "smtpd_policy_service_policy_context = everywhere\n", options=", try_limit=1")
    assert send(tuvi)[0] == 250
    assert policy.requests[0]["policy_context"] == "everywhere"
    policy.decide = lambda attributes: None
    assert send(tuvi)[1].startswith("450 4.7.1 ") and send(tuvi)[1].endswith("we are away")


def test_a_policy_server_makes_no_open_relay(tuvi, sink, policy):
    tuvi.configure(sink.port, more="smtpd_relay_restrictions = permit_mynetworks\n"
                                   f"smtpd_recipient_restrictions = check_policy_service inet:{policy.port}\n")
    tuvi.start(wait=False)
    wait_for(lambda: tuvi.process.poll() is not None, what="its refusal")
    assert "open relay" in tuvi.process.stdout.read()


def test_a_reload_names_another_server(tuvi, sink, policy):
    other = PolicyServer(decide=lambda attributes: "REJECT by the other")
    configure(tuvi, sink, policy)
    assert send(tuvi)[0] == 250
    main = tuvi.root / "main.cf"
    main.write_text(main.read_text().replace(f"127.0.0.1:{policy.port}", f"127.0.0.1:{other.port}"))
    tuvi.process.send_signal(1)
    wait_for(lambda: send(tuvi)[1].endswith("by the other"), what="the other server")
    other.close()


def test_a_port_that_nobody_could_mean(tuvi, sink):
    (port,) = free_ports(1)
    tuvi.configure(sink.port, more=f"smtpd_recipient_restrictions = check_policy_service inet:policy.test:{port}\n")
    tuvi.start(wait=False)
    wait_for(lambda: tuvi.process.poll() is not None, what="its refusal")
    assert "check_policy_service: \"inet:policy.test:" in tuvi.process.stdout.read()


# ---- Postgrey ----

class Postgrey:
    """Debian's, with a database of its own."""

    def __init__(self, delay):
        self.folder = Folder()
        database = self.folder.path / "db"
        database.mkdir()
        owner = pwd.getpwnam("postgrey")
        shutil.chown(database, owner.pw_uid, owner.pw_gid)
        self.port = free_ports(1)[0]
        self.process = subprocess.Popen(
            ["/usr/sbin/postgrey", f"--inet=127.0.0.1:{self.port}", f"--dbdir={database}", f"--delay={delay}",
             f"--pidfile={self.folder.path}/pid", "--hostname=mx.local.test"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.listens, what="Postgrey")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.folder.close()


def test_postgrey_lets_in_who_comes_again(tuvi, sink):
    postgrey = Postgrey(delay=2)
    try:
        configure(tuvi, sink, postgrey, options=", timeout=10s")
        code, line = send(tuvi)
        assert code == 450 and line.startswith("450 4.2.0 <r@far.test>: Recipient address rejected: Greylisted"), line
        assert send(tuvi)[0] == 450
        time.sleep(3)
        assert send(tuvi)[0] == 250
        sink.wait(1)
        assert re.match(rb"X-Greylist: delayed \d+ seconds by postgrey-[\d.]+ at mx\.local\.test; .*\r\nReceived: ",
                        sink.messages[0].data)
    finally:
        postgrey.close()


# ---- tuvi explain ----

def test_explain_asks_no_policy_server(tuvi, sink, policy):
    configure(tuvi, sink, policy)
    done = subprocess.run([TUVI, "explain", tuvi.root, "--client", "127.0.0.2", "--from", "s@sender.test", "--to",
                           "r@far.test"], capture_output=True, text=True, check=False, timeout=60)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and f"policy server 127.0.0.1:{policy.port}: not asked, as if it said DUNNO" in lines
    assert lines[-1] == "reply to RCPT: 250 2.1.5 Ok"
    assert policy.requests == []
