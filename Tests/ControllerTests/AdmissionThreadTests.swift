import Admission
import Domain
import Foundation
import Machine
import Testing

@testable import Controller

/// The tag E280…1234 belongs to 冀A01234.
private final class BenchRegister: RegisterLookup, Sendable {
    let importedAt: WallTime? = CivilTime(year: 2026, month: 2, day: 1).wallTime()

    func vehicle(for plate: Plate) -> Vehicle? {
        plate.text.hasPrefix("冀A") ? Vehicle(plate: plate, stage: .china6) : nil
    }

    /// Those of which the plate ends with 7 bring coal.
    func freight(for plate: Plate, _ direction: Direction) -> Freight {
        var freight = Freight.unknown
        if plate.text.utf8.last == 0x37 { freight.cargo = direction == .exit ? "煤" : "矿" }
        return freight
    }

    func listEntries(for plate: Plate) -> [ListEntry] {
        switch plate.text {
        case "冀A66666": [ListEntry(plate: plate, kind: .black, reason: "超标", validUntil: nil)]
        case "豫B22222":
            [
                ListEntry(
                    plate: plate, kind: .white, reason: "短期",
                    validUntil: CivilTime(year: 2026, month: 6, day: 1).wallTime())
            ]
        default: []
        }
    }

    func plate(of tag: VehicleTag) -> Plate? {
        tag.text.hasPrefix("E2") ? Plate("冀A0\(tag.text.suffix(4))", colour: .yellow) : nil
    }
}

final class AdmissionBench {
    let channels: AdmissionChannels
    let inventories: Ring<ArrivedInventory>
    let bench: Bench

    /// - Parameter rules: nil for a lane without a reader.
    init(
        decisionCapacity: Int = 64, knownKeys: [String] = [], rules: TagRules? = nil,
        register: (any RegisterLookup)? = nil, newest: WallTime? = nil
    ) throws {
        let bell = try Wakeup()
        inventories = Ring(capacity: 32, bell: bell)
        channels = AdmissionChannels(
            bell: bell, requests: Ring(capacity: 64, bell: bell), captures: Ring(capacity: 64, bell: bell),
            decisions: Ring(capacity: decisionCapacity, bell: try Wakeup()),
            inventories: [inventories])
        bench = Bench(bell)
        let thread = AdmissionThread(
            lanes: [(lane, .exit)], register: register ?? BenchRegister(), policy: Policy(minimumStage: .china5),
            knownKeys: knownKeys, tagRules: rules.map { [lane: $0] } ?? [:], channels: channels, clock: bench.clock,
            clockTrust: ClockTrust(newest: newest, now: bench.clock.wall()), stop: bench.stop, pulse: bench.pulse,
            log: bench.log)
        try bench.start { thread.run() }
    }

    func arrive(_ token: VehicleToken, in lane: LaneID = lane, attempt: UInt8 = 1) {
        #expect(channels.requests.push(.identify(lane, token, arrivedAt: bench.clock.now(), attempt: attempt)))
        bench.settle()
    }

    func overdue(_ token: VehicleToken) {
        #expect(channels.requests.push(.overdue(lane, token)))
        bench.settle()
    }

    func leave(_ token: VehicleToken) {
        #expect(channels.requests.push(.ended(lane, token, at: bench.clock.now())))
        bench.settle()
    }

    func read(_ key: String, _ plate: Plate? = plate(), lead: Interval = .seconds(3), in lane: LaneID = lane) {
        let arrived = ArrivedCapture(
            lane: lane, capture: capture(key, plate: plate), receivedAt: bench.clock.now(), lead: lead)
        #expect(channels.captures.push(arrived))
        bench.settle()
    }

