// How patient the drain is, and what it shows of itself.

import Domain

/// Pauses that double from `first` to `limit`, with jitter over their upper half so that gates that lost one platform
/// together do not come back together.
public struct BackOff: Sendable {
    public var first: Interval
    public var limit: Interval

    public init(first: Interval, limit: Interval) {
        self.first = first
        self.limit = limit
    }

    /// The pause after the `count`-th failure in a row (from 1).
    func pause(_ count: Int, _ random: inout Jitter) -> Interval {
        var whole = first.nanoseconds
        for _ in 1..<max(count, 1) where whole < limit.nanoseconds { whole *= 2 }
        whole = min(whole, limit.nanoseconds)
        let half = whole / 2
        return Interval(nanoseconds: max(min(first.nanoseconds, whole), half + random.next() % (half + 1)))
    }
}

/// SplitMix64: the same seed gives the same pauses.
struct Jitter {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

public struct DrainSettings: Sendable {
    /// The destination's name in the ledger.
    public var destination: String
    /// After a fault of the network or of the platform as a whole.
    public var faultPause = BackOff(first: .seconds(1), limit: .seconds(60))
    /// After the platform refused an item; grows also with each item in a row that it refused for good.
    public var refusalPause = BackOff(first: .seconds(2), limit: .seconds(600))
    /// An item that was refused so often is quarantined.
    public var refusalLimit = 5
    /// A token is used for so long (facts hj1321.md §4.A: until datetime + 2 h).
    public var tokenLifetime = Interval.seconds(2 * 3_600)
    /// Nil: no heartbeat.
    public var heartbeat: Interval? = .seconds(60)
    /// A receipt that moved no cursor in this time is given again.
    public var receiptPause = Interval.seconds(10)
    /// An item that got no answer for so long, at no fewer than `poisonTries` tries, while the platform let this
    /// controller log in before each of them, is quarantined: it must not hold up those behind it for ever.
    public var poisonTime = Interval.seconds(24 * 3_600)
    public var poisonTries = 10
    /// For the jitter.
    public var seed: UInt64

    public init(destination: String, seed: UInt64) {
        self.destination = destination
        self.seed = seed
    }
}

/// For the console and the web page.
public struct DrainStatus: Equatable, Sendable {
    /// The last thing that was asked got the platform's own answer.
    public var isConnected = false
    public var isOutage = false
    /// Rows not wholly delivered; nil before the ledger was first read.
    public var backlog: Int?
    /// What last went wrong, empty when nothing has since the last acknowledgement.
    public var lastError = ""
    public var lastAcknowledged: Acknowledgement?
    /// Times that the item now due was sent.
    public var attempts = 0

    public struct Acknowledgement: Equatable, Sendable {
        public let sequence: UInt64
        public let step: UInt32
        public let at: WallTime
    }
}
