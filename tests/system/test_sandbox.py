"""What the roles have left of the power they were started with: as the kernel tells, and as an attacker who had taken
them over would find."""
import errno
import os
import pathlib

import pytest

import injection
from harness import MINE, TUVID, Client, Sink, Tuvi, is_running, wait_for

ROLES = ["worker", "auth"]
AT_FDCWD = -100
O_RDWR_CREAT = os.O_RDWR | os.O_CREAT

# number, name, arguments: each ends the role that makes it
ENDING = [
    (59, "execve", (b"/bin/true", 0, 0)),
    (322, "execveat", (AT_FDCWD, b"/bin/true", 0, 0, 0)),
    (101, "ptrace", (16, 1, 0, 0)),
    (310, "process_vm_readv", (1, 0, 0, 0, 0)),
    (440, "process_madvise", (-1, 0, 0, 0, 0)),
    (272, "unshare", (0x10000000,)),
    (321, "bpf", (5, 0, 0)),
    (298, "perf_event_open", (0, 0, -1, -1, 0)),
    (250, "keyctl", (0, -3, 0)),
    (323, "userfaultfd", (0,)),
    (305, "clock_adjtime", (0, 0)),
    (159, "adjtimex", (0,)),
    (165, "mount", (b"none", b"/", b"tmpfs", 0, 0)),
    (175, "init_module", (0, 0, 0)),
]

# number, arguments, error: the role lives on
FAILING = [
    (425, (1, 0), errno.ENOSYS),                                        # io_uring_setup
    (56, (0x11, 0, 0, 0, 0), errno.ENOSYS),                             # clone, for a child
    (435, (0, 0), errno.ENOSYS),                                        # clone3
    (62, (1, 0), errno.ENOSYS),                                         # kill
    (105, (0,), errno.ENOSYS),                                          # setuid
    (157, (4, 1, 0, 0, 0), errno.ENOSYS),                               # prctl, PR_SET_DUMPABLE
    (9, (0, 4096, 5, 0x22, -1), errno.EPERM),                           # mmap, to execute
    (10, (0x10000, 4096, 5), errno.EPERM),                              # mprotect, to execute
    (41, (17, 3, 0), errno.EAFNOSUPPORT),                               # socket, AF_PACKET
    (41, (16, 3, 0), errno.EAFNOSUPPORT),                               # socket, AF_NETLINK
    (257, (AT_FDCWD, b"/etc/shadow", os.O_RDONLY, 0), errno.EACCES),    # openat
    (257, (AT_FDCWD, b"/tmp/tuvi-stray", O_RDWR_CREAT, 0o600), errno.EACCES),
    (257, (AT_FDCWD, b"/bin/true", os.O_RDONLY, 0), errno.EACCES),
    (257, (AT_FDCWD, b"/proc/self/mem", os.O_RDWR, 0), errno.EACCES),
]

ONLY_AUTH = [
    (41, (2, 1, 0), errno.EAFNOSUPPORT),                                # socket, AF_INET
    (257, (AT_FDCWD, b"/etc/passwd", os.O_RDONLY, 0), errno.EACCES),
    (87, (b"/nonexistent",), errno.ENOSYS),                             # unlink
]


def is_sanitized():
    return b"__asan_init" in TUVID.read_bytes()


def has_landlock():
    return injection.libc.syscall(444, None, 0, 1) > 0


def left_open():
    """The errors that nothing fails with here. A sanitizer's reports need many calls and files."""
    if is_sanitized():
        return {errno.ENOSYS, errno.EACCES}
    return set() if has_landlock() else {errno.EACCES}


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