    /// Inventories 200 ms apart that find these tags, of E280 and the digits.
    func see(_ numbers: String..., times: Int = 2) {
        for _ in 0..<times {
            bench.clock.advance(.milliseconds(200))
            let tags = numbers.compactMap { VehicleTag("E280" + $0) }
            #expect(
                inventories.push(
                    ArrivedInventory(lane: lane, reader: "reader 1", tags: tags, at: bench.clock.now())))
        }
        bench.settle()
    }

    /// What was decided since the last call.
    var reasons: [VerdictReason] { channels.decisions.all().map(\.verdict.reason) }
}

@Suite struct AdmissionThreadTests {
    @Test func aVehicleAndItsReadGiveOneDecisionWithAllItStandsUpon() throws {
        let admission = try AdmissionBench()
        let asked = admission.bench.clock.now()
        admission.arrive(token(1))
        #expect(admission.reasons == [])
        admission.bench.advance(.milliseconds(300))
        admission.read("k1")
        let decisions = admission.channels.decisions.all()
        try #require(decisions.count == 1)
        let decision = decisions[0]
        #expect(decision.verdict == Verdict(lane: lane, token: token(1), reason: .stageAllowed))
        #expect(decision.direction == .exit && decision.captureKey == "k1" && decision.camera == "cam-north")
        #expect(decision.plate == plate() && decision.rawPlate == "冀A12345" && decision.vehicle?.stage == .china6)
        #expect(decision.registerImportedAt == CivilTime(year: 2026, month: 2, day: 1).wallTime())
        #expect(decision.askedAt >= asked && decision.decidedAt.since(decision.askedAt) >= .milliseconds(300))
        // Neither another read nor the lane's deadline makes a second one.
        admission.read("k2", plate("冀A66666"))
        admission.overdue(token(1))
        #expect(admission.reasons == [])
        #expect(admission.bench.end())
    }

    @Test func listsAndStrangersAreDecidedByTheRegister() throws {
        let admission = try AdmissionBench()
        for (count, text) in [(UInt32(1), "冀A66666"), (2, "豫B00001")] {
            admission.arrive(token(count))
            admission.read("k\(count)", plate(text))
            admission.leave(token(count))
            admission.bench.advance(.seconds(10))
        }
        let decisions = admission.channels.decisions.all()
        #expect(decisions.map(\.verdict.reason) == [.blacklisted, .unknownVehicle])
        #expect(decisions.map(\.listReason) == ["超标", ""] && decisions.last?.vehicle == nil)
        #expect(admission.bench.end())
    }

    @Test(arguments: [(nil, true), (8, false)] as [(Int?, Bool)])
    func aClockThatIsNotSetBringsNoPermissionBack(newestMonth: Int?, isAllowed: Bool) throws {
        // The bench's clock says March; the permission ended in June.
        let newest = newestMonth.map { CivilTime(year: 2026, month: $0, day: 1).wallTime() }
        let admission = try AdmissionBench(newest: newest)
        admission.arrive(token(1))
        admission.read("k1", plate("豫B22222"))
        #expect(admission.reasons == [isAllowed ? .whitelisted : .unknownVehicle])
        #expect(admission.bench.end())
    }

