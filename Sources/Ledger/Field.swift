// The fields of a record's body: number (u16), length (u32), bytes; numbers strictly ascending; all big-endian.
//
// Invariants: a field that is absent means unknown, none or an empty text; the same value always has the same bytes.
// Limits: a text is at most 4 KiB of UTF-8.

import Crypto
import Domain

/// Field numbers. One number has one meaning in every kind of record, for ever.
enum Field: UInt16, CaseIterable {
    case lane = 1
    case direction = 2
    case reason = 3
    case askedAt = 4
    case decidedAt = 5
    case captureKey = 6
    case camera = 7
    case rawPlate = 8
    case plate = 9
    case plateColour = 10
    case confidence = 11
    case isReplayed = 12
    case takenAt = 13
    case photos = 14
    case listReason = 15
    case registerImportedAt = 16
    case vehicleSource = 17
    case vehicleKnownAt = 18
    case tag = 19

    case vehiclePlate = 20
    case vehicleColour = 21
    case vin = 22
    case registrationDate = 23
    case vehicleType = 24
    case fuel = 25
    case stage = 26
    case model = 27
    case engineModel = 28
    case engineMaker = 29
    case engineNumber = 30
    case usage = 31
    case networked = 32
    case fleet = 33
    case cargo = 34
    case netKilograms = 35
    case grossKilograms = 36
    case weightSource = 37
    case video = 38
    case booking = 39

    case outcome = 40
    case serial = 41
    case decisionSequence = 42
    case arrivedAt = 43
    case raisedAt = 44
    case enteredAt = 45
    case endedAt = 46
    case arrivedWall = 47
    case passedWall = 48
    case endedWall = 49

    case enterpriseID = 50
    case enterpriseName = 51
    case entranceGateCode = 52
    case gateCode = 53
    case load = 54
    case entrySequence = 55
    case vehicleList = 56
    case videoFrom = 58
    case videoTo = 59

    case version = 60
    case cause = 61
    case device = 62
    case subject = 63
    case detail = 64
    case wallBefore = 65
    case wallAfter = 66
    case vehicleCount = 67
    case listEntryCount = 68
    case refusedCount = 69
    case fileDigest = 70
    case destination = 71
    case isReachable = 72
    case dueSequence = 73
    case dueStep = 74

    case epoch = 80
    case sealInterval = 81
    case publicKey = 82
    case nextPublicKey = 83
    case sealReason = 84
    case previousSeal = 85
    case previousHash = 86
    case prunedThrough = 87
    case prunedHash = 88
    case prunedCount = 89
    case pruneReason = 90
    case retentionDays = 91
    case photosPrunedThrough = 92
    case generation = 93
    case lastGoodSequence = 94
    case lastGoodHash = 95
    case counterSequence = 96
    case counterHash = 97
    case signature = 99

    case person = 100
    case personReason = 101
    case means = 102
    case releaseSequence = 103
    case correctedSequence = 104
    case listAction = 105
    case list = 106
    case validUntil = 107
    case rule = 108
    case ruleBefore = 109
    case ruleAfter = 110
    case isAdmitted = 111
    case origin = 112
    case act = 113
    case powerState = 114
    case batteryPercent = 115
    case deliveredThrough = 116
    case rowsDue = 117
    case rowsWaiting = 118
    case itemsQuarantined = 119
    case originSequence = 120
    case originHash = 121
    case raiseCause = 122
    case isReverse = 123
    case uptimeSeconds = 130
    case edgeToOutput = 131
    case longestMicroseconds = 132
    case edgesLost = 133
    case messagesLost = 134
    case ledgerFullness = 135
    case backupResult = 140
    case backupBytes = 141
    case backupSequence = 142
    case backupHash = 143
    case tagReader = 150
    case tagSeenAt = 151
    case tagPlate = 152
    case tagPlateColour = 153
    case isNamedByTag = 154
}

/// Why bytes are not a record.
enum RecordFault: Error {
    case size
    case formatVersion(UInt16)
    case fieldOrder(UInt16)
    case truncatedField(UInt16)
    case missing(UInt16)
    case invalid(UInt16)

    var reason: String {
        switch self {
        case .size: "it is shorter than a header or longer than a record may be"
        case .formatVersion(let version): "it has format version \(version), this program knows 1"
        case .fieldOrder(let number): "field \(number) is out of order"
        case .truncatedField(let number): "field \(number) goes beyond the record's end"
        case .missing(let number): "field \(number) is missing"
        case .invalid(let number): "field \(number) has no valid value"
        }
    }
}

