"""Lookup tables in files: who is local, who exists, and which domains are ours, in a tuvid that runs. The files can
be read by root alone, because the supervisor reads them for its workers."""
import os
import pwd
import signal

import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi, wait_for
from test_start import EX_CONFIG, errors, line_of, start

FILES = {
    "virtual": "# who has a mailbox\nAda@local.test   x\n\nbob@local.test\n    x\n@all.test x\nall.test x\n",
    "domains": "# one a line\nhere.test, near.test\n!no.test\nhash:{root}/more\n",
    "more": "more.test x\nno.test x\n",
    "networks": "127.0.0.3 the stranger\nif 127.0.0.0/8\n!127.0.0.0/29 others\nendif\n",
    "relay": "/^(ada|bob)@([^.]+)[.]relay[.]test$/ $1\n",
    "aliases": "postbox: ada\n\"Joe\": bob\n",
}

MAIN_CF = """\
virtual_mailbox_domains = local.test, hash:{root}/virtual
virtual_mailbox_maps = hash:{root}/virtual
mynetworks = cidr:{root}/networks
mydestination = {root}/domains
local_transport = smtp:[127.0.0.1]:{sink}
local_recipient_maps = proxy:unix:passwd.byname hash:{root}/aliases
relay_domains = relay.test
relay_recipient_maps = pcre:{root}/relay
recipient_delimiter = +
"""


def write_files(tuvi, sink, **changed):
    more = changed.pop("more", "")
    for name, text in {**FILES, **changed}.items():
        path = tuvi.root / name
        path.write_text(text.replace("{root}", str(tuvi.root)))
        path.chmod(0o600)
    tuvi.configure(sink.port, MAIN_CF.format(root=tuvi.root, sink=sink.port) + more)


@pytest.fixture(scope="module")
def server():
    sink = Sink()
    tuvi = Tuvi(sink.port)
    write_files(tuvi, sink)
    tuvi.sink = sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


def answers(server, recipients, source="127.0.0.9"):
    """What RCPT says about each."""
    client = Client(server.p25, source)
    client.ehlo()
    client.command("MAIL FROM:<x@y.test>")
    said = [client.command(f"RCPT TO:<{recipient}>")[1][0] for recipient in recipients]
    client.close()
    return said


def unknown(recipient, table):
    return f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in {table}"


def test_who_has_no_mailbox_is_refused(server):
    assert answers(server, ["ADA@local.test", "bob+news@local.test", "anybody@all.test", "postmaster@local.test"],
                   STRANGER) == ["250 2.1.5 Ok"] * 4
    assert answers(server, ["carl@local.test", "x@local.test"]) == [
        unknown("carl@local.test", "virtual mailbox table"), unknown("x@local.test", "virtual mailbox table")]
    assert "smtpd_reject_unlisted_recipient: the address is not in virtual_mailbox_maps" in server.wait_log("carl@local.test")


def test_who_is_no_user_of_the_system_and_no_alias_is_refused(server):
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert answers(server, [f"{user}@here.test", f"{user}+x@near.test", "Postbox@more.test", "joe@here.test"],
                   STRANGER) == ["250 2.1.5 Ok"] * 4
    assert answers(server, ["no-such-user@here.test"]) == [unknown("no-such-user@here.test", "local recipient table")]


def test_who_matches_no_pattern_of_relay_recipient_maps_is_refused(server):
    assert answers(server, ["ada@a.relay.test", "Bob@B.Relay.Test"], STRANGER) == ["250 2.1.5 Ok"] * 2
    assert answers(server, ["carl@a.relay.test", "ada+x@a.relay.test"]) == [
        unknown("carl@a.relay.test", "relay recipient table"), unknown("ada+x@a.relay.test", "relay recipient table")]


def test_mynetworks_is_a_table(server):
    assert answers(server, ["x@far.test"], STRANGER) == ["250 2.1.5 Ok"]
    assert answers(server, ["x@far.test"], "127.0.0.9") == ["250 2.1.5 Ok"]
    assert answers(server, ["x@far.test"], MINE) == ["554 5.7.1 <x@far.test>: Relay access denied"]


def test_a_domain_that_a_file_excludes_is_not_ours(server):
    assert answers(server, ["x@no.test"], MINE) == ["554 5.7.1 <x@no.test>: Relay access denied"]


def test_workers_that_take_the_place_of_others_know_the_tables(server):
    old = server.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(server.workers()) == len(old) and not set(old) & set(server.workers()), 20, "other workers")
    assert answers(server, ["ada@local.test", "dora@local.test"]) == [
        "250 2.1.5 Ok", unknown("dora@local.test", "virtual mailbox table")]


def test_mail_to_an_address_from_a_table_arrives(server):
    client = Client(server.p25, STRANGER)
    client.ehlo()
    code, lines = client.message("x@y.test", ["bob@local.test"], "Subject: tables\r\n\r\nhello\r\n")
    assert code == 250, lines
    wait_for(lambda: any("bob@local.test" in message.recipients for message in server.sink.messages), 20, "the mail")
    client.close()


def test_what_is_wrong_in_a_table_is_told_with_its_line(tuvi, sink):
    write_files(tuvi, sink, relay="# patterns\n/(/ x\n", networks="10.0.0.1/8 x\n",
                virtual="ada@local.test x\nada@local.test y\n", more="virtual_alias_domains = /nosuch\n")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    told = "\n".join(errors(said))
    where = line_of(tuvi, "main.cf", "relay_recipient_maps")
    assert f"{where}: relay_recipient_maps: {tuvi.root}/relay, line 2: /(/: missing closing parenthesis" in told
    where = line_of(tuvi, "main.cf", "mynetworks = cidr")
    assert f"{where}: mynetworks: {tuvi.root}/networks, line 1: non-null host address bits in \"10.0.0.1/8\"" in told
    where = line_of(tuvi, "main.cf", "virtual_alias_domains")
    assert f"{where}: virtual_alias_domains: /nosuch: No such file or directory" in told
    assert len(errors(said)) == 3, told
    assert f"tuvid: warning: {tuvi.root}/virtual, line 2: duplicate entry" in said


def test_a_table_that_lets_in_everybody_is_an_open_relay(tuvi, sink):
    write_files(tuvi, sink, networks="0.0.0.0/0 x\n")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    assert "mynetworks holds every address there is: that is an open relay" in said
