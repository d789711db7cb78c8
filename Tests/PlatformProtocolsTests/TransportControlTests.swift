import Domain
import Formats
import Testing

@testable import PlatformProtocols

private let settings = TransportControlSettings(
    organ: "410000", username: "site", password: "secret", gateCodes: ["A01"])

private func report(plate: Plate?, vehicle: Vehicle?) -> PassageReport {
    func at(_ second: Int) -> WallTime {
        CivilTime(year: 2026, month: 11, day: 2, hour: 7, minute: 5, second: second).wallTime()
    }
    return PassageReport(
        serial: "4101A01I26110207050300000017", enterpriseID: "4101", enterpriseName: "试验厂", entranceGateCode: "A",
        gateCode: "A01", direction: .entry, arrivedAt: at(1), passedAt: at(3), endedAt: at(9), plate: plate,
        vehicle: vehicle)
}

private func truck() throws -> Vehicle {
    let plate = try #require(Plate("豫A12345", colour: .yellow))
    var vehicle = Vehicle(plate: plate, stage: .china5)
    vehicle.vin = "LFWSRXSJ2L1E00001"
    vehicle.registrationDate = "2020-03-04"
    vehicle.fuel = FuelType(code: "B")
    vehicle.model = "CA4250"
    vehicle.usage = "F"
    vehicle.networked = true
    vehicle.fleet = "一车队"
    return vehicle
}

private func text(_ request: PlatformRequest) -> String { String(decoding: request.body, as: UTF8.self) }

@Test func recordOfAKnownVehicleIsWrittenFieldByField() throws {
    let vehicle = try truck()
    let request = TransportControl(settings).record(report(plate: vehicle.plate, vehicle: vehicle), token: "t1")
    #expect(request.path == "/restapi/transportControl/put_data")
    #expect(request.contentType == "application/json;charset=UTF-8")
    let expected =
        #"{"organ":"410000","ipctype":"shareDrivingRecord","access_token":"t1","value":{"#
        + #""serialNum":"4101A01I26110207050300000017","enterpriseID":"4101","enterpriseId":"4101","#
        + #""gateCodeB":"A01","license":"豫A12345","licenseColor":"1","lsh":"4101A01I26110207050300000017","#
        + #""qybh":"4101","qymc":"试验厂","dzbh":"A01","cphm":"豫A12345","cpys":"1","entranceGateCode":"A","#
        + #""inOutComStatus":"1","date":"2026-11-02 07:05:03","rollType":0,"cdmc":"一车队","#
        + #""vin":"LFWSRXSJ2L1E00001","registerDate":"2020-03-04","model":"CA4250","fuelType":"B","#
        + #""emissionStandard":"5","useCharacter":"F","drivingLicenseImg":"","drivingLicenseImg2":"","ysl":0,"#
        + #""hwmc":"","hylx":"","ysldw":"","networkStatus":"1","imgURL1":"","imgURL2":"","#
        + #""tgsjq":"2026-11-02 07:05:01","tgsjz":"2026-11-02 07:05:09","bgzt":"0","tgzt":"1"}}"#
    #expect(text(request) == expected)
}

