// `gatewarden ledger …`: read-only, beside a running controller or without one.

import Domain
import Ledger
import Machine

/// The state folder's parts.
enum StateFolder {
    static func ledger(_ state: String) -> String { state + "/ledger" }
}

private func withReader(_ state: String, _ body: (LedgerReader) throws(LedgerError) -> Int32) -> Int32 {
    do throws(LedgerError) {
        return try body(LedgerReader(folder: StateFolder.ledger(state), files: DiskFiles()))
    } catch {
        complain(error.description)
        return 1
    }
}

func verifyLedger(statePath: String, witness: LedgerHead?) -> Int32 {
    withReader(statePath) { (reader) throws(LedgerError) in
        let report = try LedgerVerifier(reader, witness: witness).verify()
        if let fault = report.fault {
            complain(fault.description)
            return 1
        }
        StandardOutput.line(
            "sound: \(report.records) records, \(report.decisions) decisions, \(report.passes) passes, "
                + "\(report.photos) photos, head \(report.head.sequence) \(report.head.hash.hexadecimal)")
        return 0
    }
}

func tailLedger(statePath: String, count: Int) -> Int32 {
    withReader(statePath) { (reader) throws(LedgerError) in
        let head = try reader.head()?.sequence ?? 0
        var next = head > UInt64(count) ? head - UInt64(count) + 1 : 1
        while next <= head {
            let records = try reader.records(from: next, limit: 256)
            guard let last = records.last else { return 0 }
            for record in records where !StandardOutput.line(record.line) { return 1 }
            next = last.sequence + 1
        }
        return 0
    }
}

func exportLedger(statePath: String, format: ExportFormat) -> Int32 {
    withReader(statePath) { (reader) throws(LedgerError) in
        try reader.export(format) { (text) throws(MachineError) in
            if !StandardOutput.write(Array(text.utf8)) { throw .closed(subject: "standard output") }
        }
        return 0
    }
}
