// A SHA-256 value, as the ledger's chain and the photo store name things.

/// 32 bytes, held as four big-endian words so that it copies, compares and hashes without heap.
public struct Digest: Hashable, Sendable {
    public static let byteCount = 32
    public static let zero = Digest(words: (0, 0, 0, 0))

    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (word0, word1, word2, word3) = words
    }

    /// Nil unless exactly 32 bytes are given.
    public init?(bytes: [UInt8]) {
        guard let digest = bytes.withUnsafeBytes({ Digest($0) }) else { return nil }
        self = digest
    }

    /// Nil unless exactly 32 bytes are given.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Digest.byteCount else { return nil }
        func word(_ start: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        self.init(words: (word(0), word(8), word(16), word(24)))
    }

    /// Nil unless 64 hexadecimal digits of either case are given.
    public init?(hexadecimal: String) {
        guard let bytes = decodeHexadecimal(hexadecimal) else { return nil }
        self.init(bytes: bytes)
    }

    public var bytes: [UInt8] {
        // One by one: an initialised-in-place array takes heap types in the lane's 32-bit build.
        var result: [UInt8] = []
        result.reserveCapacity(Digest.byteCount)
        for word in [word0, word1, word2, word3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return result
    }

    /// The same without an array.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var words = (word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian)
        return withUnsafeBytes(of: &words) { body($0) }
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String { encodeHexadecimal(bytes) }
}

/// Lower-case hexadecimal digits, two a byte.
public func encodeHexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that hexadecimal digits of either case spell, blanks between them ignored; nil for anything else.
public func decodeHexadecimal(_ text: String) -> [UInt8]? {
    var nibbles: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39: nibbles.append(byte - 0x30)
        case 0x41...0x46: nibbles.append(byte - 0x41 + 10)
        case 0x61...0x66: nibbles.append(byte - 0x61 + 10)
        case 0x20, 0x09, 0x0A, 0x0D: continue
        default: return nil
        }
    }
    guard nibbles.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
}
