import Domain
import Testing

@testable import DeviceProtocols

func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(digits.dropFirst($0).prefix(2), radix: 16) }
}

private func tag(_ text: String) -> VehicleTag {
    guard let tag = VehicleTag(text) else { preconditionFailure("\(text) is a tag") }
    return tag
}

extension ReaderProtocol: CaseIterable {
    public static var allCases: [ReaderProtocol] { [.r2000, .uhfReader18, .uhfReader86, .m100] }

    /// Published or derived answers with one tag each.
    fileprivate var published: [UInt8] {
        switch self {
        case .r2000: bytes("A013018974 3000E2004074850A0103163070E1 36 29")
        case .uhfReader18: UHFReaderTests.answer(status: 1, bytes("01 0C E28068940000500A9D2298C6"))
        case .uhfReader86: bytes("15 00 01 03 01 01 0C E28068940000500A9D2298C6 48 25 7E")
        case .m100: bytes("BB 02 22 00 11 C9 34 00 30 75 1F EB 70 5C 59 04 E3 D5 0D 70 3A 76 EF 7E")
        }
    }
}

@Suite struct TagTests {
    @Test func tagIsTheSameHoweverItIsWritten() {
        let one = VehicleTag(bytes: [0xE2, 0x80, 0x0A, 0xFF])
        #expect(one?.text == "E2800AFF")
        #expect(one == VehicleTag("e280 0aff") && one == VehicleTag("E2-80-0A-FF") && one == VehicleTag("e2:80:0A:fF"))
    }

    @Test func halfWordsAndOtherLettersAreNoTag() {
        for text in ["", " ", "E2", "E2800A", "E2800AFG", "E28００AFF", String(repeating: "A", count: 128)] {
            #expect(VehicleTag(text) == nil)
        }
        #expect(VehicleTag(String(repeating: "A", count: 124)) != nil)
        #expect(
            VehicleTag(bytes: [1]) == nil && VehicleTag(bytes: [1, 2, 3]) == nil && VehicleTag(bytes: [UInt8]()) == nil)
        #expect(VehicleTag(bytes: [UInt8](repeating: 1, count: 64)) == nil)
    }
}

@Suite struct R2000Tests {
    @Test func questionIsThePublishedOne() {
        #expect(ReaderProtocol.r2000.inventory(address: 1) == bytes("A0 04 01 89 01 D1"))
        #expect(R2000.frame(address: 1, command: 0x74, data: [0]) == bytes("A0 04 01 74 00 E7"))
    }

    @Test func publishedTagsAreRead() throws {
        let first = try ReaderFrame(
            .r2000, prefixOf: bytes("A0 13 01 89 8C 30 00 30 08 33 B2 DD D9 01 40 00 00 00 01 37 BB")[...])
        #expect(
            ReaderProtocol.r2000.message(first)
                == ReaderMessage([TagSight(tag: tag("300833B2DDD9014000000001"), dBm: -74, antenna: 1)], isLast: false))
        let second = try ReaderFrame(.r2000, prefixOf: ReaderProtocol.r2000.published[...])
        #expect(ReaderProtocol.r2000.message(second)?.sights.first?.tag == tag("E2004074850A0103163070E1"))
    }

    @Test func otherCommandsAnswerIsNoInventory() throws {
        let frame = try ReaderFrame(.r2000, prefixOf: bytes("A0 04 01 74 10 D7")[...])
        #expect(frame == ReaderFrame(address: 1, command: 0x74, data: [0x10], byteCount: 6))
        #expect(ReaderProtocol.r2000.message(frame) == nil)
    }

    @Test func endAndFailureAreTold() throws {
        let end = R2000.frame(address: 1, command: 0x89, data: [0, 0, 50, 0, 0, 0, 2])
        #expect(
            ReaderProtocol.r2000.message(try ReaderFrame(.r2000, prefixOf: end[...])) == ReaderMessage([], isLast: true)
        )
        let failure = R2000.frame(address: 1, command: 0x89, data: [0x22])
        #expect(
            ReaderProtocol.r2000.message(try ReaderFrame(.r2000, prefixOf: failure[...]))
                == ReaderMessage([], isLast: true, failure: 0x22))
    }

    @Test func tagWhoseControlWordTellsAnotherLengthIsNone() throws {
        let wrong = R2000.frame(address: 1, command: 0x89, data: [0, 0x28, 0] + [UInt8](1...12) + [60])
        #expect(ReaderProtocol.r2000.message(try ReaderFrame(.r2000, prefixOf: wrong[...])) == nil)
    }
}

@Suite struct UHFReaderTests {
    static func answer(status: UInt8, _ body: [UInt8]) -> [UInt8] {
        let frame = [UInt8(body.count + 5), 0, UHFReader.inventory, status] + body
        let crc = Checksum.crc16MCRF4XX(frame)
        return frame + [UInt8(crc & 0xFF), UInt8(crc >> 8)]
    }

