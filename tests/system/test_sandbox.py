"""What the roles have left of the power they were started with, as the kernel tells."""
import os
import pathlib

import pytest

from harness import Sink, Tuvi


@pytest.fixture
def tuvi():
    sink = Sink()
    tuvi = Tuvi(sink.port)
    yield tuvi.start()
    tuvi.close()
    sink.close()


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, value in (line.split(":", 1) for line in lines)}


@pytest.mark.parametrize("role", ["worker", "auth"])
def test_a_role_is_not_root_and_cannot_get_back_what_it_gave_up(tuvi, role):
    pids = tuvi.processes(role)
    assert pids
    for pid in pids:
        status = status_of(pid)
        assert status["NoNewPrivs"] == ["1"]
        assert status["Seccomp"] == ["2"]
        assert status["CapEff"] == ["0" * 16] and status["CapPrm"] == ["0" * 16]
        if os.getuid() == 0:
            assert "0" not in status["Uid"] + status["Gid"]


def test_every_thread_is_in_it(tuvi):
    for pid in tuvi.workers():
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            assert "Seccomp:\t2\n" in (thread / "status").read_text()
