"""Mail goes into Maildirs: of addresses in virtual_mailbox_maps, and of users of this machine."""
import contextlib
import ctypes
import os
import pathlib
import pwd
import re
import signal
import socket
import struct
import subprocess

import pytest

from harness import Client, Folder, is_running, wait_for

MESSAGE = "Subject: for you\r\nMessage-ID: <1@far.test>\r\n\r\nThe text,\r\n.with a dot.\r\n"
QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\nqueue_run_delay = 1s\ntuvi_workers = 1\n"
VIRTUAL = QUICK + """\
virtual_transport = virtual
virtual_mailbox_base = {base}
virtual_mailbox_maps = inline:{{ {{alice@local.test = local.test/alice/}} {{bob@local.test = bob/}}
    {{mbox@local.test = mbox}} {{up@local.test = ../up/}} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
recipient_delimiter = +
"""
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def base():
    """A folder for mailboxes, which nobody (or we, without root) may write to."""
    folder = Folder()
    owner = pwd.getpwnam("nobody") if IS_ROOT else pwd.getpwuid(os.geteuid())
    folder.path.chmod(0o755)
    path = folder.path / "mail"
    path.mkdir()
    os.chown(path, owner.pw_uid, owner.pw_gid)
    yield path
    folder.close()


def configure(tuvi, sink, base, more=""):
    owner = base.stat()
    tuvi.configure(sink.port, more=VIRTUAL.format(base=base, uid=owner.st_uid, gid=owner.st_gid) + more)


def send(tuvi, *recipients, data=MESSAGE, sender="ada@far.test"):
    """Returns the queue id."""
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients, data)
    assert code == 250, lines
    client.quit()
    return lines[0].split()[-1]


def files(mailbox):
    """Every file in a Maildir, with the folder it is in."""
    return sorted(path for part in ("new", "cur", "tmp") for path in (mailbox / part).glob("*"))


# ---- virtual mailboxes ----

