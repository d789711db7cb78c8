// Traces: every event and action has its word, a trace survives its text, and a replay finds where the rules differ.

import Domain
import LaneCore
import Testing

@testable import LaneTrace

private final class Sink: TraceSink {
    var records: [TraceRecord] = []

    func take(_ record: borrowing TraceRecord) {
        var kept = TraceRecord()
        kept.words = record.words
        records.append(kept)
    }
}

private let lanes = [LaneID(0), LaneID(7)]
private let token = VehicleToken(boot: 9, lane: LaneID(7), count: 12_345)
private let sensors = (0..<UInt8(LaneSensor.count)).compactMap { LaneSensor(rawValue: $0) }
private let outputs = (0..<UInt8(LaneOutput.count)).compactMap { LaneOutput(rawValue: $0) }

private var everyEvent: [LaneEvent] {
    var events: [LaneEvent] = [.edgesLost, .timer, .order(.close), .order(.stop)]
    for sensor in sensors { events += [.sensor(sensor, isActive: true), .sensor(sensor, isActive: false)] }
    for reason in VerdictReason.allCases {
        events.append(.verdict(Verdict(lane: LaneID(7), token: token, reason: reason)))
    }
    for lane in lanes {
        events += [.order(.release(lane, token)), .order(.release(lane, .none)), .order(.identifyAgain(lane))]
    }
    for isOn in [true, false] {
        events += [.order(.hold(isOn)), .order(.lockdown(isOn)), .order(.maintenance(isOn))]
        events += outputs.map { .order(.energise($0, isOn)) }
    }
    return events
}

private var everyAction: [LaneAction] {
    var actions: [LaneAction] = []
    for isOn in [true, false] {
        actions += outputs.map { .drive($0, energised: isOn) }
        actions += sensors.map { .noted($0, isActive: isOn) }
        let faults: [LaneFault] =
            sensors.map { .stuck($0) } + sensors.map { .chatter($0) }
            + [.edgesLost, .openLimitMissed, .closedLimitMissed, .movedUnordered, .limitsContradict, .straddled]
        actions += faults.map { .fault($0, isRaised: isOn) }
        actions.append(.travelled(isUp: isOn, .milliseconds(1_234)))
    }
    for lane in lanes {
        actions += [
            .identify(lane, token, arrivedAt: Instant(nanoseconds: 5), attempt: 2), .identificationOverdue(lane, token),
            .releaseAsked(lane, token, by: .guardOpen), .releaseAsked(lane, .none, by: .exitRequest),
        ]
        let notices: [LaneNotice] =
            [.free, .identifying, .released, .occupied, .closed, .evacuate, .maintenance]
            + VerdictReason.allCases.map { .refused($0) }
        actions += notices.map { .notice(lane, $0, token) }
        for outcome in PassOutcome.allCases {
            for isReverse in [true, false] {
                var end = PassEnd(
                    lane: lane, token: token, outcome: outcome, arrivedAt: Instant(nanoseconds: 1), raisedAt: nil,
                    enteredAt: nil, endedAt: Instant(nanoseconds: 2))
                end.isReverse = isReverse
                actions.append(.passEnded(end))
                end.cause = .protection
                actions.append(.passEnded(end))
            }
        }
    }
    return actions + (1...6).compactMap { RaiseCause(rawValue: $0) }.map { .raised($0) }
}

private func header(_ layout: LaneLayout = .parallel) -> TraceHeader {
    var fitting = LaneFitting(layout: layout, sensors: SensorSet(bits: (1 << UInt32(LaneSensor.count)) - 1))
    fitting.queuesThrough = true
    fitting.trustsGaps = false
    let timings = LaneTimings(
        verdictDeadline: .seconds(3), authorisedWindow: .seconds(20), backOut: .seconds(3), closeDelay: .seconds(1),
        raiseTravel: .seconds(2), lowerTravel: .seconds(2), relayPulse: .milliseconds(500),
        deadTime: .milliseconds(200))
    return TraceHeader(
        lane: LaneID(2), second: layout == .single ? nil : LaneID(3), boot: 17, timings: timings, fitting: fitting)
}

