// Events and actions of the lane as words of 64 bits, and back.
//
// kind u8 · a u8 · b u8 · c u8 · number u32, from the lowest bits up; docs/LANE-TRACE.md lists them.
// Invariant: no heap; what two different events or actions of one step could mean differs in the word, but for
// instants, which follow from the times of the steps.

import Domain
import LaneCore

/// One event or action.
public struct TraceWord: Equatable, Sendable {
    public let bits: UInt64

    public init(bits: UInt64) {
        self.bits = bits
    }

    init(_ kind: UInt8, _ a: UInt8 = 0, _ b: UInt8 = 0, _ c: UInt8 = 0, _ number: UInt32 = 0) {
        bits = UInt64(kind) | UInt64(a) << 8 | UInt64(b) << 16 | UInt64(c) << 24 | UInt64(number) << 32
    }

    var kind: UInt8 { UInt8(truncatingIfNeeded: bits) }
    var a: UInt8 { UInt8(truncatingIfNeeded: bits >> 8) }
    var b: UInt8 { UInt8(truncatingIfNeeded: bits >> 16) }
    var c: UInt8 { UInt8(truncatingIfNeeded: bits >> 24) }
    var number: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
}

/// The lane's lower half of a token; the boot number is the trace's.
private func low(_ token: VehicleToken) -> UInt32 { UInt32(truncatingIfNeeded: token.value) }

private func flag(_ value: Bool) -> UInt8 { value ? 1 : 0 }

// MARK: events

enum EventKind {
    static let start: UInt8 = 1
    static let sensor: UInt8 = 2
    static let edgesLost: UInt8 = 3
    static let verdict: UInt8 = 4
    static let timer: UInt8 = 5
    static let order: UInt8 = 6
}

private enum OrderKind {
    static let release: UInt8 = 1
    static let close: UInt8 = 2
    static let stop: UInt8 = 3
    static let hold: UInt8 = 4
    static let lockdown: UInt8 = 5
    static let maintenance: UInt8 = 6
    static let energise: UInt8 = 7
    static let identifyAgain: UInt8 = 8
}

extension TraceWord {
    /// The lane's start, with what its contacts said.
    public init(start levels: SensorSet) {
        self.init(EventKind.start, 0, 0, 0, levels.bits)
    }

    public init(_ event: LaneEvent) {
        switch event {
        case .sensor(let sensor, let isActive): self.init(EventKind.sensor, sensor.rawValue, flag(isActive))
        case .edgesLost: self.init(EventKind.edgesLost)
        case .verdict(let verdict):
            self.init(EventKind.verdict, verdict.lane.index, verdict.reason.rawValue, 0, low(verdict.token))
        case .order(let order): self.init(order)
        case .timer: self.init(EventKind.timer)
        }
    }

    private init(_ order: LaneOrder) {
        switch order {
        case .release(let lane, let token):
            self.init(EventKind.order, OrderKind.release, lane.index, 0, low(token))
        case .close: self.init(EventKind.order, OrderKind.close)
        case .stop: self.init(EventKind.order, OrderKind.stop)
        case .hold(let isOn): self.init(EventKind.order, OrderKind.hold, flag(isOn))
        case .lockdown(let isOn): self.init(EventKind.order, OrderKind.lockdown, flag(isOn))
        case .maintenance(let isOn): self.init(EventKind.order, OrderKind.maintenance, flag(isOn))
        case .energise(let output, let isOn):
            self.init(EventKind.order, OrderKind.energise, output.rawValue, flag(isOn))
        case .identifyAgain(let lane): self.init(EventKind.order, OrderKind.identifyAgain, lane.index)
        }
    }

    /// What the contacts said at the start, where this is one.
    public var startLevels: SensorSet? { kind == EventKind.start ? SensorSet(bits: number) : nil }

    /// The event; nil where the word is none, or a start.
    public func event(boot: UInt32) -> LaneEvent? {
        switch kind {
        case EventKind.sensor: LaneSensor(rawValue: a).map { .sensor($0, isActive: b != 0) }
        case EventKind.edgesLost: .edgesLost
        case EventKind.verdict: verdict(boot: boot).map { .verdict($0) }
        case EventKind.timer: .timer
        case EventKind.order: order(boot: boot).map { .order($0) }
        default: nil
        }
    }

