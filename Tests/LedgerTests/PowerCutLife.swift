// A ledger's whole life for the power cuts: the ring wraps, persons act, a damaged file is set aside and the next
// generation goes on, and its ring wraps too. And what must hold in the end whatever was cut.

import Domain
import Foundation
import Store
import Testing

@testable import Ledger

/// What is found at the start of a generation: how the file of the one before is damaged.
enum Damage: String, CaseIterable, Sendable {
    /// The newest capture has other bytes.
    case record
    /// The sealing key is gone.
    case key
    /// The main file is rubbish, and has no log.
    case rubbish
    /// The main file is empty beside its log.
    case emptied
    /// The database of an earlier day, beside the counter of today.
    case rolledBack
    /// An earlier run has met damage that opening does not find.
    case condemned
}

/// What the generation before leaves to the next one.
struct Inheritance {
    /// The serial numbers of the rows that are still due and can be read, in their order.
    var owed: [String] = []
    /// The last record that can be read, when the file is whole up to it.
    var lastGood: LedgerHead?
    /// The main file, when nothing of it can be read.
    var bytes: [UInt8]?
}

/// The disk on which a chapter of the life begins.
struct LifeStart {
    var image = DiskImage()
    var folder: String?
    var wall: Int64?
    var inherited: Inheritance?
}

extension PowerCutWorkload {
    static let days: UInt64 = 86_400
    private static let policy = RetentionPolicy(recordDays: 12, photoDays: 6, destinations: [destination])
    private static let by = PersonalAct(person: "王某", reason: "应急物资", means: .console)

    private static var batch: PruneBatch {
        var batch = PruneBatch()
        batch.least = 1
        batch.most = 40
        return batch
    }

    convenience init(_ start: LifeStart) throws {
        try self.init(start.image, moved: start.folder)
        inherited = start.inherited
        isLife = true
        if let wall = start.wall { site.clock.wallMicroseconds = wall }
    }

    /// A whole life: its chapters, each with the disk that it begins on. `passes` is how many vehicles the first has.
    static func life(passes: Int) throws -> [(name: String, start: LifeStart, workload: PowerCutWorkload)] {
        let first = try PowerCutWorkload(LifeStart())
        var older = DiskImage()
        try first.live(passes: passes) { older = first.disk.image() }
        var chapters = [("the ring wraps", LifeStart(folder: nil), first)]
        for damage in Damage.allCases {
            let start = try first.damaged(damage, older)
            let next = try PowerCutWorkload(start)
            try next.live(passes: 4)
            chapters.append(("a generation begins: \(damage)", start, next))
        }
        return chapters
    }

    /// Two runs: traffic, persons, corrections, and days that pass; at each day's end room is made. No orderly end
    /// comes at the last: what comes next finds a log.
    func live(passes count: Int, halfway: () -> Void = {}) throws {
        for part in [0..<count / 2, count / 2..<count] {
            let writer = try site.writer()
            try commit(writer) { try $0.appendBoot(version: "1.0.0", cause: "power-on") }
            try seal(writer, .start)
            for number in part {
                try pass(writer)
                try act(writer, number)
                while try deliver(writer) && number % 3 != 1 {}
                if number != count - 1 { try endDay(writer, days: 2) }
            }
            if part.lowerBound == 0 {
                try seal(writer, .orderlyEnd)
                try writer.settle()
                halfway()
            }
            // Before the writer is closed, which would move the log into the main file.
            ending = disk.image()
            withExtendedLifetime(writer) {}
        }
    }

    /// Time passes, and room is made as far as it may.
    private func endDay(_ writer: LedgerWriter, days: UInt64) throws {
        site.clock.advance(seconds: days * PowerCutWorkload.days)
        while try writer.tidy(PowerCutWorkload.policy, batch: PowerCutWorkload.batch) { acknowledge(writer) }
    }

    /// What is not a vehicle's ordinary way.
    private func act(_ writer: LedgerWriter, _ number: Int) throws {
        switch number % 4 {
        case 0:
            // A correction with a photo.
            guard let row = try site.reader().records(from: 1, limit: 10_000).last(where: \.isPass) else { return }
            var supplement = Supplement(correcting: row.sequence, by: PowerCutWorkload.by)
            supplement.freight.netKilograms = 30_000
            let photo = Photo(kind: .scene, jpeg: [0xFF, 0xD8, 0x0C, UInt8(truncatingIfNeeded: writer.head.sequence)])
            try commit(writer) { try $0.append(supplement: supplement, photos: [photo]) }
        case 1: try releaseByHand(writer)
        case 2:
            guard let plate = Plate("冀B54321", colour: .blue) else { return }
            let entry = ListEntry(plate: plate, kind: .white, reason: "应急物资", validUntil: nil)
            try commit(writer) {
                try $0.append(note: .listChanged(entry: entry, isRemoved: false, person: "王某", means: .console))
            }
            try quarantine(writer)
        default:
            // Given up: its photos have no record.
            try writer.begin()
            let capture = try site.capture("\(site.folder) given up \(number)", photos: [[9, UInt8(number)]])
            _ = try writer.append(capture: capture, lane: LaneID(0), token: nil)
            writer.rollback()
        }
    }

    private func releaseByHand(_ writer: LedgerWriter) throws {
        let token = site.nextToken(writer)
        let release = ManualRelease(lane: LaneID(0), direction: .entry, by: PowerCutWorkload.by)
        try commit(writer) { try $0.append(release: release, token: token, gate: LedgerSite.gate) }
        var end = site.end(token, .manual)
        end.cause = .person
        try commit(writer) { _ = try $0.append(end: end, gate: LedgerSite.gate, direction: .entry) }
    }

