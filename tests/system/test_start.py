"""Starting, and being told why not: a clear message, with file and line where there is one, and an exit code."""
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess

import pytest

from certificates import Certificate
from harness import STRANGER, TUVI, TUVID, Client, Folder, Tuvi, is_running, wait_for

EX_USAGE, EX_DATAERR, EX_OSERR, EX_CANTCREAT, EX_CONFIG = 64, 65, 71, 73, 78


def run(*command, user=None, seconds=30, **more):
    """Runs a program to its end; (exit code, what it said)."""
    if user is not None:
        command = ("setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups", *command)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
                          check=False, **more)
    return done.returncode, done.stdout


def start(tuvi, *options, **more):
    return run(TUVID, "-c", tuvi.root, *options, **more)


def line_of(tuvi, file, beginning):
    """Where a message has to point: the last line that begins so."""
    lines = (tuvi.root / file).read_text().splitlines()
    number = max(i for i, line in enumerate(lines, 1) if line.startswith(beginning))
    return f"{tuvi.root}/{file}{',' if file == 'main.cf' else ':'} line {number}"


def errors(said):
    return [line.removeprefix("tuvid: error: ") for line in said.splitlines() if line.startswith("tuvid: error: ")]


def assert_refused(tuvi, *expected, **more):
    """It does not start, in the foreground and in the background, for these reasons, and leaves nothing running."""
    for options in (("-f",), ()):
        code, said = start(tuvi, *options, **more)
        assert (code, errors(said)) == (EX_CONFIG, list(expected)), said
        assert said.endswith(f"tuvid: nothing was started: {len(expected)} error{'s' if len(expected) > 1 else ''}\n")
    assert "daemon started" not in tuvi.log()


def setting(tuvi, sink, text):
    """main.cf with one more setting; where it stands."""
    tuvi.configure(sink.port, text + "\n")
    return line_of(tuvi, "main.cf", text.split("=")[0])


# ---- TLS ----

def test_a_key_that_is_missing(tuvi, sink):
    where = setting(tuvi, sink, "smtpd_tls_key_file = /nonexistent/key.pem")
    assert_refused(tuvi, f"{where}: smtpd_tls_key_file = /nonexistent/key.pem: No such file or directory")


def test_a_certificate_that_is_missing(tuvi, sink):
    where = setting(tuvi, sink, "smtpd_tls_cert_file = /nonexistent/cert.pem")
    assert_refused(tuvi, f"{where}: smtpd_tls_cert_file = /nonexistent/cert.pem: No such file or directory")


def test_a_key_that_does_not_match(tuvi):
    other = Certificate(tuvi.folder.path, "other")
    shutil.copy(other.key, tuvi.root / "key.pem")
    assert_refused(tuvi, f"{line_of(tuvi, 'main.cf', 'smtpd_tls_key_file')}: {tuvi.root}/key.pem: the private key does "
                         f"not belong to the certificate in {tuvi.root}/cert.pem")


@pytest.mark.parametrize("text,reason", [
    ("", "no private key found"),
    ("this is no key\n", "no private key found"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "the private key is broken: "),
], ids=["empty", "text", "broken"])
def test_a_key_file_that_holds_no_key(tuvi, text, reason):
    (tuvi.root / "key.pem").write_text(text)
    code, said = start(tuvi, "-f")
    [error] = errors(said)
    assert code == EX_CONFIG
    assert error.startswith(f"{line_of(tuvi, 'main.cf', 'smtpd_tls_key_file')}: {tuvi.root}/key.pem: {reason}")


