"""Addresses and headers in UTF-8 (RFC 6531, 6532, 6533): taken, kept, handed on to who offers SMTPUTF8, and returned
where nobody does. A real Postfix shows what it makes of the same."""
import email
import email.message
import email.policy
import re
import smtplib
import subprocess

import pytest

from dns import Dns
from harness import STRANGER, TUVI, Client, Sink, wait_for
from hop import QUICK, always, hop, tuvi  # noqa: F401 (two are fixtures)
from postfix import postfixes  # noqa: F401 (a fixture)
from test_mailbox import VIRTUAL, base, files  # noqa: F401 (a fixture)

SENDER = "ada@local.test"   # local.test's mail goes to the sink, all other mail to the hop
PLAIN = "Subject: plain\r\n\r\nThe text.\r\n"
UTF8_HEADER = "Subject: J\u00f5geva\r\n\r\nThe text.\r\n"
BOB = "j\u00f5geva@b\u00fccher.example"
OFFERS = "250-hop.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8"


def send(port, recipients, mail="SMTPUTF8", sender=SENDER, message=PLAIN):
    client = Client(port)
    client.ehlo()
    lines = [f"MAIL FROM:<{sender}> {mail}".rstrip()] + [f"RCPT TO:<{one}>" for one in recipients]
    for line in lines:
        code, said = client.command(line)
        assert code == 250, (line, said)
    assert client.command("DATA")[0] == 354
    client.send(message + ".\r\n")
    code, said = client.reply()
    assert code == 250, said
    client.quit()
    return said[0].split()[-1]


def commands(hop, verb):
    return [text.encode("latin-1").decode() for stage, text, _ in hop.seen if stage == verb]


def test_utf8_goes_to_a_server_that_offers_it(tuvi, hop):
    hop.answers = always("EHLO", OFFERS)
    tuvi.start()
    queue_id = send(tuvi.p25, [BOB], sender="\u00e4d\u00e4@local.test", message=UTF8_HEADER)
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert commands(hop, "MAIL") == ["MAIL FROM:<\u00e4d\u00e4@local.test> SMTPUTF8"]
    assert commands(hop, "RCPT") == [f"RCPT TO:<{BOB}>"]
    data = hop.messages[0].data.decode()
    assert re.search(rf"\tby mx\.local\.test \(Tuvi\) with UTF8SMTP id {queue_id}\r\n\tfor <{BOB}>; ", data), data
    assert data.endswith(UTF8_HEADER)
    assert f"to=<{BOB}>" in log and "from=<\u00e4d\u00e4@local.test>" in log


NEEDS = {
    "recipient": ([BOB], SENDER, PLAIN),
    "domain": (["bob@b\u00fccher.example"], SENDER, PLAIN),
    "header": (["bob@far.test"], SENDER, UTF8_HEADER),
}


@pytest.mark.parametrize("case", NEEDS)
def test_what_needs_utf8_comes_back_from_a_server_without_it(tuvi, sink, hop, case):
    recipients, sender, message = NEEDS[case]
    tuvi.start()
    queue_id = send(tuvi.p25, recipients, sender=sender, message=message)
    log = tuvi.wait_log(f"{queue_id}: removed")
    assert re.search(rf"{queue_id}: to=<{recipients[0]}>, .*, dsn=5\.6\.7, status=bounced \(SMTPUTF8 is required, but "
                     r"was not offered by host 127\.0\.0\.1\[127\.0\.0\.1\]\)", log), log
    assert hop.count("MAIL") == 0
    (report,) = sink.wait(1)
    text = report.data.decode()
    assert "Content-Type: message/global-delivery-status" in text and "Content-Type: message/global\r\n" in text
    kind = "rfc822" if recipients[0].isascii() else "utf-8"
    assert f"Final-Recipient: {kind}; {recipients[0]}\r\nOriginal-Recipient: {kind};{recipients[0]}\r\n" in text
    assert "Status: 5.6.7\r\n" in text


