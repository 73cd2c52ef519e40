"""Servers that say how much they take in one transaction and in one session. RFC 9422."""
import pytest

from harness import MINE, Client, Sink, Tuvi

PEOPLE = [f"p{i}@remote.test" for i in range(5)]


@pytest.fixture
def relay():
    made = []

    def start(limits, more=""):
        sink = Sink(keywords=("PIPELINING", f"LIMITS {limits}"))
        tuvi = Tuvi(sink.port, "tuvi_workers = 1\n" + more)
        made.extend((tuvi, sink))
        return tuvi.start(), sink
    yield start
    for one in made:
        one.close()


def bring(tuvi, recipients, count=1):
    client = Client(tuvi.p25, MINE)
    client.ehlo()
    for i in range(count):
        code, lines = client.message("ada@local.test", recipients, f"Subject: {i}\r\n\r\nhello\r\n" + 3000 * "more\r\n")
        assert code == 250, lines
    client.quit()


def connections(sink):
    return len({message.peer for message in sink.messages})


def test_recipients_are_brought_in_parts_over_one_connection(relay):
    tuvi, sink = relay("RCPTMAX=2")
    bring(tuvi, PEOPLE)
    parts = sink.wait(3)
    assert [message.recipients for message in parts] == [PEOPLE[:2], PEOPLE[2:4], PEOPLE[4:]]
    assert len({message.data for message in parts}) == 1
    assert connections(sink) == 1
    for person in PEOPLE:
        tuvi.wait_log(f"to=<{person}>, relay=")
    tuvi.wait_log(": removed")
    assert tuvi.log().count("status=sent") == len(PEOPLE)


def test_each_part_has_its_own_results(relay):
    tuvi, sink = relay("RCPTMAX=1")
    sink.answer_rcpt = lambda recipient: "550 5.1.1 no" if recipient == PEOPLE[1] else "250 2.1.5 Ok"
    bring(tuvi, PEOPLE[:3])
    tuvi.wait_log(": removed")
    log = tuvi.wait_log(f"to=<{PEOPLE[2]}>")
    for person, status in zip(PEOPLE, ("sent", "bounced", "sent")):
        line = next(line for line in log.splitlines() if f"to=<{person}>" in line)
        assert f"status={status}" in line


def test_a_session_ends_after_as_many_messages_as_the_server_takes(relay):
    tuvi, sink = relay("MAILMAX=2", "initial_destination_concurrency = 1\nsmtp_destination_concurrency_limit = 1")
    bring(tuvi, PEOPLE[:1], count=5)
    messages = sink.wait(5)
    per_connection = {}
    for message in messages:
        per_connection[message.peer] = per_connection.get(message.peer, 0) + 1
    assert max(per_connection.values()) <= 2
    assert "status=deferred" not in tuvi.log()


def test_parts_of_one_message_go_on_over_another_connection(relay):
    tuvi, sink = relay("RCPTMAX=1 MAILMAX=2")
    bring(tuvi, PEOPLE)
    messages = sink.wait(5)
    assert [message.recipients for message in messages] == [[person] for person in PEOPLE]
    assert connections(sink) == 3
    tuvi.wait_log(": removed")
    assert tuvi.log().count("status=sent") == len(PEOPLE)


def test_domains_can_be_limited(relay):
    tuvi, sink = relay("RCPTDOMAINMAX=1")
    bring(tuvi, ["a@one.test", "b@one.test", "c@two.test"])
    assert [message.recipients for message in sink.wait(2)] == [["a@one.test", "b@one.test"], ["c@two.test"]]
