"""A real Postfix on each side: what one accepts from us and hands us has to come out as it went in."""
import concurrent.futures
import hashlib
import re
import time

from harness import Client, wait_for
from postfix import postfixes  # noqa: F401 (a fixture)

SAME = "smtp_bind_address = 127.0.0.2\n"  # the address that Tuvi's mynetworks knows


# ---- messages of every shape ----

def line_of(length, number):
    """A line without spaces that is different from every other."""
    return (b"%d-" % number + b"abcdefghijklmnopqrstuvwxyz0123456789" * (length // 36 + 1))[:length] + b"\r\n"


SHAPES = {
    "plain": lambda n: b"\r\nline one of %d\r\nline two\r\n" % n,
    "empty body": lambda n: b"\r\n",
    "header only": lambda n: b"",
    "leading dots": lambda n: b"\r\n.%d\r\n..\r\n...\r\n.. .\r\n.\tx\r\n" % n,
    "lone dots": lambda n: b"\r\n.\r\n.\r\nbetween\r\n.\r\n",
    "only a dot": lambda n: b"\r\n.\r\n",
    "dots at the end": lambda n: b"\r\n%d\r\n.\r\n.\r\n" % n,
    "empty lines": lambda n: b"\r\n" * (3 + n % 50) + b"x\r\n" + b"\r\n" * (n % 7),
    "eight bit": lambda n: b"Subject: p\xc3\xa4\xc3\xa4suke %d\r\n\r\nT\xc3\xb5nis \xff\xfe\x80\x81\r\n" % n,
    "every byte": lambda n: b"\r\n%d" % n + bytes(set(range(1, 256)) - {10, 13}) + b"\r\n",
    "line of 998": lambda n: b"\r\n" + line_of(998, n),
    "line of 999": lambda n: b"\r\n" + line_of(999, n) + b".\r\n",
    "line of 2048": lambda n: b"\r\n" + line_of(2048, n) + line_of(2049, n),
    "line of 12000": lambda n: b"\r\n" + line_of(12000, n) + b".dot behind it\r\n",
    "line of 40000": lambda n: b"\r\n" + line_of(40000 + n % 5000, n),
    "spaces at the ends": lambda n: b"\r\n  x %d \r\n\t\r\n \r\n" % n,
    "folded header": lambda n: b"X-Folded: one\r\n\ttwo\r\n three %d\r\n\r\nbody\r\n" % n,
    "long header": lambda n: b"X-Long: " + line_of(5000, n) + b"\r\nbody\r\n",
    "many lines": lambda n: b"\r\n" + b"".join(b"%d %d\r\n" % (n, i) for i in range(300 + n % 700)),
    "like a mailbox": lambda n: b"\r\nFrom someone %d\r\n>From other\r\n\r\nFrom x\r\n" % n,
    "like a transaction": lambda n: b"\r\nQUIT\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<%d@z.test>\r\nDATA\r\n" % n,
    "mime": lambda n: (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n\r\n"
                       b"part\r\n--b%d--\r\n" % (n, n, n)),
    "70 KB": lambda n: b"\r\n" + line_of(70, n) * 1000,
    "no final line break": lambda n: b"\r\nthe line ends with the message %d" % n,
}


def shape_of(number):
    return list(SHAPES)[number % len(SHAPES)]


def make_message(number):
    name = shape_of(number)
    return b"Message-ID: <%d@shapes.test>\r\nX-Shape: %s\r\n" % (number, name.encode()) + SHAPES[name](number)


def number_of(data):
    return int(re.search(rb"^Message-ID: <(\d+)@shapes\.test>\r$", data, re.M).group(1))


def digest(data):
    return hashlib.sha256(data).hexdigest()


def expected(number):
    """SMTP's DATA has no way to end in the middle of a line."""
    message = make_message(number)
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def strip_trace(data, hops):
    """The message without the trace lines of these hosts, of which the last comes first."""
    for host in reversed(hops):
        match = re.match(rb"Received: from [^\r]*\r\n(?:[ \t][^\r]*\r\n)+", data)
        assert match and f"by {host} (".encode() in match.group(), data[:400]
        data = data[match.end():]
    return data


def send_unended(client, sender, recipient, data):
    """The reply to a message that does not end with a line break, which takes BDAT."""
    assert client.command(f"MAIL FROM:<{sender}>")[0] == 250
    assert client.command(f"RCPT TO:<{recipient}>")[0] == 250
    client.send(b"BDAT %d LAST\r\n" % len(data) + data)
    return client.reply()


def send_share(port, numbers):
    client = Client(port, timeout=120)
    client.ehlo()
    for number in numbers:
        sender, recipient, data = f"s{number}@sender.test", f"r{number}@far.test", make_message(number)
        if data.endswith(b"\r\n"):
            reply = client.message(sender, [recipient], data)
        else:
            reply = send_unended(client, sender, recipient, data)
        assert reply[0] == 250, (number, reply)
    client.quit()


def send_all(port, count, clients):
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda first: send_share(port, range(first, count, clients)), range(clients)))


