// A program that the site starts: the controller, its own subcommands, openssl. In a process group of its own, so that
// Ctrl-C at the terminal reaches the site alone.

import CSystem
import Foundation

final class ChildProcess {
    enum End: Equatable {
        case exited(Int)
        case killed(Int)
    }

    let identifier: pid_t
    private var end: End?

    /// Standard output and error go to the descriptor; standard input is empty.
    init(_ command: [String], output: Int32, error: Int32? = nil) throws(SimulationError) {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error ?? output, 2)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var started: pid_t = 0
        let code = posix_spawnp(&started, command[0], &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw .system("start \(command[0])", code) }
        identifier = started
    }

    /// How it ended; nil while it runs.
    func poll() -> End? {
        if end == nil {
            var status: Int32 = 0
            if waitpid(identifier, &status, WNOHANG) == identifier {
                let signal = Int(status & 0x7F)
                end = signal == 0 ? .exited(Int(status >> 8 & 0xFF)) : .killed(signal)
            }
        }
        return end
    }

    func wait(seconds: Double) -> End? {
        let deadline = Clock.now + UInt64(seconds * 1e9)
        while poll() == nil && Clock.now < deadline { Clock.sleep(milliseconds: 5) }
        return poll()
    }

    func send(_ signal: Int32) {
        guard poll() == nil else { return }
        _ = kill(identifier, signal)
    }

    /// Runs a command to its end, with what it wrote: standard output and error together, or apart in `folder`.
    static func run(_ command: [String], seconds: Double, outputPath: String) throws(SimulationError) -> End {
        let output = gw_open(outputPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw .system("write \(outputPath)") }
        let errors = gw_open(outputPath + ".err", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard errors >= 0 else { throw .system("write \(outputPath).err") }
        defer {
            close(output)
            close(errors)
        }
        let child = try ChildProcess(command, output: output, error: errors)
        guard let end = child.wait(seconds: seconds) else {
            child.send(SIGKILL)
            _ = child.wait(seconds: 5)
            throw .timeout(command.joined(separator: " "))
        }
        return end
    }
}