def test_a_report_goes_to_a_sender_in_utf8(tuvi, sink, hop):
    sink.keywords = ("8BITMIME", "SMTPUTF8")
    tuvi.start()
    asked = []
    sink.answer_mail = lambda text: asked.append(text) or "250 2.1.0 Ok"
    send(tuvi.p25, ["bob@far.test", BOB], sender="\u00e4d\u00e4@local.test")
    (report,) = sink.wait(1)
    assert asked == ["MAIL FROM:<> BODY=8BITMIME SMTPUTF8"]
    assert report.recipients == ["\u00e4d\u00e4@local.test".encode().decode("latin-1")]
    mail = email.message_from_bytes(report.data, policy=email.policy.default)
    assert mail["To"] == "\u00e4d\u00e4@local.test"
    text = report.data.decode()
    assert "X-Postfix-Sender: utf-8; \u00e4d\u00e4@local.test\r\n" in text


def test_utf8_that_is_declared_and_not_used_goes_everywhere(tuvi, hop):
    tuvi.start()
    queue_id = send(tuvi.p25, ["bob@far.test"])
    tuvi.wait_log(f"{queue_id}: removed")
    assert commands(hop, "MAIL")[0].startswith(f"MAIL FROM:<{SENDER}> SIZE=")
    assert "SMTPUTF8" not in commands(hop, "MAIL")[0] and len(hop.messages) == 1


def test_the_need_for_utf8_survives_a_kill(tuvi, sink, hop):
    hop.answers = lambda stage, text: OFFERS if stage == "EHLO" else "450 4.2.1 later" if stage == "RCPT" else None
    tuvi.start()
    queue_id = send(tuvi.p25, ["bob@far.test"], message=UTF8_HEADER)
    tuvi.wait_log("status=deferred")
    tuvi.kill()
    hop.answers = lambda stage, text: None
    tuvi.start()
    assert "dsn=5.6.7" in tuvi.wait_log(f"{queue_id}: removed")


def test_utf8_can_be_switched_off(tuvi, sink, hop):
    tuvi.configure(sink.port, more=f"smtputf8_enable = no\nrelayhost = [127.0.0.1]:{hop.port}\n")
    tuvi.start()
    client = Client(tuvi.p25)
    assert "SMTPUTF8" not in client.ehlo()
    assert client.command("MAIL FROM:<a@x.test> SMTPUTF8") == (555, ["555 5.5.4 Unsupported option: SMTPUTF8"])
    assert client.command(f"MAIL FROM:<{BOB}>")[0] == 501


def test_a_domain_in_either_form_is_ours_and_has_its_mailboxes(tuvi, sink, base):  # noqa: F811
    owner = base.stat()
    more = VIRTUAL.format(base=base, uid=owner.st_uid, gid=owner.st_gid)
    more = more.replace("{alice@local.test = local.test/alice/}", "{alice@b\u00fccher.test = alice/} "
                        "{bob@xn--bcher-kva.test = bob/}")
    tuvi.configure(sink.port, more=more + "virtual_mailbox_domains = b\u00fccher.test\n")
    tuvi.start()
    for recipient, box in (("alice@xn--bcher-kva.test", "alice"), ("alice@b\u00fccher.test", "alice"),
                           ("bob@B\u00dcCHER.test", "bob")):
        before = len(files(base / box))
        queue_id = send(tuvi.p25, [recipient])
        tuvi.wait_log(f"{queue_id}: removed")
        assert len(files(base / box)) == before + 1, tuvi.log()
    client = Client(tuvi.p25, STRANGER)
    client.ehlo()
    client.command("MAIL FROM:<a@far.test> SMTPUTF8")
    assert client.command("RCPT TO:<nobody@b\u00fccher.test>")[0] == 550
    assert client.command("RCPT TO:<nobody@\u00fcber.test>")[0] == 554


def test_the_dns_is_asked_for_the_other_form(tuvi, sink):
    dns = Dns({"xn--bcher-kva.example": "@ MX 10 mail\nmail A 127.0.0.1\n"}).start()
    tuvi.configure(sink.port, more=QUICK + f"tuvi_dns_servers = 127.0.0.1@{dns.port}\nrelayhost =\n")
    tuvi.start()
    send(tuvi.p25, [BOB])
    wait_for(lambda: "connect to mail.xn--bcher-kva.example[127.0.0.1]:25:" in tuvi.log(), 20, "a connection there")
    dns.close()