# ---- the tests ----

def test_two_thousand_messages_between_two_postfixes_arrive_once_and_unaltered(tuvi, sink, postfixes):
    count = 2000
    b = postfixes("b", sink.port)
    tuvi.configure(b.port, more="message_size_limit = 100000000\n")
    tuvi.start()
    a = postfixes("a", tuvi.p25, SAME)
    started = time.monotonic()
    send_all(a.port, count, clients=12)
    sink.wait(count, 120)
    seconds = time.monotonic() - started
    wait_for(lambda: not a.queued() and not b.queued(), 30, "empty queues")
    print(f"{count} messages through Postfix, Tuvi and Postfix in {seconds:.1f} s: {count / seconds:.0f} a second")
    seen = {}
    for message in sink.messages:
        number = number_of(message.data)
        assert number not in seen, f"message {number} came twice"
        seen[number] = message
        assert (message.sender, message.recipients) == (f"s{number}@sender.test", [f"r{number}@far.test"])
    assert sorted(seen) == list(range(count))
    altered = [number for number, message in seen.items()
               if digest(strip_trace(message.data, ["a.test", "mx.local.test", "b.test"]))
               != digest(expected(number))]
    assert altered == [], [(shape_of(number), seen[number].data[-300:]) for number in altered[:3]]
    assert tuvi.log().count(": removed") == count


def test_every_shape_of_message_passes_through_tuvi_alone_to_the_byte(tuvi, sink):
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    for number in range(len(SHAPES)):
        assert client.message("s@sender.test", ["r@far.test"], expected(number))[0] == 250
    sink.wait(len(SHAPES))
    for message in sink.messages:
        number = number_of(message.data)
        assert strip_trace(message.data, ["mx.local.test"]) == expected(number), shape_of(number)


def test_tls_is_used_between_tuvi_and_postfix_in_both_directions(tuvi, sink, postfixes):
    certificate = f"smtpd_tls_chain_files = {tuvi.root}/key.pem, {tuvi.root}/cert.pem\n"
    b = postfixes("b", sink.port, "smtpd_tls_security_level = may\n" + certificate)
    tuvi.configure(b.port, more="smtp_tls_security_level = may\nsmtp_tls_loglevel = 1\n")
    tuvi.start()
    a = postfixes("a", tuvi.p25, SAME + "smtp_tls_security_level = may\n")
    client = Client(a.port)
    client.ehlo()
    assert client.message("s1@sender.test", ["r1@far.test"], expected(1))[0] == 250
    by_b, by_tuvi, by_a = traces_of(sink.wait(1)[0].data)
    for trace, sender in ((by_b, "mx.local.test"), (by_tuvi, "a.test")):
        assert re.match(rf"Received: from {sender} .*\(using TLSv1\.3 with cipher TLS_\w+ \(", trace, re.S), trace
    assert " with ESMTPS id " in by_tuvi and " with ESMTPS id " in by_b
    assert "TLS" not in by_a  # the test's own client has none
    assert re.search(rf"TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:{tuvi.p25}: TLSv1\.3", a.log())
    assert "Anonymous TLS connection established from unknown[127.0.0.1]: TLSv1.3" in b.log()
    assert f"TLS connection established to 127.0.0.1[127.0.0.1]:{b.port}: TLSv1.3" in tuvi.log()
    assert "TLS connection established from unknown[127.0.0.2]: TLSv1.3" in tuvi.log()


def traces_of(data):
    return [one.decode() for one in re.findall(rb"Received: from [^\r]*\r\n(?:[ \t][^\r]*\r\n)+", data)]


