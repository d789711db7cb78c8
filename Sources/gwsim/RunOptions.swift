// The arguments of gwsim.

import Foundation
import SiteSimulator

struct RunOptions {
    enum Outcome {
        case run(RunOptions)
        case help
        case wrong(String)
    }

    var site = SiteOptions()
    var isHeadless = false

    static let usage = """
        usage: gwsim run --controller PATH --work DIR [options]
        Runs the controller at a simulated gate: trucks, loops, cameras, sign and platform. Ends with one JSON line;
        exit 0 only if the ledger verifies and the platform holds exactly what the ledger says.
          --controller PATH      the gatewarden program
          --emulator PROGRAM     run it by this, for example qemu-aarch64-static
          --work DIR             a folder for the run; one left by an earlier run is emptied
          --passes N             end when N trucks have gone through (mandatory with --headless)
          --seed S               the same seed gives the same site (default 1)
          --headless             no screen
          --kills N              kill -9 the controller at N drawn moments, verify, restart
          --outage-after K       the platform goes away after K passes …
          --outage-passes M      … and comes back M passes later
          --platform-faults P    \(FaultProfile.names.joined(separator: " | ")), or several with commas
          --lanes N              1 to 8 lanes, each with its own arm, cameras and sign (default 1)
          --readers              a tag reader on each lane; most trucks wear a tag, some another vehicle's
          --speed X              times everything that moves (default 1; 0.1 to 10)
        """

    static func parse(_ arguments: [String]) -> Outcome {
        var rest = arguments[...]
        guard let verb = rest.popFirst() else { return .wrong("what is to be done?") }
        if ["--help", "-h", "help"].contains(verb) { return .help }
        guard verb == "run" else { return .wrong("unknown command \(verb); there is: run") }
        var options = RunOptions()
        var controller: String?
        var emulator: String?
        while let name = rest.popFirst() {
            if name == "--help" || name == "-h" { return .help }
            if name == "--headless" {
                options.isHeadless = true
                continue
            }
            if name == "--readers" {
                options.site.hasReaders = true
                continue
            }
            guard let value = rest.popFirst() else { return .wrong("\(name) needs a value") }
            switch name {
            case "--controller": controller = value
            case "--emulator": emulator = value
            default:
                if let wrong = options.set(name, value) { return .wrong(wrong) }
            }
        }
        guard let controller else { return .wrong("--controller is missing") }
        guard !options.site.folder.isEmpty else { return .wrong("--work is missing") }
        guard !options.isHeadless || options.site.passes != nil else { return .wrong("--headless needs --passes") }
        guard (options.site.outageAfter == nil) == (options.site.outagePasses == 0) else {
            return .wrong("--outage-after and --outage-passes go together")
        }
        // posix_spawnp looks a bare name up in PATH; the controller is a file.
        let path = URL(fileURLWithPath: controller).path
        options.site.command = (emulator.map { [$0] } ?? []) + [path]
        options.site.watchesLedger = !options.isHeadless
        return .run(options)
    }

    /// Nil when it was good.
    private mutating func set(_ name: String, _ value: String) -> String? {
        func number(_ range: ClosedRange<Int>) -> Int? { Int(value).flatMap { range.contains($0) ? $0 : nil } }
        func outside(_ allowed: String) -> String { "\(name) \(value): allowed is \(allowed)" }
        switch name {
        case "--work": site.folder = value
        case "--passes":
            guard let count = number(1...1_000_000) else { return outside("1 to 1000000") }
            site.passes = count
        case "--kills":
            guard let count = number(0...100_000) else { return outside("0 to 100000") }
            site.kills = count
        case "--outage-after":
            guard let count = number(0...1_000_000) else { return outside("0 to 1000000") }
            site.outageAfter = count
        case "--outage-passes":
            guard let count = number(1...1_000_000) else { return outside("1 to 1000000") }
            site.outagePasses = count
        case "--seed":
            guard let seed = UInt64(value) else { return outside("0 to \(UInt64.max)") }
            site.seed = seed
        case "--lanes":
            guard let count = number(1...8) else { return outside("1 to 8") }
            site.lanes = count
        case "--speed":
            guard let speed = Double(value), (0.1...10).contains(speed) else { return outside("0.1 to 10") }
            site.speed = speed
        case "--platform-faults":
            guard let profile = FaultProfile(name: value) else {
                return outside(FaultProfile.names.joined(separator: ", "))
            }
            site.faults = profile
        default: return "unknown option \(name)"
        }
        return nil
    }
}
