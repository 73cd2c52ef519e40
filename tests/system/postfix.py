"""A Postfix of a test's own: configuration, queue and data stand in a temporary folder, it listens on one free
port of 127.0.0.1, and it hands everything on to one port. Nothing of the system's Postfix is used but its
programs; /etc/postfix is neither read nor written."""
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

from harness import Folder, free_ports, wait_for

DAEMONS = "/usr/lib/postfix/sbin"

# What Postfix would change in a message on its way is turned off, so that any change is Tuvi's:
# - local_header_rewrite_clients is empty: it would add Date, Message-ID and From to what local clients send;
# - smtp_line_length_limit 0: it folds lines beyond 998 bytes. line_length_limit is the size of the pieces in
#   which a line is kept in its queue and searched for header fields; it is raised above our longest line;
# - MIME is not looked at, so that nothing is converted or refused for it;
# - header_size_limit is raised: what is longer is cut off.
# The rest makes it quick (in_flow_delay, no anvil, no limits on clients) and quiet (no DNS).
MAIN_CF = """\
compatibility_level = 3.6
myhostname = {name}.test
mydomain = {name}.test
mydestination =
queue_directory = {root}/queue
data_directory = {root}/data
meta_directory = {root}/etc
maillog_file_prefixes = {root}
maillog_file = {root}/mail.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:no mail is delivered here
relayhost = [127.0.0.1]:{next_hop}
smtpd_relay_restrictions = permit_mynetworks, reject
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtp_host_lookup = native
local_header_rewrite_clients =
smtp_line_length_limit = 0
line_length_limit = 100000
header_size_limit = 1000000
message_size_limit = 100000000
mailbox_size_limit = 0
disable_mime_input_processing = yes
disable_mime_output_conversion = yes
in_flow_delay = 0
minimal_backoff_time = 1s
maximal_backoff_time = 5s
queue_run_delay = 1s
smtpd_client_connection_count_limit = 0
smtpd_tls_loglevel = 1
smtp_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_tls_session_cache_database =
smtp_tls_session_cache_database =
{more}
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""

PRIVATE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
           "trace")


def each_once(text):
    """main.cf without the lines that a later one overrides. Each of them would be warned of by every program that
    starts, postlogd among them: which then waits for room in the socket that only it empties."""
    last = {}
    for line in re.split(r"\n(?!\s)", text):
        name = line.split("=", 1)[0].strip()
        last.pop(name, None)
        last[name] = line
    return "\n".join(last.values()) + "\n"


class Postfix:
    def __init__(self, name, next_hop, more="", more_services=""):
        self.name = name
        self.folder = Folder()
        self.root = self.folder.path / name
        self.port = free_ports(1)[0]
        self.process = None
        self.wrapper = []   # the start of the command line, such as a program that changes its surroundings
        self.make_folders()
        self.configure(next_hop, more, more_services)

    def make_folders(self):
        owner = pwd.getpwnam("postfix")
        for path in (self.root, self.root / "etc", self.root / "queue", self.root / "queue" / "pid"):
            path.mkdir(mode=0o755)
        private = [self.root / "queue" / one for one in PRIVATE]
        for path in [self.root / "data", self.root / "queue" / "maildrop", self.root / "queue" / "public"] + private:
            path.mkdir(mode=0o700)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def configure(self, next_hop, more="", more_services=""):
        etc = self.root / "etc"
        (etc / "main.cf").write_text(each_once(MAIN_CF.format(name=self.name, root=self.root, next_hop=next_hop, more=more)))
        (etc / "master.cf").write_text(MASTER_CF.format(port=self.port) + more_services)
        (etc / "dynamicmaps.cf").write_text("")
        for file in etc.iterdir():
            os.utime(file, (1000000000, 1000000000))  # Postfix waits for a file that is new to become older

    def start(self):
        """Runs the master in the foreground, as the leader of a group of its own."""
        self.process = subprocess.Popen(
            [*self.wrapper, f"{DAEMONS}/master", "-c", str(self.root / "etc"), "-d"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        wait_for(lambda: self.process.poll() is not None or "daemon started" in self.log(), 30,
                 f"the start of Postfix {self.name}")
        assert self.process.poll() is None, self.process.stderr.read() + self.log()
        return self

    def log(self):
        path = self.root / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, text, seconds=20):
        wait_for(lambda: text in self.log(), seconds, f"{self.name}'s log line {text!r}")
        return self.log()

    def queued(self):
        """The files of messages that are still in its queue."""
        return [file for queue in ("incoming", "active", "deferred")
                for file in (self.root / "queue" / queue).rglob("*") if file.is_file()]

    def stop(self):
        if self.process is None:
            return
        group = self.process.pid
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stderr.close()
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)
        self.folder.close()


@pytest.fixture
def postfixes():
    """Makes and starts a Postfix: postfixes("a", next_hop, "more = lines")."""
    made = []

    def make(name, next_hop, more=""):
        made.append(Postfix(name, next_hop, more))
        return made[-1].start()

    yield make
    for one in made:
        one.close()
