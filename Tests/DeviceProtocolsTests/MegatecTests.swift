import Domain
import Testing

@testable import DeviceProtocols

@Suite struct MegatecTests {
    private static let online = "(208.4 140.0 208.4 034 59.9 2.05 35.0 00110000\r"
    private static let standby = "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000\r"
    private static let battery = "(000.0 195.0 226.0 014 49.0 24.1 30.0 11001001\r"

    private static func status(_ text: String) throws(MegatecError) -> MegatecStatus {
        try MegatecStatus(answer: Array(text.utf8))
    }

    @Test func publishedOnlineAnswerIsReadFieldByField() throws {
        let status = try MegatecTests.status(MegatecTests.online)
        #expect(status.inputDecivolts == 2_084)
        #expect(status.faultDecivolts == 1_400)
        #expect(status.outputDecivolts == 2_084)
        #expect(status.loadPercent == 34)
        #expect(status.decihertz == 599)
        #expect(status.batteryCentivolts == 205)
        #expect(status.deciCelsius == 350)
        #expect(status.bits == 0b0011_0000)
        #expect(status.reading.troubles.contains(.failed))
        #expect(status.reading.troubles.contains(.bypass))
    }

    @Test func publishedStandbyAnswerIsOnMains() throws {
        let reading = try MegatecTests.status(MegatecTests.standby).reading
        #expect(!reading.isOnBattery && !reading.isBatteryLow)
        #expect(reading.batteryCentivolts == 2_750)
        #expect(reading.troubles == .none)
    }

    @Test func batteryAndBatteryLowAreTheFirstTwoBits() throws {
        let reading = try MegatecTests.status(MegatecTests.battery).reading
        #expect(reading.isOnBattery && reading.isBatteryLow)
        #expect(reading.chargePercent == nil && reading.runtime == nil)
    }

    @Test func unknownNumbersAreDashesAndNotZero() throws {
        let status = try MegatecTests.status("(---.- ---.- 226.0 --- --.- --.- --.- 10000000\r")
        #expect(status.inputDecivolts == nil && status.loadPercent == nil && status.batteryCentivolts == nil)
        #expect(status.outputDecivolts == 2_260)
        #expect(status.isUtilityFailing)
    }

    @Test func wrongAnswersAreRefusedAndNamed() {
        let whole = MegatecTests.standby
        let cases: [(String, MegatecError)] = [
            ("", .length(expected: 47, got: 0)),
            (String(whole.dropFirst(9)), .length(expected: 47, got: 38)),
            (whole.replacing("(", with: "#"), .frame(column: 0)),
            (whole.replacing("\r", with: "\n"), .frame(column: 46)),
            (whole.replacing("226.0 195", with: "226.0-195"), .frame(column: 6)),
            (whole.replacing("014", with: "0x4"), .field(name: "load", column: 19)),
            (whole.replacing("195.0", with: "19.50"), .field(name: "fault voltage", column: 7)),
            (whole.replacing("195.0", with: "1-5.0"), .field(name: "fault voltage", column: 7)),
            (whole.replacing("27.5", with: "2..5"), .field(name: "battery voltage", column: 28)),
            (whole.replacing("226.0 195", with: "22600 195"), .field(name: "input voltage", column: 1)),
            (whole.replacing("00001000", with: "00002000"), .bit(3)),
            ("Q1\r", .echoed),
        ]
        for (text, wanted) in cases {
            #expect(throws: wanted) { try MegatecTests.status(text) }
            #expect(!wanted.description.isEmpty)
        }
    }

    @Test func commandsAreThePublishedBytes() {
        func text(_ command: MegatecCommand) -> String { String(decoding: command.bytes, as: UTF8.self) }
        #expect(text(.status) == "Q1\r")
        #expect(text(.rating) == "F\r")
        #expect(text(.switchOff(afterMinutes: 1, atLeastMinutes: 3)) == "S01R0003\r")
        #expect(text(.switchOff(afterMinutes: 10, atLeastMinutes: 9_999)) == "S10R9999\r")
        #expect(text(.cancel) == "C\r")
    }

    /// Every single-byte change, and a few hundred thousand random ones: an answer or an error, never a trap; and what
    /// is taken says the bits that it says.
    @Test func changedAnswersNeverTrapAndNeverLieAboutTheirBits() throws {
        var random = SystemRandomNumberGenerator()
        let whole = Array(MegatecTests.battery.utf8)
        var taken = 0
        func check(_ bytes: [UInt8]) {
            guard let status = try? MegatecStatus(answer: bytes) else { return }
            taken += 1
            let bits = bytes[38..<46].reduce(UInt8(0)) { $0 << 1 | ($1 == 0x31 ? 1 : 0) }
            #expect(status.bits == bits)
            #expect((status.inputDecivolts ?? 0) < 100_000)
        }
        for position in whole.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = whole
                bytes[position] = byte
                check(bytes)
            }
        }
        for _ in 0..<200_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where !bytes.isEmpty: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random))
                case 1: bytes.insert(.random(in: 0...255, using: &random), at: Int.random(in: 0...bytes.count))
                default:
                    if !bytes.isEmpty {
                        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                            Array("0123456789.- (\r".utf8).randomElement(using: &random) ?? 0
                    }
                }
            }
            check(bytes)
        }
        #expect(taken > 1_000)
    }

    @Test func decodeSaysItInWords() throws {
        let lines = try decode("q1", Array(MegatecTests.battery.utf8))
        #expect(
            lines == [
                "input: 0.0 V, last fault 195.0 V", "output: 226.0 V, 49.0 Hz, load 14 %", "battery: 24.10 V, 30.0 C",
                "state: utility fails, battery low, standby type, beeps",
            ])
        #expect(throws: DecodeError.self) { try decode("q1", [0x28]) }
    }
}
