// When the lanes have something to do that no edge begins: a word of the ledger thread, a deadline, a look every tenth
// of a second.
//
// Invariants: no heap, no lock. Each deadline is called for once: the turn that follows sets the next.

import Domain
import Machine
import Synchronization

final class LaneAlarm: Sendable {
    /// Rung for the lanes.
    private let bell: Wakeup
    /// Rung by the lane thread: the deadline has come nearer.
    private let moved: Wakeup
    /// In lane time.
    private let deadline = Atomic<UInt64>(LaneAlarm.never)
    /// When this thread looks again by itself.
    private let nextLook = Atomic<UInt64>(0)

    private static let never = UInt64.max
    private static let longestWait = Interval.milliseconds(100)

    init(bell: Wakeup, moved: Wakeup) {
        self.bell = bell
        self.moved = moved
    }

    /// Whoever takes a turn, at its end.
    func set(_ soonest: Instant?) {
        let next = soonest?.nanoseconds ?? LaneAlarm.never
        deadline.store(next, ordering: .sequentiallyConsistent)
        if next < nextLook.load(ordering: .sequentiallyConsistent) { moved.ring() }
    }

    /// The alarm's thread, until the end: calls when there may be something to do.
    func run(_ clock: any Clock, until stop: Flag, _ call: () -> Void) {
        var waiting = WaitSet()
        waiting.add(bell.fileDescriptor)
        waiting.add(moved.fileDescriptor)
        while !stop.isRaised {
            let now = clock.now()
            waiting.wait(atMost: look(now + LaneAlarm.longestWait).since(now))
            // Taken before the call: what is rung later wakes again.
            bell.take()
            moved.take()
            takeDeadline(clock.now())
            call()
        }
    }

    /// When to look again. Told before the deadline is read for the last time, so that one that comes nearer meanwhile
    /// is either seen here or rung for.
    private func look(_ latest: Instant) -> Instant {
        var look = latest.nanoseconds
        while true {
            nextLook.store(look, ordering: .sequentiallyConsistent)
            let next = deadline.load(ordering: .sequentiallyConsistent)
            if next >= look { return Instant(nanoseconds: look) }
            look = next
        }
    }

    private func takeDeadline(_ now: Instant) {
        let next = deadline.load(ordering: .sequentiallyConsistent)
        guard next <= now.nanoseconds else { return }
        _ = deadline.compareExchange(
            expected: next, desired: LaneAlarm.never, ordering: .sequentiallyConsistent)
    }
}
