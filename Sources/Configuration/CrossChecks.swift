// What keys say about each other. Each check looks only at keys that are right by themselves.

import Domain

struct CrossChecks {
    let keys: CheckedKeys
    private(set) var errors: [ConfigurationError] = []

    init(_ keys: CheckedKeys) {
        self.keys = keys
        checkLanes()
        checkSharing()
        checkBackend()
        checkWiring()
        checkCameras()
        checkSigns()
        checkReaders()
        checkUplinks()
        checkUPS()
    }

    mutating func conflict(_ key: String, _ why: String) {
        errors.append(ConfigurationError(line: keys.line(key), key: key, reason: .conflict(why: why)))
    }

    /// `key` must be less than `limit`.
    private mutating func check(_ key: String, below limit: String) {
        guard let value = keys.knownNumber(key), let bound = keys.knownNumber(limit), value >= bound else { return }
        conflict(key, "\(value) must be less than \(limit), which is \(bound)")
    }

    private mutating func checkLanes() {
        var gates: [String: Int] = [:]
        for number in keys.numbers(of: "lane") {
            let lane = "lane.\(number)."
            if keys.isAbsent(lane + "shares_arm_with") { checkTimes(number) }
            guard let entrance = keys.knownText(lane + "entrance_gate"), let code = keys.knownText(lane + "gate_code"),
                let direction = keys.knownText(lane + "direction")
            else { continue }
            let gate = entrance + "/" + code + "/" + direction
            if let other = gates[gate] {
                conflict(lane + "gate_code", "lane \(other) has the same entrance gate, gate code and direction")
            }
            gates[gate] = number
        }
    }

    private mutating func checkTimes(_ number: Int) {
        let lane = "lane.\(number)."
        for way in ["raise", "lower"] {
            guard let pulse = keys.knownNumber(lane + "relay_pulse_ms"), let travel = keys.travel(way, lane: number),
                pulse >= travel
            else { continue }
            conflict(
                lane + "relay_pulse_ms", "\(pulse) must be less than \(lane)\(way)_travel_ms, which is \(travel)")
        }
        if let window = keys.knownNumber(lane + "authorised_window_ms"), let up = keys.travel("raise", lane: number),
            up >= window
        {
            conflict(
                lane + "raise_travel_ms", "\(up) must be less than \(lane)authorised_window_ms, which is \(window)")
        }
        check(lane + "axle_gap_ms", below: lane + "back_out_ms")
        check(lane + "chatter_window_ms", below: lane + "chatter_quiet_ms")
        if let deadline = keys.knownNumber(lane + "verdict_deadline_ms"),
            let attempts = keys.knownNumber(lane + "attempts"), deadline < attempts * CrossChecks.attemptMilliseconds
        {
            conflict(
                lane + "attempts",
                "\(attempts) attempts need \(attempts * CrossChecks.attemptMilliseconds) ms, and "
                    + "\(lane)verdict_deadline_ms is \(deadline): take fewer, or a longer deadline")
        }
    }

    private static let attemptMilliseconds = 300
    /// GPIO_V2_LINES_MAX of the kernel.
    private static let linesPerChip = 64

    // MARK: shared arms

    private mutating func checkSharing() {
        var taken: [Int: Int] = [:]
        for number in keys.numbers(of: "lane") {
            let lane = "lane.\(number)."
            let layout = keys.knownText(lane + "layout")
            guard let first = keys.knownNumber(lane + "shares_arm_with") else {
                if layout != nil { conflict(lane + "layout", "is only for a lane with \(lane)shares_arm_with") }
                continue
            }
            guard first != number, keys.numbers(of: "lane").contains(first) else {
                conflict(lane + "shares_arm_with", "name another lane of this configuration, the one with the arm")
                continue
            }
            if !keys.isAbsent("lane.\(first).shares_arm_with") {
                conflict(lane + "shares_arm_with", "lane \(first) has no arm of its own: name the lane that has it")
            }
            if let other = taken[first] {
                conflict(lane + "shares_arm_with", "lane \(other) shares that arm already; an arm has two lanes")
            }
            taken[first] = number
            guard let layout else {
                conflict(lane + "layout", "must be opposed or parallel, because \(lane)shares_arm_with is set")
                continue
            }
            if layout == "opposed", let direction = keys.knownText(lane + "direction"),
                direction == keys.knownText("lane.\(first).direction")
            {
                conflict(
                    lane + "direction", "a lane used both ways needs one entry and one exit: lane \(first) is the same")
            }
            checkOwnKeys(number, first, layout)
        }
    }

    /// What belongs to the arm is set at the lane that has it.
    private mutating func checkOwnKeys(_ number: Int, _ first: Int, _ layout: String) {
        let lane = "lane.\(number)."
        var own = ["direction", "entrance_gate", "gate_code", "shares_arm_with", "layout"]
        for input in LaneInput.allCases where input.isOwn(inLayout: layout) {
            own += [input.rawValue + "_input", input.rawValue + "_active"]
        }
        for relay in LaneRelay.allCases where relay.isOwn { own.append(relay.rawValue + "_output") }
        for key in Key.all {
            guard let group = Group.of(pattern: key.name), group.prefix == "lane" else { continue }
            let rest = group.rest(ofPattern: key.name)
            guard !own.contains(rest), keys.line(lane + rest) > 0, !keys.isAbsent(lane + rest) else { continue }
            conflict(lane + rest, "belongs to the arm: set lane.\(first).\(rest) instead")
        }
    }

