// Each way of attacking a sealed ledger is found, and named. What only a witness finds is shown as well.
// Altering, deleting, inserting and reordering without seals: LedgerVerifierTests.

import Crypto
import Domain
import Foundation
import Testing

@testable import Ledger

struct AttackTests {
    let site = LedgerSite()

    /// Records: 1 boot, 2 seal 0, 3…5 a pass, 6 seal 1, 7…9 a pass, 10 seal 2, 11 seal 3 (nothing happened), 12…14 a
    /// pass that no seal covers.
    private func day() throws -> LedgerHead {
        let writer = try site.bootedWriter()
        try writer.sealWhenDue()
        for key in ["k1", "k2", ""] {
            if !key.isEmpty { try site.pass(writer, key) }
            site.clock.advance(seconds: 900)
            #expect(try writer.sealWhenDue())
        }
        try site.pass(writer, "k3")
        try writer.settle()
        return writer.head
    }

    private func expectFault(
        _ sequence: UInt64, _ words: String, witness: LedgerHead? = nil, firstKey: Ed25519PublicKey? = nil
    ) throws {
        let report = try LedgerVerifier(
            site.reader(), device: LedgerSite.device, witness: witness, firstKey: firstKey
        ).verify()
        guard case .damaged(let found, let reason) = report.fault else {
            Issue.record("found \(report.fault?.description ?? "nothing")")
            return
        }
        #expect(found == sequence)
        #expect(reason.contains(words), "\(reason)")
    }

