import Domain
import Formats
import Foundation
import Testing

@testable import DeviceProtocols

private let scene: [UInt8] = [0xFF, 0xD8, 0x01]
private let cutOut: [UInt8] = [0xFF, 0xD8, 0x02]
private let type = "multipart/form-data; boundary=---------------------------7e13971310878"

/// The body of a traffic camera's event, with a synthetic plate.
private func document(
    namespace: String = "http://www.isapi.org/ver20/XMLSchema", prefix: String = "", plate: String = "冀B12345",
    colour: String = "yellow", identifier: String? = "6b1a7d0c-1dd2-11b2-9a21-c42f90d1c0f5",
    time: String? = "2026-03-01T08:30:00+08:00", event: String = "ANPR"
) -> String {
    let declaration = prefix.isEmpty ? "xmlns" : "xmlns:\(prefix.dropLast())"
    let lines = [
        "<ipAddress>192.168.1.64</ipAddress><protocol>HTTP</protocol><macAddress>c4:2f:90:d1:c0:f5</macAddress>",
        "<channelID>1</channelID>", time.map { "<dateTime>\($0)</dateTime>" } ?? "",
        "<activePostCount>1</activePostCount><eventType>\(event)</eventType><eventState>active</eventState>",
        "<eventDescription>ANPR</eventDescription><channelName>Camera 01</channelName><deviceID></deviceID>",
        "<ANPR><country>8</country><licensePlate>\(plate)</licensePlate><line>1</line><direction>forward</direction>",
        "<confidenceLevel>97.4</confidenceLevel><plateType>92TypeCivil</plateType><plateColor>\(colour)</plateColor>",
        "<licenseBright>0</licenseBright><alarmDataType>0</alarmDataType>",
        "<vehicleInfo><index>1</index><color>white</color><vehileModel>0</vehileModel></vehicleInfo>",
        "<pictureInfoList><pictureInfo><fileName>detectionPicture.jpg</fileName></pictureInfo></pictureInfoList>",
        "</ANPR>", identifier.map { "<UUID>\($0)</UUID>" } ?? "", "<picNum>2</picNum>",
    ]
    let inside = lines.joined(separator: "\n").replacingOccurrences(of: "</", with: "\u{1}")
        .replacingOccurrences(of: "<", with: "<\(prefix)").replacingOccurrences(of: "\u{1}", with: "</\(prefix)")
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<\(prefix)EventNotificationAlert version=\"2.0\" "
        + "\(declaration)=\"\(namespace)\">\n\(inside)\n</\(prefix)EventNotificationAlert>\n"
}

private func part(_ disposition: String, _ type: String, _ content: [UInt8]) -> [UInt8] {
    Array("-----------------------------7e13971310878\r\n\(disposition)\r\nContent-Type: \(type)\r\n".utf8)
        + Array("Content-Length: \(content.count)\r\n\r\n".utf8) + content + Array("\r\n".utf8)
}

private let end = Array("-----------------------------7e13971310878--\r\n".utf8)

func hikvisionPush(_ document: String) -> [UInt8] {
    part("Content-Disposition: form-data; name=\"anpr.xml\"; filename=\"anpr.xml\"", "text/xml", Array(document.utf8))
        + part(
            "Content-Disposition: form-data; name=\"licensePlatePicture.jpg\"; filename=\"licensePlatePicture.jpg\"",
            "image/jpeg", cutOut
        )
        + part(
            "Content-Disposition: form-data; name=\"detectionPicture.jpg\"; filename=\"detectionPicture.jpg\"",
            "image/jpeg", scene
        ) + end
}

private func read(_ body: [UInt8], _ contentType: String = type) throws -> CameraRead {
    let message = try decodeHikvision(contentType: contentType, body: body)
    guard case .plate(let read) = message else { throw DeviceProtocolError.missing(field: "a plate") }
    return read
}