def test_tls_without_any_certificate(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_tls_cert_file =\nsmtpd_tls_key_file =\n")
    text = "smtpd_tls_security_level wants TLS, and no certificate is named: set smtpd_tls_chain_files, or " \
           "smtpd_tls_cert_file and smtpd_tls_key_file"
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    assert errors(said)[0] == f"{line_of(tuvi, 'main.cf', 'smtpd_tls_security_level')}: {text}"


# ---- the two files ----

def test_a_configuration_with_several_errors_has_all_of_them_told_at_once(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_recipient_limit = many\nsmtpd_timeout = 5 parsecs\nsmtpd_tls_auth_only = perhaps\n"
                              "virtual_mailbox_maps = hash:/etc/users\nno equals sign here\nhopcount_limit = 99999999999\n",
                   "127.0.0.1:nowhere inet n - n - - smtpd\nbroken line\n")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    told = "\n".join(errors(said))
    for file, beginning, text in (
            ("main.cf", "smtpd_recipient_limit", "smtpd_recipient_limit = many: "),
            ("main.cf", "smtpd_timeout", "smtpd_timeout = 5 parsecs: "),
            ("main.cf", "smtpd_tls_auth_only", "smtpd_tls_auth_only = perhaps: "),
            ("main.cf", "virtual_mailbox_maps", "virtual_mailbox_maps"),
            ("main.cf", "no equals sign here", ""),
            ("main.cf", "hopcount_limit", "hopcount_limit = 99999999999: "),
            ("master.cf", "127.0.0.1:nowhere", "unknown port nowhere: "),
            ("master.cf", "broken line", "bad transport type: line; ")):
        assert f"{line_of(tuvi, file, beginning)}: {text}" in told, told
    assert said.endswith(f"tuvid: nothing was started: {len(errors(said))} errors\n")


def test_an_unknown_parameter_is_a_warning_that_says_what_may_be_meant(tuvi, sink):
    tuvi.configure(sink.port, "smtpd_tls_cert_fle = x\nmynetwork = 10.0.0.0/8\nsmtpd_relay_restriction = permit\n"
                              "garbage = 1\nmail_owner = nosuchuser\n")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG  # for the last reason alone: the others are warnings
    assert len(errors(said)) == 1
    for name, value, meant in (("smtpd_tls_cert_fle", "x", "smtpd_tls_cert_file"),
                               ("mynetwork", "10.0.0.0/8", "mynetworks"),
                               ("smtpd_relay_restriction", "permit", "smtpd_relay_restrictions")):
        where = line_of(tuvi, "main.cf", name + " =")
        assert f"tuvid: warning: {where}: unused parameter: {name}={value}; did you mean {meant}?\n" in said
    assert f"tuvid: warning: {line_of(tuvi, 'main.cf', 'garbage')}: unused parameter: garbage=1\n" in said


def test_a_parameter_that_is_dangerous_to_ignore(tuvi, sink):
    tuvi.configure(sink.port, "transport_maps = inline:{a=b}\nsmtpd_milters = inet:localhost:8891\n"
                              "header_checks = regexp:/etc/checks\n")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    for name, value in (("transport_maps", "inline:{a=b}"), ("smtpd_milters", "inet:localhost:8891"),
                        ("header_checks", "regexp:/etc/checks")):
        where = line_of(tuvi, "main.cf", name)
        assert f"tuvid: error: {where}: {name} = {value}: Tuvi does not support this parameter yet, and to ignore it " \
               "would change " in said
    assert len(errors(said)) == 3


def test_a_restriction_that_is_not_known(tuvi, sink):
    where = setting(tuvi, sink, "smtpd_recipient_restrictions = check_etrn_access hash:/etc/x")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    assert errors(said)[0].startswith(f"{where}: smtpd_recipient_restrictions: the restriction "
                                      "\"check_etrn_access\" is not supported; ")


def test_a_folder_that_is_missing():
    for options in (("-f",), ()):
        assert run(TUVID, "-c", "/nonexistent/tuvi", *options) == \
            (EX_CONFIG, "tuvid: error: /nonexistent/tuvi: there is no such folder\n"
                        "tuvid: nothing was started: 1 error\n")


def test_a_folder_without_a_configuration():
    folder = Folder()
    code, said = run(TUVID, "-c", folder.path, "-f")
    assert code == EX_CONFIG
    assert errors(said) == [f'{folder.path}/{name}: there is no such file; "tuvi init" makes a first one'
                            for name in ("main.cf", "master.cf")]
    folder.close()


def test_a_configuration_in_which_nothing_listens(tuvi):
    (tuvi.root / "master.cf").write_text("# nothing\n")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    assert errors(said)[0].startswith(f"{tuvi.root}/master.cf: no service takes mail; ")


def test_an_option_that_is_not_known():
    code, said = run(TUVID, "-x")
    assert code == EX_USAGE and "usage: tuvid " in said
    code, said = run(TUVID, "start")
    assert code == EX_USAGE and "usage: tuvid " in said


# ---- open relays ----

OPEN = "this service would be an open relay: neither smtpd_relay_restrictions nor smtpd_recipient_restrictions stops " \
       "mail from strangers to other domains; add reject_unauth_destination (or defer_unauth_destination, reject, defer)"


@pytest.mark.parametrize("relay,recipient", [
    ("", ""),
    ("permit", ""),
    ("permit_mynetworks", ""),
    ("permit_mynetworks, permit_sasl_authenticated", "permit_mynetworks"),
    ("permit_mynetworks, permit, reject_unauth_destination", ""),
    ("permit", "permit_sasl_authenticated, permit, reject"),
])
def test_an_open_relay(tuvi, sink, relay, recipient):
    tuvi.configure(sink.port, f"smtpd_relay_restrictions = {relay}\nsmtpd_recipient_restrictions = {recipient}\n")
    assert_refused(tuvi, f"{line_of(tuvi, 'main.cf', 'smtpd_relay_restrictions')}: {OPEN}")


def test_an_open_relay_in_one_service_alone(tuvi, sink):
    tuvi.configure(sink.port, "", "127.0.0.1:10025 inet n - n - - smtpd\n  -o smtpd_relay_restrictions=permit\n")
    assert_refused(tuvi, f"{line_of(tuvi, 'master.cf', '  -o smtpd_relay_restrictions=permit')}: {OPEN}")


@pytest.mark.parametrize("networks", ["0.0.0.0/0", "127.0.0.0/8, 0.0.0.0/0", "127.0.0.0/8 [::]/0", "10.0.0.1/0"])
def test_mynetworks_that_hold_everybody(tuvi, sink, networks):
    where = setting(tuvi, sink, f"mynetworks = {networks}")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    assert len(errors(said)) == 1 and errors(said)[0].startswith(f"{where}: mynetworks"), said


# ---- the machine ----

def test_a_port_that_is_occupied(tuvi):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", tuvi.p587))
        other.listen()
        where = line_of(tuvi, "master.cf", f"127.0.0.1:{tuvi.p587}")
        assert_refused(tuvi, f"{where}: 127.0.0.1:{tuvi.p587}: Address already in use: another server listens there; "
                             "\"ss -ltnp\" shows which")
        with pytest.raises(ConnectionRefusedError):  # nor do the other services run
            Client(tuvi.p25)


def test_an_address_that_this_machine_does_not_have(tuvi, sink):
    tuvi.configure(sink.port, "", "192.0.2.1:10025 inet n - n - - smtpd\n")
    where = line_of(tuvi, "master.cf", "192.0.2.1:10025")
    assert_refused(tuvi, f"{where}: 192.0.2.1:10025: Cannot assign requested address: this machine does not have that "
                         "address")


def test_a_spool_where_nothing_can_be_written(tuvi, sink):
    where = setting(tuvi, sink, f"queue_directory = {tuvi.root}/main.cf/spool")
    assert_refused(tuvi, f"{where}: queue_directory: {tuvi.root}/main.cf/spool cannot be made: Not a directory")


def test_a_spool_that_belongs_to_somebody_else(tuvi):
    give_to_nobody(tuvi)
    (tuvi.root / "spool").mkdir()
    where = line_of(tuvi, "main.cf", "queue_directory")
    assert_refused(tuvi, f"{where}: queue_directory: {tuvi.root}/spool/tuvi cannot be made: Permission denied",
                   user="nobody")


def test_a_spool_that_the_mail_owner_cannot_reach(tuvi, sink):
    closed = tuvi.folder.path / "closed"
    closed.mkdir(mode=0o700)
    where = setting(tuvi, sink, f"queue_directory = {closed}/spool")
    code, said = start(tuvi, "-f")
    assert code == EX_CONFIG
    assert re.fullmatch(rf"{where}: queue_directory: {closed}: user \w+ cannot pass through: \"chmod o\+x {closed}\"",
                        errors(said)[0])


def test_a_spool_whose_sockets_have_too_long_a_path(tuvi, sink):
    spool = tuvi.root / ("x" * 100)
    where = setting(tuvi, sink, f"queue_directory = {spool}")
    assert_refused(tuvi, f"{where}: {spool}/tuvi/auth: longer than the 107 bytes that a socket's path may have: choose "
                         "a shorter queue_directory")


def test_a_log_file_that_cannot_be_opened(tuvi, sink):
    where = setting(tuvi, sink, "maillog_file = /nonexistent/mail.log")
    assert_refused(tuvi, f"{where}: maillog_file = /nonexistent/mail.log: No such file or directory")


def test_a_password_file_that_is_missing(tuvi, sink):
    where = setting(tuvi, sink, "smtpd_sasl_path = /nonexistent/passwd")
    assert_refused(tuvi, f"{where}: smtpd_sasl_path: /nonexistent/passwd: No such file or directory")


def test_a_password_file_that_is_broken(tuvi):
    (tuvi.root / "passwd").write_text("alice wonderland\n")
    code, said = start(tuvi, "-f")
    [error] = errors(said)
    assert code == EX_CONFIG
    assert error.startswith(f"{line_of(tuvi, 'main.cf', 'smtpd_sasl_path')}: smtpd_sasl_path: {tuvi.root}/passwd")
    assert "wonderland" not in said


@pytest.mark.parametrize("name,reason", [
    ("nosuchuser", 'mail_owner: there is no user "nosuchuser": make it, or name one that exists'),
    ("root", "mail_owner must not be root: what reads the network must be able to do no harm"),
])
def test_a_mail_owner_that_will_not_do(tuvi, sink, name, reason):
    where = setting(tuvi, sink, f"mail_owner = {name}")
    assert_refused(tuvi, f"{where}: {reason}")


def test_a_second_tuvid_on_the_same_queue_directory(tuvi, sink):
    tuvi.start()
    other = Tuvi(sink.port)
    try:
        other.configure(sink.port, f"queue_directory = {tuvi.root}/spool\n")
        where = line_of(other, "main.cf", "queue_directory")
        assert_refused(other, f"{where}: queue_directory: {tuvi.root}/spool/tuvi/tuvid.pid: another tuvid runs on this "
                              "queue_directory")
    finally:
        other.close()
    client = Client(tuvi.p25)  # the first has not noticed
    client.ehlo()
    client.starttls()
    assert client.auth_plain()[0] == 235
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.quit()
    sink.wait(1)
    assert int((tuvi.root / "spool/tuvi/tuvid.pid").read_text()) == tuvi.process.pid


# ---- as an ordinary user ----

def give_to_nobody(tuvi):
    for path in (tuvi.root, *tuvi.root.rglob("*")):
        shutil.chown(path, "nobody", "nogroup")


def test_an_ordinary_user_can_run_it_on_high_ports_and_is_told_what_is_missing(tuvi, sink):
    give_to_nobody(tuvi)
    tuvi.wrapper = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    tuvi.start()
    client = Client(tuvi.p465, STRANGER, wrapped=True)
    client.ehlo()
    assert client.auth_plain(password="builder")[0] == 535
    assert client.auth_plain()[0] == 235
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.quit()
    sink.wait(1)
    log = tuvi.wait_log("not started as root")
    assert re.search(r" postfix/master\[\d+\]: warning: not started as root: all processes run as the same user, and "
                     r"nothing keeps the passwords and the keys from what reads the network\n", log)
    assert tuvi.stop() == 0


def test_root_is_told_no_such_thing(tuvi):
    tuvi.start()
    assert tuvi.stop() == 0
    assert "not started as root" not in tuvi.log()


def test_an_ordinary_user_cannot_have_a_low_port(tuvi, sink):
    tuvi.configure(sink.port, "", "127.0.0.1:25 inet n - n - - smtpd\n")
    give_to_nobody(tuvi)
    where = line_of(tuvi, "master.cf", "127.0.0.1:25 ")
    assert_refused(tuvi, f"{where}: 127.0.0.1:25: Permission denied: ports below 1024 are root's", user="nobody")


# ---- in the background ----

def test_in_the_background_it_returns_once_it_serves(tuvi, sink):
    assert start(tuvi) == (0, "")  # what it was started by reads the end of its output, too
    client = Client(tuvi.p25)
    client.ehlo()
    assert client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.quit()
    sink.wait(1)
    assert tuvi.count_started() == 1
    daemon = int((tuvi.root / "spool/tuvi/tuvid.pid").read_text())
    assert os.getsid(daemon) == daemon != os.getsid(0)
    streams = [os.readlink(f"/proc/{daemon}/fd/{number}") for number in range(3)]
    assert streams == ["/dev/null"] * 3
    os.kill(daemon, signal.SIGTERM)
    wait_for(lambda: not is_running(daemon), what="the end of the daemon")
    assert not (tuvi.root / "spool/tuvi/tuvid.pid").exists()


def test_in_the_background_it_returns_with_an_error_when_a_role_cannot_start(tuvi):
    folder = tuvi.root / "spool" / "tuvi" / "slot-0"
    folder.mkdir(parents=True)
    tuvi.root.joinpath("spool").chmod(0o755)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        os.fchmod(lock.fileno(), 0o666)
        whole = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, whole)  # as another worker would
        for options in ((), ("-f",)):
            code, said = start(tuvi, *options)
            assert code == EX_OSERR
            assert "tuvid: worker 0: another worker uses this slot" in said
            assert said.endswith("tuvid: a process could not be started: see the lines above and the log\n")
    assert "daemon started" not in tuvi.log()
    tuvi.start()  # and now it can


