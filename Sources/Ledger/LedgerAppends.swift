// What is appended: captures, decisions, the ends of passages, operating events, and receipts.

import Domain
import Machine
import Store

/// What is shown of the video before a vehicle comes and after it has gone: 10 seconds, in microseconds.
private let videoMargin: Int64 = 10_000_000

extension WallTime {
    fileprivate func offset(by microseconds: Int64) -> WallTime {
        WallTime(microseconds: self.microseconds &+ microseconds)
    }
}

extension LedgerWriter {
    // MARK: - Captures

    /// Keeps a recognition once: its photos durably, then its record. `token` is the vehicle that it was taken for,
    /// when that is known.
    public func append(capture: Capture, lane: LaneID, token: VehicleToken?) throws(LedgerError) -> CaptureFate {
        guard !capture.key.isEmpty else { throw .refused(.captureKey, detail: "camera \(capture.camera)") }
        guard capture.photos.count <= LedgerLimits.photosPerCapture else {
            throw .limit(what: "the number of photos of capture \(capture.key)", limit: LedgerLimits.photosPerCapture)
        }
        for photo in capture.photos where photo.jpeg.count > LedgerLimits.photoBytes {
            throw .limit(what: "a photo of capture \(capture.key)", limit: LedgerLimits.photoBytes)
        }
        guard try kept(captureKey: capture.key) == nil else { return .duplicate }
        let (references, shared) = try keep(capture.photos)
        let entry = CaptureEntry(
            lane: lane, key: capture.key, camera: capture.camera, rawPlate: capture.rawPlate, plate: capture.plate,
            confidence: capture.confidence, isReplayed: capture.isReplayed, takenAt: capture.takenAt,
            photos: references)
        let sequence = try insert(.capture(entry), token ?? .none)
        try store { () throws(StoreError) in
            statements.insertCapture.bind(1, sequence)
            statements.insertCapture.bind(2, text: capture.key)
            try statements.insertCapture.run()
        }
        try share(shared, sequence)
        return .stored(references)
    }

    /// Makes the photos durable. Those whose bytes are there already are named by several records, and each of these
    /// keeps them.
    private func keep(_ given: [Photo]) throws(LedgerError) -> (references: [PhotoReference], shared: [Digest]) {
        var references: [PhotoReference] = []
        var shared: [Digest] = []
        for photo in given {
            let (reference, wasThere) = try photos.keep(photo)
            references.append(reference)
            if wasThere {
                shared.append(reference.digest)
            } else {
                memory.photoBytes += UInt64(reference.byteCount)
            }
        }
        return (references, shared)
    }

    private func share(_ digests: [Digest], _ sequence: UInt64) throws(LedgerError) {
        guard !digests.isEmpty else { return }
        try store { () throws(StoreError) in
            for digest in digests {
                statements.sharePhoto.bind(1, blob: digest.bytes)
                statements.sharePhoto.bind(2, sequence)
                try statements.sharePhoto.run()
            }
        }
    }

    private func kept(captureKey: String) throws(LedgerError) -> CaptureEntry? {
        guard !captureKey.isEmpty else { return nil }
        statements.captureOfKey.bind(1, text: captureKey)
        guard let record = try record(statements.captureOfKey), case .capture(let entry) = record.body else {
            return nil
        }
        return entry
    }

    // MARK: - Passages

    /// Keeps a decision with the codes of the gate that it was made for. A decision that comes after the end of its
    /// passage is kept, and opens nothing.
    public func append(decision: Decision, gate: GateCodes) throws(LedgerError) {
        let token = decision.verdict.token
        try checkBoot(token)
        try check(gate)
        guard try self.decision(of: token) == nil else { throw .refused(.oneDecision, detail: token.words) }
        let hasEnded = try hasOutcome(token)
        var decision = decision
        if decision.direction == .exit, decision.freight.entrySequence == nil, let plate = decision.plate {
            decision.freight.entrySequence = try store { () throws(StoreError) in try index.entry(of: plate) }
        }
        let body = RecordBody.decision(decision, gate: gate)
        guard try body.encoded().count <= LedgerLimits.decisionBytes else {
            throw .limit(what: "a decision", limit: LedgerLimits.decisionBytes)
        }
        let sequence = try insert(body, token)
        guard !hasEnded else { return }
        try store { () throws(StoreError) in
            statements.openDecision.bind(1, token.value)
            statements.openDecision.bind(2, sequence)
            try statements.openDecision.run()
        }
    }

