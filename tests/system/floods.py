#!/usr/bin/python3
"""Clients that send without end. Each gets the reply it deserves, and the worker stays as small as it was.

    tests/system/floods.py [--scale PERCENT]

Prints what was sent, how long it took and by how much the worker has grown since it was idle (VmHWM of
/proc/PID/status)."""
import argparse
import collections
import sys
import threading
import time

from harness import MINE, Client, Sink, Tuvi, free_ports, release_ports
from worker_memory import MIB, Watch

GROWTH_MAX = 4 * MIB
BLOCK = 256 * 1024
FULL = {"command": 1 << 30, "line": 4 << 30, "body": 10_000_000_000, "chunks": 1_000_000, "recipients": 100_000}
NO_LIMITS = "".join(f"{name} = 1000000000\n" for name in
                    ("smtpd_hard_error_limit", "smtpd_soft_error_limit", "smtpd_junk_command_limit"))


class Flooded:
    """A tuvid with one worker, and a port where as many recipients may be named as one likes."""

    def __init__(self):
        self.sink = Sink()
        self.sink.answer_data = lambda message: "250 2.0.0 Ok"
        self.tuvi = Tuvi(self.sink.port)
        (self.generous,) = free_ports(1)
        self.tuvi.configure(self.sink.port, "tuvi_workers = 1\n" + NO_LIMITS,
                            f"127.0.0.1:{self.generous} inet n - n - - smtpd -o smtpd_recipient_limit=10000000\n")
        self.tuvi.start()
        self.watch = Watch(self.tuvi, self.sink, GROWTH_MAX)

    def close(self):
        self.tuvi.close()
        self.sink.close()
        release_ports([self.generous])


def open_transaction(port):
    client = Client(port, MINE, timeout=120)
    client.ehlo()
    assert client.command("MAIL FROM:<s@sender.test>")[0] == 250
    return client


def send_endless(client, block, length):
    """Until all is sent, or the server does not want more. Says how much was sent."""
    sent = 0
    try:
        while sent < length:
            client.send(block)
            sent += len(block)
    except ConnectionError:
        pass
    return sent


def count_replies(client, count, into):
    """Reads that many one-line replies while others send, and counts their codes."""
    left = count
    while left > 0:
        line = client.file.readline()
        if not line:
            return
        into[line[:3].decode()] += 1
        left -= 1


def send_pipelined(client, commands, count):
    """`commands` makes the bytes of a range of them. Gives the replies by code."""
    replies = collections.Counter()
    reader = threading.Thread(target=count_replies, args=(client, count, replies))
    reader.start()
    step = 5000
    for first in range(0, count, step):
        client.send(commands(first, min(step, count - first)))
    reader.join()
    return dict(replies)


def endless_command(flooded, length):
    """A command line without an end is cut off when it is longer than any that is read."""
    client = Client(flooded.tuvi.p25, MINE, timeout=120)
    client.ehlo()
    sent = send_endless(client, b"x" * BLOCK, length)
    assert client.reply() == (500, ["500 5.5.2 mx.local.test Error: command too long"])
    assert client.reply() == (0, [])
    client.close()
    return f"{sent / MIB:.0f} MiB of one command line, of which little is read"


def endless_content(flooded, block, length):
    client = open_transaction(flooded.tuvi.p25)
    assert client.command("RCPT TO:<r@local.test>")[0] == 250
    assert client.command("DATA")[0] == 354
    sent = send_endless(client, block, length)
    client.send(b"\r\n.\r\n")
    assert client.reply() == (552, ["552 5.3.4 Error: message file too big"])
    assert client.command("NOOP")[0] == 250
    client.close()
    return sent


def endless_line(flooded, length):
    """Beyond message_size_limit content is read and thrown away."""
    return f"{endless_content(flooded, b'x' * BLOCK, length) / 1e9:.2f} GB of one line"


def endless_body(flooded, length):
    block = (b"x" * 70 + b"\r\n") * (BLOCK // 72)
    return f"{endless_content(flooded, block, length) / 1e9:.2f} GB of body"


def tiny_chunks(flooded, count):
    client = open_transaction(flooded.tuvi.p25)
    assert client.command("RCPT TO:<r@local.test>")[0] == 250
    replies = send_pipelined(client, lambda first, number: b"BDAT 1\r\nx" * number, count)
    assert replies == {"250": count}, replies
    client.send("BDAT 0 LAST\r\n")
    code, lines = client.reply()
    assert code == 250 and f"Ok: {count} bytes queued as" in lines[0], lines
    client.close()
    (message,) = flooded.sink.wait(1, 60)
    assert message.data.endswith(b"\r\n" + b"x" * count + b"\r\n")
    flooded.sink.messages.clear()
    return f"{count} chunks of one byte"


def recipients(port, count):
    client = open_transaction(port)
    replies = send_pipelined(client, lambda first, number: b"".join(
        b"RCPT TO:<recipient-%d@local.test>\r\n" % (first + i) for i in range(number)), count)
    assert set(replies) <= {"250", "451", "452"} and sum(replies.values()) == count, replies
    assert client.command("RSET")[0] == 250
    client.close()
    return replies


def many_recipients(flooded, count):
    replies = recipients(flooded.tuvi.p25, count)
    assert replies["250"] == 1000, replies
    return f"{count} recipients, of whom smtpd_recipient_limit lets in {replies['250']}"


def many_recipients_without_a_limit(flooded, count):
    """Then the size of an envelope is the limit."""
    replies = recipients(flooded.generous, count)
    assert replies["250"] >= 1000, replies
    return f"{count} recipients without a limit, of whom {replies['250']} fit into an envelope"


FLOODS = [(endless_command, "command"), (endless_line, "line"), (endless_body, "body"), (tiny_chunks, "chunks"),
          (many_recipients, "recipients"), (many_recipients_without_a_limit, "recipients")]


def run(flooded, flood, amount):
    """What was sent, the seconds it took, the bytes by which the worker has grown since the first flood."""
    began = time.monotonic()
    what = flood(flooded, amount)
    return what, time.monotonic() - began, flooded.watch.growth()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=100, metavar="PERCENT")
    scale = parser.parse_args().scale / 100
    flooded = Flooded()
    failed = False
    try:
        for flood, kind in FLOODS:
            what, seconds, growth = run(flooded, flood, int(FULL[kind] * scale))
            failed |= growth >= GROWTH_MAX
            print(f"{what}: {seconds:.1f} s, the worker has grown by {growth / MIB:.2f} MiB", flush=True)
    finally:
        flooded.close()
    print(f"less than {GROWTH_MAX / MIB:.0f} MiB each: {'missed' if failed else 'met'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
