// Keeps a fluttering contact from filling the ledger: it counts what is left out, and says so.
//
// Invariant: the end of a passage is never left out.
// Limits: 120 reports of faults and contacts a minute, all lanes together; one press of a button a second and lane.

import Domain
import LaneCore
import Ledger

struct ReportLimit {
    private static let perMinute = 120
    private static let minute = Interval.seconds(60)
    private static let buttonPause = Interval.seconds(1)

    private var began = Instant(nanoseconds: 0)
    private var count = 0
    private var leftOut = 0
    private var pressed = [Instant?](repeating: nil, count: LaneID.maximumCount)

    mutating func takes(_ report: LaneReport, now: Instant) -> Bool {
        switch report {
        case .ended:
            return true
        case .releaseAsked(let lane, _, _, let at):
            if let last = pressed[Int(lane.index)], at.since(last) < ReportLimit.buttonPause { return false }
            pressed[Int(lane.index)] = at
            return true
        case .fault, .noted, .raised:
            if now.since(began) >= ReportLimit.minute && leftOut == 0 {
                began = now
                count = 0
            }
            count += 1
            guard count > ReportLimit.perMinute else { return true }
            leftOut += 1
            return false
        }
    }

    /// What was left out in a minute that is over.
    mutating func summary(now: Instant) -> LedgerNote? {
        guard leftOut > 0, now.since(began) >= ReportLimit.minute else { return nil }
        let note = LedgerNote.faultRaised(
            subject: "lane reports",
            detail:
                "\(leftOut) reports of faults and contacts were left out: look for a contact that flutters"
        )
        began = now
        count = 0
        leftOut = 0
        return note
    }
}
