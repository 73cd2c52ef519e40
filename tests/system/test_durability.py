"""What was acknowledged with 250 is on disk, and stays there whatever dies, until it is delivered."""
import errno
import fcntl
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import time

import pytest

from harness import TUVI, Client, is_running, wait_for
from load import Arrivals, Load, make_message, number_of

KILLS = int(os.environ.get("TUVI_KILLS", "50"))
CUTS = int(os.environ.get("TUVI_CUTS", "20"))
FILE_SYSTEM = os.environ.get("TUVI_FS", "")


# ---- reading a trace ----

class Call:
    """One system call: began at line `at` of the trace, had returned at line `until`."""

    def __init__(self, thread, at, until, name, file, text):
        self.thread, self.at, self.until, self.name, self.file = thread, at, until, name, file
        self.failed = re.search(r" = -1 ", text[-200:]) is not None
        self.marks = set(re.findall(r"mark-\d+-\d+-", text)) if name == "pwrite64" else ()
        self.replies = re.findall(r"250 2\.0\.0 Ok: queued as (\w+)\\r\\n", text[:8000]) if file.startswith(
            ("socket:", "TCP:")) else ()


class Trace:
    """strace of one worker. Calls during which another thread did something have two lines ("<unfinished ...>",
    "<... resumed>")."""

    def __init__(self, path):
        self.syncs = {}         # file -> calls
        self.writes = {}        # mark -> calls
        self.replies = {}       # queue id -> calls
        self.failures = []
        unfinished = {}
        for at, line in enumerate(path.read_text(errors="replace").splitlines()):
            thread, _, text = line.partition(" ")
            text = text.lstrip()
            if text.startswith("<... "):
                begun, head = unfinished.pop(thread)
                self.note(thread, begun, at, head + text.split(" resumed>", 1)[1])
            elif text.endswith("<unfinished ...>"):
                unfinished[thread] = (at, text[:-len("<unfinished ...>")])
            else:
                self.note(thread, at, at, text)

    def note(self, thread, at, until, text):
        match = re.match(r"(\w+)\(\d+<([^>]*)>", text)
        if not match:
            return
        call = Call(thread, at, until, match.group(1), match.group(2), text)
        if call.name == "fdatasync":
            self.syncs.setdefault(call.file, []).append(call)
        for one in call.marks:
            self.writes.setdefault(one, []).append(call)
        for one in call.replies:
            self.replies.setdefault(one, []).append(call)
        if call.failed and call.name in ("pwrite64", "fdatasync"):
            self.failures.append(call)

    def sync_behind(self, write):
        """The first fdatasync of the same file by the same thread that began after the write had returned."""
        return next(call for call in self.syncs[write.file]
                    if call.at > write.until and call.thread == write.thread)


def check_replies(trace, acked):
    """Every place on disk to which a part of a message went was written and synced before the message's 250 left.
    Returns how many places there were."""
    places = 0
    for number, queue_id in acked.items():
        (reply,) = trace.replies[queue_id]
        for part in set(re.findall(rb"mark-\d+-\d+-", make_message(number))):
            for write in trace.writes[part.decode()]:
                sync = trace.sync_behind(write)
                assert not write.failed and not sync.failed
                assert sync.until < reply.at, f"message {number} was acknowledged before it was synced"
                places += 1
    return places


def trace_worker(tuvi, path, *options):
    """A strace that has taken hold of every thread of the only worker."""
    worker = tuvi.workers()[0]
    strace = subprocess.Popen(
        ["strace", "-f", "-y", "-s", "2000000", "-o", str(path), "-p", str(worker), *options],
        stderr=subprocess.PIPE, text=True)
    while "attached" not in strace.stderr.readline():
        assert strace.poll() is None
    return strace