    @Test func aVehicleThatNobodyNamesIsDecidedAsNotIdentified() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.overdue(token(2))
        #expect(admission.reasons == [], "of another vehicle")
        admission.overdue(token(1))
        let decisions = admission.channels.decisions.all()
        #expect(decisions.map(\.verdict) == [Verdict(lane: lane, token: token(1), reason: .notIdentified)])
        #expect(decisions.first?.captureKey == "" && decisions.first?.plate == nil)
        admission.read("late")
        admission.overdue(token(1))
        #expect(admission.reasons == [], "its late read comes to nothing")
        #expect(admission.bench.end())
    }

    @Test func aReadFromBeforeTheArrivalCountsWithinItsLead() throws {
        let admission = try AdmissionBench()
        admission.read("k1", lead: .seconds(2))
        admission.bench.advance(.milliseconds(1_900))
        admission.arrive(token(1))
        #expect(admission.reasons == [.stageAllowed])
        admission.leave(token(1))
        admission.bench.advance(.seconds(60))
        admission.read("k2", plate("冀A00002"), lead: .seconds(2))
        admission.bench.advance(.milliseconds(2_100))
        admission.arrive(token(2))
        #expect(admission.reasons == [])
        admission.overdue(token(2))
        #expect(admission.reasons == [.notIdentified])
        #expect(admission.bench.end())
    }

    @Test func anUnreadPlateWaitsItsGraceForABetterRead() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.read("k1", nil)
        admission.bench.advance(.milliseconds(500))
        #expect(admission.reasons == [])
        admission.bench.advance(.milliseconds(400))
        #expect(admission.reasons == [.plateUnread])
        admission.leave(token(1))
        admission.bench.advance(.seconds(60))
        admission.arrive(token(2))
        admission.read("k2", nil)
        admission.bench.advance(.milliseconds(500))
        admission.read("k3")
        #expect(admission.reasons == [.stageAllowed])
        admission.bench.advance(.seconds(2))
        #expect(admission.reasons == [], "the unread plate is forgotten")
        #expect(admission.bench.end())
    }

    @Test func aVehicleThatHasLeftIsNotDecided() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.leave(token(1))
        admission.read("k1")
        admission.overdue(token(1))
        #expect(admission.reasons == [])
        admission.arrive(token(2))
        admission.read("k2", plate("冀A00002"))
        #expect(admission.channels.decisions.all().map(\.verdict.token) == [token(2)])
        #expect(admission.bench.end())
    }

    @Test func aReadOfAnEarlierRunNamesNobody() throws {
        let admission = try AdmissionBench(knownKeys: ["k1"])
        admission.arrive(token(1))
        admission.read("k1")
        #expect(admission.reasons == [])
        admission.read("k2")
        #expect(admission.reasons == [.stageAllowed])
        #expect(admission.bench.end())
    }

    @Test func anotherLanesRequestsAndReadsAreNotServed() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.arrive(token(9), in: LaneID(5))
        admission.read("k1", in: LaneID(5))
        #expect(admission.reasons == [])
        admission.read("k2")
        #expect(admission.reasons == [.stageAllowed])
        #expect(admission.bench.end())
    }

    @Test func aFullRingOfDecisionsIsNeverWaitedFor() throws {
        let admission = try AdmissionBench(decisionCapacity: 2)
        for count in UInt32(1)...4 {
            admission.arrive(token(count))
            admission.read("k\(count)", plate("冀A0000\(count)"))
            admission.leave(token(count))
            admission.bench.advance(.seconds(5))
        }
        #expect(admission.channels.decisions.refused == 2)
        #expect(admission.channels.decisions.all().map(\.verdict.token) == [token(1), token(2)])
        admission.arrive(token(5))
        admission.read("k5", plate("冀A00005"))
        #expect(admission.channels.decisions.all().map(\.verdict.token) == [token(5)])
        #expect(admission.bench.end())
    }

    @Test func aSecondAttemptDisturbsNothing() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.read("k1", nil)
        admission.arrive(token(1), attempt: 2)
        admission.arrive(token(9), attempt: 2)
        admission.read("k2")
        let decisions = admission.channels.decisions.all()
        #expect(decisions.map(\.verdict.token) == [token(1)] && decisions.first?.captureKey == "k2")
        #expect(admission.bench.end())
    }

    @Test func theVehicleAndItsFollowerAreEachDecidedByTheirOwnRead() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.bench.advance(.seconds(1))
        admission.arrive(token(2))
        admission.read("k1", plate("冀A00001"))
        admission.read("k1b", plate("冀A00001"))
        #expect(admission.channels.decisions.all().map(\.verdict.token) == [token(1)], "the one in front comes first")
        admission.read("k2", plate("冀A66666"))
        let second = admission.channels.decisions.all()
        #expect(second.map(\.verdict) == [Verdict(lane: lane, token: token(2), reason: .blacklisted)])
        admission.leave(token(1))
        admission.overdue(token(2))
        #expect(admission.reasons == [])
        #expect(admission.bench.end())
    }

    @Test func aFollowerThatNobodyNamesIsOverdueByItself() throws {
        let admission = try AdmissionBench()
        admission.arrive(token(1))
        admission.read("k1", plate("冀A00001"))
        admission.arrive(token(2))
        #expect(admission.reasons == [.stageAllowed])
        admission.overdue(token(2))
        #expect(admission.reasons == [.notIdentified])
        #expect(admission.bench.end())
    }
}

