// A ledger that cannot be gone on with never stops the gate: it is set aside, and a new generation says what is known.

import Domain
import Foundation
import Store
import Testing

@testable import Ledger

struct GenerationTests {
    let site = LedgerSite()

    /// Records: 1 boot, 2…4 a pass, 5 seal, 6…8 a pass.
    @discardableResult
    private func began() throws -> LedgerHead {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try writer.seal(.start)
        try site.pass(writer, "k2")
        try writer.settle()
        return writer.head
    }

    private func path(_ name: String) -> String { site.folder + "/" + name }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// Goes on in a new generation, and verifies it; gives its generation record.
    private func goOn() throws -> GenerationEntry {
        let writer = try site.bootedWriter()
        let entry = try #require(writer.generation)
        try site.pass(writer, "k9")
        try writer.seal(.start)
        let report = try site.report(witness: writer.head)
        #expect(report.isSound, "\(report.fault?.description ?? "")")
        #expect(report.generation == entry.number)
        #expect(report.findings.contains { if case .generation(entry.number, _, _) = $0 { true } else { false } })
        return entry
    }

    @Test func garbageInItsPlaceIsSetAside() throws {
        try began()
        for name in ["ledger.db-wal", "ledger.db-shm"] { try? FileManager.default.removeItem(atPath: path(name)) }
        let garbage = Data(repeating: 0x5A, count: 10_000)
        try garbage.write(to: URL(fileURLWithPath: path("ledger.db")))
        let entry = try goOn()
        #expect(entry.number == 2)
        #expect(entry.setAside == "ledger-0001.db")
        #expect(entry.lastGood == nil)
        #expect(entry.counter?.sequence == 5)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path("ledger-0001.db"))) == garbage)
        // Numbers go on behind what was sealed: 6 boot, 7 generation.
        #expect(try site.reader().records(from: 1, limit: 10).first?.sequence == 6)
    }

    @Test func anotherProgramsDatabaseIsSetAside() throws {
        try began()
        try site.tamper("PRAGMA application_id = 99")
        #expect(try goOn().reason.contains("another program"))
    }

