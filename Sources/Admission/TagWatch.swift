// Which tags a vehicle was seen with, for one lane.
//
// Invariants (TAG-1 to TAG-3; docs/PROMISES.md states them for the site):
// TAG-1 A tag alone names a vehicle only when that vehicle is the only one in the lane, when the tag was first seen
//       after the vehicle before had left, with a reader that worked all the time since that one came, and when no
//       other registered tag was seen since. So a tag that was seen with one vehicle never names the next. A tag that
//       was not seen for `forget` counts as new.
// TAG-2 A plate is contradicted by the tag of another registered vehicle, unless the vehicle's own tag is there too, or
//       that other vehicle was named before it and its tag has been in sight ever since.
// TAG-3 A tag counts only after `minimumReads` inventories that saw it within the vehicle's window: from `before` its
//       arrival, and not before the last vehicle left, to the decision.
// Not covered: a tag that no inventory found while its vehicle was there, and that is found first when the next one has
// come, who has none. The aim of the antenna and `minimum_dbm` are against it.
// Limits: tags of the register only; 32 of them in sight at once, beyond which no tag alone names anybody. No clock
// inside: every call says when it is.

import Domain

/// How one lane takes its tags.
public struct TagRules: Sendable {
    /// 1...10.
    public var minimumReads: Int
    public var before: Interval
    /// How long a plate that was read waits for the vehicle's own tag.
    public var wait: Interval
    public var forget: Interval
    /// A pause between two inventories from which on the reader was blind.
    public var blindAfter: Interval
    /// Whether a tag alone may name a vehicle, and how long a plate is waited for before; nil: it may not.
    public var aloneAfter: Interval?

    public init(
        minimumReads: Int, before: Interval, wait: Interval, forget: Interval, blindAfter: Interval,
        aloneAfter: Interval?
    ) {
        precondition((1...TagWatch.maximumReads).contains(minimumReads), "ADM-2 a tag is to be read 1 to 10 times")
        self.minimumReads = minimumReads
        self.before = before
        self.wait = wait
        self.forget = forget
        self.blindAfter = blindAfter
        self.aloneAfter = aloneAfter
    }
}

/// A registered tag that counts, with the vehicle that it belongs to.
public struct TagMark: Equatable, Sendable {
    public let tag: VehicleTag
    public let plate: Plate
    /// The reader that saw it last, and when.
    public let reader: String
    public let seenAt: Instant
}

/// What the tags say of a vehicle.
public enum TagEvidence: Equatable, Sendable {
    case none
    /// The tag of the vehicle whose plate was read.
    case agrees(TagMark)
    /// The tag of another vehicle than the one whose plate was read.
    case contradicts(TagMark)
    /// Exactly one vehicle's, and it may name it.
    case names(TagMark)
    /// Exactly one vehicle's, which may not name it.
    case beside(TagMark)
}

public struct TagWatch: Sendable {
    static let maximumTraces = 32
    public static let maximumReads = 10
    private static let maximumPresent = 2
    private static let maximumNamed = 4

    /// A tag in sight: seen again and again, without a gap as long as `forget`.
    private struct Trace: Sendable {
        let tag: VehicleTag
        let plate: Plate
        var reader: String
        var firstSeenAt: Instant
        /// The latest reads, oldest first.
        var times: [Instant]

        var lastSeenAt: Instant { times.last ?? firstSeenAt }
    }

    private struct Named: Sendable {
        let token: VehicleToken
        let plate: Plate
        /// Nil while it is present.
        var leftAt: Instant?
    }

    public let rules: TagRules
    private var traces: [Trace] = []
    private var present: [(token: VehicleToken, arrivedAt: Instant)] = []
    /// The latest that were named, oldest first.
    private var named: [Named] = []
    private var lastLeftAt: Instant?
    /// When the one that left last had come; nil when it never asked who it is.
    private var lastArrivedAt: Instant?
    private var lastInventoryAt: Instant?
    /// Since when the reader has been heard without a pause.
    private var lookingSince: Instant?
    /// When there was last no room for a tag.
    private var crowdedAt: Instant?

    public init(_ rules: TagRules) {
        self.rules = rules
    }

    /// The reader looked, whether it saw a tag or none.
    public mutating func looked(at time: Instant) {
        let isBlind = lastInventoryAt.map { time.since($0) > rules.blindAfter } ?? true
        if isBlind { lookingSince = time }
        lastInventoryAt = time
    }

