"""Restriction lists, access tables and classes: the same configuration and the same clients, once with a real Postfix
and once with Tuvi. Replies and the log's lines about them have to be the same, text and all."""
import collections
import re
import subprocess

import pytest

from dovecot import Dovecot
from harness import TUVI, Client, Folder, Sink, Tuvi, free_ports, wait_for
from postfix import Postfix

# ---- the configuration of both ----

COMMON = """\
smtpd_client_restrictions =
mynetworks = 127.1.0.0/16
mydestination = here.test
myorigin = here.test
local_transport = smtp:[127.0.0.1]:{sink}
virtual_transport = smtp:[127.0.0.1]:{sink}
relay_transport = smtp:[127.0.0.1]:{sink}
local_recipient_maps = inline:{{ {{joe = x}} }}
virtual_mailbox_domains = local.test
virtual_mailbox_maps = inline:{{ {{bob@local.test = x}}, {{carl@local.test = x}} }}
virtual_alias_domains = alias.test
virtual_alias_maps = inline:{{ {{al@alias.test = bob@local.test}} }}
relay_domains = relay.test
relay_recipient_maps = inline:{{ {{rita@relay.test = x}} }}
recipient_delimiter = +
smtpd_tls_security_level = none
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
smtpd_sender_login_maps = inline:{{ {{alice@local.test = alice}}, {{team@local.test = alice, bob}} }}
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_error_sleep_time = 0
smtpd_helo_required = no
smtpd_restriction_classes = insiders, guests, circle
insiders = permit_mynetworks, reject
guests = check_sender_access texthash:{tables}/access, insiders
circle = check_sender_access inline:{{ {{elsewhere.test = circle}} }}
"""

TABLES = {
    "access": """\
elsewhere.test        DUNNO
good.test             OK
number.test           1234567890
bad.test              REJECT
worse.test            REJECT you are not welcome
status.test           REJECT 5.1.7 no such sender
later.test            DEFER
soon.test             DEFER come back soon
code.test             550 go away
code4.test            450 4.2.1 too busy
drop4.test            421 4.3.0 go away
drop5.test            521 go away for ever
soft.test             DEFER_IF_PERMIT
soft2.test            DEFER_IF_PERMIT 4.3.1 wait a little
softer.test           DEFER_IF_REJECT
warn.test             WARN
warn2.test            WARN look at this
info.test             INFO seen
list.test             permit_mynetworks, reject
class.test            insiders
discard.test          DISCARD
discard2.test         DISCARD into the dark
hold.test             HOLD
hold2.test            HOLD until I come
prepend.test          PREPEND X-Test: yes
redirect.test         REDIRECT eve@elsewhere.test
bcc.test              BCC eve@elsewhere.test
filter.test           FILTER smtp:[127.0.0.1]:10025
junk.test             nonsense
ada@parts.test        550 the address
ada+x@parts.test      550 the extension
parts.test            550 the domain
eve@                  550 the local part
<>                    550 the null sender
[127.0.0.1]           550 the literal
client.test           550 the name
127.2.0               550 the network
unknown               DUNNO
alice                 550 the login
bob@local.test        550 the recipient
.dotted.test          550 the dot
""",
    "networks": "127.2.0.0/16 REJECT from afar\n",
    "patterns": "/^ada\\+/ REJECT patterned\n/^eve/ REJECT eve\n",
}

RCPT = "smtpd_recipient_restrictions"
ACCESS = "check_sender_access texthash:{tables}/access"

Case = collections.namedtuple("Case", "name settings talk")


def talk(sender="ada@elsewhere.test", to=("bob@local.test",), helo="EHLO client.test", mine=False, login=None,
         data=False, behind=""):
    """What one client does; `behind` is sent together with DATA; "chunks" come with BDAT."""
    return {"sender": sender, "to": [to] if isinstance(to, str) else to, "helo": helo, "mine": mine, "login": login,
            "data": data, "behind": behind}