def test_the_queue_is_shown_in_utf8(tuvi, hop):
    hop.answers = lambda stage, text: OFFERS if stage == "EHLO" else "450 4.2.1 later" if stage == "RCPT" else None
    tuvi.start()
    send(tuvi.p25, [BOB])
    tuvi.wait_log("status=deferred")
    for options in ((), ("-j",)):
        shown = subprocess.run([TUVI, "queue", "list", *options, tuvi.root], capture_output=True, check=True).stdout
        assert BOB in shown.decode()


# ---- real peers ----

def test_python_sends_utf8_through_us_to_a_postfix(tuvi, sink, postfixes):  # noqa: F811
    far = Sink(keywords=("8BITMIME", "SMTPUTF8"))
    b = postfixes("b", far.port, "smtputf8_enable = yes\n")
    tuvi.configure(sink.port, more=QUICK + f"relayhost = [127.0.0.1]:{b.port}\n")
    tuvi.start()
    message = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    message["From"], message["To"], message["Subject"] = "ada@far.test", BOB, "J\u00f5geva"
    message.set_content("The text.\n")
    client = smtplib.SMTP("127.0.0.1", tuvi.p25, "client.test", source_address=("127.0.0.2", 0))
    client.send_message(message)
    client.quit()
    far.wait(1)
    assert far.messages[0].recipients == [BOB.encode().decode("latin-1")]
    assert f"To: {BOB}" in far.messages[0].data.decode()
    assert "with UTF8SMTP id" in far.messages[0].data.decode()
    far.close()


def answers(port, lines):
    client = Client(port)
    client.ehlo()
    replies = []
    for line in lines:
        client.send(line + b"\r\n" if isinstance(line, bytes) else line.encode() + b"\r\n")
        replies.append((line, client.reply()))
    client.quit()
    return replies


LINES = [
    "MAIL FROM:<j\u00f5@far.test>", "RCPT TO:<j\u00f5@far.test>", "RSET",
    "MAIL FROM:<a@far.test> SMTPUTF8", "RCPT TO:<j\u00f5@\u00fc.test>", "RCPT TO:<a@far.test> SMTPUTF8", "RSET",
    "MAIL FROM:<a@far.test> SMTPUTF8=yes", "MAIL FROM:<a@far.test> smtputf8", "RSET",
    b"MAIL FROM:<j\xf5@far.test>", b"NOOP \xff", b"\xc3(",
    "MAIL FROM:<a@far.test>", "RCPT TO:<j\u00f5@far.test>",
]


@pytest.mark.parametrize("strict", ["no", "yes"])
def test_a_postfix_says_the_same(tuvi, sink, postfixes, strict):  # noqa: F811
    more = f"strict_smtputf8 = {strict}\nsmtpd_error_sleep_time = 0\n"
    b = postfixes("b", sink.port, more)
    tuvi.configure(sink.port, more=more)
    tuvi.start()
    assert answers(tuvi.p25, LINES) == answers(b.port, LINES)


def report_of(data):
    """What can be compared of a report in UTF-8."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    types = [part.get_content_type() for part in mail.iter_parts()]
    lines = re.findall(r"^((?:Final-Recipient|Original-Recipient|Action|Status|X-Postfix-Sender): [^\r]*)", data.decode(),
                       re.M)
    return types, lines


@pytest.mark.parametrize("case", NEEDS)
def test_a_postfix_returns_it_in_the_same_fields(tuvi, sink, hop, postfixes, case):  # noqa: F811
    recipients, sender, message = NEEDS[case]
    far = Sink()
    tuvi.start()
    b = postfixes("b", far.port)
    send(tuvi.p25, recipients, sender=sender, message=message)
    (ours,) = sink.wait(1)
    send(b.port, recipients, sender="ada@far.test", message=message)
    (theirs,) = far.wait(1)
    types, lines = report_of(theirs.data.replace(b"ada@far.test", SENDER.encode()))
    # Postfix 3.7 gives the address that is not ASCII a type for ASCII there; RFC 6533 does not.
    lines = [line if line.isascii() else line.replace("Original-Recipient: rfc822;", "Original-Recipient: utf-8;")
             for line in lines]
    assert report_of(ours.data) == (types, lines)
    far.close()
