import Domain
import Testing

@testable import Registry

extension Site {
    /// What an import of lists says against the file; empty when it takes it.
    func listRefusal(_ csv: String) throws -> [String] {
        do throws(RegistryError) {
            _ = try database.importLists(Array(csv.utf8), digest: freshDigest(), at: noon)
            return []
        } catch {
            guard case .table(let problems, _) = error else { throw error }
            return problems
        }
    }
}

private let listHeader = "plate,colour,list,reason,valid_until\n"

struct TableTests {
    @Test func aColumnUnderBothItsNamesIsAColumnTwice() throws {
        let found = try Site().refusal("plate,车牌号码,colour,stage\n冀A1,冀A2,1,5\n")
        #expect(found == ["line 1: the column plate stands there twice"])
    }

    @Test func allThatIsWrongWithTheHeaderIsToldAtOnce() throws {
        let found = try Site().refusal("plate,plate,\"a\nb\"\n冀A1,1,5\n")
        try #require(found.count == 4)
        #expect(found[0] == "line 1: the column plate stands there twice")
        #expect(found[1].hasPrefix("line 1: \"a?b\" is no column of this file; the columns are plate, colour,"))
        #expect(found[2] == "line 1: the column colour (号牌颜色) is missing")
        #expect(found[3] == "line 1: the column stage (排放阶段) is missing")
    }

    @Test func everyVehicleColumnHasItsTwoNames() throws {
        let values = [
            "冀A1", "1", "5", "LFWSRXSJ2L1E00001", "2021-07-02", "H17", "B", "m", "e", "k", "n", "F", "0", "f", "E280",
            "铁精粉", "31.2 t", "进",
        ]
        for names in [VehicleField.columns.map(\.name), VehicleField.columns.map(\.chinese)] {
            let site = try Site()
            let csv = [names, values].map { $0.reversed().joined(separator: ",") }.joined(separator: "\r\n")
            _ = try site.vehicles(csv)
            let vehicle = try #require(try site.database.snapshot().vehicle(for: try plate("冀A1")))
            #expect(vehicle.stage == .china5 && vehicle.vin == values[3] && vehicle.registrationDate == values[4])
            #expect(vehicle.vehicleType == "H17" && vehicle.fuel == FuelType(code: "B") && vehicle.usage == "F")
            #expect(vehicle.model == "m" && vehicle.engineModel == "e" && vehicle.engineMaker == "k")
            #expect(vehicle.engineNumber == "n" && vehicle.networked == false && vehicle.fleet == "f")
            #expect(try site.database.snapshot().plate(of: #require(VehicleTag("E280"))) == plate("冀A1"))
            let freight = try site.database.snapshot().freight(for: plate("冀A1"), .entry)
            #expect(freight.cargo == "铁精粉" && freight.netKilograms == 31_200 && freight.source == .booking)
        }
    }

    @Test func everyBadCellOfARowIsTold() throws {
        let found = try Site().refusal(
            header.dropLast() + ",tag,cargo,amount,cargo_direction\n"
                + ",7,x,9,9,9,9,\u{7},\u{7},\u{7},\u{7},9,9,\u{7},E28,\u{7},x,9\n")
        try #require(found.count == VehicleField.columns.count)
        for column in VehicleField.columns {
            let told = found.contains {
                $0.hasPrefix("line 2: \(column.name) \"") && $0.hasSuffix("\" is not \(column.allowed)")
            }
            #expect(told, "\(column.name): \(found)")
        }
        let lists = try Site().listRefusal(listHeader + ",7,x,\u{7},soon\n")
        #expect(lists.count == ListField.columns.count)
        #expect(lists.contains("line 2: list \"x\" is not white or black (白 or 黑)"))
    }

    @Test func aProblemIsOneShortLineWhateverTheCellHolds() throws {
        let cell = "\"" + String(repeating: "a\nb\u{1B}[2J\u{85}", count: 60) + "\""
        let found = try Site().refusal("plate,colour,stage,fleet\n冀A1,1,5,\(cell)\n")
        try #require(found.count == 1)
        #expect(found[0].hasSuffix("…\" is not a text of at most 100 characters in one line"))
        #expect(found[0].unicodeScalars.allSatisfy { !Cell.isControl($0) } && found[0].count < 120)
    }

    @Test func whatCannotBeReadDoesNotHideWhatWasFoundBefore() throws {
        let found = try Site().refusal("plate,colour,stage\n冀A1,9,5\n冀A2,1,\"5\n")
        try #require(found.count == 2)
        #expect(found[0].hasPrefix("line 2: colour \"9\" is not"))
        #expect(found[1] == "line 3: a quote that is never closed")
    }

    @Test func aRowOfNothingButCommasHasItsLimitToo() throws {
        let found = try Site().refusal("plate,colour,stage\n" + String(repeating: ",", count: 5_000) + "\n")
        #expect(found == ["line 2: a row longer than 4096 bytes; close its quotes"])
        let header = try Site().refusal(String(repeating: ",", count: 5_000))
        #expect(header == ["line 1: a row longer than 4096 bytes; close its quotes"])
    }

    @Test func aFileThatIsCutOffIsRefused() throws {
        let site = try Site()
        let whole = listHeader + "冀A1,1,white,应急,2026-12-31\n"
        #expect(try site.listRefusal(whole) == [])
        #expect(try site.listRefusal(String(whole.dropLast(12))) == ["line 2: 4 cells, where the header has 5"])
        #expect(try site.database.snapshot().listEntries(for: try plate("冀A1")).first?.validUntil != nil)
    }

