"""One record as a line of JSON: the members that docs/EXPORT-FORMAT.md, "JSON Lines", names, from the record's fields."""
import struct
from datetime import datetime, timedelta, timezone

from .records import CARRIED, DECISION, PASS

CST = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
OUTCOMES = {1: "completed", 2: "backed-out", 3: "expired", 4: "forced", 5: "interrupted", 6: "tailgated", 7: "manual",
            8: "aborted"}
REASONS = {1: "stage-allowed", 2: "whitelisted", 32: "unknown-vehicle", 33: "stage-too-low", 34: "stage-unknown",
           35: "blacklisted", 36: "plate-unread", 37: "not-identified", 38: "ledger-full", 39: "identity-conflict"}
CAUSES = {1: "verdict", 2: "person", 3: "hold", 4: "fire", 5: "protection", 6: "maintenance"}
LOADS = {1: "loaded", 2: "empty"}
MEANS = {1: "console", 2: "web", 3: "button", 4: "platform", 5: "file"}
POWERS = {1: "mains-lost", 2: "mains-back", 3: "battery-low", 4: "switching-off"}
WORDS = {"outcome": OUTCOMES, "reason": REASONS, "cause": CAUSES, "load": LOADS, "means": MEANS, "power": POWERS,
         "list": {1: "white", 2: "black"}, "action": {1: "set", 2: "removed"},
         "backup": {1: "full", 2: "part", 3: "nothing-new", 4: "failed"}}
SIGNED = {13, 16, 18, 47, 48, 49, 58, 59, 65, 66, 107}

# member:field, and what becomes of the field: nothing a number, t text, w wall time as text, l lane time as text,
# x hexadecimal, f true or false, and words.
GATE = "enterprise:50t enterprise_name:51t entrance:52t gate:53t "
FREIGHT = ("cargo:34t net_kg:35 gross_kg:36 weight_source:37 load:54load booking:39t entry_seq:55 vehicle_list:56t ")
CAMERA = "camera:7t raw_plate:8t plate:9t plate_colour:10 "
BASIS = "list_reason:15t register_imported:16w tag:19t vehicle:0vehicle "
VEHICLE = ("source:17 known_at:18w plate:20t plate_colour:21 stage:26stage fuel:25t vin:22t registered:23t type:24t model:27t "
           "engine_model:28t engine_maker:29t engine_number:30t usage:31t networked:32f fleet:33t")
ROW = ("lane:1 direction:2 outcome:40outcome serial:41t decision_seq:42 release_seq:103 reason:3reason raise_cause:122cause "
       "reverse:123f arrived_ns:43l raised_ns:44l entered_ns:45l ended_ns:46l arrived:47w passed:48w ended:49w capture:6t "
       "video:38t video_from:58w video_to:59w photos:14photos " + CAMERA + BASIS + FREIGHT + GATE)
