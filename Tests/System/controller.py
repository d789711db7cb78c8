"""The firmware binary under test, and the smallest site for it: a line socket, a configuration, a register.

Shared by the scripts of this folder; Python's standard library only. The line socket follows the header of
Sources/Machine/SocketLines.swift. Every wait has a deadline, longer under emulation.
"""
import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A processor without pointer authentication: its emulation takes most of the time of Debian's arm64 libraries.
EMULATORS = {
    "x86_64": [],
    "aarch64": ["qemu-aarch64-static", "-cpu", "cortex-a53"],
    "armv7": ["qemu-arm-static"],
}

# One vehicle that may pass and one whose stage is too low. The VINs are synthetic.
VEHICLES = '''车牌号码,号牌颜色,排放阶段,车辆识别代码,注册登记日期,车辆类型,燃料类型,车辆型号,fleet
豫A12345,1,5,LFWSRXSJ2L1E00001,2019-07-01,H11,B,"解放, ""J6P""",=车队
豫B67890,1,3,LZZ5ELND2HW123456,2012-05-01,H11,B,东风天龙,示例车队
'''


class Checks:
    """One line a check; `finish` ends the script, with 0 only when every check held, and 77 when all was skipped."""

    def __init__(self):
        self.failed = 0
        self.skipped = 0
        self.count = 0

    def __call__(self, what, holds, seen=""):
        self.count += 1
        if holds:
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}: {seen}", flush=True)
        return bool(holds)

    def equal(self, what, seen, wanted):
        return self(what, seen == wanted, f"saw {seen!r}, wanted {wanted!r}")

    def skip(self, what, why):
        self.skipped += 1
        print(f"skipped {what}: {why}", flush=True)

    def finish(self):
        print(f"{self.count - self.failed} of {self.count} checks held")
        if self.count == 0 and self.skipped > 0:
            sys.exit(77)
        sys.exit(0 if self.failed == 0 and self.count > 0 else 1)


