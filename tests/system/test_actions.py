"""HOLD, PREPEND, REDIRECT, BCC and FILTER in access tables: what comes of a message is the same as with a real Postfix;
and what Tuvi alone promises about them."""
import re

import pytest

from harness import Client, Sink, Tuvi, free_ports, wait_for
from postfix import Postfix
from test_orders import order
from test_queue import entries, show

BODY = "Subject: x\r\n\r\nhello\r\n"

RULES = {
    "hold": "HOLD",
    "because": "HOLD because I say so",
    "prepend": "PREPEND X-One: 1",
    "redirect": "REDIRECT eve@elsewhere.test",
    "bcc": "BCC carl@copy.test",
    "filter": "FILTER smtp:[127.0.0.1]:{filter}",
    "unsaid": "FILTER smtp:",
    "refuse": "REJECT",
    "discard": "DISCARD",
}

# Each domain of a sender or recipient is a rule; "a.test" of a client's HELO too.
SETTINGS = """\
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtpd_helo_restrictions = check_helo_access {table}
smtpd_sender_restrictions = check_sender_access {table}
smtpd_recipient_restrictions = check_recipient_access {table}
smtpd_data_restrictions = check_sender_access inline:{{ {{later.test = PREPEND X-Later: yes}} }}
virtual_alias_maps = inline:{{ {{carl@copy.test = chris@copy.test}} }}
"""


def settings(sink, filters):
    rows = ", ".join(f"{{ {name}.test = {rule.format(filter=filters)} }}" for name, rule in RULES.items())
    return SETTINGS.format(sink=sink, table=f"inline:{{ {rows} }}")


class Side:
    """A server, where it sends mail, and where it sends what is filtered."""

    def __init__(self, kind):
        self.sink, self.filter = Sink(), Sink()
        more = settings(self.sink.port, self.filter.port)
        if kind == "postfix":
            self.server = Postfix("real", self.sink.port, more)
            self.port = self.server.port
        else:
            self.server = Tuvi(self.sink.port, more)
            self.port = self.server.p25
        self.server.start()

    def send(self, sender, recipients, helo="client.test"):
        """The code of the last reply."""
        client = Client(self.port)
        assert client.command(f"EHLO {helo}")[0] == 250
        assert client.command(f"MAIL FROM:<{sender}>")[0] == 250
        codes = [client.command(f"RCPT TO:<{one}>")[0] for one in recipients]
        if 250 in codes:
            assert client.command("DATA")[0] == 354
            codes.append(client.command(BODY + ".")[0])
        client.quit()
        return codes

    def mail_of(self, sender):
        return [(where, one) for where, sink in (("sink", self.sink), ("filter", self.filter))
                for one in sink.messages if one.sender == sender]

    def outcome(self, sender, count):
        wait_for(lambda: sum(len(one.recipients) for _, one in self.mail_of(sender)) >= count, 20,
                 f"{count} copies from {sender}")
        return sorted((where, recipient, in_front(one.data)) for where, one in self.mail_of(sender)
                      for recipient in one.recipients)

    def close(self):
        for one in (self.server, self.sink, self.filter):
            one.close()


def in_front(data):
    """The header lines in front of the trace header."""
    return data.decode().split("Received:")[0]


@pytest.fixture(scope="module")
def sides():
    made = {}
    try:
        for kind in ("postfix", "tuvi"):
            made[kind] = Side(kind)
        yield made
    finally:
        for one in made.values():
            one.close()


