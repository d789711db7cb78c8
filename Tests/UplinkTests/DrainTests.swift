import Domain
import Formats
import Machine
import Testing

@testable import Ledger
@testable import Uplink

private let timeout = MachineError.deadline(subject: "platform")
private let tlsFault = MachineError.library(name: "TLS", subject: "platform", reason: "certificate has expired")

private func isRecord(_ request: JSONValue, _ serial: String) -> Bool {
    request["value"]?["serialNum"]?.text == serial && request["value"]?["imageNum"] == nil
}

@Test func rowsAndTheirPhotosAreDeliveredInOrderOnce() {
    let site = FakeSite()
    site.add(photos: 2)
    site.add()
    site.add(photos: 1)
    site.makeDrain().start()
    site.run(.seconds(1))
    #expect(site.held == ["S1/0", "S1/1", "S1/2", "S2/0", "S3/0", "S3/1"])
    #expect(site.requests == ["login"] + site.held)
    #expect(site.drain?.status.backlog == 0)
    #expect(site.drain?.status.isConnected == true)
    #expect(site.drain?.status.lastAcknowledged?.sequence == 3)
    #expect(site.drain?.status.lastAcknowledged?.step == 1)
    #expect(site.outages.isEmpty)
    site.add()
    site.drain?.ledgerMoved()
    site.run(.seconds(1))
    #expect(site.held.last == "S4/0")
    #expect(site.logins == 1)
}

@Test func lostAnswerIsSentAgainWithTheSameSerialAndTheDuplicateIsAReceipt() {
    let site = FakeSite()
    site.add(photos: 1)
    site.deeds = [.acceptAndCut, .accept, .acceptAndCut]
    site.makeDrain().start()
    site.run(.seconds(30))
    #expect(site.held == ["S1/0", "S1/1"])
    #expect(site.requests.filter { $0 != "login" } == ["S1/0", "S1/0", "S1/1", "S1/1"])
    #expect(site.quarantined.isEmpty)
    #expect(site.drain?.status.backlog == 0)
}

@Test(arguments: [
    Deed.fail(timeout), .fail(tlsFault), .answer(status: 500, body: "{}"), .answer(status: 404, body: ""),
    .answer(status: 200, body: "<html>portal</html>"), .answer(status: 200, body: ""),
    .answer(status: 200, body: #"{"code":"500","status":"系统繁忙"}"#),
])
func faultsOfHoursDropNothingAndQuarantineNothing(deed: Deed) throws {
    let site = FakeSite()
    for _ in 0..<5 { site.add(photos: 1) }
    var isAway = true
    site.habit = { _ in isAway ? deed : .accept }
    site.makeDrain().start()
    site.run(.seconds(5 * 3_600))
    let status = try #require(site.drain?.status)
    #expect(!status.isConnected)
    #expect(status.backlog == 5)
    #expect(!status.lastError.isEmpty)
    #expect(site.held.isEmpty)
    #expect(site.outages.count == 1)
    isAway = false
    site.run(.seconds(61))
    #expect(site.held == (1...5).flatMap { ["S\($0)/0", "S\($0)/1"] })
    #expect(site.quarantined.isEmpty)
    #expect(site.outages.last == "ended")
    #expect(site.drain?.status.lastError == "")
}

@Test func unreachableLoginNeverQuarantines() {
    let site = FakeSite()
    site.add()
    var isAway = true
    site.loginHabit = { isAway ? .refuse("用户名或密码错误") : .accept }
    site.makeDrain().start()
    site.run(.seconds(72 * 3_600))
    #expect(site.quarantined.isEmpty)
    #expect(site.outages == ["began: login refused: 用户名或密码错误 (400)"])
    isAway = false
    site.run(.seconds(61))
    #expect(site.held == ["S1/0"])
}

@Test func pausesGrowToTheLimitAndTheSameSeedGivesTheSame() {
    func times(seed: UInt64) -> [UInt64] {
        let site = FakeSite()
        site.add()
        var at: [UInt64] = []
        site.loginHabit = {
            at.append(site.time.nanoseconds / 1_000_000)
            return .fail(timeout)
        }
        site.makeDrain { $0.seed = seed }.start()
        site.run(.seconds(600))
        return zip(at, at.dropFirst()).map { $1 - $0 }
    }
    let pauses = times(seed: 3)
    #expect(pauses == times(seed: 3))
    #expect(pauses != times(seed: 4))
    for (index, pause) in pauses.enumerated() {
        let whole = UInt64(min(60_000, 1_000 << min(index, 6)))
        #expect(pause >= max(1_000, whole / 2) && pause <= whole, "pause \(index): \(pause) ms")
    }
    #expect(pauses.count > 12)
}

@Test func refusedRowIsQuarantinedWithThePlatformsWordsAndTheNextGoesOn() {
    let site = FakeSite()
    for _ in 0..<3 { site.add(photos: 1) }
    site.habit = { isRecord($0, "S2") ? .refuse("车牌号码不能为空") : .accept }
    site.makeDrain().start()
    site.run(.seconds(120))
    #expect(site.held == ["S1/0", "S1/1", "S3/0", "S3/1"])
    #expect(site.requests.filter { $0 == "S2/0" }.count == 5)
    #expect(
        site.quarantined.map { "\($0.sequence)/\($0.step) \($0.reason)" } == [
            "2/0 车牌号码不能为空 (400)", "2/1 its row stands in quarantine",
        ])
    #expect(site.outages.isEmpty)
}

