// The source is held to the rules that its readers rely on. Each rule is first shown an example that breaks it.

import Testing

/// One issue a breach, each with its place.
private func expectNone(_ breaches: [Breach]) {
    for breach in breaches { Issue.record("\(breach)") }
}

@Suite struct ArchitectureTests {
    private static func all() throws -> [SourceFile] {
        try SourceTree.files("Sources") + SourceTree.files("Tests") + [SourceTree.package()]
    }

    @Test func sourceIsFound() throws {
        let files = try SourceTree.files("Sources")
        #expect(files.contains { $0.path == "Sources/Domain/Time.swift" && $0.room == "Domain" })
        #expect(Set(files.map(\.room)) == Layers.names)
    }

    @Test func packageAndLayersNameTheSameRoomsAndEveryArrowGoesDown() throws {
        let declared = Rules.declaredRooms(try SourceTree.package().text)
        #expect(declared["Machine"]?.contains("CLibevent") == true)
        expectNone(Rules.wrongArrows(declared))
    }

    @Test func everyImportFollowsTheArrows() throws {
        let declared = Rules.declaredRooms(try SourceTree.package().text)
        let files = try SourceTree.files("Sources").filter(\.isSwift)
        expectNone(files.flatMap { Rules.wrongImports($0, declared: declared) })
    }

    @Test func noFirmwareRoomImportsAHostedLibrary() throws {
        expectNone(try SourceTree.files("Sources").filter(\.isSwift).flatMap { Rules.hostedImports($0) })
    }

    @Test func noLineIsOver120Columns() throws {
        expectNone(try ArchitectureTests.all().flatMap { Rules.wideLines($0) })
    }

    @Test func noFileIsOver600Lines() throws {
        expectNone(try ArchitectureTests.all().flatMap { Rules.longFile($0) })
    }

    @Test func noSourceTrapsWithoutANumberOrLeavesSomethingForLater() throws {
        expectNone(try SourceTree.files("Sources").flatMap { Rules.forbiddenWords($0) })
    }

    @Test func noFileNameIsVague() throws {
        expectNone(try ArchitectureTests.all().flatMap { Rules.vagueName($0) })
    }
}

@Suite struct RulesCanFailTests {
    private func file(_ text: String, path: String = "Sources/Ledger/Example.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    @Test func roomMissingOnEitherSideIsFound() {
        var declared = Rules.declaredRooms(#"let rooms = [room("Attic", ["Domain"])]"#)
        #expect(declared == ["Attic": ["Domain"]])
        let missing = Rules.wrongArrows(declared).map(\.description)
        #expect(missing.contains("Attic: is missing from the table of layers"))
        #expect(missing.contains("Ledger: is missing from Package.swift"))
        declared = Dictionary(uniqueKeysWithValues: Layers.names.map { ($0, []) })
        #expect(Rules.wrongArrows(declared) == [])
    }

    @Test func declarationsOverSeveralLinesAreRead() {
        let package = """
            library("CSQLite", ["sqlite3"]),
            room(
                "Controller",
                [
                    "Domain", "LaneCore",
                    "Console",
                ]
            ),
            .executableTarget(
                name: "gwctl",
                dependencies: ["Domain"],
                swiftSettings: roomSettings
            ),
            """
        #expect(
            Rules.declaredRooms(package) == [
                "CSQLite": [], "Controller": ["Domain", "LaneCore", "Console"], "gwctl": ["Domain"],
            ])
    }

    @Test(arguments: [("Domain", "LaneCore"), ("Ledger", "Registry"), ("Machine", "Controller"), ("Store", "Store")])
    func arrowThatDoesNotGoDownIsFound(_ room: String, _ used: String) {
        var declared: [String: Set<String>] = Dictionary(uniqueKeysWithValues: Layers.names.map { ($0, []) })
        declared[room] = [used]
        #expect(Rules.wrongArrows(declared) == [Breach(place: room, what: "uses \(used), which is not below it")])
    }

