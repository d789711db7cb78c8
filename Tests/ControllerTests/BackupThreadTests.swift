// The scheduled backup: when it is due, what a failure does, and that a medium that hangs hangs nobody else.

import Configuration
import Domain
import Foundation
import Machine
import Synchronization
import Testing

@testable import Controller
@testable import Ledger

/// A clock's face of 2026: 1 March is a Sunday.
private func wall(_ day: Int, _ hour: Int, _ minute: Int = 0) -> WallTime {
    CivilTime(year: 2026, month: 3, day: day, hour: hour, minute: minute).wallTime()
}

struct BackupPlanTests {
    private let plan = BackupPlan(minuteOfDay: 210, fullDay: .sunday, offsetMinutes: 480)

    @Test func theDailyMomentIsTodaysOrYesterdays() {
        #expect(plan.moment(upTo: wall(3, 3, 30)) == wall(3, 3, 30))
        #expect(plan.moment(upTo: wall(3, 3, 29)) == wall(2, 3, 30))
        #expect(plan.moment(upTo: wall(3, 23, 59)) == wall(3, 3, 30))
        let february = CivilTime(year: 2026, month: 2, day: 28, hour: 3, minute: 30).wallTime()
        #expect(plan.moment(upTo: wall(1, 0)) == february)
    }

    @Test func theWeeklyMomentIsOnItsDay() {
        #expect(plan.fullMoment(upTo: wall(1, 3, 30)) == wall(1, 3, 30))
        #expect(plan.fullMoment(upTo: wall(7, 12)) == wall(1, 3, 30))
        #expect(plan.fullMoment(upTo: wall(8, 3, 29)) == wall(1, 3, 30))
        #expect(plan.fullMoment(upTo: wall(8, 3, 31)) == wall(8, 3, 30))
        for day in Weekday.allCases {
            let plan = BackupPlan(minuteOfDay: 0, fullDay: day, offsetMinutes: 480)
            // 9 March is a Monday.
            let wanted = day == .sunday ? 15 : 8 + day.number
            #expect(plan.fullMoment(upTo: wall(15, 1)) == wall(wanted, 0), "\(day)")
        }
    }

    @Test func aClockThatWasNeverSetIsNoTrap() {
        for seconds in [-100_000, -1, 0, 1, 100_000] as [Int64] {
            let wall = WallTime(microseconds: seconds * 1_000_000)
            #expect(plan.moment(upTo: wall) <= wall && plan.fullMoment(upTo: wall) <= wall)
            #expect(wall.microseconds - plan.moment(upTo: wall).microseconds < 86_400_000_000)
            #expect(wall.microseconds - plan.fullMoment(upTo: wall).microseconds < 7 * 86_400_000_000)
        }
    }
}

/// The disk, of which writing may be refused or hang.
private final class BenchStreams: FileStreams, @unchecked Sendable {
    private final class Output: FileOutput {
        let inner: any FileOutput
        let owner: BenchStreams
        init(_ inner: any FileOutput, _ owner: BenchStreams) {
            self.inner = inner
            self.owner = owner
        }
        func write(_ bytes: [UInt8]) throws(MachineError) {
            try owner.pass()
            try inner.write(bytes)
        }
        func publish() throws(MachineError) {
            try owner.pass()
            try inner.publish()
        }
    }

    let errno = Atomic<Int32>(0)
    let hangs = Atomic<Bool>(false)
    let isHanging = Atomic<Bool>(false)

    func pass() throws(MachineError) {
        while hangs.load(ordering: .relaxed) {
            isHanging.store(true, ordering: .relaxed)
            usleep(1_000)
        }
        let errno = errno.load(ordering: .relaxed)
        if errno != 0 { throw .system(call: "write", subject: "the stick", errno: errno) }
    }

    func output(_ path: String) throws(MachineError) -> any FileOutput { Output(try DiskFiles().output(path), self) }
    func input(_ path: String) throws(MachineError) -> any FileInput { try DiskFiles().input(path) }
}

private final class BackupBench {
    let folder = NSTemporaryDirectory() + "gw-backup-thread-" + UUID().uuidString
    let target: String
    let streams = BenchStreams()
    let channels: BackupChannels
    let bench: Bench
    let writer: LedgerWriter
    private let allowsOwnDisk: Bool

