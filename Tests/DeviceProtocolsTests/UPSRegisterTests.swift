import Domain
import Testing

@testable import DeviceProtocols

@Suite struct UPSRegisterTests {
    private static func apc(_ change: (inout [UInt16], inout [UInt16]) -> Void = { _, _ in }) -> [[UInt16]] {
        var state = [UInt16](repeating: 0, count: 27)
        var measured = [UInt16](repeating: 0, count: 44)
        state[1] = 0b10
        measured[1] = 3_600
        measured[2] = 87 * 512
        measured[3] = UInt16(27.25 * 32)
        measured[8] = 14 * 256
        measured[14] = 230 * 64
        measured[23] = UInt16(229.5 * 64)
        change(&state, &measured)
        return [state, measured]
    }

    private static func huawei(_ change: (inout [UInt16], inout [UInt16]) -> Void = { _, _ in }) -> [[UInt16]] {
        var measured = [UInt16](repeating: 0xFFFF, count: 28)
        var battery: [UInt16] = [2_400, 2, 100, 95, 0, 5_400]
        measured[0] = 2_301
        measured[8] = 2_299
        measured[21] = 125
        measured[24] = 2
        change(&measured, &battery)
        return [measured, [0], battery]
    }

    @Test func apcOnMainsIsReadInItsScales() throws {
        let reading = try UPSRegisterMap.apc.reading(UPSRegisterTests.apc())
        #expect(!reading.isOnBattery && !reading.isBatteryLow && reading.troubles == .none)
        #expect(reading.chargePercent == 87)
        #expect(reading.runtime == .seconds(3_600))
        #expect(reading.batteryCentivolts == 2_725)
        #expect(reading.loadPercent == 14)
        #expect(reading.outputDecivolts == 2_300)
        #expect(reading.inputDecivolts == 2_295)
    }

    @Test func apcOnBatteryWithItsShutdownAtHand() throws {
        let reading = try UPSRegisterMap.apc.reading(
            UPSRegisterTests.apc { state, measured in
                state[1] = 0b100
                state[18] = 0b10
                measured[0] = 1
                measured[23] = 0xFFFF
            })
        #expect(reading.isOnBattery && reading.isBatteryLow)
        #expect(reading.runtime == .seconds(65_536 + 3_600))
        #expect(reading.inputDecivolts == nil)
    }

    @Test func apcTroublesAreNamed() throws {
        let reading = try UPSRegisterMap.apc.reading(
            UPSRegisterTests.apc { state, _ in
                state[0] = 1 << 5
                state[1] = 0b10_1010
                state[21] = 1 << 4
                state[22] = 1
            })
        #expect(
            reading.troubles.words == "the UPS has failed, overloaded, battery missing or faulty, too hot, "
                + "on bypass: the battery does not protect")
    }

    @Test func huaweiOnMainsIsReadInItsScales() throws {
        let reading = try UPSRegisterMap.huawei.reading(UPSRegisterTests.huawei())
        #expect(!reading.isOnBattery && reading.troubles == .none)
        #expect(reading.inputDecivolts == 2_301 && reading.outputDecivolts == 2_299)
        #expect(reading.loadPercent == 12)
        #expect(reading.batteryCentivolts == 24_000)
        #expect(reading.chargePercent == 95 && reading.runtime == .seconds(5_400))
    }

    @Test func huaweiOnBatteryAndWhatItDoesNotTell() throws {
        let answers = UPSRegisterTests.huawei { measured, battery in
            measured[24] = 3
            battery = [.max, .max, .max, .max, .max, .max]
        }
        let reading = try UPSRegisterMap.huawei.reading([answers[0], [1 << 6], answers[2]])
        #expect(reading.isOnBattery && reading.isBatteryLow)
        #expect(reading.batteryCentivolts == nil && reading.chargePercent == nil && reading.runtime == nil)
        #expect(try !UPSRegisterMap.huawei.reading([answers[0], [.max], answers[2]]).isBatteryLow)
    }

    @Test func registersOfSomethingElseAreRefusedAndNamed() {
        let nothing = UPSRegisterTests.apc { state, _ in state[1] = 0 }
        #expect(throws: UPSRegisterError.state(register: 1, value: 0)) { try UPSRegisterMap.apc.reading(nothing) }
        let charged = UPSRegisterTests.apc { _, measured in measured[2] = .max }
        #expect(throws: UPSRegisterError.charge(register: 130, value: .max)) {
            try UPSRegisterMap.apc.reading(charged)
        }
        let lost = UPSRegisterTests.huawei { measured, _ in measured[24] = 4 }
        #expect(throws: UPSRegisterError.state(register: 11_024, value: 4)) {
            try UPSRegisterMap.huawei.reading(lost)
        }
        let short = [[UInt16](repeating: 2, count: 26), [UInt16](repeating: 0, count: 44)]
        #expect(throws: UPSRegisterError.blockLength(address: 0, expected: 27, got: 26)) {
            try UPSRegisterMap.apc.reading(short)
        }
    }

    @Test(arguments: [UPSRegisterMap.apc, .huawei])
    func randomRegistersNeverTrap(_ map: UPSRegisterMap) {
        var readings = 0
        for _ in 0..<50_000 {
            let answers = map.blocks.map { block in
                (0..<block.count).map { _ in Bool.random() ? UInt16.random(in: 0...7) : .random(in: .min ... .max) }
            }
            if let reading = try? map.reading(answers) {
                readings += 1
                #expect((0...100).contains(reading.chargePercent ?? 0))
            }
        }
        #expect(readings > 0)
    }
}
