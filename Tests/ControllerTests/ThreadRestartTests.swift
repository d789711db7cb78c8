import Domain
import Testing

@testable import Controller

@Suite struct ThreadRestartTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)

    private func at(_ seconds: UInt64) -> Instant { start + .seconds(seconds) }

    @Test func aThreadThatIsGoneEndsTheRunOnceNobodyIsAtALane() {
        var restart = ThreadRestart(now: start, wasJustDone: false)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(1)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(60)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: false, now: at(62)) == nil, "a vehicle is there")
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(70)) == nil, "it has only just left")
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(79)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(80)) == "net")
    }

    @Test func aThreadThatGoesOnIsForgotten() {
        var restart = ThreadRestart(now: start, wasJustDone: false)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(1)) == nil)
        #expect(restart.look(stalled: [], isQuiet: true, now: at(50)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(70)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(130)) == "net")
    }

    @Test func aRestartThatDidNotHelpIsTriedAgainAnHourLater() {
        var restart = ThreadRestart(now: start, wasJustDone: true)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(1)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(3_599)) == nil)
        #expect(restart.look(stalled: ["net"], isQuiet: true, now: at(3_600)) == "net")
    }

    @Test func aBackupThatWaitsForItsMediumEndsNothing() {
        var restart = ThreadRestart(now: start, wasJustDone: false)
        #expect(restart.look(stalled: ["backup"], isQuiet: true, now: at(1)) == nil)
        #expect(restart.look(stalled: ["backup"], isQuiet: true, now: at(10_000)) == nil)
    }

    @Test func theNextBootTellsIt() {
        let cause = RunEnd.threadGone("net").cause
        #expect(StartReason(crash: cause, word: "after the firmware ended with code 70").cause(isFirst: false) == cause)
        #expect(cause.hasPrefix(ThreadRestart.cause) && cause.hasSuffix("net"))
    }
}
