// The repository as the architecture tests read it: files, and Swift source without its comments and literals.

import Foundation

struct SourceFile {
    /// From the repository's root, such as `Sources/Domain/Time.swift`.
    let path: String
    let text: String

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    /// The target that the file belongs to.
    var room: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }
    var isSwift: Bool { path.hasSuffix(".swift") }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func package() throws -> SourceFile {
        try file("Package.swift")
    }

    /// Every text file of ours below a folder.
    static func files(_ folder: String) throws -> [SourceFile] {
        let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
        let paths = (names?.allObjects as? [String] ?? []).filter { path in
            [".swift", ".c", ".h"].contains { path.hasSuffix($0) }
        }
        return try paths.sorted().map { try file("\(folder)/\($0)") }
    }

    private static func file(_ path: String) throws -> SourceFile {
        SourceFile(path: path, text: try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
    }
}

/// The same source with comments and the contents of string literals blanked out, but not what is interpolated into
/// them. Lines stay where they are.
func bareSource(_ text: String) -> String {
    enum Region {
        /// Of an interpolation; `parentheses` are those open in it.
        case code(parentheses: Int)
        case lineComment
        case blockComment(depth: Int)
        case string(end: [Character], isRaw: Bool)
    }
    let characters = Array(text)
    var regions = [Region.code(parentheses: 0)]
    var bare: [Character] = []
    var at = 0
    func isNext(_ wanted: [Character]) -> Bool {
        characters[at...].starts(with: wanted)
    }
    while at < characters.count {
        let character = characters[at]
        let last = regions.count - 1
        var step = 1
        var shown: Character = character == "\n" ? "\n" : " "
        switch regions[last] {
        case .code(let parentheses):
            let hashes = characters[at...].prefix { $0 == "#" }.count
            let quotes = characters[(at + hashes)...].prefix(3).prefix { $0 == "\"" }.count
            if isNext(["/", "/"]) {
                regions.append(.lineComment)
            } else if isNext(["/", "*"]) {
                regions.append(.blockComment(depth: 1))
                step = 2
            } else if quotes > 0 {
                let length = quotes == 3 ? 3 : 1
                let end = Array(repeating: Character("\""), count: length) + Array(repeating: "#", count: hashes)
                regions.append(.string(end: end, isRaw: hashes > 0))
                step = hashes + length
                shown = "\""
            } else if character == ")", parentheses == 0, last > 0 {
                regions.removeLast()
            } else {
                if character == "(" { regions[last] = .code(parentheses: parentheses + 1) }
                if character == ")" { regions[last] = .code(parentheses: max(0, parentheses - 1)) }
                shown = character
            }
        case .lineComment:
            if character == "\n" { regions.removeLast() }
        case .blockComment(let depth):
            if isNext(["*", "/"]) {
                step = 2
                if depth == 1 { regions.removeLast() } else { regions[last] = .blockComment(depth: depth - 1) }
            } else if isNext(["/", "*"]) {
                step = 2
                regions[last] = .blockComment(depth: depth + 1)
            }
        case .string(let end, let isRaw):
            if !isRaw, isNext(["\\", "("]) {
                regions.append(.code(parentheses: 0))
                step = 2
            } else if !isRaw, character == "\\" {
                // The escaped character stays inside; the end of a line keeps its place.
                step = at + 1 < characters.count && characters[at + 1] == "\n" ? 1 : 2
            } else if isNext(end) {
                regions.removeLast()
                step = end.count
                shown = "\""
            }
        }
        bare.append(shown)
        at += step
    }
    return String(bare)
}
