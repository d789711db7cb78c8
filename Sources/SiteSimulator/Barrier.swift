// The barrier operator with its arm: pulses in, the arm's position over time out. Its limit switches follow
// the position.

/// Position 0 is closed, 1 is open. A rising edge on a relay starts the way; the other relay turns it round.
public struct Barrier: Sendable {
    public enum Motion: Sendable {
        case still
        case raising
        case lowering
    }

    public private(set) var position = 0.0
    public private(set) var motion = Motion.still
    /// Seconds for the whole way.
    public let travel: Double

    public init(travel: Double) {
        precondition(travel > 0, "SIM-2 the arm's travel takes time")
        self.travel = travel
    }

    public var isOpen: Bool { position >= 0.98 }
    public var isClosed: Bool { position <= 0.02 }

    public mutating func order(_ motion: Motion) {
        self.motion = motion
    }

    public mutating func advance(_ seconds: Double) {
        switch motion {
        case .still: return
        case .raising: position = min(1, position + seconds / travel)
        case .lowering: position = max(0, position - seconds / travel)
        }
        if motion == .raising && position == 1 || motion == .lowering && position == 0 { motion = .still }
    }
}
