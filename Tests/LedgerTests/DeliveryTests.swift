// What is due, and how the cursor moves.

import Domain
import Testing

@testable import Ledger

struct DeliveryTests {
    let site = LedgerSite()

    private func confirm(_ writer: LedgerWriter, _ sequence: UInt64, _ step: UInt32) throws {
        try writer.transaction { try $0.confirm(destination: "p", sequence: sequence, step: step) }
    }

    @Test func rowsComeInOrderEachBeforeItsPhotosAndOnlyThoseThatCrossed() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1", photos: [[1], [2]])
        try site.pass(writer, "k2", photos: [], .backedOut)
        try site.pass(writer, "k3", photos: [[3]])
        let reader = try site.reader()
        #expect(try reader.backlog(destination: "p") == 2)
        var seen: [String] = []
        while let item = try reader.nextDue(destination: "p") {
            seen.append("\(item.sequence).\(item.step)")
            if let photo = item.photo { #expect(try reader.photo(photo).count == 1) }
            #expect(item.row.outcome == .completed)
            try confirm(writer, item.sequence, item.step)
        }
        #expect(seen == ["4.0", "4.1", "4.2", "10.0", "10.1"])
        #expect(try reader.backlog(destination: "p") == 0)
        #expect(try reader.backlog(destination: "another") == 2)
    }

    @Test func theBacklogCountsARowUntilItsLastPhoto() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1", photos: [[1]])
        let reader = try site.reader()
        try confirm(writer, 4, 0)
        #expect(try reader.backlog(destination: "p") == 1)
        try confirm(writer, 4, 1)
        #expect(try reader.backlog(destination: "p") == 0)
    }

    @Test func onlyTheNextDueItemCanBeConfirmed() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1", photos: [[1]])
        try site.pass(writer, "k2", photos: [])
        for (sequence, step) in [(UInt64(4), UInt32(1)), (7, 0), (3, 0), (99, 0)] {
            #expect(performing: { try confirm(writer, sequence, step) }, throws: refuses(.nextDueOnly))
        }
        try confirm(writer, 4, 0)
        #expect(performing: { try confirm(writer, 4, 0) }, throws: refuses(.nextDueOnly))
        #expect(performing: { try confirm(writer, 7, 0) }, throws: refuses(.nextDueOnly))
        try confirm(writer, 4, 1)
        try confirm(writer, 7, 0)
    }

    @Test func whatIsQuarantinedStaysVisibleAndTheQueueGoesOn() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1", photos: [[1]])
        let reason = String(repeating: "车", count: 2_000)
        try writer.transaction {
            try $0.quarantine(destination: "p", sequence: 4, step: 0, reason: reason)
        }
        let reader = try site.reader()
        let entries = try reader.quarantined(destination: "p", limit: 10)
        #expect(entries.count == 1)
        #expect(entries.first?.sequence == 4)
        #expect(entries.first?.reason == String(repeating: "车", count: 1_365))
        #expect(try reader.nextDue(destination: "p")?.step == 1)
        guard case .quarantine(let entry) = try reader.records(from: 5, limit: 1).first?.body else {
            throw CancellationError()
        }
        #expect(entry == entries.first)
        #expect(try site.report().isSound)
    }

    @Test func aReceiptThatIsNotCommittedDidNotHappen() throws {
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1", photos: [])
            try writer.begin()
            try writer.confirm(destination: "p", sequence: 4, step: 0)
        }
        #expect(try site.reader().nextDue(destination: "p")?.sequence == 4)
    }

    @Test func aMissingPhotoIsNamedToTheUplink() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1", photos: [[1]])
        try confirm(writer, 4, 0)
        let reader = try site.reader()
        guard let photo = try reader.nextDue(destination: "p")?.photo else { throw CancellationError() }
        let name = photo.digest.hexadecimal
        try site.files.remove(site.folder + "/photos/" + name.prefix(2) + "/" + name + ".jpg")
        #expect {
            _ = try reader.photo(photo)
        } throws: { error in
            guard case .photoDamaged(photo.digest, _) = error as? LedgerError else { return false }
            return true
        }
    }
}
