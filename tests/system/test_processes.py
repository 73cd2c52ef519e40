"""The processes of the daemon: whose rights they have, how they end, and what becomes of their work."""
import os
import pwd
import signal
import socket

import pytest

from dovecot import mail_owner
from harness import MINE, Client, Sink, free_ports, is_running, wait_for

GOING = ["421 4.3.2 mx.local.test Service is shutting down, try again later"]


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as text:
        return dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)


def auth_user():
    try:
        return pwd.getpwnam("tuvi-auth")
    except KeyError:
        return pwd.getpwnam(mail_owner())


@pytest.fixture
def pair(tuvi, sink):
    """tuvid with two workers, started."""
    tuvi.configure(sink.port, "tuvi_workers = 2\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    return tuvi.start()


def connect_to(tuvi, worker):
    """A session with one worker: the others are asleep while it begins."""
    others = [pid for pid in tuvi.workers() if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        client = Client(tuvi.p25)
        client.ehlo()
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)
    return client


def begin_message(client, recipient):
    """Everything but the end of a message."""
    assert client.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert client.command(f"RCPT TO:<{recipient}>")[0] == 250
    assert client.command("DATA")[0] == 354
    client.send("Subject: x\r\n\r\nbegun\r\n")


def end_message(client):
    client.send("and ended\r\n.\r\n")
    return client.reply()


def was_cut(client):
    try:
        return client.reply() == (0, [])
    except ConnectionError:
        return True


def worker_after(tuvi, killed):
    """Those that run once another has taken the place of one that was killed."""
    def both():
        workers = tuvi.workers()
        return len(workers) == 2 and killed not in workers and workers
    return wait_for(both, what="another worker")


# ---- rights ----

def test_each_role_is_the_user_it_should_be_and_can_become_nobody_else(pair):
    owner = pwd.getpwnam(mail_owner())
    assert status(pair.process.pid)["Uid"].split() == ["0"] * 4
    for role, user in (("worker", owner), ("auth", auth_user())):
        pids = pair.processes(role)
        assert len(pids) == {"worker": 2, "auth": 1}[role]
        for pid in pids:
            facts = status(pid)
            assert facts["Uid"].split() == [str(user.pw_uid)] * 4
            assert facts["Gid"].split() == [str(user.pw_gid)] * 4
            assert facts["NoNewPrivs"] == "1"
            assert set(map(int, facts["Groups"].split())) == set(os.getgrouplist(user.pw_name, user.pw_gid))
            for capabilities in ("CapPrm", "CapEff", "CapAmb"):
                assert int(facts[capabilities], 16) == 0


def test_a_role_that_was_started_again_has_no_more_rights_than_before(pair):
    [auth] = pair.processes("auth")
    worker = pair.workers()[0]
    os.kill(auth, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    worker_after(pair, worker)
    [auth] = wait_for(lambda: [pid for pid in pair.processes("auth") if pid != auth], what="another auth role")
    for pid in (auth, *pair.workers()):
        wait_for(lambda pid=pid: status(pid)["NoNewPrivs"] == "1")
        assert "0" not in status(pid)["Uid"].split()


def test_mail_owner_is_whose_rights_the_workers_have(tuvi, sink):
    tuvi.configure(sink.port, "mail_owner = nobody\n")
    tuvi.start()
    nobody = pwd.getpwnam("nobody")
    for pid in tuvi.workers():
        assert status(pid)["Uid"].split() == [str(nobody.pw_uid)] * 4
    client = Client(tuvi.p25)
    client.ehlo()
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.quit()
    sink.wait(1)


def test_the_roles_hold_no_descriptor_that_is_not_theirs(pair):
    def names(pid):
        return [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    for pid in (*pair.workers(), *pair.processes("auth")):
        for name in names(pid):
            assert not name.endswith(("passwd", "key.pem", "main.cf", "master.cf", "tuvid.pid")), name
    slots = {role: {name.split("/slot-")[1].split("/")[0] for name in names(pid) if "/slot-" in name}
             for pid, role in pair.children()}
    assert slots == {"auth 0": set(), "worker 0": {"0"}, "worker 1": {"1"}}


# ---- a worker is killed ----

def test_a_killed_worker_is_started_again_and_the_sessions_of_others_go_on(pair, sink):
    victim, other = pair.workers()
    cut, stays = connect_to(pair, victim), connect_to(pair, other)
    begin_message(cut, "cut@remote.test")
    begin_message(stays, "stays@remote.test")
    os.kill(victim, signal.SIGKILL)
    pair.wait_log(f"warning: process worker pid {victim} killed by signal 9\n")
    assert was_cut(cut)
    workers = worker_after(pair, victim)
    assert other in workers
    assert end_message(stays)[0] == 250
    assert sink.wait(1)[0].recipients == ["stays@remote.test"]
    [fresh] = [pid for pid in workers if pid != other]
    again = connect_to(pair, fresh)
    assert again.message("ada@local.test", ["again@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    assert [m.recipients for m in sink.wait(2)] == [["stays@remote.test"], ["again@remote.test"]]
    for client in (cut, stays, again):
        client.close()


def test_the_log_of_a_killed_worker_is_replayed(tuvi):
    [port] = free_ports(1)  # nobody listens there yet
    tuvi.configure(port, "tuvi_workers = 2\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    tuvi.start()
    victim = tuvi.workers()[0]
    client = connect_to(tuvi, victim)
    ids = []
    for i in range(3):
        code, lines = client.message("ada@local.test", [f"user{i}@remote.test"], f"Subject: {i}\r\n\r\nkept\r\n")
        assert code == 250
        ids.append(lines[0].split()[-1])
    client.close()
    for queue_id in ids:
        tuvi.wait_log(f"{queue_id}: to=")
    os.kill(victim, signal.SIGKILL)
    worker_after(tuvi, victim)
    tuvi.wait_log("slot 0: 3 messages in the queue\n")
    sink = Sink(port)
    try:
        arrived = sink.wait(3)
        assert sorted(message.recipients[0] for message in arrived) == [f"user{i}@remote.test" for i in range(3)]
        for queue_id in ids:
            tuvi.wait_log(f"{queue_id}: removed\n")
    finally:
        tuvi.stop()
        sink.close()


def test_workers_that_are_killed_again_and_again_come_back(pair, sink):
    for i in range(3):
        for worker in pair.workers():
            os.kill(worker, signal.SIGKILL)
        wait_for(lambda: pair.log().count("killed by signal 9\n") == 2 * (i + 1), what="the end of the workers")
        wait_for(lambda: len(pair.workers()) == 2, what="other workers")
    client = Client(pair.p25, timeout=30)  # it may have to wait until one of them serves
    client.ehlo()
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.close()
    sink.wait(1)


# ---- the end ----

def test_sigterm_lets_a_message_be_finished_and_sends_the_idle_away(pair, sink):
    busy = [connect_to(pair, worker) for worker in pair.workers()]
    for i, client in enumerate(busy):
        begin_message(client, f"busy{i}@remote.test")
    fresh, greeted, secure = Client(pair.p25), Client(pair.p25), Client(pair.p465, wrapped=True)
    greeted.ehlo()
    secure.ehlo()
    named = Client(pair.p25)
    named.ehlo()
    assert named.command("MAIL FROM:<ada@local.test>")[0] == 250
    children = [pid for pid, _ in pair.children()]
    pair.process.send_signal(signal.SIGTERM)
    for client in (fresh, greeted, secure):
        assert client.reply() == (421, GOING)
        assert client.file.read() == b""
        client.close()
    # One who is in the middle may go on to the end of his message, too.
    assert named.command("RCPT TO:<named@remote.test>")[0] == 250
    assert named.command("DATA")[0] == 354
    ids = []
    for client in (named, *busy):
        code, lines = end_message(client)
        assert code == 250
        ids.append(lines[0].split()[-1])
        assert client.reply() == (421, GOING)
        client.close()
    assert pair.stop() == 0
    assert not [pid for pid in children if is_running(pid)]
    pair.start()  # what was not passed on before the end is passed on now
    messages = sink.wait(3)
    assert sorted(message.recipients[0] for message in messages) == \
        ["busy0@remote.test", "busy1@remote.test", "named@remote.test"]
    assert all(message.data.endswith(b"begun\r\nand ended\r\n") or message.recipients == ["named@remote.test"]
               for message in messages)
    for queue_id in ids:
        pair.wait_log(f"{queue_id}: removed\n")
    assert len(sink.messages) == 3


def test_while_it_stops_it_takes_no_new_clients(pair):
    busy = connect_to(pair, pair.workers()[0])
    begin_message(busy, "bob@remote.test")
    idle = Client(pair.p25)
    pair.process.send_signal(signal.SIGTERM)
    assert idle.reply() == (421, GOING)
    idle.close()

    def refused():
        try:
            with socket.create_connection(("127.0.0.1", pair.p25), 20, (MINE, 0)):
                return False
        except ConnectionRefusedError:
            return True
    wait_for(refused, 10, "the refusal of new connections")
    assert pair.process.poll() is None
    assert end_message(busy)[0] == 250
    busy.close()
    assert pair.process.wait(20) == 0


def test_a_message_that_could_not_be_delivered_before_the_end_is_delivered_after_the_next_start(tuvi):
    [port] = free_ports(1)
    tuvi.configure(port, "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    begin_message(client, "bob@remote.test")
    tuvi.process.send_signal(signal.SIGTERM)
    code, lines = end_message(client)
    assert code == 250
    client.close()
    assert tuvi.stop() == 0
    sink = Sink(port)
    try:
        tuvi.start()
        sink.wait(1)
        tuvi.wait_log(f"{lines[0].split()[-1]}: removed\n")
    finally:
        tuvi.stop()
        sink.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_process_is_left_after_the_end(pair, number):
    clients = [Client(pair.p25) for _ in range(8)]
    children = [pid for pid, _ in pair.children()]
    assert len(children) == 3
    pair.process.send_signal(number)
    for client in clients:
        assert client.reply() == (421, GOING)
        client.close()
    assert pair.process.wait(20) == 0
    assert not [pid for pid in children if is_running(pid)]
    assert f"terminating on signal {int(number)}\n" in pair.log()
    assert not (pair.root / "spool/tuvi/tuvid.pid").exists()


# ---- the supervisor is killed ----

def test_without_their_supervisor_the_roles_end_by_themselves_and_another_can_start(pair, sink):
    children = [pid for pid, _ in pair.children()]
    idle, busy = Client(pair.p25), connect_to(pair, pair.workers()[1])
    begin_message(busy, "busy@remote.test")
    pair.process.kill()
    pair.process.wait()
    assert idle.reply() == (421, GOING)
    assert end_message(busy)[0] == 250
    for client in (idle, busy):
        client.close()
    for pid in children:
        wait_for(lambda pid=pid: not is_running(pid), 20, "the end of the roles")
    pair.process.stdout.close()
    pair.start()
    assert sink.wait(1)[0].recipients == ["busy@remote.test"]
    client = Client(pair.p465, wrapped=True)
    client.ehlo()
    assert client.auth_plain()[0] == 235
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.close()
    assert sink.wait(2)[1].recipients == ["bob@remote.test"]