    private func token(boot: UInt32) -> VehicleToken {
        number == 0 ? .none : VehicleToken(value: UInt64(boot) << 32 | UInt64(number))
    }

    private func lane(_ index: UInt8) -> LaneID? { index < LaneID.maximumCount ? LaneID(index) : nil }

    private func verdict(boot: UInt32) -> Verdict? {
        guard let lane = lane(a), let reason = VerdictReason(rawValue: b) else { return nil }
        return Verdict(lane: lane, token: token(boot: boot), reason: reason)
    }

    private func order(boot: UInt32) -> LaneOrder? {
        switch a {
        case OrderKind.release: lane(b).map { .release($0, token(boot: boot)) }
        case OrderKind.close: .close
        case OrderKind.stop: .stop
        case OrderKind.hold: .hold(b != 0)
        case OrderKind.lockdown: .lockdown(b != 0)
        case OrderKind.maintenance: .maintenance(b != 0)
        case OrderKind.energise: LaneOutput(rawValue: b).map { .energise($0, c != 0) }
        case OrderKind.identifyAgain: lane(b).map { .identifyAgain($0) }
        default: nil
        }
    }
}

// MARK: actions

enum ActionKind {
    static let drive: UInt8 = 16
    static let identify: UInt8 = 17
    static let overdue: UInt8 = 18
    static let releaseAsked: UInt8 = 19
    static let notice: UInt8 = 20
    static let passEnded: UInt8 = 21
    static let fault: UInt8 = 22
    static let noted: UInt8 = 23
    static let raised: UInt8 = 24
    static let travelled: UInt8 = 25
}

extension TraceWord {
    public init(_ action: LaneAction) {
        switch action {
        case .drive(let output, let energised): self.init(ActionKind.drive, output.rawValue, flag(energised))
        case .identify(let lane, let token, _, let attempt):
            self.init(ActionKind.identify, lane.index, attempt, 0, low(token))
        case .identificationOverdue(let lane, let token): self.init(ActionKind.overdue, lane.index, 0, 0, low(token))
        case .releaseAsked(let lane, let token, let sensor):
            self.init(ActionKind.releaseAsked, lane.index, sensor.rawValue, 0, low(token))
        case .notice(let lane, let notice, let token):
            let (word, reason) = TraceWord.number(notice)
            self.init(ActionKind.notice, lane.index, word, reason, low(token))
        case .passEnded(let end):
            self.init(
                ActionKind.passEnded, end.lane.index | flag(end.isReverse) << 7, end.outcome.rawValue,
                end.cause?.rawValue ?? 0, low(end.token))
        case .fault(let fault, let isRaised):
            let (number, sensor) = TraceWord.number(fault)
            self.init(ActionKind.fault, number, sensor, flag(isRaised))
        case .noted(let sensor, let isActive): self.init(ActionKind.noted, sensor.rawValue, flag(isActive))
        case .raised(let cause): self.init(ActionKind.raised, cause.rawValue)
        case .travelled(let isUp, let time):
            self.init(ActionKind.travelled, flag(isUp), 0, 0, UInt32(clamping: time.nanoseconds / 1_000))
        }
    }

    private static func number(_ notice: LaneNotice) -> (UInt8, UInt8) {
        switch notice {
        case .free: (0, 0)
        case .identifying: (1, 0)
        case .released: (2, 0)
        case .refused(let reason): (3, reason.rawValue)
        case .occupied: (4, 0)
        case .closed: (5, 0)
        case .evacuate: (6, 0)
        case .maintenance: (7, 0)
        }
    }

    private static func number(_ fault: LaneFault) -> (UInt8, UInt8) {
        switch fault {
        case .stuck(let sensor): (0, sensor.rawValue)
        case .chatter(let sensor): (1, sensor.rawValue)
        case .edgesLost: (2, 0)
        case .openLimitMissed: (3, 0)
        case .closedLimitMissed: (4, 0)
        case .movedUnordered: (5, 0)
        case .limitsContradict: (6, 0)
        case .straddled: (7, 0)
        }
    }

    /// Only for the tests and the text: whether it is an action at all.
    var isAction: Bool { (ActionKind.drive...ActionKind.travelled).contains(kind) }
}
