"""Mail that is late: its sender is told so, once, whatever happens."""
import email.utils
import re
import time

import pytest

from harness import wait_for
from hop import Hop, always
from postfix import postfixes  # noqa: F401 (a fixture)
from test_bounce import Notice
from test_dsn import fields, send

SENDER = "ada@local.test"   # local.test's mail goes to the sink, all other mail to the hop
QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\ndelay_warning_time = 1s\nmaximal_queue_lifetime = 1h\n"


@pytest.fixture
def hop():
    one = Hop()
    one.answers = always("RCPT", "450 4.2.1 later")
    yield one
    one.close()


@pytest.fixture
def tuvi(tuvi, sink, hop):
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\n")
    return tuvi


def tries(hop, count):
    """Waits for so many more."""
    before = hop.count("RCPT")
    wait_for(lambda: hop.count("RCPT") >= before + count, 20, f"{count} tries")


def test_the_sender_is_told_of_a_delay_once(tuvi, sink, hop):
    tuvi.start()
    started = time.time()
    queue_id = send(tuvi.p25, [("bob@far.test", "")], "ENVID=QQ")
    notice = Notice(sink.wait(1)[0])
    assert time.time() - started >= 1
    assert (notice.sender, notice.recipients) == ("", [SENDER])
    assert notice.mail["Subject"] == "Delayed Mail (still being retried)"
    assert notice.message_fields["Original-Envelope-Id"] == "QQ"
    assert notice.message_fields["X-Postfix-Queue-ID"] == queue_id
    one = notice.fields_of("bob@far.test")
    assert (one["Action"], one["Status"], one["Remote-MTA"]) == ("delayed", "4.2.1", "dns; 127.0.0.1")
    assert one["Diagnostic-Code"] == "smtp; 450 4.2.1 later"
    until = email.utils.parsedate_to_datetime(one["Will-Retry-Until"]).timestamp()
    assert abs(until - started - 3600) < 10
    assert notice.original.get_content_type() == "text/rfc822-headers"
    assert b"The text" not in notice.raw
    tries(hop, 3)
    assert len(sink.messages) == 1
    assert re.search(rf"{queue_id}: sender delay notification: \w+", tuvi.log())
    hop.answers = lambda stage, text: None
    tuvi.wait_log(f"{queue_id}: removed")
    assert len(sink.messages) == 1


def test_nobody_is_told_by_default(tuvi, sink, hop):
    tuvi.configure(sink.port, more=QUICK.replace("delay_warning_time = 1s\n", "")
                   + f"relayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "")])
    tries(hop, 4)
    assert sink.messages == []


def test_the_unit_is_hours(tuvi, sink, hop):
    tuvi.configure(sink.port, more=QUICK + f"delay_warning_time = 1\nrelayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "")])
    tries(hop, 4)
    assert sink.messages == []


def test_who_does_not_want_to_hear_of_delays_does_not(tuvi, sink, hop):
    tuvi.start()
    send(tuvi.p25, [("failure@far.test", "NOTIFY=FAILURE"), ("never@far.test", "NOTIFY=NEVER"),
                    ("success@far.test", "NOTIFY=SUCCESS")])
    tries(hop, 12)
    assert sink.messages == []
    send(tuvi.p25, [("failure@far.test", "NOTIFY=FAILURE"), ("delay@far.test", "NOTIFY=DELAY"), ("any@far.test", "")])
    notice = Notice(sink.wait(1)[0])
    assert [one["Final-Recipient"] for one in notice.recipient_fields] == ["rfc822; delay@far.test",
                                                                           "rfc822; any@far.test"]


def test_the_delay_of_a_notice_is_told_to_nobody(tuvi, sink, hop):
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "")], sender="")
    tries(hop, 4)
    assert sink.messages == [] and "delay notification" not in tuvi.log()


def test_a_kill_makes_no_second_notice(tuvi, sink, hop):
    tuvi.start()
    queue_ids = [send(tuvi.p25, [(f"bob{number}@far.test", "")]) for number in range(5)]
    wait_for(lambda: "sender delay notification" in tuvi.log(), 20, "the first notice")
    tuvi.kill()     # some are told of, others not yet
    tuvi.start()
    wait_for(lambda: all(f"{one}: sender delay notification" in tuvi.log() for one in queue_ids), 20, "all notices")
    for _ in range(2):
        tries(hop, 10)
        tuvi.kill()
        tuvi.start()
    tries(hop, 10)
    told = {Notice(one).recipient_fields[0]["Final-Recipient"] for one in sink.messages}
    assert told == {f"rfc822; bob{number}@far.test" for number in range(5)}
    for queue_id in queue_ids:
        notices = {Notice(one).mail["Message-ID"] for one in sink.messages
                   if Notice(one).message_fields["X-Postfix-Queue-ID"] == queue_id}
        assert len(notices) == 1, "a notice may arrive again after a kill, but no other is made"


