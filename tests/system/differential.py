#!/usr/bin/python3
"""Plays the same sequences of SMTP commands to Tuvi and to a Postfix with the same configuration, and compares what
they reply: codes, enhanced codes where both give them, and where the session ends.

    tests/system/differential.py [--sequences N] [--first SEED] [--jobs N] [--strict] [--seed SEED]

Sequences come from seeds (smtp_grammar.py); --seed plays one and shows both dialogues. What differs on purpose stands
in differences.txt with its reason. --strict, for a long run, also wants that every difference there was met, every
command accepted and refused at least 100 times, and 30 of 100 sequences to end with a message that is queued."""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import socket
import sys
import time

from dovecot import Dovecot
from harness import MINE, STRANGER, Folder, Sink, Tuvi, free_ports
from postfix import Postfix
from smtp_grammar import make_sequence

DIFFERENCES = pathlib.Path(__file__).with_name("differences.txt")
TIMES_MIN = 100
QUEUED_MIN = 0.3
PATIENCE_S = 30
FAREWELLS = ("221", "421", "521")

# No reply is slow, no count ends a session, nothing is delivered far.
COMMON = """\
mydomain = local.test
myorigin = local.test
mynetworks = {mine}/32
virtual_mailbox_domains = local.test
virtual_mailbox_maps = inline:{{bob@local.test=x, carol@local.test=x, dave@local.test=x, bad@local.test=x, later@local.test=x}}
smtpd_tls_security_level = none
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
smtpd_sasl_security_options = noanonymous
broken_sasl_auth_clients = no
smtpd_forbid_bare_newline = normalize
smtpd_forbid_bare_newline_exclusions =
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 10000
smtpd_junk_command_limit = 10000
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_sender_restrictions = check_sender_access inline:{{ {{bad@sender.test=REJECT}}, {{later@sender.test=450 4.7.1 later}} }}
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{bad@local.test=REJECT}}, {{later@local.test=450 4.2.1 later}} }}
smtpd_data_restrictions = check_sender_access inline:{{ {{nodata@sender.test=REJECT}} }}
smtpd_end_of_data_restrictions = check_sender_access inline:{{ {{noend@sender.test=450 4.7.1 not this}} }}
message_size_limit = 8000
"""
POSTFIX = """\
smtputf8_enable = yes
default_transport = discard:
virtual_transport = discard:
relayhost =
fast_flush_domains =
smtpd_client_event_limit_exceptions = static:all
default_process_limit = 50
max_use = 1000
service_throttle_time = 1s
"""
TUVI = "smtpd_tls_auth_only = no\ntuvi_segment_size = 67108864\n"
SERVICES = {"open": "", "strict": " -o smtpd_helo_required=yes -o strict_rfc821_envelopes=yes -o disable_vrfy_command=yes"
                                  " -o smtpd_recipient_limit=2"}


class Pair:
    """Both servers, each with the services, and the Dovecot that both ask for passwords."""

    def __init__(self):
        self.folder = Folder()
        self.sink = Sink()
        self.dovecot = Dovecot(self.folder.path / "auth" / "socket", mode_of_folder=0o755).start()
        common = COMMON.format(mine=MINE, auth=self.dovecot.socket)
        self.ports = {name: dict(zip(SERVICES, free_ports(len(SERVICES)))) for name in ("postfix", "tuvi")}
        self.postfix = Postfix("mx.local", self.sink.port, common + POSTFIX,
                               self.services("postfix") + "discard unix - - n - - discard\n")
        self.tuvi = Tuvi(self.sink.port)
        self.tuvi.configure(self.sink.port, common + TUVI, self.services("tuvi"))

    def services(self, name):
        return "".join(f"127.0.0.1:{port} inet n - n - - smtpd{SERVICES[service]}\n"
                       for service, port in self.ports[name].items())

    def start(self):
        self.postfix.start()
        self.tuvi.start()
        return self

    def close(self):
        for one in (self.postfix, self.tuvi, self.dovecot, self.sink, self.folder):
            one.close()

    def play(self, name, sequence):
        return play(self.ports[name][sequence.service], MINE if sequence.friend else STRANGER, sequence)


# ---- a dialogue ----

class Closed(Exception):
    """The server has closed the connection."""


class Wire:
    def __init__(self, port, source):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0))
        self.file = self.socket.makefile("rb")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass    # what it said before stands in the buffer

    def reply(self):
        """The last line of the reply."""
        while True:
            try:
                line = self.file.readline()
            except ConnectionError:
                line = b""
            if not line.endswith(b"\n"):
                raise Closed
            if line[3:4] != b"-":
                return line.decode("latin-1").rstrip("\r\n")

    def close(self):
        self.file.close()
        self.socket.close()


