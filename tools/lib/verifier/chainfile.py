"""A chain file: records with the hash before them. docs/EXPORT-FORMAT.md, "A chain file"."""
import base64
import binascii
import json

from .chain import Chain
from .records import BOOT, Malformed, genesis, parse


class ChainFile:
    def __init__(self, head, records, tail, chain):
        self.head, self.records, self.tail, self.chain = head, records, tail, chain


def load(path, report):
    """Walks the file; None when it is none or was cut off (and the report says so)."""
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
        first = int(head["first"])
        last, digest = int(tail["last"]), bytes.fromhex(tail["hash"])
    except (ValueError, KeyError, TypeError) as error:
        report.fault("%s: its first or last line is damaged, or it was cut off (%s)" % (path.name, error))
        return None
    if first == 1 and before != genesis(str(head.get("device", "")).encode()):
        report.fault("%s: it does not begin with the beginning of its device's ledger" % path.name)
    chain = Chain(report, before=before, first=first)
    records = []
    for line in lines[1:-2]:
        try:
            canonical = base64.b64decode(line, validate=True)
            records.append(parse(canonical))
        except (binascii.Error, Malformed) as error:
            report.fault("%s: line %d is no record: %s" % (path.name, len(records) + 2, error))
            return None
        if records[-1].kind == BOOT and 83 in records[-1].fields and len(records) == 1:
            chain.named_key = chain.first_key = records[-1].fields[83]
        chain.take(canonical)
    chain.close()
    if (last, digest) != (chain.last, chain.before):
        report.fault("%s ends at record %s %s, and not at the %d %s that it states"
                     % (path.name, chain.last, chain.before.hex(), last, digest.hex()))
    return ChainFile(head, records, tail, chain)
