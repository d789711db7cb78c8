import Foundation
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

    /// One brings a thing at a time and waits until it is taken, while the other comes and goes: a note that is missed
    /// leaves it lying.
    @Test func nothingIsLeftLyingWhileTheOtherComesAndGoes() throws {
        let shelf = Shelf()
        let isOver = Flag()
        #expect(shelf.turnstile.leave())
        let other = try Thread(ThreadSettings(name: "other"), shortfall: { _ in }) {
            while !isOver.isRaised { shelf.comeAndGo() }
        }
        var isLeft = false
        for thing in 1...300_000 where !isLeft { isLeft = !shelf.isTaken(thing) }
        isOver.raise()
        #expect(other.join(within: .seconds(10)))
        #expect(!isLeft)
    }
}

private final class Shelf: @unchecked Sendable {
    let turnstile = Turnstile()
    let ring = Ring<Int>(capacity: 2, bell: nil)
    let taken = Atomic<Int>(0)

    func isTaken(_ thing: Int) -> Bool {
        _ = ring.push(thing)
        if turnstile.enter() {
            repeat { turn() } while !turnstile.leave()
        }
        for _ in 0..<5_000_000 where taken.load(ordering: .acquiring) == thing { return true }
        return false
    }

    /// Nothing is taken in the first turn: it is there to be noted in.
    func comeAndGo() {
        guard turnstile.enter() else {
            // One that knocks without a pause never lets the other leave.
            usleep(1)
            return
        }
        while !turnstile.leave() { turn() }
    }

    private func turn() {
        while let thing = ring.pop() { taken.store(thing, ordering: .releasing) }
    }
}
