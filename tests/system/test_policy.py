"""Who may send what to whom: each line of the policy on the three kinds of port, for a client in mynetworks and
for a stranger."""
import base64
import itertools
import re

import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi, free_ports, wait_for

RULES = {
    "defer_unauth_destination": "-o smtpd_relay_restrictions=permit_mynetworks,defer_unauth_destination",
    "defer": "-o smtpd_relay_restrictions=permit_mynetworks,defer",
    "reject": "-o smtpd_relay_restrictions=reject",
    "permit": "-o smtpd_relay_restrictions=reject_unauth_destination,permit,reject",
    "recipients": "-o smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination"
                  " -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
    "old": "-o smtpd_relay_restrictions="
           " -o smtpd_recipient_restrictions=permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination",
    "after": "-o smtpd_relay_before_recipient_restrictions=no -o smtpd_recipient_restrictions=permit_mynetworks,defer",
}

numbers = itertools.count()


@pytest.fixture(scope="module")
def server():
    sink = Sink()
    ports = dict(zip(RULES, free_ports(len(RULES))))
    tuvi = Tuvi(sink.port, more_services="".join(
        f"127.0.0.1:{ports[name]} inet n - n - - smtpd {options}\n" for name, options in RULES.items()))
    tuvi.ports = dict(ports, relay=tuvi.p25, submission=tuvi.p587, submissions=tuvi.p465)
    tuvi.sink = sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


@pytest.fixture
def connect(server):
    """Opens a session on a port, and says EHLO; with `tls` it goes on under TLS, with `login` as alice."""
    clients = []

    def make(port="relay", source=STRANGER, tls=False, login=False):
        client = Client(server.ports[port], source, wrapped=port == "submissions")
        clients.append(client)
        client.ehlo()
        if (tls or login) and port != "submissions":
            client.starttls()
        if login:
            assert client.auth_plain() == (235, ["235 2.7.0 Authentication successful"])
        return client
    yield make
    for client in clients:
        client.close()


def someone(domain):
    """An address that no other test uses."""
    return f"someone-{next(numbers)}@{domain}"


def send(client, recipient, sender="ada@local.test"):
    return client.message(sender, [recipient], "Subject: x\r\n\r\nhello\r\n")


def assert_arrives(server, recipient):
    wait_for(lambda: any(recipient in message.recipients for message in server.sink.messages), 20,
             f"the arrival of mail for {recipient}")


def refusal_in_log(server, recipient):
    """What the log says about a refused recipient: the line that programs read, and the one for people."""
    def look():
        lines = server.log().splitlines()
        for i, line in enumerate(lines):
            if f"to=<{recipient}>" in line and "reject:" in line:
                process = re.search(r"\[\d+\]:", line).group()
                explain = [later for later in lines[i:] if process in later and "explain:" in later]
                return explain and (line.split(": ", 1), explain[0].split("NOQUEUE: explain: ")[1])
        return None
    (who, line), explain = wait_for(look, 20, f"the refusal of {recipient} in the log")
    return re.sub(r"\[\d+\]", "", who.split()[-1]), line, explain


# ---- the relay port ----

@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_relay_port_relays_for_mynetworks(server, connect, tls):
    recipient = someone("remote.test")
    assert send(connect(source=MINE, tls=tls), recipient)[0] == 250
    assert_arrives(server, recipient)


def test_the_relay_port_relays_for_a_stranger_who_logged_in(server, connect):
    recipient = someone("remote.test")
    assert send(connect(login=True), recipient)[0] == 250
    assert_arrives(server, recipient)


@pytest.mark.parametrize("source", [MINE, STRANGER])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_relay_port_takes_mail_for_its_own_domain_from_anyone(server, connect, source, tls):
    for sender in ("ada@elsewhere.test", "", "bob@local.test"):
        recipient = someone("local.test")
        assert send(connect(source=source, tls=tls), recipient, sender)[0] == 250
        assert_arrives(server, recipient)


