// Power cuts while a backup is made: at every operation on its disk, in every mode. What had been reported as made is
// still there, and the next backup completes and verifies.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

/// The seam `FileStreams` on a simulated disk, call by call as the real one makes them; a write is one operation.
private final class SimulatedStreams: FileStreams {
    private final class Output: FileOutput {
        let disk: SimulatedDisk
        let path: String
        let temporary: String
        let file: Int
        var isPublished = false

        init(_ disk: SimulatedDisk, _ path: String) {
            self.disk = disk
            self.path = path
            let parent = folder(of: path)
            temporary = parent + "/." + path.dropFirst(parent.count + 1) + ".new"
            file = disk.state.file(temporary) ?? disk.create(temporary)
            if !disk.state.bytes(file).isEmpty { disk.apply(.truncate(file: file, size: 0)) }
        }

        deinit {
            if !isPublished { disk.apply(.unlink(path: temporary)) }
        }

        func write(_ bytes: [UInt8]) throws(MachineError) {
            disk.apply(.write(file: file, offset: disk.state.bytes(file).count, bytes: bytes))
        }

        func publish() throws(MachineError) {
            disk.apply(.synchronise(file: file))
            disk.apply(.rename(from: temporary, to: path))
            isPublished = true
            disk.apply(.synchroniseFolder(path: folder(of: path)))
        }
    }

    private final class Input: FileInput {
        var bytes: ArraySlice<UInt8>
        init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

        func next() throws(MachineError) -> [UInt8] {
            defer { bytes = bytes.dropFirst(65_536) }
            return Array(bytes.prefix(65_536))
        }
    }

    let disk: SimulatedDisk
    init(_ disk: SimulatedDisk) { self.disk = disk }

    func output(_ path: String) throws(MachineError) -> any FileOutput { Output(disk, path) }

    func input(_ path: String) throws(MachineError) -> any FileInput {
        guard let file = disk.state.file(path) else { throw .system(call: "open", subject: path, errno: 2) }
        return Input(disk.state.bytes(file))
    }
}

struct BackupPowerCutTests {
    let site = LedgerSite()
    /// Only the lock lies in the real folder.
    let target = NSTemporaryDirectory() + "gw-backup-cut-" + UUID().uuidString

    private func backup(_ disk: SimulatedDisk) -> LedgerBackup {
        LedgerBackup(
            folder: target, files: SimulatedFiles(disk), streams: SimulatedStreams(disk),
            pace: Pace(bytesPerSecond: 1 << 30), setsKept: 2)
    }

    /// What goes wrong after a cut; nil when all is as it must be.
    private func fault(_ image: DiskImage, _ made: LedgerHead?, isFull: Bool) throws -> String? {
        let disk = SimulatedDisk(image)
        if let made {
            let found = try backup(disk).verify()
            guard found.head.sequence >= made.sequence else { return "the backup up to \(made.sequence) is lost" }
            guard found.missing == 0 else { return "photos of it are lost" }
        }
        let report = try backup(disk).run(site.reader(), isFull: isFull)
        guard report.warning.isEmpty else { return report.warning }
        let found = try backup(disk).verify()
        // Before the first one was made, what the ledger has given up meanwhile is nowhere any more.
        guard found.head == report.head, found.missing == 0 || made == nil else { return "the next does not verify" }
        let unfinished = disk.image().files.keys.filter { $0.hasSuffix(".new") }
        // A photo's may stay until the next full copy when the cut took the chain file's name and left the photo's.
        let stray = unfinished.filter { isFull || !$0.contains("/photos/") }
        return stray.isEmpty ? nil : "left: \(stray)"
    }

    @Test(arguments: CutMode.allCases) func aCutAtAnyOperationLosesNoBackupThatWasMade(mode: CutMode) throws {
        defer { try? FileManager.default.removeItem(atPath: target) }
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        let start = DiskImage().moved(from: nil, to: target)
        let disk = SimulatedDisk(start)
        var made: [(operations: Int, head: LedgerHead)] = []
        let writer = try site.bootedWriter()
        for (number, isFull) in [true, false, true, false, true].enumerated() {
            let photos = [[UInt8](repeating: UInt8(number), count: 1_300), [0xFF, 0xD8, 9]]
            try site.pass(writer, "k\(number)", photos: photos)
            if number == 2 {
                // What was copied first is pruned, so that the last full copy gives its photos up.
                site.clock.advance(seconds: 3_600)
                _ = try writer.sealWhenDue(destinations: [])
                site.clock.advance(seconds: 40 * 86_400)
                try site.pass(writer, "later", photos: [[0xFF, 0xD8, 77]])
                var batch = PruneBatch()
                (batch.least, batch.most) = (1, 8)
                while try writer.tidy(
                    RetentionPolicy(recordDays: 30, photoDays: 30, destinations: []), batch: batch)
                {}
            }
            let report = try backup(disk).run(site.reader(), isFull: isFull)
            #expect(report.warning.isEmpty && report.missing == 0)
            if number == 4 { #expect(report.removed > 0, "the sweep is under the cuts too") }
            made.append((disk.log.count, report.head))
        }
        var state = DiskState(start)
        var places = 0
        var last: DiskImage?
        for place in 0...disk.log.count {
            let operation = place < disk.log.count ? disk.log[place] : DiskOperation.unlink(path: "")
            defer { if place < disk.log.count { state.apply(operation) } }
            var random = SeededRandom(UInt64(place) &* 4 &+ UInt64(mode.rawValue.count))
            guard let image = state.cut(mode, during: operation, &random), image != last else { continue }
            last = image
            places += 1
            let before = made.last { $0.operations <= place }?.head
            let found = Result { try fault(image, before, isFull: place.isMultiple(of: 2)) }
            #expect(found.isRight, "cut \(place), \(mode): \(found.words)")
            guard found.isRight else { return }
        }
        print("backup, \(mode): \(disk.log.count) operations, \(places) different disks")
        #expect(places > 15)
    }
}
