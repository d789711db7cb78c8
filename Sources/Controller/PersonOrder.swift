// What persons, buttons and the schedule order, on its way to the ledger; and what the ledger says of it and of what
// the
// lane reports.

import Domain
import LaneCore
import Ledger

/// What a person wants of a lane. It is ordered once it is on record.
struct PersonOrder: Sendable {
    /// By which its answer is found.
    let number: UInt32
    let lane: LaneID
    let order: LaneOrder
    let by: PersonalAct
    let at: Instant

    /// How old it may be when it becomes durable.
    static let lifetime = Interval.seconds(5)

    init(number: UInt32, lane: LaneID, order: LaneOrder, by: PersonalAct, at: Instant) {
        self.number = number
        self.lane = lane
        self.order = order
        self.by = by
        self.at = at
    }

    /// A pressed button is an order like any other; nil for any other report.
    init?(_ report: LaneReport) {
        guard case .releaseAsked(let lane, let token, let button, let at) = report else { return nil }
        let by = PersonalAct(person: "at the gate", reason: "\(button.word) pressed", means: .button)
        self.init(number: 0, lane: lane, order: .release(lane, token), by: by, at: at)
    }

    /// The ledger's record of everything but a release, which has a record of its own.
    var note: LedgerNote {
        .act(
            person: by.person, act: order.words, subject: "lane \(lane.index + 1)", detail: by.reason, means: by.means)
    }

    var words: String {
        "lane \(lane.index + 1): \(order.words) by \(by.person) (\(by.means.word)): \(by.reason)"
    }
}

extension LaneOrder {
    var words: String {
        switch self {
        case .release: "release"
        case .close: "close"
        case .stop: "stop"
        case .hold(let isOn): "hold " + onOff(isOn)
        case .lockdown(let isOn): "lockdown " + onOff(isOn)
        case .maintenance(let isOn): "maintenance " + onOff(isOn)
        case .energise(let output, let isOn): "energise \(output.word) " + onOff(isOn)
        case .identifyAgain: "identify again"
        }
    }

    private func onOff(_ isOn: Bool) -> String { isOn ? "on" : "off" }
}

extension LaneReport {
    /// The operating event that the ledger keeps of it; nil when a record of another kind says it.
    var note: LedgerNote? {
        switch self {
        case .ended, .releaseAsked:
            return nil
        case .fault(let lane, let fault, let isRaised):
            let subject = "lane \(lane.index + 1) \(fault.subject)"
            return isRaised
                ? .faultRaised(subject: subject, detail: fault.detail)
                : .faultHealed(subject: subject, detail: fault.detail)
        case .noted(let lane, let sensor, let isActive):
            return LaneReport.note("lane \(lane.index + 1)", sensor, isActive)
        case .raised(let lane, let cause):
            guard cause == .protection else { return nil }
            return .faultRaised(
                subject: "lane \(lane.index + 1) arm",
                detail: "raised for protection: something came under it, or it moved, while nobody was to pass")
        }
    }

    private static func note(_ lane: String, _ sensor: LaneSensor, _ isActive: Bool) -> LedgerNote? {
        switch sensor {
        case .fireAlarm, .tamper, .mainsFail:
            let detail = sensor.complaint
            return isActive
                ? .faultRaised(subject: "\(lane) \(sensor.word)", detail: detail)
                : .faultHealed(subject: "\(lane) \(sensor.word)", detail: detail)
        case .guardClose, .guardStop:
            guard isActive else { return nil }
            return .act(
                person: "at the gate", act: sensor == .guardClose ? "close" : "stop", subject: lane,
                detail: "\(sensor.word) pressed", means: .button)
        case .approach, .safety, .clearing, .curtain, .radar, .secondApproach, .secondSafety, .secondClearing,
            .openLimit, .closedLimit, .exitRequest, .guardOpen:
            return nil
        }
    }
}
