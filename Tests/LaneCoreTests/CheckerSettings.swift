// The configurations that are searched, split by concern so that each closes.

import Domain

@testable import LaneCore

extension CheckerSetting {
    func with(_ change: (inout CheckerSetting) -> Void) -> CheckerSetting {
        var setting = self
        change(&setting)
        return setting
    }

    static let modes: [LaneOrder] = [
        .hold(true), .hold(false), .lockdown(true), .lockdown(false), .close, .stop,
    ]
    static let maintenance: [LaneOrder] = [
        .maintenance(true), .maintenance(false), .energise(.raise, true), .energise(.lower, true),
        .energise(.stop, true),
    ]

    static let loops: [LaneSensor] = [.approach, .safety]

    /// Each closes in a few seconds: part of every test run.
    static let short: [CheckerSetting] = [
        CheckerSetting("loops", loops),
        CheckerSetting("loops, no dead time", loops).with { $0.timings.deadTime = .zero },
        CheckerSetting("loops, maintained", loops).with { $0.fitting.drive = .maintained },
        CheckerSetting("loops that see a high bed", loops).with { $0.fitting.trustsGaps = true },
        CheckerSetting("loops, queue", loops).with { $0.fitting.queuesThrough = true },
        CheckerSetting("curtain", loops + [.curtain]),
        CheckerSetting("curtain, queue", loops + [.curtain]).with { $0.fitting.queuesThrough = true },
        CheckerSetting("clearing", loops + [.clearing]),
        CheckerSetting("clearing, queue", loops + [.clearing]).with { $0.fitting.queuesThrough = true },
        CheckerSetting("radar, no dead time", loops + [.radar]).with { $0.timings.deadTime = .zero },
        CheckerSetting("edges lost", loops).with { $0.losesEdges = true },
        CheckerSetting("retries", loops).with {
            $0.fitting.attempts = 2
            $0.timings.verdictDeadline = .seconds(2)
            $0.reasons = [.stageAllowed, .unknownVehicle, .plateUnread]
        },
        CheckerSetting("open limit", loops + [.openLimit]),
        CheckerSetting("closed limit, no dead time", loops + [.closedLimit]).with { $0.timings.deadTime = .zero },
        CheckerSetting("limits, maintained, no approach", [.safety, .openLimit, .closedLimit]).with {
            $0.fitting.drive = .maintained
            $0.orders = [.hold(true), .hold(false), .stop, .close]
        },
        CheckerSetting("maintenance", [.safety, .fireAlarm]).with { $0.orders = maintenance },
        CheckerSetting("fire and modes", [.safety, .fireAlarm]).with {
            $0.orders = modes
            $0.hasPersons = true
        },
        CheckerSetting("buttons and mains", [.safety, .guardOpen, .guardClose, .guardStop, .mainsFail]).with {
            $0.hasPersons = true
        },
        CheckerSetting("backup power", [.safety, .fireAlarm, .mainsFail]).with {
            $0.fitting.hasBackupPower = true
            $0.hasPersons = true
            $0.orders = [.close, .stop]
        },
        CheckerSetting("retries, queue", loops).with {
            $0.fitting.attempts = 2
            $0.fitting.queuesThrough = true
            $0.timings.verdictDeadline = .seconds(2)
        },
        CheckerSetting("opposed", loops + [.secondApproach], layout: .opposed),
        CheckerSetting("opposed, limits", [.safety, .openLimit, .closedLimit], layout: .opposed).with {
            $0.hasPersons = true
        },
        CheckerSetting("two loops, fire and hold", [.safety, .secondSafety, .fireAlarm], layout: .parallel).with {
            $0.orders = [.hold(true), .hold(false), .close, .stop]
        },
        CheckerSetting("two loops, edges lost", [.safety, .secondSafety], layout: .parallel).with {
            $0.losesEdges = true
            $0.hasPersons = true
        },
        CheckerSetting("two loops, curtain", [.safety, .secondSafety, .curtain], layout: .parallel).with {
            $0.hasPersons = true
            $0.orders = [.hold(true), .hold(false)]
        },
        CheckerSetting("two loops, radar, maintenance", [.safety, .secondSafety, .radar], layout: .parallel).with {
            $0.orders = maintenance
        },
    ]

