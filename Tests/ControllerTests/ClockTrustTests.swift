import Domain
import Ledger
import Testing

@testable import Controller

@Suite struct ClockTrustTests {
    private let newest = CivilTime(year: 2026, month: 8, day: 1).wallTime()
    private let epoch = WallTime(microseconds: 0)

    @Test func aClockBeforeTheNewestRecordIsNotBelievedUntilItIsSet() {
        let trust = ClockTrust(newest: newest, now: epoch)
        guard case .faultRaised("clock", let detail)? = trust.noteAtStart(epoch) else {
            Issue.record("no fault")
            return
        }
        #expect(detail.contains("1970-01-01") && detail.contains("2026-08-01"))
        #expect(trust.look(epoch) == nil, "it is told once")
        #expect(trust.line(epoch)?.hasPrefix("clock: NOT SET") == true)
        let set = CivilTime(year: 2026, month: 8, day: 2).wallTime()
        guard case .faultHealed("clock", _)? = trust.look(set) else {
            Issue.record("not healed")
            return
        }
        #expect(trust.line(set) == nil && trust.look(set) == nil)
    }

    @Test func aClockThatIsRightIsNoFault() {
        let trust = ClockTrust(newest: newest, now: newest)
        #expect(trust.noteAtStart(newest) == nil && trust.look(newest) == nil && trust.line(newest) == nil)
    }

    @Test func withoutARecordTheSoftwareItselfIsTheMeasure() {
        #expect(ClockTrust(newest: nil, now: epoch).isUntrusted)
        #expect(!ClockTrust(newest: nil, now: newest).isUntrusted)
    }

    @Test func datesAreHeldAgainstTheNewestTimeThatIsKnown() {
        let trust = ClockTrust(newest: newest, now: epoch)
        #expect(trust.forDates(epoch) == newest)
        let later = CivilTime(year: 2027, month: 1, day: 1).wallTime()
        #expect(trust.forDates(later) == later)
    }
}
