"""tuvi queue hold, release, requeue, expire, delete, export: orders for the tuvid that runs; what it holds by itself; and
the slots of workers that are no more."""
import os
import re
import struct
import subprocess

import pytest

from harness import TUVI, Client, Sink, free_ports, wait_for
from test_queue import EX_NOINPUT, entries, listed, send, show

EX_USAGE, EX_UNAVAILABLE, EX_CANTCREAT = 64, 69, 73


@pytest.fixture
def port(tuvi):
    """Nobody listens at the next hop at first, so all mail waits."""
    (one,) = free_ports(1)
    tuvi.configure(one, more="minimal_backoff_time = 1h\nmaximal_backoff_time = 1h\n")
    return one


def order(tuvi, word, *ids, code=0, cwd=None):
    done = subprocess.run([TUVI, "queue", word, tuvi.root, *ids], capture_output=True, text=True, check=False,
                          timeout=60, cwd=cwd)
    assert done.returncode == code, done
    return done.stdout + done.stderr


def wait_deferred(tuvi, count):
    wait_for(lambda: [one["queue_name"] for one in entries(tuvi)].count("deferred") == count,
             what="the record of the tries")


def test_a_message_on_hold_is_not_tried_until_it_is_released(tuvi, port):
    tuvi.start()
    queue_id = send(tuvi)
    wait_deferred(tuvi, 1)
    assert order(tuvi, "hold", queue_id) == "tuvi queue: hold: 1 message\n"
    assert f"{queue_id}!" in listed(tuvi)
    assert entries(tuvi)[0]["queue_name"] == "hold"
    assert "on hold\n" in show(tuvi, queue_id)
    assert f"{queue_id}: placed on hold" in tuvi.log()
    tuvi.stop()
    sink = Sink(port)
    tuvi.start()
    other = Client(tuvi.p25)
    other.ehlo()
    assert other.message("s@sender.test", ["other@far.test"], "x")[0] == 250
    sink.wait(1)
    assert [one["queue_id"] for one in entries(tuvi)] == [queue_id]
    assert order(tuvi, "release", queue_id) == "tuvi queue: release: 1 message\n"
    assert f"{queue_id}: released from hold" in tuvi.log()
    wait_for(lambda: not entries(tuvi)[0]["queue_name"] == "hold", what="the release")
    order(tuvi, "requeue", queue_id)
    sink.wait(2)
    wait_for(lambda: entries(tuvi) == [], what="the end of the queue")
    sink.close()


def test_requeue_tries_at_once_and_for_all(tuvi, port):
    tuvi.start()
    ids = [send(tuvi, f"r{i}@far.test") for i in range(5)]
    wait_deferred(tuvi, 5)
    order(tuvi, "hold", ids[0], ids[1])
    tuvi.stop()     # so that the destination is not at rest any more
    sink = Sink(port)
    tuvi.start()
    assert order(tuvi, "requeue", "ALL") == "tuvi queue: requeue: 5 messages\n"
    sink.wait(5)
    sink.close()


def test_an_expired_message_is_returned_when_its_next_attempt_fails(tuvi, port):
    tuvi.start()
    queue_id = send(tuvi, sender="s@local.test")
    wait_deferred(tuvi, 1)
    order(tuvi, "expire", queue_id)
    log = tuvi.wait_log(f"{queue_id}: from=<s@local.test>, status=force-expired, returned to sender")
    assert re.search(rf"{queue_id}: sender non-delivery notification", log) or "from=<>" in tuvi.wait_log("from=<>")
    wait_for(lambda: queue_id not in [one["queue_id"] for one in entries(tuvi)], what="the end of the message")


def test_a_deleted_message_is_gone_and_nobody_is_told(tuvi, port):
    tuvi.start()
    first, second = send(tuvi), send(tuvi)
    wait_deferred(tuvi, 2)
    assert order(tuvi, "delete", first) == "tuvi queue: delete: 1 message\n"
    assert [one["queue_id"] for one in entries(tuvi)] == [second]
    tuvi.stop()
    tuvi.start()
    assert [one["queue_id"] for one in entries(tuvi)] == [second]
    order(tuvi, "delete", "ALL")
    assert entries(tuvi) == []
    assert "from=<>" not in tuvi.log()


def test_a_message_under_way_is_deleted_when_its_attempt_is_over(tuvi, port):
    sink = Sink(port)
    answered = []

    def wait_and_defer(message):
        wait_for(lambda: answered, what="the test")
        return "451 4.3.0 later"

    sink.answer_data = wait_and_defer
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    queue_id = client.message("s@sender.test", ["r@far.test"], "x")[1][0].split()[-1]
    tuvi.wait_log(f"{queue_id}: from=<s@sender.test>")
    assert "as soon as the delivery under way is over" in order(tuvi, "delete", queue_id)
    answered.append(True)
    wait_for(lambda: entries(tuvi) == [], what="the end of the message")
    sink.close()


