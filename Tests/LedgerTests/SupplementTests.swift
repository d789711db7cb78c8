// 补录: a correction is shown beside the row that it corrects, in exports and in answers; the row stays as it was.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

struct SupplementTests {
    let site = LedgerSite()
    private let by = PersonalAct(person: "王某", reason: "车牌误读", means: .console)

    /// Three passes; the second one's plate, stage and weight are corrected, its weight once more; then a vehicle that
    /// was missed. Gives the numbers of the pass and of the three supplements.
    private func corrected() throws -> (pass: UInt64, supplements: [UInt64], missed: UInt64) {
        let writer = try site.bootedWriter()
        var pass: UInt64 = 0
        for number in 1...3 {
            try site.pass(writer, "k\(number)")
            if number == 2 { pass = writer.head.sequence }
        }
        let plate = try #require(Plate("冀B54321", colour: .blue))
        var first = Supplement(correcting: pass, by: by)
        first.plate = plate
        first.vehicle = Vehicle(plate: plate, stage: .china4)
        first.vehicleSource = .person
        first.freight.netKilograms = 20_000
        var second = Supplement(correcting: pass, by: by)
        second.freight.netKilograms = 21_500
        var missed = Supplement(correcting: nil, by: by)
        missed.plate = Plate("冀C00001", colour: .yellow)
        missed.direction = .exit
        missed.passedWall = WallTime(microseconds: site.clock.wallMicroseconds - 60_000_000)
        missed.gate = LedgerSite.gate
        var numbers: [UInt64] = []
        for supplement in [first, second, missed] {
            numbers.append(try writer.transaction { try $0.append(supplement: supplement) })
        }
        return (pass, [numbers[0], numbers[1]], numbers[2])
    }

    private func lines(_ format: ExportFormat, _ query: LedgerQuery = LedgerQuery()) throws -> [String] {
        var text = ""
        try site.reader().export(format, query) { text += $0 }
        return text.components(separatedBy: format == .csv ? "\r\n" : "\n").filter { !$0.isEmpty }
    }

    @Test func theTableShowsTheRowAndUnderItTheRowAsItIsCorrected() throws {
        let (pass, supplements, missed) = try corrected()
        let lines = try lines(.csv)
        // Heading, three passes, two corrections under the second, the missed one, the head.
        try #require(lines.count == 8)
        let row = lines[2].components(separatedBy: ",")
        #expect(row.contains("冀A12345") && row.contains("31.2") && row.contains("completed"))
        #expect(row.last == "有补录 \(supplements[0]) \(supplements[1])")
        #expect(lines[2].contains(",\(pass),"))
        let first = lines[3].components(separatedBy: ",")
        #expect(first.contains("冀B54321") && first.contains("20") && first[24] == "supplement")
        // The vehicle's data are replaced as a whole, the serial number stays.
        #expect(first[15] == "4" && first[8].isEmpty && !first[23].isEmpty && row.contains(first[23]))
        #expect(first[26] == "\(supplements[0])" && first.last == "补录 更正 \(pass) 王某: 车牌误读")
        let second = lines[4].components(separatedBy: ",")
        #expect(second.contains("冀B54321") && second.contains("21.5") && second[26] == "\(supplements[1])")
        let third = lines[6].components(separatedBy: ",")
        #expect(third[5] == "冀C00001" && third[2] == "2" && third[23].isEmpty && third[26] == "\(missed)")
        #expect(third.last == "补录 漏记 王某: 车牌误读")
    }

    @Test func linesOfJSONNameTheSupplementsOfARow() throws {
        let (pass, supplements, missed) = try corrected()
        var query = LedgerQuery()
        query.isDueOnly = true
        let lines = try lines(.jsonLines, query)
        try #require(lines.count == 7)
        #expect(lines[1].contains("\"seq\":\(pass),"))
        #expect(lines[1].contains("\"supplements\":[\(supplements[0]),\(supplements[1])]"))
        #expect(lines[2].contains("\"corrects_seq\":\(pass)") && lines[3].contains("\"net_kg\":21500"))
        #expect(lines[5].contains("\"seq\":\(missed),"))
        // Without a question about passages each record stands in its own place.
        let all = try self.lines(.jsonLines)
        #expect(all.count == Int(missed) + 1)
    }

