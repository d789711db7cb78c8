// The version of this program, and versions in order.

/// What this source makes. `tools/image` reads it here.
public let gatewardenVersion = "0.1.0"

/// `MAJOR.MINOR.PATCH`.
public struct ProgramVersion: Comparable, Sendable {
    private let major: UInt16
    private let minor: UInt16
    private let patch: UInt16

    /// Nil unless the text is three numbers up to 9999 with points between.
    public init?(_ text: String) {
        var numbers: [UInt16] = []
        for part in text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false) {
            guard (1...4).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            numbers.append(part.reduce(0) { $0 * 10 + UInt16($1 - 0x30) })
        }
        guard numbers.count == 3 else { return nil }
        (major, minor, patch) = (numbers[0], numbers[1], numbers[2])
    }

    /// That of this program.
    public static var running: ProgramVersion {
        guard let version = ProgramVersion(gatewardenVersion) else {
            preconditionFailure("DOM-4 the program's version is three numbers")
        }
        return version
    }

    public var text: String { "\(major).\(minor).\(patch)" }

    public static func < (left: ProgramVersion, right: ProgramVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