def make_cases():
    def add(name, settings, *talks):
        if isinstance(settings, str):
            settings = {RCPT: settings}
        for i, one in enumerate(talks or (talk(),)):
            cases.append(Case(f"{name}-{i}" if len(talks) > 1 else name, settings, one))
    cases = []
    # the plain words
    for word in ("permit", "reject", "defer", "defer_if_permit", "defer_if_reject, reject", "defer_if_permit, reject",
                 "warn_if_reject reject", "warn_if_reject reject, defer", "reject_plaintext_session",
                 "warn_if_reject defer_if_permit"):
        add(word, word)
    add("permit_mynetworks, reject", "permit_mynetworks, reject", talk(), talk(mine=True))
    add("permit_sasl_authenticated, reject", "permit_sasl_authenticated, reject", talk(), talk(login="alice"))
    for word in ("permit_auth_destination, reject", "reject_unauth_destination", "defer_unauth_destination"):
        add(word, word, *[talk(to=to, mine=True) for to in (
            "bob@local.test", "al@alias.test", "rita@relay.test", "joe@here.test", "x@remote.test",
            "x%remote.test@local.test")])
    add("relay", {}, *[talk(to=to) for to in ("x@remote.test", "bob@local.test", "x%y@local.test")])
    add("defer relay", {"smtpd_relay_restrictions": "defer_unauth_destination"}, talk(to="x@remote.test"))
    # HELO
    for word in ("reject_invalid_helo_hostname", "reject_invalid_hostname", "reject_non_fqdn_helo_hostname",
                 "reject_non_fqdn_hostname"):
        add(word, {"smtpd_helo_restrictions": word}, *[talk(helo=helo) for helo in (
            "EHLO host", "HELO host.test", "EHLO -x-", "EHLO host.test.", "EHLO 127.0.0.1", "EHLO [127.0.0.1]",
            "EHLO [127.0.0.999]", "EHLO [IPv6:::1]", "EHLO a..b", "EHLO a_b.test", None)])
    # addresses
    add("reject_non_fqdn_sender", {"smtpd_sender_restrictions": "reject_non_fqdn_sender"}, *[
        talk(sender=sender) for sender in ("ada", "ada@host", "ada@host.test", "", "ada@[127.0.0.1]")])
    add("reject_non_fqdn_recipient", "reject_non_fqdn_recipient", *[
        talk(to=to) for to in ("joe", "joe@host", "bob@local.test", "postmaster", "joe@[127.0.0.9]")])
    add("unlisted", {}, *[talk(to=to) for to in (
        "nobody@local.test", "nobody@here.test", "nobody@relay.test", "nobody@alias.test",
        "bob+x@local.test", "joe+x@here.test")])
    add("reject_unlisted_recipient", "reject_unlisted_recipient, defer", talk(to="nobody@local.test"), talk())
    add("unlisted and defer_if_permit", "defer_if_permit", talk(to="nobody@local.test"))
    add("reject_unlisted_sender", "reject_unlisted_sender", *[talk(sender=sender) for sender in (
        "nobody@local.test", "bob@local.test", "nobody@here.test", "x@remote.test", "")])
    add("smtpd_reject_unlisted_sender", {"smtpd_reject_unlisted_sender": "yes"}, talk(sender="nobody@relay.test"))
    add("multi_recipient_bounce", "reject_multi_recipient_bounce",
        talk(sender="", to=["bob@local.test", "carl@local.test"]), talk(to=["bob@local.test", "carl@local.test"]))
    add("multi_recipient_bounce at DATA", {"smtpd_data_restrictions": "reject_multi_recipient_bounce"},
        talk(sender="", to=["bob@local.test", "carl@local.test"], data=True), talk(sender="", data=True))
    # logins
    for word in ("reject_sender_login_mismatch", "reject_known_sender_login_mismatch",
                 "reject_authenticated_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch"):
        add(word, {"smtpd_sender_restrictions": word}, *[
            talk(sender=sender, login=login) for login in (None, "alice", "bob")
            for sender in ("alice@local.test", "team@local.test", "free@local.test", "")])
    add("check_sasl_access", "check_sasl_access texthash:{tables}/access", talk(), talk(login="alice"),
        talk(login="bob"))
    # access tables
    for domain in re.findall(r"^([a-z0-9]+\.test) ", TABLES["access"], re.M):
        if domain not in ("client.test", "junk.test"):
            add(f"access {domain}", {"smtpd_sender_restrictions": f"{ACCESS}, defer"}, talk(sender=f"x@{domain}"))
            add(f"access {domain} alone", {"smtpd_sender_restrictions": ACCESS},
                talk(sender=f"x@{domain}", mine=True), talk(sender=f"x@sub.{domain}", mine=True))
    add("soft and reject", f"{ACCESS}, reject", talk(sender="x@soft.test"), talk(sender="x@softer.test"))
    add("parts", ACCESS, *[talk(sender=sender) for sender in (
        "ada+x@parts.test", "ada+y@parts.test", "ada@parts.test", "bob@a.b.parts.test", "eve@nowhere.test",
        "eve+z@nowhere.test", "", "ada@[127.0.0.1]", "x@one.dotted.test")])
    add("dots", {RCPT: ACCESS, "parent_domain_matches_subdomains": "relay_domains"}, *[
        talk(sender=sender) for sender in ("x@one.dotted.test", "x@dotted.test", "x@a.parts.test", "x@parts.test")])
    add("check_client_access", {"smtpd_client_restrictions": "check_client_access texthash:{tables}/access"},
        talk(), talk(mine=True))
    add("check_client_access cidr", {"smtpd_client_restrictions": "check_client_access cidr:{tables}/networks"},
        talk(), talk(mine=True))
    add("check_helo_access", {"smtpd_helo_restrictions": "check_helo_access texthash:{tables}/access"},
        talk(), talk(helo="HELO sub.client.test"), talk(helo=None), talk(helo="EHLO other.test"))
    add("check_recipient_access", "check_recipient_access texthash:{tables}/access", talk(), talk(to="carl@local.test"),
        talk(to=["carl@local.test", "bob@local.test", "nobody@local.test"]))
    add("regexp", "check_sender_access regexp:{tables}/patterns", talk(sender="ada+x@a.test"), talk(sender="eve@b.test"),
        talk(sender="bob@c.test"))
    add("a table alone", {"smtpd_sender_restrictions": "texthash:{tables}/access"}, talk(sender="x@bad.test"))
    add("null key", {RCPT: ACCESS, "smtpd_null_access_lookup_key": "bad.test"}, talk(sender=""))
    for domain in ("hold.test", "hold2.test", "prepend.test", "redirect.test", "bcc.test", "filter.test"):
        add(f"effect {domain}", {"smtpd_client_restrictions": ACCESS, RCPT: ACCESS},
            talk(sender=f"x@{domain}", to=["bob@local.test", "carl@local.test"]))
    # classes
    add("classes", "guests", talk(), talk(mine=True), talk(sender="x@good.test"), talk(sender="x@worse.test"))
    add("class in a table", ACCESS, talk(sender="x@class.test"), talk(sender="x@class.test", mine=True))
    # what is wrong is the fault of the server
    add("nonsense", {"smtpd_sender_restrictions": f"{ACCESS}, permit"}, talk(sender="x@junk.test"))
    add("a circle", {"smtpd_sender_restrictions": "circle, permit"}, talk())
    # stages
    add("client", {"smtpd_client_restrictions": "permit_mynetworks, reject"}, talk(), talk(mine=True))
    add("helo", {"smtpd_helo_restrictions": "permit_mynetworks, reject"}, talk(), talk(helo=None), talk(mine=True))
    add("sender", {"smtpd_sender_restrictions": "permit_mynetworks, reject"}, talk(), talk(mine=True))
    add("data", {"smtpd_data_restrictions": "permit_mynetworks, reject"}, talk(data=True), talk(mine=True, data=True),
        talk(to=["bob@local.test", "carl@local.test"], data=True))
    add("end of data", {"smtpd_end_of_data_restrictions": "permit_mynetworks, reject"}, talk(data=True),
        talk(mine=True, data=True))
    add("recipients at data", {"smtpd_data_restrictions": "check_recipient_access texthash:{tables}/access"},
        talk(data=True), talk(to=["bob@local.test", "carl@local.test"], data=True))
    add("pipelining", {"smtpd_data_restrictions": "reject_unauth_pipelining"}, talk(data=True),
        talk(data=True, behind="Subject: x\r\n\r\n.\r\n"), talk(data=True, helo="HELO client.test", behind="RSET\r\n"))
    for name, value in (("helo", "reject_non_fqdn_helo_hostname"), ("sender", ACCESS)):
        add(f"at once, {name}", {"smtpd_delay_reject": "no", f"smtpd_{name}_restrictions": value},
            talk(helo="EHLO host"), talk(sender="x@bad.test"), talk(sender="x@soft.test"))
    add("discard and data", {"smtpd_sender_restrictions": ACCESS, RCPT: "reject"},
        talk(sender="x@discard.test", data=True))
    for name in ("data", "end_of_data"):
        add(f"{name}, chunks", {f"smtpd_{name}_restrictions": "permit_mynetworks, reject"}, talk(data="chunks"),
            talk(mine=True, data="chunks"))
    add("discard and chunks", {"smtpd_sender_restrictions": ACCESS}, talk(sender="x@discard.test", data="chunks"))
    add("helo required", {"smtpd_helo_required": "yes"}, talk(helo=None))
    # order and codes
    for order in ("yes", "no"):
        add(f"order {order}", {"smtpd_relay_before_recipient_restrictions": order, RCPT: "permit_mynetworks, defer"},
            talk(to="x@remote.test"), talk(to="x@remote.test", mine=True))
        add(f"an OK for recipients, order {order}",
            {"smtpd_relay_before_recipient_restrictions": order,
             RCPT: "check_recipient_access inline:{{ {{remote.test = OK}}, {{local.test = OK}} }}, reject"},
            talk(to="x@remote.test"), talk(to="bob@local.test"))
    for name, value in (("reject_code", "reject"), ("defer_code", "defer"),
                        ("relay_domains_reject_code", "reject_unauth_destination"),
                        ("invalid_hostname_reject_code", "reject_invalid_helo_hostname"),
                        ("non_fqdn_reject_code", "reject_non_fqdn_sender"),
                        ("plaintext_reject_code", "reject_plaintext_session"),
                        ("access_map_reject_code", ACCESS), ("access_map_defer_code", ACCESS)):
        for code in ("451", "552"):
            domain = "later.test" if name == "access_map_defer_code" else "bad.test"
            sender = "short" if name == "non_fqdn_reject_code" else f"x@{domain}"
            add(f"{name} {code}", {name: code, RCPT: value},
                talk(sender=sender, helo="EHLO -x-", to="x@remote.test", mine=True))
    for value in ("reject", "defer", "warn_if_reject reject", f"{ACCESS}, reject", "reject_unauth_destination"):
        add(f"soft_bounce, {value[:30]}", {"soft_bounce": "yes", RCPT: value}, talk(sender="x@softer.test"),
            talk(sender="x@drop5.test"), talk(to="x@remote.test"), talk(to="nobody@local.test"))
    for name, to in (("local", "here.test"), ("relay", "relay.test"), ("virtual_mailbox", "local.test"),
                     ("virtual_alias", "alias.test")):
        name += "" if name == "virtual_alias" or name == "virtual_mailbox" else "_recipient"
        add(f"unknown_{name}_reject_code", {f"unknown_{name}_reject_code": "450"}, talk(to=f"nobody@{to}"))
    return cases


