// Damage that opening does not look for: the run ends once it is certain, and the next one begins a new generation.

import Domain
import Foundation
import Store
import Testing

@testable import Controller
@testable import Ledger

struct LedgerDamageTests {
    /// The file is damaged where opening does not look: the run ends, so that the next one sets the file aside.
    @Test func damageThatAppendsMeetEndsTheRunForANewGeneration() async throws {
        let folder = NSTemporaryDirectory() + "gw-controller-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do { _ = try LedgerBench(in: folder, isKept: true) }
        let page = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
            .value("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_word_1'")
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: LedgerPath.database(folder)))
        try handle.seek(toOffset: UInt64(page - 1) * 4_096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try handle.close()
        await #expect(processExitsWith: .exitCode(70)) { [folder = folder as String] in
            let ledger = try LedgerBench(in: folder, isKept: true)
            try ledger.run()
            ledger.decide(token(1, boot: 2))
            ledger.bench.settle()
            // What does not touch the page is recorded, also between the turns that fail.
            #expect(ledger.verdicts().count == 1)
            ledger.end(token(1, boot: 2))
            sleep(20)
        }
        let next = try LedgerBench(in: folder, isKept: true)
        #expect(FileManager.default.fileExists(atPath: folder + "/ledger-0001.db"))
        try next.run()
        next.decide(token(1, boot: 3))
        next.end(token(1, boot: 3))
        next.bench.settle()
        #expect(try next.kinds() == [.decision, .pass] && !next.isFailing)
        #expect(next.bench.end())
    }

    /// The medium does not give a page that every pass needs: a new file helps when the medium takes one.
    @Test func aPageThatCannotBeReadEndsTheRunForANewGeneration() async throws {
        let folder = NSTemporaryDirectory() + "gw-controller-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do { _ = try LedgerBench(in: folder, isKept: true) }
        let page = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
            .value("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_word_1'")
        await #expect(processExitsWith: .exitCode(70)) { [folder = folder as String, page = page as Int64] in
            UnreadablePage.take(page: page, of: LedgerPath.database(folder))
            let ledger = try LedgerBench(in: folder, isKept: true, vfs: UnreadablePage.name)
            try ledger.run()
            ledger.decide(token(1, boot: 2))
            ledger.bench.settle()
            #expect(ledger.verdicts().count == 1)
            ledger.end(token(1, boot: 2))
            #expect(eventually { ledger.isFailing })
            ledger.bench.advance(.seconds(9))
            #expect(ledger.isFailing)
            ledger.bench.clock.advance(.seconds(1))
            sleep(20)
        }
        UnreadablePage.take(page: page, of: LedgerPath.database(folder))
        let next = try LedgerBench(in: folder, isKept: true, vfs: UnreadablePage.name)
        #expect(FileManager.default.fileExists(atPath: folder + "/ledger-0001.db"))
        try next.run()
        next.decide(token(1, boot: 3))
        next.end(token(1, boot: 3))
        next.bench.settle()
        #expect(try next.kinds() == [.decision, .pass] && !next.isFailing)
        #expect(next.bench.end())
    }

    /// A record that is to make room cannot be read as it was written: nothing could ever be removed again.
    @Test func damageThatMakingRoomMeetsEndsTheRunForANewGeneration() async throws {
        let folder = NSTemporaryDirectory() + "gw-controller-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do { _ = try LedgerBench(in: folder, isKept: true) }
        let page = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
            .value("SELECT rootpage FROM sqlite_schema WHERE name = 'prune_record'")
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: LedgerPath.database(folder)))
        try handle.seek(toOffset: UInt64(page - 1) * 4_096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try handle.close()
        await #expect(processExitsWith: .exitCode(70)) { [folder = folder as String] in
            let ledger = try LedgerBench(in: folder, isKept: true)
            try ledger.run()
            for _ in 0..<100 {
                ledger.bench.advance(.seconds(6))
                usleep(100_000)
            }
        }
        let next = try LedgerBench(in: folder, isKept: true)
        #expect(FileManager.default.fileExists(atPath: folder + "/ledger-0001.db"))
        try next.run()
        next.decide(token(1, boot: 3))
        next.bench.settle()
        #expect(try next.kinds() == [.decision] && !next.isFailing)
        #expect(next.bench.end())
    }

    @Test func oneFailedReadIsNoReasonToGiveTheFileUp() {
        var damage = LedgerDamage()
        let start = Instant(nanoseconds: 1)
        func isToEnd(_ code: Int32, after seconds: UInt64) -> Bool {
            let error = LedgerError.store(.sqlite(what: "disk", code: code, message: "disk I/O error"))
            return damage.isToEnd(after: error, now: start + .seconds(seconds))
        }
        #expect(!isToEnd(266, after: 0))
        #expect(!isToEnd(266, after: 9))
        damage.noteSuccess()
        #expect(!isToEnd(266, after: 20))
        #expect(isToEnd(266, after: 30))
        for code: Int32 in [5, 13, 778, 1_034] { #expect(!isToEnd(code, after: 99)) }
    }
}
