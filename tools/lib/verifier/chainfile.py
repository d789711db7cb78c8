"""A chain file: records with the hash before them. docs/EXPORT-FORMAT.md, "A chain file"."""
import base64
import binascii
import json

from .chain import Chain
from .records import BOOT, CAPTURE, SUPPLEMENT, Malformed, genesis, parse


class ChainFile:
    def __init__(self, head, records, tail, chain):
        self.head, self.records, self.tail, self.chain = head, records, tail, chain

    def captures(self):
        return [record for record in self.records if record.kind in (CAPTURE, SUPPLEMENT)]


def load(path, report, chain=None):
    """Walks the file; None when it is none or was cut off (and the report says so). `chain` goes on from the file
    before it; whoever has no more files closes it."""
    try:
        lines = path.read_bytes().split(b"\n")
        head = json.loads(lines[0])
    except (OSError, ValueError) as error:
        report.fault("%s is no chain file: %s" % (path.name, error))
        return None
    if not isinstance(head, dict) or head.get("chain") != 1:
        report.fault("%s is no chain file of format 1" % path.name)
        return None
    if lines[-1] != b"" or len(lines) < 3:
        report.fault("%s was cut off: its last line has no end" % path.name)
        return None
    try:
        tail = json.loads(lines[-2])
        before = bytes.fromhex(head["before"])
        first, foundation = int(head["first"]), int(head.get("foundation", 0))
        last, digest = int(tail["last"]), bytes.fromhex(tail["hash"])
    except (ValueError, KeyError, TypeError) as error:
        report.fault("%s: its first or last line is damaged, or it was cut off (%s)" % (path.name, error))
        return None
    records = decoded(lines[1:-2], path, report)
    if records is None:
        return None
    if chain is None:
        chain = begin(head, before, first, foundation, records, report)
    for at, record in enumerate(records):
        if at == foundation and (chain.last, chain.before) != (first - 1, before) and chain.last is not None:
            report.fault("%s begins behind record %d, and what comes before it ends at %s: it does not go on from it"
                         % (path.name, first - 1, chain.last))
        chain.take(record.canonical)
    if (last, digest) != (chain.last, chain.before):
        report.fault("%s ends at record %s %s, and not at the %d %s that it states"
                     % (path.name, chain.last, chain.before.hex() if chain.before else "none", last, digest.hex()))
    if chain.device is None:
        chain.device = str(head.get("device", "")).encode()
    elif chain.device != str(head.get("device", "")).encode():
        report.fault("%s names another device than its records" % path.name)
    return ChainFile(head, records[foundation:], tail, chain)


def begin(head, before, first, foundation, records, report):
    """A chain that has its generation's beginning is checked from there on; any other goes on from what it states."""
    is_whole = bool(records) and records[0].kind == BOOT and 83 in records[0].fields
    if is_whole and not foundation and before != genesis(records[0].fields.get(62, b"")):
        report.fault("record %d does not follow on its device's name" % first)
    if foundation or is_whole or first == 1:
        return Chain(report, pruned_to=first - 1 if foundation else 0)
    return Chain(report, before=before, first=first)


def decoded(lines, path, report):
    records = []
    for line in lines:
        try:
            records.append(parse(base64.b64decode(line, validate=True)))
        except (binascii.Error, Malformed) as error:
            report.fault("%s: line %d is no record: %s" % (path.name, len(records) + 2, error))
            return None
    return records
