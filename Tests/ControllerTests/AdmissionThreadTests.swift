import Admission
import Domain
import Foundation
import Machine
import Testing

@testable import Controller

private final class BenchRegister: RegisterLookup, Sendable {
    let importedAt: WallTime? = CivilTime(year: 2026, month: 2, day: 1).wallTime()

    func vehicle(for plate: Plate) -> Vehicle? {
        plate.text.hasPrefix("冀A") ? Vehicle(plate: plate, stage: .china6) : nil
    }

    func listEntries(for plate: Plate) -> [ListEntry] {
        plate.text == "冀A66666" ? [ListEntry(plate: plate, kind: .black, reason: "超标", validUntil: nil)] : []
    }
}

private final class AdmissionBench {
    let channels: AdmissionChannels
    let bench: Bench

    init(decisionCapacity: Int = 64, knownKeys: [String] = []) throws {
        let bell = try Wakeup()
        channels = AdmissionChannels(
            bell: bell, requests: Ring(capacity: 64, bell: bell), captures: Ring(capacity: 64, bell: bell),
            decisions: Ring(capacity: decisionCapacity, bell: try Wakeup()))
        bench = Bench(bell)
        let thread = AdmissionThread(
            lanes: [(lane, .exit)], register: BenchRegister(), policy: Policy(minimumStage: .china5),
            knownKeys: knownKeys, channels: channels, clock: bench.clock, stop: bench.stop, pulse: bench.pulse,
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
