import Domain
import Testing

@testable import Admission

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: (100_000 + milliseconds) * 1_000_000) }
private func plate(_ number: Int) -> Plate {
    guard let plate = Plate("冀A0000\(number)", colour: .yellow) else { preconditionFailure("a plate") }
    return plate
}
private func tag(_ number: Int) -> VehicleTag {
    guard let tag = VehicleTag(bytes: [0xE2, 0x80, 0, UInt8(number)]) else { preconditionFailure("a tag") }
    return tag
}
private func token(_ number: Int) -> VehicleToken { VehicleToken(value: UInt64(number)) }

private func rules(reads: Int = 2, alone: Bool = true) -> TagRules {
    TagRules(
        minimumReads: reads, before: .seconds(3), wait: .milliseconds(300), forget: .seconds(60),
        blindAfter: .seconds(3), aloneAfter: alone ? .milliseconds(1_500) : nil)
}

extension TagWatch {
    /// Vehicle `number`'s own tag, in so many inventories 200 ms apart, the last one at `time`.
    fileprivate mutating func sees(_ number: Int, until time: UInt64, reads: UInt64 = 2) {
        for back in (0..<reads).reversed() {
            looked(at: at(time - 200 * back))
            saw(tag(number), of: plate(number), by: "reader 1", at: at(time - 200 * back))
        }
    }
}

extension TagWatch {
    /// A lane that somebody has left, at whose coming the reader was at work already, and has been since.
    fileprivate init(_ rules: TagRules, begunAt time: UInt64) {
        self.init(rules)
        looked(at: at(time))
        arrived(token(99), at: at(time))
        left(token(99), at: at(time))
        looks(from: time, until: time)
    }

    /// The reader looks every second, and sees nobody.
    fileprivate mutating func looks(from start: UInt64, until end: UInt64) {
        for time in stride(from: start, through: end, by: 1_000) { looked(at: at(time)) }
    }
}

extension TagEvidence {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .agrees(let mark): "agrees \(mark.plate.text.last ?? "?")"
        case .contradicts(let mark): "contradicts \(mark.plate.text.last ?? "?")"
        case .names(let mark): "names \(mark.plate.text.last ?? "?")"
        case .beside(let mark): "beside \(mark.plate.text.last ?? "?")"
        }
    }
}

@Suite struct TagWatchTests {
    private var watch = TagWatch(rules(), begunAt: 0)

