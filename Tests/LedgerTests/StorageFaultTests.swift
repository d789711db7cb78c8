// An error at the n-th write or sync of the database, for n = 1, 2, 3… until the work goes through.

import Domain
import Testing

@testable import Ledger

@Suite(.serialized) struct StorageFaultTests {
    private func set(_ countdown: Int) {
        FaultVFS.countdown.store(countdown, ordering: .sequentiallyConsistent)
    }

    /// What was acknowledged by `commit` is there afterwards, and what failed left no trace in memory or on the disk.
    @Test func anErrorAtTheNthWriteLosesNothingAcknowledgedAndKeepsNothingElse() throws {
        #expect(FaultVFS.isRegistered)
        defer { set(-1) }
        var n = 0
        var isThrough = false
        while !isThrough {
            n += 1
            let site = LedgerSite()
            set(-1)
            var acknowledged = LedgerHead(sequence: 0, hash: .zero)
            do {
                let writer = try site.writer(vfs: FaultVFS.name)
                try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
                acknowledged = writer.head
                set(n)
                isThrough = true
                for key in ["k1", "k2"] {
                    do {
                        try site.pass(writer, key)
                        acknowledged = writer.head
                    } catch {
                        isThrough = false
                        // A part of the pass may have been committed: memory must agree with the disk about it.
                        set(-1)
                        acknowledged = writer.head
                        #expect(try site.reader().head() == acknowledged)
                    }
                }
                set(-1)
                // The writer goes on after the fault.
                try writer.transaction { try $0.append(note: .faultHealed(subject: "disk", detail: "n \(n)")) }
                acknowledged = writer.head
            }
            let report = try site.report(witness: acknowledged)
            #expect(report.isSound, "n \(n): \(report.fault?.description ?? "")")
            #expect(report.head == acknowledged)
            let next = try site.writer()
            try next.transaction { try $0.appendBoot(version: "1", cause: "test") }
            #expect(try site.report().isSound)
        }
        // Six commits, each with several pages and a sync.
        #expect(n > 12)
    }

    @Test func aCommitThatFailsRollsMemoryBack() throws {
        #expect(FaultVFS.isRegistered)
        defer { set(-1) }
        let site = LedgerSite()
        let writer = try site.writer(vfs: FaultVFS.name)
        try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
        let head = writer.head
        try writer.begin()
        try writer.append(note: .shutdown(cause: "a"))
        #expect(writer.head.sequence == 2)
        set(1)
        #expect {
            try writer.commit()
        } throws: { error in
            (error as? LedgerError)?.undoesTransaction == true
        }
        set(-1)
        #expect(writer.head == head)
        #expect(try site.reader().head() == head)
        try writer.transaction { try $0.append(note: .shutdown(cause: "b")) }
        #expect(try site.report().records == 2)
    }

    @Test func aBootThatFailsIsNotCounted() throws {
        #expect(FaultVFS.isRegistered)
        defer { set(-1) }
        let site = LedgerSite()
        let writer = try site.writer(vfs: FaultVFS.name)
        set(1)
        #expect(throws: LedgerError.self) {
            try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
        }
        set(-1)
        #expect(writer.bootNumber == 0)
        try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
        #expect(writer.bootNumber == 1)
        #expect(try site.report().isSound)
    }
}
