// A site's run told line by line: what the lane heard, what it did, and where everything was.

import Domain
import LaneCore

struct LaneTrace {
    private(set) var lines: [String] = []

    mutating func say(_ now: Int64, _ text: String) {
        lines.append("\(seconds(now)) \(text)")
    }

    mutating func note(_ now: Int64, _ event: LaneEvent, _ run: LaneRun) {
        var line = "\(event) -> \(run.core.phase(0)) \(run.core.phase(1))"
        for index in 0..<run.actions.count { line += "\n        \(run.actions[index])" }
        line += "\n      arm \(run.arm.angle(at: now)) rate \(run.arm.rate)"
        for vehicle in run.vehicles {
            let place = vehicle.place + vehicle.speed * seconds(now - vehicle.since)
            line += "; \(vehicle.id)/\(vehicle.side) \(vehicle.mode) \(place) of \(vehicle.shape.length)"
        }
        say(now, line)
    }
}
