// Comma-separated values (RFC 4180): fields in quotes may hold commas, line ends and doubled quotes.
//
// Invariant: a record comes whole and as UTF-8, or an error says on which line the text stops being readable; nothing
// is guessed. Limits: the caller's for one record; the whole text is bounded by whoever reads it into memory.

/// One record, with the line on which it starts, counted from 1.
public struct CSVRecord: Equatable, Sendable {
    public let line: Int
    public let fields: [String]

    /// An empty line, or only commas, as spreadsheets leave them at the end.
    public var isBlank: Bool { fields.allSatisfy { $0.isEmpty } }
}

/// Where a text stops being CSV. Nothing after it can be read.
public enum CSVError: Error, Equatable, Sendable {
    case notUTF8(line: Int)
    /// A record is longer than the caller allows; often a quote that is never closed.
    case recordTooLong(line: Int, limit: Int)
    /// A quote within a field that has none around it, or text after the closing quote.
    case strayQuote(line: Int)
    /// The text ends within quotes that were opened on this line.
    case openQuote(line: Int)

    public var line: Int {
        switch self {
        case .notUTF8(let line), .recordTooLong(let line, _), .strayQuote(let line), .openQuote(let line): line
        }
    }

    /// What, and what to do next, in one English line.
    public var description: String {
        switch self {
        case .notUTF8(let line): "line \(line): not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
        case .recordTooLong(let line, let limit): "line \(line): a row longer than \(limit) bytes; close its quotes"
        case .strayQuote(let line): "line \(line): a quote within a field; put the field in quotes and double the quote"
        case .openQuote(let line): "line \(line): a quote that is never closed"
        }
    }
}

/// Reads one record after the other.
public struct CSVReader: Sendable {
    private static let quote: UInt8 = 0x22
    private static let comma: UInt8 = 0x2C
    private static let newline: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D

    private let bytes: [UInt8]
    private let recordLimit: Int
    private var position: Int
    private var line = 1

    /// A byte order mark at the start is skipped. `recordLimit` is in bytes.
    public init(_ bytes: [UInt8], recordLimit: Int) {
        self.bytes = bytes
        self.recordLimit = recordLimit
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        position = bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
    }

    /// The next record, blank ones included; nil at the end.
    public mutating func next() throws(CSVError) -> CSVRecord? {
        guard position < bytes.count else { return nil }
        let first = line
        let start = position
        var fields: [String] = []
        var isWhole = false
        while !isWhole {
            fields.append(try field(limit: start + recordLimit, recordLine: first))
            isWhole = endsRecord()
        }
        return CSVRecord(line: first, fields: fields)
    }

    /// Steps over what ends a field: true for a line's or the text's end, false for a comma.
    private mutating func endsRecord() -> Bool {
        guard position < bytes.count else { return true }
        let byte = bytes[position]
        position += 1
        guard byte != CSVReader.comma else { return false }
        if byte == CSVReader.carriageReturn, position < bytes.count, bytes[position] == CSVReader.newline {
            position += 1
        }
        line += 1
        return true
    }

    private func isEnd(_ byte: UInt8) -> Bool {
        byte == CSVReader.comma || byte == CSVReader.newline || byte == CSVReader.carriageReturn
    }

    private mutating func field(limit: Int, recordLine: Int) throws(CSVError) -> String {
        // Empty fields count by their commas.
        guard position <= limit else { throw .recordTooLong(line: recordLine, limit: recordLimit) }
        if position < bytes.count, bytes[position] == CSVReader.quote {
            return try quotedField(limit: limit, recordLine: recordLine)
        }
        let start = position
        while position < bytes.count, !isEnd(bytes[position]) {
            guard bytes[position] != CSVReader.quote else { throw .strayQuote(line: line) }
            position += 1
            guard position <= limit else { throw .recordTooLong(line: recordLine, limit: recordLimit) }
        }
        return try text(bytes[start..<position])
    }

    private mutating func quotedField(limit: Int, recordLine: Int) throws(CSVError) -> String {
        let firstLine = line
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard position <= limit else { throw .recordTooLong(line: recordLine, limit: recordLimit) }
            if byte != CSVReader.quote {
                if byte == CSVReader.newline { line += 1 }
                content.append(byte)
            } else if position < bytes.count, bytes[position] == CSVReader.quote {
                content.append(byte)
                position += 1
            } else {
                guard position == bytes.count || isEnd(bytes[position]) else { throw .strayQuote(line: line) }
                return try text(content[...])
            }
        }
        throw .openQuote(line: firstLine)
    }

    private func text(_ content: ArraySlice<UInt8>) throws(CSVError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else { throw .notUTF8(line: line) }
        return text
    }
}
