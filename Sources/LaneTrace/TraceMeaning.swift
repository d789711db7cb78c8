// What the words of a trace mean, for a person who reads one.

import Domain
import LaneCore

private let sensorWords = [
    "approach", "safety", "clearing", "curtain", "radar", "second-approach", "second-safety", "second-clearing",
    "open-limit", "closed-limit", "exit-request", "fire-alarm", "tamper", "guard-open", "guard-close", "guard-stop",
    "mains-fail",
]
private let outputWords = [
    "raise", "lower", "green", "red", "stop", "second-green", "second-red", "fill", "siren", "beacon", "trigger",
    "second-trigger",
]
private let phaseWords = [
    "idle", "identifying", "refused", "released", "passing", "straddling", "intruded", "unsettled",
]
private let armWords = ["closed", "opening", "open", "closing", "stopped", "unknown"]
private let noticeWords = [
    "free", "identifying", "released", "refused", "occupied", "closed", "evacuate", "maintenance",
]
private let faultWords = [
    "stuck", "chatter", "edges-lost", "open-limit-missed", "closed-limit-missed", "moved-unordered",
    "limits-contradict", "straddled",
]
private let causeWords = ["none", "verdict", "person", "hold", "fire", "protection", "maintenance"]

private func word(_ words: [String], _ index: UInt8) -> String {
    Int(index) < words.count ? words[Int(index)] : "?\(index)"
}

private func onOff(_ value: UInt8) -> String { value != 0 ? "on" : "off" }

extension TraceWord {
    private var token: String { number == 0 ? "nobody" : "vehicle \(number & 0x1FFF_FFFF)" }

    private func lane(_ index: UInt8) -> String { "lane \((index & 7) + 1)" }

    private func reason(_ number: UInt8) -> String { VerdictReason(rawValue: number).map { $0.word } ?? "?\(number)" }

    /// In words.
    public var meaning: String {
        switch kind {
        case EventKind.start: "start, active: \(SensorSet(bits: number).meaning)"
        case EventKind.sensor: "\(word(sensorWords, a)) \(onOff(b))"
        case EventKind.edgesLost: "edges lost"
        case EventKind.verdict: "verdict \(reason(b)) for \(token) of \(lane(a))"
        case EventKind.timer: "timer"
        case EventKind.order: orderMeaning
        default: actionMeaning
        }
    }

    private var orderMeaning: String {
        switch event(boot: 0) {
        case .order(.release(_, _)): "order: release \(token) of \(lane(b))"
        case .order(.close): "order: close"
        case .order(.stop): "order: stop"
        case .order(.hold(_)): "order: hold \(onOff(b))"
        case .order(.lockdown(_)): "order: lockdown \(onOff(b))"
        case .order(.maintenance(_)): "order: maintenance \(onOff(b))"
        case .order(.energise(_, _)): "order: \(word(outputWords, b)) \(onOff(c))"
        case .order(.identifyAgain(_)): "order: identify again in \(lane(b))"
        default: "?\(bits)"
        }
    }

    private var actionMeaning: String {
        switch kind {
        case ActionKind.drive: "\(word(outputWords, a)) relay \(onOff(b))"
        case ActionKind.identify: "identify \(token) of \(lane(a)), attempt \(b)"
        case ActionKind.overdue: "identification overdue for \(token) of \(lane(a))"
        case ActionKind.releaseAsked: "\(word(sensorWords, b)) asks to release \(token) of \(lane(a))"
        case ActionKind.notice:
            "sign of \(lane(a)): \(word(noticeWords, b))\(c == 0 ? "" : " " + reason(c)), \(token)"
        case ActionKind.passEnded:
            "\(token) of \(lane(a)) ended: \(PassOutcome(rawValue: b).map { $0.word } ?? "?\(b)"), "
                + "raised by \(word(causeWords, c))\(a & 0x80 != 0 ? ", reverse" : "")"
        case ActionKind.fault:
            "fault \(word(faultWords, a))\(a <= 1 ? " " + word(sensorWords, b) : "") \(c != 0 ? "raised" : "healed")"
        case ActionKind.noted: "noted \(word(sensorWords, a)) \(onOff(b))"
        case ActionKind.raised: "raised by \(word(causeWords, a))"
        case ActionKind.travelled: "arm went \(a != 0 ? "up" : "down") in \(number) us"
        default: "?\(bits)"
        }
    }
}

extension SensorSet {
    var meaning: String {
        var words: [String] = []
        for index in 0..<LaneSensor.count where bits & (1 << UInt32(index)) != 0 { words.append(sensorWords[index]) }
        return words.isEmpty ? "none" : words.joined(separator: " ")
    }
}

extension LaneState {
    var meaning: String {
        var text = "\(phaseWords[Int(phase(0).rawValue)])"
        if phase(1) != .idle { text += "/\(phaseWords[Int(phase(1).rawValue)])" }
        text += ", arm \(word(armWords, UInt8(truncatingIfNeeded: armPosition)))"
        if isRaising { text += " raising" }
        if isLowering { text += " lowering" }
        if isHeldOpen { text += ", held open" }
        if isLockedDown { text += ", locked down" }
        if isInMaintenance { text += ", maintenance" }
        if isDoubtful { text += ", in doubt" }
        return text
    }
}

extension TraceRecord {
    /// One line.
    var meaning: String {
        var text = "\(event.meaning) -> \(after.meaning)"
        for index in 0..<ownCount { text += "; \(action(index).meaning)" }
        return text
    }
}