private func refusal(_ body: [UInt8], _ contentType: String = type) -> String {
    do throws(DeviceProtocolError) {
        _ = try decodeHikvision(contentType: contentType, body: body)
        return "accepted"
    } catch { return error.description }
}

struct HikvisionTests {
    @Test func theMeasuredPushIsACaptureWithItsPictures() throws {
        let read = try read(hikvisionPush(document()))
        let capture = read.capture
        #expect(capture.key == "hikvision/c4:2f:90:d1:c0:f5/6b1a7d0c-1dd2-11b2-9a21-c42f90d1c0f5")
        #expect(capture.camera == "c4:2f:90:d1:c0:f5")
        #expect(capture.rawPlate == "冀B12345")
        #expect(capture.plate == Plate("冀B12345", colour: .yellow))
        #expect(capture.confidence == 97)
        #expect(capture.isReplayed == false)
        #expect(capture.takenAt == WallTime(microseconds: 1_772_325_000_000_000))
        #expect(capture.photos.map(\.kind) == [.scene, .plate])
        #expect(capture.photos.map(\.jpeg) == [scene, cutOut])
        #expect(read.droppedPhotos == 0)
    }

    @Test(arguments: [
        ("http://www.isapi.org/ver20/XMLSchema", ""), ("http://www.hikvision.com/ver20/XMLSchema", ""),
        ("http://www.std-cgi.com/ver10/XMLSchema", ""), ("http://www.isapi.org/ver20/XMLSchema", "ns1:"),
    ])
    func everyNamespaceIsTheSameRead(_ namespace: String, _ prefix: String) throws {
        let body = hikvisionPush(document(namespace: namespace, prefix: prefix))
        #expect(try read(body).capture.key == "hikvision/c4:2f:90:d1:c0:f5/6b1a7d0c-1dd2-11b2-9a21-c42f90d1c0f5")
    }

    @Test func partsAreFoundByFileNameTypeAndFirstBytes() throws {
        let xml = Array(document().utf8)
        let byFileName =
            part("Content-Disposition: form-data; filename=\"anpr.xml\"", "application/octet-stream", xml)
            + part("Content-Disposition: form-data; filename=\"detectionPicture.jpg\"", "binary/octet-stream", scene)
        let byType = part("X-A: b", "application/xml; charset=\"UTF-8\"", xml) + part("X-A: b", "image/jpeg", scene)
        let byBytes = part("X-A: b", "", scene) + part("X-A: b", "", xml)
        for body in [byFileName, byType, byBytes] {
            let capture = try read(body + end).capture
            #expect(capture.rawPlate == "冀B12345")
            #expect(capture.photos.map(\.jpeg) == [scene])
            #expect(capture.photos.map(\.kind) == [.scene])
        }
    }

    @Test func otherCutOutsAreNotKeptAndBrokenPicturesAreCounted() throws {
        let names = ["pedestrianDetection", "feature", "vehicle", "detection"].map { "\($0)Picture.jpg" }
        var body = part("Content-Disposition: form-data; name=\"anpr.xml\"", "text/xml", Array(document().utf8))
        for (index, name) in names.enumerated() {
            let content: [UInt8] = [0xFF, 0xD8, UInt8(index)]
            body += part("Content-Disposition: form-data; name=\"\(name)\"", "image/jpeg", content)
        }
        body += part("Content-Disposition: form-data; name=\"licensePlatePicture.jpg\"", "image/jpeg", [0x47, 0x49])
        let read = try read(body + end)
        #expect(read.capture.photos.map(\.jpeg) == [[0xFF, 0xD8, 3]])
        #expect(read.droppedPhotos == 1)
    }

    @Test func aBareDocumentIsARead() throws {
        #expect(try read(Array(document().utf8), "application/xml").capture.photos.isEmpty)
    }

    @Test func anUnreadPlateIsACaptureWithoutPlate() throws {
        let capture = try read(hikvisionPush(document(plate: "unknown", colour: "unknown"))).capture
        #expect(capture.rawPlate == "unknown")
        #expect(capture.plate == nil)
    }

