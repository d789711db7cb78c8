// What lies in a backup's folder, by name. EXPORT-FORMAT.md says what the files are.
//
// Invariants: a file bears its name only when it is whole and durable; nothing is removed before a newer set has been
// read back and found sound. Limits: 4,096 chain files.

import Domain
import Formats
import Machine

/// `full-000000000001-000000001234.chain`
struct BackupFile: Equatable {
    var isFull: Bool
    var first: UInt64
    var last: UInt64

    var name: String {
        "\(isFull ? "full" : "part")-\(padded(Int(first), 12))-\(padded(Int(last), 12)).chain"
    }

    init(isFull: Bool, first: UInt64, last: UInt64) {
        self.isFull = isFull
        self.first = first
        self.last = last
    }

    init?(name: String) {
        let parts = name.split(separator: "-")
        guard parts.count == 3, let kind = parts.first, let last = parts.last, last.utf8.count == 18,
            String(last.suffix(6)).utf8.elementsEqual(".chain".utf8), parts[1].utf8.count == 12,
            let first = UInt64(parts[1]), let end = UInt64(last.prefix(12)), first >= 1, end >= first,
            end <= UInt64(Int64.max)
        else { return nil }
        let isFull = kind.utf8.elementsEqual("full".utf8)
        guard isFull || kind.utf8.elementsEqual("part".utf8) else { return nil }
        self.init(isFull: isFull, first: first, last: end)
    }
}

/// A full copy and what followed on it.
struct BackupSet {
    var files: [BackupFile]

    var last: UInt64 { files.last?.last ?? 0 }
    var full: UInt64 { files.first?.last ?? 0 }
}

/// What a whole set says at its end.
struct BackupEnd {
    let device: String
    let last: LedgerHead
    let deliveries: JSONValue?
    /// Photos that the ledger itself did not have.
    let missing: UInt64
}

/// A backup's folder.
final class BackupFolder {
    private static let fileLimit = 4_096
    let path: String
    let files: any Files
    let streams: any FileStreams

    init(_ path: String, _ files: any Files, _ streams: any FileStreams) {
        self.path = path
        self.files = files
        self.streams = streams
    }

    func path(of file: BackupFile) -> String { path + "/" + file.name }

    /// The sets by what they reach, the newest last.
    func sets() throws(LedgerError) -> [BackupSet] {
        let names = try LedgerError.file("list \(path)") { () throws(MachineError) in try files.names(in: path) }
        let found = names.compactMap { BackupFile(name: $0) }
        guard found.count <= BackupFolder.fileLimit else {
            throw .limit(what: "the number of files in \(path)", limit: BackupFolder.fileLimit)
        }
        var sets: [BackupSet] = []
        for full in found where full.isFull {
            var set = BackupSet(files: [full])
            while let next = found.filter({ !$0.isFull && $0.first == set.last + 1 }).max(by: { $0.last < $1.last }) {
                set.files.append(next)
            }
            sets.append(set)
        }
        return sets.sorted { ($0.last, $0.full) < ($1.last, $1.full) }
    }

    /// Removes what belongs to none of the newest `count` sets, as far as it is of records from `first` on: what is
    /// older is of an earlier generation, and the only copy of it. False when there was nothing to remove.
    func keepNewest(_ count: Int, from first: UInt64) throws(LedgerError) -> Bool {
        let kept = try sets().filter { ($0.files.first?.first ?? 0) >= first }.suffix(count).flatMap { $0.files }
        let names = try LedgerError.file("list \(path)") { () throws(MachineError) in try files.names(in: path) }
        var hasRemoved = false
        for name in names {
            guard let file = BackupFile(name: name), file.first >= first, !kept.contains(file) else { continue }
            try LedgerError.file("remove an old backup") { () throws(MachineError) in
                try files.remove(path + "/" + name)
            }
            hasRemoved = true
        }
        return hasRemoved
    }

    /// Reads a set through: each file, and that each follows on the one before.
    func read(
        _ set: BackupSet, _ take: (Record, [UInt8]) throws(LedgerError) -> Void
    ) throws(LedgerError) -> BackupEnd {
        var before: ChainFileContent?
        var missing: UInt64 = 0
        for file in set.files {
            let content = try ChainFile.read(path(of: file), streams, take)
            guard content.before.sequence + 1 == file.first, content.last.sequence == file.last else {
                throw .backup(folder: path, reason: "\(file.name) does not hold the records that its name says")
            }
            if let before {
                guard before.last == content.before, before.device.utf8.elementsEqual(content.device.utf8) else {
                    throw .backup(folder: path, reason: "\(file.name) does not follow on the file before it")
                }
            }
            before = content
            missing += UInt64(clamping: content.tail["backup"]?["missing"]?.integer ?? 0)
        }
        guard let before else { throw .backup(folder: path, reason: "there is no backup in it") }
        return BackupEnd(
            device: before.device, last: before.last, deliveries: before.tail["backup"]?["deliveries"],
            missing: missing)
    }
}

/// Holds a long job back, so that it takes no more than its share of the disk, and lets it be ended.
public struct Pace {
    private static let pieceBytes = 256 * 1_024
    private static let longestSliceMicroseconds: UInt64 = 100_000
    private let bytesPerSecond: Int
    private let goesOn: () -> Bool
    private var pending = 0

    /// - Parameter goesOn: asked once each quarter of a megabyte and each 100 ms of waiting; false ends the job.
    public init(bytesPerSecond: Int, goesOn: @escaping () -> Bool = { true }) {
        self.bytesPerSecond = max(1, bytesPerSecond)
        self.goesOn = goesOn
    }

    mutating func spend(_ bytes: Int) throws(LedgerError) {
        pending += bytes
        guard pending >= Pace.pieceBytes else { return }
        var left = UInt64(pending) * 1_000_000 / UInt64(bytesPerSecond)
        pending = 0
        repeat {
            guard goesOn() else { throw .backup(folder: "of the ledger", reason: "was ended before it was finished") }
            let slice = min(left, Pace.longestSliceMicroseconds)
            var wait = WaitSet()
            wait.wait(atMost: .microseconds(slice))
            left -= slice
        } while left > 0
    }
}
