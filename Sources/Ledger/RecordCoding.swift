// Records to their canonical bytes and back. The canonical bytes are what is stored and what is hashed, unchanged.
//
// Invariants: decoding what was encoded gives the same value; a kind of a later format is accepted unread.
// Limits: a record is at most 64 KiB.

import Domain

/// The 40 bytes before a record's body.
struct RecordHeader {
    static let byteCount = 40
    static let formatVersion: UInt16 = 1

    var kindNumber: UInt16
    var sequence: UInt64
    var laneTime: Instant
    var wall: WallTime
    var boot: UInt32
    var token: VehicleToken

    func canonical(body: [UInt8]) throws(LedgerError) -> [UInt8] {
        guard RecordHeader.byteCount + body.count <= LedgerLimits.recordBytes else {
            throw .limit(what: "a record", limit: LedgerLimits.recordBytes)
        }
        var writer = ByteWriter()
        writer.put(RecordHeader.formatVersion)
        writer.put(kindNumber)
        writer.put(sequence)
        writer.put(laneTime.nanoseconds)
        writer.put(wall.microseconds)
        writer.put(boot)
        writer.put(token.value)
        writer.put(body)
        return writer.bytes
    }

    init(
        kind: RecordKind, sequence: UInt64, laneTime: Instant, wall: WallTime, boot: UInt32, token: VehicleToken
    ) {
        kindNumber = kind.rawValue
        self.sequence = sequence
        self.laneTime = laneTime
        self.wall = wall
        self.boot = boot
        self.token = token
    }

    init(canonical: [UInt8]) throws(RecordFault) {
        guard canonical.count >= RecordHeader.byteCount, canonical.count <= LedgerLimits.recordBytes else {
            throw .size
        }
        var reader = ByteReader(canonical[...])
        let version = reader.take(UInt16.self)
        guard version == RecordHeader.formatVersion else { throw .formatVersion(version) }
        kindNumber = reader.take(UInt16.self)
        sequence = reader.take(UInt64.self)
        laneTime = Instant(nanoseconds: reader.take(UInt64.self))
        wall = WallTime(microseconds: reader.take(Int64.self))
        boot = reader.take(UInt32.self)
        token = VehicleToken(value: reader.take(UInt64.self))
    }
}

extension Record {
    init(canonical: [UInt8], hash: Digest) throws(RecordFault) {
        try self.init(canonical: canonical, RecordHeader(canonical: canonical), hash: hash)
    }

    /// `header` is that of these bytes.
    init(canonical: [UInt8], _ header: RecordHeader, hash: Digest) throws(RecordFault) {
        guard let kind = RecordKind(rawValue: header.kindNumber) else {
            self.init(header, hash: hash, .unrecognised)
            return
        }
        let fields = try FieldReader(canonical.dropFirst(RecordHeader.byteCount))
        self.init(header, hash: hash, try RecordBody(kind, fields, header.token))
    }

    /// Its bytes are known to be those of the hash, and its body is not looked at.
    init(unread header: RecordHeader, hash: Digest) {
        self.init(header, hash: hash, .unrecognised)
    }

    private init(_ header: RecordHeader, hash: Digest, _ body: RecordBody) {
        sequence = header.sequence
        kindNumber = header.kindNumber
        laneTime = header.laneTime
        wall = header.wall
        boot = header.boot
        token = header.token
        self.hash = hash
        self.body = body
    }
}

extension RecordBody {
    /// The in/out row that the platforms are sent.
    var dueRow: PassRow? {
        switch self {
        case .pass(let row), .carried(let row, _): row
        case .boot, .capture, .decision, .quarantine, .note, .seal, .prune, .generation, .manualRelease, .supplement,
            .unrecognised:
            nil
        }
    }

    var kind: RecordKind? {
        switch self {
        case .boot: .boot
        case .capture: .capture
        case .decision: .decision
        case .pass: .pass
        case .quarantine: .quarantine
        case .note(.faultRaised): .faultRaised
        case .note(.faultHealed): .faultHealed
        case .note(.clockStep): .clockStep
        case .note(.registerImported): .registerImported
        case .note(.configurationLoaded): .configurationLoaded
        case .note(.uplinkState): .uplinkState
        case .note(.shutdown): .shutdown
        case .note(.listChanged): .listChanged
        case .note(.policyChanged): .policyChanged
        case .note(.login): .login
        case .note(.act): .act
        case .note(.power): .power
        case .note(.deliveryState): .deliveryState
        case .note(.health): .health
        case .note(.backup): .backup
        case .seal: .seal
        case .prune: .prune
        case .generation: .generation
        case .manualRelease: .manualRelease
        case .supplement: .supplement
        case .carried: .carried
        case .unrecognised: nil
        }
    }

