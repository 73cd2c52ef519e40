"""Sequences of SMTP commands from a seed: most of what is said is sensible, some of it nearly so, some not at all.

A sequence is played in one of three ways. "steps" waits for each reply, "groups" sends several commands in one write
and waits at the end of each group (RFC 2920 §3.1), "burst" sends everything at once, content included, whether or not
it is wanted, and closes its half of the connection."""
import base64
import random
from dataclasses import dataclass, field

SENDERS = ["<ada@local.test>", "<ada@sender.test>", "<>", "<Ada.Lovelace+tag@sender.test>", "<ada@[192.0.2.1]>",
           "<\"ada love\"@sender.test>", "<ada>", "<@relay.test:ada@sender.test>", "ada@sender.test"]
REFUSED_SENDERS = ["<bad@sender.test>", "<later@sender.test>"]
LATE_SENDERS = ["<nodata@sender.test>", "<noend@sender.test>"]      # refused at DATA, and at its end
RECIPIENTS = ["<bob@local.test>", "<carol@local.test>", "<Bob@LOCAL.test>", "<postmaster>", "<dave@local.test>"]
RELAYED = ["<bob@far.test>", "<x+y@far.test>", "<bob@[192.0.2.1]>"]
REFUSED_RECIPIENTS = ["<nobody@local.test>", "<bad@local.test>", "<later@local.test>"]
ODD_PATHS = ["", "<", ">", "<>x", "ada@sender.test", "<ada@sender.test", "ada@sender.test>", "<ada@@sender.test>", "<@>",
             "<ada@>", "<@sender.test>", "<ada@sender..test>", "<ada@-sender.test>", "<a..b@sender.test>",
             "<.a@sender.test>", "<a.@sender.test>", "<ada@sender.test> <bob@local.test>", "<a b@sender.test>",
             "<ada@sender.test>X", "<<ada@sender.test>>", "<\"ada@sender.test>", "<ada%far.test@local.test>",
             "<far.test!ada@local.test>", "<" + "a" * 80 + "@sender.test>", "<ada@" + "b" * 80 + ".test>",
             "<ada@sender.test.>", "<ada@[1.2.3]>", "<ada@[IPv6:::1]>", "<ada@1.2.3.4>", "<ada@sender_x.test>",
             "Ada <ada@sender.test>", "<ada@sender.test>,<bob@local.test>", "<\xe4@sender.test>", "<ada@s\xe4nder.test>",
             "<ada(comment)@sender.test>", "<ada;x@sender.test>", "<\"\"@sender.test>", "< ada@sender.test >"]
MAIL_OPTIONS = ["SIZE=100", "SIZE=0", "BODY=7BIT", "BODY=8BITMIME", "size=10", "Body=8bitMIME"]
ODD_MAIL_OPTIONS = ["SIZE=99999999999", "SIZE=many", "SIZE=", "SIZE", "BODY=BINARYMIME", "BODY=", "BODY", "FOO", "FOO=BAR",
                    "AUTH=<>", "AUTH=ada", "RET=FULL", "RET=ALL", "ENVID=x", "SMTPUTF8", "NOTIFY=NEVER", "=", "SIZE=-1",
                    "REQUIRETLS", "XVERP"]
ODD_RCPT_OPTIONS = ["NOTIFY=NEVER", "NOTIFY=SUCCESS,NEVER", "ORCPT=rfc822;x", "FOO", "SIZE=1", "=", "NOTIFY="]
HOSTS = ["client.test", "[192.0.2.1]", "localhost", "CLIENT.test", "a", "[IPv6:2001:db8::1]"]
ODD_HOSTS = ["-x-", "a b c", "_", "..", "client.test.", "<client>", "\xe4.test", "x" * 300]
BODIES = [b"Subject: hello\r\n\r\nhello\r\n", b"Subject: dots\r\n\r\n..\r\n..x\r\n", b"no header\r\n", b"", b"\r\n",
          b"Subject: many\r\n\r\n" + b"0123456789" * 9 + b"\r\n" + b"a line of words\r\n" * 60, b"\r\nbody only\r\n",
          b"Subject: x\r\n folded\r\n\r\n\xe4\xff\x00 bytes\r\n", b"Subject: long\r\n\r\n" + b"x" * 3000 + b"\r\n"]