/// A lane that is traced while events come at random.
private func traced(_ layout: LaneLayout, seed: UInt64, steps: Int, settles: Bool = false) -> LaneTrace {
    let header = header(layout)
    var core = header.core
    var recorder = TraceRecorder()
    var actions = LaneActions()
    let sink = Sink()
    var random = seed
    func next(_ limit: UInt64) -> UInt64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (random >> 33) % limit
    }
    var now = Instant(nanoseconds: 1_000_000_000)
    let rest = SensorSet.none.with(.closedLimit)
    core.start(rest, at: now, &actions)
    recorder.note(TraceWord(start: rest), at: now, core, &actions, into: sink)
    var levels = rest.bits
    func take(_ event: LaneEvent) {
        core.step(event, at: now, &actions)
        recorder.note(TraceWord(event), at: now, core, &actions, into: sink)
    }
    for number in 0..<steps {
        // From time to time everybody leaves.
        if settles && number % 100 == 99 {
            for sensor in sensors where sensor != .closedLimit { take(.sensor(sensor, isActive: false)) }
            take(.sensor(.closedLimit, isActive: true))
            levels = rest.bits
            for _ in 0..<100 where core.nextDeadline != nil {
                now = max(now, core.nextDeadline ?? now)
                take(.timer)
            }
        }
        let event: LaneEvent
        if let deadline = core.nextDeadline, next(2) == 0 {
            now = max(now, deadline)
            event = .timer
        } else if next(5) == 0 {
            let side = Int(next(2))
            event = .verdict(Verdict(lane: LaneID(UInt8(2 + side)), token: core.token(side), reason: .stageAllowed))
        } else {
            now = now + .milliseconds(next(700))
            let sensor = sensors[Int(next(10))]
            levels ^= 1 << UInt32(sensor.rawValue)
            event = .sensor(sensor, isActive: levels & 1 << UInt32(sensor.rawValue) != 0)
        }
        take(event)
    }
    return LaneTrace(header: header, records: sink.records)
}

@Suite struct LaneTraceTests {
    @Test func everyEventSurvivesItsWord() {
        for event in everyEvent { #expect(TraceWord(event).event(boot: 9) == event) }
        #expect(TraceWord(start: SensorSet(bits: 0x1_0203)).startLevels == SensorSet(bits: 0x1_0203))
        #expect(TraceWord(bits: 0xFF).event(boot: 9) == nil)
    }

    @Test func everyActionHasItsOwnWordAndMeaning() {
        let words = everyAction.map { TraceWord($0) }
        #expect(Set(words.map { $0.bits }).count == words.count)
        #expect(Set(words.map { $0.meaning }).count == words.count)
        #expect(!words.contains { $0.meaning.contains("?") || !$0.isAction })
        #expect(!everyEvent.contains { TraceWord($0).meaning.contains("?") })
    }

    @Test func traceSurvivesItsText() throws {
        let trace = traced(.parallel, seed: 1, steps: 500)
        let again = try LaneTrace(text: Array(trace.text.utf8))
        #expect(again.records == trace.records)
        #expect(LaneTrace.headerLines(again.header) == LaneTrace.headerLines(trace.header))
        #expect(again.text == trace.text)
    }

    @Test func theLongestLineIsReadBack() throws {
        let longest = try #require(everyAction.map { TraceWord($0) }.max { $0.meaning.count < $1.meaning.count })
        var record = TraceRecord()
        record.words[0] = (1 << 62) - 1
        record.words[1] = TraceWord(everyEvent[0]).bits
        for index in 2..<4 { record.words[index] = .max }
        record.words[4] = 10 | 0xFFFF_FFFF_FFFF << 16
        record.words[5] = 0x0FFF_FFFF_0FFF_FFFF
        for index in 6..<TraceRecord.wordCount { record.words[index] = longest.bits }
        let again = try LaneTrace(text: Array(LaneTrace(header: header(), records: [record]).text.utf8))
        #expect(again.records == [record])
    }

    @Test(arguments: [LaneLayout.single, .opposed, .parallel])
    func sameRulesActTheSame(_ layout: LaneLayout) {
        for seed in 1...40 as ClosedRange<UInt64> {
            let report = traced(layout, seed: seed, steps: 400).replay()
            #expect(report.replayed == 401 && report.differenceCount == 0 && report.skipped == 0)
        }
    }

    @Test func replayBeginsWhereTheLaneWasAtRest() {
        var trace = traced(.single, seed: 3, steps: 20_000, settles: true)
        trace.records.removeFirst(1)
        let report = trace.replay()
        #expect(report.differenceCount == 0, "\(report.differences)")
        #expect(report.skipped > 0 || trace.records[0].before.isAtRest)
        #expect(report.replayed > 10_000)
    }

    @Test func changedRuleIsReported() throws {
        var trace = traced(.single, seed: 5, steps: 400)
        // As if the rules had once kept the raise relay of one step off.
        let raise = TraceWord(.drive(.raise, energised: true)).bits
        let place = try #require(
            trace.records.firstIndex { record in (0..<record.ownCount).contains { record.action($0).bits == raise } })
        let slot = try #require((6..<16).first { trace.records[place].words[$0] == raise })
        trace.records[place].words[slot] = TraceWord(.drive(.raise, energised: false)).bits
        let report = trace.replay()
        #expect(report.differenceCount == 1)
        #expect(report.differences.first?.step == trace.records[place].step)
        #expect(report.differences.first?.lines.contains("  + raise relay on") == true)
        #expect(report.differences.first?.lines.contains("  - raise relay off") == true)
    }

