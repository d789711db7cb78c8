// What a UPS says of itself, whatever it speaks. All numbers are whole, in the unit of their name.

import Domain

/// One look at a UPS. A value that it does not tell, or tells as unknown, is nil.
public struct UPSReading: Equatable, Sendable {
    /// The load lives on the battery: the mains is away, or so bad that the UPS does not take it.
    public var isOnBattery: Bool
    /// The UPS' own word that its battery is nearly empty.
    public var isBatteryLow: Bool
    public var inputDecivolts: Int?
    public var outputDecivolts: Int?
    public var loadPercent: Int?
    /// Some UPSes with Q1 tell the voltage of one cell.
    public var batteryCentivolts: Int?
    /// 0...100.
    public var chargePercent: UInt8?
    public var runtime: Interval?
    public var troubles = UPSTroubles.none

    public init(isOnBattery: Bool, isBatteryLow: Bool) {
        self.isOnBattery = isOnBattery
        self.isBatteryLow = isBatteryLow
    }
}

/// What a UPS complains of, besides mains and battery level.
public struct UPSTroubles: Equatable, Sendable {
    public private(set) var bits: UInt8

    public static let none = UPSTroubles(bits: 0)
    public static let failed = UPSTroubles(bits: 1)
    public static let overload = UPSTroubles(bits: 2)
    public static let battery = UPSTroubles(bits: 4)
    public static let tooHot = UPSTroubles(bits: 8)
    public static let bypass = UPSTroubles(bits: 16)
    public static let outputOff = UPSTroubles(bits: 32)

    public mutating func insert(_ trouble: UPSTroubles, if holds: Bool) {
        if holds { bits |= trouble.bits }
    }

    public func contains(_ trouble: UPSTroubles) -> Bool { bits & trouble.bits != 0 }

    /// In words, separated by commas; empty when there is none.
    public var words: String {
        let names = [
            "the UPS has failed", "overloaded", "battery missing or faulty", "too hot",
            "on bypass: the battery does not protect", "output off",
        ]
        var text = ""
        for (bit, name) in names.enumerated() where bits & 1 << UInt8(bit) != 0 {
            text += (text.isEmpty ? "" : ", ") + name
        }
        return text
    }
}
