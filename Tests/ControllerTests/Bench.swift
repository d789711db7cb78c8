// What the threads' tests share: a clock that the test moves, and a way to know that a thread has seen everything.

import Domain
import Foundation
import Machine
import Testing

@testable import Controller

/// Stands still unless the test moves it. 2026-03-01 08:00 China Standard Time at lane second 1000.
final class BenchClock: Clock, @unchecked Sendable {
    private let lock = NSLock()
    private var lane = Instant(nanoseconds: 1_000_000_000_000)
    private var wallTime = CivilTime(year: 2026, month: 3, day: 1, hour: 8).wallTime()

    func now() -> Instant { lock.withLock { lane } }
    func wall() -> WallTime { lock.withLock { wallTime } }

    func advance(_ interval: Interval) {
        lock.withLock {
            lane = lane + interval
            wallTime.microseconds += Int64(interval.nanoseconds / 1_000)
        }
    }
}

/// A thread of the controller under test, with what it shares with the rest.
final class Bench {
    let clock = BenchClock()
    let stop = Flag()
    let pulse: Pulse
    let log = Log(offsetMinutes: 480)
    private let bell: Wakeup
    private var thread: Machine.Thread?

    /// `bell` is the one that wakes the thread.
    init(_ bell: Wakeup) {
        self.bell = bell
        pulse = Pulse("bench", limit: .seconds(5), now: clock.now())
    }

    /// Returns when the thread has seen what waited for it, unless it was told to stop before.
    func start(_ body: @escaping @Sendable () -> Void) throws {
        let isToEnd = stop.isRaised
        thread = try Machine.Thread(ThreadSettings(name: "bench"), shortfall: { _ in }, body)
        if !isToEnd { settle() }
    }

    /// Returns when all that was there before has been seen and dealt with: a whole turn lies between two beats.
    func settle() {
        for _ in 0..<2 {
            clock.advance(Interval(nanoseconds: 1))
            bell.ring()
            let isSeen = eventually { self.pulse.age(self.clock.now()) == .zero }
            #expect(isSeen, "the thread goes on")
        }
    }

    func advance(_ interval: Interval) {
        clock.advance(interval)
        settle()
    }

    /// Ends the thread. False when it does not end.
    func end() -> Bool {
        stop.raise()
        return isOver()
    }

    /// Whether the thread ends now.
    func isOver() -> Bool {
        bell.ring()
        guard let thread else { return true }
        self.thread = nil
        return thread.join(within: .seconds(10))
    }
}

/// Whether it becomes true within ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = Date() + 10
    while !condition() {
        if Date() > deadline { return false }
        usleep(500)
    }
    return true
}

extension Ring {
    func all() -> [Element] {
        var elements: [Element] = []
        while let element = pop() { elements.append(element) }
        return elements
    }
}

let lane = LaneID(0)

func token(_ count: UInt32, boot: UInt32 = 1) -> VehicleToken {
    VehicleToken(boot: boot, lane: lane, count: count)
}

func plate(_ text: String = "冀A12345") -> Plate {
    guard let plate = Plate(text, colour: .yellow) else { preconditionFailure("\(text) is a plate") }
    return plate
}

func capture(_ key: String, plate: Plate? = plate(), photos: [[UInt8]] = []) -> Capture {
    var capture = Capture(key: key, camera: "cam-north", rawPlate: plate?.text ?? "_无_", plate: plate)
    capture.photos = photos.map { Photo(kind: .scene, jpeg: $0) }
    return capture
}
