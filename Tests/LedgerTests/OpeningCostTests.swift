// What opening reads after a crash is bounded by the records since the last seal, and these by design; so is the log.
// Pages are counted, not time.

import Domain
import Testing

@testable import Ledger

struct OpeningCostTests {
    /// A ledger with a seal and so many records after it, as a crash leaves it; what opening it anew has read.
    private func opening(unsealed: Int, settles: Bool = true) throws -> (pages: Int, logBytes: Int) {
        let before = try PowerCutWorkload(DiskImage())
        let writer = try before.site.bootedWriter()
        try writer.seal(.start)
        var left = unsealed
        while left > 0 {
            let part = min(left, settles ? 1_000 : 1)
            try writer.transaction { writer in
                for number in 0..<part {
                    try writer.append(note: .faultRaised(subject: "camera", detail: "no answer \(number)"))
                }
            }
            left -= part
        }
        if settles { try writer.settle() }
        let head = writer.head
        let after = try PowerCutWorkload(before.disk.image(), moved: before.site.folder)
        let log = after.disk.state.file(after.site.folder + "/ledger.db-wal")
        let logBytes = log.map { after.disk.state.bytes($0).count } ?? 0
        let next = try after.site.writer()
        #expect(next.generation == nil && next.head == head)
        return (after.disk.readCount, logBytes)
    }

    @Test func openingReadsNoMoreWhenSealingHasFailedForLong() throws {
        let limit = Int(LedgerLimits.recordsVerifiedAtOpen)
        let some = try opening(unsealed: limit + 500).pages
        let many = try opening(unsealed: 5 * limit).pages
        #expect(many <= some + 5, "\(some) and \(many) pages")
        #expect(try opening(unsealed: 10).pages < some / 2)
    }

    /// Each frame of the log is read when it is recovered; it is begun anew at every thousandth page.
    @Test func theLogThatACrashLeavesIsBounded() throws {
        for unsealed in [1_100, 1_900] {
            let opening = try opening(unsealed: unsealed, settles: false)
            #expect(opening.logBytes <= 1_050 * 4_120 && opening.logBytes > 0)
            #expect(opening.pages < 1_600, "\(opening.pages) pages")
        }
    }

    /// The seal before them still counts: the key, the counter and the chain go on from there.
    @Test func aLedgerThatWasNotSealedForLongIsGoneOnWith() throws {
        let site = LedgerSite()
        do {
            let writer = try site.bootedWriter()
            try writer.seal(.start)
            try writer.seal(.inTime)
            try writer.transaction { writer in
                for _ in 0...LedgerLimits.recordsVerifiedAtOpen {
                    try writer.append(note: .faultRaised(subject: "camera", detail: "no answer"))
                }
            }
        }
        do {
            let writer = try site.bootedWriter()
            #expect(writer.generation == nil, "\(writer.generation?.reason ?? "")")
            #expect(try writer.sealWhenDue())
            try site.pass(writer, "k1")
        }
        let report = try site.report()
        #expect(report.isSound && report.epoch == 2, "\(report.fault?.description ?? "")")
    }

    @Test func manyRecordsAreSealedBeforeTheIntervalHasPassed() throws {
        let site = LedgerSite()
        let writer = try site.bootedWriter()
        #expect(try writer.sealWhenDue())
        func append(_ count: UInt64) throws {
            try writer.transaction { writer in
                for _ in 0..<count { try writer.append(note: .shutdown(cause: "test")) }
            }
        }
        try append(LedgerLimits.recordsBetweenSeals - 1)
        #expect(try !writer.sealWhenDue())
        try append(1)
        #expect(try writer.sealWhenDue())
        #expect(try !writer.sealWhenDue())
        let report = try site.report()
        #expect(report.isSound && report.seals == 2)
    }
}
