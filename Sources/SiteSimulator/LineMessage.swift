// The messages of the line socket: 16 bytes, little-endian, one a packet.

/// One message between the controller and the simulated site.
public struct LineMessage: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// Controller to site, first: `line` inputs, `level` outputs.
        case hello = 1
        /// Site to controller: the present level of an input.
        case level = 2
        /// Site to controller: all levels are said, events follow.
        case ready = 3
        /// Site to controller: an edge. `sequence` counts from 1 without a gap on each connection.
        case event = 4
        /// Controller to site: an output's new level.
        case drive = 5
    }

    public static let byteCount = 16

    /// Of a line's number.
    var lane: Int { Int(line) / LineInput.numbersPerLane }
    /// Nil for one that no simulated lane has.
    var output: LineOutput? { LineOutput(rawValue: Int(line) % LineInput.numbersPerLane) }

    public var kind: Kind
    public var line: UInt8
    public var level: UInt8
    public var sequence: UInt32
    /// CLOCK_BOOTTIME.
    public var nanoseconds: UInt64

    public init(_ kind: Kind, line: UInt8 = 0, level: UInt8 = 0, sequence: UInt32 = 0, nanoseconds: UInt64 = 0) {
        self.kind = kind
        self.line = line
        self.level = level
        self.sequence = sequence
        self.nanoseconds = nanoseconds
    }

    /// Nil unless it is exactly one message.
    public init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == LineMessage.byteCount, let kind = Kind(rawValue: bytes[0]), bytes[3] == 0 else {
            return nil
        }
        func number(_ range: Range<Int>) -> UInt64 {
            bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(
            kind, line: bytes[1], level: bytes[2], sequence: UInt32(number(4..<8)), nanoseconds: number(8..<16)
        )
    }

    public var bytes: [UInt8] {
        var result = [kind.rawValue, line, level, 0]
        for shift in stride(from: 0, to: 32, by: 8) { result.append(UInt8(truncatingIfNeeded: sequence >> shift)) }
        for shift in stride(from: 0, to: 64, by: 8) { result.append(UInt8(truncatingIfNeeded: nanoseconds >> shift)) }
        return result
    }
}
