// What this binary is made of.

import Crypto
import Domain
import Formats
import Machine
import Store

func versionLines() -> [String] {
    ["gatewarden \(gatewardenVersion)", "  \(sqliteVersion())", "  \(openSSLVersion())"]
        + (machineLibraryVersions() + formatLibraryVersions()).map { "  " + $0 }
}
