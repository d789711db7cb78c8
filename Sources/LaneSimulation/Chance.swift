// The only source of chance in the simulated lanes: the same seed gives the same run on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ 0xD1B5_4A32_D192_ED03
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// Uniform in `low ..< high`.
    mutating func real(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * Double(next() >> 11) * 0x1p-53
    }

    /// Uniform in `0 ..< count`.
    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    mutating func happens(_ probability: Double) -> Bool { real(0, 1) < probability }

    /// Nanoseconds, uniform between two numbers of seconds.
    mutating func time(_ low: Double, _ high: Double) -> Int64 { nanoseconds(real(low, high)) }
}

func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }

func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) * 1e-9 }

/// Later than everything.
let never = Int64.max
