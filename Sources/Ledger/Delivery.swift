// What is due to a destination, and how far it has come.
//
// Invariants: due are the pass records of vehicles that crossed, in the order of their sequence numbers, each as step 0
// (the row) and then step k (its k-th photo). A destination's cursor is the last item confirmed or quarantined; it
// moves to the next due item only, so nothing is left out and nothing goes twice.

import Domain
import Store

/// An item by its place in the queue.
struct DuePosition: Equatable {
    var sequence: UInt64
    var step: UInt32
}

/// The questions about the queue, for the writer and for readers.
final class DeliveryQueries {
    private let cursorQuery: Statement
    private let rowQuery: Statement
    private let nextQuery: Statement
    private let lastQuery: Statement

    init(_ database: Database) throws(StoreError) {
        cursorQuery = try database.prepare("SELECT seq, step FROM delivery WHERE destination = ?1")
        rowQuery = try database.prepare("SELECT ordinal, steps FROM due WHERE seq = ?1")
        nextQuery = try database.prepare(
            """
            SELECT seq FROM due WHERE seq > ?1 AND EXISTS (SELECT 1 FROM record WHERE record.seq = due.seq)
            ORDER BY seq LIMIT 1
            """)
        lastQuery = try database.prepare("SELECT ordinal FROM due ORDER BY seq DESC LIMIT 1")
    }

    func cursor(_ destination: String) throws(StoreError) -> DuePosition? {
        defer { cursorQuery.reset() }
        cursorQuery.bind(1, text: destination)
        guard try cursorQuery.step() else { return nil }
        return DuePosition(
            sequence: cursorQuery.unsigned(0), step: UInt32(truncatingIfNeeded: cursorQuery.integer(1)))
    }

    func next(_ destination: String) throws(StoreError) -> DuePosition? {
        let cursor = try cursor(destination)
        if let cursor, let row = try row(cursor.sequence), Int64(cursor.step) + 1 < row.steps {
            return DuePosition(sequence: cursor.sequence, step: cursor.step + 1)
        }
        defer { nextQuery.reset() }
        nextQuery.bind(1, cursor?.sequence ?? 0)
        guard try nextQuery.step() else { return nil }
        return DuePosition(sequence: nextQuery.unsigned(0), step: 0)
    }

    /// How many rows (not photos) are not wholly delivered. Costs the same at any length of the queue.
    func backlog(_ destination: String) throws(StoreError) -> Int {
        guard let cursor = try cursor(destination), let row = try row(cursor.sequence) else {
            return try Int(lastOrdinal())
        }
        let isWhole = Int64(cursor.step) + 1 >= row.steps
        return try Int(lastOrdinal() - row.ordinal) + (isWhole ? 0 : 1)
    }

    /// The number of rows ever due.
    func lastOrdinal() throws(StoreError) -> Int64 {
        defer { lastQuery.reset() }
        return try lastQuery.step() ? lastQuery.integer(0) : 0
    }

    private func row(_ sequence: UInt64) throws(StoreError) -> (ordinal: Int64, steps: Int64)? {
        defer { rowQuery.reset() }
        rowQuery.bind(1, sequence)
        guard try rowQuery.step() else { return nil }
        return (rowQuery.integer(0), rowQuery.integer(1))
    }
}
