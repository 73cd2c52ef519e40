"""Restrictions that ask DNS, once with a real Postfix and once with Tuvi: the same configuration, the same clients and
the same DNS server. Replies and the log's lines about them have to be the same. Postfix asks only whom
/etc/resolv.conf names, so it gets one of its own, in a name space of its own."""
import collections
import contextlib
import os
import re

import pytest

from dns import Dns
from harness import Sink, Tuvi, free_ports, wait_for
from postfix import Postfix
from test_dns_restrictions import RECORDS, V4
from test_proxy import Proxied, line
from test_restrictions import services

COMMON = """\
smtpd_peername_lookup = yes
smtpd_upstream_proxy_protocol = haproxy
mynetworks = 192.0.2.0/25
mydestination = here.test
myorigin = here.test
local_recipient_maps =
local_transport = smtp:[127.0.0.1]:{sink}
relayhost = [127.0.0.1]:{sink}
smtpd_tls_security_level = none
smtpd_sasl_auth_enable = no
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_error_sleep_time = 0
unknown_client_reject_code = 550
rbl_reply_maps = inline:{{ {{dbl.there.example = 521 5.7.9 $$rbl_class $$rbl_what is in $$rbl_domain}} }}
"""
RCPT = "smtpd_recipient_restrictions"
Case = collections.namedtuple("Case", "settings address helo sender recipient")


def case(restrictions, address="192.0.2.7", helo="host.there.example", sender="a@good.there.example",
         recipient="joe@here.test", **more):
    return Case(tuple(sorted({RCPT: restrictions, **more}.items())), address, helo, sender, recipient)


def make_cases():
    cases = []
    for domain in ("good", "host", "six", "nomail", "odd", "bare", "nothere"):
        name = f"{domain}.there.example"
        cases += [case("reject_unknown_sender_domain", sender=f"a@{name}"),
                  case("reject_unknown_recipient_domain", recipient=f"b@{name}"),
                  case("reject_unknown_helo_hostname", helo=name),
                  case("warn_if_reject reject_unknown_sender_domain, reject_unknown_helo_hostname", helo=name,
                       sender=f"a@{name}")]
    for sender in ("", "a", "a@[192.0.2.1]", "a@here.test"):
        cases.append(case("reject_unknown_sender_domain", sender=sender))
    for helo in ("[192.0.2.1]", "no_name", "x..y", "192.0.2.1"):
        cases.append(case("reject_unknown_helo_hostname", helo=helo))
    cases += [case("reject_unknown_sender_domain", sender="a@nothere.there.example", unknown_address_reject_code="550"),
              case("reject_unknown_helo_hostname", helo="nothere.there.example", unknown_hostname_reject_code="550")]
    for address in ("192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11"):
        for restrictions in (
                "reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname",
                "check_client_access inline:{{ {{there.example = 554 known}} }}",
                "check_reverse_client_hostname_access inline:{{ {{there.example = 554 claimed}} }}",
                "reject_rbl_client bl.there.example", "reject_rbl_client bl.there.example=127.0.0.[1;4..9]",
                "reject_rbl_client bl.there.example=127.0.0.2", "reject_rhsbl_client dbl.there.example",
                "reject_rhsbl_reverse_client dbl.there.example", "permit_dnswl_client wl.there.example, reject",
                "permit_rhswl_client dwl.there.example, reject", "warn_if_reject reject_rbl_client bl.there.example"):
            cases.append(case(restrictions, address))
    for recipient in ("joe@here.test", "b@far.test"):
        cases += [case("permit_dnswl_client wl.there.example, reject", recipient=recipient),
                  case("reject_rhsbl_recipient dbl.there.example", recipient=recipient),
                  case("reject_rhsbl_sender dbl.there.example", sender="a@far.test", recipient=recipient),
                  case("reject_rhsbl_helo dbl.there.example", helo="far.test", recipient=recipient)]
    for kind, known in (("mx", "mx.there.example"), ("ns", "ns.there.example"), ("a", "mx.there.example")):
        for table in (f"{known} = REJECT named", "127.0.0.1 = REJECT addressed", "192.0.2 = REJECT near", f"{known} = OK",
                      f"{known} = permit"):
            table = f"inline:{{{{ {{{{{table}}}}} }}}}"
            cases += [case(f"check_sender_{kind}_access {table}, defer"),
                      case(f"check_recipient_{kind}_access {table}", recipient="b@good.there.example"),
                      case(f"check_helo_{kind}_access {table}", helo="mx.there.example"),
                      case(f"check_client_{kind}_access {table}")]
        for sender in ("a@host.there.example", "a@nomail.there.example", "a@nothere.there.example", "a@[192.0.2.1]", ""):
            cases.append(case(f"check_sender_{kind}_access inline:{{{{ {{{{192.0.2 = REJECT near}}}} }}}}", sender=sender))
    for reply in ("$rbl_code 4.7.2 $rbl_class/$rbl_what/$rbl_domain/$rbl_txt/$client/$helo_name/$sender_domain",
                  "550 $client_address${rbl_reason?: $rbl_reason}", "no code at all", "521 5.7.4 go"):
        table = "{ {bl.there.example = " + reply.replace("$", "$$") + "} }"
        cases.append(case("reject_rbl_client bl.there.example",
                          rbl_reply_maps="inline:" + table.replace("{", "{{").replace("}", "}}")))
    return cases


