import Domain
import Foundation
import Machine
import Store
import Synchronization
import Testing

@testable import Controller
@testable import Ledger

/// The disk's files, of which photos may fail to be written.
private final class BenchFiles: Files, @unchecked Sendable {
    private let disk = DiskFiles()
    let isFull = Atomic<Bool>(false)

    func read(_ path: String, limit: Int) throws(MachineError) -> [UInt8] { try disk.read(path, limit: limit) }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func names(in folder: String) throws(MachineError) -> [String] { try disk.names(in: folder) }
    func remove(_ path: String) throws(MachineError) { try disk.remove(path) }
    func createFolder(_ path: String) throws(MachineError) { try disk.createFolder(path) }

    func writeDurably(_ bytes: [UInt8], to path: String) throws(MachineError) {
        if isFull.load(ordering: .relaxed) { throw .system(call: "write", subject: path, errno: 28) }
        try disk.writeDurably(bytes, to: path)
    }
}

private final class LedgerBench {
    private static let gate = GateCodes(
        enterpriseID: "410100A001", enterpriseName: "示例钢铁有限公司", entranceGateCode: "A", gateCode: "A01")

    let folder = NSTemporaryDirectory() + "gw-controller-" + UUID().uuidString
    let files = BenchFiles()
    let status: LedgerStatus
    let channels: LedgerChannels
    let bench: Bench
    /// The last record before the thread began.
    let start: UInt64
    private let thread: LedgerThread

    init(databaseLimit: UInt64 = 1 << 30, whenFull: LedgerKeeping.WhenFull = .goOn) throws {
        let bell = try Wakeup()
        let elsewhere = try Wakeup()
        channels = LedgerChannels(
            bell: bell, captures: Ring(capacity: 32, bell: bell), decisions: Ring(capacity: 64, bell: bell),
            ends: Ring(capacity: 256, bell: bell), receipts: [Ring(capacity: 64, bell: bell)],
            notes: Ring(capacity: 64, bell: bell), verdicts: Ring(capacity: 256, bell: elsewhere),
            signVerdicts: Ring(capacity: 256, bell: elsewhere), kept: Ring(capacity: 64, bell: elsewhere),
            uplinkBell: elsewhere)
        bench = Bench(bell)
        let writer = try LedgerWriter(folder: folder, files: files, clock: bench.clock, device: "gate-1")
        try writer.begin()
        try writer.appendBoot(version: "1.0.0", cause: "test")
        try writer.commit()
        // Sealed already, so that the thread's records are those of the test.
        try writer.seal(.start)
        start = writer.head.sequence
        status = LedgerStatus()
        let keeping = LedgerKeeping(
            sealInterval: .seconds(900),
            retention: RetentionPolicy(recordDays: 760, photoDays: 400, destinations: ["p"]),
            databaseLimitBytes: databaseLimit, photoLimitBytes: 1 << 30, whenFull: whenFull)
        thread = LedgerThread(
            writer: writer, keeping: keeping, gates: [LaneGate(lane: lane, direction: .entry, codes: LedgerBench.gate)],
            channels: channels, clock: bench.clock, stop: bench.stop, pulse: bench.pulse, status: status,
            log: bench.log)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    func run() throws {
        let thread = thread
        try bench.start { thread.run() }
    }

    var isFailing: Bool { status.isFailing.load(ordering: .relaxed) }
    var refused: UInt32 { status.refused.load(ordering: .relaxed) }

    /// What the thread has recorded, as anybody else reads it.
    func records() throws -> [Record] {
        try LedgerReader(folder: folder, files: files).records(from: start + 1, limit: 1_000)
    }

    func kinds() throws -> [RecordKind?] { try records().map { RecordKind(rawValue: $0.kindNumber) } }

    func decide(_ token: VehicleToken, _ reason: VerdictReason = .stageAllowed) {
        var decision = Decision(
            verdict: Verdict(lane: lane, token: token, reason: reason), direction: .entry,
            askedAt: bench.clock.now(), decidedAt: bench.clock.now())
        decision.plate = plate()
        decision.rawPlate = "冀A12345"
        decision.vehicle = Vehicle(plate: plate(), stage: .china6)
        #expect(channels.decisions.push(decision))
    }

    func end(_ token: VehicleToken, _ outcome: PassOutcome = .completed) {
        let now = bench.clock.now()
        let end = PassEnd(
            lane: lane, token: token, outcome: outcome, arrivedAt: now, raisedAt: now, enteredAt: now, endedAt: now)
        #expect(channels.ends.push(end))
    }

    func keep(_ request: UInt32, _ key: String, photos: [[UInt8]] = [[0xFF, 0xD8, 1]]) {
        let capture = capture(key, photos: photos)
        #expect(channels.captures.push(CaptureToKeep(request: request, lane: lane, capture: capture)))
    }

    /// Another program that holds the database: no transaction of the thread's can begin.
    func obstruct() throws -> Database {
        let other = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
        try other.begin()
        return other
    }
}

@Suite struct LedgerThreadTests {
    @Test func aVerdictLeavesOnlyWhenItsDecisionIsRecorded() throws {
        let ledger = try LedgerBench()
        let obstacle = try ledger.obstruct()
        try ledger.run()
        ledger.decide(token(1))
        usleep(300_000)
        #expect(ledger.channels.verdicts.pop() == nil && ledger.channels.signVerdicts?.pop() == nil)
        obstacle.rollback()
        var verdict: Verdict?
        #expect(
            eventually {
                verdict = ledger.channels.verdicts.pop(); return verdict != nil
            })
        #expect(verdict == Verdict(lane: lane, token: token(1), reason: .stageAllowed))
        guard case .decision(let decision, let gate)? = try ledger.records().first?.body else {
            Issue.record("the decision is not there")
            return
        }
        #expect(decision.verdict == verdict && gate.gateCode == "A01")
        ledger.bench.settle()
        let shown = ledger.channels.signVerdicts?.all() ?? []
        #expect(shown.map(\.plate) == ["冀A12345"] && shown.map(\.stage) == [.china6])
        #expect(ledger.status.head.load(ordering: .relaxed) == ledger.start + 1)
        #expect(ledger.bench.end())
    }

