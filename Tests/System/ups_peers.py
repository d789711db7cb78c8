"""UPSes on pseudo-terminals, for the real binary: one that speaks Q1, written from the published protocol, and a line
to an independent Modbus slave (pymodbus). Either can be unplugged, and speak nonsense."""
import os
import pathlib
import random
import select
import subprocess
import sys
import threading
import time
import tty

NOISE = random.Random(7)


def pair():
    """The two ends of a pseudo-terminal without any line discipline."""
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    return master, slave


class Plug:
    """A serial port under a name of its own, which goes with it."""

    def __init__(self, path):
        self.path = path
        self.master = self.slave = None
        self.noise = False
        self.plug()

    def plug(self):
        self.master, self.slave = pair()
        # A serial line has no end of file while nobody has it open.
        os.symlink(os.ttyname(self.slave), self.path)
        self._server = threading.Thread(target=self._serve, args=(self.master,), daemon=True)
        self._server.start()

    def unplug(self):
        os.unlink(self.path)
        master, slave, self.master, self.slave = self.master, self.slave, None, None
        # Nobody reads the number of a descriptor that may soon be another file's.
        self._server.join(5)
        os.close(slave)
        os.close(master)

    def _serve(self, master):
        try:
            while self.master == master:
                if not select.select([master], [], [], 0.1)[0]:
                    continue
                heard = os.read(master, 256)
                if self.noise:
                    os.write(master, NOISE.randbytes(NOISE.randrange(1, 90)))
                else:
                    self.hear(master, heard)
        except (OSError, ValueError):
            pass


class Q1(Plug):
    """Vin, Vfault, Vout, load, Hz, Vbat, temperature and eight bits; the commands that came, without the queries."""

    def __init__(self, path):
        self.on_battery = self.low = False
        self.knows_shutdown = True
        self.commands = []
        self._heard = b""
        super().__init__(path)

    def answer(self):
        volts = "000.0" if self.on_battery else "226.0"
        bits = f"{int(self.on_battery)}{int(self.low)}001000"
        return f"({volts} 195.0 226.0 014 49.0 27.5 30.0 {bits}\r".encode()

    def hear(self, master, heard):
        self._heard += heard
        while b"\r" in self._heard:
            command, self._heard = self._heard.split(b"\r", 1)
            if command == b"Q1":
                os.write(master, self.answer())
            elif command == b"F":
                os.write(master, b"#226.0 000 024.0 50.0\r")
            elif command == b"I":
                os.write(master, b"#GATEWARDEN      TEST-UPS   1.0       \r")
            elif command.startswith(b"S") and self.knows_shutdown:
                self.commands.append(command.decode())
            else:
                # What it does not know it gives back.
                self.commands.append(command.decode(errors="replace"))
                os.write(master, command + b"\r")


class ModbusSlave(Plug):
    """Carries bytes between the controller's port and a pymodbus serial server, which runs as a process of its own and
    takes `ADDRESS VALUE` lines."""

    def __init__(self, path, python, registers):
        self._far_master, self._far_slave = pair()
        self.server = subprocess.Popen(
            [python, str(pathlib.Path(__file__).with_name("modbus_slave.py")), os.ttyname(self._far_slave)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.set(registers)
        if self.server.stdout.readline().strip() != "serving":
            sys.exit("the Modbus slave did not start")
        # It says so right before it opens its port.
        time.sleep(1.5)
        threading.Thread(target=self._back, daemon=True).start()
        super().__init__(path)

    def set(self, registers):
        for address, value in registers.items():
            self.server.stdin.write(f"{address} {value}\n")
        self.server.stdin.write("done\n")
        self.server.stdin.flush()

    def hear(self, master, heard):
        os.write(self._far_master, heard)

    def _back(self):
        while self.server.poll() is None:
            if select.select([self._far_master], [], [], 0.1)[0]:
                answer = os.read(self._far_master, 512)
                if self.master is not None and not self.noise:
                    os.write(self.master, answer)

    def end(self):
        self.server.kill()
        self.server.wait()
