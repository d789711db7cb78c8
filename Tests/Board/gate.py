"""A gate lane around an emulated board: its configuration, its vehicles, its cameras, its platform."""
import base64
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from board import Board, ROOT, VIRT_PINS
from camera_bodies import hikvision, hikvision_type, anpr, vzenith
from controller import VEHICLES, free_port, jpeg

VENV = ROOT / "build" / "deps" / "venv" / "bin"
CONFIGURATION = """
site.enterprise_id = EXAMPLE001
site.enterprise_name = 示例企业
site.device = gate-1
lane.1.direction = entry
lane.1.entrance_gate = A
lane.1.gate_code = 01
lane.1.verdict_deadline_ms = 8000
lane.1.back_out_ms = 500
lane.1.axle_gap_ms = 200
lane.1.close_delay_ms = 400
lane.1.raise_travel_ms = 800
lane.1.lower_travel_ms = 800
lane.1.relay_pulse_ms = 300
lane.1.approach_input = LANE1_APPROACH
lane.1.safety_input = LANE1_SAFETY
lane.1.raise_output = LANE1_RAISE
lane.1.lower_output = LANE1_LOWER
lane.1.green_output = LANE1_GREEN
lane.1.red_output = LANE1_RED
lines.chip = /dev/gpiochip4
lines.input_bias = pull-down
web.address = 10.0.2.15
web.port = 8080
camera.1.make = vzenith
camera.1.path = /camera/1
camera.1.lane = 1
camera.1.address = 10.0.2.2
camera.2.make = hikvision
camera.2.path = /camera/2
camera.2.lane = 1
camera.2.address = 10.0.2.2
register.vehicles = /etc/gatewarden/vehicles.csv
policy.minimum_stage = 5
watchdog.device = /dev/watchdog0
watchdog.timeout_s = 5
realtime.lane_cpu = 1
"""
# Nothing is wired to the virt board's lines, so low means no vehicle.
VIRT = re.sub(r"(?m)^(lane.1.(\w+)_(?:in|out)put|lines.chip) = .*$",
              lambda found: f"{found[1]} = {VIRT_PINS.get(found[2], '/dev/gpiochip0')}", CONFIGURATION
              ) + "lane.1.approach_active = high\nlane.1.safety_active = high\n"
UPLINK = """
uplink.1.url = https://10.0.2.100:8443
uplink.1.organ = 410000-SIM
uplink.1.username = gw-board
uplink.1.password_file = /etc/gatewarden/uplink-1.password
uplink.1.ca_file = /etc/gatewarden/uplink-1-ca.pem
uplink.1.retry_first_ms = 200
uplink.1.retry_limit_ms = 2000
"""
NETWORK = "address 10.0.2.15/24\n"


