#!/usr/bin/env python3
"""A stand-in for the controller: just enough of each protocol to prove the simulated site and its checks.

GW_FAKE makes it misbehave, so that the checks can be seen to catch it: a comma-separated list of
unrecorded (raises once before deciding), undelivered (never sends one pass), doubled (sends one pass under two
serials), smash (lowers the arm on one truck), deaf (dies at its second truck), reordered (sends two passes swapped).
"""
import base64, csv, hashlib, http.client, json, os, queue, re, socket, ssl, struct, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = set(filter(None, os.environ.get("GW_FAKE", "").split(",")))
VZENITH_COLOURS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 6}
HIKVISION_COLOURS = {"blue": 0, "yellow": 1, "white": 2, "black": 3, "newEnergyGreen": 4, "newEnergyYellowGreen": 6}


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def sign_frame(line, text):
    raw = text.encode("gb2312")
    data = bytes([line, 0x15, 1, 0, 2, 0x15, 1, 3, 0, 255, 0, 0, 0, 0, 0, 0, 0, len(raw), 0]) + raw
    body = bytes([0, 0x64, 0xFF, 0xFF, 0x62, len(data)]) + data
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return body + struct.pack("<H", crc)


class Ledger:
    def __init__(self, state):
        os.makedirs(state, exist_ok=True)
        self.path = state + "/ledger.jsonl"
        self.lock = threading.Lock()
        self.rows = []
        if os.path.exists(self.path):
            whole = [line for line in open(self.path, encoding="utf-8").read().split("\n")[:-1]]
            self.rows = [json.loads(line) for line in whole]
            with open(self.path, "w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in whole)
        self.file = open(self.path, "a", encoding="utf-8")

    def append(self, kind, **fields):
        with self.lock:
            row = {"seq": len(self.rows) + 1, "kind": kind, "lane_ns": str(now()), **fields}
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.rows.append(row)
            return row


class Controller:
    def __init__(self, configuration, state):
        text = open(configuration, encoding="utf-8").read()
        self.keys = dict(re.findall(r"^([a-z0-9._]+) = (.*)$", text, re.M))
        self.state = state
        self.ledger = Ledger(state)
        self.photos = state + "/photos/"
        os.makedirs(self.photos, exist_ok=True)
        self.vehicles = {(r["plate"], r["colour"]): r for r in csv.DictReader(open(self.keys["register.vehicles"]))}
        self.lists = {(r["plate"], r["colour"]): r for r in csv.DictReader(open(self.keys["register.lists"]))}
        self.seen = {r["key"] for r in self.ledger.rows if r["kind"] == "capture"}
        self.captures = queue.Queue()
        self.levels = [0, 0]
        self.entered = False
        self.changed = threading.Condition()
        self.sent = 0
        self.trucks = 0
        self.sign = os.open(self.keys["sign.1.port"], os.O_RDWR | os.O_NOCTTY)
        self.ledger.append("boot")

    def run(self):
        self.lines = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.lines.connect(self.keys["lines.socket"])
        for work in (self.serve_cameras, self.deliver):
            threading.Thread(target=work, daemon=True).start()
        self.lines.send(struct.pack("<BBBBIQ", 1, 2, 4, 0, 0, 0))
        threading.Thread(target=self.read_lines, daemon=True).start()
        self.drive(3, 1)
        while True:
            self.one_truck()

    # --- lines ---

    def read_lines(self):
        expected = 1
        while True:
            packet = self.lines.recv(64)
            if len(packet) != 16:
                os._exit(3)
            kind, line, level, _, sequence, _ = struct.unpack("<BBBBIQ", packet)
            if kind == 4:
                if sequence != expected:
                    os._exit(4)
                expected += 1
            if kind in (2, 4):
                with self.changed:
                    self.levels[line] = level
                    self.entered |= line == 1 and level == 1
                    self.changed.notify_all()

    def drive(self, line, level):
        self.sent += 1
        self.lines.send(struct.pack("<BBBBIQ", 5, line, level, 0, self.sent, now()))

    def pulse(self, line):
        self.drive(line, 1)
        time.sleep(0.3)
        self.drive(line, 0)

    def wait(self, condition, seconds):
        with self.changed:
            return self.changed.wait_for(lambda: condition(self.levels), seconds)

    def say(self, first, second):
        os.write(self.sign, sign_frame(0, first))
        os.write(self.sign, sign_frame(1, second))

    # --- lane ---

    def one_truck(self):
        self.wait(lambda levels: levels[0] == 1, 3600)
        arrived = now()
        self.trucks += 1
        if "deaf" in FAULTS and self.trucks == 2:
            os._exit(9)
        if "unrecorded" in FAULTS:
            FAULTS.remove("unrecorded")
            self.pulse(0)
        capture = None
        deadline = time.monotonic() + 3
        while capture is None and time.monotonic() < deadline:
            try:
                capture = self.captures.get(timeout=max(0.01, deadline - time.monotonic()))
                if capture["at"] < arrived - 1_000_000_000:
                    capture = None
            except queue.Empty:
                pass
        reason = self.decide(capture)
        plate = capture["plate"] if capture else ""
        self.ledger.append("decision", reason=reason, plate=plate, asked_ns=str(arrived), decided_ns=str(now()))
        outcome = "backed-out"
        if reason in ("stage-allowed", "whitelisted"):
            self.drive(3, 0)
            self.drive(2, 1)
            self.say(plate, "请通行")
            self.entered = False
            threading.Thread(target=self.pulse, args=(0,)).start()
            outcome = self.follow()
            self.drive(2, 0)
            self.drive(3, 1)
        else:
            self.say(plate, "禁止通行")
            while not (self.wait(lambda levels: levels[0] == 0, 3600) and not self.wait(lambda l: l[0] == 1, 0.3)):
                pass
        if outcome == "completed":
            self.record_pass(capture, plate, reason)
        # An arm that stands open for a truck that already waits stays open.
        if not self.wait(lambda levels: levels[0] == 1, 0.3):
            self.pulse(1)
            self.wait(lambda levels: False, 0.4)

    def follow(self):
        while True:
            if self.wait(lambda levels: self.entered, 0.05):
                if "smash" in FAULTS:
                    FAULTS.remove("smash")
                    self.pulse(1)
                    self.pulse(0)
                self.wait(lambda levels: levels[1] == 0, 60)
                return "completed"
            if not self.wait(lambda levels: levels[0] == 1, 0.01) and not self.wait(lambda l: 1 in l, 0.3):
                return "backed-out"

    def decide(self, capture):
        if capture is None:
            return "not-identified"
        if not capture["plate"]:
            return "plate-unread"
        identity = (capture["plate"], str(capture["colour"]))
        entry = self.lists.get(identity)
        if entry:
            return "blacklisted" if entry["list"] == "black" else "whitelisted"
        vehicle = self.vehicles.get(identity)
        if vehicle is None:
            return "unknown-vehicle"
        if vehicle["stage"] == "X":
            return "stage-unknown"
        return "stage-allowed" if vehicle["stage"] in "56D" else "stage-too-low"

    def record_pass(self, capture, plate, reason):
        local = time.gmtime(time.time() + 8 * 3600)
        vehicle = self.vehicles.get((plate, str(capture["colour"])), {})
        count = len(self.ledger.rows)
        stamp = time.strftime("%y%m%d%H%M%S", local)
        self.ledger.append(
            "pass", serial=f"410100SIM001A01I{stamp}{count:05d}", outcome="completed", reason=reason, plate=plate,
            direction=1, passed=time.strftime("%Y-%m-%d %H:%M:%S", local),
            vehicle={"stage": vehicle.get("stage", "")}, photos=[{"sha256": photo} for photo in capture["photos"]],
        )

    # --- cameras ---

    def serve_cameras(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.vzenith(body) if self.path == "/camera/1" else outer.hikvision(body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        ThreadingHTTPServer(("127.0.0.1", int(self.keys["web.port"])), Handler).serve_forever()

    def vzenith(self, body):
        alarm = json.loads(body)["AlarmInfoPlate"]
        result = alarm["result"]["PlateResult"]
        photos = [base64.b64decode(result["imageFile"]), base64.b64decode(result["imageFragmentFile"])]
        plate = "" if result["license"] == "_无_" else result["license"]
        key = f"vz {alarm['serialno']} {result['plateid']}"
        self.take(key, plate, VZENITH_COLOURS.get(result["colorType"], 5), photos)
        return b'{"Response_AlarmInfoPlate":{"info":"no","content":"retransfer_stop"}}'

    def hikvision(self, body):
        text = body.decode("utf-8", "replace")

        def field(name):
            return re.search(f"<{name}>(.*?)</{name}>", text).group(1)

        boundary = body.split(b"\r\n", 1)[0]
        photos = {}
        for part in body.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            photos[re.search(rb'name="(.*?)"', head).group(1)] = content[:-2]
        plate = field("licensePlate")
        self.take(
            "hik " + field("UUID"), "" if plate == "unknown" else plate, HIKVISION_COLOURS.get(field("plateColor"), 5),
            [photos[b"detectionPicture.jpg"], photos[b"licensePlatePicture.jpg"]],
        )
        return b"OK"

    def take(self, key, plate, colour, photos):
        if key in self.seen:
            return
        self.seen.add(key)
        digests = []
        for photo in photos:
            digests.append(hashlib.sha256(photo).hexdigest())
            with open(self.photos + digests[-1], "wb") as file:
                file.write(photo)
        self.ledger.append("capture", key=key)
        self.captures.put({"plate": plate, "colour": colour, "photos": digests, "at": now()})

    # --- platform ---

    def deliver(self):
        cursor_path = self.state + "/cursor"
        cursor = int(open(cursor_path).read()) if os.path.exists(cursor_path) else 0
        self.token = None
        self.link = None
        context = ssl.create_default_context(cafile=self.keys["uplink.1.ca_file"])
        while True:
            due = [r for r in self.ledger.rows if r["kind"] == "pass" and r["seq"] > cursor]
            if "reordered" in FAULTS and len(due) == 1 and cursor == 0:
                due = []
            if not due:
                time.sleep(0.05)
                continue
            batch = [due[0]]
            if "reordered" in FAULTS:
                FAULTS.remove("reordered")
                batch = [due[1], due[0]]
            if "undelivered" in FAULTS:
                FAULTS.remove("undelivered")
                batch = []
                due = due[:1]
            for row in batch:
                self.send_pass(context, row, row["serial"])
                if "doubled" in FAULTS:
                    FAULTS.remove("doubled")
                    self.send_pass(context, row, row["serial"] + "X")
            cursor = max(r["seq"] for r in batch or due)
            with open(cursor_path + ".new", "w") as file:
                file.write(str(cursor))
            os.replace(cursor_path + ".new", cursor_path)

    def send_pass(self, context, row, serial):
        record = {
            "serialNum": serial, "lsh": serial, "enterpriseID": "410100SIM001", "inOutComStatus": "1",
            "date": row["passed"], "license": row["plate"], "cphm": row["plate"],
            "licenseColor": "1", "emissionStandard": row["vehicle"]["stage"],
        }
        self.post(context, "put_data", "shareDrivingRecord", record)
        for number, reference in enumerate(row["photos"], 1):
            digest = reference["sha256"]
            image = base64.b64encode(open(self.photos + digest, "rb").read()).decode()
            photo = {"serialNum": serial, "imageNum": str(number), "base64Image": image}
            self.post(context, "put_file", "sharePhotoInfo", photo)

    def post(self, context, verb, kind, value):
        organ = self.keys["uplink.1.organ"]
        while True:
            try:
                if self.token is None:
                    password = open(self.keys["uplink.1.password_file"]).read().strip()
                    answer = self.exchange(context, "get_data", {
                        "organ": organ, "ipctype": "getAccessToken", "username": self.keys["uplink.1.username"],
                        "password": password,
                    })
                    self.token = answer["access_token"]
                answer = self.exchange(context, verb, {
                    "organ": organ, "ipctype": kind, "access_token": self.token, "value": value,
                })
                if answer["code"] in ("200", "409"):
                    return
                if answer["code"] == "401":
                    self.token = None
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                self.link = None
                time.sleep(0.2)

    def exchange(self, context, verb, request):
        # One connection an exchange: an answer that comes twice then disturbs nothing.
        port = int(self.keys["uplink.1.url"].rsplit(":", 1)[1])
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
        try:
            link.request("POST", f"/restapi/transportControl/{verb}", json.dumps(request).encode())
            return json.loads(link.getresponse().read())
        finally:
            link.close()


def main():
    words = sys.argv[1:]
    options = dict(zip(words, words[1:]))
    if words[0] == "run":
        import signal
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        Controller(options["--config"], options["--state"]).run()
    path = options["--state"] + "/ledger.jsonl"
    lines = open(path, encoding="utf-8").read().split("\n")[:-1] if os.path.exists(path) else []
    rows = [json.loads(line) for line in lines]
    if words[:2] == ["ledger", "verify"]:
        sys.exit(0 if [r["seq"] for r in rows] == list(range(1, len(rows) + 1)) else 1)
    if words[:2] == ["ledger", "export"]:
        print("\n".join(lines))


main()
