"""tools/bench step: the instructions of one step of LaneCore, counted by callgrind."""
import os
import statistics
import subprocess

from .common import fail, root


def step(arch):
    """Mean of a random walk; worst of that and of the costliest steps that the search found."""
    if arch != "x86_64":
        fail("step counts x86_64 alone")
    command = "swift build -c release --product gwlanebench --scratch-path .build-x86_64 --swift-sdks-path build/deps/sdk"
    build = subprocess.run(
        [*command.split(), "--swift-sdk", "gatewarden-x86_64"], cwd=root, capture_output=True, text=True,
        env={**os.environ, "GATEWARDEN_FIRMWARE": "1"})
    if build.returncode != 0:
        fail("gwlanebench does not build:\n" + build.stdout[-2000:])
    folder = root / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    program, costly, out = folder / "gwlanebench", folder / "costly-steps", folder / "callgrind.out"
    # valgrind does not read what the compiler writes for debuggers.
    subprocess.run(["strip", "--strip-debug", "-o", program, root / ".build-x86_64/release/gwlanebench"], check=True)
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout.splitlines()
    measured = next(line.split()[2] for line in names if "measuredStep" in line)
    with open(costly, "wb") as found:
        search = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=found, stderr=subprocess.PIPE, text=True)
    if search.returncode != 0:
        fail("the search for costly steps: " + search.stderr[-500:])
    states, tried = search.stderr.split()
    out.unlink(missing_ok=True)
    with open(costly, "rb") as found:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--toggle-collect={measured}", f"--dump-after={measured}",
             "--combine-dumps=yes", "--dump-line=no", f"--callgrind-out-file={out}", program],
            stdin=found, capture_output=True, text=True)
    if run.returncode != 0:
        fail("valgrind: " + run.stderr[-500:])
    with open(out) as lines:
        counts = [int(line.split()[1]) for line in lines if line.startswith("totals:")]
    out.unlink()
    costly.unlink()
    # The last part is what came after the last step: nothing.
    walked, counts = int(run.stdout), counts[:-1]
    if len(counts) < walked + 4_000:
        fail(f"callgrind counted {len(counts)} steps alone")
    return [
        ("steps of the random walk", float(walked), "", None),
        ("instructions of a step, mean", statistics.mean(counts[:walked]), "", None),
        ("states of the search", float(states), "", None),
        ("steps tried in them", float(tried), "", None),
        ("the costliest of them, counted", float(len(counts) - walked), "", None),
        ("instructions of a step, worst of the walk", float(max(counts[:walked])), "", None),
        ("instructions of a step, worst", float(max(counts)), "", (None, 1500.0)),
    ]
