"""SIGHUP and `tuvi reload`: another configuration for all that begins from then on, nothing lost, and nothing
changed by one that is wrong."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from harness import MINE, TUVI, Client, Folder, Sink, Tuvi, free_ports, is_running, wait_for
from load import Arrivals, Load

# The build's own sanitizers keep freed memory for a while, so growth says nothing there.
SANITIZED = b"__asan_init" in pathlib.Path(TUVI).read_bytes()
RELOADS = int(os.environ.get("TUVI_RELOADS", "50" if SANITIZED else "200"))


@pytest.fixture
def sink():
    one = Sink()
    yield one
    one.close()


@pytest.fixture
def tuvi(sink):
    one = Tuvi(sink.port, more="tuvi_workers = 2")
    one.start()
    yield one
    code = one.stop()
    one.close()
    assert code == 0


def count_reloads(tuvi):
    return tuvi.log().count("reload -- version ")


def reload(tuvi):
    before = count_reloads(tuvi)
    tuvi.process.send_signal(signal.SIGHUP)
    wait_for(lambda: count_reloads(tuvi) > before, 20, "the reload")


def refused_reload(tuvi):
    before = tuvi.log().count("reload refused")
    tuvi.process.send_signal(signal.SIGHUP)
    wait_for(lambda: tuvi.log().count("reload refused") > before, 20, "the refusal")


def change(tuvi, sink_port, more="", services=""):
    tuvi.configure(sink_port, "tuvi_workers = 2\n" + more, services)
    reload(tuvi)


def login(tuvi, user="alice", password="wonderland"):
    client = Client(tuvi.p465, wrapped=True)
    client.ehlo()
    code = client.auth_plain(user, password)[0]
    client.close()
    return code


def certificate(client):
    return client.socket.getpeercert(binary_form=True)


def test_the_log_says_that_it_was_reloaded_and_no_process_was_replaced(tuvi):
    children = tuvi.children()
    reload(tuvi)
    assert tuvi.children() == children
    line = [line for line in tuvi.log().splitlines() if "reload -- version" in line][0]
    assert f"postfix/master[{tuvi.process.pid}]: reload -- version " in line
    assert line.endswith(f", configuration {tuvi.root}")


def test_new_sessions_get_the_new_banner_and_size_limit_and_open_ones_keep_the_old(tuvi, sink):
    old = Client(tuvi.p25)
    change(tuvi, sink.port, "smtpd_banner = new.test ESMTP\nmessage_size_limit = 77777")
    for _ in range(8):  # both workers, most likely
        new = Client(tuvi.p25)
        assert new.greeting == (220, ["220 new.test ESMTP"])
        assert "SIZE 77777" in new.ehlo()
        new.close()
    assert old.greeting[1] != ["220 new.test ESMTP"]
    assert "SIZE 10240000" in old.ehlo()
    assert old.message("a@local.test", ["b@far.test"], "Subject: x\r\n\r\n" + "y" * 70 * 2000)[0] in (250, 500)
    assert old.message("a@local.test", ["b@far.test"], b"Subject: x\r\n\r\n" + b"y" * 70 * 2000 + b"\r\n")[0] == 250
    assert old.quit()[0] == 221
    assert sink.wait(1)


def test_a_message_that_was_being_sent_is_taken_after_the_reload(tuvi, sink):
    old = Client(tuvi.p25)
    old.ehlo()
    for line in ("MAIL FROM:<a@local.test>", "RCPT TO:<b@far.test>", "DATA"):
        assert old.command(line)[0] < 400
    old.send("Subject: half\r\n\r\n")
    change(tuvi, sink.port, "smtpd_banner = new.test ESMTP")
    old.send("the other half\r\n.\r\n")
    assert old.reply()[0] == 250
    assert b"the other half" in sink.wait(1)[0].data
    old.close()


def test_mail_goes_to_the_new_relayhost(tuvi, sink):
    other = Sink()
    try:
        old = Client(tuvi.p25)
        old.ehlo()
        assert old.message("a@local.test", ["b@far.test"], "Subject: 1\r\n\r\n")[0] == 250
        sink.wait(1)
        change(tuvi, other.port)
        assert old.message("a@local.test", ["b@far.test"], "Subject: 2\r\n\r\n")[0] == 250
        assert b"Subject: 2" in other.wait(1)[0].data
        old.close()
        assert len(sink.messages) == 1
    finally:
        other.close()


def test_new_sessions_are_judged_by_the_new_restrictions(tuvi, sink):
    old = Client(tuvi.p25)
    old.ehlo()
    text = (tuvi.root / "main.cf").read_text()
    (tuvi.root / "main.cf").write_text(text.replace("mynetworks = 127.0.0.2/32", "mynetworks = 127.0.0.9/32"))
    reload(tuvi)
    new = Client(tuvi.p25, source=MINE)
    new.ehlo()
    assert new.message("a@local.test", ["b@far.test"], "Subject: x\r\n\r\n")[0] == 554
    assert old.message("a@local.test", ["b@far.test"], "Subject: x\r\n\r\n")[0] == 250
    old.close()
    new.close()
    sink.wait(1)


def renew_certificate(tuvi):
    other = Folder()
    try:
        subprocess.run([TUVI, "init", other.path / "o", "--hostname", "mx.local.test"], check=True, capture_output=True)
        for name in ("cert.pem", "key.pem"):
            shutil.copyfile(other.path / "o" / name, tuvi.root / (name + ".new"))
            os.replace(tuvi.root / (name + ".new"), tuvi.root / name)
    finally:
        other.close()


def test_new_sessions_get_the_new_certificate(tuvi):
    old, first = Client(tuvi.p25), Client(tuvi.p465, wrapped=True)
    renew_certificate(tuvi)
    reload(tuvi)
    new = Client(tuvi.p465, wrapped=True)
    assert certificate(new) != certificate(first)
    old.ehlo()
    old.starttls()
    assert certificate(old) == certificate(first)
    for client in (old, first, new):
        client.ehlo()
        client.close()


def test_a_configuration_that_is_wrong_is_refused_with_file_and_line(tuvi, sink):
    good = (tuvi.root / "main.cf").read_text()
    (tuvi.root / "main.cf").write_text(good + "smtpd_banner = wrong.test\nmessage_size_limit = many\n")
    refused_reload(tuvi)
    line = len(good.splitlines()) + 2
    assert f"{tuvi.root}/main.cf, line {line}: message_size_limit" in tuvi.log()
    assert "wrong.test" not in Client(tuvi.p25).greeting[1][0]
    assert count_reloads(tuvi) == 0
    for pid in tuvi.workers():  # a role that starts now has the old one too
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(tuvi.workers()) == 2, 20, "the workers")
    assert "wrong.test" not in Client(tuvi.p25).greeting[1][0]
    change(tuvi, sink.port, "smtpd_banner = right.test")
    assert Client(tuvi.p25).greeting[1] == ["220 right.test"]


def test_a_key_that_is_no_key_is_refused(tuvi):
    (tuvi.root / "key.pem").write_text("no key\n")
    refused_reload(tuvi)
    assert f"{tuvi.root}/main.cf, line " in tuvi.log() and "key.pem" in tuvi.log()
    client = Client(tuvi.p25)
    client.ehlo()
    client.starttls()
    client.close()


def test_what_only_a_restart_can_change_is_named_and_the_rest_is_taken(tuvi, sink):
    tuvi.configure(sink.port, f"tuvi_workers = 5\nqueue_directory = {tuvi.root}/elsewhere\n"
                   "smtpd_banner = new.test")
    reload(tuvi)
    log = tuvi.log()
    for text in ('queue_directory: a reload cannot change it: "%s/spool" stays' % tuvi.root,
                 'tuvi_workers: a reload cannot change it: "2" stays'):
        assert text in log, text
    assert Client(tuvi.p25).greeting[1] == ["220 new.test"]
    assert len(tuvi.workers()) == 2 and login(tuvi) == 235
    assert not (tuvi.root / "elsewhere").exists()


def test_a_service_that_is_no_more_takes_nobody_and_keeps_whom_it_has(tuvi):
    old = Client(tuvi.p465, wrapped=True)
    text = (tuvi.root / "master.cf").read_text()
    (tuvi.root / "master.cf").write_text(text[text.index(f"127.0.0.1:{tuvi.p587}"):
                                              text.index(f"127.0.0.1:{tuvi.p465}")])
    reload(tuvi)
    for port in (tuvi.p25, tuvi.p465):
        with pytest.raises(ConnectionRefusedError):
            Client(port)
    old.ehlo()
    assert old.auth_plain()[0] == 235
    new = Client(tuvi.p587)  # its number in master.cf is another one now
    new.ehlo()
    new.starttls()
    assert new.auth_plain()[0] == 235
    os.kill(tuvi.workers()[0], signal.SIGKILL)
    wait_for(lambda: len(tuvi.workers()) == 2, 20, "the workers")
    for client in (old, new):
        client.close()
    reload(tuvi)
    for _ in range(8):
        assert Client(tuvi.p587).quit()[0] == 221


def test_a_service_that_is_new_takes_clients_at_once(tuvi):
    old = Client(tuvi.p25)
    workers = tuvi.workers()
    ports = free_ports(2)
    master = (tuvi.root / "master.cf").read_text()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            Client(port)
        master = f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_banner={port}.test\n" + master
        (tuvi.root / "master.cf").write_text(master)
        reload(tuvi)
    assert tuvi.workers() == workers
    for again in (False, True):
        for port in ports * 8:   # whichever worker takes it
            client = Client(port)
            assert client.greeting[1] == [f"220 {port}.test"]
            client.close()
        if not again:   # a worker that starts now has them too
            os.kill(tuvi.workers()[0], signal.SIGKILL)
            wait_for(lambda: len(tuvi.workers()) == 2, 20, "the workers")
    (tuvi.root / "master.cf").write_text("".join(master.splitlines(keepends=True)[1:]))
    reload(tuvi)
    with pytest.raises(ConnectionRefusedError):
        Client(ports[1])
    assert Client(ports[0]).greeting[1] == [f"220 {ports[0]}.test"]
    old.close()


def test_a_service_may_get_another_name_where_it_listens(tuvi):
    text = (tuvi.root / "master.cf").read_text()
    old = Client(tuvi.p25)
    (tuvi.root / "master.cf").write_text(text.replace(f"127.0.0.1:{tuvi.p25} ", f"[127.0.0.1]:{tuvi.p25} "))
    reload(tuvi)
    assert Client(tuvi.p25).quit()[0] == 221 and old.quit()[0] == 221


def test_a_service_that_cannot_listen_refuses_the_reload(tuvi):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        master = (tuvi.root / "master.cf").read_text()
        ours, theirs = free_ports(1)[0], other.getsockname()[1]
        (tuvi.root / "master.cf").write_text(master + f"127.0.0.1:{ours} inet n - n - - smtpd\n"
                                             f"127.0.0.1:{theirs} inet n - n - - smtpd\n")
        refused_reload(tuvi)
        line = len(master.splitlines()) + 2
        assert f"master.cf: line {line}: 127.0.0.1:{theirs}: Address already in use" in tuvi.log()
        with pytest.raises(ConnectionRefusedError):
            Client(ours)
    reload(tuvi)
    for port in (ours, theirs, tuvi.p25):
        assert Client(port).quit()[0] == 221


def test_passwords_come_from_the_file_that_is_named_now(tuvi):
    shutil.copyfile(tuvi.root / "passwd", tuvi.root / "first")
    text = (tuvi.root / "main.cf").read_text()
    (tuvi.root / "main.cf").write_text(text.replace(f"{tuvi.root}/passwd", f"{tuvi.root}/second"))
    tuvi.passwd("bob", "builder")
    auth = tuvi.processes("auth")
    reload(tuvi)
    assert login(tuvi, "bob", "builder") == 235 and login(tuvi) == 535
    assert tuvi.processes("auth") == auth
    tuvi.passwd("carol", "singer")  # the new file is watched
    wait_for(lambda: login(tuvi, "carol", "singer") == 235, 20, "the new user")


def test_a_password_file_can_be_named_for_the_first_time(sink):
    tuvi = Tuvi(sink.port)
    try:
        text = (tuvi.root / "main.cf").read_text()
        (tuvi.root / "main.cf").write_text(text.replace("smtpd_sasl_auth_enable = yes",
                                                        "smtpd_sasl_auth_enable = no"))
        tuvi.start()
        assert tuvi.processes("auth") == []
        (tuvi.root / "main.cf").write_text(text)
        reload(tuvi)
        wait_for(lambda: tuvi.processes("auth"), 20, "the auth role")
        wait_for(lambda: login(tuvi) == 235, 20, "a login")
    finally:
        assert tuvi.stop() == 0
        tuvi.close()


def test_tuvi_reload_checks_and_then_tells_the_daemon(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_banner = new.test")
    done = subprocess.run([TUVI, "reload", tuvi.root], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and str(tuvi.process.pid) in done.stdout, done
    wait_for(lambda: count_reloads(tuvi) == 1, 20, "the reload")
    assert Client(tuvi.p25).greeting[1] == ["220 new.test"]
    tuvi.configure(sink.port, "message_size_limit = many")
    done = subprocess.run([TUVI, "reload", tuvi.root], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "message_size_limit" in done.stderr
    assert "refused" not in tuvi.log() and count_reloads(tuvi) == 1
    tuvi.configure(sink.port, f"queue_directory = {tuvi.root}/elsewhere")
    done = subprocess.run([TUVI, "reload", tuvi.root], capture_output=True, text=True, check=False)
    assert done.returncode == 69 and "no tuvid runs" in done.stderr


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_many_reloads_under_load_lose_no_session_and_no_message(tuvi, sink):
    idle = [Client(tuvi.p25) for _ in range(4)]
    load = Load(tuvi.p25, 4)
    for number in range(RELOADS):
        tuvi.configure(sink.port, f"tuvi_workers = 2\nsmtpd_banner = number.{number}.test")
        reload(tuvi)
        client = Client(tuvi.p465, wrapped=True)
        assert client.greeting[1] == [f"220 number.{number}.test"]
        client.close()
        if number % 50 == 0:  # before smtpd_timeout ends them, and not so often that it is junk
            assert [client.command("NOOP")[0] for client in idle] == [250] * 4
    load.stop()  # fails when any of its sessions ended before its time
    arrivals = Arrivals(sink)
    wait_for(lambda: not arrivals.missing(load.acked), 60, "the arrival of all messages")
    assert not arrivals.doubled() and len(load.acked) > RELOADS / 10
    for client in idle:
        assert client.quit()[0] == 221
    assert "process worker" not in tuvi.log() and "process auth" not in tuvi.log()


def test_signals_that_come_faster_than_roles_can_follow_are_all_followed_by_the_newest(tuvi, sink):
    old = Client(tuvi.p25)
    for number in range(50):
        tuvi.configure(sink.port, f"tuvi_workers = 2\nsmtpd_banner = number.{number}.test")
        tuvi.process.send_signal(signal.SIGHUP)
    wait_for(lambda: Client(tuvi.p25).greeting[1] == ["220 number.49.test"], 20, "the newest configuration")
    assert old.quit()[0] == 221


@pytest.mark.unsanitized   # freed memory stays for a while there
def test_memory_does_not_grow_with_reloads(tuvi):
    pids = [tuvi.process.pid] + [pid for pid, _ in tuvi.children()]
    held = Client(tuvi.p25)  # an old snapshot that lives on keeps none of those between alive
    for _ in range(60):
        reload(tuvi)
    before = {pid: resident_kib(pid) for pid in pids}
    for _ in range(RELOADS):
        reload(tuvi)
    grown = {pid: resident_kib(pid) - before[pid] for pid in pids}
    assert all(kib < 1024 for kib in grown.values()), grown
    assert all(is_running(pid) for pid in pids) and held.quit()[0] == 221


# ---- without anybody asking ----

def test_a_renewed_certificate_is_used_and_main_cf_stays_as_it_was_read(tuvi, sink):
    old = Client(tuvi.p465, wrapped=True)
    tuvi.configure(sink.port, "smtpd_banner = unasked.test")
    renew_certificate(tuvi)
    wait_for(lambda: count_reloads(tuvi) == 1, 20, "the reload")
    assert f"{tuvi.root}/cert.pem has changed" in tuvi.log()
    new = Client(tuvi.p465, wrapped=True)
    assert certificate(new) != certificate(old) and "unasked.test" not in new.greeting[1][0]
    for client in (old, new):
        assert client.quit()[0] == 221


def test_a_certificate_that_is_no_certificate_is_not_used_and_the_log_says_why(tuvi):
    old = Client(tuvi.p465, wrapped=True)
    (tuvi.root / "cert.pem").write_text("nothing\n")
    tuvi.wait_log("reload refused")
    assert "cert.pem: " in tuvi.log() and count_reloads(tuvi) == 0
    new = Client(tuvi.p465, wrapped=True)
    assert certificate(new) == certificate(old)
    renew_certificate(tuvi)
    wait_for(lambda: count_reloads(tuvi) == 1, 20, "the reload")
    assert certificate(Client(tuvi.p465, wrapped=True)) != certificate(old)


def test_a_link_that_leads_to_another_certificate_is_followed(tuvi):
    for name in ("cert.pem", "key.pem"):
        (tuvi.root / "first").mkdir(exist_ok=True)
        (tuvi.root / name).rename(tuvi.root / "first" / name)
        (tuvi.root / name).symlink_to(tuvi.root / "first" / name)
    old = Client(tuvi.p465, wrapped=True)
    renew_certificate(tuvi)
    wait_for(lambda: count_reloads(tuvi) >= 1, 20, "the reload")
    assert certificate(Client(tuvi.p465, wrapped=True)) != certificate(old)


def test_a_file_that_is_written_again_with_the_same_text_changes_nothing(tuvi):
    text = (tuvi.root / "cert.pem").read_text()
    (tuvi.root / "cert.pem").write_text(text)
    renew_certificate(tuvi)
    wait_for(lambda: count_reloads(tuvi) == 1, 20, "the reload")
    text = (tuvi.root / "cert.pem").read_text()
    (tuvi.root / "cert.pem").write_text(text)
    with pytest.raises(AssertionError):
        wait_for(lambda: count_reloads(tuvi) > 1, 2.5, "another reload")
