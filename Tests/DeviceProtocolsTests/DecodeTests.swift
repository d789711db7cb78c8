import Domain
import Testing

@testable import DeviceProtocols

@Suite struct DecodeTests {
    @Test func textFrameIsPutIntoWords() throws {
        let bytes = LedSignText(line: 2, textBytes: GB2312.encode("粤B12345").bytes, colour: .red).frame(address: 0)
            .encoded
        #expect(
            try decode("ledsign", bytes) == [
                "address: 0x00 (every sign)",
                "packet: 0xffff (last or only)",
                "command: 0x62 temporary text",
                "line: 2",
                "text: 粤B12345",
                "colour: red 255 green 0 blue 0 on red 0 green 0 blue 0",
                "style: 1501000215010300 (ETM ETS DM DT EXM EXS FINDEX DRS)",
                "checksum: correct",
            ])
    }

    @Test func framesThatFollowEachOtherAreAllPutIntoWords() throws {
        let voice = LedSignVoice.frame(address: 7, textBytes: GB2312.encode("请通行").bytes)
        let lines = try decode("ledsign", voice.encoded + voice.acknowledgement(code: 0).encoded)
        #expect(lines.contains("text: 请通行"))
        #expect(lines.contains("acknowledgement: 0 (done)"))
        #expect(lines.count { $0 == "address: 0x07" } == 2)
    }

    @Test func unknownCommandIsShownAsBytes() throws {
        let lines = try decode("ledsign", LedSignFrame(address: 1, command: 0x0D, data: [1, 2]).encoded)
        #expect(lines.contains("command: 0x0d (not known here)"))
        #expect(lines.contains("data: 0102"))
    }

    @Test func wrongChecksumIsNamedWithExpectedAndGot() throws {
        var bytes = LedSignVoice.frame(address: 0, textBytes: [0x41]).encoded
        let expected = LedSignFrame.word(Checksum.crc16Modbus(bytes.dropLast(2)))
        bytes[bytes.count - 2] = 0
        bytes[bytes.count - 1] = 0
        let error = try #require(throws: DecodeError.self) { try decode("ledsign", bytes) }
        #expect(error.description.contains("expected \(expected), got 0x0000"))
    }

    @Test func damageInALaterFrameIsPlaced() throws {
        let voice = LedSignVoice.frame(address: 0, textBytes: [0x41]).encoded
        let error = try #require(throws: DecodeError.self) { try decode("ledsign", voice + [0x00]) }
        #expect(error.description.contains("at byte \(voice.count)"))
    }

    @Test func noBytesAreRefused() {
        #expect(throws: DecodeError.self) { try decode("ledsign", []) }
    }

    @Test func unknownProtocolIsRefusedWithTheKnownOnes() throws {
        let error = try #require(throws: DecodeError.self) { try decode("morse", [0]) }
        #expect(error == .unknownProtocol("morse"))
        for decoder in ProtocolDecoder.all { #expect(error.description.contains(decoder.name)) }
    }
}
