// A ledger that is filled with made-up vehicles through the same calls as the controller's.

import Domain
import Foundation
import Ledger
import Machine

/// The kernel's clocks, moved on by hand as well.
final class BenchClock: Clock, @unchecked Sendable {
    private let system = SystemClock()
    private var ahead = Interval.zero

    func advance(_ interval: Interval) { ahead = ahead + interval }
    func now() -> Instant { system.now() + ahead }
    func wall() -> WallTime {
        WallTime(microseconds: system.wall().microseconds + Int64(ahead.nanoseconds / 1_000))
    }
}

final class SyntheticLedger {
    static let gate = GateCodes(
        enterpriseID: "410100A001", enterpriseName: "示例钢铁有限公司", entranceGateCode: "A", gateCode: "A01")

    let writer: LedgerWriter
    let folder: String
    let clock = BenchClock()
    private let lane = LaneID(0)
    private var count: UInt32 = 0
    private var waiting: [PassEnd] = []

    init(_ folder: String) throws {
        self.folder = folder
        writer = try LedgerWriter(folder: folder, files: DiskFiles(), clock: clock, device: "bench")
        try transaction { try writer.appendBoot(version: "bench", cause: "bench") }
    }

    func transaction(_ work: () throws -> Void) throws {
        try writer.begin()
        try work()
        try writer.commit()
    }

    /// A record that stands in no index.
    func note() throws {
        try writer.append(note: .uplinkState(destination: "uplink-1", isReachable: false, detail: detail()))
    }

    /// The same in the index of what tells of gaps.
    func fault() throws {
        try writer.append(note: .faultRaised(subject: "camera north", detail: detail()))
    }

    private func detail() -> String {
        count += 1
        return "no answer for 60 s; \(count); " + String(repeating: "the link to the recorder is up; ", count: 6)
    }

    private func nextToken() -> VehicleToken {
        count += 1
        return VehicleToken(boot: writer.bootNumber, lane: lane, count: count)
    }

    private func vehicle() throws -> Vehicle {
        let digits = String(10_000 + count &* 7_919 % 90_000)
        guard let plate = Plate("冀A\(digits)", colour: .yellow) else { throw BenchFault(what: "plate \(digits)") }
        var vehicle = Vehicle(plate: plate, stage: .china6)
        vehicle.vin = "LFWSRXSJ2L1E\(digits)"
        vehicle.registrationDate = "2021-07-02"
        vehicle.vehicleType = "H17"
        vehicle.fuel = FuelType(code: "B")
        vehicle.model = "CA4250P66K25T1A1E5"
        vehicle.engineModel = "CA6DM3"
        vehicle.engineNumber = "E-\(digits)"
        vehicle.usage = "F"
        vehicle.networked = true
        vehicle.fleet = "示例车队"
        return vehicle
    }

    func capture(_ token: VehicleToken) throws -> String {
        let plate = try vehicle().plate
        let key = "vzenith/SN-0001/\(clock.wall().microseconds)-\(token.value)"
        var capture = Capture(key: key, camera: "SN-0001", rawPlate: plate.text, plate: plate)
        capture.confidence = 97
        capture.takenAt = clock.wall()
        _ = try writer.append(capture: capture, lane: lane, token: token)
        return key
    }

    /// The record that a vehicle waits for.
    func decide(_ token: VehicleToken? = nil, key: String = "vzenith/SN-0001/1790000000000000-4294967296") throws {
        let token = token ?? nextToken()
        let asked = clock.now()
        var decision = Decision(
            verdict: Verdict(lane: lane, token: token, reason: .stageAllowed), direction: .entry, askedAt: asked,
            decidedAt: asked)
        let vehicle = try vehicle()
        decision.captureKey = key
        decision.camera = "SN-0001"
        decision.rawPlate = vehicle.plate.text
        decision.plate = vehicle.plate
        decision.vehicle = vehicle
        decision.registerImportedAt = clock.wall()
        try writer.append(decision: decision, gate: SyntheticLedger.gate)
        waiting.append(
            PassEnd(
                lane: lane, token: token, outcome: .completed, arrivedAt: asked, raisedAt: asked, enteredAt: asked,
                endedAt: asked))
    }

