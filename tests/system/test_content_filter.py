"""content_filter and receive_override_options: mail goes to a filter first and comes back by another port, as the
documentation of Postfix has it; what reaches the filter is the same as with a real Postfix."""
import re
import subprocess

import pytest

from harness import TUVI, Client, Sink, Tuvi, free_ports, wait_for
from hop import QUICK
from postfix import Postfix

COMMON = """\
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
virtual_mailbox_domains =
relay_domains = relay.test
relay_transport = smtp:[127.0.0.1]:{sink}
relay_recipient_maps = inline:{{ {{rita@relay.test = x}} }}
virtual_alias_domains = alias.test
virtual_alias_maps = inline:{{ {{al@far.test = bob@else.test}}, {{al@alias.test = carl@else.test}} }}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_sender_restrictions = check_sender_access inline:{{ {{redirect.test = REDIRECT eve@elsewhere.test}},
 {{filter.test = FILTER smtp:[127.0.0.1]:{other}}}, {{unlisted.test = reject_unlisted_recipient}},
 {{copy.test = BCC al@far.test}} }}
content_filter = smtp:[127.0.0.1]:{filter}
"""

PEOPLE = ["al@far.test", "rita@relay.test", "no@relay.test", "al@alias.test", "no@alias.test", "z@far.test"]
SENDERS = ["plain.test", "redirect.test", "filter.test", "unlisted.test", "copy.test"]
OVERRIDES = ["", "no_address_mappings", "no_unknown_recipient_checks",
             "no_address_mappings, no_unknown_recipient_checks", "no_header_body_checks no_milters"]


class Side:
    """A server, where it sends mail, and two filters that keep what they get."""

    def __init__(self, kind, overrides):
        self.places = {"sink": Sink(), "filter": Sink(), "other": Sink()}
        more = COMMON.format(**{name: sink.port for name, sink in self.places.items()})
        more += f"receive_override_options = {overrides}\n"
        self.server = (Postfix if kind == "postfix" else Tuvi)(*(["real"] if kind == "postfix" else []),
                                                              self.places["sink"].port, more)
        self.port = self.server.port if kind == "postfix" else self.server.p25
        self.server.start()

    def outcome(self, sender):
        """What the client is told of each recipient, and who got the mail where."""
        client = Client(self.port)
        client.ehlo()
        client.command(f"MAIL FROM:<{sender}>")
        replies = [client.command(f"RCPT TO:<{one}>")[1] for one in PEOPLE]
        assert client.command("DATA")[0] == 354
        queue_id = client.command("Subject: x\r\n\r\nx\r\n.")[1][0].split()[-1]
        client.quit()
        wait_for(lambda: f"{queue_id}: removed" in self.server.log(), 20, f"the end of {sender}'s mail")
        return replies, sorted({(place, to) for place, sink in self.places.items() for one in sink.messages
                                if one.sender == sender for to in one.recipients})

    def close(self):
        for one in (self.server, *self.places.values()):
            one.close()


@pytest.mark.parametrize("overrides", OVERRIDES)
def test_what_a_filter_gets_is_what_it_gets_from_postfix(overrides):
    sides = []
    try:
        for kind in ("postfix", "tuvi"):
            sides.append(Side(kind, overrides))
        for domain in SENDERS:
            expected, mine = (side.outcome(f"s@{domain}") for side in sides)
            assert mine == expected, domain
            assert mine[1], domain
    finally:
        for one in sides:
            one.close()


# ---- the whole way: to the filter, and back by another port ----

# The parameters are those that the documentation of Postfix names.
ADVANCED = """\
content_filter = scan:localhost:{filter}
receive_override_options = no_address_mappings
virtual_alias_maps = inline:{{ {{al@local.test = bob@local.test, carl@far.test}} }}
local_recipient_maps =
"""
ADVANCED_SERVICES = """\
scan unix - - n - 10 smtp
  -o smtp_send_xforward_command=yes
  -o disable_mime_output_conversion=yes
  -o smtp_generic_maps=
127.0.0.1:{back} inet n - n - 10 smtpd
  -o content_filter=
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
  -o smtpd_helo_restrictions=
  -o smtpd_client_restrictions=
  -o smtpd_sender_restrictions=
  -o smtpd_relay_restrictions=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks=127.0.0.0/8
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8
"""


class Filter(Sink):
    """Gives mail back to another port, with a line in front, before it says that it has it."""

    def __init__(self, back):
        super().__init__()
        self.answer_data = lambda message: self.give_back(message, back)

    @staticmethod
    def give_back(message, back):
        client = Client(back, "127.0.0.1")
        client.ehlo()
        reply = client.message(message.sender, message.recipients, b"X-Scanned: yes\r\n" + message.data)
        client.close()
        return reply[1][0]


