// A bounded queue from one thread to one other, and the bell that wakes the reader.
//
// Invariants: at any time one thread pushes and one pops, and who takes over either has seen all that the one before it
// did; neither ever blocks; a full ring refuses and counts.
// Limits: the capacity is a power of two, fixed at the start. Elements that hold no heap make push and pop free of heap
// work, which is what the lane thread's rings carry.

import CSystem
import Synchronization

/// A single-producer single-consumer ring.
public final class Ring<Element: Sendable>: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Element>
    private let mask: UInt
    private let pushed = Atomic<UInt>(0)
    private let popped = Atomic<UInt>(0)
    private let refusedCount = Atomic<UInt>(0)
    private let bell: Wakeup?

    /// - Parameters:
    ///   - capacity: a power of two from 2 to 65,536.
    ///   - bell: rung on each push; several rings of one reader may share it. Nil where the reader looks by itself.
    public init(capacity: Int, bell: Wakeup?) {
        precondition(
            (2...65_536).contains(capacity) && capacity & (capacity - 1) == 0,
            "RING-1 a capacity is a power of two from 2 to 65536")
        slots = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        mask = UInt(capacity - 1)
        self.bell = bell
    }

    deinit {
        while pop() != nil {}
        slots.deallocate()
    }

    /// How many pushes were refused because the ring was full.
    public var refused: UInt { refusedCount.load(ordering: .relaxed) }

    /// Producer only. False when the ring is full: counted, and the element is not taken.
    public func push(_ element: Element) -> Bool {
        let head = pushed.load(ordering: .relaxed)
        guard head &- popped.load(ordering: .acquiring) <= mask else {
            refusedCount.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        (slots + Int(head & mask)).initialize(to: element)
        pushed.store(head &+ 1, ordering: .releasing)
        bell?.ring()
        return true
    }

    /// Consumer only.
    public func pop() -> Element? {
        let tail = popped.load(ordering: .relaxed)
        guard tail != pushed.load(ordering: .acquiring) else { return nil }
        let element = (slots + Int(tail & mask)).move()
        popped.store(tail &+ 1, ordering: .releasing)
        return element
    }
}

/// An eventfd: any thread rings, one thread waits for it.
public final class Wakeup: @unchecked Sendable {
    public let fileDescriptor: Int32

    public init() throws(MachineError) {
        fileDescriptor = gw_eventfd_create()
        if fileDescriptor < 0 { throw .lastSystemError("eventfd", "a thread's bell") }
    }

    deinit {
        close(fileDescriptor)
    }

    public func ring() {
        _ = gw_eventfd_signal(fileDescriptor)
    }

    /// Takes all rings so far. Take first, look at the rings afterwards: what is pushed later rings again.
    public func take() {
        _ = gw_eventfd_take(fileDescriptor)
    }
}
