"""tuvi check and tuvi conf over configurations as people have them; they stand in tests/configs."""
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from certificates import Certificate
from harness import ROOT, TUVI, TUVID, Folder, Tuvi, free_ports

CONFIGS = ROOT / "tests" / "configs"
EX_USAGE, EX_NOINPUT, EX_CONFIG = 64, 66, 78


class Configuration:
    """A copy of one of tests/configs in a folder of its own, with a certificate for mx.local.test."""

    def __init__(self, name, hostname="mx.local.test"):
        self.folder = Folder()
        self.path = self.folder.path
        for file in ("main.cf", "master.cf"):
            text = (CONFIGS / name / file).read_text().replace("@FOLDER@", str(self.path))
            (self.path / file).write_text(text.replace("mx.site.test", hostname))
        one = Certificate(self.path, "server")
        shutil.copy(one.certificate, self.path / "cert.pem")
        shutil.copy(one.key, self.path / "key.pem")
        (self.path / "key.pem").chmod(0o644)

    def change(self, file, old, new):
        text = (self.path / file).read_text()
        assert old in text
        (self.path / file).write_text(text.replace(old, new))

    def add(self, text):
        with (self.path / "main.cf").open("a") as file:
            file.write(text + "\n")

    def check(self, prefix=()):
        """(exit code, lines)"""
        done = subprocess.run([*prefix, TUVI, "check", self.path], capture_output=True, text=True, check=False,
                              timeout=60)
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    def where(self, file, beginning):
        lines = (self.path / file).read_text().splitlines()
        number = next(i for i, line in enumerate(lines, 1) if line.startswith(beginning))
        return f"{self.path}/{file}{',' if file == 'main.cf' else ':'} line {number}"


@pytest.fixture
def make():
    made = []

    def one(name, **more):
        made.append(Configuration(name, **more))
        return made[-1]
    yield one
    for configuration in made:
        configuration.folder.close()


def auth_socket(configuration):
    path = configuration.path / "spool" / "private"
    path.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path / "auth"))
    return listener


CLASSIC_SERVICES = [
    "port 25: relays for mynetworks 127.0.0.0/8, 192.0.2.0/24 and for who logs in under TLS; takes mail for "
    "site.test, other.site.test (virtual_mailbox_domains) from everybody; nothing else",
    "port 587: relays for who logs in under TLS; nobody else may send",
    "port 465: relays for who logs in under TLS; nobody else may send",
]


# ---- the three ----

def test_the_classic_set_up_would_start_and_has_nothing_odd(make):
    classic = make("classic")
    with auth_socket(classic):
        assert classic.check() == (0, [*CLASSIC_SERVICES, "0 errors, 0 warnings, 0 notes"])


def test_the_default_of_debian_would_start(make):
    debian = make("debian")
    code, lines = debian.check()
    assert code == 0
    assert (f"note (harmless): {debian.where('main.cf', 'biff')}: biff is passed over: it is about programs and "
            "folders that Tuvi does not have") in lines
    assert (f"note: {debian.where('master.cf', 'maildrop')}: the service maildrop (unix pipe) is not used by Tuvi and "
            "is passed over") in lines
    assert lines[-2:] == [
        "port 25: relays for mynetworks 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128; takes mail for mx.local.test, "
        "mx.local.test, localhost.site.test, localhost (mydestination) from everybody; nothing else",
        "0 errors, 0 warnings, 7 notes"]


def test_milters_are_dangerous_to_leave_out(make):
    filters = make("filters")
    code, lines = filters.check()
    assert code == EX_CONFIG
    assert [line.split(": ")[2].split(" ")[0] for line in lines if line.startswith("error (dangerous)")] == [
        "smtpd_milters", "non_smtpd_milters"]
    assert (f"warning: {filters.where('main.cf', 'smtpd_helo_requried')}: unused parameter: smtpd_helo_requried=yes; "
            "did you mean smtpd_helo_required?") in lines
    assert ("port 25: relays for mynetworks 127.0.0.0/8; takes mail for site.test (relay_domains) from everybody; "
            "nothing else") in lines
    assert lines[-1] == "2 errors, 1 warning, 2 notes"


# ---- what the machine has ----

