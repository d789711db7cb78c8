import Foundation
import Testing

@testable import Formats

struct Base64Tests {
    @Test func agreesWithFoundationBothWays() throws {
        var random = Seeded(state: 4)
        for length in 0..<600 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == text)
            #expect(try Base64.decode(text) == bytes)
        }
    }

    @Test func acceptsNothingThatFoundationRefuses() {
        var random = Seeded(state: 5)
        let characters = Array("ABCDwxyz0189+/=-_ ".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &random)
            let text = String(
                decoding: (0..<count).map { _ in characters.randomElement(using: &random) ?? 0 }, as: UTF8.self
            )
            if let ours = try? Base64.decode(text) {
                let theirs = Data(base64Encoded: text.replacingOccurrences(of: " ", with: ""))
                #expect(theirs.map { Array($0) } == ours, "\(text)")
            }
        }
    }

    @Test func blanksAndADataURLPrefixArePassedOver() throws {
        #expect(try Base64.decode("data:image/jpeg;base64,/9j/\r\n4A==\n") == [0xFF, 0xD8, 0xFF, 0xE0])
        #expect(try Base64.decode("") == [])
    }

    @Test(arguments: [
        ("A", FormatFault.unexpectedEnd, 1), ("AA", .unexpectedEnd, 2), ("AA=", .unexpectedEnd, 3),
        ("A===", .badPadding, 1), ("AAA*", .unexpectedText, 3), ("AB==", .badPadding, 4),
        ("AA==AA==", .trailingText, 4), ("AAAA=", .badPadding, 4), ("AA===", .badPadding, 4),
    ])
    func whatIsNotBase64IsRefusedWithItsPlace(_ text: String, _ fault: FormatFault, _ byte: Int) {
        #expect(throws: FormatError.invalid(.base64, fault, byte: byte)) { try Base64.decode(text) }
    }
}
