import Domain
import Ledger
import Testing

@testable import Controller

@Suite struct ConsoleLoginsTests {
    private var logins = ConsoleLogins()
    private var notes: [LedgerNote] = []

    private mutating func open(_ session: Int, _ from: String, at second: UInt64, hasRoom: Bool = true) {
        logins.opened(session, from: from, now: Instant(nanoseconds: second * 1_000_000_000)) {
            if hasRoom { notes.append($0) }
            return hasRoom
        }
    }

    private mutating func close(_ session: Int) {
        logins.closed(session) {
            notes.append($0)
            return true
        }
    }

    private func login(_ from: String, _ detail: String) -> LedgerNote {
        .login(person: "", isAdmitted: true, means: .console, origin: from, detail: detail)
    }

    private func logout(_ session: Int) -> LedgerNote {
        .act(person: "", act: "log out", subject: "console", detail: "session \(session)", means: .console)
    }

    @Test mutating func aSessionIsRecordedFromItsBeginningToItsEnd() {
        open(1, "a, user 0", at: 10)
        open(2, "a, user 7", at: 11)
        close(1)
        close(2)
        #expect(
            notes == [login("a, user 0", "session 1"), login("a, user 7", "session 2"), logout(1), logout(2)])
    }

    @Test mutating func whoAsksAgainAndAgainIsCountedAndRecordedOnceInTenMinutes() {
        open(1, "a", at: 0)
        close(1)
        for session in 2...60 {
            open(session, "a", at: UInt64(session * 10) - 11)
            close(session)
        }
        #expect(notes == [login("a", "session 1"), logout(1)])
        open(61, "a", at: 600)
        #expect(notes.last == login("a", "session 61, 59 since the last record"))
    }

    @Test mutating func whatFindsNoRoomIsRecordedTheNextTime() {
        open(1, "a", at: 0, hasRoom: false)
        close(1)
        #expect(notes.isEmpty)
        open(2, "a", at: 1)
        #expect(notes == [login("a", "session 2, 1 before without a record")])
        open(3, "a", at: 2)
        open(4, "a", at: 700, hasRoom: false)
        open(5, "a", at: 701)
        #expect(notes.last == login("a", "session 5, 2 since the last record"))
    }
}