    /// Keeps how a passage ended, as the whole in/out row. The gate and the direction are those of the decision;
    /// `gate` and `direction`, the lane's own, stand in where nothing was decided.
    /// `videoChannel` names the recorder and channel that filmed it; empty when none did.
    @discardableResult
    public func append(
        end: PassEnd, gate: GateCodes, direction: Direction, videoChannel: String = ""
    ) throws(LedgerError) -> PassRow {
        try checkBoot(end.token)
        try check(gate)
        guard try !hasOutcome(end.token) else { throw .refused(.oneOutcome, detail: end.token.words) }
        var row = PassRow(lane: end.lane, outcome: end.outcome, direction: direction, gate: gate)
        if let (sequence, decision, gate) = try self.decision(of: end.token) {
            row.freeze(decision, sequence, gate, try kept(captureKey: decision.captureKey)?.photos ?? [])
        }
        let now = clock.now()
        let wall = clock.wall()
        func wallTime(_ instant: Instant) -> WallTime {
            WallTime(microseconds: wall.microseconds - Int64(now.since(instant).nanoseconds / 1_000))
        }
        row.arrivedAt = end.arrivedAt
        row.raisedAt = end.raisedAt
        row.raiseCause = end.cause
        row.isReverse = end.isReverse
        row.releaseSequence = takeRelease(of: end)
        row.enteredAt = end.enteredAt
        row.endedAt = end.endedAt
        row.arrivedWall = wallTime(end.arrivedAt)
        row.passedWall = wallTime(end.enteredAt ?? end.raisedAt ?? end.endedAt)
        row.endedWall = wallTime(end.endedAt)
        if !videoChannel.isEmpty {
            row.video = VideoReference(
                channel: videoChannel, from: row.arrivedWall.offset(by: -videoMargin),
                to: row.endedWall.offset(by: videoMargin))
        }
        return try append(row, end.token)
    }

    /// Keeps that a person lets a vehicle through: durable before the arm is raised, like a decision. The token is none
    /// when no vehicle was seen. Returns its number.
    @discardableResult
    public func append(release: ManualRelease, token: VehicleToken, gate: GateCodes) throws(LedgerError) -> UInt64 {
        if token != .none { try checkBoot(token) }
        try check(gate)
        var release = release
        if token != .none, let (sequence, decision, _) = try self.decision(of: token) {
            release.decisionSequence = sequence
            release.captureKey = decision.captureKey
            release.plate = decision.plate
        }
        let sequence = try insert(.manualRelease(release, gate: gate), token)
        note(release: sequence, of: token, release.lane)
        return sequence
    }

    /// Keeps a correction, its photos durably before it. The record that it corrects is a pass; returns its number.
    @discardableResult
    public func append(supplement: Supplement, photos given: [Photo] = []) throws(LedgerError) -> UInt64 {
        if let number = supplement.correctedSequence {
            statements.recordsFrom.bind(1, number &- 1)
            statements.recordsFrom.bind(2, number)
            statements.recordsFrom.bind(3, Int64(1))
            guard case .pass = try record(statements.recordsFrom)?.body else {
                throw .refused(.correctsAPass, detail: "record \(number)")
            }
        }
        guard given.count <= LedgerLimits.photosPerCapture else {
            throw .limit(what: "the number of photos of a supplement", limit: LedgerLimits.photosPerCapture)
        }
        for photo in given where photo.jpeg.count > LedgerLimits.photoBytes {
            throw .limit(what: "a photo of a supplement", limit: LedgerLimits.photoBytes)
        }
        var supplement = supplement
        let (references, shared) = try keep(given)
        supplement.photos = references
        let sequence = try insert(.supplement(supplement), .none)
        try store { () throws(StoreError) in try statements.add(supplement, sequence) }
        try share(shared, sequence)
        return sequence
    }

