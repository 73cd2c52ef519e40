"""What the system tests stand on: a tuvid of their own on free ports, a receiving server that records what
arrives, and ways to wait. Everything a test starts ends with it."""
import base64
import os
import pathlib
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("TUVI_BUILD", ROOT / "build")).resolve()
TUVID = BUILD / "tuvid"
TUVI = BUILD / "tuvi"

MINE = "127.0.0.2"      # in mynetworks
STRANGER = "127.0.0.3"  # not


def wait_for(condition, seconds=20, what="it"):
    """The condition's value once it is true; fails when it does not become so."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


_reserved = {}


def free_ports(count):
    """Ports that nobody else is given meanwhile: a socket that does not listen stays bound to each, which does not
    keep a server that sets SO_REUSEADDR, as all do, from listening there."""
    ports = []
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 0))
        ports.append(one.getsockname()[1])
        _reserved[ports[-1]] = one
    return ports


def release_ports(ports):
    for port in ports:
        _reserved.pop(port).close()


class Folder:
    """A temporary folder that other users can pass through, with a path short enough for sockets."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tv-", dir="/tmp"))
        self.path.chmod(0o755)

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)


# ---- the receiving server ----

class Received:
    def __init__(self, sender, recipients, data, peer):
        self.sender = sender
        self.recipients = recipients
        self.data = data    # bytes, unstuffed, with CRLF
        self.peer = peer
        self.at = time.monotonic()

    def header_and_body(self):
        head, _, body = self.data.partition(b"\r\n\r\n")
        return head, body


class _SinkHandler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()

    def handle(self):
        sink = self.server.sink
        try:
            if sink.greeting is not None:
                self.say(sink.greeting)
                if not sink.greeting.startswith("2"):
                    return
            sender, recipients = None, []
            while True:
                line = self.rfile.readline()
                if not line:
                    return
                text = line.decode("latin-1").rstrip("\r\n")
                verb = text.split(" ")[0].upper()
                if verb in ("EHLO", "HELO"):
                    words = list(sink.keywords)
                    if sink.tls is not None and not isinstance(self.connection, ssl.SSLSocket):
                        words.append("STARTTLS")
                    lines = ["sink.test"] + words if verb == "EHLO" else ["sink.test"]
                    for word in lines[:-1]:
                        self.say(f"250-{word}")
                    self.say(f"250 {lines[-1]}")
                elif verb == "STARTTLS" and sink.tls is not None:
                    self.say("220 2.0.0 go ahead")
                    self.connection = sink.tls.wrap_socket(self.connection, server_side=True)
                    self.rfile = self.connection.makefile("rb")
                    self.wfile = self.connection.makefile("wb")
                elif verb == "MAIL":
                    answer = sink.answer_mail(text)
                    sender, recipients = text.split("<", 1)[1].split(">")[0], []
                    if not answer.startswith("2"):
                        sender = None
                    self.say(answer)
                elif verb == "RCPT" and sender is None:
                    self.say("503 5.5.1 need MAIL command")
                elif verb == "RCPT":
                    recipient = text.split("<", 1)[1].split(">")[0]
                    answer = sink.answer_rcpt(recipient)
                    if answer.startswith("2"):
                        recipients.append(recipient)
                    self.say(answer)
                elif verb == "DATA":
                    if not recipients:
                        self.say("554 5.5.1 no valid recipients")
                        continue
                    self.say("354 go on")
                    data = self.read_data()
                    if data is None:
                        return
                    message = Received(sender, list(recipients), data, self.client_address)
                    message.tls = isinstance(self.connection, ssl.SSLSocket)
                    answer = sink.answer_data(message)
                    if answer.startswith("2"):
                        with sink.lock:
                            sink.messages.append(message)
                    self.say(answer)
                elif verb == "RSET":
                    sender, recipients = None, []
                    self.say("250 2.0.0 Ok")
                elif verb == "QUIT":
                    self.say("221 2.0.0 Bye")
                    return
                elif verb == "NOOP":
                    self.say("250 2.0.0 Ok")
                else:
                    self.say("500 5.5.2 what?")
        except (ConnectionError, ssl.SSLError, OSError):
            return

    def read_data(self):
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)


class _SinkServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


class Sink:
    """Takes mail and keeps it in `messages`. Replace the answer_* functions to be unfriendly."""

    def __init__(self, port=0, tls=None, keywords=("PIPELINING", "8BITMIME", "SIZE 100000000")):
        self.messages = []
        self.lock = threading.Lock()
        self.tls = tls
        self.keywords = keywords
        self.greeting = "220 sink.test ESMTP"
        self.answer_mail = lambda text: "250 2.1.0 Ok"
        self.answer_rcpt = lambda recipient: "250 2.1.5 Ok"
        self.answer_data = lambda message: "250 2.0.0 Ok: taken"
        self.server = _SinkServer(("127.0.0.1", port), _SinkHandler)
        self.server.sink = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def wait(self, count, seconds=20):
        wait_for(lambda: len(self.messages) >= count, seconds, f"the arrival of {count} messages")
        return self.messages

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# ---- tuvid ----

MAIN_CF = """\
compatibility_level = 3.6
myhostname = mx.local.test
mydomain = local.test
myorigin = local.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.2/32
virtual_mailbox_domains = local.test
virtual_transport = smtp:[127.0.0.1]:{sink}
relayhost = [127.0.0.1]:{sink}
smtp_tls_security_level = none
smtpd_tls_security_level = may
smtpd_tls_cert_file = {root}/cert.pem
smtpd_tls_key_file = {root}/key.pem
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = file
smtpd_sasl_path = {root}/passwd
broken_sasl_auth_clients = yes
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_error_sleep_time = 0
smtpd_peername_lookup = no
queue_directory = {root}/spool
maillog_file = {root}/mail.log
tuvi_segment_size = 1048576
{more}
"""