def test_the_relay_port_refuses_to_relay_for_a_stranger_and_says_why(server, connect):
    recipient = someone("remote.test")
    assert send(connect(), recipient) == (554, [f"554 5.7.1 <{recipient}>: Relay access denied"])
    assert refusal_in_log(server, recipient) == (
        "postfix/smtpd",
        f"NOQUEUE: reject: RCPT from unknown[127.0.0.3]: 554 5.7.1 <{recipient}>: Relay access denied; "
        f"from=<ada@local.test> to=<{recipient}> proto=ESMTP helo=<client.test>",
        "smtpd_relay_restrictions: permit_mynetworks: the client is not in mynetworks; permit_sasl_authenticated: not "
        "authenticated: AUTH is not offered without TLS; reject_unauth_destination: remote.test is no domain of ours: "
        "not in mydestination, virtual_mailbox_domains, virtual_alias_domains or relay_domains;")


def test_the_relay_port_refuses_a_stranger_under_tls_who_did_not_log_in(server, connect):
    recipient = someone("remote.test")
    assert send(connect(tls=True), recipient) == (554, [f"554 5.7.1 <{recipient}>: Relay access denied"])
    assert "permit_sasl_authenticated: not authenticated; " in refusal_in_log(server, recipient)[2]


def test_a_sender_of_our_own_domain_opens_no_door(connect):
    for sender in ("postmaster@local.test", "alice@local.test", "", "root"):
        recipient = someone("remote.test")
        assert send(connect(), recipient, sender)[1] == [f"554 5.7.1 <{recipient}>: Relay access denied"]


def test_a_wrong_password_opens_no_door(connect):
    client = connect(tls=True)
    assert client.auth_plain(password="builder")[0] == 535
    recipient = someone("remote.test")
    assert send(client, recipient)[1] == [f"554 5.7.1 <{recipient}>: Relay access denied"]


def test_a_login_ends_with_its_session(connect):
    connect(login=True).quit()
    recipient = someone("remote.test")
    assert send(connect(tls=True), recipient)[0] == 554


def test_a_refused_recipient_takes_nothing_from_the_others(server, connect):
    ours, theirs = someone("local.test"), someone("remote.test")
    client = connect()
    assert client.command("MAIL FROM:<ada@elsewhere.test>")[0] == 250
    assert client.command(f"RCPT TO:<{theirs}>")[0] == 554
    assert client.command(f"RCPT TO:<{ours}>")[0] == 250
    assert client.command("DATA")[0] == 354
    client.send("Subject: x\r\n\r\n.\r\n")
    assert client.reply()[0] == 250
    assert_arrives(server, ours)
    assert [m.recipients for m in server.sink.messages if ours in m.recipients] == [[ours]]


def test_no_data_is_taken_when_every_recipient_was_refused(connect):
    client = connect()
    client.send(f"MAIL FROM:<ada@elsewhere.test>\r\nRCPT TO:<{someone('remote.test')}>\r\nDATA\r\nNOOP\r\n")
    assert [client.reply()[1][0][:10] for _ in range(4)] == ["250 2.1.0 ", "554 5.7.1 ", "554 5.5.1 ", "250 2.0.0 "]


# ---- the ports for people ----

SUBMISSION = ["submission", "submissions"]


@pytest.mark.parametrize("port", SUBMISSION)
@pytest.mark.parametrize("source", [MINE, STRANGER])
def test_submission_takes_mail_from_who_logged_in(server, connect, port, source):
    for domain in ("remote.test", "local.test"):
        recipient = someone(domain)
        assert send(connect(port, source, login=True), recipient)[0] == 250
        assert_arrives(server, recipient)


@pytest.mark.parametrize("source", [MINE, STRANGER])
def test_submission_takes_nothing_before_starttls(connect, source):
    client = connect("submission", source)
    for line in ("MAIL FROM:<ada@local.test>", "RCPT TO:<bob@local.test>", "DATA", "RSET", "VRFY bob"):
        assert client.command(line) == (530, ["530 5.7.0 Must issue a STARTTLS command first"])


@pytest.mark.parametrize("port", SUBMISSION)
@pytest.mark.parametrize("source", [MINE, STRANGER])
def test_submission_takes_nothing_before_auth_not_even_from_mynetworks(server, connect, port, source):
    for domain in ("remote.test", "local.test"):
        recipient = someone(domain)
        assert send(connect(port, source, tls=True), recipient) == \
            (554, [f"554 5.7.1 <{recipient}>: Recipient address rejected: Access denied"])
        name, line, explain = refusal_in_log(server, recipient)
        assert name == {"submission": "postfix/submission/smtpd", "submissions": "postfix/smtps/smtpd"}[port]
        assert line == (f"NOQUEUE: reject: RCPT from unknown[{source}]: 554 5.7.1 <{recipient}>: Recipient address "
                        f"rejected: Access denied; from=<ada@local.test> to=<{recipient}> proto=ESMTP "
                        "helo=<client.test>")
        assert explain == \
            "smtpd_relay_restrictions: permit_sasl_authenticated: not authenticated; reject: always;"


