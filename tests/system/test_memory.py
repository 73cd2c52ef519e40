"""What a worker's memory may be: messages pass through it, they do not stand in it."""
import hashlib
import random
import socket
import threading
import time

import pytest

from harness import Client, wait_for
from worker_memory import MIB, Watch, status

SIZE = 50_000_000


@pytest.fixture(params=["segments of 1 MiB", "segments of 64 MiB"])
def watch(request, tuvi, sink):
    size = (64 if "64" in request.param else 1) * MIB
    tuvi.configure(sink.port, more=f"tuvi_workers = 1\nmessage_size_limit = 100000000\ntuvi_segment_size = {size}\n")
    tuvi.start()
    return Watch(tuvi, sink)


def large_message():
    chance = random.Random(1)
    lines = [chance.randbytes(chance.randrange(40, 490)).hex().encode() + b"\r\n" for _ in range(100)]
    body = b"".join(lines)
    return b"Subject: large\r\n\r\n" + body * (SIZE // len(body) + 1)


def send_large(client, message, pace=None):
    for line, code in (("MAIL FROM:<s@sender.test>", 250), ("RCPT TO:<r@far.test>", 250), ("DATA", 354)):
        assert client.command(line)[0] == code
    for start in range(0, len(message), 256 * 1024):
        client.send(message[start:start + 256 * 1024])
        if pace is not None:
            time.sleep(pace)
    client.send(b".\r\n")
    assert client.reply()[0] == 250


def check_arrived(data, message):
    """Behind the trace header stands what was sent."""
    trace_end = data.index(b"Subject: large")
    assert data[:9] == b"Received:" and data[:trace_end].count(b"\r\n") == 3
    assert hashlib.sha256(data[trace_end:]).digest() == hashlib.sha256(message).digest()


def test_a_message_of_fifty_megabytes_passes_through_two_of_memory(tuvi, sink, watch):
    message = large_message()
    client = Client(tuvi.p25)
    client.ehlo()
    send_large(client, message)
    check_arrived(sink.wait(1, 60)[0].data, message)
    watch.check("50 MB")


def test_a_client_that_writes_slowly_takes_no_more(tuvi, sink, watch):
    message = large_message()
    client = Client(tuvi.p25)
    client.ehlo()
    send_large(client, message, pace=0.015)     # about three seconds
    check_arrived(sink.wait(1, 60)[0].data, message)
    watch.check("50 MB slowly")


class SlowSink:
    """Takes one message, and about three seconds for 50 MB of it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.port = self.listener.getsockname()[1]
        self.data = None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 slow.test\r\n")
            for line in lines:
                verb = line[:4].upper()
                connection.sendall({b"DATA": b"354 slowly\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 Ok\r\n"))
                if verb == b"DATA":
                    self.data = self.take_slowly(lines)
                    connection.sendall(b"250 taken\r\n")

    def take_slowly(self, lines):
        pieces = [b""]
        while b"".join(pieces[-2:])[-5:] != b"\r\n.\r\n":
            pieces.append(lines.read1(64 * 1024))
            time.sleep(0.003)
        return b"".join(pieces)[:-3]

    def close(self):
        self.listener.close()


@pytest.fixture
def slow_sink():
    one = SlowSink()
    yield one
    one.close()


def test_a_next_hop_that_reads_slowly_takes_no_more(tuvi, sink, slow_sink):
    tuvi.configure(sink.port, more="tuvi_workers = 1\nmessage_size_limit = 100000000\n"
                                   f"relayhost = [127.0.0.1]:{slow_sink.port}\n")
    tuvi.start()
    watch = Watch(tuvi, sink)
    message = large_message()
    client = Client(tuvi.p25)
    client.ehlo()
    send_large(client, message)
    wait_for(lambda: slow_sink.data is not None, 60, "the arrival of the message")
    check_arrived(slow_sink.data, message)
    watch.check("50 MB to a slow next hop")


def test_a_client_that_never_reads_replies_is_not_read_either(tuvi, sink):
    tuvi.configure(sink.port, more="tuvi_workers = 1\nsmtpd_junk_command_limit = 1000000000\n")
    tuvi.start()
    watch = Watch(tuvi, sink)
    client = Client(tuvi.p25)
    client.ehlo()
    client.socket.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):   # the sockets' buffers are full, and nobody empties them
        while True:
            sent += client.socket.send(b"NOOP\r\n" * 10000)
    watch.check(f"{sent / MIB:.1f} MiB of commands without reading")
    client.socket.settimeout(20)
    sender = threading.Thread(target=lambda: client.send(b"NOOP\r\n"[sent % 6:] + b"QUIT\r\n"))
    sender.start()
    replies = 0
    while (code := client.reply()[0]) == 250:
        replies += 1
    assert code == 221 and replies == sent // 6 + 1
    sender.join()


def open_session(port, tls):
    client = Client(port)
    client.ehlo()
    if tls:
        client.starttls()
    return client


@pytest.mark.parametrize("tls, most", [(False, 8 * 1024), (True, 24 * 1024)], ids=["plain", "TLS"])
def test_an_idle_session_takes_a_few_kilobytes(tuvi, sink, tls, most):
    tuvi.configure(sink.port, more="tuvi_workers = 1\n")
    tuvi.start()
    (pid,) = tuvi.workers()
    warm = [open_session(tuvi.p25, tls) for _ in range(20)]
    before = status(pid, "VmRSS")
    clients = [open_session(tuvi.p25, tls) for _ in range(300)]
    each = (status(pid, "VmRSS") - before) / len(clients)
    print(f"{each / 1024:.1f} KiB for each {'TLS' if tls else 'plain'} session")
    for client in warm + clients:
        client.close()
    assert each <= most