@Test func nothingIsInventedForAnUnknownVehicle() throws {
    let request = TransportControl(settings).record(report(plate: nil, vehicle: nil), token: "t1")
    let value = try #require(try JSONValue.parse(request.body)["value"])
    let expected = [
        "emissionStandard": "X", "fuelType": "", "networkStatus": "", "registerDate": "", "vin": "", "model": "",
        "licenseColor": "5", "cpys": "5", "license": "未识别", "cphm": "未识别",
    ]
    for (name, text) in expected { #expect(value[name]?.text == text, "\(name)") }
}

@Test func unknownFuelAndPlateGoOutAsConfigured() throws {
    var configured = settings
    configured.unknownFuel = "Z"
    configured.unreadPlate = "无牌"
    let request = TransportControl(configured).record(report(plate: nil, vehicle: nil), token: "t1")
    let value = try #require(try JSONValue.parse(request.body)["value"])
    #expect(value["fuelType"]?.text == "Z")
    #expect(value["license"]?.text == "无牌")
}

@Test func coloursFollowTheTableOfTheGatePlatforms() {
    let codes = PlateColour.allCases.map { colourCode($0) }
    #expect(codes == ["0", "1", "2", "3", "4", "5", "6"])
    #expect(colourCode(nil) == "5")
}

@Test func photoCarriesItsNumberTypeAndBytes() throws {
    let vehicle = try truck()
    let photo = PhotoReport(number: 2, kind: .plate, jpeg: [0xFF, 0xD8, 0xFF, 0xD9])
    let request = TransportControl(settings).photo(photo, of: report(plate: vehicle.plate, vehicle: nil), token: "t")
    #expect(request.path == "/restapi/transportControl/put_file")
    let root = try JSONValue.parse(request.body)
    #expect(root["ipctype"]?.text == "sharePhotoInfo")
    let expected = [
        "serialNum": "4101A01I26110207050300000017", "imageNum": "2", "zpbh": "2", "imageType": "2", "zplx": "2",
        "base64Image": "/9j/2Q==", "imageTime": "2026-11-02 07:05:03", "pzsj": "2026-11-02 07:05:03",
        "companyName": "试验厂", "license": "豫A12345", "lsh": "4101A01I26110207050300000017",
    ]
    for (name, text) in expected { #expect(root["value"]?[name]?.text == text, "\(name)") }
}

@Test func heartbeatIsAnArrayOfTheGates() {
    let expected =
        #"{"organ":"410000","ipctype":"putdcstatus","access_token":"t1","#
        + #""value":[{"dzbh":"A01","bgzt":"0","vlpzt":"0"}]}"#
    #expect(text(TransportControl(settings).heartbeat(token: "t1")) == expected)
}

@Test func credentialsStandWhereTheVendorReadsThem() {
    var configured = settings
    configured.pathPrefix = "/mjapi"
    let top = TransportControl(configured).login()
    #expect(top.path == "/mjapi/restapi/transportControl/get_data")
    #expect(
        text(top) == #"{"organ":"410000","ipctype":"getAccessToken","username":"site","password":"secret"}"#)
    configured.credentialPlace = .value
    let inner = #"{"organ":"410000","ipctype":"getAccessToken","value":{"username":"site","password":"secret"}}"#
    #expect(text(TransportControl(configured).login()) == inner)
}

private func reply(_ body: String, status: Int = 200) -> PlatformReply {
    var configured = settings
    configured.duplicateCodes = ["20001"]
    configured.duplicateWords = ["重复", "Duplicate"]
    return TransportControl(configured).reply(status: status, body: Array(body.utf8))
}

@Test func repliesOfThePlatformAreToldApart() {
    #expect(reply(#"{"code":"200","status":"成功"}"#) == .accepted)
    #expect(reply(#"{"code":200}"#) == .accepted)
    #expect(reply(#"{"code":"409","status":"重复上报"}"#) == .duplicate("重复上报 (409)"))
    #expect(reply(#"{"code":"1","status":"a DUPLICATE serial"}"#) == .duplicate("a DUPLICATE serial (1)"))
    #expect(reply(#"{"code":"20001","status":"?"}"#) == .duplicate("? (20001)"))
    #expect(reply(#"{"code":"401","status":"x"}"#) == .tokenRefused("x (401)"))
    #expect(reply(#"{"code":"1","status":"ACCESS_TOKEN 已过期"}"#) == .tokenRefused("ACCESS_TOKEN 已过期 (1)"))
    #expect(reply(#"{"code":"500","status":"系统繁忙"}"#) == .unavailable("系统繁忙 (500)"))
    #expect(reply(#"{"code":"50001","status":"车牌为空"}"#) == .refused("车牌为空 (50001)"))
    #expect(reply(#"{"code":"400","status":"date\n格式错误"}"#) == .refused("date格式错误 (400)"))
}

@Test func withoutConfiguredWordsNothingCountsAsADuplicate() {
    let platform = TransportControl(settings)
    let body = Array(#"{"code":"409","status":"重复上报"}"#.utf8)
    #expect(platform.reply(status: 200, body: body) == .refused("重复上报 (409)"))
}

@Test func whatIsNotThePlatformsOwnAnswerIsNoRefusal() {
    for body in ["", "<html>", "{\"code\":\"200\"", "[]", "{}", "{\"code\":null}", "\u{1}"] {
        guard case .malformed = reply(body) else {
            Issue.record("\(body): \(reply(body))")
            continue
        }
    }
    for status in [301, 302, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
        #expect(reply(#"{"code":"200"}"#, status: status) == .unavailable("HTTP \(status)"))
    }
    #expect(reply("", status: 401) == .tokenRefused("HTTP 401"))
}

@Test func statusesAboutTheRequestItselfAreRefusals() {
    #expect(reply("<html>", status: 413) == .refused("HTTP 413"))
    #expect(reply(#"{"code":"7","status":"格式"}"#, status: 400) == .refused("格式 (7)"))
    #expect(reply(#"{"code":"409","status":"重复上报"}"#, status: 409) == .duplicate("重复上报 (409)"))
}

@Test func longWordsOfThePlatformAreCut() {
    let long = String(repeating: "错", count: 5_000)
    guard case .refused(let words) = reply(#"{"code":"1","status":"\#(long)"}"#) else {
        Issue.record("not refused")
        return
    }
    #expect(words == String(repeating: "错", count: 200) + " (1)")
}

@Test func loginGivesTheTokenAndItsTime() {
    let platform = TransportControl(settings)
    func login(_ body: String, _ status: Int = 200) -> PlatformLogin {
        platform.loginReply(status: status, body: Array(body.utf8))
    }
    let issued = CivilTime(year: 2026, month: 11, day: 2, hour: 7).wallTime()
    let granted = #"{"code":"200","access_token":"abc","datetime":"2026-11-02 07:00:00","status":""}"#
    #expect(login(granted) == .granted(token: "abc", issuedAt: issued))
    #expect(login(#"{"code":"200","value":{"access_token":"abc"}}"#) == .granted(token: "abc", issuedAt: nil))
    let odd = #"{"code":"200","access_token":"abc","datetime":"2026-13-02 07:00:00"}"#
    #expect(login(odd) == .granted(token: "abc", issuedAt: nil))
    #expect(login(#"{"code":"403","status":"用户名或密码错误"}"#) == .refused("用户名或密码错误 (403)"))
    #expect(login("", 403) == .refused("HTTP 403"))
    #expect(login("", 502) == .unavailable("HTTP 502"))
    #expect(login("<html>") == .malformed("not JSON: unexpected text at byte 1"))
    #expect(login(#"{"code":"200","access_token":""}"#) == .malformed("the reply has no access_token"))
}

@Test func theLedgersHeadGoesWithEveryRequestButTheLoginWhereThePlatformHasAPlaceForIt() throws {
    let head = "17:" + String(repeating: "ab", count: 32) + ":3"
    var control = TransportControl(settings)
    control.witness = head
    #expect(!text(control.heartbeat(token: "t")).contains(head))
    var witnessed = settings
    witnessed.witnessMember = "ledgerHead"
    control = TransportControl(witnessed)
    control.witness = head
    let passage = report(plate: nil, vehicle: nil)
    let photo = PhotoReport(number: 1, kind: .scene, jpeg: [1])
    for request in [
        control.heartbeat(token: "t"), control.record(passage, token: "t"),
        control.photo(photo, of: passage, token: "t"),
    ] {
        #expect(text(request).contains(#""ledgerHead":"\#(head)","value""#))
    }
    #expect(!text(control.login()).contains(head))
}
