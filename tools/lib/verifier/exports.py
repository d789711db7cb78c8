"""An export and its proof: the file is made anew from the records of the proof, and compared.
docs/EXPORT-FORMAT.md, "An export and its proof"."""
import csv
import hashlib
import io
import json
from dataclasses import replace

from . import chainfile
from .lines import OUTCOMES, REASONS, members, stage_of, text_of
from .records import BOOT, CLOCK_STEP, FAULT, HEALED, PASS, SUPPLEMENT

HEADINGS = (
    "出入口编号,道闸编号,进出厂状态,进/出厂时间,进/出厂照片,车牌号码,号牌颜色,车辆类型,车辆识别代码(VIN),注册登记日期,"
    "车辆型号(品牌型号),发动机型号,发动机生产厂,发动机编号,燃料类型,排放标准,使用性质,联网状态,随车清单,行驶证,"
    "运输货物名称,运输量,车队名称,流水号,通行结果,管控结果,记录序号,记录哈希,备注").split(",")
VEHICLE_FIELDS = (17, 18) + tuple(range(20, 34))
GATE_FIELDS = (50, 51, 52, 53)
SINGLE_FIELDS = (1, 2, 9, 10, 14, 34, 35, 36, 37, 39, 48, 54, 55, 56)
GAP_WORDS = {"device-down": "设备停机", "fault": "故障", "clock-step": "时钟调整", "before-ledger": "台账开始之前",
             "after-ledger": "台账末尾之后"}


def time_of(record):
    return record.signed(48) if record.kind == PASS and 48 in record.fields else record.wall_us


def corrected(row, supplement):
    """The row with what the supplement says instead of what it says."""
    fields = dict(row.fields)
    for group, leads in ((VEHICLE_FIELDS, (20, 21)), (GATE_FIELDS, GATE_FIELDS)):
        if any(field in supplement.fields for field in leads):
            fields = {field: value for field, value in fields.items() if field not in group}
            fields.update({field: supplement.fields[field] for field in group if field in supplement.fields})
    fields.update({field: supplement.fields[field] for field in SINGLE_FIELDS if field in supplement.fields})
    return replace(row, fields=fields)


def rows_of(record, supplements):
    """The row of a pass, and the row as each supplement leaves it."""
    rows = [record]
    for supplement in supplements:
        rows.append(corrected(rows[-1], supplement))
    return rows


def by_itself(supplement):
    """The row that a supplement makes without a pass; None where its time is that of its record."""
    fields = {field: value for field, value in supplement.fields.items()
              if field in SINGLE_FIELDS + GATE_FIELDS or field in VEHICLE_FIELDS}
    fields.setdefault(48, supplement.wall_us.to_bytes(8, "big", signed=True))
    return replace(supplement, kind=PASS, fields=fields)


def is_selected(record, asked):
    if record.kind == SUPPLEMENT and asked.get("passes"):
        if "outcomes" in asked or any(name in asked and field not in record.fields
                                      for name, field in (("directions", 2), ("lanes", 1))):
            return False
        return is_selected(by_itself(record), {name: value for name, value in asked.items() if name != "due"})
    at = time_of(record)
    if "from_us" in asked and at < asked["from_us"] or "to_us" in asked and at >= asked["to_us"]:
        return False
    if not asked.get("passes"):
        return True
    if record.kind != PASS or asked.get("due") and not record.due():
        return False
    if "plate" in asked and not is_like(record.text(9), asked["plate"]):
        return False
    numbers = {"colours": record.number(10), "directions": record.number(2), "lanes": record.number(1),
               "outcomes": record.number(40), "stages": record.number(26, 255), "reasons": record.number(3, 0)}
    texts = {"gate": record.text(53), "fleet": record.text(33), "cargo": record.text(34)}
    return all(value in asked[name] for name, value in numbers.items() if name in asked) and \
        all(value == asked[name] for name, value in texts.items() if name in asked)


def is_like(plate, pattern):
    starts, ends = pattern.startswith("*"), len(pattern) > 1 and pattern.endswith("*")
    middle = pattern[1 if starts else 0:len(pattern) - 1 if ends else len(pattern)]
    if starts and ends:
        return middle in plate
    return plate.endswith(middle) if starts else plate.startswith(middle) if ends else plate == middle