def test_a_message_arrives_in_a_virtual_mailbox(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    queue_id = send(tuvi, "alice+news@local.test", "bob@local.test")
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert re.search(rf"postfix/virtual\[\d+\]: {queue_id}: to=<alice\+news@local\.test>, relay=virtual, delay=\S+, "
                     rf"delays=\S+, dsn=2\.0\.0, status=sent \(delivered to maildir\)", log), log
    (alice,), (bob,) = files(base / "local.test" / "alice"), files(base / "bob")
    assert alice.parent.name == bob.parent.name == "new"
    text = alice.read_bytes()
    assert text.startswith(b"Return-Path: <ada@far.test>\nX-Original-To: alice+news@local.test\n"
                           b"Delivered-To: alice+news@local.test\nReceived: from ")
    assert text.endswith(b"Subject: for you\nMessage-ID: <1@far.test>\n\nThe text,\n.with a dot.\n")
    assert b"\r" not in text
    assert bob.read_bytes().count(b"Delivered-To: bob@local.test\n") == 1


def test_files_are_their_owners_alone(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    tuvi.wait_log(f"{send(tuvi, 'alice@local.test')}: removed")
    (message,) = files(base / "local.test" / "alice")
    for path, mode in ((message, 0o600), (message.parent, 0o700), (base / "local.test", 0o700)):
        assert path.stat().st_mode & 0o777 == mode
        assert (path.stat().st_uid, path.stat().st_gid) == (base.stat().st_uid, base.stat().st_gid)


def test_an_unknown_address_is_refused_when_it_is_named(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    client.command("MAIL FROM:<ada@far.test>")
    code, lines = client.command("RCPT TO:<nobody@local.test>")
    assert code == 550 and "5.1.1" in lines[0], lines


@pytest.mark.parametrize("user, reason", [
    ("mbox", "is not a Maildir: its name must end with a slash"),
    ("up", "no path for a Maildir")])
def test_a_mailbox_that_cannot_be_used_keeps_the_message(tuvi, sink, base, user, reason):
    configure(tuvi, sink, base)
    tuvi.start()
    queue_id = send(tuvi, f"{user}@local.test")
    log = tuvi.wait_log(f"{queue_id}: to=<{user}@local.test>, relay=virtual")
    assert re.search(rf"{queue_id}: to=.* dsn=4\.\d\.\d, status=deferred \(.*{reason}", log), log
    assert not (base.parent / "up").exists()


def test_a_folder_that_may_not_be_written_keeps_the_message_until_it_may(tuvi, sink, base):
    configure(tuvi, sink, base)
    if not IS_ROOT:
        pytest.skip("who owns the folder may always write there")
    os.chown(base, 0, 0)
    tuvi.start()
    queue_id = send(tuvi, "bob@local.test")
    log = tuvi.wait_log("status=deferred (maildir delivery failed: ")
    assert f"cannot open or make the folder {base}/bob/: Permission denied" in log
    os.chown(base, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    os.chmod(base, 0o700)
    tuvi.wait_log(f"{queue_id}: removed")
    assert len(files(base / "bob")) == 1


def test_a_large_message_arrives_whole(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    body = "".join(f"line {number} of a long text\r\n" for number in range(150000))
    queue_id = send(tuvi, "bob@local.test", data="Subject: large\r\n\r\n" + body)
    tuvi.wait_log(f"{queue_id}: removed")
    (message,) = files(base / "bob")
    assert message.read_text().endswith("Subject: large\n\n" + body.replace("\r\n", "\n"))


def test_mail_waits_while_the_mailbox_role_is_away(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    (role,) = tuvi.processes("mailbox")
    os.kill(role, signal.SIGKILL)
    queue_id = send(tuvi, "bob@local.test")
    tuvi.wait_log(f"{queue_id}: removed")
    assert len(files(base / "bob")) == 1
    assert "process mailbox pid" in tuvi.log()


def test_a_reload_brings_new_mailboxes(tuvi, sink, base):
    tuvi.configure(sink.port, more=QUICK)
    tuvi.start()
    assert not tuvi.processes("mailbox")
    configure(tuvi, sink, base)
    tuvi.process.send_signal(signal.SIGHUP)
    tuvi.wait_log("reload -- version")
    queue_id = send(tuvi, "bob@local.test")
    tuvi.wait_log(f"{queue_id}: removed")
    assert len(files(base / "bob")) == 1


# ---- exactly once ----

IN_CREATE = 0x100
IN_MOVED_TO = 0x80


class FolderWatch:
    """Tells at once when a file gets its name in a folder."""

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self.fd, os.fsencode(folder), IN_CREATE | IN_MOVED_TO) >= 0

    def wait(self):
        """Returns the name of the next file."""
        event = os.read(self.fd, 4096)
        length = struct.unpack_from("iIII", event)[3]
        return event[16:16 + length].rstrip(b"\0").decode()

    def close(self):
        os.close(self.fd)


def test_a_crash_between_link_and_done_leaves_exactly_one_file(tuvi, sink, base):
    """The worker dies as soon as the message has its name in new: its DONE is not written. Its successor brings
    the message again, and it is found; also where somebody has read it meanwhile."""
    configure(tuvi, sink, base)
    tuvi.start()
    tuvi.wait_log(f"{send(tuvi, 'bob@local.test')}: removed")  # makes the folders
    mailbox, found_again = base / "bob", 0
    expected = {path.name for path in files(mailbox)}
    for number in range(6):  # the supervisor waits longer each time
        watch = FolderWatch(mailbox / "new")
        (worker,) = tuvi.workers()
        queue_id = send(tuvi, "bob@local.test")
        name = watch.wait()
        os.kill(worker, signal.SIGKILL)
        watch.close()
        if number % 2 == 1:
            (mailbox / "new" / name).rename(mailbox / "cur" / f"{name}:2,S")
            name += ":2,S"
        expected.add(name)
        wait_for(lambda pid=worker: not is_running(pid), 20, "the end of the worker")
        wait_for(lambda pid=worker: tuvi.workers() not in ([], [pid]), 20, "another worker")
        tuvi.wait_log(f"{queue_id}: removed")
        found_again += f"{queue_id}: to=<bob@local.test>" in tuvi.log() and \
            bool(re.search(rf"{queue_id}: .*status=sent \(delivered to maildir: it was there already\)", tuvi.log()))
    assert {path.name for path in files(mailbox)} == expected
    assert len(expected) == 7
    assert found_again >= 3  # else the crashes came too late to show anything


def test_a_role_that_dies_in_the_middle_leaves_exactly_one_file(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    tuvi.wait_log(f"{send(tuvi, 'bob@local.test')}: removed")
    for _ in range(10):
        watch = FolderWatch(base / "bob" / "tmp")
        queue_id = send(tuvi, "bob@local.test")
        watch.wait()
        (role,) = tuvi.processes("mailbox")
        for pid in writers_of(role):
            with contextlib.suppress(ProcessLookupError):   # it may be done already
                os.kill(pid, signal.SIGKILL)
        watch.close()
        tuvi.wait_log(f"{queue_id}: removed")
    assert len([path for path in files(base / "bob") if path.parent.name != "tmp"]) == 11


def writers_of(role):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(role)], capture_output=True, text=True,
                           check=False).stdout
    return [int(pid) for pid in found.split()]


# ---- what it may do ----

def request(recipient, size):
    """The head of a request as a worker writes it: a message of `size` bytes for a virtual mailbox."""
    counted = [struct.pack("<I", len(text)) + text for text in (b"ada@far.test", recipient, b"")]
    head = struct.pack("<BBBqQIQ", 1, 2, 0, 1_700_000_000_000_000, 7, 0, size) + b"".join(counted)
    return struct.pack("<I", len(head)) + head


def connect(tuvi):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(20)
    one.connect(str(tuvi.root / "spool" / "tuvi" / "mailbox"))
    return one


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, value in (line.split(":", 1) for line in lines)}


def test_who_writes_the_message_is_its_owner_and_nobody_else(tuvi, sink, base):
    """The process is stopped by content that does not come: by then it has read the head alone."""
    configure(tuvi, sink, base)
    tuvi.start()
    (role,) = tuvi.processes("mailbox")
    with connect(tuvi) as worker:
        worker.sendall(request(b"bob@local.test", 100))
        wait_for(lambda: list((base / "bob" / "tmp").glob("*")), 20, "the file in tmp")
        (writer,) = writers_of(role)
        uid, gid = str(base.stat().st_uid), str(base.stat().st_gid)
        status = status_of(writer)
        assert status["Uid"] == [uid] * 4 and status["Gid"] == [gid] * 4
        assert status["Groups"] in ([], [gid]) or not IS_ROOT
        assert status["CapEff"] == status["CapPrm"] == ["0" * 16] or not IS_ROOT
        for pid in (writer, role):
            assert status_of(pid)["NoNewPrivs"] == ["1"] and status_of(pid)["Seccomp"] == ["2"]
            assert status_of(pid)["CapBnd"] == ["0" * 16] or not IS_ROOT
        worker.sendall(b"x" * 98 + b"\r\n")
        assert b"delivered to maildir" in worker.recv(1000)
    assert len(files(base / "bob")) == 1


def test_content_that_ends_too_early_leaves_nothing(tuvi, sink, base):
    configure(tuvi, sink, base)
    tuvi.start()
    (role,) = tuvi.processes("mailbox")
    with connect(tuvi) as worker:
        worker.sendall(request(b"bob@local.test", 100) + b"x" * 99)
        wait_for(lambda: list((base / "bob" / "tmp").glob("*")), 20, "the file in tmp")
    wait_for(lambda: not writers_of(role), 20, "the end of the process")
    assert files(base / "bob") == []


@pytest.mark.parametrize("garbage", [
    b"", b"\xff\xff\xff\xff", b"EHLO x\r\n", request(b"bob@local.test\nX-Evil: 1", 0), request(b"bob@local.test", 0)[:-1]])
def test_what_is_no_request_gets_no_answer_and_harms_nobody(tuvi, sink, base, garbage):
    configure(tuvi, sink, base)
    tuvi.start()
    (role,) = tuvi.processes("mailbox")
    with connect(tuvi) as worker:
        worker.sendall(garbage)
        worker.shutdown(socket.SHUT_WR)
        try:
            assert worker.recv(1000) == b""
        except ConnectionResetError:
            pass    # it did not even read all of it
    tuvi.wait_log(f"{send(tuvi, 'bob@local.test')}: removed")
    assert tuvi.processes("mailbox") == [role]
    assert len(files(base / "bob")) == 1


# ---- users of this machine ----

@pytest.fixture
def user():
    """A user that this test makes, with a home folder."""
    if not IS_ROOT:
        pytest.skip("only root can make users")
    folder = Folder()
    folder.path.chmod(0o755)
    name = f"tuvitest{os.getpid()}"
    home = folder.path / "home"
    subprocess.run(["useradd", "--create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name],
                   check=True, capture_output=True)
    yield pwd.getpwnam(name)
    subprocess.run(["userdel", name], check=False, capture_output=True)
    folder.close()


LOCAL = QUICK + """\
virtual_mailbox_domains =
mydestination = local.test
home_mailbox = Maildir/
recipient_delimiter = +
alias_maps = inline:{{ {{postmaster = {user}}} }}
"""


def test_a_user_gets_mail_into_the_home_folder(tuvi, sink, user):
    tuvi.configure(sink.port, more=LOCAL.format(user=user.pw_name))
    tuvi.start()
    queue_id = send(tuvi, f"{user.pw_name.upper()}+news@local.test", "postmaster@local.test")
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert re.search(rf"postfix/local\[\d+\]: {queue_id}: to=<{user.pw_name}@local\.test>, "
                     rf"orig_to=<postmaster@local\.test>, relay=local, .*status=sent \(delivered to maildir\)",
                     log), log
    found = files(pathlib.Path(user.pw_dir) / "Maildir")
    assert len(found) == 2
    for path in found:
        assert (path.stat().st_uid, path.stat().st_gid) == (user.pw_uid, user.pw_gid)
        assert path.stat().st_mode & 0o777 == 0o600


def test_who_is_no_user_is_refused_when_named(tuvi, sink, user):
    tuvi.configure(sink.port, more=LOCAL.format(user=user.pw_name))
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    client.command("MAIL FROM:<ada@far.test>")
    code, lines = client.command("RCPT TO:<nosuchuser@local.test>")
    assert code == 550 and "5.1.1" in lines[0] and "local recipient table" in lines[0], lines
    assert client.command(f"RCPT TO:<{user.pw_name}@local.test>")[0] == 250


def test_root_gets_no_mail_as_root(tuvi, sink, user):
    tuvi.configure(sink.port, more=LOCAL.format(user=user.pw_name))
    tuvi.start()
    send(tuvi, "root@local.test", sender="ada@local.test")
    log = tuvi.wait_log("status=bounced (mail for root is not written with the rights of root")
    assert "dsn=5.2.0" in log
    assert not pathlib.Path("/root/Maildir").exists()


def test_a_new_user_gets_mail_without_a_reload(tuvi, sink, user):
    tuvi.configure(sink.port, more=LOCAL.format(user=user.pw_name))
    tuvi.start()
    other = user.pw_name + "b"
    subprocess.run(["useradd", "--no-create-home", "--home-dir", user.pw_dir, "--non-unique", "--uid",
                    str(user.pw_uid), other], check=True, capture_output=True)
    try:
        tuvi.wait_log("reload -- version")
        tuvi.wait_log(f"{send(tuvi, f'{other}@local.test')}: removed")
        assert len(files(pathlib.Path(user.pw_dir) / "Maildir")) == 1
    finally:
        subprocess.run(["userdel", other], check=False, capture_output=True)
