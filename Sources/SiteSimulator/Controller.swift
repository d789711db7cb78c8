// The controller under test as the site runs it: started, killed, started again, asked for its ledger.

import CSystem
import Foundation
import Synchronization

final class Controller: Sendable {
    private struct State {
        var child: ChildProcess?
        /// The site itself ended it.
        var isExpectedDown = true
        var starts = 0
    }

    /// The emulator, if there is one, and the program.
    private let command: [String]
    private let files: SiteFiles
    private let state = Mutex(State())
    /// One subcommand of a kind at a time: their output goes to files of fixed names.
    private let asking = Mutex(())

    init(command: [String], files: SiteFiles) {
        self.command = command
        self.files = files
    }

    var starts: Int { state.withLock { $0.starts } }
    var isRunning: Bool { state.withLock { $0.child?.poll() == nil && $0.child != nil } }

    func start() throws(SimulationError) {
        let log = gw_open(files.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else { throw .system("write \(files.log)") }
        defer { close(log) }
        let line = command + ["run", "--config", files.configuration, "--state", files.state]
        try state.withLock { (state) throws(SimulationError) in
            state.child = try ChildProcess(line, output: log)
            state.isExpectedDown = false
            state.starts += 1
        }
    }

    /// SIGKILL, as the power does it.
    func kill() {
        state.withLock { state in
            state.isExpectedDown = true
            state.child?.send(SIGKILL)
            _ = state.child?.wait(seconds: 10)
        }
    }

    /// SIGTERM; how it ended, nil when it did not within the time (it is killed then).
    func terminate(seconds: Double) -> ChildProcess.End? {
        state.withLock { state in
            state.isExpectedDown = true
            state.child?.send(SIGTERM)
        }
        let deadline = Clock.now + UInt64(seconds * 1e9)
        while Clock.now < deadline {
            if let end = state.withLock({ $0.child?.poll() }) { return end }
            Clock.sleep(milliseconds: 10)
        }
        kill()
        return nil
    }

    /// How it ended by itself, if it did.
    var unexpectedEnd: ChildProcess.End? {
        state.withLock { $0.isExpectedDown ? nil : $0.child?.poll() }
    }

    /// Nil when the ledger verifies, else what the verifier said.
    func verifyLedger() throws(SimulationError) -> String? {
        try asking.withLock { _ throws(SimulationError) in
            let output = files.folder + "/verify.txt"
            let line = command + ["ledger", "verify", "--state", files.state]
            let end = try ChildProcess.run(line, seconds: 300, outputPath: output)
            if end == .exited(0) { return nil }
            return "\(end): " + Controller.said(output)
        }
    }

    func exportLedger() throws(SimulationError) -> LedgerExport {
        let text = try asking.withLock { _ throws(SimulationError) in
            let output = files.folder + "/ledger.jsonl"
            let line = command + ["ledger", "export", "--state", files.state, "--format", "jsonl"]
            let end = try ChildProcess.run(line, seconds: 300, outputPath: output)
            guard end == .exited(0), let text = try? String(contentsOfFile: output, encoding: .utf8) else {
                throw .export("\(end): " + Controller.said(output))
            }
            return text
        }
        return try LedgerExport(jsonLines: text)
    }

    /// The end of the controller's log.
    var lastWords: String {
        let text = (try? String(contentsOfFile: files.log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }

    private static func said(_ output: String) -> String {
        [output, output + ".err"]
            .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
            .map { String($0.suffix(400)).trimmingCharacters(in: .whitespacesAndNewlines) }
            .filter { !$0.isEmpty }
            .joined(separator: "; ")
    }
}
