"""Certificates that clients present: asked for, believed or not, and what they are permitted then."""
import os
import ssl

import pytest

from certificates import NAME, Certificate
from harness import MINE, STRANGER, Client, Folder

MAIL = ("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")
RELAY = "mynetworks = 127.0.0.2\nsmtpd_relay_restrictions = {}, reject_unauth_destination\n"


@pytest.fixture(scope="module")
def pki():
    folder = Folder()
    folder.root = Certificate(folder.path, "root", is_issuer=True)
    folder.middle = Certificate(folder.path, "middle", issuer=folder.root, is_issuer=True)
    folder.stranger_root = Certificate(folder.path, "stranger-root", is_issuer=True)
    folder.good = Certificate(folder.path, "good", issuer=folder.root)
    folder.below = Certificate(folder.path, "below", issuer=folder.middle)
    folder.expired = Certificate(folder.path, "expired", issuer=folder.root)
    folder.expired.expire()
    folder.foreign = Certificate(folder.path, "foreign", issuer=folder.stranger_root)
    folder.own = Certificate(folder.path, "own", "rsa")
    yield folder
    folder.close()


def wants(certificate=None, version=None):
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    one.check_hostname, one.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        one.minimum_version = one.maximum_version = version
    if certificate is not None:
        chain = certificate.certificate.with_suffix(".chain")
        chain.write_text(certificate.chain())
        one.load_cert_chain(chain, certificate.key)
    return one


@pytest.fixture
def connect(tuvi):
    clients = []

    def make(certificate=None, port=None, context=None, session=None, source=STRANGER, starttls=True):
        context = context or wants(certificate)

        def secure(raw):
            return context.wrap_socket(raw, server_hostname=NAME, session=session)
        client = Client(port or tuvi.p25, source, wrapped=port == tuvi.p465, secure=secure)
        clients.append(client)
        if port != tuvi.p465:
            client.ehlo()
            if starttls:
                client.starttls()
        return client
    yield make
    for client in clients:
        client.close()


def start(tuvi, sink, pki, permit, more=""):
    tuvi.configure(sink.port, f"smtpd_tls_ask_ccert = yes\nsmtpd_tls_CAfile = {pki.root.certificate}\n"
                   "smtpd_tls_received_header = yes\nsmtpd_tls_loglevel = 1\n" + RELAY.format(permit) + more)
    tuvi.start()


def code(client):
    return client.message(*MAIL)[0]


# ---- what is told of them ----

@pytest.mark.parametrize("which,trust,told", [
    (None, "Anonymous", "(Client did not present a certificate)"),
    ("good", "Trusted", f'(Client CN "{NAME}", Issuer "root" (verified OK))'),
    ("below", "Trusted", f'(Client CN "{NAME}", Issuer "middle" (verified OK))'),
    ("own", "Untrusted", f'(Client CN "{NAME}", Issuer "{NAME}" (not verified))'),
    ("foreign", "Untrusted", f'(Client CN "{NAME}", Issuer "stranger-root" (not verified))'),
    ("expired", "Untrusted", f'(Client CN "{NAME}", Issuer "root" (not verified))'),
])
def test_log_and_trace_header_tell_what_a_certificate_is_worth(tuvi, sink, pki, connect, which, trust, told):
    start(tuvi, sink, pki, "permit_mynetworks")
    client = connect(which and getattr(pki, which), source=MINE)
    assert code(client) == 250
    assert f"\r\n\t{told}\r\n\tby " in sink.wait(1)[0].header_and_body()[0].decode()
    tuvi.wait_log(f"{trust} TLS connection established from unknown[{MINE}]: TLSv1.3 with cipher ")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_keeps_its_certificate(tuvi, sink, pki, connect, version):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts", "tuvi_workers = 1\n")
    for which, expected in (("good", 250), ("foreign", 554)):
        context = wants(getattr(pki, which), version)
        first = connect(context=context)
        assert first.command("NOOP")[0] == 250  # TLS 1.3 sends tickets late
        again = connect(context=context, session=first.socket.session)
        assert again.socket.session_reused
        assert code(again) == expected


# ---- what they permit ----

@pytest.mark.parametrize("which,expected", [(None, 554), ("good", 250), ("below", 250), ("own", 554),
                                            ("foreign", 554), ("expired", 554)])
def test_permit_tls_all_clientcerts_permits_whom_an_authority_vouches_for(tuvi, sink, pki, connect, which, expected):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts")
    assert code(connect(which and getattr(pki, which))) == expected
    if expected == 554:
        tuvi.wait_log("permit_tls_all_clientcerts")


def test_nothing_is_trusted_without_smtpd_tls_CAfile(tuvi, sink, pki, connect):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts", "smtpd_tls_CAfile =\n")
    assert code(connect(pki.good)) == 554


