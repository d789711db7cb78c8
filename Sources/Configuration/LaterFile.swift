// A file that was written for a later version of this program, or that a later one has already started on.
//
// In such a file a key that is not known here is no typo: it is left aside, and so is a camera, sign, reader, uplink or
// UPS with a value that is not known here. Everything else is as strict as ever: a lane, the site, the rules and the
// ledger never work by half of what was meant.

import Domain

/// For which version a configuration text was written, as far as anybody says.
struct FileOrigin {
    private let running: ProgramVersion
    private let accepted: ProgramVersion?

    init(running: ProgramVersion, acceptedBy accepted: ProgramVersion?) {
        self.running = running
        self.accepted = accepted
    }

    func isLater(_ assignments: [Assignment]) -> Bool {
        let named = assignments.first { $0.key == "site.written_for" }.flatMap { ProgramVersion($0.value) }
        return [named, accepted].contains { $0.map { $0 > running } ?? false }
    }
}

extension Group {
    /// Without it a lane still works: nobody is let in for the want of it.
    var isSpared: Bool { ["camera", "sign", "reader", "uplink"].contains(prefix) }
}

extension Key {
    /// What holds in the place of a value of a later version; nil when nothing may.
    var sparedValue: Value? {
        guard name == "ups.kind", case .fallback(let text) = presence else { return nil }
        return kind.value(text)
    }
}

extension CrossChecks {
    /// What an earlier version must not leave aside, the installer says with `site.needs_version`.
    static func tooOld(_ keys: CheckedKeys, running: ProgramVersion) -> ConfigurationError? {
        let key = "site.needs_version"
        guard let needed = keys.knownText(key).flatMap({ ProgramVersion($0) }), needed > running else { return nil }
        let why =
            "this is version \(running.text), and the file needs \(needed.text) or later: "
            + "install that, or take out what needs it"
        return ConfigurationError(line: keys.line(key), key: key, reason: .conflict(why: why))
    }
}