    /// The ends of the passages that were decided upon.
    func end() throws {
        for end in waiting { try writer.append(end: end, gate: SyntheticLedger.gate, direction: .entry) }
        waiting = []
    }

    /// Three records: capture, decision and end, each in its transaction as the threads make them.
    func pass() throws {
        let token = nextToken()
        var key = ""
        try transaction { key = try capture(token) }
        try transaction { try decide(token, key: key) }
        try transaction { try end() }
    }

    /// A vehicle each `interval`, sealed as the controller does.
    func traffic(_ passes: Int, each interval: Interval) throws {
        for _ in 0..<passes {
            clock.advance(interval)
            try pass()
            try writer.sealWhenDue()
        }
    }

    /// The same in large transactions, from one seal to the next.
    func fastTraffic(_ passes: Int, each interval: Interval) throws {
        var left = passes
        while left > 0 {
            let part = min(left, 45)
            left -= part
            try transaction {
                for _ in 0..<part {
                    clock.advance(interval)
                    let token = nextToken()
                    try decide(token, key: try capture(token))
                    try end()
                }
            }
            try writer.sealWhenDue()
        }
    }

    /// What one passage alone has, the hundredth.
    enum Rare {
        static let plate = "沪Z99999"
        static let gate = "Z99"
        static let cargo = "稀土"
        static let fleet = "稀客车队"
    }

    /// In and out by turns, one passage that is rare in everything, and a fault on every fiftieth.
    func varied(to sequence: UInt64, each interval: Interval) throws {
        var passes = 0
        while writer.head.sequence < sequence {
            try transaction {
                for _ in 0..<450 {
                    clock.advance(interval)
                    passes += 1
                    try variedPass(isRare: passes == 100, passes.isMultiple(of: 2) ? .exit : .entry)
                    guard passes.isMultiple(of: 50) else { continue }
                    let isRaised = passes.isMultiple(of: 100)
                    let subject = "camera 1"
                    try writer.append(
                        note: isRaised
                            ? .faultRaised(subject: subject, detail: detail())
                            : .faultHealed(subject: subject, detail: detail()))
                }
            }
            try writer.sealWhenDue()
        }
    }

    private func variedPass(isRare: Bool, _ direction: Direction) throws {
        let token = nextToken()
        let key = try capture(token)
        let asked = clock.now()
        var decision = Decision(
            verdict: Verdict(lane: lane, token: token, reason: isRare ? .whitelisted : .stageAllowed),
            direction: direction, askedAt: asked, decidedAt: asked)
        var vehicle = try vehicle()
        var gate = SyntheticLedger.gate
        decision.freight.cargo = ["铁精粉", "焦炭", "废钢", "石灰石"][Int(count % 4)]
        if isRare, let plate = Plate(Rare.plate, colour: .green) {
            vehicle.plate = plate
            vehicle.stage = .china1
            vehicle.fleet = Rare.fleet
            decision.freight.cargo = Rare.cargo
            gate.gateCode = Rare.gate
        }
        decision.captureKey = key
        decision.rawPlate = vehicle.plate.text
        decision.plate = vehicle.plate
        decision.vehicle = vehicle
        decision.registerImportedAt = clock.wall()
        try writer.append(decision: decision, gate: gate)
        let end = PassEnd(
            lane: lane, token: token, outcome: isRare ? .aborted : .completed, arrivedAt: asked, raisedAt: asked,
            enteredAt: isRare ? nil : asked, endedAt: asked)
        try writer.append(end: end, gate: gate, direction: direction)
    }

    /// The same records in large transactions, for filling.
    func fill(to sequence: UInt64) throws {
        while writer.head.sequence < sequence {
            try transaction {
                for _ in 0..<2_000 where writer.head.sequence < sequence {
                    let token = nextToken()
                    try decide(token, key: try capture(token))
                    try end()
                }
            }
        }
        try writer.seal(.inTime)
    }
}
