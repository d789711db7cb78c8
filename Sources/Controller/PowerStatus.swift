// What the power thread shows of the power, and what the others go by. No heap.

import DeviceProtocols
import Domain
import Synchronization

final class PowerStatus: Sendable {
    /// Delivery to the platforms waits for the mains.
    let isShedding = Atomic<Bool>(false)
    /// The lanes are to close, the power goes.
    let isEnding = Atomic<Bool>(false)
    /// The controller is to end.
    let isOver = Atomic<Bool>(false)
    let isLost = Atomic<Bool>(false)
    /// 0: on mains.
    let onBatterySince = Atomic<UInt64>(0)
    private let percent = Atomic<UInt8>(.max)
    private let runtimeSeconds = Atomic<UInt32>(.max)
    private let decivolts = Atomic<UInt32>(.max)
    private let load = Atomic<UInt32>(.max)

    func show(_ reading: UPSReading) {
        percent.store(reading.chargePercent ?? .max, ordering: .relaxed)
        let seconds = reading.runtime.map { UInt32(clamping: $0.milliseconds / 1_000) }
        runtimeSeconds.store(seconds ?? .max, ordering: .relaxed)
        decivolts.store(reading.inputDecivolts.map { UInt32(clamping: $0) } ?? .max, ordering: .relaxed)
        load.store(reading.loadPercent.map { UInt32(clamping: $0) } ?? .max, ordering: .relaxed)
    }

    /// For the console.
    func line(now: Instant) -> String {
        let since = onBatterySince.load(ordering: .relaxed)
        var words: [String] = []
        words.append(
            since == 0 ? "on mains" : "on battery for \(now.since(Instant(nanoseconds: since)).milliseconds / 1_000) s")
        let (volts, percent) = (decivolts.load(ordering: .relaxed), percent.load(ordering: .relaxed))
        let (seconds, load) = (runtimeSeconds.load(ordering: .relaxed), load.load(ordering: .relaxed))
        if isLost.load(ordering: .relaxed) {
            words.append("UPS NOT HEARD")
        } else {
            if volts != .max { words.append("input \(volts / 10).\(volts % 10) V") }
            if load != .max { words.append("load \(load) %") }
            if percent != .max { words.append("battery \(percent) %") }
            if seconds != .max { words.append("\(seconds / 60) min left") }
        }
        if isShedding.load(ordering: .relaxed) { words.append("delivery waits") }
        if isEnding.load(ordering: .relaxed) { words.append("ENDING: the battery is nearly empty") }
        return "power: " + words.joined(separator: ", ")
    }
}