# ---- tuvi init, tuvi passwd ----

def test_init_makes_a_configuration_that_starts(sink):
    folder = Folder()
    tuvi = Tuvi(sink.port)  # for its ports
    root = folder.path / "new"
    code, said = run(TUVI, "init", root, "--hostname", "mail.example", "--ports",
                     f"{tuvi.p25},{tuvi.p587},{tuvi.p465}", "--listen", "127.0.0.1", "--networks", "127.0.0.2/32",
                     "--relayhost", f"[127.0.0.1]:{sink.port}")
    assert code == 0 and f"tuvi passwd {root} USER" in said
    assert [root.joinpath(name).stat().st_mode & 0o777 for name in ("key.pem", "passwd", "cert.pem", "main.cf")] == \
        [0o600, 0o600, 0o644, 0o644]
    assert run(TUVI, "passwd", root, "alice", input="wonderland\n")[0] == 0
    tuvi.root = root
    tuvi.start()
    client = Client(tuvi.p587, STRANGER)
    assert client.greeting == (220, ["220 mail.example ESMTP Tuvi"])
    client.ehlo()
    client.starttls()
    assert client.auth_plain()[0] == 235
    assert client.message("ada@mail.example", ["bob@remote.test"], "Subject: x\r\n\r\n")[0] == 250
    client.quit()
    sink.wait(1)
    tuvi.close()
    folder.close()


