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
    do throws(LedgerError) {
        let (reports, isSound) = try LedgerGenerations.verify(
            folder: StateFolder.ledger(statePath), files: DiskFiles(), witness: witness)
        guard isSound else {
            for report in reports.dropLast() { for line in report.lines() { complain(line) } }
            for line in reports.last?.lines() ?? [] { complain(line) }
            return 1
        }
        // The present generation first.
        for report in reports.reversed() {
            for line in report.lines() where !StandardOutput.line(line) { return 1 }
        }
        return 0
    } catch {
        complain(error.description)
        return 1
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
