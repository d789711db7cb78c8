import Domain
import Testing

@testable import Admission

private func at(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: milliseconds * 1_000_000)
}

private func read(_ key: String, _ plate: String?) -> Capture {
    var capture = Capture(
        key: key, camera: "camera", rawPlate: plate ?? "_无_", plate: plate.flatMap { Plate($0, colour: .yellow) })
    capture.photos = [Photo(kind: .scene, jpeg: [0xFF, 0xD8])]
    return capture
}

private let first = VehicleToken(value: 1)
private let second = VehicleToken(value: 2)

struct IdentityMatcherTests {
    @Test func aReadAfterTheArrivalNamesTheVehicleWithoutItsPhotos() throws {
        var matcher = IdentityMatcher()
        #expect(matcher.request(first, arrivedAt: at(10_000), now: at(10_001)) == nil)
        let named = matcher.capture(read("a", "冀A11111"), receivedAt: at(10_400))
        let found = try #require(named)
        #expect(found.token == first && found.capture.key == "a" && found.receivedAt == at(10_400))
        #expect(found.capture.photos.isEmpty)
        #expect(matcher.capture(read("b", "冀A11111"), receivedAt: at(10_600)) == nil, "named once")
    }

    @Test func aReadBeforeTheArrivalCountsWithinItsCamerasLead() {
        for (received, lead, counts) in [(7_000, 3, true), (6_999, 3, false), (9_000, 1, true), (8_999, 1, false)] {
            var matcher = IdentityMatcher()
            let lead = Interval.seconds(UInt64(lead))
            #expect(matcher.capture(read("a", "冀A11111"), receivedAt: at(UInt64(received)), lead: lead) == nil)
            let found = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
            #expect((found?.capture.key == "a") == counts, "\(received)")
        }
    }

    @Test func theReadNearestToTheArrivalIsTaken() {
        var matcher = IdentityMatcher()
        _ = matcher.capture(read("a", "冀A11111"), receivedAt: at(8_000))
        _ = matcher.capture(read("b", "冀A22222"), receivedAt: at(9_000))
        #expect(matcher.request(first, arrivedAt: at(10_000), now: at(10_000))?.capture.key == "b")
    }