CASES = make_cases()


# ---- two servers ----

def services(ports, texts):
    """A service for each set of settings; values stand in main.cf, because master.cf parts words at spaces."""
    main, master = "", []
    for number, (settings, port) in enumerate(zip(texts, ports)):
        master.append(f"127.0.0.1:{port} inet n - n - - smtpd\n")
        for name, value in settings:
            main += f"case_{number}_{name} = {value}\n"
            master[-1] += f"  -o {name}=$case_{number}_{name}\n"
    return main, master


class Pair:
    def __init__(self):
        self.folder = Folder()
        self.sink = Sink()
        self.dovecot = Dovecot(self.folder.path / "auth" / "socket", mode_of_folder=0o755)
        self.dovecot.start()
        for name, text in TABLES.items():
            (self.folder.path / name).write_text(text)
        values = {"tables": self.folder.path, "auth": self.dovecot.socket, "sink": self.sink.port}
        self.settings = list(dict.fromkeys(self.key(case) for case in CASES))
        texts = [[(name, value.format(**values)) for name, value in one] for one in self.settings]
        self.ports = {name: free_ports(len(texts)) for name in ("postfix", "tuvi")}
        self.servers = {}
        main, master = services(self.ports["postfix"], texts)
        self.servers["postfix"] = Postfix("real", self.sink.port, COMMON.format(**values) + main, "".join(master))
        main, self.master = services(self.ports["tuvi"], texts)
        self.servers["tuvi"] = Tuvi(self.sink.port)
        self.servers["tuvi"].configure(self.sink.port, COMMON.format(**values) + "smtpd_tls_auth_only = no\n" + main,
                                        "".join(self.master))

    def start(self):
        for one in self.servers.values():
            one.start()

    def alone(self, number):
        """A setup of one service only, which is read sooner."""
        folder = self.folder.path / f"alone-{number}"
        if not folder.exists():
            folder.mkdir()
            lines = (self.servers["tuvi"].root / "main.cf").read_text().splitlines(keepends=True)
            (folder / "main.cf").write_text("".join(
                line for line in lines if not line.startswith("case_") or line.startswith(f"case_{number}_")))
            (folder / "master.cf").write_text(self.master[number])
        return folder

    @staticmethod
    def key(case):
        return tuple(sorted(case.settings.items()))

    def address(self, case):
        number = CASES.index(case)
        return f"127.{1 if case.talk['mine'] else 2}.{number // 250}.{number % 250 + 1}"

    def ask(self, which, case):
        """The replies, one for each command, and what the log says of them."""
        port = self.ports[which][self.settings.index(self.key(case))]
        address = self.address(case)
        client = Client(port, address)
        try:
            replies = list(converse(client, case.talk))
        finally:
            client.close()
        server = self.servers[which]
        wait_for(lambda: f"disconnect from unknown[{address}]" in server.log(), 20, f"{which}'s end of {case.name}")
        return replies, log_lines(server.log(), address)

    def close(self):
        for one in (*self.servers.values(), self.dovecot, self.sink, self.folder):
            one.close()


