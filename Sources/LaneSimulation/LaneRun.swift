// One site's run: the event loop between vehicles, arm, contacts, people and the real LaneCore.
//
// Everything moves at constant speed between events, so time jumps from event to event. Between two events the body
// under the line does not change and the angle is monotonic: touching is looked for at both ends.

import Domain
import LaneCore

final class LaneRun {
    static let origin: UInt64 = 1_000_000_000

    let site: LaneSite
    var chance: Chance
    var now: Int64 = 0
    var core: LaneCore
    var actions = LaneActions()
    var arm: BarrierOperator
    var channels: [SensorChannel] = []
    var vehicles: [Vehicle] = []
    var ghosts: [Vehicle] = []
    var result = SimulationResult()

    // Arrivals.
    let wantedVehicles: Int
    var spawned = 0
    var spawnAt: [Int64] = [0, 0]
    var isEnding = false

    // The world beside the vehicles.
    var agenda: [(at: Int64, item: AgendaItem)] = []
    var agendaAt = never
    var levels: UInt32 = 0
    var buttons: UInt32 = 0
    var isGreen = [false, false]
    var isKnocked = false
    var presenceFaultUntil: Int64 = 0
    var limitFaultUntil: Int64 = 0
    var knockedHidesLimits = true
    var forcedLimits: [LaneSensor: Bool] = [:]
    var isHeld = false
    var isFire = false
    var isInMaintenance = false
    var isLockedDown = false
    var wasStopped = false
    var mayStayUp = false
    var wasFalling = false

    // The books.
    var owners: [VehicleToken: Vehicle] = [:]
    var asked: Set<VehicleToken> = []
    var ended: Set<VehicleToken> = []
    var outcomes: [VehicleToken: PassOutcome] = [:]
    var allowed: Set<VehicleToken> = []
    var byPerson: Set<VehicleToken> = []
    var raiseOrdered = false
    /// By side, before the step.
    var wasReleased = [false, false]
    var doubtfulFaults = 0
    var trace: LaneTrace?
    private var stalls = 0
    /// When the first vehicle, and the first contact, next does something.
    var vehiclesAt = never
    var channelsAt = never
    private var vehicleBits: UInt32 = 0
    var isLineTaken = false
    private let timerDelay: Int64

    init(seed: UInt64, vehicles: Int, breakage: Breakage?, isTraced: Bool) {
        var chance = Chance(seed: seed)
        site = LaneSite(breakage, &chance)
        self.chance = chance
        wantedVehicles = vehicles
        timerDelay = nanoseconds(site.latency)
        let isDouble = site.layout != .single
        core = LaneCore(
            lane: LaneID(0), second: isDouble ? LaneID(1) : nil, boot: 7, timings: site.timings, fitting: site.fitting)
        arm = BarrierOperator(site.traits)
        for raw in 0..<LaneSensor.count {
            let isVehicle = raw < LaneSensor.vehicleSensorCount
            channels.append(
                SensorChannel(
                    delayOn: site.debounce + site.latency + (isVehicle ? site.detectorOn : 0),
                    delayOff: site.debounce + site.latency + (isVehicle ? site.detectorOff : 0)))
        }
        if isTraced { trace = LaneTrace() }
    }

    var instant: Instant { Instant(nanoseconds: LaneRun.origin + UInt64(now)) }

    /// Plays until the vehicles have come and gone, then lets everything heal and looks whether the lane comes to rest.
    func play() -> SimulationResult {
        levels = 1 << UInt32(LaneSensor.closedLimit.rawValue)
        channels[Int(LaneSensor.closedLimit.rawValue)] = SensorChannel.told(site)
        core.start(
            site.hasClosedLimit ? SensorSet(bits: levels) : .none, at: instant, &actions)
        take(order: nil)
        spawnAt = [chance.time(1, 4), site.layout == .single ? never : chance.time(1, 9)]
        while !isEnding || !vehicles.isEmpty { turn(until: never) }
        healEverything()
        letRest()
        // A missed open limit is forgotten once the arm has come up again: the guard tries it.
        if !core.isAtRest {
            give(.release(LaneID(0), core.token(0)))
            letRest()
        }
        judgeRest()
        return result
    }

    /// Longer than any timer of the lane that a healthy site leaves running.
    private func letRest() {
        let longest = max(site.timings.stuckAfter, site.timings.unattended, site.timings.authorisedWindow)
        let restBy = now + nanoseconds(40) + Int64(longest.nanoseconds)
        while now < restBy { turn(until: restBy) }
    }

    /// The next event, or `limit` where that comes first.
    private func turn(until limit: Int64) {
        var next = min(limit, min(arm.nextAt, agendaAt), min(channelsAt, vehiclesAt))
        if !isEnding { next = min(next, spawnAt[0], spawnAt[1]) }
        if let deadline = core.nextDeadline {
            next = min(next, Int64(deadline.nanoseconds - LaneRun.origin) + timerDelay)
        }
        precondition(next < never, "SIM-1 a run has a next event")
        stalls = next <= now ? stalls + 1 : 0
        precondition(stalls < 10_000, "SIM-2 time goes on")
        now = max(now, next)
        lookForTouch()
        let armMoves = arm.nextAt <= now
        moveArm()
        let vehiclesMove = vehiclesAt <= now
        if vehiclesMove { moveVehicles() }
        if armMoves || vehiclesMove || levels & ~worldBits != buttons { readWorld() }
        lookForTouch()
        if channelsAt <= now { advanceChannels() }
        if let deadline = core.nextDeadline, Int64(deadline.nanoseconds - LaneRun.origin) + timerDelay <= now {
            step(.timer)
        }
        if agendaAt <= now { doAgenda() }
        for side in 0..<2 where !isEnding && spawnAt[side] <= now { arrive(side) }
    }

