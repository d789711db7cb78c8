// Asks a UHF tag reader what it sees, one inventory after the other (promise 6: a dead one is a state, never a delay).
//
// Invariants: no thread of its own; the reader's bus thread calls it. No call takes longer than the deadline. What came
// before a question is never taken for its answer; a half-duplex adapter's echo is no answer.
// Limits: 256 different tags an inventory.

import DeviceProtocols
import Domain
import Machine

/// How a reader is set up.
public struct TagReaderSettings: Sendable {
    public var spoken: ReaderProtocol
    /// 0xFF is every reader on the line.
    public var address: UInt8 = 0xFF
    /// Weaker sights are left out; nil: none is.
    public var minimumDBm: Int?
    /// The longest that one inventory may take.
    public var deadline = Interval.milliseconds(1_000)
    /// The longest pause within an answer. 0xBB tells no end: there, this is the end.
    public var pause = Interval.milliseconds(60)

    public init(_ spoken: ReaderProtocol) {
        self.spoken = spoken
    }
}

/// Why there was no inventory.
public enum ReaderFault: Error, Sendable {
    case port(MachineError)
    /// Nothing came in time.
    case silent
    /// Bytes came, and no frame of the protocol was among them.
    case garbled
    /// The reader's own word, with its number.
    case failed(code: UInt8)

    public var description: String {
        switch self {
        case .port(let error):
            "the reader's port does not work: \(error.description); check the adapter and the port's name"
        case .silent:
            "the reader does not answer; check its power, wiring (A and B), address and baud rate"
        case .garbled:
            "what the reader sends is not its protocol; check protocol, baud rate, wiring and termination"
        case .failed(let code):
            "the reader has no inventory, its code is 0x\(encodeHexadecimal([code])); check antenna, power and region"
        }
    }
}

/// One reader.
public final class TagReader {
    public let settings: TagReaderSettings
    private let port: any SerialPort
    private let clock: any Clock
    private let question: [UInt8]
    private var stream: ReaderStream

    static let maximumSights = 256
    private static let receiveLimit = 256

    public init(port: any SerialPort, clock: any Clock, settings: TagReaderSettings) {
        self.port = port
        self.clock = clock
        self.settings = settings
        question = settings.spoken.inventory(address: settings.address)
        stream = ReaderStream(settings.spoken)
    }

    /// Frames whose check value was wrong, since the start.
    public var damagedFrames: UInt64 { stream.damagedFrames }

    /// One inventory: each tag once, at its strongest.
    public func inventory() throws(ReaderFault) -> [TagSight] {
        let end = clock.now() + settings.deadline
        try discardStaleInput(until: end)
        do throws(MachineError) {
            try port.write(question, within: end.since(clock.now()))
        } catch { throw .port(error) }
        var sights: [TagSight] = []
        var heard = false
        var answered = false
        while true {
            let now = clock.now()
            let patience = answered ? min(settings.pause, end.since(now)) : end.since(now)
            let bytes = now < end ? try receive(within: patience) : nil
            heard = heard || bytes != nil
            stream.take(bytes ?? [])
            while let frame = stream.next(atSilence: bytes == nil) {
                guard let message = answer(frame) else { continue }
                answered = true
                if let failure = message.failure { throw .failed(code: failure) }
                for sight in message.sights { note(sight, &sights) }
                if message.isLast { return sights }
            }
            if bytes == nil {
                guard answered else { throw heard ? .garbled : .silent }
                return sights
            }
        }
    }

    private func answer(_ frame: ReaderFrame) -> ReaderMessage? {
        let isEcho = (try? ReaderFrame(settings.spoken, prefixOf: question[...])) == frame
        return isEcho ? nil : settings.spoken.message(frame)
    }

    private func note(_ sight: TagSight, _ sights: inout [TagSight]) {
        if let minimum = settings.minimumDBm, let strength = sight.dBm, strength < minimum { return }
        if let known = sights.firstIndex(where: { $0.tag == sight.tag }) {
            if sight.dBm ?? .min > sights[known].dBm ?? .min { sights[known] = sight }
        } else if sights.count < TagReader.maximumSights {
            sights.append(sight)
        }
    }

    /// An answer that came too late must not count for the next question.
    private func discardStaleInput(until end: Instant) throws(ReaderFault) {
        stream.forget()
        while clock.now() < end {
            guard try receive(within: .zero) != nil else { return }
        }
    }

    /// The next bytes, or nil when none came within the interval.
    private func receive(within interval: Interval) throws(ReaderFault) -> [UInt8]? {
        do throws(MachineError) {
            return try port.read(limit: TagReader.receiveLimit, within: interval)
        } catch {
            if case .deadline = error { return nil }
            throw .port(error)
        }
    }
}