def test_the_250_leaves_after_the_sync_that_covers_every_byte_of_the_message(tuvi, sink):
    tuvi.configure(sink.port, more="tuvi_workers = 1\n")
    tuvi.start()
    path = tuvi.root / "trace"
    Load(tuvi.p25, clients=2).run_until(20)    # so that all threads of the worker exist
    strace = trace_worker(tuvi, path, "-e", "trace=pwrite64,fdatasync,write,writev,sendto,sendmsg")
    load = Load(tuvi.p25, clients=6, first=1000).run_until(400)
    tuvi.stop()
    strace.communicate()
    places = check_replies(Trace(path), load.acked)
    print(f"{len(load.acked)} replies checked against {places} places on disk")


# ---- things that die ----

def release_held(tuvi):
    """What happened to be in hand at two of the kills is held, and not lost."""
    log = tuvi.log()
    if log.count(": placed on hold") > log.count(": released from hold"):
        subprocess.run([TUVI, "queue", "release", tuvi.root, "ALL"], capture_output=True, check=False, timeout=60)


def test_whatever_was_acknowledged_arrives_after_any_number_of_kills(tuvi, sink):
    seed = int(os.environ.get("TUVI_SEED", random.randrange(1 << 32)))
    print(f"TUVI_SEED={seed}")
    chance = random.Random(seed)
    tuvi.configure(sink.port, more="minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    load = Load(tuvi.p25, clients=6, tolerant=True)
    arrivals = Arrivals(sink)
    for turn in range(KILLS):
        if turn % 5 == 4:
            tuvi.start(wait=False)
            time.sleep(chance.uniform(0, 0.1))     # dies while it starts, or replays
        else:
            tuvi.start()
            time.sleep(chance.uniform(0.05, 0.6))  # dies while it works
        tuvi.kill()
        arrivals.look()
    load.stop()
    tuvi.start()
    wait_for(lambda: not arrivals.missing(load.acked) or release_held(tuvi), 60,
             "the arrival of all that was acknowledged")
    doubled = arrivals.doubled()
    print(f"{KILLS} kills: {len(load.acked)} acknowledged, {load.broken} connections broken, {len(arrivals.counts)} "
          f"arrived, {len(doubled)} of them more than once, {sum(doubled.values()) - len(doubled)} copies too many")
    assert len(load.acked) > KILLS * 10
    assert "damaged" not in tuvi.log() and "cannot be" not in tuvi.log()


def test_when_one_worker_is_killed_the_others_go_on_and_its_mail_is_delivered_by_its_successor(tuvi, sink):
    tuvi.configure(sink.port, more="tuvi_workers = 3\n")
    tuvi.start()
    load = Load(tuvi.p25, clients=12, tolerant=True)
    arrivals = Arrivals(sink)
    wait_for(lambda: len(load.acked) >= 100, 30, "a hundred messages")
    log = tuvi.log()
    *others, victim = sorted(tuvi.workers(), key=lambda pid: log.count(f"smtpd[{pid}]: "))    # the busiest
    steady = open_idle_sessions(tuvi, others)
    os.kill(victim, signal.SIGKILL)
    acked = len(load.acked)
    tuvi.wait_log(f"process worker pid {victim} killed by signal 9")
    wait_for(lambda: len(tuvi.workers()) == 3, 20, "a successor")
    wait_for(lambda: len(load.acked) >= acked + 300, 30, "three hundred messages more")
    for client in steady:
        number = load.take_number()
        code, _ = client.message(f"s{number}@sender.test", [f"r{number}@far.test"], make_message(number))
        assert code == 250
        client.quit()
    load.stop()
    assert set(others) < set(tuvi.workers()) and victim not in tuvi.workers()
    wait_for(lambda: not arrivals.missing(load.acked), 30, "the arrival of all that was acknowledged")
    print(f"{load.broken} connections of 12 broken, {len(arrivals.doubled())} messages doubled")
    assert load.broken > 0


def open_idle_sessions(tuvi, workers):
    """A session with each of these workers."""
    found = {}
    for _ in range(1000):
        client = Client(tuvi.p25)
        client.ehlo()
        pid = worker_of(client)
        if pid in workers and pid not in found:
            found[pid] = client
        else:
            client.quit()
        if set(found) == set(workers):
            return list(found.values())
    raise AssertionError("not every worker takes connections")


def worker_of(client):
    """The process that has the other end of the connection."""
    port = client.socket.getsockname()[1]
    listing = subprocess.run(["ss", "-Htnp", f"dport = :{port}"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"pid=(\d+)", listing).group(1))


# ---- disks that fail ----

@pytest.mark.parametrize("fault", ["fdatasync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC"])
def test_what_a_failed_write_covers_is_not_acknowledged_and_the_next_worker_goes_on(tuvi, sink, fault):
    size = 16 << 20     # the load stays within one segment, so that all writes are those of batches
    tuvi.configure(sink.port, more=f"tuvi_workers = 1\ntuvi_segment_size = {size}\n")
    tuvi.start()
    Load(tuvi.p25, clients=2).run_until(20)
    wait_for(lambda: segments_ready(tuvi, size) == 2, 20, "the segment in use and the next")
    (worker,) = tuvi.workers()
    path = tuvi.root / "trace"
    strace = trace_worker(tuvi, path, "-e", "trace=pwrite64,fdatasync,write,writev,sendto,sendmsg",
                          "-e", f"inject={fault}:when=40")
    load = Load(tuvi.p25, clients=6, first=1000, tolerant=True)
    strace.communicate()    # it ends with the worker
    assert not is_running(worker)
    tuvi.wait_log(f"process worker pid {worker} exit status 70")
    trace = Trace(path)
    assert len(trace.failures) == 1
    acked = len(load.acked)
    check_replies(trace, {number: queue_id for number, queue_id in load.acked.items() if queue_id in trace.replies})
    wait_for(lambda: len(load.acked) >= acked + 100, 30, "a hundred messages more")
    load.stop()
    arrivals = Arrivals(sink)
    wait_for(lambda: not arrivals.missing(load.acked), 30, "the arrival of all that was acknowledged")


def segments_ready(tuvi, size):
    """How many segments of the first slot are whole; their head is written last."""
    files = list((tuvi.root / "spool" / "tuvi" / "slot-0").glob("*.segment"))
    return sum(file.stat().st_size == size and file.open("rb").read(64).strip(b"\0") != b"" for file in files)


def test_the_first_client_after_the_start_is_not_told_that_the_disk_is_full(tuvi, sink):
    tuvi.configure(sink.port, more="tuvi_segment_size = 67108864\n")     # takes its time to be written
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    assert transaction(client, 1)[0] == 250


class OwnDisk:
    """The queue on a file system of its own, which only tuvid sees: it is mounted in a mount namespace that lasts
    as long as a process in it."""

    def __init__(self, tuvi, mount):
        self.spool = tuvi.root / "spool"
        self.spool.mkdir(exist_ok=True)
        self.mount = f"{mount} {self.spool}"
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"{self.mount} && echo mounted && exec sleep infinity"],
            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "mounted\n"
        tuvi.wrapper = self.inside = ["nsenter", "--mount", f"--target={self.holder.pid}"]
        self.path = pathlib.Path(f"/proc/{self.holder.pid}/root{self.spool}")

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class SmallDisk(OwnDisk):
    """A few megabytes of memory."""

    def __init__(self, tuvi, megabytes):
        super().__init__(tuvi, f"mount -t tmpfs -o mode=755,size={megabytes}m none")
        self.filler = self.path / "filler"

    def fill(self):
        with self.filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 65536) == 65536:
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC

    def make_room(self):
        self.filler.unlink()


