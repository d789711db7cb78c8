"""What the cases of Tests/Board/update share: bundles, a running board that each begins with, and how it must end."""
import os
import shutil
import subprocess
import sys
import time

from board import ROOT
from controller import Checks
from gate import Gate

BOARD = "qemu-virt"
IMAGE = ROOT / "build" / "image" / BOARD
# Groups of cases run side by side.
WORK = ROOT / "build" / "test" / "-".join(["update", *sys.argv[1:2]])
STICK = ("-drive", f"file={WORK}/stick.img,if=none,id=stick,format=raw,readonly=on", "-device", "qemu-xhci", "-device",
         "usb-storage,drive=stick")
check = Checks()
if not (IMAGE / "source-date-epoch").exists():
    sys.exit(f"there is no image yet: make it with tools/image {BOARD}")
released = int((IMAGE / "source-date-epoch").read_text())


def tool(*arguments, **environment):
    done = subprocess.run([str(word) for word in arguments], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode:
        sys.exit(f"{arguments[0]} failed: {done.stdout[-1000:]}{done.stderr[-3000:]}")


def bundle(name, age_s, firmware=None, files=None, **parts):
    """A bundle of today's sources, released so many seconds after the image, with `parts` and files of the root (their
    text by path) instead of its own."""
    slot, overlay, made = WORK / f"{name}.slot", WORK / f"{name}.overlay", WORK / f"{name}.raucb"
    if made.exists():
        return made.read_bytes()
    arguments = []
    if firmware:
        files = {**(files or {}), "usr/sbin/gatewarden": firmware}
        if "gatewarden-real" in firmware:
            (overlay / "usr/sbin").mkdir(parents=True)
            shutil.copy(ROOT / "build/aarch64/gatewarden", overlay / "usr/sbin/gatewarden-real")
    for path, text in (files or {}).items():
        (overlay / path).parent.mkdir(parents=True, exist_ok=True)
        (overlay / path).write_text(text)
        (overlay / path).chmod(0o755)
        arguments = ["--overlay", overlay]
    for part, content in parts.items():
        (WORK / f"{name}.{part}").write_bytes(content)
        arguments += [f"--{part}", WORK / f"{name}.{part}"]
    tool(ROOT / "tools/image", BOARD, "--no-setup", "--slot", slot, *arguments, SOURCE_DATE_EPOCH=str(released + age_s))
    tool(ROOT / "tools/bundle", BOARD, "--slot", slot, "--output", made)
    return made.read_bytes()


def foreign_bundle():
    """The good system, signed by an authority that the image does not know."""
    tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
         "-subj", "/CN=stranger", "-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature",
         "-keyout", WORK / "foreign.key", "-out", WORK / "foreign.pem")
    tool(ROOT / "tools/bundle", BOARD, "--slot", WORK / "good.slot", "--key", WORK / "foreign.key", "--cert",
         WORK / "foreign.pem", "--output", WORK / "foreign.raucb")
    return (WORK / "foreign.raucb").read_bytes()


def altered_kernel():
    """The good system with one bit of its kernel turned over, signed as a bundle by the right authority."""
    slot = bytearray((WORK / "good.slot").read_bytes())
    slot[(44 << 20) + 5_000_000] ^= 1
    (WORK / "altered-kernel.slot").write_bytes(slot)
    tool(ROOT / "tools/bundle", BOARD, "--slot", WORK / "altered-kernel.slot", "--output",
         WORK / "altered-kernel.raucb")
    return (WORK / "altered-kernel.raucb").read_bytes()


class Site:
    """A configured board that runs, is confirmed and logged in, kept as a snapshot that each case begins with."""

    def __init__(self, files):
        gate = Gate(board=BOARD, append="loglevel=7")
        gate.disk.install("bundles", files)
        # Room for all these and for one that is fetched, once the data partition has grown.
        os.truncate(gate.disk.path, 1 << 30)
        gate.start(STICK)
        secret, _ = gate.console.wait(r"shown this once:\r?\n +([a-z0-9-]{23})", 60)
        confirmed, _ = gate.console.wait(r"grow: data has \d+ MiB now", 60)
        if not check("the board serves and takes its secret", secret and confirmed and gate.log_in(secret[1].decode()),
                     gate.console.text()[-2500:]):
            check.finish()
        self.secret = secret[1].decode()
        gate.run("sync; dmesg -n 5")
        self.state, self.disk = str(WORK / "state"), str(WORK / "disk")
        gate.qmp("stop")
        gate.qmp("migrate", uri=f"exec:cat > {self.state}")
        while '"status": "completed"' not in last_line(gate, "query-migrate"):
            time.sleep(0.1)
        shutil.copyfile(gate.disk.path, self.disk)
        gate.remove()

    def resume(self, drive=None, forwards=()):
        gate = Gate(board=BOARD, append="loglevel=7")
        subprocess.run(["cp", "--sparse=always", self.disk, gate.disk.path], check=True)
        gate.drive = drive(gate) if drive else None
        gate.guest_forwards += forwards
        gate.start((*STICK, "-incoming", f"exec:cat {self.state}"))
        end = time.monotonic() + 60
        while '"running": true' not in last_line(gate, "query-status") and time.monotonic() < end:
            time.sleep(0.1)
            gate.qmp("cont")
        return gate


def last_line(gate, command, **arguments):
    start = gate.qmp_channel.mark()
    gate.qmp(command, **arguments)
    return gate.qmp_channel.text(start)


def update(gate, arguments, seconds=120):
    """gatewarden-update on the board's console: (output, code)."""
    return gate.run(f"gatewarden-update {arguments}", seconds)


def ends_well(what, gate, slot, seconds=120, start=0):
    """The board serves its lane from that slot, confirmed, and its ledger verifies."""
    slots = "ab" if slot is None else slot
    opened, _ = gate.console.wait(rf"init: \d+ ms system-[{slots}], version", seconds, start)
    start = opened.start() if opened else start
    live, _ = gate.lane_live(60, start)
    check(f"{what}: the lane is live in slot {slot or 'a or b'}", opened and live, gate.console.text(start)[-2500:])
    confirmed, _ = gate.console.wait(r"this system serves its lane and is confirmed", 90, start)
    check(f"{what}: the system is confirmed", confirmed is not None, gate.console.text(start)[-2500:])
    gate.cut()
    state = gate.disk.boot_state()
    check(f"{what}: what is remembered agrees", state["tries"] == 0 and state["slot"] in slots and
          state["confirmed"]["ab".index(state["slot"])] == 1, state)
    code, output, _ = gate.verify()
    check(f"{what}: the ledger verifies", code == 0, output)


def refused(what, gate, arguments, words, after="true"):
    """`after` undoes what made the refusal."""
    output, code = update(gate, arguments)
    gate.run(after)
    check(f"{what} is refused", code == 1 and words in output, (code, output[-1500:]))
    status, _ = gate.run("gatewarden-slot status; gatewarden-slot ask status")
    check(f"{what}: the lane goes on, nothing else is to start", "starts next" not in status and
          "slot a, confirmed" in status and "threads: ok" in status, status)
