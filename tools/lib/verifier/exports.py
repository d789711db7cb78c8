"""An export and its proof: the file is made anew from the records of the proof, and compared.
docs/EXPORT-FORMAT.md, "An export and its proof"."""
import csv
import hashlib
import io
import json
from datetime import datetime, timedelta, timezone

from . import chainfile
from .records import BOOT, CLOCK_STEP, FAULT, HEALED, KIND_NAMES, PASS

CST = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
OUTCOMES = {1: "completed", 2: "backed-out", 3: "expired", 4: "forced", 5: "interrupted", 6: "tailgated", 7: "manual",
            8: "aborted"}
REASONS = {1: "stage-allowed", 2: "whitelisted", 32: "unknown-vehicle", 33: "stage-too-low", 34: "stage-unknown",
           35: "blacklisted", 36: "plate-unread", 37: "not-identified", 38: "ledger-full", 39: "identity-conflict"}
GAP_WORDS = {"device-down": "设备停机", "fault": "故障", "clock-step": "时钟调整", "before-ledger": "台账开始之前",
             "after-ledger": "台账末尾之后"}


def text_of(us):
    """China Standard Time, microseconds cut off towards the past."""
    return (EPOCH + timedelta(seconds=us // 1_000_000)).astimezone(CST).strftime("%Y-%m-%d %H:%M:%S")


def stage_of(record):
    stage = record.number(26, 255)
    return {7: "D", 255: "X"}.get(stage, str(stage))


def is_due(row):
    outcome, reason = row.number(40), row.number(3)
    return outcome in (1, 4, 6, 7) or outcome in (5, 8) and reason is not None and reason < 32


def time_of(record):
    return record.signed(48) if record.kind == PASS and 48 in record.fields else record.wall_us


def is_selected(record, asked):
    at = time_of(record)
    if "from_us" in asked and at < asked["from_us"] or "to_us" in asked and at >= asked["to_us"]:
        return False
    if not asked.get("passes"):
        return True
    if record.kind != PASS or asked.get("due") and not is_due(record):
        return False
    if "plate" in asked and not is_like(record.text(9), asked["plate"]):
        return False
    numbers = {"colours": record.number(10), "directions": record.number(2), "lanes": record.number(1),
               "outcomes": record.number(40), "stages": record.number(26, 255), "reasons": record.number(3, 0)}
    texts = {"gate": record.text(53), "fleet": record.text(33), "cargo": record.text(34)}
    return all(value in asked[name] for name, value in numbers.items() if name in asked) and \
        all(value == asked[name] for name, value in texts.items() if name in asked)


def is_like(plate, pattern):
    if plate == "":
        return False
    starts, ends = pattern.startswith("*"), len(pattern) > 1 and pattern.endswith("*")
    middle = pattern[1 if starts else 0:len(pattern) - 1 if ends else len(pattern)]
    if starts and ends:
        return middle in plate
    return plate.endswith(middle) if starts else plate.startswith(middle) if ends else plate == middle


def listing(proof, asked):
    """What the export must list, in its order: ('row', record) and ('gap', dict)."""
    records, chain = proof.records, proof.chain
    found, opened, previous = [], {}, None

    def add_gap(kind, begin, end, begins_at, ends_at, subject="", detail=""):
        early, late = (min(begin, end), max(begin, end)) if end is not None else (begin, None)
        if "to_us" in asked and early >= asked["to_us"] or "from_us" in asked and late is not None and \
                late < asked["from_us"]:
            return
        found.append(("gap", {"gap": kind, "from": begin, "to": end, "from_record": begins_at, "to_record": ends_at,
                              "subject": subject, "detail": detail}))

    def end_fault(subject, record):
        raised = opened.pop(subject)
        add_gap("fault", raised.wall_us, record.wall_us, raised.seq, record.seq, raised.text(63), raised.text(64))

    first = records[0]
    if "from_us" in asked and asked["from_us"] < first.wall_us and proof.tail.get("export", {}).get("is_oldest", True):
        add_gap("before-ledger", asked["from_us"], first.wall_us, None, first.seq)
    for record in records:
        if record.kind == BOOT and previous is not None:
            for subject in sorted(opened, key=lambda s: opened[s].seq):
                end_fault(subject, record)
            add_gap("device-down", previous.wall_us, record.wall_us, previous.seq, record.seq, detail=record.text(61))
        elif record.kind == FAULT and record.text(63) not in opened:
            opened[record.text(63)] = record
        elif record.kind == HEALED and record.text(63) in opened:
            end_fault(record.text(63), record)
        elif record.kind == CLOCK_STEP:
            add_gap("clock-step", record.signed(65, 0), record.signed(66, 0), record.seq, record.seq)
        if is_selected(record, asked):
            found.append(("row", record))
        previous = record
    for subject in sorted(opened, key=lambda s: opened[s].seq):
        raised = opened[subject]
        add_gap("fault", raised.wall_us, None, raised.seq, None, raised.text(63), raised.text(64))
    if "to_us" in asked and asked["to_us"] > previous.wall_us:
        add_gap("after-ledger", previous.wall_us, asked["to_us"], previous.seq, None)
    return found


def guarded(cell):
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def csv_pass(row, chain):
    cell = {1: row.text(52), 2: row.text(53), 3: row.number(2), 4: text_of(row.signed(48, 0)),
            5: " ".join(digest.hex() + ".jpg" for _, _, digest in row.photos()), 6: row.text(9), 7: row.number(10),
            8: row.text(24), 9: row.text(22), 10: row.text(23), 11: row.text(27), 12: row.text(28), 13: row.text(29),
            14: row.text(30), 15: row.text(25), 16: stage_of(row), 17: row.text(31), 18: row.number(32),
            23: row.text(33), 24: row.text(41), 25: OUTCOMES.get(row.number(40), row.number(40)),
            26: REASONS.get(row.number(3), row.number(3)), 27: row.seq, 28: chain.heads[row.seq].hex()}
    return [guarded("" if cell.get(at) is None else str(cell[at])) for at in range(1, 30)]


def csv_gap(gap, chain):
    cells = [""] * 29
    at = gap["to_record"] if gap["to_record"] is not None else gap["from_record"]
    remark = "%s %s 至 %s" % (GAP_WORDS[gap["gap"]], text_of(gap["from"]),
                             "仍未结束" if gap["to"] is None else text_of(gap["to"]))
    remark += (" " + gap["subject"] if gap["subject"] else "") + (": " + gap["detail"] if gap["detail"] else "")
    cells[3], cells[24], cells[25], cells[26] = text_of(gap["from"]), "gap", gap["gap"], str(at)
    cells[27] = chain.heads[at].hex() if at in chain.heads else None
    cells[28] = guarded(remark)
    return cells


def check_csv(data, expected, proof, may_lack_rows, report):
    if not data.startswith(b"\xef\xbb\xbf"):
        report.fault("the CSV does not begin with a byte-order mark")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline="")))
    chain, head = proof.chain, [""] * 29
    last = proof.records[-1]
    head[3], head[24], head[26], head[27], head[28] = (text_of(last.wall_us), "head", str(last.seq),
                                                       chain.before.hex(), "台账末条")
    wanted = [csv_pass(item, chain) if kind == "row" else csv_gap(item, chain) for kind, item in expected] + [head]
    compare(rows[1:], wanted, may_lack_rows, lambda row, want: same_cells(row, want), report,
            lambda row: "row for record %s" % (row[26] if len(row) > 26 else "?"), lambda want: want[24] not in ("gap", "head"))


