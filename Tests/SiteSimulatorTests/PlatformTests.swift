// The platform's book and its faults.

import Foundation
import Testing

@testable import SiteSimulator

private func record(_ serial: String, plate: String = "冀A1234B") -> [String: Any] {
    [
        "serialNum": serial, "lsh": serial, "enterpriseID": "410100SIM001", "inOutComStatus": "1", "license": plate,
        "cphm": plate, "licenseColor": "1", "date": "2026-01-02 03:04:05", "emissionStandard": "6",
    ]
}

private struct Client {
    var book = PlatformBook()
    var token = ""
    var head = "7:ab:1"

    mutating func post(_ type: String, _ verb: String, _ value: [String: Any], token: String? = nil) -> String {
        let request: [String: Any] = [
            "organ": PlatformBook.organ, "ipctype": type, "access_token": token ?? self.token, "value": value,
            PlatformBook.witnessMember: head,
        ]
        return book.answer(verb: verb, request: request, now: Date())["code"] as? String ?? ""
    }

    mutating func logIn(password: String = PlatformBook.password) {
        let request: [String: Any] = [
            "organ": PlatformBook.organ, "ipctype": "getAccessToken", "username": PlatformBook.username,
            "password": password,
        ]
        token = book.answer(verb: "get_data", request: request, now: Date())["access_token"] as? String ?? ""
    }
}

@Test func recordIsKeptOnceAndItsRepeatIsSaid() {
    var client = Client()
    client.logIn()
    #expect(client.post("shareDrivingRecord", "put_data", record("S1")) == "200")
    #expect(client.post("shareDrivingRecord", "put_data", record("S1")) == "409")
    #expect(client.book.records.count == 1 && client.book.repeats == 1)
    #expect(client.book.contradictions.isEmpty)
    #expect(client.post("shareDrivingRecord", "put_data", record("S1", plate: "冀A9999B")) == "409")
    #expect(client.book.contradictions.count == 1)
}

@Test func withoutAValidTokenNothingIsKept() {
    var client = Client()
    client.logIn(password: "wrong")
    #expect(client.post("shareDrivingRecord", "put_data", record("S1"), token: "") == "401")
    client.logIn()
    client.book.forgetTokens()
    #expect(client.post("shareDrivingRecord", "put_data", record("S1")) == "401")
    #expect(client.book.records.isEmpty)
}

@Test func photosAreKeptBySerialAndNumber() {
    var client = Client()
    client.logIn()
    let jpeg = Data([0xFF, 0xD8, 0xFF, 0xD9])
    let photo: [String: Any] = [
        "serialNum": "S1", "imageNum": 1, "base64Image": "data:image/jpeg;base64," + jpeg.base64EncodedString(),
    ]
    #expect(client.post("sharePhotoInfo", "put_file", photo) == "200")
    #expect(client.book.orphans == 1)
    #expect(client.post("sharePhotoInfo", "put_file", photo) == "409")
    #expect(client.book.photos.map(\.digest) == [sha256([0xFF, 0xD8, 0xFF, 0xD9])])
    let notOne: [String: Any] = ["serialNum": "S1", "imageNum": 2, "base64Image": "AAAA"]
    #expect(client.post("sharePhotoInfo", "put_file", notOne) == "400")
}

@Test(arguments: [("date", "2026/01/02"), ("inOutComStatus", "3"), ("lsh", "other"), ("cphm", "other")])
func recordThatBreaksTheDocumentsIsRefused(field: (String, String)) {
    var client = Client()
    client.logIn()
    var value = record("S1")
    value[field.0] = field.1
    #expect(client.post("shareDrivingRecord", "put_data", value) == "400")
    #expect(client.book.records.isEmpty && client.book.malformed.count == 1)
}

@Test func noItemIsDisturbedMoreThanTwice() throws {
    var profile = try #require(FaultProfile(name: "all"))
    profile.percent = 100
    var dealer = FaultDealer(profile: profile, seed: 1)
    let dealt = (0..<10).compactMap { _ in dealer.deal(item: "one") }
    #expect(dealt.count == 2)
    #expect(FaultProfile(name: "cut,5xx")?.faults == [.cutBefore, .cutAfter, .error5xx])
    #expect(FaultProfile(name: "nonsense") == nil)
}
