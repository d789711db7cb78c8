// What the decoders of every camera make share: the replaceable code tables, the bounds on a camera's texts, the
// errors, and the colour that follows from a plate's form.
//
// Invariants: a text that enters a capture is bounded and free of control characters; an unknown code is unknown.

import Domain
import Formats

public enum CameraMake: String, CaseIterable, Sendable {
    case vzenith
    case hikvision

    public var codes: CameraCodes {
        switch self {
        case .vzenith: .vzenith
        case .hikvision: .hikvision
        }
    }
}

/// A make's codes. Makers and their resellers renumber them, so a site may replace any of these tables.
public struct CameraCodes: Sendable {
    /// The camera's code of a plate's colour, in lower case.
    public var plateColours: [String: PlateColour]
    /// The camera's code of a plate's type, where the type settles the colour; used when the colour code does not.
    public var plateTypes: [String: PlateColour]
    /// What the camera writes when it saw a vehicle and could not read its plate, in lower case.
    public var unreadPlates: [String]

    public init(plateColours: [String: PlateColour], plateTypes: [String: PlateColour], unreadPlates: [String]) {
        self.plateColours = plateColours
        self.plateTypes = plateTypes
        self.unreadPlates = unreadPlates
    }

    /// Vzenith's `colorType` and `type`; 0 is unknown in both.
    public static let vzenith = CameraCodes(
        plateColours: ["1": .blue, "2": .yellow, "3": .white, "4": .black, "5": .green, "6": .yellowGreen],
        plateTypes: [
            "1": .blue, "2": .black, "3": .yellow, "4": .yellow, "5": .white, "6": .white, "8": .white, "9": .white,
            "10": .black, "11": .black, "13": .yellow, "14": .black, "15": .white, "16": .white, "17": .white,
            "19": .green, "20": .yellowGreen,
        ],
        unreadPlates: ["_无_", "无"]
    )

    /// ISAPI's `plateColor` words. Its `plateType` settles no colour.
    public static let hikvision = CameraCodes(
        plateColours: [
            "blue": .blue, "yellow": .yellow, "white": .white, "black": .black, "green": .green, "other": .other,
            "newenergygreen": .green, "newenergyyellowgreen": .yellowGreen, "yellowgreen": .yellowGreen,
        ],
        plateTypes: [:],
        unreadPlates: ["unknown", "无车牌"]
    )

    /// The plate of a read; nil when the camera read none.
    func plate(_ raw: String, colourCode: String?, typeCode: String?) -> Plate? {
        guard !unreadPlates.contains(raw.lowercased()), let bare = Plate(raw, colour: .other) else { return nil }
        let colour =
            colourCode.flatMap { plateColours[$0.lowercased()] } ?? typeCode.flatMap { plateTypes[$0.lowercased()] }
        return Plate(raw, colour: colour ?? impliedColour(of: bare.text))
    }
}

/// The colour that a plate's form alone implies (GA 36-2018), for a camera that gives none; `other` where the form
/// leaves it open. Blue is never assumed: an ordinary plate of seven characters is blue or yellow, two different
/// vehicles may bear its text, and the wrong guess would let one pass for the other.
func impliedColour(of plate: String) -> PlateColour {
    let scalars = Array(plate.unicodeScalars)
    guard let last = scalars.last else { return .other }
    if plate.hasPrefix("WJ") { return .white }
    switch last {
    case "挂", "学": return .yellow
    case "警": return .white
    case "港", "澳", "使", "领": return .black
    // New energy: small ones end in a digit, large ones in a letter.
    case "0"..."9" where scalars.count == 8: return .green
    case "A"..."Z" where scalars.count == 8: return .yellowGreen
    default: return .other
    }
}

/// A push that cannot be used. The camera's configuration or firmware has to change.
public enum DeviceProtocolError: Error, Equatable, Sendable {
    case format(FormatError)
    /// The document is of another kind: what it is, and what is understood here.
    case wrongRoot(found: String, expected: String)
    case missing(field: String)
    /// A text of more than so many bytes.
    case tooLong(field: String, limit: Int)
    case controlCharacter(field: String)

    /// One line, such as `no PlateResult.license in the push`.
    public var description: String {
        switch self {
        case .format(let error): error.description
        case .wrongRoot(let found, let expected): "unexpected root \"\(found)\": expected \(expected)"
        case .missing(let field): "no \(field) in the push"
        case .tooLong(let field, let limit): "\(field) is longer than \(limit) bytes"
        case .controlCharacter(let field): "\(field) holds a control character"
        }
    }
}

/// A read with what its decoding left out.
public struct CameraRead: Sendable {
    public var capture: Capture
    /// Pictures that were sent and are no JPEG (no FF D8 at the start, or undecodable); they are not kept.
    public var droppedPhotos: Int
}

/// The longest text of a camera that is kept: plate, serial number, identifier.
let cameraTextLimit = 64

/// `text` if it may enter a capture. `field` names it in the error.
func bounded(_ text: String, field: String) throws(DeviceProtocolError) -> String {
    guard text.utf8.count <= cameraTextLimit else { throw .tooLong(field: field, limit: cameraTextLimit) }
    guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .controlCharacter(field: field) }
    return text
}

/// A sender's own word for use in an error: short, on one line.
func excerpt(_ text: String) -> String {
    String(decoding: text.utf8.prefix(32).map { $0 < 0x20 || $0 == 0x7F ? 0x3F : $0 }, as: UTF8.self)
}

func isJPEG(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0xFF, 0xD8])
}

/// FNV-1a, 64 bits: names a push that has neither identifier nor time, so that its repetition has the same key.
func fingerprint(_ bytes: [UInt8]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return String(hash, radix: 16)
}
