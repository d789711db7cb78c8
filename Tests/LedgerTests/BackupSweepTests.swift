// What a backup removes: photos that nothing names any more and unfinished files, and nothing else.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

struct BackupSweepTests {
    let site = LedgerSite()
    let target = NSTemporaryDirectory() + "gw-sweep-" + UUID().uuidString

    private func backup(keeping sets: Int) -> LedgerBackup {
        LedgerBackup(
            folder: target, files: DiskFiles(), streams: DiskFiles(), pace: Pace(bytesPerSecond: 1 << 30),
            setsKept: sets)
    }

    private func names(_ suffix: String) -> [String] {
        (FileManager.default.enumerator(atPath: target)?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(suffix) }.sorted()
    }

    private func cleanUp() { try? FileManager.default.removeItem(atPath: target) }

    /// Passes with a photo each, sealed every hour.
    private func passes(_ writer: LedgerWriter, _ numbers: Range<UInt8>) throws {
        for number in numbers {
            try site.pass(writer, "k\(number)", photos: [[0xFF, 0xD8, number], [0xFF, 0xD8, 200]])
            site.clock.advance(seconds: 3_600)
            _ = try writer.sealWhenDue(destinations: [])
        }
    }

    /// Takes away everything that is older than 30 days.
    private func prune(_ writer: LedgerWriter) throws {
        var batch = PruneBatch()
        (batch.least, batch.most) = (1, 8)
        while try writer.tidy(RetentionPolicy(recordDays: 30, photoDays: 30, destinations: []), batch: batch) {}
    }

    @Test func aPhotoGoesWithTheLastSetThatNamesIt() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try passes(writer, 0..<4)
        _ = try backup(keeping: 2).run(site.reader(), isFull: true)
        #expect(names(".jpg").count == 5)
        site.clock.advance(seconds: 40 * 86_400)
        try passes(writer, 10..<13)
        try prune(writer)
        let oldest = try site.reader().oldest().sequence
        #expect(oldest > 8)
        // The older set still names what the ledger has given up.
        let second = try backup(keeping: 2).run(site.reader(), isFull: true)
        #expect(second.removed == 0 && names(".chain").count == 2)
        #expect(names(".jpg").count == 8)
        try passes(writer, 13..<14)
        let third = try backup(keeping: 2).run(site.reader(), isFull: true)
        #expect(names(".chain").count == 2 && third.warning.isEmpty)
        let left = names(".jpg").count
        #expect(third.removed > 0 && left == 9 - third.removed && left >= 5)
        #expect(try backup(keeping: 2).verify().head == writer.head)
        #expect(try backup(keeping: 2).verify().missing == 0)
    }

    @Test func nothingIsRemovedWhileASetThatIsKeptCannotBeRead() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try passes(writer, 0..<2)
        for number: UInt8 in 10..<12 {
            _ = try backup(keeping: 2).run(site.reader(), isFull: true)
            try passes(writer, number..<number + 1)
        }
        let older = try #require(names(".chain").last)
        let path = target + "/" + older
        try Data(try Data(contentsOf: URL(fileURLWithPath: path)).dropLast(30)).write(to: URL(fileURLWithPath: path))
        let stray = target + "/photos/ab/" + String(repeating: "ab", count: 32) + ".jpg"
        try FileManager.default.createDirectory(
            atPath: target + "/photos/ab", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: stray))
        let report = try backup(keeping: 2).run(site.reader(), isFull: true)
        #expect(report.removed == 0 && report.warning.contains("not tidied away") && report.line.contains("cut off"))
        #expect(FileManager.default.fileExists(atPath: stray))
        #expect(try backup(keeping: 2).verify().head == writer.head)
    }

    @Test func whatAnInterruptedBackupLeftIsRemovedAtTheNext() throws {
        defer { cleanUp() }
        let writer = try site.bootedWriter()
        try passes(writer, 0..<2)
        _ = try backup(keeping: 2).run(site.reader(), isFull: true)
        let photo = try #require(names(".jpg").first)
        let folder = String(photo.prefix("photos/ab".count))
        for name in [".part-000000000009-000000000010.chain.new", folder + "/.left.jpg.new"] {
            try Data([1]).write(to: URL(fileURLWithPath: target + "/" + name))
        }
        try Data([1]).write(to: URL(fileURLWithPath: target + "/notes.txt"))
        try passes(writer, 3..<4)
        #expect(try backup(keeping: 2).run(site.reader(), isFull: false).kind == .part)
        #expect(names(".new") == [] && names("notes.txt") == ["notes.txt"])
    }

    @Test func theSetsOfAnEarlierGenerationStay() throws {
        defer { cleanUp() }
        do {
            let writer = try site.bootedWriter()
            try passes(writer, 0..<2)
            _ = try backup(keeping: 1).run(site.reader(), isFull: true)
        }
        let first = names(".chain")
        // Without its database, the ledger goes on in a new generation, as its counter says.
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            try? FileManager.default.removeItem(atPath: site.folder + "/" + name)
        }
        let writer = try site.bootedWriter()
        #expect(writer.generation?.number == 2)
        for number: UInt8 in 20..<23 {
            try passes(writer, number..<number + 1)
            let report = try backup(keeping: 1).run(site.reader(), isFull: number > 20)
            #expect(report.kind == .full && report.warning.isEmpty)
            if number == 20 { #expect(report.reason.contains("a new generation")) }
        }
        #expect(names(".chain").count == 2 && names(".chain").contains(first[0]))
        #expect(try backup(keeping: 1).verify().head == writer.head)
        // Its photos are there with it.
        #expect(names(".jpg").count == 3 + 3)
    }

    @Test func aLedgersOwnFolderIsNoPlaceForABackup() throws {
        let writer = try site.bootedWriter()
        try passes(writer, 0..<1)
        let backup = LedgerBackup(
            folder: site.folder, files: DiskFiles(), streams: DiskFiles(), pace: Pace(bytesPerSecond: 1 << 30))
        #expect(throws: LedgerError.self) { try backup.run(site.reader(), isFull: true) }
        #expect(try site.report().isSound)
    }

    @Test func whatWasPutInIsFoundAndHardlyAnythingElse() throws {
        var named = NamedPhotos()
        var random = SeededRandom(7)
        func digest() throws -> Digest {
            try #require(Digest(bytes: (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }))
        }
        let kept = try (0..<20_000).map { _ in try digest() }
        for digest in kept { named.insert(digest) }
        #expect(kept.allSatisfy { named.contains($0) })
        var wrong = 0
        for _ in 0..<20_000 where named.contains(try digest()) { wrong += 1 }
        #expect(wrong <= 2)
    }
}