def converse(client, one):
    def say(line):
        code, lines = client.command(line)
        return code, re.sub(r"queued as \w+", "queued as ID", lines[-1]) if lines else ""
    if client.greeting[0] != 220:
        yield client.greeting[1][0]
        return
    if one["helo"] is not None:
        code, line = say(one["helo"])
        yield line if code != 250 else "250"
    if one["login"] is not None:
        yield client.auth_plain(one["login"], {"alice": "wonderland", "bob": "builder"}[one["login"]])[0]
    yield say(f"MAIL FROM:<{one['sender']}>")[1]
    for to in one["to"]:
        yield say(f"RCPT TO:<{to}>")[1]
    if one["data"] == "chunks":
        yield say("BDAT 10\r\nSubject: x")[1]
        client.send("BDAT 9 LAST\r\n\r\n\r\nhello")
        yield re.sub(r"queued as \w+", "queued as ID", client.reply()[1][-1])
        return
    if not one["data"]:
        return
    client.send("DATA\r\n" + one["behind"])
    code, lines = client.reply()
    yield lines[-1]
    if code == 354:
        yield say("Subject: x\r\n\r\nhello\r\n.")[1]


def log_lines(log, address):
    found = []
    for line in log.splitlines():
        match = re.search(r"smtpd\[\d+\]: (?:\w+): ((?:reject|reject_warning|warn|info|discard|hold): .*)", line)
        if match and f"[{address}]" in line:
            found.append(match[1].split(" sasl_method=")[0])  # Postfix has it since 3.9
    return found


