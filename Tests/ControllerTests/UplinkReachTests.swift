import Testing

@testable import Controller

@Suite struct UplinkReachTests {
    @Test func anUplinkIsWhatItsLastAnswerMadeIt() {
        let reach = UplinkReach("uplink-1")
        reach.show(isOutage: false, isConnected: false)
        #expect(reach.word == "not reached yet")
        reach.show(isOutage: true, isConnected: false)
        #expect(reach.word == "out of reach")
        reach.show(isOutage: false, isConnected: true)
        #expect(reach.word == "in reach")
    }

    @Test func aNewLifeOfTheUplinkDoesNotForgetAnOutage() {
        let reach = UplinkReach("uplink-1")
        reach.show(isOutage: true, isConnected: false)
        reach.show(isOutage: false, isConnected: false)
        #expect(reach.word == "out of reach")
    }
}
