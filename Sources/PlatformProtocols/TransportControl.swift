// The `transportControl` interface (Henan type; facts hj1321.md §4.A): requests written, replies read.
//
// It was collected from deployed clients and servers, so it shows one version in use. Facts from there are marked
// "§4.A"; what is marked "ours" was chosen here because no source says it.
//
// Invariants: nothing is invented. What the ledger does not know goes out as the platform's own word for unknown, or
// empty. The same report gives the same bytes at every try, but for the token and the ledger's head.
// Limits: a reply of 64 KiB, 200 characters of the platform's words.

import Domain
import Formats

/// What one platform of this type expects.
public struct TransportControlSettings: Sendable {
    /// Where the deployed servers take the credentials (§4.A).
    public enum CredentialPlace: Sendable {
        /// Beside `ipctype`.
        case topLevel
        /// Within `value` (vendors tdrc and xy).
        case value
    }

    /// Before `/restapi`: empty, or a path without a slash at its end.
    public var pathPrefix = ""
    public var organ: String
    public var username: String
    public var password: String
    public var credentialPlace = CredentialPlace.topLevel
    /// 道闸编号 that the heartbeat reports.
    public var gateCodes: [String]
    public var utcOffsetMinutes = CivilTime.chinaStandardOffsetMinutes
    /// Goes out as the plate when none was read (ours): the platforms refuse an empty one.
    public var unreadPlate = "未识别"
    /// Goes out as the fuel when it is not known (§2.5: clients that sent A for it reported untruths).
    public var unknownFuel = ""
    /// Codes and parts of the status text by which the platform says that it holds a report already (ours: no
    /// document tells them).
    public var duplicateCodes: [String] = []
    public var duplicateWords: [String] = []
    /// Codes and parts of the status text by which it refuses the token (ours).
    public var tokenCodes = ["401"]
    public var tokenWords = ["access_token", "令牌"]
    /// The member, beside `ipctype`, that carries the ledger's head for the platform to witness (ours: §4.A has no
    /// place for it); nil: none.
    public var witnessMember: String?

    public init(organ: String, username: String, password: String, gateCodes: [String]) {
        self.organ = organ
        self.username = username
        self.password = password
        self.gateCodes = gateCodes
    }
}

/// The adapter of one platform. Pure.
public struct TransportControl: Sendable {
    static let replyLimits = JSONLimits(bytes: 64 * 1_024, depth: 16, values: 1_000)

    let settings: TransportControlSettings
    /// The ledger's head at this moment: it goes with every request but the login.
    public var witness = ""

    public init(_ settings: TransportControlSettings) {
        self.settings = settings
    }

    /// `getAccessToken`.
    public func login() -> PlatformRequest {
        let credentials = [
            JSONMember("username", .string(settings.username)), JSONMember("password", .string(settings.password)),
        ]
        switch settings.credentialPlace {
        case .topLevel:
            return request("get_data", [organ, kind("getAccessToken")] + credentials)
        case .value:
            return request("get_data", [organ, kind("getAccessToken"), JSONMember("value", .object(credentials))])
        }
    }

    /// `shareDrivingRecord`: the passage, without its photos.
    public func record(_ report: PassageReport, token: String) -> PlatformRequest {
        let vehicle = report.vehicle
        let direction = directionCode(report.direction)
        var value = identity(report)
        value += [
            text("entranceGateCode", report.entranceGateCode), text("inOutComStatus", direction),
            text("date", time(report.passedAt)), JSONMember("rollType", .integer(0)),
            text("cdmc", vehicle?.fleet ?? ""), text("vin", vehicle?.vin ?? ""),
            text("registerDate", vehicle?.registrationDate ?? ""), text("model", vehicle?.model ?? ""),
            text("fuelType", vehicle?.fuel?.code ?? settings.unknownFuel),
            text("emissionStandard", (vehicle?.stage ?? .unknown).code),
            text("useCharacter", vehicle?.usage ?? ""), text("drivingLicenseImg", ""), text("drivingLicenseImg2", ""),
            JSONMember("ysl", .integer(0)), text("hwmc", ""), text("hylx", ""), text("ysldw", ""),
            text("networkStatus", networkCode(vehicle?.networked)), text("imgURL1", ""), text("imgURL2", ""),
            // What the last two twins hold is ours: the state of the arm as in the heartbeat, and the direction.
            text("tgsjq", time(report.arrivedAt)), text("tgsjz", time(report.endedAt)), text("bgzt", "0"),
            text("tgzt", direction),
        ]
        return request("put_data", envelope("shareDrivingRecord", token, .object(value)))
    }

