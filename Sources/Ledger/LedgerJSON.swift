// Every record as one line of JSON (RFC 8259), for machines and for inspectors' tools. Unknown values are left out.
// Numbers of 64 bits that may exceed 2^53 (tokens, lane times) are texts, since many readers take numbers for doubles.

import Crypto
import Domain

/// Builds one JSON object.
struct JSONObject {
    private var text = "{"
    private var isEmpty = true

    private mutating func put(raw name: String, _ value: String) {
        if !isEmpty { text += "," }
        isEmpty = false
        text += "\"" + name + "\":" + value
    }

    /// An empty text is an unknown value.
    mutating func put(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        put(raw: name, JSONObject.quoted(value))
    }

    mutating func put(_ name: String, number: (some BinaryInteger)?) {
        guard let number else { return }
        put(raw: name, String(number))
    }

    mutating func put(_ name: String, numbers: [some BinaryInteger]) {
        guard !numbers.isEmpty else { return }
        put(raw: name, "[" + numbers.map { String($0) }.joined(separator: ",") + "]")
    }

    mutating func put(_ name: String, flag: Bool?) {
        guard let flag else { return }
        put(raw: name, flag ? "true" : "false")
    }

    mutating func put(_ name: String, _ time: Instant?) {
        guard let time else { return }
        put(name, String(time.nanoseconds))
    }

    mutating func put(_ name: String, _ time: WallTime?) {
        guard let time else { return }
        put(name, CivilTime(time).text)
    }

    mutating func put(_ name: String, _ photos: [PhotoReference]) {
        guard !photos.isEmpty else { return }
        let values = photos.map { photo in
            var object = JSONObject()
            object.put("kind", photo.kind == .scene ? "scene" : "plate")
            object.put("sha256", photo.digest.hexadecimal)
            object.put("bytes", number: photo.byteCount)
            return object.closed
        }
        put(raw: name, "[" + values.joined(separator: ",") + "]")
    }

    mutating func put(_ name: String, _ objects: [JSONObject]) {
        put(raw: name, "[" + objects.map { $0.closed }.joined(separator: ",") + "]")
    }

    mutating func put(_ name: String, _ object: JSONObject) {
        put(raw: name, object.closed)
    }

    var closed: String { text + "}" }

    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: bytes += Array("\\u00".utf8) + Array(encodeHexadecimal([byte]).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}

enum LedgerJSON {
    /// `supplements`: the numbers of those that correct it.
    static func line(_ record: Record, supplements: [UInt64] = []) -> String {
        var object = JSONObject()
        object.put("seq", number: record.sequence)
        object.put("kind", RecordKind(rawValue: record.kindNumber)?.word ?? "kind-\(record.kindNumber)")
        object.put("wall", record.wall)
        object.put("wall_us", number: record.wall.microseconds)
        object.put("lane_ns", record.laneTime)
        object.put("boot", number: record.boot)
        if record.token != .none { object.put("token", String(record.token.value)) }
        object.put("hash", record.hash.hexadecimal)
        object.put(record.body)
        object.put("supplements", numbers: supplements)
        return object.closed + "\n"
    }

    static func line(_ gap: LedgerGap) -> String {
        var object = JSONObject()
        object.put("kind", "gap")
        object.put("gap", gap.kind.word)
        object.put("from", gap.from)
        object.put("from_us", number: gap.from.microseconds)
        object.put("to", gap.to)
        object.put("to_us", number: gap.to?.microseconds)
        object.put("from_record", number: gap.fromRecord)
        object.put("to_record", number: gap.toRecord)
        object.put("hash", gap.hash?.hexadecimal)
        object.put("subject", gap.subject)
        object.put("detail", gap.detail)
        return object.closed + "\n"
    }

