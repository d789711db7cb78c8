// What `gatewarden check` asks the running firmware: whether the kernel really gave it what its configuration wants, by
// /proc and /sys. A configuration alone proves nothing.

import Configuration
import Domain

private let notRunning = "the firmware does not run with this configuration, so it cannot be asked"

/// A process or a thread, by its `stat` (proc(5)).
private struct Scheduled {
    let name: String
    /// SCHED_FIFO's priority; nil under another scheduler.
    let fifoPriority: Int?

    init?(_ stat: String?) {
        guard let stat, let open = stat.utf8.firstIndex(of: 0x28), let close = stat.utf8.lastIndex(of: 0x29),
            open < close
        else { return nil }
        name = String(decoding: stat.utf8[stat.utf8.index(after: open)..<close], as: UTF8.self)
        // After the name comes field 3; 40 is the real-time priority, 41 the scheduler (1: SCHED_FIFO).
        let fields = stat.utf8[stat.utf8.index(after: close)...].split(separator: 0x20)
        guard fields.count > 38 else { return nil }
        let numbers = fields[37...38].map { Int(String(decoding: $0, as: UTF8.self)) }
        fifoPriority = numbers[1] == 1 ? numbers[0] : nil
    }
}

func checkRunning(_ settings: Settings, _ configPath: String, _ board: BoardSight, _ checks: inout BoardChecks) {
    let processes = (board.names("/proc") ?? []).filter { Int($0) != nil }
    let firmware = processes.first { isFirmware(board.text("/proc/\($0)/cmdline"), configPath) }.map { "/proc/\($0)" }
    checks.check("the firmware runs with this configuration", firmware != nil, "start it")
    checkMemory(settings.realtime, firmware, board, &checks)
    checkLaneThreads(settings.realtime, firmware, board, &checks)
    if case .gpio = settings.lines.backend {
        checkLineThreads(processes, isRunning: firmware != nil, board, &checks)
    }
    checkWatchdog(settings.watchdog, firmware, board, &checks)
}

/// A command line has a null byte after each word.
private func words(_ commandLine: String?) -> [String] {
    (commandLine ?? "").utf8.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
}

/// `gatewarden run --config FILE …`.
private func isFirmware(_ commandLine: String?, _ configPath: String) -> Bool {
    let words = words(commandLine)
    guard words.count > 3, words[1] == "run" else { return false }
    return words[0].split(separator: "/").last == "gatewarden" && words.contains(configPath)
}

private func checkMemory(
    _ realtime: RealtimeSettings, _ firmware: String?, _ board: BoardSight, _ checks: inout BoardChecks
) {
    let what = "its memory is locked"
    guard realtime.locksMemory else { return checks.add(what, .fails("set realtime.lock_memory = yes")) }
    guard let firmware else { return checks.add(what, .unseen(notRunning)) }
    let status = board.text(firmware + "/status") ?? ""
    guard let locked = kibibytes("VmLck", status), let resident = kibibytes("VmRSS", status) else {
        return checks.add(what, .unseen("the kernel does not tell"))
    }
    checks.check(what, locked >= resident, "let its user lock memory without a limit: ulimit -l unlimited")
}

/// `VmLck:     20480 kB`.
private func kibibytes(_ key: String, _ status: String) -> Int? {
    word(after: key, status).flatMap { Int($0) }
}

private func word(after key: String, _ status: String) -> String? {
    for line in status.split(separator: "\n") {
        let words = line.split { $0 == "\t" || $0 == " " }
        if words.count > 1, words[0] == key + ":" { return String(words[1]) }
    }
    return nil
}

