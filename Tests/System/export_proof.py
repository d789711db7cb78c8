"""Checks an export against its proof, from docs/EXPORT-FORMAT.md and docs/LEDGER-FORMAT.md alone.

`check(export, proof)` raises ValueError with the first thing that is wrong, or returns the tail line. It makes the whole
CSV anew from the records of the proof, and so shows that nothing was altered, added or left out.
"""
import base64
import hashlib
import json
import pathlib
import struct
import time

HEADINGS = (
    "出入口编号,道闸编号,进出厂状态,进/出厂时间,进/出厂照片,车牌号码,号牌颜色,车辆类型,车辆识别代码(VIN),注册登记日期,"
    "车辆型号(品牌型号),发动机型号,发动机生产厂,发动机编号,燃料类型,排放标准,使用性质,联网状态,随车清单,行驶证,"
    "运输货物名称,运输量,车队名称,流水号,通行结果,管控结果,记录序号,记录哈希,备注").split(",")
OUTCOMES = ["", "completed", "backed-out", "expired", "forced", "interrupted"]
REASONS = {1: "stage-allowed", 2: "whitelisted", 32: "unknown-vehicle", 33: "stage-too-low", 34: "stage-unknown",
           35: "blacklisted", 36: "plate-unread", 37: "not-identified", 38: "ledger-full"}
WORDS = {"device-down": "设备停机", "fault": "故障", "clock-step": "时钟调整", "before-ledger": "台账开始之前",
         "after-ledger": "台账末尾之后"}


class Record:
    def __init__(self, canonical, hash):
        version, self.kind, self.seq, _, self.wall, _, _ = struct.unpack_from(">HHQQqIQ", canonical)
        if version != 1:
            raise ValueError(f"record {self.seq}: format version {version}")
        self.hash = hash.hex()
        self.fields = {}
        at = 40
        while at < len(canonical):
            number, length = struct.unpack_from(">HI", canonical, at)
            if number <= max(self.fields, default=0) or at + 6 + length > len(canonical):
                raise ValueError(f"record {self.seq}: field {number} is out of place")
            self.fields[number] = canonical[at + 6:at + 6 + length]
            at += 6 + length

    def text(self, number):
        return self.fields.get(number, b"").decode()

    def number(self, number, missing=None):
        data = self.fields.get(number)
        return missing if data is None else int.from_bytes(data, "big", signed=number in (47, 48, 49, 65, 66))

    def due(self):
        outcome = self.number(40)
        return outcome in (1, 4) or outcome == 5 and 0 < self.number(3, 0) < 32


