// What a platform is told and what it answers, in neutral words: each adapter maps them to its own.

import Domain

/// 通行记录: one vehicle that went through the gate, as the ledger froze it.
public struct PassageReport: Sendable {
    /// 流水号: frozen in the ledger, the same at every try.
    public var serial: String
    /// 企业编号.
    public var enterpriseID: String
    /// 企业名称.
    public var enterpriseName: String
    /// 出入口编号: one letter.
    public var entranceGateCode: String
    /// 道闸编号.
    public var gateCode: String
    public var direction: Direction
    public var arrivedAt: WallTime
    /// 进/出厂时间.
    public var passedAt: WallTime
    public var endedAt: WallTime
    /// Nil when none was read.
    public var plate: Plate?
    /// Nil when the register did not hold it.
    public var vehicle: Vehicle?

    public init(
        serial: String, enterpriseID: String, enterpriseName: String, entranceGateCode: String, gateCode: String,
        direction: Direction, arrivedAt: WallTime, passedAt: WallTime, endedAt: WallTime, plate: Plate?,
        vehicle: Vehicle?
    ) {
        self.serial = serial
        self.enterpriseID = enterpriseID
        self.enterpriseName = enterpriseName
        self.entranceGateCode = entranceGateCode
        self.gateCode = gateCode
        self.direction = direction
        self.arrivedAt = arrivedAt
        self.passedAt = passedAt
        self.endedAt = endedAt
        self.plate = plate
        self.vehicle = vehicle
    }
}

/// One picture of a passage.
public struct PhotoReport: Sendable {
    /// Its place among the passage's photos, from 1.
    public var number: Int
    public var kind: PhotoKind
    public var jpeg: [UInt8]

    public init(number: Int, kind: PhotoKind, jpeg: [UInt8]) {
        self.number = number
        self.kind = kind
        self.jpeg = jpeg
    }
}

/// A POST to the platform.
public struct PlatformRequest: Equatable, Sendable {
    public let path: String
    public let contentType: String
    public let body: [UInt8]
}

/// What a platform's answer to a report means. The words are the platform's own, bounded.
public enum PlatformReply: Equatable, Sendable {
    case accepted
    /// It holds this serial already: as good as accepted.
    case duplicate(String)
    /// The token is not taken, or no longer.
    case tokenRefused(String)
    /// It will not have this report.
    case refused(String)
    /// It cannot answer now; says nothing of the report.
    case unavailable(String)
    /// No answer of this protocol: a proxy's page, or something cut.
    case malformed(String)
}

public enum PlatformLogin: Equatable, Sendable {
    /// `issuedAt`: by the platform's clock, where it says so.
    case granted(token: String, issuedAt: WallTime?)
    case refused(String)
    case unavailable(String)
    case malformed(String)
}