    @Test func aPassIsFoundByWhatItSaidAndByWhatItWasCorrectedTo() throws {
        let (pass, supplements, missed) = try corrected()
        for (plate, rows) in [("冀A12345", 3), ("冀B54321", 1), ("冀C*", 1), ("*9*", 0)] {
            for newestFirst in [true, false] {
                var query = LedgerQuery()
                query.plate = plate
                let page = try site.reader().passages(query, newestFirst: newestFirst, limit: 10)
                #expect(page.rows.count == rows, "\(plate)")
                let exported = try lines(.csv, query).filter { $0.contains("completed") || $0.contains("漏记") }
                #expect(exported.count == rows, "\(plate)")
            }
        }
        var query = LedgerQuery()
        query.plate = "冀B54321"
        let row = try #require(try site.reader().passages(query, newestFirst: true, limit: 10).rows.first)
        #expect(row.record.sequence == pass && row.corrected.map(\.record.sequence) == supplements)
        #expect(row.lines.count == 3 && row.lines[2].contains("corrects record \(pass), by 王某"))
        #expect(try site.reader().counts(query).supplements == 2)
        query.plate = "冀C00001"
        query.directions = [.entry]
        #expect(try site.reader().passages(query, newestFirst: true, limit: 10).rows.isEmpty)
        query.directions = [.exit]
        let alone = try #require(try site.reader().passages(query, newestFirst: true, limit: 10).rows.first)
        #expect(alone.record.sequence == missed && alone.isSupplement)
    }

    @Test(arguments: [true, false]) func pagesGoOnOverWhatOnlyASupplementAnswers(newestFirst: Bool) throws {
        let (pass, _, missed) = try corrected()
        var query = LedgerQuery()
        query.plate = "*"
        var seen: [UInt64] = []
        var after: UInt64?
        repeat {
            let page = try site.reader().passages(query, newestFirst: newestFirst, limit: 1, after: after)
            seen += page.rows.map(\.record.sequence)
            after = page.next
        } while after != nil
        #expect(seen.count == 4 && Set(seen).count == 4 && seen.contains(pass) && seen.contains(missed))
        let all = try site.reader().passages(query, newestFirst: newestFirst, limit: 10)
        #expect(all.rows.map(\.record.sequence) == seen)
    }

    private func typed(_ text: String) throws -> Supplement {
        try site.reader().supplement(typed: text.split(separator: " ").map { String($0) }, means: .console)
    }

    @Test func whatAPersonTypesIsASupplement() throws {
        let (pass, _, _) = try corrected()
        // Of the row as it stands: the plate of the first supplement, and its stage.
        let known = try typed("\(pass) fleet=甲 车队 fuel=B net_kg=0 person=王 某 reason=登记 更正")
        #expect(known.by == PersonalAct(person: "王 某", reason: "登记 更正", means: .console))
        #expect(known.correctedSequence == pass && known.plate == nil && known.vehicle?.plate.text == "冀B54321")
        #expect(known.vehicle?.stage == .china4 && known.vehicle?.fleet == "甲 车队" && known.vehicleSource == .person)
        #expect(known.freight.netKilograms == 0 && known.freight.source == .person)
        // The data of another plate do not go with a corrected one; those of another colour do.
        let another = try typed("\(pass) plate=冀d·11111 stage=6 person=王 reason=误读")
        #expect(another.plate == Plate("冀D11111", colour: .blue) && another.vehicle?.plate == another.plate)
        #expect(another.vehicle?.stage == .china6 && another.vehicle?.vin == "")
        #expect(try typed("\(pass) plate=冀D11111 person=王 reason=误读").vehicle?.stage == .unknown)
        let first = try typed("\(pass - 3) colour=green person=王 reason=颜色")
        #expect(first.plate == Plate("冀A12345", colour: .green) && first.vehicle == nil)
        let filled = try typed(
            "\(pass - 3) vin=LFWSRXSJ2L1E00002 registered=2020-02-29 networked=no load=empty direction=out lane=2 "
                + "time=2026-03-01T08:00:07 entry_seq=4 booking=B 7 cargo=煤 gross_kg=9 person=王 reason=补")
        #expect(filled.vehicle?.vin == "LFWSRXSJ2L1E00002" && filled.vehicle?.registrationDate == "2020-02-29")
        #expect(filled.vehicle?.networked == false && filled.vehicle?.engineMaker == "示例发动机厂")
        #expect(filled.freight.load == .empty && filled.freight.booking == "B 7" && filled.freight.entrySequence == 4)
        #expect(filled.direction == .exit && filled.lane == LaneID(1) && filled.freight.grossKilograms == 9)
        #expect(filled.passedWall?.microseconds == 1_772_323_207_000_000)
        let missed = try typed("missed plate=冀C00002 colour=yellow time=2026-03-01T08:00:07 lane=1 person=王 reason=停电")
        #expect(missed.correctedSequence == nil && missed.vehicle == nil && missed.lane == LaneID(0))
    }