    /// Closes too, in minutes: `tools/prove lane --all`.
    static let long: [CheckerSetting] = [
        CheckerSetting("both limits", loops + [.openLimit, .closedLimit]),
        CheckerSetting("both limits, maintained", loops + [.openLimit, .closedLimit]).with {
            $0.fitting.drive = .maintained
        },
        CheckerSetting("both limits, slow arm", loops + [.openLimit, .closedLimit]).with {
            $0.timings.raiseTravel = .seconds(3)
            $0.timings.lowerTravel = .seconds(3)
            $0.timings.deadTime = .zero
        },
        CheckerSetting("long times", loops).with {
            $0.timings.closeDelay = .seconds(2)
            $0.timings.axleGap = .seconds(2)
            $0.timings.backOut = .seconds(2)
            $0.timings.authorisedWindow = .seconds(3)
        },
        CheckerSetting("persons", loops).with {
            $0.hasPersons = true
            $0.orders = modes + [.identifyAgain(LaneID(0))]
        },
        CheckerSetting("persons, clearing", loops + [.clearing]).with {
            $0.hasPersons = true
            $0.orders = [.close, .stop, .identifyAgain(LaneID(0))]
        },
        CheckerSetting("persons, queue", loops).with {
            $0.hasPersons = true
            $0.orders = modes
            $0.fitting.queuesThrough = true
        },
        CheckerSetting("fire, modes and loops", loops + [.fireAlarm]).with { $0.orders = modes },
        CheckerSetting("fire, limits and modes", [.safety, .openLimit, .closedLimit, .fireAlarm]).with {
            $0.orders = modes
            $0.hasPersons = true
        },
        CheckerSetting("buttons, mains and loops", loops + [.guardClose, .guardStop, .mainsFail]).with {
            $0.hasPersons = true
        },
        CheckerSetting("maintenance and loops", loops + [.fireAlarm]).with {
            $0.orders = maintenance + [.hold(true), .lockdown(true)]
        },
        CheckerSetting("maintenance and limits", [.safety, .openLimit, .closedLimit]).with { $0.orders = maintenance },
        CheckerSetting("supervision", loops).with {
            $0.isSupervised = true
            $0.fitting.chatterEdges = 3
            $0.timings.stuckAfter = .seconds(2)
            $0.losesEdges = true
        },
        CheckerSetting("opposed, queue", loops + [.secondApproach], layout: .opposed).with {
            $0.fitting.queuesThrough = true
        },
        CheckerSetting("opposed, persons", loops + [.secondApproach], layout: .opposed).with {
            $0.hasPersons = true
            $0.orders = [.close, .identifyAgain(LaneID(1))]
        },
        CheckerSetting("opposed, edges lost", loops + [.secondApproach], layout: .opposed).with {
            $0.losesEdges = true
        },
        CheckerSetting("parallel", loops + [.secondApproach, .secondSafety], layout: .parallel),
        CheckerSetting("two loops, fire and modes", [.safety, .secondSafety, .fireAlarm], layout: .parallel).with {
            $0.orders = modes
            $0.hasPersons = true
        },
        CheckerSetting("two clearing loops", [.safety, .secondSafety, .clearing, .secondClearing], layout: .parallel)
            .with { $0.hasPersons = true },
        CheckerSetting("two loops, supervision", [.safety, .secondSafety], layout: .parallel).with {
            $0.hasPersons = true
            $0.isSupervised = true
            $0.fitting.chatterEdges = 3
            $0.timings.stuckAfter = .seconds(2)
        },
        CheckerSetting("parallel, no dead time", loops + [.secondApproach, .secondSafety], layout: .parallel).with {
            $0.timings.deadTime = .zero
            $0.reasons = [.stageAllowed]
            $0.orders = [.close]
        },
    ]
}
