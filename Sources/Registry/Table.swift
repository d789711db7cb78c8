// A CSV file as rows of named columns. The header may give the columns in any order, by their English or Chinese names.
//
// Invariant: a file is taken whole or not at all; every row that is wrong is named with its line, its column, and what
// is allowed.
// Limits: `TableLimits`.

import Formats

public enum TableLimits {
    public static let fileBytes = 16 * 1_024 * 1_024
    public static let rowBytes = 4 * 1_024
    public static let rows = 200_000
    /// The most problems that are told at once.
    static let problems = 20
}

/// Collects what is wrong with a file.
struct Problems {
    private(set) var first: [String] = []
    private(set) var omitted = 0

    var isEmpty: Bool { first.isEmpty }

    mutating func add(_ text: String) {
        if first.count < TableLimits.problems {
            first.append(text)
        } else {
            omitted += 1
        }
    }

    func check() throws(RegistryError) {
        if !isEmpty { throw .table(problems: first, omitted: omitted) }
    }
}

/// One row: its cells in the order of the columns, empty where the file has no such column.
struct TableRow {
    let line: Int
    let cells: [String]
}

/// The rows of a file, one after the other, so that a large file is never in memory twice.
struct Table {
    private var reader: CSVReader
    private let columnCount: Int
    private let places: [Int?]
    private var rows = 0

    /// Throws when the file is too large or its header is wrong.
    init(_ bytes: [UInt8], _ columns: [Column]) throws(RegistryError) {
        guard bytes.count <= TableLimits.fileBytes else {
            throw .table(problems: ["the file is larger than \(TableLimits.fileBytes) bytes"], omitted: 0)
        }
        reader = CSVReader(bytes, recordLimit: TableLimits.rowBytes)
        guard let header = try nextRecord(&reader) else {
            throw .table(problems: ["the file is empty: its first line names the columns"], omitted: 0)
        }
        columnCount = header.fields.count
        places = try columnPlaces(header, columns)
    }

    /// The next row that has a cell for each column of the header; nil at the end. Throws what ends the reading.
    mutating func next(_ problems: inout Problems) throws(RegistryError) -> TableRow? {
        while let record = try nextRecord(&reader) {
            if record.isBlank { continue }
            rows += 1
            guard rows <= TableLimits.rows else {
                throw .table(problems: ["more than \(TableLimits.rows) rows"], omitted: 0)
            }
            guard record.fields.count == columnCount else {
                problems.add("line \(record.line): \(record.fields.count) cells, where the header has \(columnCount)")
                continue
            }
            return TableRow(line: record.line, cells: places.map { $0.map { trimmed(record.fields[$0]) } ?? "" })
        }
        return nil
    }
}

private func nextRecord(_ reader: inout CSVReader) throws(RegistryError) -> CSVRecord? {
    do throws(CSVError) {
        return try reader.next()
    } catch {
        throw .table(problems: [error.description], omitted: 0)
    }
}

/// Where each column stands in the file; nil for an optional one that is not there.
private func columnPlaces(_ header: CSVRecord, _ columns: [Column]) throws(RegistryError) -> [Int?] {
    var problems = Problems()
    let names = header.fields.map { trimmed($0) }
    let known = columns.map { $0.name }.joined(separator: ", ")
    for (place, name) in names.enumerated() {
        if !columns.contains(where: { $0.name == name || $0.chinese == name }) {
            problems.add("line 1: \"\(name)\" is no column of this file; the columns are \(known)")
        } else if names[..<place].contains(name) {
            problems.add("line 1: the column \"\(name)\" stands there twice")
        }
    }
    let places = columns.map { column in names.firstIndex { $0 == column.name || $0 == column.chinese } }
    for (column, place) in zip(columns, places) where column.isMandatory && place == nil {
        problems.add("line 1: the column \(column.name) (\(column.chinese)) is missing")
    }
    try problems.check()
    return places
}

private func trimmed(_ text: String) -> String {
    func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
    guard isBlank(text.utf8.first) || isBlank(text.utf8.last) else { return text }
    var bytes = text.utf8[...]
    while isBlank(bytes.first) { bytes = bytes.dropFirst() }
    while isBlank(bytes.last) { bytes = bytes.dropLast() }
    return String(decoding: bytes, as: UTF8.self)
}
