"""Mail that cannot be delivered at all comes back to its sender, once, with the reason."""
import email
import email.policy
import email.utils
import re
import time

import pytest

from harness import Client, Sink, free_ports, wait_for
from hop import QUICK, always, hop, tuvi  # noqa: F401 (two are fixtures)

SENDER = "ada@local.test"   # local.test's mail goes to the sink, all other mail to the hop
MESSAGE = "Message-ID: <1@local.test>\r\nSubject: no use\r\n\r\nThe text,\r\n.with a dot.\r\n"


def send(tuvi, *recipients, sender=SENDER, message=MESSAGE):
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients or ["bob@far.test"], message)
    assert code == 250, lines
    client.quit()
    return lines[0].split()[-1]


class Notice:
    """A notice taken apart. Every header field and part must be one that Python's email understands."""

    def __init__(self, received):
        self.sender, self.recipients = received.sender, received.recipients
        self.raw = received.data
        self.mail = email.message_from_bytes(received.data, policy=email.policy.default)
        for part in self.mail.walk():
            assert part.defects == [], part.defects
        assert self.mail.get_content_type() == "multipart/report"
        assert self.mail.get_param("report-type") == "delivery-status"
        self.text, status, self.original = self.mail.iter_parts()
        assert self.text.get_content_type() == "text/plain"
        assert status.get_content_type() == "message/delivery-status"
        self.message_fields, *self.recipient_fields = status.get_payload()

    def fields_of(self, recipient):
        (found,) = [one for one in self.recipient_fields if one["Final-Recipient"] == f"rfc822; {recipient}"]
        return found


def wait_notice(sink):
    (received,) = sink.wait(1)
    return Notice(received)