def test_init_twice_changes_nothing():
    folder = Folder()
    assert run(TUVI, "init", folder.path / "new")[0] == 0
    before = {path.name: path.read_bytes() for path in (folder.path / "new").iterdir()}
    assert run(TUVI, "init", folder.path / "new") == \
        (EX_CANTCREAT, f"tuvi init: {folder.path}/new/main.cf is there already; nothing was changed\n")
    assert {path.name: path.read_bytes() for path in (folder.path / "new").iterdir()} == before
    folder.close()


def test_init_in_a_place_where_nothing_can_be_written():
    folder = Folder()
    for where, reason in ((folder.path / "new", "Permission denied"), (folder.path / "a/b", "No such file or directory"),
                          (pathlib.Path("/proc/version/new"), "Not a directory")):
        assert run(TUVI, "init", where, user="nobody") == (EX_CANTCREAT, f"tuvi init: {where}: {reason}\n")
    assert run(TUVI, "init", folder.path, user="nobody") == \
        (EX_CANTCREAT, f"tuvi init: {folder.path}/key.pem: Permission denied\n")
    assert list(folder.path.iterdir()) == []
    folder.close()


def test_init_that_stopped_half_way_can_be_run_again():
    folder = Folder()
    assert run(TUVI, "init", folder.path / "new")[0] == 0
    (folder.path / "new" / "main.cf").unlink()  # it comes last
    assert run(TUVI, "init", folder.path / "new")[0] == 0
    assert (folder.path / "new" / "main.cf").exists()
    folder.close()


