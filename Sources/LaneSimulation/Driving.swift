// How vehicles appear and what their drivers do. A driver looks up every few tenths of a second.

import Domain
import LaneCore

extension LaneRun {
    private var farAway: Double { 12 }

    /// The next vehicle of a side, where there is room for it.
    func arrive(_ side: Int) {
        spawnAt[side] = now + chance.time(2, 6)
        guard vehicles.count < 6, vehicles.filter({ $0.side == side }).count < 3 else { return }
        let isWrongSide = site.layout != .opposed && vehicles.isEmpty && chance.happens(0.02)
        if !isWrongSide && vehicles.contains(where: { $0.isWrongSide }) { return }
        let isMirrored = isWrongSide || site.layout == .opposed && side == 1
        let place = -(site.lead + farAway)
        guard !vehicles.contains(where: { $0.side == side && $0.rear < place + 1 }) else { return }
        guard let (shape, track) = drawShape(side, isMirrored) else { return }
        let character = drawCharacter(shape, track)
        let lateral = chance.real(0.5, 1.1) + (site.layout == .parallel && side == 1 ? 3.2 : 0)
        let angles = shape.bodies.map { site.criticalAngle(height: $0.height, distance: lateral) }
        let vehicle = Vehicle(
            id: spawned, side: side, isMirrored: isMirrored, isWrongSide: isWrongSide, shape: shape, track: track,
            character: character, criticalAngles: angles, stopPlace: stopPlace(isMirrored, isWrongSide, shape, track),
            place: place, at: now)
        vehicle.forcesNow = character.forces && !isWrongSide
        vehicles.append(vehicle)
        vehiclesAt = now
        spawned += 1
        let isClose = site.breakage == .shortTravel || chance.happens(0.35)
        spawnAt[side] = now + (isClose ? chance.time(1, 8) : chance.time(10, 60))
        if spawned >= wantedVehicles { isEnding = true } else if chance.happens(0.3) { drawHappening() }
    }

    /// A vehicle that meets the site's preconditions.
    private func drawShape(_ side: Int, _ isMirrored: Bool) -> (VehicleShape, Track)? {
        for attempt in 0..<8 {
            let kind = attempt < 7 ? VehicleKind.allCases[chance.below(VehicleKind.allCases.count)] : .car
            let isHighBed = attempt < 7 && chance.happens(0.4) || site.breakage == .unseenGaps
            let shape = VehicleShape(
                site.breakage == .unseenGaps ? .semitrailer : kind, isHighBed: isHighBed, &chance)
            let track = Track(shape, site, side: side, isMirrored: isMirrored)
            if site.breakage != nil && site.breakage != .shortTravel { return (shape, track) }
            let limits = speedLimits(shape, track)
            if limits.forward >= 0.3 && limits.back >= 0.15 { return (shape, track) }
        }
        return nil
    }

    /// P1, P2 and P3 as the speeds that they leave to a vehicle, forwards and backwards.
    private func speedLimits(_ shape: VehicleShape, _ track: Track) -> (forward: Double, back: Double) {
        guard track.seenTo > 0 else { return (0, 0) }
        let before = -track.seenFrom - 0.05
        let behind = track.seenTo - shape.length - 0.05
        guard before > 0, behind > 0 else { return (0, 0) }
        // An order to lower may be given while the detector is still at work, and the arm starts some time after it.
        let reaction = 0.7 + site.detectorOn + 2 * site.debounce + site.latency + site.traits.fallDelay
        let stopping = 3 * ((reaction * reaction + 2.0 / 3 * before).squareRoot() - reaction)
        return (min(before / site.answerTime, stopping, 3), min(behind / site.answerTime, 1.5))
    }

    private func stopPlace(_ isMirrored: Bool, _ isWrongSide: Bool, _ shape: VehicleShape, _ track: Track) -> Double {
        if chance.happens(0.03) { return -chance.real(0.2, site.lead) }
        if isWrongSide { return -site.tail - chance.real(0.3, 2) }
        let zone = site.zone(.approach) ?? Stretch(from: -4, to: -2)
        let overhang = shape.metal[0].from
        return min(zone.from + overhang + chance.real(0.2, zone.to - zone.from + 0.4), -site.lead - 0.1)
    }

