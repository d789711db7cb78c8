// 补录 as a person types it: `812 plate=冀B54321 colour=blue net_kg=20000 person=王某 reason=车牌误读`, or `missed` in the
// place of the pass' number for a vehicle that the ledger does not have.
//
// Invariants: nothing is guessed. What is not named stays as it is; a vehicle's data are kept as a whole, those that
// were not named as the row had them, but those of another plate never go with a corrected one.
// Limits: a value is `valueBytes` long; words without `=` go on with the value before them.

import Domain

/// Why no supplement can be made of what was typed, and what to do.
public struct SupplementFault: Error, Equatable, Sendable {
    public let text: String
}

/// What was typed, by its keys.
private struct SupplementWords {
    static let valueBytes = 256
    static let keys = [
        "plate", "colour", "stage", "fuel", "vin", "registered", "type", "model", "engine_model", "engine_maker",
        "engine_number", "usage", "networked", "fleet", "cargo", "net_kg", "gross_kg", "load", "booking", "entry_seq",
        "vehicle_list", "time", "direction", "lane", "person", "reason",
    ]
    static let vehicleKeys = [
        "stage", "fuel", "vin", "registered", "type", "model", "engine_model", "engine_maker", "engine_number",
        "usage", "networked", "fleet",
    ]

    private var values: [(key: String, text: String)] = []

    init(_ words: [String]) throws(SupplementFault) {
        for word in words {
            if let (key, text) = try SupplementWords.start(word) {
                guard self.text(key) == nil else { throw SupplementFault(text: "\(key) is given twice") }
                values.append((key, text))
            } else {
                guard !values.isEmpty else {
                    throw SupplementFault(text: "\"\(word)\" is no key=value: type help for the keys")
                }
                values[values.count - 1].text += " " + word
            }
        }
        for (key, text) in values {
            guard !text.isEmpty else {
                throw SupplementFault(text: "\(key) has no value: what is left out stays as it is")
            }
            guard text.utf8.count <= SupplementWords.valueBytes else {
                throw SupplementFault(text: "\(key) has more than \(SupplementWords.valueBytes) bytes")
            }
        }
    }

