// One contact between the world and the lane: detector delay, faults laid over it, and the kernel's debounce, which
// passes a state on once it has lasted.

struct SensorChannel {
    /// What the world makes of it.
    private(set) var physical = false
    /// A fault holds it there.
    private(set) var forced: Bool?
    /// Chatters until then, changing each `period`.
    private(set) var chatterUntil: Int64 = 0
    private var period: Int64 = 0
    private var chatterAt = never
    private var raw = false
    /// What the lane was told last.
    private(set) var told = false
    private var tellAt = never
    /// When it next does something.
    private(set) var nextAt = never
    /// Detector and debounce together, and the latency, on and off, nanoseconds.
    let delayOn: Int64
    let delayOff: Int64

    init(delayOn: Double, delayOff: Double) {
        self.delayOn = nanoseconds(delayOn)
        self.delayOff = nanoseconds(delayOff)
    }

    mutating func set(_ isActive: Bool, bounce: Int64, at now: Int64) {
        physical = isActive
        settle(at: now, bounce: bounce)
    }

    mutating func force(_ state: Bool?, at now: Int64) {
        forced = state
        settle(at: now, bounce: 0)
    }

    mutating func chatter(until end: Int64, period: Int64, at now: Int64) {
        chatterUntil = end
        self.period = max(period, delayOn + 1_000_000, delayOff + 1_000_000)
        chatterAt = now + self.period
        forced = true
        settle(at: now, bounce: 0)
    }

    private mutating func settle(at now: Int64, bounce: Int64) {
        let state = forced ?? physical
        if state != raw {
            raw = state
            tellAt = raw == told ? never : now + bounce + (raw ? delayOn : delayOff)
        }
        nextAt = min(tellAt, chatterAt)
    }

    /// What is due now; returns true when the lane is to be told anew.
    mutating func advance(to now: Int64) -> Bool {
        if chatterAt <= now {
            if now >= chatterUntil {
                chatterAt = never
                forced = nil
            } else {
                chatterAt = now + period
                forced = !(forced ?? physical)
            }
            settle(at: now, bounce: 0)
        }
        guard tellAt <= now else { return false }
        told = raw
        tellAt = never
        nextAt = chatterAt
        return true
    }
}