    private func drawCharacter(_ shape: VehicleShape, _ track: Track) -> Character {
        var drawn = Character()
        let limits = speedLimits(shape, track)
        drawn.isAllowed = chance.happens(0.75)
        drawn.cruise = max(0.3, min(chance.real(0.5, 3), limits.forward))
        drawn.backSpeed = max(0.15, min(chance.real(0.3, 1.5), limits.back))
        if let breakage = site.breakage, breakage != .shortTravel {
            drawn.cruise = chance.real(1, 3)
            if breakage == .speeding { drawn.cruise = chance.real(3, 5) }
            drawn.backSpeed = 0.4
        }
        drawn.acceleration = chance.real(0.5, 2)
        drawn.reaction = chance.real(0.2, 0.5)
        drawn.hesitation = chance.happens(0.06) ? chance.real(5, 50) : chance.real(0.2, 2)
        drawn.patience = chance.real(8, 45)
        if chance.happens(0.08) {
            drawn.pauseAt = chance.real(-site.lead - 2, shape.length + 1)
            drawn.pause = chance.happens(0.2) ? chance.real(10, 60) : chance.real(0.5, 10)
        }
        if chance.happens(0.04) {
            drawn.turnAt = chance.real(-site.lead - 1, shape.length)
            drawn.leavesAfterTurn = chance.happens(0.6)
        }
        drawn.tailgates = chance.happens(0.08)
        drawn.ignoresRed = chance.happens(0.04)
        if site.breakage == .shortTravel {
            drawn.isHeedless = true
            drawn.tailgates = true
        }
        drawn.isHeedless = drawn.isHeedless || chance.happens(0.03)
        drawn.forces = chance.happens(0.005)
        drawn.callsGuard = chance.happens(0.3)
        if chance.happens(0.04) { drawn.changesMindAfter = chance.real(0.5, 12) }
        drawn.gap = chance.happens(0.5) ? chance.real(0.3, 1) : chance.real(1, 4)
        // Just so far behind that the arm has begun to fall.
        if site.breakage == .shortTravel { drawn.gap = chance.real(2, 6) }
        return drawn
    }

    // MARK: driving

    func think(_ vehicle: Vehicle) {
        vehicle.tickAt = now + nanoseconds(vehicle.character.reaction)
        if vehicle.rear > site.tail + farAway - 4 && vehicle.speed >= 0 {
            vehicle.goneAt = now
            vehicle.hasCrossed = vehicle.entry != .none
            return
        }
        if vehicle.place < -(site.lead + farAway - 0.5) && vehicle.mode == .backing {
            vehicle.goneAt = now
            return
        }
        if now - vehicle.bornAt > nanoseconds(400) { loseTemper(vehicle) }
        precondition(now - vehicle.bornAt < nanoseconds(5_000), "SIM-3 every vehicle leaves")
        switch vehicle.mode {
        case .arriving: thinkArriving(vehicle)
        case .waiting: thinkWaiting(vehicle)
        case .going: thinkGoing(vehicle)
        case .pausing:
            if now >= vehicle.pausesUntil { vehicle.mode = .going }
        case .backing: thinkBacking(vehicle)
        }
    }

    /// Whoever is still there after minutes leaves, one way or the other.
    private func loseTemper(_ vehicle: Vehicle) {
        guard !vehicle.leaves else { return }
        vehicle.leaves = true
        if vehicle.place > 0 {
            vehicle.mode = .going
        } else {
            vehicle.mode = .backing
        }
    }

    /// The place up to which the way is free.
    private func room(before vehicle: Vehicle) -> Double {
        var room = Double.infinity
        for other in vehicles
        where other !== vehicle && other.side == vehicle.side && other.isMirrored == vehicle.isMirrored
            && other.id < vehicle.id
        {
            room = min(room, other.rear - vehicle.character.gap)
        }
        return room
    }

    private func drive(_ vehicle: Vehicle, to target: Double, speed: Double) {
        guard abs(target - vehicle.place) > 0.02, (target - vehicle.place) * speed > 0 else {
            vehicle.speed = 0
            return
        }
        vehicle.target = target
        let step = vehicle.character.acceleration * vehicle.character.reaction
        if speed > 0 {
            vehicle.speed = min(speed, max(vehicle.speed, 0) + max(step, 0.2))
        } else {
            vehicle.speed = max(speed, min(vehicle.speed, 0) - max(step, 0.15))
        }
    }

    private func thinkArriving(_ vehicle: Vehicle) {
        let character = vehicle.character
        let isTempted =
            vehicle.forcesNow || character.ignoresRed && armIsHigh(for: vehicle)
            || character.tailgates && armIsHigh(for: vehicle) && vehicle.place > vehicle.stopPlace - 4
        if isTempted && !isOpposed(vehicle) {
            vehicle.mode = .going
            return thinkGoing(vehicle)
        }
        let stop = min(vehicle.stopPlace, room(before: vehicle))
        drive(vehicle, to: stop, speed: character.cruise)
        if vehicle.speed == 0 && vehicle.place > vehicle.stopPlace - 0.1 {
            vehicle.mode = .waiting
            vehicle.waitsSince = now
        } else if vehicle.speed == 0 && vehicle.leaves {
            vehicle.mode = .backing
        }
    }

    private func armIsHigh(for vehicle: Vehicle) -> Bool {
        arm.rate >= 0 && (isKnocked || arm.angle(at: now) > vehicle.highestCriticalAngle + 0.5)
    }

