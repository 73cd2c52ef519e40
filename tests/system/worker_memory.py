"""How much memory a worker takes, and how much it grows by."""
import pathlib

from harness import Client

MIB = 1 << 20


def status(pid, field):
    """A field of /proc/PID/status, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field}")


class Watch:
    """The growth of the only worker's memory since it was idle: a small message has passed, the rest has not."""

    def __init__(self, tuvi, sink, growth_max=2 * MIB):
        self.growth_max = growth_max
        client = Client(tuvi.p25)
        client.ehlo()
        assert client.message("s@sender.test", ["r@local.test"], "Subject: small\r\n\r\nx\r\n")[0] == 250
        client.quit()
        sink.wait(1)
        tuvi.wait_log(": removed")
        sink.messages.clear()
        (self.pid,) = tuvi.workers()
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")   # VmHWM becomes what VmRSS is
        self.idle = status(self.pid, "VmHWM")

    def growth(self):
        return status(self.pid, "VmHWM") - self.idle

    def check(self, what):
        print(f"{what}: {self.idle / MIB:.1f} MiB idle, grown by {self.growth() / MIB:.2f} MiB")
        assert self.growth() < self.growth_max