    func encoded() throws(LedgerError) -> [UInt8] {
        var fields = FieldWriter()
        switch self {
        case .boot(let version, let cause, let device, let root):
            try fields.put(.version, version)
            try fields.put(.cause, cause)
            try fields.put(.device, device)
            fields.put(root)
        case .capture(let capture): try fields.put(capture)
        case .decision(let decision, let gate): try fields.put(decision, gate)
        case .pass(let row): try fields.put(row)
        case .quarantine(let entry):
            try fields.put(.detail, entry.reason)
            try fields.put(.destination, entry.destination)
            fields.put(.dueSequence, entry.sequence)
            fields.put(.dueStep, entry.step)
        case .manualRelease(let release, let gate): try fields.put(release, gate)
        case .note(let note): try fields.put(note)
        case .seal(let seal): fields.put(seal)
        case .prune(let prune): fields.put(prune)
        case .generation(let generation): try fields.put(generation)
        case .supplement(let supplement): try fields.put(supplement)
        case .carried(let row, let origin):
            try fields.put(row, origin: origin)
        case .unrecognised: break
        }
        return fields.bytes
    }

    fileprivate init(_ kind: RecordKind, _ fields: FieldReader, _ token: VehicleToken) throws(RecordFault) {
        switch kind {
        case .boot:
            self = .boot(
                version: try fields.text(.version), cause: try fields.text(.cause), device: try fields.text(.device),
                root: try fields.sealingRoot())
        case .capture: self = .capture(try fields.capture())
        case .decision: self = .decision(try fields.decision(token), gate: try fields.gate())
        case .pass: self = .pass(try fields.pass())
        case .quarantine:
            self = .quarantine(
                QuarantineEntry(
                    destination: try fields.text(.destination),
                    sequence: try fields.required(.dueSequence, UInt64.self),
                    step: try fields.required(.dueStep, UInt32.self), reason: try fields.text(.detail)))
        case .seal: self = .seal(try fields.seal())
        case .prune: self = .prune(try fields.prune())
        case .generation: self = .generation(try fields.generation())
        case .manualRelease: self = .manualRelease(try fields.manualRelease(), gate: try fields.gate())
        case .supplement: self = .supplement(try fields.supplement())
        case .carried:
            let origin = LedgerHead(
                sequence: try fields.required(.originSequence, UInt64.self), hash: try fields.digest(.originHash))
            self = .carried(try fields.pass(), origin: origin)
        case .shutdown, .faultRaised, .faultHealed, .clockStep, .registerImported, .configurationLoaded, .uplinkState,
            .listChanged, .policyChanged, .login, .act, .power, .deliveryState, .health, .backup:
            guard let note = try LedgerNote(kind, fields) else { preconditionFailure("LDG-9 each kind has a body") }
            self = .note(note)
        }
    }
}

// MARK: - Writing the larger bodies

extension FieldWriter {
    fileprivate mutating func put(_ capture: CaptureEntry) throws(LedgerError) {
        put(.lane, capture.lane.index)
        try put(.captureKey, capture.key)
        try put(.camera, capture.camera)
        try put(.rawPlate, capture.rawPlate)
        try put(.plate, .plateColour, capture.plate)
        put(.confidence, capture.confidence)
        put(.isReplayed, capture.isReplayed)
        put(.takenAt, capture.takenAt)
        put(.photos, capture.photos)
    }

    fileprivate mutating func put(_ decision: Decision, _ gate: GateCodes) throws(LedgerError) {
        put(.lane, decision.verdict.lane.index)
        put(.direction, decision.direction.rawValue)
        put(.reason, decision.verdict.reason.rawValue)
        put(.askedAt, decision.askedAt)
        put(.decidedAt, decision.decidedAt)
        try put(.captureKey, decision.captureKey)
        try put(.camera, decision.camera)
        try put(.rawPlate, decision.rawPlate)
        try put(.plate, .plateColour, decision.plate)
        try put(.listReason, decision.listReason)
        put(.registerImportedAt, decision.registerImportedAt)
        put(.vehicleSource, optional: decision.vehicleSource?.rawValue)
        put(.vehicleKnownAt, decision.vehicleKnownAt)
        try put(.tag, decision.tag)
        try put(decision.vehicle)
        try putWeights(decision.freight)
        try put(.booking, decision.freight.booking)
        try put(gate)
        try putLoad(decision.freight)
        try put(.tagReader, decision.tagReader)
        put(.tagSeenAt, decision.tagSeenAt)
        try put(.tagPlate, .tagPlateColour, decision.tagPlate)
        if decision.isNamedByTag { put(.isNamedByTag, true) }
    }

