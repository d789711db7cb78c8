// `gatewarden decode`: what a captured frame or body means, for the person with a serial or network trace.

import DeviceProtocols
import Machine

func decodeBytes(protocolName: String, bytes: [UInt8]) -> Int32 {
    do throws(DecodeError) {
        for line in try decode(protocolName, bytes) { StandardOutput.line(line) }
        return 0
    } catch {
        complain(error.description)
        return 1
    }
}
