import Domain
import Foundation
import Store
import Testing

@testable import Registry

/// A register in a folder of its own, removed at the end.
final class Site {
    let folder: String
    let database: RegisterDatabase

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("register-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        folder = url.path
        database = try RegisterDatabase(path: folder + "/register.db", offsetMinutes: 480)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Imports under a digest of its own and gives the report.
    func vehicles(_ csv: String, at time: WallTime = noon) throws -> ImportReport {
        try #require(try database.importVehicles(Array(csv.utf8), digest: freshDigest(), at: time))
    }

    func lists(_ csv: String, at time: WallTime = noon) throws -> ImportReport {
        try #require(try database.importLists(Array(csv.utf8), digest: freshDigest(), at: time))
    }

    func refusal(_ csv: String) throws -> [String] { try refusal(Array(csv.utf8)) }

    /// What an import of vehicles says against the file; empty when it takes it.
    func refusal(_ csv: [UInt8]) throws -> [String] {
        do throws(RegistryError) {
            _ = try database.importVehicles(csv, digest: freshDigest(), at: noon)
            return []
        } catch {
            guard case .table(let problems, _) = error else { throw error }
            return problems
        }
    }
}

func freshDigest() -> Digest {
    Digest(bytes: (0..<32).map { _ in UInt8.random(in: 0...255) }) ?? .zero
}

let noon = WallTime(microseconds: 1_780_000_000_000_000)

let header = """
    plate,colour,vin,registration_date,vehicle_type,fuel,stage,model,engine_model,engine_maker,engine_number,usage,\
    networked,fleet

    """

func plate(_ text: String, _ colour: PlateColour = .yellow) throws -> Plate {
    try #require(Plate(text, colour: colour))
}

struct BookingImportTests {
    @Test func aVehicleCarriesWhatItIsBookedForThatWayOnly() throws {
        let site = try Site()
        _ = try site.vehicles(
            "plate,colour,stage,cargo,amount,cargo_direction\n冀A1,1,6,焦炭,,\n冀A2,1,6,,500 kg,out\n冀A3,1,6,,,in\n")
        let register = try site.database.snapshot()
        for direction in [Direction.entry, .exit] {
            let coke = register.freight(for: try plate("冀A1"), direction)
            #expect(coke.cargo == "焦炭" && coke.netKilograms == nil && coke.source == nil)
            #expect(register.freight(for: try plate("冀A3"), direction) == .unknown)
            #expect(register.freight(for: try plate("冀A1", .blue), direction) == .unknown)
        }
        #expect(register.freight(for: try plate("冀A2"), .entry) == .unknown)
        #expect(register.freight(for: try plate("冀A2"), .exit).netKilograms == 500)
        _ = try site.vehicles("plate,colour,stage\n冀A1,1,6\n")
        #expect(try site.database.snapshot().freight(for: plate("冀A1"), .entry) == .unknown, "the old rows are gone")
    }

    @Test(
        arguments: [
            ("31.2", 31_200), ("31.2 t", 31_200), ("31.205T", 31_205), ("0", 0), ("7 吨", 7_000), ("31200 kg", 31_200),
            ("31200公斤", 31_200), ("1000", 1_000_000), ("1000000 千克", 1_000_000),
        ] as [(String, UInt32)])
    func anAmountIsInTonnesUnlessItsUnitSaysOtherwise(_ cell: String, _ kilograms: UInt32) {
        #expect(Cell.kilograms(cell) == kilograms)
    }

    @Test(arguments: [
        "x", "t", ".5", "5.", "1.2345", "1.5 kg", "1000.001", "1001", "1000001 kg", "-1", "3 lb", "1.2.3", "1e3",
        "99999999 kg",
    ])
    func anAmountThatIsNoneIsNotTaken(_ cell: String) {
        #expect(Cell.kilograms(cell) == nil)
    }
}

struct TagImportTests {
    @Test func aTagNamesItsVehicleAndAFileWithoutTagsIsAsGoodAsBefore() throws {
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage,tag\n冀A12345,1,6,e280 6894 0000 0001\n冀A12346,1,6,\n")
        var register = try site.database.snapshot()
        #expect(register.tagCount == 1)
        #expect(try register.plate(of: #require(VehicleTag("E280689400000001"))) == plate("冀A12345"))
        #expect(try register.plate(of: #require(VehicleTag("E280689400000002"))) == nil)
        _ = try site.vehicles("车牌号码,号牌颜色,排放阶段,电子标签\n冀A12346,1,6,E280689400000002\n")
        register = try site.database.snapshot()
        #expect(try register.plate(of: #require(VehicleTag("E280689400000001"))) == nil, "the old rows are gone")
        #expect(try register.plate(of: #require(VehicleTag("E280689400000002"))) == plate("冀A12346"))
        _ = try site.vehicles(header + "冀A12345,1,,,,,6,,,,,,,\n")
        #expect(try site.database.snapshot().tagCount == 0)
    }

