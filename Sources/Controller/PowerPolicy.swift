// What a UPS' word means for the gate: when the mains counts as lost and back, what is shed, and when it is time to end
// before the battery does. Pure.
//
// Invariants: nothing here closes or opens a lane; it says when. A single look never changes anything: two in a row
// must agree. A UPS that is not heard changes nothing, and what is counted from the loss of the mains goes on counting.

import Configuration
import Domain

/// One look at the power.
enum PowerSight: Equatable {
    /// Nobody can tell.
    case unknown
    case mains
    case battery(isLow: Bool, percent: UInt8?, runtime: Interval?)
}

enum PowerAct: Equatable {
    case mainsLost
    /// After so long on battery.
    case mainsBack(after: Interval)
    /// Do without what is not needed, or no longer.
    case shed(Bool)
    /// The battery is nearly empty, for this reason.
    case batteryLow(after: Interval, why: String)
    /// No more vehicles, because the end is near; or go on, because the mains is back.
    case closeLanes(Bool)
    case switchOff(after: Interval)
}

struct PowerPolicy {
    private enum Phase {
        case mains
        case battery(since: Instant, isShedding: Bool)
        /// The lanes are closing.
        case ending(since: Instant, closingSince: Instant)
        case over
    }

    private let settings: UPSSettings
    private var phase = Phase.mains
    /// When the looks began to contradict the phase; nil while they do not.
    private var doubtedAt: Instant?
    private var lowLooks = 0

    private static let lowLooksToEnd = 2

    init(_ settings: UPSSettings) {
        self.settings = settings
    }

    /// Since when the load is on the battery; nil while it is not.
    var onBatterySince: Instant? {
        switch phase {
        case .mains, .over: nil
        case .battery(let since, _), .ending(let since, _): since
        }
    }

    /// - Parameter isQuiet: no vehicle is in a lane, and the arms are down.
    mutating func look(_ sight: PowerSight, isQuiet: Bool, now: Instant) -> [PowerAct] {
        switch phase {
        case .mains: lookOnMains(sight, now)
        case .battery(let since, let isShedding): lookOnBattery(sight, since, isShedding, now)
        case .ending(let since, let closingSince): lookWhileEnding(sight, since, closingSince, isQuiet, now)
        case .over: []
        }
    }

    private mutating func lookOnMains(_ sight: PowerSight, _ now: Instant) -> [PowerAct] {
        guard case .battery = sight else {
            if sight == .mains { doubtedAt = nil }
            return []
        }
        guard let since = doubtedAt else {
            doubtedAt = now
            return []
        }
        doubtedAt = nil
        lowLooks = 0
        phase = .battery(since: since, isShedding: false)
        return [.mainsLost]
    }

    private mutating func lookOnBattery(
        _ sight: PowerSight, _ since: Instant, _ isShedding: Bool, _ now: Instant
    ) -> [PowerAct] {
        if let acts = mainsBack(sight, since, now) { return isShedding ? acts + [.shed(false)] : acts }
        let time = now.since(since)
        if let why = reasonToEnd(sight, time) {
            phase = .ending(since: since, closingSince: now)
            let shed: [PowerAct] = isShedding ? [] : [.shed(true)]
            return shed + [.batteryLow(after: time, why: why), .closeLanes(true)]
        }
        guard !isShedding, time >= settings.shedAfter else { return [] }
        phase = .battery(since: since, isShedding: true)
        return [.shed(true)]
    }

    private mutating func lookWhileEnding(
        _ sight: PowerSight, _ since: Instant, _ closingSince: Instant, _ isQuiet: Bool, _ now: Instant
    ) -> [PowerAct] {
        if let acts = mainsBack(sight, since, now) { return acts + [.shed(false), .closeLanes(false)] }
        // Not in the same look as the order to close, which must reach the lanes first.
        let waited = now.since(closingSince)
        guard waited >= settings.quietWithin || isQuiet && waited >= PowerPolicy.closing else { return [] }
        phase = .over
        return [.switchOff(after: now.since(since))]
    }

    private static let closing = Interval.seconds(3)

    private mutating func mainsBack(_ sight: PowerSight, _ since: Instant, _ now: Instant) -> [PowerAct]? {
        guard sight == .mains else {
            if sight != .unknown { doubtedAt = nil }
            return nil
        }
        guard let back = doubtedAt else {
            doubtedAt = now
            return nil
        }
        doubtedAt = nil
        phase = .mains
        return [.mainsBack(after: back.since(since))]
    }

    private mutating func reasonToEnd(_ sight: PowerSight, _ time: Interval) -> String? {
        if let limit = settings.endAfter, time >= limit {
            return "on battery for \(limit.milliseconds / 60_000) min (ups.end_after_minutes)"
        }
        guard case .battery(let isLow, let percent, let runtime) = sight else { return nil }
        var why: String?
        if isLow { why = "the UPS says so" }
        if let percent, percent <= settings.endBelowPercent, settings.endBelowPercent > 0 {
            why = "\(percent) % left (ups.end_below_percent)"
        }
        if let runtime, runtime <= settings.endBelowRuntime, settings.endBelowRuntime > .zero {
            why = "\(runtime.milliseconds / 60_000) min left (ups.end_below_minutes)"
        }
        lowLooks = why == nil ? 0 : lowLooks + 1
        return lowLooks >= PowerPolicy.lowLooksToEnd ? why : nil
    }
}
