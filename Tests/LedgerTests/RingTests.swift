// The ring: what is old and delivered goes, what is not stays, and what is left can be proved.

import Crypto
import Domain
import Foundation
import Store
import Testing

@testable import Ledger

struct RingTests {
    let site = LedgerSite()
    private let policy = RetentionPolicy(recordDays: 730, photoDays: 365, destinations: ["p"])

    private var batch: PruneBatch {
        var batch = PruneBatch()
        batch.least = 1
        return batch
    }

    /// Days of two passes each, sealed at the end of each day; all delivered to "p" unless it says otherwise.
    private func days(_ writer: LedgerWriter, _ count: Int, from first: Int = 0, delivered: Bool = true) throws {
        for day in first..<first + count {
            for pass in 0..<2 {
                try site.pass(writer, "k\(day)-\(pass)", photos: [[UInt8(day % 256), UInt8(day / 256), UInt8(pass)]])
                if delivered {
                    try writer.transaction {
                        for step in 0..<2 {
                            try $0.confirm(destination: "p", sequence: $0.head.sequence, step: UInt32(step))
                        }
                    }
                }
            }
            try writer.seal(.late)
            site.clock.advance(seconds: 86_400)
        }
    }

    private func tidy(_ writer: LedgerWriter, _ batch: PruneBatch? = nil) throws -> Int {
        var steps = 0
        while try writer.tidy(policy, batch: batch ?? self.batch) { steps += 1 }
        return steps
    }