def listing(proof, asked):
    """What the export must list, in its order: ('row', record) and ('gap', dict)."""
    records, chain = proof.records, proof.chain
    beside = {}
    for record in records:
        if record.kind == SUPPLEMENT and record.number(104, 0) >= records[0].seq:
            beside.setdefault(record.number(104), []).append(record)
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
    if "from_us" in asked and asked["from_us"] < first.wall_us:
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
        if record.kind == PASS and record.seq in beside:
            rows = rows_of(record, beside[record.seq])
            if any(is_selected(row, asked) for row in rows):
                found.append(("row", (record, record, beside[record.seq])))
                if asked.get("passes"):
                    found += [("row", (one, row, [])) for one, row in zip(beside[record.seq], rows[1:])]
        elif record.kind == SUPPLEMENT and asked.get("passes"):
            if record.number(104, 0) < records[0].seq and is_selected(record, asked):
                found.append(("row", (record, by_itself(record), [])))
        elif is_selected(record, asked):
            found.append(("row", (record, record, [])))
        previous = record
    for subject in sorted(opened, key=lambda s: opened[s].seq):
        raised = opened[subject]
        add_gap("fault", raised.wall_us, None, raised.seq, None, raised.text(63), raised.text(64))
    if "to_us" in asked and asked["to_us"] > previous.wall_us:
        add_gap("after-ledger", previous.wall_us, asked["to_us"], previous.seq, None)
    return found


def guarded(cell):
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def tonnes(kilograms):
    if kilograms is None:
        return ""
    return ("%d.%03d" % divmod(kilograms, 1000)).rstrip("0").rstrip(".")


def csv_pass(record, row, supplements, chain):
    outcome, remark = OUTCOMES.get(row.number(40), row.number(40)), ""
    if supplements:
        remark = "有补录 " + " ".join(str(one.seq) for one in supplements)
    if record.kind == SUPPLEMENT:
        outcome, number = "supplement", record.number(104)
        remark = "补录 " + ("漏记" if number is None else "更正 %d" % number) + " " + record.text(100) + \
            (": " + record.text(101) if record.text(101) else "")
    cell = {1: row.text(52), 2: row.text(53), 3: row.number(2), 4: text_of(row.signed(48, 0)),
            5: " ".join(digest.hex() + ".jpg" for _, _, digest in row.photos()), 6: row.text(9), 7: row.number(10),
            8: row.text(24), 9: row.text(22), 10: row.text(23), 11: row.text(27), 12: row.text(28), 13: row.text(29),
            14: row.text(30), 15: row.text(25), 16: stage_of(row), 17: row.text(31), 18: row.number(32),
            21: row.text(34), 22: tonnes(row.number(35)), 23: row.text(33), 24: row.text(41),
            25: outcome, 26: REASONS.get(row.number(3), row.number(3)),
            27: record.seq, 28: chain.heads[record.seq].hex(), 29: remark}
    return [guarded("" if cell.get(at) is None else str(cell[at])) for at in range(1, 30)]


def csv_gap(gap, chain):
    cells = [""] * 29
    at = gap["to_record"] if gap["to_record"] is not None else gap["from_record"]
    remark = "%s %s 至 %s" % (GAP_WORDS[gap["gap"]], text_of(gap["from"]),
                             "仍未结束" if gap["to"] is None else text_of(gap["to"]))
    remark += (" " + gap["subject"] if gap["subject"] else "") + (": " + gap["detail"] if gap["detail"] else "")
    cells[3], cells[24], cells[25], cells[26] = text_of(gap["from"]), "gap", gap["gap"], str(at)
    cells[27], cells[28] = chain.heads[at].hex(), guarded(remark)
    return cells


def quoted(cell):
    return '"%s"' % cell.replace('"', '""') if any(mark in cell for mark in ',"\r\n') else cell


def check_csv(data, expected, proof, lax, report):
    """Gives the rows that the file lists beside the heading and the head."""
    chain, last, head = proof.chain, proof.records[-1], [""] * 29
    head[3], head[24], head[26], head[27], head[28] = (text_of(last.wall_us), "head", str(last.seq),
                                                       chain.before.hex(), "台账末条")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline="")))
    written = "\ufeff" + "".join(",".join(map(quoted, row)) + "\r\n" for row in rows)
    if written.encode() != data:
        report.fault("the CSV is not written as the document says: its mark, line ends or quotation marks differ")
    if rows[:1] != [HEADINGS]:
        report.fault("the CSV has other headings than the document's")
    wanted = [csv_pass(*item, chain) if kind == "row" else csv_gap(item, chain) for kind, item in expected]
    compare(rows[1:], wanted + [head], lax, report, lambda row, want: row == want,
            lambda row: "row for record %s" % (row[26] if len(row) > 26 else "?"),
            lambda want: want[24] not in ("gap", "head"), lambda row: is_earlier_fault_row(row, proof),
            lambda row, want: want[24:26] == row[24:26] and is_of_subject(row, want))
    return [row[24:25] for row in rows[1:-1]]


def is_earlier_fault_row(row, proof):
    """A fault that was raised before the proof begins: only its end can be looked up."""
    if len(row) != 29 or row[24:26] != ["gap", "fault"] or not row[26].isdigit():
        return False
    if int(row[26]) < proof.records[0].seq:
        return "仍未结束" in row[28]
    ends = {record.seq: record for record in proof.records if record.kind in (BOOT, HEALED)}.get(int(row[26]))
    return ends is not None and row[27] == proof.chain.heads[ends.seq].hex() and \
        (" 至 " + text_of(ends.wall_us) + " ") in row[28]


