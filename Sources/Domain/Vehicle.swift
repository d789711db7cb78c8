// The words for a vehicle under HJ 1321-2023 (appendix C, table C.2) and their neutral codes.
//
// Limits: texts are bounded where they enter (register, camera), not here. Unknown is a value of its own and is never
// turned into a known one. Platform adapters map these codes to their own tables (facts: four plate colour tables).

/// 号牌颜色, in the numbering of the 门禁 platforms.
public enum PlateColour: UInt8, CaseIterable, Sendable {
    case blue = 0
    case yellow = 1
    case white = 2
    case black = 3
    case green = 4
    case other = 5
    case yellowGreen = 6
}

/// A plate as read or registered: normalised text and colour. Both together identify a vehicle on every platform.
public struct Plate: Hashable, Sendable {
    /// The longest plate text, in UTF-8 bytes (保定's limit of 30 characters is for the platform's field).
    public static let maximumBytes = 32

    public let text: String
    public let colour: PlateColour

    /// Normalises `raw`: upper case, full-width letters and digits to half-width, without spaces, dots and dashes.
    /// Returns nil when nothing is left, or more than `maximumBytes`.
    public init?(_ raw: String, colour: PlateColour) {
        if Plate.isNormal(raw) {
            text = raw
            self.colour = colour
            return
        }
        var scalars = String.UnicodeScalarView()
        for scalar in raw.unicodeScalars {
            switch scalar.value {
            case 0x20, 0x2D, 0x2E, 0xB7, 0x2022, 0x30FB, 0x3000, 0xFF0E, 0xFF0D, 0x09, 0x0A, 0x0D:
                continue
            case 0x61...0x7A:
                scalars.append(Unicode.Scalar(UInt8(scalar.value - 0x20)))
            case 0xFF10...0xFF19, 0xFF21...0xFF3A:
                scalars.append(Unicode.Scalar(UInt8(scalar.value - 0xFEE0)))
            case 0xFF41...0xFF5A:
                scalars.append(Unicode.Scalar(UInt8(scalar.value - 0xFEE0 - 0x20)))
            case 0...0x1F, 0x7F:
                return nil
            default:
                scalars.append(scalar)
            }
        }
        let normalised = String(scalars)
        guard !normalised.isEmpty, normalised.utf8.count <= Plate.maximumBytes else { return nil }
        text = normalised
        self.colour = colour
    }

    /// Whether it is so plainly normal that nothing is to be done: digits, capitals and Han characters.
    private static func isNormal(_ raw: String) -> Bool {
        guard !raw.isEmpty, raw.utf8.count <= maximumBytes else { return false }
        for scalar in raw.unicodeScalars {
            switch scalar.value {
            case 0x30...0x39, 0x41...0x5A, 0x4E00...0x9FFF: continue
            default: return false
            }
        }
        return true
    }
}

/// 排放阶段. Ordered by `rank` for rules of the form "stage ≥ N"; electric ranks above China VI.
public enum EmissionStage: UInt8, CaseIterable, Sendable {
    case china0 = 0
    case china1 = 1
    case china2 = 2
    case china3 = 3
    case china4 = 4
    case china5 = 5
    case china6 = 6
    case electric = 7
    /// 无/未知: never satisfies a stage rule.
    case unknown = 255

    /// The one-character code of the 门禁 platforms: `0`…`6`, `D`, `X`.
    public var code: String {
        switch self {
        case .china0: "0"
        case .china1: "1"
        case .china2: "2"
        case .china3: "3"
        case .china4: "4"
        case .china5: "5"
        case .china6: "6"
        case .electric: "D"
        case .unknown: "X"
        }
    }

    public init?(code: String) {
        guard let stage = EmissionStage.allCases.first(where: { $0.code == code }) else { return nil }
        self = stage
    }

