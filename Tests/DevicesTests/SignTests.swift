import CSystem
import DeviceProtocols
import Domain
import Foundation
import Machine
import Testing

@testable import Devices

private final class StoppedClock: Clock, @unchecked Sendable {
    var time = Instant(nanoseconds: 1_000_000_000)

    func now() -> Instant { time }
    func wall() -> WallTime { WallTime(microseconds: 0) }
}

/// A sign on a simulated port: takes frames, shows texts, answers as told. Waiting moves the clock.
private final class Sign: SerialPort {
    enum Manner {
        case answers, refuses(UInt8), isSilent, answersLate, isPulled, takesNothing
        /// Noise, the echo of the frame, and the answer in single bytes.
        case answersBadly
    }

    let clock: StoppedClock
    var manner = Manner.answers
    var frames: [LedSignFrame] = []
    /// The longest that the driver could have waited in one call.
    private var pending: [[UInt8]] = []
    let fileDescriptor: Int32 = -1

    init(_ clock: StoppedClock) {
        self.clock = clock
    }

    var texts: [String] {
        frames.compactMap { try? LedSignText(data: $0.data) }.map { GB2312.decode($0.textBytes) }
    }

    func write(_ bytes: [UInt8], within: Interval) throws(MachineError) {
        clock.time = clock.time + min(.milliseconds(30), within)
        switch manner {
        case .isPulled: throw .closed(subject: "sign")
        case .takesNothing:
            clock.time = clock.time + within
            throw .deadline(subject: "sign")
        default: break
        }
        guard let frame = try? LedSignFrame(prefixOf: bytes[...]), frame.byteCount == bytes.count else {
            Issue.record("the driver wrote something that is not one frame")
            return
        }
        frames.append(frame)
        switch manner {
        case .answers: pending.append(frame.acknowledgement(code: 0).encoded)
        case .refuses(let code): pending.append(frame.acknowledgement(code: code).encoded)
        case .answersBadly:
            let noise: [UInt8] = [0xFF, 0x00, 0x64]
            pending += (noise + bytes + frame.acknowledgement(code: 0).encoded).map { [$0] }
        case .isSilent, .answersLate, .isPulled, .takesNothing: break
        }
    }

    func read(limit: Int, within: Interval) throws(MachineError) -> [UInt8] {
        if case .isPulled = manner { throw .closed(subject: "sign") }
        guard pending.isEmpty else { return pending.removeFirst() }
        clock.time = clock.time + within
        if case .answersLate = manner, let frame = frames.last, within > .zero {
            pending.append(frame.acknowledgement(code: 0).encoded)
        }
        throw .deadline(subject: "sign")
    }
}

@Suite struct SignDriverTests {
    private let clock = StoppedClock()
    private let sign: Sign
    private static let refusal = SignMessage.verdict(plate: "豫A12345", stage: nil, reason: .unknownVehicle)

    init() {
        sign = Sign(clock)
    }

    private func driver(_ change: (inout SignSettings) -> Void = { _ in }) -> SignDriver {
        var settings = SignSettings()
        change(&settings)
        return SignDriver(port: sign, clock: clock, settings: settings)
    }

    private func isFailing(_ driver: SignDriver) -> Bool {
        if case .failing = driver.health { true } else { false }
    }

    @Test func allowedVehicleIsShownInGreenOnFourLines() throws {
        let driver = driver()
        driver.show(.verdict(plate: "豫A12345", stage: .china5, reason: .stageAllowed))
        #expect(sign.texts == ["豫A12345", "国五", "欢迎 请通行", "常态管控"])
        let shown = try sign.frames.map { try LedSignText(data: $0.data) }
        #expect(shown.map(\.line) == [0, 1, 2, 3])
        #expect(shown.allSatisfy { $0.colour == .green })
        if case .ok = driver.health {} else { Issue.record("the sign should be well") }
    }

    @Test func refusedVehicleIsShownInRedWithTheReasonAndNoInventedStage() throws {
        driver().show(SignDriverTests.refusal)
        #expect(sign.texts == ["豫A12345", " ", "未登记车辆 禁止通行", "常态管控"])
        let shown = try sign.frames.map { try LedSignText(data: $0.data) }
        #expect(shown.allSatisfy { $0.colour == .red })
    }