struct DrillTests {
    let site = LedgerSite()
    let target = NSTemporaryDirectory() + "gw-drill-" + UUID().uuidString

    private var backup: LedgerBackup {
        LedgerBackup(folder: target, files: DiskFiles(), streams: DiskFiles(), pace: Pace(bytesPerSecond: 1 << 30))
    }

    /// Each file under the folder and its bytes.
    private func content(_ folder: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
            found[name] = FileManager.default.contents(atPath: folder + "/" + name)
        }
        return found
    }

    @Test func aDrillProvesTheCopyAndLeavesNothingBehind() throws {
        defer { try? FileManager.default.removeItem(atPath: target) }
        let scratch = target + "-scratch"
        let copied: LedgerHead
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            copied = try backup.run(site.reader(), isFull: false).head
            try site.pass(writer, "k2")
        }
        let (before, copy) = (try content(site.folder), try content(target))
        let proof = try LedgerRestore.drill(backup, scratch: scratch, live: site.reader(), files: DiskFiles())
        #expect(proof.report.isSound && proof.report.head == copied && proof.passages == 1 && proof.photos == 2)
        #expect(proof.device == LedgerSite.device && proof.missing == 0)
        #expect(!FileManager.default.fileExists(atPath: scratch))
        let after = try content(site.folder)
        for name in before.keys where !name.hasSuffix("-shm") && !name.hasSuffix("-wal") {
            #expect(before[name] == after[name], "\(name)")
        }
        #expect(try content(target) == copy)
        #expect(try LedgerRestore.drill(backup, scratch: scratch, live: nil, files: DiskFiles()).passages == 1)
    }

    @Test func aDrillFailsOnWhatIsNoCopyOfThisLedgerAndTouchesNoFolderThatIsThere() throws {
        defer { try? FileManager.default.removeItem(atPath: target) }
        let scratch = target + "-scratch"
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        _ = try backup.run(site.reader(), isFull: false)
        let other = LedgerSite()
        other.clock.advance(seconds: 9)
        let stranger = try other.bootedWriter()
        try other.pass(stranger, "k1")
        for live in [try other.reader()] {
            #expect(throws: LedgerError.self) {
                try LedgerRestore.drill(backup, scratch: scratch, live: live, files: DiskFiles())
            }
            #expect(!FileManager.default.fileExists(atPath: scratch))
        }
        #expect(throws: LedgerError.self) {
            try LedgerRestore.drill(backup, scratch: site.folder, live: nil, files: DiskFiles())
        }
        #expect(try site.report().isSound)
        let photo = try #require(
            FileManager.default.enumerator(atPath: target + "/photos")?.compactMap { $0 as? String }
                .first { $0.hasSuffix(".jpg") })
        try Data([0xFF, 0xD8, 9]).write(to: URL(fileURLWithPath: target + "/photos/" + photo))
        #expect(throws: LedgerError.self) {
            try LedgerRestore.drill(backup, scratch: scratch, live: nil, files: DiskFiles())
        }
        #expect(!FileManager.default.fileExists(atPath: scratch))
    }
}
