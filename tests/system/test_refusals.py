"""What refusals look like when they leave: the same settings and the same commands, once with a real Postfix and once
with Tuvi. The replies have to be the same, line for line."""
import re

import pytest

from harness import Client, Folder, Sink, Tuvi, free_ports, wait_for
from hop import QUICK, Hop
from postfix import Postfix

COMMON = """\
mynetworks = 127.0.0.0/8
smtpd_tls_security_level = none
smtpd_sasl_auth_enable = no
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{
 {{bad@far.test = REJECT}}, {{worse@far.test = 554 5.7.1 go away}}, {{plain@far.test = 550 go away}},
 {{later@far.test = DEFER}}, {{end@far.test = 521 5.7.1 and never again}} }}
"""

SOFT = {"soft_bounce": "yes"}

FOOTERS = {
    "own line": "For assistance, call 0101. ($localtime, $client_address, $server_name)",
    "same line": r"\c. Call 0101.",
    "lines": r"\c, see below\nclient $client_name\nport $client_port, ${sender?mail from <$sender>}${sender:no mail}",
    "odd": r"$client $helo_name $reverse_client_name $recipient. ${helo_name?{yes}:{no}} $$ \n\nend",
}
FOOTER_MAPS = r"regexp:{{/Access denied$$/ \c; ask $$$$client_name}, {/^501 (5\.1\.7)/ about $$1}}"
REFUSED = ["FOO", "EHLO", "EHLO x", "MAIL FROM:<a@b.test", "MAIL FROM:<a@b.test>", "RCPT TO:<bad@far.test>",
           "RCPT TO:<plain@far.test>", "RCPT TO:<later@far.test>", "RCPT TO:<good@far.test>", "NOOP", "ETRN", "QUIT"]
EXCESS = {"smtpd_recipient_limit": "2", "smtpd_recipient_overshoot_limit": "3", "smtpd_hard_error_limit": "3"}

# name, settings, commands
CASES = [
    ("soft syntax", SOFT, ["FOO", "EHLO", "MAIL FROM:<a@b.test", "RCPT TO:<a@b.test>", "EHLO x", "DATA", "RSET x",
                           "MAIL FROM:<a@b.test> FOO=1", "AUTH PLAIN", "STARTTLS x", "XCLIENT ADDR=1.2.3.4", "QUIT"]),
    ("soft policy", SOFT, ["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<bad@far.test>", "RCPT TO:<worse@far.test>",
                           "RCPT TO:<plain@far.test>", "RCPT TO:<later@far.test>", "DATA", "RCPT TO:<good@far.test>"]),
    ("soft end", SOFT, ["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<end@far.test>", "NOOP"]),
    ("overshoot", EXCESS, ["EHLO x", "MAIL FROM:<a@b.test>", *[f"RCPT TO:<r{i}@far.test>" for i in range(9)]]),
    ("overshoot of each message", EXCESS, ["EHLO x", "MAIL FROM:<a@b.test>", *[f"RCPT TO:<r{i}@far.test>" for i in range(5)],
                                           "RSET", "MAIL FROM:<a@b.test>", *[f"RCPT TO:<r{i}@far.test>" for i in range(9)]]),
    ("no enhancedstatuscodes", {"smtpd_discard_ehlo_keywords": "enhancedstatuscodes, silent-discard"},
     ["EHLO x", "FOO", "MAIL FROM:<a@b.test", "MAIL FROM:<a@b.test>", "RCPT TO:<bad@far.test>", "QUIT"]),
    *[(f"footer, {name}", {"smtpd_reject_footer": text}, REFUSED) for name, text in FOOTERS.items()],
    ("footer maps", {"smtpd_reject_footer_maps": FOOTER_MAPS, "smtpd_reject_footer": "any other"}, REFUSED),
    ("footer maps alone", {"smtpd_reject_footer_maps": FOOTER_MAPS}, REFUSED),
    ("footer, soft", {"smtpd_reject_footer": "below", **SOFT}, REFUSED),
    ("footer of the end", {"smtpd_reject_footer": "below", "smtpd_hard_error_limit": "1"}, ["FOO", "FOO"]),
    ("soft chunk", SOFT, ["EHLO x", "BDAT x", "NOOP"]),
]