KINDS = {
    1: ("boot", "version:60t cause:61t device:62t"),
    2: ("shutdown", "cause:61t"),
    3: ("capture", "lane:1 key:6t confidence:11 replayed:12f taken_at:13w photos:14photos " + CAMERA),
    4: ("decision", "lane:1 direction:2 reason:3reason asked_ns:4l decided_ns:5l capture:6t tag_reader:150t tag_seen_ns:151l "
        "tag_plate:152t tag_plate_colour:153 named_by_tag:154f " + CAMERA + BASIS + FREIGHT + GATE),
    5: ("pass", ROW),
    6: ("quarantine", "destination:71t due_seq:73 due_step:74 reason:64t"),
    7: ("fault-raised", "subject:63t detail:64t"),
    8: ("fault-healed", "subject:63t detail:64t"),
    9: ("clock-step", "before:65w after:66w"),
    10: ("register-imported", "vehicles:67 list_entries:68 refused:69 file_sha256:70x"),
    11: ("configuration-loaded", "file_sha256:70x"),
    12: ("uplink-state", "destination:71t reachable:72f detail:64t"),
    13: ("seal", "epoch:80 interval_s:81 seal_reason:84 key:82x next_key:83x previous_seal:85 previous_hash:86x signature:99x"),
    14: ("prune", "pruned_through:87 pruned_hash:88x pruned_records:89 retention_days:91 photos_pruned_through:92"),
    15: ("generation", "generation:93 set_aside:63t detail:64t last_good_seq:94 last_good_hash:95x counter_seq:96 "
                       "counter_hash:97x"),
    16: ("manual-release", "lane:1 direction:2 capture:6t plate:9t plate_colour:10 decision_seq:42 person:100t "
                           "person_reason:101t means:102means " + GATE),
    17: ("supplement", "corrects_seq:104 person:100t person_reason:101t means:102means lane:1 direction:2 plate:9t "
                       "plate_colour:10 passed:48w photos:14photos vehicle:0vehicle " + FREIGHT + GATE),
    18: ("list-changed", "plate:9t plate_colour:10 list:106list action:105action list_reason:15t person:100t "
                         "valid_until:107w means:102means"),
    19: ("policy-changed", "rule:108t before:109t after:110t person:100t person_reason:101t means:102means"),
    20: ("login", "person:100t admitted:111f means:102means origin:112t detail:64t"),
    21: ("act", "person:100t act:113t subject:63t detail:64t means:102means"),
    22: ("power", "power:114power battery_percent:115 detail:64t"),
    23: ("delivery-state", "destination:71t through:116 rows_due:117 rows_waiting:118 items_quarantined:119"),
    24: ("carried", ROW + "origin_seq:120 origin_hash:121x"),
    25: ("health", "lane:1 uptime_s:130 edge_to_output:131latency longest_us:132 edges_lost:133 messages_lost:134 "
                   "ledger_fullness:135"),
    26: ("backup", "folder:63t backup:140backup bytes:141 backup_seq:142 backup_hash:143x detail:64t"),
}


def text_of(us):
    """China Standard Time, microseconds cut off towards the past."""
    return (EPOCH + timedelta(seconds=us // 1_000_000)).astimezone(CST).strftime("%Y-%m-%d %H:%M:%S")


def stage_of(record):
    stage = record.number(26, 255)
    return {7: "D", 255: "X"}.get(stage, str(stage))


def value(record, field, form):
    if form == "stage":
        return stage_of(record)
    if form == "vehicle":
        is_known = 20 in record.fields or 21 in record.fields
        return {name: one for name, one in named(record, VEHICLE) if one is not None} if is_known else None
    if field not in record.fields:
        return None
    if form == "photos":
        return [{"kind": "scene" if kind == 1 else "plate", "sha256": digest.hex(), "bytes": size}
                for kind, size, digest in record.photos()]
    if form == "latency":
        return [{"below_us": below, "count": count} for below, count in struct.iter_unpack(">IQ", record.fields[field])]
    if form == "t":
        return record.text(field)
    if form == "x":
        return record.fields[field].hex()
    number = record.signed(field) if field in SIGNED else record.number(field)
    if form in WORDS:
        return WORDS[form].get(number, number)
    return {"f": number == 1, "w": text_of(number) if form == "w" else None, "l": str(number)}.get(form, number)


def named(record, table):
    for part in table.split():
        name, rest = part.split(":")
        digits = rest.rstrip("abcdefghijklmnopqrstuvwxyz")
        yield name, value(record, int(digits), rest[len(digits):])


def members(record, digest):
    """What the line must hold; None: it must not have that member."""
    word, table = KINDS.get(record.kind, ("kind-%d" % record.kind, ""))
    found = {"seq": record.seq, "kind": word, "wall": text_of(record.wall_us), "wall_us": record.wall_us,
             "lane_ns": str(record.lane_ns), "boot": record.boot, "token": str(record.token) if record.token else None,
             "hash": digest.hex()}
    found.update(named(record, table))
    if record.kind == DECISION:
        found["allows"] = record.number(3, 255) < 32
    if record.kind in (PASS, CARRIED):
        found |= {"crossed": record.number(40) in (1, 4, 6, 7), "due": record.due()}
    if record.kind == 9:
        found["step_us"] = record.signed(66, 0) - record.signed(65, 0)
    return found