    @Test func whatIsNotASupplementIsRefusedWithWhatIsWrong() throws {
        let (pass, _, missed) = try corrected()
        let by = "person=王 reason=误读"
        for (text, words) in [
            ("", "person= is missing"), ("\(pass) fleet=甲 reason=误读", "person= is missing"),
            ("\(pass) fleet=甲 person=王", "reason= is missing"), ("\(pass) \(by)", "nothing is corrected"),
            ("\(pass) 甲 \(by)", "is no key=value"), ("\(pass) flet=甲 \(by)", "flet is no key"),
            ("\(pass) fleet= \(by)", "fleet has no value"), ("\(pass) fleet=甲 fleet=乙 \(by)", "given twice"),
            ("\(pass) stage=7 \(by)", "stage is one of 0, 1"), ("\(pass) fuel=Diesel \(by)", "fuel is one letter"),
            ("\(pass) vin=LFWSRXSJ2L1E0000O \(by)", "vin has 17"), ("\(pass) net_kg=-5 \(by)", "net_kg is a number"),
            ("\(pass) time=2026-03-01T08:00 \(by)", "time is written as"), ("\(pass) lane=9 \(by)", "from 1 to 8"),
            ("\(pass) registered=2026-02-30 \(by)", "registered is written as"),
            ("x fleet=甲 \(by)", "number of a pass"),
            ("\(pass) fleet=\(String(repeating: "甲", count: 90)) \(by)", "more than 256 bytes"),
            ("\(pass) plate=\(String(repeating: "A", count: 33)) \(by)", "plate is up to"),
            ("2 fleet=甲 \(by)", "record 2 is a capture"), ("999 fleet=甲 \(by)", "it has 1 to \(missed)"),
            ("missed plate=冀C00002 colour=yellow lane=1 \(by)", "time= is missing"),
            ("missed plate=冀C00002 time=2026-03-01T08:00:07 lane=1 \(by)", "colour= is missing"),
        ] {
            #expect(throws: SupplementFault.self, "\(text)") { try typed(text) }
            do { _ = try typed(text) } catch let fault as SupplementFault {
                #expect(fault.text.contains(words), "\(text): \(fault.text)")
            }
        }
    }

    @Test func theTableOfSupplementsIsHeldAgainstTheRecords() throws {
        let (pass, supplements, _) = try corrected()
        #expect(try site.report().isSound)
        try site.tamper("UPDATE supplement SET corrects = 4 WHERE seq = (SELECT min(seq) FROM supplement)")
        guard case .damaged(supplements[0], _) = try site.report().fault else { throw CancellationError() }
        try site.tamper("DELETE FROM supplement; INSERT INTO supplement(seq, corrects) VALUES(2, 7)")
        #expect(try !site.report().isSound)
        #expect(pass == 7)
    }
}