private func checkLaneThreads(
    _ realtime: RealtimeSettings, _ firmware: String?, _ board: BoardSight, _ checks: inout BoardChecks
) {
    let wanted = [("lane", realtime.lanePriority), ("lane alarm", realtime.lanePriority - 1)]
    let hasPriority = "its lane's threads have SCHED_FIFO \(wanted[0].1) and \(wanted[1].1)"
    let hasProcessor = realtime.laneCPU.map { "they run on processor \($0) alone" }
    guard let firmware else {
        checks.add(hasPriority, .unseen(notRunning))
        if let hasProcessor { checks.add(hasProcessor, .unseen(notRunning)) }
        return
    }
    var prioritised = 0
    var placed = 0
    for task in board.names(firmware + "/task") ?? [] {
        let folder = "\(firmware)/task/\(task)"
        guard let thread = Scheduled(board.text(folder + "/stat")),
            let one = wanted.first(where: { $0.0 == thread.name })
        else { continue }
        if thread.fifoPriority == one.1 { prioritised += 1 }
        let processors = word(after: "Cpus_allowed_list", board.text(folder + "/status") ?? "")
        if let cpu = realtime.laneCPU, processors == "\(cpu)" { placed += 1 }
    }
    checks.check(
        hasPriority, prioritised == wanted.count,
        "let its user have that priority: ulimit -r \(realtime.lanePriority); its log says what it lacks")
    if let hasProcessor {
        checks.check(hasProcessor, placed == wanted.count, "that processor must be there: its log says what it lacks")
    }
}

/// Each input line's edges come through a thread of the kernel's, named after who asked for the line.
private func checkLineThreads(
    _ processes: [String], isRunning: Bool, _ board: BoardSight, _ checks: inout BoardChecks
) {
    let what = "the kernel's threads of its lines stand above those of other interrupts"
    guard isRunning else { return checks.add(what, .unseen(notRunning)) }
    var lines: [Int] = []
    var others: [Int] = []
    for process in processes {
        guard let thread = Scheduled(board.text("/proc/\(process)/stat")), thread.name.hasPrefix("irq/")
        else { continue }
        let priority = thread.fifoPriority ?? 0
        if thread.name.hasSuffix("-gatewarden") { lines.append(priority) } else { others.append(priority) }
    }
    guard let lowest = lines.min() else {
        return checks.add(what, .fails("no such thread is there: boot a kernel with threaded interrupts"))
    }
    checks.check(
        what, lowest > (others.max() ?? 0),
        "raise each irq/*-gatewarden once the firmware runs: chrt -f -p 85 PID")
}

private func checkWatchdog(
    _ watchdog: WatchdogSettings, _ firmware: String?, _ board: BoardSight, _ checks: inout BoardChecks
) {
    // Our image gives it the one that init has started.
    let given = words(firmware.flatMap { board.text($0 + "/cmdline") })
    let option = given.firstIndex(of: "--watchdog").map { given.index(after: $0) }
    guard let device = watchdog.device ?? option.flatMap({ given.indices.contains($0) ? given[$0] : nil }) else {
        return checks.check("a watchdog is configured", false, "set watchdog.device")
    }
    // The first of them has two names.
    let name = device.split(separator: "/").last.map { $0 == "watchdog" ? "watchdog0" : String($0) } ?? ""
    let folder = "/sys/class/watchdog/" + name
    let seconds = watchdog.timeout.milliseconds / 1_000
    let runs = "the watchdog \(device) runs, with \(seconds) s"
    let isFed = "the firmware holds it"
    if let state = board.text(folder + "/state"), let timeout = board.text(folder + "/timeout") {
        checks.check(
            runs, state == "active" && timeout == "\(seconds)",
            "\(state), \(timeout) s: start the firmware, or set watchdog.timeout_s to what the driver takes")
    } else {
        checks.add(runs, .fails("the kernel tells of none: look at watchdog.device and CONFIG_WATCHDOG_SYSFS"))
    }
    if let firmware {
        if let files = board.names(firmware + "/fd") {
            let links = files.map { board.link("\(firmware)/fd/\($0)") }
            checks.check(
                isFed, links.contains(device) || links.contains("/dev/" + name),
                "restart the firmware: it was started before watchdog.device was set")
        } else {
            checks.add(isFed, .unseen("its open files are not shown: ask as root"))
        }
    } else {
        checks.add(isFed, .unseen(notRunning))
    }
    checks.check(
        "nothing switches it off", board.text(folder + "/nowayout") == "1",
        "boot a kernel with CONFIG_WATCHDOG_NOWAYOUT")
}