    /// The key and the first word of its value; nil for a word that goes on with the value before.
    private static func start(_ word: String) throws(SupplementFault) -> (key: String, text: String)? {
        let bytes = Array(word.utf8)
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0,
            bytes[..<equals].allSatisfy({ (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") })
        else { return nil }
        let key = String(decoding: bytes[..<equals], as: UTF8.self)
        guard keys.contains(key) else {
            throw SupplementFault(text: "\(key) is no key; they are " + keys.joined(separator: ", "))
        }
        return (key, String(decoding: bytes[(equals + 1)...], as: UTF8.self))
    }

    func text(_ key: String) -> String? { values.first { $0.key == key }?.text }

    func needed(_ key: String, _ what: String) throws(SupplementFault) -> String {
        guard let text = text(key) else { throw SupplementFault(text: "\(key)= is missing: \(what)") }
        return text
    }

    /// Of the words of a list.
    func word<T>(_ key: String, _ known: [(String, T)]) throws(SupplementFault) -> T? {
        guard let text = text(key) else { return nil }
        guard let found = known.first(where: { $0.0 == text }) else {
            throw SupplementFault(
                text: "\(key) is one of \(known.map { $0.0 }.joined(separator: ", ")), not \"\(text)\"")
        }
        return found.1
    }

    func number(_ key: String, _ range: ClosedRange<UInt64>) throws(SupplementFault) -> UInt64? {
        guard let text = text(key) else { return nil }
        guard let number = UInt64(text), range.contains(number) else {
            throw SupplementFault(
                text: "\(key) is a number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return number
    }

    /// The first second of a day, or of a moment to the second.
    func seconds(_ key: String, isDay: Bool) throws(SupplementFault) -> Int64? {
        guard let text = text(key) else { return nil }
        guard let span = LedgerQuery.seconds(of: text), span.end - span.first == (isDay ? 86_400 : 1) else {
            let form = isDay ? "2026-03-01" : "2026-03-01T08:00:00"
            throw SupplementFault(text: "\(key) is written as \(form), not \"\(text)\"")
        }
        return span.first
    }

    var namesVehicle: Bool { SupplementWords.vehicleKeys.contains { text($0) != nil } }
}

extension LedgerReader {
    /// What is to be appended for these words; `missed` needs plate, time and lane, whose gate the writer knows. The
    /// pass is read as its supplements have left it.
    public func supplement(typed words: [String], means: Means) throws(SupplementFault) -> Supplement {
        let which = words.first ?? ""
        let typed = try SupplementWords(Array(words.dropFirst()))
        let by = PersonalAct(
            person: try typed.needed("person", "who answers for it"), reason: try typed.needed("reason", "why"),
            means: means)
        guard which != "missed" else {
            var supplement = Supplement(correcting: nil, by: by)
            _ = try typed.needed("plate", "of the vehicle that was missed")
            _ = try typed.needed("time", "when it passed")
            _ = try typed.needed("lane", "where it passed")
            try supplement.fill(typed, plate: nil, vehicle: nil)
            return supplement
        }
        guard let number = UInt64(which), number > 0 else {
            throw SupplementFault(text: "supplement is followed by the number of a pass record, or missed: type help")
        }
        let row = try pass(toCorrect: number)
        var supplement = Supplement(correcting: number, by: by)
        try supplement.fill(typed, plate: row.plate, vehicle: row.vehicle)
        return supplement
    }

    private func pass(toCorrect number: UInt64) throws(SupplementFault) -> PassRow {
        do throws(LedgerError) {
            guard let record = try records(from: number, limit: 1).first, record.sequence == number else {
                let head = try head()?.sequence ?? 0
                let oldest = try oldest().sequence
                throw .noSuchRecord(sequence: number, oldest: oldest, newest: head)
            }
            guard case .pass(let row) = record.body else {
                let kind = RecordKind(rawValue: record.kindNumber)?.word ?? "record"
                throw .refused(.correctsAPass, detail: "record \(number) is a \(kind)")
            }
            let supplements = try Corrections(database, through: .max).supplements(to: number)
            return try corrected(row, by: supplements).last?.row ?? row
        } catch {
            throw SupplementFault(text: error.description)
        }
    }
}

extension Supplement {
    /// `plate` and `vehicle` are those of the row as it stands.
    fileprivate mutating func fill(
        _ typed: SupplementWords, plate old: Plate?, vehicle known: Vehicle?
    ) throws(SupplementFault) {
        let colour = try typed.word("colour", PlateColour.allCases.map { ($0.word, $0) })
        let text = typed.text("plate") ?? (colour == nil ? nil : old?.text)
        if let text {
            guard let colour = colour ?? old?.colour else {
                throw SupplementFault(text: "colour= is missing: a plate is known by both")
            }
            guard let plate = Plate(text, colour: colour) else {
                throw SupplementFault(text: "plate is up to \(Plate.maximumBytes) bytes of letters and digits")
            }
            self.plate = plate
        } else if colour != nil {
            throw SupplementFault(text: "plate= is missing: the row has none that the colour could be of")
        }
        let isAnother = self.plate.map { $0.text != old?.text } ?? false
        if typed.namesVehicle || isAnother && known != nil {
            guard let plate = self.plate ?? known?.plate ?? old else {
                throw SupplementFault(text: "plate= is missing: what is said of a vehicle needs its plate")
            }
            var vehicle = isAnother ? nil : known
            if vehicle == nil { vehicle = Vehicle(plate: plate, stage: .unknown) }
            if let corrected = self.plate { vehicle?.plate = corrected }
            try vehicle?.fill(typed)
            self.vehicle = vehicle
            vehicleSource = .person
        }
        try fillFreight(typed)
        passedWall = try typed.seconds("time", isDay: false).map { WallTime(microseconds: $0 * 1_000_000) }
        direction = try typed.word("direction", [("in", Direction.entry), ("out", .exit)])
        lane = try typed.number("lane", 1...UInt64(LaneID.maximumCount)).map { LaneID(UInt8($0 - 1)) }
        let saysSomething =
            self.plate != nil || vehicle != nil || freight != .unknown || passedWall != nil || direction != nil
            || lane != nil
        guard saysSomething else { throw SupplementFault(text: "nothing is corrected: name at least one key=value") }
    }

    private mutating func fillFreight(_ typed: SupplementWords) throws(SupplementFault) {
        let most = UInt64(UInt32.max)
        freight.cargo = typed.text("cargo") ?? ""
        freight.netKilograms = try typed.number("net_kg", 0...most).map { UInt32($0) }
        freight.grossKilograms = try typed.number("gross_kg", 0...most).map { UInt32($0) }
        if freight != .unknown { freight.source = .person }
        freight.load = try typed.word("load", [("loaded", Freight.Load.loaded), ("empty", .empty)])
        freight.booking = typed.text("booking") ?? ""
        freight.entrySequence = try typed.number("entry_seq", 1...UInt64(Int64.max))
        freight.vehicleList = typed.text("vehicle_list") ?? ""
    }
}

extension Vehicle {
    fileprivate mutating func fill(_ typed: SupplementWords) throws(SupplementFault) {
        stage = try typed.word("stage", EmissionStage.allCases.map { ($0.code, $0) }) ?? stage
        if let text = typed.text("fuel") {
            guard let known = FuelType(code: text) else {
                let letters = String(decoding: FuelType.letters, as: UTF8.self)
                throw SupplementFault(text: "fuel is one letter of \(letters), not \"\(text)\"")
            }
            fuel = known
        }
        if let text = typed.text("vin") {
            let isOne = text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) && ![0x49, 0x4F, 0x51].contains($0)
            }
            guard text.utf8.count == 17, isOne else {
                throw SupplementFault(text: "vin has 17 digits and capital letters without I, O and Q")
            }
            vin = text
        }
        if try typed.seconds("registered", isDay: true) != nil {
            registrationDate = typed.text("registered") ?? registrationDate
        }
        networked = try typed.word("networked", [("yes", true), ("no", false)]) ?? networked
        vehicleType = typed.text("type") ?? vehicleType
        model = typed.text("model") ?? model
        engineModel = typed.text("engine_model") ?? engineModel
        engineMaker = typed.text("engine_maker") ?? engineMaker
        engineNumber = typed.text("engine_number") ?? engineNumber
        usage = typed.text("usage") ?? usage
        fleet = typed.text("fleet") ?? fleet
    }
}