# name, sender, recipients, HELO, how many copies arrive somewhere
CASES = [
    ("nothing", "plain.test", ["r@far.test"], "client.test", 1),
    ("a header line", "prepend.test", ["r@far.test"], "client.test", 1),
    ("a header line for each recipient", "x.test", ["a@prepend.test", "b@prepend.test"], "client.test", 2),
    ("header lines in their order", "later.test", ["a@prepend.test"], "prepend.test", 1),
    ("another recipient instead", "redirect.test", ["a@far.test", "b@far.test"], "client.test", 1),
    ("one recipient redirects all", "x.test", ["a@far.test", "b@redirect.test"], "client.test", 1),
    ("a copy", "bcc.test", ["r@far.test"], "client.test", 2),
    ("one copy, however often it is wanted", "bcc.test", ["a@bcc.test", "b@bcc.test"], "bcc.test", 3),
    ("a copy to who gets it anyway", "bcc.test", ["chris@copy.test"], "client.test", 1),
    ("a filter", "filter.test", ["a@far.test", "b@other.test"], "client.test", 2),
    ("a filter for all", "x.test", ["a@far.test", "b@filter.test"], "client.test", 2),
    ("redirected instead of filtered", "redirect.test", ["a@filter.test"], "client.test", 1),
    ("redirected, not copied", "redirect.test", ["a@bcc.test"], "client.test", 1),
    ("a copy of what is filtered is filtered", "filter.test", ["a@bcc.test"], "client.test", 2),
    ("a header line from a recipient that is refused", "x.test", ["a@far.test", "b@refuse.test"], "prepend.test", 1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_what_comes_of_a_message_is_what_comes_of_it_with_postfix(sides, case):
    _, domain, recipients, helo, count = case
    sender = f"s{CASES.index(case)}@{domain}"
    outcomes = {}
    for kind, side in sides.items():
        codes = side.send(sender, recipients, helo)
        copies = side.outcome(sender, count)
        outcomes[kind] = codes, set(copies)  # Postfix may bring the same copy twice
        assert kind == "postfix" or len(copies) == count
    assert outcomes["tuvi"] == outcomes["postfix"]


@pytest.mark.parametrize("domain", ["hold.test", "because.test"])
def test_mail_on_hold_waits_with_both(sides, domain):
    for kind, side in sides.items():
        assert side.send(f"h@{domain}", ["a@far.test", "b@filter.test"])[-1] == 250
        assert side.send(f"p@plain.{domain}x", ["a@far.test"])[-1] == 250
        side.outcome(f"p@plain.{domain}x", 1)  # what came later is there
        assert side.mail_of(f"h@{domain}") == [], kind
    held = [one for one in entries(sides["tuvi"].server) if one["sender"] == f"h@{domain}"]
    assert [one["queue_name"] for one in held] == ["hold"]
    order(sides["tuvi"].server, "release", held[0]["queue_id"])
    assert [one[:2] for one in sides["tuvi"].outcome(f"h@{domain}", 2)] == [("filter", "a@far.test"),
                                                                          ("filter", "b@filter.test")]
    texts = [re.findall(rf"NOQUEUE: hold: .* from=<h@{domain}> .*", side.server.log()) for side in sides.values()]
    assert len(texts[0]) == 1
    assert [line.split(" proto=")[0] for line in texts[0]] == [line.split(" proto=")[0] for line in texts[1]]


# ---- Tuvi alone ----

def table(*rows):
    return "inline:{ " + ", ".join("{ %s = %s }" % row for row in rows) + " }"


def send(tuvi, sender="s@sender.test", recipients=("r@far.test",), body=BODY):
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message(sender, recipients, body)
    client.quit()
    return code, lines[-1]


def configure(tuvi, sink, access, more=""):
    tuvi.configure(sink.port, more=f"smtpd_sender_restrictions = check_sender_access {access}\n" + more)
    return tuvi.start()


def test_mail_on_hold_stays_there_through_a_crash_right_after_its_acknowledgement(tuvi, sink):
    configure(tuvi, sink, table(("sender.test", "HOLD")), "tuvi_workers = 1\n")
    ids = []
    for round_ in range(3):
        code, line = send(tuvi)
        assert code == 250
        tuvi.kill()
        ids.append(line.split()[-1])
        tuvi.start()
        assert sorted(one["queue_id"] for one in entries(tuvi)) == sorted(ids), round_
    assert {one["queue_name"] for one in entries(tuvi)} == {"hold"}
    assert sink.messages == []
    for one in ids:
        order(tuvi, "release", one)
    sink.wait(3)


def test_a_filter_is_kept_with_the_message(tuvi, sink):
    (port,) = free_ports(1)
    configure(tuvi, sink, table(("sender.test", f"FILTER smtp:[127.0.0.1]:{port}")),
              "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    code, line = send(tuvi, recipients=["a@far.test", "b@local.test"])
    assert code == 250
    queue_id = line.split()[-1]
    wait_for(lambda: f"{queue_id}: to=<b@local.test>" in tuvi.log(), what="the first try")
    assert f"filter: smtp:[127.0.0.1]:{port}\n" in show(tuvi, queue_id)
    tuvi.kill()
    tuvi.configure(sink.port, more="minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")  # the table is gone
    filtering = Sink(port)
    tuvi.start()
    filtering.wait(1)
    assert sorted(filtering.messages[0].recipients) == ["a@far.test", "b@local.test"]
    assert sink.messages == []
    wait_for(lambda: entries(tuvi) == [], what="the end of the queue")
    filtering.close()


@pytest.mark.parametrize("rule,why", [
    ("FILTER nobody:[127.0.0.1]", "filter: its transport is not supported"),
    ("FILTER smtp:[127.0.0.1", "filter: its next hop is not"),
    ("FILTER smtp", "FILTER wants TRANSPORT:NEXTHOP"),
    ("REDIRECT nobody", "it wants the address that the mail goes to"),
    ("REDIRECT joe@aliases.test", "redirect: "),
    ("BCC joe@aliases.test", "bcc: "),
    ("BCC circle@local.test", "bcc: "),
    ("PREPEND no header", "PREPEND wants a header line"),
])
def test_what_cannot_be_done_to_a_message_refuses_it_for_now(tuvi, sink, rule, why):
    configure(tuvi, sink, table(("sender.test", rule)),
              "virtual_alias_domains = aliases.test\nvirtual_alias_expansion_limit = 3\n"
              "virtual_alias_maps = inline:{ { circle@local.test = a@x.test b@x.test c@x.test d@x.test } }\n")
    assert send(tuvi) == (451, "451 4.3.5 Server configuration error")
    wait_for(lambda: re.search(r"explain: .*" + re.escape(why), tuvi.log()), what=f"the explanation {why!r}")
    assert send(tuvi, "s@other.test")[0] == 250
    assert [one.sender for one in sink.wait(1)] == ["s@other.test"]


def test_what_a_client_says_can_stand_in_a_header_line(tuvi, sink):
    (tuvi.root / "lines").write_text("/^(.*)@sender.test$/ PREPEND X-Sender: $1\n")
    configure(tuvi, sink, f"pcre:{tuvi.root}/lines")
    sender = '"a: b\\"c<>"@sender.test'
    assert send(tuvi, sender)[0] == 250
    assert in_front(sink.wait(1)[0].data) == f"X-Sender: {sender.removesuffix('@sender.test')}\r\n"


def test_a_long_header_line_is_folded(tuvi, sink):
    words = " ".join(f"word{i}" for i in range(140))
    configure(tuvi, sink, table(("sender.test", f"PREPEND X-Long: {words}")))
    assert send(tuvi)[0] == 250
    first = in_front(sink.wait(1)[0].data)
    assert all(len(line) <= 998 for line in first.split("\r\n"))
    assert first.replace("\r\n", "") == f"X-Long: {words}"


def test_a_header_line_goes_in_front_of_a_message_without_a_header(tuvi, sink):
    configure(tuvi, sink, table(("sender.test", "PREPEND X-One: 1")))
    assert send(tuvi, body="no header at all\r\n")[0] == 250
    data = sink.wait(1)[0].data.decode()
    assert data.startswith("X-One: 1\r\nReceived: ") and data.endswith("\r\n\r\nno header at all\r\n")


def test_only_so_many_header_lines_are_added(tuvi, sink):
    line = "X-Long: " + "x" * 700
    tuvi.configure(sink.port, more=f"smtpd_recipient_restrictions = check_sender_access "
                                   f"{table(('sender.test', f'PREPEND {line}'))}\n")
    tuvi.start()
    assert send(tuvi, recipients=[f"r{i}@far.test" for i in range(60)])[0] == 250
    lines = in_front(sink.wait(1)[0].data).split("\r\n")
    assert lines == [line] * (len(lines) - 1) + [""]
    assert 30 << 10 < sum(map(len, lines)) <= 32 << 10
    assert tuvi.log().count("actions add more than 32768 bytes of header lines to a message") == 1


def test_a_client_that_is_judged_at_once_causes_it_for_each_of_its_messages(tuvi, sink):
    tuvi.configure(sink.port, more=f"smtpd_delay_reject = no\nsmtpd_client_restrictions = check_client_access "
                                   f"{table(('127.0.0.2', 'PREPEND X-Client: yes'))}\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    for number in range(2):
        assert client.message(f"s{number}@sender.test", ["a@far.test", "b@far.test"], BODY)[0] == 250
    for message in sink.wait(2):
        assert in_front(message.data) == "X-Client: yes\r\n"


def test_effects_are_gone_with_their_message(tuvi, sink):
    configure(tuvi, sink, table(("hold.test", "HOLD"), ("sender.test", "PREPEND X-One: 1"),
                                ("redirect.test", "REDIRECT eve@far.test")))
    client = Client(tuvi.p25)
    client.ehlo()
    for sender in ("a@hold.test", "b@sender.test", "c@redirect.test"):
        assert client.command(f"MAIL FROM:<{sender}>")[0] == 250
        assert client.command("RCPT TO:<r@far.test>")[0] == 250
        assert client.command("RSET")[0] == 250
    assert client.message("d@other.test", ["r@far.test"], BODY)[0] == 250
    message = sink.wait(1)[0]
    assert message.recipients == ["r@far.test"] and in_front(message.data) == ""


def test_the_end_of_a_message_can_still_put_it_on_hold(tuvi, sink):
    access = table(("sender.test", "HOLD"), ("late.test", "PREPEND X-One: 1"))
    tuvi.configure(sink.port, more=f"smtpd_end_of_data_restrictions = check_sender_access {access}\n")
    tuvi.start()
    assert send(tuvi)[0] == 250
    assert send(tuvi, "s@late.test")[0] == 250
    assert in_front(sink.wait(1)[0].data) == ""
    assert [one["queue_name"] for one in entries(tuvi)] == ["hold"]
    tuvi.wait_log("hold: END-OF-MESSAGE from unknown[127.0.0.2]: <s@sender.test>: Sender address triggers HOLD action")
    tuvi.wait_log("warn: END-OF-MESSAGE from unknown[127.0.0.2]: PREPEND comes too late")
