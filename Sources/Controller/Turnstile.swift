// Lets one of two threads in, and nobody wait: who finds the other inside leaves a note, and the other does what there
// is to do before it goes. No call to the kernel, and none of a lock's: the one with the higher priority never stands
// behind the one with the lower and its wake-up.
//
// Invariant: what was there to do when `enter` said no is done by whoever is inside.

import Synchronization

final class Turnstile: Sendable {
    /// 0: nobody is inside. 1: somebody is. More: others came meanwhile.
    private let count = Atomic<UInt32>(1)

    /// Taken: who makes it is the first inside.
    init() {}

    // Each of these writes, also where a read would tell as much: what came before the one that wrote first is then
    // seen by the one that wrote after it. With a mere read here, or a mere store below, both may miss the other's.

    /// False: the other one is inside and has the note.
    func enter() -> Bool {
        count.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue == 0
    }

    /// False: there is a note, and the caller is still inside.
    func leave() -> Bool {
        let (isOut, _) = count.compareExchange(expected: 1, desired: 0, ordering: .acquiringAndReleasing)
        if !isOut { _ = count.exchange(1, ordering: .acquiringAndReleasing) }
        return isOut
    }
}
