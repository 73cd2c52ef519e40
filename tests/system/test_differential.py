"""Tuvi and a Postfix with the same configuration say the same to the same client. "make differential" plays more."""
import time

import pytest

import differential
from smtp_grammar import make_sequence

SEQUENCES = 1000


@pytest.fixture(scope="module")
def pair():
    one = differential.Pair()
    try:
        yield one.start()
    finally:
        one.close()


def test_a_thousand_sequences_get_the_replies_that_postfix_gives(pair):
    began = time.monotonic()
    tally, differences = differential.run(pair, range(1, SEQUENCES + 1))
    print(differential.report(tally, differences, time.monotonic() - began))
    assert tally.divergences == [], "\n\n".join(tally.divergences[:3])
    assert tally.sequences == SEQUENCES
    assert tally.queued >= differential.QUEUED_MIN * SEQUENCES
    for verb in differential.COMMANDS:
        assert verb in differential.NEVER_ACCEPTED or tally.verbs[verb, "accepted"] > 0, verb
        assert tally.verbs[verb, "refused"] > 0, verb


def talk_of(*replies):
    return [("NOOP", b"NOOP\r\n", reply) for reply in replies]


def test_another_code_enhanced_code_or_end_is_a_divergence():
    good = talk_of("220 hello", "250 2.0.0 Ok")
    for other in (("220 hello", "450 2.0.0 Ok"), ("220 hello", "250 2.1.0 Ok"), ("220 hello",),
                  ("220 hello", "250 2.0.0 Ok", "closed")):
        place, met = differential.compare(good, talk_of(*other), [])
        assert place is not None and met == [], other
    assert differential.compare(good, talk_of("220 hello", "250 Ok"), []) == (None, [])


def test_a_known_difference_is_counted_and_one_that_is_never_met_reported():
    known = differential.Difference("noop | 250 | 500 | same | because")
    stale = differential.Difference("rset | 250 | 500 | same | no reason")
    one, other = talk_of("250 2.0.0 Ok", "250 2.0.0 Ok"), talk_of("500 5.5.2 no", "250 2.1.0 Ok")
    assert differential.compare(one, other, [stale, known]) == (1, [known])
    known.then = "stop"
    assert differential.compare(one, other, [stale, known]) == (None, [known])
    known.count = 1
    tally = differential.Tally()
    assert [sentence for sentence in differential.shortcomings(tally, [known, stale]) if "never met" in sentence] == \
        ["never met, take it out of differences.txt: rset | no reason"]
    assert "QUIT was refused 0 times only" in differential.shortcomings(tally, [])


def test_a_stream_is_read_as_a_server_reads_it():
    reading = differential.Reading(b"data\r\n.x\r\n.\r\nBDAT 3 LAST\r\na\nbfoo\r\nAUTH PLAIN\r\nxyz\r\n")
    seen = [reading.next(last) for last in ("220 hello", "354 go", "250 Ok", "250 Ok", "500 no", "334 ")]
    assert [verb for verb, _ in seen] == ["DATA", "END", "BDAT", "JUNK", "AUTH", "AUTH"]
    assert [said for _, said in seen][1:4] == [b".x\r\n.\r\n", b"BDAT 3 LAST\r\na\nb", b"foo\r\n"]


def test_a_seed_is_always_the_same_sequence():
    for seed in range(200):
        assert make_sequence(seed) == make_sequence(seed)
        assert b"".join(step.wire for group in make_sequence(seed).groups() for step in group) == \
            b"".join(step.wire for step in make_sequence(seed).steps)
