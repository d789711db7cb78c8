// What the two makes of camera push, written from the published formats and not with the controller's code.

import Domain
import Foundation

/// One recognition, ready to be pushed.
public struct CameraPush: Sendable {
    public var make: CameraMake
    public var visit: Int
    /// The plate in the picture; what the camera read may be none.
    public var plate: Plate
    public var isRead: Bool
    public var photos: [[UInt8]]
    public var contentType: String
    public var body: [UInt8]

    /// `identity` names this read among all of the run.
    public init(visit: Visit, attempt: Int, isRead: Bool, seed: UInt64) {
        make = visit.make
        self.visit = visit.number
        plate = visit.plate
        self.isRead = isRead
        var random = SeededRandom(seed: seed, part: "picture \(visit.number) \(attempt)")
        let comment = "gwsim seed \(seed) visit \(visit.number) attempt \(attempt)"
        photos = [
            Picture.truck(&random).jpeg(comment: comment), Picture.plate(&random).jpeg(comment: comment),
        ]
        let identity = visit.number * 100 + attempt
        switch visit.make {
        case .vzenith:
            contentType = "application/json"
            body = vzenithBody(plate: isRead ? visit.plate : nil, identity: identity, photos: photos)
        case .hikvision:
            let boundary = "---------------------------7e13971310878"
            contentType = "multipart/form-data; boundary=\(boundary)"
            let uuid = random.uuid()
            body = hikvisionBody(
                plate: isRead ? visit.plate : nil, identity: identity, uuid: uuid, boundary: boundary, photos: photos
            )
        }
    }
}

extension SeededRandom {
    mutating func uuid() -> String {
        func digits(_ count: Int) -> String { (0..<count).map { _ in String(draw(0...15), radix: 16) }.joined() }
        return [digits(8), digits(4), digits(4), digits(4), digits(12)].joined(separator: "-")
    }
}

/// Vzenith's colour codes: 0 unknown, 1 blue, 2 yellow, 3 white, 4 black, 5 green, 6 yellow-green.
private func vzenithColour(_ colour: PlateColour) -> Int {
    switch colour {
    case .blue: 1
    case .yellow: 2
    case .white: 3
    case .black: 4
    case .green: 5
    case .yellowGreen: 6
    case .other: 0
    }
}

private func vzenithBody(plate: Plate?, identity: Int, photos: [[UInt8]]) -> [UInt8] {
    let now = Date()
    let parts = Calendar(identifier: .gregorian).dateComponents(
        in: TimeZone(secondsFromGMT: 8 * 3600) ?? .current, from: now
    )
    let whole = Int(now.timeIntervalSince1970)
    let result: [String: Any] = [
        "license": plate?.text ?? "_无_",
        "colorType": plate.map { vzenithColour($0.colour) } ?? 0,
        "type": plate == nil ? 31 : 3,
        "confidence": plate == nil ? 0 : 97,
        "direction": 4, "triggerType": 1, "plateid": identity, "isoffline": 0, "is_fake_plate": 0, "bright": 0,
        "carBright": 0, "carColor": 0, "timeUsed": 0,
        "car_brand": ["brand": 0, "type": 7, "year": 0],
        "location": ["RECT": ["left": 512, "top": 640, "right": 700, "bottom": 700]],
        "gioouts": [["ionum": 0, "ctrltype": 0]],
        "timeStamp": [
            "Timeval": [
                "sec": whole, "usec": Int((now.timeIntervalSince1970 - Double(whole)) * 1_000_000),
                "decyear": parts.year ?? 0, "decmon": parts.month ?? 0, "decday": parts.day ?? 0,
                "dechour": parts.hour ?? 0, "decmin": parts.minute ?? 0, "decsec": parts.second ?? 0,
            ]
        ],
        "imageFile": Data(photos[0]).base64EncodedString(), "imageFileLen": photos[0].count,
        "imageFragmentFile": Data(photos[1]).base64EncodedString(), "imageFragmentFileLen": photos[1].count,
        "imagePath": "",
    ]
    let alarm: [String: Any] = [
        "channel": 0, "deviceName": "IVS", "ipaddr": "192.0.2.11", "serialno": "5ad1f0e3-4d1b7f2c", "user_data": "",
        "result": ["PlateResult": result],
    ]
    let data = try? JSONSerialization.data(withJSONObject: ["AlarmInfoPlate": alarm])
    return Array(data ?? Data())
}

private func hikvisionColour(_ colour: PlateColour) -> String {
    switch colour {
    case .blue: "blue"
    case .yellow: "yellow"
    case .white: "white"
    case .black: "black"
    case .green: "newEnergyGreen"
    case .yellowGreen: "newEnergyYellowGreen"
    case .other: "other"
    }
}

private func hikvisionXML(plate: Plate?, identity: Int, uuid: String) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 8 * 3600)
    format.dateFormat = "yyyy-MM-dd'T'HH:mm:ss.SSS'+08:00'"
    let taken = format.string(from: Date())
    return """
        <?xml version="1.0" encoding="UTF-8"?>
        <EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
        <ipAddress>192.0.2.12</ipAddress><protocol>HTTP</protocol><macAddress>02:00:00:00:00:12</macAddress>
        <channelID>1</channelID><dateTime>\(taken)</dateTime><activePostCount>1</activePostCount>
        <eventType>ANPR</eventType><eventState>active</eventState><eventDescription>ANPR</eventDescription>
        <channelName>A01</channelName><deviceID>\(identity)</deviceID>
        <ANPR><country>8</country><licensePlate>\(plate?.text ?? "unknown")</licensePlate><line>1</line>
        <direction>forward</direction><confidenceLevel>\(plate == nil ? 0 : 96)</confidenceLevel>
        <plateType>92TypeCivil</plateType>
        <plateColor>\(plate.map { hikvisionColour($0.colour) } ?? "unknown")</plateColor>
        <licenseBright>0</licenseBright><vehicleType>truck</vehicleType><detectType>1</detectType>
        <alarmDataType>0</alarmDataType><vehicleInfo><index>\(identity)</index><vehicleType>2</vehicleType>
        <color>white</color><speed>8</speed></vehicleInfo>
        <pictureInfoList><pictureInfo><fileName>detectionPicture.jpg</fileName><type>detectionPicture</type>
        <dataType>0</dataType></pictureInfo><pictureInfo><fileName>licensePlatePicture.jpg</fileName>
        <type>licensePlatePicture</type><dataType>0</dataType></pictureInfo></pictureInfoList>
        <originalLicensePlate>\(plate?.text ?? "unknown")</originalLicensePlate></ANPR>
        <UUID>\(uuid)</UUID><picNum>2</picNum><deviceUUID>gwsim-hik-1</deviceUUID>
        </EventNotificationAlert>
        """
}

private func hikvisionBody(
    plate: Plate?, identity: Int, uuid: String, boundary: String, photos: [[UInt8]]
) -> [UInt8] {
    var body: [UInt8] = []
    func part(_ name: String, _ type: String, _ content: [UInt8]) {
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"\(name)\"\r\n"
            + "Content-Type: \(type)\r\nContent-Length: \(content.count)\r\n\r\n"
        body += Array(head.utf8) + content + [13, 10]
    }
    part("anpr.xml", "text/xml", Array(hikvisionXML(plate: plate, identity: identity, uuid: uuid).utf8))
    part("licensePlatePicture.jpg", "image/jpeg", photos[1])
    part("detectionPicture.jpg", "image/jpeg", photos[0])
    return body + Array("--\(boundary)--\r\n".utf8)
}
