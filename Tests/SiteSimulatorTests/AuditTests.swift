// The checks of a run must find what must not be.

import Domain
import Testing

@testable import SiteSimulator

private let plateText = "冀A1234B"

private func decision(_ seq: Int, at: UInt64, plate: String = plateText, reason: String = "stage-allowed") -> String {
    """
    {"seq":\(seq),"kind":"decision","lane_ns":"\(at)","asked_ns":"\(at - 5)","decided_ns":"\(at)",\
    "reason":"\(reason)","plate":"\(plate)"}
    """
}

private func pass(_ seq: Int, serial: String, outcome: String = "completed", photo: String = "aa") -> String {
    """
    {"seq":\(seq),"kind":"pass","lane_ns":"900","serial":"\(serial)","outcome":"\(outcome)","direction":1,\
    "passed":"2026-01-02 03:04:05","plate":"\(plateText)","vehicle":{"stage":"6"},"photos":[{"sha256":"\(photo)"}]}
    """
}

private func raise(at: UInt64, session: UInt64 = 1, isReversal: Bool = false, isRepetition: Bool = false) -> RaiseEdge {
    RaiseEdge(
        orderedAt: at, seenAt: at, lane: 0, session: 1, sessionBeganAt: session,
        plate: Plate(plateText, colour: .yellow),
        isReversal: isReversal, isRepetition: isRepetition
    )
}

private func audit(_ lines: [String], raises: [RaiseEdge]) throws -> Audit {
    var observed = Observation()
    observed.raises = raises
    observed.wasDisturbed = true
    return Audit(ledger: try LedgerExport(jsonLines: lines.joined(separator: "\n")), observed: observed)
}

@Test func raiseNeedsAnEarlierDecisionOfItsOwn() throws {
    #expect(try audit([decision(1, at: 100)], raises: [raise(at: 120)]).unrecordedRaises == 0)
    #expect(try audit([decision(1, at: 100)], raises: [raise(at: 90)]).unrecordedRaises == 1)
    #expect(try audit([decision(1, at: 100)], raises: [raise(at: 120), raise(at: 140)]).unrecordedRaises == 1)
    #expect(try audit([decision(1, at: 100, reason: "blacklisted")], raises: [raise(at: 120)]).unrecordedRaises == 1)
    #expect(try audit([], raises: [raise(at: 120, isReversal: true)]).unrecordedRaises == 0)
    #expect(try audit([], raises: [raise(at: 120, isRepetition: true)]).unrecordedRaises == 0)
}

@Test func decisionOfAnEarlierRunOfTheControllerServesNoRaise() throws {
    #expect(try audit([decision(1, at: 100)], raises: [raise(at: 120, session: 110)]).unrecordedRaises == 1)
}

@Test func raiseForAnotherTruckThanTheOneThatStandsThereIsFound() throws {
    #expect(try audit([decision(1, at: 100, plate: "冀A9999B")], raises: [raise(at: 120)]).mismatchedRaises == 1)
}

/// A platform with records of these serials, each with the same photo.
private func observation(serials: [String], stage: String = "6") -> Observation {
    var observed = Observation()
    observed.wasDisturbed = true
    let login: [String: Any] = [
        "ipctype": "getAccessToken", "username": PlatformBook.username, "password": PlatformBook.password,
    ]
    let token = observed.book.answer(verb: "get_data", request: login, now: .now)["access_token"] ?? ""
    func post(_ type: String, _ verb: String, _ value: [String: Any]) {
        let request: [String: Any] = [
            "organ": PlatformBook.organ, "ipctype": type, "access_token": token, "value": value,
        ]
        _ = observed.book.answer(verb: verb, request: request, now: .now)
    }
    for serial in serials {
        let value: [String: Any] = [
            "serialNum": serial, "lsh": serial, "enterpriseID": "410100SIM001", "inOutComStatus": "1",
            "license": plateText, "cphm": plateText, "licenseColor": "1", "date": "2026-01-02 03:04:05",
            "emissionStandard": stage,
        ]
        post("shareDrivingRecord", "put_data", value)
        post("sharePhotoInfo", "put_file", ["serialNum": serial, "imageNum": "1", "base64Image": "/9j/2Q=="])
    }
    observed.pictures = [
        TakenPicture(
            visit: 1, plate: Plate(plateText, colour: .yellow) ?? visitPlate(), isRead: true,
            photos: [sha256([0xFF, 0xD8, 0xFF, 0xD9])], pushedAt: 0, isPrompt: true
        )
    ]
    return observed
}

private func visitPlate() -> Plate {
    var plan = VisitPlan(fleet: Fleet(seed: 1), seed: 1)
    return plan.next().plate
}

private func deliveryAudit(ledger: [String], held: [String], stage: String = "6") throws -> Audit {
    let photo = sha256([0xFF, 0xD8, 0xFF, 0xD9])
    let lines = ledger.enumerated().map { pass($0.offset + 1, serial: $0.element, photo: photo) }
    let export = try LedgerExport(jsonLines: lines.joined(separator: "\n"))
    return Audit(ledger: export, observed: observation(serials: held, stage: stage))
}

@Test func platformThatHoldsWhatTheLedgerSaysIsGood() throws {
    let audit = try deliveryAudit(ledger: ["S1", "S2"], held: ["S1", "S2"])
    #expect(audit.findings.isEmpty && audit.delivered == 2 && audit.isComplete)
}

@Test func missingDoubledReorderedAndAlteredDeliveriesAreFound() throws {
    #expect(try deliveryAudit(ledger: ["S1", "S2"], held: ["S1"]).missing == 1)
    #expect(try deliveryAudit(ledger: ["S1"], held: ["S1", "S1X"]).unexpected > 0)
    #expect(try !deliveryAudit(ledger: ["S1", "S2"], held: ["S2", "S1"]).isInOrder)
    #expect(try deliveryAudit(ledger: ["S1"], held: ["S1"], stage: "5").differing == 1)
}

@Test func passThatDidNotCrossIsNotOwed() throws {
    let export = try LedgerExport(jsonLines: pass(1, serial: "S1", outcome: "backed-out"))
    #expect(Audit(ledger: export, observed: Observation()).missing == 0)
}

@Test func foreignPhotoIsFound() throws {
    let export = try LedgerExport(jsonLines: pass(1, serial: "S1", photo: "00"))
    let audit = Audit(ledger: export, observed: observation(serials: ["S1"]))
    #expect(audit.missing == 1 && audit.differing == 1)
}

@Test func exportThatIsNotUnderstoodIsAnError() {
    #expect(throws: SimulationError.self) { try LedgerExport(jsonLines: "{\"seq\":1,\"kind\":\"pass\"}") }
    #expect(throws: SimulationError.self) { try LedgerExport(jsonLines: "nonsense") }
}
