// What the supervisor watches: each thread's heartbeat, and the one word that ends them all.

import Domain
import Machine
import Synchronization

/// A thread's heartbeat: the lane time of its last turn.
final class Pulse: Sendable {
    let name: String
    /// How old a beat may be before the thread counts as stalled.
    let limit: Interval
    private let last: Atomic<UInt64>

    init(_ name: String, limit: Interval, now: Instant) {
        self.name = name
        self.limit = limit
        last = Atomic(now.nanoseconds)
    }

    func beat(_ now: Instant) {
        last.store(now.nanoseconds, ordering: .relaxed)
    }

    func age(_ now: Instant) -> Interval {
        now.since(Instant(nanoseconds: last.load(ordering: .relaxed)))
    }
}

/// A flag that one thread raises and another lowers its work by.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)

    var isRaised: Bool { raised.load(ordering: .acquiring) }

    func raise() {
        raised.store(true, ordering: .releasing)
    }
}
