"""A ledger's folder: its generations, the counter, the photos."""
import hashlib
import re
import sqlite3
import struct

from .chain import Chain
from .records import CAPTURE, GENERATION, PRUNE, SEAL, SUPPLEMENT, Malformed, parse

APPLICATION = 0x47574C44
COUNTER = struct.Struct(">8sIIQQ32sq32s")


class Unreadable(Exception):
    pass


class Generation:
    def __init__(self, path):
        self.path, self.chain, self.boot, self.second, self.error = path, None, None, None, None
        self.unseen = 0  # Photos may be absent up to this record, of earlier generations too.


def open_database(path):
    """Read only, without a file of its own beside it; what is in the write-ahead log belongs to it."""
    try:
        connection = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.Error as error:
        raise Unreadable("%s cannot be read: %s" % (path.name, error)) from error
    if application != APPLICATION:
        raise Unreadable("%s is no ledger: its application id is %08x" % (path.name, application))
    return connection


def check_generation(path, folder, report, with_photos, known_good=None, unseen=0):
    """`known_good`: of an older generation, the record up to which the next one vouches for it. `unseen`: the record up to
    which a later one has given the photos up."""
    found = Generation(path)
    try:
        connection = open_database(path)
        prunes = []
        for (canonical,) in connection.execute("SELECT canonical FROM record WHERE kind = ? ORDER BY seq", (PRUNE,)):
            try:
                prunes.append(parse(canonical))
            except Malformed:
                pass  # Named when the chain is walked.
        pruned = max((p.number(87, 0) for p in prunes), default=0)
        found.unseen = unseen = max([unseen] + [p.number(92, 0) for p in prunes])
        found.chain = Chain(report, pruned)
        walls = {}
        for seq, kind, token, canonical, stored in connection.execute(
                "SELECT seq, kind, token, canonical, hash FROM record ORDER BY seq"):
            if known_good is not None and seq > known_good:
                break
            record = found.chain.take(canonical, stored, seq, kind, token)
            if record is None:
                continue
            found.boot = found.boot or record
            if found.chain.count == 2 and record.kind == GENERATION:
                found.second = record
            if record.kind == SEAL:
                walls[record.seq] = record.wall_us
            if with_photos and record.kind in (CAPTURE, SUPPLEMENT) and record.seq > unseen:
                for name in check_photos(record, folder, report):
                    report.fault("record %d: photo %s is missing" % (record.seq, name))
        connection.close()
    except (Unreadable, sqlite3.Error) as error:
        found.error = str(error)
        return found
    found.chain.check_prune_age(walls)
    found.chain.close()
    return found


def check_photos(record, folder, report):
    """The names of those that are not there."""
    missing = []
    try:
        photos = record.photos()
    except Malformed as error:
        report.fault("record %d: %s" % (record.seq, error))
        return missing
    for _, size, digest in photos:
        name = digest.hex()
        path = folder / "photos" / name[:2] / (name + ".jpg")
        try:
            data = path.read_bytes()
        except OSError:
            missing.append(name)
            continue
        if hashlib.sha256(data).digest() != digest or len(data) != size:
            report.fault("record %d: photo %s has been replaced or damaged" % (record.seq, name))
    return missing


def read_counter(folder):
    best = None
    for slot in (0, 1):
        try:
            data = (folder / "seal" / ("counter.%d" % slot)).read_bytes()
        except OSError:
            continue
        if len(data) != COUNTER.size:
            continue
        magic, generation, boot, epoch, seq, digest, wall, checksum = COUNTER.unpack(data)
        if magic != b"GWCOUNT1" or hashlib.sha256(data[:72]).digest() != checksum:
            continue
        if best is None or (generation, seq) > best[:2]:
            best = (generation, seq, digest, epoch)
    return best


def check_folder(folder, report, with_photos=True):
    """All generations of a ledger's folder: returns the present one's chain, or None, and those before it, the newest
    first."""
    present = folder / "ledger.db"
    if not present.is_file():
        raise Unreadable("%s has no ledger.db: give the ledger's folder, for example a copy of the card's" % folder)
    if present.stat().st_size == 0:
        report.fault("ledger.db is empty: it was cut off or never begun")
        return None, []
    newest = check_generation(present, folder, report, with_photos)
    if newest.error:
        report.fault(newest.error)
        return None, []
    if newest.boot is None:
        report.fault("ledger.db holds no record: it was emptied or never begun")
    number = newest.boot.number(93, 1) if newest.boot else 1
    younger, earlier = newest, []
    for older in sorted((p for p in folder.iterdir() if re.fullmatch(r"ledger-\d{4}\.db", p.name)), reverse=True):
        younger = check_older(older, folder, report, with_photos, younger)
        earlier.append(younger)
    if number > 1 and younger is newest:
        report.note("earlier generations are not in this folder")
        if newest.second is None:
            report.fault("ledger.db is generation %d and does not say how the one before it ended" % number)
    check_counter(folder, report, newest, number)
    return newest.chain, earlier


def check_older(path, folder, report, with_photos, younger):
    named = younger.second
    good = named.number(94, 0) if named is not None else None
    found = check_generation(path, folder, report, with_photos, good, younger.unseen)
    if found.error:
        report.note("the earlier generation %s: %s" % (path.name, found.error))
        return found
    if younger.error:
        report.note("%s: how it ended stands in %s, which cannot be read" % (path.name, younger.path.name))
        return found
    if named is None:
        report.fault("%s: the generation after it does not say how it ended" % path.name)
        return found
    report.note("%s was set aside at record %s: %s" % (path.name, good, named.text(64)))
    if 95 in named.fields and found.chain.heads.get(good) != named.fields[95]:
        report.fault("%s: record %s has not the hash that the next generation names" % (path.name, good))
    is_linked = found.chain.named_key is not None and younger.chain.first_key == found.chain.named_key
    report.note("%s and the next generation are %s by the sealing key" % (path.name, "linked" if is_linked else "not linked"))
    begins = max(named.number(94, 0), named.number(96, 0)) + 1
    if younger.boot.seq != begins:
        report.fault("the generation after %s begins with record %d, not %d" % (path.name, younger.boot.seq, begins))
    return found


def check_counter(folder, report, newest, number):
    counter = read_counter(folder)
    if counter is None:
        report.note("there is no counter beside the ledger (a copy without the folder seal): a cut end is found by a witness only")
        return
    generation, seq, digest, _ = counter
    if generation != number:
        if generation > number:
            report.fault("the counter knows generation %d, the ledger is generation %d: an older ledger was put back"
                         % (generation, number))
        return
    held = newest.chain.heads.get(seq)
    if held is None:
        if seq > newest.chain.pruned_to:
            report.fault("the counter knows record %d, the ledger ends at %s: it was cut off or rolled back"
                         % (seq, newest.chain.last))
    elif held != digest:
        report.fault("record %d has another hash than the counter holds: the ledger was rewritten or rolled back" % seq)