class Platform:
    """A small transportControl platform over TLS, of its own making: it holds each record and photo once."""

    def __init__(self, folder):
        self.records, self.photos, self.malformed = {}, {}, []
        self.key, self.certificate = os.path.join(folder, "platform.key"), os.path.join(folder, "platform.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "30", "-subj", "/CN=platform", "-addext", "subjectAltName=IP:10.0.2.100", "-keyout", self.key, "-out",
             self.certificate], check=True, capture_output=True)
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = json.dumps(platform.answer(json.loads(body))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        kind, value = request.get("ipctype"), request.get("value")
        if kind == "getAccessToken":
            return {"code": "200", "status": "成功", "access_token": "board"}
        if request.get("access_token") != "board":
            return {"code": "401", "status": "access_token"}
        if kind == "shareDrivingRecord":
            key, held, thing = value["serialNum"], self.records, value
        elif kind == "sharePhotoInfo":
            key, held = (value["serialNum"], value["imageNum"]), self.photos
            thing = hashlib.sha256(base64.b64decode(value["base64Image"].rpartition(",")[2])).hexdigest()
        else:
            return {"code": "200", "status": "成功"}
        if key in held:
            if held[key] != thing:
                self.malformed.append(key)
            return {"code": "600", "status": "重复上报"}
        held[key] = thing
        return {"code": "200", "status": "成功"}


class Gate(Board):
    """A board with everything that one lane needs; `uplink` brings a platform."""

    def __init__(self, uplink=False, configuration="", network=NETWORK, vehicles=VEHICLES, without=None, **changes):
        super().__init__(**changes)
        self.pushes = 0
        self.acknowledged = []
        files = {"vehicles.csv": vehicles, "network": network}
        text = (CONFIGURATION if self.has_pins else VIRT) + configuration
        if without:
            text = re.sub(rf"(?m)^{without} = .*\n", "", text)
        if uplink:
            self.platform = Platform(self.folder)
            self.guest_forwards.append(("10.0.2.100:8443", f"socat - TCP:127.0.0.1:{self.platform.port}"))
            text += UPLINK
            files["uplink-1.password"] = "gw-board-secret\n"
            files["uplink-1-ca.pem"] = open(self.platform.certificate).read()
        files["gatewarden.conf"] = text
        self.disk.install("config", files)

    def start(self, extra=()):
        # While the board was off another program may have taken the port that it had.
        self.port = free_port()
        self.forwards = [(self.port, 8080)]
        super().start(extra)

    def push(self, plate, make="vzenith", seconds=40):
        """One read of a camera, after the loop's debounce; True when the controller said that it keeps it."""
        time.sleep(0.15)
        self.pushes += 1
        photos = [jpeg(f"board {self.pushes}", 20_000), jpeg(f"plate {self.pushes}", 3_000)]
        if make == "vzenith":
            path, kind, body = "/camera/1", "application/json", vzenith(self.pushes, photos, license=plate)
        else:
            path, kind = "/camera/2", hikvision_type()
            body = hikvision(anpr(f"board-{self.pushes}-{os.getpid()}", license=plate), photos)
        end = time.monotonic() + seconds
        while True:
            try:
                peer = http.client.HTTPConnection("127.0.0.1", self.port, timeout=max(1, end - time.monotonic()))
                peer.request("POST", path, body, {"Content-Type": kind})
                answer = peer.getresponse()
                answer.read()
                if answer.status == 200:
                    self.acknowledged.append(plate)
                    return True
                if answer.status != 503:
                    return False
            except OSError:
                pass
            if time.monotonic() > end:
                return False
            time.sleep(0.2)

    def released(self, plate="豫A12345", make="vzenith"):
        """A vehicle that may pass: to the loop, read, up, through, down. None when all went so, else what did not.
        Without a plate something else must tell who it is."""
        start = len(self.edges)
        self.loop("approach", True)
        if plate and not self.push(plate, make):
            return "the read was not taken"
        return self.goes_through(start)

    def goes_through(self, start):
        """What a vehicle on the approach loop does once the arm is up."""
        raised = self.wait_edge("raise", True, 30, start)
        if raised is None:
            return "no raise"
        self.loop("safety", True)
        time.sleep(0.3)
        self.loop("approach", False)
        time.sleep(0.5)
        if any(edge[1:] == ("lower", True) for edge in self.edges[start:]):
            return "lowered on a vehicle"
        self.loop("safety", False)
        return self.comes_down(start)

    def comes_down(self, start):
        if self.wait_edge("lower", True, 30, start) is None:
            return "not lowered"
        if self.wait_edge("lower", False, 5, start) is None:
            return "the lower relay stays on"
        time.sleep(1.0)
        return None

    def refused(self, plate="豫B67890", make="vzenith"):
        """A vehicle that may not pass backs out."""
        start = len(self.edges)
        self.loop("approach", True)
        if not self.push(plate, make):
            return "the read was not taken"
        time.sleep(1.0)
        return self.backs_out(start)

    def backs_out(self, start):
        self.loop("approach", False)
        time.sleep(1.2)
        return f"a relay moved: {self.relay_edges(start)}" if self.relay_edges(start) else None

    def unread(self):
        """A vehicle that no camera sees, until the deadline and back."""
        start = len(self.edges)
        mark = self.console.mark()
        self.loop("approach", True)
        told, _ = self.console.wait("lane 1: - not-identified", 30, mark)
        moved = self.backs_out(start)
        return moved if told else "the deadline did not end"

    def by_guard(self, plate="豫B67890"):
        """A vehicle that may not pass, until the guard presses the button."""
        start = len(self.edges)
        self.loop("approach", True)
        if not self.push(plate):
            return "the read was not taken"
        time.sleep(1.0)
        if self.relay_edges(start):
            return f"a relay moved before the release: {self.relay_edges(start)}"
        self.set("guard", True)
        time.sleep(0.2)
        self.set("guard", False)
        return self.goes_through(start)

    def under_fire(self):
        """The fire alarm raises the arm and holds it, for whoever comes, until it is over."""
        start = len(self.edges)
        self.set("fire", True)
        if self.wait_edge("raise", True, 5, start) is None:
            return "no raise"
        time.sleep(1.0)
        self.loop("approach", True)
        time.sleep(0.3)
        self.loop("safety", True)
        time.sleep(0.3)
        self.loop("approach", False)
        time.sleep(0.5)
        self.loop("safety", False)
        time.sleep(2.0)
        if any(edge[1:] == ("lower", True) for edge in self.edges[start:]):
            return "lowered under a fire alarm"
        self.set("fire", False)
        return self.comes_down(start)

    def comes_back_under(self):
        """A vehicle rolls back under the arm that comes down behind it: the arm goes up again, and waits."""
        start = len(self.edges)
        self.loop("approach", True)
        if not self.push("豫A12345"):
            return "the read was not taken"
        if self.wait_edge("raise", True, 30, start) is None:
            return "no raise"
        self.loop("safety", True)
        time.sleep(0.3)
        self.loop("approach", False)
        time.sleep(0.3)
        self.loop("safety", False)
        if self.wait_edge("lower", True, 30, start) is None:
            return "not lowered"
        again = len(self.edges)
        self.loop("safety", True)
        if self.wait_edge("raise", True, 5, again) is None:
            return "not raised again"
        again = len(self.edges)
        time.sleep(2.0)
        if any(edge[1:] == ("lower", True) for edge in self.edges[again:]):
            return "lowered on a vehicle"
        self.loop("safety", False)
        return self.comes_down(again)

    def the_other_way(self):
        """A vehicle comes out where vehicles go in: over the safety loop first, the approach loop last."""
        return self.without_release("safety", "approach")

    def forced(self):
        """A vehicle crosses the safety loop without a release."""
        return self.without_release("approach", "safety")

    def without_release(self, first, last):
        start = len(self.edges)
        self.loop(first, True)
        time.sleep(0.3)
        self.loop(last, True)
        time.sleep(0.5)
        self.loop(first, False)
        time.sleep(0.3)
        self.loop(last, False)
        time.sleep(2.5)
        return f"a raise: {self.relay_edges(start)}" if any(edge[1] == "raise" for edge in self.relay_edges(start)) \
            else None

    def verify(self):
        """The ledger as it lies on the disk, verified by the host's build and by the verifier that shares no code with
        it: (the worse exit code, output, records)."""
        state, _ = self.disk.take_state(self.folder)
        binary = ROOT / "build" / "x86_64" / "gatewarden"
        if not binary.exists():
            sys.exit(f"there is no {binary}: run tools/build x86_64")
        verified = subprocess.run([binary, "ledger", "verify", "--state", state], capture_output=True, text=True)
        exported = subprocess.run([binary, "ledger", "export", "--state", state, "--format", "jsonl"],
                                  capture_output=True, text=True)
        records = [json.loads(line) for line in exported.stdout.splitlines()]
        other = subprocess.run([VENV / "python", ROOT / "tools" / "verify-ledger", "ledger", f"{state}/ledger"],
                               capture_output=True, text=True)
        said = verified.stdout + verified.stderr + other.stdout + other.stderr
        return max(verified.returncode, other.returncode), said, records
