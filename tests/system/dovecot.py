"""A real Dovecot of the tests' own, which checks passwords and can take mail over LMTP."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

from harness import Folder, is_running, wait_for

PROGRAM = "/usr/sbin/dovecot"

CONFIGURATION = """\
protocols = {protocols}
base_dir = {root}/run
log_path = {root}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login {mechanisms}
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={root}/mail/%n
}}
service auth {{
  unix_listener {socket} {{
    mode = 0660
    user = {owner}
    group = {owner}
  }}
}}
# no growing delay after failed logins: all tests come from a few loopback addresses
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

LMTP = """\
mail_location = maildir:{root}/mail/%n
auth_username_format = %Ln
first_valid_uid = 1
service lmtp {{
  unix_listener {socket} {{
    mode = 0660
    user = {owner}
    group = {owner}
  }}
}}
"""


def mail_owner():
    """The user that tuvid's workers are when it is started by root."""
    for name in ("postfix", "tuvi"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            pass
    raise AssertionError("there is neither a user postfix nor a user tuvi")


class Dovecot:
    """Alice (wonderland) and bob (builder); listens for tuvid on `socket`, and on `lmtp` when that is given. Made,
    not started."""

    def __init__(self, socket, mechanisms="", mode_of_folder=0o700, lmtp=None):
        self.folder = Folder()
        self.root = self.folder.path
        self.socket = pathlib.Path(socket)
        self.process = None
        self.owner = mail_owner()
        (self.root / "run").mkdir()
        (self.root / "users").write_text("alice:{PLAIN}wonderland\nbob:{PLAIN}builder\n")
        (self.root / "users").chmod(0o644)
        self.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        shutil.chown(self.socket.parent, self.owner)  # as Postfix's private folder is
        self.socket.parent.chmod(mode_of_folder)
        configuration = CONFIGURATION.format(
            root=self.root, socket=self.socket, owner=self.owner, mechanisms=mechanisms,
            protocols="lmtp" if lmtp else "", user="nobody", group="nogroup")
        if lmtp:
            (self.root / "mail").mkdir()
            shutil.chown(self.root / "mail", "nobody", "nogroup")
            configuration += LMTP.format(root=self.root, socket=lmtp, owner=self.owner)
        (self.root / "dovecot.conf").write_text(configuration)

    def log(self):
        return (self.root / "log").read_text(errors="replace") if (self.root / "log").exists() else ""

    def processes(self):
        """Its helpers, by name: the auth server is one."""
        found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
                               capture_output=True, text=True, check=False).stdout
        return {line.split()[1].split("/")[-1]: int(line.split()[0]) for line in found.splitlines()}

    def start(self):
        started = self.log().count(" starting up ")
        self.process = subprocess.Popen([PROGRAM, "-F", "-c", self.root / "dovecot.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.log().count(" starting up ") > started or self.process.poll() is not None, 20,
                 "the start of Dovecot")  # by then its sockets are there, with their owners
        assert self.process.poll() is None, self.log()
        return self

    def fetch(self, user):
        """The messages in a user's inbox, as doveadm reads them."""
        done = subprocess.run(["doveadm", "-c", self.root / "dovecot.conf", "fetch", "-u", user, "text",
                               "mailbox", "INBOX"], capture_output=True, check=False)
        return [part.lstrip(b"\n") for part in done.stdout.replace(b"\r\n", b"\n").split(b"text:\n")[1:]]

    def kill_auth(self, number=signal.SIGKILL):
        """Ends or stops the process that checks the passwords; Dovecot starts another when one is asked for."""
        pid = wait_for(lambda: self.processes().get("auth"), 20, "Dovecot's auth process")
        os.kill(pid, number)
        return pid

    def stop(self):
        """It goes, and so does its socket. Its helpers are told to end as a service manager does it: the auth
        process would stay for as long as tuvid keeps its connection."""
        if self.process is None:
            return
        helpers = self.processes()
        for pid in (self.process.pid, *helpers.values()):
            os.kill(pid, signal.SIGTERM)
        self.process.wait(20)
        self.process = None
        for name, pid in helpers.items():
            wait_for(lambda pid=pid: not is_running(pid), 20, f"the end of Dovecot's {name}")
        self.socket.unlink(missing_ok=True)

    def close(self):
        self.stop()
        self.folder.close()