    fileprivate mutating func put(_ row: PassRow, origin: LedgerHead? = nil) throws(LedgerError) {
        put(.lane, row.lane.index)
        put(.direction, row.direction.rawValue)
        if let reason = row.reason { put(.reason, reason.rawValue) }
        try put(.captureKey, row.captureKey)
        try put(.camera, row.camera)
        try put(.rawPlate, row.rawPlate)
        try put(.plate, .plateColour, row.plate)
        put(.photos, row.photos)
        try put(.listReason, row.listReason)
        put(.registerImportedAt, row.registerImportedAt)
        put(.vehicleSource, optional: row.vehicleSource?.rawValue)
        put(.vehicleKnownAt, row.vehicleKnownAt)
        try put(.tag, row.tag)
        try put(row.vehicle)
        try putWeights(row.freight)
        if let video = row.video { try put(.video, video.channel) }
        try put(.booking, row.freight.booking)
        put(.outcome, row.outcome.rawValue)
        try put(.serial, row.serial)
        if let sequence = row.decisionSequence { put(.decisionSequence, sequence) }
        put(.arrivedAt, row.arrivedAt)
        put(.raisedAt, row.raisedAt)
        put(.enteredAt, row.enteredAt)
        put(.endedAt, row.endedAt)
        put(.arrivedWall, row.arrivedWall)
        put(.passedWall, row.passedWall)
        put(.endedWall, row.endedWall)
        try put(row.gate)
        try putLoad(row.freight)
        if let video = row.video {
            put(.videoFrom, video.from)
            put(.videoTo, video.to)
        }
        put(.releaseSequence, optional: row.releaseSequence)
        if let origin {
            put(.originSequence, origin.sequence)
            put(.originHash, origin.hash)
        }
        put(.raiseCause, optional: row.raiseCause?.rawValue)
        if row.isReverse { put(.isReverse, true) }
    }

    mutating func put(_ text: Field, _ colour: Field, _ plate: Plate?) throws(LedgerError) {
        guard let plate else { return }
        try put(text, plate.text)
        put(colour, plate.colour.rawValue)
    }

    mutating func put(_ gate: GateCodes) throws(LedgerError) {
        try put(.enterpriseID, gate.enterpriseID)
        try put(.enterpriseName, gate.enterpriseName)
        try put(.entranceGateCode, gate.entranceGateCode)
        try put(.gateCode, gate.gateCode)
    }

    mutating func put(_ vehicle: Vehicle?) throws(LedgerError) {
        guard let vehicle else { return }
        try put(.vehiclePlate, .vehicleColour, vehicle.plate)
        try put(.vin, vehicle.vin)
        try put(.registrationDate, vehicle.registrationDate)
        try put(.vehicleType, vehicle.vehicleType)
        if let fuel = vehicle.fuel { put(.fuel, fuel.letter) }
        put(.stage, vehicle.stage.rawValue)
        try put(.model, vehicle.model)
        try put(.engineModel, vehicle.engineModel)
        try put(.engineMaker, vehicle.engineMaker)
        try put(.engineNumber, vehicle.engineNumber)
        try put(.usage, vehicle.usage)
        if let networked = vehicle.networked { put(.networked, networked) }
        try put(.fleet, vehicle.fleet)
    }
}

// MARK: - Reading the larger bodies

extension FieldReader {
    fileprivate func capture() throws(RecordFault) -> CaptureEntry {
        guard let isReplayed = try flag(.isReplayed) else { throw .missing(Field.isReplayed.rawValue) }
        return CaptureEntry(
            lane: try lane(), key: try text(.captureKey), camera: try text(.camera), rawPlate: try text(.rawPlate),
            plate: try plate(.plate, .plateColour), confidence: try required(.confidence, UInt8.self),
            isReplayed: isReplayed, takenAt: try wall(.takenAt), photos: try photos())
    }

    fileprivate func decision(_ token: VehicleToken) throws(RecordFault) -> Decision {
        guard let reason = try reason() else { throw .missing(Field.reason.rawValue) }
        guard let askedAt = try instant(.askedAt), let decidedAt = try instant(.decidedAt) else {
            throw .missing(Field.askedAt.rawValue)
        }
        var decision = Decision(
            verdict: Verdict(lane: try lane(), token: token, reason: reason), direction: try direction(),
            askedAt: askedAt, decidedAt: decidedAt)
        decision.captureKey = try text(.captureKey)
        decision.camera = try text(.camera)
        decision.rawPlate = try text(.rawPlate)
        decision.plate = try plate(.plate, .plateColour)
        decision.vehicle = try vehicle()
        decision.listReason = try text(.listReason)
        decision.registerImportedAt = try wall(.registerImportedAt)
        decision.vehicleSource = try word(.vehicleSource, VehicleSource.self)
        decision.vehicleKnownAt = try wall(.vehicleKnownAt)
        decision.tag = try text(.tag)
        decision.tagReader = try text(.tagReader)
        decision.tagSeenAt = try instant(.tagSeenAt)
        decision.tagPlate = try plate(.tagPlate, .tagPlateColour)
        decision.isNamedByTag = try flag(.isNamedByTag) ?? false
        decision.freight = try freight()
        return decision
    }

