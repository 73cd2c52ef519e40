"""tuvi queue: what waits, in the shapes that Postfix's mailq and postqueue -j have, while tuvid runs and after it."""
import json
import re
import subprocess

import pytest

from harness import TUVI, Client, free_ports, wait_for

BODY = "Subject: wait\r\n\r\nfor me\r\n"
SHORT_HEADER = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"
LONG_HEADER = "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------"
EX_USAGE, EX_NOINPUT, EX_NOPERM = 64, 66, 77


@pytest.fixture
def port(tuvi):
    """Nobody listens at the next hop, so all mail waits."""
    (one,) = free_ports(1)
    tuvi.configure(one)
    return one


def queue(tuvi, *words, code=0, prefix=()):
    done = subprocess.run([*prefix, TUVI, "queue", words[0], *words[1:2], tuvi.root, *words[2:]], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode == code, done
    return done.stdout if code == 0 else done.stderr


def listed(tuvi):
    return queue(tuvi, "list")


def show(tuvi, queue_id, **more):
    done = subprocess.run([TUVI, "queue", "show", tuvi.root, queue_id], capture_output=True, text=True, check=False)
    assert done.returncode == more.get("code", 0), done
    return done.stdout + done.stderr


def send(tuvi, *recipients, sender="s@sender.test", body=BODY):
    """Returns the queue id once the message was tried and deferred."""
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients or ["r@far.test"], body)
    assert code == 250, lines
    client.quit()
    queue_id = lines[0].split()[-1]
    wait_for(lambda: re.search(rf"{queue_id}: to=.*status=deferred", tuvi.log()), what="the first try")
    return queue_id


def reason(port):
    return f"(connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused)"


def entries(tuvi):
    return [json.loads(line) for line in queue(tuvi, "list", "-j").splitlines()]


def test_a_queue_that_was_never_used_is_empty(tuvi):
    assert listed(tuvi) == "Mail queue is empty\n"
    assert entries(tuvi) == []


def test_the_list_has_the_columns_of_mailq(tuvi, port):
    tuvi.start()
    queue_id = send(tuvi, "r@far.test", "q@far.test")
    wait_for(lambda: "Connection refused" in listed(tuvi), what="the record of the try")
    header, entry, why, *recipients, blank, total = listed(tuvi).splitlines()
    assert header == SHORT_HEADER
    form = re.fullmatch(rf"{queue_id:<11} ( *\d+) \w{{3}} \w{{3}} [ \d]\d \d\d:\d\d:\d\d  s@sender\.test", entry)
    assert form and len(form[1]) == 7, entry
    assert why == reason(port).rjust(78)
    assert recipients == [" " * 41 + "r@far.test", " " * 41 + "q@far.test"]
    assert (blank, total) == ("", "-- 0 Kbytes in 1 Request.")


def test_every_further_message_follows_a_blank_line_and_the_oldest_comes_first(tuvi, port):
    tuvi.start()
    first, second = send(tuvi, body=BODY + "x" * 900 + "\r\n"), send(tuvi, sender="", body=BODY + "y" * 900 + "\r\n")
    text = listed(tuvi)
    assert text.index(first) < text.index(second)
    assert re.search(rf"\n\n{second} .* MAILER-DAEMON\n", text), text
    assert text.endswith("\n\n-- 2 Kbytes in 2 Requests.\n")


def test_long_queue_ids_have_columns_of_their_own(tuvi, port):
    tuvi.configure(port, more="enable_long_queue_ids = yes\n")
    tuvi.start()
    queue_id = send(tuvi)
    lines = listed(tuvi).splitlines()
    assert lines[0] == LONG_HEADER
    assert re.fullmatch(rf"{queue_id:<17} +\d+ \w{{3}} \w{{3}} \d\d \d\d:\d\d:\d\d s@sender\.test", lines[1]), lines[1]


def test_json_has_the_members_of_postqueue(tuvi, port):
    tuvi.start()
    queue_id = send(tuvi, '"a\\"b"@far.test')
    wait_for(lambda: entries(tuvi)[0]["queue_name"] == "deferred", what="the record of the try")
    (entry,) = entries(tuvi)
    assert entry.pop("arrival_time") > 1700000000
    assert entry.pop("message_size") > len(BODY)
    assert entry == {"queue_name": "deferred", "queue_id": queue_id, "forced_expire": False,
                     "sender": "s@sender.test",
                     "recipients": [{"address": '"a\\"b"@far.test', "delay_reason": reason(port)[1:-1]}]}