    @Test func quotesLineEndsAndBlanksDoNotMatter() throws {
        let rows = ["冀A1,1,5", "\"冀A1\",\"1\",\"5\"", " 冀A1\t, 1 ,5 ", "\" 冀A1\",1,5", "\n\n冀A1,1,5", " , ,\n冀A1,1,5"]
        for row in rows {
            for ending in ["\n", "\r\n", "\r", ""] {
                let site = try Site()
                let report = try site.vehicles("plate,colour,stage\r\n" + row + ending)
                #expect(report.rows == 1)
                #expect(try site.database.snapshot().vehicle(for: try plate("冀A1"))?.stage == .china5, "\(row)")
            }
        }
    }

    @Test func lettersOfOtherAlphabetsAreNotRaisedIntoOurs() throws {
        // "ſ" (long s) is "S" in capitals by Unicode's rules.
        for (column, cell) in [("usage", "ſ"), ("vehicle_type", "ſ11"), ("vin", "LFWſRXSJ2L1E00001"), ("fuel", "ß")] {
            #expect(try Site().refusal("plate,colour,stage,\(column)\n冀A1,1,5,\(cell)\n").count == 1, "\(cell)")
        }
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage,usage,fuel,vehicle_type\n冀A1,1,d,f,b,h1a\n")
        let vehicle = try #require(try site.database.snapshot().vehicle(for: try plate("冀A1")))
        #expect(vehicle.stage == .electric && vehicle.usage == "F" && vehicle.vehicleType == "H1A")
    }

    @Test func aMisspeltPlateIsTheSamePlate() throws {
        let found = try Site().refusal("plate,colour,stage\n冀A·12345,1,5\n冀ａ １２３４５,黄,6\n冀A12345,2,6\n")
        #expect(found == ["line 3: 冀A12345 stands already on line 2"])
    }

    @Test func duplicatesOnAListAreToldWithTheirLines() throws {
        let found = try Site().listRefusal(listHeader + "冀A1,1,white,,\n冀A1,1,black,,\n冀A1,1,白,,\n")
        #expect(found == ["line 4: 冀A1 stands already on that list, on line 2"])
    }

    @Test func aBadListChangesNeitherListsNorVehicles() throws {
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage\n冀A1,1,5\n")
        _ = try site.lists(listHeader + "冀A1,1,white,old,\n")
        #expect(try site.listRefusal(listHeader + "冀A1,1,white,new,\n冀A2,1,black,,2026-02-29\n").count == 1)
        let register = try site.database.snapshot()
        #expect(register.listEntries(for: try plate("冀A1")).map(\.reason) == ["old"])
        #expect(register.listedPlateCount == 1 && register.vehicleCount == 1)
        // The refused file was not noted as imported: mended, it is taken.
        #expect(try site.lists(listHeader + "冀A1,1,white,new,\n").rows == 1)
    }
}

struct ListDateTests {
    private func until(_ text: String, offsetMinutes: Int = 480) throws -> WallTime? {
        let site = try Site()
        let database = try RegisterDatabase(path: site.folder + "/other.db", offsetMinutes: offsetMinutes)
        let csv = Array((listHeader + "冀A1,1,white,,\(text)\n").utf8)
        _ = try database.importLists(csv, digest: freshDigest(), at: noon)
        return try #require(try database.snapshot().listEntries(for: try plate("冀A1")).first).validUntil
    }

    @Test(arguments: [
        ("2026-12-31", CivilTime(year: 2027, month: 1, day: 1)),
        ("2028/2/29", CivilTime(year: 2028, month: 3, day: 1)),
        ("2026-12-31 18:00:00", CivilTime(year: 2026, month: 12, day: 31, hour: 18, second: 1)),
        ("2026-12-31 8:05", CivilTime(year: 2026, month: 12, day: 31, hour: 8, minute: 5, second: 1)),
    ])
    func anEntryHoldsToTheLastMomentOfWhatItNames(text: String, over: CivilTime) throws {
        for offset in [480, 0, -720, 840] {
            let end = over.wallTime(offsetMinutes: offset).microseconds - 1
            #expect(try until(text, offsetMinutes: offset) == WallTime(microseconds: end), "\(text) at \(offset)")
        }
    }

    @Test(arguments: [
        "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "26-01-01", "1949-12-31", "2200-01-01", "2026-1",
        "2026-01-01-01", "2026-01-01 24:00", "2026-01-01 8", "2026-01-01 08:60", "2026-01-01 08:00:60",
        "2026-01-01 08:00:00:00", "2026-01-01T08:00:00", "2026-01-01 08:00 PM", "31.12.2026", "tomorrow", "+2026-1-1",
    ])
    func whatIsNoDateIsRefused(text: String) throws {
        let found = try Site().listRefusal(listHeader + "冀A1,1,white,,\(text)\n")
        #expect(found.count == 1 && found[0].hasPrefix("line 2: valid_until \"\(text)\" is not a date or time such as"))
    }

    @Test func theEndMovesWithTheSitesOffset() throws {
        let site = try Site()
        _ = try site.lists(listHeader + "冀A1,1,white,,2026-12-31\n")
        try site.database.commit()
        let moved = try RegisterDatabase(path: site.folder + "/register.db", offsetMinutes: 540)
        let end = CivilTime(year: 2027, month: 1, day: 1).wallTime(offsetMinutes: 540).microseconds - 1
        #expect(try moved.snapshot().listEntries(for: try plate("冀A1")).first?.validUntil?.microseconds == end)
    }

    @Test func theRegisterIsAsNewAsItsNewestFile() throws {
        let site = try Site()
        let epoch = WallTime(microseconds: 0)
        _ = try site.vehicles("plate,colour,stage\n冀A1,1,5\n", at: epoch)
        #expect(try site.database.snapshot().importedAt == epoch)
        _ = try site.lists(listHeader + "冀A1,1,white,,\n", at: noon)
        #expect(try site.database.snapshot().importedAt == noon)
    }
}
