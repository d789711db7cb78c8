// Random lanes with real vehicles around the real LaneCore, and what came of it. A run is a function of its seed.
//
// Each site (LaneSite) is drawn at random and serves some dozens of vehicles; then its faults stop, and the lane must
// come to rest. What the model takes for granted stands in LaneSite, what counts as contact in Judging.

import Domain

public struct SimulationResult: Sendable {
    public static let rows = [
        "did not enter", "verdict, crossed", "verdict, returned", "person, crossed", "person, returned",
        "free for all, crossed", "free for all, returned", "unreleased, crossed", "unreleased, returned",
    ]
    public static let columns =
        ["no token"] + PassOutcome.allCases.map(\.word) + ["two crossings"]

    /// Vehicles that came and went.
    public internal(set) var vehicles = 0
    /// Of these, how many came under the arm's line.
    public internal(set) var passes = 0
    public internal(set) var sites = 0
    public internal(set) var steps = 0
    public internal(set) var struck = 0
    public internal(set) var rammed = 0
    /// Tokens without exactly one outcome, raises without a cause, outcomes without their verdict or order.
    public internal(set) var bookErrors = 0
    public internal(set) var notAtRest = 0
    /// What happened, by `rows`; what was recorded, by `columns`.
    public internal(set) var table = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 9)
    /// Outcomes of tokens that no vehicle caused, by `PassOutcome`.
    public internal(set) var phantoms = [Int](repeating: 0, count: 9)
    /// One example of each cell that is not empty, by row × 10 + column.
    public internal(set) var examples: [Int: String] = [:]
    /// The first contact of each site that had one.
    public internal(set) var allStruck: [String] = []
    public internal(set) var firstStruck: String?
    public internal(set) var firstBookError: String?
    public internal(set) var firstUnrest: String?

    mutating func add(_ other: SimulationResult, _ site: UInt64) {
        vehicles += other.vehicles
        passes += other.passes
        sites += other.sites
        steps += other.steps
        struck += other.struck
        rammed += other.rammed
        bookErrors += other.bookErrors
        notAtRest += other.notAtRest
        for row in table.indices {
            for column in table[row].indices { table[row][column] += other.table[row][column] }
        }
        for index in phantoms.indices { phantoms[index] += other.phantoms[index] }
        examples.merge(other.examples.mapValues { "site \(site), \($0)" }) { first, _ in first }
        allStruck += other.firstStruck.map { ["site \(site), \($0)"] } ?? []
        firstStruck = firstStruck ?? other.firstStruck.map { "site \(site), \($0)" }
        firstBookError = firstBookError ?? other.firstBookError.map { "site \(site), \($0)" }
        firstUnrest = firstUnrest ?? other.firstUnrest.map { "site \(site), \($0)" }
    }

    /// Truth against record, one row a line.
    public var tableText: String {
        func cell(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        var lines = ["" + cell("", 24) + SimulationResult.columns.map { cell($0, 14) }.joined()]
        for (index, name) in SimulationResult.rows.enumerated() {
            lines.append(cell(name, 24) + table[index].map { cell(String($0), 14) }.joined())
        }
        lines.append(
            cell("no vehicle", 24) + cell("", 14) + phantoms.dropFirst().map { cell(String($0), 14) }.joined())
        return lines.joined(separator: "\n")
    }
}

public enum LaneSimulation {
    /// Vehicles that come to one site.
    public static let vehiclesPerSite = 60

    /// Plays sites until so many vehicles have been under an arm. `report` is told after each site.
    public static func run(
        seed: UInt64, passes: Int, breakage: Breakage? = nil, report: (SimulationResult) -> Void = { _ in }
    ) -> SimulationResult {
        var result = SimulationResult()
        var site: UInt64 = 0
        while result.passes < passes {
            let run = LaneRun(
                seed: siteSeed(seed, site), vehicles: vehiclesPerSite, breakage: breakage, isTraced: false)
            result.add(run.play(), site)
            site += 1
            report(result)
        }
        return result
    }

    /// One site of a run once more, told event by event.
    public static func trace(seed: UInt64, site: UInt64, breakage: Breakage? = nil) -> [String] {
        let run = LaneRun(
            seed: siteSeed(seed, site), vehicles: vehiclesPerSite, breakage: breakage, isTraced: true)
        _ = run.play()
        return run.trace?.lines ?? []
    }

    private static func siteSeed(_ seed: UInt64, _ site: UInt64) -> UInt64 { seed << 32 ^ site }
}
