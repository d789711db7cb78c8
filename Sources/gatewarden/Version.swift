// What this binary is made of.

import Crypto
import Formats
import Machine
import Store

let gatewardenVersion = "0.1.0"

func versionLines() -> [String] {
    ["gatewarden \(gatewardenVersion)", "  \(sqliteVersion())", "  \(openSSLVersion())"]
        + (machineLibraryVersions() + formatLibraryVersions()).map { "  " + $0 }
}
