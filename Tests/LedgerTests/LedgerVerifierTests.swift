// Each way of changing the ledger behind its back is found, and named.

import Domain
import Foundation
import Store
import Testing

@testable import Ledger

struct LedgerVerifierTests {
    let site = LedgerSite()

    /// Records: 1 boot, 2 capture, 3 decision, 4 pass, 5 capture, 6 decision, 7 pass.
    private func twoPasses() throws -> LedgerHead {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try site.pass(writer, "k2", photos: [[9]])
        return writer.head
    }

    private func expectFault(_ sequence: UInt64, _ words: String, witness: LedgerHead? = nil) throws {
        let fault = try site.report(witness: witness).fault
        guard case .damaged(let found, let reason) = fault else {
            Issue.record("found \(fault?.description ?? "nothing")")
            return
        }
        #expect(found == sequence)
        #expect(reason.contains(words), "\(reason)")
    }

    @Test func aSoundLedgerIsCounted() throws {
        let head = try twoPasses()
        let report = try site.report(witness: head)
        #expect(report.isSound)
        #expect(report.records == 7)
        #expect(report.decisions == 2)
        #expect(report.passes == 2)
        #expect(report.photos == 3)
        #expect(report.head == head)
    }

    @Test func anAlteredRecordIsNamed() throws {
        _ = try twoPasses()
        try site.tamper(
            """
            UPDATE record SET canonical = CAST(substr(canonical, 1, 59) || x'7F' || substr(canonical, 61) AS BLOB)
            WHERE seq = 4
            """)
        try expectFault(4, "hash does not match")
    }

    @Test func anAlteredRecordWithItsHashMadeAnewIsFoundAtTheNext() throws {
        _ = try twoPasses()
        let row = try site.reader().stored(from: 4, limit: 1)[0]
        let previous = try site.reader().records(from: 3, limit: 1)[0].hash
        var canonical = row.canonical
        canonical[canonical.count - 1] ^= 1
        let database = try Database.writer(LedgerPath.database(site.folder), LedgerSchema.schema)
        let update = try database.prepare("UPDATE record SET canonical = ?1, hash = ?2 WHERE seq = 4")
        update.bind(1, blob: canonical)
        update.bind(2, blob: ChainHasher().hash(after: previous, canonical).bytes)
        try update.run()
        try expectFault(5, "hash does not match")
    }

    @Test func aDeletedRecordIsNamed() throws {
        _ = try twoPasses()
        try site.tamper("DELETE FROM record WHERE seq = 3")
        try expectFault(3, "missing: record 4 follows")
    }

    @Test func aDeletedRecordWithTheOthersMovedUpIsNamed() throws {
        _ = try twoPasses()
        try site.tamper(
            """
            DELETE FROM record WHERE seq = 2;
            UPDATE record SET seq = -seq WHERE seq > 2; UPDATE record SET seq = -seq - 1 WHERE seq < 0;
            """)
        try expectFault(2, "hash does not match")
    }

    @Test func anInsertedRecordIsNamed() throws {
        _ = try twoPasses()
        try site.tamper("INSERT INTO record SELECT 8, 3, token, canonical, hash FROM record WHERE seq = 2")
        try expectFault(8, "hash does not match")
    }

    @Test func reorderedRecordsAreNamed() throws {
        _ = try twoPasses()
        try site.tamper(
            """
            UPDATE record SET seq = 100 WHERE seq = 2; UPDATE record SET seq = 2 WHERE seq = 5;
            UPDATE record SET seq = 5 WHERE seq = 100;
            """)
        try expectFault(2, "hash does not match")
    }

    @Test func aLedgerCutShortIsFoundByTheWitness() throws {
        let head = try twoPasses()
        try site.tamper("DELETE FROM record WHERE seq > 5")
        #expect(try site.report().isSound)
        try expectFault(6, "a head at record 7 was witnessed", witness: head)
    }

    @Test func aLedgerCutShortAndGoneOnIsFoundByTheWitness() throws {
        let head = try twoPasses()
        try site.tamper(
            """
            DELETE FROM record WHERE seq > 4; DELETE FROM capture WHERE seq > 4; DELETE FROM due WHERE seq > 4;
            DELETE FROM passage WHERE seq > 4
            """)
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k9")
        }
        #expect(try site.report().isSound)
        try expectFault(7, "not the one that was witnessed", witness: head)
    }

    @Test func aRowFiledUnderAnotherTokenIsNamed() throws {
        _ = try twoPasses()
        try site.tamper("UPDATE record SET token = 77 WHERE seq = 4")
        try expectFault(4, "filed under another kind or token")
    }

    @Test func anotherDevicesLedgerIsNamed() throws {
        _ = try twoPasses()
        let report = try LedgerVerifier(site.reader(), device: "gate-2").verify()
        guard case .damaged(1, _) = report.fault else { throw CancellationError() }
    }

    @Test(arguments: [true, false]) func aPhotoMissingOrChangedIsNamed(isMissing: Bool) throws {
        _ = try twoPasses()
        guard case .capture(let capture) = try site.reader().records(from: 5, limit: 1)[0].body else {
            throw CancellationError()
        }
        let name = capture.photos[0].digest.hexadecimal
        let path = site.folder + "/photos/" + name.prefix(2) + "/" + name + ".jpg"
        try site.files.remove(path)
        if !isMissing { try site.files.writeDurably([8], to: path) }
        try expectFault(5, isMissing ? "missing" : "other bytes")
    }

    @Test func aReleaseWithoutAnAllowingDecisionIsNamed() throws {
        let writer = try site.bootedWriter()
        let token = site.nextToken(writer)
        let decision = try site.decision(token, key: "", reason: .blacklisted)
        let end = site.end(token)
        try writer.transaction {
            try $0.append(decision: decision, gate: LedgerSite.gate)
            try $0.append(end: end, gate: LedgerSite.gate, direction: .entry)
        }
        try expectFault(3, "no decision allowed it")
    }
}

/// The index of passages proves nothing; when it is not what the records say, `verify` names the record.
struct IndexVerificationTests {
    @Test(
        arguments: [
            ("UPDATE passage SET facts = facts + 1 WHERE seq = 7", 7),
            ("UPDATE passage SET plate = '' WHERE seq = 4", 4),
            ("UPDATE passage SET second = second + 1 WHERE seq = 7", 7),
            ("UPDATE passage SET fleet = 99 WHERE seq = 7", 7),
            ("UPDATE passage SET gate = 0 WHERE seq = 4", 4), ("UPDATE word SET text = text || 'x'", 4),
            ("DELETE FROM passage WHERE seq = 7", 7),
            ("INSERT INTO passage SELECT second, 2, facts, plate, fleet, gate, cargo FROM passage WHERE seq = 4", 7),
        ] as [(StaticString, UInt64)])
    func aChangedIndexIsNamedWithItsRecord(change: StaticString, sequence: UInt64) throws {
        let site = LedgerSite()
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            try site.pass(writer, "k2")
        }
        #expect(try site.report().isSound)
        try site.tamper(change)
        guard case .damaged(sequence, let reason) = try site.report().fault else { throw CancellationError() }
        #expect(reason.contains("index of passages"))
        #expect(try LedgerWriter.reindex(folder: site.folder, files: site.files) == 2)
        #expect(try site.report().isSound)
    }
}