def test_mail_goes_through_the_filter_of_the_documentation_once(sink):
    (back,) = free_ports(1)
    scanner = Filter(back)
    tuvi = Tuvi(sink.port, ADVANCED.format(filter=scanner.port), ADVANCED_SERVICES.format(back=back))
    try:
        done = subprocess.run([TUVI, "check", tuvi.root], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout, done.stdout + done.stderr
        tuvi.start()
        client = Client(tuvi.p587, source="127.0.0.3")
        client.ehlo()
        client.starttls()
        assert client.auth_plain()[0] == 235
        assert client.message("s@local.test", ["al@local.test", "x@far.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
        client.quit()
        wait_for(lambda: sum(len(one.recipients) for one in sink.messages) >= 3, 20, "three copies")
        wait_for(lambda: tuvi.log().count(": removed") == 2, 20, "the end of both messages")
        assert sorted(to for one in scanner.messages for to in one.recipients) == ["al@local.test", "x@far.test"]
        assert sorted(to for one in sink.messages for to in one.recipients) == \
            ["bob@local.test", "carl@far.test", "x@far.test"]
        assert all(one.data.count(b"X-Scanned: yes") == 1 and one.data.count(b"Received: ") == 2 for one in sink.messages)
        assert re.search(rf"postfix/smtp\[\d+\]: .*to=<al@local\.test>, relay=localhost\[127\.0\.0\.1\]:{scanner.port},",
                         tuvi.log())
    finally:
        tuvi.close()
        scanner.close()


def test_a_service_can_have_a_filter_alone_and_strangers_relay_no_more_than_before(sink):
    filtering = Sink()
    (port,) = free_ports(1)
    tuvi = Tuvi(sink.port, "", f"127.0.0.1:{port} inet n - n - - smtpd -o content_filter=smtp:[127.0.0.1]:{filtering.port}"
                " -o receive_override_options=no_unknown_recipient_checks,no_address_mappings\n")
    try:
        tuvi.start()
        for where in (port, tuvi.p25):
            client = Client(where)
            client.ehlo()
            assert client.message(f"s{where}@sender.test", ["r@far.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
            client.quit()
        assert [one.sender for one in sink.wait(1)] == [f"s{tuvi.p25}@sender.test"]
        assert [one.sender for one in filtering.wait(1)] == [f"s{port}@sender.test"]
        stranger = Client(port, "127.0.0.9")
        stranger.ehlo()
        stranger.command("MAIL FROM:<s@sender.test>")
        assert stranger.command("RCPT TO:<r@far.test>") == (554, ["554 5.7.1 <r@far.test>: Relay access denied"])
        stranger.close()
    finally:
        tuvi.close()
        filtering.close()


def test_users_of_this_machine_are_resolved_behind_the_filter(sink):
    (back,) = free_ports(1)
    scanner = Filter(back)
    tuvi = Tuvi(sink.port, f"""mydestination = here.test
local_transport = smtp:[127.0.0.1]:{sink.port}
alias_maps = inline:{{ {{joe = ann@far.test}} }}
local_recipient_maps = $alias_maps
content_filter = smtp:[127.0.0.1]:{scanner.port}
""", f"127.0.0.1:{back} inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8\n")
    try:
        tuvi.start()
        client = Client(tuvi.p25)
        client.ehlo()
        assert client.message("s@sender.test", ["joe@here.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
        client.quit()
        assert sink.wait(1)[0].recipients == ["ann@far.test"]
        assert scanner.messages[0].recipients == ["joe@here.test"]
    finally:
        tuvi.close()
        scanner.close()


def test_bounces_are_not_filtered(sink):
    filtering = Sink()
    filtering.answer_rcpt = lambda recipient: "550 5.7.1 spam"
    tuvi = Tuvi(sink.port, QUICK + f"content_filter = smtp:[127.0.0.1]:{filtering.port}\n")
    try:
        tuvi.start()
        client = Client(tuvi.p25)
        client.ehlo()
        assert client.message("s@sender.test", ["r@far.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
        client.quit()
        notice = sink.wait(1)[0]
        assert (notice.sender, notice.recipients) == ("", ["s@sender.test"])
    finally:
        tuvi.close()
        filtering.close()


@pytest.mark.parametrize("value,why", [("spamassassin", "its transport is not supported"),
                                       ("smtp:[127.0.0.1", "its next hop is not"),
                                       ("smtp:[127.0.0.1]:25 " + "x" * 400, "it is too long")])
def test_a_filter_that_cannot_be_stops_the_start(tuvi, sink, value, why):
    tuvi.configure(sink.port, f"content_filter = {value}\n")
    done = subprocess.run([TUVI, "check", tuvi.root], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert re.search(rf"content_filter = {re.escape(value[:20])}.*: {why}", done.stdout + done.stderr)


def test_an_override_that_nobody_knows_stops_the_start(tuvi, sink):
    tuvi.configure(sink.port, "receive_override_options = no_such_checks\n")
    done = subprocess.run([TUVI, "check", tuvi.root], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "no_such_checks" in done.stdout + done.stderr