    @Test mutating func ownTagAgreesAndIsNamedWithReaderAndTime() {
        watch.arrived(token(1), at: at(0))
        watch.sees(1, until: 400)
        #expect(
            watch.evidence(for: token(1), plate: plate(1))
                == .agrees(TagMark(tag: tag(1), plate: plate(1), reader: "reader 1", seenAt: at(400))))
    }

    @Test mutating func anothersTagContradictsThePlate() {
        watch.arrived(token(1), at: at(0))
        watch.sees(2, until: 400)
        #expect(watch.evidence(for: token(1), plate: plate(1)).word == "contradicts 2")
        watch.sees(1, until: 600)
        #expect(watch.evidence(for: token(1), plate: plate(1)).word == "agrees 1", "the other may be behind it")
    }

    /// A copied plate right behind the vehicle that it was copied from.
    @Test mutating func tagSeenWithTheVehicleBeforeDoesNotAgreeWithTheNext() {
        watch.arrived(token(1), at: at(0))
        watch.sees(1, until: 1_400)
        watch.named(token(1), as: plate(1))
        watch.left(token(1), at: at(1_500))
        watch.arrived(token(2), at: at(2_000))
        #expect(watch.evidence(for: token(2), plate: plate(1)).word == "none")
        watch.sees(2, until: 2_400)
        #expect(watch.evidence(for: token(2), plate: plate(1)).word == "contradicts 2")
    }

    @Test mutating func tagReadTooSeldomOrTooEarlyDoesNotCount() {
        watch.arrived(token(1), at: at(5_000))
        watch.sees(2, until: 1_900)
        watch.saw(tag(2), of: plate(2), by: "reader 1", at: at(4_900))
        #expect(watch.evidence(for: token(1), plate: plate(1)).word == "none", "one read, two are asked for")
        watch.saw(tag(2), of: plate(2), by: "reader 1", at: at(5_100))
        #expect(watch.evidence(for: token(1), plate: plate(1)).word == "contradicts 2")
    }

    @Test mutating func oneFreshTagNamesAVehicleWithoutAPlate() {
        watch.arrived(token(1), at: at(0))
        #expect(watch.evidence(for: token(1)).word == "none")
        watch.sees(1, until: 400)
        #expect(watch.evidence(for: token(1)).word == "names 1")
        #expect(watch.evidence(for: token(9)).word == "none", "nobody of that token is here")
    }

    @Test func tagAloneNamesNobodyWhereItMayNot() {
        var watch = TagWatch(rules(alone: false), begunAt: 0)
        watch.arrived(token(1), at: at(0))
        watch.sees(1, until: 400)
        #expect(watch.evidence(for: token(1)).word == "beside 1")
    }

    @Test mutating func twoRegisteredTagsNameNobody() {
        watch.arrived(token(1), at: at(0))
        watch.sees(1, until: 400)
        watch.saw(tag(2), of: plate(2), by: "reader 1", at: at(400))
        #expect(watch.evidence(for: token(1)).word == "beside 1", "one read of another's is enough")
        watch.saw(tag(2), of: plate(2), by: "reader 1", at: at(600))
        #expect(watch.evidence(for: token(1)).word == "none")
    }

    /// TAG-1: the tag of the vehicle before, still in sight, never serves the next one.
    @Test mutating func tagOfTheVehicleBeforeNeverNamesTheNext() {
        watch.arrived(token(1), at: at(0))
        watch.sees(1, until: 400)
        watch.named(token(1), as: plate(1))
        watch.left(token(1), at: at(5_000))
        watch.arrived(token(2), at: at(5_500))
        watch.sees(1, until: 6_000, reads: 3)
        #expect(watch.evidence(for: token(2)).word == "beside 1")
        #expect(watch.evidence(for: token(2), plate: plate(2)).word == "none", "nor contradicts the next plate")
        watch.looks(from: 7_000, until: 9_000)
        watch.left(token(2), at: at(9_000))
        watch.arrived(token(3), at: at(10_000))
        watch.sees(1, until: 11_000)
        #expect(watch.evidence(for: token(3)).word == "beside 1", "nor the one after it")
        watch.left(token(3), at: at(12_000))
        watch.looks(from: 12_000, until: 79_000)
        watch.arrived(token(4), at: at(80_000))
        watch.sees(1, until: 80_400)
        #expect(watch.evidence(for: token(4)).word == "names 1", "out of sight for long, it has come anew")
    }

    @Test mutating func tagFirstSeenWhileAnotherWasThereNamesNobody() {
        watch.arrived(token(1), at: at(0))
        watch.arrived(token(2), at: at(2_000))
        watch.sees(2, until: 2_600)
        #expect(watch.evidence(for: token(2)).word == "beside 2", "it may be the one's in front")
        watch.left(token(1), at: at(3_000))
        watch.sees(2, until: 3_600)
        #expect(watch.evidence(for: token(2)).word == "beside 2", "and may have been")
        #expect(watch.evidence(for: token(2), plate: plate(2)).word == "agrees 2", "but beside its plate it agrees")
    }

    /// A reader that was not heard while the vehicle before was there cannot tell whose tag it sees now.
    @Test mutating func tagNamesNobodyAfterTheReaderWasBlind() {
        watch.arrived(token(1), at: at(1_000))
        watch.looks(from: 6_000, until: 9_000)
        watch.left(token(1), at: at(9_000))
        watch.arrived(token(2), at: at(10_000))
        watch.sees(2, until: 10_400)
        #expect(watch.evidence(for: token(2)).word == "beside 2")
        watch.left(token(2), at: at(11_000))
        watch.arrived(token(3), at: at(12_000))
        watch.sees(3, until: 12_600)
        #expect(watch.evidence(for: token(3)).word == "names 3")
        var fresh = TagWatch(rules())
        fresh.arrived(token(1), at: at(0))
        fresh.sees(1, until: 400)
        #expect(fresh.evidence(for: token(1)).word == "beside 1", "nor the first one after a start")
    }

    @Test mutating func wrongTagContradictsAgainWhenTheVehicleComesAgain() {
        watch.arrived(token(1), at: at(0))
        watch.sees(2, until: 400)
        watch.named(token(1), as: plate(1))
        watch.left(token(1), at: at(3_000))
        watch.arrived(token(2), at: at(4_000))
        watch.sees(2, until: 4_500)
        #expect(watch.evidence(for: token(2), plate: plate(1)).word == "contradicts 2")
    }

    @Test mutating func moreTagsThanThereIsRoomForNameNobody() {
        for number in 10..<42 { watch.saw(tag(number), of: plate(9), by: "reader 1", at: at(0)) }
        watch.looks(from: 1_000, until: 5_000)
        watch.arrived(token(1), at: at(5_000))
        watch.sees(1, until: 5_400)
        #expect(watch.evidence(for: token(1)).word == "none")
        // The others are long out of sight.
        watch.left(token(1), at: at(6_000))
        watch.looks(from: 6_000, until: 69_000)
        watch.arrived(token(2), at: at(70_000))
        watch.sees(1, until: 70_400)
        #expect(watch.evidence(for: token(2)).word == "names 1")
    }

    /// Vehicles with and without a tag come, queue and go at random, tags stay in sight after their vehicles, and the
    /// reader pauses: a tag alone names only the vehicle that wears it. Each tag in sight is found while it is there.
    @Test func noSequenceNamesAVehicleByAnothersTag() {
        var random = Seeded(state: 20_261_122)
        var named = 0
        for _ in 0..<300 {
            var watch = TagWatch(rules(reads: Int.random(in: 1...3, using: &random)), begunAt: 9_000)
            var now: UInt64 = 10_000
            var present: [(token: Int, vehicle: Int)] = []
            var inSight: [Int] = []
            func look() {
                watch.looked(at: at(now))
                for number in inSight { watch.saw(tag(number), of: plate(number), by: "reader 1", at: at(now)) }
            }
            for step in 1...120 {
                now += UInt64.random(in: 20...400, using: &random)
                let vehicle = Int.random(in: 1...8, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0 where present.count < 2 && !present.contains { $0.vehicle == vehicle }:
                    present.append((step, vehicle))
                    watch.arrived(token(step), at: at(now))
                    if !inSight.contains(vehicle), Bool.random(using: &random) { inSight.append(vehicle) }
                    look()
                case 1 where !present.isEmpty:
                    watch.left(token(present.removeFirst().token), at: at(now))
                case 2, 3:
                    if let out = inSight.first(where: { tag in !present.contains { $0.vehicle == tag } }) {
                        inSight.removeAll { $0 == out }
                    }
                case 4 where present.isEmpty:
                    now += 5_000
                case 5...9:
                    look()
                default: continue
                }
                for who in present {
                    if case .names(let mark) = watch.evidence(for: token(who.token)) {
                        named += 1
                        #expect(mark.plate == plate(who.vehicle), "at step \(step)")
                    }
                }
            }
        }
        #expect(named > 100, "it is not shown by naming nobody")
    }
}

