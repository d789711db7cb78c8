// One site drawn at random: where loops, curtain and radar lie, what the operator is like, how the controller is set.
//
// x runs along the lane in metres, the arm's line is x = 0, and an entering vehicle moves up. A vehicle that comes from
// the other side sees the same site mirrored. y runs from the arm's pivot across the lane.
//
// What the lane may take for granted (each precondition has a test that breaks it and finds contacts):
//   P1 wherever any part of a vehicle is under the arm's line, a presence sensor sees some part of it. Loops alone do
//      so only for vehicles without a gap longer than the safety loop; for others a curtain, a radar or a boost is
//      fitted.
//   P2 presence begins so far before the line that speed × (detector, debounce, latency, dead time, operator's delay
//      and coasting) fits in it, in either direction of travel.
//   P3 who was given green and keeps below the lane's speed can stop between the place where presence begins and the
//      line: in 0.7 s and at 3 m/s² from the arm's first movement, which may come as late as detector, debounce,
//      latency and the operator's start after the front has reached that place.
//   P4 a drop-out of the only presence sensor that sees a vehicle is shorter than the close delay.
//   P5 `lowerTravel` is not shorter than the operator's slowest way down, where no closed limit tells.

import Domain
import LaneCore

/// A precondition, or the lane itself, broken on purpose.
public enum Breakage: String, CaseIterable, Sendable {
    /// P1
    case unseenGaps
    /// P2
    case shortLead
    /// P3: a release ends before drivers who saw green.
    case speeding
    /// P4
    case longDropOuts
    /// P5
    case shortTravel
    /// The lane is not told of presence: a LaneCore that ignores it.
    case blindLane
}

struct LaneSite {
    let layout: LaneLayout
    let breakage: Breakage?
    var fitting: LaneFitting
    var timings: LaneTimings
    var traits = OperatorTraits()
    /// By `LaneSensor`, where it is a zone; nil where it is not fitted.
    var zones = [Stretch?](repeating: nil, count: LaneSensor.count)
    var hasBoost = false
    /// How far before and behind the line presence begins.
    let lead: Double
    let tail: Double
    let armLength: Double
    let pivotHeight: Double
    let debounce: Double
    /// Detector's own delays, on and off, seconds.
    let detectorOn: Double
    let detectorOff: Double
    /// From the kernel's stamp to the lane's step, and how late a timer may be.
    let latency: Double
    /// Whether operator faults that only a closed limit betrays may happen.
    let hasClosedLimit: Bool
    let cruise: Double