def services(ports):
    """A service for each case; values stand in main.cf, because master.cf parts words at spaces. In a footer names
    are not those of parameters."""
    main, master = "", ""
    for number, ((_, settings, _), port) in enumerate(zip(CASES, ports)):
        master += f"127.0.0.1:{port} inet n - n - - smtpd\n"
        for name, value in settings.items():
            if name == "smtpd_reject_footer":
                master += f"  -o {{ {name} = {value} }}\n"
                continue
            main += f"case_{number}_{name} = {value}\n"
            master += f"  -o {name}=$case_{number}_{name}\n"
    return main, master


class Pair:
    def __init__(self):
        self.sink = Sink()
        self.ports = {name: free_ports(len(CASES)) for name in ("postfix", "tuvi")}
        main, master = services(self.ports["postfix"])
        common = COMMON.format()
        self.servers = {"postfix": Postfix("real", self.sink.port, common + main, master)}
        main, master = services(self.ports["tuvi"])
        self.servers["tuvi"] = Tuvi(self.sink.port)
        self.servers["tuvi"].configure(self.sink.port, common + "myhostname = real.test\n" + main, master)

    def start(self):
        for one in self.servers.values():
            one.start()

    def ask(self, which, case):
        """The replies, and what the log counts of the session."""
        number = CASES.index(case)
        source = f"127.0.1.{number + 1}"
        client = Client(self.ports[which][number], source)
        replies = list(converse(client, case[2]))
        client.close()
        server = self.servers[which]
        wait_for(lambda: f"disconnect from unknown[{source}]" in server.log(), 20, f"{which}'s end of {case[0]}")
        return replies, seen_in(server.log(), source)

    def close(self):
        for one in (*self.servers.values(), self.sink):
            one.close()


def converse(client, commands):
    port = client.socket.getsockname()[1]
    for line in commands:
        try:
            code, lines = client.command(line)
        except OSError:
            code, lines = 0, []
        yield "(gone)" if code == 0 else [same(one, port) for one in lines if not one.startswith("250-")]
        if code == 0:
            return


def same(line, port):
    line = re.sub(r"[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d", "(TIME)", line.replace(f"{port}", "(PORT)"))
    return "250 (GREETING)" if line.startswith("250 CHUNKING") or "LIMITS" in line else line


def seen_in(log, source):
    found = [re.search(r"smtpd\[\d+\]: (?:NOQUEUE: )?(reject.*|disconnect.*)", line) for line in log.splitlines()
             if f"[{source}]" in line]
    return [match[1] for match in found if match]


@pytest.fixture(scope="module")
def pair():
    one = Pair()
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_refusals_leave_as_those_of_postfix(pair, case):
    expected = pair.ask("postfix", case)
    assert expected == pair.ask("tuvi", case)


def test_a_filter_puts_another_reply_in_place_and_the_log_keeps_the_first(sink):
    """Postfix has it since 3.11; the one here may be older."""
    maps = r"regexp:{{/^550 5\.1\.1 (.*)no such.*/ 450 4.1.1 $$1it moved}, {/^5.*broken/ 250 not this}}"
    tuvi = Tuvi(sink.port, f"""smtpd_reject_filter_maps = {maps}
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{a@local.test = 550 5.1.1 no such user}},
 {{b@local.test = 554 5.7.1 broken}} }}
""")
    try:
        tuvi.start()
        client = Client(tuvi.p25)
        client.ehlo()
        client.command("MAIL FROM:<s@sender.test>")
        assert client.command("RCPT TO:<a@local.test>") == \
            (450, ["450 4.1.1 <a@local.test>: Recipient address rejected: it moved"])
        assert client.command("RCPT TO:<b@local.test>")[0] == 554
        client.close()
        log = tuvi.wait_log("the answer does not begin with a code from 400 to 599")
        assert "550 5.1.1 <a@local.test>: Recipient address rejected: no such user; from=" in log
    finally:
        tuvi.close()