@Test func refusalThatPassesIsNoQuarantine() {
    let site = FakeSite()
    site.add()
    site.deeds = [.refuse("维护"), .refuse("维护"), .refuse("维护"), .refuse("维护")]
    site.makeDrain().start()
    site.run(.seconds(60))
    #expect(site.held == ["S1/0"])
    #expect(site.quarantined.isEmpty)
}

@Test func platformThatRefusesEverythingForAnHourTakesFewRowsWithIt() {
    let site = FakeSite()
    for _ in 0..<100 { site.add() }
    site.habit = { _ in .refuse("维护") }
    site.makeDrain().start()
    site.run(.seconds(3_600))
    #expect((1...10).contains(site.quarantined.count))
}

@Test func forgottenTokenIsAskedAnewAtOnce() {
    let site = FakeSite()
    site.add()
    site.add()
    site.deeds = [.accept, .forgetTokens]
    site.makeDrain().start()
    site.run(.milliseconds(1))
    #expect(site.requests == ["login", "S1/0", "S2/0", "login", "S2/0"])
    #expect(site.held == ["S1/0", "S2/0"])
    #expect(site.outages.isEmpty)
}

@Test func tokenThatIsNeverTakenIsAFaultAndNoQuarantine() {
    let site = FakeSite()
    site.add()
    site.habit = { _ in .forgetTokens }
    site.makeDrain().start()
    site.run(.seconds(7_200))
    #expect(site.quarantined.isEmpty)
    #expect(site.outages == ["began: token refused: access_token 无效 (401)"])
    #expect(site.requests.count < 600)
    site.habit = { _ in .accept }
    site.run(.seconds(61))
    #expect(site.held == ["S1/0"])
}

@Test func tokenIsUsedUntilItsLifetimeEnds() {
    let site = FakeSite()
    site.makeDrain { $0.tokenLifetime = .seconds(100) }.start()
    for _ in 0..<3 {
        site.add()
        site.drain?.ledgerMoved()
        site.run(.seconds(60))
    }
    #expect(site.requests == ["login", "S1/0", "S2/0", "login", "S3/0"])
}

@Test func itemThatBreaksThePlatformIsQuarantinedAfterADayWhileThePlatformAnswers() {
    let site = FakeSite()
    site.add(photos: 1)
    site.add()
    site.habit = { isRecord($0, "S1") ? .answer(status: 500, body: "NullPointerException") : .accept }
    site.makeDrain().start()
    site.run(.seconds(23 * 3_600))
    #expect(site.quarantined.isEmpty)
    site.run(.seconds(2 * 3_600))
    #expect(site.quarantined.map(\.step) == [0, 1])
    #expect(site.quarantined.first?.reason.contains("HTTP 500") == true)
    #expect(site.held == ["S2/0"])
}

@Test func missingPhotoIsQuarantinedAndTheOthersGoOn() {
    let site = FakeSite()
    site.add(photos: 2)
    site.missingPhotos = [site.rows[0].photos[0].digest]
    site.makeDrain().start()
    site.run(.seconds(1))
    #expect(site.held == ["S1/0", "S1/2"])
    #expect(site.quarantined.map(\.step) == [1])
    #expect(site.quarantined.first?.reason.contains("its file is missing") == true)
}

@Test func lostReceiptIsGivenAgainAndTheItemIsNotSentAgain() {
    let site = FakeSite()
    site.add()
    site.add()
    site.receiptsToLose = 2
    site.makeDrain().start()
    site.run(.seconds(9))
    site.drain?.ledgerMoved()
    #expect(site.held == ["S1/0"])
    site.run(.seconds(20))
    #expect(site.requests == ["login", "S1/0", "S2/0"])
}

