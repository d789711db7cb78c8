// Dates as people and spreadsheets write them: 2021-07-01, 2021/7/1; a list entry's may have a time of day.

import Domain

extension CivilTime {
    private static let years = 1_950...2_199

    /// Nil unless `text` is a date that exists: year, month and day between dashes or slashes.
    init?(date text: String) {
        let separator: UInt8 = text.utf8.contains(0x2F) ? 0x2F : 0x2D
        guard let parts = CivilTime.numbers(text, separator), parts.count == 3, CivilTime.years.contains(parts[0]),
            (1...12).contains(parts[1]), parts[2] >= 1
        else { return nil }
        self.init(year: parts[0], month: parts[1], day: parts[2])
        // 30 February carries over into March, and so does not come back as itself.
        guard CivilTime(wallTime()) == self else { return nil }
    }

    /// The last second that `text` names: the day's for a date without a time of day, the minute's first for 18:00.
    fileprivate init?(until text: String) {
        let halves = text.utf8.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        guard let date = halves.first, halves.count <= 2 else { return nil }
        self.init(date: date)
        (hour, minute, second) = (23, 59, 59)
        guard halves.count == 2 else { return }
        guard let time = CivilTime.numbers(halves[1], 0x3A), (2...3).contains(time.count), time[0] < 24, time[1] < 60,
            time.count == 2 || time[2] < 60
        else { return nil }
        (hour, minute, second) = (time[0], time[1], time.count == 3 ? time[2] : 0)
    }

    /// Numbers of at most four digits between separators.
    private static func numbers(_ text: String, _ separator: UInt8) -> [Int]? {
        var numbers: [Int] = []
        for part in text.utf8.split(separator: separator, omittingEmptySubsequences: false) {
            guard (1...4).contains(part.count), part.allSatisfy(Cell.isDigit) else { return nil }
            numbers.append(part.reduce(0) { $0 * 10 + Int($1 - 0x30) })
        }
        return numbers
    }
}

extension WallTime {
    /// The last moment that `text` names, at the site's offset from UTC: a whole second is within it.
    init?(until text: String, offsetMinutes: Int) {
        guard let second = CivilTime(until: text) else { return nil }
        self.init(microseconds: second.wallTime(offsetMinutes: offsetMinutes).microseconds + 999_999)
    }
}
