import Domain
import Foundation
import Testing

@Suite struct TimeTests {
    @Test func civilTimeAgreesWithTheCalendarOverFourCenturies() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 8 * 3_600) ?? .gmt
        var seconds: Int64 = -2_208_988_800  // 1900
        while seconds < 10_413_792_000 {  // 2300
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
            let time = WallTime(microseconds: seconds * 1_000_000)
            let civil = CivilTime(time)
            #expect(civil.year == parts.year && civil.month == parts.month && civil.day == parts.day)
            #expect(civil.hour == parts.hour && civil.minute == parts.minute && civil.second == parts.second)
            #expect(civil.wallTime() == time)
            seconds += 86_400 * 13 + 7_919
        }
    }

    @Test func civilTimeOfTheInstantBeforeTheEpochRoundsDown() {
        #expect(CivilTime(WallTime(microseconds: -1), offsetMinutes: 0).text == "1969-12-31 23:59:59")
        #expect(CivilTime(WallTime(microseconds: 0)).text == "1970-01-01 08:00:00")
    }

    @Test func timeSinceALaterInstantIsZero() {
        let earlier = Instant(nanoseconds: 5)
        let later = earlier + .seconds(1)
        #expect(later.since(earlier) == .seconds(1))
        #expect(earlier.since(later) == .zero)
    }
}
