"""The comparison with Postfix measures something, and refuses to measure memory in place of a disk."""
import json
import subprocess

import pytest

from harness import ROOT

BENCH = ROOT / "bench" / "vs-postfix"


def run(*options):
    return subprocess.run([BENCH, *map(str, options)], capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_both_servers_relay_everything_and_have_figures(tmp_path):
    done = run("--messages", 50, "--rounds", 1, "--json", tmp_path / "figures")
    if "which is no disk" in done.stderr:
        assert done.returncode == 1 and not (tmp_path / "figures").exists()
        return
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures").read_text())
    assert list(figures) == ["accept, 1 sessions", "accept, 10 sessions", "accept, 100 sessions", "relay"]
    for measured in figures.values():
        for server in ("Postfix", "Tuvi"):
            assert all(one["rate"] > 0 for one in measured["rounds"][server])
        assert measured["ratios"]["rate"] > 0
    assert done.stdout.count(" times as fast: ") == 1


def test_memory_is_no_disk():
    done = run("--folder", "/dev/shm")
    assert done.returncode == 1
    assert "/dev/shm is on tmpfs, which is no disk" in done.stderr
