// What the platform holds: records by serial number, photos by serial and number, in the order of their coming. It
// takes each thing once and says "重复上报" to the rest. Pure: requests in, answers out.

import Foundation

/// 进出厂记录 as the platform stored it.
public struct HeldRecord: Sendable, Equatable {
    public var serial: String
    public var plate: String
    public var colour: String
    /// `1` in, `2` out.
    public var direction: String
    /// `yyyy-MM-dd HH:mm:ss`.
    public var date: String
    public var stage: String
}

public struct HeldPhoto: Sendable, Equatable {
    public var serial: String
    public var number: String
    /// SHA-256, lower-case hexadecimal.
    public var digest: String
    public var byteCount: Int
}

public struct PlatformBook: Sendable {
    public private(set) var records: [HeldRecord] = []
    public private(set) var photos: [HeldPhoto] = []
    /// Posts of what was held already.
    public private(set) var repeats = 0
    /// A repeat whose content was another: the sender broke the meaning of a serial number.
    public private(set) var contradictions: [String] = []
    /// Requests that the documents do not allow, with what was wrong.
    public private(set) var malformed: [String] = []
    /// Photos that came before their record.
    public private(set) var orphans = 0
    /// The heads of the sender's ledger, `number:hash:epoch`, each once, as they came with its requests.
    public private(set) var heads: [String] = []
    private var serials: [String: Int] = [:]
    private var photoKeys: [String: Int] = [:]
    private var tokens: Set<String> = []
    private var tokensGiven = 0

    public static let username = "gw-demo"
    public static let password = "gw-demo-2f8c41"
    public static let organ = "410000-SIM"
    public static let witnessMember = "ledgerHead"

    public init() {}

    /// One request of `transportControl`, by the last part of its path.
    public mutating func answer(verb: String, request: [String: Any], now: Date) -> [String: Any] {
        guard let type = request["ipctype"] as? String else { return refuse("400", "缺少 ipctype") }
        if type == "getAccessToken" { return verb == "get_data" ? login(request, now) : refuse("404", "接口不存在") }
        guard let token = request["access_token"] as? String, tokens.contains(token) else {
            return ["code": "401", "status": "access_token 无效或已过期"]
        }
        guard request["organ"] as? String == PlatformBook.organ else { return refuse("400", "organ 不符") }
        if let head = request[PlatformBook.witnessMember] as? String, heads.last != head { heads.append(head) }
        switch (type, verb) {
        case ("shareDrivingRecord", "put_data"): return store(record: value(request))
        case ("sharePhotoInfo", "put_file"): return store(photo: value(request))
        case ("putdcstatus", "put_data"), ("gateStatusReport", "put_data"): return ["code": "200", "status": "成功"]
        default: return refuse("404", "接口不存在: \(type) \(verb)")
        }
    }

    public mutating func forgetTokens() {
        tokens.removeAll()
    }

    private mutating func login(_ request: [String: Any], _ now: Date) -> [String: Any] {
        let inner = value(request) ?? [:]
        let username = request["username"] as? String ?? inner["username"] as? String
        let password = request["password"] as? String ?? inner["password"] as? String
        guard username == PlatformBook.username, password == PlatformBook.password else {
            return refuse("403", "用户名或密码错误")
        }
        tokensGiven += 1
        let token = "token-\(tokensGiven)"
        tokens.insert(token)
        return ["code": "200", "status": "成功", "access_token": token, "datetime": PlatformBook.text(now)]
    }

    private mutating func store(record: [String: Any]?) -> [String: Any] {
        guard let record else { return refuse("400", "value 不是对象") }
        func text(_ name: String) -> String { PlatformBook.text(record[name]) }
        let held = HeldRecord(
            serial: text("serialNum"), plate: text("license"), colour: text("licenseColor"),
            direction: text("inOutComStatus"), date: text("date"), stage: text("emissionStandard")
        )
        guard !held.serial.isEmpty, held.serial == text("lsh") else { return refuse("400", "serialNum 与 lsh 不符") }
        guard ["1", "2"].contains(held.direction) else { return refuse("400", "inOutComStatus 错误") }
        guard PlatformBook.isDate(held.date) else { return refuse("400", "date 格式错误") }
        guard !held.plate.isEmpty, held.plate == text("cphm"), !text("enterpriseID").isEmpty else {
            return refuse("400", "cphm 不符")
        }
        if let index = serials[held.serial] {
            if records[index] != held { contradictions.append("record \(held.serial)") }
            return repeated()
        }
        serials[held.serial] = records.count
        records.append(held)
        return ["code": "200", "status": "成功"]
    }

    private mutating func store(photo: [String: Any]?) -> [String: Any] {
        guard let photo else { return refuse("400", "value 不是对象") }
        let serial = PlatformBook.text(photo["serialNum"])
        let number = PlatformBook.text(photo["imageNum"])
        var base64 = PlatformBook.text(photo["base64Image"])
        if let comma = base64.firstIndex(of: ",") { base64 = String(base64[base64.index(after: comma)...]) }
        guard let data = Data(base64Encoded: base64), data.starts(with: [0xFF, 0xD8]) else {
            return refuse("400", "照片不是 JPEG")
        }
        guard !serial.isEmpty, !number.isEmpty else { return refuse("400", "缺少 serialNum 或 imageNum") }
        let held = HeldPhoto(serial: serial, number: number, digest: sha256(Array(data)), byteCount: data.count)
        if let index = photoKeys["\(serial)/\(number)"] {
            if photos[index] != held { contradictions.append("photo \(serial)/\(number)") }
            return repeated()
        }
        if serials[serial] == nil { orphans += 1 }
        photoKeys["\(serial)/\(number)"] = photos.count
        photos.append(held)
        return ["code": "200", "status": "成功"]
    }

    private mutating func repeated() -> [String: Any] {
        repeats += 1
        return ["code": "409", "status": "重复上报"]
    }

    private mutating func refuse(_ code: String, _ status: String) -> [String: Any] {
        malformed.append(status)
        return ["code": code, "status": status]
    }

    /// `value` is an object, or the text of one.
    private func value(_ request: [String: Any]) -> [String: Any]? {
        if let text = request["value"] as? String {
            return try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        }
        return request["value"] as? [String: Any]
    }

    private static func text(_ value: Any?) -> String {
        switch value {
        case let text as String: text
        case let number as NSNumber: number.stringValue
        default: ""
        }
    }

    static func isDate(_ text: String) -> Bool {
        let pattern = Array("dddd-dd-dd dd:dd:dd".utf8)
        let bytes = Array(text.utf8)
        return bytes.count == pattern.count
            && zip(bytes, pattern).allSatisfy { $1 == 0x64 ? (0x30...0x39).contains($0) : $0 == $1 }
    }

    private static func text(_ date: Date) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 8 * 3600)
        format.dateFormat = "yyyy-MM-dd HH:mm:ss"
        return format.string(from: date)
    }
}