MASTER_CF = """\
127.0.0.1:{p25} inet n - n - - smtpd
127.0.0.1:{p587} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{p465} inet n - n - - smtpd
  -o syslog_name=postfix/smtps
  -o smtpd_tls_wrappermode=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
{more}
"""


class Tuvi:
    """A tuvid with the three kinds of port, a certificate, the user alice (wonderland), and everything it
    relays going to one port."""

    def __init__(self, sink_port, more="", more_services="", environment=None):
        self.folder = Folder()
        self.root = self.folder.path / "t"
        self.p25, self.p587, self.p465 = free_ports(3)
        self.environment = environment or {}
        self.wrapper = []   # the start of the command line, such as a program that limits tuvid
        self.process = None
        init = subprocess.run([TUVI, "init", self.root, "--hostname", "mx.local.test"], check=False,
                              capture_output=True, text=True)
        assert init.returncode == 0, init.stderr
        self.configure(sink_port, more, more_services)
        self.passwd("alice", "wonderland")

    def configure(self, sink_port, more="", more_services=""):
        (self.root / "main.cf").write_text(
            MAIN_CF.format(root=self.root, sink=sink_port, more=more))
        (self.root / "master.cf").write_text(
            MASTER_CF.format(p25=self.p25, p587=self.p587, p465=self.p465, more=more_services))

    def passwd(self, user, password, *options):
        done = subprocess.run([TUVI, "passwd", *options, self.root, user], input=password + "\n",
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self, wait=True):
        self.process = subprocess.Popen(
            [*self.wrapper, TUVID, "-c", self.root, "-f"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=dict(os.environ, **self.environment))
        if wait:
            started = self.count_started()
            wait_for(lambda: self.process.poll() is not None or self.count_started() > started, 30,
                     "the start of tuvid")
            assert self.process.poll() is None, self.process.stdout.read()
        return self

    def count_started(self):
        return self.log().count("daemon started")

    def log(self):
        path = self.root / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, text, seconds=20):
        wait_for(lambda: text in self.log(), seconds, f"the log line {text!r}")
        return self.log()

    def children(self):
        """The roles that run, as (process number, "worker 0")."""
        found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
                               capture_output=True, text=True, check=False).stdout
        return [(int(line.split()[0]), line.split("tuvid: ")[1].removesuffix(" --role"))
                for line in found.splitlines() if "tuvid: " in line]

    def processes(self, role):
        """The process numbers of a role: "worker", "auth"."""
        return [pid for pid, name in self.children() if name.split()[0] == role]

    def workers(self):
        return self.processes("worker")

    def stop(self, seconds=60):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        code = self.process.returncode
        self.process.stdout.close()
        self.process = None
        return code

    def kill(self):
        """Everything dies at once, as by a power cut that the disk does not notice."""
        self.process.send_signal(signal.SIGSTOP)  # it must not start another role meanwhile
        children = [int(pid) for pid in subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                                                       capture_output=True, text=True, check=False).stdout.split()]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for pid in children:
            wait_for(lambda pid=pid: not is_running(pid), 20, f"the end of process {pid}")
        self.process.stdout.close()
        self.process = None

    def close(self):
        self.stop()
        self.folder.close()
        release_ports([self.p25, self.p587, self.p465])


# ---- a client that does exactly what it is told ----

class Client:
    """Speaks SMTP line by line and gives replies as (code, lines)."""

    def __init__(self, port, source=MINE, wrapped=False, timeout=20, secure=None):
        """`secure` turns a socket into one with TLS, in a way of one's own."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        self.file = None
        self.secure = secure or tls_context().wrap_socket
        if wrapped:
            self.socket = self.secure(self.socket)
        self.open_file()
        self.greeting = self.reply()

    def open_file(self):
        self.file = self.socket.makefile("rb")

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return (0, lines)
            lines.append(line.decode("latin-1").rstrip("\r\n"))
            if line[3:4] != b"-":
                return (int(line[:3]), lines)

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def command(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def ehlo(self):
        code, lines = self.command("EHLO client.test")
        assert code == 250, lines
        return [line[4:] for line in lines[1:]]

    def starttls(self):
        code, lines = self.command("STARTTLS")
        assert code == 220, lines
        self.file.close()
        self.socket = self.secure(self.socket)
        self.open_file()
        return self.ehlo()

    def auth_plain(self, user="alice", password="wonderland"):
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.command(f"AUTH PLAIN {token}")

    def message(self, sender, recipients, data):
        """The reply to the end of the data, or the first that is not good."""
        code, lines = self.command(f"MAIL FROM:<{sender}>")
        if code != 250:
            return code, lines
        for recipient in recipients:
            code, lines = self.command(f"RCPT TO:<{recipient}>")
            if code != 250:
                return code, lines
        code, lines = self.command("DATA")
        if code != 354:
            return code, lines
        if isinstance(data, str):
            data = data.encode()
        stuffed = b"".join(b"." + line if line.startswith(b".") else line
                           for line in data.splitlines(keepends=True))
        self.send(stuffed + (b"" if data.endswith(b"\r\n") or not data else b"\r\n") + b".\r\n")
        return self.reply()

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def close(self):
        self.file.close()
        self.socket.close()


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