# ---- deliveries ----

def results(log):
    """What the log says of each result, without places and times."""
    return sorted({re.sub(r":\d+", "", re.sub(r"delays?=[\d./]+, ", "", match[0])) for match in
                   re.finditer(r"to=<[^>]*>, relay=.*, status=.*", log)})


def refuse_some(stage, text):
    if stage == "RCPT" and "nobody" in text:
        return "550 5.1.1 no such user"
    return "551 go elsewhere" if stage == "RCPT" and "moved" in text else None


def test_what_the_next_hop_refuses_for_good_is_kept_as_postfix_keeps_it():
    hop = Hop()
    hop.answers = refuse_some
    servers = [Postfix("real", hop.port, SOFT_MAIN + "mynetworks = 127.0.0.0/8\n"), Tuvi(hop.port, SOFT_MAIN + QUICK)]
    try:
        seen = []
        for server, port in zip(servers, (servers[0].port, servers[1].p25)):
            server.start()
            client = Client(port)
            client.ehlo()
            people = ["nobody@far.test", "moved@far.test", "ok@far.test"]
            assert client.message("s@sender.test", people, "Subject: x\r\n\r\nx\r\n")[0] == 250
            client.close()
            wait_for(lambda server=server: server.log().count("nobody@far.test>, relay=") >= 2, 20, "another attempt")
            assert "sender non-delivery notification" not in server.log()
            seen.append(results(server.log()))
        assert seen[0] == seen[1]
        assert "dsn=4.1.1, status=SOFTBOUNCE (host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no such user" in seen[1][1]
    finally:
        for one in (*servers, hop):
            one.close()


SOFT_MAIN = "soft_bounce = yes\n"


def test_it_is_returned_when_it_is_too_old(sink):
    tuvi = Tuvi(sink.port, SOFT_MAIN + QUICK + "maximal_queue_lifetime = 2s\n")
    sink.answer_rcpt = lambda recipient: "550 5.1.1 no" if recipient == "nobody@far.test" else "250 2.1.5 Ok"
    try:
        tuvi.start()
        client = Client(tuvi.p25)
        client.ehlo()
        assert client.message("s@sender.test", ["nobody@far.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
        notice = sink.wait(1)[0]
        assert (notice.sender, notice.recipients) == ("", ["s@sender.test"])
        assert b"Diagnostic-Code: smtp; 550 5.1.1 no" in notice.data
        assert tuvi.log().count("status=SOFTBOUNCE") >= 2
    finally:
        tuvi.close()


def test_one_transport_alone_can_be_soft(sink):
    services = "soft unix - - n - - smtp -o soft_bounce=yes\n"
    tuvi = Tuvi(sink.port, QUICK + f"relay_domains = soft.test\nrelay_transport = soft:[127.0.0.1]:{sink.port}\n", services)
    sink.answer_rcpt = lambda recipient: "250 2.1.5 Ok" if recipient == "s@sender.test" else "550 5.1.1 no"
    try:
        tuvi.start()
        client = Client(tuvi.p25)
        client.ehlo()
        assert client.message("s@sender.test", ["a@soft.test", "b@hard.test"], "Subject: x\r\n\r\nx\r\n")[0] == 250
        assert b"b@hard.test" in sink.wait(1)[0].data and b"a@soft.test" not in sink.messages[0].data
        log = tuvi.wait_log("status=SOFTBOUNCE")
        assert "to=<a@soft.test>" in log.split("status=SOFTBOUNCE")[0].splitlines()[-1]
        assert re.search(r"to=<b@hard\.test>.*dsn=5\.1\.1, status=bounced", log)
    finally:
        tuvi.close()
