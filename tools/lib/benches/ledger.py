"""tools/bench ledger: appending, verifying and opening, against bare SQLite and the bare disk, by turns."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .common import fail, root


def gwbench(*arguments):
    command = [str(root / ".build/release/gwbench"), *(str(part) for part in arguments)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        fail(f"gwbench {arguments[0]} failed; see what it said above")
    return json.loads(run.stdout)


def empty_caches():
    """So that an opening reads from the disk. Needs root; without it the figure is of a warm cache."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return "cold"
    except OSError:
        return "warm"


def crash(folder, seconds):
    """Appends passes, and kills the program in the middle of one: its log stays as it is."""
    command = [str(root / ".build/release/gwbench"), "hammer", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        run.stdout.readline()
        time.sleep(seconds)
        run.send_signal(signal.SIGKILL)


def ledger(records, work):
    build = ["swift", "build", "-c", "release", "--product", "gwbench", "--package-path", str(root)]
    if subprocess.run(build, stdout=subprocess.DEVNULL).returncode != 0:
        fail("gwbench does not build")
    folder = Path(tempfile.mkdtemp(prefix="gatewarden-bench-", dir=work))
    try:
        small, large = folder / "small", folder / "large"
        (folder / "append").mkdir()
        (folder / "wrap").mkdir()
        one = gwbench("append", folder / "append", 150)
        wrap = gwbench("wrap", folder / "wrap", 40)
        gwbench("fill", small, 10_000)
        filled = gwbench("fill", large, records)
        verified = gwbench("verify", large)
        size = gwbench("size", small, large, 150)
        beside = gwbench("beside", large, 100)
        asked = gwbench("query", folder / "query", records)
        openings = {}
        for name, path in (("small", small), ("large", large)):
            runs = []
            # The last one crashes after so many passes that sealing has failed for long.
            for seconds in (0.3, 0.5, 0.7, 3.0):
                crash(path, seconds)
                cache = empty_caches()
                runs.append(gwbench("open", path))
            openings[name] = {key: max(run[key] for run in runs) for key in ("open_ms", "read_bytes", "log_bytes")}
    finally:
        shutil.rmtree(folder)
    percent = 100.0
    return [
        ("records of the large ledger", size["large_records"], "", None),
        ("bare disk, write + fdatasync of a page", one["disk_us"], "us", None),
        ("bare SQLite, durable row of a note's size", one["bare_note_us"], "us", None),
        ("durable append of a note", one["note_us"], "us", None),
        ("the note's rate, of bare SQLite's", one["note_rate_of_bare"] * percent, "%", (95.0, None)),
        ("the same, over all of it with checkpoints", one["note_rate_of_bare_overall"] * percent, "%", None),
        ("the note's rate, of the disk's", one["note_rate_of_disk"] * percent, "%", None),
        ("durable append of a fault, which stands in an index too", one["fault_us"], "us", None),
        ("the fault's rate, of bare SQLite's", one["fault_rate_of_bare"] * percent, "%", None),
        ("bare SQLite's rate, of the disk's", one["bare_rate_of_disk"] * percent, "%", None),
        ("bare SQLite, durable row of a decision's size", one["bare_decision_us"], "us", None),
        ("durable append of a decision", one["decision_us"], "us", None),
        ("the decision's rate, of bare SQLite's", one["decision_rate_of_bare"] * percent, "%", None),
        ("bare SQLite, durable row of a pass' size", one["bare_pass_us"], "us", None),
        ("durable append of a pass, its index and its place in the queue", one["pass_us"], "us", None),
        ("the pass' rate, of bare SQLite's", one["pass_rate_of_bare"] * percent, "%", None),
        ("sixteen records in one commit", one["sixteen_us"], "us", None),
        ("that, in times of one record", one["sixteen_times_one"], "x", (None, 1.6)),
        ("written to the disk for a pass without photos", one["pass_written_bytes"], "B", None),
        ("records appended while the ring wrapped", wrap["records"], "", None),
        ("append rate of the ring that wraps, of one that does not", wrap["ring_rate_of_plain"] * percent, "%",
         (90.0, None)),
        ("filling in large transactions", filled["records_per_s"], "/s", None),
        ("a pass' record at 10,000 records", size["small_us"], "us", None),
        ("a pass' record in the large ledger", size["large_us"], "us", None),
        ("that, in times of the small one", size["large_times_small"], "x", (None, 1.1)),
        ("append rate while the ledger is checked, of that while not", beside["rate_of_alone"] * percent, "%", None),
        (f"opening 10,000 records after a crash, {cache}", openings["small"]["open_ms"], "ms", (None, 200.0)),
        (f"opening the large ledger after a crash, {cache}", openings["large"]["open_ms"], "ms", (None, 200.0)),
        ("read at an opening, small ledger", openings["small"]["read_bytes"], "B", None),
        ("read at an opening, large ledger", openings["large"]["read_bytes"], "B", None),
        ("the longest log that a crash left", max(run["log_bytes"] for run in openings.values()), "B", None),
        *((f"a question of the large ledger: {name[:-3].replace('_', ' ')}", value, "ms",
           None if name == "month_count_ms" else (None, 1_000.0))
          for name, value in asked.items() if name.endswith("_ms")),
        ("verifying all of the large ledger, warm", verified["records_per_s"], "/s", (200_000.0, None)),
    ]