@Suite struct AdmissionWithTagsTests {
    private func bench(alone: Bool) throws -> AdmissionBench {
        let admission = try AdmissionBench(
            rules: TagRules(
                minimumReads: 2, before: .seconds(3), wait: .milliseconds(300), forget: .seconds(60),
                blindAfter: .seconds(3), aloneAfter: alone ? .milliseconds(1_500) : nil))
        // Somebody was there before, with the reader at work.
        admission.see()
        admission.arrive(token(100))
        admission.leave(token(100))
        admission.bench.advance(.milliseconds(1))
        return admission
    }

    @Test func ownTagAnswersAtOnceAndIsRecordedWithReaderAndTime() throws {
        let admission = try bench(alone: false)
        admission.arrive(token(1))
        admission.see("0001")
        let seenAt = admission.bench.clock.now()
        admission.read("k1", plate("冀A00001"))
        let decision = try #require(admission.channels.decisions.all().first)
        #expect(decision.verdict.reason == .stageAllowed && decision.tag == "E2800001")
        #expect(decision.tagReader == "reader 1" && decision.tagPlate == plate("冀A00001") && !decision.isNamedByTag)
        #expect((decision.tagSeenAt ?? Instant(nanoseconds: 0)) <= seenAt && decision.tagSeenAt != nil)
        #expect(admission.bench.end())
    }

    @Test func plateWaitsForItsTagAndIsThenDecidedWithoutOne() throws {
        let admission = try bench(alone: false)
        admission.arrive(token(1))
        admission.read("k1", plate("冀A00001"))
        admission.bench.advance(.milliseconds(200))
        #expect(admission.reasons == [])
        admission.bench.advance(.milliseconds(101))
        let decision = try #require(admission.channels.decisions.all().first)
        #expect(decision.verdict.reason == .stageAllowed && decision.tag.isEmpty && decision.tagPlate == nil)
        #expect(admission.bench.end())
    }

    @Test func plateAndTagOfTwoVehiclesAreRefusedAndBothAreRecorded() throws {
        let admission = try bench(alone: true)
        admission.arrive(token(1))
        admission.read("k1", plate("冀A00001"))
        admission.see("0002")
        admission.bench.advance(.milliseconds(300))
        let decision = try #require(admission.channels.decisions.all().first)
        #expect(decision.verdict == Verdict(lane: lane, token: token(1), reason: .identityConflict))
        #expect(decision.plate == plate("冀A00001") && decision.vehicle?.plate == plate("冀A00001"))
        #expect(decision.tag == "E2800002" && decision.tagPlate == plate("冀A00002"))
        // The next one, with its own tag, is served.
        admission.leave(token(1))
        admission.bench.advance(.seconds(1))
        admission.arrive(token(2))
        admission.see("0003")
        admission.read("k2", plate("冀A00003"))
        #expect(admission.reasons == [.stageAllowed])
        #expect(admission.bench.end())
    }

