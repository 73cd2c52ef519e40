"""The format of the spool is what doc/design/spool.md says: a reader that was written from the page reads the golden
spools, and what tuvid has just written."""
import pytest

from harness import ROOT, Client, free_ports, wait_for
from spool_reader import Spool, describe
from test_queue import entries

GOLDEN = sorted((ROOT / "tests/golden").glob("spool-*"))


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_the_page_tells_enough_to_read_a_golden_spool(folder):
    assert describe(Spool(folder)) == (folder / "expected.txt").read_text()


def test_the_page_tells_enough_to_read_what_tuvid_writes(tuvi):
    (port,) = free_ports(1)
    tuvi.configure(port, more="tuvi_workers = 1\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    bodies = [b"Subject: small\r\n\r\nx\r\n", b"Subject: large\r\n\r\n" + b"line\r\n" * 40000]
    for body in bodies:
        assert client.message("s@sender.test", ["r@far.test", "q@far.test"], body)[0] == 250
    wait_for(lambda: [one["queue_name"] for one in entries(tuvi)] == ["deferred"] * 2, what="the first tries")
    tuvi.stop()
    spool = Spool(tuvi.root / "spool/tuvi/slot-0")
    assert len(spool.messages) == 2
    for message, body in zip((spool.messages[one] for one in sorted(spool.messages)), bodies):
        content = spool.content(message)
        assert content.endswith(body) and len(content) == message.size
        assert message.sender == b"s@sender.test" and message.tries == 1
        assert [address for address, _ in message.recipients] == [b"r@far.test", b"q@far.test"]
