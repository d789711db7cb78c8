"""A backup's folder. docs/EXPORT-FORMAT.md, "A backup"."""
import re

from . import chainfile
from .folder import Unreadable, check_photos


def check_backup(folder, report, with_photos=True):
    """The newest set; returns its chain."""
    files = {}
    for path in folder.iterdir():
        match = re.fullmatch(r"(full|part)-(\d{12})-(\d{12})\.chain", path.name)
        if match:
            files[path] = (match[1], int(match[2]), int(match[3]))
    if not any(kind == "full" for kind, _, _ in files.values()):
        raise Unreadable("%s holds no backup: no full-*.chain" % folder)
    best = []
    for path, (kind, first, last) in files.items():
        if kind != "full":
            continue
        chosen = [path]
        while True:
            end = files[chosen[-1]][2]
            following = [p for p, (k, f, l) in files.items() if k == "part" and f == end + 1 and l >= f]
            if not following:
                break
            chosen.append(max(following, key=lambda p: files[p][2]))
        if not best or files[chosen[-1]][2] > files[best[-1]][2]:
            best = chosen
    reached = files[best[-1]][2]
    for path, (_, first, last) in sorted(files.items()):
        if last > reached:
            report.fault("%s goes on to record %d, and what is here ends at %d: a part before it is missing"
                         % (path.name, last, reached))
    chain, missing, known = None, 0, 0
    for path in best:
        loaded = chainfile.load(path, report, chain)
        if loaded is None:
            return None
        chain = loaded.chain
        _, first, last = files[path]
        if (int(loaded.head["first"]), loaded.chain.last) != (first, last):
            report.fault("%s holds the records %s to %s" % (path.name, loaded.head["first"], loaded.chain.last))
        stated = loaded.tail.get("backup")
        if not isinstance(stated, dict):
            report.fault("%s is no part of a backup" % path.name)
            stated = {}
        known += stated.get("missing", 0)
        if with_photos:
            missing += sum(len(check_photos(record, folder, report)) for record in loaded.captures())
    chain.close()
    if missing > known:
        report.fault("%d photos are not in the backup, and %d were missing when it was made" % (missing, known))
    elif missing:
        report.note("%d photos were missing in the ledger when the backup was made, pruned or lost" % missing)
    report.note("the set is %s" % ", ".join(path.name for path in best))
    return chain