@Test func ledgerThatCannotBeReadForAWhileIsNoOutageAndNothingIsSentTwice() {
    let site = FakeSite()
    site.add()
    site.add()
    site.receiptsToLose = 1
    site.makeDrain().start()
    site.run(.seconds(1))
    site.readError = .damaged(sequence: 1, reason: "test")
    site.drain?.ledgerMoved()
    site.run(.seconds(30))
    #expect(site.drain?.status.lastError.contains("record 1") == true)
    site.readError = nil
    site.run(.seconds(61))
    #expect(site.requests == ["login", "S1/0", "S2/0"])
    #expect(site.outages.isEmpty)
}

@Test func heartbeatGoesOutWhileIdleAndItsRefusalDoesNoHarm() {
    let site = FakeSite()
    site.makeDrain { $0.heartbeat = .seconds(60) }.start()
    site.run(.seconds(150))
    #expect(site.requests == ["login", "heartbeat", "heartbeat", "heartbeat"])
    site.habit = { $0["ipctype"]?.text == "putdcstatus" ? .refuse("未知接口") : .accept }
    site.add()
    site.drain?.ledgerMoved()
    site.run(.seconds(100))
    #expect(site.held == ["S1/0"])
    #expect(site.drain?.status.isConnected == true)
    #expect(site.outages.isEmpty)
}

@Test func heartbeatFindsTheOutageAndItsEnd() {
    let site = FakeSite()
    var isAway = false
    site.habit = { _ in isAway ? .fail(timeout) : .accept }
    site.makeDrain { $0.heartbeat = .seconds(60) }.start()
    site.run(.seconds(30))
    isAway = true
    site.run(.seconds(120))
    #expect(site.outages.count == 1)
    isAway = false
    site.run(.seconds(61))
    #expect(site.outages.last == "ended")
}

@Test func stoppedDrainDoesNothingMore() {
    let site = FakeSite()
    site.add()
    let drain = site.makeDrain()
    drain.start()
    drain.stop()
    site.run(.seconds(3_600))
    drain.ledgerMoved()
    site.run(.seconds(3_600))
    #expect(site.held.isEmpty)
    #expect(site.outages.isEmpty)
    #expect(site.cursor == nil)
}

/// Any mixture of faults, then a platform that works: everything is there once, in order, but for what it refused.
@Test(arguments: 1...40 as ClosedRange<UInt64>)
func whateverHappensEverythingArrivesOnceInOrder(seed: UInt64) {
    let site = FakeSite()
    var random = Jitter(seed: seed)
    let count = 12
    for _ in 0..<count { site.add(photos: Int(random.next() % 3)) }
    var isFaulty = true
    func deed() -> Deed {
        guard isFaulty else { return .accept }
        switch random.next() % 9 {
        case 0: return .fail(timeout)
        case 1: return .fail(tlsFault)
        case 2: return .acceptAndCut
        case 3: return .answer(status: 502, body: "<html>")
        case 4: return .answer(status: 200, body: "{\"co")
        case 5: return .refuse("忙")
        default: return .accept
        }
    }
    site.habit = { _ in random.next() % 20 == 0 && isFaulty ? .forgetTokens : deed() }
    site.loginHabit = deed
    site.makeDrain { $0.heartbeat = .seconds(30) }.start()
    for _ in 0..<30 {
        site.receiptsToLose = Int(random.next() % 2)
        // The controller restarts: what it knew is lost, what the ledger knows is not.
        if random.next() % 4 == 0 {
            site.drain?.stop()
            site.makeDrain { $0.heartbeat = .seconds(30) }.start()
        }
        site.run(.seconds(random.next() % 90))
    }
    isFaulty = false
    site.receiptsToLose = 0
    site.run(.seconds(1_300))
    let all = site.rows.flatMap { row in (0...row.photos.count).map { "\(row.serial)/\($0)" } }
    let refused = Set(site.quarantined.map { "S\($0.sequence)/\($0.step)" })
    #expect(site.held == all.filter { !refused.contains($0) })
    #expect(site.drain?.status.backlog == 0)
}

@Test func heldDrainSendsNothingAndCallsItNoOutage() {
    let site = FakeSite()
    site.add(photos: 1)
    site.makeDrain().start()
    site.run(.seconds(1))
    site.drain?.hold(true)
    for _ in 0..<3 {
        site.add(photos: 1)
        site.drain?.ledgerMoved()
    }
    let before = site.requests.count
    site.run(.seconds(3_600))
    #expect(site.requests.count == before)
    #expect(site.held == ["S1/0", "S1/1"] && site.outages.isEmpty)
    site.drain?.hold(false)
    site.run(.seconds(10))
    #expect(site.held == (1...4).flatMap { ["S\($0)/0", "S\($0)/1"] })
    #expect(site.outages.isEmpty && site.quarantined.isEmpty)
}
