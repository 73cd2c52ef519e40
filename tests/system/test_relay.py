"""From a client to the next hop."""
from harness import Client


def test_a_message_reaches_the_next_hop_with_its_trace_header(tuvi, sink):
    tuvi.start()
    client = Client(tuvi.p25)
    client.ehlo()
    code, lines = client.message("ada@local.test", ["bob@remote.test"], "Subject: x\r\n\r\nhello\r\n")
    assert (code, lines[0][:24]) == (250, "250 2.0.0 Ok: queued as ")
    client.quit()
    message = sink.wait(1)[0]
    assert message.sender == "ada@local.test"
    assert message.recipients == ["bob@remote.test"]
    head, body = message.header_and_body()
    assert body == b"hello\r\n"
    trace, subject = head.rsplit(b"\r\n", 1)
    assert subject == b"Subject: x"
    queue_id = lines[0].split()[-1]
    assert trace.startswith(b"Received: from client.test (unknown [127.0.0.2])\r\n\tby mx.local.test (Tuvi) "
                            b"with ESMTP id " + queue_id.encode() + b"\r\n\tfor <bob@remote.test>; ")
    tuvi.wait_log(f"{queue_id}: removed")
