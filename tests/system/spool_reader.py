"""Reads a slot's log from doc/design/spool.md alone, and knows nothing of Tuvi's sources. Prints what is in the queue:

    spool_reader.py FOLDER
"""
import ctypes
import ctypes.util
import pathlib
import struct
import sys

BLOCK = 4096
(SEGMENT, BATCH, RESERVE, MESSAGE, CHUNK, TRY, DONE, SNAPSHOT, HOLD, RELEASE, REQUEUE, EXPIRE) = range(1, 13)

_xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
_xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
_xxhash.XXH3_64bits_withSeed.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)


class Fields:
    """Takes fields off the front of bytes."""

    def __init__(self, data):
        self.data = data

    def take(self, form):
        size = struct.calcsize("<" + form)
        values = struct.unpack("<" + form, self.data[:size])
        self.data = self.data[size:]
        return values[0] if len(values) == 1 else values

    def counted(self):
        length = self.take("I")
        assert length <= len(self.data)
        field, self.data = self.data[:length], self.data[length:]
        return field


class Record:
    def __init__(self, kind, message_id, payload, length):
        self.kind, self.id, self.payload, self.length = kind, message_id, payload, length


def read_record(data, position, secret):
    """The record that stands there, or None when none does."""
    if len(data) < position + 32:
        return None
    checksum, magic, kind, message_id, length, zero = struct.unpack_from("<QIIQII", data, position)
    covered = data[position + 8:position + 32 + length]
    if magic != 0x30525654 or zero != 0 or len(covered) != 24 + length:
        return None
    if _xxhash.XXH3_64bits_withSeed(covered, len(covered), (secret + position) % 2**64) != checksum:
        return None
    return Record(kind, message_id, covered[24:], 32 + (length + 7) // 8 * 8)


class Segment:
    def __init__(self, path):
        self.data = path.read_bytes()
        self.data += bytes(-len(self.data) % BLOCK)
        self.number = int(path.name.split(".")[0], 16)
        head = read_record(self.data, 0, 0) or read_record(self.data, 2048, 0)
        assert head is not None and head.kind == SEGMENT
        version, self.slot, _, number, self.secret, self.size = struct.unpack("<IHHQQQ", head.payload)
        assert version in (0, 1, 2) and number == self.number

    def reserve(self):
        """(counter, before, end) of the first RESERVE, or None when nothing was ever written here."""
        batch = read_record(self.data, BLOCK, self.secret)
        if batch is None or batch.kind != BATCH:
            return None
        record = read_record(self.data, BLOCK + batch.length, self.secret)
        assert record.kind == RESERVE
        if len(record.payload) == 8:    # version 0
            return None
        return struct.unpack("<QQQ", record.payload)

    def records(self, end):
        position = BLOCK
        while position < (len(self.data) if end is None else end):
            batch = read_record(self.data, position, self.secret)
            if batch is None:
                return      # this reader is for spools without damage
            assert batch.kind == BATCH
            (length,) = struct.unpack("<I", batch.payload)
            batch_end = position + length if end is None else min(position + length, end)
            at = position + batch.length
            while at < batch_end:
                record = read_record(self.data, at, self.secret)
                if record is None:
                    return
                yield record
                at += record.length
            position += (length + BLOCK - 1) // BLOCK * BLOCK


class Message:
    """`payload` is what a MESSAGE holds."""

    def __init__(self, message_id, payload):
        self.id = message_id
        self.tries = self.next_try = 0
        self.held = self.expired = self.delay_told = False
        fields = Fields(payload)
        self.size = fields.take("Q")
        self.inline, envelope, places = fields.counted(), Fields(fields.counted()), fields.counted()
        assert fields.data == b"" and len(places) % 16 == 0
        self.places = list(struct.iter_unpack("<QII", places))
        self.flags, self.arrival, self.sender = envelope.take("I"), envelope.take("q"), envelope.counted()
        self.recipients = [(envelope.counted(), envelope.counted()) for _ in range(envelope.take("I"))]
        self.back, self.envelope_id, self.wishes = 0, b"", [(0, b"")] * len(self.recipients)
        if self.flags & 4:
            self.back, self.envelope_id = envelope.take("B"), envelope.counted()
            self.wishes = [(envelope.take("B"), envelope.counted()) for _ in self.recipients]
        self.delayed = envelope.take("Q") if self.flags & 16 else 0
        self.held = bool(self.flags & 128)
        self.filter = envelope.counted() if self.flags & 256 else b""
        assert envelope.data == b""
        self.finished = [False] * len(self.recipients)


def from_snapshot(message_id, payload):
    fields = Fields(payload)
    next_try, tries, flags, count = fields.take("qIII")
    words = [fields.take("Q") for _ in range((count + 63) // 64)]
    fields.counted()    # what the last attempt said
    message = Message(message_id, fields.data)
    assert count == len(message.recipients)
    message.next_try, message.tries = next_try, tries
    message.held, message.expired, message.delay_told = bool(flags & 1), bool(flags & 2), bool(flags & 4)
    message.finished = [bool(words[i // 64] >> i % 64 & 1) for i in range(count)]
    return message


class Spool:
    def __init__(self, folder):
        self.segments = {one.number: one for one in map(Segment, sorted(pathlib.Path(folder).glob("*.segment")))}
        self.messages = {}
        self.counter = 1
        ends = {}
        for segment in self.segments.values():
            reserve = segment.reserve()
            if reserve is not None:
                ends[reserve[1]] = reserve[2]
        for segment in self.segments.values():
            for record in segment.records(ends.get(segment.number)):
                self.apply(record)

    def apply(self, record):
        if record.kind == RESERVE:
            self.counter = max(self.counter, Fields(record.payload).take("Q"))
        elif record.kind == MESSAGE:
            self.begin(Message(record.id, record.payload))
        elif record.kind == SNAPSHOT:
            self.begin(from_snapshot(record.id, record.payload))
        elif record.kind == DONE:
            self.messages.pop(record.id, None)
        elif record.id in self.messages:
            self.change(self.messages[record.id], record)

    def begin(self, message):
        self.messages[message.id] = message
        if message.delayed in self.messages:
            self.messages[message.delayed].delay_told = True

    @staticmethod
    def change(message, record):
        if record.kind == TRY:
            fields = Fields(record.payload)
            message.next_try, count = fields.take("qI")
            message.tries += 1
            for _ in range(count):
                recipient, finished = fields.take("IB")
                fields.counted()
                message.finished[recipient] |= bool(finished)
        if record.kind in (RELEASE, REQUEUE):
            message.held = False
        if record.kind in (REQUEUE, EXPIRE):
            message.next_try = 0
        message.held |= record.kind == HOLD
        message.expired |= record.kind == EXPIRE

    def content(self, message):
        content = b""
        for number, offset, length in message.places:
            segment = self.segments[number]
            record = read_record(segment.data, offset, segment.secret)
            assert record.kind == CHUNK and record.id == message.id and record.length == length
            content += record.payload
        return content + message.inline


def fnv(data):
    total = 0xcbf29ce484222325
    for byte in data:
        total = (total ^ byte) * 0x100000001b3 % 2**64
    return total


def describe(spool):
    lines = []
    for message_id in sorted(spool.messages):
        message = spool.messages[message_id]
        content = spool.content(message)
        lines.append(f"message {message.id:x} arrival {message.arrival} flags {message.flags} size {message.size} "
                     f"tries {message.tries} next {message.next_try} held {message.held:d} "
                     f"expired {message.expired:d}")
        lines.append(f"  sender <{message.sender.decode()}>")
        if message.flags & 4:
            lines.append(f"  return {message.back} envelope id <{message.envelope_id.decode()}>")
        if message.delay_told or message.delayed:
            lines.append(f"  delay told {message.delay_told:d} of {message.delayed:x}")
        if message.filter:
            lines.append(f"  filter <{message.filter.decode()}>")
        for (address, named), finished, wish in zip(message.recipients, message.finished, message.wishes):
            lines.append(f"  recipient <{address.decode()}> named <{named.decode()}> finished {finished:d}")
            if message.flags & 4:
                lines.append(f"    notify {wish[0]} original <{wish[1].decode()}>")
        lines.append(f"  content {len(content)} {fnv(content):016x}")
    lines.append(f"ids from {spool.counter:x}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(describe(Spool(sys.argv[1])))
