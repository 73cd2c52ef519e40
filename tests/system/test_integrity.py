"""What is relayed on port 25 leaves as it came, but for the trace header: a signature still verifies, and odd messages
are the same to the byte. The one exception are line breaks that SMTP does not know: bare CR and LF."""
import random
import re
import subprocess

import dkim
import pytest

from harness import Client, Sink, Tuvi, wait_for

SELECTOR, DOMAIN = b"sel", b"sender.test"


@pytest.fixture(scope="module")
def server():
    sink = Sink()
    tuvi = Tuvi(sink.port, more="message_size_limit = 20000000\n")
    tuvi.sink = sink
    yield tuvi.start()
    tuvi.close()
    sink.close()


@pytest.fixture
def author(server):
    client = Client(server.p25, timeout=60)
    client.ehlo()
    client.server = server
    yield client
    client.close()


# ---- ways to send ----

def by_data(client, content, chance):
    assert client.command("DATA")[0] == 354
    stuffed = re.sub(rb"(?m)^\.", b"..", content)   # any line, also behind a bare LF, may begin with a dot
    client.send(stuffed + (b"" if content.endswith(b"\r\n") or not content else b"\r\n") + b".\r\n")
    return client.reply()


def by_bdat(client, content, chance):
    """In chunks of any sizes, some of them between a CR and its LF."""
    cuts = {chance.randint(1, max(1, len(content) - 1)) for _ in range(4)}
    cuts |= {place + 1 for place in (content.find(b"\r\n"), content.rfind(b"\r\n")) if place >= 0}
    edges = [0] + sorted(cut for cut in cuts if cut < len(content)) + [len(content)]
    pieces = [content[start:end] for start, end in zip(edges, edges[1:])] or [b""]
    for piece in pieces[:-1]:
        if piece:
            client.send(b"BDAT %d\r\n" % len(piece) + piece)
            assert client.reply()[0] == 250
    client.send(b"BDAT %d LAST\r\n" % len(pieces[-1]) + pieces[-1])
    return client.reply()


WAYS = pytest.mark.parametrize("way", [by_data, by_bdat], ids=["DATA", "BDAT"])


def relay(client, name, way, content):
    """The message as it arrives, without the trace header."""
    recipient = f"{name}-{way.__name__}-{id(client)}@far.test"
    assert client.command("MAIL FROM:<s@sender.test> BODY=8BITMIME")[0] == 250
    assert client.command(f"RCPT TO:<{recipient}>")[0] == 250
    code, lines = way(client, content, random.Random(name))
    assert code == 250, lines
    messages = wait_for(lambda: [one for one in client.server.sink.messages if one.recipients == [recipient]])
    client.server.sink.messages.clear()
    trace = re.match(rb"Received: from client\.test [^\r]*\r\n\tby mx\.local\.test [^\r]*\r\n\tfor [^\r]*\r\n",
                     messages[0].data)
    assert trace, messages[0].data[:300]
    return messages[0].data[:trace.end()], messages[0].data[trace.end():]


# ---- DKIM ----

@pytest.fixture(scope="module")
def key():
    """A private key, and the record that publishes its other half."""
    private = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=private, capture_output=True, check=True).stdout
    record = b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])
    return private, lambda name, timeout=5: record if name == b"%s._domainkey.%s." % (SELECTOR, DOMAIN) else None


LETTERS = {
    "plain": b"\r\nhello\r\n",
    "dots": b"\r\n.\r\n..\r\n.x\r\n",
    "long-lines": b"\r\n" + b"x" * 5000 + b"\r\n" + b"y z " * 3000 + b"\r\n",
    "white-space": b"\r\n  one \t two  \r\n\r\n \r\n\t\r\n\r\n\r\n",
    "eight-bit": b"\r\nT\xc3\xb5nis \xff\xfe\x80\r\n",
    "empty-body": b"\r\n",
    "folded": b"X-Folded: one\r\n\ttwo\r\n   three\r\n\r\nbody\r\n",
}