    /// A reader saw a tag that the register gives to the vehicle with this plate.
    public mutating func saw(_ tag: VehicleTag, of plate: Plate, by reader: String, at time: Instant) {
        if let index = traces.firstIndex(where: { $0.tag == tag }) {
            if time.since(traces[index].lastSeenAt) >= rules.forget {
                traces[index].firstSeenAt = time
                traces[index].times = []
            }
            if traces[index].times.count == TagWatch.maximumReads { traces[index].times.removeFirst() }
            traces[index].times.append(time)
            traces[index].reader = reader
            return
        }
        if traces.count == TagWatch.maximumTraces {
            traces.removeAll { time.since($0.lastSeenAt) >= rules.forget }
        }
        guard traces.count < TagWatch.maximumTraces else {
            crowdedAt = time
            return
        }
        traces.append(Trace(tag: tag, plate: plate, reader: reader, firstSeenAt: time, times: [time]))
    }

    public mutating func arrived(_ token: VehicleToken, at time: Instant) {
        guard !present.contains(where: { $0.token == token }) else { return }
        if present.count == TagWatch.maximumPresent { left(present[0].token, at: time) }
        present.append((token, time))
    }

    /// The vehicle is gone, or its passage is over; also one that never asked who it is.
    public mutating func left(_ token: VehicleToken, at time: Instant) {
        lastArrivedAt = present.first { $0.token == token }?.arrivedAt
        present.removeAll { $0.token == token }
        if let index = named.firstIndex(where: { $0.token == token }) { named[index].leftAt = time }
        lastLeftAt = max(lastLeftAt ?? time, time)
    }

    /// The vehicle was decided upon as the one with this plate; `tag`: it alone named it.
    public mutating func named(_ token: VehicleToken, as plate: Plate, by tag: VehicleTag? = nil) {
        if let tag {
            let first = traces.first { $0.tag == tag }?.firstSeenAt
            precondition(
                first.flatMap { first in lastLeftAt.map { first > $0 } } == true,
                "ADM-3 a tag that alone names a vehicle was first seen after the one before had left")
        }
        if named.count == TagWatch.maximumNamed { named.removeFirst() }
        named.append(Named(token: token, plate: plate, leftAt: nil))
    }

    // MARK: what they say

    /// Beside a plate of the register or of a list.
    public func evidence(for token: VehicleToken, plate: Plate) -> TagEvidence {
        guard let start = windowStart(token) else { return .none }
        let seen = traces.filter { counts($0, from: clearStart(start)) }
        if let own = seen.first(where: { $0.plate == plate }) { return .agrees(mark(own)) }
        let other = seen.last { !isExplained($0) }
        return other.map { .contradicts(mark($0)) } ?? .none
    }

    /// Where no plate was read, or one of nobody.
    public func evidence(for token: VehicleToken) -> TagEvidence {
        guard let start = windowStart(token) else { return .none }
        let candidates = traces.filter { counts($0, from: clearStart(start)) }
        guard candidates.count == 1, let only = candidates.first else { return .none }
        return mayName(only, start) ? .names(mark(only)) : .beside(mark(only))
    }

    /// TAG-1.
    private func mayName(_ trace: Trace, _ start: Instant) -> Bool {
        guard rules.aloneAfter != nil, present.count == 1, trace.firstSeenAt >= start else { return false }
        guard let lastLeftAt, let lastArrivedAt, let lookingSince else { return false }
        guard trace.firstSeenAt > lastLeftAt, lookingSince <= lastArrivedAt else { return false }
        if let crowdedAt, crowdedAt >= start { return false }
        // Another one's, however seldom it was read.
        return !traces.contains { $0.tag != trace.tag && $0.lastSeenAt >= clearStart(start) }
    }

    private func windowStart(_ token: VehicleToken) -> Instant? {
        guard let arrivedAt = present.first(where: { $0.token == token })?.arrivedAt else { return nil }
        let before = min(rules.before.nanoseconds, arrivedAt.nanoseconds)
        return Instant(nanoseconds: arrivedAt.nanoseconds - before)
    }

    /// What was seen before the last one left may have been that one's.
    private func clearStart(_ start: Instant) -> Instant {
        max(start, lastLeftAt ?? start)
    }

    /// TAG-3.
    private func counts(_ trace: Trace, from start: Instant) -> Bool {
        trace.times.count { $0 >= start } >= rules.minimumReads
    }

    /// TAG-2: it belongs to one who was here before, and has been in sight ever since.
    private func isExplained(_ trace: Trace) -> Bool {
        named.contains { named in
            guard named.plate == trace.plate else { return false }
            guard let leftAt = named.leftAt else { return true }
            return trace.firstSeenAt <= leftAt
        }
    }

    private func mark(_ trace: Trace) -> TagMark {
        TagMark(tag: trace.tag, plate: trace.plate, reader: trace.reader, seenAt: trace.lastSeenAt)
    }
}
