// The site's own decoders and encoders, against the published vectors.

import Domain
import Foundation
import Testing

@testable import SiteSimulator

private func hex(_ text: String) -> [UInt8] { decodeHexadecimal(text) ?? [] }

@Test func publishedTextFrameIsRead() throws {
    let bytes = hex(
        "0064FFFF621B001501000215010300FF00000000000000 0800 D4C14231323334 35837F"
    )
    guard case .frame(let frame, let taken) = SignFrame.scan(bytes) else {
        Issue.record("no frame")
        return
    }
    #expect(taken == bytes.count)
    let text = try #require(frame.text)
    #expect(text.line == 0 && text.text == "粤B12345")
}

@Test func publishedVoiceFrameIsReadAndAcknowledged() throws {
    let bytes = hex("0064FFFF301401BBB6D3ADB9E2C1D92CC7EBC8EBB3A1CDA3B3B5A936")
    guard case .frame(let frame, _) = SignFrame.scan(bytes) else {
        Issue.record("no frame")
        return
    }
    #expect(frame.speech == "欢迎光临,请入场停车")
    let answer = frame.acknowledgement
    #expect(answer.starts(with: [0x00, 0x64, 0xFF, 0xFF, 0x30, 0x01, 0x00]))
    #expect(SignFrame.scan(answer) == .frame(SignFrame(address: 0, command: 0x30, data: [0]), taken: 9))
}

@Test func damagedAndPartialSignFramesAreToldApart() {
    let whole = hex("0064FFFF301401BBB6D3ADB9E2C1D92CC7EBC8EBB3A1CDA3B3B5A936")
    for count in 2..<whole.count { #expect(SignFrame.scan(Array(whole.prefix(count))) == .incomplete) }
    var damaged = whole
    damaged[8] ^= 1
    #expect(SignFrame.scan(damaged) == .noise(1))
}

@Test func lineMessageKeepsItsLayout() {
    let message = LineMessage(.event, line: 1, level: 1, sequence: 0x0102_0304, nanoseconds: 0x1112_1314_1516_1718)
    #expect(message.bytes == hex("04010100 04030201 1817161514131211"))
    #expect(LineMessage(message.bytes) == message)
    #expect(LineMessage(Array(message.bytes.dropLast())) == nil)
    #expect(LineMessage(hex("09010100 04030201 1817161514131211")) == nil)
}

private final class Script: ByteStream {
    private var pieces: [[UInt8]]
    var written = ""

    init(_ text: String, pieceLength: Int) {
        let bytes = Array(text.utf8)
        pieces = stride(from: 0, to: bytes.count, by: pieceLength).map {
            Array(bytes[$0..<min($0 + pieceLength, bytes.count)])
        }
    }

    func read() -> [UInt8]? { pieces.isEmpty ? nil : pieces.removeFirst() }

    func write(_ bytes: [UInt8]) -> Bool {
        written += String(decoding: bytes, as: UTF8.self)
        return true
    }
}

@Test(arguments: [1, 7, 10_000])
func requestsFollowEachOtherHoweverTheyAreCut(pieceLength: Int) throws {
    let text =
        "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "4;x=1\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n" + "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"
    let script = Script(text, pieceLength: pieceLength)
    let reader = HTTPReader(script)
    let first = try #require(reader.next())
    #expect(first.target == "/a" && first.body == Array("abcdef".utf8))
    let second = try #require(reader.next())
    #expect(second.target == "/b" && second.body == Array("xyz".utf8))
    #expect(reader.next() == nil)
    #expect(script.written == "HTTP/1.1 100 Continue\r\n\r\n")
}

@Test(arguments: ["5\r\nabc", "zz\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n"])
func brokenChunksEndTheConnection(body: String) {
    let script = Script("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body, pieceLength: 5)
    #expect(HTTPReader(script).next() == nil)
}

@Test func bothMakesSayWhatTheirDocumentsSay() throws {
    var plan = VisitPlan(fleet: Fleet(seed: 2), seed: 2)
    var visit = plan.next()
    visit.make = .vzenith
    let vzenith = CameraPush(visit: visit, attempt: 1, isRead: true, seed: 2)
    let object = try #require(JSONSerialization.jsonObject(with: Data(vzenith.body)) as? [String: Any])
    let alarm = try #require(object["AlarmInfoPlate"] as? [String: Any])
    let result = try #require((alarm["result"] as? [String: Any])?["PlateResult"] as? [String: Any])
    #expect(result["license"] as? String == visit.plate.text)
    let image = try #require(Data(base64Encoded: result["imageFile"] as? String ?? ""))
    #expect(Array(image) == vzenith.photos[0])
    #expect(result["imageFileLen"] as? Int == vzenith.photos[0].count)

    visit.make = .hikvision
    let hikvision = CameraPush(visit: visit, attempt: 1, isRead: false, seed: 2)
    let text = String(decoding: hikvision.body, as: UTF8.self)
    #expect(text.contains("<licensePlate>unknown</licensePlate>"))
    #expect(text.contains("name=\"detectionPicture.jpg\""))
    #expect(hikvision.photos != CameraPush(visit: visit, attempt: 2, isRead: false, seed: 2).photos)
}

@Test func wideCharactersTakeTwoColumns() {
    #expect(displayWidth("冀A1") == 4)
    #expect(displayWidth("\u{1B}[31m禁\u{1B}[0m") == 2)
    #expect(padded("冀A1", 6) == "冀A1  ")
    #expect(clipped("冀冀", columns: 3) == "冀")
}
