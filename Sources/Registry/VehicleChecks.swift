// What makes a row of the register doubtful without making it wrong. The row is kept as it is, with a warning: old and
// imported vehicles do carry such numbers.

import Domain

/// 车辆识别代码 (GB 16735): 17 characters, the ninth of which checks the others.
enum VIN {
    static let length = 17
    private static let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    /// The values of A to Z; 0 for I, O and Q, which a VIN never holds.
    private static let letterValues = [
        1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9,
    ]

    static func allows(_ byte: UInt8) -> Bool {
        Cell.isDigit(byte) || value(byte) > 0
    }

    private static func value(_ byte: UInt8) -> Int {
        switch byte {
        case 0x30...0x39: Int(byte - 0x30)
        case 0x41...0x5A: letterValues[Int(byte - 0x41)]
        default: 0
        }
    }

    /// Whether the check digit is right: the weighted sum modulo 11, with X for 10, stands at position 9.
    static func isChecked(_ vin: String) -> Bool {
        let bytes = Array(vin.utf8)
        guard bytes.count == length else { return false }
        let sum = zip(bytes, weights).reduce(0) { $0 + value($1.0) * $1.1 }
        let digit: UInt8 = sum % 11 == 10 ? 0x58 : 0x30 + UInt8(sum % 11)
        return bytes[8] == digit
    }
}

enum StageDates {
    /// From when on diesel and gas vehicles had to be of this stage, nationwide (China I 2000 to VI-a 2021-07; not
    /// confirmed for every class, hence no more than a warning).
    private static let obligatory: [(date: String, stage: EmissionStage)] = [
        ("2000-01-01", .china1), ("2004-01-01", .china2), ("2008-01-01", .china3), ("2015-01-01", .china4),
        ("2017-07-01", .china5), ("2021-07-01", .china6),
    ]

    /// Whether the stage does not go with the registration date: below what was obligatory by then, or two stages
    /// above it. Only for diesel and natural gas, whose dates these are.
    static func contradict(_ vehicle: Vehicle) -> Bool {
        guard !vehicle.registrationDate.isEmpty, vehicle.stage != .unknown, vehicle.stage != .electric,
            vehicle.fuel == FuelType(code: "B") || vehicle.fuel == FuelType(code: "E")
        else { return false }
        let stage = vehicle.stage.rawValue
        let bound = obligatory.last { $0.date <= vehicle.registrationDate }?.stage ?? .china0
        return stage < bound.rawValue || stage >= bound.rawValue + 2
    }
}
