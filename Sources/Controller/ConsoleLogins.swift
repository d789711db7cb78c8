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
        /// When the last record was taken; nil before the first.
        var at: Instant?
        var passedOver = 0
    }

    private var seen: [Seen] = []
    /// The sessions whose beginning is on record.
    private var open: [Int] = []

    /// `put` takes the record; false: it has no room.
    mutating func opened(_ session: Int, from: String, now: Instant, put: (LedgerNote) -> Bool) {
        let index = known(from)
        if let at = seen[index].at, now.since(at) < ConsoleLogins.pause {
            seen[index].passedOver += 1
            return
        }
        let since = seen[index].at == nil ? "before without a record" : "since the last record"
        let passedOver = seen[index].passedOver
        let more = passedOver == 0 ? "" : ", \(passedOver) \(since)"
        let note = LedgerNote.login(
            person: "", isAdmitted: true, means: .console, origin: from, detail: "session \(session)\(more)")
        guard put(note) else {
            seen[index].passedOver += 1
            return
        }
        seen.remove(at: index)
        seen.append(Seen(from: from, at: now))
        open.append(session)
    }

    /// Where that user stands; the one whose record is oldest makes room.
    private mutating func known(_ from: String) -> Int {
        if let index = seen.firstIndex(where: { $0.from == from }) { return index }
        if seen.count == ConsoleLogins.usersKnown { seen.removeFirst() }
        seen.append(Seen(from: from, at: nil))
        return seen.count - 1
    }

    mutating func closed(_ session: Int, put: (LedgerNote) -> Bool) {
        guard let index = open.firstIndex(of: session) else { return }
        open.remove(at: index)
        _ = put(.act(person: "", act: "log out", subject: "console", detail: "session \(session)", means: .console))
    }
}
