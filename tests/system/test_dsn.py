"""What a sender asks to be told with RFC 3461: reports of failure and success as it wants them, passed on to servers
that can report themselves. Real Postfixes show what they make of the same."""
import email
import email.policy
import re
import smtplib
import subprocess

import pytest

from harness import TUVI, Client, Sink, wait_for
from hop import QUICK, always, hop, tuvi  # noqa: F401 (two are fixtures)
from postfix import postfixes  # noqa: F401 (a fixture)
from test_bounce import Notice
from test_lmtp import LmtpServer, private  # noqa: F401 (a fixture)
from test_mailbox import VIRTUAL, base  # noqa: F401 (a fixture)

SENDER = "ada@local.test"   # local.test's mail goes to the sink, all other mail to the hop
MESSAGE = "Message-ID: <1@local.test>\r\nSubject: no use\r\n\r\nThe text,\r\n.with a dot.\r\n"
ENVID = "QQ+20314+2B159"
ORCPT = "rfc822;bob+2Btag@old.test"


def send(port, recipients, mail="", sender=SENDER, message=MESSAGE):
    """Recipients are pairs of an address and parameters."""
    client = Client(port)
    assert "DSN" in client.ehlo()
    assert client.command(f"MAIL FROM:<{sender}> {mail}".rstrip())[0] == 250
    for address, parameters in recipients:
        code, lines = client.command(f"RCPT TO:<{address}> {parameters}".rstrip())
        assert code == 250, lines
    assert client.command("DATA")[0] == 354
    client.send(message.replace("\r\n.", "\r\n..") + ".\r\n")
    code, lines = client.reply()
    assert code == 250, lines
    client.quit()
    return lines[0].split()[-1]


def wait_notice(sink):
    (received,) = sink.wait(1)
    return Notice(received)


def commands(hop, verb):
    return [text for stage, text, _ in hop.seen if stage == verb]


# ---- failures ----

def test_a_report_of_failure_repeats_what_the_sender_said(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", f"ORCPT={ORCPT}"), ("eve@far.test", "NOTIFY=FAILURE")], f"ENVID={ENVID}")
    notice = wait_notice(sink)
    assert notice.message_fields["Original-Envelope-Id"] == "QQ 314+159"
    assert notice.fields_of("bob@far.test")["Original-Recipient"] == "rfc822;bob+tag@old.test"
    assert notice.fields_of("eve@far.test")["Original-Recipient"] == "rfc822;eve@far.test"
    assert {one["Action"] for one in notice.recipient_fields} == {"failed"}
    assert notice.original.get_content_type() == "message/rfc822"


@pytest.mark.parametrize("wanted, kind", [("FULL", "message/rfc822"), ("HDRS", "text/rfc822-headers")])
def test_the_sender_says_how_much_of_the_message_comes_back(tuvi, sink, hop, wanted, kind):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "")], f"RET={wanted}")
    notice = wait_notice(sink)
    assert notice.original.get_content_type() == kind
    assert (b"The text" in notice.raw) == (wanted == "FULL")
    assert b"Subject: no use" in notice.raw


def test_who_wants_no_report_of_failure_gets_none(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    queue_id = send(tuvi.p25, [("never@far.test", "NOTIFY=NEVER"), ("success@far.test", "NOTIFY=SUCCESS"),
                               ("delay@far.test", "NOTIFY=DELAY")])
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert log.count("status=bounced") == 3 and "notification" not in log
    send(tuvi.p25, [("never@far.test", "NOTIFY=NEVER"), ("failure@far.test", "NOTIFY=FAILURE,DELAY"),
                    ("any@far.test", "")])
    notice = wait_notice(sink)
    assert [one["Final-Recipient"] for one in notice.recipient_fields] == ["rfc822; failure@far.test",
                                                                           "rfc822; any@far.test"]
    assert "never@" not in notice.text.get_content()


def test_what_the_sender_wants_survives_a_kill(tuvi, sink, hop):
    hop.answers = always("RCPT", "450 4.2.1 later")
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", f"ORCPT={ORCPT} NOTIFY=FAILURE"), ("eve@far.test", "NOTIFY=NEVER")],
         f"ENVID={ENVID} RET=HDRS")
    wait_for(lambda: tuvi.log().count("status=deferred") >= 2)
    tuvi.kill()
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.start()
    notice = wait_notice(sink)
    assert notice.message_fields["Original-Envelope-Id"] == "QQ 314+159"
    (fields,) = notice.recipient_fields
    assert fields["Original-Recipient"] == "rfc822;bob+tag@old.test"
    assert notice.original.get_content_type() == "text/rfc822-headers"