    @Test func theSecondReadOfATruckDoesNotServeItsFollower() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        #expect(matcher.capture(read("a", "冀A11111"), receivedAt: at(10_100)) != nil)
        _ = matcher.capture(read("b", "冀A11111"), receivedAt: at(11_000))
        matcher.left(first, at: at(12_000))
        #expect(matcher.request(second, arrivedAt: at(12_500), now: at(12_500)) == nil)
        #expect(matcher.capture(read("c", "冀A22222"), receivedAt: at(12_900))?.token == second)
    }

    @Test func theFollowerIsNamedByItsOwnEarlyRead() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        _ = matcher.capture(read("a", "冀A11111"), receivedAt: at(10_100))
        _ = matcher.capture(read("b", "冀A22222"), receivedAt: at(11_000))
        matcher.left(first, at: at(12_000))
        #expect(matcher.request(second, arrivedAt: at(12_500), now: at(12_500))?.capture.key == "b")
    }

    @Test func theSameTruckMayComeAgainWithANewReadAfterItsArrival() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        _ = matcher.capture(read("a", "冀A11111"), receivedAt: at(10_100))
        matcher.left(first, at: at(12_000))
        _ = matcher.request(second, arrivedAt: at(13_000), now: at(13_000))
        #expect(matcher.capture(read("b", "冀A11111"), receivedAt: at(13_000))?.token == second)
    }

    @Test func aLateReadOfAVehicleThatLeftUnnamedNamesNobody() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        matcher.left(first, at: at(12_000))
        #expect(matcher.capture(read("a", "冀A11111"), receivedAt: at(11_900)) == nil, "it came late to this thread")
        #expect(matcher.request(second, arrivedAt: at(12_500), now: at(12_500)) == nil)
        #expect(matcher.nextDeadline == nil)
    }

    @Test func anUnreadPlateIsHeldBackAndThenUsed() throws {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        #expect(matcher.capture(read("a", nil), receivedAt: at(10_100)) == nil)
        #expect(matcher.capture(read("b", nil), receivedAt: at(10_200)) == nil)
        #expect(matcher.nextDeadline == at(10_900))
        #expect(matcher.tick(now: at(10_899)) == nil)
        let used = matcher.tick(now: at(10_900))
        let found = try #require(used)
        #expect(found.token == first && found.capture.key == "a" && found.capture.plate == nil)
        #expect(matcher.nextDeadline == nil && matcher.tick(now: at(20_000)) == nil)
    }

    @Test func aBetterReadWithinTheGraceWins() {
        var matcher = IdentityMatcher(grace: .milliseconds(500))
        _ = matcher.capture(read("a", nil), receivedAt: at(9_900))
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_010))
        #expect(matcher.nextDeadline == at(10_500))
        #expect(matcher.capture(read("b", "冀A11111"), receivedAt: at(10_400))?.capture.key == "b")
        #expect(matcher.nextDeadline == nil)
    }

    @Test func aHeldReadWhoseGraceIsOverIsUsedAtOnce() {
        var matcher = IdentityMatcher()
        _ = matcher.capture(read("a", nil), receivedAt: at(9_900))
        #expect(matcher.request(first, arrivedAt: at(10_000), now: at(10_800))?.capture.key == "a")
    }

    @Test func anUnreadPlateFromBeforeTheLastDepartureIsNotTheNextVehicles() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        _ = matcher.capture(read("a", "冀A11111"), receivedAt: at(10_100))
        _ = matcher.capture(read("b", nil), receivedAt: at(11_000))
        matcher.left(first, at: at(12_000))
        #expect(matcher.request(second, arrivedAt: at(12_100), now: at(12_100)) == nil)
        #expect(matcher.nextDeadline == nil)
    }

    @Test func aHeldReadLeavesWithItsVehicle() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        _ = matcher.capture(read("a", nil), receivedAt: at(10_100))
        matcher.left(first, at: at(10_200))
        #expect(matcher.nextDeadline == nil && matcher.tick(now: at(20_000)) == nil)
    }

    @Test func replayedReadsAndDuplicatesNameNobody() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        var replayed = read("a", "冀A11111")
        replayed.isReplayed = true
        #expect(matcher.capture(replayed, receivedAt: at(10_100)) == nil)
        #expect(matcher.capture(read("b", "冀A11111"), receivedAt: at(10_200)) != nil)
        matcher.left(first, at: at(11_000))
        _ = matcher.request(second, arrivedAt: at(12_000), now: at(12_000))
        #expect(matcher.capture(read("b", "冀A11111"), receivedAt: at(12_100)) == nil, "resent")
        #expect(matcher.capture(read("c", "冀A22222"), receivedAt: at(12_200))?.token == second)
    }

    @Test func aVehicleThatLeftIsNotNamedAndAnUnknownDepartureIsIgnored() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        matcher.left(second, at: at(10_050))
        matcher.left(first, at: at(10_100))
        #expect(matcher.capture(read("a", "冀A11111"), receivedAt: at(10_200)) == nil)
    }

    @Test func theOneInFrontIsNamedBeforeItsFollowerAndItsPlateNamesNobodyBehind() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        _ = matcher.request(second, arrivedAt: at(11_000), now: at(11_000))
        #expect(matcher.capture(read("a", "冀A11111"), receivedAt: at(11_100))?.token == first, "a late read")
        #expect(matcher.capture(read("b", "冀A11111"), receivedAt: at(11_200)) == nil, "still in the picture")
        #expect(matcher.capture(read("c", "冀A22222"), receivedAt: at(11_300))?.token == second)
        #expect(matcher.capture(read("d", "冀A33333"), receivedAt: at(11_400)) == nil, "both have their names")
    }

    @Test func aThirdRequestEndsTheFirst() {
        var matcher = IdentityMatcher()
        for value in UInt64(1)...3 {
            _ = matcher.request(VehicleToken(value: value), arrivedAt: at(10_000 + value), now: at(10_000 + value))
        }
        #expect(matcher.capture(read("a", "冀A11111"), receivedAt: at(11_100))?.token == second)
    }

    @Test func askingAgainForTheSameVehicleChangesNothing() {
        var matcher = IdentityMatcher()
        _ = matcher.request(first, arrivedAt: at(10_000), now: at(10_000))
        #expect(matcher.capture(read("a", nil), receivedAt: at(10_100)) == nil)
        #expect(matcher.request(first, arrivedAt: at(10_000), now: at(10_200)) == nil)
        #expect(matcher.nextDeadline == at(10_900))
    }

    @Test func theMemoryIsBounded() {
        var matcher = IdentityMatcher()
        for count in 0..<1_000 {
            _ = matcher.capture(read("key\(count)", "冀A1111\(count % 10)"), receivedAt: at(10_000 + UInt64(count)))
        }
        let found = matcher.request(first, arrivedAt: at(11_000), now: at(11_000))
        #expect(found?.capture.key == "key999")
        #expect(matcher.capture(read("key936", "冀A1"), receivedAt: at(11_000)) == nil, "among the last 64 keys")
    }
}