CASES = make_cases()


class Pair:
    def __init__(self):
        # Of several strings of a TXT record Postfix takes the first; both take what is not printable away.
        records = re.sub(r"bl TXT .*", 'bl TXT "because $rbl_what is so"', RECORDS)
        self.dns = Dns({"there.example": records, "2.0.192.in-addr.arpa": V4, "far.test": "@ A 192.0.2.3"},
                       also=f"127.53.{os.getpid() % 250}.{os.getpid() // 250 % 250 + 1}@53")
        self.sink = Sink()
        self.settings = list(dict.fromkeys(one.settings for one in CASES))
        texts = [[(name, value.format()) for name, value in one] for one in self.settings]
        self.ports = {name: free_ports(len(texts)) for name in ("postfix", "tuvi")}
        common = COMMON.format(sink=self.sink.port)
        main, master = services(self.ports["postfix"], texts)
        real = Postfix("real", self.sink.port, common + main, "".join(master))
        (real.root / "resolv.conf").write_text(f"nameserver {self.dns.also.split('@')[0]}\n")
        real.wrapper = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                        real.root / "resolv.conf"]
        self.servers = {"postfix": real}
        main, master = services(self.ports["tuvi"], texts)
        self.servers["tuvi"] = Tuvi(self.sink.port)
        self.servers["tuvi"].configure(self.sink.port,
                                       common + f"tuvi_dns_servers = 127.0.0.1@{self.dns.port}\n" + main,
                                       "".join(master))

    def start(self):
        for one in (self.dns, *self.servers.values()):
            one.start()

    def ask(self, which, one):
        server = self.servers[which]
        before = len(server.log())
        client = Proxied(self.ports[which][self.settings.index(one.settings)], [line(one.address)])
        try:
            client.command(f"EHLO {one.helo}")
            assert client.command(f"MAIL FROM:<{one.sender}>")[0] == 250
            reply = client.command(f"RCPT TO:<{one.recipient}>")
            with contextlib.suppress(ConnectionError):
                client.command("QUIT")  # either server may have ended the session by itself
        finally:
            client.close()
        wait_for(lambda: re.search(r"disconnect from \S+\[", server.log()[before:]), 20, f"{which}'s end of {one}")
        log = re.findall(r"NOQUEUE: ((?:reject|reject_warning): .*)|: (connect from .*)", server.log()[before:])
        return reply[1], log

    def close(self):
        for one in (*self.servers.values(), self.sink, self.dns):
            one.close()


@pytest.fixture(scope="module")
def pair():
    one = Pair()
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="a name space wants root")
@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{dict(one.settings)[RCPT][:60]} {one.address}")
def test_tuvi_says_what_postfix_says(pair, one):
    assert pair.ask("tuvi", one) == pair.ask("postfix", one)