private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

@Suite struct DecideWithTagsTests {
    private final class Vehicles: RegisterLookup {
        func freight(for plate: Plate, _ direction: Direction) -> Freight { .unknown }

        let importedAt: WallTime? = nil
        var black: [Plate] = []
        var white: [Plate] = []
        var tooLow: [Plate] = []
        var unknown: [Plate] = []

        func vehicle(for plate: Plate) -> Vehicle? {
            unknown.contains(plate) ? nil : Vehicle(plate: plate, stage: tooLow.contains(plate) ? .china3 : .china6)
        }

        func listEntries(for plate: Plate) -> [ListEntry] {
            black.contains(plate) || white.contains(plate)
                ? [ListEntry(plate: plate, kind: black.contains(plate) ? .black : .white, reason: "r", validUntil: nil)]
                : []
        }

        func plate(of tag: VehicleTag) -> Plate? { nil }
    }

    private let register = Vehicles()
    private var watch = TagWatch(rules(), begunAt: 0)

    private func finding(_ plate: Plate?, hasRead: Bool = true) -> Finding {
        decide(
            token(1), hasRead: hasRead, plate: plate, tags: watch, register: register,
            policy: Policy(minimumStage: .china5), at: WallTime(microseconds: 0))
    }

    init() {
        watch.arrived(token(1), at: at(0))
    }