LARGE = b"Subject: large\r\n\r\n" + b"every line has the same words\r\n" * 350
JUNK = ["", " ", "\t", "FOO", "foo bar", "EXPN staff", "HELLO client.test", "MAILFROM:<ada@local.test>", "QUIT!", "\x00",
        "NO OP", "SEND FROM:<a@b.test>", "TURN", "A", "=", "354 go", "250 2.0.0 Ok", "\xe4\xf6", "XCLIENT ADDR=192.0.2.1",
        "XFORWARD ADDR=192.0.2.1", "XCLIENT", "XFORWARD", "F" * 3000, "MAIL" + "\x00" + "FROM:<a@b>"]
RUDE = ["GET / HTTP/1.1", "POST / HTTP/1.0", "CONNECT x:25 HTTP/1.0", "-bogus", "<html>", "Subject: hello", "123", "(x"]


@dataclass
class Step:
    verb: str                   # what it is counted as
    wire: bytes                 # the line, and behind BDAT the chunk
    body: bytes = None          # behind the 354, its end included
    responses: list = field(default_factory=list)   # to each 334

    @property
    def ends_group(self):
        return self.verb in ("DATA", "AUTH", "QUIT", "EHLO", "HELO", "VRFY", "NOOP", "HELP", "ETRN", "STARTTLS", "JUNK")


@dataclass
class Sequence:
    seed: int
    service: str
    friend: bool                # the client is in mynetworks
    way: str
    steps: list

    def groups(self):
        """The writes; the client waits behind each."""
        chance = random.Random(self.seed)
        most = {"steps": 1, "groups": 6, "burst": 1}[self.way]
        group, size = [], chance.randint(1, most)
        for step in self.steps:
            group.append(step)
            if len(group) >= size or (step.ends_group and chance.random() < 0.8) or step.verb in ("DATA", "AUTH"):
                yield group
                group, size = [], chance.randint(1, most)
        if group:
            yield group

    def burst(self):
        return b"".join(step.wire + (step.body or b"") + b"".join(step.responses) for step in self.steps)


def base(text):
    return base64.b64encode(text.encode("latin-1")) + b"\r\n"


