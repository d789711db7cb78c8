"""Cases of Tests/Board/update: kernels that must not stay, or must not even start. U-Boot alone decides in them."""
import os
import random

from board import HANGING_KERNEL, ROOT
from updating import BOARD, STICK, WORK, check, ends_well, released, tool, update
from volatile_disk import VolatileDisk

CUTS_KERNEL = 4
# Instead of an initial RAM disk: the kernel finds no init and panics.
NO_INITRD = b"this is no initial RAM disk".ljust(4096, b"\0")


def panics(site):
    """A kernel that panics at once: nothing of the new system's own ever runs, U-Boot alone counts."""
    gate = site.resume()
    start = gate.console.mark()
    gate.console.send("gatewarden-update --now /data/bundles/panics.raucb\n")
    died, stamp = gate.console.wait(r"Kernel panic", 120, start)
    check("panics: the new kernel is started and panics", died is not None, gate.console.text(start)[-2000:])
    back, again = gate.console.wait(r"gatewarden: system-b did not confirm itself in 3 boots", 120, start)
    check("panics: three times", gate.console.text(start).count("Kernel panic - not") == 3,
          gate.console.text(start)[-2000:])
    if back:
        print(f"        panics: the old system's turn {again - stamp:.0f} s after the first panic")
    ends_well("panics", gate, "a", start=start)


def kernel_hangs(site):
    """A kernel that hangs before it could start a watchdog: U-Boot's resets the board. Two more boots end with a cut."""
    gate = site.resume()
    start = gate.console.mark()
    gate.console.send("gatewarden-update --now /data/bundles/kernel-hangs.raucb\n")
    hung, stamp = gate.console.wait(r"Starting kernel", 120, start)
    check("a hanging kernel: it is started", hung is not None, gate.console.text(start)[-2000:])
    again, reset = gate.console.wait(r"U-Boot 20[^\0]*Starting kernel", 90, hung.end() if hung else start)
    check("a hanging kernel: the watchdog resets the board", again is not None and gate.resets >= 2, gate.resets)
    if again:
        print(f"        a hanging kernel: reset and tried again after {reset - stamp:.0f} s")
    gate.cut()
    gate.start(STICK)
    gate.console.wait(r"Starting kernel", 60)
    gate.cut()
    gate.start(STICK)
    ends_well("a hanging kernel", gate, "a")
    check("a hanging kernel: three boots were counted", "system-b did not confirm itself in 3 boots" in
          gate.console.text(), gate.console.text()[:3000])


def kernel_altered(site):
    """Kernels on the disk with a turned bit, or with the signature of another key: never started; and what happens when
    no kernel is whole."""
    gate = site.resume()
    _, code = update(gate, "--later /data/bundles/good.raucb")
    check("the good bundle is installed", code == 0)
    gate.run("sync")
    gate.cut()
    at, size = {}, {}
    for slot in "ab":
        at[slot], size[slot] = gate.disk.slot_part(slot, "kernel")

    def starts_in(what, slot, refused):
        gate.start(STICK)
        ends_well(what, gate, slot)
        said = gate.console.text()
        check.equal(f"{what}: kernels that were not started",
                    [name for name in "ab" if f"the kernel of system-{name} does not start" in said], refused)

    gate.disk.flip(at["b"] + size["b"] // 2)
    starts_in("the new kernel is altered", "a", ["b"])
    gate.disk.flip(at["b"] + size["b"] // 2)
    gate.disk.flip(at["a"] + 1_000_000)
    starts_in("the kernel is altered", "b", ["a"])
    whole = gate.disk.read(at["b"], size["b"])
    tool("openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
         WORK / "foreign-kernel.key")
    tool(ROOT / "tools/image", BOARD, "--no-setup", "--slot", WORK / "foreign-kernel.slot", "--kernel-key",
         WORK / "foreign-kernel.key", SOURCE_DATE_EPOCH=str(released + 86_400))
    with open(WORK / "foreign-kernel.slot", "rb") as slot:
        slot.seek(44 << 20)
        gate.disk.write(at["b"], slot.read(size["b"]))
    gate.start(STICK)
    neither, _ = gate.console.wait(r"neither slot has a kernel that may start[^\0]*neither slot has", 90)
    check("no kernel is whole: U-Boot tries again and again", neither is not None, gate.console.text()[-2500:])
    check("the signature of another key is refused for that", "Failed to verify required signature" in
          gate.console.text(), gate.console.text()[-2500:])
    gate.cut()
    gate.disk.write(at["b"], whole)
    starts_in("one kernel is whole again", "b", gate_refuses_a(gate))
    gate.disk.flip(at["a"] + 1_000_000)
    gate.disk.write(gate.disk.partitions["state"][0], os.urandom(8192))
    starts_in("the boot state is noise", "a", [])


def gate_refuses_a(gate):
    """Slot a is tried first, and refused, when it is the one to start."""
    return ["a"] if gate.disk.boot_state()["slot"] == "a" else []


def cut_while_kernel_is_written(site):
    chance = random.Random(2)
    for cut in range(CUTS_KERNEL):
        disks = []

        def volatile(gate):
            start, size = gate.disk.slot_part("a", "kernel")
            start += gate.disk.partitions["system-b"][0] - gate.disk.partitions["system-a"][0]
            disks.append(VolatileDisk(gate.disk.path, gate.path("disk.sock")))
            disks[0].watched = range(start // 512, (start + size) // 512)
            return f"file=nbd+unix:///?socket={gate.path('disk.sock')},format=raw,cache=writeback"

        gate = site.resume(volatile)
        gate.console.send("gatewarden-update --later /data/bundles/good.raucb\n")
        wanted = int(len(disks[0].watched) * (cut + chance.random()) / CUTS_KERNEL)
        check(f"cut {cut + 1} of {CUTS_KERNEL} in the kernel: it is being written", disks[0].wait_for_seen(wanted, 60))
        disks[0].cut(200 + cut)
        gate.cut()
        gate.drive = None
        gate.start(STICK)
        ends_well(f"cut {cut + 1} of {CUTS_KERNEL} in the kernel", gate, "a")
        gate.remove()
