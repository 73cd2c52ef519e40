"""How much one client may ask for, counted over all workers."""
import os
import signal
import time

import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi, wait_for

OTHER = "127.0.0.9"
CROWDED = (421, [f"421 4.7.0 mx.local.test Error: too many connections from {STRANGER}"])
UNIT = 3


@pytest.fixture(scope="module")
def sink():
    server = Sink()
    yield server
    server.close()


@pytest.fixture
def make(sink):
    servers = []

    def start(more, more_services=""):
        tuvi = Tuvi(sink.port, "tuvi_workers = 2\n" + more, more_services)
        servers.append(tuvi)
        return tuvi.start()
    yield start
    for tuvi in servers:
        tuvi.close()


def only(tuvi, worker):
    """All other workers stand still."""
    for pid in tuvi.workers():
        os.kill(pid, signal.SIGCONT if pid == worker else signal.SIGSTOP)


def all_of(tuvi):
    for pid in tuvi.workers():
        os.kill(pid, signal.SIGCONT)


def is_full(port, source=STRANGER):
    client = Client(port, source)
    client.close()
    if client.greeting[0] == 220:
        return False
    assert client.greeting == CROWDED
    return True


def open_at(tuvi, worker, count):
    only(tuvi, worker)
    clients = [Client(tuvi.p25, STRANGER) for _ in range(count)]
    assert all(client.greeting[0] == 220 for client in clients)
    line = f"postfix/smtpd[{worker}]: connect from unknown[{STRANGER}]"
    wait_for(lambda: tuvi.log().count(line) >= count, 10, "the connections to this worker")
    return clients


def test_connections_are_counted_over_all_workers(make):
    tuvi = make("smtpd_client_connection_count_limit = 4")
    one, two = tuvi.workers()
    try:
        clients = open_at(tuvi, one, 2) + open_at(tuvi, two, 2)
        assert is_full(tuvi.p25)
        only(tuvi, one)
        assert is_full(tuvi.p25)
    finally:
        all_of(tuvi)
    tuvi.wait_log(f"postfix/smtpd[{one}]: warning: Connection concurrency limit exceeded: 5 from unknown[{STRANGER}] "
                  f"for service 127.0.0.1:{tuvi.p25}")
    # Another client, one of ours, and another service are not meant.
    for port, source in ((tuvi.p25, OTHER), (tuvi.p25, MINE), (tuvi.p587, STRANGER)):
        client = Client(port, source)
        assert client.greeting[0] == 220
        client.close()
    # Who has left is not counted any more, however he left.
    clients[0].quit()
    wait_for(lambda: not is_full(tuvi.p25), 10, "room for one more")
    clients[3].socket.close()
    clients[3].file.close()
    for client in clients[1:3]:
        client.close()


def test_the_connections_of_a_killed_worker_are_gone(make):
    tuvi = make("smtpd_client_connection_count_limit = 4")
    one, two = tuvi.workers()
    try:
        clients = open_at(tuvi, one, 2) + open_at(tuvi, two, 2)
        os.kill(one, signal.SIGKILL)
        wait_for(lambda: len(tuvi.workers()) == 2 and one not in tuvi.workers(), 10, "another worker")
    finally:
        all_of(tuvi)
    more = [Client(tuvi.p25, STRANGER) for _ in range(3)]
    assert [client.greeting[0] for client in more] == [220, 220, 421]
    for client in clients + more:
        client.close()


def test_a_reload_changes_the_limit_and_keeps_the_counts(make, sink):
    tuvi = make("smtpd_client_connection_count_limit = 2")
    clients = [Client(tuvi.p25, STRANGER) for _ in range(2)]
    assert is_full(tuvi.p25)
    tuvi.configure(sink.port, "tuvi_workers = 2\nsmtpd_client_connection_count_limit = 3")
    tuvi.process.send_signal(signal.SIGHUP)
    try:
        for pid in tuvi.workers():
            only(tuvi, pid)
            wait_for(lambda: not is_full(tuvi.p25), 10, "the reload")
    finally:
        all_of(tuvi)
    clients.append(Client(tuvi.p25, STRANGER))
    assert is_full(tuvi.p25)
    for client in clients:
        client.close()


@pytest.mark.parametrize("name", ("smtpd_client_event_limit_exceptions", "smtpd_client_connection_limit_exceptions"))
def test_exceptions_take_the_place_of_mynetworks(make, name):
    tuvi = make(f"smtpd_client_connection_count_limit = 1\n{name} = {STRANGER}")
    clients = [Client(tuvi.p25, source) for source in (STRANGER, STRANGER, MINE, MINE)]
    assert [client.greeting[0] for client in clients] == [220, 220, 220, 421]
    for client in clients:
        client.close()