    @Test func damagedPagesAreSetAside() throws {
        try began()
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path("ledger.db")))
        try handle.seek(toOffset: 4_096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try handle.close()
        #expect(try goOn().number == 2)
    }

    @Test func aDamagedTailIsSetAsideWithItsLastGoodRecord() throws {
        let head = try began()
        try site.tamper("UPDATE record SET canonical = x'0001' WHERE seq = 8")
        let entry = try goOn()
        #expect(entry.lastGood?.sequence == 7)
        #expect(entry.reason.contains("record 8"))
        #expect(try site.reader().records(from: 1, limit: 1)[0].sequence == head.sequence)
        // The old generation can still be read, and its verifier names the same record.
        let old = try LedgerReader(folder: site.folder, files: site.files, generation: 1)
        guard case .damaged(8, _) = try LedgerVerifier(old).verify().fault else { throw CancellationError() }
    }

    /// Also when a start was cut off after it had moved the log, and before it moved the main file.
    @Test(arguments: [false, true]) func aMainFileEmptiedBesideItsLogIsSetAsideWithTheLog(isLogAside: Bool) throws {
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            // As a power cut leaves it: the log is there, and nobody has settled it.
            for name in ["ledger.db", "ledger.db-wal"] {
                try FileManager.default.copyItem(atPath: path(name), toPath: path("saved-" + name))
            }
        }
        for name in ["ledger.db", "ledger.db-wal"] {
            try? FileManager.default.removeItem(atPath: path(name))
            try FileManager.default.moveItem(atPath: path("saved-" + name), toPath: path(name))
        }
        try Data().write(to: URL(fileURLWithPath: path("ledger.db")))
        let log = try Data(contentsOf: URL(fileURLWithPath: path("ledger.db-wal")))
        #expect(log.count > 4_096)
        if isLogAside {
            try FileManager.default.moveItem(atPath: path("ledger.db-wal"), toPath: path("ledger-0001.db-wal"))
        }
        let entry = try goOn()
        #expect(entry.reason.contains("empty") && entry.setAside == "ledger-0001.db")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path("ledger-0001.db-wal"))) == log)
    }

    @Test func aDeletedLedgerIsKnownByItsCounter() throws {
        try began()
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            try? FileManager.default.removeItem(atPath: path(name))
        }
        let entry = try goOn()
        #expect(entry.counter?.sequence == 5)
        #expect(entry.setAside.isEmpty)
        #expect(!exists("ledger-0001.db"))
    }

    @Test func aLostKeyBeginsAnUnlinkedGeneration() throws {
        try began()
        try FileManager.default.removeItem(atPath: path("seal/key"))
        let entry = try goOn()
        #expect(entry.reason.contains("key"))
        let links = try LedgerGenerations.verify(folder: site.folder, files: site.files).reports
            .flatMap { $0.report.findings }
        #expect(links.contains(.linked(2, false)))
    }

    /// A head that was written down in the generation before is compared there, or it is said why not.
    @Test func aWitnessOfTheGenerationBeforeIsLookedForThere() throws {
        let head = try began()
        try FileManager.default.removeItem(atPath: path("seal/key"))
        _ = try goOn()
        func compared(_ hash: Digest) throws -> LedgerReport {
            let witness = LedgerHead(sequence: head.sequence, hash: hash)
            return try #require(
                LedgerGenerations.verify(folder: site.folder, files: site.files, witness: witness).reports.last?.report)
        }
        let same = try compared(head.hash)
        #expect(same.isSound && same.notCompared == nil)
        guard case .damaged(head.sequence, _) = try compared(.zero).fault else { throw CancellationError() }
        try Data(repeating: 0x5A, count: 10_000).write(to: URL(fileURLWithPath: path("ledger-0001.db")))
        for _ in 0..<2 {
            let unknown = try compared(head.hash)
            #expect(unknown.isSound && unknown.notCompared?.contains("cannot be read") == true)
            try? FileManager.default.removeItem(atPath: path("ledger-0001.db"))
        }
    }

    @Test func aGenerationIsLinkedByTheKeyThatTheOldOneNames() throws {
        try began()
        try site.tamper("UPDATE record SET canonical = x'0001' WHERE seq = 8")
        _ = try goOn()
        let all = try LedgerGenerations.verify(folder: site.folder, files: site.files)
        #expect(all.reports.map(\.generation) == [1, 2])
        #expect(all.reports[1].report.isSound)
        #expect(all.reports[1].report.findings.contains(.linked(2, true)))
    }

    /// Promise 5: what was due stays due, with its serial number, and what was delivered does not come again.
    @Test func whatWasStillDueGoesOnInTheNextGeneration() throws {
        try began()
        let serials = try site.reader().records(from: 1, limit: 100).compactMap { record -> String? in
            if case .pass(let row) = record.body { row.serial } else { nil }
        }
        do {
            let writer = try site.bootedWriter()
            try writer.transaction {
                for step in 0..<3 { try $0.confirm(destination: "p", sequence: 4, step: UInt32(step)) }
            }
        }
        try FileManager.default.removeItem(atPath: path("seal/key"))
        let writer = try site.bootedWriter()
        #expect(writer.generation != nil)
        let item = try #require(try site.reader().nextDue(destination: "p"))
        #expect(item.row.serial == serials[1])
        #expect(try site.reader().backlog(destination: "p") == 1)
        try writer.transaction {
            for step in 0..<3 { try $0.confirm(destination: "p", sequence: item.sequence, step: UInt32(step)) }
        }
        #expect(try site.reader().nextDue(destination: "p") == nil)
        try writer.seal(.start)
        #expect(try site.report().isSound)
    }

    /// The file is set aside, and the power goes before the new generation's first record is there.
    @Test func whatWasDueGoesOnAfterAStartThatCameNoFurther() throws {
        try began()
        let head = try #require(try site.reader().head())
        try FileManager.default.removeItem(atPath: path("seal/key"))
        do { _ = try site.writer() }
        #expect(exists("ledger-0001.db"))
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            try? FileManager.default.removeItem(atPath: path(name))
        }
        let entry = try goOn()
        #expect(entry.setAside == "ledger-0001.db")
        #expect(entry.lastGood == head)
        #expect(entry.reason.contains("came no further"))
        #expect(try site.reader().backlog(destination: "p") == 2 + 1)
    }

    /// Promise 3, whichever page it is and wherever it is met: what opening does not find, the boot's records or a pass
    /// do, and then the next start goes on in a new generation.
    @Test(arguments: [0xA5, 0x00] as [UInt8]) func aDamagedPageNeverStopsTheGate(filling: UInt8) throws {
        try began()
        do {
            // Left open: the next boot closes it.
            let writer = try site.bootedWriter()
            let token = site.nextToken(writer)
            let decision = try site.decision(token, key: "k2", reason: .stageAllowed)
            try writer.transaction { try $0.append(decision: decision, gate: LedgerSite.gate) }
            try writer.settle()
        }
        let whole = try Data(contentsOf: URL(fileURLWithPath: path("ledger.db")))
        let saved = site.folder + "-saved"
        try FileManager.default.copyItem(atPath: site.folder, toPath: saved)
        defer { try? FileManager.default.removeItem(atPath: saved) }
        var met = 0
        for page in 1..<whole.count / 4_096 {
            try FileManager.default.removeItem(atPath: site.folder)
            try FileManager.default.copyItem(atPath: saved, toPath: site.folder)
            var damaged = whole
            damaged.replaceSubrange(page * 4_096..<(page + 1) * 4_096, with: Data(repeating: filling, count: 4_096))
            try damaged.write(to: URL(fileURLWithPath: path("ledger.db")))
            var starts = 0
            var generation: GenerationEntry?
            var isGoing = false
            while !isGoing, starts < 3 {
                starts += 1
                do { generation = try serves() ?? generation; isGoing = true } catch let error as LedgerError {
                    #expect(error.isCorruption, "page \(page): \(error.description)")
                }
            }
            #expect(isGoing, "page \(page): the gate stands")
            if starts > 1 {
                met += 1
                #expect(generation?.setAside == "ledger-0001.db" && generation?.lastGood != nil, "page \(page)")
            }
            #expect(!exists(CondemnedMark.fileName), "page \(page)")
            if generation != nil {
                let report = try site.report()
                #expect(report.isSound, "page \(page): \(report.fault?.description ?? "")")
            }
        }
        #expect(met > 3, "\(met) pages that opening does not read")
    }

    /// A start as the controller makes it, and a vehicle. What is met for good is condemned.
    private func serves() throws -> GenerationEntry? {
        let writer = try site.writer()
        do {
            try writer.transaction { try $0.appendBoot(version: "1.0.0", cause: "start") }
            _ = try site.reader().knownCaptureKeys(limit: 1_000)
            try site.pass(writer, "k3")
            return writer.generation
        } catch {
            let error = try #require(error as? LedgerError)
            #expect(error.isCorruption && writer.condemn(error.description))
            throw error
        }
    }

    @Test func aMarkSpeaksOfItsGenerationAlone() throws {
        try began()
        do { #expect(try site.bootedWriter().condemn("its index")) }
        let mark = try Data(contentsOf: URL(fileURLWithPath: path(CondemnedMark.fileName)))
        let entry = try goOn()
        #expect(entry.reason == "its index" && entry.setAside == "ledger-0001.db" && !exists(CondemnedMark.fileName))
        #expect(try site.reader().backlog(destination: "p") == 2 + 1)
        // A power cut brings it back: its removal was not on the disk yet.
        try mark.write(to: URL(fileURLWithPath: path(CondemnedMark.fileName)))
        #expect(try site.bootedWriter().generation == nil)
    }

    @Test func aMarkThatCannotBeReadCondemnsNothing() throws {
        try began()
        try Data(repeating: 0x31, count: 5_000).write(to: URL(fileURLWithPath: path(CondemnedMark.fileName)))
        #expect(try site.bootedWriter().generation == nil)
    }

    /// Of SQLite's codes, CORRUPT and NOTADB with what extends them, and no other.
    @Test func onlyContradictionsInTheFileCondemnIt() {
        func isCorruption(_ code: Int32) -> Bool {
            LedgerError.store(.sqlite(what: "", code: code, message: "")).isCorruption
        }
        let corrupt: [Int32] = [11, 11 | 1 << 8, 11 | 2 << 8, 11 | 3 << 8, 26]
        #expect(corrupt.allSatisfy(isCorruption))
        // Every other primary code; I/O errors of each kind: reads, short reads, writes, lack of memory.
        #expect(!(Int32(1)...28).contains { !corrupt.contains($0) && isCorruption($0) })
        #expect(!(Int32(1)...34).contains { isCorruption(10 | $0 << 8) })
        #expect(!LedgerError.store(.empty(path: "")).isCorruption)
        #expect(!LedgerError.file(what: "", .system(call: "read", subject: "", errno: 5)).isCorruption)
    }

    @Test func aLedgerBegunWithoutKeysIsSetAside() throws {
        try began()
        // What earlier versions wrote: no key in the first record.
        try site.tamper("DELETE FROM record WHERE seq > 1; DROP INDEX seal_record")
        #expect(try goOn().number == 2)
    }

    @Test(arguments: [true, false]) func tablesThatAreGoneDoNotStopTheGate(isIndex: Bool) throws {
        try began()
        if isIndex { try site.tamper("DROP TABLE passage") } else { try site.tamper("DROP TABLE quarantine") }
        #expect(try goOn().number == 2)
    }

    @Test func generationsCountUpAndBootsGoOn() throws {
        try began()
        for number in 2...4 as ClosedRange<UInt32> {
            try Data(repeating: 1, count: 5_000).write(to: URL(fileURLWithPath: path("ledger.db")))
            for name in ["ledger.db-wal", "ledger.db-shm"] { try? FileManager.default.removeItem(atPath: path(name)) }
            #expect(try goOn().number == number)
        }
        #expect(exists("ledger-0003.db"))
        #expect(try site.reader().records(from: 1, limit: 100)[0].boot == 4)
    }

    /// A crash at the n-th file call of setting aside and beginning, for every n: the next start gets through.
    @Test func aCrashWhileAGenerationBeginsIsRecovered() throws {
        var n = 0
        var isThrough = false
        while !isThrough {
            n += 1
            let site = LedgerSite()
            do {
                let writer = try site.bootedWriter()
                try writer.seal(.start)
            }
            try Data(repeating: 1, count: 5_000).write(to: URL(fileURLWithPath: site.folder + "/ledger.db"))
            site.files.callsUntilFailure = n
            isThrough = (try? site.writer()) != nil
            site.files.callsUntilFailure = .max
            let writer = try site.bootedWriter()
            #expect(writer.generation != nil)
            try site.pass(writer, "k")
            try writer.seal(.start)
            let report = try site.report()
            #expect(report.isSound, "n \(n): \(report.fault?.description ?? "")")
        }
        #expect(n > 4)
    }

    @Test func anotherDevicesLedgerIsStillRefused() throws {
        try began()
        #expect(throws: LedgerError.self) { try site.writer(device: "gate-2") }
        #expect(!exists("ledger-0001.db"))
    }
}