def test_what_a_user_submits_over_starttls_and_auth_reaches_postfix(tuvi, sink, postfixes):
    b = postfixes("b", sink.port)
    tuvi.configure(b.port)
    tuvi.start()
    client = Client(tuvi.p587, source="127.0.0.3")
    client.ehlo()
    client.starttls()
    assert client.auth_plain()[0] == 235
    for number in range(len(SHAPES)):
        reply = client.message(f"s{number}@sender.test", [f"r{number}@far.test"], expected(number))
        assert reply[0] == 250, shape_of(number)
    for message in sink.wait(len(SHAPES)):
        number = number_of(message.data)
        assert message.recipients == [f"r{number}@far.test"]
        assert strip_trace(message.data, ["mx.local.test", "b.test"]) == expected(number)
        assert " with ESMTPSA id " in traces_of(message.data)[1]


def test_a_postfix_that_uses_us_as_its_smarthost_logs_in_over_starttls(tuvi, sink, postfixes):
    b = postfixes("b", sink.port)
    tuvi.configure(b.port)
    tuvi.start()
    a = postfixes("a", tuvi.p587, f"""\
smtp_bind_address = 127.0.0.3
smtp_tls_security_level = encrypt
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{{{{[127.0.0.1]:{tuvi.p587}=alice:wonderland}}}}
""")
    client = Client(a.port)
    client.ehlo()
    assert client.message("s1@sender.test", ["r1@far.test"], expected(1))[0] == 250
    by_tuvi = traces_of(sink.wait(1)[0].data)[1]
    assert " with ESMTPSA id " in by_tuvi and "(using TLSv1.3" in by_tuvi
    assert re.search(r"client=unknown\[127\.0\.0\.3\], sasl_method=\w+, sasl_username=alice", tuvi.log())


def test_a_message_declared_as_eight_bit_stays_so_through_all_three(tuvi, sink, postfixes):
    asked = []
    sink.answer_mail = lambda text: asked.append(text) or "250 2.1.0 Ok"
    b = postfixes("b", sink.port)
    tuvi.configure(b.port)
    tuvi.start()
    a = postfixes("a", tuvi.p25, SAME)
    client = Client(a.port)
    client.ehlo()
    for word in (" BODY=8BITMIME", ""):
        assert client.command(f"MAIL FROM:<s@sender.test>{word}")[0] == 250
        assert client.command("RCPT TO:<r@far.test>")[0] == 250
        assert client.command("DATA")[0] == 354
        client.send("Subject: \u00e4\r\n\r\n\u00f5\r\n.\r\n")
        assert client.reply()[0] == 250
        sink.wait(len(asked) or 1)
        wait_for(lambda: not a.queued() and not b.queued(), 20, "empty queues")
    assert ["BODY=8BITMIME" in text for text in asked] == [True, False]


def test_what_postfix_refuses_comes_back_to_the_sender_through_it(tuvi, sink, postfixes):
    b = postfixes("b", sink.port, "smtpd_recipient_restrictions = "
                  "check_recipient_access inline:{{nobody@far.test=550 5.1.1 no such user}}\n")
    tuvi.configure(b.port)
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    assert client.message("s@sender.test", ["nobody@far.test", "r@far.test"], expected(0))[0] == 250
    messages = {tuple(one.recipients): one for one in sink.wait(2)}
    assert messages[("r@far.test",)].sender == "s@sender.test"
    notice = messages[("s@sender.test",)]
    assert notice.sender == ""
    assert b"Diagnostic-Code: smtp; 550 5.1.1 <nobody@far.test>: Recipient address rejected:" in notice.data
    assert re.search(r"to=<nobody@far\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, delay=[\d.]+, "
                     r"delays=[\d./]+, dsn=5\.1\.1, status=bounced \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: "
                     r"550 5\.1\.1 .* \(in reply to RCPT TO command\)\)", tuvi.log())


def test_a_postfix_that_is_stopped_and_started_gets_what_came_meanwhile(tuvi, sink, postfixes):
    b = postfixes("b", sink.port)
    tuvi.configure(b.port, more="minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n")
    tuvi.start()
    b.stop()
    send_all(tuvi.p25, 20, clients=2)
    tuvi.wait_log("status=deferred (connect to 127.0.0.1[127.0.0.1]:%d: Connection refused)" % b.port)
    b.start()
    sink.wait(20)
    assert sorted(number_of(one.data) for one in sink.messages) == list(range(20))