    /// Whether a vehicle of this stage satisfies "stage ≥ minimum". Unknown satisfies nothing.
    public func satisfies(minimum: EmissionStage) -> Bool {
        self != .unknown && minimum != .unknown && rawValue >= minimum.rawValue
    }
}

/// 燃料类型, by its GA letter (A petrol, B diesel, C electric, E natural gas … Z other).
public struct FuelType: Hashable, Sendable {
    public static let letters: [UInt8] = Array("ABCDEFLMNOPQYZ".utf8)
    public let letter: UInt8

    /// Nil unless `code` is one letter of the table.
    public init?(code: String) {
        let bytes = Array(code.utf8)
        guard bytes.count == 1, FuelType.letters.contains(bytes[0]) else { return nil }
        letter = bytes[0]
    }

    public var code: String { String(Unicode.Scalar(letter)) }
}

/// A row of the vehicle register: 运输车辆信息, fields 6 to 20 and 23 of the in/out ledger.
/// An empty text means that the register does not know; it is uploaded as unknown and never invented.
public struct Vehicle: Sendable {
    public var plate: Plate
    /// 车辆识别代码: 17 characters, or empty.
    public var vin: String
    /// 注册登记日期: `yyyy-MM-dd`, or empty.
    public var registrationDate: String
    /// 车辆类型: GA code of three characters, or empty. Unknown codes are data, not errors.
    public var vehicleType: String
    /// 燃料类型; nil when not known.
    public var fuel: FuelType?
    public var stage: EmissionStage
    /// 车辆型号(品牌型号).
    public var model: String
    /// 发动机型号.
    public var engineModel: String
    /// 发动机生产厂.
    public var engineMaker: String
    /// 发动机编号.
    public var engineNumber: String
    /// 使用性质: GA letter, or empty.
    public var usage: String
    /// 联网状态: nil when not known.
    public var networked: Bool?
    /// 车队名称.
    public var fleet: String

    public init(plate: Plate, stage: EmissionStage) {
        self.plate = plate
        self.stage = stage
        vin = ""
        registrationDate = ""
        vehicleType = ""
        fuel = nil
        model = ""
        engineModel = ""
        engineMaker = ""
        engineNumber = ""
        usage = ""
        networked = nil
        fleet = ""
    }
}

/// Where what is known of a vehicle comes from. Stored by number.
public enum VehicleSource: UInt8, Sendable {
    case register = 1
    case platform = 2
    case person = 3
    /// 随车清单, scanned at the gate.
    case vehicleList = 4
}

/// What the vehicle carries: fields 21 and 22 of the in/out ledger, and how they are known. Nil and an empty text mean
/// unknown; nothing is invented.
public struct Freight: Equatable, Sendable {
    public enum Source: UInt8, Sendable {
        case weighbridge = 1
        case person = 2
        /// A booking or a waybill.
        case booking = 3
        case platform = 4
    }

    public enum Load: UInt8, Sendable {
        case loaded = 1
        case empty = 2
    }

    /// 运输货物名称.
    public var cargo: String
    /// 运输量.
    public var netKilograms: UInt32?
    /// The whole vehicle on the scale.
    public var grossKilograms: UInt32?
    public var source: Source?
    public var load: Load?
    /// The number of the booking or waybill.
    public var booking: String
    /// The pass record of the entry that this exit ends.
    public var entrySequence: UInt64?
    /// What the code on the 随车清单 says.
    public var vehicleList: String

    public static let unknown = Freight(cargo: "", booking: "", vehicleList: "")
}

/// An entry of the site's white or black list (黑白名单).
public struct ListEntry: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        case white = 1
        case black = 2
    }

    public var plate: Plate
    public var kind: Kind
    public var reason: String
    /// The entry holds up to this instant; nil: until it is removed.
    public var validUntil: WallTime?

    public init(plate: Plate, kind: Kind, reason: String, validUntil: WallTime?) {
        self.plate = plate
        self.kind = kind
        self.reason = reason
        self.validUntil = validUntil
    }
}