@pytest.mark.parametrize("port", SUBMISSION)
def test_submission_takes_nothing_after_a_wrong_password(connect, port):
    client = connect(port, MINE, tls=True)
    assert client.auth_plain(password="builder")[0] == 535
    assert send(client, someone("local.test"))[0] == 554


# ---- AUTH ----

def offers(client, word):
    return [line for line in client.ehlo() if line.upper().startswith(word)]


@pytest.mark.parametrize("source", [MINE, STRANGER])
@pytest.mark.parametrize("port,reply", [("relay", "503 5.5.1 Error: authentication not enabled"),
                                        ("submission", "530 5.7.0 Must issue a STARTTLS command first")])
def test_auth_is_neither_offered_nor_taken_without_tls(connect, source, port, reply):
    client = connect(port, source)
    assert offers(client, "AUTH") == []
    assert client.auth_plain()[1] == [reply]
    assert client.command("AUTH LOGIN")[1] == [reply]
    assert client.command("AUTH LOGIN " + base64.b64encode(b"alice").decode())[1] == [reply]
    assert client.command("AUTH")[1] == [reply]
    client.send("AUTH PLAIN\r\nAGFsaWNlAHdvbmRlcmxhbmQ=\r\n")
    assert client.reply()[1] == [reply]
    assert client.reply()[0] in (500, 530)
    assert send(client, someone("remote.test"))[0] == {("relay", MINE): 250, ("relay", STRANGER): 554}.get(
        (port, source), 530)