def test_what_cannot_be_done_is_said(tuvi, port):
    assert "no tuvid runs on queue_directory" in order(tuvi, "hold", "ALL", code=EX_UNAVAILABLE)
    tuvi.start()
    assert "there is no such message" in order(tuvi, "hold", "ABCDEF0123", code=EX_NOINPUT)
    assert order(tuvi, "hold", "ALL") == "tuvi queue: hold: 0 messages\n"
    queue_id = send(tuvi)
    tuvi.stop()
    assert "no tuvid runs on queue_directory" in order(tuvi, "hold", queue_id, code=EX_UNAVAILABLE)
    assert "no tuvid runs on queue_directory" in order(tuvi, "hold", "ALL", code=EX_UNAVAILABLE)
    assert order(tuvi, "hold", code=EX_USAGE).startswith("usage:")


def test_export_writes_content_and_envelope(tuvi, port, tmp_path):
    tuvi.start()
    queue_id = send(tuvi, "r@far.test", "q@far.test", body="Subject: kept\r\n\r\n" + "line\r\n" * 30000)
    assert order(tuvi, "export", queue_id, cwd=tmp_path) == f"{queue_id}.eml\n{queue_id}.envelope\n"
    content = (tmp_path / f"{queue_id}.eml").read_bytes()
    assert content.startswith(b"Received: ") and content.endswith(b"\r\n\r\n" + b"line\r\n" * 30000)
    assert (tmp_path / f"{queue_id}.envelope").read_text() == (
        "sender: <s@sender.test>\nrecipient: <r@far.test>\nrecipient: <q@far.test>\n")
    assert "File exists" in order(tuvi, "export", queue_id, cwd=tmp_path, code=EX_CANTCREAT)


def in_hand_file(slot, queue_id, crashes):
    """What a worker leaves that dies with this message in hand after so many other crashes."""
    number = int(queue_id[5:], 16)   # the slot stands at the end of a short id
    number = (number >> 16) | (number & 0xFFFF) << 48
    suspects = [(0, 0)] * 15 + [(number, crashes)]
    data = struct.pack("<Q", number) + b"".join(struct.pack("<QQ", *one) for one in suspects)
    (slot / "in-hand").write_bytes(data)


def test_a_message_that_was_in_hand_at_two_crashes_is_held(tuvi, port):
    tuvi.configure(port, more="minimal_backoff_time = 1h\nmaximal_backoff_time = 1h\ntuvi_workers = 1\n")
    tuvi.start()
    poison, other = send(tuvi), send(tuvi)
    wait_deferred(tuvi, 2)
    tuvi.stop()
    slot = tuvi.root / "spool/tuvi/slot-0"
    owner = (slot / "in-hand").stat()
    in_hand_file(slot, poison, 0)
    os.chown(slot / "in-hand", owner.st_uid, owner.st_gid)
    tuvi.start()
    assert {one["queue_name"] for one in entries(tuvi)} == {"deferred"}
    tuvi.stop()
    in_hand_file(slot, poison, 1)
    tuvi.start()
    tuvi.wait_log(f"{poison}: workers crashed 2 times with this message in hand: it is held")
    tuvi.wait_log(f"{poison}: placed on hold")
    wait_for(lambda: {one["queue_id"]: one["queue_name"] for one in entries(tuvi)} ==
             {poison: "hold", other: "deferred"}, what="the record of the hold")
    tuvi.stop()
    tuvi.start()
    assert tuvi.log().count("it is held") == 1
    assert {one["queue_id"]: one["queue_name"] for one in entries(tuvi)} == {poison: "hold", other: "deferred"}


def slots_of(tuvi):
    return {path.parent.name for path in (tuvi.root / "spool/tuvi").glob("slot-*/*.segment")}


def test_mail_of_slots_without_a_worker_is_delivered_under_its_ids(tuvi, port):
    more = "minimal_backoff_time = 1h\nmaximal_backoff_time = 1h\ntuvi_workers = "
    tuvi.configure(port, more=more + "4\n")
    tuvi.start()
    ids = [send(tuvi, f"r{i}@far.test") for i in range(24)]
    wait_deferred(tuvi, 24)
    tuvi.stop()
    sink = Sink(port)
    tuvi.configure(port, more=more + "1\n")
    tuvi.start()
    assert slots_of(tuvi) == {"slot-0", "slot-1", "slot-2", "slot-3"}
    assert order(tuvi, "requeue", "ALL").startswith("tuvi queue: requeue: ")
    sink.wait(24)
    wait_for(lambda: entries(tuvi) == [], what="the end of the queue")
    assert len(sink.messages) == 24
    for queue_id in ids:
        assert f"{queue_id}: removed" in tuvi.log()
    wait_for(lambda: len(tuvi.workers()) == 1, what="the end of the workers that had no slot")
    assert order(tuvi, "hold", "ALL") == "tuvi queue: hold: 0 messages\n"
    tuvi.stop()
    tuvi.start()
    wait_for(lambda: len(tuvi.workers()) == 1, what="the end of the workers that had nothing to do")
    sink.close()
