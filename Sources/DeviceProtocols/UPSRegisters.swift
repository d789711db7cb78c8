// The holding registers of UPSes that speak Modbus: APC (990-9840, AN-176) and Huawei UPS2000. Pure: which registers to
// ask for, and what they mean.
//
// Limits: a block is at most 125 registers, as Modbus allows; 32-bit values come high word first.

import Domain

/// Why registers are not those of the UPS.
public enum UPSRegisterError: Error, Equatable, Sendable {
    /// A block has another number of registers than was asked for.
    case blockLength(address: Int, expected: Int, got: Int)
    /// None of the states that a UPS can be in.
    case state(register: Int, value: UInt16)
    case charge(register: Int, value: UInt16)

    public var description: String {
        switch self {
        case .blockLength(let address, let expected, let got):
            "\(got) registers from \(address) on, and \(expected) were asked for"
        case .state(let register, let value):
            "register \(register) says \(value), which is no state of this kind of UPS; check ups.kind and ups.address"
        case .charge(let register, let value):
            "register \(register) says \(value), which is no charge; check ups.kind and ups.address"
        }
    }
}

/// So many holding registers from an address on.
public struct RegisterBlock: Equatable, Sendable {
    public let address: Int
    public let count: Int
}

/// Which UPS answers.
public enum UPSRegisterMap: Sendable {
    case apc
    case huawei

    /// What to ask for, in the order in which `reading` takes the answers.
    public var blocks: [RegisterBlock] {
        var blocks: [RegisterBlock] = []
        while let block = block(blocks.count) { blocks.append(block) }
        return blocks
    }

    /// One at a time: of two constant arrays that a switch chooses from, the firmware's optimiser takes the other.
    private func block(_ index: Int) -> RegisterBlock? {
        switch (self, index) {
        case (.apc, 0): RegisterBlock(address: 0, count: 27)
        case (.apc, 1): RegisterBlock(address: 128, count: 44)
        case (.huawei, 0): RegisterBlock(address: 11_000, count: 28)
        case (.huawei, 1): RegisterBlock(address: 11_043, count: 1)
        case (.huawei, 2): RegisterBlock(address: 12_000, count: 6)
        default: nil
        }
    }

    /// - Parameter answers: one for each of `blocks`.
    public func reading(_ answers: [[UInt16]]) throws(UPSRegisterError) -> UPSReading {
        precondition(answers.count == blocks.count, "DEV-22 a UPS' reading takes an answer for each block")
        for (block, answer) in zip(blocks, answers) where answer.count != block.count {
            throw .blockLength(address: block.address, expected: block.count, got: answer.count)
        }
        switch self {
        case .apc: return try apc(state: answers[0], measured: answers[1])
        case .huawei: return try huawei(measured: answers[0], alarms: answers[1][0], battery: answers[2])
        }
    }

    private func apc(state: [UInt16], measured: [UInt16]) throws(UPSRegisterError) -> UPSReading {
        let status = UPSRegisterMap.long(state, 0)
        let errors = UPSRegisterMap.long(state, 20)
        func has(_ bit: Int, _ value: UInt32) -> Bool { value >> UInt32(bit) & 1 == 1 }
        let isOnBattery = has(2, status)
        guard isOnBattery || has(1, status) || has(3, status) || has(4, status) else {
            throw .state(register: 1, value: state[1])
        }
        // SimpleSignalingStatus, b1: shutdown imminent.
        var reading = UPSReading(isOnBattery: isOnBattery, isBatteryLow: state[18] >> 1 & 1 == 1)
        reading.troubles.insert(.bypass, if: has(3, status))
        reading.troubles.insert(.outputOff, if: has(4, status))
        reading.troubles.insert(.failed, if: has(5, status) || has(13, errors))
        reading.troubles.insert(.overload, if: has(21, status) || has(0, errors))
        reading.troubles.insert(.tooHot, if: has(4, errors))
        reading.troubles.insert(.battery, if: state[22] & 0b1_1111 != 0)
        let charge = measured[2]
        guard charge <= 100 * 512 else { throw .charge(register: 130, value: charge) }
        reading.chargePercent = UInt8(charge / 512)
        reading.runtime = .seconds(UInt64(UPSRegisterMap.long(measured, 0)))
        reading.batteryCentivolts = Int(measured[3]) * 100 / 32
        reading.loadPercent = Int(measured[8]) / 256
        reading.outputDecivolts = Int(measured[14]) * 10 / 64
        // 0xFFFF: not told.
        reading.inputDecivolts = measured[23] == .max ? nil : Int(measured[23]) * 10 / 64
        return reading
    }

    private func huawei(
        measured: [UInt16], alarms: UInt16, battery: [UInt16]
    ) throws(UPSRegisterError) -> UPSReading {
        func known(_ value: UInt16) -> Int? { value == .max ? nil : Int(value) }
        let state = measured[24]
        // 0 off, 1 bypass, 2 online, 3 on battery, 5 economy.
        guard [0, 1, 2, 3, 5].contains(state) else { throw .state(register: 11_024, value: state) }
        var reading = UPSReading(isOnBattery: state == 3, isBatteryLow: alarms != .max && alarms >> 6 & 1 == 1)
        reading.troubles.insert(.outputOff, if: state == 0)
        reading.troubles.insert(.bypass, if: state == 1)
        reading.inputDecivolts = known(measured[0])
        reading.outputDecivolts = known(measured[8])
        reading.loadPercent = known(measured[21]).map { $0 / 10 }
        reading.batteryCentivolts = known(battery[0]).map { $0 * 10 }
        if let charge = known(battery[3]) {
            guard charge <= 100 else { throw .charge(register: 12_003, value: battery[3]) }
            reading.chargePercent = UInt8(charge)
        }
        if battery[4] != .max || battery[5] != .max {
            reading.runtime = .seconds(UInt64(UPSRegisterMap.long(battery, 4)))
        }
        return reading
    }

    /// High word first.
    private static func long(_ registers: [UInt16], _ index: Int) -> UInt32 {
        UInt32(registers[index]) << 16 | UInt32(registers[index + 1])
    }
}