    @Test(arguments: [
        (1, ["豫A12345 国五 欢迎 请通行 常态管控"]), (2, ["豫A12345 国五", "欢迎 请通行 常态管控"]),
        (3, ["豫A12345 国五", "欢迎 请通行", "常态管控"]),
    ])
    func signWithFewerLinesShowsEverythingToo(_ count: Int, _ expected: [String]) {
        driver { $0.lineCount = count }.show(.verdict(plate: "豫A12345", stage: .china5, reason: .stageAllowed))
        #expect(sign.texts == expected)
    }

    @Test func coloursAreConfigured() throws {
        let driver = driver {
            $0.passColour = LedSignColour(red: 1, green: 2, blue: 3)
            $0.neutralColour = .red
        }
        driver.show(.verdict(plate: "豫A12345", stage: nil, reason: .whitelisted))
        #expect(
            try LedSignText(data: #require(sign.frames.last).data).colour == LedSignColour(red: 1, green: 2, blue: 3))
        driver.show(.idle(text: SignTexts.welcome))
        #expect(try LedSignText(data: #require(sign.frames.last).data).colour == .red)
    }

    @Test func verdictIsSpokenWhereThatIsConfigured() throws {
        let driver = driver { $0.speaks = true }
        driver.show(.identifying)
        #expect(!sign.frames.contains { $0.command == LedSignVoice.command })
        driver.show(SignDriverTests.refusal)
        let spoken = try #require(sign.frames.last)
        #expect(spoken.command == LedSignVoice.command)
        #expect(GB2312.decode(spoken.data.dropFirst()) == "豫A12345 未登记车辆 禁止通行")
    }

    @Test func answerIsFoundBehindNoiseAndEcho() {
        sign.manner = .answersBadly
        let driver = driver()
        driver.show(.identifying)
        #expect(!isFailing(driver))
        #expect(sign.frames.count == 4)
    }

    @Test(arguments: [true, false])
    func noCallTakesLongerThanTheDeadline(_ expectsAcknowledgement: Bool) {
        for manner in [Sign.Manner.isSilent, .takesNothing, .answersLate, .isPulled, .answersBadly, .refuses(1)] {
            sign.manner = manner
            let driver = driver {
                $0.expectsAcknowledgement = expectsAcknowledgement
                $0.deadline = .milliseconds(200)
            }
            let start = clock.time
            driver.show(SignDriverTests.refusal)
            // A write that has begun with time left may use its own time.
            #expect(clock.time.since(start) <= .milliseconds(230), "\(manner)")
        }
    }

    @Test func silentSignIsAFaultSinceItsFirstFailure() {
        sign.manner = .isSilent
        let driver = driver()
        let start = clock.time
        driver.show(.identifying)
        clock.time = clock.time + .seconds(10)
        driver.show(SignDriverTests.refusal)
        #expect(driver.failureCount == 2)
        guard case .failing(let since, .silent) = driver.health else {
            Issue.record("the sign should be failing")
            return
        }
        #expect(since == start)
    }

    @Test func signThatGivesNoAnswersIsWellWhenConfiguredSo() {
        sign.manner = .isSilent
        let driver = driver { $0.expectsAcknowledgement = false }
        driver.show(.identifying)
        #expect(!isFailing(driver))
        #expect(sign.frames.count == 4)
    }

    @Test func refusalIsNamedWithItsCode() {
        sign.manner = .refuses(9)
        let driver = driver()
        driver.show(.identifying)
        guard case .failing(_, let fault) = driver.health, case .refused(9) = fault else {
            Issue.record("the refusal should be the fault")
            return
        }
        #expect(fault.description.contains("9"))
        #expect(sign.frames.count == 1)
    }

    @Test func answerThatCameTooLateDoesNotCountForTheNextFrame() {
        let driver = driver()
        sign.manner = .answersLate
        driver.show(.identifying)
        #expect(isFailing(driver))
        sign.manner = .isSilent
        clock.time = clock.time + .seconds(2)
        driver.service()
        #expect(isFailing(driver))
    }

    @Test func presentMessageIsSentAgainWhenTheFaultHealsAndOnlyThen() {
        let driver = driver()
        sign.manner = .isPulled
        driver.show(.identifying)
        driver.show(SignDriverTests.refusal)
        #expect(sign.texts == [])
        sign.manner = .answers
        driver.service()
        #expect(sign.texts == [], "the retry interval is not over")
        clock.time = clock.time + .seconds(2)
        driver.service()
        #expect(sign.texts == ["豫A12345", " ", "未登记车辆 禁止通行", "常态管控"])
        #expect(!isFailing(driver))
        clock.time = clock.time + .seconds(3600)
        driver.service()
        #expect(sign.texts.count == 4, "a message that was shown is not sent again")
    }

    @Test func voiceIsNotRepeatedWhenTheFaultHeals() {
        let driver = driver { $0.speaks = true }
        sign.manner = .isPulled
        driver.show(SignDriverTests.refusal)
        sign.manner = .answers
        clock.time = clock.time + .seconds(2)
        driver.service()
        #expect(sign.frames.count == 4)
        #expect(!sign.frames.contains { $0.command == LedSignVoice.command })
    }

    @Test func messageIsRefreshedWhereThatIsConfigured() {
        let driver = driver { $0.refreshInterval = .seconds(30) }
        driver.show(.identifying)
        clock.time = clock.time + .seconds(29)
        driver.service()
        #expect(sign.frames.count == 4)
        clock.time = clock.time + .seconds(1)
        driver.service()
        #expect(sign.frames.count == 8)
    }

    @Test func charactersThatTheSignLacksAndCutTextsAreCounted() {
        let driver = driver()
        driver.show(.idle(text: "镕😀" + String(repeating: "车", count: 200)))
        #expect(driver.replacedCharacterCount == 2)
        #expect(driver.cutTextCount == 1)
        #expect(!isFailing(driver))
    }
}

@Suite struct SignTextsTests {
    @Test func everyTextFitsALineAndIsInGB2312() {
        #expect(SignTexts.all.count == 8 + EmissionStage.allCases.count + VerdictReason.allCases.count)
        for text in SignTexts.all {
            #expect((1...SignTexts.maximumCharacterCount).contains(text.count), "\(text)")
            #expect(GB2312.encode(text).replacedCount == 0, "\(text)")
        }
    }

