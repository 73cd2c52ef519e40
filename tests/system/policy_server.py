"""A policy server of a test's own, as a policy server for Postfix is written: it notes what it is asked, and answers
with what `decide` makes of the attributes. Greylist is such a decision."""
import os
import socketserver
import threading


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        server = self.server.owner
        number = server.connected(self.connection)
        while True:
            attributes = self.read_request()
            if attributes is None:
                return
            server.requests.append(attributes)
            server.connections.append(number)
            answer = server.decide(attributes)
            if answer is None:
                return      # it hangs up without an answer
            self.wfile.write(answer if isinstance(answer, bytes) else f"action={answer}\n\n".encode())

    def read_request(self):
        attributes = {}
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\n"):
                return None
            line = line.decode("latin-1").rstrip("\n")
            if line == "":
                return attributes
            name, value = line.split("=", 1)
            assert name not in attributes, line
            attributes[name] = value


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class PolicyServer:
    def __init__(self, path=None, port=0, decide=lambda attributes: "DUNNO"):
        self.decide = decide
        self.requests = []
        self.connections = []   # for each request the number of its connection
        self.open = []
        if path is not None:
            self.server = _UnixServer(str(path), _Handler)
            os.chmod(path, 0o666)
        else:
            self.server = _TcpServer(("127.0.0.1", port), _Handler)
            self.port = self.server.server_address[1]
        self.server.owner = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def connected(self, connection):
        self.open.append(connection)
        return len(self.open)

    def hang_up(self):
        """All connections end; new ones are taken."""
        for one in self.open:
            try:
                one.shutdown(2)
            except OSError:
                pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.hang_up()


class Greylist:
    """Who comes for the first time waits; it lets him in from the second time on."""

    def __init__(self):
        self.known = set()

    def __call__(self, attributes):
        if attributes["protocol_state"] != "RCPT":
            return "DUNNO"
        triplet = tuple(attributes[name] for name in ("client_address", "sender", "recipient"))
        if triplet in self.known:
            return "PREPEND X-Greylist: delayed"
        self.known.add(triplet)
        return "DEFER_IF_PERMIT 4.2.0 Greylisted, come back"
