// The whole site with a stand-in for the controller: it passes when it behaves, and each way of misbehaving is found.

import Foundation
import Testing

@testable import SiteSimulator

/// On a thread of its own: a site mostly waits, and the tests' own threads are few.
private func runSite(_ name: String, fault: String = "", _ change: (inout SiteOptions) -> Void = { _ in }) async throws
    -> SiteReport
{
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Support/fake_controller.py"
    var options = SiteOptions()
    options.command = ["env", "GW_FAKE=\(fault)", "python3", script]
    options.passes = 2
    options.seed = 3
    options.folder = NSTemporaryDirectory() + "gwsim-test-\(getpid())-\(name)"
    options.idleSeconds = 3
    change(&options)
    let chosen = options
    return try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try runSite(chosen) }) }
    }
}

private func runSite(_ options: SiteOptions) throws -> SiteReport {
    defer { try? FileManager.default.removeItem(atPath: options.folder) }
    let site = try Site(options)
    do {
        try site.start()
        while try !site.isDone() { Thread.sleep(forTimeInterval: 0.05) }
        return try site.finish(isInterrupted: false)
    } catch {
        site.abandon()
        throw error
    }
}

@Suite struct WholeSite {
    @Test func controllerThatBehavesPasses() async throws {
        let report = try await runSite("good") { $0.faults = FaultProfile(name: "cut,5xx,expiry") ?? .none }
        #expect(report.findings == [])
        #expect(report.isGood && report.passes == 2 && report.delivered == 2 && report.photos == 4)
        #expect(report.signFrames > 0 && report.slowestDecision > 0)
    }

    @Test func controllerThatIsKilledIsStartedAgainAndChecked() async throws {
        let report = try await runSite("kills") { $0.kills = 2 }
        #expect(report.findings == [])
        #expect(report.kills == 2 && report.starts == 3)
    }

    @Test func platformThatWasAwayGetsAllInOrder() async throws {
        let report = try await runSite("outage") {
            $0.passes = 3
            $0.outageAfter = 0
            $0.outagePasses = 2
        }
        #expect(report.findings == [])
        #expect(report.delivered == 3 && report.isInOrder)
    }

    @Test func raiseWithoutADecisionIsFound() async throws {
        let report = try await runSite("unrecorded", fault: "unrecorded")
        #expect(report.unrecordedRaises == 1 && !report.isGood)
    }

    @Test func missingDeliveryIsFound() async throws {
        let report = try await runSite("undelivered", fault: "undelivered")
        #expect(report.missing == 1 && !report.isGood)
    }

    @Test func doubledDeliveryIsFound() async throws {
        let report = try await runSite("doubled", fault: "doubled")
        #expect(report.unexpected > 0 && !report.isGood)
    }

    @Test func reorderedDeliveryIsFound() async throws {
        let report = try await runSite("reordered", fault: "reordered")
        #expect(!report.isInOrder && !report.isGood)
    }

    @Test func armLoweredOnATruckIsFound() async throws {
        let report = try await runSite("smash", fault: "smash")
        #expect(report.contacts == 1 && !report.isGood)
    }

    @Test func controllerThatEndsByItselfIsSaid() async {
        await #expect(throws: SimulationError.self) { try await runSite("deaf", fault: "deaf") }
    }

    @Test func folderThatIsNotOursIsRefused() throws {
        let folder = NSTemporaryDirectory() + "gwsim-test-\(getpid())-foreign"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "keep".write(toFile: folder + "/letter.txt", atomically: true, encoding: .utf8)
        #expect(throws: SimulationError.self) { try SiteFiles(folder: folder) }
        #expect(FileManager.default.fileExists(atPath: folder + "/letter.txt"))
    }
}