class LineSite:
    """Listens where the controller looks for its lines. 32 numbers a lane; inputs: 0 approach, 1 safety; outputs:
    0 raise, 1 lower."""

    def __init__(self, path):
        self.inputs = [False] * 256
        self.drives = []
        # The same, never forgotten, and the edges that were given: line, level, stamp.
        self.history = []
        self.edges = []
        self.greetings = 0
        self._changed = threading.Condition()
        self._peer = None
        self._sequence = 0
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(path)
        self._listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def _message(kind, line=0, level=0, sequence=0):
        return struct.pack("<BBBBIQ", kind, line, level, 0, sequence, time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    def _serve(self):
        while True:
            peer, _ = self._listener.accept()
            threading.Thread(target=self._speak, args=(peer,), daemon=True).start()

    def _speak(self, peer):
        try:
            hello = peer.recv(16)
            if len(hello) != 16 or hello[0] != 1:
                return
            with self._changed:
                for line in range(hello[1]):
                    peer.send(self._message(2, line, int(self.inputs[line])))
                peer.send(self._message(3))
                self._peer, self._sequence, self.drives = peer, 0, []
                self.greetings += 1
            while len(message := peer.recv(16)) == 16:
                if message[0] == 5:
                    with self._changed:
                        self.drives.append((message[1], message[2]))
                        self.history.append((message[1], message[2]))
                        self._changed.notify_all()
        except OSError:
            pass
        finally:
            peer.close()

    def set(self, line, level):
        with self._changed:
            self.inputs[line] = level
            self._sequence += 1
            message = self._message(4, line, int(level), self._sequence)
            self.edges.append((line, bool(level), struct.unpack("<Q", message[8:])[0]))
            self._peer.send(message)

    def hang_up(self):
        with self._changed:
            self._peer.shutdown(socket.SHUT_RDWR)

    def wait_drive(self, output, level, seconds):
        with self._changed:
            return self._changed.wait_for(lambda: (output, level) in self.drives, seconds)

    def forget_drives(self):
        with self._changed:
            self.drives = []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def jpeg(seed, size=900):
    """Bytes that begin and end as a JPEG does; the controller keeps pictures and never looks into them."""
    filling = (f"{seed} " * (size // len(f"{seed} ") + 1)).encode()[:size]
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + filling + b"\xff\xd9"


class Site:
    """A folder with everything that one controller needs. Removed at the end, and its controllers with it."""

    def __init__(self, arch="x86_64"):
        binary = ROOT / "build" / arch / "gatewarden"
        if arch not in EMULATORS or not binary.exists():
            sys.exit(f"there is no {binary}: run tools/build {arch}")
        self.patience = 1 if arch == "x86_64" else 6
        self.folder = tempfile.mkdtemp(prefix="gatewarden-")
        os.chmod(self.folder, 0o755)
        atexit.register(self.close)
        # A copy, so that a build under way does not change the program, and so that other users can run it.
        shutil.copy(binary, self.path("gatewarden"))
        if EMULATORS[arch] and not shutil.which(EMULATORS[arch][0]):
            sys.exit(f"{EMULATORS[arch][0]} is not installed: run tools/setup")
        self.program = EMULATORS[arch] + [self.path("gatewarden")]
        self.state = self.path("state")
        self.port = free_port()
        self.running = []
        self.lines = LineSite(self.path("lines.sock"))
        pathlib.Path(self.path("vehicles.csv")).write_text(VEHICLES, encoding="utf-8")
        self.settings = {
            "site.enterprise_id": "410100TEST001",
            "site.enterprise_name": "示例钢铁有限公司",
            "site.device": "gate-under-test",
            "lane.1.direction": "entry",
            "lane.1.entrance_gate": "A",
            "lane.1.gate_code": "A01",
            "lane.1.raise_travel_ms": "400",
            "lane.1.lower_travel_ms": "400",
            "lane.1.relay_pulse_ms": "300",
            "lane.1.close_delay_ms": "200",
            "lane.1.back_out_ms": "300",
            "lane.1.axle_gap_ms": "200",
            "lines.backend": "socket",
            "lines.socket": self.path("lines.sock"),
            "web.port": str(self.port),
            "camera.1.make": "vzenith",
            "camera.1.path": "/camera/1",
            "camera.1.lane": "1",
            "camera.2.make": "hikvision",
            "camera.2.path": "/camera/2",
            "camera.2.lane": "1",
            "register.vehicles": self.path("vehicles.csv"),
            "policy.minimum_stage": "5",
        }

    def path(self, name):
        return os.path.join(self.folder, name)

    def configuration(self, changes=None, name="gatewarden.conf"):
        """Writes the configuration; a change to None leaves a key out."""
        settings = {**self.settings, **(changes or {})}
        text = "".join(f"{key} = {value}\n" for key, value in settings.items() if value is not None)
        pathlib.Path(self.path(name)).write_text(text, encoding="utf-8")
        return self.path(name)

    def start(self, configuration=None, state=None, seconds=10):
        """Starts the controller, and returns it once its cameras are served."""
        log = open(self.path("controller.log"), "ab")
        command = self.program + ["run", "--config", configuration or self.configuration()]
        child = subprocess.Popen(command + ["--state", state or self.state], stderr=log, stdout=log)
        self.running.append(child)
        deadline = time.monotonic() + seconds * self.patience
        mark = os.path.getsize(self.path("controller.log"))
        while time.monotonic() < deadline and child.poll() is None:
            with open(self.path("controller.log"), "rb") as file:
                file.seek(mark)
                if b" live " in file.read():
                    return child
            time.sleep(0.02)
        sys.exit(f"the controller did not start:\n{self.log()}")

    def log(self):
        return pathlib.Path(self.path("controller.log")).read_text(errors="replace")

    def end(self, child, how=signal.SIGTERM, seconds=10):
        """Ends a controller; its exit code, or None when it had to be killed."""
        child.send_signal(how)
        try:
            return child.wait(seconds * self.patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return None

    def run(self, *arguments, seconds=10):
        """One command to its end: exit code, standard output, standard error (bytes)."""
        done = subprocess.run(
            self.program + list(arguments), capture_output=True, stdin=subprocess.DEVNULL,
            timeout=seconds * self.patience)
        return done.returncode, done.stdout, done.stderr

    def console(self, command):
        """One command to the running controller; the lines of its answer."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20 * self.patience)
            peer.connect(os.path.join(self.state, "console.sock"))
            peer.sendall(f"{command}\nquit\n".encode())
            text = b""
            while not text.endswith(b"bye\n.\n"):
                more = peer.recv(65536)
                if not more:
                    break
                text += more
        return text.decode().split("\n.\n")[0].split("\n")

    def records(self):
        """The ledger as its own export tells it, without the gaps and the head."""
        code, output, error = self.run("ledger", "export", "--state", self.state, "--format", "jsonl")
        if code != 0:
            raise RuntimeError(f"export: {error.decode(errors='replace')}")
        lines = [json.loads(line) for line in output.decode("utf-8").splitlines()]
        return [line for line in lines if line["kind"] not in ("gap", "head")]

    def close(self):
        for child in self.running:
            if child.poll() is None:
                child.kill()
                child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def architecture():
    """The script's one argument."""
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1] not in EMULATORS):
        sys.exit(f"usage: {sys.argv[0]} [{'|'.join(EMULATORS)}]")
    return sys.argv[1] if len(sys.argv) == 2 else "x86_64"
