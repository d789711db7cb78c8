"""Heads, key and device that were written down elsewhere, against what a ledger, an export or a backup holds.

A head that is not here to be compared is neither good nor bad, and is said to be so.
"""


def check_witnesses(witnesses, what, chain, earlier, report):
    """`what`: ledger, export or backup. `earlier`: the generations before the chain's own, the newest first."""
    if not witnesses:
        report.note("no head was given: it agrees with itself alone")
    last, begins = chain.last or 0, chain.begins or 0
    for number, digest in witnesses:
        held = place_of(number, chain, earlier)
        if held is not None:
            if held.heads[number] != digest:
                report.fault("record %d has another hash than the one that was witnessed: the ledger was rewritten, or "
                             "is another's" % number)
        elif number > last and what == "ledger":
            report.fault("record %d was witnessed, and the ledger ends at %d: it was cut off or rolled back"
                         % (number, last))
        elif number > last:
            report.not_compared("record %d was witnessed, and the %s ends before it, at %d: give the head of an "
                                "earlier record, or compare with the ledger or a later %s" % (number, what, last, what))
        elif number >= begins:
            absent(number, chain, "", report)
        elif what == "ledger":
            before_present(number, begins, earlier, report)
        else:
            report.not_compared("record %d was witnessed, and the %s begins behind it, with %d: give the head of a "
                                "later record, or compare with the ledger or an earlier %s"
                                % (number, what, begins, what))


def place_of(number, chain, earlier):
    """The chain that holds the record."""
    chains = [chain] + [older.chain for older in earlier if older.chain is not None]
    return next((held for held in chains if number in held.heads), None)


def absent(number, chain, file, report):
    """The record is not there, and lies within that chain."""
    if number <= chain.pruned_to:
        report.not_compared("record %d was witnessed, and %swas removed with all up to %d, after its retention: compare "
                            "with an export or a backup made before, or give the head of a later record"
                            % (number, file, chain.pruned_to))
    else:
        report.fault("record %d was witnessed, and %sis missing" % (number, file))


def before_present(number, next_begins, earlier, report):
    """The record is of a generation before the present one, which begins with `next_begins`."""
    for older in earlier:
        file, chain = older.path.name, older.chain
        if older.error or chain is None or chain.last is None:
            report.not_compared("record %d was witnessed, and is of %s or before, of which nothing can be read: compare "
                                "with an export or a backup made before" % (number, file))
            return
        if number > chain.last:
            report.fault("record %d was witnessed, and %s ends at %d, and the next generation begins with %d: it was "
                         "cut off, rolled back or lost" % (number, file, chain.last, next_begins))
            return
        if number >= chain.begins:
            absent(number, chain, "of %s: " % file, report)
            return
        next_begins = chain.begins
    report.not_compared("record %d was witnessed, and is of a generation whose file is not in this folder: take the "
                        "ledger-NNNN.db files with it" % number)


def check_identity(first_key, device, chain, earlier, report):
    if first_key:
        oldest = ([chain] + [older.chain for older in earlier if older.chain is not None])[-1]
        if oldest.begins != 1 or oldest.is_partial:
            report.not_compared("the first key was given, and record 1, which names it, is not here: compare with the "
                                "whole ledger or its oldest backup")
        elif oldest.first_key is None or oldest.first_key.hex() != first_key.lower():
            report.fault("the ledger begins with another sealing key than %s: it is another ledger" % first_key)
    if device and (chain.device is None or chain.device.decode("utf-8", "replace") != device):
        report.fault("the ledger is of the device '%s', not '%s'"
                     % ((chain.device or b"?").decode("utf-8", "replace"), device))
