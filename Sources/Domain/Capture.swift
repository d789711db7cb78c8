// What a camera says of a vehicle. It crosses from the net thread to admission and to the ledger.

/// 进/出厂照片: what a picture shows. Stored by number.
public enum PhotoKind: UInt8, Sendable {
    /// The whole picture: the vehicle's head or body.
    case scene = 1
    /// The plate, cut out.
    case plate = 2
}

/// A picture as it came in, not yet kept.
public struct Photo: Sendable {
    public let kind: PhotoKind
    public let jpeg: [UInt8]

    public init(kind: PhotoKind, jpeg: [UInt8]) {
        self.kind = kind
        self.jpeg = jpeg
    }
}

/// A picture that is kept under its hash.
public struct PhotoReference: Equatable, Sendable {
    public let kind: PhotoKind
    public let digest: Digest
    public let byteCount: UInt32

    public init(kind: PhotoKind, digest: Digest, byteCount: UInt32) {
        self.kind = kind
        self.digest = digest
        self.byteCount = byteCount
    }
}

/// One recognition, in the neutral form into which every camera make is decoded.
public struct Capture: Sendable {
    /// Names the recognition for de-duplication: make, serial number and the make's own id of this read.
    /// Two pushes with the same key are the same recognition.
    public var key: String
    /// The camera's serial number or device name, for the record.
    public var camera: String
    /// The plate text exactly as the camera sent it.
    public var rawPlate: String
    /// The plate, normalised; nil when the camera read none.
    public var plate: Plate?
    /// Percent, 0 to 100; 0 when the camera gave none.
    public var confidence: UInt8
    /// True when the camera replays a read that it stored while it could not reach us: kept, and never decided upon.
    public var isReplayed: Bool
    /// When the camera says that it was taken; nil when it does not.
    public var takenAt: WallTime?
    public var photos: [Photo]

    public init(key: String, camera: String, rawPlate: String, plate: Plate?) {
        self.key = key
        self.camera = camera
        self.rawPlate = rawPlate
        self.plate = plate
        confidence = 0
        isReplayed = false
        takenAt = nil
        photos = []
    }
}
