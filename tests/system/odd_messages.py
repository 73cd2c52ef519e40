"""Messages of eight bits in which MIME is used well, badly and oddly, by name. Each begins with the line From:."""
TEXT = "Grüße".encode()
HEAD = b"From: ada@local.test\r\nSubject: t\r\n"
MIME = HEAD + b"MIME-Version: 1.0\r\n"
UTF8 = b"Content-Type: text/plain; charset=utf-8\r\n"
EIGHT = b"Content-Transfer-Encoding: 8bit\r\n"
LEAF = UTF8 + EIGHT + b"\r\n" + TEXT + b"\r\n"


def mixed(boundary, more=b""):
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n" + more + b"\r\n"


def deep(levels):
    head = b"".join(mixed(b"n%d." % i) + b"--n%d.\r\n" % i for i in range(levels))
    return MIME + head + EIGHT + b"\r\n" + TEXT + b"\r\n"


# What becomes of these is the same as with Postfix, byte for byte.
LIKE_POSTFIX = {
    "a text": MIME + EIGHT + UTF8 + b"X-After: y\r\n\r\n" + TEXT + b" = \r\ntab\t\r\n..dot\r\nFrom x\r\n",
    "binary": MIME + b"Content-Transfer-Encoding: BINARY\r\n\r\n" + TEXT + b"\r\n\x00\x01\x7f\xff\r\n",
    "all bytes": MIME + EIGHT + b"\r\n" + bytes(c for c in range(256) if c not in b"\r\n") + b"\r\n",
    "long lines": MIME + EIGHT + b"\r\n" + b"".join(b"a" * n + b"\r\n" for n in range(70, 80)) + TEXT * 150 + b"\r\n"
    + b" " * 100 + b"\r\n" + b"\xff" * 300 + b"\r\nend \r\n",
    "empty lines": MIME + EIGHT + b"\r\n\r\n\r\n" + TEXT + b"\r\n\r\n",
    "a label with comments": MIME + b"Content-Transfer-Encoding: (x) 8bit (y)\r\n\r\n" + TEXT + b"\r\n",
    "a folded label": MIME + b"Content-Transfer-Encoding:\r\n 8bit\r\n\r\n" + TEXT + b"\r\n",
    "a label with space before the colon": MIME + b"Content-Transfer-Encoding : 8bit\r\n\r\n" + TEXT + b"\r\n",
    "a label with parameters": MIME + b"Content-Transfer-Encoding: 8bit; x=y\r\n\r\n" + TEXT + b"\r\n",
    "a header of eight bits": MIME + b"X: " + TEXT + b"\r\n folded " + TEXT + b"\r\n" + LEAF,
    "a multipart": MIME + mixed(b'"b1"', EIGHT) + b"preamble=\r\n--b1\r\n" + LEAF
    + b"--b1\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n--b1\r\n\r\nno header=\r\n"
    + b"--b1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n--b1--\r\nepilogue=\r\n",
    "a multipart without a label": MIME + mixed(b"b1") + b"--b1\r\n" + LEAF + b"--b1--\r\n",
    "a multipart labelled seven bits": MIME + mixed(b"b1", b"Content-Transfer-Encoding: 7bit\r\n") + b"--b1\r\n" + LEAF
    + b"--b1--\r\n",
    "a multipart that is labelled as encoded": MIME + mixed(b"b1", b"Content-Transfer-Encoding: base64\r\n")
    + b"--b1\r\n" + LEAF + b"--b1--\r\n",
    "nested multiparts": MIME + mixed(b"out", EIGHT) + b"--out\r\n" + mixed(b'"out-in"', EIGHT) + b"--out-in\r\n" + LEAF
    + b"--out\r\n" + LEAF + b"--out--  \r\nepilogue=\r\n",
    "a message within": MIME + b"Content-Type: message/rfc822\r\n" + EIGHT + b"\r\nSubject: inner " + TEXT + b"\r\n" + LEAF,
    "a message within a multipart": MIME + mixed(b"b1", EIGHT) + b"--b1\r\nContent-Type: message/rfc822\r\n" + EIGHT
    + b"\r\nSubject: inner\r\n" + mixed(b"b2") + b"--b2\r\n" + LEAF + b"--b1--\r\nepilogue=\r\n",
    "a digest": MIME + b"Content-Type: multipart/digest; boundary=b1\r\n" + EIGHT + b"\r\n--b1\r\n\r\nSubject: one\r\n" + LEAF
    + b"--b1\r\n" + EIGHT + b"\r\nSubject: two\r\n" + LEAF + b"--b1--\r\n",
    "no end boundary": MIME + mixed(b"b1", EIGHT) + b"--b1\r\n" + LEAF,
    "lines like boundaries": MIME + mixed(b"b1", EIGHT) + b"--b1\r\n" + LEAF
    + b" --b1\r\n--b2\r\n-b1\r\n--\r\n-\r\n--b1 and more\r\n\r\nx=\r\n--b1-\r\n\r\nx=\r\n--b1--x\r\nepilogue=\r\n",
    "a boundary among other parameters": MIME + b'Content-Type: multipart/mixed; a=";boundary=no"; (boundary=no)\r\n'
    b'\tBOUNDARY = "b \\" 1" ; boundary=no\r\n' + EIGHT + b'\r\n--b " 1\r\n' + LEAF + b'--no\r\n--b " 1--\r\n',
    "a header that ends in a boundary": MIME + mixed(b"b1", EIGHT) + b"--b1\r\n" + EIGHT + b"--b1\r\n" + LEAF + b"--b1--\r\n",
    "a message/global": MIME + b"Content-Type: message/global\r\n" + EIGHT + b"\r\nSubject: " + TEXT + b"\r\n\r\n" + TEXT + b"\r\n",
    "no body": MIME + EIGHT + b"X: " + TEXT + b"\r\n\r\n",
    "a hundred levels": deep(99),
}

