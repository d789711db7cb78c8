// The rules, each a function from source text to the breaches found, so that each can be shown a bad example.

import Foundation

/// docs/ARCHITECTURE.md's rooms, bottom up: a room imports only rooms of a lower layer.
enum Layers {
    static let all: [[String]] = [
        ["CSystem", "CSQLite", "COpenSSL", "CLibevent", "CJansson", "CExpat", "CLibgpiod", "CLibmodbus"],
        ["Domain"],
        ["LaneCore"],
        ["Machine", "Crypto", "Formats", "Store"],
        ["LaneTrace", "Configuration", "Admission", "DeviceProtocols", "PlatformProtocols"],
        ["Ledger", "Registry"],
        ["Devices", "Web", "Uplink", "Console"],
        ["Controller", "SiteSimulator", "LaneSimulation"],
        ["gatewarden", "gwlanebench", "gwctl", "gwsim", "gwbench", "gwlane"],
    ]

    static let hostPrograms: Set<String> = ["gwctl", "gwsim", "gwbench", "gwlane", "SiteSimulator", "LaneSimulation"]

    /// The only rooms that may import a C library.
    static let doors: [String: Set<String>] = [
        "CSystem": ["Machine", "SiteSimulator", "gwlanebench"],
        "CSQLite": ["Store", "gwbench"],
        "COpenSSL": ["Crypto", "SiteSimulator"],
        "CLibevent": ["Machine"],
        "CLibgpiod": ["Machine"],
        "CLibmodbus": ["Machine"],
        "CJansson": ["Formats"],
        "CExpat": ["Formats"],
    ]

    static let standardLibrary: Set<String> = ["Swift", "Synchronization"]
    /// What only ordinary Swift on the host has.
    static let hostLibraries: Set<String> = [
        "Foundation", "FoundationEssentials", "FoundationNetworking", "Glibc", "Musl", "Dispatch", "_Concurrency",
    ]

    static var names: Set<String> { Set(all.joined()) }

    static func layer(_ room: String) -> Int? {
        all.firstIndex { $0.contains(room) }
    }
}

struct Breach: Equatable, CustomStringConvertible {
    let place: String
    let what: String

    var description: String { "\(place): \(what)" }
}

enum Rules {
    static let maximumColumns = 120
    static let maximumLines = 600

    /// The targets that Package.swift declares, each with the targets it may use.
    static func declaredRooms(_ package: String) -> [String: Set<String>] {
        var rooms: [String: Set<String>] = [:]
        for match in package.matches(of: #/\blibrary\(\s*"(\w+)"/#) { rooms[String(match.1)] = [] }
        let lists =
            package.matches(of: #/\broom\(\s*"(\w+)",\s*\[([^\]]*)\]/#).map { ($0.1, $0.2) }
            + package.matches(of: #/\bname: "(\w+)",\s*dependencies: \[([^\]]*)\]/#).map { ($0.1, $0.2) }
        for (room, list) in lists {
            rooms[String(room)] = Set(list.matches(of: #/"(\w+)"/#).map { String($0.1) })
        }
        return rooms
    }

    /// Package.swift and the table of layers must name the same rooms, and each arrow must go down.
    static func wrongArrows(_ declared: [String: Set<String>]) -> [Breach] {
        var breaches: [Breach] = []
        for room in Set(declared.keys).symmetricDifference(Layers.names).sorted() {
            let missing = declared[room] == nil ? "Package.swift" : "the table of layers"
            breaches.append(Breach(place: room, what: "is missing from \(missing)"))
        }
        for (room, uses) in declared {
            for used in uses.sorted() where !isBelow(used, room) {
                breaches.append(Breach(place: room, what: "uses \(used), which is not below it"))
            }
        }
        return breaches
    }

    /// The modules that a file imports.
    static func imports(_ file: SourceFile) -> [String] {
        let pattern =
            #/^\s*(?:@\w+\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:[a-z]+\s+)?(\w+)/#
        return bareSource(file.text).split(separator: "\n").compactMap { line in
            line.firstMatch(of: pattern).map { String($0.1) }
        }
    }

    /// A room imports what Package.swift gives it, downward, and a C library only where that library's door is.
    static func wrongImports(_ file: SourceFile, declared: [String: Set<String>]) -> [Breach] {
        var allowed = (declared[file.room] ?? []).union(Layers.standardLibrary)
        if Layers.hostPrograms.contains(file.room) { allowed.formUnion(Layers.hostLibraries) }
        return imports(file).compactMap { module in
            if !allowed.contains(module) {
                return Breach(place: file.path, what: "imports \(module), which Package.swift does not give it")
            }
            if Layers.names.contains(module), !isBelow(module, file.room) {
                return Breach(place: file.path, what: "imports \(module), which is not below it")
            }
            if let doors = Layers.doors[module], !doors.contains(file.room) {
                return Breach(place: file.path, what: "imports \(module), whose door is \(doors.sorted())")
            }
            return nil
        }
    }

    /// The firmware is Embedded Swift: none of the hosted libraries exists there.
    static func hostedImports(_ file: SourceFile) -> [Breach] {
        guard !Layers.hostPrograms.contains(file.room) else { return [] }
        return imports(file).filter { Layers.hostLibraries.contains($0) }.map {
            Breach(place: file.path, what: "imports \($0) in the firmware")
        }
    }

    static func wideLines(_ file: SourceFile) -> [Breach] {
        file.lines.enumerated().filter { $0.element.count > maximumColumns }.map {
            Breach(place: "\(file.path):\($0.offset + 1)", what: "\($0.element.count) columns")
        }
    }

    static func longFile(_ file: SourceFile) -> [Breach] {
        let count = file.text.hasSuffix("\n") ? file.lines.count - 1 : file.lines.count
        return count > maximumLines ? [Breach(place: file.path, what: "\(count) lines")] : []
    }

    /// What may end the process without a number to find it by, and what was left for later.
    static func forbiddenWords(_ file: SourceFile) -> [Breach] {
        var found: [Breach] = []
        func report(_ text: String, _ pattern: some RegexComponent, _ what: String) {
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            where line.firstMatch(of: pattern) != nil {
                found.append(Breach(place: "\(file.path):\(number + 1)", what: what))
            }
        }
        report(file.text, #/\b(TODO|FIXME|XXX)\b/#, "something left for later")
        guard file.isSwift else { return found }
        let bare = bareSource(file.text)
        report(bare, #/\btry!/#, "try!")
        report(bare, #/\bas!/#, "as!")
        report(bare, #/\bfatalError\s*\(/#, "fatalError")
        // After a value or a type; `!` before a value negates it, and `!=` compares.
        report(bare, #/(\b(?!try!|as!)\w+|[\])}>"?])!(?!=)/#, "forced unwrap")
        return found
    }

    static func vagueName(_ file: SourceFile) -> [Breach] {
        file.name.firstMatch(of: #/Util|Manager|Helper/#) != nil ? [Breach(place: file.path, what: "says nothing")] : []
    }

    private static func isBelow(_ lower: String, _ upper: String) -> Bool {
        guard let lower = Layers.layer(lower), let upper = Layers.layer(upper) else { return false }
        return lower < upper
    }
}
