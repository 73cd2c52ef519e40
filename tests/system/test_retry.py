"""Mail that cannot be delivered now is tried again, and again, until it is."""
import re
import threading
import time

import pytest

from harness import Client, Sink, free_ports, wait_for
from hop import CLOSE, SILENT, Hop, always, at_first

QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n"
MESSAGE = "Subject: try\r\n\r\nagain\r\n"
LARGE = ("0123456789" * 80 + "\r\n") * 12000   # more than sockets hold


@pytest.fixture
def hop():
    one = Hop()
    yield one
    one.close()


def send(tuvi, *recipients, sender="s@sender.test", message=MESSAGE):
    """Returns the queue id."""
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients or ["r@far.test"], message)
    assert code == 250, lines
    client.quit()
    return lines[0].split()[-1]


def result_line(queue_id, recipient, relay, dsn, status, reason):
    return (rf"{queue_id}: to=<{re.escape(recipient)}>, relay={re.escape(relay)}, delay=[\d.]+, "
            rf"delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, dsn={re.escape(dsn)}, status={status} \({re.escape(reason)}\)")


def wait_result(tuvi, *line):
    wait_for(lambda: re.search(result_line(*line), tuvi.log()), 20, f"the log line {result_line(*line)}")


# ---- what can be wrong, and what is said of it ----

def test_mail_waits_for_a_next_hop_that_is_down_and_is_delivered_when_it_is_there(tuvi):
    (port,) = free_ports(1)
    tuvi.configure(port, more=QUICK)
    tuvi.start()
    queue_id = send(tuvi)
    reason = f"connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused"
    wait_result(tuvi, queue_id, "r@far.test", "none", "4.4.1", "deferred", reason)
    late = Sink(port)
    message = late.wait(1)[0]
    late.close()
    assert message.data.endswith(b"\r\n" + MESSAGE.encode())
    wait_result(tuvi, queue_id, "r@far.test", f"127.0.0.1[127.0.0.1]:{port}", "2.0.0", "sent", "250 2.0.0 Ok: taken")
    tuvi.wait_log(f"{queue_id}: removed")