    /// Closes what the last run left open. The passage was not observed to its end, so it has no lane times.
    func closeOpenDecisions() throws(LedgerError) -> Int {
        var count = 0
        while let record = try record(statements.firstOpenDecision) {
            guard case .decision(let decision, let gate) = record.body else {
                undo()
                throw .damaged(sequence: record.sequence, reason: "an open decision is not a decision")
            }
            var row = PassRow(
                lane: decision.verdict.lane, outcome: .interrupted, direction: decision.direction, gate: gate)
            row.freeze(decision, record.sequence, gate, try kept(captureKey: decision.captureKey)?.photos ?? [])
            row.arrivedWall = record.wall
            row.passedWall = record.wall
            row.endedWall = clock.wall()
            _ = try append(row, record.token)
            count += 1
        }
        return count
    }

    private func append(_ row: PassRow, _ token: VehicleToken) throws(LedgerError) -> PassRow {
        var row = row
        row.serial = row.serialNumber(recordSequence: head.sequence + 1)
        let sequence = try insert(.pass(row), token)
        try store { () throws(StoreError) in
            statements.closeDecision.bind(1, token.value)
            try statements.closeDecision.run()
            try index.add(row, sequence)
        }
        if row.isDue { try oweRow(sequence, steps: 1 + row.photos.count) }
        return row
    }

    /// Codes go into the serial number, which the platforms bound.
    private func check(_ gate: GateCodes) throws(LedgerError) {
        for code in [gate.enterpriseID, gate.entranceGateCode, gate.gateCode]
        where code.utf8.count > LedgerLimits.codeBytes {
            throw .limit(what: "a code of the gate", limit: LedgerLimits.codeBytes)
        }
    }

    private func checkBoot(_ token: VehicleToken) throws(LedgerError) {
        guard UInt32(truncatingIfNeeded: token.value >> 32) == bootNumber else {
            throw .refused(.tokenOfThisBoot, detail: "\(token.words) in boot \(bootNumber)")
        }
    }

    private func hasOutcome(_ token: VehicleToken) throws(LedgerError) -> Bool {
        statements.outcomeOfToken.bind(1, token.value)
        return try record(statements.outcomeOfToken) != nil
    }

    private func decision(of token: VehicleToken) throws(LedgerError) -> (UInt64, Decision, GateCodes)? {
        statements.decisionOfToken.bind(1, token.value)
        guard let record = try record(statements.decisionOfToken), case .decision(let decision, let gate) = record.body
        else { return nil }
        return (record.sequence, decision, gate)
    }

    // MARK: - Operating events

    @discardableResult
    public func append(note: LedgerNote) throws(LedgerError) -> UInt64 {
        try insert(.note(note), .none)
    }

    /// Keeps the value of a rule that is not the one which the last such record says, or of which there is none (any
    /// more). Nil: it is unchanged.
    @discardableResult
    public func append(rule: String, value: String, by: PersonalAct) throws(LedgerError) -> UInt64? {
        let place = "rule " + rule
        let last = try store { () throws(StoreError) in try statements.progressValue(place) }
        var before = ""
        if last > 0 {
            statements.recordsFrom.bind(1, last - 1)
            statements.recordsFrom.bind(2, last)
            statements.recordsFrom.bind(3, Int64(1))
            if case .note(.policyChanged(rule, _, let after, _))? = try record(statements.recordsFrom)?.body {
                before = after
            }
        }
        guard value != before else { return nil }
        let sequence = try append(note: .policyChanged(rule: rule, before: before, after: value, by: by))
        try store { () throws(StoreError) in try statements.setProgress(place, sequence) }
        return sequence
    }

    // MARK: - Receipts

    /// The destination has taken the item: its cursor moves. Only the next due item can be confirmed.
    public func confirm(destination: String, sequence: UInt64, step: UInt32) throws(LedgerError) {
        let position = DuePosition(sequence: sequence, step: step)
        try checkNext(destination, position)
        try move(destination, position)
    }