    /// The last line of an export.
    static func headLine(_ record: Record) -> String {
        var object = JSONObject()
        object.put("kind", "head")
        object.put("head_seq", number: record.sequence)
        object.put("wall", record.wall)
        object.put("hash", record.hash.hexadecimal)
        return object.closed + "\n"
    }
}

extension JSONObject {
    fileprivate mutating func put(_ body: RecordBody) {
        switch body {
        case .boot(let version, let cause, let device, let root):
            put("version", version)
            put("cause", cause)
            put("device", device)
            if let root {
                put("generation", number: root.generation)
                put("epoch", number: root.epoch)
                put("next_key", encodeHexadecimal(root.key.bytes))
            }
        case .capture(let capture):
            put("lane", number: capture.lane.index)
            put("key", capture.key)
            put("camera", capture.camera)
            put("raw_plate", capture.rawPlate)
            put(capture.plate)
            put("confidence", number: capture.confidence)
            put("replayed", flag: capture.isReplayed)
            put("taken_at", capture.takenAt)
            put("photos", capture.photos)
        case .decision(let decision, let gate):
            put("lane", number: decision.verdict.lane.index)
            put("direction", number: decision.direction.rawValue)
            put("reason", decision.verdict.reason.word)
            put("allows", flag: decision.verdict.reason.allows)
            put("asked_ns", decision.askedAt)
            put("decided_ns", decision.decidedAt)
            put("capture", decision.captureKey)
            put("camera", decision.camera)
            put("raw_plate", decision.rawPlate)
            put(decision.plate)
            put("list_reason", decision.listReason)
            put("register_imported", decision.registerImportedAt)
            put("tag", decision.tag)
            put("tag_reader", decision.tagReader)
            put("tag_seen_ns", decision.tagSeenAt)
            put("tag_plate", decision.tagPlate?.text)
            put("tag_plate_colour", number: decision.tagPlate?.colour.rawValue)
            if decision.isNamedByTag { put("named_by_tag", flag: true) }
            put(decision.vehicle, decision.vehicleSource, decision.vehicleKnownAt)
            put(decision.freight)
            put(gate)
        case .pass(let row): put(row)
        case .quarantine(let entry):
            put("destination", entry.destination)
            put("due_seq", number: entry.sequence)
            put("due_step", number: entry.step)
            put("reason", entry.reason)
        case .note(let note): put(note)
        case .seal, .prune, .generation: putSealing(body)
        case .manualRelease(let release, let gate):
            put("lane", number: release.lane.index)
            put("direction", number: release.direction.rawValue)
            put("capture", release.captureKey)
            put(release.plate)
            put("decision_seq", number: release.decisionSequence)
            put(release.by)
            put(gate)
        case .supplement(let supplement): put(supplement)
        case .carried(let row, let origin):
            put(row)
            put("origin_seq", number: origin.sequence)
            put("origin_hash", origin.hash.hexadecimal)
        case .unrecognised: break
        }
    }

    private mutating func put(_ row: PassRow) {
        put("lane", number: row.lane.index)
        put("direction", number: row.direction.rawValue)
        put("outcome", row.outcome.word)
        put("crossed", flag: row.outcome.crossed)
        put("due", flag: row.isDue)
        put("serial", row.serial)
        put("decision_seq", number: row.decisionSequence)
        put("release_seq", number: row.releaseSequence)
        put("reason", row.reason?.word)
        put("raise_cause", row.raiseCause?.word)
        if row.isReverse { put("reverse", flag: true) }
        put("arrived_ns", row.arrivedAt)
        put("raised_ns", row.raisedAt)
        put("entered_ns", row.enteredAt)
        put("ended_ns", row.endedAt)
        put("arrived", row.arrivedWall)
        put("passed", row.passedWall)
        put("ended", row.endedWall)
        put("capture", row.captureKey)
        put("camera", row.camera)
        put("raw_plate", row.rawPlate)
        put(row.plate)
        put("list_reason", row.listReason)
        put("register_imported", row.registerImportedAt)
        put("tag", row.tag)
        put(row.vehicle, row.vehicleSource, row.vehicleKnownAt)
        put(row.freight)
        if let video = row.video {
            put("video", video.channel)
            put("video_from", video.from)
            put("video_to", video.to)
        }
        put(row.gate)
        put("photos", row.photos)
    }

    private mutating func put(_ plate: Plate?) {
        put("plate", plate?.text)
        put("plate_colour", number: plate?.colour.rawValue)
    }

    private mutating func put(_ gate: GateCodes) {
        put("enterprise", gate.enterpriseID)
        put("enterprise_name", gate.enterpriseName)
        put("entrance", gate.entranceGateCode)
        put("gate", gate.gateCode)
    }

    private mutating func put(_ freight: Freight) {
        put("cargo", freight.cargo)
        put("net_kg", number: freight.netKilograms)
        put("gross_kg", number: freight.grossKilograms)
        put("weight_source", number: freight.source?.rawValue)
        put("load", freight.load.map { $0 == .loaded ? "loaded" : "empty" })
        put("booking", freight.booking)
        put("entry_seq", number: freight.entrySequence)
        put("vehicle_list", freight.vehicleList)
    }

    private mutating func put(_ act: PersonalAct) {
        put("person", act.person)
        put("person_reason", act.reason)
        put("means", act.means.word)
    }

    private mutating func put(_ supplement: Supplement) {
        put("corrects_seq", number: supplement.correctedSequence)
        put(supplement.by)
        put("lane", number: supplement.lane?.index)
        put("direction", number: supplement.direction?.rawValue)
        put(supplement.plate)
        put("passed", supplement.passedWall)
        put(supplement.vehicle, supplement.vehicleSource, nil)
        put(supplement.freight)
        if let gate = supplement.gate { put(gate) }
        put("photos", supplement.photos)
    }

