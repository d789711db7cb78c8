"""The rules of a chain of records, one record after the other. docs/LEDGER-FORMAT.md, "What must hold".

The same walk serves a ledger's database, an export's proof and a backup. It may begin in the middle: what lies before
cannot be looked up then, and is not held against it.
"""
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .records import (BOOT, CLOCK_STEP, DAY_US, DECISION, GENERATION, KIND_NAMES, MANUAL, PASS, PRUNE, SEAL, Malformed,
                      chained, genesis, parse)

SEAL_SLACK_NS = 120 * 10**9
SEAL_TEXT = b"gatewarden ledger v1 seal\n"
SIGNATURE_FIELD = 70
LATE = 5


class Chain:
    """Feed it the records in order with `take`, then call `close`."""

    def __init__(self, report, pruned_to=0, before=None, first=None):
        """`before` and `first`: the hash and number to go on from, when the chain does not begin at its first record."""
        self.report, self.pruned_to = report, pruned_to
        self.before, self.last = before, first - 1 if first else None
        self.is_partial = before is not None
        self.begins = first  # The first record: of its generation, unless the chain begins in the middle.
        self.device = self.first_key = self.named_key = self.first_epoch = None
        self.seal = self.previous = self.boot = None
        self.seal_base_ns = None
        self.after_prune = None
        self.heads, self.prune_hashes = {} if before is None else {first - 1: before}, []
        self.decided, self.manual, self.outcomes = {}, {}, set()
        self.clock_jumps, self.clock_steps = [], []
        self.count = self.since_seal = 0
        self.unknown_kinds = set()

    # One record. `stored` is the hash that stands beside it, or None.
    def take(self, canonical, stored=None, seq=None, kind=None, token=None):
        name = "record %s" % (seq if seq is not None else "?")
        try:
            record = parse(canonical)
        except Malformed as error:
            self.report.fault("%s: %s" % (name, error))
            return None
        if seq is not None and (record.seq, record.kind) != (seq, kind) or \
                token is not None and record.token != token % 2**64:
            self.report.fault("%s is filed under other numbers than its own (%d, kind %d)"
                              % (name, record.seq, record.kind))
        self._place(record)
        digest = chained(self.before, canonical)
        if stored is not None and digest != stored:
            self.report.fault("record %d: its bytes do not give its hash: altered, or the one before it is"
                              % record.seq)
        self.heads[record.seq] = digest
        self._rules(record)
        # Goes on from what the ledger says, so that one alteration is named once and not at each later record.
        self.before, self.last, self.previous = stored or digest, record.seq, record
        self.count += 1
        return record

    def head(self):
        return (self.last, self.before) if self.last is not None else None

    def _place(self, record):
        if self.before is None:
            self._begin(record)
            return
        if record.seq <= self.pruned_to:
            if record.kind not in (SEAL, GENERATION):
                self.report.fault("record %d (%s) lies before the prune anchor %d, where only the foundation may be"
                                  % (record.seq, KIND_NAMES.get(record.kind, "kind %d" % record.kind), self.pruned_to))
            if record.seq <= self.last:
                self.report.fault("record %d stands after record %d" % (record.seq, self.last))
            if record.kind == SEAL and 86 in record.fields:
                self.before = record.fields[86]
            return
        expected = self.last + 1
        if self.last < self.pruned_to:
            self.report.fault("the seal %d, from which the ledger goes on after its prune, is missing" % self.pruned_to)
        elif record.seq > expected:
            self.report.fault("record%s missing" % (" %d is" % expected if record.seq == expected + 1
                                                   else "s %d to %d are" % (expected, record.seq - 1)))
        elif record.seq < expected:
            self.report.fault("record %d stands after record %d" % (record.seq, self.last))

    def _begin(self, record):
        if record.kind != BOOT:
            self.report.fault("the first record is a %s, not a boot" % KIND_NAMES.get(record.kind, record.kind))
        self.begins = record.seq
        self.device = record.fields.get(62, b"")
        self.first_key = self.named_key = record.fields.get(83)
        self.first_epoch = record.number(80)
        self.before = genesis(self.device)
        if self.first_key is None:
            self.report.fault("record %d names no sealing key (field 83)" % record.seq)
        if record.seq == 1 and record.boot != 1:
            self.report.fault("record 1 has boot number %d, not 1" % record.boot)

    def _rules(self, record):
        if self.after_prune is not None and record.kind != SEAL:
            self.report.fault("record %d: the prune before it was not sealed" % record.seq)
        self.after_prune = record.seq if record.kind == PRUNE else None
        self._times(record)
        self.since_seal += 1
        if record.kind == SEAL:
            self._seal(record)
        elif record.kind == GENERATION and self.count != 1 and not self.is_partial:
            self.report.fault("record %d: a generation record that is not the second of its generation" % record.seq)
        elif record.kind == PRUNE:
            self._prune(record)
        elif record.kind == DECISION:
            if record.token in self.decided:
                self.report.fault("record %d: a second decision for its vehicle (the first is record %d)"
                                  % (record.seq, self.decided[record.token].seq))
            self.decided[record.token] = record
        elif record.kind == MANUAL:
            self.manual[record.seq] = (record.token, record.number(1))
        elif record.kind == PASS:
            self._pass(record)
        elif record.kind not in KIND_NAMES:
            self.unknown_kinds.add(record.kind)

    # Boot numbers, lane time, and the difference of the two clocks.
    def _times(self, record):
        previous = self.previous
        is_cut = record.seq <= self.pruned_to or previous is not None and previous.seq < self.pruned_to
        if record.kind == BOOT:
            if previous is not None and not is_cut and record.boot != previous.boot + 1:
                self.report.fault("record %d: boot number %d after %d" % (record.seq, record.boot, previous.boot))
            if previous is not None and not is_cut:
                down = (record.wall_us - previous.wall_us) / 1e6
                self.report.note("the device was down from record %d to %d, %.0f s by its clock"
                                 % (previous.seq, record.seq, down))
            self.seal_base_ns = record.lane_ns
        elif previous is not None and not is_cut:
            if record.boot != previous.boot:
                self.report.fault("record %d: boot number %d without a boot record" % (record.seq, record.boot))
            elif record.lane_ns < previous.lane_ns:
                self.report.fault("record %d: lane time goes back" % record.seq)
            else:
                self._drift(record, previous)
        if record.kind == CLOCK_STEP:
            self.clock_steps.append((record.boot, record.lane_ns))
        if self.seal_base_ns is not None and record.kind != SEAL and record.seq > self.pruned_to:
            self._overdue(record)

    def _drift(self, record, previous):
        lane_us = (record.lane_ns - previous.lane_ns) / 1000
        change = abs((record.wall_us - previous.wall_us) - lane_us)
        if change > 2_000_000 + lane_us / 500:
            self.clock_jumps.append((record.boot, record.lane_ns, record.seq, change / 1e6))

    def _overdue(self, record):
        if self.seal is None or record.boot != self.previous_boot():
            return
        limit = self.seal.number(81, 0) * 10**9 + SEAL_SLACK_NS
        if record.lane_ns - self.seal_base_ns > limit and not self.is_overdue:
            self.is_overdue = (record.seq, (record.lane_ns - self.seal_base_ns) / 1e9)

    is_overdue = None

    def previous_boot(self):
        return self.previous.boot if self.previous is not None else None

    def _seal(self, seal):
        name = "seal %d" % seal.seq
        epoch = seal.number(80)
        if self.seal is not None:
            if epoch != self.seal.number(80) + 1:
                self.report.fault("%s has epoch %s after %d: seals are missing or doubled"
                                  % (name, epoch, self.seal.number(80)))
            if seal.number(85) != self.seal.seq:
                self.report.fault("%s names %s as the seal before it, which is %d" % (name, seal.number(85), self.seal.seq))
        elif self.first_epoch is not None and epoch != self.first_epoch:
            self.report.fault("%s has epoch %s, and the first record names %d: seals are missing"
                              % (name, epoch, self.first_epoch))
        key = seal.fields.get(82, b"")
        if self.named_key is not None and key != self.named_key:
            self.report.fault("%s is made with another key than the one that was named before" % name)
        if seal.fields.get(86) != self.before:
            self.report.fault("%s does not seal the records before it (field 86)" % name)
        signature = seal.fields.get(99, b"")
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, SEAL_TEXT + seal.canonical[:-SIGNATURE_FIELD])
        except (InvalidSignature, ValueError):
            self.report.fault("%s: its signature is not of its key" % name)
        self._seal_in_time(seal)
        self.named_key, self.seal, self.since_seal = seal.fields.get(83), seal, 0
        self.seal_base_ns, self.is_overdue = seal.lane_ns, None

    def _seal_in_time(self, seal):
        is_same_boot = self.seal is not None and self.seal.boot == seal.boot
        if seal.seq <= self.pruned_to and not is_same_boot:
            return  # The boot record between the two seals was pruned.
        if self.seal_base_ns is None:
            return
        waited = seal.lane_ns - self.seal_base_ns
        if waited > seal.number(81, 0) * 10**9 + SEAL_SLACK_NS:
            text = "seal %d comes %.0f s after the one before it or its boot" % (seal.seq, waited / 1e9)
            if seal.number(84) == LATE:
                self.report.note(text + ": late, as it says itself")
            else:
                self.report.fault(text + ": seals were skipped")

    def _prune(self, prune):
        to = prune.number(87)
        if to is None:
            return
        self.report.note("record %d removed %d records up to the seal %d, kept for %d days"
                         % (prune.seq, prune.number(89, 0), to, prune.number(91, 0)))
        if prune.number(91, 0) < 730:
            self.report.note("record %d: the retention was %d days, less than 24 months" % (prune.seq, prune.number(91, 0)))
        self.prune_hashes.append((prune, to))

    def _pass(self, row):
        name, token = "record %d" % row.seq, row.token
        if token in self.outcomes:
            self.report.fault("%s: a second outcome of its vehicle" % name)
        self.outcomes.add(token)
        decision, named = self.decided.get(token), row.number(42)
        if decision is not None and named != decision.seq:
            self.report.fault("%s names %s as its decision, which is record %d" % (name, named, decision.seq))
        if decision is None and named is not None and not self._is_out_of_sight(named):
            self.report.fault("%s names record %d as its decision, which is none of its vehicle" % (name, named))
        manual = row.number(103)
        if manual is not None and not self._is_out_of_sight(manual) and \
                self.manual.get(manual) not in ((token, row.number(1)), (0, row.number(1))):
            self.report.fault("%s names record %d as its manual release, which is none of its vehicle" % (name, manual))
        if 44 not in row.fields and row.number(40) != 1:
            return
        cause = row.number(122, 1)
        allows = decision is not None and decision.number(3, 255) < 32
        unseen = decision is None and named is not None and self._is_out_of_sight(named)
        if cause == 1 and not allows and not unseen:
            self.report.fault("%s: the arm was raised without a decision that allows: an unrecorded release" % name)
        elif cause == 2 and manual is None:
            self.report.fault("%s: a person raised the arm, and no manual release stands for it" % name)
        elif cause > 2 and row.number(40) == 1:
            self.report.fault("%s is completed, and nobody released it" % name)

    def _is_out_of_sight(self, seq):
        return seq <= self.pruned_to or self.is_partial and seq < self.begins

    def close(self):
        report = self.report
        if self.is_overdue:
            report.note("record %d comes %.0f s after the last seal: the end was cut off, or the device stopped sealing"
                        % self.is_overdue)
        for prune, to in self.prune_hashes:
            sealed = self.heads.get(to)
            if sealed is None:
                if not self.is_partial:
                    report.fault("record %d: the seal %d that it names is missing" % (prune.seq, to))
            elif sealed != prune.fields.get(88):
                report.fault("record %d: the seal %d has not the hash that the prune names" % (prune.seq, to))
        for boot, lane_ns, seq, seconds in self.clock_jumps:
            if not any(b == boot and abs(at - lane_ns) <= 60 * 10**9 for b, at in self.clock_steps):
                report.note("record %d: the wall clock jumped by %.1f s and no clock step says so" % (seq, seconds))
        if self.unknown_kinds:
            report.note("kinds of record that this verifier does not know: %s" % sorted(self.unknown_kinds))
        if self.since_seal:
            report.note("the last %d records are not sealed yet" % self.since_seal)

    def check_prune_age(self, seal_walls):
        for prune, to in self.prune_hashes:
            if to in seal_walls and prune.wall_us - seal_walls[to] < prune.number(91, 0) * DAY_US:
                self.report.fault("record %d removed records younger than the %d days that it states"
                                  % (prune.seq, prune.number(91, 0)))
