// 运输车辆进出厂电子台账 as a CSV file, in the annex's column order; gaps and the head are rows of their own.
// EXPORT-FORMAT.md has every cell.
//
// Form: UTF-8 with a byte-order mark (Excel takes Chinese for another encoding without it), CRLF, RFC 4180 quoting.
// A cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets an
// apostrophe before it, in the file too. What is not known is an empty cell, but the stage, which is X.

import Domain

enum LedgerCSV {
    static let byteOrderMark = "\u{FEFF}"

    /// The 23 columns of the annex, then our own.
    static let headings = [
        "出入口编号", "道闸编号", "进出厂状态", "进/出厂时间", "进/出厂照片", "车牌号码", "号牌颜色", "车辆类型",
        "车辆识别代码(VIN)", "注册登记日期", "车辆型号(品牌型号)", "发动机型号", "发动机生产厂", "发动机编号", "燃料类型",
        "排放标准", "使用性质", "联网状态", "随车清单", "行驶证", "运输货物名称", "运输量", "车队名称",
        "流水号", "通行结果", "管控结果", "记录序号", "记录哈希", "备注",
    ]

    static var heading: String { line(headings) }

    /// `supplements`: the numbers of those that correct it.
    static func line(_ row: PassRow, _ record: Record, supplements: [UInt64]) -> String {
        let numbers = supplements.map { String($0) }.joined(separator: " ")
        return line(row, record, row.outcome.word, supplements.isEmpty ? "" : "有补录 " + numbers)
    }

    /// The row as a supplement leaves it.
    static func line(_ corrected: CorrectedRow) -> String {
        line(corrected.row, corrected.record, "supplement", corrected.supplement.remark)
    }

    /// A supplement that stands by itself.
    static func line(_ supplement: Supplement, _ row: PassRow, _ record: Record) -> String {
        line(row, record, "supplement", supplement.remark, direction: supplement.direction)
    }

    private static func line(_ row: PassRow, _ record: Record, _ outcome: String, _ remark: String) -> String {
        line(row, record, outcome, remark, direction: row.direction)
    }

    private static func line(
        _ row: PassRow, _ record: Record, _ outcome: String, _ remark: String, direction: Direction?
    ) -> String {
        var cells: [String] = [
            row.gate.entranceGateCode, row.gate.gateCode, direction.map { String($0.rawValue) } ?? "",
            CivilTime(row.passedWall).text, row.photos.map { $0.digest.hexadecimal + ".jpg" }.joined(separator: " "),
            row.plate?.text ?? "", row.plate.map { String($0.colour.rawValue) } ?? "",
        ]
        cells += vehicle(row.vehicle)
        cells += ["", "", row.freight.cargo, row.freight.netKilograms.map { tonnes($0) } ?? ""]
        cells += [
            row.vehicle?.fleet ?? "", row.serial, outcome, row.reason?.word ?? "", String(record.sequence),
            record.hash.hexadecimal, remark,
        ]
        return line(cells)
    }

    /// Columns 8 to 18.
    private static func vehicle(_ vehicle: Vehicle?) -> [String] {
        guard let vehicle else {
            return ["", "", "", "", "", "", "", "", EmissionStage.unknown.code, "", ""]
        }
        let networked = vehicle.networked.map { $0 ? "1" : "0" } ?? ""
        return [
            vehicle.vehicleType, vehicle.vin, vehicle.registrationDate, vehicle.model, vehicle.engineModel,
            vehicle.engineMaker, vehicle.engineNumber, vehicle.fuel?.code ?? "", vehicle.stage.code, vehicle.usage,
            networked,
        ]
    }

    static func line(_ gap: LedgerGap) -> String {
        let end = gap.to.map { CivilTime($0).text } ?? "仍未结束"
        let remark =
            "\(gap.kind.chineseWord) \(CivilTime(gap.from).text) 至 \(end)"
            + (gap.subject.isEmpty ? "" : " " + gap.subject) + (gap.detail.isEmpty ? "" : ": " + gap.detail)
        return line(
            at: gap.from, "gap", gap.kind.word, gap.toRecord ?? gap.fromRecord, gap.hash, remark)
    }

    /// The last row of an export.
    static func headLine(_ record: Record) -> String {
        line(at: record.wall, "head", "", record.sequence, record.hash, "台账末条")
    }

    /// A row that is no pass.
    private static func line(
        at time: WallTime, _ outcome: String, _ reason: String, _ sequence: UInt64?, _ hash: Digest?, _ remark: String
    ) -> String {
        let none = Array(repeating: "", count: 20)
        return line(
            ["", "", "", CivilTime(time).text] + none
                + [outcome, reason, sequence.map { String($0) } ?? "", hash?.hexadecimal ?? "", remark])
    }

    /// 运输量 in tonnes: `31.52`, without noughts at the end.
    static func tonnes(_ kilograms: UInt32) -> String {
        var thousandths = padded(Int(kilograms % 1_000), 3)
        while thousandths.utf8.last == UInt8(ascii: "0") { thousandths.removeLast() }
        return String(kilograms / 1_000) + (thousandths.isEmpty ? "" : "." + thousandths)
    }

    private static func line(_ cells: [String]) -> String {
        cells.map { cell($0) }.joined(separator: ",") + "\r\n"
    }

    static func cell(_ text: String) -> String {
        var characters = Array(text.utf8)
        if let first = characters.first, Array("=+-@\t\r".utf8).contains(first) {
            characters.insert(UInt8(ascii: "'"), at: 0)
        }
        let needsQuotes = characters.contains { Array(",\"\r\n".utf8).contains($0) }
        guard needsQuotes else { return String(decoding: characters, as: UTF8.self) }
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for character in characters {
            if character == UInt8(ascii: "\"") { quoted.append(character) }
            quoted.append(character)
        }
        quoted.append(UInt8(ascii: "\""))
        return String(decoding: quoted, as: UTF8.self)
    }
}
