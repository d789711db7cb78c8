import Configuration
import Testing

@testable import Controller

private let configuration = """
    site.enterprise_id = EXAMPLE001
    site.enterprise_name = 示例企业
    site.device = gate-1
    lane.1.direction = entry
    lane.1.entrance_gate = A
    lane.1.gate_code = 01
    lane.1.approach_input = 0
    lane.1.safety_input = 1
    lane.1.raise_output = 2
    lane.1.lower_output = 3
    policy.minimum_stage = 5
    watchdog.device = /dev/watchdog0
    realtime.lane_cpu = 5

    """

private let path = "/etc/gatewarden/gatewarden.conf"

/// `stat` of a thread as proc(5) lays it out: 40 is the real-time priority, 41 the scheduler.
private func stat(_ name: String, _ priority: Int, _ scheduler: Int) -> String {
    "7 (\(name)) S " + Array(repeating: "0", count: 36).joined(separator: " ") + " \(priority) \(scheduler) 0 0"
}

private let good = [
    "/proc/version": "Linux version 6.12.1 (a@b) (gcc 12) #1 SMP PREEMPT_RT 2026-01-01",
    "/sys/devices/system/cpu/isolated": "2,4-5",
    "/proc/irq/default_smp_affinity": "00000000,0000000f",
    "/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor": "performance",
    "/proc/sys/kernel/sched_rt_runtime_us": "-1",
    "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority",
    "/sys/class/watchdog/watchdog0/nowayout": "1",
    "/sys/class/watchdog/watchdog0/state": "active",
    "/sys/class/watchdog/watchdog0/timeout": "15",
    "/proc/mounts": "/dev/dm-0 / squashfs ro,relatime 0 0\ntmpfs /run tmpfs rw 0 0",
    "/proc/41/stat": stat("irq/33-mmc0", 50, 1),
    "/proc/42/stat": stat("irq/45-gatewarden", 85, 1),
    "/proc/43/stat": stat("irq/46-gatewarden", 85, 1),
    "/proc/77/cmdline": "gatewarden\0check\0--config\0\(path)\0",
    "/proc/80/cmdline": "/usr/sbin/gatewarden\0run\0--config\0\(path)\0--state\0/data/state\0",
    "/proc/80/status": "Name:\tgatewarden\nVmLck:\t   30000 kB\nVmRSS:\t   20000 kB\nCpus_allowed_list:\t0-7",
    "/proc/80/fd/5": "/dev/watchdog0",
    "/proc/80/task/80/stat": stat("gatewarden", 0, 0),
    "/proc/80/task/80/status": "Cpus_allowed_list:\t0-7",
    "/proc/80/task/81/stat": stat("lane", 80, 1),
    "/proc/80/task/81/status": "Name:\tlane\nCpus_allowed_list:\t5",
    "/proc/80/task/82/stat": stat("lane alarm", 79, 1),
    "/proc/80/task/82/status": "Cpus_allowed_list:\t5",
]

private let asked = [
    "its memory is locked", "its lane's threads have SCHED_FIFO 80 and 79", "they run on processor 5 alone",
    "the kernel's threads of its lines stand above those of other interrupts", "the firmware holds it",
]

@Suite struct BoardCheckTests {
    private func checks(
        _ changes: [String: String?], _ text: String = configuration, canConfine: Bool = true,
        isShown: Bool = true
    ) throws -> [BoardCheck] {
        let settings = try Settings(configuration: Array(text.utf8))
        let kernel = good.merging(changes.mapValues { $0 ?? "" }) { $1 }.filter { !$0.value.isEmpty }
        let board = BoardSight(
            text: { kernel[$0] },
            names: { folder in
                guard isShown || !folder.hasSuffix("/fd") else { return nil }
                let below = kernel.keys.filter { $0.hasPrefix(folder + "/") }.map { $0.dropFirst(folder.count + 1) }
                return Set(below.map { String($0.prefix { $0 != "/" }) }).sorted()
            },
            link: { kernel[$0] })
        return boardChecks(settings, configPath: path, canConfine: canConfine, board)
    }

    private func failing(
        _ changes: [String: String?], _ text: String = configuration, canConfine: Bool = true
    ) throws -> [String] {
        try checks(changes, text, canConfine: canConfine).filter { !$0.holds }.map { $0.what }
    }

    @Test func aBoardThatGivesEverythingHoldsEveryItem() throws {
        #expect(try checks([:]).allSatisfy { $0.finding == .holds })
        #expect(try checks([:]).count == 16)
        #expect(try failing([:], canConfine: false) == ["threads can give up system calls"])
    }

    @Test func aFrequencyThatTheKernelDoesNotKnowIsNoItemThatHolds() throws {
        let changed = try checks(["/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor": nil])
        let others = changed.filter { $0.finding != .holds }
        #expect(others.map { $0.text.prefix(32) } == ["n/a    its frequency is fixed: t"])
        #expect(changed.allSatisfy { $0.holds })
    }

