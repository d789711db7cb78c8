// A trace as text, and back: the form of docs/LANE-TRACE.md, which a person reads and a replay takes.
//
// Limits of what is read: 64 MB, 512 bytes a line before its `#`, 1,000,000 records. Whatever else comes is refused
// with its line.

import Domain
import LaneCore

public struct TraceFailure: Error, Equatable, Sendable {
    /// From 1.
    public let line: Int
    public let what: String

    public var description: String {
        "line \(line): \(what); give the file as `lane N trace` or a crash has left it"
    }
}

public struct LaneTrace: Sendable {
    public static let maximumBytes = 64 * 1_024 * 1_024
    static let maximumLineBytes = 512
    static let maximumRecords = 1_000_000

    public var header: TraceHeader
    public var records: [TraceRecord]

    public init(header: TraceHeader, records: [TraceRecord]) {
        self.header = header
        self.records = records
    }

    // MARK: writing

    public static func headerLines(_ header: TraceHeader) -> [String] {
        [TraceHeader.title] + TraceHeader.keys.map { "\($0.name) \($0.get(header))" } + [TraceHeader.recordsWord]
    }

    /// One record, with what it means behind a `#`.
    public static func line(_ record: TraceRecord) -> String {
        var text = ""
        for index in 0..<TraceRecord.wordCount {
            if index > 0 { text += " " }
            text += String(record.words[index], radix: 16)
        }
        return text + " # " + record.meaning
    }

    public var text: String {
        (LaneTrace.headerLines(header) + records.map { LaneTrace.line($0) }).joined(separator: "\n") + "\n"
    }

    // MARK: reading

    public init(text: [UInt8]) throws(TraceFailure) {
        guard text.count <= LaneTrace.maximumBytes else { throw TraceFailure(line: 1, what: "more than 64 MB") }
        header = TraceHeader()
        records = []
        var given = [Bool](repeating: false, count: TraceHeader.keys.count)
        var isInRecords = false
        var number = 0
        for bytes in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            // What is for people is as long as the step's actions make it.
            let content = bytes.prefix { $0 != UInt8(ascii: "#") }
            guard content.count <= LaneTrace.maximumLineBytes else {
                throw TraceFailure(line: number, what: "more than \(LaneTrace.maximumLineBytes) bytes")
            }
            let words = content.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            if number == 1 {
                guard words.joined(separator: " ") == TraceHeader.title else {
                    throw TraceFailure(line: 1, what: "not \"\(TraceHeader.title)\"")
                }
            } else if words.isEmpty {
                continue
            } else if isInRecords {
                guard records.count < LaneTrace.maximumRecords else {
                    throw TraceFailure(line: number, what: "more than \(LaneTrace.maximumRecords) records")
                }
                records.append(try LaneTrace.record(words, line: number))
            } else if words == [TraceHeader.recordsWord] {
                isInRecords = true
            } else {
                try header.take(words, &given, line: number)
            }
        }
        guard isInRecords else { throw TraceFailure(line: number, what: "the text ends before its records") }
        for (index, isGiven) in given.enumerated() where !isGiven {
            throw TraceFailure(line: number, what: "\(TraceHeader.keys[index].name) is not given")
        }
        guard header.isSound else { throw TraceFailure(line: number, what: "settings that no lane can have") }
    }

    private static func record(_ words: [String], line: Int) throws(TraceFailure) -> TraceRecord {
        guard words.count == TraceRecord.wordCount else {
            throw TraceFailure(line: line, what: "\(words.count) words in a record of \(TraceRecord.wordCount)")
        }
        var record = TraceRecord()
        for (index, word) in words.enumerated() {
            guard let value = UInt64(word, radix: 16) else {
                throw TraceFailure(line: line, what: "\"\(word)\" is no hexadecimal number")
            }
            record.words[index] = value
        }
        // Beyond what a lane reaches, the lane's own arithmetic would end the program.
        guard record.words[0] < 1 << 62, record.tokenCounts.0 < 1 << 28, record.tokenCounts.1 < 1 << 28 else {
            throw TraceFailure(line: line, what: "an instant or a token count that no lane reaches")
        }
        return record
    }
}

extension TraceHeader {
    fileprivate mutating func take(_ words: [String], _ given: inout [Bool], line: Int) throws(TraceFailure) {
        guard let index = TraceHeader.keys.firstIndex(where: { $0.name == words[0] }) else {
            throw TraceFailure(line: line, what: "\"\(words[0])\" is no setting of a lane")
        }
        guard !given[index] else { throw TraceFailure(line: line, what: "\(words[0]) is given twice") }
        guard words.count == 2, let value = UInt64(words[1]), TraceHeader.keys[index].set(&self, value) else {
            throw TraceFailure(line: line, what: "\(words[0]) has no such value")
        }
        given[index] = true
    }
}