    @Test mutating func plateAndTagOfTwoVehiclesAreRefusedAndBothAreNamed() {
        watch.sees(2, until: 400)
        let found = finding(plate(1))
        #expect(found.reason == .identityConflict && found.vehicle?.plate == plate(1) && found.tag?.plate == plate(2))
        #expect(!found.isNamedByTag)
        register.white = [plate(1)]
        #expect(finding(plate(1)).reason == .identityConflict, "the white list says nothing of the tag")
        register.black = [plate(1)]
        #expect(finding(plate(1)).reason == .blacklisted, "the black list beats everything")
    }

    @Test mutating func ownTagLeavesTheVerdictAsItIsAndIsRecorded() {
        watch.sees(1, until: 400)
        #expect(finding(plate(1)).reason == .stageAllowed && finding(plate(1)).tag?.tag == tag(1))
        register.tooLow = [plate(1)]
        #expect(finding(plate(1)).reason == .stageTooLow)
    }

    @Test mutating func withoutATagAllIsAsItWas() {
        #expect(finding(plate(1)).reason == .stageAllowed && finding(plate(1)).tag == nil)
        #expect(finding(nil).reason == .plateUnread && finding(nil, hasRead: false).reason == .notIdentified)
    }

    @Test mutating func tagAloneIsDecidedByItsVehiclesRowAndLists() {
        watch.sees(2, until: 400)
        let found = finding(nil)
        #expect(found.reason == .stageAllowed && found.isNamedByTag && found.vehicle?.plate == plate(2))
        #expect(finding(nil, hasRead: false).isNamedByTag)
        register.black = [plate(2)]
        #expect(finding(nil).reason == .blacklisted)
        register.black = []
        register.tooLow = [plate(2)]
        #expect(finding(nil).reason == .stageTooLow)
    }

    @Test mutating func strangersPlateGivesWayToTheTagUnlessAListKnowsIt() {
        register.unknown = [plate(1)]
        watch.sees(2, until: 400)
        #expect(finding(plate(1)).isNamedByTag)
        register.black = [plate(1)]
        #expect(finding(plate(1)).reason == .blacklisted)
        register.black = []
        register.white = [plate(1)]
        #expect(finding(plate(1)).reason == .identityConflict)
    }

    @Test func tagThatMayNotNameIsRecordedBesideTheRefusal() {
        var other = self
        other.watch = TagWatch(rules(alone: false), begunAt: 0)
        other.watch.arrived(token(1), at: at(0))
        other.watch.sees(2, until: 400)
        let found = other.finding(nil)
        #expect(found.reason == .plateUnread && found.tag?.plate == plate(2) && !found.isNamedByTag)
    }
}
