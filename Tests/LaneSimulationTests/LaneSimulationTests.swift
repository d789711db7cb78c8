// Random lanes around the real LaneCore: no contact, right books, rest at the end; and contacts wherever a precondition
// of the model, or the lane itself, is broken.

import LaneSimulation
import Testing

@Suite struct LaneSimulationTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func armTouchesNoVehicleAndTheBooksAreRight(_ seed: UInt64) {
        let result = LaneSimulation.run(seed: seed, passes: 5_000)
        #expect(result.struck == 0, "\(result.firstStruck ?? "")")
        #expect(result.bookErrors == 0, "\(result.firstBookError ?? "")")
        #expect(result.notAtRest == 0, "\(result.firstUnrest ?? "")")
        #expect(result.passes >= 5_000)
    }

    @Test(arguments: Breakage.allCases)
    func brokenPreconditionOrLaneTouchesVehicles(_ breakage: Breakage) {
        let result = LaneSimulation.run(seed: 1, passes: 3_000, breakage: breakage)
        #expect(result.struck > 0)
    }

    @Test func sameSeedGivesTheSameRun() {
        let first = LaneSimulation.run(seed: 9, passes: 300)
        let second = LaneSimulation.run(seed: 9, passes: 300)
        #expect(first.steps == second.steps && first.table == second.table)
    }
}
