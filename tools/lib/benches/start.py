"""tools/bench start: from the spawn of the program to its line that the lane is live, by this program's clock."""
import signal
import statistics
import subprocess
import sys
import time

from .common import fail, root

STARTS = 21


def begun(command, patience):
    """The running program, and how long it took."""
    since = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for line in child.stderr:
        if b" lanes live " in line:
            return child, (time.monotonic() - since) * 1_000
    fail(f"the program ended with {child.wait(10 * patience)} before its lane was live")


def start(arch):
    """The site of the system tests: one lane, two cameras, a ledger that every start but the first opens again."""
    sys.path.insert(0, str(root / "Tests/System"))
    sys.dont_write_bytecode = True
    from controller import Site

    site = Site(arch)
    command = [*site.program, "run", "--config", site.configuration(), "--state", site.state]
    times = []
    for number in range(STARTS):
        child, taken = begun(command, site.patience)
        site.running.append(child)
        times.append(taken)
        # So that the ledger has something to open.
        site.lines.set(0, True)
        time.sleep(0.3)
        site.lines.set(0, False)
        time.sleep(0.7 * site.patience)
        child.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        child.communicate(timeout=30 * site.patience)
    # The first one makes its ledger and its key.
    later = sorted(times[1:])
    return [
        ("starts", float(len(times)), "", None),
        ("median, exec to live lane", statistics.median(later), "ms", (None, 50.0)),
        ("slowest but one", later[-2], "ms", None),
        ("slowest", later[-1], "ms", None),
        ("the first start of all, which makes the ledger", times[0], "ms", None),
    ]