def test_a_socket_of_dovecot_that_is_absent_is_a_warning(make):
    classic = make("classic")
    code, lines = classic.check()
    assert (code, lines[-1]) == (0, "0 errors, 1 warning, 0 notes")
    assert lines[0].startswith(f"warning: {classic.where('main.cf', 'smtpd_sasl_path')}: smtpd_sasl_path: there is no "
                               f"socket {classic.path}/spool/private/auth, ")
    (classic.path / "spool" / "private").mkdir(parents=True)
    (classic.path / "spool" / "private" / "auth").touch()
    assert classic.check()[1][0].endswith(f"{classic.path}/spool/private/auth is not a socket")


def test_a_certificate_of_another_host_is_a_warning(make):
    classic = make("classic", hostname="mail.elsewhere.test")
    with auth_socket(classic):
        code, lines = classic.check()
    assert code == 0
    assert lines[0] == (
        f"warning: {classic.where('main.cf', 'smtpd_tls_cert_file')}: smtpd_tls_cert_file: the certificate is for "
        "mx.local.test and does not name myhostname, mail.elsewhere.test; clients that check names will refuse it")
    assert lines[-1] == "0 errors, 1 warning, 0 notes"


def test_a_certificate_that_has_expired_is_a_warning(make):
    classic = make("classic")
    subprocess.run(["openssl", "x509", "-in", classic.path / "cert.pem", "-signkey", classic.path / "key.pem", "-days",
                    "-1", "-out", classic.path / "cert.pem"], check=True, capture_output=True)
    lines = classic.check()[1]
    assert any(line.startswith("warning: ") and f"{classic.path}/cert.pem: " in line and "expired" in line
               for line in lines), lines


@pytest.mark.parametrize("name", ["queue_directory", "maillog_file"])
def test_a_folder_that_cannot_be_there_is_an_error(make, name):
    classic = make("classic")
    classic.add(f"{name} = /nonexistent/deep/place")
    code, lines = classic.check()
    assert code == EX_CONFIG
    assert any(line.startswith("error: ") and line.endswith(f"{name} = /nonexistent/deep/place: the folder that it is "
                                                            "in does not exist") for line in lines), lines


def test_a_file_that_is_missing_and_a_setting_that_is_wrong_are_told_in_one_go(make):
    classic = make("classic")
    (classic.path / "key.pem").unlink()
    classic.add("queue_run_delay = soon\nminimal_backoff_time = soon")
    code, lines = classic.check()
    errors = [line for line in lines if line.startswith("error")]
    assert code == EX_CONFIG and len(errors) == 2
    assert "minimal_backoff_time = soon" in errors[0] and "key.pem: No such file or directory" in errors[1]


def test_two_password_files_are_an_error_for_tuvid_and_for_check_alike(sink):
    tuvi = Tuvi(sink.port)
    try:
        shutil.copy(tuvi.root / "passwd", tuvi.root / "other")
        tuvi.configure(sink.port, more_services="127.0.0.1:2 inet n - n - - smtpd\n"
                                                f"  -o smtpd_sasl_path={tuvi.root}/other\n")
        expected = (f"error: {tuvi.root}/master.cf: line 11: smtpd_sasl_path: all services with smtpd_sasl_type = file "
                    "must name the same password file\n")
        for words, program in (([TUVI, "check", tuvi.root], ""), ([TUVID, "-c", tuvi.root, "-f"], "tuvid: ")):
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                  timeout=60)
            assert done.returncode == EX_CONFIG and program + expected in done.stdout, done.stdout
    finally:
        tuvi.close()


# ---- who may send ----

@pytest.mark.parametrize("change, sentence", [
    ("smtpd_relay_restrictions = permit_mynetworks, permit",
     "port 25: relays for everybody: it is an open relay; takes mail for site.test, other.site.test "
     "(virtual_mailbox_domains) from everybody; nothing else"),
    ("mynetworks =\nsmtpd_sasl_auth_enable = no",
     "port 25: relays for nobody; takes mail for site.test, other.site.test (virtual_mailbox_domains) from everybody; "
     "nothing else"),
    ("smtpd_tls_auth_only = no\nvirtual_mailbox_domains =",
     "port 25: relays for mynetworks 127.0.0.0/8, 192.0.2.0/24 and for who logs in, even without TLS; nobody else may "
     "send"),
    ("smtpd_recipient_restrictions = permit_sasl_authenticated, reject",
     "port 25: relays for who logs in under TLS; nobody else may send"),
    ("relay_domains = inside.test",
     "port 25: relays for mynetworks 127.0.0.0/8, 192.0.2.0/24 and for who logs in under TLS; takes mail for "
     "site.test, other.site.test (virtual_mailbox_domains), inside.test (relay_domains) from everybody; nothing else"),
])
def test_the_sentence_says_what_the_policy_does(make, change, sentence):
    classic = make("classic")
    classic.add(change)
    assert sentence in classic.check()[1]


