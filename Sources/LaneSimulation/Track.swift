// A vehicle's way through its site, cut into cells: between two neighbouring places of its front nothing changes for
// any sensor, nor does the part of it that is under the arm's line.

import Domain
import LaneCore

struct Track {
    /// Bits 0 ..< 8 of a cell are vehicle sensors; from this bit on stands the body under the line, counted from 1.
    static let bodyShift: UInt32 = 20

    /// Places of the front at which something changes, rising.
    private(set) var edges: [Double] = []
    /// One more than `edges`.
    private(set) var cells: [UInt32] = []
    /// The front's place from which on, and up to which, presence is seen without a gap; 0 and 0 where it is not.
    let seenFrom: Double
    let seenTo: Double

    /// - Parameter side: the lane that it drives in. `isMirrored`: it comes from the other side of the arm.
    init(_ shape: VehicleShape, _ site: LaneSite, side: Int, isMirrored: Bool) {
        var spans: [(from: Double, to: Double, bits: UInt32)] = []
        for raw in 0..<LaneSensor.vehicleSensorCount {
            guard let sensor = LaneSensor(rawValue: UInt8(raw)), Track.concerns(sensor, side, site.layout),
                var zone = site.zone(sensor)
            else { continue }
            if isMirrored { zone = Stretch(from: -zone.to, to: -zone.from) }
            let seesAll = sensor == .curtain || sensor == .radar || site.hasBoost
            for part in seesAll ? [Stretch(from: 0, to: shape.length)] : shape.metal {
                spans.append((zone.from + part.from, zone.to + part.to, 1 << UInt32(raw)))
            }
        }
        for (index, body) in shape.bodies.enumerated() {
            spans.append((body.stretch.from, body.stretch.to, UInt32(index + 1) << Track.bodyShift))
        }
        edges = Array(Set(spans.flatMap { [$0.from, $0.to] })).sorted()
        cells = [0]
        for edge in edges {
            cells.append(spans.reduce(0) { $1.from <= edge && edge < $1.to ? $0 | $1.bits : $0 })
        }
        let presence = SensorSet.presence.bits
        guard let first = cells.firstIndex(where: { $0 >> Track.bodyShift != 0 }),
            let last = cells.lastIndex(where: { $0 >> Track.bodyShift != 0 }),
            cells[first...last].allSatisfy({ $0 & presence != 0 })
        else {
            seenFrom = 0
            seenTo = 0
            return
        }
        var low = first
        while low > 0 && cells[low - 1] & presence != 0 { low -= 1 }
        var high = last
        while high < cells.count - 1 && cells[high + 1] & presence != 0 { high += 1 }
        seenFrom = edges[low - 1]
        seenTo = edges[high]
    }

    private static func concerns(_ sensor: LaneSensor, _ side: Int, _ layout: LaneLayout) -> Bool {
        guard layout == .parallel else { return true }
        switch sensor {
        case .approach, .safety, .clearing: return side == 0
        case .secondApproach, .secondSafety, .secondClearing: return side == 1
        default: return true
        }
    }

    /// The same with one presence sensor out of order.
    func isSeen(without sensor: LaneSensor, from low: Double, to high: Double) -> Bool {
        let bits = SensorSet.presence.bits & ~(1 << UInt32(sensor.rawValue))
        for index in cells.indices {
            let from = index == 0 ? -Double.infinity : edges[index - 1]
            let to = index == edges.count ? Double.infinity : edges[index]
            if to > low && from < high && cells[index] & bits == 0 { return false }
        }
        return true
    }

    func cell(at place: Double) -> Int {
        edges.firstIndex { $0 > place } ?? edges.count
    }
}