    @Test func aTagOfTwoVehiclesRefusesTheFile() throws {
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage,tag\n冀A12345,1,6,E2800001\n")
        let problems = try site.refusal(
            "plate,colour,stage,tag\n冀A12346,1,6,E2800002\n冀A12347,1,6,e280-0002\n")
        #expect(
            problems == [
                "line 3: the tag E2800002 of 冀A12347 is already that of 冀A12346 on line 2: a tag names one vehicle, "
                    + "so correct one of them"
            ])
        #expect(try site.database.snapshot().plate(of: #require(VehicleTag("E2800001"))) == plate("冀A12345"))
    }

    @Test(arguments: ["E28", "E28000", "E2G0", "标签"])
    func whatIsNoTagIsTold(_ cell: String) throws {
        let problems = try Site().refusal("plate,colour,stage,tag\n冀A12345,1,6,\(cell)\n")
        #expect(problems.count == 1 && problems[0].hasPrefix("line 2: tag \"\(cell)\" is not the tag's EPC"))
    }
}

struct VehicleImportTests {
    @Test func aRowIsKeptWithAllItsFields() throws {
        let site = try Site()
        let report = try site.vehicles(
            header + "冀A12345,1,LFWSRXSJ2L1E00001,2021-08-01,Q11,B,6,解放CA4250,CA6DM3,一汽解放,SIM1,F,1,\"顺达,车队\"\n")
        #expect(report.rows == 1 && report.warnings.isEmpty && report.omittedWarnings == 0)
        let register = try site.database.snapshot()
        let vehicle = try #require(register.vehicle(for: try plate("冀A12345")))
        #expect(vehicle.vin == "LFWSRXSJ2L1E00001" && vehicle.registrationDate == "2021-08-01")
        #expect(vehicle.vehicleType == "Q11" && vehicle.fuel == FuelType(code: "B") && vehicle.stage == .china6)
        #expect(vehicle.model == "解放CA4250" && vehicle.engineModel == "CA6DM3")
        #expect(vehicle.engineMaker == "一汽解放" && vehicle.engineNumber == "SIM1" && vehicle.usage == "F")
        #expect(vehicle.networked == true && vehicle.fleet == "顺达,车队")
        #expect(register.vehicleCount == 1 && register.importedAt == noon)
        #expect(register.vehicle(for: try plate("冀A12345", .blue)) == nil, "another colour is another vehicle")
    }

    @Test func whatTheSiteDoesNotKnowStaysUnknown() throws {
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage\n冀AD12345,4,X\n冀A00001,1,\n")
        let register = try site.database.snapshot()
        for plate in [try plate("冀AD12345", .green), try plate("冀A00001")] {
            let vehicle = try #require(register.vehicle(for: plate))
            #expect(vehicle.stage == .unknown && vehicle.fuel == nil && vehicle.networked == nil)
            #expect(vehicle.vin.isEmpty && vehicle.registrationDate.isEmpty && vehicle.vehicleType.isEmpty)
        }
    }

    @Test func columnsMayStandInAnyOrderAndInChinese() throws {
        let site = try Site()
        _ = try site.vehicles("\u{FEFF}排放阶段, 号牌颜色 ,车牌号码,注册登记日期\r\nd,黄绿,冀a·d1234 5,2023/7/1\r\n,,,\r\n\r\n")
        let vehicle = try #require(try site.database.snapshot().vehicle(for: try plate("冀AD12345", .yellowGreen)))
        #expect(vehicle.stage == .electric && vehicle.registrationDate == "2023-07-01")
    }

    @Test(arguments: [
        ("冀A1,1,V", "line 2: stage \"V\" is not one of 0-6 D X, or empty"),
        ("冀A1,9,5", "line 2: colour \"9\" is not one of 0 蓝 1 黄 2 白 3 黑 4 绿 5 其他 6 黄绿"),
        (",1,5", "line 2: plate \"\" is not a plate of 1 to 32 bytes"),
        ("冀A1,1", "line 2: 2 cells, where the header has 3"),
        ("冀A1,1,5,6", "line 2: 4 cells, where the header has 3"),
        ("冀A1,1,5\n冀A2,1,5\n冀A-1,黄,4", "line 4: 冀A1 stands already on line 2"),
        ("\"冀A1", "line 2: a quote that is never closed"),
    ])
    func aBadRowIsToldWithLineColumnAndWhatIsAllowed(rows: String, message: String) throws {
        #expect(try Site().refusal("plate,colour,stage\n\(rows)") == [message])
    }