# ---- in what circumstances ----

def test_it_needs_neither_root_nor_free_ports_and_leaves_nothing_behind(make):
    classic = make("classic")
    before = sorted(classic.path.rglob("*"))
    ports = free_ports(1)
    with auth_socket(classic), socket.create_server(("127.0.0.1", ports[0])):
        classic.change("master.cf", "smtp  ", f"127.0.0.1:{ports[0]}  ")
        code, lines = classic.check(prefix=("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"))
    assert (code, lines[-1]) == (0, "0 errors, 0 warnings, 0 notes"), lines
    assert lines[0].startswith(f"127.0.0.1 port {ports[0]}: relays for ")
    shutil.rmtree(classic.path / "spool")
    assert sorted(classic.path.rglob("*")) == before


def test_a_configuration_of_init_is_good_and_a_folder_without_one_is_not(sink):
    tuvi = Tuvi(sink.port)
    try:
        done = subprocess.run([TUVI, "check", tuvi.root], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "0 errors, 0 warnings, 0 notes"), done.stdout
    finally:
        tuvi.close()
    done = subprocess.run([TUVI, "check", "/nonexistent"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (
        EX_CONFIG, "error: /nonexistent: there is no such folder\n1 error, 0 warnings, 0 notes\n")


@pytest.mark.parametrize("words", [["check"], ["check", ".", "."], ["check", "-x", "."], ["conf"], ["conf", "-x", "."]])
def test_words_that_make_no_sense(words):
    done = subprocess.run([TUVI, *words], capture_output=True, text=True, check=False)
    assert done.returncode == EX_USAGE and f"usage: tuvi {words[0]}" in done.stderr


# ---- tuvi conf ----

def conf(configuration, *words):
    options = [word for word in words if word.startswith("-")]
    names = [word for word in words if not word.startswith("-")]
    return subprocess.run([TUVI, "conf", *options, configuration.path, *names], capture_output=True, text=True,
                          check=False)


@pytest.mark.parametrize("name", ["classic", "debian", "filters"])
def test_conf_prints_what_postconf_prints(make, name):
    configuration = make(name)
    done = subprocess.run(["postconf", "-n", "-c", configuration.path], capture_output=True, text=True, check=True)
    theirs = [line for line in done.stdout.splitlines() if not line.startswith("config_directory")]
    # postconf leaves out names that it does not know.
    mine = [line for line in conf(configuration, "-n").stdout.splitlines() if "requried" not in line]
    assert mine == theirs and len(mine) > 10


def test_conf_prints_what_is_written_and_defaults_without_looking_into_them(make):
    classic = make("classic")
    assert conf(classic, "myorigin", "smtpd_banner", "smtpd_milters").stdout == (
        "myorigin = $mydomain\nsmtpd_banner = $myhostname ESMTP $mail_name\nsmtpd_milters =\n")
    assert conf(classic, "-n", "smtpd_banner", "myorigin").stdout == "myorigin = $mydomain\n"


def test_conf_has_every_parameter_in_order_and_what_is_set_besides(make):
    debian = make("debian")
    names = [line.split(" =")[0] for line in conf(debian).stdout.splitlines()]
    listed = (pathlib.Path(ROOT) / "src" / "config" / "parameter_list.h").read_text()
    known = re.findall(r"^(?:FLAG|NUMBER|TIME|TEXT|RAW|NEEDED|WORDS|CHOICE)\(\s*(\w+),", listed, re.M)
    assert names == sorted({*known, "biff", "readme_directory", "smtp_tls_CApath", "smtp_tls_session_cache_database",
                            "alias_maps", "alias_database", "mailbox_size_limit"})


def test_conf_of_a_name_that_nobody_knows(make):
    done = conf(make("classic"), "myhostnam", "mydomain")
    assert (done.returncode, done.stdout) == (1, "mydomain = site.test\n")
    assert done.stderr == "tuvi conf: warning: myhostnam: unknown parameter\n"


def test_conf_of_a_folder_without_main_cf(tmp_path):
    done = subprocess.run([TUVI, "conf", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == EX_NOINPUT
    assert done.stderr == f"tuvi conf: {tmp_path}/main.cf: No such file or directory\n"


def test_conf_works_where_the_configuration_would_not(make):
    filters = make("filters")
    filters.add("nonsense without a sign")
    assert conf(filters, "relay_domains").stdout == "relay_domains = site.test\n"
