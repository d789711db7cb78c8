// Exports: the rows that an inspector asked for, the gaps in their time, the head, and a proof beside them.
//
// Invariants: an export reads every record of its range in order and checks the chain while it goes, so that neither a
// tampered index nor a damaged record can shorten it unseen. What is exported ends at one head, whatever is appended
// meanwhile. EXPORT-FORMAT.md has every byte.

import Crypto
import Domain
import Machine
import Store

public enum ExportFormat: Sendable {
    /// The in/out rows, as Excel and inspectors want them.
    case csv
    /// Every record that was asked for, one JSON object a line.
    case jsonLines
}

public struct ExportSummary: Sendable {
    /// The chain of the proof: from this record to the head.
    public internal(set) var first: UInt64
    public internal(set) var head: LedgerHead
    public internal(set) var rows = 0
    public internal(set) var gaps = 0
}

extension LedgerReader {
    /// Writes the export to `sink`, piece by piece, and its proof to `proof`. It ends at record `until`, or at the
    /// head.
    @discardableResult
    public func export(
        _ format: ExportFormat, _ query: LedgerQuery = LedgerQuery(), until: UInt64? = nil,
        proof: (any FileOutput)? = nil, to sink: (String) throws(MachineError) -> Void
    ) throws(LedgerError) -> ExportSummary {
        let newest = try self.newestRecord().sequence
        let last = until ?? newest
        let oldest = try self.oldest().sequence
        guard (oldest...newest).contains(last) else {
            throw .noSuchRecord(sequence: last, oldest: oldest, newest: newest)
        }
        var finder = GapFinder()
        let first = try start(of: query, oldest, last, &finder)
        var writing = ExportWriting(format, query, finder)
        var chain: ChainFileWriter?
        if let proof { chain = try ChainFileWriter(proof, device: beginning().device, after: head(before: first)) }
        try writing.give(to: sink, format == .csv ? LedgerCSV.byteOrderMark + LedgerCSV.heading : "")
        let board = query.delivery == nil ? nil : try DeliveryBoard(database, destination: query.destination)
        let corrections = try Corrections(database, from: first, through: last)
        try walkChain(from: first, through: last) { (record, stored) throws(LedgerError) in
            try chain?.add(stored.canonical)
            try writing.putGaps(
                before: record, isFirst: record.sequence == first, isOldest: record.sequence == oldest, sink)
            switch record.body {
            case .pass(let row):
                let corrected = try self.corrected(row, by: corrections.supplements(to: record.sequence))
                try writing.take(row, record, corrected, board, sink)
            case .supplement(let supplement):
                let isBeside = supplement.correctedSequence.map { $0 >= first } ?? false
                try writing.take(supplement, record, isBesideItsPass: isBeside, sink)
            case .boot, .capture, .decision, .quarantine, .note, .seal, .prune, .generation, .manualRelease, .carried,
                .unrecognised:
                try writing.take(record, sink)
            }
        }
        guard let taken = writing.newest else { throw .nothingRecorded }
        try writing.end(taken, sink)
        let head = LedgerHead(sequence: taken.sequence, hash: taken.hash)
        try chain?.end(head, wall: taken.wall, purpose: "export", writing.object())
        return ExportSummary(first: first, head: head, rows: writing.rows, gaps: writing.gaps)
    }

    /// Writes the export to `path` and its proof to `path.proof`. Both are there, whole and durable, or neither is new.
    public func export(
        _ format: ExportFormat, _ query: LedgerQuery, until: UInt64?, path: String, _ streams: any FileStreams
    ) throws(LedgerError) -> ExportSummary {
        let file = try LedgerError.file("write \(path)") { () throws(MachineError) in try streams.output(path) }
        let proof = try LedgerError.file("write \(path).proof") { () throws(MachineError) in
            try streams.output(path + ".proof")
        }
        let summary = try export(format, query, until: until, proof: proof) { (text) throws(MachineError) in
            try file.write(Array(text.utf8))
        }
        try LedgerError.file("write \(path)") { () throws(MachineError) in try file.publish() }
        return summary
    }

    /// The first record of the export; `finder` learns what was open there. Every record up to it is looked at, since a
    /// clock that was set back makes any short cut a guess.
    private func start(
        of query: LedgerQuery, _ oldest: UInt64, _ last: UInt64, _ finder: inout GapFinder
    ) throws(LedgerError) -> UInt64 {
        guard let fromSecond = query.fromSecond else { return oldest }
        let from = saturated(fromSecond)
        let headers = try Kept.statement(
            database, "SELECT seq, substr(canonical, 21, 8), kind FROM record WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
        headers.bind(1, oldest)
        headers.bind(2, last)
        defer { headers.reset() }
        var previous: (sequence: UInt64, kind: Int64)?
        while try Kept.step(headers) {
            let sequence = headers.unsigned(0)
            let bytes = headers.blob(1)
            guard bytes.count == 8 else { throw .damaged(sequence: sequence, reason: RecordFault.size.reason) }
            var reader = ByteReader(bytes[...])
            if reader.take(Int64.self) >= from { return previous?.sequence ?? oldest }
            if let previous, GapFinder.concerns(previous.kind),
                let record = try records(from: previous.sequence, limit: 1).first
            {
                _ = finder.take(record, before: nil)
            }
            previous = (sequence, headers.integer(2))
        }
        return last
    }
}

/// An export under way.
struct ExportWriting {
    private let format: ExportFormat
    private let query: LedgerQuery
    private var finder: GapFinder
    private var before: WallTime?
    private let hash = SHA256()
    private var bytes = 0
    private(set) var rows = 0
    private(set) var gaps = 0
    private(set) var newest: Record?

