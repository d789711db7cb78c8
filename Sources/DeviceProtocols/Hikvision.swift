// Hikvision cameras: the ISAPI ANPR push to a listening host.
//
// The camera posts multipart/form-data with an XML part and JPEG parts, or the XML alone when it sends no pictures.
// Firmware differs in namespace, in where a part's name stands and in its type: elements match by local name, parts by
// name or file name and then by their first bytes.
// Invariants: any bytes decode to a message or to an error; a read without pictures is still a read.

import Domain
import Formats

public enum HikvisionMessage: Sendable {
    case plate(CameraRead)
    /// Another event, such as `videoloss`, which cameras also send as a heartbeat: its `eventType`.
    case event(String)
}

/// Decodes one push. Anything of status 200 answers it.
public func decodeHikvision(
    contentType: String, body: [UInt8], codes: CameraCodes = .hikvision
) throws(DeviceProtocolError) -> HikvisionMessage {
    var parts: [MultipartPart] = []
    var document = body
    if Multipart.isMultipart(contentType) {
        do throws(FormatError) {
            parts = try Multipart.parts(contentType: contentType, body: body)
        } catch { throw .format(error) }
        guard let place = documentPlace(parts) else { throw .missing(field: "anpr.xml part") }
        document = parts.remove(at: place).body
    }
    let root: XMLElement
    do throws(FormatError) { root = try XMLElement.parse(document) } catch { throw .format(error) }
    guard root.name == "EventNotificationAlert" else {
        throw .wrongRoot(found: excerpt(root.name), expected: "EventNotificationAlert")
    }
    guard let details = root["ANPR"] else {
        guard let event = root["eventType"]?.text, event != "ANPR" else { throw .missing(field: "ANPR element") }
        return .event(excerpt(event))
    }
    var capture = try capture(root, details, document, codes)
    let dropped = addPhotos(parts, to: &capture)
    return .plate(CameraRead(capture: capture, droppedPhotos: dropped))
}

/// The part that holds the XML: by its name, else by its type, else by its first byte.
private func documentPlace(_ parts: [MultipartPart]) -> Int? {
    func isXML(_ type: String) -> Bool { type.hasPrefix("application/xml") || type.hasPrefix("text/xml") }
    func named(_ part: MultipartPart) -> Bool {
        part.name.lowercased().hasSuffix(".xml") || part.fileName.lowercased().hasSuffix(".xml")
    }
    return parts.firstIndex(where: named)
        ?? parts.firstIndex { isXML($0.contentType.lowercased()) }
        ?? parts.firstIndex { $0.body.first == 0x3C }
}

private func capture(
    _ root: XMLElement, _ details: XMLElement, _ document: [UInt8], _ codes: CameraCodes
) throws(DeviceProtocolError) -> Capture {
    guard let license = details["licensePlate"]?.text else { throw .missing(field: "ANPR.licensePlate") }
    let rawPlate = try bounded(license, field: "ANPR.licensePlate")
    let device = try firstText(root, ["macAddress", "deviceUUID", "deviceID", "ipAddress"])
    guard !device.isEmpty else { throw .missing(field: "macAddress, deviceUUID, deviceID or ipAddress") }
    let identifier = try firstText(root, ["UUID"])
    let time = try firstText(root, ["dateTime"])

    let name: String
    if !identifier.isEmpty {
        name = identifier
    } else if !time.isEmpty {
        name = "\(time)/\(rawPlate)"
    } else {
        name = fingerprint(document)
    }
    let colour = details["plateColor"]?.text
    let plate = codes.plate(rawPlate, colourCode: colour, typeCode: details["plateType"]?.text)
    var capture = Capture(key: "hikvision/\(device)/\(name)", camera: device, rawPlate: rawPlate, plate: plate)
    capture.confidence = percent(details["confidenceLevel"]?.text ?? "")
    // 0 is live; anything else was stored.
    capture.isReplayed = (Int(details["alarmDataType"]?.text ?? "") ?? 0) != 0
    capture.takenAt = wallTime(iso8601: time)
    return capture
}