    fileprivate func pass() throws(RecordFault) -> PassRow {
        guard let outcome = PassOutcome(rawValue: try required(.outcome, UInt8.self)) else {
            throw .invalid(Field.outcome.rawValue)
        }
        return PassRow(
            lane: try lane(), outcome: outcome, direction: try direction(), gate: try gate(), serial: try text(.serial),
            decisionSequence: try integer(.decisionSequence, UInt64.self), reason: try reason(),
            arrivedAt: try instant(.arrivedAt), raisedAt: try instant(.raisedAt), enteredAt: try instant(.enteredAt),
            endedAt: try instant(.endedAt), arrivedWall: try requiredWall(.arrivedWall),
            passedWall: try requiredWall(.passedWall), endedWall: try requiredWall(.endedWall),
            captureKey: try text(.captureKey), camera: try text(.camera), rawPlate: try text(.rawPlate),
            plate: try plate(.plate, .plateColour), vehicle: try vehicle(), listReason: try text(.listReason),
            registerImportedAt: try wall(.registerImportedAt), photos: try photos(),
            vehicleSource: try word(.vehicleSource, VehicleSource.self), vehicleKnownAt: try wall(.vehicleKnownAt),
            tag: try text(.tag), freight: try freight(), video: try video(),
            releaseSequence: try integer(.releaseSequence, UInt64.self),
            raiseCause: try word(.raiseCause, RaiseCause.self), isReverse: try flag(.isReverse) ?? false)
    }

    private func video() throws(RecordFault) -> VideoReference? {
        guard let from = try wall(.videoFrom), let to = try wall(.videoTo) else { return nil }
        return VideoReference(channel: try text(.video), from: from, to: to)
    }

    func gate() throws(RecordFault) -> GateCodes {
        GateCodes(
            enterpriseID: try text(.enterpriseID), enterpriseName: try text(.enterpriseName),
            entranceGateCode: try text(.entranceGateCode), gateCode: try text(.gateCode))
    }

    func lane() throws(RecordFault) -> LaneID {
        let index = try required(.lane, UInt8.self)
        guard index < LaneID.maximumCount else { throw .invalid(Field.lane.rawValue) }
        return LaneID(index)
    }

    func direction() throws(RecordFault) -> Direction {
        guard let direction = Direction(rawValue: try required(.direction, UInt8.self)) else {
            throw .invalid(Field.direction.rawValue)
        }
        return direction
    }

    private func reason() throws(RecordFault) -> VerdictReason? {
        guard let number = try integer(.reason, UInt8.self) else { return nil }
        guard let reason = VerdictReason(rawValue: number) else { throw .invalid(Field.reason.rawValue) }
        return reason
    }

    func plate(_ text: Field, _ colour: Field) throws(RecordFault) -> Plate? {
        guard let number = try integer(colour, UInt8.self) else { return nil }
        let characters = try self.text(text)
        // A plate is kept normalised, so normalising it again must not change it.
        guard let colour = PlateColour(rawValue: number), let plate = Plate(characters, colour: colour),
            areSameBytes(plate.text, characters)
        else { throw .invalid(text.rawValue) }
        return plate
    }

    func vehicle() throws(RecordFault) -> Vehicle? {
        guard let plate = try plate(.vehiclePlate, .vehicleColour) else { return nil }
        guard let stage = EmissionStage(rawValue: try required(.stage, UInt8.self)) else {
            throw .invalid(Field.stage.rawValue)
        }
        var vehicle = Vehicle(plate: plate, stage: stage)
        vehicle.vin = try text(.vin)
        vehicle.registrationDate = try text(.registrationDate)
        vehicle.vehicleType = try text(.vehicleType)
        if let letter = try integer(.fuel, UInt8.self) {
            guard let fuel = FuelType(code: String(Unicode.Scalar(letter))) else {
                throw .invalid(Field.fuel.rawValue)
            }
            vehicle.fuel = fuel
        }
        vehicle.model = try text(.model)
        vehicle.engineModel = try text(.engineModel)
        vehicle.engineMaker = try text(.engineMaker)
        vehicle.engineNumber = try text(.engineNumber)
        vehicle.usage = try text(.usage)
        vehicle.networked = try flag(.networked)
        vehicle.fleet = try text(.fleet)
        return vehicle
    }
}
