// Backups: copied beside the writer, read back, cut off at any step, and made a ledger again.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

/// Streams that fail at the n-th write or publication.
private final class FailingStreams: FileStreams {
    private final class Output: FileOutput {
        let inner: any FileOutput
        let owner: FailingStreams
        init(_ inner: any FileOutput, _ owner: FailingStreams) {
            self.inner = inner
            self.owner = owner
        }
        func write(_ bytes: [UInt8]) throws(MachineError) {
            try owner.count()
            try inner.write(bytes)
        }
        func publish() throws(MachineError) {
            try owner.count()
            try inner.publish()
        }
    }
    private let disk = DiskFiles()
    var callsUntilFailure = Int.max
    func count() throws(MachineError) {
        callsUntilFailure -= 1
        if callsUntilFailure == 0 { throw .system(call: "write", subject: "usb", errno: 28) }
    }
    func output(_ path: String) throws(MachineError) -> any FileOutput {
        try count()
        return Output(try disk.output(path), self)
    }
    func input(_ path: String) throws(MachineError) -> any FileInput { try disk.input(path) }
}

struct LedgerBackupTests {
    let site = LedgerSite()
    let target = NSTemporaryDirectory() + "gw-backup-" + UUID().uuidString
    private let streams = FailingStreams()

    private var backup: LedgerBackup {
        LedgerBackup(folder: target, files: DiskFiles(), streams: streams, pace: Pace(bytesPerSecond: 1 << 30))
    }

