"""An emulated board that boots a built image: QEMU, its pins from outside, its console, its disk.

Shared by the scripts of this folder; Python's standard library only. Pins go through QEMU's qtest socket, which is in a
folder that only this user can enter. Every wait has a deadline. Times are the host's and hold for emulation alone.
"""
import atexit
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

from disk import ROOT, TOOLS, Disk

sys.path.insert(0, str(ROOT / "Tests" / "System"))
U_BOOT = TOOLS.parent / "usr/lib/u-boot/qemu_arm64/u-boot.bin"

# Offsets on bank 5 of the i.MX 8M Plus, as board/imx8mp-evk/gate.dtsi names them.
PINS = {"approach": 0, "safety": 1, "open": 2, "closed": 3, "fire": 4, "raise": 10, "lower": 11, "green": 12, "red": 13,
        "guard": 18}
# The virt board's eight lines have no names; 3 is its power button's.
VIRT_PINS = {"approach": 0, "safety": 1, "raise": 2, "lower": 4, "green": 5, "red": 6}
RELAYS = ("raise", "lower")
# A kernel that hangs at its first instruction: `b .` and the header that U-Boot wants of an arm64 kernel.
HANGING_KERNEL = struct.pack("<IIQQQQQQ4sI", 0x14000000, 0, 0, 65536, 0xA, 0, 0, 0, b"ARMd", 0).ljust(65536, b"\0")


def settings(board):
    """board.conf, as a dictionary; of a test bed that no image is made for it is in this folder."""
    path = ROOT / "board" / board / "board.conf"
    lines = (path if path.exists() else ROOT / "Tests" / "Board" / board / "board.conf").read_text().splitlines()
    return dict((name, (shlex.split(value) or [""])[0]) for name, _, value in
                (line.partition("=") for line in lines if "=" in line and not line.startswith("#")))


def compile_program(name, path):
    """A static program of this folder for an aarch64 board, as the image's own are made."""
    info = subprocess.run(["swiftc", "-print-target-info"], check=True, capture_output=True, text=True).stdout
    clang = re.search(r'"runtimeResourcePath": "(.*)/lib/swift"', info)[1] + "/bin/clang"
    subprocess.run([clang, "--target=aarch64-linux-gnu", f"--sysroot={ROOT}/build/deps/aarch64", "-static",
                    "-fuse-ld=lld", "-O2", "-Wall", "-Wextra", "-Werror", "-o", path,
                    ROOT / "Tests" / "Board" / f"{name}.c"], check=True)


class Channel:
    """A stream that QEMU connects to: what came is kept, with the time of its coming."""

    def __init__(self, path):
        self.data = b""
        self.stamps = []
        self.changed = threading.Condition()
        self.peer = None
        self.closed = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self):
        try:
            self.peer, _ = self.listener.accept()
            with self.changed:
                self.changed.notify_all()
            while part := self.peer.recv(65536):
                with self.changed:
                    self.data += part
                    self.stamps.append((len(self.data), time.monotonic()))
                    self.changed.notify_all()
        except OSError:
            pass
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def send(self, text):
        with self.changed:
            self.changed.wait_for(lambda: self.peer or self.closed, 20)
        self.peer.sendall(text.encode())

    def mark(self):
        with self.changed:
            return len(self.data)

    def wait(self, pattern, seconds, start=0):
        """The match of `pattern` in what came after `start`, and when it was whole; (None, None) when it did not come."""
        pattern = re.compile(pattern.encode())
        end = time.monotonic() + seconds
        with self.changed:
            while not (found := pattern.search(self.data, start)):
                left = end - time.monotonic()
                if left <= 0 or self.closed:
                    return None, None
                self.changed.wait(left)
            return found, next(stamp for length, stamp in self.stamps if length >= found.end())

    def text(self, start=0):
        with self.changed:
            return self.data[start:].decode(errors="replace")


