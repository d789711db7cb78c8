// The contacts and relays of a lane, by the names that their keys have.

/// A contact that may be fitted at a lane or its arm.
public enum LaneInput: String, CaseIterable, Sendable {
    case approach
    case safety
    case clearing
    case curtain
    case radar
    case openLimit = "open_limit"
    case closedLimit = "closed_limit"
    case exitRequest = "exit_request"
    case fire
    case tamper
    case guardOpen = "guard_open"
    case guardClose = "guard_close"
    case guardStop = "guard_stop"
    case mainsFail = "mains_fail"

    /// Whether the second lane of an arm has one of its own.
    func isOwn(inLayout layout: String) -> Bool {
        switch self {
        case .approach: true
        case .safety, .clearing: layout == "parallel"
        case .curtain, .radar, .openLimit, .closedLimit, .exitRequest, .fire, .tamper, .guardOpen, .guardClose,
            .guardStop, .mainsFail:
            false
        }
    }

    /// Several lanes may share the contact: one for the whole site.
    var mayBeShared: Bool {
        switch self {
        case .fire, .tamper, .mainsFail: true
        case .approach, .safety, .clearing, .curtain, .radar, .openLimit, .closedLimit, .exitRequest, .guardOpen,
            .guardClose, .guardStop:
            false
        }
    }

    /// What a cut wire reads as must be the safe one: closed contacts for presence, open ones for what moves the arm.
    var isActiveHighByDefault: Bool {
        switch self {
        case .approach, .safety, .clearing, .curtain, .radar, .guardStop, .tamper, .mainsFail: false
        case .openLimit, .closedLimit, .exitRequest, .fire, .guardOpen, .guardClose: true
        }
    }

    var levelWords: String {
        switch self {
        case .approach, .safety, .clearing, .curtain, .radar:
            "The level that means a vehicle; low lets a cut wire read as a vehicle."
        case .openLimit, .closedLimit: "The level that means that the arm is there."
        case .exitRequest, .guardOpen, .guardClose, .guardStop: "The level that means pressed."
        case .fire: "The level that means fire; low lets a cut wire open the gate."
        case .tamper, .mainsFail: "The level that means alarm; low lets a cut wire read as one."
        }
    }

    var example: String {
        String(decoding: rawValue.utf8.map { $0 >= 0x61 ? $0 - 0x20 : $0 }, as: UTF8.self)
    }

    var words: (english: String, chinese: String) {
        switch self {
        case .approach: ("The loop before the arm. Mandatory with lines.backend = gpio.", "触发地感")
        case .safety: ("The loop under the arm. Mandatory with lines.backend = gpio.", "防砸地感")
        case .clearing: ("A loop behind the arm: who reaches it has gone through.", "通过地感")
        case .curtain: ("A light curtain under the arm; it also sees the gap below a high bed.", "光幕")
        case .radar: ("A radar that watches the space under the arm.", "防砸雷达")
        case .openLimit: ("The arm is fully open.", "开到位")
        case .closedLimit: ("The arm is fully closed.", "关到位")
        case .exitRequest: ("The button of somebody who wants out; each press is a recorded release.", "出门按钮")
        case .fire: ("The fire alarm: raises the arm and holds it. Several lanes may name one line.", "消防联动")
        case .tamper: ("The cabinet's door contact. Several lanes may name one line.", "机箱防拆")
        case .guardOpen: ("The guard's open button; each press is a recorded release.", "岗亭开闸按钮")
        case .guardClose: ("The guard's close button.", "岗亭关闸按钮")
        case .guardStop: ("The guard's stop button.", "岗亭停止按钮")
        case .mainsFail: ("Mains failure, from the UPS. Several lanes may name one line.", "市电断电")
        }
    }
}

/// A relay that may be fitted at a lane or its arm.
public enum LaneRelay: String, CaseIterable, Sendable {
    case raise
    case lower
    case stop
    case green
    case red
    case fill
    case siren
    case beacon
    case trigger

    /// Whether the second lane of an arm has one of its own.
    var isOwn: Bool {
        switch self {
        case .green, .red, .trigger: true
        case .raise, .lower, .stop, .fill, .siren, .beacon: false
        }
    }

    var example: String {
        String(decoding: rawValue.utf8.map { $0 - 0x20 }, as: UTF8.self)
    }

    var words: (english: String, chinese: String) {
        switch self {
        case .raise: ("The relay that raises the arm. Mandatory with lines.backend = gpio.", "抬杆")
        case .lower: ("The relay that lowers the arm. Mandatory with lines.backend = gpio.", "落杆")
        case .stop: ("The relay that halts the arm, where the operator has that input.", "停杆")
        case .green: ("The green lamp, where there is one.", "绿灯")
        case .red: ("The red lamp, where there is one.", "红灯")
        case .fill: ("Light for the camera, while a vehicle is being identified.", "补光灯")
        case .siren: ("The siren, for a forced or tailgating passage.", "警笛")
        case .beacon: ("The beacon, while the arm moves or something is wrong.", "警灯")
        case .trigger: ("Makes the camera take a picture.", "相机触发")
        }
    }
}