@WAYS
@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("canonical", [(b"simple", b"simple"), (b"relaxed", b"relaxed")], ids=["simple", "relaxed"])
def test_a_signature_verifies_after_the_relay(author, key, way, letter, canonical):
    private, published = key
    message = (b"From: Ada <ada@sender.test>\r\nTo: bob@far.test\r\nSubject:  two  spaces\r\n"
               b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@sender.test>\r\n" + LETTERS[letter])
    signature = dkim.sign(message, SELECTOR, DOMAIN, private, canonicalize=canonical)
    trace, arrived = relay(author, f"dkim-{letter}-{canonical[0].decode()}", way, signature + message)
    assert dkim.verify(trace + arrived, dnsfunc=published)
    assert not dkim.verify((trace + arrived).replace(b"<1@sender.test>", b"<2@sender.test>"), dnsfunc=published)


# ---- odd messages ----

HEADER = b"Subject: odd\r\n"
ODD = {
    "long-line": HEADER + b"\r\n" + b"x" * 100_000 + b"\r\n",
    "long-line-of-dots": HEADER + b"\r\n" + b"." * 70_000 + b"\r\n",
    "many-lines": HEADER + b"\r\n" + b"\r\n" * 50_000,
    "NUL": b"X-Nul: a\0b\r\n\r\n\0\r\n\0\0.\r\n",
    "every-byte": HEADER + b"\r\n" + bytes(set(range(256)) - {10, 13}) * 300 + b"\r\n",
    "eight-bit": b"Subject: \xe4\xff\xc3\r\n\r\n\x80\xfe\r\n",
    "only-header": HEADER,
    "only-empty-line": b"\r\n",
    "empty": b"",
    "empty-lines": HEADER + b"\r\n\r\n\r\n\r\n",
    "dots": HEADER + b"\r\n.\r\n..\r\n...\r\n. \r\n.\r\n",
    "dot-first": b"\r\n.\r\n",
    "huge-header": b"".join(b"X-%d: %s\r\n" % (i, b"v" * 900) for i in range(300)) + b"\r\nbody\r\n",
    "huge-field": b"X-Huge: " + b"v" * (102_400 - 8) + b"\r\n\r\nbody\r\n",
    "folded-field": b"X-Folded: a\r\n" + b"\tb\r\n" * 3000 + b"\r\nbody\r\n",
    "no-colon-later": HEADER + b"no colon here\r\n\r\nbody\r\n",
    "from-lines": HEADER + b"\r\nFrom ada@sender.test Tue\r\n>From x\r\n\r\nFrom \r\n",
    "received": b"Received: from x by y; z\r\n" * 20 + HEADER + b"\r\nbody\r\n",
    "binary-mime": b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                   + random.Random(1).randbytes(200_000).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n",
    "spaces-at-ends": HEADER + b"\r\n  x \t \r\n\t\r\n \r\n",
    "large": HEADER + b"\r\n" + b"".join(b"%d of many lines\r\n" % i for i in range(100_000)),
}
# Content that begins with no header field is body: an empty line goes between it and the trace header.
HEADLESS = {
    "no-header": b"hello there\r\nmore\r\n",
    "mbox-from-line": b"From ada@sender.test Tue Nov 24 12:00:00 2026\r\nSubject: x\r\n\r\nbody\r\n",
    "folded-first": b" folded\r\nSubject: x\r\n\r\nbody\r\n",
    "dot-and-text": b".hidden\r\n",
    "NUL-first": b"\0\r\n",
}
# Bare line breaks become ones that every server reads alike; CVE-2023-51764.
BARE = {
    "bare-lf": (HEADER + b"\r\none\ntwo\n.\nthree\r\n", HEADER + b"\r\none\r\ntwo\r\n.\r\nthree\r\n"),
    "bare-cr": (HEADER + b"\r\none\rtwo\r\r\nthree\r\n", HEADER + b"\r\none two \r\nthree\r\n"),
    "bare-lf-in-header": (b"A: 1\nB: 2\r\n\r\nx\r\n", b"A: 1\r\nB: 2\r\n\r\nx\r\n"),
}


@WAYS
@pytest.mark.parametrize("name", ODD)
def test_an_odd_message_is_relayed_to_the_byte(author, name, way):
    assert relay(author, name, way, ODD[name])[1] == ODD[name]


@WAYS
@pytest.mark.parametrize("name", HEADLESS)
def test_a_message_without_a_header_gets_an_empty_line_in_front(author, name, way):
    assert relay(author, name, way, HEADLESS[name])[1] == b"\r\n" + HEADLESS[name]


@WAYS
@pytest.mark.parametrize("name", BARE)
def test_bare_line_breaks_are_normalised_and_nothing_else(author, name, way):
    sent, expected = BARE[name]
    assert relay(author, name, way, sent)[1] == expected


@pytest.mark.parametrize("content", [HEADER + b"\r\nno end", HEADER + b"\r\nno end\r", HEADER[:-2], b"\r\n."],
                         ids=["text", "CR", "header", "dot"])
def test_a_line_that_a_chunk_leaves_open_is_ended(author, content):
    _, arrived = relay(author, "open-" + str(len(content)), by_bdat, content)
    assert arrived == content.removesuffix(b"\r") + (b" " if content.endswith(b"\r") else b"") + b"\r\n"
