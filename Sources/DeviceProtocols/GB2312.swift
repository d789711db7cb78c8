// Text between Unicode and GB 2312, the character set of the LED signs. The C library's iconv is no help: a static
// binary has no conversion tables on disk.
//
// Invariant: what `encode` writes, `decode` reads back.
// Limits: printable ASCII and the 7445 characters of the standard.

public enum GB2312 {
    /// What became of a text.
    public struct Encoded: Equatable, Sendable {
        /// One byte for each ASCII character, two for each other one.
        public var bytes: [UInt8] = []
        /// Characters that GB 2312 does not have; each became "?".
        public var replacedCount = 0
        /// True when the limit cut the text short, always between two characters.
        public var isCut = false
    }

    /// `text` in at most `limit` bytes. A control character counts as one that GB 2312 does not have.
    public static func encode(_ text: String, limit: Int = .max) -> Encoded {
        var result = Encoded()
        for scalar in text.unicodeScalars {
            let code = code(of: scalar)
            let size = code ?? 0 > 0x7F ? 2 : 1
            guard result.bytes.count + size <= limit else {
                result.isCut = true
                break
            }
            switch code {
            case .none:
                result.bytes.append(UInt8(ascii: "?"))
                result.replacedCount += 1
            case .some(let code) where code <= 0x7F:
                result.bytes.append(UInt8(code))
            case .some(let code):
                result.bytes.append(UInt8(code >> 8))
                result.bytes.append(UInt8(code & 0xFF))
            }
        }
        return result
    }

    /// The text of `bytes`; U+FFFD stands for each byte that is neither printable ASCII nor half of a character.
    public static func decode(_ bytes: some Collection<UInt8>) -> String {
        var scalars = String.UnicodeScalarView()
        var at = bytes.startIndex
        while at != bytes.endIndex {
            let lead = bytes[at]
            let next = bytes.index(after: at)
            if isPrintable(UInt32(lead)) {
                scalars.append(Unicode.Scalar(lead))
                at = next
            } else if next != bytes.endIndex, let scalar = scalar(row: lead, column: bytes[next]) {
                scalars.append(scalar)
                at = bytes.index(after: next)
            } else {
                scalars.append("\u{FFFD}")
                at = next
            }
        }
        return String(scalars)
    }

    /// Columns (位) of a row (区).
    private static let columnCount = 94
    /// The first byte of row 1 and the second byte of column 1 in the EUC form that the signs use.
    private static let base: UInt8 = 0xA1

    /// The Unicode value of each cell, row after row; 0 where the standard has no character.
    private static let cells: [UInt16] = {
        let bytes = UnsafeBufferPointer(start: GB2312Table.rows.utf8Start, count: GB2312Table.rows.utf8CodeUnitCount)
        var cells: [UInt16] = []
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars where scalar != "\n" {
            cells.append(scalar == "." ? 0 : UInt16(scalar.value))
        }
        precondition(cells.count.isMultiple(of: columnCount), "DEV-1 each row of the GB 2312 table has 94 cells")
        return cells
    }()

    /// The cells by Unicode value: the value in the upper 16 bits, the cell's index in the lower, in ascending order.
    private static let index: [UInt32] = {
        var index: [UInt32] = []
        for (position, value) in cells.enumerated() where value != 0 {
            index.append(UInt32(value) << 16 | UInt32(position))
        }
        index.sort()
        return index
    }()

    private static func isPrintable(_ value: UInt32) -> Bool {
        (0x20...0x7E).contains(value)
    }

    private static func code(of scalar: Unicode.Scalar) -> UInt16? {
        switch scalar.value {
        case 0x20...0x7E: UInt16(scalar.value)
        // The dot and the dash as Chinese keyboards type them. GBK gives them the cells that GB 2312's own table
        // gives to U+30FB and U+2015.
        case 0xB7: 0xA1A4
        case 0x2014: 0xA1AA
        case 0x80...0xFFFF: cell(of: UInt16(scalar.value))
        default: nil
        }
    }

    private static func cell(of value: UInt16) -> UInt16? {
        var low = 0
        var high = index.count
        while low < high {
            let middle = (low + high) / 2
            if index[middle] >> 16 < UInt32(value) { low = middle + 1 } else { high = middle }
        }
        guard low < index.count, index[low] >> 16 == UInt32(value) else { return nil }
        let position = Int(index[low] & 0xFFFF)
        let row = UInt16(position / columnCount) + UInt16(base)
        let column = UInt16(position % columnCount) + UInt16(base)
        return row << 8 | column
    }

    private static func scalar(row: UInt8, column: UInt8) -> Unicode.Scalar? {
        guard row >= base, column >= base, column < 0xFF else { return nil }
        let position = Int(row - base) * columnCount + Int(column - base)
        guard position < cells.count, cells[position] != 0 else { return nil }
        return Unicode.Scalar(cells[position])
    }
}