    /// The destination will never take the item: it is set aside, visible, with the destination's own reason, and the
    /// cursor moves on. The reason is cut to what a text field holds.
    public func quarantine(
        destination: String, sequence: UInt64, step: UInt32, reason: String
    ) throws(LedgerError) {
        let position = DuePosition(sequence: sequence, step: step)
        try checkNext(destination, position)
        let reason = cut(reason, LedgerLimits.textBytes)
        try insert(
            .quarantine(QuarantineEntry(destination: destination, sequence: sequence, step: step, reason: reason)),
            .none)
        let at = clock.wall().microseconds
        try store { () throws(StoreError) in
            let statement = statements.insertQuarantine
            statement.bind(1, text: destination)
            statement.bind(2, sequence)
            statement.bind(3, Int64(step))
            statement.bind(4, text: reason)
            statement.bind(5, at)
            try statement.run()
        }
        try move(destination, position)
    }

    private func checkNext(_ destination: String, _ position: DuePosition) throws(LedgerError) {
        guard !destination.isEmpty, destination.utf8.count <= LedgerLimits.destinationBytes else {
            throw .limit(what: "a destination's name", limit: LedgerLimits.destinationBytes)
        }
        let next = try store { () throws(StoreError) in try delivery.next(destination) }
        guard next == position else {
            let due = next.map { "\($0.sequence) step \($0.step)" } ?? "nothing"
            throw .refused(
                .nextDueOnly,
                detail: "\(destination) was given \(position.sequence) step \(position.step), due is \(due)")
        }
    }

    private func move(_ destination: String, _ position: DuePosition) throws(LedgerError) {
        try store { () throws(StoreError) in
            statements.moveCursor.bind(1, text: destination)
            statements.moveCursor.bind(2, position.sequence)
            statements.moveCursor.bind(3, Int64(position.step))
            try statements.moveCursor.run()
        }
    }
}

/// The longest beginning of `text` that has at most `limit` bytes and ends with a whole character.
func cut(_ text: String, _ limit: Int) -> String {
    var text = text
    while text.utf8.count > limit {
        text = String(text.unicodeScalars.prefix(min(text.unicodeScalars.count - 1, limit)))
    }
    return text
}

extension PassRow {
    /// A row of which nothing but the place and the outcome is known.
    init(lane: LaneID, outcome: PassOutcome, direction: Direction, gate: GateCodes) {
        self.lane = lane
        self.outcome = outcome
        self.direction = direction
        self.gate = gate
        serial = ""
        arrivedWall = WallTime(microseconds: 0)
        passedWall = arrivedWall
        endedWall = arrivedWall
        captureKey = ""
        camera = ""
        rawPlate = ""
        listReason = ""
        photos = []
        isReverse = false
    }

    /// Takes over what was decided upon, as it was then.
    mutating func freeze(_ decision: Decision, _ sequence: UInt64, _ gate: GateCodes, _ photos: [PhotoReference]) {
        decisionSequence = sequence
        reason = decision.verdict.reason
        direction = decision.direction
        self.gate = gate
        captureKey = decision.captureKey
        camera = decision.camera
        rawPlate = decision.rawPlate
        plate = decision.plate
        vehicle = decision.vehicle
        listReason = decision.listReason
        registerImportedAt = decision.registerImportedAt
        vehicleSource = decision.vehicleSource
        vehicleKnownAt = decision.vehicleKnownAt
        tag = decision.tag
        freight = decision.freight
        self.photos = photos
    }

    /// 流水号: enterprise, gate, direction (A in, B out), `yyMMddHHmmss` of the passage in China Standard Time, and the
    /// record number's last four digits, which keep two vehicles of one second apart.
    func serialNumber(recordSequence: UInt64) -> String {
        let time = CivilTime(passedWall)
        let date = padded(time.year % 100, 2) + padded(time.month, 2) + padded(time.day, 2)
        let clock = padded(time.hour, 2) + padded(time.minute, 2) + padded(time.second, 2)
        let letter = direction == .entry ? "A" : "B"
        return gate.enterpriseID + gate.gateCode + letter + date + clock + padded(Int(recordSequence % 10_000), 4)
    }
}
