import Domain
import Testing

@Suite struct WordsTests {
    @Test func plateIsNormalisedAndKeepsItsColour() throws {
        let plate = try #require(Plate(" 冀a·１2-34ｂ", colour: .yellow))
        #expect(plate.text == "冀A1234B")
        #expect(plate != Plate("冀A1234B", colour: .blue))
        #expect(plate == Plate("冀A1234B", colour: .yellow))
    }

    @Test func plateOfNothingOrTooMuchIsNoPlate() {
        #expect(Plate(" ·- ", colour: .blue) == nil)
        #expect(Plate(String(repeating: "A", count: 33), colour: .blue) == nil)
        #expect(Plate("冀A\u{7}1234", colour: .blue) == nil)
        #expect(Plate(String(repeating: "A", count: 32), colour: .blue) != nil)
    }

    @Test func unknownStageSatisfiesNoRule() {
        for minimum in EmissionStage.allCases {
            #expect(!EmissionStage.unknown.satisfies(minimum: minimum))
            #expect(!EmissionStage.china6.satisfies(minimum: .unknown))
        }
        #expect(EmissionStage.china5.satisfies(minimum: .china5))
        #expect(!EmissionStage.china4.satisfies(minimum: .china5))
        #expect(EmissionStage.electric.satisfies(minimum: .china6))
    }

    @Test func stageAndFuelCodesReadBackAsThemselves() {
        for stage in EmissionStage.allCases {
            #expect(EmissionStage(code: stage.code) == stage)
        }
        #expect(EmissionStage(code: "V") == nil)
        for letter in "ABCDEFLMNOPQYZ" {
            #expect(FuelType(code: String(letter))?.code == String(letter))
        }
        #expect(FuelType(code: "G") == nil && FuelType(code: "BB") == nil && FuelType(code: "") == nil)
    }

    @Test func onlyReasonsBelow32Allow() {
        #expect(VerdictReason.allCases.filter(\.allows) == [.stageAllowed, .whitelisted])
        #expect(Set(VerdictReason.allCases.map(\.word)).count == VerdictReason.allCases.count)
    }

    @Test func tokensOfTwoLanesOrBootsNeverMeet() {
        let one = VehicleToken(boot: 3, lane: LaneID(0), count: 9)
        #expect(one != VehicleToken(boot: 3, lane: LaneID(1), count: 9))
        #expect(one != VehicleToken(boot: 4, lane: LaneID(0), count: 9))
    }

    @Test func digestReadsBackFromBytesAndText() {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        let digest = Digest(bytes: bytes)
        #expect(digest?.bytes == bytes)
        #expect(digest.flatMap { Digest(hexadecimal: $0.hexadecimal) } == digest)
        #expect(Digest(bytes: Array(bytes.dropLast())) == nil)
        #expect(decodeHexadecimal("a0 0F\n") == [0xA0, 0x0F])
        #expect(decodeHexadecimal("a0f") == nil && decodeHexadecimal("zz") == nil)
    }
}