    @Test func tagAloneNamesWhoeverNoCameraReadsAndOnlyWhereItMay() throws {
        for alone in [false, true] {
            let admission = try bench(alone: alone)
            admission.arrive(token(1))
            admission.see("0001", times: 4)
            #expect(admission.reasons == [], "a plate may still come")
            admission.see("0001", times: 4)
            let decisions = admission.channels.decisions.all()
            #expect(decisions.map(\.verdict.reason) == (alone ? [.stageAllowed] : []))
            #expect(decisions.allSatisfy { $0.isNamedByTag && $0.plate == plate("冀A00001") && $0.captureKey.isEmpty })
            admission.overdue(token(1))
            let late = admission.channels.decisions.all()
            #expect(late.map(\.verdict.reason) == (alone ? [] : [.notIdentified]))
            #expect(late.allSatisfy { $0.tag == "E2800001" && $0.plate == nil && !$0.isNamedByTag })
            #expect(admission.bench.end())
        }
    }

    @Test func unreadPlateLeavesTheNameToTheTag() throws {
        let admission = try bench(alone: true)
        admission.arrive(token(1))
        admission.read("k1", nil)
        admission.see("0001", times: 10)
        admission.bench.advance(.milliseconds(301))
        let decision = try #require(admission.channels.decisions.all().first)
        #expect(decision.isNamedByTag && decision.plate == plate("冀A00001") && decision.captureKey == "k1")
        #expect(decision.rawPlate == "_无_" && decision.verdict.reason == .stageAllowed)
        #expect(admission.bench.end())
    }

    /// TAG-1, whole: the one before has gone through and its tag is still seen.
    @Test func tagOfTheVehicleBeforeNeverServesTheNextOne() throws {
        let admission = try bench(alone: true)
        admission.arrive(token(1))
        admission.see("0001")
        admission.read("k1", plate("冀A00001"))
        #expect(admission.reasons == [.stageAllowed])
        admission.leave(token(1))
        admission.bench.advance(.milliseconds(500))
        admission.arrive(token(2))
        admission.see("0001", times: 10)
        #expect(admission.reasons == [])
        admission.overdue(token(2))
        let decision = try #require(admission.channels.decisions.all().first)
        #expect(decision.verdict == Verdict(lane: lane, token: token(2), reason: .notIdentified))
        #expect(admission.bench.end())
    }

    @Test func twoTagsNameNobody() throws {
        let admission = try bench(alone: true)
        admission.arrive(token(1))
        admission.see("0001", "0002", times: 10)
        admission.overdue(token(1))
        #expect(admission.reasons == [.notIdentified])
        #expect(admission.bench.end())
    }

    @Test func goodsTagsAreNobodys() throws {
        let admission = try bench(alone: true)
        admission.arrive(token(1))
        #expect(VehicleTag("E280AAAA") != nil)
        for _ in 0..<3 {
            admission.bench.clock.advance(.milliseconds(200))
            let goods = (0..<100).compactMap { VehicleTag(bytes: [0x30, 0x08, 0, UInt8($0)]) }
            #expect(
                admission.inventories.push(
                    ArrivedInventory(lane: lane, reader: "reader 1", tags: goods, at: admission.bench.clock.now())))
        }
        admission.read("k1", plate("冀A00001"))
        admission.bench.advance(.milliseconds(301))
        let decision = try #require(admission.channels.decisions.all().first)
        #expect(decision.verdict.reason == .stageAllowed && decision.tag.isEmpty)
        #expect(admission.bench.end())
    }

    @Test func overdueVehicleWhosePlateWaitsIsDecidedByItsPlate() throws {
        let admission = try bench(alone: false)
        admission.arrive(token(1))
        admission.read("k1", plate("冀A00001"))
        admission.overdue(token(1))
        #expect(admission.reasons == [.stageAllowed])
        #expect(admission.bench.end())
    }

    @Test func vehicleThatLeavesWhileItsPlateWaitsIsNotDecided() throws {
        let admission = try bench(alone: false)
        admission.arrive(token(1))
        admission.read("k1", plate("冀A00001"))
        admission.leave(token(1))
        admission.bench.advance(.seconds(1))
        #expect(admission.reasons == [])
        #expect(admission.bench.end())
    }
}