class Speaker:
    """Chooses what is said next."""

    def __init__(self, chance, friend):
        self.chance = chance
        self.friend = friend

    def pick(self, *weighted):
        """pick((3, "a"), (1, "b")): a three times as often."""
        return self.chance.choices([one for _, one in weighted], [weight for weight, _ in weighted])[0]

    def line(self, verb, text, **more):
        if self.chance.random() < 0.1:
            text = text.lower() if self.chance.random() < 0.5 else text + " " * self.chance.randint(1, 3)
        end = "\n" if self.chance.random() < 0.02 else "\r\n"
        return Step(verb, (text + end).encode("latin-1"), **more)

    @staticmethod
    def too_long(verb):
        return verb + " x" * 1200

    # ---- greetings ----

    def greeting(self, verb):
        host = self.pick((12, self.chance.choice(HOSTS)), (2, self.chance.choice(ODD_HOSTS)), (2, ""))
        return self.line(verb, f"{verb} {host}".rstrip(" ") if host == "" else f"{verb} {host}")

    def ehlo(self):
        return self.greeting("EHLO")

    def helo(self):
        return self.greeting("HELO")

    # ---- the envelope ----

    def options(self, good, odd):
        if self.chance.random() < 0.7:
            return ""
        chosen = [self.chance.choice(good)] if good and self.chance.random() < 0.7 else [self.chance.choice(odd)]
        if self.chance.random() < 0.1:
            chosen.append(self.chance.choice(good + odd))
        return "".join(" " + one for one in chosen)

    def mail(self):
        if self.chance.random() < 0.06:
            return self.line("MAIL", self.chance.choice(["MAIL", "MAIL FROM", "MAIL FROM:", "MAIL TO:<a@b.test>",
                                                         "MAIL <a@b.test>", "MAIL  FROM : <a@b.test>", "MAIL FROM:  "]))
        sender = self.pick((12, self.chance.choice(SENDERS)), (2, self.chance.choice(REFUSED_SENDERS)),
                           (2, self.chance.choice(LATE_SENDERS)), (3, self.chance.choice(ODD_PATHS)))
        keyword = self.pick((8, "MAIL FROM:"), (1, "MAIL FROM: "), (1, "Mail From:"))
        return self.line("MAIL", keyword + sender + self.options(MAIL_OPTIONS, ODD_MAIL_OPTIONS))

    def rcpt(self):
        if self.chance.random() < 0.06:
            return self.line("RCPT", self.chance.choice(["RCPT", "RCPT TO", "RCPT TO:", "RCPT FROM:<a@b.test>",
                                                         "RCPT <a@b.test>", "RCPT TO:<>", "RCPT  TO:<bob@local.test>"]))
        recipient = self.pick((12, self.chance.choice(RECIPIENTS)), (4, self.chance.choice(RELAYED)),
                              (3, self.chance.choice(REFUSED_RECIPIENTS)), (3, self.chance.choice(ODD_PATHS)))
        keyword = self.pick((8, "RCPT TO:"), (1, "RCPT TO: "), (1, "Rcpt To:"))
        options = self.options([], ODD_RCPT_OPTIONS) if self.chance.random() < 0.3 else ""
        return self.line("RCPT", keyword + recipient + options)

    # ---- content ----

    def data(self):
        body = self.pick((12, self.chance.choice(BODIES)), (1, LARGE)) + b".\r\n"
        line = self.pick((14, "DATA"), (1, "DATA now"))
        return self.line("DATA", line, body=body)

    def bdat(self):
        chunk = self.pick((12, self.chance.choice(BODIES)), (1, LARGE))
        if self.chance.random() < 0.05:
            wrong = self.chance.choice(["BDAT", "BDAT x", "BDAT -1", "BDAT 5 LASTING", "BDAT 5 LAST x", "BDAT LAST",
                                        "BDAT 99999999999999999999"])
            return self.line("BDAT", wrong)
        last = self.pick((5, ""), (4, " LAST"), (1, " last"))
        if self.chance.random() < 0.08:
            chunk = b""
        return Step("BDAT", b"BDAT %d%s\r\n" % (len(chunk), last.encode()) + chunk)

    # ---- the others ----

    def rset(self):
        return self.line("RSET", self.pick((6, "RSET"), (1, "RSET now")))

    def noop(self):
        return self.line("NOOP", self.pick((16, "NOOP"), (4, "NOOP please"), (2, self.too_long("NOOP"))))

    def vrfy(self):
        return self.line("VRFY", self.pick((4, "VRFY bob@local.test"), (2, "VRFY"), (1, "VRFY <bob@local.test>"),
                                           (1, "VRFY bob@far.test"), (1, "VRFY nobody@local.test"), (1, "VRFY bob"),
                                           (1, "VRFY bob carol"), (1, "VRFY <>")))

    def help(self):
        return self.line("HELP", self.pick((16, "HELP"), (4, "HELP mail"), (2, self.too_long("HELP"))))

    def etrn(self):
        return self.line("ETRN", self.pick((3, "ETRN local.test"), (1, "ETRN"), (1, "ETRN @local.test"), (1, "ETRN -x-"),
                                           (1, "ETRN a b"), (1, "ETRN #x")))

    def starttls(self):
        return self.line("STARTTLS", self.pick((3, "STARTTLS"), (1, "STARTTLS now")))

    def auth(self):
        good, bad = "\0alice\0wonderland", "\0alice\0looking-glass"
        plain = self.pick((5, good), (2, bad), (1, "\0\0"), (1, "x"))
        line, responses = self.pick(
            (4, ("AUTH PLAIN " + base(plain).decode().strip(), [])),
            (2, ("AUTH PLAIN", [base(plain)])),
            (2, ("AUTH LOGIN", [base("alice"), base(plain.split("\0")[-1])])),
            (1, ("AUTH LOGIN " + base("alice").decode().strip(), [base("wonderland")])),
            (1, ("AUTH PLAIN", [b"*\r\n"])), (1, ("AUTH LOGIN", [base("alice"), b"*\r\n"])),
            (1, ("AUTH PLAIN", [b"!!!!\r\n"])), (1, ("AUTH PLAIN ====", [])), (1, ("AUTH PLAIN =", [])),
            (1, ("AUTH", [])), (1, ("AUTH NONESUCH", [])), (1, ("AUTH PLAIN a b", [])), (1, ("AUTH PLAIN", [b"\r\n"])))
        end = "\r\n"
        return Step("AUTH", (line + end).encode(), responses=responses)

    def quit(self):
        return self.line("QUIT", self.pick((18, "QUIT"), (3, "QUIT now"), (1, self.too_long("QUIT"))))

    def junk(self):
        text = self.chance.choice(JUNK) if self.chance.random() < 0.97 else self.chance.choice(RUDE)
        return Step("JUNK", text.encode("latin-1") + b"\r\n")

    def anything(self):
        return self.pick((3, self.ehlo), (2, self.helo), (8, self.mail), (10, self.rcpt), (5, self.data), (5, self.bdat),
                         (3, self.rset), (2, self.noop), (2, self.vrfy), (2, self.help), (2, self.etrn), (2, self.starttls),
                         (3, self.auth), (0.4, self.quit), (3, self.junk))()

    # ---- a whole transaction ----

    def transaction(self):
        """One that should end well, though what went before it may not let it."""
        yield self.pick((2, Step("RSET", b"RSET\r\n")), (3, Step("EHLO", b"EHLO client.test\r\n")))
        yield Step("MAIL", b"MAIL FROM:<ada@sender.test>\r\n")
        recipients = RECIPIENTS + RELAYED if self.friend else RECIPIENTS
        for _ in range(self.chance.choice([1, 1, 1, 2])):
            yield Step("RCPT", f"RCPT TO:{self.chance.choice(recipients)}\r\n".encode())
        body = self.chance.choice(BODIES)
        if self.chance.random() < 0.6:
            yield Step("DATA", b"DATA\r\n", body=body + b".\r\n")
            return
        cut = self.chance.randint(0, len(body))
        if cut > 0:
            yield Step("BDAT", b"BDAT %d\r\n" % cut + body[:cut])
        yield Step("BDAT", b"BDAT %d LAST\r\n" % (len(body) - cut) + body[cut:])


def make_sequence(seed):
    chance = random.Random(seed)
    friend = chance.random() < 0.7
    speaker = Speaker(chance, friend)
    steps = []
    if chance.random() < 0.85:
        steps.append(speaker.pick((4, speaker.ehlo), (1, speaker.helo))())
    steps += [speaker.anything() for _ in range(chance.choice([0, 1, 2, 3, 4, 6, 8, 12]))]
    if chance.random() < 0.6:
        steps += speaker.transaction()
    if chance.random() < 0.5 or not steps:
        steps.append(speaker.quit())
    service = speaker.pick((3, "open"), (2, "strict"))
    way = speaker.pick((4, "steps"), (4, "groups"), (2, "burst"))
    return Sequence(seed, service, friend, way, steps)
