// The columns of the two CSV files: their English and Chinese names, and what a cell may hold.
//
// Invariant: an empty cell means that the site does not know; it stays empty (or unknown) and nothing is put in its
// place.

import Domain

/// A column of a CSV file.
struct Column: Sendable {
    /// The name in a header, as exported, and the ledger's own word for it.
    let name: String
    let chinese: String
    /// What is allowed, in words.
    let allowed: String
    let isMandatory: Bool

    init(_ name: String, _ chinese: String, _ allowed: String, isMandatory: Bool = false) {
        self.name = name
        self.chinese = chinese
        self.allowed = allowed
        self.isMandatory = isMandatory
    }
}

/// Names the columns of a file by their positions.
protocol TableField: RawRepresentable where RawValue == Int {
    static var columns: [Column] { get }
}

private let shortText = "a text of at most \(Cell.maximumCharacters) characters in one line"
private let colours = "one of 0 蓝 1 黄 2 白 3 黑 4 绿 5 其他 6 黄绿"
private let plates = "a plate of 1 to \(Plate.maximumBytes) bytes"

enum VehicleField: Int, TableField {
    case plate, colour, stage, vin, registrationDate, vehicleType, fuel, model, engineModel, engineMaker
    case engineNumber, usage, networked, fleet, tag, cargo, amount, cargoDirection

    static let columns = [
        Column("plate", "车牌号码", plates, isMandatory: true),
        Column("colour", "号牌颜色", colours, isMandatory: true),
        Column("stage", "排放阶段", "one of 0-6 D X, or empty", isMandatory: true),
        Column("vin", "车辆识别代码", "17 letters and digits without I, O and Q, or empty"),
        Column("registration_date", "注册登记日期", "a date such as 2021-07-01, or empty"),
        Column("vehicle_type", "车辆类型", "a GA code of 3 letters and digits such as H11, or empty"),
        Column("fuel", "燃料类型", "one of A-F L-Q Y Z (GA), or empty"),
        Column("model", "车辆型号", shortText),
        Column("engine_model", "发动机型号", shortText),
        Column("engine_maker", "发动机生产厂", shortText),
        Column("engine_number", "发动机编号", shortText),
        Column("usage", "使用性质", "one letter A-Z (GA), or empty"),
        Column("networked", "联网状态", "0, 1 or empty"),
        Column("fleet", "车队名称", shortText),
        Column("tag", "电子标签", "the tag's EPC, 4 to 124 hexadecimal digits in fours, or empty"),
        Column("cargo", "运输货物名称", "a text of at most \(Cell.maximumCargoCharacters) characters in one line"),
        Column("amount", "运输量", "a weight up to 1000 t such as 31.2, 31.2 t or 31200 kg (吨, 千克), or empty"),
        Column("cargo_direction", "运输方向", "in or out (进 or 出), or empty for both"),
    ]
}

enum ListField: Int, TableField {
    case plate, colour, list, reason, validUntil

    static let columns = [
        Column("plate", "车牌号码", plates, isMandatory: true),
        Column("colour", "号牌颜色", colours, isMandatory: true),
        Column("list", "名单类型", "white or black (白 or 黑)", isMandatory: true),
        Column("reason", "原因", shortText),
        Column("valid_until", "有效期至", "a date or time such as 2026-12-31 or 2026-12-31 18:00:00, or empty"),
    ]
}

// What single cells mean. Nil: not allowed.

extension PlateColour {
    init?(cell: String) {
        switch cell {
        case "0", "蓝": self = .blue
        case "1", "黄": self = .yellow
        case "2", "白": self = .white
        case "3", "黑": self = .black
        case "4", "绿": self = .green
        case "5", "其他": self = .other
        case "6", "黄绿": self = .yellowGreen
        default: return nil
        }
    }
}

extension ListEntry.Kind {
    init?(cell: String) {
        switch cell {
        case "white", "白": self = .white
        case "black", "黑": self = .black
        default: return nil
        }
    }
}

enum Cell {
    static let maximumCharacters = 100
    /// HJ 1321-2023, table C.2, item 21.
    static let maximumCargoCharacters = 20

    /// Any text without control characters.
    static func text(_ cell: String) -> String? {
        let scalars = cell.unicodeScalars
        return scalars.count <= maximumCharacters && !scalars.contains(where: isControl) ? cell : nil
    }

    static func cargo(_ cell: String) -> String? {
        cell.unicodeScalars.count <= maximumCargoCharacters ? text(cell) : nil
    }

    /// Kilograms. A number without a unit is in tonnes, which have at most three digits behind the point.
    static func kilograms(_ cell: String) -> UInt32? {
        let number = cell.utf8.prefix { isDigit($0) || $0 == 0x2E }
        let unit = capitals(String(decoding: cell.utf8.dropFirst(number.count).drop { $0 == 0x20 }, as: UTF8.self))
        let isTonnes = unit.isEmpty || unit == "T" || unit == "吨"
        guard isTonnes || unit == "KG" || unit == "千克" || unit == "公斤" else { return nil }
        let parts = number.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard (1...(isTonnes ? 2 : 1)).contains(parts.count), parts.allSatisfy({ (1...7).contains($0.count) }) else {
            return nil
        }
        var kilograms = parts[0].reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
        if isTonnes {
            let behind = parts.count == 2 ? Array(parts[1]) : []
            guard behind.count <= 3, kilograms <= mostTonnes else { return nil }
            for place in 0..<3 {
                kilograms = kilograms * 10 + (place < behind.count ? UInt32(behind[place] - 0x30) : 0)
            }
        }
        return kilograms <= mostTonnes * 1_000 ? kilograms : nil
    }

    private static let mostTonnes: UInt32 = 1_000

    static func direction(_ cell: String) -> Direction? {
        switch cell {
        case "in", "进": .entry
        case "out", "出": .exit
        default: nil
        }
    }

    /// The cell with its small letters a to z raised; nothing else changes.
    static func capitals(_ cell: String) -> String {
        String(decoding: cell.utf8.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }, as: UTF8.self)
    }

    /// Exactly so many letters and digits, the letters raised.
    static func code(_ cell: String, length: Int) -> String? {
        let code = capitals(cell)
        return code.utf8.count == length && code.utf8.allSatisfy { isDigit($0) || isCapital($0) } ? code : nil
    }

    static func vin(_ cell: String) -> String? {
        let vin = capitals(cell)
        return vin.utf8.count == VIN.length && vin.utf8.allSatisfy(VIN.allows) ? vin : nil
    }

    static func letter(_ cell: String) -> String? {
        let letter = capitals(cell)
        return letter.utf8.count == 1 && letter.utf8.allSatisfy(isCapital) ? letter : nil
    }

    static func flag(_ cell: String) -> Bool? {
        switch cell {
        case "0": false
        case "1": true
        default: nil
        }
    }

    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }

    static func isCapital(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte)
    }
}
