// Which camera read belongs to which vehicle, for one lane.
//
// Invariants: a vehicle is named at most once, and a read names at most one vehicle. Reads name vehicles in their
// order: no read that came before one already used, or before the end of a vehicle that stood there unnamed, is used
// again, so that a late read of one truck never releases the next. A replayed read names nobody. A read from before
// the vehicle's arrival counts only within its camera's lead, and never with the plate of the vehicle that the lane
// named last. Two vehicles may be present: one that is passing and the one behind it; a read serves the one in front
// while that has no name, and a read of the plate in front never names the one behind.
// Limits: 2 vehicles, 8 early reads, 64 remembered keys; photos are not kept. No clock inside: every call says when
// it is.

import Domain

/// A vehicle and the read that names it.
public struct Identification: Sendable {
    public let token: VehicleToken
    /// Without its photos.
    public let capture: Capture
    public let receivedAt: Instant
}

/// Binds the reads of one lane's cameras to its vehicles.
public struct IdentityMatcher: Sendable {
    public static let defaultLead = Interval.seconds(3)
    public static let defaultGrace = Interval.milliseconds(800)
    static let maximumPresent = 2
    static let maximumEarlyReads = 8
    public static let maximumKeys = 64

    private struct Read: Sendable {
        let capture: Capture
        let receivedAt: Instant
        let lead: Interval
    }

    private struct Present: Sendable {
        let token: VehicleToken
        let arrivedAt: Instant
        var isNamed = false
    }

    private let grace: Interval
    /// The one in front first.
    private var present: [Present] = []
    /// Reads that may name the present vehicle later or the next one, in the order in which they came.
    private var early: [Read] = []
    /// A read without a plate, kept back until its deadline in case a better one comes.
    private var unread: (read: Read, token: VehicleToken, deadline: Instant)?
    /// Reads received at or before this instant name nobody any more.
    private var closedUntil: Instant?
    /// When the last vehicle left: a plateless read from before it may be that vehicle's.
    private var lastLeftAt: Instant?
    /// The plate of the vehicle named last.
    private var lastPlate: Plate?
    private var keys: [String] = []

    /// `grace`: how long a read without a plate is held back. `knownKeys`: reads of an earlier run, newest first, which
    /// a camera may send again because their answer was lost; they name nobody.
    public init(grace: Interval = IdentityMatcher.defaultGrace, knownKeys: [String] = []) {
        self.grace = grace
        keys = knownKeys.prefix(IdentityMatcher.maximumKeys).reversed()
    }

    /// When `tick` is to be called; nil when nothing waits.
    public var nextDeadline: Instant? { unread?.deadline }

    /// The lane asks who `token` is. The one that is still present is in front of it; a third has left by this.
    public mutating func request(_ token: VehicleToken, arrivedAt: Instant, now: Instant) -> Identification? {
        guard !present.contains(where: { $0.token == token }) else { return nil }
        if present.count == IdentityMatcher.maximumPresent { left(present[0].token, at: arrivedAt) }
        present.append(Present(token: token, arrivedAt: arrivedAt))
        guard waiting == present.count - 1 else { return nil }
        let isBehind = present.count > 1
        let candidates = early.filter { mayName($0, arrivedAt: arrivedAt, isBehind: isBehind) }
        early = []
        if let best = candidates.last(where: { $0.capture.plate != nil }) { return name(token, best) }
        if let best = candidates.last { hold(best, token, arrivedAt: arrivedAt) }
        return tick(now: now)
    }

    /// A camera's read, received at `receivedAt`. `lead`: by how much this camera's reads may precede the arrival.
    public mutating func capture(
        _ capture: Capture, receivedAt: Instant, lead: Interval = IdentityMatcher.defaultLead
    ) -> Identification? {
        guard !capture.isReplayed, isNew(capture.key) else { return nil }
        var withoutPhotos = capture
        withoutPhotos.photos = []
        let read = Read(capture: withoutPhotos, receivedAt: receivedAt, lead: lead)
        guard let waiting else {
            if early.count == IdentityMatcher.maximumEarlyReads { early.removeFirst() }
            early.append(read)
            return nil
        }
        let vehicle = present[waiting]
        guard mayName(read, arrivedAt: vehicle.arrivedAt, isBehind: waiting > 0) else { return nil }
        if capture.plate != nil { return name(vehicle.token, read) }
        hold(read, vehicle.token, arrivedAt: vehicle.arrivedAt)
        return nil
    }

    /// The first who has no name.
    private var waiting: Int? { present.firstIndex { !$0.isNamed } }

    /// The vehicle is gone, or its passage is over. Anything but a present token is ignored.
    public mutating func left(_ token: VehicleToken, at time: Instant) {
        guard let index = present.firstIndex(where: { $0.token == token }) else { return }
        if !present[index].isNamed { close(until: time) }
        lastLeftAt = time
        if unread?.token == token { unread = nil }
        present.remove(at: index)
    }

    /// The vehicle was named by other means than a read.
    public mutating func named(_ token: VehicleToken, as plate: Plate, at time: Instant) {
        lastPlate = plate
        guard let index = present.firstIndex(where: { $0.token == token && !$0.isNamed }) else { return }
        present[index].isNamed = true
        if unread?.token == token { unread = nil }
        close(until: time)
    }

    /// Uses a held read whose grace is over.
    public mutating func tick(now: Instant) -> Identification? {
        guard let unread, now >= unread.deadline else { return nil }
        return name(unread.token, unread.read)
    }

    /// - Parameter isBehind: another one is in front, whom the camera may still see.
    private func mayName(_ read: Read, arrivedAt: Instant, isBehind: Bool) -> Bool {
        if let closedUntil, read.receivedAt <= closedUntil { return false }
        if isBehind {
            guard let plate = read.capture.plate else { return read.receivedAt >= arrivedAt }
            if plate == lastPlate { return false }
        }
        guard read.receivedAt < arrivedAt else { return true }
        guard arrivedAt.since(read.receivedAt) <= read.lead else { return false }
        if let plate = read.capture.plate { return plate != lastPlate }
        guard let lastLeftAt else { return true }
        return read.receivedAt > lastLeftAt
    }

    private mutating func hold(_ read: Read, _ token: VehicleToken, arrivedAt: Instant) {
        guard unread == nil else { return }
        unread = (read, token, max(read.receivedAt, arrivedAt) + grace)
    }

    private mutating func name(_ token: VehicleToken, _ read: Read) -> Identification? {
        guard let index = present.firstIndex(where: { $0.token == token && !$0.isNamed }) else { return nil }
        present[index].isNamed = true
        unread = nil
        close(until: read.receivedAt)
        if let plate = read.capture.plate { lastPlate = plate }
        return Identification(token: token, capture: read.capture, receivedAt: read.receivedAt)
    }

    private mutating func close(until time: Instant) {
        closedUntil = max(closedUntil ?? time, time)
    }

    /// Remembers the key; false when it is known already.
    private mutating func isNew(_ key: String) -> Bool {
        guard !keys.contains(key) else { return false }
        if keys.count == IdentityMatcher.maximumKeys { keys.removeFirst() }
        keys.append(key)
        return true
    }
}
