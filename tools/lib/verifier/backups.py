"""A backup's folder. docs/EXPORT-FORMAT.md, "A backup"."""
import re

from . import chainfile
from .folder import Unreadable, check_photos
from .records import CAPTURE


def check_backup(folder, report, with_photos=True):
    """The newest set; returns the chain of its last file, with the heads of all."""
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
            following = [p for p, (k, f, _) in files.items() if k == "part" and f == end + 1]
            if not following:
                break
            chosen.append(max(following, key=lambda p: files[p][2]))
        if not best or files[chosen[-1]][2] > files[best[-1]][2]:
            best = chosen
    heads, before, key, loaded = {}, None, None, None
    for path in best:
        loaded = chainfile.load(path, report)
        if loaded is None:
            return None
        _, first, last = files[path]
        if (int(loaded.head["first"]), loaded.chain.last) != (first, last):
            report.fault("%s holds the records %s to %s" % (path.name, loaded.head["first"], loaded.chain.last))
        if before is not None and bytes.fromhex(loaded.head["before"]) != before:
            report.fault("%s does not go on from the file before it" % path.name)
        before = loaded.chain.before
        heads |= loaded.chain.heads
        if with_photos:
            for record in loaded.records:
                if record.kind == CAPTURE:
                    check_photos(record, folder, report)
    loaded.chain.heads = heads
    report.note("the set is %s" % ", ".join(path.name for path in best))
    return loaded.chain