    @Test func questionsArethePublishedOnes() {
        #expect(ReaderProtocol.uhfReader18.inventory(address: 0) == bytes("04 00 01 DB 4B"))
        #expect(UHFReader.command(address: 0, command: 0x21) == bytes("04 00 21 D9 6A"))
        #expect(Checksum.crc16MCRF4XX("123456789".utf8) == 0x6F91)
    }

    @Test func publishedAnswerHasItsTagAndSaysThatMoreComes() throws {
        let frame = try ReaderFrame(.uhfReader86, prefixOf: ReaderProtocol.uhfReader86.published[...])
        let sight = TagSight(tag: tag("E28068940000500A9D2298C6"), antenna: 1)
        #expect(ReaderProtocol.uhfReader86.message(frame) == ReaderMessage([sight], isLast: false))
        #expect(ReaderProtocol.uhfReader18.message(frame) == nil, "the other layout does not fit")
    }

    @Test func severalTagsOfOneAnswerAreAllRead() throws {
        let body = bytes("02 02 AA01 04 BB02CC03")
        let frame = try ReaderFrame(.uhfReader18, prefixOf: UHFReaderTests.answer(status: 1, body)[...])
        let message = try #require(ReaderProtocol.uhfReader18.message(frame))
        #expect(message.sights.map(\.tag.text) == ["AA01", "BB02CC03"] && message.isLast)
    }

    @Test(arguments: [("03 02 AA01", false), ("01 03 AA0102", false), ("01 02 AA01 00", false), ("01 02 AA", false)])
    func countsThatDoNotFitAreNoInventory(_ body: String, _: Bool) throws {
        let frame = try ReaderFrame(.uhfReader18, prefixOf: UHFReaderTests.answer(status: 1, bytes(body))[...])
        #expect(ReaderProtocol.uhfReader18.message(frame) == nil)
    }

    @Test func noTagIsAnEndAndAnErrorIsAFailure() throws {
        let none = try ReaderFrame(.uhfReader18, prefixOf: UHFReaderTests.answer(status: 0xFB, [])[...])
        #expect(ReaderProtocol.uhfReader18.message(none) == ReaderMessage([], isLast: true))
        let wrong = try ReaderFrame(.uhfReader18, prefixOf: UHFReaderTests.answer(status: 0xF8, [])[...])
        #expect(ReaderProtocol.uhfReader18.message(wrong)?.failure == 0xF8)
    }

    @Test func heartbeatIsPassedOverAndAFrameOfItsLengthIsNot() throws {
        var stream = ReaderStream(.uhfReader18)
        let long = UHFReaderTests.answer(status: 1, [1, 0x4F] + [UInt8](repeating: 7, count: 79))
        #expect(long.first == UHFReader.heartbeat)
        stream.take(bytes("56 00 00 00 00 00") + long)
        #expect(stream.next()?.command == UHFReader.heartbeat)
        #expect(stream.next()?.byteCount == 0x57)
        #expect(stream.strayBytes == 0)
    }
}

@Suite struct M100Tests {
    @Test func questionsAreThePublishedOnes() {
        #expect(ReaderProtocol.m100.inventory(address: 0xFF) == bytes("BB 00 22 00 00 22 7E"))
        #expect(
            M100.frame(type: 0, command: 0x27, parameters: [0x22, 0x27, 0x10]) == bytes("BB 00 27 00 03 22 27 10 83 7E")
        )
        #expect(M100.frame(type: 0, command: 0x28, parameters: []) == bytes("BB 00 28 00 00 28 7E"))
        #expect(Checksum.crc16Genibus("123456789".utf8) == 0xD64E)
    }

    @Test func publishedNoticeIsReadWithItsStrength() throws {
        let frame = try ReaderFrame(.m100, prefixOf: ReaderProtocol.m100.published[...])
        let sight = TagSight(tag: tag("30751FEB705C5904E3D50D70"), dBm: -55)
        #expect(ReaderProtocol.m100.message(frame) == ReaderMessage([sight], isLast: false))
    }

    @Test func publishedAnswerOfNoTagIsAnEndAndNoFailure() throws {
        let frame = try ReaderFrame(.m100, prefixOf: bytes("BB 01 FF 00 01 15 16 7E")[...])
        #expect(ReaderProtocol.m100.message(frame) == ReaderMessage([], isLast: true))
        let other = M100.frame(type: 1, command: 0xFF, parameters: [0x17])
        #expect(ReaderProtocol.m100.message(try ReaderFrame(.m100, prefixOf: other[...]))?.failure == 0x17)
    }

    /// The frame's sum does not see two bytes that changed against each other; the tag's own CRC does.
    @Test func tagThatWasDamagedBeforeItsFrameWasMadeIsNotTaken() throws {
        var damaged = ReaderProtocol.m100.published
        damaged[8] += 1
        damaged[9] -= 1
        #expect(ReaderProtocol.m100.message(try ReaderFrame(.m100, prefixOf: damaged[...])) == nil)
    }
}

