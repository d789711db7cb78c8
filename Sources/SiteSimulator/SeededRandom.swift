// The only source of chance in the simulated site: the same seed gives the same site.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same on every machine.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    /// A stream of its own for one part of the site, so that a draw more in one part changes nothing in another.
    public init(seed: UInt64, part: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in part.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ hash
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// Uniform in the closed range.
    public mutating func draw(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    public mutating func chance(percent: Int) -> Bool {
        draw(1...100) <= percent
    }

    public mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[draw(0...elements.count - 1)]
    }
}
