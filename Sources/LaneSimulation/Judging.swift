// The judge: whether the arm touches a vehicle and whose doing that is, and whether the lane's books are right.
//
// STRUCK: the arm touches a vehicle that was under the arm's line before the arm came below the height of what it
// touches; or that was given green, and the arm began to fall when it could no longer stop (0.7 s and 3 m/s²). Never.
// RAMMED: the vehicle drives into an arm that was already lower than it when it came to the line. The driver's doing.

import Domain
import LaneCore

extension LaneRun {
    func cameUnder(_ vehicle: Vehicle) {
        vehicle.topAngle = arm.angle(at: now)
        vehicle.isTouched = false
        guard vehicle.entry == .none else { return }
        let token = core.token(vehicle.side)
        let isServed = vehicle.tokens.contains(token)
        switch core.phase(vehicle.side) {
        case _ where isHeld || isFire: vehicle.entry = .freeForAll
        case .released, .passing, .straddling:
            vehicle.entry =
                byPerson.contains(token) && (isServed || owners[token] == nil)
                ? .byPerson : isServed && allowed.contains(token) ? .byVerdict : .unreleased
        default: vehicle.entry = .unreleased
        }
    }

    func armBeganToFall() {
        for vehicle in vehicles where vehicle.hasGreen && vehicle.place < 0 && vehicle.speed > 0 {
            let way = vehicle.speed * 0.7 + vehicle.speed * vehicle.speed / 6
            if vehicle.place + way > 0 { vehicle.isCommitted = true }
        }
    }

    func lookForTouch() {
        guard isLineTaken else { return }
        for vehicle in vehicles where vehicle.isUnderLine {
            let angle = arm.angle(at: now)
            vehicle.topAngle = max(vehicle.topAngle, angle)
            guard !isKnocked, !vehicle.isTouched, angle < vehicle.criticalAngle - 1e-6 else { continue }
            touch(vehicle, at: angle)
        }
    }

    private func touch(_ vehicle: Vehicle, at angle: Double) {
        vehicle.isTouched = true
        if vehicle.topAngle >= vehicle.criticalAngle || vehicle.isCommitted {
            result.struck += 1
            if result.firstStruck == nil {
                result.firstStruck =
                    "\(seconds(now)) s: \(vehicle.shape.kind) \(vehicle.id) side \(vehicle.side) "
                    + "front \(vehicle.place) m of \(vehicle.shape.length) m, \(vehicle.speed) m/s, "
                    + "arm \(angle)° at \(arm.rate)°/s, "
                    + "top \(vehicle.topAngle)°, height angle \(vehicle.criticalAngle)°, mode \(vehicle.mode), "
                    + "entry \(vehicle.entry), committed \(vehicle.isCommitted), layout \(site.layout), "
                    + "sensors \(String(site.fitting.sensors.bits, radix: 2))"
            }
            trace?.say(now, "STRUCK vehicle \(vehicle.id)")
        } else {
            result.rammed += 1
        }
        if !isKnocked { knock(hidesLimits: chance.happens(0.7)) }
    }

    // MARK: the lane's actions

    func take(order: LaneOrder?) {
        if case .release(let lane, let token)? = order {
            // Given to that very vehicle, or to whoever comes.
            let served = core.token(Int(lane.index))
            if (token == .none || token == served) && !wasReleased[Int(lane.index)] { byPerson.insert(served) }
        }
        for index in 0..<actions.count {
            switch actions[index] {
            case .drive(let output, let isOn): drive(output, isOn)
            case .identify(let lane, let token, _, let attempt): ask(lane, token, attempt: attempt)
            case .releaseAsked(let lane, let token, _):
                if chance.happens(0.9) { later(chance.time(0.01, 0.5), .order(.release(lane, token))) }
            case .notice(let lane, .refused, _):
                for vehicle in vehicles where vehicle.side == Int(lane.index) && vehicle.mode == .waiting {
                    vehicle.isDeniedNow = true
                }
            case .passEnded(let end): took(end)
            case .raised(let cause): judgeRaise(cause, order)
            case .fault(.chatter, let isRaised), .fault(.edgesLost, let isRaised):
                doubtfulFaults += isRaised ? 1 : -1
            case .identificationOverdue, .notice, .noted, .travelled, .fault: break
            }
        }
        for side in 0..<2 {
            let token = core.token(side)
            guard token != .none, owners[token] == nil else { continue }
            adopt(token, side)
        }
    }

    private func drive(_ output: LaneOutput, _ isOn: Bool) {
        let delay = nanoseconds(site.traits.commandDelay)
        switch output {
        case .raise:
            if isOn && !raiseOrdered { complain("raise relay without a cause") }
            if !isOn { raiseOrdered = false }
            later(delay, .relay(1, isOn))
        case .lower: later(delay, .relay(-1, isOn))
        case .stop: later(delay, .relay(0, isOn))
        case .green, .secondGreen:
            let side = output == .green ? 0 : 1
            isGreen[side] = isOn
            for vehicle in vehicles where isOn && vehicle.side == side && vehicle.mode == .waiting {
                vehicle.tickAt = min(vehicle.tickAt, now + nanoseconds(vehicle.character.reaction))
                vehicle.plan(now)
                vehiclesAt = min(vehiclesAt, vehicle.nextAt)
            }
        case .red, .secondRed, .fill, .siren, .beacon, .trigger, .secondTrigger: break
        }
    }

