// From the configuration to the UPS, and the mains failure contacts when nobody else looks at them any more.

import Configuration
import DeviceProtocols
import Devices
import Domain
import LaneCore
import Machine

/// Nil when the lanes' contacts are all that there is.
func upsDevice(_ line: UPSSettings.Line, _ clock: any Clock) throws(MachineError) -> (any UPSDevice)? {
    switch line {
    case .contact: return nil
    case .serial(.megatec, let port, let baud, _):
        return MegatecUPS(port: SerialLine(SerialSettings(path: port, baud: baud)), clock: clock)
    case .serial(.apcModbus, let port, let baud, let address):
        return ModbusUPS(port: try ModbusLine(path: port, baud: Int32(baud), address: address), map: .apc)
    case .serial(.huaweiModbus, let port, let baud, let address):
        return ModbusUPS(port: try ModbusLine(path: port, baud: Int32(baud), address: address), map: .huawei)
    }
}

/// Only once the lane thread has ended.
func mainsContacts(_ assembly: LaneAssembly, _ lines: any LinePort) -> PowerSight {
    let wiring = assembly.wiring
    for index in wiring.inputs.indices where wiring.inputs[index].sensor == .mainsFail {
        do throws(MachineError) {
            // What the lane thread has not read does not matter any more, and must not fill the line.
            while try lines.nextEvent() != nil {}
            let input = wiring.inputs[index]
            if try lines.level(input: Int(input.port)) == input.isActiveHigh {
                return .battery(isLow: true, percent: nil, runtime: nil)
            }
        } catch {
            return .unknown
        }
    }
    return .mains
}
