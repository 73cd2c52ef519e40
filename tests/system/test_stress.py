"""A service whose sessions are all taken, and clients that only drip."""
import os
import signal
import socket
import time

import pytest

from harness import MINE, STRANGER, Client, Sink, Tuvi, free_ports, wait_for


@pytest.fixture(scope="module")
def server():
    sink = Sink()
    few, slow, slower = free_ports(3)
    tuvi = Tuvi(sink.port, "tuvi_workers = 2", more_services=f"""\
127.0.0.1:{few} inet n - n - 3 smtpd -o smtpd_timeout=${{stress?{{1}}:{{300}}}}s
127.0.0.1:{slow} inet n - n - - smtpd -o smtpd_timeout=2s -o smtpd_per_request_deadline=yes -o smtpd_min_data_rate=100
127.0.0.1:{slower} inet n - n - - smtpd -o smtpd_timeout=2s -o smtpd_per_record_deadline=no
""")
    tuvi.few, tuvi.slow, tuvi.slower = few, slow, slower
    yield tuvi.start()
    tuvi.close()
    sink.close()


def only(tuvi, worker):
    for pid in tuvi.workers():
        os.kill(pid, signal.SIGCONT if worker in (None, pid) else signal.SIGSTOP)


def test_who_takes_the_last_seat_gets_less_time_and_others_wait(server):
    one, two = server.workers()
    try:
        only(server, one)
        first, second = Client(server.few), Client(server.few)
        only(server, two)
        third = Client(server.few)  # the last seat, in another worker
    finally:
        only(server, None)
    with pytest.raises(TimeoutError):
        Client(server.few, STRANGER, timeout=0.5)
    # The seats are taken; another service has its own.
    assert Client(server.p25).quit()[0] == 221
    assert third.reply() == (421, ["421 4.4.2 mx.local.test Error: timeout exceeded"])
    third.close()
    server.wait_log(f'postfix/master[{two}]: warning: service "127.0.0.1:{server.few}" ({server.few}) has reached its '
                    'process limit "3": new clients may experience noticeable delays')
    assert first.command("NOOP")[0] == 250
    assert first.quit()[0] == 221
    assert second.command("NOOP")[0] == 250
    fourth = Client(server.few)  # not the last one: it may take its time
    time.sleep(1.5)
    assert fourth.command("NOOP")[0] == 250
    for client in (second, fourth):
        client.close()


def test_a_client_that_waits_is_served_when_a_seat_becomes_free(server):
    one, two = server.workers()
    try:
        only(server, one)
        clients = [Client(server.few) for _ in range(2)]
        only(server, two)
        waiting = socket.create_connection(("127.0.0.1", server.few), 20, (MINE, 0))
        assert waiting.recv(4) == b"220 "
        late = socket.create_connection(("127.0.0.1", server.few), 0.5, (MINE, 0))
        with pytest.raises(TimeoutError):
            late.recv(4)
        only(server, one)
        clients[0].quit()
        only(server, two)
        late.settimeout(20)
        assert late.recv(4) == b"220 "
    finally:
        only(server, None)
    for connection in (waiting, late, clients[1]):
        connection.close()


def drip(port, size):
    """Sends content in pieces of a size, ten a second; how long that went on, at most 5 s."""
    client = Client(port)
    client.command("MAIL FROM:<ada@remote.test>")
    client.command("RCPT TO:<bob@local.test>")
    assert client.command("DATA")[0] == 354
    began = time.monotonic()
    client.socket.settimeout(0.1)
    while time.monotonic() < began + 5:
        try:
            client.socket.sendall(b"x" * (size - 2) + b"\r\n")
            if client.socket.recv(100).startswith(b"421 4.4.2 mx.local.test Error: timeout exceeded"):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    client.socket.close()
    return time.monotonic() - began


def test_a_message_that_drips_is_borne_only_where_each_piece_has_its_own_time(server):
    assert drip(server.slower, 4) >= 5
    assert 1.5 <= drip(server.slow, 4) < 4


def test_a_message_that_comes_fast_enough_lengthens_its_time(server):
    assert drip(server.slow, 20) >= 5


def test_a_command_that_drips_has_one_time(server):
    client = Client(server.slower)
    began = time.monotonic()
    client.socket.settimeout(0.2)
    answer = b""
    while not answer and time.monotonic() < began + 10:
        try:
            client.send("N")
            answer = client.socket.recv(100)
        except TimeoutError:
            continue
    assert answer.startswith(b"421 4.4.2")
    assert time.monotonic() - began < 5
    client.socket.close()


def test_default_process_limit_counts_where_it_is_set():
    sink = Sink()
    tuvi = Tuvi(sink.port, "default_process_limit = 1\ntuvi_workers = 1")
    try:
        tuvi.start()
        first = Client(tuvi.p25)
        with pytest.raises(TimeoutError):
            Client(tuvi.p25, timeout=0.5)
        first.quit()
        wait_for(lambda: Client(tuvi.p25).quit()[0] == 221, 10, "the seat")
    finally:
        tuvi.close()
        sink.close()
