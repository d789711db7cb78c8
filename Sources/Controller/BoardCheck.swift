// What a board should give a lane, and whether the running one does: for `gatewarden check`. Pure: the kernel's texts
// come in through a closure.

import Configuration

/// One item of the list.
public struct BoardCheck: Equatable, Sendable {
    public let what: String
    public let holds: Bool
    /// What to do when it does not hold.
    public let advice: String

    public var text: String { holds ? "holds  \(what)" : "FAILS  \(what): \(advice)" }
}

/// - Parameters:
///   - canConfine: whether the kernel filters system calls.
///   - read: the text of a file under /proc or /sys, nil when there is none.
public func boardChecks(_ settings: Settings, canConfine: Bool, read: (String) -> String?) -> [BoardCheck] {
    var checks: [BoardCheck] = []
    func check(_ what: String, _ holds: Bool, _ advice: String) {
        checks.append(BoardCheck(what: what, holds: holds, advice: advice))
    }
    // /sys/kernel/realtime is not in every kernel that is one.
    let version = (read("/proc/version") ?? "").split(separator: " ")
    check("the kernel is PREEMPT_RT", version.contains("PREEMPT_RT"), "boot a kernel with CONFIG_PREEMPT_RT")
    if let cpu = settings.realtime.laneCPU {
        check(
            "processor \(cpu) is the lane's alone",
            processors(read("/sys/devices/system/cpu/isolated") ?? "").contains(cpu),
            "add isolcpus=\(cpu) to the kernel's arguments")
        check(
            "interrupts stay away from it",
            !isInMask(cpu, read("/proc/irq/default_smp_affinity") ?? "ffffffff"),
            "add irqaffinity= with the other processors to the kernel's arguments")
        let governor = read("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_governor")
        check(
            "its frequency is fixed", governor == nil || governor == "performance",
            "write performance into scaling_governor of each processor at boot")
    } else {
        check(
            "a processor is the lane's alone", false,
            "where there are two or more, set realtime.lane_cpu and isolate it with isolcpus=")
    }
    check(
        "a real-time thread is never throttled", read("/proc/sys/kernel/sched_rt_runtime_us") == "-1",
        "set kernel.sched_rt_runtime_us = -1 with sysctl")
    check("memory is locked", settings.realtime.locksMemory, "set realtime.lock_memory = yes")
    check(
        "there is no swap", (read("/proc/swaps") ?? "").utf8.reduce(0) { $1 == 0x0A ? $0 + 1 : $0 } == 0,
        "switch it off: swapoff -a, and take it out of the boot")
    check("a watchdog is configured", settings.watchdog.device != nil, "set watchdog.device")
    check(
        "the watchdog cannot be switched off", read("/sys/class/watchdog/watchdog0/nowayout") == "1",
        "boot a kernel with CONFIG_WATCHDOG_NOWAYOUT")
    check(
        "the root file system is read-only", isRootReadOnly(read("/proc/mounts") ?? ""),
        "use the board's image: docs/BOARDS.md")
    check(
        "threads can give up system calls", canConfine,
        "boot a kernel with CONFIG_SECCOMP_FILTER; emulated programs cannot")
    return checks
}

/// `1-3,5` as the kernel writes a list of processors.
private func processors(_ list: String) -> [Int] {
    var found: [Int] = []
    for part in list.split(separator: ",") {
        let ends = part.split(separator: "-").map { Int(String($0)) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, last < 1_024 else { continue }
        found += first...last
    }
    return found
}

/// Whether the bit of `cpu` is set in a mask of hexadecimal digits, commas between groups of eight.
private func isInMask(_ cpu: Int, _ mask: String) -> Bool {
    let digits = mask.utf8.filter { $0 != 0x2C }
    let index = digits.count - 1 - cpu / 4
    guard index >= 0, let value = Int(String(decoding: [digits[index]], as: UTF8.self), radix: 16) else { return false }
    return value >> (cpu % 4) & 1 == 1
}

private func isRootReadOnly(_ mounts: String) -> Bool {
    for line in mounts.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count >= 4, words[1] == "/" else { continue }
        if words[3] == "ro" || words[3].hasPrefix("ro,") { return true }
    }
    return false
}