@pytest.mark.parametrize("options", [[], ["a", "b"], ["--ports", "25,587", "x"], ["--ports", "25,587,99999", "x"],
                                     ["--nonsense", "x"]], ids=" ".join)
def test_init_with_options_that_make_no_sense(options, tmp_path):
    code, said = run(TUVI, "init", *options, cwd=tmp_path)
    assert code == EX_USAGE and "usage: tuvi init DIR" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", ["", "\n", "\r\n"])
def test_passwd_with_an_empty_password_changes_nothing(tuvi, typed):
    before = (tuvi.root / "passwd").read_bytes()
    for user in ("alice", "bob"):
        assert run(TUVI, "passwd", tuvi.root, user, input=typed) == \
            (EX_DATAERR, "tuvi passwd: no password was given\n")
    assert (tuvi.root / "passwd").read_bytes() == before


def test_passwd_with_a_password_that_is_too_long_changes_nothing(tuvi):
    before = (tuvi.root / "passwd").read_bytes()
    code, said = run(TUVI, "passwd", tuvi.root, "alice", input="x" * 100000 + "\n")
    assert code == EX_DATAERR and re.fullmatch(r"tuvi passwd: the password is longer than \d+ bytes\n", said)
    assert (tuvi.root / "passwd").read_bytes() == before