    @Test func decisionsWaitForADiskThatFailsAndAreReleasedOnceWhenItHeals() throws {
        let ledger = try LedgerBench()
        let obstacle = try ledger.obstruct()
        try ledger.run()
        ledger.decide(token(1))
        ledger.end(token(1))
        ledger.keep(1, "k1")
        #expect(eventually { ledger.isFailing })
        // The camera keeps its read and is told so; nothing else is lost, and nothing leaves.
        var kept: CaptureKept?
        #expect(
            eventually {
                kept = ledger.channels.kept.pop(); return kept != nil
            })
        #expect(kept?.request == 1 && kept?.fate == nil)
        ledger.decide(token(2))
        #expect(ledger.channels.verdicts.pop() == nil)
        obstacle.rollback()
        #expect(eventually { !ledger.isFailing })
        ledger.bench.settle()
        let verdicts = ledger.channels.verdicts.all()
        #expect(verdicts.map(\.token) == [token(1), token(2)])
        #expect(
            try ledger.kinds() == [.decision, .decision, .pass] || ledger.kinds() == [.decision, .pass, .decision])
        #expect(ledger.refused == 0)
        #expect(ledger.bench.end())
    }

    @Test func aReadWhosePhotosCannotBeWrittenIsRefusedAlone() throws {
        let ledger = try LedgerBench()
        ledger.files.isFull.store(true, ordering: .relaxed)
        ledger.keep(1, "k1")
        ledger.keep(2, "k2", photos: [])
        ledger.decide(token(1))
        try ledger.run()
        ledger.bench.settle()
        let answers = ledger.channels.kept.all()
        #expect(answers.map(\.request) == [1, 2] && answers.map(\.fate) == [nil, .stored([])])
        #expect(ledger.channels.verdicts.all().map(\.token) == [token(1)])
        #expect(!ledger.isFailing)
        // The camera comes again when there is room, and then it is kept as new.
        ledger.files.isFull.store(false, ordering: .relaxed)
        ledger.keep(3, "k1")
        ledger.keep(4, "k1")
        ledger.bench.settle()
        let again = ledger.channels.kept.all()
        guard case .stored(let photos)? = again.first?.fate else {
            Issue.record("not kept: \(again)")
            return
        }
        #expect(photos.count == 1 && again.map(\.request) == [3, 4] && again.last?.fate == .duplicate)
        #expect(try ledger.kinds() == [.capture, .decision, .capture])
        #expect(ledger.bench.end())
    }

    @Test func whatTheLedgerWillNotTakeHoldsUpNothingElse() throws {
        let ledger = try LedgerBench()
        ledger.decide(token(1, boot: 9))
        ledger.decide(token(2))
        ledger.decide(token(2), .blacklisted)
        ledger.end(token(3, boot: 9))
        ledger.end(token(2))
        ledger.end(token(2), .forced)
        ledger.keep(1, "")
        ledger.keep(2, "k2")
        try ledger.run()
        ledger.bench.settle()
        #expect(try ledger.kinds() == [.capture, .decision, .pass])
        #expect(ledger.refused == 5)
        let verdicts = ledger.channels.verdicts.all()
        #expect(verdicts == [Verdict(lane: lane, token: token(2), reason: .stageAllowed)], "only what is recorded")
        #expect(ledger.channels.kept.all().map { $0.fate == nil } == [true, false])
        #expect(!ledger.isFailing)
        #expect(ledger.bench.end())
    }

    @Test func receiptsOutOfTheirOrderMoveNoCursor() throws {
        let ledger = try LedgerBench()
        ledger.decide(token(1))
        ledger.decide(token(2))
        ledger.end(token(1))
        ledger.end(token(2))
        try ledger.run()
        ledger.bench.settle()
        let reader = try LedgerReader(folder: ledger.folder, files: ledger.files)
        let first = try #require(try reader.nextDue(destination: "p")?.sequence)
        let receipts = ledger.channels.receipts[0]
        #expect(receipts.push(.confirmed(destination: "p", sequence: first + 1, step: 0)))
        #expect(receipts.push(.confirmed(destination: "p", sequence: first, step: 1)))
        ledger.bench.settle()
        #expect(try reader.nextDue(destination: "p")?.sequence == first && reader.backlog(destination: "p") == 2)
        #expect(receipts.push(.quarantined(destination: "p", sequence: first, step: 0, reason: "no such gate")))
        #expect(receipts.push(.confirmed(destination: "p", sequence: first, step: 0)))
        ledger.bench.settle()
        #expect(try reader.nextDue(destination: "p")?.sequence == first + 1 && reader.backlog(destination: "p") == 1)
        #expect(ledger.refused == 3)
        #expect(try reader.quarantined(destination: "p", limit: 9).map(\.reason) == ["no such gate"])
        #expect(ledger.bench.end())
    }

    @Test func aFullLedgerThatStopsRefusesWithItsReason() throws {
        let ledger = try LedgerBench(databaseLimit: 1, whenFull: .stop)
        try ledger.run()
        #expect(eventually { ledger.status.fullness.load(ordering: .relaxed) == 2 })
        ledger.decide(token(1))
        ledger.decide(token(2), .blacklisted)
        ledger.bench.settle()
        #expect(ledger.channels.verdicts.all().map(\.reason) == [.ledgerFull, .blacklisted])
        #expect(try ledger.kinds() == [.faultRaised, .decision, .decision])
        #expect(ledger.bench.end())
    }

    @Test func aFullLedgerThatGoesOnKeepsNoPhotos() throws {
        let ledger = try LedgerBench(databaseLimit: 1, whenFull: .goOn)
        try ledger.run()
        #expect(eventually { ledger.status.fullness.load(ordering: .relaxed) == 2 })
        ledger.keep(1, "k1")
        ledger.decide(token(1))
        ledger.bench.settle()
        #expect(ledger.channels.kept.all().map(\.fate) == [.stored([])])
        #expect(ledger.channels.verdicts.all().map(\.reason) == [.stageAllowed])
        #expect(ledger.bench.end())
    }

    @Test func theEndIsSealed() throws {
        let ledger = try LedgerBench()
        ledger.decide(token(1))
        try ledger.run()
        ledger.bench.settle()
        #expect(ledger.bench.end())
        guard case .seal(let seal)? = try ledger.records().last?.body else { throw CancellationError() }
        #expect(seal.reason == .orderlyEnd)
    }

    @Test func allThatWaitsAtTheEndIsRecorded() throws {
        let ledger = try LedgerBench()
        for count in UInt32(1)...200 { ledger.end(token(count), .backedOut) }
        #expect(ledger.channels.notes.push(.note(.shutdown(cause: "test"))))
        ledger.bench.stop.raise()
        try ledger.run()
        #expect(ledger.bench.isOver())
        let kinds = try ledger.kinds()
        #expect(kinds.count { $0 == .pass } == 200 && kinds.contains(.shutdown))
    }
}
