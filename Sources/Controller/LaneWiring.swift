// Which line of the port is which sensor or output of which arm: made once at start, read by the lane thread.
//
// Invariant: looking something up costs no heap and no search.
// Limits: 8 arms, 256 lines each way. One input may serve several arms: a fire alarm's contact, for one.

import Domain
import LaneCore

/// What the lane thread knows of the lines.
struct LaneWiring: Sendable {
    struct Input: Sendable {
        /// The input's number at the port.
        let port: UInt8
        let arm: UInt8
        let sensor: LaneSensor
        /// The level that means "this is so".
        let isActiveHigh: Bool
    }

    struct Output: Sendable {
        let port: UInt8
        let arm: UInt8
        let output: LaneOutput
    }

    /// In the order of their ports.
    let inputs: [Input]
    let outputs: [Output]
    /// The first input of a port, and behind the last one that of the next.
    private let firsts: [UInt16]
    /// The port of each arm's outputs; -1 where there is none.
    private let ports: [Int16]

    private static let outputsPerArm = 16

    init(inputs given: [Input], outputs: [Output]) {
        inputs = given.sorted { $0.port < $1.port }
        self.outputs = outputs
        var firsts = [UInt16](repeating: 0, count: 257)
        for input in inputs { firsts[Int(input.port) + 1] += 1 }
        for port in 0..<256 { firsts[port + 1] += firsts[port] }
        self.firsts = firsts
        var ports = [Int16](repeating: -1, count: LaneID.maximumCount * LaneWiring.outputsPerArm)
        for output in outputs {
            let place = Int(output.arm) * LaneWiring.outputsPerArm + Int(output.output.rawValue)
            precondition(ports[place] < 0, "WIRE-1 an output has one line")
            ports[place] = Int16(output.port)
        }
        self.ports = ports
    }

    /// The inputs that a port's line serves.
    func range(ofPort port: UInt8) -> Range<Int> {
        Int(firsts[Int(port)])..<Int(firsts[Int(port) + 1])
    }

    func port(_ output: LaneOutput, ofArm arm: Int) -> Int? {
        let port = ports[arm * LaneWiring.outputsPerArm + Int(output.rawValue)]
        return port < 0 ? nil : Int(port)
    }
}
