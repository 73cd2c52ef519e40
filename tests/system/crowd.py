"""Clients that hold a connection and give little for it: they send a byte a second, or nothing at all."""
import resource
import socket
import threading

from harness import wait_for

# No end of a line in it, and no line that is too long within the hours of a test.
SLOW_BYTES = b"x"


def allow_connections(count):
    """Both ends of each may be in processes that inherit this limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


class Crowd:
    """Each client has an address of its own, and was greeted. Every second slow one is in the middle of content, the
    others in that of a command."""

    def __init__(self, port, slow, idle):
        self.slow = [self.enter(port, f"127.1.{number // 250}.{number % 250 + 1}") for number in range(slow)]
        self.idle = [self.enter(port, f"127.2.{number // 250}.{number % 250 + 1}") for number in range(idle)]
        for client in self.slow[::2]:
            self.begin_content(client)
        self.sent = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def enter(port, address):
        client = socket.create_connection(("127.0.0.1", port), 60, (address, 0))
        assert client.recv(512).startswith(b"220 ")
        return client

    @staticmethod
    def begin_content(client):
        for line, code in ((b"MAIL FROM:<slow@sender.test>", b"250"), (b"RCPT TO:<r@local.test>", b"250"),
                           (b"DATA", b"354")):
            client.sendall(line + b"\r\n")
            assert client.recv(512).startswith(code)

    def run(self):
        """A byte a second from each, spread over the second."""
        while self.slow:
            for number, client in enumerate(self.slow):
                client.sendall(SLOW_BYTES)
                self.sent += 1
                if number % 50 == 49 and self.ending.wait(50 / len(self.slow)):
                    return

    def wait_until_slow(self):
        wait_for(lambda: self.sent >= len(self.slow), 30, "a byte from each slow client")

    def open_connections(self):
        """How many of them the server has not closed."""
        count = 0
        for client in self.slow + self.idle:
            client.setblocking(False)
            try:
                count += client.recv(512) != b""
            except BlockingIOError:
                count += 1
            client.setblocking(True)
        return count

    def close(self):
        self.ending.set()
        self.thread.join()
        for client in self.slow + self.idle:
            client.close()
