// The check of the whole ledger beside the running controller.

import Domain
import Foundation
import Machine
import Store
import Testing

@testable import Controller
@testable import Ledger

struct LedgerCheckTests {
    private let folder = NSTemporaryDirectory() + "gw-check-" + UUID().uuidString
    private let status = LedgerCheckStatus()
    private let log = Log(offsetMinutes: 480)

    /// 1 boot, 2 and 3 notes, 4 seal, 5 … notes: opening verifies from record 4 on.
    private func ledger(records: Int = 20) throws -> LedgerWriter {
        let writer = try LedgerWriter(folder: folder, files: DiskFiles(), clock: BenchClock(), device: "gate-1")
        try writer.begin()
        try writer.appendBoot(version: "1.0.0", cause: "test")
        for _ in 0..<2 { try writer.append(note: .shutdown(cause: "test")) }
        try writer.commit()
        try writer.seal(.start)
        try writer.begin()
        for _ in 0..<records { try writer.append(note: .shutdown(cause: "test")) }
        try writer.commit()
        return writer
    }

    private func tamper(_ sql: StaticString) throws {
        try Database.writer(LedgerPath.database(folder), LedgerSchema.schema).execute(sql)
    }

    private func check(afterStart: Interval = .zero) throws -> (LedgerCheck, Ring<Receipt>, Machine.Thread) {
        let results = Ring<Receipt>(capacity: 8, bell: try Wakeup())
        let check = try LedgerCheck(
            LedgerReader(folder: folder, files: DiskFiles()), results: results, status: status, clock: SystemClock(),
            log: log, afterStart: afterStart)
        var settings = ThreadSettings(name: "check")
        settings.isBackground = true
        let thread = try Machine.Thread(settings, shortfall: { _ in }) { check.run() }
        return (check, results, thread)
    }

    private func result(_ results: Ring<Receipt>) throws -> LedgerNote {
        var found: Receipt?
        #expect(
            eventually {
                found = found ?? results.pop(); return found != nil
            })
        guard case .note(let note) = try #require(found) else { throw CancellationError() }
        return note
    }

    @Test func aSoundLedgerIsRecordedAsSoundWhileItIsWrittenOn() throws {
        let writer = try ledger(records: 600)
        let (check, results, thread) = try check()
        for _ in 0..<20 {
            try writer.begin()
            try writer.append(note: .shutdown(cause: "meanwhile"))
            try writer.commit()
        }
        let note = try result(results)
        guard case .faultHealed(LedgerCheck.subject, let detail) = note else { throw CancellationError() }
        #expect(detail.contains("sound: 6"))
        #expect(status.state == .sound)
        #expect(status.line(head: writer.head.sequence).contains("sound up to record"))
        check.stop()
        #expect(thread.join(within: .seconds(10)))
    }

    /// Opening does not see it: it lies behind the last seal.
    @Test func aRecordThatWasChangedBehindTheLastSealIsNamed() throws {
        _ = try ledger()
        try tamper("UPDATE record SET canonical = x'0001' WHERE seq = 3")
        let writer = try LedgerWriter(folder: folder, files: DiskFiles(), clock: BenchClock(), device: "gate-1")
        #expect(writer.generation == nil)
        let (check, results, thread) = try check()
        guard case .faultRaised(LedgerCheck.subject, let detail) = try result(results) else {
            throw CancellationError()
        }
        #expect(detail.contains("record 3"))
        #expect(status.line(head: 30).contains("FAULT at record 3"))
        check.stop()
        #expect(thread.join(within: .seconds(10)))
    }

    @Test func aRowThatNoRecordHasIsNamed() throws {
        _ = try ledger()
        try tamper("INSERT INTO due(seq, ordinal, steps) VALUES(2, 1, 1)")
        let (check, results, thread) = try check()
        guard case .faultRaised(_, let detail) = try result(results) else { throw CancellationError() }
        #expect(detail.contains("queue to the platforms"))
        check.stop()
        #expect(thread.join(within: .seconds(10)))
    }

    @Test func aPhotoThatWasReplacedIsNamed() throws {
        do {
            let writer = try ledger()
            try writer.begin()
            let capture = capture("k1", photos: [[0xFF, 0xD8, 1], [0xFF, 0xD8, 2]])
            _ = try writer.append(capture: capture, lane: lane, token: nil)
            try writer.commit()
        }
        func detail() throws -> LedgerNote {
            let (check, results, thread) = try check()
            defer {
                check.stop()
                #expect(thread.join(within: .seconds(10)))
            }
            return try result(results)
        }
        guard case .faultHealed(_, let sound) = try detail() else { throw CancellationError() }
        #expect(sound.contains(" 2 photos,"))
        let photos = try #require(FileManager.default.enumerator(atPath: folder + "/photos")).compactMap {
            $0 as? String
        }
        let name = try #require(photos.first { $0.hasSuffix(".jpg") })
        try Data([0xFF, 0xD8, 3]).write(to: URL(fileURLWithPath: folder + "/photos/" + name))
        guard case .faultRaised(_, let words) = try detail() else { throw CancellationError() }
        #expect(words.contains("record 25: photo") && words.contains("other bytes"))
    }

    @Test func generationsThatWereSetAsideAreReadToo() throws {
        _ = try ledger()
        // The last record: opening sees it.
        try tamper("UPDATE record SET canonical = x'0001' WHERE seq = 24")
        _ = try ledger()
        let (check, results, thread) = try check()
        guard case .faultHealed(_, let detail) = try result(results) else { throw CancellationError() }
        #expect(detail.contains("sound: ") && detail.contains("; ledger-0001.db ledger: record 24: "))
        check.stop()
        #expect(thread.join(within: .seconds(10)))
    }

    @Test func itEndsAtOnceBeforeItHasBegunAndInTheMiddle() throws {
        _ = try ledger(records: 60_000)
        for afterStart in [Interval.seconds(3_600), .zero] {
            let (check, results, thread) = try check(afterStart: afterStart)
            if afterStart == .zero { #expect(eventually { status.state == .underWay }) }
            let began = SystemClock().now()
            check.stop()
            #expect(thread.join(within: .seconds(10)))
            #expect(SystemClock().now().since(began) < .milliseconds(500))
            #expect(results.pop() == nil)
        }
        #expect(status.state == .underWay)
    }
}
