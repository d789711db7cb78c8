// The keys of the configuration that say who is let in, as the ledger keeps them when they change.

import Configuration
import Domain
import Ledger

extension Settings {
    /// The key and its value as it is written there; empty for one that lets nobody in by itself.
    var admissionRules: [(key: String, value: String)] {
        var rules = [
            (key: "policy.minimum_stage", value: policy.minimumStage.code),
            (key: "ledger.when_full", value: ledger.stopsWhenFull ? "stop" : "continue"),
        ]
        for lane in lanes {
            let hours = lane.holdOpen.map { "\(clock($0.fromMinute))-\(clock($0.toMinute))" }
            rules.append((key: "lane.\(lane.number).hold_open", value: hours.joined(separator: ",")))
        }
        for reader in readers {
            rules.append((key: "reader.\(reader.number).identifies", value: reader.aloneAfter == nil ? "no" : "yes"))
        }
        return rules
    }

    private func clock(_ minute: Int) -> String { "\(padded(minute / 60, 2)):\(padded(minute % 60, 2))" }
}

extension LedgerWriter {
    /// Those that are others than the ledger says of the start before, in a transaction of their own.
    func keep(_ rules: [(key: String, value: String)]) throws(LedgerError) {
        let by = PersonalAct(person: "configuration", reason: "", means: .file)
        try begin()
        for rule in rules { try append(rule: rule.key, value: rule.value, by: by) }
        try commit()
    }
}