# ---- success ----

def test_success_is_told_to_who_asks_and_only_then(tuvi, sink, hop):
    tuvi.start()
    queue_id = send(tuvi.p25, [("bob@far.test", f"NOTIFY=SUCCESS,FAILURE ORCPT={ORCPT}"), ("eve@far.test", "")],
                    f"ENVID={ENVID} RET=FULL")
    notice = wait_notice(sink)
    assert (notice.sender, notice.recipients) == ("", [SENDER])
    assert notice.mail["Subject"] == "Successful Mail Delivery Report"
    assert notice.message_fields["Original-Envelope-Id"] == "QQ 314+159"
    (fields,) = notice.recipient_fields
    assert dict(fields.items()) == {
        "Final-Recipient": "rfc822; bob@far.test", "Original-Recipient": "rfc822;bob+tag@old.test",
        "Action": "relayed", "Status": "2.0.0", "Remote-MTA": "dns; 127.0.0.1",
        "Diagnostic-Code": "smtp; 250 2.0.0 Ok: taken"}
    assert notice.original.get_content_type() == "text/rfc822-headers"
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert re.search(rf"{queue_id}: sender delivery status notification: \w+", log)
    assert len(sink.messages) == 1


def test_a_sender_that_is_nobody_is_told_nothing(tuvi, sink, hop):
    tuvi.start()
    queue_id = send(tuvi.p25, [("bob@far.test", "NOTIFY=SUCCESS")], sender="")
    assert "notification" not in tuvi.wait_log(f"{queue_id}: removed")


@pytest.mark.parametrize("setting, action", [("", "relayed"), ("lmtp_assume_final = yes\n", "delivered")])
def test_lmtp_assume_final_says_what_lmtp_is(tuvi, hop, sink, private, setting, action):  # noqa: F811
    lmtp = LmtpServer(private / "lmtp")
    tuvi.configure(sink.port, more=QUICK + setting + "virtual_transport = lmtp:unix:private/lmtp\n")
    tuvi.start()
    send(tuvi.p25, [("alice@local.test", "NOTIFY=SUCCESS")], sender="ada@far.test")
    (fields,) = wait_notice(sink).recipient_fields
    lmtp.close()
    assert (fields["Action"], fields["Status"]) == (action, "2.1.5")


def test_what_is_in_a_mailbox_was_delivered(tuvi, sink, hop, base):  # noqa: F811
    owner = base.stat()
    tuvi.configure(sink.port, more=VIRTUAL.format(base=base, uid=owner.st_uid, gid=owner.st_gid))
    tuvi.start()
    send(tuvi.p25, [("alice@local.test", "NOTIFY=SUCCESS")], sender="ada@far.test")
    (fields,) = wait_notice(sink).recipient_fields
    assert (fields["Action"], fields["Status"]) == ("delivered", "2.0.0")
    assert fields["Diagnostic-Code"] == "X-Postfix; delivered to maildir"


# ---- aliases ----

ALIASES = ("virtual_alias_domains = alias.test\n"
           "virtual_alias_maps = inline:{ {all@alias.test=bob@far.test, eve@far.test} {one@alias.test=bob@far.test} }\n")


def test_an_alias_was_expanded_and_says_no_more_of_success(tuvi, sink, hop):
    hop.answers = always("EHLO", "250-hop.test\r\n250-PIPELINING\r\n250 DSN")
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\n" + ALIASES)
    tuvi.start()
    send(tuvi.p25, [("all@alias.test", "NOTIFY=SUCCESS,FAILURE")], f"ENVID={ENVID}")
    notice = wait_notice(sink)
    (fields,) = notice.recipient_fields
    assert dict(fields.items()) == {
        "Final-Recipient": "rfc822; all@alias.test", "Original-Recipient": "rfc822;all@alias.test",
        "Action": "expanded", "Status": "2.0.0"}
    assert b"@far.test" not in notice.raw, "whom the alias stands for is nobody's business"
    assert sorted(commands(hop, "RCPT")) == [
        "RCPT TO:<bob@far.test> NOTIFY=FAILURE ORCPT=rfc822;all@alias.test",
        "RCPT TO:<eve@far.test> NOTIFY=FAILURE ORCPT=rfc822;all@alias.test"]
    assert len(sink.messages) == 1


