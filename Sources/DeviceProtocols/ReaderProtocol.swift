// UHF tag readers on a serial line: the protocols, their frames, and what an inventory answers, in one neutral form.
//
// Invariants: no frame whose check value is wrong is ever used; bytes of no frame are passed over one by one, so that
// the next whole frame is found again.
// Limits: a stream holds at most 1 KiB; a frame has at most 257 bytes.

import Domain

/// What a reader speaks.
public enum ReaderProtocol: Sendable {
    /// 0xA0: boards with Impinj's R2000 and those that copied them.
    case r2000
    /// UHFReader18.
    case uhfReader18
    /// UHFReader86 and its relatives: the same frames, and antenna and strength with each tag.
    case uhfReader86
    /// 0xBB: M100, QM100, YRM100, JRD-4035.
    case m100

    /// Bits a second as they are delivered (UHFReader: unconfirmed); 8 data bits, no parity, 1 stop bit.
    public var usualBaud: UInt32 {
        switch self {
        case .r2000, .m100: 115_200
        case .uhfReader18, .uhfReader86: 57_600
        }
    }

    /// What asks for one inventory. `address` 0xFF is every reader; 0xBB has no addresses.
    public func inventory(address: UInt8) -> [UInt8] {
        switch self {
        case .r2000: R2000.frame(address: address, command: R2000.realTimeInventory, data: [1])
        case .uhfReader18, .uhfReader86: UHFReader.command(address: address, command: UHFReader.inventory)
        case .m100: M100.frame(type: M100.command, command: M100.singlePoll, parameters: [])
        }
    }

    /// What a frame says of an inventory; nil when it says nothing of one.
    public func message(_ frame: ReaderFrame) -> ReaderMessage? {
        switch self {
        case .r2000: R2000.message(frame)
        case .uhfReader18: UHFReader.message(frame, tellsStrength: false)
        case .uhfReader86: UHFReader.message(frame, tellsStrength: true)
        case .m100: M100.message(frame)
        }
    }
}

/// A tag as one inventory saw it.
public struct TagSight: Equatable, Sendable {
    public var tag: VehicleTag
    /// How strong it was, where the reader tells it in dBm.
    public var dBm: Int?
    /// From 1, where the reader tells it.
    public var antenna: Int?

    public init(tag: VehicleTag, dBm: Int? = nil, antenna: Int? = nil) {
        self.tag = tag
        self.dBm = dBm
        self.antenna = antenna
    }
}

/// What a reader says of an inventory.
public struct ReaderMessage: Equatable, Sendable {
    public var sights: [TagSight]
    /// Nothing more comes of this inventory.
    public var isLast: Bool
    /// The reader's own number for what went wrong.
    public var failure: UInt8?

    init(_ sights: [TagSight], isLast: Bool, failure: UInt8? = nil) {
        self.sights = sights
        self.isLast = isLast
        self.failure = failure
    }
}

/// Why bytes are not a frame.
public enum ReaderFrameError: Error, Equatable, Sendable {
    /// Fewer bytes than the shortest frame, or than its length says.
    case cutShort(expected: Int, got: Int)
    /// The first byte, or the length, is that of no frame.
    case noFrame
    case checksum(expected: UInt16, got: UInt16, byteCount: Int)

    public var description: String {
        switch self {
        case .cutShort(let expected, let got):
            "the frame is cut short: \(expected) bytes expected, \(got) there; capture it whole"
        case .noFrame:
            "no frame begins there; check the protocol and the baud rate"
        case .checksum(let expected, let got, _):
            "the checksum does not match: expected \(LedSignFrame.word(expected)), got \(LedSignFrame.word(got)); "
                + "check wiring, baud rate and termination"
        }
    }
}

/// One frame whose check value is right.
public struct ReaderFrame: Equatable, Sendable {
    /// 0xBB has none: there it is the frame's type.
    public var address: UInt8
    public var command: UInt8
    /// What follows the command, up to the check value.
    public var data: [UInt8]
    public var byteCount: Int

    /// The frame at the start of `bytes`; what follows it is left alone.
    public init(_ spoken: ReaderProtocol, prefixOf bytes: ArraySlice<UInt8>) throws(ReaderFrameError) {
        switch spoken {
        case .r2000: self = try R2000.frame(prefixOf: bytes)
        case .uhfReader18, .uhfReader86: self = try UHFReader.frame(prefixOf: bytes)
        case .m100: self = try M100.frame(prefixOf: bytes)
        }
    }

    init(address: UInt8, command: UInt8, data: ArraySlice<UInt8>, byteCount: Int) {
        self.address = address
        self.command = command
        self.data = Array(data)
        self.byteCount = byteCount
    }
}

/// Cuts what comes from a line into frames.
public struct ReaderStream: Sendable {
    public static let capacity = 1_024

    private let spoken: ReaderProtocol
    private var held: [UInt8] = []
    /// So many of the first bytes held lie in a frame that is counted as damaged already.
    private var damagedAhead = 0
    /// Frames whose check value was wrong, since the start.
    public private(set) var damagedFrames: UInt64 = 0
    /// Bytes that belonged to no good frame, since the start.
    public private(set) var strayBytes: UInt64 = 0

    public init(_ spoken: ReaderProtocol) {
        self.spoken = spoken
    }

    /// Takes what came. Beyond the capacity the oldest go.
    public mutating func take(_ bytes: [UInt8]) {
        held += bytes
        if held.count > ReaderStream.capacity { drop(held.count - ReaderStream.capacity) }
    }

    /// The next frame; nil when more must come first. `atSilence`: nothing more comes, so what is cut short is none.
    public mutating func next(atSilence: Bool = false) -> ReaderFrame? {
        var place = 0
        defer { drop(place) }
        while place < held.count {
            do throws(ReaderFrameError) {
                let frame = try ReaderFrame(spoken, prefixOf: held[place...])
                drop(place)
                place = 0
                held.removeFirst(frame.byteCount)
                damagedAhead = max(0, damagedAhead - frame.byteCount)
                return frame
            } catch {
                switch error {
                case .cutShort where !atSilence: return nil
                case .checksum(_, _, let byteCount) where place >= damagedAhead:
                    damagedFrames += 1
                    damagedAhead = place + byteCount
                case .cutShort, .noFrame, .checksum: break
                }
                place += 1
            }
        }
        return nil
    }

    /// Leaves out what is held, before a new question.
    public mutating func forget() {
        drop(held.count)
    }

    private mutating func drop(_ count: Int) {
        guard count > 0 else { return }
        held.removeFirst(count)
        strayBytes += UInt64(count)
        damagedAhead = max(0, damagedAhead - count)
    }
}