    /// Another vehicle comes the other way through the same lane.
    private func isOpposed(_ vehicle: Vehicle) -> Bool {
        vehicles.contains {
            $0.isMirrored != vehicle.isMirrored && ($0.side == vehicle.side || site.layout == .opposed)
                && $0.place > -site.lead && $0.rear < site.tail + 4
        }
    }

    private func isFirst(_ vehicle: Vehicle) -> Bool {
        !isOpposed(vehicle)
            && !vehicles.contains {
                $0.side == vehicle.side && $0.isMirrored == vehicle.isMirrored && $0.id < vehicle.id && $0.rear < 0
            }
    }

    private func thinkWaiting(_ vehicle: Vehicle) {
        let character = vehicle.character
        vehicle.speed = 0
        let isInvited =
            vehicle.isWrongSide
            ? armIsHigh(for: vehicle)
            : isGreen[vehicle.side] && armIsHigh(for: vehicle) || isKnocked && vehicle.isDeniedNow
        if isInvited && isFirst(vehicle) {
            vehicle.hasGreen = vehicle.hasGreen || isGreen[vehicle.side]
            if vehicle.goesAt == never { vehicle.goesAt = now + nanoseconds(character.hesitation) }
        } else {
            vehicle.goesAt = never
        }
        if vehicle.goesAt <= now {
            vehicle.mode = .going
            return thinkGoing(vehicle)
        }
        if (character.tailgates || character.ignoresRed) && armIsHigh(for: vehicle) && !isOpposed(vehicle)
            && room(before: vehicle) > vehicle.place
        {
            vehicle.mode = .going
            return
        }
        let waited = seconds(now - vehicle.waitsSince)
        if let changesMindAfter = character.changesMindAfter, waited > changesMindAfter {
            vehicle.mode = .backing
            vehicle.leaves = true
        } else if waited > character.patience + (vehicle.isDeniedNow ? 0 : 25) {
            if character.callsGuard && !vehicle.isDeniedNow {
                vehicle.isDeniedNow = true
                vehicle.waitsSince = now
                callGuard(vehicle)
            } else if character.forces || vehicle.isWrongSide && chance.happens(0.05), !isOpposed(vehicle) {
                vehicle.forcesNow = true
                vehicle.mode = .going
            } else {
                vehicle.mode = .backing
                vehicle.leaves = true
            }
        }
        vehicle.tickAt = now + nanoseconds(vehicle.mode == .waiting && vehicle.goesAt == never ? 0.8 : 0.2)
        if vehicle.goesAt != never { vehicle.tickAt = max(vehicle.goesAt, now + 1) }
    }

    private func thinkGoing(_ vehicle: Vehicle) {
        let character = vehicle.character
        if let turnAt = character.turnAt, !vehicle.hasTurned, vehicle.place >= turnAt {
            vehicle.hasTurned = true
            vehicle.leaves = character.leavesAfterTurn
            vehicle.speed = 0
            vehicle.mode = .backing
            return
        }
        if let pauseAt = character.pauseAt, !vehicle.hasPaused, vehicle.place >= pauseAt {
            vehicle.hasPaused = true
            vehicle.speed = 0
            vehicle.mode = .pausing
            vehicle.pausesUntil = now + nanoseconds(character.pause)
            vehicle.tickAt = vehicle.pausesUntil
            return
        }
        // Who sees the arm coming down, or down, stops if he still can; who forces or does not look drives on.
        if vehicle.place < 0 && !vehicle.forcesNow && !character.isHeedless && !armIsHigh(for: vehicle) {
            let way = vehicle.speed * vehicle.speed / 6
            if vehicle.speed == 0 || vehicle.place + way >= 0 && vehicle.place + 0.05 < 0 && way < 0.05 {
                vehicle.speed = 0
                vehicle.mode = .waiting
                vehicle.waitsSince = now
                return
            }
            if vehicle.place + way < 0 {
                // Braking at 3 m/s², as its mean speed over the way.
                vehicle.target = vehicle.place + way
                vehicle.speed /= 2
                vehicle.tickAt = now + nanoseconds(way / vehicle.speed) + 10_000_000
                return
            }
        }
        drive(vehicle, to: min(room(before: vehicle), 1_000), speed: character.cruise)
    }

    private func thinkBacking(_ vehicle: Vehicle) {
        // Who is under the arm goes back only while it is up.
        let behind = vehicles.first {
            $0.side == vehicle.side && $0.isMirrored == vehicle.isMirrored && $0.id > vehicle.id
        }
        var target = -(site.lead + farAway)
        if let behind {
            target = max(target, behind.place + vehicle.shape.length + 0.3)
            if behind.mode != .backing && behind.place < 0 {
                behind.mode = .backing
                behind.leaves = true
            }
        }
        if !vehicle.leaves && vehicle.place <= vehicle.stopPlace {
            vehicle.mode = .arriving
            vehicle.speed = 0
            return
        }
        drive(vehicle, to: target, speed: -vehicle.character.backSpeed)
    }
}