private func firstText(_ root: XMLElement, _ names: [String]) throws(DeviceProtocolError) -> String {
    for name in names {
        if let text = root[name]?.text, !text.isEmpty { return try bounded(text, field: name) }
    }
    return ""
}

/// `97` and `97.4` alike.
private func percent(_ text: String) -> UInt8 {
    let whole = text.utf8.prefix { (0x30...0x39).contains($0) }.prefix(4)
    return UInt8(min(whole.reduce(0) { $0 * 10 + Int($1 - 0x30) }, 100))
}

/// Adds the whole picture and the plate's; of several whole ones `detectionPicture` is preferred. Cut-outs of faces and
/// of features are not kept. Returns how many parts were named as pictures and are none.
private func addPhotos(_ parts: [MultipartPart], to capture: inout Capture) -> Int {
    var dropped = 0
    var scene: [UInt8]?
    var plate: [UInt8]?
    for part in parts {
        let names = [part.name.lowercased(), part.fileName.lowercased()]
        func isCalled(_ start: String) -> Bool { names.contains { $0.hasPrefix(start) } }
        guard isJPEG(part.body) else {
            let isPicture = names.contains { $0.hasSuffix(".jpg") || $0.hasSuffix(".jpeg") }
            if isPicture || part.contentType.lowercased().hasPrefix("image/") { dropped += 1 }
            continue
        }
        if isCalled("licenseplate") {
            plate = plate ?? part.body
        } else if isCalled("detectionpicture") {
            scene = part.body
        } else if !isCalled("pedestrian") && !isCalled("feature") {
            scene = scene ?? part.body
        }
    }
    if let scene { capture.photos.append(Photo(kind: .scene, jpeg: scene)) }
    if let plate { capture.photos.append(Photo(kind: .plate, jpeg: plate)) }
    return dropped
}

/// `2026-03-01T08:30:00+08:00`, with or without a fraction; UTC+8 where no offset stands. Nil for anything else.
func wallTime(iso8601 text: String) -> WallTime? {
    let bytes = Array(text.utf8)
    func number(_ start: Int, _ count: Int) -> Int? {
        guard start + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[start..<start + count] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
    func isAt(_ index: Int, _ character: UInt8) -> Bool { index < bytes.count && bytes[index] == character }
    guard let year = number(0, 4), isAt(4, 0x2D), let month = number(5, 2), (1...12).contains(month), isAt(7, 0x2D),
        let day = number(8, 2), (1...31).contains(day), isAt(10, 0x54) || isAt(10, 0x20), let hour = number(11, 2),
        hour < 24, isAt(13, 0x3A), let minute = number(14, 2), minute < 60, isAt(16, 0x3A), let second = number(17, 2),
        second <= 60
    else { return nil }
    var index = 19
    var microseconds: Int64 = 0
    if isAt(index, 0x2E) {
        index += 1
        var unit: Int64 = 100_000
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
            microseconds += Int64(bytes[index] - 0x30) * unit
            unit /= 10
            index += 1
        }
    }
    var offset = CivilTime.chinaStandardOffsetMinutes
    if isAt(index, 0x5A), index + 1 == bytes.count {
        offset = 0
    } else if index < bytes.count {
        guard isAt(index, 0x2B) || isAt(index, 0x2D), let hours = number(index + 1, 2), hours <= 14,
            isAt(index + 3, 0x3A), let minutes = number(index + 4, 2), minutes < 60, index + 6 == bytes.count
        else { return nil }
        offset = (hours * 60 + minutes) * (isAt(index, 0x2D) ? -1 : 1)
    }
    let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    return WallTime(microseconds: civil.wallTime(offsetMinutes: offset).microseconds + microseconds)
}
