// Keeps an FK/OLM LED sign showing what the gate has to say (promise 6: a dead sign is a state, never a delay).
//
// Invariants: no thread of its own; the bus thread calls it. No call takes longer than `SignSettings.deadline`. After a
// fault the message that is current then is sent again, never one that has been replaced.
// Limits: 1...4 lines; texts are cut at the frame's limit, between characters.

import DeviceProtocols
import Domain
import Machine

/// How a sign is set up.
public struct SignSettings: Sendable {
    /// 0 is every sign on the line.
    public var address = LedSignFrame.everySign
    /// 1...4.
    public var lineCount = LedSignText.maximumLineCount
    /// Whether the card answers each frame. A card that is reached through a camera's serial port does not.
    public var expectsAcknowledgement = true
    /// The longest that one call may take, for all lines together.
    public var deadline = Interval.milliseconds(1_000)
    /// The pause after each frame to a card that does not answer.
    public var frameGap = Interval.milliseconds(50)
    /// The time from a failed attempt to the next.
    public var retryInterval = Interval.seconds(2)
    /// Sends the message again after this time, for a sign that forgets it (loss of power); nil: never.
    public var refreshInterval: Interval?
    /// Whether verdicts and faults are spoken too.
    public var speaks = false
    public var style = LedSignStyle()
    /// 绿色 for "may pass", as HJ 1321 asks.
    public var passColour = LedSignColour.green
    /// 红色 for "may not pass", as HJ 1321 asks.
    public var refuseColour = LedSignColour.red
    /// For everything else.
    public var neutralColour = LedSignColour.yellow

    public init() {}
}

/// Why a sign does not show what it should.
public enum SignFault: Error, Sendable {
    case port(MachineError)
    /// Nothing that is an acknowledgement came in time.
    case silent
    /// The card answered a frame with this code, other than 0.
    case refused(code: UInt8)

    public var description: String {
        switch self {
        case .port(let error):
            "the sign's port does not work: \(error.description); check the adapter and the port's name"
        case .silent:
            "the sign does not answer; check its power, wiring, address and baud rate, "
                + "or state that it gives no acknowledgement"
        case .refused(let code):
            "the sign refused the text with code \(code); check line count, colours and style against its manual"
        }
    }
}

public enum SignHealth: Sendable {
    /// Nothing was sent yet.
    case untried
    case ok
    /// Since the first failure after the last success; the fault is the latest one.
    case failing(since: Instant, fault: SignFault)
}

/// One sign.
public final class SignDriver {
    public let settings: SignSettings
    public private(set) var health = SignHealth.untried
    /// Attempts that failed, since the start.
    public private(set) var failureCount: UInt64 = 0
    /// Characters sent as "?" because GB 2312 lacks them, and texts that were cut, since the start.
    public private(set) var replacedCharacterCount: UInt64 = 0
    public private(set) var cutTextCount: UInt64 = 0

    /// 当前管控状态, shown with every message from the next one on.
    public var control = SignTexts.normalControl

    private static let receiveLimit = 256

    private let port: any SerialPort
    private let clock: any Clock
    private var message: SignMessage?
    private var lastAttempt = Instant(nanoseconds: 0)

    public init(port: any SerialPort, clock: any Clock, settings: SignSettings) {
        precondition(
            (1...LedSignText.maximumLineCount).contains(settings.lineCount), "DEV-10 a sign has one to four lines")
        self.port = port
        self.clock = clock
        self.settings = settings
    }

    /// Shows a message in place of the one before. What became of it is in `health`.
    public func show(_ message: SignMessage) {
        self.message = message
        send(message, speaking: settings.speaks)
    }

    /// Sends the present message again when a fault or the refresh interval asks for it. Call it about once a second.
    public func service() {
        guard let message else { return }
        let waited = clock.now().since(lastAttempt)
        let isDue =
            switch health {
            case .untried: false
            case .ok: settings.refreshInterval.map { waited >= $0 } ?? false
            case .failing: waited >= settings.retryInterval
            }
        // What was spoken late would speak to the wrong driver.
        if isDue { send(message, speaking: false) }
    }

    private func send(_ message: SignMessage, speaking: Bool) {
        lastAttempt = clock.now()
        let end = lastAttempt + settings.deadline
        do throws(SignFault) {
            try discardStaleInput(until: end)
            for frame in frames(message, speaking: speaking) {
                try transmit(frame, until: end)
            }
            health = .ok
        } catch {
            failureCount += 1
            let since = if case .failing(let since, _) = health { since } else { lastAttempt }
            health = .failing(since: since, fault: error)
        }
    }

    private func frames(_ message: SignMessage, speaking: Bool) -> [LedSignFrame] {
        let page = SignPage(message, control: control)
        let colour = colour(message)
        var frames: [LedSignFrame] = []
        for (line, text) in page.lines(count: settings.lineCount).enumerated() {
            let bytes = encode(text, limit: LedSignText.maximumTextByteCount)
            let text = LedSignText(line: UInt8(line), textBytes: bytes, colour: colour, style: settings.style)
            frames.append(text.frame(address: settings.address))
        }
        let speaksNow =
            switch message {
            case .verdict, .fault, .closed, .evacuate: speaking
            case .idle, .identifying, .maintenance: false
            }
        if speaksNow {
            let bytes = encode(page.plate + " " + page.reason, limit: LedSignVoice.maximumTextByteCount)
            frames.append(LedSignVoice.frame(address: settings.address, textBytes: bytes))
        }
        return frames
    }

    private func encode(_ text: String, limit: Int) -> [UInt8] {
        let encoded = GB2312.encode(text, limit: limit)
        replacedCharacterCount += UInt64(encoded.replacedCount)
        cutTextCount += encoded.isCut ? 1 : 0
        return encoded.bytes
    }

    private func colour(_ message: SignMessage) -> LedSignColour {
        switch message {
        case .idle, .identifying: settings.neutralColour
        case .verdict(_, _, let reason): reason.allows ? settings.passColour : settings.refuseColour
        case .fault, .closed, .maintenance: settings.refuseColour
        case .evacuate: settings.passColour
        }
    }

    /// An answer that came too late must not count for the next frame.
    private func discardStaleInput(until end: Instant) throws(SignFault) {
        while clock.now() < end {
            guard try receive(within: .zero) != nil else { return }
        }
    }

    private func transmit(_ frame: LedSignFrame, until end: Instant) throws(SignFault) {
        do throws(MachineError) {
            try port.write(frame.encoded, within: end.since(clock.now()))
        } catch {
            throw .port(error)
        }
        guard settings.expectsAcknowledgement else {
            _ = try receive(within: min(settings.frameGap, end.since(clock.now())))
            return
        }
        var received: [UInt8] = []
        while received.count < SignDriver.receiveLimit, let bytes = try receive(within: end.since(clock.now())) {
            received += bytes
            guard let code = frame.acknowledgementCode(in: received) else { continue }
            guard code == 0 else { throw .refused(code: code) }
            return
        }
        throw .silent
    }

    /// The next bytes from the sign, or nil when none came within the interval.
    private func receive(within interval: Interval) throws(SignFault) -> [UInt8]? {
        do throws(MachineError) {
            return try port.read(limit: SignDriver.receiveLimit, within: interval)
        } catch {
            if case .deadline = error { return nil }
            throw .port(error)
        }
    }
}
