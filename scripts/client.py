#!/usr/bin/python3
"""A mail client that shows what it says and what it hears.

    scripts/client.py --port N [--tls starttls|wrapped] [--user U --password P] [--recipient R] ...

Sends one message to 127.0.0.1. Ends with 0 when the message was taken and with 1 when it was
refused; with --expect CODE it ends with 0 only when it was refused with that code.
"""
import argparse
import base64
import email.utils
import socket
import ssl
import sys

MESSAGE = """\
From: Alice <{sender}>
To: {recipient}
Subject: A message through Tuvi
Date: {date}
Message-ID: {id}

Hello!

This came by way of Tuvi.
"""


class Refused(Exception):
    pass


class Client:
    def __init__(self, options):
        self.options = options
        self.socket = socket.create_connection(("127.0.0.1", options.port), 30, (options.source, 0))
        if options.tls == "wrapped":
            self.start_tls()
        self.file = self.socket.makefile("rb")
        self.hear()

    def show(self, who, text):
        print(f"    {who}  {text}", flush=True)

    def hear(self):
        """A reply; trouble when it is a refusal."""
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self.file.readline()
            if not line:
                raise ConnectionError("the server closed the connection")
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
        for line in lines[:1] if self.options.brief else lines:
            self.show("S:", line)
        if lines[0][0] not in "23":
            raise Refused(lines[0])

    def say(self, line):
        self.show("C:", line)
        self.socket.sendall(f"{line}\r\n".encode())
        self.hear()

    def start_tls(self):
        context = ssl.create_default_context(cafile=self.options.certificate)
        if self.options.certificate is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname=self.options.server_name)
        self.file = self.socket.makefile("rb")
        trust = "unchecked" if self.options.certificate is None else "the one expected"
        self.show("  ", f"({self.socket.version()} from here on; the certificate is {trust})")

    def log_in(self):
        words = f"\0{self.options.user}\0{self.options.password}"
        self.say(f"AUTH PLAIN {base64.b64encode(words.encode()).decode()}")

    def send_message(self):
        options = self.options
        self.say(f"MAIL FROM:<{options.sender}>")
        self.say(f"RCPT TO:<{options.recipient}>")
        self.say("DATA")
        message = MESSAGE.format(
            sender=options.sender, recipient=options.recipient, date=email.utils.formatdate(),
            id=email.utils.make_msgid(domain="example.org"))
        for line in message.splitlines():
            if not options.brief:
                self.show("C:", line)
            self.socket.sendall(f"{line}\r\n".encode())
        self.say(".")

    def run(self):
        self.say("EHLO client.example.org")
        if self.options.tls == "starttls":
            self.say("STARTTLS")
            self.start_tls()
            self.say("EHLO client.example.org")
        if self.options.user:
            self.log_in()
        self.send_message()

    def leave(self):
        self.say("QUIT")
        self.socket.close()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--source", default="127.0.0.1", metavar="ADDRESS", help="connect from it")
    parser.add_argument("--tls", choices=("starttls", "wrapped"))
    parser.add_argument("--certificate", metavar="FILE", help="the server's; else any will do")
    parser.add_argument("--server-name", default="mail.example.org")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--sender", default="alice@example.org")
    parser.add_argument("--recipient", default="bob@example.net")
    parser.add_argument("--expect", metavar="CODE", help="be content with this refusal alone")
    parser.add_argument("--brief", action="store_true", help="show first lines of replies alone")
    return parser.parse_args()


def main():
    options = read_options()
    refusal = None
    try:
        client = Client(options)
        try:
            client.run()
        except Refused as reply:
            refusal = str(reply)
        client.leave()
    except (OSError, Refused) as error:
        print(f"client: 127.0.0.1 port {options.port}: {error}", file=sys.stderr)
        return 1
    if options.expect:
        return 0 if refusal is not None and refusal.startswith(options.expect) else 1
    return 1 if refusal is not None else 0


if __name__ == "__main__":
    sys.exit(main())
