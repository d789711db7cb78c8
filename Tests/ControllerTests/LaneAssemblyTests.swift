import Configuration
import Domain
import LaneCore
import Machine
import Testing

@testable import Controller

private let site = """
    site.enterprise_id = TEST0001
    site.enterprise_name = 测试企业
    site.device = gate-1
    policy.minimum_stage = 5

    """

private func lane(_ number: Int, _ keys: [String]) -> String {
    let gate = ["direction = \(number % 2 == 1 ? "entry" : "exit")", "entrance_gate = A", "gate_code = A\(number)"]
    return (gate + keys).map { "lane.\(number).\($0)\n" }.joined()
}

private func assembly(_ text: String) throws -> LaneAssembly {
    LaneAssembly(try Settings(configuration: Array((site + text).utf8)))
}

@Suite struct LaneAssemblyTests {
    @Test func aSimulatedSitesLinesAreNumberedByLaneAndSensor() throws {
        let socket = "lines.backend = socket\nlines.socket = /tmp/x\n"
        let one = try assembly(socket + lane(1, []))
        #expect(one.inputCount == 2 && one.outputCount == 4 && one.inputNames.isEmpty)
        let text = socket + lane(1, []) + lane(3, ["open_limit_input = OPEN", "siren_output = S"])
        let two = try assembly(text)
        #expect(two.inputCount == 64 + 8 + 1 && two.outputCount == 64 + 8 + 1)
        #expect(two.wiring.inputs.map(\.port) == [0, 1, 64, 65, 72])
        #expect(two.wiring.inputs.map(\.arm) == [0, 0, 1, 1, 1])
        #expect(two.wiring.port(.siren, ofArm: 1) == 72 && two.wiring.port(.siren, ofArm: 0) == nil)
        #expect(two.laneArms(boot: 1).map(\.lane.index) == [0, 2])
    }

    @Test func aBoardsLinesAreTakenOnceEachInTheirOrder() throws {
        let shared = lane(
            1,
            [
                "approach_input = 0", "safety_input = 1", "fire_input = FIRE", "raise_output = 2", "lower_output = 3",
            ])
        let other = lane(
            2,
            [
                "approach_input = 4", "safety_input = 5", "fire_input = FIRE", "fire_active = low", "raise_output = 6",
                "lower_output = 7",
            ])
        let found = try assembly(shared + other)
        #expect(found.inputNames == [.offset(0), .offset(1), .name("FIRE"), .offset(4), .offset(5)])
        #expect(found.outputNames == [.offset(2), .offset(3), .offset(6), .offset(7)])
        let fire = found.wiring.range(ofPort: 2).map { found.wiring.inputs[$0] }
        #expect(fire.map(\.arm).sorted() == [0, 1] && fire.allSatisfy { $0.sensor == .fireAlarm })
        #expect(Set(fire.map(\.isActiveHigh)) == [true, false])
        #expect(found.wiring.range(ofPort: 5).isEmpty && found.wiring.range(ofPort: 255).isEmpty)
    }

    @Test func theSecondLaneOfAnArmBringsItsOwnSensorsAndLamps() throws {
        let first = lane(
            1,
            [
                "approach_input = 0", "safety_input = 1", "raise_output = 2", "lower_output = 3", "green_output = 8",
            ])
        let second = lane(
            2,
            [
                "shares_arm_with = 1", "layout = parallel", "approach_input = 4", "safety_input = 5",
                "green_output = 9",
                "trigger_output = 10",
            ])
        let found = try assembly(first + second)
        #expect(found.wiring.inputs.map(\.sensor) == [.approach, .safety, .secondApproach, .secondSafety])
        #expect(found.wiring.outputs.map(\.output) == [.raise, .lower, .green, .secondGreen, .secondTrigger])
        #expect(found.wiring.inputs.allSatisfy { $0.arm == 0 })
        let arms = found.laneArms(boot: 1)
        #expect(arms.count == 1 && arms[0].lane == LaneID(0) && arms[0].second == LaneID(1))
    }

    @Test func everyFaultHasANumberOfItsOwnAndComesBackFromIt() {
        for number in 0..<LaneFault.count {
            let fault = LaneFault(number: number)
            #expect(fault?.number == number && fault?.detail.isEmpty == false)
        }
        #expect(LaneFault(number: LaneFault.count) == nil)
        for raw in 0..<UInt8(LaneOutput.count) {
            let output = LaneOutput(rawValue: raw)
            #expect(output.flatMap { LaneOutput(word: $0.word) } == output)
        }
    }
}
