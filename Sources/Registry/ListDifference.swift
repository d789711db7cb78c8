// What an import of the lists changes: each entry that it adds, replaces or takes away.
//
// Limits: the first `limit` changes are named; all are counted.

import Domain

/// One entry of a list that is there anew, is another than before, or is gone.
public struct ListChange: Equatable, Sendable {
    public let entry: ListEntry
    public let isRemoved: Bool
}

public struct ListDifference: Sendable {
    /// How many changes are named.
    public static let limit = 200

    private struct Key: Hashable {
        let plate: Plate
        let kind: UInt8

        init(_ entry: ListEntry) {
            plate = entry.plate
            kind = entry.kind.rawValue
        }
    }

    /// What the import has not met yet.
    private var old: [Key: ListEntry] = [:]
    public private(set) var changes: [ListChange] = []
    public private(set) var added = 0
    public private(set) var changed = 0
    public private(set) var removed = 0

    /// Whether `changes` holds them all.
    public var isWhole: Bool { added + changed + removed == changes.count }

    mutating func had(_ entry: ListEntry) { old[Key(entry)] = entry }

    mutating func has(_ entry: ListEntry) {
        let before = old.removeValue(forKey: Key(entry))
        if before == entry { return }
        if before == nil { added += 1 } else { changed += 1 }
        note(ListChange(entry: entry, isRemoved: false))
    }

    /// After the last entry of the file: what it has not is gone.
    mutating func finish() {
        removed = old.count
        let gone = old.values.sorted {
            ($0.plate.text, $0.plate.colour.rawValue, $0.kind.rawValue)
                < ($1.plate.text, $1.plate.colour.rawValue, $1.kind.rawValue)
        }
        for entry in gone { note(ListChange(entry: entry, isRemoved: true)) }
        old = [:]
    }

    private mutating func note(_ change: ListChange) {
        if changes.count < ListDifference.limit { changes.append(change) }
    }
}
