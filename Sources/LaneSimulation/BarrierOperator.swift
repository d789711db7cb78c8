// The barrier operator and its arm: relay inputs in, angle out. Speed is constant between events; starting, stopping
// and reversing each take their time. Closing is motor-driven (GB/T 24973-2010), so an arm without power stands.
//
// Angles in degrees: 0 closed, 90 open. Limits: the open switch closes from 88, the closed switch below 2.

/// How an operator moves, fixed for one site. Times in seconds.
struct OperatorTraits {
    var isMaintained = false
    var riseTime = 1.0
    var fallTime = 1.0
    /// From a relay's edge to the operator's answer.
    var commandDelay = 0.05
    /// From the answer to a first movement of a standing arm.
    var startDelay = 0.1
    /// How far a moving arm goes on in its old direction.
    var coast = 0.15
    /// How long it stands before it goes the other way.
    var reversePause = 0.1

    /// From the lower relay to the arm's first movement down, at most.
    var fallDelay: Double { commandDelay + max(startDelay, coast + reversePause) }
}

struct BarrierOperator {
    let traits: OperatorTraits
    private(set) var angle = 0.0
    /// Degrees a second.
    private(set) var rate = 0.0
    private(set) var since: Int64 = 0
    /// When its motion next changes, or a limit switch.
    private(set) var nextAt = never
    private var goal = 0
    private var turnAt = never
    private var heldRaise = false
    private var heldLower = false
    private(set) var hasPower = true
    /// 1, or less for an arm that wind or ice holds back.
    private var pace = 1.0

    init(_ traits: OperatorTraits) {
        self.traits = traits
    }

    func angle(at now: Int64) -> Double {
        min(90, max(0, angle + rate * seconds(now - since)))
    }

    var isOpenSwitched: Bool { angle >= 87.999 }
    var isClosedSwitched: Bool { angle <= 2.001 }

    /// Brings `angle` up to date and makes the motion's next change if it is due.
    mutating func advance(to now: Int64) {
        angle = angle(at: now)
        since = now
        if rate > 0 && angle >= 90 || rate < 0 && angle <= 0 { arrive() }
        if turnAt <= now { turn(now) }
        plan(now)
    }

    private mutating func arrive() {
        if goal == (rate > 0 ? 1 : -1) { goal = 0 }
        rate = 0
    }

    private mutating func turn(_ now: Int64) {
        turnAt = never
        if rate != 0 {
            rate = 0
            if goal != 0 { turnAt = now + nanoseconds(traits.reversePause) }
        } else if goal > 0 && angle < 90 {
            rate = 90 / traits.riseTime * pace
        } else if goal < 0 && angle > 0 {
            rate = -90 / traits.fallTime * pace
        }
    }

    private mutating func plan(_ now: Int64) {
        nextAt = turnAt
        guard rate != 0 else { return }
        let marks = rate > 0 ? (2.01, 88.0, 90.0) : (87.98, 2.0, 0.0)
        for mark in [marks.0, marks.1, marks.2] where (mark - angle) * rate > 0 {
            nextAt = min(nextAt, now + nanoseconds((mark - angle) / rate) + 1)
            return
        }
    }

    /// A relay's edge as the operator takes it, `commandDelay` after the contact moved.
    mutating func relay(_ way: Int, _ isOn: Bool, at now: Int64) {
        if way > 0 { heldRaise = isOn }
        if way < 0 { heldLower = isOn }
        guard hasPower else { return }
        if isOn {
            head(way, now)
        } else if traits.isMaintained && goal == way && way != 0 {
            head(0, now)
        }
    }

    private mutating func head(_ way: Int, _ now: Int64) {
        advance(to: now)
        guard way != goal || turnAt == never && rate == 0 else { return }
        goal = way
        if rate != 0 {
            turnAt = way == (rate > 0 ? 1 : -1) ? never : now + nanoseconds(traits.coast)
        } else {
            turnAt = way == 0 ? never : now + nanoseconds(traits.startDelay)
        }
        plan(now)
    }

    mutating func setPower(_ isOn: Bool, at now: Int64) {
        advance(to: now)
        hasPower = isOn
        if isOn {
            if traits.isMaintained && heldRaise {
                head(1, now)
            } else if traits.isMaintained && heldLower {
                head(-1, now)
            }
        } else {
            goal = 0
            rate = 0
            turnAt = never
        }
        plan(now)
    }

    mutating func setPace(_ pace: Double, at now: Int64) {
        advance(to: now)
        rate *= pace / self.pace
        self.pace = pace
        plan(now)
    }
}