@pytest.mark.parametrize("user", ["", "a:b", "a\nb", "a\tb", "#a", "x" * 5000],
                         ids=["empty", "colon", "line end", "tab", "comment", "long"])
def test_passwd_with_a_name_that_the_file_cannot_hold_changes_nothing(tuvi, user):
    before = (tuvi.root / "passwd").read_bytes()
    code, said = run(TUVI, "passwd", tuvi.root, user, input="wonderland\n")
    assert code == EX_DATAERR and said.startswith("tuvi passwd: "), said
    assert (tuvi.root / "passwd").read_bytes() == before


def test_passwd_removes_only_who_is_there(tuvi):
    code, said = run(TUVI, "passwd", "-d", tuvi.root, "bob")
    assert code == EX_DATAERR and "bob" in said
    assert run(TUVI, "passwd", "-d", tuvi.root, "alice")[0] == 0
    assert "alice:" not in (tuvi.root / "passwd").read_text()


def test_passwd_keeps_the_file_s_mode_and_owner_and_hides_the_password(tuvi):
    shutil.chown(tuvi.root / "passwd", "nobody")
    (tuvi.root / "passwd").chmod(0o640)
    code, said = run(TUVI, "passwd", tuvi.root, "bob", input="builder\n")
    assert (code, said) == (0, f"{tuvi.root}/passwd: password set for bob\n")
    status = (tuvi.root / "passwd").stat()
    assert (status.st_mode & 0o777, (tuvi.root / "passwd").owner()) == (0o640, "nobody")
    assert "builder" not in (tuvi.root / "passwd").read_text()


def test_passwd_by_somebody_who_may_not(tuvi):
    code, said = run(TUVI, "passwd", tuvi.root, "alice", user="nobody", input="builder\n")
    assert code != 0 and "Permission denied" in said
