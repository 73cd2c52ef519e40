"""scripts/demo: what it says and does, and that other words and ports change its outcome."""
import contextlib
import pathlib
import socket
import subprocess

import pytest

from harness import BUILD, ROOT, Folder, free_ports, wait_for

PORTS = ("--port-relay", "--port-submission", "--port-submissions", "--port-sink")


class Demo:
    """Demos in a folder of their own, on ports of their own, with the programs under test."""

    def __init__(self, place):
        self.folder = place / "run"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))

    def run(self, *options, **ports):
        wanted = dict(self.ports, **{"--port-" + name: port for name, port in ports.items()})
        words = [str(word) for pair in wanted.items() for word in pair]
        return subprocess.run(
            ["sh", ROOT / "scripts" / "demo", "--folder", self.folder, "--programs", BUILD, *words,
             *options],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def arrived(self):
        return sorted(self.folder.glob("inbox/*.eml"))

    def envelope(self, number):
        return (self.folder / "inbox" / f"{number:06}.envelope").read_text()

    def processes(self):
        """Those that were started for this folder and still run."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if str(self.folder) in path.read_text() and "/tuvi" in path.read_text():
                    found.append(path)
        return found

    def serves(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.ports["--port-relay"]), 5).close()
            return True
        return False


@pytest.fixture
def demo():
    place = Folder()
    one = Demo(place.path)
    yield one
    one.run("--stop")
    place.close()


def test_it_ends_well_and_leaves_nothing_running(demo):
    done = demo.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All went as it should" in done.stdout
    assert demo.processes() == []
    assert not demo.serves()


def test_it_shows_the_message_with_its_trace_and_what_is_refused(demo):
    shown = demo.run().stdout
    assert "S:  250 2.0.0 Ok: queued as " in shown
    assert "by mail.example.org (Tuvi) with ESMTPSA id " in shown
    assert "S:  530 5.7.0 Must issue a STARTTLS command first" in shown
    assert "S:  554 5.7.1 <bob@example.net>: Recipient address rejected: Access denied" in shown
    assert "S:  554 5.7.1 <bob@example.net>: Relay access denied" in shown
    assert "status=sent" in shown
    assert len(demo.arrived()) == 3
    message = demo.arrived()[0].read_bytes()
    assert message.endswith(b"\r\n\r\nHello!\r\n\r\nThis came by way of Tuvi.\r\n")


def test_another_recipient_gets_the_mail(demo):
    assert demo.run("--recipient", "carol@elsewhere.example").returncode == 0
    assert demo.envelope(1) == "From: <alice@example.org>\nTo: <carol@elsewhere.example>\n"
    assert b"\r\n\tfor <carol@elsewhere.example>; " in demo.arrived()[0].read_bytes()


def test_a_recipient_that_is_no_address_fails(demo):
    done = demo.run("--recipient", "bob@@example.net")
    assert done.returncode == 1
    assert "the message to bob@@example.net was not taken" in done.stderr
    assert demo.arrived() == []


def test_a_wrong_password_fails(demo):
    done = demo.run("--password", "looking-glass")
    assert done.returncode == 1
    assert "S:  535 5.7.8 " in done.stdout
    assert "was not taken" in done.stderr
    assert demo.arrived() == []
    assert demo.processes() == []


@pytest.mark.parametrize("port", ["relay", "submission", "submissions", "sink"])
def test_a_port_that_is_taken_fails(demo, port):
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = demo.run(**{port: other.getsockname()[1]})
    assert done.returncode == 1
    assert "did not start" in done.stderr
    wait_for(lambda: demo.processes() == [], what="the end of what was started")


def test_it_stays_when_asked_to_and_can_be_stopped(demo):
    assert demo.run("--keep").returncode == 0
    assert demo.serves()
    again = demo.run()
    assert again.returncode == 1
    assert "a demo still runs" in again.stderr
    assert demo.serves()
    assert demo.run("--stop").returncode == 0
    wait_for(lambda: not demo.serves() and demo.processes() == [], what="the end of the demo")


def test_a_folder_that_no_demo_made_is_left_alone(demo):
    demo.folder.mkdir()
    (demo.folder / "letters").write_text("dear")
    done = demo.run()
    assert done.returncode == 1
    assert "no demo made it" in done.stderr
    assert (demo.folder / "letters").read_text() == "dear"


def test_it_does_not_know_other_options(demo):
    done = demo.run("--post")
    assert done.returncode == 64
    assert "--port-submission N" in done.stderr
