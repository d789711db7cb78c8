// Plays random lanes around the real LaneCore. Exit codes: 0 no contact and no error, 1 some, 2 wrong usage.

import Foundation
import LaneSimulation

let usage = """
    usage: gwlane [--seed N] [--passes N] [--break NAME]     play random lanes and report
           gwlane --trace SITE [--seed N] [--break NAME]     tell one site of that run event by event
    """

@main
struct Main {
    static func main() {
        var seed: UInt64 = 1
        var passes = 100_000
        var site: UInt64?
        var breakage: Breakage?
        var words = CommandLine.arguments.dropFirst()
        while let word = words.popFirst() {
            let value = words.popFirst() ?? refuse()
            switch word {
            case "--seed": seed = UInt64(value) ?? refuse()
            case "--passes": passes = Int(value) ?? refuse()
            case "--trace": site = UInt64(value) ?? refuse()
            case "--break": breakage = Breakage(rawValue: value) ?? refuse()
            default: let _: Int = refuse()
            }
        }
        if let site {
            for line in LaneSimulation.trace(seed: seed, site: site, breakage: breakage) { print(line) }
            return
        }
        play(seed, passes, breakage)
    }

    private static func refuse<Value>() -> Value {
        FileHandle.standardError.write(Data("\(usage)\n".utf8))
        exit(2)
    }

    private static func play(_ seed: UInt64, _ passes: Int, _ breakage: Breakage?) {
        let began = Date()
        var toldAt = 0
        let result = LaneSimulation.run(seed: seed, passes: passes, breakage: breakage) { result in
            guard result.passes - toldAt >= 500_000 else { return }
            toldAt = result.passes
            say(result, seed, since: began)
        }
        say(result, seed, since: began)
        print(result.tableText)
        for (cell, text) in result.examples.sorted(by: { $0.key < $1.key }) {
            let row = cell / 10 < 9 ? SimulationResult.rows[cell / 10] : "no vehicle"
            print("example of \(row): \(SimulationResult.columns[cell % 10]): \(text)")
        }
        for line in result.allStruck.prefix(20) { print("struck: \(line)") }
        for line in [result.firstStruck, result.firstBookError, result.firstUnrest] {
            if let line { print("first: \(line)") }
        }
        exit(result.struck + result.bookErrors + result.notAtRest == 0 ? 0 : 1)
    }

    private static func say(_ result: SimulationResult, _ seed: UInt64, since began: Date) {
        let time = Date().timeIntervalSince(began)
        let line =
            "seed \(seed): \(result.passes) passes, \(result.vehicles) vehicles at \(result.sites) sites, "
            + "\(result.steps) steps, struck \(result.struck), rammed by drivers \(result.rammed), errors in the books "
            + "\(result.bookErrors), sites not at rest \(result.notAtRest); "
            + "\(Int(Double(result.passes) / max(time, 0.001))) passes/s\n"
        FileHandle.standardOutput.write(Data(line.utf8))
    }
}
