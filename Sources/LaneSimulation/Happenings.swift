// What befalls a site beside its traffic: sensors and limits that fail, power, fire, people, and Admission's answers.

import Domain
import LaneCore

enum AgendaItem {
    case relay(Int, Bool)
    case verdict(Verdict)
    case order(LaneOrder)
    case button(LaneSensor, Bool)
    case endForce(LaneSensor)
    case repair
    case power(Bool)
    case pace(Double)
    /// Every vehicle sensor's state is read anew.
    case reread
    /// The guard opens for whoever stands on that side, or, where the gate sees nobody, for nobody.
    case guardRelease(Int)
}

extension LaneRun {
    func perform(_ item: AgendaItem) {
        switch item {
        case .relay(let way, let isOn):
            arm.relay(way, isOn, at: now)
        case .verdict(let verdict):
            if verdict.reason.allows { allowed.insert(verdict.token) }
            step(.verdict(verdict))
        case .order(let order):
            give(order)
        case .button(let sensor, let isOn):
            let bit: UInt32 = 1 << UInt32(sensor.rawValue)
            buttons = isOn ? buttons | bit : buttons & ~bit
            if sensor == .fireAlarm { isFire = isOn }
        case .endForce(let sensor):
            withChannel(sensor) { $0.force(nil, at: now) }
        case .repair:
            repair()
        case .power(let isOn):
            let bit: UInt32 = 1 << UInt32(LaneSensor.mainsFail.rawValue)
            buttons = isOn ? buttons & ~bit : buttons | bit
            if !site.fitting.hasBackupPower { arm.setPower(isOn, at: now) }
        case .pace(let pace):
            arm.setPace(pace, at: now)
        case .reread:
            for index in 0..<LaneSensor.vehicleSensorCount { tell(index) }
        case .guardRelease(let side):
            give(.release(LaneID(UInt8(side)), core.token(side)))
        }
    }

    func give(_ order: LaneOrder) {
        switch order {
        case .hold(let isOn): isHeld = isOn
        case .lockdown(let isOn): isLockedDown = isOn
        case .maintenance(let isOn): isInMaintenance = isOn
        case .stop: wasStopped = true
        case .close, .release, .energise, .identifyAgain: break
        }
        step(.order(order))
    }

    private func repair() {
        guard isKnocked else { return }
        let isInTheWay = vehicles.contains { $0.place > -site.lead - 1 && $0.rear < site.tail + 1 }
        if isInTheWay {
            later(2_000_000_000, .repair)
        } else {
            isKnocked = false
            vehiclesAt = now
        }
    }

    func knock(hidesLimits: Bool) {
        isKnocked = true
        vehiclesAt = now
        knockedHidesLimits = hidesLimits
        later(chance.time(8, 40), .repair)
    }

    func callGuard(_ vehicle: Vehicle) {
        if chance.happens(0.7) { later(chance.time(1, 8), .guardRelease(vehicle.side)) }
    }

    // MARK: Admission

    /// Somebody is to be named: the answer is for the token, whoever stands there.
    func ask(_ lane: LaneID, _ token: VehicleToken, attempt: UInt8) {
        asked.insert(token)
        let side = Int(lane.index)
        let sensor: LaneSensor = side == 0 ? .approach : .secondApproach
        let bit: UInt32 = 1 << UInt32(sensor.rawValue)
        let standing = vehicles.filter { $0.mask & bit != 0 && $0.side == side && !$0.isWrongSide }
        let free = standing.first { vehicle in vehicle.tokens.allSatisfy { ended.contains($0) } }
        if owners[token] == nil, let free {
            owners[token] = free
            free.tokens.append(token)
        }
        guard attempt == 1 || chance.happens(0.3), chance.happens(0.95) else { return }
        var reason = VerdictReason.plateUnread
        if let vehicle = owners[token] {
            reason = vehicle.character.isAllowed ? .stageAllowed : .stageTooLow
            if chance.happens(0.02) { reason = .identityConflict }
        } else if let trailer = standing.first, chance.happens(0.1) {
            // The camera reads the same vehicle once more.
            reason = trailer.character.isAllowed ? .stageAllowed : .stageTooLow
        }
        let delay = chance.happens(0.06) ? chance.time(2, 25) : chance.time(0.15, 1.8)
        later(delay, .verdict(Verdict(lane: lane, token: token, reason: reason)))
    }

    // MARK: faults and people

    func drawHappening() {
        let start = chance.time(0, 20)
        switch chance.below(22) {
        case 0, 1: dropOut()
        case 2: sensorSticks()
        case 3: sensorChatters()
        case 4:
            step(.edgesLost)
            later(chance.time(0.001, 0.05), .reread)
        case 5, 6: limitFails()
        case 7: if !isKnocked { knock(hidesLimits: chance.happens(0.7)) }
        case 8:
            later(start, .power(false))
            later(start + chance.time(1, 40), .power(true))
        case 9: press(.fireAlarm, start, chance.time(2, 40))
        case 10: press(.guardOpen, start, chance.time(0.2, 1))
        case 11: press(.guardClose, start, chance.time(0.2, 1))
        case 12:
            press(.guardStop, start, chance.time(0.2, 1))
            wasStopped = true
            later(start + chance.time(3, 30), chance.happens(0.5) ? .order(.close) : .guardRelease(0))
        case 13: press(.exitRequest, start, chance.time(0.2, 1))
        case 14: switchOn(LaneOrder.hold, start, chance.time(5, 80))
        case 15: switchOn(LaneOrder.lockdown, start, chance.time(5, 60))
        case 16: maintain(start)
        case 17: later(start, .order(.identifyAgain(LaneID(0))))
        case 18: later(start, .order(.close))
        case 19: later(start, .guardRelease(site.layout == .single ? 0 : chance.below(2)))
        case 20:
            guard site.hasClosedLimit else { return }
            later(start, .pace(chance.real(0.35, 0.8)))
            later(start + chance.time(5, 40), .pace(1))
        default: press(.tamper, start, chance.time(1, 30))
        }
    }

