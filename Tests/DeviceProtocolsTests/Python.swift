// Python, the independent oracle of some tests.

import Foundation

enum Python {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// The private environment with the pinned test peers, which `tools/setup` makes.
    static let peers = root.appendingPathComponent("build/deps/venv/bin/python").path

    /// What a command prints; throws when it fails.
    static func output(_ command: [String], input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        var environment = ProcessInfo.processInfo.environment
        environment["PYTHONIOENCODING"] = "utf-8"
        process.environment = environment
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let data = stdout.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(command: command.joined(separator: " ")) }
        return String(decoding: data, as: UTF8.self)
    }

    struct Failure: Error {
        let command: String
    }
}