def test_it_shows_a_message_with_its_state_and_its_content(tuvi, port):
    tuvi.start()
    queue_id = send(tuvi)
    wait_for(lambda: "tries: 1" in show(tuvi, queue_id), what="the record of the try")
    text = show(tuvi, queue_id)
    assert re.search(r"^next try: \d{4}-\d\d-\d\d ", text, re.M)
    assert "\nsender: s@sender.test\nrecipient: r@far.test " + reason(port) + "\n" in text
    head, content = text.split(f"*** MESSAGE CONTENTS {queue_id} ***\n")
    assert content.startswith("Received: from ")
    assert content.endswith("Subject: wait\n\nfor me\n" + f"*** END {queue_id} ***\n")
    assert "\nsize: " in head


def test_content_that_is_larger_than_memory_keeps_it_is_shown_whole(tuvi, port):
    tuvi.start()
    lines = [f"line {number} of many" for number in range(20000)]
    queue_id = send(tuvi, body=BODY + "".join(line + "\r\n" for line in lines))
    assert show(tuvi, queue_id).split("for me\n")[1].splitlines()[:-1] == lines


def segment_with(tuvi, text):
    """The file in which a message's text stands, and its bytes."""
    for segment in (tuvi.root / "spool" / "tuvi" / "slot-0").glob("*.segment"):
        data = bytearray(segment.read_bytes())
        if text in data:
            return segment, data
    raise AssertionError("no segment has it")


def test_after_a_crash_it_is_what_is_on_disk_and_a_torn_end_does_not_count(tuvi, port):
    tuvi.configure(port, more="tuvi_workers = 1\n")
    tuvi.start()
    queue_id = send(tuvi)
    wait_for(lambda: "Connection refused" in listed(tuvi), what="the record of the try")
    before = entries(tuvi)
    tuvi.kill()
    assert entries(tuvi) == before
    # The last batch has the record of the try. Its head reached the disk, and what is behind it did not.
    segment, data = segment_with(tuvi, b"for me")
    last = max(at for at in range(0, len(data), 4096) if data[at + 8:at + 12] == b"TVR0")
    data[last + 48:last + 4096] = bytes(4096 - 48)
    segment.write_bytes(data)
    done = subprocess.run([TUVI, "queue", "list", tuvi.root], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert queue_id in done.stdout and "Connection refused" not in done.stdout


def test_looking_takes_no_lock_and_changes_nothing(tuvi, port):
    tuvi.start()
    send(tuvi)
    tuvi.stop()
    files = sorted((tuvi.root / "spool").rglob("*"))
    before = [(file, file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    assert "1 Request" in listed(tuvi)
    after = sorted((tuvi.root / "spool").rglob("*"))
    assert [(file, file.stat().st_mtime_ns, file.stat().st_size) for file in after] == before
    tuvi.start()
    assert "1 Request" in listed(tuvi)


def test_a_delivered_message_is_not_in_it(tuvi, sink):
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message("s@sender.test", ["r@far.test"], BODY)
    assert code == 250, lines
    sink.wait(1)
    queue_id = lines[0].split()[-1]
    tuvi.wait_log(f"{queue_id}: removed")
    wait_for(lambda: listed(tuvi) == "Mail queue is empty\n", what="an empty queue")
    assert "there is no such message" in show(tuvi, queue_id, code=EX_NOINPUT)


def test_damage_is_told_and_the_rest_listed(tuvi, port):
    tuvi.configure(port, more="tuvi_workers = 1\n")
    tuvi.start()
    lost, kept = send(tuvi, body=BODY + "lost\r\n"), send(tuvi)
    tuvi.stop()
    segment, data = segment_with(tuvi, b"for me\r\nlost")
    at = data.index(b"for me\r\nlost")
    data[at] ^= 1
    segment.write_bytes(data)
    done = subprocess.run([TUVI, "queue", "list", tuvi.root], capture_output=True, text=True, check=False)
    assert re.match(r"tuvi queue: warning: slot 0, segment \d+, offset \d+: a record below the durable end is damaged\n",
                    done.stderr)
    assert kept in done.stdout and lost not in done.stdout


def test_a_queue_that_somebody_else_owns(tuvi, port):
    tuvi.start()
    said = queue(tuvi, "list", code=EX_NOPERM, prefix=("setpriv", "--reuid", "nobody", "--regid", "nogroup",
                                                       "--clear-groups"))
    assert said == f"tuvi queue: {tuvi.root}/spool/tuvi: Permission denied\n"


@pytest.mark.parametrize("words", [[], ["list"], ["show", "."], ["list", ".", "x"], ["show", "-j", ".", "x"], ["look", "."]])
def test_words_that_make_no_sense(words):
    done = subprocess.run([TUVI, "queue", *words], capture_output=True, text=True, check=False)
    assert done.returncode == EX_USAGE and done.stderr.startswith("usage: tuvi queue list")