def civil(microseconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(microseconds // 1_000_000 + 8 * 3600))


def chain(path):
    lines = pathlib.Path(path).read_bytes().split(b"\n")
    if lines.pop() != b"":
        raise ValueError("the proof was cut off within a line")
    head, tail = json.loads(lines[0]), json.loads(lines[-1])
    if head["chain"] != 1:
        raise ValueError("not a chain file of format 1")
    last, number, records = bytes.fromhex(head["before"]), head["first"], []
    if number == 1 and last != hashlib.sha256(b"gatewarden ledger v1 genesis\n" + head["device"].encode()).digest():
        raise ValueError("record 1 does not follow on the device's name")
    for line in lines[1:-1]:
        canonical = base64.b64decode(line, validate=True)
        last = hashlib.sha256(b"gatewarden ledger v1\n" + last + canonical).digest()
        records.append(Record(canonical, last))
        if records[-1].seq != number:
            raise ValueError(f"record {number} is missing")
        number += 1
    if (number - 1, last.hex()) != (tail["last"], tail["hash"]):
        raise ValueError("the records do not end at the head")
    return head, records, tail


def accepts(record, chosen, passes):
    at = record.number(48) if record.kind == 5 else record.wall
    if not chosen.get("from_us", at) <= at < chosen.get("to_us", at + 1):
        return False
    if record.kind != 5:
        return not passes
    plate, wanted = record.text(9), chosen.get("plate")
    if wanted is not None:
        part = wanted.removeprefix("*").removesuffix("*")
        fits = {(True, True): part in plate, (True, False): plate.endswith(part), (False, True): plate.startswith(part),
                (False, False): plate == part}[wanted.startswith("*"), wanted.endswith("*")]
        if not fits:
            return False
    numbers = {"colours": (10, None), "directions": (2, None), "lanes": (1, None), "outcomes": (40, None),
               "stages": (26, 255), "reasons": (3, 0)}
    texts = {"gate": 53, "fleet": 33, "cargo": 34}
    return (all(record.number(*field) in chosen[name] for name, field in numbers.items() if name in chosen)
            and all(record.text(field) == chosen[name] for name, field in texts.items() if name in chosen)
            and not (chosen.get("due") and not record.due()))


def gap(kind, start, end, first, last, subject="", detail=""):
    return {"kind": kind, "from": start, "to": end, "first": first, "last": last, "subject": subject, "detail": detail}


def touches(found, chosen):
    start, end = found["from"], found["to"]
    low, high = (start, None) if end is None else (min(start, end), max(start, end))
    return not ("from_us" in chosen and high is not None and high < chosen["from_us"]
                or "to_us" in chosen and low >= chosen["to_us"])


def rows(records, chosen, passes, oldest):
    """Records and gaps in the order of the export."""
    opened = {}
    if oldest and "from_us" in chosen and chosen["from_us"] < records[0].wall:
        yield gap("before-ledger", chosen["from_us"], records[0].wall, None, records[0])
    for before, record in zip([None] + records, records):
        ended = []
        if record.kind == 1:
            ended = [{**found, "to": record.wall, "last": record} for found in opened.values()]
            opened = {}
            if before:
                ended.append(gap("device-down", before.wall, record.wall, before, record, "", record.text(61)))
        elif record.kind == 7 and record.text(63) not in opened:
            opened[record.text(63)] = gap("fault", record.wall, None, record, None, record.text(63), record.text(64))
        elif record.kind == 8 and record.text(63) in opened:
            ended = [{**opened.pop(record.text(63)), "to": record.wall, "last": record}]
        elif record.kind == 9:
            ended = [gap("clock-step", record.number(65), record.number(66), record, record)]
        yield from (found for found in ended if touches(found, chosen))
        if accepts(record, chosen, passes):
            yield record
    yield from (found for found in opened.values() if touches(found, chosen))
    if "to_us" in chosen and chosen["to_us"] > records[-1].wall:
        yield gap("after-ledger", records[-1].wall, chosen["to_us"], records[-1], None)


def cell(text):
    if text[:1] in ("=", "+", "-", "@", "\t", "\r") and text:
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def line(cells):
    return ",".join(map(cell, cells)) + "\r\n"


def pass_line(record):
    def digits(number):
        found = record.number(number)
        return "" if found is None else str(found)

    photos = record.fields.get(14, b"")
    stage = record.number(26, 255)
    return line([
        record.text(52), record.text(53), digits(2), civil(record.number(48)),
        " ".join(photos[at + 5:at + 37].hex() + ".jpg" for at in range(0, len(photos), 37)),
        record.text(9), digits(10), record.text(24), record.text(22), record.text(23), record.text(27), record.text(28),
        record.text(29), record.text(30), record.text(25), {7: "D", 255: "X"}.get(stage, str(stage)), record.text(31),
        digits(32), "", "", record.text(34), tonnes(record.number(35)), record.text(33), record.text(41), OUTCOMES[record.number(40)],
        REASONS.get(record.number(3), ""), str(record.seq), record.hash, ""])


def tonnes(kilograms):
    if kilograms is None:
        return ""
    return f"{kilograms // 1000}.{kilograms % 1000:03}".rstrip("0").rstrip(".")


def gap_line(found):
    told = found["last"] or found["first"]
    end = "仍未结束" if found["to"] is None else civil(found["to"])
    remark = f"{WORDS[found['kind']]} {civil(found['from'])} 至 {end}"
    remark += (" " + found["subject"] if found["subject"] else "") + (": " + found["detail"] if found["detail"] else "")
    return line(["", "", "", civil(found["from"])] + [""] * 20 + ["gap", found["kind"], str(told.seq), told.hash, remark])


def check(export, proof):
    head, records, tail = chain(proof)
    data = pathlib.Path(export).read_bytes()
    about = tail["export"]
    if (hashlib.sha256(data).hexdigest(), len(data)) != (about["sha256"], about["bytes"]):
        raise ValueError("the proof is of another export")
    chosen = about["selection"]
    listed = list(rows(records, chosen, chosen.get("passes", False), head["first"] == 1))
    found = [row for row in listed if isinstance(row, Record)]
    if (len(found), len(listed) - len(found)) != (about["rows"], about["gaps"]):
        raise ValueError(f"{len(found)} rows and {len(listed) - len(found)} gaps follow from the records, "
                         f"{about['rows']} and {about['gaps']} are said")
    last = records[-1]
    if about["format"] == "csv":
        made = "\ufeff" + line(HEADINGS) + "".join(
            pass_line(row) if isinstance(row, Record) else gap_line(row) for row in listed) + line(
            ["", "", "", civil(last.wall)] + [""] * 20 + ["head", "", str(last.seq), last.hash, "台账末条"])
        if made.encode() != data:
            raise ValueError("the export is not what follows from the records")
        return tail
    told = [json.loads(text) for text in data.decode().splitlines()]
    if (told[-1]["kind"], told[-1]["head_seq"], told[-1]["hash"]) != ("head", last.seq, last.hash):
        raise ValueError("the last line is not the head")
    for row, one in zip(listed, told[:-1], strict=True):
        if isinstance(row, Record):
            holds = (one["seq"], one["hash"], one["wall_us"]) == (row.seq, row.hash, row.wall)
            holds = holds and (row.kind != 5 or (one.get("plate", ""), one["serial"]) == (row.text(9), row.text(41)))
        else:
            holds = ((one["gap"], one["from_us"], one.get("to_us")) == (row["kind"], row["from"], row["to"])
                     and one["hash"] == (row["last"] or row["first"]).hash)
        if not holds:
            raise ValueError(f"this line does not follow from the records: {one}")
    return tail