    /// `sharePhotoInfo`: one photo of a passage that the platform holds.
    public func photo(_ photo: PhotoReport, of report: PassageReport, token: String) -> PlatformRequest {
        let number = String(photo.number)
        let type = imageType(photo.kind)
        let taken = time(report.passedAt)
        var value = identity(report)
        value += [
            text("companyName", report.enterpriseName), text("imageNum", number), text("imageType", type),
            text("base64Image", Base64.encode(photo.jpeg)), text("imageTime", taken),
            text("zpbh", number), text("zplx", type), text("pzsj", taken),
        ]
        return request("put_file", envelope("sharePhotoInfo", token, .object(value)))
    }

    /// `putdcstatus`: the heartbeat of the gates.
    public func heartbeat(token: String) -> PlatformRequest {
        let gates = settings.gateCodes.map { code in
            JSONValue.object([text("dzbh", code), text("bgzt", "0"), text("vlpzt", "0")])
        }
        return request("put_data", envelope("putdcstatus", token, .array(gates)))
    }

    // MARK: parts

    private var organ: JSONMember { text("organ", settings.organ) }

    private func kind(_ name: String) -> JSONMember { text("ipctype", name) }

    private func envelope(_ name: String, _ token: String, _ value: JSONValue) -> [JSONMember] {
        var members = [organ, kind(name), text("access_token", token)]
        if let member = settings.witnessMember, !witness.isEmpty { members.append(text(member, witness)) }
        return members + [JSONMember("value", value)]
    }

    private func request(_ verb: String, _ members: [JSONMember]) -> PlatformRequest {
        PlatformRequest(
            path: "\(settings.pathPrefix)/restapi/transportControl/\(verb)",
            contentType: "application/json;charset=UTF-8",
            body: JSONValue.object(members).encoded()
        )
    }

    /// The members that say which passage of which gate it is, each with its pinyin twin. Servers read the
    /// enterprise under either spelling, and deployed clients send both (§4.A).
    private func identity(_ report: PassageReport) -> [JSONMember] {
        let plate = report.plate?.text ?? settings.unreadPlate
        let colour = colourCode(report.plate?.colour)
        return [
            text("serialNum", report.serial), text("enterpriseID", report.enterpriseID),
            text("enterpriseId", report.enterpriseID), text("gateCodeB", report.gateCode), text("license", plate),
            text("licenseColor", colour), text("lsh", report.serial), text("qybh", report.enterpriseID),
            text("qymc", report.enterpriseName), text("dzbh", report.gateCode), text("cphm", plate),
            text("cpys", colour),
        ]
    }

    private func text(_ name: String, _ value: String) -> JSONMember { JSONMember(name, .string(value)) }

    /// `yyyy-MM-dd HH:mm:ss` (§4.A).
    private func time(_ time: WallTime) -> String {
        CivilTime(time, offsetMinutes: settings.utcOffsetMinutes).text
    }
}

// MARK: code tables

/// 进出厂状态: 1 in, 2 out (§3.6).
func directionCode(_ direction: Direction) -> String {
    switch direction {
    case .entry: "1"
    case .exit: "2"
    }
}

/// 号牌颜色 of the 门禁 platforms (§3.2); a colour that was not seen is "other" and never blue.
func colourCode(_ colour: PlateColour?) -> String {
    switch colour {
    case .blue: "0"
    case .yellow: "1"
    case .white: "2"
    case .black: "3"
    case .green: "4"
    case .other, nil: "5"
    case .yellowGreen: "6"
    }
}

/// 联网状态: 0 no, 1 yes (§3.6); empty when not known.
func networkCode(_ networked: Bool?) -> String {
    switch networked {
    case false: "0"
    case true: "1"
    case nil: ""
    }
}

/// The numbers are ours: no source tells the table.
func imageType(_ kind: PhotoKind) -> String {
    switch kind {
    case .scene: "1"
    case .plate: "2"
    }
}