    private mutating func putSealing(_ body: RecordBody) {
        switch body {
        case .seal(let seal):
            put("epoch", number: seal.epoch)
            put("interval_s", number: seal.intervalSeconds)
            put("seal_reason", number: seal.reason.rawValue)
            put("key", encodeHexadecimal(seal.key.bytes))
            put("next_key", encodeHexadecimal(seal.nextKey.bytes))
            put("previous_seal", number: seal.previousSeal)
            put("previous_hash", seal.previousHash.hexadecimal)
            put("signature", encodeHexadecimal(seal.signature))
        case .prune(let prune):
            put("pruned_through", number: prune.records?.through)
            put("pruned_hash", prune.records?.hash.hexadecimal)
            put("pruned_records", number: prune.records?.count)
            put("retention_days", number: prune.retentionDays)
            put("photos_pruned_through", number: prune.photosThrough)
        case .generation(let generation):
            put("generation", number: generation.number)
            put("set_aside", generation.setAside)
            put("detail", generation.reason)
            put("last_good_seq", number: generation.lastGood?.sequence)
            put("last_good_hash", generation.lastGood?.hash.hexadecimal)
            put("counter_seq", number: generation.counter?.sequence)
            put("counter_hash", generation.counter?.hash.hexadecimal)
        case .boot, .capture, .decision, .pass, .quarantine, .note, .manualRelease, .supplement, .carried,
            .unrecognised:
            break
        }
    }

    private mutating func put(_ vehicle: Vehicle?, _ source: VehicleSource?, _ knownAt: WallTime?) {
        guard let vehicle else { return }
        var object = JSONObject()
        object.put("source", number: source?.rawValue)
        object.put("known_at", knownAt)
        object.put(vehicle.plate)
        object.put("stage", vehicle.stage.code)
        object.put("fuel", vehicle.fuel?.code)
        object.put("vin", vehicle.vin)
        object.put("registered", vehicle.registrationDate)
        object.put("type", vehicle.vehicleType)
        object.put("model", vehicle.model)
        object.put("engine_model", vehicle.engineModel)
        object.put("engine_maker", vehicle.engineMaker)
        object.put("engine_number", vehicle.engineNumber)
        object.put("usage", vehicle.usage)
        object.put("networked", flag: vehicle.networked)
        object.put("fleet", vehicle.fleet)
        put("vehicle", object)
    }

    private mutating func put(_ note: LedgerNote) {
        switch note {
        case .faultRaised(let subject, let detail), .faultHealed(let subject, let detail):
            put("subject", subject)
            put("detail", detail)
        case .clockStep(let before, let after):
            put("before", before)
            put("after", after)
            put("step_us", number: after.microseconds - before.microseconds)
        case .registerImported(let vehicles, let listEntries, let refused, let file):
            put("vehicles", number: vehicles)
            put("list_entries", number: listEntries)
            put("refused", number: refused)
            put("file_sha256", file.hexadecimal)
        case .configurationLoaded(let file): put("file_sha256", file.hexadecimal)
        case .uplinkState(let destination, let isReachable, let detail):
            put("destination", destination)
            put("reachable", flag: isReachable)
            put("detail", detail)
        case .shutdown(let cause): put("cause", cause)
        case .listChanged(let entry, let isRemoved, let person, let means):
            put(entry.plate)
            put("list", entry.kind == .white ? "white" : "black")
            put("action", isRemoved ? "removed" : "set")
            put("list_reason", entry.reason)
            put("valid_until", entry.validUntil)
            put("person", person)
            put("means", means.word)
        case .policyChanged(let rule, let before, let after, let by):
            put("rule", rule)
            put("before", before)
            put("after", after)
            put(by)
        case .login(let person, let isAdmitted, let means, let origin, let detail):
            put("person", person)
            put("admitted", flag: isAdmitted)
            put("means", means.word)
            put("origin", origin)
            put("detail", detail)
        case .act(let person, let act, let subject, let detail, let means):
            put("person", person)
            put("act", act)
            put("subject", subject)
            put("detail", detail)
            put("means", means.word)
        case .power(let state, let battery, let detail):
            put("power", state.word)
            put("battery_percent", number: battery)
            put("detail", detail)
        case .deliveryState(let state):
            put("destination", state.destination)
            put("through", number: state.through)
            put("rows_due", number: state.rowsDue)
            put("rows_waiting", number: state.rowsWaiting)
            put("items_quarantined", number: state.itemsQuarantined)
        case .health(let health): put(health)
        case .backup(let entry):
            put("folder", entry.folder)
            put("backup", entry.result.word)
            put("bytes", number: entry.bytes)
            put("backup_seq", number: entry.head?.sequence)
            put("backup_hash", entry.head?.hash.hexadecimal)
            put("detail", entry.detail)
        }
    }
}
