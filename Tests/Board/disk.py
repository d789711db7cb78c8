"""The disk of an emulated board: a copy of an image, read and written from outside while the board is off."""
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "deps" / "board-tools" / "bin"


class Disk:
    """A writable copy of an image, and its partitions from outside."""

    def __init__(self, image, path):
        subprocess.run(["cp", "--sparse=always", image, path], check=True)
        self.path = path
        self.folders = set()
        self.read_table()

    def read_table(self):
        self.partitions = {}
        with open(self.path, "rb") as file:
            file.seek(1024)
            for _ in range(16):
                entry = file.read(128)
                first, last = struct.unpack_from("<QQ", entry, 32)
                name = entry[56:128].decode("utf-16-le").rstrip("\0")
                if name:
                    self.partitions[name] = (first * 512, (last - first + 1) * 512)

    def debugfs(self, partition, commands):
        device = f"{self.path}?offset={self.partitions[partition][0]}"
        done = subprocess.run([TOOLS / "debugfs", "-w", "-f", "-", device], input="\n".join(commands) + "\n",
                              capture_output=True, text=True, timeout=60)
        bad = [line for line in done.stderr.splitlines() if not line.startswith("debugfs 1.")]
        if done.returncode or bad:
            raise RuntimeError(f"debugfs: {bad}")

    def install(self, folder, files):
        """Writes files into a folder of the data partition, as the firmware's user."""
        commands = []
        if folder not in self.folders:
            self.folders.add(folder)
            commands = [f"mkdir {folder}", f"sif {folder} uid 900", f"sif {folder} gid 900", f"sif {folder} mode 040750"]
        with tempfile.TemporaryDirectory() as temporary:
            for name, content in files.items():
                path = os.path.join(temporary, name)
                with open(path, "wb") as file:
                    file.write(content if isinstance(content, bytes) else content.encode())
                target = f"{folder}/{name}"
                commands += [f"write {path} {target}", f"sif {target} uid 900", f"sif {target} gid 900",
                             f"sif {target} mode 0100640"]
            self.debugfs("data", commands)

    def extract(self, partition, path):
        """The partition as a file of its own."""
        # The data partition may have grown.
        self.read_table()
        start, size = self.partitions[partition]
        subprocess.run(["dd", f"if={self.path}", f"of={path}", "bs=1M", f"skip={start >> 20}", f"count={size >> 20}",
                        "conv=sparse", "status=none"], check=True)

    def take_state(self, folder):
        """What the data partition keeps, as a board that was cut off leaves it: journal replayed, then copied out."""
        data = os.path.join(folder, "data.img")
        self.extract("data", data)
        checked = subprocess.run([TOOLS / "e2fsck", "-fy", data], capture_output=True, text=True, timeout=120)
        state = os.path.join(folder, "state")
        shutil.rmtree(state, ignore_errors=True)
        subprocess.run([TOOLS / "debugfs", "-R", f"rdump /state {folder}", data], capture_output=True, timeout=120)
        os.unlink(data)
        return state, checked.returncode

    def check(self, partition):
        """A copy of a partition, treated as the next start treats it and then checked whole: (exit code, 0 when nothing
        was left to mend; output; whether the start has more to do than to replay the journal)."""
        image = f"{self.path}.{partition}"
        self.extract(partition, image)

        def run(options):
            done = subprocess.run([TOOLS / "e2fsck", options, image], capture_output=True, text=True, timeout=120)
            return done.returncode, done.stdout + done.stderr

        with open(image, "rb") as file:
            file.seek(1024 + 0x3A)
            is_repaired = struct.unpack("<H", file.read(2))[0] & 3 != 1 or (self.boot_state() or {}).get("repairing", 0)
        # 8: it cannot be opened, and so not be mounted.
        if not is_repaired and run("-p")[0] & 8:
            is_repaired = True
        if is_repaired:
            run("-fy")
        code, output = run("-fn")
        os.unlink(image)
        return code, output, bool(is_repaired)

    def boot_state(self):
        """What is remembered of boots, as board/init/slots.h lays it down; None when neither copy counts."""
        best = (0, None)
        with open(self.path, "rb") as file:
            for copy in range(2):
                file.seek(self.partitions["state"][0] + copy * 4096)
                magic, generation, boots, slot, tries, first, second, repairing = struct.unpack(
                    "<8sIIBBBBI", file.read(24))
                if magic == b"GWBOOT2\0" and generation > best[0]:
                    best = (generation, {"slot": "ab"[slot], "tries": tries, "boots": boots,
                                         "confirmed": [first, second], "repairing": repairing})
        return best[1]

    def slot_part(self, slot, name):
        """(offset, bytes) of a slot's kernel or footer, as tools/image and board/init/slots.h lay them down."""
        start, size = self.partitions[f"system-{slot}"]
        if name == "footer":
            return start + size - 4096, 4096
        with open(self.path, "rb") as file:
            file.seek(start + size - 4096)
            footer = dict(line.split(" ") for line in file.read(1024).rstrip(b"\0").decode().splitlines())
        return start + int(footer["kernel-start"]) * 4096, int(footer["kernel-bytes"])

    def read(self, at, size):
        with open(self.path, "rb") as file:
            file.seek(at)
            return file.read(size)

    def write(self, at, data):
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(data)

    def flip(self, at):
        self.write(at, bytes([self.read(at, 1)[0] ^ 1]))