    @Test(arguments: [
        "import Store", "@testable import Store", "public import Store", "@_exported import Store",
        "import struct Store.Database", "    @preconcurrency internal import Store",
    ])
    func everyFormOfImportIsSeen(_ line: String) {
        #expect(Rules.imports(file("// import Crypto\n\(line)\nlet text = \"import Formats\"\n")) == ["Store"])
    }

    @Test func undeclaredUpwardAndBackDoorImportsAreFound() {
        let declared: [String: Set<String>] = ["Ledger": ["Store", "Console", "CSQLite"]]
        func breaches(_ module: String) -> [String] {
            Rules.wrongImports(file("import \(module)"), declared: declared).map(\.what)
        }
        #expect(breaches("Store") == [])
        #expect(breaches("Synchronization") == [])
        #expect(breaches("Crypto") == ["imports Crypto, which Package.swift does not give it"])
        #expect(breaches("Console") == ["imports Console, which is not below it"])
        #expect(breaches("CSQLite") == ["imports CSQLite, whose door is [\"Store\", \"gwbench\"]"])
        #expect(breaches("Foundation") == ["imports Foundation, which Package.swift does not give it"])
    }

    @Test(arguments: ["Foundation", "Glibc", "Dispatch"])
    func hostedLibraryIsFoundInTheFirmwareOnly(_ module: String) {
        #expect(Rules.hostedImports(file("import \(module)")).count == 1)
        #expect(Rules.hostedImports(file("import \(module)", path: "Sources/gwsim/Main.swift")) == [])
    }

    @Test func lineOf121ColumnsIsFoundAndOneOf120ChineseCharactersIsNot() {
        let wide = String(repeating: "a", count: 121)
        let full = String(repeating: "道", count: 120)
        #expect(Rules.wideLines(file("\(full)\n\(wide)\n")).map(\.place) == ["Sources/Ledger/Example.swift:2"])
    }

    @Test func fileOf601LinesIsFoundAndOneOf600IsNot() {
        #expect(Rules.longFile(file(String(repeating: "x\n", count: 600))) == [])
        #expect(Rules.longFile(file(String(repeating: "x\n", count: 601))).count == 1)
    }

    @Test(arguments: [
        "let x = y!", "f(y!)", "let x = list[0]!.name", "call()!", "var x: String!", "let x = { 1 }!",
        "let x = text as! String", "let x = try! open()", "fatalError(\"no\")", "// TODO: later", "/* FIXME */",
        #"let x = "\(y!)""#, "let x: Array<Int>!",
    ])
    func forbiddenWordIsFound(_ line: String) {
        #expect(Rules.forbiddenWords(file("let a = 1\n\(line)\n")).map(\.place) == ["Sources/Ledger/Example.swift:2"])
    }

    @Test(arguments: [
        "if !done { return }", "x != y", "x!=y", "(!a, !b)", "[!a]", "// never!", "/* y! */", "let x = \"stop!\"",
        #"let x = "\(y ? "go!" : "stop!")!""#, ##"let x = #"a "quoted!" b"#"##, "try? f()", "x as? Y",
        "let x = \"\"\"\n  \"halt!\"\n  \"\"\"", "let TODOS = 1", "precondition(x, \"A-1 no!\")",
    ])
    func innocentLineIsNot(_ line: String) {
        #expect(Rules.forbiddenWords(file(line)) == [])
    }

    @Test func leftoverInAHeaderIsFound() {
        #expect(Rules.forbiddenWords(file("// FIXME", path: "Sources/CSystem/csystem.c")).count == 1)
    }

    @Test(arguments: ["StringUtils", "LedgerManager", "Helpers"])
    func vagueNameIsFound(_ name: String) {
        #expect(Rules.vagueName(file("", path: "Sources/Ledger/\(name).swift")).count == 1)
        #expect(Rules.vagueName(file("")) == [])
    }

    @Test func bareSourceKeepsEveryLineInItsPlace() throws {
        for file in try SourceTree.files("Sources").filter(\.isSwift) {
            #expect(bareSource(file.text).count { $0 == "\n" } == file.text.count { $0 == "\n" }, "\(file.path)")
        }
    }
}