    @Test(arguments: [
        ("vin", "LFWSRXSJ2L1E0000"), ("vin", "LFWSRXSJ2L1E0000O"), ("vin", "LFWSRXSJ2L1E0000-"),
        ("registration_date", "2021-02-30"), ("registration_date", "2021-13-01"), ("registration_date", "01.02.2021"),
        ("registration_date", "2021-7/1"), ("vehicle_type", "H1"), ("fuel", "G"), ("fuel", "BB"), ("usage", "7"),
        ("networked", "yes"), ("fleet", String(repeating: "车", count: 101)), ("model", "a\u{7}b"),
    ])
    func aCellOutOfItsRangeIsRefused(column: String, value: String) throws {
        let found = try Site().refusal("plate,colour,stage,\(column)\n冀A1,1,5,\(value)\n")
        #expect(found.count == 1 && found[0].hasPrefix("line 2: \(column) \""), "\(found)")
    }

    @Test(arguments: [
        ("", "the file is empty: its first line names the columns"),
        ("plate,colour\n", "line 1: the column stage (排放阶段) is missing"),
        ("plate,colour,stage,plate\n", "line 1: the column plate stands there twice"),
    ])
    func aWrongHeaderIsRefused(csv: String, message: String) throws {
        #expect(try Site().refusal(csv) == [message])
    }

    @Test func anUnknownColumnIsRefusedByName() throws {
        let found = try Site().refusal("plate,colour,stage,stge\n冀A1,1,5,5\n")
        #expect(found.count == 1 && found[0].hasPrefix("line 1: \"stge\" is no column of this file; "))
    }

    @Test func aNationalEncodingIsRefusedWithAdvice() throws {
        let found = try Site().refusal(Array("plate,colour,stage\n".utf8) + [0xBC, 0xBD, 0x41, 0x31])
        #expect(found == ["line 2: not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"])
    }

    @Test func limitsAreHeld() throws {
        let site = try Site()
        let long = "plate,colour,stage\n冀A1,1,\"" + String(repeating: "x", count: 5_000) + "\"\n"
        #expect(try site.refusal(long) == ["line 2: a row longer than 4096 bytes; close its quotes"])
        let huge = [UInt8](repeating: 0x61, count: 16 * 1_024 * 1_024 + 1)
        #expect(try site.refusal(huge) == ["the file is larger than 16777216 bytes"])
    }

    @Test func aFileWithABadRowChangesNothing() throws {
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage\n冀A1,1,5\n")
        #expect(try site.refusal("plate,colour,stage\n冀A2,1,6\n冀A3,1,V\n").count == 1)
        let register = try site.database.snapshot()
        #expect(register.vehicleCount == 1)
        #expect(register.vehicle(for: try plate("冀A1"))?.stage == .china5)
        #expect(register.importedAt == noon)
        _ = try site.vehicles("plate,colour,stage\n冀A2,1,6\n")
        #expect(try site.database.snapshot().vehicle(for: try plate("冀A1")) == nil, "the whole table is replaced")
    }

    @Test func atMostTwentyErrorsAreShownAndAllAreCounted() throws {
        let csv = "plate,colour,stage\n" + String(repeating: "冀A1,1,5,\n", count: 25)
        let site = try Site()
        do throws(RegistryError) {
            _ = try site.database.importVehicles(Array(csv.utf8), digest: freshDigest(), at: noon)
            Issue.record("accepted")
        } catch {
            guard case .table(let problems, let omitted) = error else { throw error }
            #expect(problems.count == 20 && omitted == 5)
            #expect(error.description.hasSuffix("line 21: 4 cells, where the header has 3; and 5 more"))
        }
    }

    @Test func aWrongCheckDigitIsADoubtAndNoError() throws {
        let site = try Site()
        let report = try site.vehicles(
            "plate,colour,stage,vin\n冀A1,1,5,1FACP45E0LF192944\n冀A2,1,5,1FACP45EXLF192944\n冀A3,1,5,1m8gdm9axkp042788\n")
        #expect(report.rows == 3)
        #expect(
            report.warnings == ["line 2: the VIN's check digit is wrong"])
        #expect(try site.database.snapshot().vehicle(for: try plate("冀A1"))?.vin == "1FACP45E0LF192944")
    }

    @Test(arguments: [
        ("B", "4", "2022-03-01", true), ("B", "6", "2012-03-01", true), ("E", "5", "2021-07-01", true),
        ("B", "5", "2021-06-30", false), ("B", "6", "2018-01-01", false), ("B", "4", "2014-05-01", false),
        ("A", "4", "2022-03-01", false), ("", "4", "2022-03-01", false), ("C", "D", "2012-01-01", false),
        ("B", "X", "2022-03-01", false),
    ])
    func aStageThatContradictsTheDateIsADoubt(fuel: String, stage: String, date: String, isDoubtful: Bool) throws {
        let site = try Site()
        let report = try site.vehicles(
            "plate,colour,stage,fuel,registration_date\n冀A1,1,\(stage),\(fuel),\(date)\n")
        #expect(report.warnings.count == (isDoubtful ? 1 : 0))
        #expect(try site.database.snapshot().vehicle(for: try plate("冀A1"))?.stage.code == stage, "not overwritten")
    }

    @Test func theSameContentIsNotImportedAgainAndKeepsItsAge() throws {
        let site = try Site()
        let csv = Array("plate,colour,stage\n冀A1,1,5\n".utf8)
        let digest = freshDigest()
        let later = WallTime(microseconds: noon.microseconds + 1)
        #expect(try site.database.snapshot().importedAt == nil)
        #expect(try site.database.importVehicles(csv, digest: digest, at: noon)?.rows == 1)
        #expect(try site.database.importVehicles(csv, digest: digest, at: later) == nil)
        #expect(try site.database.snapshot().importedAt == noon)
        #expect(try site.database.importVehicles(csv, digest: freshDigest(), at: later)?.rows == 1)
        #expect(try site.database.snapshot().importedAt == later)
    }
}

