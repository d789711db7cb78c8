// Vzenith 臻识 cameras and those sold under other names: the HTTP push (vendor's protocol text, version 1).
//
// The camera is the client. It posts JSON of one member that names the message, or a heartbeat as a multipart form.
// Invariants: any bytes decode to a message or to an error; a plate push without pictures, or with broken ones, is
// still a read. `info` is always answered "no": "ok" would make the camera pulse its own relay.

import Domain
import Formats

public enum VzenithMessage: Sendable {
    /// `AlarmInfoPlate`.
    case plate(VzenithRead)
    /// The heartbeat form.
    case heartbeat(serialNumber: String)
    /// `AlarmGioIn`: an input of the camera changed.
    case input(VzenithInput)
    /// `SerialData`: bytes that the camera received on its RS-485 port.
    case serialData(VzenithSerialData)
    /// `TriggerImage`: a picture that was asked for.
    case snapshot
}

public struct VzenithRead: Sendable {
    public var read: CameraRead
    /// The camera's number of this read, as it was written; nil from older firmware.
    public var plateID: JSONValue?
}

public struct VzenithInput: Equatable, Sendable {
    public var serialNumber: String
    /// 0 to 3: inputs 1 to 4; 4: by TCP.
    public var source: Int64
    public var value: Int64
}

public struct VzenithSerialData: Equatable, Sendable {
    public var serialNumber: String
    /// 0: RS485-1, 1: RS485-2.
    public var channel: Int64
    public var bytes: [UInt8]
}

extension VzenithMessage {
    /// The answer of status 200 after which the camera counts the push as delivered. Without `retransfer_stop` it tries
    /// its spare server, stores the read and repeats it for ever; without `ContinuePushOffline` it replays one stored
    /// read only. The messages other than a read are answered with no command.
    public var answer: [UInt8] {
        guard case .plate(let push) = self else { return JSONValue.object([]).encoded() }
        var members = [JSONMember("info", .string("no")), JSONMember("content", .string("retransfer_stop"))]
        if push.read.capture.isReplayed, let plateID = push.plateID {
            let resume = [JSONMember("plateid", plateID), JSONMember("continue", .integer(1))]
            members.append(JSONMember("ContinuePushOffline", .object(resume)))
        }
        return JSONValue.object([JSONMember("Response_AlarmInfoPlate", .object(members))]).encoded()
    }
}

/// Decodes one push. `contentType` tells the heartbeat form from JSON; JSON is read whatever it is called.
public func decodeVzenith(
    contentType: String, body: [UInt8], codes: CameraCodes = .vzenith
) throws(DeviceProtocolError) -> VzenithMessage {
    if Multipart.isMultipart(contentType) { return try heartbeat(contentType, body) }
    let root: JSONValue
    do throws(FormatError) { root = try JSONValue.parse(body) } catch { throw .format(error) }
    if let alarm = root["AlarmInfoPlate"] {
        return .plate(try plateRead(alarm, body, codes))
    }
    if let alarm = root["AlarmGioIn"] {
        let serialNumber = try serialNumber(alarm, in: "AlarmGioIn")
        guard let result = alarm["result"]?["TriggerResult"], let source = result["source"]?.integer,
            let value = result["value"]?.integer
        else { throw .missing(field: "AlarmGioIn.result.TriggerResult.source and value") }
        return .input(VzenithInput(serialNumber: serialNumber, source: source, value: value))
    }
    if let data = root["SerialData"] {
        return .serialData(try serialData(data))
    }
    if root["TriggerImage"] != nil { return .snapshot }
    var found = "no object"
    if case .object(let members) = root { found = members.first?.name ?? "an empty object" }
    throw .wrongRoot(found: excerpt(found), expected: "AlarmInfoPlate, AlarmGioIn, SerialData or TriggerImage")
}

private func heartbeat(_ contentType: String, _ body: [UInt8]) throws(DeviceProtocolError) -> VzenithMessage {
    let parts: [MultipartPart]
    do throws(FormatError) {
        parts = try Multipart.parts(contentType: contentType, body: body)
    } catch { throw .format(error) }
    guard let part = parts.first(where: { $0.name == "serialno" }) else {
        throw .missing(field: "serialno of the heartbeat")
    }
    return .heartbeat(serialNumber: try bounded(String(decoding: part.body, as: UTF8.self), field: "serialno"))
}

