// How trucks move and drivers decide, one step at a time.

extension Yard {
    mutating func move(_ index: Int, _ seconds: Double, _ now: UInt64, _ events: inout [YardEvent]) {
        let way = metresPerSecond * seconds
        switch trucks[index].phase {
        case .approaching:
            roll(index, way)
            if trucks[index].front >= LanePlan.stopLine { trucks[index].phase = .waiting }
            notice(index, now, &events)
        case .waiting:
            decide(index, now)
        case .reacting(let until):
            guard now >= until else { return }
            // An arm that comes down again stops him.
            guard barrier.isOpen else {
                trucks[index].phase = .waiting
                return
            }
            trucks[index].phase = trucks[index].visit.kind == .backsOut ? .reversing : .crossing
        case .crossing:
            cross(index, way, &events)
        case .reversing:
            trucks[index].front -= way
            if trucks[index].front < LanePlan.start { leave(index, now, &events) }
        case .away(let until):
            if now >= until { trucks[index].comeAgain() }
        case .gone:
            return
        }
    }

    /// Not beyond the stop line, and not into the truck before it.
    private mutating func roll(_ index: Int, _ way: Double) {
        var limit = LanePlan.stopLine
        if index > 0 { limit = min(limit, trucks[index - 1].rear - LanePlan.followingGap) }
        trucks[index].front = max(trucks[index].front, min(trucks[index].front + way, limit))
    }

    private mutating func notice(_ index: Int, _ now: UInt64, _ events: inout [YardEvent]) {
        guard trucks[index].arrivedAt == nil, trucks[index].front > LanePlan.approachLoop.lowerBound else { return }
        trucks[index].arrivedAt = now
        trucks[index].tries += 1
        events.append(.arrived(trucks[index].visit, attempt: trucks[index].tries))
    }

    private mutating func decide(_ index: Int, _ now: UInt64) {
        let truck = trucks[index]
        // The lane before him must be free: the arm may still be up for the one in front.
        let isFirst = index == 0
        if truck.isInvited && isFirst {
            guard barrier.isOpen && barrier.motion != .lowering else {
                leaveIfTired(index, now)
                return
            }
            let pause =
                truck.visit.kind == .backsOut ? DriverPatience.beforeBackingOut : truck.visit.reactionMilliseconds
            trucks[index].phase = .reacting(until: now + duration(pause))
            return
        }
        leaveIfTired(index, now)
    }

    private mutating func leaveIfTired(_ index: Int, _ now: UInt64) {
        let truck = trucks[index]
        guard let arrived = truck.arrivedAt, !(truck.isInvited && barrier.motion == .raising) else { return }
        func isPast(_ since: UInt64?, _ patience: Int) -> Bool {
            since.map { now - min(now, $0) > duration(patience) } ?? false
        }
        if !truck.isInvited && isPast(truck.refusedAt, DriverPatience.afterRefusal)
            || isPast(truck.signChangedAt ?? nil, DriverPatience.afterOtherText)
            || isPast(arrived, DriverPatience.withoutAnswer)
        {
            trucks[index].phase = .reversing
        }
    }

    private mutating func cross(_ index: Int, _ way: Double, _ events: inout [YardEvent]) {
        trucks[index].front += way
        if !trucks[index].hasCrossed && trucks[index].rear > LanePlan.safetyLoop.upperBound {
            trucks[index].hasCrossed = true
            note { $0.crossed += 1 }
            events.append(.crossed(trucks[index].visit, attempt: trucks[index].tries))
        }
        if trucks[index].rear > LanePlan.safetyLoop.upperBound + 2 { trucks[index].phase = .gone }
    }

    private mutating func leave(_ index: Int, _ now: UInt64, _ events: inout [YardEvent]) {
        let truck = trucks[index]
        if truck.refusedAt != nil { note { $0.refused += 1 } }
        events.append(.left(truck.visit, refusal: truck.refusalText))
        // A truck that is to cross comes again; so does a refused one that never heard why.
        let hasAnswer = truck.visit.kind.crosses ? false : truck.refusedAt != nil || truck.isInvited
        if hasAnswer {
            trucks[index].phase = .gone
        } else if truck.tries >= DriverPatience.tries {
            trucks[index].phase = .gone
            note { $0.stranded += 1 }
            events.append(.stranded(truck.visit))
        } else {
            let pause = pauseAfterReversal + truck.visit.gapMilliseconds
            trucks[index].forgetAnswers()
            trucks[index].phase = .away(until: now + duration(pause))
        }
    }
}