@pytest.mark.parametrize("port", ["relay", "submission", "submissions"])
def test_auth_is_offered_under_tls_in_both_forms(connect, port):
    client = connect(port, tls=True)
    assert offers(client, "AUTH") == ["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]


@pytest.mark.parametrize("port", ["relay", "submission", "submissions"])
def test_nobody_logs_in_as_anonymous(connect, port):
    client = connect(port, tls=True)
    assert not any("ANONYMOUS" in line.upper() for line in client.ehlo())
    for line in ("AUTH ANONYMOUS", "AUTH ANONYMOUS " + base64.b64encode(b"eve@remote.test").decode(),
                 "auth anonymous ="):
        code, lines = client.command(line)
        assert (code, lines) == (535, ["535 5.7.8 Error: authentication failed: Invalid authentication mechanism"])
    assert client.command("MAIL FROM:<eve@remote.test>")[0] == 250
    assert client.command(f"RCPT TO:<{someone('remote.test')}>")[0] == 554


@pytest.mark.parametrize("port", ["relay", "submission", "submissions"])
def test_an_empty_name_or_password_is_no_login(connect, port):
    for token in (b"\0\0", b"\0alice\0", b"\0\0wonderland", b"alice\0\0wonderland", b"\0alice\0wonderland\0"):
        client = connect(port, tls=True)
        code, lines = client.command("AUTH PLAIN " + base64.b64encode(token).decode())
        assert code in (501, 535), (token, lines)
        assert send(client, someone("remote.test"))[0] == 554


def test_logging_in_twice_is_refused(connect):
    client = connect("submission", login=True)
    assert client.auth_plain() == (503, ["503 5.5.1 Error: already authenticated"])


def test_auth_inside_a_transaction_is_refused(connect):
    client = connect("submissions")
    assert client.command("MAIL FROM:<ada@local.test>")[0] == 250
    assert client.auth_plain() == (503, ["503 5.5.1 Error: MAIL transaction in progress"])


# ---- the rules ----

def test_defer_unauth_destination_says_454(server, connect):
    recipient = someone("remote.test")
    assert send(connect("defer_unauth_destination"), recipient) == \
        (454, [f"454 4.7.1 <{recipient}>: Relay access denied"])
    _, line, explain = refusal_in_log(server, recipient)
    assert f": 454 4.7.1 <{recipient}>: Relay access denied; from=" in line
    assert "defer_unauth_destination: remote.test is no domain of ours" in explain
    for source, domain in ((STRANGER, "local.test"), (MINE, "remote.test")):
        assert send(connect("defer_unauth_destination", source), someone(domain))[0] == 250


def test_defer_puts_everybody_off(server, connect):
    for domain in ("remote.test", "local.test"):
        recipient = someone(domain)
        assert send(connect("defer"), recipient) == \
            (450, [f"450 4.3.2 <{recipient}>: Recipient address rejected: Try again later"])
        assert refusal_in_log(server, recipient)[2].endswith(" defer: always;")
    assert send(connect("defer", MINE), someone("remote.test"))[0] == 250


def test_reject_turns_everybody_away(connect):
    for source, domain in itertools.product((MINE, STRANGER), ("remote.test", "local.test")):
        recipient = someone(domain)
        assert send(connect("reject", source), recipient) == \
            (554, [f"554 5.7.1 <{recipient}>: Recipient address rejected: Access denied"])


def test_permit_ends_its_list(connect):
    assert send(connect("permit"), someone("local.test"))[0] == 250
    assert send(connect("permit"), someone("remote.test"))[0] == 554
    assert send(connect("permit", MINE), someone("remote.test"))[0] == 554


def test_a_permit_in_one_list_does_not_silence_the_other(server, connect):
    for source, domain in ((MINE, "remote.test"), (MINE, "local.test"), (STRANGER, "local.test")):
        recipient = someone(domain)
        assert send(connect("recipients", source), recipient) == \
            (554, [f"554 5.7.1 <{recipient}>: Recipient address rejected: Access denied"])
        assert "smtpd_recipient_restrictions: permit_sasl_authenticated: not authenticated" in \
            refusal_in_log(server, recipient)[2]
    assert send(connect("recipients", login=True), someone("local.test"))[0] == 250
    assert send(connect("recipients", MINE, login=True), someone("remote.test"))[0] == 250
    assert send(connect("recipients", login=True), someone("remote.test"))[1][0].endswith("Relay access denied")


def test_the_old_way_with_recipient_restrictions_alone_protects_too(connect):
    assert send(connect("old"), someone("remote.test"))[1][0].endswith(">: Relay access denied")
    assert send(connect("old"), someone("local.test"))[0] == 250
    assert send(connect("old", MINE), someone("remote.test"))[0] == 250
    assert send(connect("old", login=True), someone("remote.test"))[0] == 250


def test_recipient_restrictions_can_come_first(server, connect):
    recipient = someone("remote.test")
    assert send(connect("after"), recipient)[0] == 450  # and not 554
    assert refusal_in_log(server, recipient)[2].startswith("smtpd_recipient_restrictions: ")


# ---- tricks ----

TRICKS = [
    "<@local.test:victim@remote.test>",
    "<@mx.local.test,@local.test:victim@remote.test>",
    "<@local.test:victim%remote.test@local.test>",
    "<@remote.test:victim%remote.test@local.test>",
    "<victim%remote.test@local.test>",
    "<victim%remote.test%other.test@local.test>",
    "<victim%remote.test@mx.local.test>",
    "<victim%remote.test@[127.0.0.1]>",
    "<victim%remote.test>",
    "<remote.test!victim@local.test>",
    "<remote.test!victim>",
    "<other.test!remote.test!victim@local.test>",
    "<victim%other.test!remote.test@local.test>",
    '<"victim@remote.test"@local.test>',
    '<"victim@remote.test">',
    '<"victim%remote.test"@local.test>',
    '<"remote.test!victim"@local.test>',
    '<"victim\\@remote.test"@local.test>',
    '<"@remote.test:victim"@local.test>',
    '<"victim"@remote.test>',
    "<victim@remote.test@local.test>",
    "<victim@local.test@remote.test>",
    "<victim@remote.test%local.test>",
    "<victim@remote.test:25@local.test>",
    "<victim\\@remote.test@local.test>",
    "<victim@remote.test,alice@local.test>",
    "<victim@remote.test> <alice@local.test>",
    "<alice@local.test>victim@remote.test",
    "<victim@remote.test\0@local.test>",
    "<victim@remote.test\r@local.test>",
    "<victim@remote.test.>",
    "<victim@local.test.remote.test>",
    "<victim@sub.local.test>",
    "<victim@[127.0.0.1]>",
    "<victim@[IPv6:::1]>",
    "<victim@127.0.0.1>",
    "<victim@>",
    "<@remote.test>",
    "<@remote.test:>",
    "victim@remote.test",
    "victim%remote.test@local.test",
    "<<victim@remote.test>>",
    "<victim@remote.test",
    "<>",
    "< >",
]


@pytest.mark.parametrize("trick", TRICKS, ids=ascii)
def test_a_stranger_cannot_relay_with(server, connect, trick):
    before = len(server.sink.messages)
    for port in ("relay", "defer_unauth_destination"):
        client = connect(port)
        assert client.command("MAIL FROM:<eve@elsewhere.test>")[0] == 250
        code, lines = client.command(f"RCPT TO:{trick}")
        assert code in (454, 501, 554, 555) and (code != 554 or port == "relay"), lines
        assert client.command("DATA")[0] in (503, 554)
    assert not [m for m in server.sink.messages[before:] if m.sender == "eve@elsewhere.test"]


def test_a_source_route_to_our_own_domain_is_cut_off(server, connect):
    recipient = someone("local.test")
    client = connect()
    assert client.command("MAIL FROM:<@one.test,@two.test:ada@elsewhere.test>")[0] == 250
    assert client.command(f"RCPT TO:<@remote.test,@other.test:{recipient}>")[0] == 250
    assert client.command("DATA")[0] == 354
    client.send("Subject: x\r\n\r\n.\r\n")
    assert client.reply()[0] == 250
    assert_arrives(server, recipient)
    assert [m.sender for m in server.sink.messages if recipient in m.recipients] == ["ada@elsewhere.test"]


def test_an_address_without_a_domain_is_at_home_here(server, connect):
    for name in ("postmaster", "Postmaster", f"someone-{next(numbers)}"):
        assert send(connect(), name, "ada@elsewhere.test")[0] == 250
        assert_arrives(server, f"{name}@local.test")


# ---- what is said in the clear behind STARTTLS ----

def session_log(server, address):
    """All that the log says about the sessions from an address, once they have ended."""
    lines = wait_for(lambda: f"disconnect from unknown[{address}]" in server.log() and server.log(), 20,
                     "the end of the session").splitlines()
    return "\n".join(line for line in lines if f"[{address}]" in line)


@pytest.mark.parametrize("port", ["relay", "submission"])
@pytest.mark.parametrize("behind", [
    "RSET\r\n",
    "EHLO evil.test\r\n",
    "MAIL FROM:<eve@elsewhere.test>\r\nRCPT TO:<victim@local.test>\r\nDATA\r\nSubject: x\r\n\r\nbad\r\n.\r\n",
    "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=\r\n",
    "x",
    "\r\n",
], ids=["RSET", "EHLO", "a message", "AUTH", "half a line", "an empty line"])
def test_plaintext_behind_starttls_closes_the_connection_and_is_never_executed(server, connect, port, behind):
    address = f"127.1.1.{next(numbers) % 250 + 1}"
    client = connect(port, address)
    client.send("STARTTLS\r\n" + behind)
    assert client.reply() == (220, ["220 2.0.0 Ready to start TLS"])
    assert client.file.read() == b""  # nothing is answered any more
    log = session_log(server, address)
    assert f"warning: improper command pipelining after STARTTLS from unknown[{address}]" in log
    assert log.endswith(f"disconnect from unknown[{address}] ehlo=1 starttls=1 commands=2")
    assert not [message for message in server.sink.messages if message.sender == "eve@elsewhere.test"]


@pytest.mark.parametrize("port", ["relay", "submission"])
def test_plaintext_in_the_place_of_the_handshake_is_never_executed(server, connect, port):
    address = f"127.1.2.{next(numbers) % 250 + 1}"
    client = connect(port, address)
    assert client.command("STARTTLS")[0] == 220
    client.send("MAIL FROM:<eve@elsewhere.test>\r\nRCPT TO:<victim@local.test>\r\nDATA\r\nbad\r\n.\r\nQUIT\r\n")
    answer = client.file.read()  # perhaps an alert of TLS, and then the end
    assert b"250" not in answer and b"354" not in answer
    log = session_log(server, address)
    assert f"SSL_accept error from unknown[{address}]: " in log
    assert log.endswith(f"disconnect from unknown[{address}] ehlo=1 starttls=1 commands=2")
