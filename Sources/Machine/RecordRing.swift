// The newest records of one thread, in memory: for whoever asks, and for the crash record.
//
// Invariants: one thread at a time pushes, without heap, lock or wait; any thread reads without stopping it, and gets
// whole records or none (a sequence lock of atomic words). 16 words a record.
// Limits: the capacity is a power of two, fixed at the start; what is older is overwritten.

import Synchronization

public final class RecordRing: @unchecked Sendable {
    public static let wordCount = 16

    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let capacity: UInt64
    /// How many records were begun, and how many of them are whole.
    private let begun = Atomic<UInt64>(0)
    private let written = Atomic<UInt64>(0)

    /// - Parameter capacity: a power of two from 2 to 65,536.
    public init(capacity: Int) {
        precondition(
            (2...65_536).contains(capacity) && capacity & (capacity - 1) == 0,
            "RECORD-1 a capacity is a power of two from 2 to 65536")
        self.capacity = UInt64(capacity)
        let count = capacity * RecordRing.wordCount
        words = .allocate(capacity: count)
        for index in 0..<count { (words + index).initialize(to: Atomic(0)) }
    }

    deinit {
        words.deallocate()
    }

    /// The writing thread only.
    public func push(_ record: borrowing InlineArray<16, UInt64>) {
        let number = written.load(ordering: .relaxed)
        begun.store(number + 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        let slot = slot(number)
        for index in 0..<RecordRing.wordCount { slot[index].store(record[index], ordering: .relaxed) }
        written.store(number + 1, ordering: .releasing)
    }

    private func slot(_ number: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
        words + Int(number & (capacity - 1)) * RecordRing.wordCount
    }

    /// How many records there were so far.
    public var count: UInt64 { written.load(ordering: .acquiring) }

    /// The numbers of the newest records, at most so many.
    public func newest(_ limit: Int) -> Range<UInt64> {
        let end = count
        return end - min(end, capacity, UInt64(limit))..<end
    }

    /// A record by its number, from 0; false where it has been overwritten. No heap: a crash handler may call it.
    public func read(_ number: UInt64, into record: inout InlineArray<16, UInt64>) -> Bool {
        let slot = slot(number)
        for index in 0..<RecordRing.wordCount { record[index] = slot[index].load(ordering: .relaxed) }
        atomicMemoryFence(ordering: .acquiring)
        return begun.load(ordering: .relaxed) <= number + capacity
    }
}
