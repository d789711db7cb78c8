// From the settings to the arms, their wiring and the port's lines.
//
// Invariant: an input's number at the port is its place in `inputNames` on a board, and 32 × lane + sensor at a
// simulated
// site (SocketLines); the same for outputs.

import Configuration
import Domain
import LaneCore
import LaneTrace
import Machine

struct LaneAssembly {
    fileprivate struct Arm {
        let lane: LaneSettings
        let second: LaneSettings?
        let settings: ArmSettings
    }

    private let arms: [Arm]
    let wiring: LaneWiring
    /// In the port's order; empty for a simulated site.
    let inputNames: [LineName]
    let outputNames: [LineName]
    /// One more than the highest number at a simulated site.
    private(set) var inputCount = 0
    private(set) var outputCount = 0

    init(_ settings: Settings) {
        var arms: [Arm] = []
        for lane in settings.lanes {
            guard let arm = lane.arm else { continue }
            arms.append(Arm(lane: lane, second: settings.lanes.first { $0.sharing?.with == lane.id }, settings: arm))
        }
        self.arms = arms
        var inputLines: [LineReference] = []
        var inputs: [LaneWiring.Input] = []
        var outputLines: [LineReference] = []
        var outputs: [LaneWiring.Output] = []
        for (index, arm) in arms.enumerated() {
            for (input, sensor) in arm.contacts {
                let port = LaneAssembly.port(
                    input.line, LaneAssembly.number(arm.lane.id, sensor.rawValue), in: &inputLines)
                inputs.append(
                    LaneWiring.Input(port: port, arm: UInt8(index), sensor: sensor, isActiveHigh: input.isActiveHigh))
                inputCount = max(inputCount, Int(port) + 1)
            }
            for (output, relay) in arm.relays {
                let port = LaneAssembly.port(
                    output.line, LaneAssembly.number(arm.lane.id, relay.rawValue), in: &outputLines)
                outputs.append(LaneWiring.Output(port: port, arm: UInt8(index), output: relay))
                outputCount = max(outputCount, Int(port) + 1)
            }
        }
        wiring = LaneWiring(inputs: inputs, outputs: outputs)
        inputNames = inputLines.map { LineName($0) }
        outputNames = outputLines.map { LineName($0) }
    }

    private static func number(_ lane: LaneID, _ raw: UInt8) -> UInt8 { 32 * lane.index + raw }

    /// The number at the port: of a line, where it has one; a line that several sensors share has one number.
    private static func port(_ line: LineReference?, _ simulated: UInt8, in lines: inout [LineReference]) -> UInt8 {
        guard let line else { return simulated }
        if let known = lines.firstIndex(of: line) { return UInt8(known) }
        lines.append(line)
        return UInt8(lines.count - 1)
    }

    func laneArms(boot: UInt32) -> [LaneArm] {
        arms.map { arm in
            LaneArm(
                TraceHeader(
                    lane: arm.lane.id, second: arm.second?.id, boot: boot, timings: LaneTimings(arm.settings.timings),
                    fitting: arm.fitting))
        }
    }
}

extension LaneAssembly.Arm {
    fileprivate var contacts: [(InputSettings, LaneSensor)] {
        lane.inputs.map { ($0, $0.input.sensor) } + (second?.inputs ?? []).map { ($0, $0.input.secondSensor) }
    }

    fileprivate var relays: [(OutputSettings, LaneOutput)] {
        lane.outputs.map { ($0, $0.relay.output) } + (second?.outputs ?? []).map { ($0, $0.relay.secondOutput) }
    }

    fileprivate var fitting: LaneFitting {
        let layout: LaneLayout =
            switch second?.sharing?.layout {
            case .opposed: .opposed
            case .parallel: .parallel
            case nil: .single
            }
        var sensors = SensorSet.none
        for (_, sensor) in contacts { sensors = sensors.with(sensor) }
        var fitting = LaneFitting(layout: layout, sensors: sensors)
        fitting.drive = settings.drive == .pulse ? .pulse : .maintained
        fitting.trustsGaps = settings.trustsGaps
        fitting.queuesThrough = settings.queuesThrough
        fitting.hasBackupPower = settings.hasBackupPower
        fitting.attempts = UInt8(settings.attempts)
        fitting.chatterEdges = UInt8(settings.chatterEdges)
        return fitting
    }
}

extension LaneInput {
    fileprivate var sensor: LaneSensor {
        switch self {
        case .approach: .approach
        case .safety: .safety
        case .clearing: .clearing
        case .curtain: .curtain
        case .radar: .radar
        case .openLimit: .openLimit
        case .closedLimit: .closedLimit
        case .exitRequest: .exitRequest
        case .fire: .fireAlarm
        case .tamper: .tamper
        case .guardOpen: .guardOpen
        case .guardClose: .guardClose
        case .guardStop: .guardStop
        case .mainsFail: .mainsFail
        }
    }

    /// Of the second lane: the configuration lets it have no others.
    fileprivate var secondSensor: LaneSensor {
        switch self {
        case .approach: .secondApproach
        case .safety: .secondSafety
        case .clearing: .secondClearing
        case .curtain, .radar, .openLimit, .closedLimit, .exitRequest, .fire, .tamper, .guardOpen, .guardClose,
            .guardStop, .mainsFail:
            sensor
        }
    }
}

extension LaneRelay {
    fileprivate var output: LaneOutput {
        switch self {
        case .raise: .raise
        case .lower: .lower
        case .stop: .stop
        case .green: .green
        case .red: .red
        case .fill: .fill
        case .siren: .siren
        case .beacon: .beacon
        case .trigger: .trigger
        }
    }

    fileprivate var secondOutput: LaneOutput {
        switch self {
        case .green: .secondGreen
        case .red: .secondRed
        case .trigger: .secondTrigger
        case .raise, .lower, .stop, .fill, .siren, .beacon: output
        }
    }
}

extension LaneTimings {
    init(_ timings: TimingSettings) {
        self.init(
            verdictDeadline: timings.verdictDeadline, authorisedWindow: timings.authorisedWindow,
            backOut: timings.backOut, closeDelay: timings.closeDelay, raiseTravel: timings.raiseTravel,
            lowerTravel: timings.lowerTravel, relayPulse: timings.relayPulse, deadTime: timings.deadTime)
        axleGap = timings.axleGap
        stuckAfter = timings.stuckAfter
        chatterWindow = timings.chatterWindow
        chatterQuiet = timings.chatterQuiet
        siren = timings.siren
        trigger = timings.trigger
        unattended = timings.unattended
        maintenance = timings.maintenance
    }
}

extension LineName {
    init(_ reference: LineReference) {
        switch reference {
        case .offset(let offset): self = .offset(offset)
        case .name(let name): self = .name(name)
        }
    }
}
