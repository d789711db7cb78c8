// Which jansson and expat are inside, for `--version`.

import CExpat
import CJansson

public func formatLibraryVersions() -> [String] {
    let expat = XML_ExpatVersionInfo()
    return ["jansson \(String(cString: jansson_version_str()))", "expat \(expat.major).\(expat.minor).\(expat.micro)"]
}
