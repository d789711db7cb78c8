import Machine
import Synchronization
import Testing

@testable import Controller

/// Work that two threads bring, and that one of them at a time does.
private final class Work: @unchecked Sendable {
    let turnstile = Turnstile()
    let brought = Atomic<Int>(0)
    let inside = Atomic<Int>(0)
    let collisions = Atomic<Int>(0)
    /// Not atomic: only who is inside adds to it.
    var done = 0

    func bring(_ times: Int) {
        for _ in 0..<times {
            brought.wrappingAdd(1, ordering: .sequentiallyConsistent)
            guard turnstile.enter() else { continue }
            repeat { turn() } while !turnstile.leave()
        }
    }

    private func turn() {
        if inside.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue != 1 {
            collisions.wrappingAdd(1, ordering: .relaxed)
        }
        done += brought.exchange(0, ordering: .sequentiallyConsistent)
        inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
}

@Suite struct TurnstileTests {
    @Test func whoComesMeanwhileLeavesANoteToWhoIsInside() {
        let turnstile = Turnstile()
        #expect(!turnstile.enter(), "its maker is inside")
        #expect(!turnstile.leave(), "there is a note")
        #expect(turnstile.leave())
        #expect(turnstile.enter() && turnstile.leave())
    }

    @Test func twoThreadsAreNeverInsideTogetherAndLeaveNoWorkUndone() throws {
        let work = Work()
        #expect(work.turnstile.leave())
        let other = try Thread(ThreadSettings(name: "other"), shortfall: { _ in }) { work.bring(200_000) }
        work.bring(200_000)
        #expect(other.join(within: .seconds(60)))
        #expect(work.done == 400_000 && work.collisions.load(ordering: .relaxed) == 0)
        #expect(work.turnstile.enter(), "nobody is left inside")
    }
}
