import DeviceProtocols
import Devices
import Domain
import Foundation
import LaneCore
import Machine
import Testing

@testable import Controller

/// A card that takes what it is sent and never answers.
private final class BenchSign: SerialPort, @unchecked Sendable {
    private let lock = NSLock()
    private var frames: [LedSignFrame] = []
    private var broken = false
    let fileDescriptor: Int32 = -1

    func write(_ bytes: [UInt8], within: Interval) throws(MachineError) {
        if lock.withLock({ broken }) { throw .closed(subject: "sign") }
        guard let frame = try? LedSignFrame(prefixOf: bytes[...]) else { return }
        lock.withLock { frames.append(frame) }
    }

    func read(limit: Int, within: Interval) throws(MachineError) -> [UInt8] {
        throw .deadline(subject: "sign")
    }

    func set(broken: Bool) { lock.withLock { self.broken = broken } }

    /// The lines of all that was shown since the last call.
    func texts() -> [String] {
        lock.withLock {
            defer { frames = [] }
            return frames.compactMap { try? LedSignText(data: $0.data) }.map { GB2312.decode($0.textBytes) }
        }
    }
}

private final class SignBench {
    let sign = BenchSign()
    let channels: SignChannels
    let status = SignStatus("sign 1")
    let bench: Bench
    let ledger = LedgerStatus()

    /// `prepare`: what waits for the thread when it starts.
    init(prepare: (SignChannels) -> Void = { _ in }) throws {
        let bell = try Wakeup()
        channels = SignChannels(
            bell: bell, notices: Ring(capacity: 64, bell: bell), verdicts: Ring(capacity: 64, bell: bell))
        prepare(channels)
        bench = Bench(bell)
        var settings = SignSettings()
        settings.expectsAcknowledgement = false
        let driver = SignDriver(port: sign, clock: bench.clock, settings: settings)
        let thread = SignThread(
            driver: driver, channels: channels, status: status, ledger: ledger, clock: bench.clock, stop: bench.stop,
            pulse: bench.pulse, log: bench.log)
        try bench.start { thread.run() }
    }

    func notice(_ notice: LaneNotice, _ token: VehicleToken = .none) {
        #expect(channels.notices.push(SignNotice(lane: lane, token: token, notice: notice)))
    }

    func known(_ token: VehicleToken, _ plate: String, _ stage: EmissionStage?, _ reason: VerdictReason) {
        #expect(channels.verdicts.push(SignVerdict(token: token, plate: plate, stage: stage, reason: reason)))
        bench.settle()
    }

    /// What the sign shows after all that was said.
    func shown() -> [String] {
        bench.settle()
        return sign.texts()
    }
}

@Suite struct SignThreadTests {
    private let control = SignTexts.normalControl

    @Test func anEmptyLaneSaysThatTheLedgerIsFullAsLongAsItIs() throws {
        let sign = try SignBench()
        sign.notice(.free)
        #expect(sign.shown().contains(SignTexts.welcome))
        sign.ledger.fullness.store(2, ordering: .relaxed)
        #expect(sign.shown().contains(SignTexts.ledgerFull))
        #expect(sign.shown().isEmpty, "once")
        sign.notice(.maintenance)
        _ = sign.shown()
        sign.ledger.fullness.store(0, ordering: .relaxed)
        #expect(sign.shown().isEmpty, "what is shown stays")
        sign.notice(.free)
        #expect(sign.shown().contains(SignTexts.welcome))
        #expect(sign.bench.end())
    }

    @Test func aVerdictIsShownWithThePlateAndStageOfItsOwnVehicle() throws {
        let sign = try SignBench()
        sign.known(token(1), "冀A12345", .china6, .whitelisted)
        sign.notice(.released, token(1))
        #expect(sign.shown() == ["冀A12345", "国六", SignTexts.reason(.whitelisted), control])
        sign.known(token(2), "豫B00001", nil, .unknownVehicle)
        sign.notice(.refused(.unknownVehicle), token(2))
        #expect(sign.shown() == ["豫B00001", " ", SignTexts.reason(.unknownVehicle), control])
        #expect(sign.bench.end())
    }

    @Test func anotherVehiclesPlateIsNeverShown() throws {
        let sign = try SignBench()
        sign.known(token(1), "冀A12345", .china6, .stageAllowed)
        sign.notice(.refused(.notIdentified), token(2))
        #expect(sign.shown() == [" ", " ", SignTexts.reason(.notIdentified), control])
        sign.notice(.released, token(2))
        #expect(sign.shown() == [" ", " ", SignTexts.reason(.stageAllowed), control])
        #expect(sign.bench.end())
    }

    @Test func aRefusalIsNotShownWithTheWordsOfARelease() throws {
        let sign = try SignBench()
        // The lane's deadline came first: it refuses, and a durable release that came late is not served.
        sign.known(token(1), "冀A12345", .china6, .stageAllowed)
        sign.notice(.refused(.notIdentified), token(1))
        #expect(sign.shown() == [" ", " ", SignTexts.reason(.notIdentified), control])
        #expect(sign.bench.end())
    }

    @Test func onlyTheNewestOfSeveralNoticesIsShown() throws {
        let sign = try SignBench { channels in
            for notice in [LaneNotice.identifying, .refused(.unknownVehicle), .free] {
                #expect(channels.notices.push(SignNotice(lane: lane, token: token(1), notice: notice)))
            }
        }
        #expect(sign.shown() == [SignTexts.welcome, " ", " ", control])
        #expect(sign.bench.end())
    }

    @Test func whatABrokenSignMissedIsNotShownAfterIt() throws {
        let sign = try SignBench()
        sign.sign.set(broken: true)
        sign.notice(.identifying, token(1))
        #expect(sign.shown() == [])
        sign.sign.set(broken: false)
        sign.notice(.free)
        #expect(sign.shown().first == SignTexts.welcome)
        sign.bench.advance(.seconds(5))
        #expect(sign.shown() == [])
        #expect(sign.bench.end())
    }

    @Test func aSignThatComesBackShowsWhatIsCurrent() throws {
        let sign = try SignBench()
        sign.sign.set(broken: true)
        sign.known(token(1), "冀A12345", .china6, .stageAllowed)
        sign.notice(.released, token(1))
        #expect(sign.shown() == [])
        #expect(sign.status.line == "sign 1: NOT HEARD")
        sign.sign.set(broken: false)
        sign.bench.advance(.seconds(3))
        #expect(sign.shown().first == "冀A12345")
        #expect(sign.status.line == "sign 1: ok")
        #expect(sign.bench.end())
    }

    @Test(arguments: [
        (LaneNotice.free, SignTexts.welcome), (.identifying, SignTexts.identifying),
        (.occupied, SignTexts.identifying), (.closed, SignTexts.closed), (.evacuate, SignTexts.evacuate),
        (.maintenance, SignTexts.maintenance),
    ])
    func whatConcernsNoVerdictHasItsOwnText(notice: LaneNotice, text: String) throws {
        let sign = try SignBench()
        sign.known(token(1), "冀A12345", .china6, .stageAllowed)
        sign.notice(notice, token(1))
        let shown = sign.shown()
        #expect(shown.contains(text) && !shown.contains("冀A12345"))
        #expect(sign.bench.end())
    }
}
