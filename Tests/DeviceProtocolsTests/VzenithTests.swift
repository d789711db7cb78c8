import Domain
import Formats
import Foundation
import Testing

@testable import DeviceProtocols

private let picture: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x10, 0x4A, 0x46, 0x49, 0x46]
private let cutOut: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDB, 0x01]

/// A push as the vendor's text prints it, with a synthetic plate. `changes` replace or (with nil) remove members of
/// PlateResult.
func vzenithPush(_ changes: [String: Any?] = [:], alarm alarmChanges: [String: Any?] = [:]) -> [UInt8] {
    var result: [String: Any] = [
        "bright": 0, "carBright": 0, "carColor": 255, "clean_time": 0, "colorType": 2, "colorValue": 0,
        "confidence": 97, "direction": 4, "gioouts": [["ctrltype": 0, "ionum": 0]],
        "imageFile": Data(picture).base64EncodedString(), "imageFileLen": picture.count,
        "imageFragmentFile": Data(cutOut).base64EncodedString(), "imageFragmentFileLen": cutOut.count,
        "imagePath": "%2Fmnt%2Fusb%2Fsda1%2FVIPR%2F2026-03-01%2F1.jpg", "is_fake_plate": 0, "isoffline": 0,
        "license": "冀B12345", "license_ext_type": 0, "location": ["RECT": ["bottom": 600, "left": 1, "right": 2]],
        "plateid": 1_024, "plates": [["color": 2, "license": "冀B12345", "plate_width": 150, "type": 3]],
        "timeStamp": [
            "Timeval": [
                "decday": 1, "dechour": 8, "decmin": 30, "decmon": 3, "decsec": 0, "decyear": 2_026,
                "sec": 1_772_325_000, "usec": 123_456,
            ]
        ],
        "timeUsed": 0, "triggerType": 8, "type": 3,
    ]
    for (name, value) in changes { result[name] = value }
    var alarm: [String: Any] = [
        "channel": 0, "deviceName": "IVS", "ipaddr": "192.168.1.100", "result": ["PlateResult": result],
        "serialno": "ad8b2a7f-1c2d3e4f", "user_data": "",
    ]
    for (name, value) in alarmChanges { alarm[name] = value }
    let data = try? JSONSerialization.data(withJSONObject: ["AlarmInfoPlate": alarm])
    return Array(data ?? Data())
}

private func read(_ body: [UInt8]) throws -> VzenithRead {
    let message = try decodeVzenith(contentType: "application/json", body: body)
    guard case .plate(let read) = message else { throw DeviceProtocolError.missing(field: "a plate") }
    return read
}

private func text(_ answer: [UInt8]) -> String {
    String(decoding: answer, as: UTF8.self)
}

struct VzenithTests {
    @Test func theDocumentedPushIsACaptureWithItsPictures() throws {
        let push = try read(vzenithPush())
        let capture = push.read.capture
        #expect(capture.key == "vzenith/ad8b2a7f-1c2d3e4f/1024")
        #expect(capture.camera == "ad8b2a7f-1c2d3e4f")
        #expect(capture.rawPlate == "冀B12345")
        #expect(capture.plate == Plate("冀B12345", colour: .yellow))
        #expect(capture.confidence == 97)
        #expect(capture.isReplayed == false)
        #expect(capture.takenAt == WallTime(microseconds: 1_772_325_000_123_456))
        #expect(capture.photos.map(\.kind) == [.scene, .plate])
        #expect(capture.photos.map(\.jpeg) == [picture, cutOut])
        #expect(push.read.droppedPhotos == 0)
    }

