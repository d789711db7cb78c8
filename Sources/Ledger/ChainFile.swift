// A chain file: whole records one after another, with what is needed to check them without the ledger. It proves an
// export, and it is what a backup is made of. EXPORT-FORMAT.md has every byte.
//
// Invariants: one without its tail line was cut off and counts for nothing.
// Limits: a line of 96 KiB; the tail line of 1 MiB.

import Crypto
import Domain
import Formats
import Machine

/// Writes one, record by record.
struct ChainFileWriter {
    private let output: any FileOutput

    /// - Parameter foundation: so many records of a pruned ledger's foundation come before those of the chain.
    init(
        _ output: any FileOutput, device: String, after before: LedgerHead, foundation: UInt64 = 0
    ) throws(LedgerError) {
        self.output = output
        var head = JSONObject()
        head.put("chain", number: 1)
        head.put("device", device)
        head.put("first", number: before.sequence + 1)
        head.put("before", before.hash.hexadecimal)
        if foundation > 0 { head.put("foundation", number: foundation) }
        try give(head.closed)
    }

    func add(_ canonical: [UInt8]) throws(LedgerError) {
        try give(Base64.encode(canonical))
    }

    /// Ends the file and makes it durable. `purpose` is `export` or `backup`.
    func end(_ last: LedgerHead, wall: WallTime, purpose: String, _ object: JSONObject) throws(LedgerError) {
        var tail = JSONObject()
        tail.put("last", number: last.sequence)
        tail.put("hash", last.hash.hexadecimal)
        tail.put("wall", wall)
        tail.put(purpose, object)
        try give(tail.closed)
        try LedgerError.file("write a chain file") { () throws(MachineError) in try output.publish() }
    }

    private func give(_ line: String) throws(LedgerError) {
        try LedgerError.file("write a chain file") { () throws(MachineError) in
            try output.write(Array(line.utf8) + [0x0A])
        }
    }
}

extension LedgerError {
    /// Runs work on a file, and says of its failure what was to be done.
    static func file<T>(_ what: String, _ work: () throws(MachineError) -> T) throws(LedgerError) -> T {
        do throws(MachineError) { return try work() } catch { throw .file(what: what, error) }
    }
}

/// What a chain file was found to hold, each hash computed.
struct ChainFileContent {
    let device: String
    let before: LedgerHead
    let last: LedgerHead
    /// The tail line.
    let tail: JSONValue
}

enum ChainFile {
    private static let lineLimit = 96 * 1_024
    private static let tailLimit = 1_024 * 1_024

    /// Reads the file through, computes the chain, and calls `take` with each record and its bytes.
    static func read(
        _ path: String, _ streams: any FileStreams,
        _ take: (Record, [UInt8]) throws(LedgerError) -> Void
    ) throws(LedgerError) -> ChainFileContent {
        var lines = LineReader(
            try LedgerError.file("read \(path)") { () throws(MachineError) in try streams.input(path) }, path)
        guard let first = try lines.next(limit: lineLimit) else { throw fault(path, "it is empty") }
        let head = try object(first, path)
        guard head["chain"]?.integer == 1, let device = head["device"]?.text, let number = head["first"]?.integer,
            number >= 1, let hash = head["before"]?.text.flatMap({ Digest(hexadecimal: $0) })
        else { throw fault(path, "its first line is not that of a chain file of format 1") }
        let before = LedgerHead(sequence: UInt64(number) - 1, hash: hash)
        try readFoundation(&lines, UInt64(clamping: head["foundation"]?.integer ?? 0), device, before, path, take)
        var last = before
        while let line = try lines.next(limit: tailLimit) {
            if line.first == UInt8(ascii: "{") {
                let tail = try object(line, path)
                guard try lines.next(limit: lineLimit) == nil else { throw fault(path, "it goes on after its end") }
                guard tail["last"]?.integer == Int64(bitPattern: last.sequence),
                    tail["hash"]?.text.flatMap({ Digest(hexadecimal: $0) }) == last.hash
                else {
                    throw fault(path, "its records end at \(last.sequence) with another hash than its last line says")
                }
                return ChainFileContent(device: device, before: before, last: last, tail: tail)
            }
            let canonical = try decoded(line, path, last.sequence + 1)
            let digest = ChainHasher().hash(after: last.hash, canonical)
            let record = try record(canonical, digest, path, last.sequence + 1)
            guard record.sequence == last.sequence + 1 else {
                throw fault(path, "record \(last.sequence + 1) is missing: record \(record.sequence) follows")
            }
            last = LedgerHead(sequence: record.sequence, hash: digest)
            try take(record, canonical)
        }
        throw fault(path, "it was cut off after record \(last.sequence)")
    }