    @Test func withoutUUIDTheKeyIsDeviceTimeAndPlate() throws {
        let body = hikvisionPush(document(identifier: nil))
        #expect(try read(body).capture.key == "hikvision/c4:2f:90:d1:c0:f5/2026-03-01T08:30:00+08:00/冀B12345")
        let bare = hikvisionPush(document(identifier: nil, time: nil))
        #expect(try read(bare).capture.key == read(bare).capture.key)
        #expect(try read(bare).capture.takenAt == nil)
    }

    @Test(arguments: [
        ("blue", "冀B12345", PlateColour.blue), ("Yellow", "冀B12345", .yellow), ("white", "冀B12345", .white),
        ("black", "冀B12345", .black), ("green", "冀BD12345", .green), ("newEnergyYellowGreen", "冀B12345D", .yellowGreen),
        ("unknown", "冀B12345D", .yellowGreen), ("unknown", "冀B12345", .other),
    ])
    func colourComesFromTheTableAndThenFromThePlatesForm(
        _ word: String, _ plate: String, _ colour: PlateColour
    ) throws {
        let capture = try read(hikvisionPush(document(plate: plate, colour: word))).capture
        #expect(capture.plate == Plate(plate, colour: colour))
    }

    @Test func otherEventsAreNoReads() throws {
        let lost = "<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>"
        let message = try decodeHikvision(contentType: "application/xml", body: Array(lost.utf8))
        guard case .event("videoloss") = message else { return #expect(Bool(false)) }
    }

    @Test func whatIsWrongIsNamed() {
        let noANPR = "<EventNotificationAlert><eventType>ANPR</eventType></EventNotificationAlert>"
        #expect(refusal(Array(noANPR.utf8), "text/xml") == "no ANPR element in the push")
        #expect(refusal(Array("<other/>".utf8), "text/xml").hasPrefix("unexpected root \"other\""))
        #expect(refusal(Array("{}".utf8), "application/json") == "not XML: unexpected text at byte 0")
        #expect(refusal(part("X-A: b", "image/jpeg", scene) + end) == "no anpr.xml part in the push")
        #expect(refusal(end, "multipart/form-data").hasPrefix("not multipart: no usable boundary"))
        let noPlate = document().replacingOccurrences(of: "licensePlate>", with: "x>")
        #expect(refusal(hikvisionPush(noPlate)) == "no ANPR.licensePlate in the push")
        let bomb = "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>"
        #expect(refusal(Array(bomb.utf8), "text/xml").hasPrefix("not XML: a DOCTYPE"))
    }

    @Test(arguments: [
        ("2026-03-01T08:30:00+08:00", 1_772_325_000_000_000 as Int64?), ("2026-03-01T00:30:00Z", 1_772_325_000_000_000),
        ("2026-03-01T08:30:00", 1_772_325_000_000_000), ("2026-03-01T08:30:00.25+08:00", 1_772_325_000_250_000),
        ("2026-02-28T19:30:00-05:00", 1_772_325_000_000_000), ("2026-13-01T08:30:00", nil), ("2026-03-01", nil),
        ("2026-03-01T08:30:00+8", nil), ("", nil), ("yesterday, at half past ten", nil),
    ])
    func timesAreReadInTheFormsSeen(_ text: String, _ microseconds: Int64?) {
        #expect(wallTime(iso8601: text)?.microseconds == microseconds)
    }

    @Test func aPushCutAnywhereIsRefused() {
        let whole = hikvisionPush(document())
        for length in 0..<(whole.count - 2) {
            #expect(refusal(Array(whole[..<length])) != "accepted")
        }
    }

    @Test func mutatedPushesNeverCrash() {
        var random = CameraSeeded(state: 8)
        let whole = hikvisionPush(document())
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? decodeHikvision(contentType: type, body: bytes)
        }
    }
}
