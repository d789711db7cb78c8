import Testing

@testable import Formats

private func records(_ text: String, limit: Int = 4_096) throws -> [CSVRecord] {
    try records(Array(text.utf8), limit: limit)
}

private func records(_ bytes: [UInt8], limit: Int = 4_096) throws -> [CSVRecord] {
    var reader = CSVReader(bytes, recordLimit: limit)
    var result: [CSVRecord] = []
    while let record = try reader.next() { result.append(record) }
    return result
}

struct CSVTests {
    @Test(
        arguments: [
            ("", []),
            ("a", [["a"]]),
            ("a,b\n", [["a", "b"]]),
            ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]),
            ("a\rb\r", [["a"], ["b"]]),
            (",\n", [["", ""]]),
            ("\n\n", [[""], [""]]),
            ("\"a,b\",c\n", [["a,b", "c"]]),
            ("\"say \"\"so\"\"\"\n", [["say \"so\""]]),
            ("\"two\nlines\",x\n", [["two\nlines", "x"]]),
            ("\"\",\"\"", [["", ""]]),
            ("冀A12345,黄\n", [["冀A12345", "黄"]]),
            ("\u{FEFF}a,b", [["a", "b"]]),
            (" a , b ", [[" a ", " b "]]),
        ] as [(String, [[String]])])
    func aTextIsReadAsItsFields(text: String, fields: [[String]]) throws {
        #expect(try records(text).map(\.fields) == fields)
    }

    @Test func recordsKnowTheLineOnWhichTheyStart() throws {
        let read = try records("a\r\n\"b\nb\nb\",c\n\nd\n")
        #expect(read.map(\.line) == [1, 2, 5, 6])
        #expect(read.map(\.isBlank) == [false, false, true, false])
    }

    @Test(arguments: [
        ("a\nb\"c\n", CSVError.strayQuote(line: 2)),
        ("\"a\"b\n", .strayQuote(line: 1)),
        ("\"a\" ,b\n", .strayQuote(line: 1)),
        ("a\n\"b\nc", .openQuote(line: 2)),
        ("\"", .openQuote(line: 1)),
        ("a\n,,,,,,,,,,,,,", .recordTooLong(line: 2, limit: 12)),
        ("a\n1234567890123", .recordTooLong(line: 2, limit: 12)),
        ("a\n\"123\n56\n890123\"", .recordTooLong(line: 2, limit: 12)),
    ])
    func whatIsNoCSVIsRefusedWithItsLine(text: String, error: CSVError) {
        #expect(throws: error) { try records(text, limit: 12) }
    }

    @Test func aRecordOfTheFullLengthIsRead() throws {
        #expect(try records("a,\"345678901\"\nb\n", limit: 13).count == 2)
    }

    @Test func aNationalEncodingIsNamedAsNotUTF8() {
        // GB18030 for 冀A.
        #expect(throws: CSVError.notUTF8(line: 2)) { try records([0x61, 0x0A, 0xBC, 0xBD, 0x41]) }
        #expect(throws: CSVError.notUTF8(line: 1)) { try records([0x22, 0xBC, 0xBD, 0x22]) }
    }

    @Test func quotingAnyFieldsAndReadingThemBackGivesTheSame() throws {
        var random = SystemRandomNumberGenerator()
        let alphabet = ["a", ",", "\"", "\n", "\r\n", "冀", " ", ""]
        for _ in 0..<500 {
            let rows = (0..<3).map { _ in
                (0..<4).map { _ in
                    (0..<Int.random(in: 0...5, using: &random)).map { _ in
                        alphabet.randomElement(using: &random) ?? ""
                    }.joined()
                }
            }
            let text = rows.map { row in
                row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
            }.joined(separator: "\n")
            #expect(try records(text).map(\.fields) == rows)
        }
    }
}