    private func press(_ sensor: LaneSensor, _ start: Int64, _ length: Int64) {
        later(start, .button(sensor, true))
        later(start + length, .button(sensor, false))
    }

    private func switchOn(_ order: (Bool) -> LaneOrder, _ start: Int64, _ length: Int64) {
        later(start, .order(order(true)))
        later(start + length, .order(order(false)))
    }

    private func maintain(_ start: Int64) {
        later(start, .order(.maintenance(true)))
        var at = start
        for _ in 0..<chance.below(6) {
            at += chance.time(0.3, 6)
            let output: LaneOutput = [.raise, .lower, .lower, .stop, .siren][chance.below(5)]
            if output == .stop { wasStopped = true }
            later(at, .order(.energise(output, chance.happens(0.8))))
        }
        later(at + chance.time(1, 20), .order(.maintenance(false)))
    }

    private func drawFitted(_ below: Int) -> LaneSensor? {
        for _ in 0..<8 {
            guard let sensor = LaneSensor(rawValue: UInt8(chance.below(below))) else { continue }
            if site.fitting.sensors.contains(sensor) { return sensor }
        }
        return nil
    }

    /// One presence sensor at a time is out of order; the second of the two locks says until when.
    private func mayFail(_ sensor: LaneSensor, for length: Int64) -> Bool {
        guard SensorSet.presence.contains(sensor) else { return true }
        guard presenceFaultUntil < now else { return false }
        presenceFaultUntil = now + length + 1_000_000_000
        return true
    }

    /// P4: short, unless another sensor alone sees all that presence must see.
    private func dropOut() {
        guard let sensor = drawFitted(LaneSensor.vehicleSensorCount) else { return }
        let channel = channels[Int(sensor.rawValue)]
        let isPresence = SensorSet.presence.contains(sensor)
        let radar = site.zone(.radar)
        let isCovered =
            sensor != .radar && (radar.map { $0.from <= -site.lead + 0.001 } ?? false)
            || site.hasBoost && sensor != .safety && sensor != .secondSafety
        var length = chance.time(0.1, 25)
        if isPresence && !isCovered && site.breakage != .longDropOuts {
            // While the sensor holds, the arm is not coming down, and it stays so for the close delay.
            guard channel.told else { return }
            let longest = Int64(site.timings.closeDelay.nanoseconds) - channel.delayOn - 60_000_000
            guard longest > 20_000_000 else { return }
            length = chance.time(0.01, seconds(longest))
        }
        guard mayFail(sensor, for: length) else { return }
        withChannel(sensor) { $0.force(false, at: now) }
        later(length, .endForce(sensor))
    }

    private func sensorSticks() {
        guard let sensor = drawFitted(LaneSensor.vehicleSensorCount) else { return }
        let length = chance.happens(0.05) ? chance.time(100, 400) : chance.time(0.5, 60)
        guard mayFail(sensor, for: length) else { return }
        withChannel(sensor) { $0.force(true, at: now) }
        later(length, .endForce(sensor))
    }

    private func sensorChatters() {
        guard let sensor = drawFitted(LaneSensor.vehicleSensorCount) else { return }
        let length = chance.time(0.5, 8)
        guard mayFail(sensor, for: length) else { return }
        let period = chance.time(0.02, 0.2)
        withChannel(sensor) { $0.chatter(until: now + length, period: period, at: now) }
    }

    private func limitFails() {
        let sensor: LaneSensor = chance.happens(0.5) ? .openLimit : .closedLimit
        guard site.fitting.sensors.contains(sensor), limitFaultUntil < now else { return }
        let length = chance.time(1, 60)
        limitFaultUntil = now + length
        let isOn = chance.happens(0.5)
        withChannel(sensor) { $0.force(isOn, at: now) }
        later(length, .endForce(sensor))
    }

    // MARK: the end

    /// Faults stop, and people take back what they ordered.
    func healEverything() {
        for (_, item) in agenda {
            if case .relay(let way, let isOn) = item { arm.relay(way, isOn, at: now) }
        }
        agenda.removeAll()
        agendaAt = never
        for index in channels.indices { channels[index].heal(at: now) }
        channelsAt = now
        buttons = 0
        isKnocked = false
        vehiclesAt = now
        isFire = false
        arm.setPace(1, at: now)
        arm.setPower(true, at: now)
        give(.maintenance(false))
        give(.hold(false))
        give(.lockdown(false))
        perform(.reread)
        later(2_000_000_000, .reread)
        // The guard sees to an arm that he, or a technician, has halted.
        if wasStopped { later(3_000_000_000, .order(.close)) }
    }
}