def test_success_alone_leaves_nothing_to_tell_behind_an_alias(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\n" + ALIASES)
    tuvi.start()
    queue_id = send(tuvi.p25, [("one@alias.test", f"NOTIFY=SUCCESS ORCPT={ORCPT}")])
    (fields,) = wait_notice(sink).recipient_fields
    assert (fields["Action"], fields["Final-Recipient"]) == ("expanded", "rfc822; one@alias.test")
    assert fields["Original-Recipient"] == "rfc822;bob+tag@old.test"
    assert "non-delivery" not in tuvi.wait_log(f"{queue_id}: removed")


def test_a_failure_behind_an_alias_names_both(tuvi, sink, hop):
    hop.answers = always("RCPT", "550 5.1.1 no such user")
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\n" + ALIASES)
    tuvi.start()
    send(tuvi.p25, [("one@alias.test", "")])
    notice = wait_notice(sink)
    assert notice.fields_of("bob@far.test")["Original-Recipient"] == "rfc822;one@alias.test"
    assert "<bob@far.test> (expanded from <one@alias.test>): host" in " ".join(notice.text.get_content().split())


def test_an_alias_is_told_of_once_though_its_message_waits(tuvi, sink, hop):
    later = ["450 4.2.1 later"] * 2
    hop.answers = lambda stage, text: later.pop() if stage == "RCPT" and later else None
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{hop.port}\n" + ALIASES)
    tuvi.start()
    queue_id = send(tuvi.p25, [("one@alias.test", "NOTIFY=SUCCESS")])
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert log.count("status=deferred") == 2
    assert log.count("sender delivery status notification") == 1


# ---- passed on ----

def test_a_server_with_dsn_is_told_what_the_sender_wants_and_reports_itself(tuvi, sink, hop):
    hop.answers = always("EHLO", "250-hop.test\r\n250-PIPELINING\r\n250 DSN")
    tuvi.start()
    queue_id = send(tuvi.p25, [("bob@far.test", f"NOTIFY=SUCCESS,DELAY ORCPT={ORCPT}"), ("eve@far.test", "")],
                    f"ENVID={ENVID} RET=HDRS")
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert commands(hop, "MAIL") == [f"MAIL FROM:<{SENDER}> RET=HDRS ENVID={ENVID}"]
    assert commands(hop, "RCPT") == [f"RCPT TO:<bob@far.test> NOTIFY=SUCCESS,DELAY ORCPT={ORCPT}",
                                     "RCPT TO:<eve@far.test> ORCPT=rfc822;eve@far.test"]
    assert "notification" not in log and sink.messages == []


def test_a_refusal_by_a_server_with_dsn_is_still_reported_here(tuvi, sink, hop):
    hop.answers = lambda stage, text: ("250-hop.test\r\n250 DSN" if stage == "EHLO" else
                                       "550 5.1.1 no such user" if stage == "RCPT" else None)
    tuvi.start()
    send(tuvi.p25, [("bob@far.test", "NOTIFY=FAILURE")], "RET=HDRS")
    assert wait_notice(sink).fields_of("bob@far.test")["Action"] == "failed"


def test_what_the_sender_wants_can_be_exported(tuvi, hop, tmp_path):
    hop.answers = always("RCPT", "450 4.2.1 later")
    tuvi.configure(hop.port, more="minimal_backoff_time = 1h\nmaximal_backoff_time = 1h\n"
                   f"relayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    queue_id = send(tuvi.p25, [("bob@far.test", f"NOTIFY=NEVER ORCPT={ORCPT}")], f"ENVID={ENVID} RET=FULL")
    tuvi.wait_log("status=deferred")
    done = subprocess.run([TUVI, "queue", "export", tuvi.root, queue_id], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{queue_id}.envelope").read_text() == (
        f"sender: <{SENDER}>\nrecipient: <bob@far.test>\n  notify: NEVER\n"
        "  original recipient: rfc822;bob+tag@old.test\nreturn: FULL\nenvelope id: QQ 314+159\n")


# ---- real peers ----

def test_a_postfix_behind_us_reports_success_in_our_place(tuvi, sink, postfixes):  # noqa: F811
    far = Sink()
    b = postfixes("b", far.port)
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{b.port}\n")
    tuvi.start()
    client = smtplib.SMTP("127.0.0.1", tuvi.p25, "client.test", source_address=("127.0.0.2", 0))
    client.ehlo()
    assert client.has_extn("dsn")
    client.sendmail("ada@far.test", ["bob@far.test"], MESSAGE, mail_options=["RET=HDRS", f"ENVID={ENVID}"],
                    rcpt_options=["NOTIFY=SUCCESS,FAILURE", f"ORCPT={ORCPT}"])
    client.quit()
    log = b.wait_log("sender delivery status notification")
    wait_for(lambda: len(far.messages) == 2, 20, "the message and Postfix's report")
    report = next(one for one in far.messages if one.sender == "")
    assert report.recipients == ["ada@far.test"]
    for text in (b"Original-Envelope-Id: QQ 314+159", b"Original-Recipient: rfc822;bob+tag@old.test",
                 b"Action: relayed", b"Final-Recipient: rfc822; bob@far.test"):
        assert text in report.data, (text, report.data)
    assert "notification" not in tuvi.log() and "status=sent" in log
    far.close()


def answers(port, lines):
    client = Client(port)
    client.ehlo()
    replies = []
    for line in lines:
        code, said = client.command(line)
        replies.append((line, code, said))
        if line.startswith("MAIL") and code == 250 and lines[lines.index(line) + 1].startswith("MAIL"):
            client.command("RSET")
    client.quit()
    return replies


MAILS = ["RET=", "RET=ALL", "RET=FULL", "RET=hdrs", "RET=FULL RET=FULL", "ENVID=", "ENVID=a", "ENVID=+2", "ENVID=+2B",
         "ENVID=+2b", "ENVID=a+0Ab", "ENVID=a ENVID=a", "NOTIFY=NEVER", "RET", "ENVID"]
RCPTS = ["NOTIFY=", "NOTIFY=ALL", "NOTIFY=NEVER", "NOTIFY=never,delay", "NOTIFY=SUCCESS,FAILURE,DELAY",
         "NOTIFY=DELAY NOTIFY=DELAY", "ORCPT=", "ORCPT=bob", "ORCPT=rfc822;", "ORCPT=;bob", "ORCPT=rfc822;bob",
         "ORCPT=rfc822;a+2Bb=c", "ORCPT=rfc822;a ORCPT=rfc822;a", "RET=FULL", "NOTIFY", "ORCPT"]


def test_a_postfix_says_the_same_to_the_parameters(tuvi, sink, postfixes):  # noqa: F811
    b = postfixes("b", sink.port, "smtpd_error_sleep_time = 0\nsmtpd_hard_error_limit = 1000\n")
    tuvi.configure(sink.port, more="smtpd_hard_error_limit = 1000\n")
    tuvi.start()
    lines = [f"MAIL FROM:<a@far.test> {one}" for one in MAILS] + ["MAIL FROM:<a@far.test>"]
    lines += [f"RCPT TO:<b@far.test> {one}" for one in RCPTS]
    assert answers(tuvi.p25, lines) == answers(b.port, lines)


def fields(data):
    """The parts of a report for programs, as lists of (name, value), without what must differ: names of hosts, queue
    ids and times."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert mail.get_content_type() == "multipart/report"
    (status,) = [part for part in mail.iter_parts() if part.get_content_type() == "message/delivery-status"]
    hidden = {"Reporting-MTA": "dns; HOST", "X-Postfix-Queue-ID": "ID", "Arrival-Date": "DATE",
              "Will-Retry-Until": "DATE"}
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    return mail["Subject"], kinds, [[(name, hidden.get(name, " ".join(str(value).split())))
                                     for name, value in block.items()] for block in status.get_payload()]


REPORTS = {
    "failure": ([("bob@far.test", "")], "", "550 5.1.1 no such user"),
    "failure with all parameters": ([("bob@far.test", f"NOTIFY=FAILURE ORCPT={ORCPT}")], f"ENVID={ENVID} RET=HDRS",
                                    "550-5.1.1 no such\r\n550 5.1.1 user"),
    "success": ([("bob@far.test", f"NOTIFY=SUCCESS ORCPT={ORCPT}")], f"ENVID={ENVID}", None),
    "success without ORCPT": ([("bob@far.test", "NOTIFY=SUCCESS")], "RET=FULL", None),
}


@pytest.mark.parametrize("case", REPORTS)
def test_a_postfix_reports_in_the_same_fields(tuvi, sink, hop, postfixes, case):  # noqa: F811
    recipients, mail, reply = REPORTS[case]
    hop.answers = lambda stage, text: (reply if stage == "RCPT" and "<bob@" in text else
                                       "250-hop.test\r\n250 8BITMIME" if stage == "EHLO" else None)
    tuvi.start()
    b = postfixes("b", hop.port)
    send(tuvi.p25, recipients, mail)
    ours = wait_notice(sink)
    send(b.port, recipients, mail, sender="ada@far.test")
    wait_for(lambda: [one for one in hop.messages if one.sender == ""], 20, "Postfix's report")
    (theirs,) = [one for one in hop.messages if one.sender == ""]
    expected = fields(theirs.data.replace(b"ada@far.test", SENDER.encode()))
    assert fields(ours.raw) == expected