def same_cells(row, want):
    return len(row) == len(want) and all(w is None or r == w for r, w in zip(row, want))


def check_jsonl(data, expected, proof, may_lack_rows, report):
    try:
        rows = [json.loads(line) for line in data.decode().splitlines()]
    except ValueError as error:
        report.fault("the export is no JSON Lines: %s" % error)
        return
    chain = proof.chain
    wanted = []
    for kind, item in expected:
        if kind == "gap":
            gap = {name: item[name] for name in ("gap", "from_record", "to_record") if item[name] is not None}
            wanted.append({"kind": "gap", "from_us": item["from"], **gap})
        else:
            row = {"seq": item.seq, "kind": KIND_NAMES.get(item.kind, "kind-%d" % item.kind).replace(" ", "-"),
                   "wall_us": item.wall_us, "boot": item.boot, "hash": chain.heads[item.seq].hex()}
            if item.kind == PASS:
                row |= {"outcome": OUTCOMES.get(item.number(40)), "serial": item.text(41), "passed": text_of(item.signed(48, 0))}
                row |= {name: item.text(field) for name, field in (("plate", 9), ("raw_plate", 8), ("gate", 53))
                        if item.text(field)}
            wanted.append(row)
    wanted.append({"kind": "head", "head_seq": chain.last, "hash": chain.before.hex()})
    compare(rows, wanted, may_lack_rows, lambda row, want: all(row.get(name) == want[name] for name in want), report,
            lambda row: "line for record %s" % row.get("seq", row.get("kind")), lambda want: "seq" in want)


def compare(rows, wanted, may_lack_rows, is_same, report, name, is_row):
    at = 0
    for row in rows:
        while may_lack_rows and at < len(wanted) and not is_same(row, wanted[at]) and is_row(wanted[at]):
            at += 1
        if at == len(wanted):
            report.fault("the export lists more than its proof holds: %s" % name(row))
            return
        if not is_same(row, wanted[at]):
            report.fault("the %s is not what the proof's records say: altered, left out before it, or added" % name(row))
            return
        at += 1
    if any(not (may_lack_rows and is_row(want)) for want in wanted[at:]):
        report.fault("the export lacks %d of the rows that its proof's records ask for" % (len(wanted) - at))


def check_export(path, proof_path, report):
    proof = chainfile.load(proof_path, report)
    if proof is None:
        return None
    stated = proof.tail.get("export")
    if not isinstance(stated, dict) or not proof.records:
        report.fault("%s is no proof of an export" % proof_path.name)
        return proof.chain
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != stated.get("sha256") or len(data) != stated.get("bytes"):
        report.fault("%s is not the file that its proof was made for: altered or exchanged" % path.name)
    asked = stated.get("selection") or {}
    may_lack_rows = "delivery" in asked or "destination" in asked
    if may_lack_rows:
        report.note("rows were selected by their delivery state, which is not in the chain")
    expected = listing(proof, asked)
    check = {"csv": check_csv, "jsonl": check_jsonl}.get(stated.get("format"))
    if check is None:
        report.fault("the proof states a format that is not known: %s" % stated.get("format"))
    else:
        check(data, expected, proof, may_lack_rows, report)
    return proof.chain
