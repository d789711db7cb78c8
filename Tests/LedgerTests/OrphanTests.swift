// Photos that a crash left without a record go; photos that a record names never do.

import Domain
import Foundation
import Testing

@testable import Ledger

struct OrphanTests {
    let site = LedgerSite()
    private let policy = RetentionPolicy(recordDays: 730, photoDays: 730, destinations: [])

    private func photoCount() throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: site.folder + "/photos").filter { $0.hasSuffix(".jpg") }
            .count
    }

    private func photos(_ count: Int, _ first: UInt8) -> [[UInt8]] { (0..<count).map { [first, UInt8($0), 0xD8] } }

    /// Two photos of a pass, and then the process dies between the photos of captures and their records.
    private func crash(_ captures: Int) throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try writer.begin()
        for number in 0..<captures {
            let capture = try site.capture("lost\(number)", photos: photos(3, UInt8(number)))
            _ = try writer.append(capture: capture, lane: LaneID(0), token: nil)
        }
        // No commit.
    }

    private func tidy(_ writer: LedgerWriter) throws -> Int {
        var steps = 0
        try writer.sealWhenDue()
        while try writer.tidy(policy) { steps += 1 }
        return steps
    }

    @Test func photosThatACrashLeftWithoutARecordAreDeletedInSteps() throws {
        try crash(30)
        #expect(try photoCount() == 92)
        let writer = try site.bootedWriter()
        // A step lists a folder of 256, or looks through records, or deletes 50 photos.
        #expect(try tidy(writer) == 256 + 1 + 2)
        #expect(try photoCount() == 2)
        #expect(try site.report().isSound)
        #expect(try tidy(writer) == 0)
    }

    @Test func aPhotoThatIsNamedMeanwhileStays() throws {
        try crash(1)
        let writer = try site.bootedWriter()
        for _ in 0..<256 { #expect(try writer.tidy(policy)) }
        // The camera sends one of the three again, after the folders were listed.
        try site.pass(writer, "again", photos: [photos(3, 0)[1]])
        _ = try tidy(writer)
        #expect(try photoCount() == 3)
        #expect(try site.report().isSound)
    }

    @Test func aTransactionGivenUpLeavesNoPhoto() throws {
        let writer = try site.bootedWriter()
        _ = try tidy(writer)
        try writer.begin()
        _ = try writer.append(capture: try site.capture("k1"), lane: LaneID(0), token: nil)
        writer.rollback()
        #expect(try photoCount() == 2)
        _ = try tidy(writer)
        #expect(try photoCount() == 0)
    }

    @Test func nothingIsLookedForAfterAnOrderlyEnd() throws {
        do {
            let writer = try site.bootedWriter()
            try writer.seal(.orderlyEnd)
        }
        #expect(try tidy(site.bootedWriter()) == 0)
    }

    /// A run that ends in order in the middle of its search leaves the search to the next one.
    @Test func anUnfinishedSearchGoesOnAfterAnOrderlyEnd() throws {
        try crash(1)
        do {
            let writer = try site.bootedWriter()
            for _ in 0..<9 { #expect(try writer.tidy(policy)) }
            try writer.seal(.orderlyEnd)
        }
        _ = try tidy(site.bootedWriter())
        #expect(try photoCount() == 2)
    }

    /// A power cut may bring back what was deleted and not settled: then the end is none after which nothing is left.
    @Test func photosThatMayComeBackAreLookedForAfterAnOrderlyEnd() throws {
        try crash(1)
        do {
            let writer = try site.bootedWriter()
            _ = try tidy(writer)
            #expect(!writer.photos.foldersUnsettled.isEmpty)
            site.files.failsFolders = true
            try writer.seal(.orderlyEnd)
            site.files.failsFolders = false
        }
        do {
            let writer = try site.bootedWriter()
            #expect(try tidy(writer) == 256 + 1)
            try writer.seal(.orderlyEnd)
        }
        #expect(try tidy(site.bootedWriter()) == 0)
    }

    /// What the records before name may not be readable any more: all of it stays as long as photos are kept.
    @Test func aLaterGenerationKeepsThePhotosOfBeforeForTheirTime() throws {
        try crash(1)
        try FileManager.default.removeItem(atPath: site.folder + "/seal/key")
        do {
            let writer = try site.bootedWriter()
            #expect(writer.generation != nil)
            _ = try tidy(writer)
            #expect(try photoCount() == 5)
            // It keeps its own ones for their time.
            site.clock.advance(seconds: 400 * 86_400)
            try site.pass(writer, "k9", photos: [[9]])
            try writer.seal(.late)
            #expect(try photoCount() == 6)
            let photos = RetentionPolicy(recordDays: 730, photoDays: 365, destinations: [])
            var batch = PruneBatch()
            batch.least = 1
            while try writer.tidy(photos, batch: batch) {}
        }
        // Those of the generation before are past their time with those of this one's first record.
        #expect(try photoCount() == 1)
        let all = try LedgerGenerations.verify(folder: site.folder, files: site.files)
        #expect(all.isSound && all.reports.map(\.report.isSound) == [true, true])
        // From now on what a crash leaves goes at once.
        try crash(1)
        #expect(try photoCount() == 1 + 2 + 3)
        _ = try tidy(site.bootedWriter())
        #expect(try photoCount() == 1 + 2)
    }

    @Test func anUnfinishedPhotoIsDeletedInAnyGeneration() throws {
        try crash(0)
        let folder = site.folder + "/photos/00"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let unfinished = folder + "/.00" + String(repeating: "ab", count: 31) + ".jpg.new"
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: unfinished))
        try FileManager.default.removeItem(atPath: site.folder + "/seal/key")
        _ = try tidy(site.bootedWriter())
        #expect(!FileManager.default.fileExists(atPath: unfinished))
    }

    @Test func aDamagedRecordKeepsEveryPhoto() throws {
        try crash(1)
        do {
            let writer = try site.bootedWriter()
            try writer.seal(.start)
        }
        try site.tamper("UPDATE record SET canonical = x'00' WHERE seq = 2")
        let writer = try site.bootedWriter()
        _ = try tidy(writer)
        #expect(writer.generation == nil)
        #expect(try photoCount() == 5)
    }
}
