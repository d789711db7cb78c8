// A ledger in a folder of its own, with a clock that the test moves and vehicles that are made up.

import Domain
import Foundation
import Machine
import Store

@testable import Ledger

/// 2026-03-01 08:00:00 China Standard Time at lane second 1000, and on by one millisecond a reading.
final class TestClock: Clock, @unchecked Sendable {
    var laneNanoseconds: UInt64 = 1_000_000_000_000
    var wallMicroseconds = CivilTime(year: 2026, month: 3, day: 1, hour: 8).wallTime().microseconds

    func now() -> Instant {
        advance()
        return Instant(nanoseconds: laneNanoseconds)
    }

    func wall() -> WallTime { WallTime(microseconds: wallMicroseconds) }

    func advance(seconds: UInt64 = 0) {
        laneNanoseconds += seconds * 1_000_000_000 + 1_000_000
        wallMicroseconds += Int64(seconds) * 1_000_000 + 1_000
    }
}

/// Disk files that fail at the n-th call that writes.
final class FailingFiles: Files {
    private let disk: any Files
    var callsUntilFailure = Int.max
    var failsFolders = false

    init(_ disk: any Files = DiskFiles()) {
        self.disk = disk
    }

    private func count(_ path: String) throws(MachineError) {
        callsUntilFailure -= 1
        if callsUntilFailure == 0 { throw .system(call: "write", subject: path, errno: 28) }
    }

    func read(_ path: String, limit: Int) throws(MachineError) -> [UInt8] { try disk.read(path, limit: limit) }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func names(in folder: String) throws(MachineError) -> [String] { try disk.names(in: folder) }
    func remove(_ path: String) throws(MachineError) { try disk.remove(path) }
    func freeBytes(at path: String) -> UInt64? { disk.freeBytes(at: path) }

    func synchronise(folder: String) throws(MachineError) {
        if failsFolders { throw .system(call: "fsync", subject: folder, errno: 5) }
        try disk.synchronise(folder: folder)
    }

    func move(_ path: String, to newPath: String) throws(MachineError) {
        try count(path)
        try disk.move(path, to: newPath)
    }

    func overwrite(_ path: String, with bytes: [UInt8]) throws(MachineError) {
        try count(path)
        try disk.overwrite(path, with: bytes)
    }

    func writeDurably(_ bytes: [UInt8], to path: String) throws(MachineError) {
        try count(path)
        try disk.writeDurably(bytes, to: path)
    }

    func createFolder(_ path: String) throws(MachineError) {
        try count(path)
        try disk.createFolder(path)
    }
}

final class LedgerSite {
    static let device = "gate-1"
    static let gate = GateCodes(
        enterpriseID: "410100A001", enterpriseName: "示例钢铁有限公司", entranceGateCode: "A", gateCode: "A01")

    let folder = NSTemporaryDirectory() + "gw-ledger-" + UUID().uuidString
    let clock = TestClock()
    let files: FailingFiles
    private let vfs: String?
    private var count: UInt32 = 0
    private var seedCount = 0

    init() {
        files = FailingFiles()
        vfs = nil
    }