def relays(tuvi, sink):
    client = Client(tuvi.p25, MINE)
    client.ehlo()
    assert client.message("a@local.test", ["b@local.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
    client.quit()
    return sink.wait(1)


@pytest.fixture
def tuvi(sink):
    tuvi = Tuvi(sink.port, "tuvi_workers = 1\n")
    yield tuvi.start()
    tuvi.close()


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, value in (line.split(":", 1) for line in lines)}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_not_root_and_cannot_get_back_what_it_gave_up(tuvi, role):
    pids = tuvi.processes(role)
    assert pids
    for pid in pids:
        status = status_of(pid)
        assert status["NoNewPrivs"] == ["1"]
        assert status["Seccomp"] == ["2"]
        for capabilities in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert status[capabilities] == ["0" * 16], capabilities
        # the file is root's when the process cannot be dumped
        assert os.stat(f"/proc/{pid}/maps").st_uid == 0 or is_sanitized()
        if os.getuid() == 0:
            assert "0" not in status["Uid"] + status["Gid"]
            assert status["CapBnd"] == ["0" * 16]


def test_every_thread_is_in_it(tuvi):
    threads = 0
    for role in ROLES:
        for pid in tuvi.processes(role):
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                assert "Seccomp:\t2\n" in (thread / "status").read_text()
                threads += 1
    assert threads > len(ROLES)     # a worker has written its first segment in the pool


def test_the_supervisor_is_in_one_of_its_own(tuvi):
    status = status_of(tuvi.process.pid)
    assert status["Seccomp"] == ["2"]
    if os.getuid() == 0:
        assert status["NoNewPrivs"] == ["0"]    # its children are others' business


needs_injection = pytest.mark.skipif(not injection.possible, reason="needs root on x86-64")


@needs_injection
@pytest.mark.parametrize("role", ROLES)
def test_what_is_refused_does_not_disturb_the_role(tuvi, sink, role):
    pid, = tuvi.processes(role)
    attacks = FAILING + (ONLY_AUTH if role == "auth" else [])
    attacks = [attack for attack in attacks if attack[2] not in left_open()]
    assert len(attacks) >= 4
    for number, arguments, error in attacks:
        assert injection.call(pid, number, *arguments) == -error, (number, arguments)
    assert injection.call(pid, 39) == pid   # getpid: not everything is refused
    assert is_running(pid)
    assert relays(tuvi, sink)


@needs_injection
@pytest.mark.unsanitized
def test_the_threads_of_the_pool_can_open_no_more(tuvi):
    if errno.EACCES in left_open():
        pytest.skip("no Landlock")
    pid, = tuvi.workers()
    threads = [int(thread.name) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) > 1
    for thread in threads:
        assert injection.call(thread, 257, AT_FDCWD, b"/bin/true", os.O_RDONLY, 0) == -errno.EACCES


@needs_injection
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("number, name, arguments", [
    # The leak check of a sanitized program traces it.
    pytest.param(*attack, id=attack[1], marks=[pytest.mark.unsanitized] if attack[1] == "ptrace" else [])
    for attack in ENDING])
def test_the_call_of_an_attacker_ends_the_role_and_another_takes_its_place(tuvi, role, number, name, arguments):
    pid, = tuvi.processes(role)
    assert injection.call(pid, number, *arguments) == "ended"
    log = tuvi.wait_log(f"error: process {role} pid {pid} ended by its sandbox, for the system call {name} ({number})")
    assert f"process {role} pid {pid} exit status" not in log
    assert log.count("ended by its sandbox") == 1
    assert wait_for(lambda: tuvi.processes(role), what="another role")[0] != pid


# ---- kernels that can do less ----

def with_calls_answered(sink, calls, fault):
    """A tuvid whose processes hear something else from the kernel. It is not started yet."""
    tuvi = Tuvi(sink.port, "tuvi_workers = 1\n")
    tuvi.wrapper = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
                    "-e", f"inject={calls}:{fault}"]
    return tuvi


@pytest.mark.unsanitized
def test_without_landlock_mail_is_served_and_the_log_says_so_once(sink):
    tuvi = with_calls_answered(sink, "landlock_create_ruleset", "error=EOPNOTSUPP")
    try:
        assert relays(tuvi.start(), sink)
        assert tuvi.log().count("this kernel has no Landlock") == 1
        assert "without a whole sandbox" not in tuvi.log()
    finally:
        tuvi.close()


@pytest.mark.unsanitized
@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("version", [1, 2, 3, 5])
def test_an_older_landlock_is_asked_only_for_what_it_knows(sink, version):
    # Each role asks twice for the version before it makes a ruleset; the kernel takes part of what it knows.
    tuvi = with_calls_answered(sink, "landlock_create_ruleset", f"retval={version}:when=1..2")
    try:
        assert relays(tuvi.start(), sink)
        assert "no Landlock" not in tuvi.log() and "without a whole sandbox" not in tuvi.log()
    finally:
        tuvi.close()


def test_without_seccomp_mail_is_served_with_a_warning(sink):
    tuvi = with_calls_answered(sink, "seccomp", "error=ENOSYS")
    try:
        assert relays(tuvi.start(), sink)
        assert tuvi.log().count("this role runs without a whole sandbox") == 2
    finally:
        tuvi.close()