    @Test func theAnswerStopsRepetitionAndNeverPulsesTheCamerasRelay() throws {
        let live = try decodeVzenith(contentType: "", body: vzenithPush())
        #expect(text(live.answer) == #"{"Response_AlarmInfoPlate":{"info":"no","content":"retransfer_stop"}}"#)
        let stored = try decodeVzenith(contentType: "", body: vzenithPush(["isoffline": 1]))
        #expect(
            text(stored.answer)
                == #"{"Response_AlarmInfoPlate":{"info":"no","content":"retransfer_stop","#
                + #""ContinuePushOffline":{"plateid":1024,"continue":1}}}"#
        )
        let named = try decodeVzenith(contentType: "", body: vzenithPush(["isoffline": "1", "plateid": "a-7"]))
        #expect(text(named.answer).contains(#""ContinuePushOffline":{"plateid":"a-7","continue":1}"#))
    }

    @Test(arguments: [0 as any Sendable, "0"])
    func outputsAreNumbersOrTexts(_ ionum: any Sendable) throws {
        let push = try read(vzenithPush(["gioouts": [["ctrltype": 0, "ionum": ionum]]]))
        #expect(push.read.capture.key == "vzenith/ad8b2a7f-1c2d3e4f/1024")
    }

    @Test func olderFirmwareIsNamedByTimeAndPlate() throws {
        let older = vzenithPush(["plateid": nil, "isoffline": nil, "gioouts": nil])
        let push = try read(older)
        #expect(push.read.capture.key == "vzenith/ad8b2a7f-1c2d3e4f/1772325000.123456/冀B12345")
        #expect(push.plateID == nil)
        #expect(try read(older).read.capture.key == push.read.capture.key)
        // A camera that does not count its reads says 0 for each.
        #expect(try read(vzenithPush(["plateid": 0])).read.capture.key == push.read.capture.key)
    }

    @Test func aPushWithoutNumberAndTimeIsNamedByItsBytes() throws {
        let one = vzenithPush(["plateid": nil, "timeStamp": nil])
        let other = vzenithPush(["plateid": nil, "timeStamp": nil, "license": "冀B54321"])
        #expect(try read(one).read.capture.key == read(one).read.capture.key)
        #expect(try read(one).read.capture.key != read(other).read.capture.key)
        #expect(try read(one).read.capture.takenAt == nil)
    }

    @Test func civilTimeServesWhereSecondsAreMissing() throws {
        let moment = [
            "Timeval": ["decyear": 2_026, "decmon": 3, "decday": 1, "dechour": 8, "decmin": 30, "decsec": 0]
        ]
        #expect(
            try read(vzenithPush(["timeStamp": moment])).read.capture.takenAt
                == WallTime(microseconds: 1_772_325_000_000_000)
        )
    }

    @Test func anUnreadPlateIsACaptureWithoutPlate() throws {
        let capture = try read(vzenithPush(["license": "_无_", "colorType": 0, "type": 31])).read.capture
        #expect(capture.rawPlate == "_无_")
        #expect(capture.plate == nil)
        #expect(capture.photos.count == 2)
    }

    @Test(arguments: [
        (1, 1, "冀B12345", PlateColour.blue), (2, 3, "冀B12345", .yellow), (3, 5, "冀B1234警", .white),
        (4, 2, "冀B12345", .black), (5, 19, "冀BD12345", .green), (6, 20, "冀B12345D", .yellowGreen),
        // The colour code says nothing: the type does, and then the plate's form.
        (0, 4, "冀B1234挂", .yellow), (0, 0, "冀B12345D", .yellowGreen), (0, 0, "冀BD12345", .green),
        (0, 0, "冀B1234学", .yellow), (0, 0, "冀B12345", .other), (77, 0, "WJ冀12345", .white),
    ])
    func colourComesFromTheTablesAndThenFromThePlatesForm(
        _ colorType: Int, _ type: Int, _ license: String, _ colour: PlateColour
    ) throws {
        let push = vzenithPush(["colorType": colorType, "type": type, "license": license])
        #expect(try read(push).read.capture.plate == Plate(license, colour: colour))
    }

    @Test func theTablesMayBeReplaced() throws {
        var codes = CameraCodes.vzenith
        codes.plateColours["2"] = .green
        codes.unreadPlates.append("none")
        let message = try decodeVzenith(contentType: "", body: vzenithPush(), codes: codes)
        guard case .plate(let push) = message else { return #expect(Bool(false)) }
        #expect(push.read.capture.plate?.colour == .green)
    }

    @Test func brokenPicturesAreLeftOutAndCounted() throws {
        let push = try read(vzenithPush(["imageFile": "not base64", "imageFragmentFile": "AAAA"]))
        #expect(push.read.capture.photos.isEmpty)
        #expect(push.read.droppedPhotos == 2)
        let none = try read(vzenithPush(["imageFile": "", "imageFragmentFile": nil]))
        #expect(none.read.droppedPhotos == 0)
    }

    @Test func confidenceStaysAPercentage() throws {
        #expect(try read(vzenithPush(["confidence": 900])).read.capture.confidence == 100)
        #expect(try read(vzenithPush(["confidence": -1])).read.capture.confidence == 0)
        #expect(try read(vzenithPush(["confidence": "88"])).read.capture.confidence == 88)
        #expect(try read(vzenithPush(["confidence": nil])).read.capture.confidence == 0)
    }

    @Test func whatIsMissingIsNamed() {
        func error(_ body: [UInt8]) -> String {
            do throws(DeviceProtocolError) {
                _ = try decodeVzenith(contentType: "application/json", body: body)
                return "accepted"
            } catch { return error.description }
        }
        #expect(error(vzenithPush(["license": nil])) == "no PlateResult.license in the push")
        #expect(error(vzenithPush(alarm: ["result": nil])) == "no AlarmInfoPlate.result.PlateResult in the push")
        #expect(
            error(vzenithPush(alarm: ["serialno": nil, "ipaddr": nil])) == "no AlarmInfoPlate.serialno in the push"
        )
        #expect(error(Array("<xml/>".utf8)) == "not JSON: unexpected text at byte 1")
        #expect(error(Array(#"{"Wrong\n":{}}"#.utf8)).hasPrefix("unexpected root \"Wrong?\""))
        #expect(error(Array("[]".utf8)).hasPrefix("unexpected root \"no object\""))
        let long = vzenithPush(["license": String(repeating: "冀", count: 30)])
        #expect(error(long) == "PlateResult.license is longer than 64 bytes")
        #expect(error(vzenithPush(["license": "冀\u{7}"])) == "PlateResult.license holds a control character")
    }

    @Test func theOtherPushesAreUnderstood() throws {
        let input =
            #"{"AlarmGioIn":{"deviceName":"IVS","ipaddr":"1.2.3.4","serialno":"s1","#
            + #""result":{"TriggerResult":{"source":"1","value":0}}}}"#
        guard case .input(let change) = try decodeVzenith(contentType: "", body: Array(input.utf8)) else {
            return #expect(Bool(false))
        }
        #expect(change == VzenithInput(serialNumber: "s1", source: 1, value: 0))

        let serial = #"{"SerialData":{"channel":0,"serialno":"s1","serialChannel":1,"data":"AQI=","dataLen":2}}"#
        let message = try decodeVzenith(contentType: "", body: Array(serial.utf8))
        guard case .serialData(let data) = message else { return #expect(Bool(false)) }
        #expect(data == VzenithSerialData(serialNumber: "s1", channel: 1, bytes: [1, 2]))
        #expect(text(message.answer) == "{}")

        let form =
            "--b\r\nContent-Disposition: form-data; name=\"device_name\"\r\n\r\nIVS\r\n"
            + "--b\r\nContent-Disposition: form-data; name=\"serialno\"\r\n\r\ns1\r\n--b--\r\n"
        let beat = try decodeVzenith(contentType: "multipart/form-data; boundary=b", body: Array(form.utf8))
        guard case .heartbeat("s1") = beat else { return #expect(Bool(false)) }
    }

    @Test func aPushCutAnywhereIsRefused() {
        let whole = vzenithPush()
        for length in 0..<whole.count {
            #expect(throws: DeviceProtocolError.self) {
                try decodeVzenith(contentType: "application/json", body: Array(whole[..<length]))
            }
        }
    }

    @Test func mutatedPushesNeverCrash() {
        var random = CameraSeeded(state: 7)
        let whole = vzenithPush()
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? decodeVzenith(contentType: "application/json", body: bytes)
        }
    }
}

/// A reproducible source of random numbers (SplitMix64).
struct CameraSeeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
