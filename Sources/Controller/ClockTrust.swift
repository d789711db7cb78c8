// Whether the wall clock can be believed: it is not before the ledger's newest record, nor before this software was.
// A board without a battery begins in 1970 until a server tells the time.
//
// Invariants: lane time does not depend on it (promise 8). While it is not set, a fault `clock` stands on record, so
// that the records between its two ends are marked; the lists' dates are held against the newest time that is known.

import Domain
import Ledger
import Synchronization

final class ClockTrust: Sendable {
    /// 2026-01-01, before the first release.
    private static let first: Int64 = 1_767_225_600_000_000

    /// No instant from now on is before this one.
    let earliest: WallTime
    private let untrusted: Atomic<Bool>

    /// - Parameter newest: the wall time of the ledger's newest record.
    init(newest: WallTime?, now: WallTime) {
        earliest = WallTime(microseconds: max(newest?.microseconds ?? 0, ClockTrust.first))
        untrusted = Atomic(now.microseconds < earliest.microseconds)
    }

    var isUntrusted: Bool { untrusted.load(ordering: .relaxed) }

    /// What the boot's records say of it.
    func noteAtStart(_ now: WallTime) -> LedgerNote? {
        isUntrusted ? raised(now) : nil
    }

    /// What has changed since the last look. From one thread.
    func look(_ now: WallTime) -> LedgerNote? {
        let isEarly = now.microseconds < earliest.microseconds
        guard isEarly != isUntrusted else { return nil }
        untrusted.store(isEarly, ordering: .relaxed)
        return isEarly ? raised(now) : .faultHealed(subject: "clock", detail: "is set: \(CivilTime(now).text) UTC")
    }

    /// The time that dates of validity are held against.
    func forDates(_ now: WallTime) -> WallTime {
        WallTime(microseconds: max(now.microseconds, earliest.microseconds))
    }

    func line(_ now: WallTime) -> String? {
        isUntrusted
            ? "clock: NOT SET, it says \(CivilTime(now).text) UTC: no platform can be trusted until it is set" : nil
    }

    private func raised(_ now: WallTime) -> LedgerNote {
        .faultRaised(
            subject: "clock",
            detail: "not set: \(CivilTime(now).text) UTC is before \(CivilTime(earliest).text), which has been")
    }
}
