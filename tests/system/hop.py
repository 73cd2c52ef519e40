"""A next hop that can be told to behave badly at every stage of a transaction."""
import socketserver
import threading
import time

import pytest

from harness import Received

QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n"

CLOSE = "(closes the connection)"
SILENT = "(says nothing more)"

USUAL = {"greeting": "220 hop.test ESMTP", "HELO": "250 hop.test", "EHLO": "250-hop.test\r\n250-PIPELINING\r\n"
         "250-8BITMIME\r\n250 SIZE 100000000", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok",
         "DATA": "354 go on", "content": None, "end": "250 2.0.0 Ok: taken", "RSET": "250 2.0.0 Ok",
         "QUIT": "221 2.0.0 Bye"}


class _Gone(Exception):
    """The connection has ended, or has to."""


class _HopHandler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def answer(self, stage, text=""):
        hop = self.server.hop
        with hop.lock:
            hop.seen.append((stage, text, time.monotonic()))
        reply = hop.answers(stage, text) or USUAL[stage]
        if reply == SILENT:
            hop.closing.wait()
        if reply in (SILENT, CLOSE):
            raise _Gone
        if reply is not None:
            self.wfile.write(reply.encode("latin-1") + b"\r\n")
        return reply or ""

    def handle(self):
        try:
            self.converse()
        except (_Gone, OSError):
            pass

    def converse(self):
        sender, recipients = None, []
        going = self.answer("greeting").startswith("220")
        while going and (line := self.rfile.readline()):
            text = line.decode("latin-1").rstrip("\r\n")
            verb = text[:4].upper()
            if verb == "RCPT" and sender is None or verb == "DATA" and not recipients:
                self.wfile.write(b"503 5.5.1 not now\r\n")
                continue
            good = self.answer(verb, text)[0] in "23"
            address = text.partition("<")[2].partition(">")[0]
            if verb == "MAIL":
                sender, recipients = address if good else None, []
            elif verb == "RCPT" and good:
                recipients.append(address)
            elif verb == "DATA" and good:
                self.take(sender, recipients)
                sender, recipients = None, []
            elif verb == "RSET":
                sender, recipients = None, []
            going = verb != "QUIT"

    def take(self, sender, recipients):
        lines = [self.rfile.readline()]
        self.answer("content", lines[0].decode("latin-1"))
        while lines[-1] != b".\r\n":
            lines.append(self.rfile.readline())
            if not lines[-1]:
                raise _Gone
        data = b"".join(line[1:] if line.startswith(b".") else line for line in lines[:-1])
        if self.answer("end").startswith("2"):
            with self.server.hop.lock:
                self.server.hop.messages.append(Received(sender, recipients, data, self.client_address))


class _HopServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


class Hop:
    """Replace `answers`: given a stage of USUAL and the command's line, it returns a reply, CLOSE, SILENT, or None
    for the usual reply. `content` is asked after the first line of a message; only the last two make sense there."""

    def __init__(self, port=0):
        self.messages = []
        self.seen = []      # (stage, text, monotonic time), in the order of their coming
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.answers = lambda stage, text: None
        self.server = _HopServer(("127.0.0.1", port), _HopHandler)
        self.server.hop = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def times(self, stage):
        return [at for one, _, at in self.seen if one == stage]

    def count(self, stage):
        return len(self.times(stage))

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


def at_first(stage, reply):
    """Answers that are unusual once: the first time the stage comes."""
    unused = [reply]
    return lambda now, text: unused.pop() if now == stage and unused else None


def always(stage, reply):
    return lambda now, text: reply if now == stage else None


@pytest.fixture
def hop():
    one = Hop()
    yield one
    one.close()


@pytest.fixture
def tuvi(tuvi, sink, hop):
    """What goes out goes to the hop, and notices come back to the sink."""
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\n")
    return tuvi
