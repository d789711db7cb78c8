// Which libraries are inside, for `--version` and the boot record.

import CLibevent
import CLibgpiod
import CLibmodbus

public func machineLibraryVersions() -> [String] {
    let modbus = "\(LIBMODBUS_VERSION_MAJOR).\(LIBMODBUS_VERSION_MINOR).\(LIBMODBUS_VERSION_MICRO)"
    return [
        "libevent \(String(cString: event_get_version()))", "libgpiod \(String(cString: gpiod_api_version()))",
        "libmodbus \(modbus)",
    ]
}
