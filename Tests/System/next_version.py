"""The next version of this firmware: these sources with Tests/System/next-version.patch, built in build/next."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

from controller import ROOT

NEXT = ROOT / "build" / "next"
PATCH = ROOT / "Tests" / "System" / "next-version.patch"


def command(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{words[0]} failed: {done.stdout[-1000:]}{done.stderr[-3000:]}")


def make_next(arch):
    """Its program for this architecture. What is as it was keeps its time, and is not built anew."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            check=True, capture_output=True).stdout.decode().split("\0")
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        for name in listed:
            if (ROOT / name).is_file():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, fresh / name)
        command("patch", "-d", fresh, "-p1", "--no-backup-if-mismatch", "-i", PATCH)
        wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
        for old in [path for path in (NEXT / "Sources").rglob("*") if path.is_file()]:
            if old.relative_to(NEXT) not in wanted:
                old.unlink()
        for name in wanted:
            new, kept = fresh / name, NEXT / name
            if not kept.exists() or kept.read_bytes() != new.read_bytes():
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(new, kept)
    (NEXT / "build").mkdir(parents=True, exist_ok=True)
    (ROOT / "build" / "keys").mkdir(exist_ok=True)
    for shared in ("deps", "keys"):
        if not (NEXT / "build" / shared).exists():
            (NEXT / "build" / shared).symlink_to(ROOT / "build" / shared)
    command(NEXT / "tools/build", arch)
    return NEXT / "build" / arch / "gatewarden"