    init(_ breakage: Breakage?, _ chance: inout Chance) {
        self.breakage = breakage
        let draw = chance.below(10)
        layout = breakage != nil || draw < 6 ? .single : draw < 8 ? .opposed : .parallel
        debounce = chance.real(0.02, 0.05)
        detectorOn = chance.real(0.005, 0.06)
        detectorOff = chance.real(0.01, 0.1)
        latency = chance.real(0.0001, 0.003)
        let deadTime = chance.happens(0.2) ? 0 : chance.real(0.2, 0.5)

        let total = [chance.real(0.9, 1.4), chance.real(1.4, 4), chance.real(4, 5)][chance.below(3)]
        // A maintained relay that is released stops the arm: only a pulse lets it fall on.
        traits.isMaintained = breakage != .shortTravel && chance.happens(0.35)
        traits.riseTime = total * chance.real(0.4, 0.5)
        traits.fallTime = total - traits.riseTime
        traits.commandDelay = chance.real(0.01, 0.08)
        traits.startDelay = chance.real(0.02, 0.25)
        traits.coast = chance.real(0.03, 0.25)
        traits.reversePause = chance.real(0.02, 0.3)

        cruise = breakage == .shortTravel ? 0.8 : chance.real(0.8, 3)
        var site = (lead: 0.0, tail: 0.0)
        let answer =
            detectorOn + 2 * debounce + latency + deadTime + traits.commandDelay + traits.coast + 0.01
        // P2 and P3 for the speed that the lane is built for, at most 4.5 m of loop before the arm.
        site.lead = min(4.5, max(cruise * answer, cruise * (0.7 + answer - deadTime) + cruise * cruise / 6) + 0.1)
        site.tail = layout == .opposed ? site.lead : chance.real(0.6, 2.2)
        lead = site.lead * (breakage == .shortLead ? 0.15 : 1)
        tail = site.tail
        armLength = layout == .parallel ? chance.real(6.5, 8) : chance.real(3, 5)
        pivotHeight = chance.real(0.85, 1.05)

        var sensors = SensorSet.none.with(.approach).with(.safety).with(.fireAlarm).with(.tamper).with(.mainsFail)
            .with(.guardOpen).with(.guardClose).with(.guardStop).with(.exitRequest)
        let separation = chance.real(0.3, 2)
        let approachLength = chance.real(1.5, 4)
        zones[Int(LaneSensor.safety.rawValue)] = Stretch(from: -lead, to: tail)
        let before = Stretch(from: -lead - separation - approachLength, to: -lead - separation)
        zones[Int(LaneSensor.approach.rawValue)] = before
        let behind = Stretch(from: tail + separation, to: tail + separation + approachLength)
        switch layout {
        case .single:
            break
        case .opposed:
            zones[Int(LaneSensor.secondApproach.rawValue)] = behind
            sensors = sensors.with(.secondApproach)
        case .parallel:
            zones[Int(LaneSensor.secondApproach.rawValue)] = before
            zones[Int(LaneSensor.secondSafety.rawValue)] = zones[Int(LaneSensor.safety.rawValue)]
            sensors = sensors.with(.secondApproach).with(.secondSafety)
        }
        if layout != .opposed && chance.happens(0.4) {
            zones[Int(LaneSensor.clearing.rawValue)] = behind
            sensors = sensors.with(.clearing)
            if layout == .parallel {
                zones[Int(LaneSensor.secondClearing.rawValue)] = behind
                sensors = sensors.with(.secondClearing)
            }
        }
        let isBare = breakage == .unseenGaps || breakage == .longDropOuts || breakage == .shortLead
        if !isBare && chance.happens(0.4) {
            let place = chance.real(-0.3, 0.2)
            zones[Int(LaneSensor.curtain.rawValue)] = Stretch(from: place, to: place + 0.01)
            sensors = sensors.with(.curtain)
        }
        if !isBare && chance.happens(0.25) {
            zones[Int(LaneSensor.radar.rawValue)] = Stretch(from: -lead * chance.real(0.5, 1), to: tail)
            sensors = sensors.with(.radar)
        }
        hasBoost = !isBare && (breakage == .shortTravel || chance.happens(0.3))
        if chance.happens(0.7) { sensors = sensors.with(.openLimit) }
        hasClosedLimit = breakage != .shortTravel && chance.happens(0.7)
        if hasClosedLimit { sensors = sensors.with(.closedLimit) }

        fitting = LaneFitting(layout: layout, sensors: sensors)
        fitting.drive = traits.isMaintained ? .maintained : .pulse
        fitting.trustsGaps = sensors.contains(.curtain) || sensors.contains(.radar) || hasBoost
        fitting.queuesThrough = chance.happens(0.4)
        fitting.hasBackupPower = chance.happens(0.3)
        fitting.attempts = UInt8(1 + chance.below(3))

        let slack = traits.commandDelay + traits.startDelay + traits.coast + traits.reversePause + 0.1
        let fall = (traits.fallTime + slack) * (breakage == .shortTravel ? 0.05 : chance.real(1.1, 2))
        let rise = (traits.riseTime + slack) * chance.real(1.1, 2)
        func interval(_ seconds: Double) -> Interval { Interval(nanoseconds: UInt64(seconds * 1e9)) }
        timings = LaneTimings(
            verdictDeadline: interval(chance.real(2, 8)), authorisedWindow: interval(chance.real(8, 40)),
            backOut: interval(chance.real(1, 4)),
            closeDelay: interval(breakage == .shortTravel ? 1 : chance.real(1, 3)),
            raiseTravel: interval(rise), lowerTravel: interval(fall),
            relayPulse: interval(min(chance.real(0.3, 1), rise, fall)), deadTime: interval(deadTime))
        if breakage == .speeding { timings.authorisedWindow = interval(chance.real(1, 4)) }
        timings.axleGap = interval(chance.real(0.8, 3))
        timings.stuckAfter = interval(chance.real(60, 300))
        timings.unattended = interval(chance.real(5, 30))
        timings.maintenance = interval(chance.real(60, 300))
    }

    /// From a vehicle's coming into a presence zone to the end of the arm's way down.
    var answerTime: Double {
        detectorOn + 2 * debounce + latency + seconds(Int64(timings.deadTime.nanoseconds)) + traits.commandDelay
            + traits.coast + 0.01
    }

    func zone(_ sensor: LaneSensor) -> Stretch? { zones[Int(sensor.rawValue)] }

    /// The arm's angle below which it is lower than a height, at that distance from the pivot.
    func criticalAngle(height: Double, distance: Double) -> Double {
        guard height > pivotHeight, distance < armLength else { return -1 }
        let byHeight = atan2Degrees(height - pivotHeight, distance)
        let byReach = arcCosineDegrees(distance / armLength)
        return min(byHeight, byReach)
    }
}
