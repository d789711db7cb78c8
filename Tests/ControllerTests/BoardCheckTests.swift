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

private let good = [
    "/proc/version": "Linux version 6.12.1 (a@b) (gcc 12) #1 SMP PREEMPT_RT 2026-01-01",
    "/sys/devices/system/cpu/isolated": "2,4-5",
    "/proc/irq/default_smp_affinity": "00000000,0000000f",
    "/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor": "performance",
    "/proc/sys/kernel/sched_rt_runtime_us": "-1",
    "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority",
    "/sys/class/watchdog/watchdog0/nowayout": "1",
    "/proc/mounts": "/dev/dm-0 / squashfs ro,relatime 0 0\ntmpfs /run tmpfs rw 0 0",
]

@Suite struct BoardCheckTests {
    private func failing(
        _ changes: [String: String?], _ text: String = configuration, canConfine: Bool = true
    ) throws -> [String] {
        let settings = try Settings(configuration: Array(text.utf8))
        var kernel = good
        for (path, value) in changes { kernel[path] = value }
        return boardChecks(settings, canConfine: canConfine) { kernel[$0] }.filter { !$0.holds }.map { $0.what }
    }

    @Test func aBoardThatGivesEverythingHoldsEveryItem() throws {
        #expect(try failing([:]).isEmpty)
        #expect(try failing(["/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor": nil]).isEmpty)
        #expect(try failing([:], canConfine: false) == ["threads can give up system calls"])
    }

    @Test(
        arguments: [
            ("/proc/version", "Linux version 6.12.1 #1 SMP PREEMPT_DYNAMIC x", "the kernel is PREEMPT_RT"),
            ("/sys/devices/system/cpu/isolated", "0-4,6", "processor 5 is the lane's alone"),
            ("/sys/devices/system/cpu/isolated", "", "processor 5 is the lane's alone"),
            ("/proc/irq/default_smp_affinity", "20", "interrupts stay away from it"),
            ("/proc/irq/default_smp_affinity", "ffffffff,ffffffff", "interrupts stay away from it"),
            ("/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor", "schedutil", "its frequency is fixed"),
            ("/proc/sys/kernel/sched_rt_runtime_us", "950000", "a real-time thread is never throttled"),
            ("/proc/swaps", "Filename\tType\n/dev/sda2 partition 1 0 -2", "there is no swap"),
            ("/sys/class/watchdog/watchdog0/nowayout", "0", "the watchdog cannot be switched off"),
            ("/proc/mounts", "/dev/sda1 / ext4 rw,relatime 0 0", "the root file system is read-only"),
        ] as [(String, String?, String)])
    func whatIsMissingIsNamedAlone(path: String, text: String?, what: String) throws {
        #expect(try failing([path: text]) == [what])
    }

    @Test func aLaneWithoutItsProcessorAndAWatchdogIsTold() throws {
        let text = configuration.split(separator: "\n").filter {
            !$0.hasPrefix("watchdog") && !$0.hasPrefix("realtime")
        }
        #expect(
            try failing([:], text.joined(separator: "\n") + "\n") == [
                "a processor is the lane's alone", "a watchdog is configured",
            ])
    }
}
