import Foundation
import Testing

@testable import Formats

private let type = "multipart/form-data; boundary=---------------------------7e13971310878"
private let delimiter = "-----------------------------7e13971310878"

private func body(_ lines: [String]) -> [UInt8] {
    Array(lines.joined(separator: "\r\n").utf8)
}

private let twoParts = body([
    delimiter, "Content-Disposition: form-data; name=\"anpr.xml\"; filename=\"anpr.xml\"", "Content-Type: text/xml", "",
    "<a/>", delimiter, "content-disposition: form-data; NAME=b;filename=\"c\\\"d.jpg\"", "", "", delimiter + "--", "",
])

struct MultipartTests {
    @Test func partsComeInOrderWithTheirNames() throws {
        let parts = try Multipart.parts(contentType: type, body: twoParts)
        #expect(
            parts == [
                MultipartPart(
                    name: "anpr.xml", fileName: "anpr.xml", contentType: "text/xml", body: Array("<a/>".utf8)
                ),
                MultipartPart(name: "b", fileName: "c\"d.jpg", contentType: "", body: []),
            ]
        )
    }

    @Test(arguments: ["multipart/mixed; boundary=\"x y\"", "Multipart/Form-Data; a=b; Boundary=\"x y\" ; c=d"])
    func theBoundaryIsReadQuotedAndInAnyCase(_ type: String) throws {
        let parts = try Multipart.parts(contentType: type, body: body(["--x y", "", "1", "--x y--"]))
        #expect(parts.map(\.body) == [[0x31]])
    }

    @Test func binaryContentAndLinesLikeTheBoundaryAreContent() throws {
        let content: [UInt8] = [0xFF, 0xD8, 0x0D, 0x0A, 0x2D, 0x2D] + Array("xyz\r\n--x-\n--\r\n".utf8) + [0, 0x0A]
        let whole = Array("before\r\n--x\r\n\r\n".utf8) + content + Array("\r\n--x--\r\nafter".utf8)
        #expect(try Multipart.parts(contentType: "multipart/mixed; boundary=x", body: whole).map(\.body) == [content])
    }

    @Test func lineFeedsAloneAreAccepted() throws {
        let whole = Array("--x\nContent-Type: a/b\n\nhello\n--x--\n".utf8)
        let parts = try Multipart.parts(contentType: "multipart/mixed; boundary=x", body: whole)
        #expect(parts == [MultipartPart(contentType: "a/b", body: Array("hello".utf8))])
    }

    @Test(arguments: [
        "multipart/mixed", "multipart/mixed; boundary=", "text/plain; boundary=x", "",
        "multipart/mixed; boundary=" + String(repeating: "x", count: 71),
    ])
    func aTypeWithoutAUsableBoundaryIsRefused(_ type: String) {
        #expect(throws: FormatError.invalid(.multipart, .noBoundary, byte: 0)) {
            try Multipart.parts(contentType: type, body: twoParts)
        }
    }

    @Test func aBodyCutAnywhereBeforeItsLastBoundaryIsRefused() {
        // The line end after the closing boundary is not needed.
        for length in 0..<(twoParts.count - 2) {
            #expect(throws: FormatError.self) {
                try Multipart.parts(contentType: type, body: Array(twoParts[..<length]))
            }
        }
    }

    @Test func theLimitsHold() {
        let many = Array(String(repeating: "--x\r\n\r\n1\r\n", count: 17).utf8) + Array("--x--".utf8)
        #expect(throws: FormatError.limit(.multipart, .parts, limit: 16)) {
            try Multipart.parts(contentType: "multipart/mixed; boundary=x", body: many)
        }
        let long = Array("--x\r\nA: \(String(repeating: "y", count: 5_000))\r\n\r\n1\r\n--x--".utf8)
        #expect(throws: FormatError.limit(.multipart, .headerBytes, limit: 4_096)) {
            try Multipart.parts(contentType: "multipart/mixed; boundary=x", body: long)
        }
    }

    @Test func mutatedBodiesNeverCrash() {
        var random = Seeded(state: 6)
        for _ in 0..<20_000 {
            var bytes = twoParts
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? Multipart.parts(contentType: type, body: bytes)
        }
    }
}
