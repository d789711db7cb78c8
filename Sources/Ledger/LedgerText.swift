// One record as one readable line.

import Domain

extension Record {
    /// `17 2026-03-01 08:00:05 pass completed 冀A12345 …`: number, wall time, kind, what matters, first hash digits.
    public var line: String {
        let kind = RecordKind(rawValue: kindNumber)?.word ?? "kind-\(kindNumber)"
        let vehicle = token == .none ? "" : " " + token.words
        return shown(
            "\(sequence) \(CivilTime(wall).text) \(kind)\(vehicle)\(detail) [\(hash.hexadecimal.prefix(12))]")
    }

    private var detail: String {
        switch body {
        case .boot(let version, let cause, let device, _): " \(boot) of \(device), version \(version): \(cause)"
        case .capture(let capture):
            " lane \(capture.lane.index + 1) \(plateWord(capture.plate)) by \(capture.camera), "
                + "\(capture.photos.count) photos" + (capture.isReplayed ? ", replayed" : "")
        case .decision(let decision, _):
            " lane \(decision.verdict.lane.index + 1) \(plateWord(decision.plate)) "
                + "\(decision.verdict.reason.allows ? "may pass" : "is refused"): \(decision.verdict.reason.word)"
                + (decision.tag.isEmpty ? "" : ", tag \(decision.tag) of \(plateWord(decision.tagPlate))")
        case .pass(let row):
            " lane \(row.lane.index + 1) \(row.direction == .entry ? "in" : "out") \(row.outcome.word) "
                + "\(plateWord(row.plate)) \(row.serial)"
        case .quarantine(let entry):
            " record \(entry.sequence) step \(entry.step) for \(entry.destination): \(entry.reason)"
        case .manualRelease(let release, _):
            " lane \(release.lane.index + 1) \(plateWord(release.plate)) by \(release.by.person) "
                + "(\(release.by.means.word)): \(release.by.reason)"
        case .note(let note): " " + note.line
        case .seal(let seal): " of epoch \(seal.epoch)"
        case .prune(let prune):
            (prune.records.map { " \($0.count) records up to \($0.through)" } ?? "")
                + (prune.photosThrough.map { " photos up to record \($0)" } ?? "")
        case .generation(let generation):
            " \(generation.number) begun, \(generation.setAside) set aside: \(generation.reason)"
        case .carried(let row, let origin):
            " \(plateWord(row.plate)) \(row.serial), record \(origin.sequence) of the generation before"
        case .supplement(let supplement):
            (supplement.correctedSequence.map { " to record \($0)" } ?? " of a missed row")
                + " by \(supplement.by.person): \(supplement.by.reason)"
        case .unrecognised: ", not known to this version"
        }
    }

    private func plateWord(_ plate: Plate?) -> String { plate?.text ?? "no plate" }
}

extension QueryPage.Row {
    /// `17 2026-03-01 08:00:05 in lane 1 A01 冀A12345 yellow stage 6 completed stage-allowed delivered SERIAL [hash]`
    /// The row, and under it the row as each supplement leaves it.
    public var lines: [String] { [line] + corrected.map { "  " + $0.line } }

    public var line: String {
        let plate = pass.plate.map { "\($0.text) \($0.colour.word)" } ?? "no plate"
        let stage = (pass.vehicle?.stage ?? .unknown).code
        let fleet = pass.vehicle?.fleet ?? ""
        return shown(
            "\(record.sequence) \(CivilTime(pass.passedWall).text) \(pass.direction.word) lane \(pass.lane.index + 1) "
                + "\(pass.gate.gateCode) \(plate) stage \(stage) \(isSupplement ? "supplement" : pass.outcome.word) "
                + "\(pass.reason?.word ?? "undecided") \(delivery.word) \(pass.serial)"
                + (fleet.isEmpty ? "" : " \(fleet)") + supplementWords + " [\(record.hash.hexadecimal.prefix(12))]")
    }

    private var supplementWords: String {
        guard case .supplement(let supplement) = record.body else { return "" }
        let what = supplement.correctedSequence.map { "corrects record \($0)" } ?? "of a missed row"
        return " \(what), by \(supplement.by.person): \(supplement.by.reason)"
    }
}

extension PassageCounts {
    /// A table: day, direction, total, then a column for each stage.
    public var table: [String] {
        func column(_ text: String) -> String { String(repeating: " ", count: max(1, 7 - text.utf8.count)) + text }
        let heading = "day         dir" + column("total") + EmissionStage.allCases.map { column($0.code) }.joined()
        return [heading]
            + lines.map { line in
                "\(line.dateText)  \(line.direction == .entry ? "in " : "out")" + column(String(line.total))
                    + line.stages.map { column(String($0)) }.joined()
            }
    }

    /// `22 in all, 7.3 a day on 3 days`; the days are those of the time asked for, or from the first to the last
    /// counted.
    public func summary(_ query: LedgerQuery) -> String {
        let offset = Int64(CivilTime.chinaStandardOffsetMinutes * 60)
        let first = query.fromSecond.map { ($0 + offset) / 86_400 } ?? lines.first?.day ?? 0
        let last = query.toSecond.map { ($0 - 1 + offset) / 86_400 } ?? lines.last?.day ?? 0
        let days = max(1, last - first + 1)
        let tenths = (Int64(total) * 10 + days / 2) / days
        return "\(total) in all, \(tenths / 10).\(tenths % 10) a day on \(days) days"
            + (supplements == 0 ? "" : ", as recorded; \(supplements) supplements correct or add such rows")
    }
}

extension Direction {
    /// A stable word for exports and the console.
    public var word: String { self == .entry ? "in" : "out" }
}

extension PlateColour {
    /// A stable word for the command line and the console.
    public var word: String {
        switch self {
        case .blue: "blue"
        case .yellow: "yellow"
        case .white: "white"
        case .black: "black"
        case .green: "green"
        case .other: "other"
        case .yellowGreen: "yellow-green"
        }
    }
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
        case .listChanged(let entry, let isRemoved, let person, _):
            "\(entry.plate.text) \(isRemoved ? "off" : "on") the \(entry.kind == .white ? "white" : "black") list "
                + "by \(person): \(entry.reason)"
        case .policyChanged(let rule, let before, let after, let by):
            "\(rule) from \(before) to \(after) by \(by.person): \(by.reason)"
        case .login(let person, let isAdmitted, let means, let origin, _):
            "\(person) \(isAdmitted ? "let in" : "turned away"), \(means.word) \(origin)"
        case .act(let person, let act, let subject, let detail, _): "\(person) \(act) \(subject): \(detail)"
        case .power(let state, let battery, let detail):
            state.word + (battery.map { " \($0) %" } ?? "") + (detail.isEmpty ? "" : ": " + detail)
        case .deliveryState(let state):
            "\(state.destination) \(state.rowsDue) due, \(state.rowsWaiting) waiting, "
                + "\(state.itemsQuarantined) in quarantine"
        case .health(let health): health.line
        case .backup(let entry):
            "\(entry.result.word), \(entry.folder)" + (entry.bytes.map { ", \($0) bytes" } ?? "")
                + (entry.head.map { ", head \($0.sequence) \($0.hash.hexadecimal.prefix(12))" } ?? "")
                + (entry.detail.isEmpty ? "" : ": " + entry.detail)
        }
    }
}

extension VehicleToken {
    /// `vehicle BOOT/LANE/COUNT`.
    var words: String { "vehicle \(value >> 32)/\(value >> 29 & 7)/\(value & 0x1FFF_FFFF)" }
}
