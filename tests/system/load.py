"""Clients that send mail without pause, know what was acknowledged, and can tell whether all of it arrived as it
was sent. Every message says its number, and its number says all of its bytes."""
import random
import re
import threading
import time

from harness import Client


def make_message(number):
    """Small most of the time, and every sixteenth too large for one record of the log. The mark stands twice in
    each piece of a kilobyte or so, so that wherever a disk write is cut, one is whole."""
    chance = random.Random(number)
    lines = chance.randrange(2000, 6000) if number % 16 == 15 else chance.randrange(1, 40)
    body = b"".join(b"%s%x %s\r\n" % (b"." * (chance.random() < 0.1), chance.getrandbits(400), mark(number, i // 10))
                    for i in range(lines))
    return b"Message-ID: <%d@load.test>\r\nSubject: %d\r\n\r\n" % (number, lines) + body


def mark(number, part):
    return b"mark-%d-%d-" % (number, part)


def number_of(data):
    return int(re.search(rb"^Message-ID: <(\d+)@load\.test>\r$", data, re.M).group(1))


class Load:
    """Starts at once. acked: message number -> queue id, of those that were told 250 after their data."""

    def __init__(self, port, clients, first=0, tolerant=False, pause_s=0):
        self.port = port
        self.pause_s = pause_s      # of each client between two messages
        self.tolerant = tolerant    # of connections that end: the client comes back
        self.acked = {}
        self.sent = 0
        self.errors = []
        self.broken = 0             # connections that ended before their time
        self.next_number = first
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for one in self.threads:
            one.start()

    def take_number(self):
        with self.lock:
            number, self.next_number = self.next_number, self.next_number + 1
            return number

    def run(self):
        client = None
        while not self.ending.is_set():
            try:
                if client is None:
                    client = Client(self.port)
                    client.ehlo()
                self.send_one(client)
                self.ending.wait(self.pause_s)
            except (OSError, ValueError, AssertionError) as error:
                if client is not None:
                    client.close()
                client = None
                self.note_end(error)
        if client is not None:
            client.close()

    def note_end(self, error):
        if not self.tolerant:
            self.errors.append(error)
            self.ending.set()
            return
        with self.lock:
            self.broken += 1
        self.ending.wait(0.02)

    def send_one(self, client):
        number = self.take_number()
        code, lines = client.message(f"s{number}@sender.test", [f"r{number}@far.test"], make_message(number))
        match = re.match(r"250 2\.0\.0 Ok: queued as (\w+)$", lines[0] if lines else "")
        assert code == 250 and match, (number, code, lines)
        with self.lock:
            self.acked[number] = match.group(1)

    def stop(self):
        self.ending.set()
        for one in self.threads:
            one.join()
        assert self.errors == [], self.errors
        return self

    def run_until(self, count, seconds=60):
        deadline = time.monotonic() + seconds
        while len(self.acked) < count and not self.ending.wait(0.01):
            assert time.monotonic() < deadline, f"{len(self.acked)} messages of {count} in {seconds} s"
        return self.stop()


class Arrivals:
    """What a sink has got, checked."""

    def __init__(self, sink):
        self.sink = sink
        self.counts = {}
        self.first_at = {}          # message number -> when it came first, on the monotonic clock
        self.looked_at = 0

    def look(self):
        while self.looked_at < len(self.sink.messages):
            message = self.sink.messages[self.looked_at]
            number = number_of(message.data)
            trace, _, rest = message.data.partition(b"\r\nMessage-ID: ")
            assert trace.startswith(b"Received: from client.test (unknown [127.0.0.2])\r\n\tby mx.local.test (Tuvi) "
                                    b"with ESMTP id ") and trace.count(b"\r\n") == 2, trace
            assert b"Message-ID: " + rest == make_message(number), f"message {number} was altered"
            assert message.recipients == [f"r{number}@far.test"]
            self.counts[number] = self.counts.get(number, 0) + 1
            self.first_at.setdefault(number, message.at)
            self.looked_at += 1
        return self

    def missing(self, acked):
        self.look()
        return [number for number in acked if number not in self.counts]

    def doubled(self):
        return {number: count for number, count in self.counts.items() if count > 1}