def is_of_subject(row, want):
    """The remark's end, in which the detail may be another."""
    told, expected = row[28].split(" 至 ", 1)[-1], want[28].split(" 至 ", 1)[-1]
    return told.split(": ", 1)[0] == expected.split(": ", 1)[0]


def check_jsonl(data, expected, proof, lax, report):
    try:
        rows = [json.loads(line) for line in data.decode().splitlines()]
    except ValueError as error:
        report.fault("the export is no JSON Lines: %s" % error)
        return []
    chain, wanted = proof.chain, []
    for kind, item in expected:
        if kind == "row":
            record, _, supplements = item
            wanted.append(members(record, chain.heads[record.seq]))
            wanted[-1]["supplements"] = [one.seq for one in supplements] or None
            continue
        at = item["to_record"] if item["to_record"] is not None else item["from_record"]
        gap = {"kind": "gap", "gap": item["gap"], "from": text_of(item["from"]), "from_us": item["from"],
               "to": None if item["to"] is None else text_of(item["to"]), "to_us": item["to"],
               "from_record": item["from_record"], "to_record": item["to_record"], "hash": chain.heads[at].hex(),
               "subject": item["subject"] or None, "detail": item["detail"] or None}
        wanted.append(gap)
    wanted.append({"kind": "head", "head_seq": chain.last, "wall": text_of(proof.records[-1].wall_us),
                   "hash": chain.before.hex()})
    compare(rows, wanted, lax, report, lambda row, want: all(row.get(name) == want[name] for name in want),
            lambda row: "line for record %s" % row.get("seq", row.get("kind")), lambda want: "seq" in want,
            lambda row: is_earlier_fault_line(row, proof),
            lambda row, want: all(row.get(name) == want.get(name) for name in ("kind", "gap", "subject", "to_record")))
    return [[row.get("kind")] for row in rows[:-1]]


def is_earlier_fault_line(row, proof):
    if (row.get("kind"), row.get("gap")) != ("gap", "fault") or row.get("from_record", 0) >= proof.records[0].seq:
        return False
    if "to_record" not in row:
        return True
    ends = {record.seq: record for record in proof.records if record.kind in (BOOT, HEALED)}.get(row["to_record"])
    return ends is not None and (row.get("to_us"), row.get("hash")) == (ends.wall_us, proof.chain.heads[ends.seq].hex())


def compare(rows, wanted, lax, report, is_same, name, is_row, is_earlier_fault, is_same_fault):
    """`lax`: rows were selected by what is not in the chain, and some may be lacking."""
    at = earlier = 0
    for row in rows:
        skipped = at
        while lax and skipped < len(wanted) and not is_same(row, wanted[skipped]) and is_row(wanted[skipped]):
            skipped += 1
        if skipped < len(wanted) and is_same(row, wanted[skipped]):
            at = skipped + 1
        elif is_earlier_fault(row):
            earlier += 1
            # It was open already when the proof's own records raise it.
            again = next((place for place in range(at, len(wanted)) if is_same_fault(row, wanted[place])), None)
            if again is not None:
                del wanted[again]
        elif at == len(wanted):
            report.fault("the export lists more than its proof holds: %s" % name(row))
            return
        else:
            report.fault("the %s is not what the proof's records say: altered, left out before it, or added" % name(row))
            return
    if any(not (lax and is_row(want)) for want in wanted[at:]):
        report.fault("the export lacks %d of the rows that its proof's records ask for" % (len(wanted) - at))
    if earlier:
        report.note("%d faults were raised before the proof begins: their beginning is not in it" % earlier)


def check_export(path, proof_path, report):
    proof = chainfile.load(proof_path, report)
    if proof is None:
        return None
    proof.chain.close()
    stated = proof.tail.get("export")
    if not isinstance(stated, dict) or not proof.records:
        report.fault("%s is no proof of an export" % proof_path.name)
        return proof.chain
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != stated.get("sha256") or len(data) != stated.get("bytes"):
        report.fault("%s is not the file that its proof was made for: altered or exchanged" % path.name)
    asked = stated.get("selection") or {}
    lax = "delivery" in asked or "destination" in asked
    if lax:
        report.note("rows were selected by their delivery state, which is not in the chain")
    check = {"csv": check_csv, "jsonl": check_jsonl}.get(stated.get("format"))
    if check is None:
        report.fault("the proof states a format that is not known: %s" % stated.get("format"))
        return proof.chain
    kinds = check(data, listing(proof, asked), proof, lax, report)
    gaps = kinds.count(["gap"])
    if (len(kinds) - gaps, gaps) != (stated.get("rows"), stated.get("gaps")):
        report.fault("the export lists %d rows and %d gaps, and its proof states %s and %s"
                     % (len(kinds) - gaps, gaps, stated.get("rows"), stated.get("gaps")))
    return proof.chain
