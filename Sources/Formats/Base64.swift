// Base64 (RFC 4648, the standard alphabet with padding).
//
// Invariants: decoding accepts exactly what encoding yields, plus blanks and line ends anywhere, plus a data URL's
// prefix (`data:image/jpeg;base64,`) that some cameras put before it.
// Limits: memory is the caller's text and 3/4 of it; the body that brought the text is bounded before.

public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index + 2]) }
            for place in 0..<4 {
                text.append(place <= count ? alphabet[Int(group >> UInt32(18 - 6 * place) & 63)] : 0x3D)
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The position in an error counts the bytes of `text`.
    public static func decode(_ text: String) throws(FormatError) -> [UInt8] {
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.count / 4 * 3)
        var group: UInt32 = 0
        var digits = 0
        var padding = 0
        for index in prefixLength(source)..<source.count {
            let byte = source[index]
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case 0x3D:
                padding += 1
                guard digits + padding <= 4, digits >= 2 else {
                    throw .invalid(.base64, .badPadding, byte: index)
                }
                continue
            default: break
            }
            guard let value = value(of: byte) else { throw .invalid(.base64, .unexpectedText, byte: index) }
            guard padding == 0 else { throw .invalid(.base64, .trailingText, byte: index) }
            group = group << 6 | UInt32(value)
            digits += 1
            if digits == 4 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
                group = 0
                digits = 0
            }
        }
        try appendRest(group, digits, padding, to: &bytes, end: source.count)
        return bytes
    }

    /// The last group: 2 digits and `==`, or 3 and `=`, with no bit left over.
    private static func appendRest(
        _ group: UInt32, _ digits: Int, _ padding: Int, to bytes: inout [UInt8], end: Int
    ) throws(FormatError) {
        guard digits > 0 || padding > 0 else { return }
        guard digits + padding == 4 else { throw .invalid(.base64, .unexpectedEnd, byte: end) }
        let spare: UInt32 = digits == 2 ? 0x0F : 0x03
        guard digits >= 2, group & spare == 0 else { throw .invalid(.base64, .badPadding, byte: end) }
        if digits == 2 {
            bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        } else {
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
        }
    }

    private static func prefixLength(_ source: [UInt8]) -> Int {
        guard source.starts(with: Array("data:".utf8)) else { return 0 }
        // A media type is short; a comma further on belongs to no prefix.
        guard let comma = source.prefix(128).firstIndex(of: 0x2C) else { return 0 }
        return comma + 1
    }

    private static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
