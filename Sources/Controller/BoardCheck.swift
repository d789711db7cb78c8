// What a board should give a lane, and whether the running one does: for `gatewarden check`. Pure: the kernel's texts
// come in through `BoardSight`. What only a running firmware shows is in RunningCheck.swift.

import Configuration

/// One item of the list.
public struct BoardCheck: Equatable, Sendable {
    public enum Finding: Equatable, Sendable {
        case holds
        /// What to do about it.
        case fails(String)
        /// Why it cannot be otherwise on this kernel.
        case notApplicable(String)
        /// Why it could not be asked. It may hold or not.
        case unseen(String)
    }

    public let what: String
    public let finding: Finding

    public init(what: String, finding: Finding) {
        self.what = what
        self.finding = finding
    }

    public init(what: String, holds: Bool, advice: String) {
        self.init(what: what, finding: holds ? .holds : .fails(advice))
    }

    /// Whether nothing is to be done, also where it does not apply.
    public var holds: Bool {
        switch finding {
        case .holds, .notApplicable: true
        case .fails, .unseen: false
        }
    }

    public var text: String {
        switch finding {
        case .holds: "holds  \(what)"
        case .fails(let advice): "FAILS  \(what): \(advice)"
        case .notApplicable(let reason): "n/a    \(what): \(reason)"
        case .unseen(let reason): "UNSEEN \(what): \(reason)"
        }
    }
}

/// The kernel's files under /proc and /sys.
public struct BoardSight {
    /// A file's text without its last newline; nil when there is none.
    let text: (String) -> String?
    /// What a folder holds; nil when it cannot be read.
    let names: (String) -> [String]?
    /// Where a symbolic link leads; nil when it is none or may not be read.
    let link: (String) -> String?

    public init(
        text: @escaping (String) -> String?, names: @escaping (String) -> [String]?,
        link: @escaping (String) -> String?
    ) {
        self.text = text
        self.names = names
        self.link = link
    }
}

/// The items as they are asked.
struct BoardChecks {
    private(set) var items: [BoardCheck] = []

    mutating func check(_ what: String, _ holds: Bool, _ advice: String) {
        items.append(BoardCheck(what: what, holds: holds, advice: advice))
    }

    mutating func add(_ what: String, _ finding: BoardCheck.Finding) {
        items.append(BoardCheck(what: what, finding: finding))
    }
}

/// - Parameters:
///   - configPath: where the configuration was read, as the firmware's own arguments must name it.
///   - canConfine: whether the kernel filters system calls.
public func boardChecks(
    _ settings: Settings, configPath: String, canConfine: Bool, _ board: BoardSight
) -> [BoardCheck] {
    var checks = BoardChecks()
    // /sys/kernel/realtime is not in every kernel that is one.
    let version = (board.text("/proc/version") ?? "").split(separator: " ")
    checks.check(
        "the kernel is PREEMPT_RT", version.contains("PREEMPT_RT"), "boot a kernel with CONFIG_PREEMPT_RT")
    checkProcessor(settings.realtime.laneCPU, board, &checks)
    checks.check(
        "a real-time thread is never throttled", board.text("/proc/sys/kernel/sched_rt_runtime_us") == "-1",
        "set kernel.sched_rt_runtime_us = -1 with sysctl")
    checks.check(
        "there is no swap", (board.text("/proc/swaps") ?? "").utf8.reduce(0) { $1 == 0x0A ? $0 + 1 : $0 } == 0,
        "switch it off: swapoff -a, and take it out of the boot")
    checks.check(
        "the root file system is read-only", isRootReadOnly(board.text("/proc/mounts") ?? ""),
        "use the board's image: docs/BOARDS.md")
    checks.check(
        "threads can give up system calls", canConfine,
        "boot a kernel with CONFIG_SECCOMP_FILTER; emulated programs cannot")
    checkRunning(settings, configPath, board, &checks)
    return checks.items
}

private func checkProcessor(_ cpu: Int?, _ board: BoardSight, _ checks: inout BoardChecks) {
    guard let cpu else {
        checks.check(
            "a processor is the lane's alone", false,
            "where there are two or more, set realtime.lane_cpu and isolate it with isolcpus=")
        return
    }
    checks.check(
        "processor \(cpu) is the lane's alone",
        processors(board.text("/sys/devices/system/cpu/isolated") ?? "").contains(cpu),
        "add isolcpus=\(cpu) to the kernel's arguments")
    checks.check(
        "interrupts stay away from it",
        !isInMask(cpu, board.text("/proc/irq/default_smp_affinity") ?? "ffffffff"),
        "add irqaffinity= with the other processors to the kernel's arguments")
    if let governor = board.text("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_governor") {
        checks.check(
            "its frequency is fixed", governor == "performance",
            "write performance into scaling_governor of each processor at boot")
    } else {
        checks.add(
            "its frequency is fixed",
            .notApplicable("this kernel has no cpufreq for it and changes none; what the chip does is not seen"))
    }
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
