// What keys say about each other. Each check looks only at keys that are right by themselves.

import Domain

struct CrossChecks {
    private let keys: CheckedKeys
    private(set) var errors: [ConfigurationError] = []

    init(_ keys: CheckedKeys) {
        self.keys = keys
        checkLanes()
        checkBackend()
        checkWiring()
        checkCameras()
        checkSigns()
        checkUplinks()
    }

    private mutating func conflict(_ key: String, _ why: String) {
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
            check(lane + "relay_pulse_ms", below: lane + "raise_travel_ms")
            check(lane + "relay_pulse_ms", below: lane + "lower_travel_ms")
            check(lane + "raise_travel_ms", below: lane + "authorised_window_ms")
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

    private mutating func checkBackend() {
        switch keys.knownText("lines.backend") {
        case "gpio":
            for number in keys.numbers(of: "lane") {
                for name in ["approach_input", "safety_input", "raise_output", "lower_output"] {
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

    private mutating func checkWiring() {
        var users: [LineReference: String] = [:]
        for number in keys.numbers(of: "lane") {
            for name in [
                "approach_input", "safety_input", "raise_output", "lower_output", "green_output", "red_output",
            ] {
                let key = "lane.\(number).\(name)"
                guard let line = keys.knownLine(key) else { continue }
                if let other = users[line] {
                    conflict(key, "the line is already used by \(other)")
                }
                users[line] = key
            }
        }
    }

    private mutating func checkLane(of key: String) {
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
        var bauds: [String: String] = [:]
        var cards: [String: Int] = [:]
        for number in keys.numbers(of: "sign") {
            let sign = "sign.\(number)."
            checkLane(of: sign + "lane")
            guard let port = keys.knownText(sign + "port"), let baud = keys.knownText(sign + "baud"),
                let address = keys.knownNumber(sign + "address")
            else { continue }
            if bauds[port, default: baud] != baud {
                conflict(sign + "baud", "another sign on \(port) has another speed")
            }
            bauds[port] = baud
            let card = port + "/" + String(address)
            if let other = cards[card] {
                conflict(sign + "address", "sign \(other) has the same address on \(port)")
            }
            cards[card] = number
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
}