    init(allowsOwnDisk: Bool = true) throws {
        target = folder + "-usb"
        self.allowsOwnDisk = allowsOwnDisk
        let bell = try Wakeup()
        channels = BackupChannels(
            bell: bell, notes: Ring(capacity: 4, bell: try Wakeup()), states: Ring(capacity: 16, bell: try Wakeup()))
        bench = Bench(bell)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        writer = try LedgerWriter(
            folder: folder + "/ledger", files: DiskFiles(), clock: bench.clock, device: "gate-1")
        try writer.begin()
        try writer.appendBoot(version: "1.0.0", cause: "test")
        try writer.commit()
    }

    deinit {
        for path in [folder, target] { try? FileManager.default.removeItem(atPath: path) }
    }

    /// A thread on this site; `bench` is another one after a restart.
    func thread(_ bench: Bench) -> BackupThread {
        let settings = BackupSettings(
            folder: target, minuteOfDay: 210, fullDay: .sunday, fullsKept: 2, bytesPerSecond: 1 << 30,
            retry: .seconds(600), allowsOwnDisk: allowsOwnDisk)
        return BackupThread(
            settings: settings, offsetMinutes: 480, stateFolder: folder, files: DiskFiles(), streams: streams,
            channels: channels, clock: bench.clock, stop: bench.stop, pulse: bench.pulse, log: bench.log)
    }

    func start(_ other: Bench? = nil) throws {
        let thread = thread(other ?? bench)
        try (other ?? bench).start { thread.run() }
    }

    func record(_ text: String) throws {
        try writer.begin()
        try writer.append(note: .faultRaised(subject: "camera", detail: text))
        try writer.commit()
    }

    /// What the ledger was told since the last call.
    func entries() -> [BackupEntry] {
        channels.notes.all().compactMap { if case .note(.backup(let entry)) = $0 { entry } else { nil } }
    }

    /// What the console would say.
    func lines() throws -> [String] {
        let state = try #require(channels.states.all().last)
        return state.lines(wall: bench.clock.wall(), now: bench.clock.now())
    }

    func chains() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: target)) ?? []
        return names.filter { $0.hasSuffix(".chain") }.sorted()
    }
}

struct BackupThreadTests {
    @Test func aMissedBackupIsMadeAtTheStartAndThenEveryDayAndAFullOneEveryWeek() throws {
        // Sunday, 08:00.
        let bench = try BackupBench()
        try bench.start()
        var entries = bench.entries()
        #expect(entries.map(\.result) == [.full] && entries[0].head == bench.writer.head)
        #expect(entries[0].folder == bench.target && (entries[0].bytes ?? 0) > 100)
        // The tests' disk is the ledger's own.
        #expect(entries[0].detail.contains("own disk"))
        #expect(try bench.lines().first?.contains("last made 0 s ago (full, up to record 1") == true)
        var results: [BackupEntry.Result] = []
        for day in 1...8 {
            try bench.record("day \(day)")
            // 03:20: not yet.
            bench.bench.advance(day == 1 ? .seconds(19 * 3_600 + 1_200) : .seconds(23 * 3_600 + 2_700))
            #expect(bench.entries().isEmpty)
            bench.bench.advance(.seconds(900))
            entries = bench.entries()
            #expect(entries.count == 1 && entries.last?.head == bench.writer.head)
            results += entries.map(\.result)
        }
        #expect(results == [.part, .part, .part, .part, .part, .part, .full, .part])
        #expect(bench.bench.end())
    }

    @Test func aRestartKnowsWhenTheLastOneWasMade() throws {
        let bench = try BackupBench()
        try bench.start()
        #expect(bench.entries().map(\.result) == [.full])
        #expect(bench.bench.end())
        let again = Bench(bench.channels.bell)
        again.clock.advance(.seconds(3_600))
        try bench.start(again)
        #expect(bench.entries().isEmpty)
        let state = try #require(bench.channels.states.all().last)
        #expect(state.lines(wall: again.clock.wall(), now: again.clock.now())[0].contains("last made 60 min ago"))
        #expect(state.isOverdue(wall: wall(3, 7, 59), now: again.clock.now()) == false)
        #expect(state.isOverdue(wall: wall(3, 8, 1), now: again.clock.now()))
        #expect(again.end())
    }

