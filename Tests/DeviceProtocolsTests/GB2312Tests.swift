import Foundation
import Testing

@testable import DeviceProtocols

@Suite struct GB2312Tests {
    /// Every two-byte character of Python's codec, by Unicode value.
    private static func codec() throws -> [UInt32: [UInt8]] {
        let script = """
            for row in range(0xA1, 0xFF):
                for column in range(0xA1, 0xFF):
                    try:
                        print(row, column, ord(bytes([row, column]).decode('gb2312')))
                    except UnicodeDecodeError:
                        pass
            """
        var characters: [UInt32: [UInt8]] = [:]
        for line in try Python.output(["python3", "-c", script]).split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { UInt32($0) }
            characters[numbers[2]] = [UInt8(numbers[0]), UInt8(numbers[1])]
        }
        return characters
    }

    @Test func everyCharacterOfTheBasicPlaneIsEncodedAsPythonDoesOrCountedAsMissing() throws {
        let codec = try GB2312Tests.codec()
        #expect(codec.count == 7445)
        let aliases: [UInt32: [UInt8]] = [0xB7: [0xA1, 0xA4], 0x2014: [0xA1, 0xAA]]
        for value in UInt32(0x80)...0xFFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let encoded = GB2312.encode(String(Character(scalar)))
            if let bytes = codec[value] ?? aliases[value] {
                #expect(encoded == GB2312.Encoded(bytes: bytes), "U+\(String(value, radix: 16))")
            } else {
                #expect(encoded == GB2312.Encoded(bytes: [0x3F], replacedCount: 1), "U+\(String(value, radix: 16))")
            }
        }
    }

    @Test func everyPairOfBytesIsDecodedAsPythonDoesOrMarkedAsDamaged() throws {
        let codec = try GB2312Tests.codec()
        var characters: [[UInt8]: UInt32] = [:]
        for (value, bytes) in codec { characters[bytes] = value }
        for lead in UInt8(0x80)...0xFF {
            for trail in UInt8(0x80)...0xFF {
                let text = GB2312.decode([lead, trail])
                if let value = characters[[lead, trail]] {
                    #expect(text.unicodeScalars.map(\.value) == [value])
                } else {
                    #expect(text == "\u{FFFD}\u{FFFD}")
                }
            }
        }
    }

    @Test func committedTableIsWhatTheGeneratorMakes() throws {
        let generator = Python.root.appendingPathComponent("tools/generate-gb2312").path
        let committed = Python.root.appendingPathComponent("Sources/DeviceProtocols/GB2312Table.swift")
        let generated = try Python.output(["python3", generator, "--print"])
        #expect(try String(contentsOf: committed, encoding: .utf8) == generated)
    }

    @Test func printableAsciiStandsForItselfAndControlCharactersAreReplaced() {
        for byte in UInt8(0)...0x7F {
            let encoded = GB2312.encode(String(Unicode.Scalar(byte)))
            if (0x20...0x7E).contains(byte) {
                #expect(encoded == GB2312.Encoded(bytes: [byte]))
                #expect(GB2312.decode([byte]) == String(Unicode.Scalar(byte)))
            } else {
                #expect(encoded == GB2312.Encoded(bytes: [0x3F], replacedCount: 1))
                #expect(GB2312.decode([byte]) == "\u{FFFD}")
            }
        }
    }

    @Test func everyPlateCharacterOfGA36CanBeShown() {
        let plates = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新港澳挂学警领使试超应急临"
        let encoded = GB2312.encode(plates)
        #expect(encoded.replacedCount == 0)
        #expect(GB2312.decode(encoded.bytes) == plates)
    }

    @Test func missingCharactersAreCountedAndTheRestKept() {
        let encoded = GB2312.encode("车😀牌镕A")
        #expect(encoded.replacedCount == 2)
        #expect(GB2312.decode(encoded.bytes) == "车?牌?A")
    }

    @Test(arguments: [(0, ""), (1, ""), (2, "粤"), (3, "粤B"), (4, "粤B"), (5, "粤B车")])
    func limitCutsBetweenCharacters(_ limit: Int, _ kept: String) {
        let encoded = GB2312.encode("粤B车", limit: limit)
        #expect(GB2312.decode(encoded.bytes) == kept)
        #expect(encoded.isCut == (limit < 5))
    }

    @Test func halfACharacterAtTheEndIsMarkedAsDamaged() {
        #expect(GB2312.decode([0x41, 0xD4]) == "A\u{FFFD}")
    }
}