    @Test func changedSettingIsReported() {
        var trace = traced(.single, seed: 5, steps: 2_000)
        trace.header.timings.closeDelay = .seconds(2)
        #expect(trace.replay().differenceCount > 0)
    }

    @Test func missingRecordsAreNotReplayedOver() {
        var trace = traced(.single, seed: 7, steps: 2_000, settles: true)
        trace.records.remove(at: 30)
        let report = trace.replay()
        #expect(report.replayed > 1_000)
        #expect(report.differenceCount == 0)
        #expect(report.skipped > 0)
    }

    @Test func traceWithoutAPlaceToBeginAtReplaysNothing() {
        var trace = traced(.single, seed: 5, steps: 400)
        trace.records = trace.records.filter { !$0.before.isAtRest && $0.event.startLevels == nil }
        #expect(trace.replay().replayed == 0)
    }

    @Test func stepWithManyActionsGoesOnInTheNextRecord() {
        let header = header()
        var core = header.core
        var recorder = TraceRecorder()
        var actions = LaneActions()
        let sink = Sink()
        let now = Instant(nanoseconds: 1_000_000_000)
        let rest = SensorSet.none.with(.closedLimit)
        core.start(rest, at: now, &actions)
        recorder.note(TraceWord(start: rest), at: now, core, &actions, into: sink)
        let events: [LaneEvent] = [
            .sensor(.approach, isActive: true), .sensor(.secondApproach, isActive: true),
            .sensor(.closedLimit, isActive: false), .order(.maintenance(true)),
        ]
        for event in events {
            core.step(event, at: now, &actions)
            recorder.note(TraceWord(event), at: now, core, &actions, into: sink)
        }
        #expect(sink.records.last?.offset == 10)
        let report = LaneTrace(header: header, records: sink.records).replay()
        #expect(report.replayed == 5 && report.differenceCount == 0)
    }

    @Test func doctoredTextsAreRefusedOrReplayedAndNeverTrap() throws {
        let text = Array(traced(.opposed, seed: 11, steps: 60).text.utf8)
        var random: UInt64 = 4
        var refused = 0
        var taken = 0
        for _ in 0..<4_000 {
            var doctored = text
            for _ in 0..<3 where doctored.count > 1 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let place = Int((random >> 20) % UInt64(doctored.count))
                switch (random >> 10) % 3 {
                case 0: doctored[place] = Array("0123456789abcdef #\nz".utf8)[Int(random >> 40 & 15)]
                case 1: doctored.remove(at: place)
                default: doctored = Array(doctored.prefix(max(place, 1)))
                }
            }
            do throws(TraceFailure) {
                _ = try LaneTrace(text: doctored).replay()
                taken += 1
            } catch {
                #expect(!error.description.isEmpty)
                refused += 1
            }
        }
        #expect(refused > 100 && taken > 100)
    }
}