def test_a_delay_that_was_told_may_end_in_a_failure(tuvi, sink, hop):
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "")])
    assert Notice(sink.wait(1)[0]).fields_of("bob@far.test")["Action"] == "delayed"
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    assert Notice(sink.wait(2)[1]).fields_of("bob@far.test")["Action"] == "failed"


def test_a_postfix_tells_of_a_delay_in_the_same_fields(tuvi, sink, hop, postfixes):  # noqa: F811
    hop.answers = lambda stage, text: ("450 4.2.1 later" if stage == "RCPT" and "<bob@" in text else
                                       "250-hop.test\r\n250 8BITMIME" if stage == "EHLO" else None)
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "ORCPT=rfc822;bob@old.test")], "RET=FULL")
    (ours,) = sink.wait(1)
    b = postfixes("b", hop.port, "delay_warning_time = 1s\n")
    send(b.port, [("bob@far.test", "ORCPT=rfc822;bob@old.test")], "RET=FULL", sender="ada@far.test")
    wait_for(lambda: hop.messages, 30, "Postfix's notice")
    assert fields(ours.data) == fields(hop.messages[0].data.replace(b"ada@far.test", SENDER.encode()))


# ---- when it is over ----

CLEARED = "confirm_delay_cleared = yes\n"
PEOPLE = [("default@far.test", ""), ("delay@far.test", "NOTIFY=DELAY"), ("failure@far.test", "NOTIFY=FAILURE"),
          ("success@far.test", "NOTIFY=SUCCESS,DELAY"), ("never@far.test", "NOTIFY=NEVER")]


def late_at_first(stage, text):
    return "450 4.2.1 later" if stage == "RCPT" else None


def told(notice):
    return sorted({(one["Final-Recipient"], one["Action"], one["Status"]) for one in notice.recipient_fields})


def clear(port, hop, sink):
    """The notices of the delay, and that it is over."""
    hop.answers = late_at_first
    send(port, PEOPLE)
    late = Notice(sink.wait(1)[0])
    hop.answers = lambda stage, text: None
    over = Notice(sink.wait(2)[1])
    return late, over


def test_the_sender_is_told_that_a_delay_is_over_as_by_postfix(tuvi, sink, hop, postfixes):  # noqa: F811
    tuvi.configure(sink.port, more=QUICK + CLEARED + f"relayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    late, over = clear(tuvi.p25, hop, sink)
    assert over.mail["Subject"] == "Successful Mail Delivery Report" and "late" in over.text.get_content()
    assert len(told(late)) == len(told(over)) == 3
    tuvi.wait_log(": removed")
    assert len(sink.messages) == 2
    tuvi.stop()
    sink.messages.clear()
    b = postfixes("b", hop.port, "delay_warning_time = 1s\n" + CLEARED +
                  f"relay_domains = local.test\nrelay_transport = smtp:[127.0.0.1]:{sink.port}\n")
    theirs = clear(b.port, hop, sink)
    assert [told(one) for one in theirs] == [told(late), told(over)]
    assert theirs[1].mail["Subject"] == over.mail["Subject"]


def test_that_mail_was_in_time_is_not_told(tuvi, sink, hop):
    tuvi.configure(sink.port, more=QUICK + CLEARED + f"relayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    hop.answers = lambda stage, text: "450 4.2.1 later" if stage == "RCPT" and "slow" in text else None
    queue_id = send(tuvi.p25, [("quick@far.test", ""), ("slow@far.test", "")])
    late = Notice(sink.wait(1)[0])
    assert told(late) == [("rfc822; slow@far.test", "delayed", "4.2.1")]
    tries(hop, 2)
    assert len(sink.messages) == 1
    hop.answers = lambda stage, text: None
    assert told(Notice(sink.wait(2)[1])) == [("rfc822; slow@far.test", "relayed", "2.0.0")]
    tuvi.wait_log(f"{queue_id}: removed")


def test_a_delay_that_is_told_with_what_arrived_is_not_over(tuvi, sink, hop):
    """One recipient arrives in the very attempt after which the sender hears of the other's delay."""
    tuvi.configure(sink.port, more=QUICK + CLEARED + f"relayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    hop.answers = late_at_first
    send(tuvi.p25, [("bob@far.test", ""), ("slow@far.test", "")])
    wait_for(lambda: hop.count("RCPT") >= 2, 20, "an attempt")
    hop.answers = lambda stage, text: "450 4.2.1 later" if stage == "RCPT" and "slow" in text else None
    assert told(Notice(sink.wait(1)[0])) == [("rfc822; slow@far.test", "delayed", "4.2.1")]
    tries(hop, 2)
    assert len(sink.messages) == 1