def environment(text):
    """The flash that U-Boot has its environment from; the text is put together as U-Boot's own build does it."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    words = re.sub(r"\\\n\s*", "", "\n".join(lines)).split("\n")
    body = b"".join(word.encode() + b"\0" for word in words).ljust((256 << 10) - 4, b"\0")
    return struct.pack("<I", zlib.crc32(body)) + body


class Board:
    # The registers of the gate's bank: 0 is what the pins show, 4 which of them are driven.
    BANK = 0x30240000

    def __init__(self, board="imx8mp-evk", image=None, append=""):
        self.process = None
        self.folder = tempfile.mkdtemp(prefix="gatewarden-board-")
        atexit.register(self.remove)
        self.board = settings(board)
        self.has_pins = not self.board["machine"].startswith("virt")
        self.pins = PINS if self.has_pins else VIRT_PINS
        self.output = pathlib.Path(image or ROOT / "build" / "image" / board)
        self.disk = Disk(self.output / f"gatewarden-{board}.img", self.path("disk.img"))
        self.append = append
        self.processors = 2
        self.drive = None
        self.clockwork = ""
        self.relays_active = True
        if self.board["machine"] == "imx8mp-evk":
            subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
                            self.path("pin_clock.so"), ROOT / "Tests" / "Board" / "pin_clock.c"], check=True)
        self.levels = {}
        self.edges = []
        self.forwards = []
        self.guest_forwards = []
        self.reaches_host = False
        # By the number of ttymxc, what is at the field's end of a UART: the path of a terminal.
        self.uarts = {}
        # A hub between the board and its network, with a free port: the board's end and ours, two sockets' paths.
        self.hub = None

    def path(self, name):
        return os.path.join(self.folder, name)

    # MARK: running

    def start(self, extra=()):
        """Powers the board on. The relays are watched from before its first instruction."""
        for name in ("console", "qtest", "qmp"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.console, self.qtest_channel, self.qmp_channel = (
            Channel(self.path(name)) for name in ("console", "qtest", "qmp"))
        network = f"user,restrict={'off' if self.reaches_host else 'on'},net=10.0.2.0/24,dhcpstart=10.0.2.15"
        network += "".join(f",hostfwd=tcp:127.0.0.1:{host}-10.0.2.15:{guest}" for host, guest in self.forwards)
        network += "".join(f",guestfwd=tcp:{address}-cmd:{command}" for address, command in self.guest_forwards)
        command = [
            TOOLS / "qemu-system-aarch64", "-M", self.board["machine"], "-accel", "tcg", "-smp", str(self.processors), "-m", "1024",
            "-display", "none", "-monitor", "none", "-parallel", "none", "-S",
            "-chardev", f"socket,id=console,path={self.path('console')},server=off",
            "-action", "watchdog=reset", "-qtest", f"unix:{self.path('qtest')}", "-qtest-log", "none",
            "-chardev", f"socket,id=qmp,path={self.path('qmp')},server=off", "-mon", "chardev=qmp,mode=control",
            *self._boot_loader(), *self._devices(network), *extra]
        self._forget_pins()
        self.errors = open(self.path("qemu.err"), "ab")
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=self.errors,
                                        stderr=self.errors)
        self.qmp_count = 0
        self.resets = 0
        self.edges = []
        threading.Thread(target=self._watch, args=(self.qtest_channel,), daemon=True).start()
        if self.has_pins:
            self.bank = "/machine/soc/gpio5"
            self.qtest_send(f"irq_intercept_out {self.bank}")
            self._restore_pins()
        threading.Thread(target=self._watch_resets, args=(self.qmp_channel,), daemon=True).start()
        self.qmp("qmp_capabilities")
        if not self.has_pins:
            self.bank = self._pl061()
            self.qtest_send(f"irq_intercept_out {self.bank}")
        self.started = time.monotonic()
        self.qmp("cont")

    def _arguments(self):
        arguments = (self.output / "boot" / "cmdline").read_text().strip()
        if self.processors == 1:
            arguments = re.sub(r"\b(isolcpus|nohz_full|rcu_nocbs|irqaffinity)=\S+ ?", "", arguments)
        return f"{arguments} maxcpus={self.processors} {self.append}".rstrip()

    def _boot_loader(self):
        """What QEMU starts: the board's U-Boot."""
        return self._own_u_boot() if self.has_pins else self._debian_u_boot()

    def _own_u_boot(self):
        """The program as QEMU loads a kernel, and behind it its device tree, in which environment and key are."""
        boot, tree = self.output / "boot", self.path("u-boot.dtb")
        shutil.copyfile(boot / "u-boot.dtb", tree)
        changes = [("-t", "s", tree, "/config/environment", "arguments", self._arguments())]
        if not self.relays_active:
            bank = "/soc@0/bus@30000000/gpio@30240000"
            changes += [("-t", "i", tree, f"{bank}/off-{pin}", "gpios", str(pin), "1") for pin in (10, 11)]
        for change in changes:
            subprocess.run([TOOLS / "fdtput", *change], check=True)
        with open(self.path("u-boot.bin"), "wb") as file:
            file.write((boot / "u-boot-nodtb.bin").read_bytes() + pathlib.Path(tree).read_bytes())
        return ["-kernel", self.path("u-boot.bin")]

    def _debian_u_boot(self):
        """U-Boot in the board's first flash, its environment in the second, and the key of the kernels in its device
        tree, which is QEMU's own besides."""
        boot = self.output / "boot"
        tree = self.path("u-boot.dtb")
        subprocess.run([TOOLS / "qemu-system-aarch64", "-M", f"{self.board['machine']},dumpdtb={tree}", "-cpu",
                        "cortex-a53", "-smp", str(self.processors), "-m", "1024", "-display", "none", "-nic", "none"],
                       check=True, capture_output=True)
        texts = [subprocess.run([TOOLS / "dtc", "-q", "-I", "dtb", "-O", "dts", path], check=True, capture_output=True,
                                text=True).stdout.replace("/dts-v1/;", "") for path in (tree, boot / "kernel-key.dtb")]
        subprocess.run([TOOLS / "dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree, "-"], check=True, text=True,
                       input="/dts-v1/;" + "".join(texts))
        text = re.sub(r"(?m)^arguments=.*$", f"arguments={self._arguments()}", (boot / "u-boot.env").read_text())
        with open(self.path("u-boot.env"), "wb") as file:
            file.write(environment(text))
            file.truncate(64 << 20)
        return ["-bios", U_BOOT, "-dtb", tree, "-drive",
                f"if=pflash,unit=1,format=raw,readonly=on,file={self.path('u-boot.env')}"]

    def _devices(self, network):
        # `unsafe` spares the host a flush for each write of the guest. Nothing is lost by it when QEMU is killed: what it
        # wrote is in the host's page cache. What a cut of the power loses is volatile_disk.py's.
        if self.has_pins:
            ports = {**dict.fromkeys(range(4), "null"), 1: "chardev:console"}
            ends = []
            for number, path in self.uarts.items():
                ports[number] = f"chardev:uart{number}"
                ends += ["-chardev", f"serial,id=uart{number},path={path}"]
            return [
                *ends, *(word for number in range(4) for word in ("-serial", ports[number])),
                "-drive", f"file={self.disk.path},if=sd,bus=1,unit=0,format=raw,cache=unsafe",
                *self._network(network),
                "-plugin", f"{self.path('pin_clock.so')},log={self.path('pins.log')}{self.clockwork}"]
        drive = self.drive or f"file={self.disk.path},format=raw,cache=unsafe"
        return [
            "-cpu", "cortex-a53", "-serial", "chardev:console", "-device", "i6300esb,addr=1",
            "-drive", f"{drive},if=none,id=disk", "-device", "virtio-blk-pci,drive=disk",
            "-netdev", f"{network},id=net", "-device", "virtio-net-pci,netdev=net,romfile="]

    def _network(self, network):
        if not self.hub:
            return ["-nic", network]
        board, ours = self.hub
        return ["-netdev", f"{network},id=field", "-netdev", "hubport,hubid=0,id=port0,netdev=field",
                "-netdev", f"dgram,id=free,local.type=unix,local.path={board},remote.type=unix,remote.path={ours}",
                "-netdev", "hubport,hubid=0,id=port1,netdev=free", "-nic", "hubport,hubid=0"]

    def cut(self):
        """The power goes."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def remove(self):
        self.cut()
        if os.environ.get("GATEWARDEN_KEEP") != "1":
            shutil.rmtree(self.folder, ignore_errors=True)

    def qmp(self, command, **arguments):
        self.qmp_count += 1
        self.qmp_channel.send(json.dumps({"execute": command, "arguments": arguments, "id": self.qmp_count}) + "\n")
        found, _ = self.qmp_channel.wait(rf'\{{[^\n]*"id": {self.qmp_count}\}}\r?\n', 10)
        if not found:
            raise RuntimeError(f"QEMU does not answer {command}: {open(self.path('qemu.err')).read()[-500:]}")

    # MARK: pins

    def qtest_send(self, line):
        self.qtest_channel.send(line + "\n")

    def set(self, pin, level):
        """Drives an input pin from outside."""
        self.levels[pin] = level
        self.qtest_send(f"set_irq_in {self.bank} unnamed-gpio-in {self.pins[pin]} {int(level)}")

    def loop(self, name, occupied):
        """A loop detector's contact. On the reference board it is fail-safe: low means a vehicle, or a cut wire."""
        self.set(name, occupied != self.has_pins)

    def _restore_pins(self):
        # A reset of the machine forgets what is wired to it.
        for pin, level in {"approach": True, "safety": True, **self.levels}.items():
            self.set(pin, level)

    def _pl061(self):
        """The path of the virt board's lines: QEMU numbers what it made."""
        start = self.qmp_channel.mark()
        self.qmp("qom-list", path="/machine/unattached")
        found = re.search(r'"name": "(device\[\d+\])", "type": "child<pl061>"', self.qmp_channel.text(start))
        return f"/machine/unattached/{found[1]}"

    def _watch(self, channel):
        seen = 0
        pattern = re.compile(rb"IRQ (raise|lower) (\d+)\n")
        names = {number: name for name, number in self.pins.items()}
        while True:
            with channel.changed:
                channel.changed.wait_for(lambda: len(channel.data) > seen or channel.closed, 60)
                if channel.closed:
                    return
                whole = channel.data.rfind(b"\n", seen) + 1
                part, now = channel.data[seen:whole], time.monotonic()
                seen = max(seen, whole)
            for found in pattern.finditer(part):
                name = names.get(int(found[2]))
                if name in ("raise", "lower", "green", "red"):
                    with channel.changed:
                        self.edges.append((now, name, found[1] == b"raise"))
                        channel.changed.notify_all()

    def _watch_resets(self, channel):
        seen = 0
        while not channel.closed:
            found, _ = channel.wait(r'"event": "RESET"[^\n]*\n', 5, seen)
            if found:
                seen = found.end()
                self.resets += 1
                if not self.has_pins:
                    continue
                self._forget_pins()
                self._release_outputs()
                self._restore_pins()

    def _forget_pins(self):
        # The registers are what they are at power-on; no store of the guest says so.
        with open(self.path("pins.log"), "a") as file:
            file.write("0 reset 0\n")

    def _release_outputs(self):
        # A reset turns every pin into an input, which QEMU does not tell: the relays' pull-downs take them off.
        if self.register(4) == 0:
            with self.qtest_channel.changed:
                last = {name: level for _, name, level in self.edges}
                self.edges += [(time.monotonic(), name, False) for name, level in last.items() if level]
                self.qtest_channel.changed.notify_all()

    def wait_edge(self, pin, level, seconds, start=0):
        """Waits for an output's edge among those from index `start`; its time, or None."""
        channel = self.qtest_channel

        def seen():
            return next((at for at, name, value in self.edges[start:] if (name, value) == (pin, level)), None)

        with channel.changed:
            channel.changed.wait_for(lambda: seen() is not None or channel.closed, seconds)
        return seen()

    def relay_edges(self, start=0):
        return [edge for edge in self.edges[start:] if edge[1] in RELAYS]

    def pin_log(self):
        """What pin_clock.c wrote down since the board was made."""
        with open(self.path("pins.log")) as file:
            text = file.read()
        return text[:text.rfind("\n") + 1]

    def relays_on(self):
        """How often each relay was switched on, by the bank's registers, since the board was made: whatever the guest
        stored there is in it, from the first instruction on, and a pin counts as soon as it is driven."""
        data = direction = 0
        counts, on = dict.fromkeys(RELAYS, 0), set()
        for line in self.pin_log().splitlines():
            _, kind, value = line.split()[:3]
            if kind == "data":
                data = int(value)
            elif kind == "direction":
                direction = int(value)
            elif kind == "reset":
                data = direction = 0
            for name in RELAYS:
                bit = 1 << self.pins[name]
                if direction & bit and bool(data & bit) == self.relays_active:
                    counts[name] += name not in on
                    on.add(name)
                else:
                    on.discard(name)
        return counts

    def bus_bursts(self):
        """What the guest sent on the RS485 bus while its driver was on, burst by burst; what it sent while it was off;
        and whether the driver is on at last. Only the order of the stores is in it: QEMU's UART sends at once."""
        bursts, stray, is_on = [], b"", False
        for line in self.pin_log().splitlines():
            _, kind, value = line.split()[:3]
            if kind == "enable":
                if value == "1" and not is_on:
                    bursts.append(b"")
                is_on = value == "1"
            elif kind == "sent" and is_on:
                bursts[-1] += bytes([int(value)])
            elif kind == "sent":
                stray += bytes([int(value)])
            elif kind == "reset":
                is_on = False
        return bursts, stray, is_on

    def register(self, offset):
        """A register of the bank."""
        start = self.qtest_channel.mark()
        self.qtest_send(f"readl {self.BANK + offset:#x}")
        found, _ = self.qtest_channel.wait(r"OK (0x[0-9a-f]+)\n", 5, start)
        return int(found[1], 16) if found else None

    # MARK: the console

    def log_in(self, secret, seconds=30):
        """True when the console took this secret."""
        # A line of the kernel's log may stand behind the question, and a login that waits long begins anew.
        end = time.monotonic() + seconds
        prompt = None
        while prompt is None and time.monotonic() < end:
            start = self.console.mark()
            self.console.send("\n")
            prompt, _ = self.console.wait(r"login: ?$", 5, start)
        start = self.console.mark()
        self.console.send("root\n")
        if not self.console.wait(r"Password: ", seconds, start)[0]:
            return False
        start = self.console.mark()
        self.console.send(secret + "\n")
        found, _ = self.console.wait(r"gate:[^\n]*# |Login incorrect", seconds, start)
        if not found or not found[0].startswith(b"gate:"):
            return False
        # The shell's own editing of lines would mix into the answers.
        self.console.send('stty -echo; while read -r line; do eval "$line"; done\n')
        return self.run("echo ready")[1] == 0

    def run(self, command, seconds=30):
        """One command on the logged-in console: its output and exit code."""
        start = self.console.mark()
        self.console.send(f"{command}; code=$?; echo; echo end=$code\n")
        found, _ = self.console.wait(r"(?:^|\n)end=(\d+)\r?\n", seconds, start)
        if not found:
            return self.console.text(start), None
        text = self.console.text(start)
        return text[: text.index("\nend=")].replace("\r", "").lstrip("\n"), int(found[1])

    def number(self, command):
        """The number that a command on the logged-in console prints, whatever the kernel's log says around it. A line of
        the log in the very midst of it is asked past."""
        for _ in range(3):
            text, _ = self.run(f"echo number=$({command})=")
            if found := re.search(r"number=(\d+)=", text):
                return int(found[1])
        raise RuntimeError(f"no number came of {command}: {text}")

    def bytes_written(self):
        """What this boot's system has written to its disk, on the logged-in console."""
        return self.number(f"set -- $(cat /sys/block/{self.board['disk']}/stat); echo $7") * 512

    def lane_live(self, seconds=60, start=0):
        """Waits for the firmware's word: (its kernel time in seconds, the host's time), or (None, None)."""
        found, stamp = self.console.wait(r"\[ *(\d+\.\d+)\] [^\n]*info: \d+ lanes live [^\n]*\n", seconds, start)
        return (float(found[1]), stamp) if found else (None, None)
