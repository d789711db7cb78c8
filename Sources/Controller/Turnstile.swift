// Lets one of two threads in, and nobody wait: who finds the other inside leaves a note, and the other does what there is
// to do before it goes. No call to the kernel, and none of a lock's: the one with the higher priority never stands
// behind the one with the lower and its wake-up.
//
// Invariant: what was there to do when `enter` said no is done by whoever is inside.

import Synchronization

final class Turnstile: Sendable {
    private enum State {
        static let free: UInt8 = 0
        static let taken: UInt8 = 1
        /// Somebody came meanwhile.
        static let noted: UInt8 = 2
    }

    private let state = Atomic<UInt8>(State.taken)

    /// Taken: who makes it is the first inside.
    init() {}

    /// False: the other one is inside and has the note.
    func enter() -> Bool {
        while true {
            let (isIn, seen) = state.compareExchange(
                expected: State.free, desired: State.taken, ordering: .acquiringAndReleasing)
            if isIn { return true }
            if seen == State.noted { return false }
            let (isNoted, _) = state.compareExchange(
                expected: State.taken, desired: State.noted, ordering: .acquiringAndReleasing)
            if isNoted { return false }
        }
    }

    /// False: there is a note, and the caller is still inside.
    func leave() -> Bool {
        let (isOut, _) = state.compareExchange(
            expected: State.taken, desired: State.free, ordering: .acquiringAndReleasing)
        if !isOut { state.store(State.taken, ordering: .releasing) }
        return isOut
    }
}
