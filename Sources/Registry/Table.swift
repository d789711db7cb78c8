// A CSV file as rows of named columns. The header may give the columns in any order, by their English or Chinese names.
//
// Invariants: one row is in memory at a time; every row that is wrong is named with its line, its column, and what is
// allowed; nothing of the file is taken while a problem stands (`RegisterDatabase`).
// Limits: `TableLimits`.

import Formats

public enum TableLimits {
    public static let fileBytes = 16 * 1_024 * 1_024
    public static let rowBytes = 4 * 1_024
    public static let rows = 200_000
    /// The most problems that are told at once.
    static let problems = 20
    /// The most characters of a cell that a problem repeats.
    static let shownCharacters = 40
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

/// Reads one row after the other. What is wrong goes to the caller's problems; after what cannot be read past, there
/// are no more rows.
struct TableReader {
    private var reader: CSVReader
    /// Where each column stands in the file; nil for an optional one that is not there. Empty: nothing can be read.
    private var places: [Int?] = []
    private var width = 0
    private(set) var rowCount = 0

    init(_ bytes: [UInt8], _ columns: [Column], _ problems: inout Problems) {
        reader = CSVReader(bytes, recordLimit: TableLimits.rowBytes)
        guard bytes.count <= TableLimits.fileBytes else {
            problems.add("the file is larger than \(TableLimits.fileBytes) bytes")
            return
        }
        guard let header = record(&problems) else {
            if problems.isEmpty { problems.add("the file is empty: its first line names the columns") }
            return
        }
        width = header.fields.count
        places = columnPlaces(header, columns, &problems)
    }

    mutating func next(_ problems: inout Problems) -> TableRow? {
        guard !places.isEmpty else { return nil }
        while let record = record(&problems) {
            let fields = record.fields.map { trimmed($0) }
            if fields.allSatisfy({ $0.isEmpty }) { continue }
            rowCount += 1
            guard rowCount <= TableLimits.rows else {
                problems.add("more than \(TableLimits.rows) rows")
                return nil
            }
            // A row that is cut off must not pass for one whose last cells are empty.
            guard fields.count == width else {
                problems.add("line \(record.line): \(fields.count) cells, where the header has \(width)")
                continue
            }
            return TableRow(line: record.line, cells: places.map { place in place.map { fields[$0] } ?? "" })
        }
        return nil
    }

    private mutating func record(_ problems: inout Problems) -> CSVRecord? {
        do throws(CSVError) {
            return try reader.next()
        } catch {
            problems.add(error.description)
            return nil
        }
    }
}

/// Empty when the header is wrong.
private func columnPlaces(_ header: CSVRecord, _ columns: [Column], _ problems: inout Problems) -> [Int?] {
    var places: [Int?] = Array(repeating: nil, count: columns.count)
    for (place, field) in header.fields.enumerated() {
        let name = trimmed(field)
        guard let column = columns.firstIndex(where: { $0.name == name || $0.chinese == name }) else {
            let known = columns.map { $0.name }.joined(separator: ", ")
            problems.add("line 1: \"\(shown(name))\" is no column of this file; the columns are \(known)")
            continue
        }
        if places[column] != nil { problems.add("line 1: the column \(columns[column].name) stands there twice") }
        places[column] = place
    }
    for (column, place) in zip(columns, places) where column.isMandatory && place == nil {
        problems.add("line 1: the column \(column.name) (\(column.chinese)) is missing")
    }
    return problems.isEmpty ? places : []
}

private func trimmed(_ text: String) -> String {
    func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
    guard isBlank(text.utf8.first) || isBlank(text.utf8.last) else { return text }
    var bytes = Array(text.utf8)[...]
    while isBlank(bytes.last) { bytes.removeLast() }
    while isBlank(bytes.first) { bytes.removeFirst() }
    return String(decoding: bytes, as: UTF8.self)
}

/// A cell within a message: one line, not long.
func shown(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(TableLimits.shownCharacters) {
        shown.append(Cell.isControl(scalar) ? "?" : scalar)
    }
    return String(shown) + (text.unicodeScalars.count > TableLimits.shownCharacters ? "…" : "")
}