def test_no_certificate_counts_where_none_is_asked_for(tuvi, sink, pki, connect):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts", "smtpd_tls_ask_ccert = no\n")
    assert code(connect(pki.good)) == 554


def test_no_certificate_counts_before_tls(tuvi, sink, pki, connect):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts")
    assert code(connect(starttls=False)) == 554


@pytest.mark.parametrize("depth,expected", [(0, 554), (1, 250)])
def test_smtpd_tls_ccert_verifydepth_bounds_the_chain(tuvi, sink, pki, connect, depth, expected):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts", f"smtpd_tls_ccert_verifydepth = {depth}\n")
    assert code(connect(pki.below)) == expected
    assert code(connect(pki.good)) == 250


@pytest.mark.parametrize("digest", [None, "sha1", "sha512"])
@pytest.mark.parametrize("of", ["fingerprint", "key_fingerprint"])
def test_permit_tls_clientcerts_permits_whose_fingerprint_is_listed(tuvi, sink, pki, connect, digest, of):
    table = tuvi.root / "certificates"
    fingerprint = getattr(pki.own, of)(digest or "sha256")
    table.write_text(f"{fingerprint} the laptop\n")
    more = f"relay_clientcerts = hash:{table}\ncompatibility_level = 3.6\n"
    start(tuvi, sink, pki, "permit_tls_clientcerts",
          more + (f"smtpd_tls_fingerprint_digest = {digest}\n" if digest is not None else ""))
    assert code(connect(pki.own)) == 250
    assert code(connect(pki.good)) == 554
    assert code(connect()) == 554


def test_check_ccert_access_looks_for_the_fingerprint(tuvi, sink, pki, connect):
    table = tuvi.root / "access"
    table.write_text(f"{pki.good.fingerprint()} REJECT lost\n{pki.own.key_fingerprint()} OK\n")
    start(tuvi, sink, pki, f"check_ccert_access hash:{table}, permit_tls_all_clientcerts")
    assert code(connect(pki.own)) == 250
    assert code(connect(pki.below)) == 250
    reply = connect(pki.good).message(*MAIL)
    assert reply[0] == 554
    assert reply[1] == [f"554 5.7.1 <{pki.good.fingerprint()}>: Client certificate rejected: lost"]


# ---- where they are demanded ----

@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("which,reply", [
    (None, "421 4.7.1 mx.local.test Error: No client certificate presented"),
    ("foreign", "421 4.7.1 mx.local.test Error: Client certificate not trusted"),
    ("good", None),
])
def test_smtpd_tls_req_ccert_ends_sessions_without_a_trusted_one(tuvi, sink, pki, connect, which, reply, wrapped):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts",
          "smtpd_tls_ask_ccert = no\nsmtpd_tls_req_ccert = yes\nsmtpd_tls_security_level = encrypt\n")
    client = Client(tuvi.p465 if wrapped else tuvi.p25, STRANGER, wrapped=wrapped,
                    secure=lambda raw: wants(which and getattr(pki, which)).wrap_socket(raw, server_hostname=NAME))
    if not wrapped:
        client.ehlo()
        assert client.command("STARTTLS")[0] == 220
        client.file.close()
        client.socket = client.secure(client.socket)
        client.open_file()
    code_and_lines = client.command("EHLO client.test")
    if reply is None:
        assert code_and_lines[0] == 250
    else:
        assert code_and_lines == (421, [reply])
        assert client.reply() == (0, [])
        tuvi.wait_log(f"NOQUEUE: abort: TLS from unknown[{STRANGER}]: {reply.partition('Error: ')[2]}\n")
    client.close()


def test_smtpd_tls_req_ccert_only_asks_where_tls_is_not_demanded(tuvi, sink, pki, connect):
    start(tuvi, sink, pki, "permit_tls_all_clientcerts",
          "smtpd_tls_ask_ccert = no\nsmtpd_tls_req_ccert = yes\nsmtpd_tls_security_level = may\n")
    assert code(connect()) == 554
    assert code(connect(pki.good)) == 250


# ---- what is wrong with the settings ----

@pytest.mark.parametrize("setting,problem", [
    ("smtpd_tls_CAfile = /nonexistent/ca.pem", "/nonexistent/ca.pem"),
    ("smtpd_tls_fingerprint_digest = sha257", '"sha257" is no message digest'),
])
def test_a_wrong_setting_keeps_the_service_from_starting(tuvi, sink, setting, problem):
    tuvi.configure(sink.port, f"smtpd_tls_ask_ccert = yes\n{setting}\n")
    tuvi.start(wait=False)
    assert tuvi.process.wait(20) == os.EX_CONFIG
    assert problem in tuvi.process.stdout.read()