    init(_ format: ExportFormat, _ query: LedgerQuery, _ finder: GapFinder) {
        self.format = format
        self.query = ExportWriting.effective(format, query)
        self.finder = finder
    }

    /// The table is of the rows that are due, unless outcomes were asked for.
    private static func effective(_ format: ExportFormat, _ query: LedgerQuery) -> LedgerQuery {
        var query = query
        if format == .csv, query.outcomes.isEmpty { query.isDueOnly = true }
        return query
    }

    private var isOfPasses: Bool { format == .csv || query.isAboutPassages }

    mutating func give(to sink: (String) throws(MachineError) -> Void, _ text: String) throws(LedgerError) {
        guard !text.isEmpty else { return }
        let encoded = Array(text.utf8)
        hash.update(encoded)
        bytes += encoded.count
        try LedgerError.file("write the export") { () throws(MachineError) in try sink(text) }
    }

    /// What is listed before any record, whatever else was asked for.
    mutating func putGaps(
        before record: Record, isFirst: Bool, isOldest: Bool, _ sink: (String) throws(MachineError) -> Void
    ) throws(LedgerError) {
        if isOldest, isFirst, let gap = query.gap(before: record) { try put(gap, sink) }
        for gap in finder.take(record, before: before) where gap.touches(query) { try put(gap, sink) }
        before = record.wall
        newest = record
    }

    /// A pass, and after it what corrects it.
    mutating func take(
        _ row: PassRow, _ record: Record, _ corrected: [CorrectedRow], _ board: DeliveryBoard?,
        _ sink: (String) throws(MachineError) -> Void
    ) throws(LedgerError) {
        var isAnswer = query.accepts(row)
        for correction in corrected where !isAnswer { isAnswer = query.accepts(correction.row) }
        guard isAnswer else { return }
        if let board, try board.state(record.sequence, isDue: row.isDue) != query.delivery { return }
        let supplements = corrected.map { $0.record.sequence }
        rows += 1
        try give(
            to: sink,
            format == .csv
                ? LedgerCSV.line(row, record, supplements: supplements)
                : LedgerJSON.line(record, supplements: supplements))
        guard isOfPasses else { return }
        for correction in corrected {
            rows += 1
            try give(
                to: sink, format == .csv ? LedgerCSV.line(correction) : LedgerJSON.line(correction.record))
        }
    }

    /// A supplement in its own place: one that does not stand beside its pass.
    mutating func take(
        _ supplement: Supplement, _ record: Record, isBesideItsPass: Bool,
        _ sink: (String) throws(MachineError) -> Void
    ) throws(LedgerError) {
        guard isOfPasses else { return try take(record, sink) }
        let row = PassRow(supplement, recordedAt: record.wall)
        guard !isBesideItsPass, query.accepts(supplement, row) else { return }
        rows += 1
        try give(
            to: sink, format == .csv ? LedgerCSV.line(supplement, row, record) : LedgerJSON.line(record))
    }

    mutating func take(_ record: Record, _ sink: (String) throws(MachineError) -> Void) throws(LedgerError) {
        guard !isOfPasses, query.includes(second: record.wall.second) else { return }
        rows += 1
        try give(to: sink, LedgerJSON.line(record))
    }

    mutating func end(_ head: Record, _ sink: (String) throws(MachineError) -> Void) throws(LedgerError) {
        for gap in finder.unended where gap.touches(query) { try put(gap, sink) }
        if let gap = query.gap(after: head) { try put(gap, sink) }
        try give(to: sink, format == .csv ? LedgerCSV.headLine(head) : LedgerJSON.headLine(head))
    }

    private mutating func put(_ gap: LedgerGap, _ sink: (String) throws(MachineError) -> Void) throws(LedgerError) {
        gaps += 1
        try give(to: sink, format == .csv ? LedgerCSV.line(gap) : LedgerJSON.line(gap))
    }

    /// What the proof says of the export.
    func object() -> JSONObject {
        var object = JSONObject()
        object.put("format", format == .csv ? "csv" : "jsonl")
        object.put("sha256", hash.finish().hexadecimal)
        object.put("bytes", number: bytes)
        object.put("rows", number: rows)
        object.put("gaps", number: gaps)
        object.put("selection", query.selection(passes: isOfPasses))
        return object
    }
}

extension LedgerQuery {
    fileprivate func selection(passes: Bool) -> JSONObject {
        var object = JSONObject()
        object.put("from_us", number: fromSecond.map { saturated($0) })
        object.put("to_us", number: toSecond.map { saturated($0) })
        object.put("passes", flag: passes ? true : nil)
        object.put("due", flag: isDueOnly ? true : nil)
        object.put("plate", plate)
        object.put("colours", numbers: colours.map { $0.rawValue })
        object.put("directions", numbers: directions.map { $0.rawValue })
        object.put("lanes", numbers: lanes.map { $0.index })
        object.put("outcomes", numbers: outcomes.map { $0.rawValue })
        object.put("stages", numbers: stages.map { $0.rawValue })
        object.put("reasons", numbers: reasons.map { $0?.rawValue ?? 0 })
        object.put("gate", gate)
        object.put("fleet", fleet)
        object.put("cargo", cargo)
        object.put("delivery", delivery?.word)
        object.put("destination", destination)
        return object
    }
}
