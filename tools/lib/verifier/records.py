"""One record of the ledger: bytes to values. docs/LEDGER-FORMAT.md, "A record"."""
import hashlib
import struct
from dataclasses import dataclass

HEADER = struct.Struct(">HHQQqIQ")
DAY_US = 86_400_000_000

BOOT, CAPTURE, DECISION, PASS, FAULT, HEALED, CLOCK_STEP = 1, 3, 4, 5, 7, 8, 9
SEAL, PRUNE, GENERATION, MANUAL, SUPPLEMENT, CARRIED = 13, 14, 15, 16, 17, 24

KIND_NAMES = {
    1: "boot", 2: "shutdown", 3: "capture", 4: "decision", 5: "pass", 6: "quarantine", 7: "fault raised",
    8: "fault healed", 9: "clock step", 10: "register imported", 11: "configuration loaded", 12: "uplink state",
    13: "seal", 14: "prune", 15: "generation", 16: "manual release", 17: "supplement", 18: "list change",
    19: "policy change", 20: "login", 21: "act of a person", 22: "power", 23: "delivery state",
    24: "carried", 25: "health", 26: "backup",
}


class Malformed(Exception):
    """Bytes that are no record; the text says why."""


@dataclass
class Record:
    kind: int
    seq: int
    lane_ns: int
    wall_us: int
    boot: int
    token: int
    fields: dict
    canonical: bytes

    def number(self, field, default=None):
        """An unsigned number of any width."""
        value = self.fields.get(field)
        return default if value is None else int.from_bytes(value, "big")

    def signed(self, field, default=None):
        value = self.fields.get(field)
        return default if value is None else int.from_bytes(value, "big", signed=True)

    def text(self, field):
        """An absent text is an empty one."""
        return self.fields.get(field, b"").decode("utf-8", "replace")

    def due(self):
        """Whether its row is due to the platforms: field 40."""
        outcome = self.number(40)
        return outcome in (1, 4, 6, 7) or outcome in (5, 8) and self.number(3, 255) < 32

    def photos(self):
        """(kind, size, SHA-256) of each photo named."""
        value = self.fields.get(14, b"")
        if len(value) % 37:
            raise Malformed("field 14 has %d bytes, no multiple of 37" % len(value))
        return [struct.unpack_from(">BI32s", value, at) for at in range(0, len(value), 37)]


def parse(canonical):
    if len(canonical) < HEADER.size:
        raise Malformed("it has %d bytes, fewer than a record's header" % len(canonical))
    if len(canonical) > 65_536:
        raise Malformed("it has %d bytes, more than a record may have" % len(canonical))
    version, kind, seq, lane_ns, wall_us, boot, token = HEADER.unpack_from(canonical)
    if version != 1:
        raise Malformed("its format version is %d, not 1" % version)
    fields, at, before = {}, HEADER.size, 0
    while at < len(canonical):
        if len(canonical) - at < 6:
            raise Malformed("it ends within a field")
        number, length = struct.unpack_from(">HI", canonical, at)
        at += 6
        if number <= before:
            raise Malformed("field %d is out of order" % number)
        if length > len(canonical) - at:
            raise Malformed("field %d is cut off" % number)
        fields[number] = canonical[at:at + length]
        at, before = at + length, number
    return Record(kind, seq, lane_ns, wall_us, boot, token, fields, canonical)


def genesis(device):
    return hashlib.sha256(b"gatewarden ledger v1 genesis\n" + device).digest()


def chained(before, canonical):
    return hashlib.sha256(b"gatewarden ledger v1\n" + before + canonical).digest()


class Report:
    """What was found: faults make the thing unsound, notes are to be known; and what was given to compare with and is
    not here to be compared."""

    def __init__(self):
        self.faults, self.uncompared, self.notes = [], [], []

    def fault(self, text):
        self.faults.append(text)

    def note(self, text):
        self.notes.append(text)

    def not_compared(self, text):
        self.uncompared.append(text)