    private func run(isFull: Bool = false) throws -> BackupReport { try backup.run(site.reader(), isFull: isFull) }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: target).filter { $0.hasSuffix(".chain") }.sorted()
    }

    private func cleanUp() {
        try? FileManager.default.removeItem(atPath: target)
        try? FileManager.default.removeItem(atPath: target + "-state")
    }

    @Test func partsFollowOnAFullCopyAndARestoreIsTheSameLedger() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        let first = try run()
        #expect(first.kind == .full && first.first == 1 && first.photos == 2 && first.copied == 2)
        #expect(try run().kind == .nothingNew)
        let due = try #require(try site.reader().nextDue(destination: "uplink-1"))
        try writer.transaction {
            try $0.confirm(destination: "uplink-1", sequence: due.sequence, step: 0)
            try $0.append(note: .uplinkState(destination: "uplink-1", isReachable: true, detail: ""))
        }
        try site.pass(writer, "k2", photos: [[0xFF, 0xD8, 1], [0xFF, 0xD8, 3]])
        try site.pass(writer, "k3", photos: [], .backedOut)
        let second = try run()
        #expect(second.kind == .part && second.first == 5 && second.photos == 2 && second.copied == 1)
        #expect(try names() == ["full-000000000001-000000000004.chain", "part-000000000005-000000000011.chain"])
        let content = try backup.verify()
        #expect(content.head == writer.head && content.files == 2 && content.photos == 4 && content.missing == 0)
        #expect(content.device == LedgerSite.device && content.first == 1)

        let state = target + "-state"
        let restored = try LedgerRestore.run(backup, state: state, files: DiskFiles(), streams: DiskFiles())
        #expect(restored.report.isSound && restored.report.head == writer.head && restored.photos == 4)
        let reader = try LedgerReader(folder: state + "/ledger", files: DiskFiles())
        #expect(try LedgerVerifier(reader).verify().isSound)
        let next = try #require(try reader.nextDue(destination: "uplink-1"))
        #expect(next.sequence == due.sequence && next.step == 1)
        #expect(try reader.backlog(destination: "uplink-1") == site.reader().backlog(destination: "uplink-1"))
        #expect(try reader.knownCaptureKeys(limit: 9) == ["k3", "k2", "k1"])
        #expect(try reader.counts(LedgerQuery()).total == 3)
        #expect(throws: LedgerError.self) {
            try LedgerRestore.run(backup, state: state, files: DiskFiles(), streams: DiskFiles())
        }
    }

    @Test func aRestoredLedgerGoesOn() throws {
        defer { cleanUp() }
        let last: LedgerHead
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            let token = site.nextToken(writer)
            try writer.transaction {
                try $0.append(decision: site.decision(token, key: "k1"), gate: LedgerSite.gate)
            }
            last = try run().head
        }
        let state = target + "-state"
        _ = try LedgerRestore.run(backup, state: state, files: DiskFiles(), streams: DiskFiles())
        let writer = try LedgerWriter(
            folder: state + "/ledger", files: DiskFiles(), clock: site.clock, device: LedgerSite.device)
        // The sealing key is in no backup: a new generation goes on from the last record.
        try writer.transaction { try $0.appendBoot(version: "1", cause: "restored") }
        #expect(writer.generation?.lastGood == last)
        let (reports, isSound) = try LedgerGenerations.verify(folder: state + "/ledger", files: DiskFiles())
        #expect(isSound && reports.count == 2 && reports[0].report.isSound)
    }

    @Test func aPrunedLedgersFoundationIsInItsFullBackup() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        for number in 0..<4 {
            try site.pass(writer, "k\(number)", photos: [[0xFF, 0xD8, UInt8(number)]])
            site.clock.advance(seconds: 3_600)
            _ = try writer.sealWhenDue(destinations: [])
        }
        site.clock.advance(seconds: 40 * 86_400)
        try site.pass(writer, "k9")
        var batch = PruneBatch()
        (batch.least, batch.most) = (1, 8)
        var steps = 0
        while try writer.tidy(RetentionPolicy(recordDays: 30, photoDays: 30, destinations: []), batch: batch) {
            steps += 1
        }
        #expect(steps > 2)
        let oldest = try site.reader().oldest().sequence
        #expect(oldest > 8)
        let report = try run()
        #expect(report.kind == .full && report.first == oldest)
        #expect(try backup.verify().head == writer.head)
        let state = target + "-state"
        let restored = try LedgerRestore.run(backup, state: state, files: DiskFiles(), streams: DiskFiles())
        let seals = try site.report().seals
        #expect(restored.report.isSound && restored.report.seals == seals)
        // The index has lost what the ledger has, and an export begins where the ledger does.
        let rows = try site.reader().passages(LedgerQuery(), newestFirst: false, limit: 9).rows
        #expect(rows.allSatisfy { $0.record.sequence >= oldest } && !rows.isEmpty)
        #expect(try site.reader().counts(LedgerQuery()).total == rows.count)
        #expect(try site.reader().countsByWalking(LedgerQuery()).total == rows.count)
        #expect(try site.reader().export(.jsonLines, to: { _ in }).first == oldest)
    }

    @Test func aCutAtAnyStepLeavesTheBackupBefore() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        _ = try run()
        let before = try backup.verify().head
        try site.pass(writer, "k2", photos: [[0xFF, 0xD8, 7], [0xFF, 0xD8, 8]])
        var failures = 0
        for call in 1... {
            streams.callsUntilFailure = call
            do {
                _ = try run(isFull: call % 2 == 0)
                break
            } catch {
                failures += 1
                streams.callsUntilFailure = .max
                #expect(try backup.verify().head == before)
            }
        }
        #expect(failures > 8)
        streams.callsUntilFailure = .max
        #expect(try backup.verify().head == writer.head)
    }

    @Test func twoSetsAreKept() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        for key in ["k1", "k2", "k3"] {
            try site.pass(writer, key + "a")
            #expect(try run(isFull: true).kind == .full)
            try site.pass(writer, key + "b")
            #expect(try run().kind == .part)
        }
        #expect(
            try names() == [
                "full-000000000001-000000000010.chain", "full-000000000001-000000000016.chain",
                "part-000000000011-000000000013.chain", "part-000000000017-000000000019.chain",
            ])
        #expect(try backup.verify().head == writer.head)
    }

    @Test func aDamagedCopyIsNamedAndTheNextBackupIsFull() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        _ = try run()
        let path = target + "/" + (try names()[0])
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: LedgerError.self) { try backup.verify() }
        try site.pass(writer, "k2")
        let report = try run()
        #expect(report.kind == .full && report.reason.contains("is damaged"))
        #expect(try backup.verify().head == writer.head)
    }

    @Test(arguments: [true, false]) func aPhotoOfTheBackupThatIsChangedOrGoneIsFound(isGone: Bool) throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        _ = try run()
        let photo = try #require(
            FileManager.default.enumerator(atPath: target + "/photos")?.compactMap { $0 as? String }
                .first { $0.hasSuffix(".jpg") })
        if isGone {
            try FileManager.default.removeItem(atPath: target + "/photos/" + photo)
        } else {
            try Data([0xFF, 0xD8, 9]).write(to: URL(fileURLWithPath: target + "/photos/" + photo))
        }
        #expect(throws: LedgerError.self) { try backup.verify() }
        #expect(throws: LedgerError.self) {
            try LedgerRestore.run(backup, state: target + "-state", files: DiskFiles(), streams: DiskFiles())
        }
        #expect(!FileManager.default.fileExists(atPath: target + "-state/ledger"))
    }

    @Test func aPhotoThatTheLedgerLacksIsToldAndHoldsNothingUp() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try FileManager.default.removeItem(atPath: site.folder + "/photos")
        let report = try run()
        #expect(report.missing == 2 && report.copied == 0)
        #expect(try backup.verify().missing == 2)
        let restored = try LedgerRestore.run(backup, state: target + "-state", files: DiskFiles(), streams: DiskFiles())
        #expect(restored.missing == 2)
    }

    @Test(arguments: [true, false])
    func anotherDevicesFolderIsRefusedAndSoIsAnotherHistory(isFull: Bool) throws {
        defer { cleanUp() }
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            _ = try run()
        }
        let other = LedgerSite()
        do {
            let writer = try other.writer(device: "gate-2")
            try writer.transaction { try $0.appendBoot(version: "1", cause: "first start") }
        }
        #expect(throws: LedgerError.self) { try backup.run(other.reader(), isFull: isFull) }
        let again = LedgerSite()
        again.clock.advance(seconds: 5)
        let writer = try again.bootedWriter()
        for (key, words) in [("", "goes to record 4"), ("k1", "record 4 is not that"), ("k2", "record 4 is not that")] {
            if !key.isEmpty { try again.pass(writer, key) }
            do {
                _ = try backup.run(again.reader(), isFull: isFull)
                Issue.record("a backup of another history was taken")
            } catch {
                #expect((error as? LedgerError)?.description.contains(words) == true, "\(error)")
            }
        }
        #expect(try names() == ["full-000000000001-000000000004.chain"])
        #expect(try backup.verify().head.sequence == 4)
    }

    @Test func itEndsWhenItIsToldTo() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        for number in 0..<3 { try site.pass(writer, "k\(number)", photos: [[UInt8](repeating: 1, count: 300_000)]) }
        let pace = Pace(bytesPerSecond: 1 << 30) { false }
        let backup = LedgerBackup(folder: target, files: DiskFiles(), streams: DiskFiles(), pace: pace)
        #expect(throws: LedgerError.self) { try backup.run(site.reader(), isFull: true) }
        #expect(try names().isEmpty)
    }

    @Test func namesAreReadStrictly() {
        let file = BackupFile(isFull: true, first: 1, last: 1_234)
        #expect(file.name == "full-000000000001-000000001234.chain")
        #expect(BackupFile(name: file.name) == file)
        for name in [
            "", "full-1-2.chain", "full-000000000002-000000000001.chain", "full-000000000000-000000000001.chain",
            "half-000000000001-000000000002.chain", "full-000000000001-000000000002.chain.new", ".full", "a-b-c",
            "full-00000000000x-000000000002.chain", "full-000000000001-000000000002-3.chain",
        ] {
            #expect(BackupFile(name: name) == nil, "\(name)")
        }
    }
}