    @Test func everyReasonSaysWhetherTheVehicleMayPass() {
        for reason in VerdictReason.allCases {
            let text = SignTexts.reason(reason)
            #expect(text.hasSuffix("请通行") == reason.allows, "\(text)")
            #expect(text.hasSuffix("禁止通行") == !reason.allows, "\(text)")
        }
    }

    @Test func noTwoReasonsOrStagesReadAlike() {
        #expect(Set(VerdictReason.allCases.map { SignTexts.reason($0) }).count == VerdictReason.allCases.count)
        #expect(Set(EmissionStage.allCases.map { SignTexts.stage($0) }).count == EmissionStage.allCases.count)
    }
}

@Suite struct SignOnATerminalTests {
    /// The driver, the real serial line and a sign at the other end of a pseudo-terminal.
    @Test func messageReachesASignOnARealSerialLine() throws {
        var name = [CChar](repeating: 0, count: 64)
        let descriptor = gw_pty_open(&name, name.count)
        try #require(descriptor >= 0)
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
        let line = SerialLine(SerialSettings(path: path, baud: 9600))
        try line.open()
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var texts: [String] = []
        Thread.detachNewThread {
            var received: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 256)
            while texts.count < 4 {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                received += buffer.prefix(count)
                while let frame = try? LedSignFrame(prefixOf: received[...]),
                    let text = try? LedSignText(data: frame.data)
                {
                    received.removeFirst(frame.byteCount)
                    texts.append(GB2312.decode(text.textBytes))
                    let reply = frame.acknowledgement(code: 0).encoded
                    _ = write(descriptor, reply, reply.count)
                }
            }
            done.signal()
        }
        let driver = SignDriver(port: line, clock: SystemClock(), settings: SignSettings())
        driver.show(.verdict(plate: "粤B12345", stage: .china6, reason: .whitelisted))
        if case .ok = driver.health {} else { Issue.record("the sign should be well") }
        #expect(done.wait(timeout: .now() + 5) == .success)
        #expect(texts == ["粤B12345", "国六", "白名单 请通行", "常态管控"])
        close(descriptor)
    }
}
