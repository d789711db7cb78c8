// Who attaches to the console, for the ledger. What a session orders is a record of its own in any case.
//
// Limit: one session of a user in ten minutes, so that a program that asks every second does not wear the flash out;
// the next record says how many were passed over.

import Domain
import Ledger

struct ConsoleLogins {
    static let pause = Interval.seconds(600)
    private static let usersKnown = 16

    private struct Seen {
        let from: String
        let at: Instant
        var passedOver = 0
    }

    private var seen: [Seen] = []
    /// The sessions whose beginning is on record.
    private var open: [Int] = []

    /// `put` takes the record; false: it has no room.
    mutating func opened(_ session: Int, from: String, now: Instant, put: (LedgerNote) -> Bool) {
        let index = seen.firstIndex { $0.from == from }
        if let index, now.since(seen[index].at) < ConsoleLogins.pause {
            seen[index].passedOver += 1
            return
        }
        let passedOver = index.map { seen[$0].passedOver } ?? 0
        let more = passedOver == 0 ? "" : ", \(passedOver) since the last record"
        let note = LedgerNote.login(
            person: "", isAdmitted: true, means: .console, origin: from, detail: "session \(session)\(more)")
        guard put(note) else { return }
        if let index { seen.remove(at: index) }
        if seen.count == ConsoleLogins.usersKnown { seen.removeFirst() }
        seen.append(Seen(from: from, at: now))
        open.append(session)
    }

    mutating func closed(_ session: Int, put: (LedgerNote) -> Bool) {
        guard let index = open.firstIndex(of: session) else { return }
        open.remove(at: index)
        _ = put(.act(person: "", act: "log out", subject: "console", detail: "session \(session)", means: .console))
    }
}
