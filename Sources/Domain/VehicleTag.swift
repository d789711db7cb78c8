// The electronic tag of a vehicle (电子标签): a UHF tag of ISO 18000-6C, known by its EPC.

/// An EPC: whole words of 16 bits, kept as capital hexadecimal digits.
public struct VehicleTag: Hashable, Sendable {
    /// 31 words: the most that an EPC's own length tells.
    public static let maximumBytes = 62

    public let text: String

    /// Nil unless there are 1 to 31 whole words.
    public init?(bytes: some Collection<UInt8>) {
        guard (2...VehicleTag.maximumBytes).contains(bytes.count), bytes.count.isMultiple(of: 2) else { return nil }
        var digits: [UInt8] = []
        digits.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            digits.append(VehicleTag.digit(byte >> 4))
            digits.append(VehicleTag.digit(byte & 0xF))
        }
        text = String(decoding: digits, as: UTF8.self)
    }

    /// As a person writes it: hexadecimal digits of either case, with blanks, dashes or colons between, or without.
    public init?(_ raw: String) {
        var digits: [UInt8] = []
        for byte in raw.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x46: digits.append(byte)
            case 0x61...0x66: digits.append(byte - 0x20)
            case 0x20, 0x2D, 0x3A: continue
            default: return nil
            }
            guard digits.count <= VehicleTag.maximumBytes * 2 else { return nil }
        }
        guard !digits.isEmpty, digits.count.isMultiple(of: 4) else { return nil }
        text = String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x41 + value - 10
    }
}
