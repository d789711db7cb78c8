// The lane's words as people read them: on the console and in the ledger.

import Domain
import LaneCore

extension LanePhase {
    /// A stable word for the console.
    var word: String {
        switch self {
        case .idle: "idle"
        case .identifying: "identifying"
        case .refused: "refused"
        case .released: "released"
        case .passing: "passing"
        case .straddling: "straddling"
        case .intruded: "intruded"
        case .unsettled: "unsettled"
        }
    }
}

extension LaneView.Arm {
    var word: String {
        switch self {
        case .closed: "closed"
        case .opening: "opening"
        case .open: "open"
        case .closing: "closing"
        case .stopped: "stopped"
        case .unknown: "unknown"
        }
    }
}

extension LaneSensor {
    /// As in the configuration's keys.
    var word: String {
        switch self {
        case .approach: "approach"
        case .safety: "safety"
        case .clearing: "clearing"
        case .curtain: "curtain"
        case .radar: "radar"
        case .secondApproach: "second-approach"
        case .secondSafety: "second-safety"
        case .secondClearing: "second-clearing"
        case .openLimit: "open-limit"
        case .closedLimit: "closed-limit"
        case .exitRequest: "exit-request"
        case .fireAlarm: "fire"
        case .tamper: "tamper"
        case .guardOpen: "guard-open"
        case .guardClose: "guard-close"
        case .guardStop: "guard-stop"
        case .mainsFail: "mains-fail"
        }
    }

    /// What the ledger's fault record says when the contact is active.
    var complaint: String {
        switch self {
        case .fireAlarm: "the fire alarm is on: the arm is raised and held"
        case .tamper: "the cabinet is open"
        case .mainsFail: "the mains has failed"
        case .approach, .safety, .clearing, .curtain, .radar, .secondApproach, .secondSafety, .secondClearing,
            .openLimit, .closedLimit, .exitRequest, .guardOpen, .guardClose, .guardStop:
            "active"
        }
    }
}

extension LaneOutput {
    var word: String {
        switch self {
        case .raise: "raise"
        case .lower: "lower"
        case .green: "green"
        case .red: "red"
        case .stop: "stop"
        case .secondGreen: "second-green"
        case .secondRed: "second-red"
        case .fill: "fill"
        case .siren: "siren"
        case .beacon: "beacon"
        case .trigger: "trigger"
        case .secondTrigger: "second-trigger"
        }
    }

    init?(word: String) {
        for raw in 0..<UInt8(LaneOutput.count) {
            if let output = LaneOutput(rawValue: raw), output.word == word {
                self = output
                return
            }
        }
        return nil
    }
}

extension LaneFault {
    /// Limits: numbers 0 ..< count, two ranges of eight for the vehicle sensors.
    static let count = 22

    var number: Int {
        switch self {
        case .stuck(let sensor): Int(sensor.rawValue)
        case .chatter(let sensor): 8 + Int(sensor.rawValue)
        case .edgesLost: 16
        case .openLimitMissed: 17
        case .closedLimitMissed: 18
        case .movedUnordered: 19
        case .limitsContradict: 20
        case .straddled: 21
        }
    }

    init?(number: Int) {
        switch number {
        case 0..<8:
            guard let sensor = LaneSensor(rawValue: UInt8(number)) else { return nil }
            self = .stuck(sensor)
        case 8..<16:
            guard let sensor = LaneSensor(rawValue: UInt8(number - 8)) else { return nil }
            self = .chatter(sensor)
        case 16: self = .edgesLost
        case 17: self = .openLimitMissed
        case 18: self = .closedLimitMissed
        case 19: self = .movedUnordered
        case 20: self = .limitsContradict
        case 21: self = .straddled
        default: return nil
        }
    }

    /// What it is about, for the ledger: the same name when it comes and when it goes.
    var subject: String {
        switch self {
        case .stuck(let sensor), .chatter(let sensor): sensor.word
        case .edgesLost: "inputs"
        case .openLimitMissed, .closedLimitMissed, .movedUnordered: "arm"
        case .limitsContradict: "limit switches"
        case .straddled: "presence"
        }
    }

    /// What is wrong, and what to look at.
    var detail: String {
        switch self {
        case .stuck: "active for too long: look for a vehicle or a thing on it, then at the detector and its wire"
        case .chatter: "changes faster than vehicles do, counts as active: look at the detector and its wire"
        case .edgesLost: "edges were lost: counted as active until read anew"
        case .openLimitMissed: "raised, and the open limit did not come: look at the operator, its power and the switch"
        case .closedLimitMissed: "lowered, and the closed limit did not come: look at the arm and the switch"
        case .movedUnordered: "moved without an order: hit, swung away, cranked, or moved by a remote control"
        case .limitsContradict: "open and closed at once: look at the switches and their wires"
        case .straddled: "a vehicle's end cannot be told from the next one: the arm stays up"
        }
    }
}