    /// The levels that vehicles and the arm make; the others are buttons and alarms.
    private var worldBits: UInt32 { (1 << UInt32(LaneSensor.exitRequest.rawValue)) - 1 }

    private func advanceChannels() {
        for index in channels.indices where channels[index].nextAt <= now {
            if channels[index].advance(to: now) { tell(index) }
        }
        channelsAt = channels.indices.reduce(never) { min($0, channels[$1].nextAt) }
    }

    /// Changes a contact's channel and keeps the time of the next change.
    func withChannel(_ sensor: LaneSensor, _ change: (inout SensorChannel) -> Void) {
        change(&channels[Int(sensor.rawValue)])
        channelsAt = min(channelsAt, channels[Int(sensor.rawValue)].nextAt)
    }

    private func moveArm() {
        if arm.nextAt <= now { arm.advance(to: now) }
        if arm.rate < 0 && !wasFalling { armBeganToFall() }
        wasFalling = arm.rate < 0
    }

    private func moveVehicles() {
        var index = 0
        while index < vehicles.count {
            let vehicle = vehicles[index]
            if vehicle.nextAt <= now { moveVehicle(vehicle) }
            if vehicle.goneAt != never {
                vehicles.remove(at: index)
                ghosts.append(vehicle)
                result.vehicles += 1
                if vehicle.entry != .none { result.passes += 1 }
            } else {
                index += 1
            }
        }
        var mask: UInt32 = 0
        vehiclesAt = never
        isLineTaken = false
        for vehicle in vehicles {
            mask |= vehicle.mask & SensorSet.vehicle.bits
            vehiclesAt = min(vehiclesAt, vehicle.nextAt)
            if vehicle.isUnderLine {
                isLineTaken = true
                vehicle.seenUnderAt = now
            }
        }
        vehicleBits = mask
    }

    private func moveVehicle(_ vehicle: Vehicle) {
        let wasUnder = vehicle.isUnderLine
        vehicle.advance(to: now)
        if vehicle.isUnderLine && !wasUnder { cameUnder(vehicle) }
        if vehicle.tickAt <= now { think(vehicle) }
        if vehicle.goneAt == never { vehicle.plan(now) }
    }

    /// What the world's contacts are now; changes go to their channels.
    private func readWorld() {
        var seen = buttons | vehicleBits
        if !(isKnocked && knockedHidesLimits) {
            if arm.isOpenSwitched { seen |= 1 << UInt32(LaneSensor.openLimit.rawValue) }
            if arm.isClosedSwitched { seen |= 1 << UInt32(LaneSensor.closedLimit.rawValue) }
        }
        var changed = seen ^ levels
        levels = seen
        while changed != 0 {
            let index = changed.trailingZeroBitCount
            changed &= changed - 1
            let bounce = chance.happens(0.1) ? nanoseconds(chance.real(0, site.debounce)) : 0
            channels[index].set(seen & 1 << UInt32(index) != 0, bounce: bounce, at: now)
            channelsAt = min(channelsAt, channels[index].nextAt)
        }
    }

    /// The lane hears of a contact's state.
    func tell(_ index: Int) {
        guard let sensor = LaneSensor(rawValue: UInt8(index)), site.fitting.sensors.contains(sensor) else { return }
        if site.breakage == .blindLane && SensorSet.presence.contains(sensor) { return }
        step(.sensor(sensor, isActive: channels[index].told))
    }

    func step(_ event: LaneEvent) {
        for side in 0..<2 { wasReleased[side] = core.phase(side) == .released || core.phase(side) == .passing }
        core.step(event, at: instant, &actions)
        result.steps += 1
        trace?.note(now, event, self)
        if case .order(let order) = event { take(order: order) } else { take(order: nil) }
    }

    func later(_ delay: Int64, _ item: AgendaItem) {
        agenda.append((now + delay, item))
        agendaAt = min(agendaAt, now + delay)
    }

    private func doAgenda() {
        while let index = agenda.indices.filter({ agenda[$0].at <= now }).min(by: { agenda[$0].at < agenda[$1].at }) {
            let item = agenda.remove(at: index).item
            perform(item)
        }
        agendaAt = agenda.reduce(never) { min($0, $1.at) }
    }
}

extension SensorChannel {
    /// A contact that is active from the beginning and known to be.
    static func told(_ site: LaneSite) -> SensorChannel {
        var channel = SensorChannel(delayOn: site.debounce + site.latency, delayOff: site.debounce + site.latency)
        channel.set(true, bounce: 0, at: -1_000_000_000)
        _ = channel.advance(to: 0)
        return channel
    }
}