class PluggedDisk(OwnDisk):
    """A file system on a file, whose plug can be pulled: what was written and not synced is gone then, and the next
    mount recovers from the journal. That is more than a kill does, after which the kernel still has it."""

    SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2    # EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN, and what they are told
    MEGABYTES = {"ext4": 96, "xfs": 320}

    def __init__(self, tuvi, file_system):
        image = tuvi.folder.path / "disk"
        with image.open("wb") as file:
            file.truncate(self.MEGABYTES[file_system] << 20)
        subprocess.run([f"mkfs.{file_system}", "-q", image], check=True)
        super().__init__(tuvi, f"mount -o loop {image}")
        self.path.chmod(0o755)

    def pull_the_plug(self):
        folder = os.open(self.path, os.O_RDONLY)
        fcntl.ioctl(folder, self.SHUTDOWN, struct.pack("I", self.WITHOUT_FLUSH))
        os.close(folder)

    def plug_in(self):
        subprocess.run([*self.inside, "sh", "-c", f"umount {self.spool} && {self.mount}"], check=True)


@pytest.fixture
def disk(tuvi, sink):
    tuvi.configure(sink.port, more="tuvi_workers = 1\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    one = SmallDisk(tuvi, 8)
    yield one
    tuvi.stop()
    one.close()


def wait_for_room(tuvi):
    """Each time a new client asks, because mistakes are counted."""
    def there_is_room():
        client = Client(tuvi.p25)
        client.ehlo()
        code, _ = client.command("MAIL FROM:<s@sender.test>")
        client.quit()
        return code == 250
    wait_for(there_is_room, 20, "room")


def transaction(client, number):
    return client.message(f"s{number}@sender.test", [f"r{number}@far.test"], make_message(number))


def test_a_full_disk_refuses_mail_before_its_data_and_takes_it_again_when_there_is_room(tuvi, sink, disk):
    tuvi.start()
    workers = tuvi.workers()
    arrivals = Arrivals(sink)
    client = Client(tuvi.p25)
    client.ehlo()
    acked, number = [], 0
    disk.fill()
    while (reply := client.command(f"MAIL FROM:<s{number}@sender.test>"))[0] == 250:
        assert client.command("RSET")[0] == 250
        reply = transaction(client, number)
        if reply[0] == 250:
            acked.append(number)
        number += 1
        assert number < 10000
    assert reply == (452, ["452 4.3.1 Insufficient system storage"])
    assert acked
    wait_for(lambda: not arrivals.missing(acked), 20, "the arrival of what was acknowledged")
    assert client.command("MAIL FROM:<s@sender.test>")[0] == 452
    disk.make_room()
    wait_for_room(tuvi)
    assert transaction(client, 20000)[0] == 250
    wait_for(lambda: not arrivals.missing([20000]), 20, "the arrival of one more")
    assert sorted(arrivals.counts) == acked + [20000]
    assert tuvi.workers() == workers


def test_a_message_on_its_way_in_when_the_disk_gets_full_is_refused_at_its_end_and_the_session_goes_on(tuvi, sink, disk):
    tuvi.start()
    workers = tuvi.workers()
    client = Client(tuvi.p25)
    client.ehlo()
    for line, code in (("MAIL FROM:<s@sender.test>", 250), ("RCPT TO:<r@far.test>", 250), ("DATA", 354)):
        assert client.command(line)[0] == code
    disk.fill()
    client.send(b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n")
    client.send((b"y" * 70 + b"\r\n") * 60000)
    client.send(b".\r\n")
    assert client.reply() == (452, ["452 4.3.1 Insufficient system storage"])
    disk.make_room()
    wait_for_room(tuvi)
    assert transaction(client, 1)[0] == 250
    (message,) = sink.wait(1)
    assert number_of(message.data) == 1
    assert tuvi.workers() == workers


def test_the_queue_is_delivered_after_a_kill_even_while_the_disk_is_full(tuvi, sink, disk):
    sink.answer_mail = lambda text: "450 4.3.2 later"
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    for number in range(15):
        assert transaction(client, number)[0] == 250
    disk.fill()
    tuvi.kill()
    sink.answer_mail = lambda text: "250 2.1.0 Ok"
    tuvi.start()
    arrivals = Arrivals(sink)
    wait_for(lambda: not arrivals.missing(range(15)), 20, "the arrival of all that was acknowledged")
    wait_for(lambda: tuvi.log().count(": removed") == 15, 20, "the end of the queue")
    tuvi.kill()     # the results stand on the full disk too
    tuvi.start()
    disk.make_room()
    began = time.monotonic()
    wait_for_room(tuvi)
    assert time.monotonic() - began < 5
    assert arrivals.look().doubled() == {}


# Fifty messages a second leave room between commits; without a pause every commit is full.
@pytest.mark.parametrize("pause_s", [0.12, 0], ids=["steady", "full"])
@pytest.mark.parametrize("file_system, cuts", [(FILE_SYSTEM, CUTS)] if FILE_SYSTEM else [("ext4", CUTS), ("xfs", CUTS // 4)])
def test_whatever_was_acknowledged_arrives_after_power_cuts(tuvi, sink, file_system, cuts, pause_s):
    """And what arrives twice is what the other server took just before the cut: its DONE was not on disk yet."""
    seed = int(os.environ.get("TUVI_SEED", random.randrange(1 << 32)))
    print(f"TUVI_SEED={seed}")
    chance = random.Random(seed)
    tuvi.configure(sink.port, more="minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    disk = PluggedDisk(tuvi, file_system)
    cut_at = []
    try:
        load = Load(tuvi.p25, clients=6, tolerant=True, pause_s=pause_s)
        arrivals = Arrivals(sink)
        for _ in range(cuts):
            tuvi.start()
            time.sleep(chance.uniform(0.05, 0.6))
            disk.pull_the_plug()
            cut_at.append(time.monotonic())
            tuvi.kill()
            arrivals.look()
            disk.plug_in()
        load.stop()
        tuvi.start()
        wait_for(lambda: not arrivals.missing(load.acked), 60, "the arrival of all that was acknowledged")
        doubled = arrivals.doubled()
        ages_s = [age_at_cut(arrivals.first_at[number], cut_at) for number in doubled]
        print(f"{file_system}, {cuts} cuts: {len(load.acked)} acknowledged, 0 lost, {len(arrivals.counts)} arrived, "
              f"{len(doubled)} of them more than once ({len(doubled) / cuts:.2f} a cut), taken by the other server at most "
              f"{1000 * max(ages_s, default=0):.0f} ms before a cut")
        assert len(load.acked) > cuts * (5 if pause_s else 10)
        assert max(ages_s, default=0) < 1  # a commit of a busy disk
        assert pause_s == 0 or len(doubled) < cuts
    finally:
        tuvi.stop()
        disk.close()


def age_at_cut(first_at, cut_at):
    """How long before the next cut the message came first; 0 when it came behind it, before tuvid was dead."""
    return min((cut - first_at for cut in cut_at if cut > first_at - 0.2), default=0)


def test_a_message_that_waits_does_not_hold_the_disk_behind_it(tuvi, sink):
    sink.answer_rcpt = lambda recipient: "450 4.2.1 mailbox busy" if recipient.startswith("busy") else "250 2.1.5 Ok"
    tuvi.configure(sink.port, more="tuvi_workers = 1\ntuvi_segment_size = 1048576\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    body = "Subject: wait\r\n\r\n" + "kept\r\n" * 20000     # in a chunk, and some
    queue_id = client.message("s@sender.test", ["busy@far.test"], body)[1][0].split()[-1]
    tuvi.wait_log(f"{queue_id}: to=<busy@far.test>")
    for number in range(60):
        assert client.message("s@sender.test", ["r@far.test"], "x" * 70 + "\r\n" + "y\r\n" * 60000)[0] == 250
        sink.wait(number + 1)
    segments = list((tuvi.root / "spool/tuvi/slot-0").glob("*.segment"))
    assert len(segments) <= 6, segments
    tuvi.stop()
    shown = subprocess.run([TUVI, "queue", "show", tuvi.root, queue_id], capture_output=True, text=True, check=True)
    assert "tries: 1\n" in shown.stdout and "mailbox busy" in shown.stdout
    assert "kept\n" * 20000 in shown.stdout
    sink.answer_rcpt = lambda recipient: "250 2.1.5 Ok"
    tuvi.start()
    subprocess.run([TUVI, "queue", "requeue", tuvi.root, queue_id], check=True, capture_output=True)
    wait_for(lambda: any(one.recipients == ["busy@far.test"] for one in sink.messages), 20, "the arrival")
    assert next(one for one in sink.messages if one.recipients == ["busy@far.test"]).data.endswith(b"kept\r\n" * 20000)