struct ListImportTests {
    @Test func listsAreKeptWithTheirEnd() throws {
        let site = try Site()
        let report = try site.lists(
            """
            plate,colour,list,reason,valid_until
            冀A1,1,white,应急抢险,2026-12-31
            冀A1,1,black,超标,
            冀A2,黄,白,,2026/1/2 8:30
            """)
        #expect(report.rows == 3)
        let register = try site.database.snapshot()
        #expect(register.listedPlateCount == 2)
        let entries = register.listEntries(for: try plate("冀A1")).sorted { $0.kind.rawValue < $1.kind.rawValue }
        #expect(entries.map(\.kind) == [.white, .black] && entries.map(\.reason) == ["应急抢险", "超标"])
        let end = CivilTime(year: 2026, month: 12, day: 31, hour: 23, minute: 59, second: 59).wallTime()
        #expect(entries.map(\.validUntil) == [WallTime(microseconds: end.microseconds + 999_999), nil])
        let second = register.listEntries(for: try plate("冀A2"))
        let halfPastEight = CivilTime(year: 2026, month: 1, day: 2, hour: 8, minute: 30).wallTime()
        #expect(second.map(\.validUntil) == [WallTime(microseconds: halfPastEight.microseconds + 999_999)])
        #expect(register.listEntries(for: try plate("冀A3")).isEmpty)
    }

    @Test func theSameEntryTwiceIsRefusedButBothListsAreNot() throws {
        let site = try Site()
        #expect(throws: RegistryError.self) { try site.lists("plate,colour,list\n冀A1,1,white\n冀A1,1,white\n") }
        #expect(try site.lists("plate,colour,list\n冀A1,1,white\n冀A1,1,black\n").rows == 2)
        #expect(throws: RegistryError.self) { try site.lists("plate,colour,list\n冀A1,1,grey\n") }
        #expect(throws: RegistryError.self) {
            try site.lists("plate,colour,list,valid_until\n冀A1,1,white,2026-12-31 24:00\n")
        }
        #expect(try site.database.snapshot().listEntries(for: try plate("冀A1")).count == 2)
    }
}

struct RegisterFileTests {
    @Test func theRegisterIsThereAfterReopening() throws {
        let site = try Site()
        _ = try site.vehicles("plate,colour,stage\n冀A1,1,5\n")
        let early = try RegisterDatabase(path: site.folder + "/register.db", offsetMinutes: 480)
        #expect(try early.snapshot().vehicleCount == 0)
        try site.database.commit()
        let again = try RegisterDatabase(path: site.folder + "/register.db", offsetMinutes: 480)
        #expect(try again.snapshot().vehicle(for: try plate("冀A1"))?.stage == .china5)
    }

    @Test func aMissingFolderIsAStoreError() {
        #expect(throws: RegistryError.self) {
            try RegisterDatabase(path: "/nonexistent/register.db", offsetMinutes: 480)
        }
    }

    @Test func aFullRegisterIsImportedAndLoadedWhole() throws {
        let site = try Site()
        var csv = header
        for count in 0..<20_000 {
            csv += "冀A\(10_000 + count),1,LFWSRXSJ2L1E00001,2021-08-01,Q11,B,6,解放CA4250,CA6DM3,一汽解放,"
            csv += "ENGINE-\(count),F,1,顺达车队\n"
        }
        let report = try site.vehicles(csv)
        #expect(report.rows == 20_000)
        #expect(try site.database.snapshot().vehicleCount == 20_000)
    }

    @Test func moreThanTwoHundredThousandRowsAreRefused() throws {
        let site = try Site()
        var csv = "plate,colour,stage\n"
        for count in 0...200_000 { csv += "A\(count),1,5\n" }
        #expect(try site.refusal(csv) == ["more than 200000 rows"])
    }
}