    @Test func aFailureIsSaidRecordedOnceADayAndTriedAgainEverMoreSlowly() throws {
        let bench = try BackupBench()
        bench.streams.errno.store(28, ordering: .relaxed)
        try bench.start()
        let first = bench.entries()
        #expect(first.map(\.result) == [.failed] && first[0].detail.contains("No space left"))
        #expect(first[0].head == nil && first[0].bytes == nil)
        var lines = try bench.lines()
        #expect(lines[0].contains("none yet") && lines[1].contains("FAILED 1 times, for 0 s"))
        #expect(lines[1].contains("No space left") && lines[1].contains("next try in 10 min"))
        #expect(bench.chains().isEmpty)
        // 10, 20, 40, 60, 60 … minutes.
        bench.bench.advance(.seconds(599))
        #expect(bench.channels.states.all().isEmpty)
        for (number, seconds) in [2, 1_200, 2_400, 3_600, 3_600].enumerated() {
            bench.bench.advance(.seconds(UInt64(seconds)))
            #expect(try bench.lines()[1].contains("FAILED \(number + 2) times"))
        }
        #expect(bench.entries().isEmpty)
        bench.bench.advance(.seconds(86_400))
        #expect(bench.entries().map(\.result) == [.failed])
        bench.bench.advance(.seconds(86_400))
        lines = try bench.lines()
        #expect(lines[0].contains("OVERDUE, none yet, wanted for 51 h"))
        bench.streams.errno.store(0, ordering: .relaxed)
        bench.bench.advance(.seconds(3_600))
        #expect(bench.entries().map(\.result).suffix(1) == [.full])
        lines = try bench.lines()
        #expect(!lines[0].contains("OVERDUE") && !lines.contains { $0.contains("FAILED") })
        #expect(bench.bench.end())
    }

    @Test func theControllersOwnDiskIsRefusedUnlessItIsAllowed() throws {
        let bench = try BackupBench(allowsOwnDisk: false)
        try bench.start()
        let entries = bench.entries()
        #expect(entries.map(\.result) == [.failed] && entries[0].detail.contains("own disk"))
        #expect(!FileManager.default.fileExists(atPath: bench.target))
        #expect(bench.bench.end())
    }

    @Test func aMediumThatHangsHangsThisThreadAloneAndItsEndIsNotWaitedFor() throws {
        let bench = try BackupBench()
        bench.streams.hangs.store(true, ordering: .relaxed)
        // It cannot settle: it hangs in its first turn.
        let clock = bench.bench.clock
        let thread = bench.thread(bench.bench)
        let running = try Machine.Thread(ThreadSettings(name: "hangs"), shortfall: { _ in }) { thread.run() }
        #expect(eventually { bench.streams.isHanging.load(ordering: .relaxed) })
        clock.advance(.seconds(61))
        #expect(bench.bench.pulse.age(clock.now()) > BackupThread.pulseLimit)
        #expect(try bench.lines()[0].contains("one is under way for 61 s"))
        // The writer goes on meanwhile.
        try bench.record("meanwhile")
        bench.bench.stop.raise()
        bench.channels.bell.ring()
        #expect(!running.join(within: .milliseconds(300)))
        bench.streams.hangs.store(false, ordering: .relaxed)
        #expect(running.join(within: .seconds(10)))
    }

    @Test func anEndInTheMiddleIsNoFailure() throws {
        let bench = try BackupBench()
        for number in 0..<3 {
            var capture = capture("k\(number)", photos: [[UInt8](repeating: UInt8(number), count: 300_000)])
            capture.takenAt = bench.bench.clock.wall()
            try bench.writer.begin()
            _ = try bench.writer.append(capture: capture, lane: lane, token: nil)
            try bench.writer.commit()
        }
        bench.bench.stop.raise()
        // A stop that comes first: nothing is begun. One in the middle ends the copy, and leaves no chain file.
        try bench.start()
        #expect(bench.bench.isOver() && bench.entries().isEmpty && bench.chains().isEmpty)
    }

    @Test func aWallClockThatFellBackAsksForOneADayOnly() throws {
        let bench = try BackupBench()
        try bench.start()
        #expect(bench.entries().count == 1)
        #expect(bench.bench.end())
        // As if it had been made in 2027.
        let path = bench.folder + "/backup.state"
        let later = String(CivilTime(year: 2027, month: 1, day: 1).wallTime().microseconds)
        try "\(later)\n\(later)\n\(later)\n\(bench.target)\n".write(toFile: path, atomically: true, encoding: .utf8)
        let again = Bench(bench.channels.bell)
        try bench.start(again)
        again.advance(.seconds(23 * 3_600))
        #expect(bench.entries().isEmpty)
        again.advance(.seconds(2 * 3_600))
        #expect(bench.entries().map(\.result) == [.full])
        again.advance(.seconds(2 * 3_600))
        #expect(bench.entries().isEmpty)
        #expect(again.end())
    }
}
