// One record as one readable line, and the exports. The command line and the console give the place to write to.

import Domain
import Machine

public enum ExportFormat: Sendable {
    /// The in/out rows that are due to the platforms, as Excel and inspectors want them.
    case csv
    /// Every record, one JSON object a line.
    case jsonLines
}

extension LedgerReader {
    private static let rowsPerTurn = 256

    /// Writes records `from` and later to `sink`, piece by piece.
    public func export(
        _ format: ExportFormat, from first: UInt64 = 1, to sink: (String) throws(MachineError) -> Void
    ) throws(LedgerError) {
        func give(_ text: String) throws(LedgerError) {
            do throws(MachineError) {
                try sink(text)
            } catch {
                throw .file(what: "write the export", error)
            }
        }
        if format == .csv { try give(LedgerCSV.byteOrderMark + LedgerCSV.heading) }
        var next = first
        while true {
            let records = try records(from: next, limit: LedgerReader.rowsPerTurn)
            guard let last = records.last else { return }
            for record in records {
                switch format {
                case .csv:
                    if case .pass(let row) = record.body, row.isDue { try give(LedgerCSV.line(row, record)) }
                case .jsonLines: try give(LedgerJSON.line(record))
                }
            }
            next = last.sequence + 1
        }
    }
}

extension Record {
    /// `17 2026-03-01 08:00:05 pass completed 冀A12345 …`: number, wall time, kind, what matters, first hash digits.
    public var line: String {
        let kind = RecordKind(rawValue: kindNumber)?.word ?? "kind-\(kindNumber)"
        let vehicle = token == .none ? "" : " " + token.words
        let line = "\(sequence) \(CivilTime(wall).text) \(kind)\(vehicle)\(detail) [\(hash.hexadecimal.prefix(12))]"
        // A text from outside can neither end the line nor steer a terminal.
        return String(decoding: line.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    private var detail: String {
        switch body {
        case .boot(let version, let cause, let device): " \(boot) of \(device), version \(version): \(cause)"
        case .capture(let capture):
            " lane \(capture.lane.index + 1) \(plateWord(capture.plate)) by \(capture.camera), "
                + "\(capture.photos.count) photos" + (capture.isReplayed ? ", replayed" : "")
        case .decision(let decision, _):
            " lane \(decision.verdict.lane.index + 1) \(plateWord(decision.plate)) "
                + "\(decision.verdict.reason.allows ? "may pass" : "is refused"): \(decision.verdict.reason.word)"
        case .pass(let row):
            " lane \(row.lane.index + 1) \(row.direction == .entry ? "in" : "out") \(row.outcome.word) "
                + "\(plateWord(row.plate)) \(row.serial)"
        case .quarantine(let entry):
            " record \(entry.sequence) step \(entry.step) for \(entry.destination): \(entry.reason)"
        case .manualRelease(let release, _):
            " lane \(release.lane.index + 1) \(plateWord(release.plate)) by \(release.by.person) "
                + "(\(release.by.means.word)): \(release.by.reason)"
        case .note(let note): " " + note.line
        case .unrecognised: ""
        }
    }

    private func plateWord(_ plate: Plate?) -> String { plate?.text ?? "no plate" }
}

extension LedgerNote {
    fileprivate var line: String {
        switch self {
        case .faultRaised(let subject, let detail), .faultHealed(let subject, let detail): "\(subject): \(detail)"
        case .clockStep(let before, let after):
            "from \(CivilTime(before).text) to \(CivilTime(after).text)"
        case .registerImported(let vehicles, let listEntries, let refused, let file):
            "\(vehicles) vehicles, \(listEntries) list entries, \(refused) refused, file \(file.hexadecimal.prefix(12))"
        case .configurationLoaded(let file): "file \(file.hexadecimal.prefix(12))"
        case .uplinkState(let destination, let isReachable, let detail):
            "\(destination) \(isReachable ? "reachable" : "not reachable"): \(detail)"
        case .shutdown(let cause): cause
        case .act(let person, let act, let subject, let detail, _):
            "\(person) \(act) \(subject)" + (detail.isEmpty ? "" : ": " + detail)
        }
    }
}

extension VehicleToken {
    /// `vehicle BOOT/LANE/COUNT`.
    var words: String { "vehicle \(value >> 32)/\(value >> 29 & 7)/\(value & 0x1FFF_FFFF)" }
}
