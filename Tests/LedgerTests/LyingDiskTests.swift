// A disk that gives back other bytes than were written: single bits, and pages as they were some time ago. Whatever it
// is, nothing traps, and what is changed is found and named.

import Domain
import Foundation
import Testing

@testable import Ledger

struct LyingDiskTests {
    /// All that readers see of a ledger.
    struct Content: Equatable {
        var records: [[UInt8]] = []
        var due: [DuePosition] = []
        var keys: [String] = []

        init(_ site: LedgerSite) throws {
            let reader = try site.reader()
            records = try reader.stored(from: 1, limit: 10_000).map { $0.canonical + ($0.hash?.bytes ?? []) }
            keys = try reader.knownCaptureKeys(limit: 10_000)
            let writer = try site.writer()
            try writer.begin()
            while let item = try site.reader().nextDue(destination: PowerCutWorkload.destination), due.count < 1_000 {
                due.append(DuePosition(sequence: item.sequence, step: item.step))
                try writer.confirm(
                    destination: PowerCutWorkload.destination, sequence: item.sequence, step: item.step)
                try writer.commit()
                try writer.begin()
            }
            writer.rollback()
        }
    }

    /// A ledger at rest and what is in it.
    struct Sample {
        let image: DiskImage
        let older: DiskImage
        let folder: String
        let head: LedgerHead
        let content: Content

        init(settled: Bool) throws {
            let workload = try PowerCutWorkload(DiskImage())
            let writer = try workload.site.bootedWriter()
            for _ in 0..<10 { try workload.pass(writer) }
            try writer.settle()
            older = workload.disk.image()
            for _ in 0..<10 { try workload.pass(writer) }
            if settled { try writer.settle() }
            head = writer.head
            folder = workload.site.folder
            image = workload.disk.image()
            content = try Content(PowerCutWorkload(image, moved: folder).site)
        }

        /// How a changed image is found, in the words for a person; nil when nothing is found. Without a finding the
        /// content must be what it was.
        func finding(_ changed: DiskImage, _ place: String) throws -> String? {
            let site = try PowerCutWorkload(changed, moved: folder).site
            var words: String?
            do {
                let report = try site.report(witness: head)
                words = report.fault?.description
            } catch {
                words = (error as? LedgerError)?.description ?? "\(error)"
            }
            // The program may open it or refuse it.
            var reason: String?
            let opened = Result {
                let writer = try site.writer()
                reason = writer.generation?.reason
                return writer.head
            }
            // What no record depends on, the key of the next seal and the counter, is found when the ledger is opened.
            guard words == nil, reason == nil else { return words ?? reason }
            let found = Result { try Content(PowerCutWorkload(changed, moved: folder).site) }
            guard case .success(let head) = opened, head == self.head, case .success(let rest) = found,
                rest.records == content.records, rest.keys == content.keys
            else {
                Issue.record("\(place): changed, and not found: \(found)")
                return nil
            }
            // A receipt stands in one place only: lost, its item is sent again, and the destination knows its number.
            #expect(rest.due.suffix(content.due.count) == content.due[...], "\(place): due \(rest.due)")
            return nil
        }
    }

    @Test(arguments: [true, false]) func aFlippedBitIsFoundOrChangesNothing(settled: Bool) throws {
        let sample = try Sample(settled: settled)
        var random = SeededRandom(settled ? 1 : 2)
        var found: [String: Int] = [:]
        let names = sample.image.files.filter { !$0.value.isEmpty }.map(\.key).sorted()
        for _ in 0..<600 {
            // Half of them in the database, which is where most of the bytes are.
            let database = names.filter { $0.contains("ledger.db") }
            let isDatabase = random.next() & 1 == 0
            let choice = isDatabase ? database : names
            let name = choice[Int(random.next() % UInt64(choice.count))]
            var changed = sample.image
            let bit = Int(random.next() % UInt64((changed.files[name]?.count ?? 0) * 8))
            changed.files[name]?[bit / 8] ^= 1 << UInt8(bit % 8)
            let place = "bit \(bit % 8) of byte \(bit / 8) of \(name.dropFirst(sample.folder.count))"
            let words = try sample.finding(changed, place)
            found[words.map { String($0.prefix(60)) } ?? "nothing changed", default: 0] += 1
            if name.hasSuffix(".jpg") { #expect(words?.contains("photo") == true, "\(place): \(words ?? "")") }
        }
        let harmless = found["nothing changed"] ?? 0
        print("bit flips, settled \(settled): \(600 - harmless) found, \(harmless) in bytes that nothing uses")
        #expect(harmless < 300)
    }

    @Test func aStalePageIsFoundOrChangesNothing() throws {
        let sample = try Sample(settled: true)
        let database = sample.folder + "/ledger.db"
        guard let old = sample.older.files[database], let new = sample.image.files[database] else {
            throw CancellationError()
        }
        var found = 0
        var harmless = 0
        for start in stride(from: 0, to: old.count, by: 4_096)
        where old[start..<start + 4_096] != new[start..<start + 4_096] {
            var changed = sample.image
            changed.files[database]?.replaceSubrange(start..<start + 4_096, with: old[start..<start + 4_096])
            if try sample.finding(changed, "stale page \(start / 4_096 + 1)") == nil {
                harmless += 1
            } else {
                found += 1
            }
        }
        print("stale pages: \(found) found, \(harmless) harmless")
        #expect(found > 5)
    }
}
