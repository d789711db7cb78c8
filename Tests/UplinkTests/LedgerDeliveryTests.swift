// The drain's source over a real ledger.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger
@testable import Uplink

private final class StillClock: Machine.Clock, @unchecked Sendable {
    func now() -> Instant { Instant(nanoseconds: 1_000_000_000_000) }
    func wall() -> WallTime { CivilTime(year: 2026, month: 11, day: 2).wallTime() }
}

@Test func ledgersCursorAndQuarantineAreSeenByTheDrainsSource() throws {
    let folder = NSTemporaryDirectory() + "gw-delivery-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let files = DiskFiles()
    let writer = try LedgerWriter(folder: folder, files: files, clock: StillClock(), device: "gate-1")
    let gate = GateCodes(enterpriseID: "E", enterpriseName: "N", entranceGateCode: "A", gateCode: "A01")
    func commit(_ work: () throws -> Void) throws {
        try writer.begin()
        try work()
        try writer.commit()
    }
    try commit {
        _ = try writer.appendBoot(version: "1", cause: "test")
        for count: UInt32 in 1...2 {
            let end = PassEnd(
                lane: LaneID(0), token: VehicleToken(boot: writer.bootNumber, lane: LaneID(0), count: count),
                outcome: .forced,
                arrivedAt: Instant(nanoseconds: 1), raisedAt: nil, enteredAt: nil, endedAt: Instant(nanoseconds: 2))
            _ = try writer.append(end: end, gate: gate, direction: .exit)
        }
    }
    let reader = try LedgerReader(folder: folder, files: files)
    let source = LedgerDelivery(reader: reader, destination: "p")
    let first = try #require(try source.nextDue())
    #expect(try source.backlog() == 2)
    #expect(try !source.isRowQuarantined(sequence: first.sequence))
    try commit {
        try writer.quarantine(destination: "p", sequence: first.sequence, step: 0, reason: "no")
    }
    let second = try #require(try source.nextDue())
    #expect(try source.backlog() == 1)
    #expect(try source.isRowQuarantined(sequence: first.sequence))
    #expect(try !LedgerDelivery(reader: reader, destination: "q").isRowQuarantined(sequence: first.sequence))
    try commit { try writer.confirm(destination: "p", sequence: second.sequence, step: 0) }
    #expect(try source.nextDue() == nil)
    #expect(try !source.isRowQuarantined(sequence: second.sequence))
}