STAGES = {
    "MAIL": ("550 5.7.1 not from you", "MAIL FROM command"),
    "RCPT": ("550 5.1.1 no such user", "RCPT TO command"),
    "DATA": ("554 5.7.1 no data today", "DATA command"),
    "end": ("552 5.3.4 too large", "end of DATA command"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_refusal_for_good_comes_back_as_a_report(tuvi, sink, hop, stage):
    reply, command = STAGES[stage]
    hop.answers = always(stage, reply)
    tuvi.start()
    queue_id = send(tuvi)
    notice = wait_notice(sink)
    dsn = reply.split()[1]
    assert (notice.sender, notice.recipients) == ("", [SENDER])
    assert notice.mail["From"] == "Mail Delivery System <MAILER-DAEMON@local.test>"
    assert notice.mail["To"] == SENDER
    assert notice.mail["Subject"] == "Undelivered Mail Returned to Sender"
    assert notice.mail["Auto-Submitted"] == "auto-replied"
    assert re.fullmatch(r"<\S+@mx\.local\.test>", notice.mail["Message-ID"])
    assert abs(email.utils.parsedate_to_datetime(notice.mail["Date"]).timestamp() - time.time()) < 60
    assert notice.raw.startswith(b"Received: by mx.local.test (Tuvi)\r\n\tid ")

    assert notice.message_fields["Reporting-MTA"] == "dns; mx.local.test"
    assert notice.message_fields["X-Postfix-Queue-ID"] == queue_id
    assert notice.message_fields["X-Postfix-Sender"] == f"rfc822; {SENDER}"
    assert abs(email.utils.parsedate_to_datetime(notice.message_fields["Arrival-Date"]).timestamp()
               - time.time()) < 60
    fields = notice.fields_of("bob@far.test")
    assert fields["Action"] == "failed"
    assert fields["Status"] == dsn
    assert fields["Remote-MTA"] == "dns; 127.0.0.1"
    assert fields["Diagnostic-Code"] == f"smtp; {reply}"

    text = " ".join(notice.text.get_content().split())
    assert f"<bob@far.test>: host 127.0.0.1[127.0.0.1] said: {reply} (in reply to {command})" in text
    assert notice.original.get_content_type() == "message/rfc822"
    original = notice.raw[notice.raw.rindex(b"Received: from client.test"):]
    assert original.partition(b"\r\nMessage-ID: ")[2].startswith(MESSAGE[len("Message-ID: "):].encode())

    log = tuvi.wait_log(f"{queue_id}: removed")
    relay = re.escape(f"127.0.0.1[127.0.0.1]:{hop.port}")
    assert re.search(rf"{queue_id}: to=<bob@far\.test>, relay={relay}, delay=[\d.]+, delays=[\d./]+, dsn={dsn}, "
                     rf"status=bounced \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: {reply} \(in reply to {command}\)\)",
                     log)
    notice_id = re.search(rf"{queue_id}: sender non-delivery notification: (\w+)", log).group(1)
    log = tuvi.wait_log(f"{notice_id}: removed")
    assert f"{notice_id}: from=<>, size={len(notice.raw)}, nrcpt=1 (queue active)" in log
    assert f"{notice_id}: message-id={notice.mail['Message-ID']}" in log
    assert hop.messages == [] and len(sink.messages) == 1


def test_of_a_message_beyond_bounce_size_limit_only_the_header_comes_back(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    send(tuvi, message=MESSAGE + "x" * 50 + "\r\n" + "y" * 900 + "\r\n" * 60)
    assert wait_notice(sink).original.get_content_type() == "message/rfc822"
    sink.messages.clear()
    send(tuvi, message=MESSAGE + ("z" * 900 + "\r\n") * 60)
    notice = wait_notice(sink)
    assert notice.original.get_content_type() == "text/rfc822-headers"
    header = notice.original.get_payload()
    assert "Received: from client.test" in header and "Subject: no use" in header
    assert "The text" not in header and b"zzz" not in notice.raw


def test_bounce_size_limit_can_be_set(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.configure(sink.port, more=f"relayhost = [127.0.0.1]:{hop.port}\nbounce_size_limit = 100\n")
    tuvi.start()
    send(tuvi)
    assert wait_notice(sink).original.get_content_type() == "text/rfc822-headers"


def test_a_message_without_a_sender_that_cannot_be_delivered_comes_back_to_nobody(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    queue_id = send(tuvi, sender="")
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert "status=bounced" in log
    assert "notification: " not in log.replace("undeliverable notification discarded", "")
    assert log.count("(queue active)") == 1
    assert sink.messages == [] and hop.messages == []


def test_a_notice_that_is_refused_makes_no_other(tuvi, sink, hop):
    hop.answers = lambda stage, text: ("550 5.1.1 no such user" if "<bob@" in text else
                                       "550 5.1.1 no notices here") if stage == "RCPT" else None
    tuvi.start()
    queue_id = send(tuvi, sender="eve@far.test")
    log = tuvi.wait_log("sender non-delivery notification: ")
    notice_id = re.search(rf"{queue_id}: sender non-delivery notification: (\w+)", log).group(1)
    log = tuvi.wait_log(f"{notice_id}: removed")
    assert log.count("status=bounced") == 2 and log.count("(queue active)") == 2
    assert log.count("sender non-delivery notification") == 1
    assert [text for stage, text, _ in hop.seen if stage == "MAIL"][1].startswith("MAIL FROM:<>")


def test_of_mixed_recipients_each_gets_what_is_his(tuvi, sink, hop):
    """One is accepted, two are refused, one comes through at the second try."""
    slow = ["450 4.2.1 later"]

    def answers(stage, text):
        if stage != "RCPT":
            return None
        if "<refused" in text:
            return "550 5.1.1 no such user"
        return slow.pop() if "<slow" in text and slow else None

    hop.answers = answers
    tuvi.start()
    queue_id = send(tuvi, "good@far.test", "refused1@far.test", "slow@far.test", "refused2@far.test")
    notice = wait_notice(sink)
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert [one.recipients for one in hop.messages] == [["good@far.test"], ["slow@far.test"]]
    assert [one["Final-Recipient"] for one in notice.recipient_fields] == ["rfc822; refused1@far.test",
                                                                           "rfc822; refused2@far.test"]
    assert "slow@" not in notice.text.get_content() and "good@" not in notice.text.get_content()
    assert len(sink.messages) == 1
    for recipient, status, dsn in (("good", "sent", "2.0.0"), ("refused1", "bounced", "5.1.1"),
                                   ("slow", "deferred", "4.2.1"), ("slow", "sent", "2.0.0")):
        assert re.search(rf"{queue_id}: to=<{recipient}@far\.test>, .*, dsn={dsn}, status={status} ", log)


def test_recipients_who_are_refused_at_different_tries_come_back_in_a_notice_each(tuvi, sink, hop):
    later = ["450 4.2.1 later"]
    hop.answers = lambda stage, text: (later.pop() if "<second" in text and later else "550 5.1.1 no such user"
                                       ) if stage == "RCPT" else None
    tuvi.start()
    queue_id = send(tuvi, "first@far.test", "second@far.test")
    notices = [Notice(one) for one in sink.wait(2)]
    tuvi.wait_log(f"{queue_id}: removed")
    assert [[one["Final-Recipient"] for one in notice.recipient_fields] for notice in notices] == [
        ["rfc822; first@far.test"], ["rfc822; second@far.test"]]


def test_mail_that_is_too_old_comes_back_with_the_reason_of_its_last_try(tuvi, sink):
    (port,) = free_ports(1)
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{port}\nmaximal_queue_lifetime = 2s\n")
    tuvi.start()
    started = time.monotonic()
    queue_id = send(tuvi, "one@far.test", "two@far.test")
    notice = wait_notice(sink)
    assert time.monotonic() - started >= 2
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert f"{queue_id}: from=<{SENDER}>, status=expired, returned to sender" in log
    assert log.count("status=deferred (connect to") + log.count("status=deferred (delivery temp") >= 4
    reason = f"connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused"
    for recipient in ("one@far.test", "two@far.test"):
        fields = notice.fields_of(recipient)
        assert (fields["Action"], fields["Status"]) == ("failed", "4.4.1")
        assert "".join(fields["Diagnostic-Code"].split()).endswith("".join(reason.split()))
        assert fields["Diagnostic-Code"].startswith("X-Postfix; ") and "Remote-MTA" not in fields
    assert len(sink.messages) == 1


def test_a_lifetime_of_nothing_means_one_try(tuvi, sink):
    (port,) = free_ports(1)
    tuvi.configure(sink.port, more=f"relayhost = [127.0.0.1]:{port}\nmaximal_queue_lifetime = 0\n")
    tuvi.start()
    queue_id = send(tuvi)
    assert wait_notice(sink).fields_of("bob@far.test")["Action"] == "failed"
    assert tuvi.wait_log(f"{queue_id}: removed").count(f"{queue_id}: to=<bob@far.test>") == 1


def test_a_notice_that_cannot_be_delivered_is_dropped_when_it_is_too_old(tuvi, sink, hop):
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\nbounce_queue_lifetime = 2s\n")
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    sink.answer_mail = lambda text: "450 4.3.2 no mail now"
    tuvi.start()
    send(tuvi)
    log = tuvi.wait_log("sender non-delivery notification: ")
    notice_id = re.search(r"sender non-delivery notification: (\w+)", log).group(1)
    log = tuvi.wait_log(f"{notice_id}: removed")
    assert log.count(f"{notice_id}: to=<{SENDER}>") >= 2
    assert log.count("sender non-delivery notification") == 1 and log.count(": removed") == 2


def test_notices_survive_a_kill_and_none_is_lost(tuvi, sink, hop):
    sink.answer_mail = lambda text: "450 4.3.2 no mail now"
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    for number in range(30):
        send(tuvi, f"r{number}@far.test")
    wait_for(lambda: tuvi.log().count("sender non-delivery notification: ") == 30)
    tuvi.kill()
    sink.answer_mail = lambda text: "250 2.1.0 Ok"
    tuvi.start()
    wait_for(lambda: returned(sink) == {f"rfc822; r{number}@far.test" for number in range(30)}, 20, "all notices")


def returned(sink):
    return {Notice(one).recipient_fields[0]["Final-Recipient"] for one in list(sink.messages)}


def test_a_thousand_refused_recipients_come_back_in_one_notice(tuvi, sink, hop):
    hop.answers = lambda stage, text: f"550 5.1.1 {text[8:]}: no such user" if stage == "RCPT" else None
    tuvi.start()
    recipients = [f"recipient{number}@far.test" for number in range(1000)]
    send(tuvi, *recipients)
    notice = wait_notice(sink)
    assert [one["Final-Recipient"] for one in notice.recipient_fields] == [f"rfc822; {one}" for one in recipients]
    text = notice.text.get_content()
    assert all(f"<{one}>: " in text for one in recipients)
    assert len(sink.messages) == 1


def test_the_reasons_of_a_thousand_recipients_leave_room_for_the_message(tuvi, sink, hop):
    words = "a reason that goes on and on, " * 33
    hop.answers = lambda stage, text: f"550 5.1.1 {text[8:]}: {words}" if stage == "RCPT" else None
    tuvi.start()
    send(tuvi, *[f"{'r' * 150}{number}@far.test" for number in range(1000)], message=MESSAGE + "x" * 45000 + "\r\n")
    notice = wait_notice(sink)
    assert notice.original.get_content_type() == "message/rfc822"
    assert b"x" * 45000 in notice.raw
    text = notice.text.get_content()
    named = len(re.findall(r"^<rrr", text, re.M))
    assert named + int(re.search(r"and to (\d+) more recipients", text).group(1)) == 1000
    print(f"{named} recipients named, {len(notice.recipient_fields)} reported")
    assert len(notice.recipient_fields) > 500


ODD = {
    "eight bit": "Subject: \u00f5\u00e4\r\n\r\n\u00f6\u00fc \u20ac\r\n",
    "no header": "\r\nno header at all\r\n",
    "nothing": "",
    "long lines": "Subject: long\r\n\r\n" + "x" * 20000 + "\r\n.\r\n",
    "looks like a part": "Subject: part\r\n\r\n--boundary\r\nContent-Type: text/html\r\n\r\n--boundary--\r\n",
}


@pytest.mark.parametrize("case", ODD)
def test_a_strange_message_comes_back_as_it_was(tuvi, sink, hop, case):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    send(tuvi, message=ODD[case])
    notice = wait_notice(sink)
    closing = f"\r\n--{notice.mail.get_boundary()}--\r\n".encode()
    returned = notice.raw[notice.raw.rindex(b"Received: from client.test"):]
    assert returned.endswith(closing)
    trace = re.match(rb"Received: [^\r]*\r\n(\t[^\r]*\r\n)+", returned).group()
    assert returned[len(trace):-len(closing)] == ODD[case].encode()


@pytest.mark.parametrize("back", ["FULL", "HDRS"])
def test_a_report_of_eight_bits_is_encoded_for_a_server_that_does_not_take_them(tuvi, sink, hop, back):
    sink.keywords = ("PIPELINING",)
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    for line in (f"MAIL FROM:<{SENDER}> RET={back}", "RCPT TO:<bob@far.test>", "DATA"):
        client.command(line)
    client.send("Subject: x\r\nX-To: Grüße\r\n\r\nGrüße\r\n.\r\n".encode())
    assert client.reply()[0] == 250
    notice = wait_notice(sink)
    if back == "FULL":
        assert notice.original.get_content().get_payload(decode=True) == "Grüße\r\n".encode()
    else:
        assert "X-To: Grüße".encode() in notice.original.get_payload(decode=True)


def test_a_reply_of_many_strange_lines_makes_a_sound_report(tuvi, sink, hop):
    hop.answers = always("RCPT", "550-5.7.1 \xff\xfe \x01\x02 --boundary\r\n550-5.7.1 Status: 2.0.0\r\n550 5.7.1 "
                         + "longword" * 100)
    tuvi.start()
    send(tuvi)
    notice = wait_notice(sink)
    (fields,) = notice.recipient_fields
    assert fields.get_all("Status") == ["5.7.1"]
    assert fields["Diagnostic-Code"].startswith("smtp; 550-5.7.1 ")
    notice.raw.replace(b"--" + notice.mail.get_boundary().encode(), b"").decode("ascii")
    assert all(len(line) <= 998 for line in notice.raw.split(b"\r\n"))


@pytest.mark.parametrize("local", ["x" * 64, '"two words"', '"a\\"b\\\\c"', "o'neil+tag=1{2}", "x" * 240])
def test_a_strange_sender_gets_his_notice_and_strange_recipients_stand_in_it(tuvi, sink, hop, local):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    sender, recipient = f"{local}@local.test", f"{local}@far.test"
    send(tuvi, recipient, sender=sender)
    notice = wait_notice(sink)
    assert notice.recipients == [sender]
    assert notice.message_fields["X-Postfix-Sender"] == f"rfc822; {sender}"
    assert notice.fields_of(recipient)["Status"] == "5.1.1"


def test_a_message_that_is_larger_than_the_next_hop_takes_comes_back_without_being_sent(tuvi, sink, hop):
    hop.answers = always("EHLO", "250-hop.test\r\n250 SIZE 1000")
    tuvi.start()
    send(tuvi, message=MESSAGE + "x" * 900 + "\r\n" + "y" * 900 + "\r\n")
    fields = wait_notice(sink).fields_of("bob@far.test")
    assert fields["Status"] == "5.3.4"
    assert "size" in fields["Diagnostic-Code"]
    assert hop.count("MAIL") == 0