def test_clients_of_one_network_are_counted_together(make):
    tuvi = make("smtpd_client_connection_count_limit = 1\nsmtpd_client_ipv4_prefix_length = 28\n"
                "smtpd_authorized_xclient_hosts = 127.0.0.2\nsmtpd_client_ipv6_prefix_length = 64")
    first = Client(tuvi.p25, OTHER)
    second = Client(tuvi.p25, "127.0.0.8")
    third = Client(tuvi.p25, "127.0.0.17")
    assert [client.greeting[0] for client in (first, second, third)] == [220, 421, 220]
    # XCLIENT makes another client, which is counted in place of the proxy.
    proxies = [Client(tuvi.p25, MINE) for _ in range(3)]
    replies = [proxy.command(f"XCLIENT ADDR=IPv6:2001:db8:0:{n}::{i}")[0]
               for i, (proxy, n) in enumerate(zip(proxies, (1, 1, 2)))]
    assert replies == [220, 421, 220]
    for client in (first, second, third, *proxies):
        client.close()


# ---- events in a unit of time ----

EVENTS = {
    "message": (lambda client: (client.command("MAIL FROM:<ada@remote.test>"), client.command("RSET"))[0],
                "450 4.7.1 Error: too much mail from", "Message delivery request rate limit exceeded: 3 from"),
    "recipient": (lambda client: client.command("RCPT TO:<bob@local.test>"),
                  "450 4.7.1 Error: too many recipients from", "Recipient address rate limit exceeded: 3 from"),
    "auth": (lambda client: client.command("AUTH PLAIN ="), "450 4.7.1 Error: too many AUTH commands from",
             "AUTH command rate limit exceeded: 3 from"),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_events_are_limited_in_their_unit_of_time(make, kind):
    ask, reply, line = EVENTS[kind]
    tuvi = make(f"smtpd_client_{kind}_rate_limit = 2\nanvil_rate_time_unit = {UNIT}s\nsmtpd_tls_auth_only = no")
    clients = []
    try:
        for pid in (*tuvi.workers(), tuvi.workers()[0]):
            only(tuvi, pid)
            clients.append(Client(tuvi.p25, STRANGER))
    finally:
        all_of(tuvi)
    for client in clients:
        client.ehlo()
        if kind == "recipient":
            client.command("MAIL FROM:<ada@remote.test>")
    began = time.monotonic()
    answers = [ask(client) for client in clients]
    if time.monotonic() - began < UNIT - 1:
        assert not any(answer[1][0].startswith(reply) for answer in answers[:2]), answers
        assert answers[2] == (450, [f"{reply} {STRANGER}"])
        tuvi.wait_log(f"warning: {line} unknown[{STRANGER}] for service 127.0.0.1:{tuvi.p25}")
    wait_for(lambda: not ask(clients[2])[1][0].startswith(reply) or time.sleep(UNIT), 30, "the end of the unit of time")
    for client in clients:
        client.close()


def test_new_connections_are_limited_in_their_unit_of_time(make):
    tuvi = make(f"smtpd_client_connection_rate_limit = 2\nanvil_rate_time_unit = {UNIT}s")
    codes = []
    for _ in range(3):
        client = Client(tuvi.p25, STRANGER)
        codes.append(client.greeting[0])
        client.quit() if client.greeting[0] == 220 else client.close()
    assert codes == [220, 220, 421]
    tuvi.wait_log(f"warning: Connection rate limit exceeded: 3 from unknown[{STRANGER}] for service")
    time.sleep(UNIT + 0.2)
    assert not is_full(tuvi.p25)


def test_new_tls_sessions_are_limited_and_resumed_ones_are_not_counted(make):
    tuvi = make("smtpd_client_new_tls_session_rate_limit = 1")
    first = Client(tuvi.p25, STRANGER)
    first.ehlo()
    first.starttls()
    second = Client(tuvi.p25, STRANGER)
    second.ehlo()
    second.command("STARTTLS")
    second.file.close()
    second.socket = second.secure(second.socket)
    second.open_file()
    assert second.reply() == (421, [
        f"421 4.7.0 mx.local.test Error: too many new TLS sessions from unknown[{STRANGER}]"])
    tuvi.wait_log(f"warning: New TLS session rate limit exceeded: 2 from unknown[{STRANGER}] for service ")
    third = Client(tuvi.p25, STRANGER)
    third.ehlo()
    assert third.command("STARTTLS") == (454, [
        f"454 4.7.0 Error: too many new TLS sessions from unknown[{STRANGER}]"])
    tuvi.wait_log(f"warning: Refusing STARTTLS request from unknown[{STRANGER}] for service ")
    assert third.command("NOOP")[0] == 250
    for client in (first, second, third):
        client.close()