    private func quarantine(_ writer: LedgerWriter) throws {
        guard let item = try site.reader().nextDue(destination: PowerCutWorkload.destination) else { return }
        confirm(item)
        try commit(writer, isReceipt: true) {
            try $0.quarantine(
                destination: PowerCutWorkload.destination, sequence: item.sequence, step: item.step, reason: "格式")
        }
    }

    // MARK: - The next generation

    /// The disk as it is now, damaged.
    private func damaged(_ damage: Damage, _ older: DiskImage) throws -> LifeStart {
        let main = LedgerPath.database(site.folder)
        var inherited = Inheritance()
        inherited.owed = try serialsOwed()
        inherited.lastGood = try site.reader().head()
        var image = ending
        switch damage {
        case .record:
            let capture = try site.reader().records(from: 1, limit: 10_000).last(where: \.isCapture)
            let before = try capture.flatMap { try site.reader().records(from: $0.sequence - 1, limit: 1).first }
            inherited.lastGood = before.map { LedgerHead(sequence: $0.sequence, hash: $0.hash) }
            let other = try PowerCutWorkload(image, moved: site.folder)
            try other.site.tamper(
                "UPDATE record SET canonical = x'0001' WHERE seq = (SELECT max(seq) FROM record WHERE kind = 3)")
            image = other.disk.image().moved(from: other.site.folder, to: site.folder)
        case .key:
            for name in ["key", "key.next"] { image.files[LedgerPath.seals(site.folder) + "/" + name] = nil }
        case .condemned: image.files[site.folder + "/" + CondemnedMark.fileName] = Array("1 its index".utf8)
        case .rubbish, .emptied:
            let bytes = [UInt8](repeating: 0x5A, count: damage == .rubbish ? 20_000 : 0)
            image.files[main] = bytes
            if damage == .rubbish { image.files[main + "-wal"] = nil }
            inherited = Inheritance(bytes: bytes)
        case .rolledBack:
            for name in [main, main + "-wal"] { image.files[name] = older.files[name] }
            let other = try PowerCutWorkload(older, moved: site.folder)
            inherited.owed = try other.serialsOwed()
            inherited.lastGood = try other.site.reader().head()
        }
        return LifeStart(
            image: image, folder: site.folder, wall: site.clock.wallMicroseconds, inherited: inherited)
    }

    private func serialsOwed() throws -> [String] {
        let next = try site.reader().nextPosition(PowerCutWorkload.destination)
        return try site.reader().records(from: 1, limit: 10_000).compactMap { record in
            guard let next, let row = record.body.dueRow, record.sequence >= next.sequence else { return nil }
            return row.serial
        }
    }

    /// What must hold of the generation before, and of what it owed.
    func checkInherited() throws -> String? {
        guard let inherited else { return nil }
        let records = try site.reader().records(from: 1, limit: 10_000)
        guard case .generation(let entry) = records.dropFirst().first?.body, entry.number == 2 else {
            return "the second record is no generation record of generation 2"
        }
        let carried = records.compactMap { record -> String? in
            if case .carried(let row, _) = record.body { row.serial } else { nil }
        }
        // What is delivered may be past its time already.
        let isPruned = try site.reader().oldest().sequence > records[0].sequence
        let expected = isPruned ? Array(inherited.owed.suffix(carried.count)) : inherited.owed
        guard carried == expected else { return "carried over are \(carried), owed \(inherited.owed)" }
        guard entry.lastGood == inherited.lastGood else { return "\(String(describing: entry.lastGood)) is last good" }
        let aside = site.folder + "/" + LedgerPath.generation(1)
        if let bytes = inherited.bytes, disk.image().files[aside] != bytes { return "what was set aside has changed" }
        if let head = inherited.lastGood {
            let old = try LedgerReader(folder: site.folder, files: site.files, vfs: SimulatedVFS.name, generation: 1)
            guard let row = try old.stored(from: head.sequence, limit: 1).first, row.sequence == head.sequence,
                row.hash == head.hash
            else { return "record \(head.sequence) of the generation before is gone" }
        }
        return nil
    }

    // MARK: - In the end

    /// Everything is delivered, the retention passes and room is made: then exactly the photos are there that a record
    /// names which is not past its time.
    func endsInOrder(_ writer: LedgerWriter) throws -> String? {
        while try deliver(writer) {}
        try endDay(writer, days: 13)
        let reader = try site.reader()
        let through = try reader.photosPrunedThrough()
        guard through > 0 else { return "nothing was given up" }
        let records = try reader.records(from: 1, limit: 10_000)
        let named = Set(
            records.filter { $0.sequence > through }.flatMap { record -> [PhotoReference] in
                switch record.body {
                case .capture(let capture): capture.photos
                case .supplement(let supplement): supplement.photos
                case .carried(let row, _): row.photos
                default: []
                }
            }.map { $0.digest.hexadecimal + ".jpg" })
        let folder = site.folder + "/photos/"
        let paths = disk.image().files.keys.filter { $0.hasPrefix(folder) }
        let kept = Set(paths.map { String($0.dropFirst(folder.count + 3)) })
        guard kept == named else {
            return "kept and not named: \(kept.subtracting(named)); named and not kept: \(named.subtracting(kept))"
        }
        return nil
    }
}

extension Record {
    fileprivate var isPass: Bool { if case .pass = body { true } else { false } }
    fileprivate var isCapture: Bool { if case .capture = body { true } else { false } }
}