/// Builds bytes, most significant byte first.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init() {
        // Most records fit, so that the bytes are moved once only.
        bytes.reserveCapacity(1_024)
    }

    mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ more: [UInt8]) {
        bytes.append(contentsOf: more)
    }

    mutating func put(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }
}

/// Builds a body.
struct FieldWriter {
    private var writer = ByteWriter()
    private var last: UInt16 = 0

    var bytes: [UInt8] { writer.bytes }

    private mutating func start(_ field: Field, _ count: Int) {
        precondition(field.rawValue > last, "LDG-1 fields are written in ascending order")
        last = field.rawValue
        writer.put(field.rawValue)
        writer.put(UInt32(count))
    }

    mutating func put(_ field: Field, _ value: some FixedWidthInteger) {
        start(field, value.bitWidth / 8)
        writer.put(value)
    }

    mutating func put(_ field: Field, _ value: Bool) {
        put(field, value ? UInt8(1) : 0)
    }

    mutating func put(_ field: Field, _ time: Instant?) {
        if let time { put(field, time.nanoseconds) }
    }

    mutating func put(_ field: Field, _ time: WallTime?) {
        if let time { put(field, time.microseconds) }
    }

    mutating func put(_ field: Field, _ digest: Digest) {
        start(field, Digest.byteCount)
        writer.put(digest.bytes)
    }

    mutating func put(_ field: Field, _ bytes: [UInt8]) {
        start(field, bytes.count)
        writer.put(bytes)
    }

    mutating func put(_ field: Field, optional value: (some FixedWidthInteger)?) {
        if let value { put(field, value) }
    }

    /// An empty text is an absent field.
    mutating func put(_ field: Field, _ text: String) throws(LedgerError) {
        let count = text.utf8.count
        guard count > 0 else { return }
        guard count <= LedgerLimits.textBytes else {
            throw .limit(what: "the text of field \(field.rawValue)", limit: LedgerLimits.textBytes)
        }
        start(field, count)
        writer.put(text)
    }

    mutating func put(_ field: Field, _ photos: [PhotoReference]) {
        guard !photos.isEmpty else { return }
        start(field, photos.count * PhotoReference.encodedBytes)
        for photo in photos {
            writer.put(photo.kind.rawValue)
            writer.put(photo.byteCount)
            writer.put(photo.digest.bytes)
        }
    }
}

extension PhotoReference {
    /// Kind (u8), size (u32), SHA-256 (32 bytes).
    static let encodedBytes = 1 + 4 + Digest.byteCount
}

/// Takes bytes apart, most significant byte first. The caller has made sure that there are enough.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var next: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        next = bytes.startIndex
    }

    mutating func take<T: FixedWidthInteger>(_ type: T.Type) -> T {
        let start = next - bytes.startIndex
        next += T.bitWidth / 8
        precondition(next <= bytes.endIndex, "LDG-9 there are as many bytes as are taken")
        return T(bigEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: T.self) })
    }

    mutating func skip(_ count: Int) {
        next += count
    }

    mutating func take(count: Int) -> [UInt8] {
        defer { next += count }
        return Array(bytes[next..<next + count])
    }
}

/// A body taken apart into its fields. Fields that this program does not know are left aside.
struct FieldReader {
    private struct Place {
        let start: Int
        let count: Int
    }

    /// This program knows no higher number; what has one is left aside.
    private static let highest = 255

    private let body: ArraySlice<UInt8>
    private var places: [Place] = []
    /// By field number: one more than its place, 0 where it is absent.
    private var placeOfNumber = [UInt8](repeating: 0, count: highest + 1)

    init(_ body: ArraySlice<UInt8>) throws(RecordFault) {
        self.body = body
        places.reserveCapacity(40)
        var reader = ByteReader(body)
        var next = body.startIndex
        var last: UInt16 = 0
        while next < body.endIndex {
            guard body.endIndex - next >= 6 else { throw .truncatedField(last) }
            let number = reader.take(UInt16.self)
            let count = Int(reader.take(UInt32.self))
            guard number > last else { throw .fieldOrder(number) }
            next += 6
            guard body.endIndex - next >= count else { throw .truncatedField(number) }
            if number <= FieldReader.highest {
                places.append(Place(start: next, count: count))
                placeOfNumber[Int(number)] = UInt8(places.count)
            }
            next += count
            reader.skip(count)
            last = number
        }
    }

    func bytes(_ field: Field) -> ArraySlice<UInt8>? {
        let place = Int(placeOfNumber[Int(field.rawValue)])
        guard place > 0 else { return nil }
        let found = places[place - 1]
        return body[found.start..<found.start + found.count]
    }