    private func photoCount() throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: site.folder + "/photos").filter { $0.hasSuffix(".jpg") }
            .count
    }

    @Test func whatIsOldAndDeliveredGoesAndTheRestVerifies() throws {
        let writer = try site.bootedWriter()
        try days(writer, 20)
        try writer.sealWhenDue()
        #expect(try tidy(writer) == 0)
        site.clock.advance(seconds: 725 * 86_400)
        #expect(try tidy(writer) > 0)
        try site.pass(writer, "new")
        let report = try site.report(witness: writer.head)
        #expect(report.isSound, "\(report.fault?.description ?? "")")
        // 15 days are older than 730: their records are gone, the seals and the first record are there.
        let records = try site.reader().records(from: 1, limit: 1_000)
        let kinds = records.prefix(16).map { RecordKind(rawValue: $0.kindNumber) }
        #expect(kinds == [.boot] + [RecordKind](repeating: .seal, count: 15))
        #expect(report.findings.contains { if case .pruned(_, _, 730) = $0 { true } else { false } })
        #expect(report.findings.contains { if case .photosPruned = $0 { true } else { false } })
        // And it opens and goes on.
        let head = writer.head
        try writer.settle()
        #expect(try LedgerVerifier(site.reader(), witness: head).verify().isSound)
    }

    /// The seal that the photos go up to lies between a capture and the end of its passage, which still waits.
    @Test func aPhotoStaysAsLongAsItsRowWaits() throws {
        let writer = try site.bootedWriter()
        let token = site.nextToken(writer)
        let capture = try site.capture("k1", photos: [[7, 7]])
        try writer.transaction { _ = try $0.append(capture: capture, lane: LaneID(0), token: token) }
        try writer.transaction {
            try $0.append(decision: try site.decision(token, key: "k1"), gate: LedgerSite.gate)
        }
        try writer.seal(.inTime)
        try writer.transaction { _ = try $0.append(end: site.end(token), gate: LedgerSite.gate, direction: .entry) }
        site.clock.advance(seconds: 800 * 86_400)
        _ = try tidy(writer)
        #expect(try photoCount() == 1)
        for step in 0..<2 {
            let item = try #require(try site.reader().nextDue(destination: "p"))
            if let photo = item.photo { #expect(try site.reader().photo(photo) == [7, 7]) }
            try writer.transaction {
                try $0.confirm(destination: "p", sequence: item.sequence, step: UInt32(step))
            }
        }
        _ = try tidy(writer)
        #expect(try photoCount() == 0)
        #expect(try site.report().isSound)
    }

    @Test func aPrunedLedgerOpensAndIsPrunedAgain() throws {
        do {
            let writer = try site.bootedWriter()
            try days(writer, 5)
            site.clock.advance(seconds: 728 * 86_400)
            #expect(try tidy(writer) > 0)
        }
        do {
            let writer = try site.bootedWriter()
            #expect(writer.generation == nil)
            try writer.sealWhenDue()
            try days(writer, 3, from: 5)
            site.clock.advance(seconds: 800 * 86_400)
            #expect(try tidy(writer) > 0)
            #expect(try writer.tidy(policy, batch: batch) == false)
        }
        let report = try site.report()
        #expect(report.isSound, "\(report.fault?.description ?? "")")
        #expect(report.passes == 0)
        #expect(try photoCount() == 0)
    }

    @Test func whatIsNotDeliveredStaysHoweverOld() throws {
        let writer = try site.bootedWriter()
        try days(writer, 3)
        try days(writer, 3, from: 3, delivered: false)
        site.clock.advance(seconds: 2_000 * 86_400)
        _ = try tidy(writer)
        let report = try site.report()
        #expect(report.isSound, "\(report.fault?.description ?? "")")
        #expect(report.passes == 6)
        #expect(try site.reader().backlog(destination: "p") == 6)
        // Another destination has nothing yet and holds back what is left.
        let both = RetentionPolicy(recordDays: 730, photoDays: 365, destinations: ["p", "q"])
        #expect(try !writer.tidy(both, batch: batch))
    }

    @Test func aNewDestinationBeginsWithWhatIsLeft() throws {
        let writer = try site.bootedWriter()
        try days(writer, 4)
        site.clock.advance(seconds: 728 * 86_400)
        _ = try tidy(writer)
        let first = try #require(
            try site.reader().records(from: 1, limit: 100).first {
                if case .pass = $0.body { true } else { false }
            })
        #expect(try site.reader().nextDue(destination: "q")?.sequence == first.sequence)
        #expect(try site.reader().nextDue(destination: "p") == nil)
        #expect(try site.reader().backlog(destination: "p") == 0)
    }

    @Test func photosGoByTheirOwnLimitAndSharedOnesStay() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "old", photos: [[1], [2]])
        try writer.transaction {
            for step in 0..<3 { try $0.confirm(destination: "p", sequence: 4, step: UInt32(step)) }
        }
        try writer.seal(.late)
        site.clock.advance(seconds: 400 * 86_400)
        try site.pass(writer, "new", photos: [[2], [3]])
        try writer.seal(.late)
        #expect(try tidy(writer) > 0)
        let report = try site.report()
        #expect(report.isSound, "\(report.fault?.description ?? "")")
        // The records are all there; photo 1 is gone, 2 is named by the later capture too.
        #expect(report.passes == 2)
        #expect(try photoCount() == 2)
        #expect(try writer.space().photoBytes == 2)
    }

    @Test func batchesAreBoundedAndSmallOnesWait() throws {
        let writer = try site.bootedWriter()
        try days(writer, 12)
        site.clock.advance(seconds: 2_000 * 86_400)
        var small = PruneBatch()
        small.least = 1_000
        try writer.sealWhenDue()
        #expect(try tidy(writer, small) == 0)
        small.least = 10
        small.most = 20
        #expect(try tidy(writer, small) > 4)
        #expect(try site.report().isSound)
    }

    @Test func aCrashBetweenThePruneAndItsPhotosIsMadeUpFor() throws {
        do {
            let writer = try site.bootedWriter()
            try days(writer, 3)
            site.clock.advance(seconds: 500 * 86_400)
            #expect(try writer.tidy(policy, batch: batch))
            #expect(try photoCount() == 6)
            #expect(try site.report().isSound)
        }
        let writer = try site.bootedWriter()
        _ = try tidy(writer)
        #expect(try photoCount() == 0)
        #expect(try site.report().isSound)
    }

    @Test func thePublishedRulesHoldForAPruneThatCameTooEarly() throws {
        let writer = try site.bootedWriter()
        try days(writer, 6)
        site.clock.advance(seconds: 728 * 86_400)
        _ = try tidy(writer)
        try Forger(site: site).rewritePrunes { entry in entry.retentionDays = 5_000 }
        let fault = try site.report().fault
        guard case .damaged = fault else { throw CancellationError() }
    }

    /// The thief's way round the seals: remove the beginning, and put an invented one in its place.
    @Test func anInventedBeginningIsNamed() throws {
        let writer = try site.bootedWriter()
        try days(writer, 6)
        site.clock.advance(seconds: 728 * 86_400)
        _ = try tidy(writer)
        // A seal of the foundation, signed with a key of the thief's own.
        let records = try site.reader().records(from: 1, limit: 100)
        let seal = try #require(records.first { $0.kindNumber == RecordKind.seal.rawValue })
        let stored = try site.reader().stored(from: seal.sequence, limit: 1)[0]
        var canonical = stored.canonical
        // Its wall time, so that its epoch seems to be of another day.
        canonical[20] ^= 1
        guard case .seal(let entry) = seal.body else { throw CancellationError() }
        let database = try Database.writer(LedgerPath.database(site.folder), LedgerSchema.schema)
        let update = try database.prepare("UPDATE record SET canonical = ?1, hash = ?2 WHERE seq = ?3")
        update.bind(1, blob: canonical)
        update.bind(2, blob: ChainHasher().hash(after: entry.previousHash, canonical).bytes)
        update.bind(3, seal.sequence)
        try update.run()
        guard case .damaged(seal.sequence, let reason) = try site.report().fault else { throw CancellationError() }
        #expect(reason.contains("signature"))
    }

    @Test func aRecordTakenFromTheFoundationIsNamed() throws {
        let writer = try site.bootedWriter()
        try days(writer, 6)
        site.clock.advance(seconds: 728 * 86_400)
        _ = try tidy(writer)
        let records = try site.reader().records(from: 1, limit: 100)
        #expect(records[2].kindNumber == RecordKind.seal.rawValue)
        let database = try Database.writer(LedgerPath.database(site.folder), LedgerSchema.schema)
        let delete = try database.prepare("DELETE FROM record WHERE seq = ?1")
        delete.bind(1, records[2].sequence)
        try delete.run()
        guard case .damaged(_, let reason) = try site.report().fault else { throw CancellationError() }
        #expect(reason.contains("seals are missing"))
    }

    @Test func freedPagesAreUsedAgain() throws {
        let writer = try site.bootedWriter()
        var peak: UInt64 = 0
        for round in 0..<6 {
            try days(writer, 30, from: round * 30)
            site.clock.advance(seconds: 800 * 86_400)
            _ = try tidy(writer)
            if round == 2 { peak = try writer.space().databaseFileBytes }
        }
        // Six times the records, and the file has grown by the seals that stay (180 of about 330 bytes).
        #expect(try writer.space().databaseFileBytes < peak + peak / 2)
        #expect(try site.report().isSound)
    }
}
