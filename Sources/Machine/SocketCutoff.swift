// Lets the supervisor shut the socket of a stalled thread down without a race for its descriptor's number.
//
// Invariants: a descriptor is shut down only while its owner still holds it open; the owner withdraws it before it
// closes it. Neither side ever waits longer than one shutdown(2).

import CSystem
import Synchronization

/// The one socket that a thread has open, as another thread may see it.
public final class SocketCutoff: Sendable {
    private static let none: Int32 = -1
    private let descriptor = Atomic<Int32>(SocketCutoff.none)
    private let isBusy = Atomic<Bool>(false)

    public init() {}

    /// Shuts the socket down in both directions, so that its owner's event loop sees it end. Any thread may call it.
    /// False when there is none.
    @discardableResult
    public func cut() -> Bool {
        enter()
        defer { leave() }
        let open = descriptor.load(ordering: .relaxed)
        guard open != SocketCutoff.none else { return false }
        return gw_shutdown(open) == 0
    }

    func publish(_ open: Int32) {
        enter()
        descriptor.store(open, ordering: .relaxed)
        leave()
    }

    func withdraw() {
        publish(SocketCutoff.none)
    }

    private func enter() {
        while isBusy.exchange(true, ordering: .acquiring) { _ = sched_yield() }
    }

    private func leave() {
        isBusy.store(false, ordering: .releasing)
    }
}
