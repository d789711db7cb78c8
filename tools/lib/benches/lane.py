"""tools/bench lane: the step in instructions, edge to relay beside a bare C program, and heap calls of the lane thread."""
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from .common import fail, root
from .step import step


# The sixth slowest of these is the 99.9 %.
EDGES = 6000
LANES = """
lane.{n}.direction = entry
lane.{n}.entrance_gate = A
lane.{n}.gate_code = A0{n}
lane.{n}.guard_stop_input = STOP{n}
lane.{n}.stop_output = HALT{n}
lane.{n}.relay_pulse_ms = 300
"""


def thread_of(pid, name):
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return task.name
    return None


# What the site must have done beside the edges, for the run to be one under load: 6,000 edges take some five minutes.
PUSHES_PER_S = 1.0
ROWS_PER_S = 1.0


def console(work, command):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(work / "state/console.sock"))
        peer.sendall(f"{command}\n".encode())
        return peer.recv(4096).decode()


def hold_and_release(work):
    """What else a lane does: an arm that nothing is at is held open by the console, and lowered again."""
    for word in ("on", "off"):
        time.sleep(2)
        answer = console(work, f"lane 8 hold {word}")
        if not answer.startswith("record "):
            fail(f"lane 8 hold {word}: {answer}")


def heap_calls(work, tools):
    """How often the lane's threads come to the allocator, and the ledger's, to show that it counts, while trucks pass, buttons
    are pressed, edges are lost and an arm is held open."""
    names = subprocess.run(
        ["nm", root / ".build-x86_64/release/gatewarden"], capture_output=True, text=True, check=True).stdout
    wanted = {"malloc", "calloc", "realloc", "posix_memalign"}
    found = {line.split()[2]: line.split()[0] for line in names.splitlines() if line.split()[-1] in wanted}
    pid = (work / "controller.pid").read_text().strip()
    counts = []
    for name in ["lane", "lane alarm", "ledger"]:
        thread = thread_of(pid, name)
        if thread is None:
            fail(f"the controller has no thread {name}")
        run = subprocess.Popen(
            [tools / "count-calls", thread, "8", *found.values()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        hold_and_release(work)
        output, error = run.communicate()
        if run.returncode != 0:
            fail("count-calls: " + error.strip())
        counts.append(float(output))
    status = console(work, "status")
    if "times edges lost" not in status:
        fail("no edge was lost while heap calls were counted: " + status)
    return counts[0] + counts[1], counts[2]


def beside_bare():
    """Edge to relay of the release binary on a site with trucks, camera pushes and TLS, and of bare-lane, in turn."""
    folder = root / "build/bench"
    tools = folder / "tools"
    work = folder / "lane"
    tools.mkdir(parents=True, exist_ok=True)
    for name in ["bare-lane", "lane-latency", "count-calls"]:
        subprocess.run(["cc", "-O2", "-o", tools / name, root / f"tools/lib/{name}.c"], check=True)
    ours, bare = tools / "ours.sock", tools / "bare.sock"
    lanes = "".join(LANES.format(n=number) for number in range(2, 9))
    (tools / "lanes.conf").write_text(lanes + "realtime.lane_cpu = 1\n")
    wrapper = tools / "controller"
    wrapper.write_text(
        f"""#!/bin/sh
[ "$1" = run ] || exec {root}/build/x86_64/gatewarden "$@"
sed 's|^ *lines.socket = .*|lines.socket = {ours}|' "$3" > "$3.bench"
cat {tools}/lanes.conf >> "$3.bench"
echo $$ > {work}/controller.pid
exec {root}/build/x86_64/gatewarden run --config "$3.bench" --state "$5"
""")
    wrapper.chmod(0o755)
    proxy = subprocess.Popen(
        ["taskset", "-c", "0", tools / "lane-latency", ours, work / "lines.sock", bare, str(EDGES), "1", "7"],
        stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    peer = subprocess.Popen(["taskset", "-c", "1", "chrt", "-f", "80", tools / "bare-lane", bare])
    # The lane's thread goes to its processor by itself.
    site = ["taskset", "-c", "0"] if "--isolate" in os.environ.get("GATEWARDEN_BENCH", "") else []
    simulated = subprocess.Popen(
        [*site, root / ".build/release/gwsim", "run", "--controller", wrapper, "--work", work, "--headless", "--passes",
         "100000", "--seed", "7", "--speed", "10"], stdout=subprocess.PIPE, text=True)
    try:
        line = proxy.stdout.readline()
        if not line:
            fail("lane-latency gave no figures; see what it said above")
        figures = json.loads(line)
        lane_calls, ledger_calls = heap_calls(work, tools)
    finally:
        simulated.terminate()
        report, _ = simulated.communicate(timeout=120)
        proxy.terminate()
        peer.terminate()
    ours, bare = figures["ours"], figures["bare"]
    load = json.loads(report.strip().splitlines()[-1])
    return [
        ("camera pushes beside the edges", load["camera_pushes"] / load["seconds"], "/s", (PUSHES_PER_S, None)),
        ("rows and photos to the platform", (load["delivered"] + load["photos"]) / load["seconds"], "/s", (ROWS_PER_S, None)),
        ("edges, the controller's", float(ours["edges"]), "", None),
        *((f"{who}, {what}", times[key], "us", None)
          for who, times in (("edge to relay", ours), ("bare C program", bare))
          for what, key in (("median", "median_us"), ("99 %", "p99_us"), ("99.9 %", "p999_us"), ("longest", "longest_us"))),
        ("median, ours by the C program's", ours["median_us"] / bare["median_us"], "x", (None, 1.2)),
        ("the same in the run's tenths, least", figures["least_ratio"], "x", None),
        ("the same in the run's tenths, most", figures["most_ratio"], "x", None),
        ("99 %, ours by the C program's", ours["p99_us"] / bare["p99_us"], "x", None),
        ("99.9 %, ours by the C program's", ours["p999_us"] / bare["p999_us"], "x", (None, 1.2)),
        ("edges not answered", float(figures["missed"][0]), "", (None, 0.0)),
        ("heap calls of the lane thread in 8 s", lane_calls, "", (None, 0.0)),
        ("heap calls of the ledger thread in 8 s", ledger_calls, "", None),
    ]


def lane(arch):
    if arch != "x86_64":
        fail("lane measures x86_64 alone")
    if "--no-build" not in os.environ.get("GATEWARDEN_BENCH", ""):
        subprocess.run([root / "tools/build", "x86_64"], check=True, stdout=sys.stderr)
        subprocess.run(
            ["swift", "build", "--package-path", root, "-c", "release", "--product", "gwsim"], check=True,
            stdout=sys.stderr)
    return step(arch) + beside_bare()
