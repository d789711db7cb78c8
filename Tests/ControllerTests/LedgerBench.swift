// The ledger thread under test, with the rings around it and files that may fail.

import Domain
import Foundation
import LaneCore
import Machine
import Store
import Synchronization
import Testing

@testable import Controller
@testable import Ledger

/// The disk's files, of which photos may fail to be written; on a faulty disk, all.
final class BenchFiles: Files, @unchecked Sendable {
    private let disk = DiskFiles()
    let isFull = Atomic<Bool>(false)
    /// 0: not known.
    let free = Atomic<UInt64>(0)
    private let isFaulty: Bool

    init(isFaulty: Bool = false) { self.isFaulty = isFaulty }

    func freeBytes(at path: String) -> UInt64? {
        let free = free.load(ordering: .relaxed)
        return free == 0 ? nil : free
    }

    func read(_ path: String, limit: Int) throws(MachineError) -> [UInt8] { try disk.read(path, limit: limit) }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func names(in folder: String) throws(MachineError) -> [String] { try disk.names(in: folder) }

    func remove(_ path: String) throws(MachineError) {
        try disk.remove(path)
        // There is space again.
        if isFaulty, path.hasSuffix("/reserve") { FaultyDisk.heal() }
    }

    func createFolder(_ path: String) throws(MachineError) { try disk.createFolder(path) }

    func writeDurably(_ bytes: [UInt8], to path: String) throws(MachineError) {
        if isFaulty { try FaultyDisk.check(.space, path) }
        if isFull.load(ordering: .relaxed) { throw .system(call: "write", subject: path, errno: 28) }
        try disk.writeDurably(bytes, to: path)
    }
}

final class LedgerBench {
    private static let gate = GateCodes(
        enterpriseID: "410100A001", enterpriseName: "示例钢铁有限公司", entranceGateCode: "A", gateCode: "A01")

    let folder: String
    private let isKept: Bool
    let files: BenchFiles
    let status: LedgerStatus
    let channels: LedgerChannels
    let bench: Bench
    /// The last record before the thread began.
    let start: UInt64
    private let thread: LedgerThread

    init(
        in folder: String = NSTemporaryDirectory() + "gw-controller-" + UUID().uuidString,
        isKept: Bool = false, databaseLimit: (_ bytes: UInt64) -> UInt64 = { _ in 1 << 30 },
        whenFull: LedgerKeeping.WhenFull = .goOn, vfs: String? = nil, isFaulty: Bool = false
    ) throws {
        files = BenchFiles(isFaulty: isFaulty)
        if isFaulty { FaultyDisk.register() }
        self.folder = folder
        self.isKept = isKept
        let bell = try Wakeup()
        let elsewhere = try Wakeup()
        channels = LedgerChannels(
            bell: bell, captures: Ring(capacity: 32, bell: bell), decisions: Ring(capacity: 64, bell: bell),
            reports: Ring(capacity: 1_024, bell: bell), orders: [Ring(capacity: 16, bell: bell)],
            supplements: Ring(capacity: 4, bell: bell),
            receipts: [Ring(capacity: 64, bell: bell)],
            notes: Ring(capacity: 64, bell: bell), words: Ring(capacity: 256, bell: elsewhere),
            answers: Ring(capacity: 16, bell: elsewhere),
            signVerdicts: [Ring(capacity: 256, bell: elsewhere)] + Array(repeating: nil, count: 7),
            kept: Ring(capacity: 64, bell: elsewhere),
            uplinkBell: elsewhere)
        bench = Bench(bell)
        let writer = try LedgerWriter(
            folder: folder, files: files, clock: bench.clock, device: "gate-1",
            vfs: isFaulty ? FaultyDisk.name : vfs)
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
            databaseLimitBytes: databaseLimit(try writer.space().databaseBytes), photoLimitBytes: 1 << 30,
            whenFull: whenFull)
        thread = LedgerThread(
            writer: writer, keeping: keeping, gates: [LaneGate(lane: lane, direction: .entry, codes: LedgerBench.gate)],
            channels: channels, clock: bench.clock, stop: bench.stop, pulse: bench.pulse, status: status,
            log: bench.log)
    }

    deinit {
        if !isKept { try? FileManager.default.removeItem(atPath: folder) }
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
        #expect(channels.reports.push(.ended(end)))
    }

    func keep(_ request: UInt32, _ key: String, photos: [[UInt8]] = [[0xFF, 0xD8, 1]]) {
        let capture = capture(key, photos: photos)
        #expect(channels.captures.push(CaptureToKeep(request: request, lane: lane, capture: capture)))
    }

    /// What the lane was told since the last call.
    func verdicts() -> [Verdict] {
        channels.words.all().compactMap { if case .verdict(let verdict) = $0 { verdict } else { nil } }
    }

    func verdict() -> Verdict? {
        guard case .verdict(let verdict)? = channels.words.pop() else { return nil }
        return verdict
    }

    func orders() -> [LaneOrder] {
        channels.words.all().compactMap { if case .order(_, let order) = $0 { order } else { nil } }
    }

    func order(_ number: UInt32, _ order: LaneOrder) {
        let by = PersonalAct(person: "console", reason: "示例", means: .console)
        let order = PersonOrder(number: number, lane: lane, order: order, by: by, at: bench.clock.now())
        #expect(channels.orders[0].push(order))
    }

    /// Another program that holds the database: no transaction of the thread's can begin.
    func obstruct() throws -> Database {
        let other = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
        try other.begin()
        return other
    }
}
