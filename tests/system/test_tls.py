"""TLS with clients and with other servers."""
import base64
import re
import socket
import ssl
import threading
import warnings

import pytest

from certificates import NAME, Certificate
from harness import MINE, STRANGER, Client, Folder, Sink, wait_for

PORTS = ["relay", "submission", "submissions"]
VERSIONS = {"TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="module")
def pki():
    """Certificates of both kinds, signed by themselves and at the end of a chain."""
    folder = Folder()
    folder.ecdsa = Certificate(folder.path, "ecdsa", "ecdsa")
    folder.rsa = Certificate(folder.path, "rsa", "rsa")
    folder.root = Certificate(folder.path, "root", is_issuer=True)
    folder.middle = Certificate(folder.path, "middle", issuer=folder.root, is_issuer=True)
    folder.leaf = Certificate(folder.path, "leaf", issuer=folder.middle)
    yield folder
    folder.close()


def context(version=None, ciphers=None, root=None):
    """What a client wants of TLS."""
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root is not None:
        one.load_verify_locations(root)
    else:
        one.check_hostname = False
        one.verify_mode = ssl.CERT_NONE
    if ciphers is not None:
        one.set_ciphers(ciphers)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what some tests are about
            one.minimum_version = one.maximum_version = VERSIONS[version]
        if version == "TLSv1.1":
            one.set_ciphers("ALL:@SECLEVEL=0")
    return one


@pytest.fixture
def connect(tuvi):
    """A session under TLS on one of the three ports, EHLO said."""
    clients = []

    def make(port="relay", wants=None, source=MINE, session=None):
        def secure(raw):
            return (wants or context()).wrap_socket(raw, server_hostname=NAME, session=session)
        number = {"relay": tuvi.p25, "submission": tuvi.p587, "submissions": tuvi.p465}[port]
        client = Client(number, source, wrapped=port == "submissions", secure=secure)
        clients.append(client)
        assert client.greeting == (220, ["220 mx.local.test ESMTP Tuvi"])
        client.offered = client.ehlo()
        if port != "submissions":
            client.offered = client.starttls()
        return client
    yield make
    for client in clients:
        client.close()


# ---- what a service offers ----

def test_level_none_speaks_no_tls_and_needs_no_certificate(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_tls_security_level = none\nsmtpd_tls_cert_file =\nsmtpd_tls_key_file =\n")
    (tuvi.root / "master.cf").write_text(f"127.0.0.1:{tuvi.p25} inet n - n - - smtpd\n")
    tuvi.start()
    client = Client(tuvi.p25)
    assert "STARTTLS" not in client.ehlo()
    assert client.command("STARTTLS") == (502, ["502 5.5.1 Error: command not implemented"])
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    assert b"(using TLS" not in sink.wait(1)[0].data


def test_level_may_takes_mail_with_and_without_tls(tuvi, sink, connect):
    tuvi.start()
    client = Client(tuvi.p25)
    assert "STARTTLS" in client.ehlo()
    assert client.message("ada@local.test", ["plain@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client = connect()
    assert "STARTTLS" not in client.offered
    assert client.message("ada@local.test", ["secure@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    by_recipient = {message.recipients[0]: message.data for message in sink.wait(2)}
    assert b" with ESMTP id " in by_recipient["plain@remote.test"]
    assert b" with ESMTPS id " in by_recipient["secure@remote.test"]


def test_level_encrypt_takes_mail_under_tls_only(tuvi, sink, connect):
    tuvi.configure(sink.port, "smtpd_tls_security_level = encrypt\n")
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    assert client.command("MAIL FROM:<ada@local.test>") == (530, ["530 5.7.0 Must issue a STARTTLS command first"])
    assert connect().message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    sink.wait(1)


@pytest.mark.parametrize("old,before_tls", [("smtpd_use_tls = yes", 250), ("smtpd_enforce_tls = yes", 530)])
def test_the_old_names_of_the_levels_still_work(tuvi, sink, connect, old, before_tls):
    text = (tuvi.root / "main.cf").read_text()
    (tuvi.root / "main.cf").write_text(text.replace("smtpd_tls_security_level = may", old))
    tuvi.start()
    client = Client(tuvi.p25)
    assert "STARTTLS" in client.ehlo()
    assert client.command("MAIL FROM:<ada@local.test>")[0] == before_tls
    assert connect().command("MAIL FROM:<ada@local.test>")[0] == 250


def test_wrappermode_works_whatever_the_level_is(tuvi, sink, connect):
    for level in ("none", "may", "encrypt"):
        tuvi.configure(sink.port, f"smtpd_tls_security_level = {level}\n")
        tuvi.start()
        client = connect("submissions", source=STRANGER)
        assert "STARTTLS" not in client.offered
        assert client.command("STARTTLS")[0] == 554
        assert client.auth_plain()[0] == 235
        assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
        client.quit()
        tuvi.stop()


# ---- AUTH without TLS, where that is allowed ----

@pytest.mark.parametrize("level", ["may", "none"])
def test_tls_auth_only_no_lets_people_log_in_in_the_clear(tuvi, sink, level):
    tuvi.configure(sink.port, f"smtpd_tls_auth_only = no\nsmtpd_tls_security_level = {level}\n")
    tuvi.start()
    client = Client(tuvi.p25, STRANGER)
    assert "AUTH PLAIN LOGIN" in client.ehlo()
    assert client.auth_plain(password="builder")[0] == 535
    assert client.auth_plain()[0] == 235
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    assert b" with ESMTPA id " in sink.wait(1)[0].data
    submission = Client(tuvi.p587, STRANGER)  # where TLS is a must, it stays so
    assert not [line for line in submission.ehlo() if line.startswith("AUTH")]
    assert submission.auth_plain()[0] == 530


def test_a_login_in_the_clear_does_not_count_under_tls(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_tls_auth_only = no\n")
    tuvi.start()
    client = Client(tuvi.p25, STRANGER)
    client.ehlo()
    assert client.auth_plain()[0] == 235
    assert "AUTH PLAIN LOGIN" in client.starttls()
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n") == \
        (554, ["554 5.7.1 <bob@remote.test>: Relay access denied"])
    assert " sasl_username=" not in tuvi.wait_log("NOQUEUE: reject: RCPT from ")
    assert client.command("RSET")[0] == 250
    assert client.auth_plain()[0] == 235
    client.close()


def test_noplaintext_hides_the_mechanisms_until_tls(tuvi, sink, connect):
    tuvi.configure(sink.port, "smtpd_tls_auth_only = no\nsmtpd_sasl_security_options = noanonymous, noplaintext\n"
                              "smtpd_sasl_tls_security_options = noanonymous\n")
    tuvi.start()
    client = Client(tuvi.p25, STRANGER)
    assert not [line for line in client.ehlo() if line.startswith("AUTH")]
    assert client.auth_plain() == \
        (535, ["535 5.7.8 Error: authentication failed: Invalid authentication mechanism"])
    client = connect(source=STRANGER)
    assert "AUTH PLAIN LOGIN" in client.offered
    assert client.auth_plain()[0] == 235


# ---- certificates ----

def presented(client):
    return client.socket.getpeercert(binary_form=True)


RSA_ONLY = {"version": "TLSv1.2", "ciphers": "ECDHE-RSA-AES256-GCM-SHA384"}
ECDSA_ONLY = {"version": "TLSv1.2", "ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_certificate_of_either_kind_is_presented(tuvi, sink, connect, pki, kind):
    one = getattr(pki, kind)
    tuvi.configure(sink.port, f"smtpd_tls_cert_file = {one.certificate}\nsmtpd_tls_key_file = {one.key}\n")
    tuvi.start()
    for port in PORTS:
        assert presented(connect(port)) == one.der()


def test_the_key_may_stand_in_the_certificates_file(tuvi, sink, connect, pki):
    both = pki.path / "both.pem"
    both.write_text(pki.rsa.certificate.read_text() + pki.rsa.key.read_text())
    tuvi.configure(sink.port, f"smtpd_tls_cert_file = {both}\nsmtpd_tls_key_file = $smtpd_tls_cert_file\n")
    tuvi.start()
    assert presented(connect()) == pki.rsa.der()


def test_each_client_gets_the_certificate_that_it_can_use(tuvi, sink, connect, pki):
    tuvi.configure(sink.port, f"smtpd_tls_cert_file = {pki.rsa.certificate}\nsmtpd_tls_key_file = {pki.rsa.key}\n"
                              f"smtpd_tls_eccert_file = {pki.ecdsa.certificate}\n"
                              f"smtpd_tls_eckey_file = {pki.ecdsa.key}\n")
    tuvi.start()
    for port in PORTS:
        assert presented(connect(port, context(**RSA_ONLY))) == pki.rsa.der()
        assert presented(connect(port, context(**ECDSA_ONLY))) == pki.ecdsa.der()


def test_chain_files_hold_keys_and_chains(tuvi, sink, connect, pki):
    first, second = pki.path / "chain-1.pem", pki.path / "chain-2.pem"
    first.write_text(pki.leaf.key.read_text() + pki.leaf.chain())
    second.write_text(pki.rsa.key.read_text() + pki.rsa.chain())
    tuvi.configure(sink.port, f"smtpd_tls_chain_files = {first},\n  {second}\n"
                              "smtpd_tls_cert_file = /nonexistent/cert.pem\n")
    tuvi.start()
    for port in PORTS:
        assert presented(connect(port, context(root=pki.root.certificate))) == pki.leaf.der()
        assert presented(connect(port, context(**RSA_ONLY))) == pki.rsa.der()


def test_the_chain_behind_the_certificate_is_sent_along(tuvi, sink, connect, pki):
    chain = pki.path / "chain.pem"
    chain.write_text(pki.leaf.chain())
    tuvi.configure(sink.port, f"smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {pki.leaf.key}\n")
    tuvi.start()
    for port in PORTS:  # a client that knows the root alone, and checks the name
        assert presented(connect(port, context(root=pki.root.certificate))) == pki.leaf.der()


def test_a_service_can_have_a_certificate_of_its_own(tuvi, sink, connect, pki):
    text = (tuvi.root / "master.cf").read_text()
    (tuvi.root / "master.cf").write_text(text.replace(
        "  -o smtpd_tls_wrappermode=yes\n",
        f"  -o smtpd_tls_wrappermode=yes\n  -o smtpd_tls_cert_file={pki.rsa.certificate}\n"
        f"  -o smtpd_tls_key_file={pki.rsa.key}\n"))
    tuvi.start()
    assert presented(connect("submissions")) == pki.rsa.der()
    assert presented(connect("submission")) == ssl.PEM_cert_to_DER_cert((tuvi.root / "cert.pem").read_text())


# ---- versions ----

@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_today_s_versions_are_spoken_on_every_port(tuvi, connect, version):
    tuvi.start()
    for port in PORTS:
        assert connect(port, context(version)).socket.version() == version


def test_tls_1_1_is_refused_on_submission_and_still_spoken_between_servers(tuvi, connect):
    tuvi.start()
    for port in ("submission", "submissions"):
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL"):
            connect(port, context("TLSv1.1"), STRANGER)
        name = {"submission": "postfix/submission/smtpd", "submissions": "postfix/smtps/smtpd"}[port]
        wait_for(lambda: re.search(rf"{name}\[\d+\]: SSL_accept error from unknown\[127\.0\.0\.3\]: .*protocol.*\n",
                                   tuvi.log()), what="the refusal in the log")
    assert "Anonymous TLS connection" not in tuvi.log()
    assert connect("relay", context("TLSv1.1")).socket.version() == "TLSv1.1"


def test_smtpd_tls_protocols_decides_where_tls_is_offered(tuvi, sink, connect):
    tuvi.configure(sink.port, "smtpd_tls_protocols = >=TLSv1.3\nsmtpd_tls_mandatory_protocols = !TLSv1, !TLSv1.1\n")
    tuvi.start()
    with pytest.raises(ssl.SSLError):
        connect("relay", context("TLSv1.2"))
    assert connect("relay", context("TLSv1.3")).socket.version() == "TLSv1.3"
    assert connect("submission", context("TLSv1.2")).socket.version() == "TLSv1.2"


# ---- what is said about it ----

FACTS = {
    ("TLSv1.3", "ecdsa"): (r"TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256/256 bits\)",
                           "key-exchange X25519", r"server-signature ECDSA \(prime256v1\)", "server-digest SHA256"),
    ("TLSv1.3", "rsa"): (r"TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256/256 bits\)",
                         "key-exchange X25519", r"server-signature RSA-PSS \(2048 bits\)", "server-digest SHA256"),
    ("TLSv1.2", "ecdsa"): (r"TLSv1\.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 \(256/256 bits\)",),
    ("TLSv1.2", "rsa"): (r"TLSv1\.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 \(256/256 bits\)",),
}


@pytest.mark.parametrize("version,kind", FACTS)
def test_log_and_trace_header_have_the_facts_in_postfix_s_form(tuvi, sink, connect, pki, version, kind):
    one = getattr(pki, kind)
    tuvi.configure(sink.port, f"smtpd_tls_cert_file = {one.certificate}\nsmtpd_tls_key_file = {one.key}\n")
    tuvi.start()
    wants = context(version, "ECDHE+AES256" if version == "TLSv1.2" else None)
    client = connect("submission", wants, STRANGER)
    assert client.auth_plain()[0] == 235
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    facts = FACTS[version, kind]
    head, _ = sink.wait(1)[0].header_and_body()
    more = rf"\r\n\t {facts[1]} {facts[2]} {facts[3]}" if len(facts) > 1 else ""
    assert re.match(r"Received: from client\.test \(unknown \[127\.0\.0\.3\]\)\r\n"
                    rf"\t\(using {facts[0]}{more}\)\r\n"
                    r"\t\(No client certificate requested\)\r\n"
                    r"\tby mx\.local\.test \(Tuvi\) with ESMTPSA id [0-9A-F]+\r\n\tfor <bob@remote\.test>; ",
                    head.decode()), head
    log = tuvi.wait_log(": removed\n")
    assert re.search(r" postfix/submission/smtpd\[\d+\]: Anonymous TLS connection established from "
                     rf"unknown\[127\.0\.0\.3\]: {' '.join(facts)}\n", log), log


def test_the_facts_are_left_out_where_nobody_wants_them(tuvi, sink, connect):
    tuvi.configure(sink.port, "smtpd_tls_received_header = no\nsmtpd_tls_loglevel = 0\n")
    tuvi.start()
    assert connect().message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    data = sink.wait(1)[0].data
    assert data.startswith(b"Received: from client.test (unknown [127.0.0.2])\r\n\tby mx.local.test (Tuvi) with "
                           b"ESMTPS id ")
    tuvi.wait_log(": removed\n")
    assert "TLS connection" not in tuvi.log()


def test_a_session_that_is_resumed_is_said_to_be_reused(tuvi, sink, connect):
    tuvi.configure(sink.port, "tuvi_workers = 1\n")
    tuvi.start()
    wants = context("TLSv1.2")
    first = connect("submissions", wants, STRANGER)
    again = connect("submissions", wants, STRANGER, session=first.socket.session)
    assert again.socket.session_reused
    assert again.auth_plain()[0] == 235
    tuvi.wait_log("Anonymous TLS connection reused from unknown[127.0.0.3]: TLSv1.2 with cipher ")


# ---- clients that do not speak TLS, or not well ----

GARBAGE = {
    "text": b"EHLO client.test\r\nMAIL FROM:<eve@elsewhere.test>\r\n",
    "zeros": b"\0" * 20000,
    "a record that is too long": b"\x16\x03\x01\xff\xff" + b"x" * 66000,
    "a broken hello": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "application data": b"\x17\x03\x03\x00\x10" + b"x" * 16,
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x07\x00\xc0" * 7 + b"x" * 16,
    "half a hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "nothing": b"",
}


@pytest.mark.parametrize("port", ["relay", "submissions"])
def test_garbage_in_the_place_of_tls_ends_its_session_alone(tuvi, connect, port):
    tuvi.start()
    workers = sorted(tuvi.workers())
    patient = connect(port)
    for number, (name, garbage) in enumerate(GARBAGE.items(), 1):
        source = f"127.2.0.{number}"
        raw = socket.create_connection(("127.0.0.1", tuvi.p25 if port == "relay" else tuvi.p465), 20, (source, 0))
        with raw, raw.makefile("rb") as answers:
            if port == "relay":
                answers.readline()
                raw.sendall(b"STARTTLS\r\n")
                assert answers.readline() == b"220 2.0.0 Ready to start TLS\r\n"
            try:
                raw.sendall(garbage)
                raw.shutdown(socket.SHUT_WR)
                rest = answers.read()
            except ConnectionError:
                rest = b""
        assert b"220" not in rest and b"250" not in rest, name
        tuvi.wait_log(f"SSL_accept error from unknown[{source}]: ")
        tuvi.wait_log(f"disconnect from unknown[{source}] ")
    assert patient.command("NOOP")[0] == 250
    assert connect(port).command("NOOP")[0] == 250
    assert sorted(tuvi.workers()) == workers


def test_plaintext_on_the_wrapper_port_is_never_answered_as_smtp(tuvi):
    tuvi.start()
    with socket.create_connection(("127.0.0.1", tuvi.p465), 20, (MINE, 0)) as raw:
        raw.sendall(b"EHLO client.test\r\n")
        answer = raw.makefile("rb").read()
    assert not re.search(rb"\d\d\d[ -]", answer)
    tuvi.wait_log("SSL_accept error from unknown[127.0.0.2]: ")
    tuvi.wait_log("disconnect from unknown[127.0.0.2] commands=0/0\n")


def test_a_client_that_speaks_tls_at_once_on_a_starttls_port_is_refused(tuvi):
    tuvi.start()
    with socket.create_connection(("127.0.0.1", tuvi.p587), 20, (MINE, 0)) as raw:
        with pytest.raises(ssl.SSLError):
            context().wrap_socket(raw)
    tuvi.wait_log("disconnect from unknown[127.0.0.2] ")


def test_a_client_that_cuts_the_connection_inside_tls_is_noticed(tuvi, connect):
    tuvi.start()
    client = connect("submissions", source="127.2.1.1")
    raw = socket.socket(fileno=client.socket.detach())
    raw.close()  # no close_notify: the session was cut, not ended
    tuvi.wait_log("lost connection after EHLO from unknown[127.2.1.1]\n")


# ---- other servers ----

class BrokenTls:
    """In the place of a server's TLS context: shakes no hands."""

    def __init__(self):
        self.tried = 0

    def wrap_socket(self, connection, server_side):
        assert server_side
        self.tried += 1
        connection.recv(1)  # the beginning of the hello
        connection.sendall(b"this is no TLS\r\n")
        raise ssl.SSLError("broken on purpose")


def server_tls(certificate, version=None):
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one.load_cert_chain(certificate.certificate, certificate.key)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            one.minimum_version = one.maximum_version = VERSIONS[version]
        one.set_ciphers("ALL:@SECLEVEL=0")
    return one


@pytest.fixture
def secure_sink(pki):
    one = Sink(tls=server_tls(pki.ecdsa))
    yield one
    one.close()


def send_one(tuvi):
    """Gives tuvid a message to pass on; its queue id."""
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\nhello\r\n")
    client.quit()
    assert code == 250
    return lines[0].split()[-1]


def settings(level, more=""):
    return f"smtp_tls_security_level = {level}\nsmtp_tls_loglevel = 1\nminimal_backoff_time = 1s\n" \
           f"maximal_backoff_time = 1s\n{more}"


@pytest.mark.parametrize("level,under_tls", [("none", False), ("may", True), ("encrypt", True)])
def test_mail_goes_to_a_server_with_tls_as_the_level_says(tuvi, secure_sink, level, under_tls):
    tuvi.configure(secure_sink.port, settings(level))
    tuvi.start()
    queue_id = send_one(tuvi)
    message = secure_sink.wait(1)[0]
    assert message.tls == under_tls
    assert message.header_and_body()[1] == b"hello\r\n"
    log = tuvi.wait_log(f"{queue_id}: removed\n")
    assert f"{queue_id}: to=<bob@remote.test>, relay=127.0.0.1[127.0.0.1]:{secure_sink.port}, " in log
    line = re.search(r" postfix/smtp\[\d+\]: Untrusted TLS connection established to "
                     rf"127\.0\.0\.1\[127\.0\.0\.1\]:{secure_sink.port}: TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 "
                     r"\(256/256 bits\) key-exchange X25519 server-signature ECDSA \(prime256v1\) "
                     r"server-digest SHA256\n", log)
    assert bool(line) == under_tls


@pytest.mark.parametrize("level", ["none", "may"])
def test_mail_goes_to_a_server_without_tls_where_that_is_allowed(tuvi, sink, level):
    tuvi.configure(sink.port, settings(level))
    tuvi.start()
    queue_id = send_one(tuvi)
    assert not sink.wait(1)[0].tls
    tuvi.wait_log(f"{queue_id}: removed\n")


def test_encrypt_keeps_the_mail_for_a_server_without_tls_until_it_has_tls(tuvi, sink, pki):
    tuvi.configure(sink.port, settings("encrypt"))
    tuvi.start()
    queue_id = send_one(tuvi)
    log = tuvi.wait_log("status=deferred")
    assert re.search(rf"{queue_id}: to=<bob@remote\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{sink.port}, .*"
                     r"dsn=4\.7\.4, status=deferred \(TLS is required, but was not offered by host "
                     r"127\.0\.0\.1\[127\.0\.0\.1\]", log), log
    assert sink.messages == []
    sink.tls = server_tls(pki.rsa)
    assert sink.wait(1)[0].tls
    tuvi.wait_log(f"{queue_id}: removed\n")


def test_may_falls_back_to_plain_when_the_handshake_fails(tuvi, sink):
    sink.tls = BrokenTls()
    tuvi.configure(sink.port, settings("may"))
    tuvi.start()
    queue_id = send_one(tuvi)
    assert not sink.wait(1)[0].tls
    assert sink.tls.tried == 1
    log = tuvi.wait_log(f"{queue_id}: removed\n")
    assert f"Cannot start TLS with 127.0.0.1[127.0.0.1]:{sink.port}: " in log
    assert "status=deferred" not in log


def test_encrypt_keeps_the_mail_when_the_handshake_fails(tuvi, sink, pki):
    sink.tls = BrokenTls()
    tuvi.configure(sink.port, settings("encrypt"))
    tuvi.start()
    queue_id = send_one(tuvi)
    log = tuvi.wait_log("status=deferred")
    assert re.search(rf"{queue_id}: to=<bob@remote\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{sink.port}, .*"
                     r"dsn=4\.7\.5, status=deferred \(Cannot start TLS with 127\.0\.0\.1\[127\.0\.0\.1\]: ", log), log
    wait_for(lambda: sink.tls.tried >= 2, what="another try")
    assert sink.messages == []
    tuvi.stop()
    sink.tls = server_tls(pki.ecdsa)
    tuvi.start()  # it was kept on disk
    assert sink.wait(1)[0].tls
    tuvi.wait_log(f"{queue_id}: removed\n")


def test_old_servers_get_the_old_version_where_tls_is_no_must(tuvi, sink, pki):
    sink.tls = server_tls(pki.rsa, "TLSv1.1")
    tuvi.configure(sink.port, settings("may"))
    tuvi.start()
    send_one(tuvi)
    assert sink.wait(1)[0].tls
    tuvi.wait_log(f"127.0.0.1[127.0.0.1]:{sink.port}: TLSv1.1 with cipher ")


def test_smtp_tls_mandatory_protocols_decides_where_tls_is_a_must(tuvi, sink, pki):
    sink.tls = server_tls(pki.rsa, "TLSv1.2")
    tuvi.configure(sink.port, settings("encrypt", "smtp_tls_mandatory_protocols = >=TLSv1.3\n"))
    tuvi.start()
    send_one(tuvi)
    tuvi.wait_log("status=deferred (Cannot start TLS with 127.0.0.1[127.0.0.1]: ")
    assert sink.messages == []
    sink.tls = server_tls(pki.rsa, "TLSv1.3")
    assert sink.wait(1)[0].tls


def test_the_password_does_not_stand_in_the_clear_on_the_wire(tuvi, sink, connect):
    """What travels behind STARTTLS is encrypted: seen from a relay between client and server."""
    tuvi.start()
    seen = []
    with Between(tuvi.p587, seen) as between:
        client = Client(between.port)
        client.ehlo()
        client.starttls()
        assert client.auth_plain()[0] == 235
        client.quit()
    wire = b"".join(seen)
    assert b"STARTTLS" in wire
    assert b"wonderland" not in wire and base64.b64encode(b"\0alice\0wonderland") not in wire


class Between:
    """Passes bytes on from a client to a server and back, and remembers them."""

    def __init__(self, port, seen):
        self.seen = seen
        self.server_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.serve, daemon=True)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def serve(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.server_port))
        back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
        back.start()
        self.copy(client, server)
        back.join()
        client.close()
        server.close()

    def copy(self, source, target):
        try:
            while data := source.recv(65536):
                self.seen.append(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __exit__(self, *_):
        self.threads[0].join(20)
        self.listener.close()
