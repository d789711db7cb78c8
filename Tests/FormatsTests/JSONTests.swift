import Foundation
import Testing

@testable import Formats

private func parse(_ text: String) throws -> JSONValue {
    try JSONValue.parse(Array(text.utf8))
}

/// A reproducible source of random numbers (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct JSONTests {
    @Test func everyKindOfValueIsRead() throws {
        let value = try parse(#" {"a":[1,-2.5,true,false,null,"冀\n\u0000é"],"b":{}} "#)
        #expect(
            value
                == .object([
                    JSONMember(
                        "a",
                        .array([.integer(1), .real(-2.5), .bool(true), .bool(false), .null, .string("冀\n\0é")])
                    ),
                    JSONMember("b", .object([])),
                ])
        )
    }

    @Test func aNumberIsReadFromDigitsToo() throws {
        let value = try parse(#"{"a":3,"b":"4","c":5.0,"d":"x","e":5.5,"f":null}"#)
        #expect(value["a"]?.integer == 3)
        #expect(value["b"]?.integer == 4)
        #expect(value["c"]?.integer == 5)
        #expect(value["d"]?.integer == nil)
        #expect(value["e"]?.integer == nil)
        #expect(value["f"]?.integer == nil)
        #expect(value["a"]?.text == "3")
        #expect(value["g"] == nil)
        #expect(value["a"]?["b"] == nil)
    }

    @Test func aRepeatedMemberCountsWithItsLastValue() throws {
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#)["a"] == .integer(3))
    }

    @Test func aByteOrderMarkIsPassedOver() throws {
        #expect(try JSONValue.parse([0xEF, 0xBB, 0xBF, 0x31]) == .integer(1))
    }

    @Test(arguments: [
        (#"{"a":"#, FormatFault.unexpectedEnd), ("", .unexpectedEnd), ("[1,]", .unexpectedText),
        ("1 2", .trailingText), ("[1e999]", .numberTooLarge), ("[99999999999999999999]", .numberTooLarge),
        (#"{"\u0000":1}"#, .zeroCharacter), ("{'a':1}", .unexpectedText), ("\"a\nb\"", .unexpectedText),
    ])
    func whatIsNotJSONIsRefusedByName(_ text: String, _ fault: FormatFault) {
        do throws(FormatError) {
            _ = try JSONValue.parse(Array(text.utf8))
            Issue.record("accepted \(text)")
        } catch {
            guard case .invalid(.json, fault, let byte) = error else {
                Issue.record("\(text): \(error.description)")
                return
            }
            #expect((0...text.utf8.count).contains(byte))
        }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: FormatError.self) { try JSONValue.parse([0x22, 0xC3, 0x28, 0x22]) }
    }

    @Test func theLimitsHold() throws {
        let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
        #expect(throws: FormatError.limit(.json, .depth, limit: 32)) { try parse(deep) }
        _ = try parse(String(deep.dropFirst().dropLast()))
        let wide = "[" + String(repeating: "0,", count: 20_000) + "0]"
        #expect(throws: FormatError.limit(.json, .values, limit: 20_000)) { try parse(wide) }
        #expect(throws: FormatError.limit(.json, .bytes, limit: 3)) {
            try JSONValue.parse(Array("[12]".utf8), limits: JSONLimits(bytes: 3))
        }
        // Brackets and commas inside a string are text.
        _ = try parse("\"" + String(repeating: "[{,", count: 30_000) + "\\\"[\"")
    }

    @Test func aTextCutAnywhereIsRefused() {
        let whole = Array(#"{"plate":"冀B12345","n":[1,2.5,{"x":true}],"e":"\"\\\u00e9"}"#.utf8)
        for length in 0..<whole.count {
            #expect(throws: FormatError.self) { try JSONValue.parse(Array(whole[..<length])) }
        }
    }

    @Test func randomValuesAgreeWithFoundationBothWays() throws {
        var random = Seeded(state: 1)
        for _ in 0..<1_000 {
            let value = JSONValue.object([JSONMember("root", randomValue(&random, depth: 0))])
            let ours = value.encoded()
            #expect(try JSONValue.parse(ours) == value)
            let theirs = try JSONSerialization.jsonObject(with: Data(ours))
            let back = try JSONSerialization.data(withJSONObject: theirs, options: [.sortedKeys])
            #expect(sorted(try JSONValue.parse(Array(back))) == sorted(value))
        }
    }

    @Test func mutatedTextNeverCrashes() {
        var random = Seeded(state: 2)
        let whole = Array(#"{"plate":"冀B12345","n":[1,-2.5e3,{"x":true}],"e":"\"\\\u00e9\ud83d\ude00"}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let value = try? JSONValue.parse(bytes) {
                #expect((try? JSONValue.parse(value.encoded())) == value)
            }
        }
    }

    private func randomValue(_ random: inout Seeded, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 3: return .integer(Int64.random(in: -9...9, using: &random))
        // An odd multiple of 1/8 is exact and never written as a whole number.
        case 4: return .real(Double(Int.random(in: -99_999...99_999, using: &random) * 2 + 1) / 8)
        case 5: return .string(randomText(&random))
        case 6:
            let count = Int.random(in: 0..<5, using: &random)
            return .array((0..<count).map { _ in randomValue(&random, depth: depth + 1) })
        default:
            let count = Int.random(in: 0..<5, using: &random)
            return .object(
                (0..<count).map {
                    JSONMember("\($0)" + randomText(&random, from: 1), randomValue(&random, depth: depth + 1))
                }
            )
        }
    }

    private func randomText(_ random: inout Seeded, from lowest: UInt32 = 0) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let ranges: [ClosedRange<UInt32>] = [lowest...0x7F, 0x80...0x7FF, 0x4E00...0x9FFF, 0x1F600...0x1F64F]
            let range = ranges[Int.random(in: 0..<ranges.count, using: &random)]
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(sorted))
        case .object(let members):
            .object(
                members.map { JSONMember($0.name, sorted($0.value)) }
                    .sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
            )
        default: value
        }
    }
}
