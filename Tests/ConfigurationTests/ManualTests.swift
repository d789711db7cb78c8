import Foundation
import Testing

@testable import Configuration

struct ManualTests {
    private var file: String {
        get throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let path = root.appendingPathComponent("rootfs-overlay/etc/gatewarden/gatewarden.conf")
            return String(decoding: try Data(contentsOf: path), as: UTF8.self)
        }
    }

    @Test func theShippedFileIsTheOneThatTheKeyTableMakes() throws {
        #expect(try file == Manual.annotatedDefault, "renew it: gwctl config default")
    }

    @Test func theShippedFileParses() throws {
        #expect(errors(in: try file) == [])
    }

    @Test func theShippedFileStillParsesWithEveryKeyUncommented() throws {
        let all = try file.split(separator: "\n").map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && !line.hasPrefix("##") ? line.dropFirst() : line
        }
        // A lane cannot share its own arm.
        .filter { !$0.hasPrefix("lane.1.shares_arm_with") && !$0.hasPrefix("lane.1.layout") }
        .joined(separator: "\n")
        #expect(errors(in: all) == [])
        for key in Key.all where key.name != "lane.N.shares_arm_with" && key.name != "lane.N.layout" {
            #expect(all.contains("\n\(key.name(number: 1)) = "), "\(key.name)")
        }
    }

    @Test func everyKeyIsToldWithItsRangeAndItsDefault() throws {
        let text = try file
        for key in Key.all {
            #expect(text.contains("\n# \(key.name): \(key.allowed); "), "\(key.name)")
            #expect(Manual.keys.contains("  \(key.name)  (\(key.allowed); "), "\(key.name)")
            #expect(!key.english.isEmpty && key.chinese.unicodeScalars.contains { $0.value > 0x4E00 }, "\(key.name)")
        }
    }

    @Test func everyKeyIsDeclaredOnceAndItsDefaultIsInItsRange() {
        #expect(Set(Key.all.map(\.name)).count == Key.all.count)
        for key in Key.all {
            switch key.presence {
            case .mandatory(let text), .optional(let text, _), .fallback(let text):
                #expect(key.value(text) != nil, "\(key.name) = \(text)")
            }
        }
    }

    @Test func theEdgesOfEveryRangeAreInAndTheNextNumbersAreOut() {
        for key in Key.all {
            switch key.kind {
            case .integer(let range, _), .milliseconds(let range):
                #expect(key.value("\(range.lowerBound)") != nil && key.value("\(range.upperBound)") != nil)
                #expect(key.value("\(range.lowerBound - 1)") == nil && key.value("\(range.upperBound + 1)") == nil)
            default: continue
            }
        }
    }
}