REFUSALS = {
    "greeting": ("421 4.3.2 not now", "4.3.2", "{} refused to talk to me: 421 4.3.2 not now"),
    "greeting for good": ("554 5.3.2 never", "4.3.2", "{} refused to talk to me: 554 5.3.2 never"),
    "EHLO": ("421 4.3.2 not now", "4.3.2", "{} refused to talk to me: 421 4.3.2 not now"),
    "MAIL": ("450 4.1.8 later", "4.1.8", "{} said: 450 4.1.8 later (in reply to MAIL FROM command)"),
    "RCPT": ("450 4.2.1 later", "4.2.1", "{} said: 450 4.2.1 later (in reply to RCPT TO command)"),
    "DATA": ("451 4.3.0 later", "4.3.0", "{} said: 451 4.3.0 later (in reply to DATA command)"),
    "end": ("452 4.3.1 full", "4.3.1", "{} said: 452 4.3.1 full (in reply to end of DATA command)"),
    "end without status": ("451 later", "4.0.0", "{} said: 451 later (in reply to end of DATA command)"),
    "end in two lines": ("450-4.7.0 one\r\n450 4.7.0 two", "4.7.0",
                         "{} said: 450-4.7.0 one 450 4.7.0 two (in reply to end of DATA command)"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_temporary_refusal_is_logged_with_its_stage_and_tried_again(tuvi, hop, case):
    reply, dsn, reason = REFUSALS[case]
    hop.answers = at_first(case.split()[0], reply)
    tuvi.configure(hop.port, more=QUICK)
    tuvi.start()
    queue_id = send(tuvi)
    wait_for(lambda: "status=deferred" in tuvi.log())
    deferred = re.search(r"relay=(\S+), .*dsn=(\S+), status=deferred \(host (.*)\)", tuvi.log())
    relay = "none" if case.startswith(("greeting", "EHLO")) else f"127.0.0.1[127.0.0.1]:{hop.port}"
    assert deferred.group(2, 3) == (dsn, reason.format("127.0.0.1[127.0.0.1]"))
    assert deferred.group(1) in (relay, f"127.0.0.1[127.0.0.1]:{hop.port}")
    wait_for(lambda: len(hop.messages) == 1, 20, "the second try")
    tuvi.wait_log(f"{queue_id}: removed")
    assert "status=bounced" not in tuvi.log()


LOSSES = {
    "greeting": "receiving the initial server greeting",
    "EHLO": "performing the EHLO handshake",
    "MAIL": "sending MAIL FROM",
    "RCPT": "sending RCPT TO",
    "DATA": "sending DATA command",
    "end": "sending end of data -- message may be sent more than once",
}


@pytest.mark.parametrize("stage", LOSSES)
def test_a_lost_connection_is_logged_with_its_stage_and_tried_again(tuvi, hop, stage):
    hop.answers = at_first(stage, CLOSE)
    tuvi.configure(hop.port, more=QUICK)
    tuvi.start()
    queue_id = send(tuvi)
    tuvi.wait_log(f"dsn=4.4.2, status=deferred (lost connection with 127.0.0.1[127.0.0.1] while {LOSSES[stage]})")
    wait_for(lambda: len(hop.messages) == 1, 20, "the second try")
    tuvi.wait_log(f"{queue_id}: removed")


def test_a_connection_that_is_lost_inside_a_message_is_logged_and_tried_again(tuvi, hop):
    hop.answers = at_first("content", CLOSE)
    tuvi.configure(hop.port, more=QUICK)
    tuvi.start()
    queue_id = send(tuvi, message=MESSAGE + LARGE)
    tuvi.wait_log("dsn=4.4.2, status=deferred (lost connection with 127.0.0.1[127.0.0.1] while sending message body)")
    wait_for(lambda: len(hop.messages) == 1, 20, "the second try")
    tuvi.wait_log(f"{queue_id}: removed")


TIMEOUTS = {
    "greeting": ("smtp_helo_timeout", "receiving the initial server greeting"),
    "EHLO": ("smtp_helo_timeout", "performing the EHLO handshake"),
    "MAIL": ("smtp_mail_timeout", "sending MAIL FROM"),
    "RCPT": ("smtp_rcpt_timeout", "sending RCPT TO"),
    "DATA": ("smtp_data_init_timeout", "sending DATA command"),
    "content": ("smtp_data_xfer_timeout", "sending message body"),
    "end": ("smtp_data_done_timeout", "sending end of data -- message may be sent more than once"),
}


@pytest.mark.parametrize("stage", TIMEOUTS)
def test_a_next_hop_that_falls_silent_is_left_after_the_time_that_its_stage_has(tuvi, hop, stage):
    parameter, doing = TIMEOUTS[stage]
    hop.answers = at_first(stage, SILENT)
    tuvi.configure(hop.port, more=QUICK + f"{parameter} = 1s\n")
    tuvi.start()
    queue_id = send(tuvi, message=MESSAGE + LARGE)
    tuvi.wait_log("dsn=4.4.2, status=deferred (conversation with 127.0.0.1[127.0.0.1] timed out "
                  f"while {doing})")
    wait_for(lambda: len(hop.messages) == 1, 20, "the second try")
    tuvi.wait_log(f"{queue_id}: removed")


# ---- when ----

def gaps(times):
    return [later - earlier for earlier, later in zip(times, times[1:])]


def test_the_wait_doubles_with_every_try_up_to_its_maximum(tuvi, hop):
    hop.answers = always("MAIL", "450 4.3.2 later")
    tuvi.configure(hop.port, more="minimal_backoff_time = 1s\nmaximal_backoff_time = 3s\n")
    tuvi.start()
    send(tuvi)
    wait_for(lambda: hop.count("MAIL") == 5, 20, "five tries")
    for gap, planned in zip(gaps(hop.times("MAIL")), (1, 2, 3, 3)):
        assert planned <= gap + 0.05 < planned + 0.9


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_queue_remembers_over_a_restart_how_often_it_has_tried_and_who_has_got_it(tuvi, hop, end):
    tries = []

    def answers(stage, text):
        if stage != "RCPT":
            return None
        if "good" in text:
            return None
        tries.append(time.monotonic())
        return "450 4.2.1 later" if len(tries) < 4 else None

    hop.answers = answers
    tuvi.configure(hop.port, more="minimal_backoff_time = 1s\nmaximal_backoff_time = 10s\n")
    tuvi.start()
    queue_id = send(tuvi, "good@far.test", "slow@far.test")
    wait_for(lambda: tuvi.log().count("status=deferred") == 3, 20, "the third try")
    if end == "kill":
        time.sleep(0.2)     # a result is durable with the next commit, which nothing outside tells about
    getattr(tuvi, end)()
    tuvi.start()
    wait_for(lambda: len(hop.messages) == 2, 20, "the delivery")
    for gap, planned in zip(gaps(tries), (1, 2, 4)):
        assert planned <= gap + 0.05 < planned + 0.9
    assert [one.recipients for one in hop.messages] == [["good@far.test"], ["slow@far.test"]]
    tuvi.wait_log(f"{queue_id}: removed")


def test_what_comes_for_a_next_hop_that_is_down_is_suspended_and_all_of_it_delivered_later(tuvi):
    (port,) = free_ports(1)
    tuvi.configure(port, more=QUICK)
    tuvi.start()
    send_many(tuvi, 200)
    tuvi.wait_log("status=deferred (delivery temporarily suspended: connect to 127.0.0.1[127.0.0.1]:"
                  f"{port}: Connection refused)")
    late = Sink(port)
    late.wait(200)
    late.close()
    assert sorted(one.recipients[0] for one in late.messages) == sorted(f"r{n}@far.test" for n in range(200))
    wait_for(lambda: tuvi.log().count(": removed") == 200, 20, "an empty queue")


# ---- how many, and where ----

ONE_BY_ONE = """\
tuvi_workers = 1
default_destination_concurrency_limit = 1
initial_destination_concurrency = 1
"""


def send_many(tuvi, count):
    client = Client(tuvi.p25)
    client.ehlo()
    for number in range(count):
        assert client.message("s@sender.test", [f"r{number}@far.test"], MESSAGE)[0] == 250
    client.quit()


def test_a_thousand_recipients_get_a_message_in_portions_and_each_gets_it_once(tuvi, hop):
    tuvi.configure(hop.port, more="default_destination_recipient_limit = 50\n")
    tuvi.start()
    recipients = [f"r{number}@far.test" for number in range(1000)]
    queue_id = send(tuvi, *recipients)
    tuvi.wait_log(f"{queue_id}: removed")
    assert [len(one.recipients) for one in hop.messages] == [50] * 20
    assert sorted(sum((one.recipients for one in hop.messages), [])) == sorted(recipients)
    assert tuvi.log().count("status=sent") == 1000


def test_of_a_thousand_recipients_those_that_were_deferred_get_it_later_and_nobody_gets_it_twice(tuvi, hop):
    first = set()

    def answers(stage, text):
        number = int(re.search(r"\d+", text).group()) if stage == "RCPT" else 0
        if number % 3 == 0 or number in first:
            return None
        first.add(number)
        return "450 4.2.1 later"

    hop.answers = answers
    tuvi.configure(hop.port, more=QUICK)
    tuvi.start()
    recipients = [f"r{number}@far.test" for number in range(1000)]
    queue_id = send(tuvi, *recipients)
    tuvi.wait_log(f"{queue_id}: removed")
    wait_for(lambda: sum(len(one.recipients) for one in hop.messages) >= 1000, 20, "the last of them")
    assert sorted(sum((one.recipients for one in hop.messages), [])) == sorted(recipients)
    assert tuvi.log().count("status=deferred") == sum(number % 3 != 0 for number in range(1000))


def test_each_next_hop_gets_its_own_recipients_and_one_that_is_down_does_not_hold_up_the_other(tuvi, sink):
    (port,) = free_ports(1)
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{port}\n")
    tuvi.start()
    for number in range(20):
        send(tuvi, f"near{number}@local.test", f"far{number}@far.test", f"two{number}@local.test")
    sink.wait(20)
    assert sorted(one.recipients for one in sink.messages) == sorted(
        [f"near{number}@local.test", f"two{number}@local.test"] for number in range(20))
    far = Sink(port)
    far.wait(20)
    far.close()
    assert sorted(one.recipients for one in far.messages) == sorted([f"far{number}@far.test"] for number in range(20))
    wait_for(lambda: tuvi.log().count(": removed") == 20, 20, "an empty queue")
    assert len(sink.messages) == 20


def test_a_slow_next_hop_does_not_hold_up_the_other(tuvi, sink, hop):
    hop.answers = always("MAIL", SILENT)
    tuvi.configure(sink.port, more=f"relayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    for number in range(30):
        send(tuvi, f"far{number}@far.test")
    wait_for(lambda: hop.count("MAIL") >= 5, 20, "as many connections as a new destination may have")
    for number in range(30):
        send(tuvi, f"near{number}@local.test")
    sink.wait(30)


def test_one_connection_carries_all_that_waits_for_it(tuvi, hop):
    queued = threading.Event()
    hop.answers = lambda stage, text: stage == "greeting" and not queued.wait(20) or None
    tuvi.configure(hop.port, more=ONE_BY_ONE)
    tuvi.start()
    send_many(tuvi, 100)
    queued.set()
    wait_for(lambda: len(hop.messages) == 100, 20, "all messages")
    assert hop.count("greeting") == 1


@pytest.mark.parametrize("reply", [CLOSE, "421 4.7.0 one message is enough"])
def test_a_next_hop_that_takes_one_message_a_session_gets_the_next_over_a_new_one_at_once(tuvi, hop, reply):
    queued = threading.Event()
    busy = set()    # sessions that have had their message; each has its own thread

    def answers(stage, text):
        if stage == "greeting":
            queued.wait(20)
            busy.discard(threading.get_ident())
        if stage == "MAIL" and threading.get_ident() in busy:
            return reply
        if stage == "MAIL":
            busy.add(threading.get_ident())
        return None

    hop.answers = answers
    tuvi.configure(hop.port, more=ONE_BY_ONE)   # minimal_backoff_time is five minutes
    tuvi.start()
    send_many(tuvi, 20)
    queued.set()
    wait_for(lambda: len(hop.messages) == 20, 10, "all messages")
    assert "status=deferred" not in tuvi.log()
