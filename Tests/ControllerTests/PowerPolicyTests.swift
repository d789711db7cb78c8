import Domain
import Testing

@testable import Configuration
@testable import Controller

private let low = PowerSight.battery(isLow: true, percent: nil, runtime: nil)
private let battery = PowerSight.battery(isLow: false, percent: nil, runtime: nil)

private func settings(endAfter: Interval? = nil) -> UPSSettings {
    UPSSettings(
        line: .contact, shedAfter: .seconds(300), endBelowPercent: 20, endBelowRuntime: .seconds(300),
        endAfter: endAfter, quietWithin: .seconds(60))
}

/// A policy, looked at once a second.
private struct Watched {
    var policy: PowerPolicy
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var isQuiet = false

    init(endAfter: Interval? = nil) {
        policy = PowerPolicy(settings(endAfter: endAfter))
    }

    /// All that comes of looking so often.
    mutating func look(_ sight: PowerSight, times: Int = 1) -> [PowerAct] {
        var acts: [PowerAct] = []
        for _ in 0..<times {
            acts += policy.look(sight, isQuiet: isQuiet, now: now)
            now = now + .seconds(1)
        }
        return acts
    }

    /// On battery for two seconds.
    mutating func loseMains() {
        #expect(look(battery, times: 2) == [.mainsLost])
    }
}

@Suite struct PowerPolicyTests {
    @Test func oneLookIsNoLossAndNoReturn() {
        var power = Watched()
        #expect(power.look(.mains) + power.look(battery) + power.look(.mains, times: 2) + power.look(battery) == [])
        #expect(power.policy.onBatterySince == nil)
        #expect(power.look(battery) == [.mainsLost])
        #expect(power.look(.mains) + power.look(battery) + power.look(.mains) == [])
        #expect(power.look(.mains) == [.mainsBack(after: .seconds(4))])
    }

    @Test func timeOnBatteryCountsFromTheFirstLookToTheFirstLookOfTheReturn() {
        var power = Watched()
        power.loseMains()
        #expect(power.look(battery, times: 98) == [])
        #expect(power.look(.mains, times: 2) == [.mainsBack(after: .seconds(100))])
    }

    @Test func deliveryIsShedAfterItsTimeAndOnlyOnce() {
        var power = Watched()
        power.loseMains()
        #expect(power.look(battery, times: 298) == [])
        #expect(power.look(battery) == [.shed(true)])
        #expect(power.look(battery, times: 500) == [])
        #expect(power.look(.mains, times: 2) == [.mainsBack(after: .seconds(801)), .shed(false)])
    }

    @Test func batteryLowClosesTheLanesAndThenSwitchesOff() {
        var power = Watched()
        power.loseMains()
        #expect(power.look(low) == [])
        #expect(
            power.look(low) == [
                .shed(true), .batteryLow(after: .seconds(3), why: "the UPS says so"), .closeLanes(true),
            ])
        // The lanes look quiet because they have not heard of it yet.
        power.isQuiet = true
        #expect(power.look(low, times: 2) == [])
        #expect(power.look(low) == [.switchOff(after: .seconds(6))])
        #expect(power.look(.mains, times: 10) == [])
    }

    @Test func oneLowLookIsNoEnd() {
        var power = Watched()
        power.loseMains()
        #expect(power.look(low) + power.look(battery) + power.look(low) + power.look(battery) == [])
    }

    @Test func vehicleInALaneIsWaitedForAndNotForEver() {
        var power = Watched()
        power.loseMains()
        _ = power.look(low, times: 2)
        #expect(power.look(low, times: 59) == [])
        #expect(power.look(low) == [.switchOff(after: .seconds(63))])
    }

    @Test func mainsThatComesBackWhileTheLanesCloseOpensThemAgain() {
        var power = Watched()
        power.loseMains()
        _ = power.look(low, times: 2)
        #expect(
            power.look(.mains, times: 2) == [.mainsBack(after: .seconds(4)), .shed(false), .closeLanes(false)])
        // And the next loss is one of its own.
        power.loseMains()
        #expect(power.look(battery, times: 100) == [])
    }

    @Test func chargeAndTimeLeftCountWhereTheUPSTellsThem() {
        for sight in [
            PowerSight.battery(isLow: false, percent: 20, runtime: .seconds(7_200)),
            .battery(isLow: false, percent: 80, runtime: .seconds(300)),
        ] {
            var power = Watched()
            power.loseMains()
            #expect(power.look(sight, times: 2).contains(.closeLanes(true)))
        }
        var power = Watched()
        power.loseMains()
        #expect(power.look(.battery(isLow: false, percent: 21, runtime: .seconds(301)), times: 100) == [])
    }

    /// With the mains there, a low battery is one that is being charged.
    @Test func lowBatteryOnMainsEndsNothing() {
        var power = Watched()
        #expect(power.look(.mains, times: 1_000) == [])
    }

    @Test func unheardUPSChangesNothingAndTheTimeGoesOn() {
        var power = Watched(endAfter: .seconds(600))
        #expect(power.look(.unknown, times: 1_000) == [])
        power.loseMains()
        #expect(power.look(.unknown, times: 298) == [])
        #expect(power.look(.unknown) == [.shed(true)])
        #expect(power.look(.unknown, times: 299) == [])
        let why = "on battery for 10 min (ups.end_after_minutes)"
        #expect(power.look(.unknown) == [.batteryLow(after: .seconds(600), why: why), .closeLanes(true)])
    }

    @Test func lookThatTellsNothingDoesNotCountAsAgreement() {
        var power = Watched()
        #expect(power.look(battery) + power.look(.unknown, times: 5) == [])
        #expect(power.look(battery) == [.mainsLost])
        #expect(power.look(.mains) + power.look(.unknown, times: 5) + power.look(battery) + power.look(.mains) == [])
    }

    /// Whatever is seen: acts come in an order that makes sense, and nothing is switched off while the mains is there.
    @Test func randomPowerNeverEndsOnMainsAndAlwaysPairs() {
        for _ in 0..<2_000 {
            var power = Watched(endAfter: Bool.random() ? .seconds(50) : nil)
            var onBattery = false
            var isShedding = false
            var isClosed = false
            var mainsInARow = 0
            for _ in 0..<200 {
                let sight = [PowerSight.mains, battery, low, .unknown, battery].randomElement() ?? .mains
                mainsInARow = sight == .mains ? mainsInARow + 1 : 0
                power.isQuiet = .random()
                for act in power.look(sight) {
                    switch act {
                    case .mainsLost:
                        #expect(!onBattery)
                        onBattery = true
                    case .mainsBack:
                        #expect(onBattery)
                        onBattery = false
                    case .shed(let sheds):
                        #expect(isShedding != sheds)
                        isShedding = sheds
                    case .batteryLow: #expect(onBattery)
                    case .closeLanes(let closes):
                        #expect(isClosed != closes)
                        isClosed = closes
                    case .switchOff: #expect(onBattery && isClosed && mainsInARow < 2)
                    }
                }
            }
        }
    }
}
