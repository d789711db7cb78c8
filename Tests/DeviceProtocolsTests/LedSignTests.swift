import Domain
import Foundation
import Testing

@testable import DeviceProtocols

@Suite struct LedSignTests {
    private static let voice = "0064FFFF301401BBB6D3ADB9E2C1D92CC7EBC8EBB3A1CDA3B3B5A936"
    private static let text = "0064FFFF621B0015010002150103 00FF0000000000000008 00D4C14231323334358 37F"
    /// The demonstration frame of the QR pay page.
    private static let payPage = """
        0064FFFFE1410100000A000000000000000000140B8001000000000000000000000000000000\
        687474703A2F2F7777772E62616964752E636F6D00706C65617365207363616E00D524
        """

    private static func bytes(_ hexadecimal: String) throws -> [UInt8] {
        try #require(decodeHexadecimal(hexadecimal))
    }

    @Test func checksumHasThePublishedCheckValue() {
        #expect(Checksum.crc16Modbus(Array("123456789".utf8)) == 0x4B37)
        #expect(Checksum.crc16Modbus([]) == 0xFFFF)
    }

    @Test func publishedVoiceFrameIsWrittenByteForByte() throws {
        let encoded = GB2312.encode("欢迎光临,请入场停车")
        #expect(encoded.replacedCount == 0)
        let frame = LedSignVoice.frame(address: LedSignFrame.everySign, textBytes: encoded.bytes)
        #expect(try frame.encoded == LedSignTests.bytes(LedSignTests.voice))
    }

    @Test func publishedBase64VoiceFrameIsWrittenByteForByte() throws {
        let published = try #require(Data(base64Encoded: "AGT//zASAdTBQjEyMzQ1LLu206254sHZapE="))
        let bytes = GB2312.encode("粤B12345,欢迎光临").bytes
        #expect(LedSignVoice.frame(address: 0, textBytes: bytes).encoded == Array(published))
    }

    @Test func publishedTextFrameIsWrittenByteForByte() throws {
        let text = LedSignText(line: 0, textBytes: GB2312.encode("粤B12345").bytes, colour: .red)
        #expect(try text.frame(address: 0).encoded == LedSignTests.bytes(LedSignTests.text))
    }

    @Test(arguments: [voice, text, payPage])
    func publishedFrameIsReadAndWrittenBackUnchanged(_ hexadecimal: String) throws {
        let published = try LedSignTests.bytes(hexadecimal)
        let frame = try LedSignFrame(prefixOf: published[...])
        #expect(frame.byteCount == published.count)
        #expect(frame.encoded == published)
    }

    @Test func textKeepsEveryFieldThroughItsFrame() throws {
        var style = LedSignStyle()
        style.entryMode = 1
        style.entrySpeed = 2
        style.stayMode = 3
        style.staySeconds = 4
        style.exitMode = 5
        style.exitSpeed = 6
        style.font = 7
        style.repeatCount = 8
        let colour = LedSignColour(red: 9, green: 10, blue: 11)
        var text = LedSignText(line: 3, textBytes: [0x41], colour: colour, style: style)
        text.background = LedSignColour(red: 12, green: 13, blue: 14)
        let frame = text.frame(address: 0x21)
        #expect(frame.data == [3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 12, 13, 14, 0, 1, 0, 0x41])
        #expect(try LedSignText(data: frame.data) == text)
    }

    @Test func longestTextFillsTheFrame() throws {
        let bytes = [UInt8](repeating: 0x41, count: LedSignText.maximumTextByteCount)
        let frame = LedSignText(line: 0, textBytes: bytes, colour: .green).frame(address: 1)
        #expect(frame.data.count == LedSignFrame.maximumDataByteCount)
        #expect(try LedSignFrame(prefixOf: frame.encoded[...]) == frame)
    }

    @Test func truncatedFrameIsRefusedAndNamedAtEveryLength() throws {
        let published = try LedSignTests.bytes(LedSignTests.text)
        for count in 0..<published.count {
            #expect(throws: LedSignError.cutShort(expected: count < 8 ? 8 : published.count, got: count)) {
                try LedSignFrame(prefixOf: published[..<count])
            }
        }
    }

    @Test func everySingleBitErrorIsRefused() throws {
        let published = try LedSignTests.bytes(LedSignTests.voice)
        for bit in 0..<published.count * 8 {
            var damaged = published
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: LedSignError.self, "bit \(bit)") { try LedSignFrame(prefixOf: damaged[...]) }
        }
    }

    @Test func version200IsRefusedByName() throws {
        var bytes = try LedSignTests.bytes(LedSignTests.voice)
        bytes[1] = 0xC8
        #expect(throws: LedSignError.unsupportedVersion(0xC8)) { try LedSignFrame(prefixOf: bytes[...]) }
    }

    @Test func textWhoseLengthDisagreesIsRefused() throws {
        let data = LedSignText(line: 0, textBytes: [0x41, 0x42], colour: .red).frame(address: 0).data
        #expect(throws: LedSignError.malformedText(byteCount: 20)) { try LedSignText(data: data.dropLast()) }
        #expect(throws: LedSignError.malformedText(byteCount: 3)) { try LedSignText(data: [0, 1, 2]) }
    }

    @Test func acknowledgementIsFoundBehindNoiseAndEcho() {
        let frame = LedSignVoice.frame(address: 0x05, textBytes: [0x41, 0x42])
        let reply = frame.acknowledgement(code: 0)
        #expect(reply.encoded.prefix(7) == [0x05, 0x64, 0xFF, 0xFF, 0x30, 0x01, 0x00])
        #expect(frame.acknowledgementCode(in: reply.encoded) == 0)
        #expect(frame.acknowledgementCode(in: [0xFF, 0x00] + frame.encoded + reply.encoded) == 0)
        #expect(frame.acknowledgementCode(in: frame.acknowledgement(code: 7).encoded) == 7)
    }

    @Test func whatIsNoAcknowledgementIsNotTakenForOne() {
        let frame = LedSignVoice.frame(address: 0x05, textBytes: [0x41, 0x42])
        let reply = frame.acknowledgement(code: 0).encoded
        #expect(frame.acknowledgementCode(in: frame.encoded) == nil)
        #expect(frame.acknowledgementCode(in: Array(reply.dropLast())) == nil)
        let otherSign = LedSignFrame(address: 0x06, command: 0x30, data: [0])
        #expect(frame.acknowledgementCode(in: otherSign.encoded) == nil)
        let otherCommand = LedSignFrame(address: 0x05, command: 0x62, data: [0])
        #expect(frame.acknowledgementCode(in: otherCommand.encoded) == nil)
    }

    @Test func broadcastTakesTheAcknowledgementOfAnySign() {
        let frame = LedSignVoice.frame(address: LedSignFrame.everySign, textBytes: [0x41])
        #expect(frame.acknowledgementCode(in: LedSignFrame(address: 0x09, command: 0x30, data: [0]).encoded) == 0)
    }
}