/// The serial number, or else the address that the camera says it has.
private func serialNumber(_ message: JSONValue, in name: String) throws(DeviceProtocolError) -> String {
    for member in ["serialno", "ipaddr"] {
        if let text = message[member]?.text, !text.isEmpty { return try bounded(text, field: "\(name).\(member)") }
    }
    throw .missing(field: "\(name).serialno")
}

private func serialData(_ message: JSONValue) throws(DeviceProtocolError) -> VzenithSerialData {
    let serialNumber = try serialNumber(message, in: "SerialData")
    guard let text = message["data"]?.text else { throw .missing(field: "SerialData.data") }
    let channel = message["serialChannel"]?.integer ?? 0
    do throws(FormatError) {
        return VzenithSerialData(serialNumber: serialNumber, channel: channel, bytes: try Base64.decode(text))
    } catch { throw .format(error) }
}

private func plateRead(
    _ alarm: JSONValue, _ body: [UInt8], _ codes: CameraCodes
) throws(DeviceProtocolError) -> VzenithRead {
    let serialNumber = try serialNumber(alarm, in: "AlarmInfoPlate")
    guard let result = alarm["result"]?["PlateResult"] else {
        throw .missing(field: "AlarmInfoPlate.result.PlateResult")
    }
    guard let license = result["license"]?.text else { throw .missing(field: "PlateResult.license") }
    let rawPlate = try bounded(license, field: "PlateResult.license")
    let plateID = usablePlateID(result["plateid"])
    let moment = result["timeStamp"]?["Timeval"]

    let name: String
    if let text = plateID?.text {
        name = try bounded(text, field: "PlateResult.plateid")
    } else if let moment, let seconds = moment["sec"]?.integer, seconds > 0 {
        name = "\(seconds).\(padded(Int(clamping: moment["usec"]?.integer ?? 0), 6))/\(rawPlate)"
    } else {
        name = fingerprint(body)
    }
    let plate = codes.plate(rawPlate, colourCode: result["colorType"]?.text, typeCode: result["type"]?.text)
    var capture = Capture(
        key: "vzenith/\(serialNumber)/\(name)", camera: serialNumber, rawPlate: rawPlate, plate: plate
    )
    capture.confidence = UInt8(min(max(result["confidence"]?.integer ?? 0, 0), 100))
    capture.isReplayed = result["isoffline"]?.integer == 1
    capture.takenAt = moment.flatMap(takenAt)
    var dropped = 0
    for (member, kind) in [("imageFile", PhotoKind.scene), ("imageFragmentFile", .plate)] {
        guard let text = result[member]?.text, !text.isEmpty else { continue }
        if let jpeg = try? Base64.decode(text), isJPEG(jpeg) {
            capture.photos.append(Photo(kind: kind, jpeg: jpeg))
        } else {
            dropped += 1
        }
    }
    return VzenithRead(read: CameraRead(capture: capture, droppedPhotos: dropped), plateID: plateID)
}

/// A number or a text that can name a read; 0 and below come from cameras that do not count their reads.
private func usablePlateID(_ value: JSONValue?) -> JSONValue? {
    guard let value, let text = value.text, !text.isEmpty else { return nil }
    if let number = value.integer, number <= 0 { return nil }
    return value
}

/// `sec` and `usec` since 1970, or else the `dec…` fields, which are the camera's civil time (UTC+8).
private func takenAt(_ moment: JSONValue) -> WallTime? {
    let year10000: Int64 = 253_402_300_800
    if let seconds = moment["sec"]?.integer, (1..<year10000).contains(seconds) {
        let microseconds = moment["usec"]?.integer ?? 0
        return WallTime(microseconds: seconds * 1_000_000 + ((0..<1_000_000).contains(microseconds) ? microseconds : 0))
    }
    func field(_ name: String, _ range: ClosedRange<Int64>) -> Int? {
        guard let value = moment[name]?.integer, range.contains(value) else { return nil }
        return Int(value)
    }
    guard let year = field("decyear", 1970...9999), let month = field("decmon", 1...12),
        let day = field("decday", 1...31), let hour = field("dechour", 0...23), let minute = field("decmin", 0...59),
        let second = field("decsec", 0...60)
    else { return nil }
    return CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second).wallTime()
}
