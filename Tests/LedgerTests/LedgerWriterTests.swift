// What the writer keeps, refuses and undoes.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

struct LedgerWriterTests {
    let site = LedgerSite()

    @Test func aPassCarriesTheWholeRowFrozen() throws {
        let writer = try site.bootedWriter()
        let token = try site.pass(writer, "k1")
        let reader = try site.reader()
        let records = try reader.records(from: 1, limit: 10)
        #expect(records.map(\.kindNumber) == [1, 3, 4, 5])
        #expect(records.map(\.sequence) == [1, 2, 3, 4])
        guard case .pass(let row) = records[3].body else { throw CancellationError() }
        #expect(records[3].token == token)
        #expect(row.outcome == .completed)
        #expect(row.direction == .entry)
        #expect(row.gate == LedgerSite.gate)
        #expect(row.decisionSequence == 3)
        #expect(row.reason == .stageAllowed)
        #expect(row.plate?.text == "冀A12345")
        #expect(row.vehicle?.vin == "LFWSRXSJ2L1E00001")
        #expect(row.vehicle?.fleet == "示例车队")
        guard case .decision(let decision, _) = records[2].body else { throw CancellationError() }
        #expect(row.vehicleSource == .register && row.lane == LaneID(0))
        #expect(row.vehicleKnownAt != nil && row.vehicleKnownAt == decision.vehicleKnownAt)
        #expect(try row.freight == site.freight() && row.tag == "E2000001")
        #expect(row.photos.map(\.kind) == [.scene, .plate])
        #expect(try reader.photo(row.photos[1]) == [0xFF, 0xD8, 2])
        // Arrived at 8:00:00, entered 5 s later.
        #expect(CivilTime(row.arrivedWall).text == "2026-03-01 08:00:00")
        #expect(CivilTime(row.passedWall).text == "2026-03-01 08:00:05")
        #expect(row.serial == "410100A001A01A2603010800050004")
        #expect(try site.report().isSound)
    }

    @Test func theSameRecognitionIsKeptOnce() throws {
        let writer = try site.bootedWriter()
        let capture = try site.capture("k1")
        let fates = try writer.transaction {
            [
                try $0.append(capture: capture, lane: LaneID(0), token: nil),
                try $0.append(capture: capture, lane: LaneID(0), token: nil),
            ]
        }
        #expect(fates[1] == .duplicate)
        #expect(fates[0] != .duplicate)
        #expect(writer.head.sequence == 2)
        #expect(try site.reader().knownCaptureKeys(limit: 10) == ["k1"])
    }

    @Test func knownKeysComeNewestFirst() throws {
        let writer = try site.bootedWriter()
        for key in ["b", "a", "c"] {
            let capture = try site.capture(key, photos: [])
            _ = try writer.transaction { try $0.append(capture: capture, lane: LaneID(0), token: nil) }
        }
        #expect(try site.reader().knownCaptureKeys(limit: 2) == ["c", "a"])
    }