    /// A ledger on a simulated disk. Only its lock lies in the real folder.
    init(disk: SimulatedDisk) throws {
        files = FailingFiles(SimulatedFiles(disk))
        vfs = SimulatedVFS.name
        SimulatedVFS.mount(disk, at: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        SimulatedVFS.unmount(folder)
        try? FileManager.default.removeItem(atPath: folder)
    }

    func writer(device: String = LedgerSite.device) throws -> LedgerWriter {
        // Seeds 00…1f, 20…3f and so on, over all writers of the site.
        try LedgerWriter(folder: folder, files: files, clock: clock, device: device, vfs: vfs) {
            defer { self.seedCount += 1 }
            return (0..<32).map { UInt8(truncatingIfNeeded: self.seedCount * 32 + $0) }
        }
    }

    /// A writer whose boot record is committed.
    func bootedWriter() throws -> LedgerWriter {
        let writer = try writer()
        try writer.transaction { try $0.appendBoot(version: "1.0.0", cause: "power-on") }
        return writer
    }

    func reader() throws -> LedgerReader { try LedgerReader(folder: folder, files: files, vfs: vfs) }

    func report(witness: LedgerHead? = nil) throws -> LedgerReport {
        try LedgerVerifier(reader(), device: LedgerSite.device, witness: witness).verify()
    }

    func nextToken(_ writer: LedgerWriter) -> VehicleToken {
        count += 1
        return VehicleToken(boot: writer.bootNumber, lane: LaneID(0), count: count)
    }

    func vehicle() throws -> Vehicle {
        guard let plate = Plate("冀A12345", colour: .yellow) else { throw CancellationError() }
        var vehicle = Vehicle(plate: plate, stage: .china6)
        vehicle.vin = "LFWSRXSJ2L1E00001"
        vehicle.registrationDate = "2021-07-02"
        vehicle.vehicleType = "H17"
        vehicle.fuel = FuelType(code: "B")
        vehicle.model = "=解放牌,\"CA4250\""
        vehicle.engineModel = "CA6DM3"
        vehicle.engineMaker = "示例发动机厂"
        vehicle.engineNumber = "E-0001"
        vehicle.usage = "F"
        vehicle.networked = true
        vehicle.fleet = "示例车队"
        return vehicle
    }

    func freight() throws -> Freight {
        var freight = Freight.unknown
        freight.cargo = "铁精粉"
        freight.netKilograms = 31_200
        freight.grossKilograms = 46_900
        freight.source = .weighbridge
        freight.load = .loaded
        freight.booking = "YD-0001"
        freight.entrySequence = 4
        freight.vehicleList = "CN QD G6 0001"
        return freight
    }

    func capture(_ key: String, photos: [[UInt8]] = [[0xFF, 0xD8, 1], [0xFF, 0xD8, 2]]) throws -> Capture {
        var capture = Capture(key: key, camera: "cam-north", rawPlate: "冀A·12345", plate: try vehicle().plate)
        capture.confidence = 97
        capture.takenAt = clock.wall()
        capture.photos = zip([PhotoKind.scene, .plate, .scene], photos).map { Photo(kind: $0, jpeg: $1) }
        return capture
    }

    func decision(_ token: VehicleToken, key: String, reason: VerdictReason = .stageAllowed) throws -> Decision {
        var decision = Decision(
            verdict: Verdict(lane: LaneID(0), token: token, reason: reason), direction: .entry, askedAt: clock.now(),
            decidedAt: clock.now())
        decision.captureKey = key
        decision.camera = "cam-north"
        decision.rawPlate = "冀A·12345"
        decision.plate = try vehicle().plate
        decision.vehicle = reason == .unknownVehicle ? nil : try vehicle()
        decision.listReason = reason == .whitelisted ? "应急物资" : ""
        decision.registerImportedAt = clock.wall()
        decision.vehicleSource = decision.vehicle == nil ? nil : .register
        decision.vehicleKnownAt = decision.vehicle == nil ? nil : clock.wall()
        decision.tag = "E2000001"
        decision.tagReader = "reader 1"
        decision.tagSeenAt = clock.now()
        decision.tagPlate = decision.plate
        decision.isNamedByTag = reason == .stageAllowed
        decision.freight = try freight()
        return decision
    }

    func end(_ token: VehicleToken, _ outcome: PassOutcome = .completed) -> PassEnd {
        let arrived = clock.now()
        clock.advance(seconds: 2)
        let raised = clock.now()
        clock.advance(seconds: 3)
        let entered = clock.now()
        clock.advance(seconds: 4)
        let crossed = outcome.crossed
        return PassEnd(
            lane: LaneID(0), token: token, outcome: outcome, arrivedAt: arrived,
            raisedAt: outcome == .completed || outcome == .expired ? raised : nil,
            enteredAt: crossed ? entered : nil, endedAt: clock.now())
    }

    /// One vehicle from its capture to its end, in three transactions as the threads make them.
    @discardableResult
    func pass(
        _ writer: LedgerWriter, _ key: String, photos: [[UInt8]] = [[0xFF, 0xD8, 1], [0xFF, 0xD8, 2]],
        _ outcome: PassOutcome = .completed
    ) throws -> VehicleToken {
        let token = nextToken(writer)
        let capture = try capture(key, photos: photos)
        let reason: VerdictReason = outcome == .completed ? .stageAllowed : .stageTooLow
        let decision = try decision(token, key: key, reason: reason)
        try writer.transaction { _ = try $0.append(capture: capture, lane: LaneID(0), token: token) }
        try writer.transaction { try $0.append(decision: decision, gate: LedgerSite.gate) }
        let end = end(token, outcome)
        try writer.transaction { try $0.append(end: end, gate: LedgerSite.gate, direction: .entry) }
        return token
    }

    /// Changes the database behind the ledger's back, as somebody with the file in hands would.
    func tamper(_ sql: StaticString) throws {
        let database = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema, vfs: vfs)
        try database.execute(sql)
    }
}

extension LedgerWriter {
    /// One group commit. A refused call gives the transaction up.
    @discardableResult
    func transaction<T>(_ work: (LedgerWriter) throws -> T) throws -> T {
        try begin()
        do {
            let result = try work(self)
            try commit()
            return result
        } catch {
            if let error = error as? LedgerError, error.undoesTransaction { throw error }
            rollback()
            throw error
        }
    }
}

/// Whether an error is the refusal of this rule.
func refuses(_ rule: LedgerRule) -> (any Error) -> Bool {
    { error in
        guard case .refused(rule, _) = error as? LedgerError else { return false }
        return true
    }
}