    private func judgeRaise(_ cause: RaiseCause, _ order: LaneOrder?) {
        raiseOrdered = true
        // Whom it was raised for may have ended in the same step.
        var tokens = [core.token(0), core.token(1)]
        for index in 0..<actions.count {
            if case .passEnded(let end) = actions[index] { tokens.append(end.token) }
        }
        let isRight: Bool
        switch cause {
        case .verdict: isRight = tokens.contains { allowed.contains($0) }
        case .person:
            isRight = tokens.contains { byPerson.contains($0) }
        case .hold: isRight = isHeld
        case .fire: isRight = channels[Int(LaneSensor.fireAlarm.rawValue)].told
        case .protection:
            let told = channels.indices.contains {
                channels[$0].told && SensorSet.presence.bits & 1 << UInt32($0) != 0
            }
            isRight = told || doubtfulFaults > 0
        case .maintenance: isRight = isInMaintenance
        }
        if !isRight { complain("raised for \(cause) without one") }
    }

    func complain(_ what: String) {
        result.bookErrors += 1
        if result.firstBookError == nil { result.firstBookError = "\(seconds(now)) s: \(what)" }
        trace?.say(now, "WRONG \(what)")
    }

    // MARK: tokens and outcomes

    private func took(_ end: PassEnd) {
        if !ended.insert(end.token).inserted { complain("token \(end.token.value) ended twice") }
        outcomes[end.token] = end.outcome
        switch end.cause {
        case .hold, .fire, .maintenance, .protection: break
        case .verdict, .person, nil: if owners[end.token] == nil { adopt(end.token, Int(end.lane.index)) }
        }
        if end.outcome == .completed && !allowed.contains(end.token) { complain("completed without a verdict") }
        if end.outcome == .manual && end.cause == .person && !byPerson.contains(end.token) {
            complain("manual without an order")
        }
    }

    /// A token that nobody was asked for belongs to the vehicle that was under the arm last and has none.
    private func adopt(_ token: VehicleToken, _ side: Int) {
        var best: Vehicle?
        for vehicle in vehicles where vehicle.side == side || site.layout == .opposed {
            let isNear = vehicle.place > -site.lead && vehicle.tokens.allSatisfy { ended.contains($0) }
            if isNear && vehicle.seenUnderAt >= best?.seenUnderAt ?? -1 { best = vehicle }
        }
        guard let best else { return }
        owners[token] = best
        best.tokens.append(token)
    }

    func judgeRest() {
        if Int(core.tokenCount(0) + core.tokenCount(1)) != ended.count {
            complain("\(core.tokenCount(0) + core.tokenCount(1)) tokens, \(ended.count) outcomes")
        }
        result.sites += 1
        if !core.isAtRest || site.hasClosedLimit && !arm.isClosedSwitched {
            result.notAtRest += 1
            if result.firstUnrest == nil {
                result.firstUnrest =
                    "\(seconds(now)) s: phases \(core.phase(0)) \(core.phase(1)), arm \(arm.angle(at: now))°, "
                    + "deadline \(String(describing: core.nextDeadline)), \(site.layout), "
                    + "sensors \(String(site.fitting.sensors.bits, radix: 2))"
            }
            trace?.say(now, "NOT AT REST")
        }
        for vehicle in ghosts {
            let row =
                vehicle.entry == .none ? 0 : 2 * vehicle.entry.rawValue - (vehicle.hasCrossed ? 1 : 0)
            let ends = vehicle.tokens.compactMap { outcomes[$0] }
            let crossings = ends.filter(\.crossed).count
            let told = ends.first(where: \.crossed) ?? ends.last
            let column = crossings > 1 ? 9 : Int(told?.rawValue ?? 0)
            result.table[row][column] += 1
            if result.examples[row * 10 + column] == nil {
                result.examples[row * 10 + column] =
                    "vehicle \(vehicle.id) \(vehicle.shape.kind) from \(seconds(vehicle.bornAt)) s, tokens "
                    + "\(vehicle.tokens.map { $0.value & 0x1FFF_FFFF })"
            }
        }
        for (token, outcome) in outcomes where owners[token] == nil {
            result.phantoms[Int(outcome.rawValue)] += 1
            if result.examples[90 + Int(outcome.rawValue)] == nil {
                result.examples[90 + Int(outcome.rawValue)] = "token \(token.value & 0x1FFF_FFFF)"
            }
        }
    }
}

extension SensorChannel {
    mutating func heal(at now: Int64) {
        if chatterUntil > now { chatter(until: now, period: 0, at: now) }
        force(nil, at: now)
    }
}
