// The Megatec protocol of small UPSes, "Q1" (2400 8N1, Megatec 2000; Voltronic QS is the same): commands and the answer
// to Q1.
//
//     Q1<CR>   ->   (MMM.M NNN.N PPP.P QQQ RR.R S.SS TT.T b7b6b5b4b3b2b1b0<CR>      47 bytes, fixed columns
//
// A number that the UPS does not know is dashes. A UPS echoes a command that it does not know; it answers none to those
// that it carries out.
// Limits: an answer has exactly 47 bytes with its carriage return.

import Domain

/// Why bytes are not an answer to Q1.
public enum MegatecError: Error, Equatable, Sendable {
    /// Not 47 bytes from the bracket to the carriage return.
    case length(expected: Int, got: Int)
    /// It does not begin with a bracket or end with a carriage return, or a blank is missing between two fields.
    case frame(column: Int)
    /// A field holds something else than its digits or dashes.
    case field(name: String, column: Int)
    /// A status bit is neither 0 nor 1.
    case bit(Int)
    /// The UPS gave the command back: it does not know it.
    case echoed

    public var description: String {
        switch self {
        case .length(let expected, let got):
            "the answer has \(got) bytes, and \(expected) were expected; check baud rate (2400) and wiring"
        case .frame(let column):
            "the answer is not laid out as Q1's at column \(column); check baud rate, wiring and the UPS' protocol"
        case .field(let name, let column):
            "\(name) at column \(column) is no number; check baud rate and wiring"
        case .bit(let bit):
            "status bit b\(bit) is neither 0 nor 1; check baud rate and wiring"
        case .echoed:
            "the UPS gave the command back: it does not know it; set another ups.kind"
        }
    }
}

/// What is sent to the UPS.
public enum MegatecCommand: Equatable, Sendable {
    /// Q1: how it is.
    case status
    /// F: what it is rated for.
    case rating
    /// S…R…: the output goes off after so many minutes (1...10), and comes back when the mains is there and at least
    /// so many minutes (1...9999) have passed. With the mains back before, it still goes off and on.
    case switchOff(afterMinutes: Int, atLeastMinutes: Int)
    /// C: not to be switched off.
    case cancel

    public var bytes: [UInt8] {
        switch self {
        case .status: return Array("Q1\r".utf8)
        case .rating: return Array("F\r".utf8)
        case .switchOff(let delay, let pause):
            precondition((1...10).contains(delay), "DEV-20 a UPS is switched off after 1 to 10 minutes")
            precondition((1...9_999).contains(pause), "DEV-21 a UPS stays off for 1 to 9999 minutes")
            return Array("S\(padded(delay, 2))R\(padded(pause, 4))\r".utf8)
        case .cancel: return Array("C\r".utf8)
        }
    }
}

/// The answer to Q1.
public struct MegatecStatus: Equatable, Sendable {
    public static let byteCount = 47

    /// 输入电压, 故障电压, 输出电压.
    public var inputDecivolts: Int?
    public var faultDecivolts: Int?
    public var outputDecivolts: Int?
    public var loadPercent: Int?
    public var decihertz: Int?
    /// Of one cell where the UPS is online ("2.05"), else of the battery ("27.5").
    public var batteryCentivolts: Int?
    public var deciCelsius: Int?
    /// b7 is the highest.
    public var bits: UInt8

    public var isUtilityFailing: Bool { bits & 0x80 != 0 }
    public var isBatteryLow: Bool { bits & 0x40 != 0 }
    public var isOnBypassOrBoost: Bool { bits & 0x20 != 0 }
    public var hasFailed: Bool { bits & 0x10 != 0 }
    public var isStandbyType: Bool { bits & 0x08 != 0 }
    public var isTesting: Bool { bits & 0x04 != 0 }
    public var isShuttingDown: Bool { bits & 0x02 != 0 }
    public var isBeeping: Bool { bits & 0x01 != 0 }

    /// The answer, from its bracket to its carriage return.
    public init(answer bytes: [UInt8]) throws(MegatecError) {
        if bytes == MegatecCommand.status.bytes { throw .echoed }
        guard bytes.count == MegatecStatus.byteCount else {
            throw .length(expected: MegatecStatus.byteCount, got: bytes.count)
        }
        guard bytes[0] == MegatecStatus.bracket else { throw .frame(column: 0) }
        guard bytes[46] == MegatecStatus.carriageReturn else { throw .frame(column: 46) }
        for column in [6, 12, 18, 22, 27, 32, 37] where bytes[column] != 0x20 { throw .frame(column: column) }
        inputDecivolts = try MegatecStatus.number("input voltage", bytes, 1..<6, decimals: 1)
        faultDecivolts = try MegatecStatus.number("fault voltage", bytes, 7..<12, decimals: 1)
        outputDecivolts = try MegatecStatus.number("output voltage", bytes, 13..<18, decimals: 1)
        loadPercent = try MegatecStatus.number("load", bytes, 19..<22, decimals: 0)
        decihertz = try MegatecStatus.number("frequency", bytes, 23..<27, decimals: 1)
        batteryCentivolts = try MegatecStatus.number("battery voltage", bytes, 28..<32, decimals: 2)
        deciCelsius = try MegatecStatus.number("temperature", bytes, 33..<37, decimals: 1)
        bits = 0
        for column in 38..<46 {
            guard bytes[column] == 0x30 || bytes[column] == 0x31 else { throw .bit(45 - column) }
            bits = bits << 1 | (bytes[column] & 1)
        }
    }

    public var reading: UPSReading {
        var reading = UPSReading(isOnBattery: isUtilityFailing, isBatteryLow: isBatteryLow)
        reading.inputDecivolts = inputDecivolts
        reading.outputDecivolts = outputDecivolts
        reading.loadPercent = loadPercent
        reading.batteryCentivolts = batteryCentivolts
        reading.troubles.insert(.failed, if: hasFailed)
        // Line-interactive UPSes tell boost by the same bit, and boost is no trouble.
        reading.troubles.insert(.bypass, if: isOnBypassOrBoost && !isStandbyType)
        return reading
    }

    private static let bracket: UInt8 = 0x28
    private static let carriageReturn: UInt8 = 0x0D

    /// Digits with at most one point, or dashes with one, in units of 10^-decimals; nil for dashes.
    private static func number(
        _ name: String, _ bytes: [UInt8], _ columns: Range<Int>, decimals: Int
    ) throws(MegatecError) -> Int? {
        var value = 0
        var dashes = 0
        var digits = 0
        var places: Int?
        for column in columns {
            switch bytes[column] {
            case 0x30...0x39:
                value = value * 10 + Int(bytes[column] - 0x30)
                digits += 1
                if let known = places { places = known + 1 }
            case 0x2D: dashes += 1
            case 0x2E where places == nil: places = 0
            default: throw .field(name: name, column: columns.lowerBound)
            }
        }
        if digits == 0, dashes > 0 { return nil }
        // A point that was damaged into a digit would make it ten times as much.
        guard dashes == 0, digits > 0, (places == nil) == (decimals == 0), places ?? 0 <= decimals else {
            throw .field(name: name, column: columns.lowerBound)
        }
        for _ in (places ?? 0)..<decimals { value *= 10 }
        return value
    }
}