@pytest.fixture(scope="module")
def pair():
    one = Pair()
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tuvi_says_what_postfix_says(pair, case):
    replies, log = pair.ask("postfix", case)
    assert pair.ask("tuvi", case) == (replies, log)


# ---- tuvi explain ----

def explain(setup, *options):
    done = subprocess.run([TUVI, "explain", setup, *options], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_explain_says_the_same_as_the_server(pair):
    for case in CASES:
        one = case.talk
        if one["data"] or len(one["to"]) > 1 or one["behind"] or case.settings.get("smtpd_helo_required"):
            continue
        setup = pair.alone(pair.settings.index(pair.key(case)))
        options = ["--client", pair.address(case), "--from", one["sender"], "--to", one["to"][0]]
        if one["helo"] is not None:
            options += ["--helo", one["helo"].split()[1]]
        if one["login"] is not None:
            options += ["--login", one["login"]]
        if one["helo"] is not None and one["helo"].startswith("HELO"):
            continue
        code, lines, _ = explain(setup, *options)
        replies, _ = pair.ask("tuvi", case)
        final = next((reply for reply in map(str, replies) if reply[:3] >= "400"), replies[-1])
        assert lines[-1].split(": ", 1)[1].split(", and the mail is")[0] == final, case.name
        assert code == (0 if final.startswith("2") else 1)


def test_explain_names_each_restriction(pair):
    case = next(case for case in CASES if case.name == "permit_mynetworks, reject-0")
    port = pair.ports["tuvi"][pair.settings.index(pair.key(case))]
    code, lines, _ = explain(pair.servers["tuvi"].root, "--client", "127.2.0.1", "--from", "ada@elsewhere.test",
                             "--to", "bob@local.test", "--helo", "client.test", "--port", str(port))
    assert code == 1
    assert lines[1:] == [
        "smtpd_relay_restrictions: permit_mynetworks goes on: the client is not in mynetworks",
        "smtpd_relay_restrictions: permit_sasl_authenticated goes on: not authenticated",
        "smtpd_relay_restrictions: reject_unauth_destination goes on: local.test is in virtual_mailbox_domains",
        "smtpd_recipient_restrictions: permit_mynetworks goes on: the client is not in mynetworks",
        "smtpd_recipient_restrictions: reject refuses: always",
        "reply to RCPT: 554 5.7.1 <bob@local.test>: Recipient address rejected: Access denied"]


def test_explain_wants_a_case_that_can_be(pair):
    fine = ["--client", "127.2.0.1", "--from", "a@b.test", "--to", "bob@local.test"]
    for wrong in (["--port", "1"], ["--port", "x"], ["--client", "here"], ["--to", ""], ["--from", "a b"], ["--foo"]):
        code, lines, said = explain(pair.servers["tuvi"].root, *fine, *wrong)
        assert (code, lines) == (64, []) and said
