// Waiting for several descriptors at once, for the threads that have no libevent loop. No heap.

import CSystem
import Domain

/// Up to eight descriptors to wait for. Made once; `wait` allocates nothing.
public struct WaitSet: ~Copyable {
    public static let capacity = 8
    private let descriptors: UnsafeMutablePointer<pollfd>
    private var count = 0

    public init() {
        descriptors = .allocate(capacity: WaitSet.capacity)
    }

    deinit {
        descriptors.deallocate()
    }

    /// Adds a descriptor and returns its index.
    @discardableResult
    public mutating func add(_ fileDescriptor: Int32) -> Int {
        precondition(count < WaitSet.capacity, "WAIT-1 at most 8 descriptors are waited for")
        (descriptors + count).initialize(to: pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0))
        count += 1
        return count - 1
    }

    /// Waits until a descriptor is readable (or has failed), or the time is over. A signal ends the wait early.
    public mutating func wait(atMost limit: Interval?) {
        let nanoseconds = limit.map { Int64(clamping: $0.nanoseconds) } ?? -1
        if gw_poll_ns(descriptors, count, nanoseconds) <= 0 {
            for index in 0..<count { descriptors[index].revents = 0 }
        }
    }

    /// Whether the last wait found something to read at this index, or its failure.
    public func isReady(_ index: Int) -> Bool {
        descriptors[index].revents != 0
    }
}