    /// The key that a thief of the device finds.
    private func stolenKey() throws -> Ed25519PrivateKey {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: site.folder + "/seal/key"))
        return try #require(Ed25519PrivateKey(seed: Array(bytes[16..<48])))
    }

    private func copy(_ names: [String], to backup: String) throws {
        try FileManager.default.createDirectory(
            atPath: backup + "/seal", withIntermediateDirectories: true)
        for name in names where FileManager.default.fileExists(atPath: site.folder + "/" + name) {
            try? FileManager.default.removeItem(atPath: backup + "/" + name)
            try FileManager.default.copyItem(atPath: site.folder + "/" + name, toPath: backup + "/" + name)
        }
    }

    private func restore(_ names: [String], from backup: String) throws {
        for name in names {
            try? FileManager.default.removeItem(atPath: site.folder + "/" + name)
            if FileManager.default.fileExists(atPath: backup + "/" + name) {
                try FileManager.default.copyItem(atPath: backup + "/" + name, toPath: site.folder + "/" + name)
            }
        }
    }

    private static let database = ["ledger.db", "ledger.db-wal", "ledger.db-shm"]
    private static let counter = ["seal/counter.0", "seal/counter.1"]
    private static let key = ["seal/key", "seal/key.next"]

    @Test func aSealedDayIsSound() throws {
        let head = try day()
        let report = try site.report(witness: head)
        #expect(report.isSound, "\(report.fault?.description ?? "")")
        #expect(report.seals == 4)
        #expect(report.epoch == 3)
        #expect(report.findings == [.unsealed(records: 3)])
    }

    @Test func anAlteredRecordWithTheChainMadeAnewBreaksItsSeal() throws {
        _ = try day()
        try Forger(site: site).rewrite(from: 5) { record in
            guard record.sequence == 5, case .pass(var row) = record.body else { return record.body }
            row.outcome = .backedOut
            row.raisedAt = nil
            return .pass(row)
        }
        try expectFault(6, "signature")
    }

    @Test func aDeletedRecordWithTheChainMadeAnewBreaksItsSeal() throws {
        _ = try day()
        try Forger(site: site).rewrite(from: 3) { (3...5).contains($0.sequence) ? nil : $0.body }
        try expectFault(3, "signature")
    }

    @Test func anInsertedRecordWithTheChainMadeAnewBreaksItsSeal() throws {
        _ = try day()
        var isFirst = true
        try Forger(site: site).rewrite(from: 5) { record in
            // The seal takes the place of one more record, and comes no more.
            guard case .seal = record.body, isFirst else { return record.body }
            isFirst = false
            return .note(.faultHealed(subject: "camera", detail: ""))
        }
        try expectFault(10, "epoch 1 is due")
    }

    @Test func reorderedRecordsWithTheChainMadeAnewBreakTheirSeal() throws {
        let writer = try site.bootedWriter()
        try writer.sealWhenDue()
        for destination in ["p", "q"] {
            try writer.transaction {
                _ = try $0.append(note: .uplinkState(destination: destination, isReachable: false, detail: ""))
            }
        }
        site.clock.advance(seconds: 900)
        try writer.sealWhenDue()
        let records = try site.reader().records(from: 3, limit: 2)
        try Forger(site: site).rewrite(from: 3) { record in
            record.sequence < 5 ? records[record.sequence == 3 ? 1 : 0].body : record.body
        }
        for name in AttackTests.counter { try? FileManager.default.removeItem(atPath: site.folder + "/" + name) }
        try expectFault(5, "signature")
    }

    @Test func oldRecordsSealedAgainWithTheKeyUnderWayAreNamed() throws {
        _ = try day()
        let stolen = try stolenKey()
        var next = stolen.publicKey
        try Forger(site: site).rewrite(
            from: 5,
            key: { seal in
                defer { next = stolen.publicKey }
                return SealEntry.Forged(epoch: seal.epoch, signer: stolen, next: next)
            },
            alter: { record in
                guard record.sequence == 5, case .pass(var row) = record.body else { return record.body }
                row.freight.netKilograms = 1
                return .pass(row)
            })
        try expectFault(6, "another key than the seal before it names")
    }

    @Test func aSealThatIsLeftOutIsNamed() throws {
        _ = try day()
        try Forger(site: site).rewrite(from: 11) { record in
            if case .seal = record.body { return nil }
            return record.body
        }
        // What the counter holds is another record now.
        try expectFault(11, "not the one that the counter holds")
        for name in AttackTests.counter { try? FileManager.default.removeItem(atPath: site.folder + "/" + name) }
        // Without the counter, the key that is there is not the one that the last seal names.
        let writer = try site.writer()
        #expect(writer.generation?.reason.contains("key") == true)
    }

    /// Sealing held back for hours, and taken up as if nothing had been.
    @Test func skippedEmptyEpochsAreNamed() throws {
        let writer = try site.bootedWriter()
        try writer.sealWhenDue()
        site.clock.advance(seconds: 4 * 3_600)
        try writer.seal(.inTime)
        try expectFault(3, "seals in between are missing")
    }

    @Test func epochsLeftOutInTheMiddleAreNamed() throws {
        _ = try day()
        let stolen = try stolenKey()
        try Forger(site: site).rewrite(
            from: 10,
            key: { SealEntry.Forged(epoch: $0.epoch, signer: stolen, next: stolen.publicKey) },
            alter: { $0.sequence == 10 ? nil : $0.body })
        try expectFault(10, "epoch 2 is due")
    }

    @Test func aSealThatComesLateAndSaysSoIsReported() throws {
        let writer = try site.bootedWriter()
        try writer.sealWhenDue()
        site.clock.advance(seconds: 4 * 3_600)
        try writer.sealWhenDue()
        let report = try site.report()
        #expect(report.isSound)
        guard case .lateSeal(3, _) = report.findings.first else { throw CancellationError() }
    }

    @Test func aTailCutOffBehindTheLastSealIsFoundByTheWitnessOnly() throws {
        let head = try day()
        try site.tamper("DELETE FROM record WHERE seq > 11")
        #expect(try site.report().isSound)
        try expectFault(12, "was witnessed", witness: head)
    }

    @Test func aTailCutOffBeforeTheLastSealIsFoundByTheCounter() throws {
        _ = try day()
        try site.tamper("DELETE FROM record WHERE seq > 9")
        try expectFault(10, "the counter holds record 11")
        let writer = try site.writer()
        #expect(writer.generation?.reason.contains("cut off") == true)
        #expect(writer.generation?.lastGood?.sequence == 9)
        #expect(writer.generation?.counter?.sequence == 11)
    }

    /// Whoever cuts off what was sealed and goes on by himself has the key of a later epoch only.
    @Test func aTailCutOffAndGoneOnIsNamed() throws {
        _ = try day()
        let stolen = try stolenKey()
        try Forger(site: site).rewrite(
            from: 7,
            key: { SealEntry.Forged(epoch: $0.epoch - 1, signer: stolen, next: stolen.publicKey) },
            alter: { $0.sequence <= 10 ? nil : $0.body })
        for name in AttackTests.counter { try? FileManager.default.removeItem(atPath: site.folder + "/" + name) }
        try expectFault(7, "another key than the seal before it names")
    }

    @Test func yesterdaysCopyOfTheFileIsNamedAndNotGoneOnWith() throws {
        let backup = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        _ = try day()
        try copy(AttackTests.database, to: backup)
        do {
            let writer = try site.bootedWriter()
            #expect(writer.generation == nil)
            try writer.sealWhenDue()
            try site.pass(writer, "k4")
            try writer.seal(.orderlyEnd)
            try writer.settle()
        }
        try restore(AttackTests.database, from: backup)
        try expectFault(15, "cut off or rolled back")
        let writer = try site.bootedWriter()
        #expect(writer.generation?.reason.contains("rolled back") == true)
        #expect(writer.head.sequence > 18)
    }

    @Test func yesterdaysCopyWithItsCounterIsNamedByTheKey() throws {
        let backup = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        _ = try day()
        try copy(AttackTests.database + AttackTests.counter, to: backup)
        do {
            let writer = try site.bootedWriter()
            try writer.sealWhenDue()
        }
        try restore(AttackTests.database + AttackTests.counter, from: backup)
        let writer = try site.bootedWriter()
        #expect(writer.generation?.reason.contains("key") == true)
    }

    /// The limit of what a device can prove by itself: an image of everything, put back.
    @Test func everythingPutBackIsFoundByTheWitnessOnly() throws {
        let backup = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        _ = try day()
        let all = AttackTests.database + AttackTests.counter + AttackTests.key
        try copy(all, to: backup)
        var head = LedgerHead(sequence: 0, hash: .zero)
        do {
            let writer = try site.bootedWriter()
            try writer.sealWhenDue()
            head = writer.head
        }
        try restore(all, from: backup)
        #expect(try site.report().isSound)
        do { #expect(try site.writer().generation == nil) }
        try expectFault(15, "was witnessed", witness: head)
    }

    @Test func anotherDevicesLedgerUnderTheSameNameHasAnotherFirstKey() throws {
        _ = try day()
        let other = try #require(Ed25519PrivateKey(seed: [UInt8](repeating: 3, count: 32)))
        try expectFault(1, "sealing key that was written down", firstKey: other.publicKey)
        let own = try #require(Ed25519PrivateKey(seed: Array(0..<32)))
        #expect(try LedgerVerifier(site.reader(), firstKey: own.publicKey).verify().isSound)
    }

    @Test func aReplacedPhotoIsNamed() throws {
        _ = try day()
        guard case .capture(let capture) = try site.reader().records(from: 3, limit: 1)[0].body else {
            throw CancellationError()
        }
        let name = capture.photos[0].digest.hexadecimal
        let path = site.folder + "/photos/" + name.prefix(2) + "/" + name + ".jpg"
        try Data([0xFF, 0xD8, 7]).write(to: URL(fileURLWithPath: path))
        try expectFault(3, "other bytes")
    }

    @Test(arguments: [true, false]) func aClockThatIsSetIsReported(isRecorded: Bool) throws {
        let writer = try site.bootedWriter()
        try writer.sealWhenDue()
        let before = site.clock.wall()
        site.clock.wallMicroseconds -= 3_600_000_000
        let after = site.clock.wall()
        if isRecorded { try writer.transaction { try $0.append(note: .clockStep(before: before, after: after)) } }
        try site.pass(writer, "k1")
        let findings = try site.report().findings
        if isRecorded {
            #expect(findings.contains(.clockStep(3, microseconds: -3_600_000_000)))
            #expect(!findings.contains { if case .clockMoved = $0 { true } else { false } })
        } else {
            #expect(findings.contains { if case .clockMoved(3, -3_600_000_000) = $0 { true } else { false } })
        }
    }

    @Test func timeWithoutTheDeviceIsReported() throws {
        _ = try day()
        site.clock.advance(seconds: 5_000)
        do { _ = try site.bootedWriter() }
        #expect(try site.report().findings.contains { if case .downtime(1, _, _) = $0 { true } else { false } })
    }
}