    @Test func aTokenHasOneDecisionAndOneOutcome() throws {
        let writer = try site.bootedWriter()
        let token = try site.pass(writer, "k1")
        let head = writer.head
        let decision = try site.decision(token, key: "k1")
        let end = site.end(token)
        #expect(
            performing: {
                try writer.transaction { try $0.append(decision: decision, gate: LedgerSite.gate) }
            }, throws: refuses(.oneDecision))
        #expect(
            performing: {
                try writer.transaction { try $0.append(end: end, gate: LedgerSite.gate, direction: .entry) }
            }, throws: refuses(.oneOutcome))
        #expect(writer.head == head)
    }

    @Test func aTokenOfAnotherBootIsRefused() throws {
        let writer = try site.bootedWriter()
        let end = site.end(VehicleToken(boot: 9, lane: LaneID(0), count: 1))
        #expect(
            performing: {
                try writer.transaction { try $0.append(end: end, gate: LedgerSite.gate, direction: .entry) }
            }, throws: refuses(.tokenOfThisBoot))
    }

    @Test func aRefusedCallLeavesTheRestOfItsTransaction() throws {
        let writer = try site.bootedWriter()
        try writer.begin()
        try writer.append(note: .shutdown(cause: "first"))
        var nameless = try site.capture("")
        nameless.photos = []
        #expect(
            performing: {
                _ = try writer.append(capture: nameless, lane: LaneID(0), token: nil)
            }, throws: refuses(.captureKey))
        let long = LedgerNote.faultRaised(subject: "camera", detail: String(repeating: "é", count: 3_000))
        #expect {
            try writer.append(note: long)
        } throws: { error in
            guard case .limit = error as? LedgerError else { return false }
            return true
        }
        try writer.append(note: .shutdown(cause: "second"))
        try writer.commit()
        #expect(try site.report().records == 3)
    }

    @Test func photosOverTheLimitsAreRefused() throws {
        let writer = try site.bootedWriter()
        var capture = try site.capture("k1")
        capture.photos = Array(repeating: Photo(kind: .scene, jpeg: [1]), count: LedgerLimits.photosPerCapture + 1)
        let many = capture
        capture.photos = [Photo(kind: .scene, jpeg: [UInt8](repeating: 0, count: LedgerLimits.photoBytes + 1))]
        for refused in [many, capture] {
            #expect(throws: LedgerError.self) {
                try writer.transaction { _ = try $0.append(capture: refused, lane: LaneID(0), token: nil) }
            }
        }
        #expect(writer.head.sequence == 1)
    }

    @Test func aForcedPassWithoutADecisionTakesTheLanesGate() throws {
        let writer = try site.bootedWriter()
        let token = site.nextToken(writer)
        let end = site.end(token, .forced)
        let row = try writer.transaction { try $0.append(end: end, gate: LedgerSite.gate, direction: .exit) }
        #expect(row.direction == .exit)
        #expect(row.decisionSequence == nil)
        #expect(row.vehicle == nil)
        #expect(row.serial.contains("A01B"))
        #expect(try site.report().isSound)
    }

    @Test func aDecisionAfterItsEndIsKeptAndOpensNothing() throws {
        do {
            let writer = try site.bootedWriter()
            let token = site.nextToken(writer)
            let end = site.end(token, .backedOut)
            let decision = try site.decision(token, key: "")
            try writer.transaction {
                try $0.append(end: end, gate: LedgerSite.gate, direction: .entry)
                try $0.append(decision: decision, gate: LedgerSite.gate)
            }
        }
        let next = try site.writer()
        #expect(try next.transaction { try $0.appendBoot(version: "1.0.0", cause: "restart") } == 0)
        #expect(try site.report().isSound)
    }

    @Test func whatWasNotCommittedIsGoneAndTheChainGoesOn() throws {
        do {
            let writer = try site.bootedWriter()
            try writer.begin()
            try writer.append(note: .shutdown(cause: "never committed"))
            #expect(writer.head.sequence == 2)
        }
        let writer = try site.bootedWriter()
        #expect(writer.bootNumber == 2)
        #expect(writer.head.sequence == 2)
        #expect(try site.report().isSound)
    }

    @Test func aRestartClosesOpenDecisionsAsInterruptedOnce() throws {
        do {
            let writer = try site.bootedWriter()
            for (key, reason) in [("k1", VerdictReason.stageAllowed), ("k2", .unknownVehicle)] {
                let decision = try site.decision(site.nextToken(writer), key: key, reason: reason)
                try writer.transaction { try $0.append(decision: decision, gate: LedgerSite.gate) }
            }
        }
        do {
            let writer = try site.writer()
            #expect(try writer.transaction { try $0.appendBoot(version: "1.0.1", cause: "restart") } == 2)
        }
        let writer = try site.writer()
        #expect(try writer.transaction { try $0.appendBoot(version: "1.0.1", cause: "restart") } == 0)
        let report = try site.report()
        #expect(report.isSound)
        #expect(report.passes == 2)
        let records = try site.reader().records(from: 5, limit: 2)
        for record in records {
            guard case .pass(let row) = record.body else { throw CancellationError() }
            #expect(row.outcome == .interrupted)
            #expect(row.arrivedAt == nil && row.endedAt == nil)
            #expect(record.token.value >> 32 == 1)
        }
        // The one that was released may have gone through unseen: its row is due. The refused one's is not.
        #expect(try site.reader().backlog(destination: "p") == 1)
    }

    @Test func afterAnOrderlyEndTheMainFileAloneHoldsTheLedger() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        let head = writer.head
        try writer.settle()
        let copy = NSTemporaryDirectory() + "gatewarden-copy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try FileManager.default.copyItem(atPath: site.folder + "/ledger.db", toPath: copy + "/ledger.db")
        let reader = try LedgerReader(folder: copy, files: DiskFiles())
        #expect(try reader.head() == head)
    }

    @Test func aSecondWriterIsRefused() throws {
        let writer = try site.bootedWriter()
        #expect {
            _ = try site.writer()
        } throws: { error in
            guard case .lockedByAnother(site.folder) = error as? LedgerError else { return false }
            return true
        }
        #expect(writer.head.sequence == 1)
    }

    @Test func anotherDevicesLedgerIsRefused() throws {
        do { _ = try site.bootedWriter() }
        #expect {
            _ = try site.writer(device: "gate-2")
        } throws: { error in
            guard case .otherDevice(_, "gate-1", "gate-2") = error as? LedgerError else { return false }
            return true
        }
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        try FileManager.default.createDirectory(atPath: site.folder, withIntermediateDirectories: true)
        let inside = site.folder + "/file"
        try Data().write(to: URL(fileURLWithPath: inside))
        #expect {
            _ = try LedgerWriter(folder: inside, files: site.files, clock: site.clock, device: "d")
        } throws: { error in
            guard case .file = error as? LedgerError else { return false }
            return (error as? LedgerError)?.description.contains(inside) == true
        }
    }

    @Test func anErrorAtTheNthFileCallNamesNoAbsentPhoto() throws {
        let writer = try site.bootedWriter()
        var n = 0
        var failures = 0
        repeat {
            n += 1
            let capture = try site.capture("k\(n)", photos: [[1, UInt8(n)], [2, UInt8(n)]])
            site.files.callsUntilFailure = n
            do {
                try writer.transaction { _ = try $0.append(capture: capture, lane: LaneID(0), token: nil) }
            } catch {
                failures += 1
            }
            #expect(try site.report().isSound)
        } while site.files.callsUntilFailure <= 0
        site.files.callsUntilFailure = .max
        #expect(failures >= 2)
        #expect(try site.report().photos == 2)
    }
}