    @Test(
        arguments: [
            ("/proc/version", "Linux version 6.12.1 #1 SMP PREEMPT_DYNAMIC x", "the kernel is PREEMPT_RT"),
            ("/sys/devices/system/cpu/isolated", "0-4,6", "processor 5 is the lane's alone"),
            ("/sys/devices/system/cpu/isolated", nil, "processor 5 is the lane's alone"),
            ("/proc/irq/default_smp_affinity", "20", "interrupts stay away from it"),
            ("/proc/irq/default_smp_affinity", "ffffffff,ffffffff", "interrupts stay away from it"),
            ("/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor", "schedutil", "its frequency is fixed"),
            ("/proc/sys/kernel/sched_rt_runtime_us", "950000", "a real-time thread is never throttled"),
            ("/proc/swaps", "Filename\tType\n/dev/sda2 partition 1 0 -2", "there is no swap"),
            ("/sys/class/watchdog/watchdog0/nowayout", "0", "nothing switches it off"),
            ("/sys/class/watchdog/watchdog0/state", "inactive", "the watchdog /dev/watchdog0 runs, with 15 s"),
            ("/sys/class/watchdog/watchdog0/state", nil, "the watchdog /dev/watchdog0 runs, with 15 s"),
            ("/sys/class/watchdog/watchdog0/timeout", "60", "the watchdog /dev/watchdog0 runs, with 15 s"),
            ("/proc/mounts", "/dev/sda1 / ext4 rw,relatime 0 0", "the root file system is read-only"),
            ("/proc/80/status", "VmLck:\t0 kB\nVmRSS:\t20000 kB", asked[0]),
            ("/proc/80/status", "Name:\tgatewarden", asked[0]),
            ("/proc/80/task/81/stat", stat("lane", 0, 0), asked[1]),
            ("/proc/80/task/81/stat", stat("lane", 79, 1), asked[1]),
            ("/proc/80/task/82/stat", stat("lane alarm", 79, 2), asked[1]),
            ("/proc/80/task/81/status", "Cpus_allowed_list:\t0-5", asked[2]),
            ("/proc/80/task/82/status", "Cpus_allowed_list:\t4", asked[2]),
            ("/proc/43/stat", stat("irq/46-gatewarden", 50, 1), asked[3]),
            ("/proc/41/stat", stat("irq/33-mmc0", 85, 1), asked[3]),
            ("/proc/80/fd/5", "/dev/null", asked[4]),
        ] as [(String, String?, String)])
    func whatIsMissingIsNamedAlone(path: String, text: String?, what: String) throws {
        #expect(try failing([path: text]) == [what])
    }

    @Test func linesWithoutThreadsOfTheirOwnAreTold() throws {
        #expect(try failing(["/proc/42/stat": nil, "/proc/43/stat": nil]) == [asked[3]])
        let simulated = configuration + "lines.backend = socket\nlines.socket = /run/lines.sock\n"
        #expect(try !checks([:], simulated).contains { $0.what == asked[3] })
    }

    @Test(arguments: ["/usr/sbin/gatewarden\0run\0--config\0/other\0", "/bin/sh\0run\0--config\0\(path)\0"])
    func aFirmwareThatDoesNotRunIsNotTakenAtItsConfigurationsWord(commandLine: String) throws {
        let found = try checks(["/proc/80/cmdline": commandLine]).filter { !$0.holds }
        #expect(found.map { $0.what } == ["the firmware runs with this configuration"] + asked)
        #expect(found.dropFirst().allSatisfy { $0.text.hasPrefix("UNSEEN ") })
    }

    @Test func whoMayNotLookIntoTheFirmwareIsToldSo() throws {
        let found = try checks([:], isShown: false).filter { !$0.holds }
        #expect(found.map { $0.text } == ["UNSEEN the firmware holds it: its open files are not shown: ask as root"])
    }

    @Test func theFirstWatchdogsOlderNameIsTheSame() throws {
        let older = configuration.replacing("watchdog0", with: "watchdog")
        #expect(try failing([:], older).isEmpty)
        #expect(try failing(["/proc/80/fd/5": "/dev/watchdog"], older).isEmpty)
    }

    @Test func theWatchdogThatItWasGivenIsAskedForWhereTheConfigurationNamesNone() throws {
        let text = configuration.split(separator: "\n").filter { !$0.hasPrefix("watchdog") }.joined(separator: "\n")
        let given = "/usr/sbin/gatewarden\0run\0--config\0\(path)\0--watchdog\0/dev/watchdog0\0"
        #expect(try failing([:], text + "\n") == ["a watchdog is configured"])
        #expect(try failing(["/proc/80/cmdline": given], text + "\n") == [])
        #expect(
            try failing(["/proc/80/cmdline": given, "/proc/80/fd/5": "/dev/null"], text + "\n")
                == ["the firmware holds it"])
    }

    @Test func aLaneWithoutItsProcessorMemoryAndAWatchdogIsTold() throws {
        let text = configuration.split(separator: "\n").filter {
            !$0.hasPrefix("watchdog") && !$0.hasPrefix("realtime")
        }
        #expect(
            try failing([:], text.joined(separator: "\n") + "\nrealtime.lock_memory = no\n") == [
                "a processor is the lane's alone", asked[0], "a watchdog is configured",
            ])
    }
}