# These we treat otherwise, and why.
UNLIKE_POSTFIX = {
    # RFC 2045 §4: what is encoded needs a version to say so; Postfix adds none.
    "no version": HEAD + LEAF,
    "a multipart without a version": HEAD + mixed(b"b1") + b"--b1\r\n" + LEAF + b"--b1--\r\n",
    # RFC 6152 §3: bytes beyond ASCII go to no such server; Postfix sends these as they are.
    "no MIME at all": HEAD + b"\r\n" + TEXT + b"\r\n",
    "no label": MIME + UTF8 + b"\r\n" + TEXT + b"\r\n",
    "a label of seven bits": MIME + UTF8 + b"Content-Transfer-Encoding: 7bit\r\n\r\n" + TEXT + b"\r\n",
    "a part without a label": MIME + mixed(b"b1") + b"--b1\r\n" + LEAF + b"--b1\r\n" + UTF8 + b"\r\n" + TEXT + b"\r\n--b1--\r\n",
    "eight bits around parts": MIME + mixed(b"b1", EIGHT) + TEXT + b"\r\n--b1\r\n" + LEAF + b"--b1--\r\n" + TEXT + b"\r\n",
    # Readers take the first of two labels; Postfix the last, and leaves both.
    "two labels": MIME + UTF8 + b"Content-Transfer-Encoding: 7bit\r\n" + EIGHT + b"\r\n" + TEXT + b"\r\n",
    # What was encoded is labelled so; Postfix encodes it and writes the label 7bit.
    "a message/delivery-status": MIME + b"Content-Type: message/delivery-status\r\n" + EIGHT + b"\r\nX: " + TEXT + b"\r\n",
    # A line that is broken may come to look like a boundary; so its dash is encoded.
    "a dash where a line is broken": MIME + mixed(b"b1", EIGHT) + b"--b1\r\n" + EIGHT + b"\r\n" + b"a" * 73 + b"--b1\r\n" + TEXT
    + b"\r\n--b1--\r\n",
    # The empty line that is missing behind a header is put there.
    "a header that ends in no field": MIME + mixed(b"b1", EIGHT) + b"--b1\r\n" + UTF8 + EIGHT + b"no field " + TEXT
    + b"\r\n--b1--\r\n",
}

# Bytes beyond ASCII stand where no encoding may be applied: we return these, Postfix sends them as they are.
HOPELESS = {
    "eight bits under an encoding": MIME + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + TEXT + b"\r\n",
    "an encoding that nobody knows": MIME + b"Content-Transfer-Encoding: x-rot\r\n\r\n" + TEXT + b"\r\n",
    "a multipart without a boundary": MIME + b"Content-Type: multipart/mixed\r\n" + EIGHT + b"\r\n" + TEXT + b"\r\n",
    "a fragment of a message": MIME + b"Content-Type: message/partial; id=x; number=1\r\n" + EIGHT + b"\r\n" + TEXT + b"\r\n",
}