    /// What a prune leaves: each record's hash follows from the one before or, of a seal, from its own field 86. The
    /// last one is the seal that the chain goes on from.
    private static func readFoundation(
        _ lines: inout LineReader, _ count: UInt64, _ device: String, _ before: LedgerHead, _ path: String,
        _ take: (Record, [UInt8]) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        guard count > 0 else { return }
        var last = LedgerHead(sequence: 0, hash: Chain.genesis(device: device))
        for _ in 0..<count {
            guard let line = try lines.next(limit: lineLimit), line.first != UInt8(ascii: "{") else {
                throw fault(path, "its foundation was cut off after record \(last.sequence)")
            }
            let canonical = try decoded(line, path, last.sequence + 1)
            var known = try record(canonical, .zero, path, last.sequence + 1)
            if case .seal(let seal) = known.body {
                last = LedgerHead(sequence: last.sequence, hash: seal.previousHash)
            }
            known = try record(canonical, ChainHasher().hash(after: last.hash, canonical), path, known.sequence)
            guard known.sequence > last.sequence else { throw fault(path, "its foundation is out of order") }
            last = LedgerHead(sequence: known.sequence, hash: known.hash)
            try take(known, canonical)
        }
        guard last == before else { throw fault(path, "its foundation does not end where its chain begins") }
    }

    private static func record(
        _ canonical: [UInt8], _ hash: Digest, _ path: String, _ sequence: UInt64
    ) throws(LedgerError) -> Record {
        do throws(RecordFault) {
            return try Record(canonical: canonical, hash: hash)
        } catch {
            throw fault(path, "record \(sequence): \(error.reason)")
        }
    }

    static func fault(_ path: String, _ reason: String) -> LedgerError {
        .file(what: "check a chain file", .library(name: "chain file", subject: path, reason: reason))
    }

    private static func object(_ line: [UInt8], _ path: String) throws(LedgerError) -> JSONValue {
        do throws(FormatError) { return try JSONValue.parse(line) } catch { throw fault(path, error.description) }
    }

    private static func decoded(_ line: [UInt8], _ path: String, _ sequence: UInt64) throws(LedgerError) -> [UInt8] {
        do throws(FormatError) {
            return try Base64.decode(String(decoding: line, as: UTF8.self))
        } catch {
            throw fault(path, "record \(sequence): \(error.description)")
        }
    }
}

/// Cuts a file into its lines.
private struct LineReader {
    private let input: any FileInput
    private let path: String
    private var pending: [UInt8] = []
    private var next = 0

    init(_ input: any FileInput, _ path: String) {
        self.input = input
        self.path = path
    }

    /// The next line without its end; nil at the end of the file. Bytes after the last line feed are a line cut off.
    mutating func next(limit: Int) throws(LedgerError) -> [UInt8]? {
        var searched = next
        while true {
            if let end = pending[searched...].firstIndex(of: 0x0A) {
                defer { next = end + 1 }
                return Array(pending[next..<end])
            }
            guard pending.count - next <= limit else { throw ChainFile.fault(path, "a line is too long") }
            pending.removeFirst(next)
            next = 0
            searched = pending.count
            let more = try LedgerError.file("read \(path)") { () throws(MachineError) in try input.next() }
            guard !more.isEmpty else {
                guard pending.isEmpty else { throw ChainFile.fault(path, "it was cut off within a line") }
                return nil
            }
            pending += more
        }
    }
}