    // MARK: lines

    private mutating func checkBackend() {
        switch keys.knownText("lines.backend") {
        case "gpio":
            for number in keys.numbers(of: "lane") {
                for name in neededLines(number) {
                    let key = "lane.\(number).\(name)"
                    if keys.isAbsent(key) { conflict(key, "must name a line, because lines.backend is gpio") }
                }
            }
        case "socket":
            if keys.isAbsent("lines.socket") {
                conflict("lines.socket", "must name a socket, because lines.backend is socket")
            }
        default:
            break
        }
    }

    private func neededLines(_ number: Int) -> [String] {
        guard keys.isAbsent("lane.\(number).shares_arm_with") else {
            return keys.knownText("lane.\(number).layout") == "parallel"
                ? ["approach_input", "safety_input"] : ["approach_input"]
        }
        return ["approach_input", "safety_input", "raise_output", "lower_output"]
    }

    private mutating func checkWiring() {
        var users: [LineReference: (key: String, mayBeShared: Bool)] = [:]
        func use(_ key: String, _ mayBeShared: Bool) -> String? {
            guard let line = keys.knownLine(key) else { return nil }
            guard let user = users[line] else {
                users[line] = (key, mayBeShared)
                return nil
            }
            return user.mayBeShared && mayBeShared && lastWord(user.key) == lastWord(key) ? nil : user.key
        }
        var found: [(String, String)] = []
        for number in keys.numbers(of: "lane") {
            let lane = "lane.\(number)."
            for input in LaneInput.allCases {
                let key = lane + input.rawValue + "_input"
                if let other = use(key, input.mayBeShared) { found.append((key, other)) }
            }
            for relay in LaneRelay.allCases {
                let key = lane + relay.rawValue + "_output"
                if let other = use(key, false) { found.append((key, other)) }
            }
        }
        for (key, other) in found { conflict(key, "the line is already used by \(other)") }
        if users.count > CrossChecks.linesPerChip {
            conflict(
                "lines.chip",
                "\(users.count) lines are named, and the kernel gives \(CrossChecks.linesPerChip) of a chip: "
                    + "leave lamps or buttons out, or let lanes share fire, tamper and mains contacts")
        }
    }

    private func lastWord(_ key: String) -> String { split(key, at: 0x2E).last ?? "" }

    mutating func checkLane(of key: String) {
        guard let lane = keys.knownNumber(key), !keys.numbers(of: "lane").contains(lane) else { return }
        conflict(key, "there is no lane \(lane) in this configuration")
    }

    private mutating func checkCameras() {
        var paths: [String: Int] = [:]
        var counts: [Int: Int] = [:]
        for number in keys.numbers(of: "camera") {
            let camera = "camera.\(number)."
            checkLane(of: camera + "lane")
            if let lane = keys.knownNumber(camera + "lane") {
                counts[lane, default: 0] += 1
                if counts[lane] == Group.camerasPerLane + 1 {
                    conflict(camera + "lane", "lane \(lane) has more than \(Group.camerasPerLane) cameras")
                }
            }
            guard let path = keys.knownText(camera + "path") else { continue }
            if let other = paths[path] {
                conflict(camera + "path", "camera \(other) pushes to the same path")
            }
            paths[path] = number
        }
    }

    private mutating func checkSigns() {
        var ports: [String: Int] = [:]
        var lanes: [Int: Int] = [:]
        for number in keys.numbers(of: "sign") {
            let sign = "sign.\(number)."
            checkLane(of: sign + "lane")
            if let lane = keys.knownNumber(sign + "lane") {
                if let other = lanes[lane] { conflict(sign + "lane", "sign \(other) stands at lane \(lane) already") }
                lanes[lane] = number
            }
            guard let port = keys.knownText(sign + "port") else { continue }
            if let other = ports[port] { conflict(sign + "port", "sign \(other) has that port") }
            ports[port] = number
        }
    }

    private mutating func checkUplinks() {
        for number in keys.numbers(of: "uplink") {
            let first = "uplink.\(number).retry_first_ms"
            let limit = "uplink.\(number).retry_limit_ms"
            guard let pause = keys.knownNumber(first), let longest = keys.knownNumber(limit), pause > longest else {
                continue
            }
            conflict(first, "\(pause) must not be more than \(limit), which is \(longest)")
        }
    }

    private mutating func checkUPS() {
        guard let kind = keys.knownText("ups.kind"), kind != "none" else { return }
        guard kind != "contact" else {
            let lanes = keys.numbers(of: "lane")
            if !lanes.contains(where: { keys.hasInput(.mainsFail, lane: $0) }) {
                conflict("ups.kind", "a contact is named by lane.N.mains_fail_input, and no lane names one")
            }
            if keys.isAbsent("ups.end_after_minutes") {
                conflict("ups.end_after_minutes", "must be set, because a contact tells nothing of the battery")
            }
            return
        }
        if keys.isAbsent("ups.port") { conflict("ups.port", "must name a serial port, because ups.kind is \(kind)") }
        guard let port = keys.knownText("ups.port") else { return }
        for number in keys.numbers(of: "sign") where keys.knownText("sign.\(number).port") == port {
            conflict("ups.port", "sign \(number) has that port")
        }
    }
}
