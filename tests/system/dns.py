"""A DNS server with zones of our own: Knot DNS on a port of 127.0.0.1."""
import subprocess

from harness import Folder, free_ports, release_ports, wait_for

CONFIGURATION = """\
server:
    rundir: "{root}"
    listen: [{listen}]
database:
    storage: "{root}/db"
log:
  - target: "{root}/log"
    any: info
zone:
"""
ZONE = """\
$ORIGIN {name}.
$TTL 0
@ SOA ns hostmaster 1 60 60 60 0
@ NS ns
ns A 127.0.0.1
{records}
"""


class Dns:
    """zones: name -> records, as in a zone file; also: another address to listen on, 127.1.2.3@53."""

    def __init__(self, zones, also=None):
        self.folder = Folder()
        self.root = self.folder.path
        (self.port,) = free_ports(1)
        self.process = None
        self.also = also
        listen = ", ".join([f"127.0.0.1@{self.port}"] + [also] * (also is not None))
        text = CONFIGURATION.format(root=self.root, listen=listen)
        for name, records in zones.items():
            (self.root / f"{name}.zone").write_text(ZONE.format(name=name, records=records))
            text += f'  - domain: "{name}"\n    file: "{self.root}/{name}.zone"\n'
        (self.root / "knot.conf").write_text(text)

    def start(self):
        self.process = subprocess.Popen(["knotd", "-c", self.root / "knot.conf"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: "server started" in self.log() or self.process.poll() is not None, 20, "the DNS server")
        assert self.process.poll() is None, self.log()
        return self

    def log(self):
        return (self.root / "log").read_text() if (self.root / "log").exists() else ""

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None
            (self.root / "log").unlink()

    def close(self):
        self.stop()
        self.folder.close()
        release_ports([self.port])
