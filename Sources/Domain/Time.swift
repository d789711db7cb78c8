// The two clocks of Gatewarden and the length of time between instants.
//
// Invariants: lane time never steps back (CLOCK_BOOTTIME); wall time is an annotation and may step at any moment.
// Limits: an `Interval` is at most some 292 years; arithmetic that overflows traps.

/// A point of lane time: nanoseconds of CLOCK_BOOTTIME since the kernel started.
public struct Instant: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public static func + (instant: Instant, interval: Interval) -> Instant {
        Instant(nanoseconds: instant.nanoseconds + interval.nanoseconds)
    }

    /// The interval since an earlier instant; zero when that instant is in fact later.
    public func since(_ earlier: Instant) -> Interval {
        Interval(nanoseconds: nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0)
    }
}

/// A length of time, never negative, in nanoseconds.
public struct Interval: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    public static let zero = Interval(nanoseconds: 0)

    public static func microseconds(_ count: UInt64) -> Interval {
        Interval(nanoseconds: count * 1_000)
    }

    public static func milliseconds(_ count: UInt64) -> Interval {
        Interval(nanoseconds: count * 1_000_000)
    }

    public static func seconds(_ count: UInt64) -> Interval {
        Interval(nanoseconds: count * 1_000_000_000)
    }

    public var milliseconds: UInt64 { nanoseconds / 1_000_000 }

    public static func < (left: Interval, right: Interval) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public static func + (left: Interval, right: Interval) -> Interval {
        Interval(nanoseconds: left.nanoseconds + right.nanoseconds)
    }
}

/// Wall time: microseconds since 1970-01-01T00:00:00Z. It annotates records and never drives a lane.
public struct WallTime: Comparable, Hashable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    public static func < (left: WallTime, right: WallTime) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// A calendar date and time of day at a fixed offset from UTC (China Standard Time has no daylight saving).
public struct CivilTime: Equatable, Sendable {
    public var year: Int
    public var month: Int
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int

    /// The site's offset where nothing else is configured: UTC+8.
    public static let chinaStandardOffsetMinutes = 480

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// The civil time of an instant. The day count follows the proleptic Gregorian calendar
    /// (days-from-civil with eras of 400 years).
    public init(_ time: WallTime, offsetMinutes: Int = CivilTime.chinaStandardOffsetMinutes) {
        let seconds = floorDivide(time.microseconds, 1_000_000) + Int64(offsetMinutes) * 60
        let days = floorDivide(seconds, 86_400)
        let secondOfDay = Int(seconds - days * 86_400)
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        hour = secondOfDay / 3_600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    /// The instant of this civil time. Fields out of their usual range carry over (month excepted: 1...12).
    public func wallTime(offsetMinutes: Int = CivilTime.chinaStandardOffsetMinutes) -> WallTime {
        precondition((1...12).contains(month), "DOM-1 a month is 1...12")
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        let secondOfDay = Int64(hour * 3_600 + minute * 60 + second)
        return WallTime(microseconds: (days * 86_400 + secondOfDay - Int64(offsetMinutes) * 60) * 1_000_000)
    }

    /// `yyyy-MM-dd HH:mm:ss`, the form of the ledger's exports and of most platforms.
    public var text: String {
        "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) "
            + "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
    }

    /// `yyyy-MM-dd`.
    public var dateText: String {
        "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

/// A decimal number, filled with zeros on the left up to `width` digits.
public func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
}

func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