def play(port, source, sequence):
    """What it was, what was said, and the reply, for each reply. "closed" stands behind one with which a session ends,
    or behind all that was said; "died" where the server left without a word."""
    wire = Wire(port, source)
    talk = []
    try:
        talk.append(("CONNECT", b"", wire.reply()))
        if sequence.way == "burst":
            play_burst(wire, sequence, talk)
        else:
            for group in sequence.groups():
                play_group(wire, group, talk)
    except Closed:
        said_all = sequence.way == "burst" and sum(len(said) for _, said, _ in talk) == len(sequence.burst())
        farewell = talk and talk[-1][2][:3] in FAREWELLS
        talk.append(("CLOSE", b"", "closed" if said_all or farewell else "died"))
    except TimeoutError:
        talk.append(("TIMEOUT", b"", f"silence for {PATIENCE_S} s"))
    finally:
        wire.close()
    return talk


def play_group(wire, group, talk):
    wire.send(b"".join(step.wire for step in group))
    for step in group:
        talk.append((step.verb, step.wire, wire.reply()))
        if step.verb == "DATA" and talk[-1][2].startswith("354"):
            wire.send(step.body)
            talk.append(("END", step.body, wire.reply()))
        responses = list(step.responses)
        while step.verb == "AUTH" and talk[-1][2].startswith("334"):
            response = responses.pop(0) if responses else b"*\r\n"
            wire.send(response)
            talk.append(("AUTH", response, wire.reply()))


def play_burst(wire, sequence, talk):
    said = sequence.burst()
    wire.send(said)
    try:
        wire.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass    # it is gone
    reading = Reading(said)
    while True:
        reply = wire.reply()
        talk.append((*reading.next(talk[-1][2]), reply))


class Reading:
    """Finds what in a stream of bytes each reply is for, as who reads the stream must."""

    VERBS = ("EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "HELP", "ETRN", "STARTTLS", "AUTH",
             "QUIT")

    def __init__(self, stream):
        self.rest = stream

    def take(self, length):
        part, self.rest = self.rest[:length], self.rest[length:]
        return part

    def take_line(self):
        return self.take(self.rest.find(b"\n") + 1 or len(self.rest))

    def next(self, last_reply):
        if last_reply.startswith("354"):
            end = b".\r\n" if self.rest.startswith(b".\r\n") else b"\r\n.\r\n"
            return "END", self.take(self.rest.find(end) + len(end))
        if last_reply.startswith("334"):
            return "AUTH", self.take_line()
        line = self.take_line()
        words = line.decode("latin-1").upper().split()
        verb = words[0] if words and words[0] in self.VERBS else "JUNK"
        if verb == "BDAT" and len(words) > 1 and words[1].isdigit():
            line += self.take(int(words[1]))
        return verb, line


# ---- what differs ----

class Difference:
    def __init__(self, line):
        fields = [one.strip() for one in line.split(" | ")]
        assert len(fields) == 5 and fields[3] in ("same", "stop"), line
        self.said, self.then, self.reason = fields[0], fields[3], fields[4]
        self.postfix, self.tuvi = ("" if one == "*" else one for one in fields[1:3])
        self.after = self.postfix == self.tuvi != ""    # only what follows differs
        self.pattern = re.compile(self.said.encode("latin-1"), re.I | re.S)
        self.count = 0

    def covers(self, said, postfix, tuvi):
        return self.pattern.match(said) and postfix.startswith(self.postfix) and tuvi.startswith(self.tuvi)


