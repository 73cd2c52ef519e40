"""Clients that send without end, and many that send next to nothing. "make floods" sends more; how long a good client
waits meanwhile is measured by bench/among-slow-clients."""
import json
import subprocess

import pytest

import crowd
import floods
from harness import ROOT, Client

pytestmark = pytest.mark.unsanitized    # the sanitizers' own memory is not the worker's

AMOUNTS = {"command": 50_000_000, "line": 300_000_000, "body": 300_000_000, "chunks": 100_000, "recipients": 20_000}


@pytest.fixture(scope="module")
def flooded():
    one = floods.Flooded()
    yield one
    one.close()


@pytest.mark.parametrize("flood, kind", floods.FLOODS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_flood_does_not_make_the_worker_grow(flooded, flood, kind):
    what, seconds, growth = floods.run(flooded, flood, AMOUNTS[kind])
    print(f"{what}: {seconds:.1f} s, {growth / floods.MIB:.2f} MiB")
    assert growth < floods.GROWTH_MAX


def test_a_good_client_is_served_among_two_thousand_that_are_slow_or_idle(tuvi, sink):
    crowd.allow_connections(10000)
    tuvi.configure(sink.port, more="tuvi_workers = 1\n")
    tuvi.start()
    bad = crowd.Crowd(tuvi.p25, slow=1000, idle=1000)
    try:
        bad.wait_until_slow()
        client = Client(tuvi.p25)
        client.ehlo()
        for number in range(20):
            assert client.message("s@sender.test", [f"r{number}@local.test"], "Subject: x\r\n\r\nhello\r\n")[0] == 250
        client.quit()
        assert bad.open_connections() == 2000
    finally:
        bad.close()
    sink.wait(20)


@pytest.mark.slow
def test_the_benchmark_has_figures(tmp_path):
    done = subprocess.run([ROOT / "bench" / "among-slow-clients", "--messages", "10", "--rounds", "1", "--clients", "50",
                           "--json", tmp_path / "figures"], capture_output=True, text=True, check=False, timeout=120)
    assert "at most twice as long" in done.stdout, done.stderr
    figures = json.loads((tmp_path / "figures").read_text())
    assert list(figures) == ["alone", "among slow clients", "among idle clients"]
    assert all(figure > 0 for figure in figures.values())
