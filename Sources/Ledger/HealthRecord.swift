// How a lane was doing: the record of its time from edge to output, and of what it lost.
//
// All numbers count from the start of the program, so that the last record of a run holds the whole of it and the
// difference of two what lies between them.
// Limits: 512 steps of the histogram.

import Domain

public struct LaneHealth: Equatable, Sendable {
    /// How many outputs came later than the step before allows, and sooner than this.
    public struct LatencyStep: Equatable, Sendable {
        public var belowMicroseconds: UInt32
        public var count: UInt64

        public init(belowMicroseconds: UInt32, count: UInt64) {
            self.belowMicroseconds = belowMicroseconds
            self.count = count
        }
    }

    public var lane: LaneID
    /// Since the program started.
    public var uptimeSeconds: UInt32
    /// From the stamp of an edge to the output that it drove; ascending, without those that hold none.
    public var edgeToOutput: [LatencyStep]
    /// Nil when nothing was driven.
    public var longestMicroseconds: UInt64?
    /// Gaps in the kernel's numbering of edges.
    public var edgesLost: UInt32
    /// Messages that found their ring full.
    public var messagesLost: UInt32
    /// How full the ledger is: 1 nearly, 2 full, 3 past 110 % of its limit. Nil: there is room.
    public var ledgerFullness: UInt8?

    public init(
        lane: LaneID, uptimeSeconds: UInt32, edgeToOutput: [LatencyStep] = [], longestMicroseconds: UInt64? = nil,
        edgesLost: UInt32 = 0, messagesLost: UInt32 = 0, ledgerFullness: UInt8? = nil
    ) {
        self.lane = lane
        self.uptimeSeconds = uptimeSeconds
        self.edgeToOutput = edgeToOutput
        self.longestMicroseconds = longestMicroseconds
        self.edgesLost = edgesLost
        self.messagesLost = messagesLost
        self.ledgerFullness = ledgerFullness
    }

    static let encodedStepBytes = 4 + 8
    static let stepLimit = 512

    /// For a person.
    var line: String {
        let count = edgeToOutput.reduce(0) { $0 &+ $1.count }
        let times =
            count == 0 ? "no output" : "\(count) outputs after an edge, the longest \(longestMicroseconds ?? 0) us"
        return "lane \(lane.index + 1) \(times), \(edgesLost) edges and \(messagesLost) messages lost, "
            + "running for \(uptimeSeconds) s"
    }
}

extension FieldWriter {
    mutating func put(_ health: LaneHealth) throws(LedgerError) {
        guard health.edgeToOutput.count <= LaneHealth.stepLimit else {
            throw .limit(what: "the steps of a lane's histogram", limit: LaneHealth.stepLimit)
        }
        var steps = ByteWriter()
        for step in health.edgeToOutput {
            steps.put(step.belowMicroseconds)
            steps.put(step.count)
        }
        put(.lane, health.lane.index)
        put(.uptimeSeconds, health.uptimeSeconds)
        if !health.edgeToOutput.isEmpty { put(.edgeToOutput, steps.bytes) }
        put(.longestMicroseconds, optional: health.longestMicroseconds)
        put(.edgesLost, health.edgesLost)
        put(.messagesLost, health.messagesLost)
        put(.ledgerFullness, optional: health.ledgerFullness)
    }
}

extension FieldReader {
    func health() throws(RecordFault) -> LaneHealth {
        let lane = try required(.lane, UInt8.self)
        guard lane < LaneID.maximumCount else { throw .invalid(Field.lane.rawValue) }
        var health = LaneHealth(lane: LaneID(lane), uptimeSeconds: try required(.uptimeSeconds, UInt32.self))
        if let bytes = bytes(.edgeToOutput) {
            guard bytes.count.isMultiple(of: LaneHealth.encodedStepBytes) else {
                throw .invalid(Field.edgeToOutput.rawValue)
            }
            var reader = ByteReader(bytes)
            for _ in 0..<bytes.count / LaneHealth.encodedStepBytes {
                let below = reader.take(UInt32.self)
                health.edgeToOutput.append(
                    LaneHealth.LatencyStep(belowMicroseconds: below, count: reader.take(UInt64.self)))
            }
        }
        health.longestMicroseconds = try integer(.longestMicroseconds, UInt64.self)
        health.edgesLost = try required(.edgesLost, UInt32.self)
        health.messagesLost = try required(.messagesLost, UInt32.self)
        health.ledgerFullness = try integer(.ledgerFullness, UInt8.self)
        return health
    }
}

extension JSONObject {
    mutating func put(_ health: LaneHealth) {
        put("lane", number: health.lane.index)
        put("uptime_s", number: health.uptimeSeconds)
        let steps = health.edgeToOutput.map { step in
            var object = JSONObject()
            object.put("below_us", number: step.belowMicroseconds)
            object.put("count", number: step.count)
            return object
        }
        if !steps.isEmpty { put("edge_to_output", steps) }
        put("longest_us", number: health.longestMicroseconds)
        put("edges_lost", number: health.edgesLost)
        put("messages_lost", number: health.messagesLost)
        put("ledger_fullness", number: health.ledgerFullness)
    }
}
