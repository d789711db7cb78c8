// Reads that wait, and that another thread ends: the shortest way from an event to the thread that it is for. A wait in
// poll(2) can be ended by other means too, and costs as much as the read again.
//
// Invariant: an interruption is never lost. It first takes the descriptor's leave to wait, then sends a signal that
// does nothing: a read that waits is begun anew without that leave, and one that comes later has none.
// Limits: one thread reads; nobody else changes the descriptor's flags.

import CSystem
import Synchronization

final class InterruptibleReads: Sendable {
    private let fileDescriptor: Int32
    /// The reading thread; 0 before it is known.
    private let reader = Atomic<Int32>(0)

    init(_ fileDescriptor: Int32) {
        self.fileDescriptor = fileDescriptor
    }

    /// The reading thread: from now on its reads wait, until the next interruption.
    func wait(_ subject: String) throws(MachineError) {
        let thread = gw_read_waits(fileDescriptor)
        if thread < 0 { throw .lastSystemError("fcntl", subject) }
        reader.store(thread, ordering: .sequentiallyConsistent)
    }

    /// Any thread.
    func interrupt() {
        _ = gw_read_interrupt(fileDescriptor, reader.load(ordering: .sequentiallyConsistent))
    }
}