def read_differences():
    return [Difference(line) for line in DIFFERENCES.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")]


ENHANCED = re.compile(r"\d\d\d (\d\.\d+\.\d+) ")


def same(one, other):
    if one[:3] != other[:3]:
        return False
    codes = [ENHANCED.match(reply) for reply in (one, other)]
    return None in codes or codes[0][1] == codes[1][1]


def compare(postfix, tuvi, differences):
    """The place where they part without a reason that is known, or None; and the known ones that were met. Behind one
    after which the sessions stand differently nothing is compared."""
    met = []
    for place in range(max(len(postfix), len(tuvi))):
        if place >= len(postfix) or place >= len(tuvi):
            return place, met
        one, other = postfix[place][2], tuvi[place][2]
        agreed = same(one, other)
        known = next((each for each in differences
                      if each.after == agreed and each.covers(postfix[place][1], one, other)), None)
        if known is None and agreed:
            continue
        if known is None:
            return place, met
        met.append(known)
        if known.then == "stop":
            break
    return None, met


# ---- the run ----

class Tally:
    def __init__(self):
        self.sequences = 0
        self.queued = 0
        self.cut_short = 0
        self.ways = collections.Counter()
        self.verbs = collections.Counter()
        self.divergences = []

    def add(self, sequence, talk, stopped):
        self.sequences += 1
        self.ways[sequence.way] += 1
        self.cut_short += stopped
        replies = [reply for verb, _, reply in talk if verb not in ("QUIT", "CLOSE", "CONNECT")]
        self.queued += bool(replies) and "queued as" in replies[-1]
        for verb, _, reply in talk:
            if verb == "END":
                verb = "DATA"   # it is accepted when its message is
            elif reply.startswith("3"):
                continue
            self.verbs[verb, "accepted" if reply.startswith("2") else "refused"] += 1


# What is no command is not accepted, TLS is off, and no domain is one whose mail waits for ETRN.
NEVER_ACCEPTED = ("STARTTLS", "ETRN", "JUNK")
COMMANDS = Reading.VERBS + ("JUNK",)


def shown(sequence, talk, place):
    lines = []
    for number, (_, said, reply) in enumerate(talk):
        mark = ">>" if number == place else "  "
        lines += [f"{mark} C: {said[:120]!r}{'...' if len(said) > 120 else ''}", f"{mark} S: {reply}"]
    return "\n".join(lines)


def describe(sequence, postfix, tuvi, place):
    return "\n".join([
        f"seed {sequence.seed}: service {sequence.service}, {'friend' if sequence.friend else 'stranger'}, "
        f"{sequence.way}", "  Postfix:", shown(sequence, postfix, place), "  Tuvi:", shown(sequence, tuvi, place)])


def run(pair, seeds, jobs=4):
    """The tally, and the differences with their counts."""
    tally, differences = Tally(), read_differences()

    def one(seed):
        sequence = make_sequence(seed)
        return sequence, pair.play("postfix", sequence), pair.play("tuvi", sequence)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for sequence, postfix, tuvi in pool.map(one, seeds):
            place, met = compare(postfix, tuvi, differences)
            for known in met:
                known.count += 1
            tally.add(sequence, tuvi, any(known.then == "stop" for known in met))
            if place is not None:
                tally.divergences.append(describe(sequence, postfix, tuvi, place))
    return tally, differences


def report(tally, differences, seconds):
    lines = [f"{tally.sequences} sequences in {seconds:.0f} s: "
             + ", ".join(f"{count} {way}" for way, count in sorted(tally.ways.items())),
             f"{tally.queued} end with a queued message, {tally.cut_short} were compared up to a known difference only"]
    lines += [f"{verb:9} {tally.verbs[verb, 'accepted']:7} accepted {tally.verbs[verb, 'refused']:7} refused"
              for verb in COMMANDS]
    lines += [f"{known.count:7} times known: {known.reason}" for known in differences]
    return "\n".join(lines + [f"{len(tally.divergences)} divergences"])


def shortcomings(tally, differences):
    """What a long run must show and did not."""
    found = [f"never met, take it out of {DIFFERENCES.name}: {known.said} | {known.reason}"
             for known in differences if known.count == 0]
    for verb in COMMANDS:
        for what, never in (("accepted", NEVER_ACCEPTED), ("refused", ())):
            if verb not in never and tally.verbs[verb, what] < TIMES_MIN:
                found.append(f"{verb} was {what} {tally.verbs[verb, what]} times only")
    if tally.queued < QUEUED_MIN * tally.sequences:
        found.append(f"only {tally.queued} of {tally.sequences} sequences end with a queued message")
    return found


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=10000, metavar="N")
    parser.add_argument("--first", type=int, default=1, metavar="SEED")
    parser.add_argument("--jobs", type=int, default=6, metavar="N")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--seed", type=int, metavar="SEED")
    return parser.parse_args()


def main():
    options = read_options()
    pair = Pair()
    try:
        pair.start()
        if options.seed is not None:
            sequence = make_sequence(options.seed)
            postfix, tuvi = pair.play("postfix", sequence), pair.play("tuvi", sequence)
            print(describe(sequence, postfix, tuvi, compare(postfix, tuvi, read_differences())[0]))
            return 0
        began = time.monotonic()
        tally, differences = run(pair, range(options.first, options.first + options.sequences), options.jobs)
    finally:
        pair.close()
    wrong = shortcomings(tally, differences) if options.strict else []
    print("\n\n".join(tally.divergences))
    print(report(tally, differences, time.monotonic() - began))
    print("".join(f"{sentence}\n" for sentence in wrong), end="")
    return 1 if tally.divergences or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