    func integer<T: FixedWidthInteger>(_ field: Field, _ type: T.Type) throws(RecordFault) -> T? {
        guard let bytes = bytes(field) else { return nil }
        guard bytes.count == T.bitWidth / 8 else { throw .invalid(field.rawValue) }
        var reader = ByteReader(bytes)
        return reader.take(type)
    }

    func required<T: FixedWidthInteger>(_ field: Field, _ type: T.Type) throws(RecordFault) -> T {
        guard let value = try integer(field, type) else { throw .missing(field.rawValue) }
        return value
    }

    func flag(_ field: Field) throws(RecordFault) -> Bool? {
        guard let value = try integer(field, UInt8.self) else { return nil }
        guard value <= 1 else { throw .invalid(field.rawValue) }
        return value == 1
    }

    func requiredFlag(_ field: Field) throws(RecordFault) -> Bool {
        guard let value = try flag(field) else { throw .missing(field.rawValue) }
        return value
    }

    func instant(_ field: Field) throws(RecordFault) -> Instant? {
        guard let value = try integer(field, UInt64.self) else { return nil }
        return Instant(nanoseconds: value)
    }

    func wall(_ field: Field) throws(RecordFault) -> WallTime? {
        guard let value = try integer(field, Int64.self) else { return nil }
        return WallTime(microseconds: value)
    }

    func requiredWall(_ field: Field) throws(RecordFault) -> WallTime {
        guard let time = try wall(field) else { throw .missing(field.rawValue) }
        return time
    }

    /// An absent field is an empty text.
    func text(_ field: Field) throws(RecordFault) -> String {
        guard let bytes = bytes(field) else { return "" }
        guard bytes.count <= LedgerLimits.textBytes else { throw .invalid(field.rawValue) }
        // Decoding repairs wrong UTF-8, which shows as other bytes. (`String(validating:)` takes longer in ordinary
        // Swift.)
        let text = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        let isSame = text.utf8.withContiguousStorageIfAvailable { decoded in
            bytes.withUnsafeBufferPointer { areSameBytes($0, decoded) }
        }
        guard isSame ?? text.utf8.elementsEqual(bytes) else { throw .invalid(field.rawValue) }
        return text
    }

    func digest(_ field: Field) throws(RecordFault) -> Digest {
        guard let digest = try optionalDigest(field) else { throw .missing(field.rawValue) }
        return digest
    }

    func optionalDigest(_ field: Field) throws(RecordFault) -> Digest? {
        guard let bytes = bytes(field) else { return nil }
        guard let digest = Digest(bytes: Array(bytes)) else { throw .invalid(field.rawValue) }
        return digest
    }

    func publicKey(_ field: Field) throws(RecordFault) -> Ed25519PublicKey {
        guard let bytes = bytes(field) else { throw .missing(field.rawValue) }
        guard let key = Ed25519PublicKey(bytes: Array(bytes)) else { throw .invalid(field.rawValue) }
        return key
    }

    /// A small number that stands for a word.
    func word<Word: RawRepresentable>(_ field: Field, _ type: Word.Type) throws(RecordFault) -> Word?
    where Word.RawValue == UInt8 {
        guard let number = try integer(field, UInt8.self) else { return nil }
        guard let word = Word(rawValue: number) else { throw .invalid(field.rawValue) }
        return word
    }

    func requiredWord<Word: RawRepresentable>(_ field: Field, _ type: Word.Type) throws(RecordFault) -> Word
    where Word.RawValue == UInt8 {
        guard let word = try word(field, type) else { throw .missing(field.rawValue) }
        return word
    }

    func photos() throws(RecordFault) -> [PhotoReference] {
        guard let bytes = bytes(.photos) else { return [] }
        let size = PhotoReference.encodedBytes
        guard bytes.count.isMultiple(of: size), bytes.count / size <= LedgerLimits.photosPerCapture else {
            throw .invalid(Field.photos.rawValue)
        }
        var reader = ByteReader(bytes)
        var photos: [PhotoReference] = []
        for _ in 0..<bytes.count / size {
            let kind = PhotoKind(rawValue: reader.take(UInt8.self))
            let count = reader.take(UInt32.self)
            guard let kind, let digest = Digest(bytes: reader.take(count: Digest.byteCount)) else {
                throw .invalid(Field.photos.rawValue)
            }
            photos.append(PhotoReference(kind: kind, digest: digest, byteCount: count))
        }
        return photos
    }
}

/// Two texts, byte for byte. Views of texts that are compared one by one take longer than all else of a short field.
func areSameBytes(_ left: String, _ right: String) -> Bool {
    let isSame = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in areSameBytes(left, right) }
    }
    return (isSame ?? nil) ?? left.utf8.elementsEqual(right.utf8)
}

private func areSameBytes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in 0..<left.count where left[index] != right[index] { return false }
    return true
}