@Suite struct ReaderStreamTests {
    private func frames(_ stream: inout ReaderStream, atSilence: Bool = false) -> [ReaderFrame] {
        var frames: [ReaderFrame] = []
        while let frame = stream.next(atSilence: atSilence) { frames.append(frame) }
        return frames
    }

    @Test(arguments: ReaderProtocol.allCases)
    func frameIsFoundInSingleBytesAndBehindGarbage(_ spoken: ReaderProtocol) throws {
        let wanted = try ReaderFrame(spoken, prefixOf: spoken.published[...])
        var stream = ReaderStream(spoken)
        var found: [ReaderFrame] = []
        for byte in spoken.published {
            stream.take([byte])
            found += frames(&stream)
        }
        #expect(found == [wanted] && stream.strayBytes == 0)
        stream.take([0x00, 0xA0, 0xBB, 0xFF, 0x30] + spoken.published)
        #expect(frames(&stream, atSilence: true) == [wanted] && stream.strayBytes == 5)
    }

    @Test(arguments: ReaderProtocol.allCases)
    func damagedFrameIsRefusedCountedAndTheNextOneFound(_ spoken: ReaderProtocol) throws {
        var damaged = spoken.published
        damaged[damaged.count - 4] ^= 0x10
        var stream = ReaderStream(spoken)
        stream.take(damaged + spoken.published)
        #expect(frames(&stream, atSilence: true) == [try ReaderFrame(spoken, prefixOf: spoken.published[...])])
        #expect(stream.damagedFrames == 1 && stream.strayBytes == UInt64(damaged.count))
    }

    /// Each single bit, turned, gives no frame with another content: the check value or the shape finds it.
    @Test(arguments: ReaderProtocol.allCases)
    func noTurnedBitGivesAnotherTag(_ spoken: ReaderProtocol) {
        let whole = spoken.published
        for place in 0..<(whole.count * 8) {
            var turned = whole
            turned[place / 8] ^= 1 << UInt8(place % 8)
            var stream = ReaderStream(spoken)
            stream.take(turned)
            let sights = frames(&stream, atSilence: true).compactMap { spoken.message($0) }.flatMap(\.sights)
            #expect(sights.isEmpty, "bit \(place)")
        }
    }

    @Test(arguments: ReaderProtocol.allCases)
    func noiseWithoutEndIsBoundedAndGivesNoTags(_ spoken: ReaderProtocol) {
        var random = SystemRandomNumberGenerator()
        var stream = ReaderStream(spoken)
        var taken = 0
        var held = 0
        for _ in 0..<400 {
            let noise = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            taken += noise.count
            stream.take(noise)
            for frame in frames(&stream, atSilence: Bool.random(using: &random)) {
                held += frame.byteCount
                // By chance one in some hundred candidates has the right 8-bit sum; a tag has yet to fit its lengths.
                for sight in spoken.message(frame)?.sights ?? [] { #expect(sight.tag.text.utf8.count <= 124) }
            }
        }
        _ = frames(&stream, atSilence: true)
        stream.forget()
        #expect(
            Int(stream.strayBytes) <= taken - held && Int(stream.strayBytes) >= taken - held - ReaderStream.capacity)
        stream.take(spoken.published)
        #expect(frames(&stream).count == 1)
    }

    @Test(arguments: ReaderProtocol.allCases)
    func frameThatIsCutShortWaitsUntilSilence(_ spoken: ReaderProtocol) {
        var stream = ReaderStream(spoken)
        stream.take(Array(spoken.published.dropLast()))
        #expect(stream.next() == nil && stream.strayBytes == 0)
        #expect(stream.next(atSilence: true) == nil && Int(stream.strayBytes) == spoken.published.count - 1)
    }
}

@Suite struct DecodeReaderTests {
    @Test func questionTagAndEndArePutIntoWords() throws {
        let end = R2000.frame(address: 1, command: 0x89, data: [0, 0, 50, 0, 0, 0, 1])
        let lines = try decode("r2000", bytes("A0 04 01 89 01 D1") + ReaderProtocol.r2000.published + end)
        #expect(lines[1] == "command: 0x89 inventory, asked for")
        #expect(lines.contains("tag: E2004074850A0103163070E1, -75 dBm, antenna 1"))
        #expect(lines.contains("end of the inventory"))
        #expect(try decode("m100", bytes("BB 01 FF 00 01 15 16 7E")).first == "type: answer")
        #expect(try decode("uhfreader18", bytes("56 00 00 00 00 00")) == ["heartbeat of the reader"])
        #expect(try decode("uhfreader86", ReaderProtocol.uhfReader86.published).contains("checksum: correct"))
    }

    @Test func wrongChecksumAndWrongProtocolAreNamed() throws {
        let wrong = try #require(throws: DecodeError.self) { try decode("r2000", bytes("A0 04 01 89 01 D2")) }
        #expect(wrong.description.contains("expected 0x00d1, got 0x00d2"))
        let other = try #require(throws: DecodeError.self) { try decode("m100", bytes("A0 04 01 89 01 D1")) }
        #expect(other.description.contains("at byte 0, no frame begins there"))
    }
}
