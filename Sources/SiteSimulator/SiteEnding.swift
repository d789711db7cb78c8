// The end of a run: the platform gets its time, the controller stops, and the ledger is held against all that was seen.

import CSystem
import Domain
import Foundation

extension Site {
    /// Waits for the platform, stops the controller, checks everything. `isInterrupted`: by Ctrl-C, amid passes.
    public func finish(isInterrupted: Bool) throws(SimulationError) -> SiteReport {
        if platform.isAway { try platform.comeBack() }
        // The last truck has left its loops; its passage ends for the controller a closing delay later.
        if !isInterrupted { Clock.sleep(milliseconds: Site.settleMilliseconds) }
        try waitForPlatform(seconds: isInterrupted ? 10 : options.idleSeconds, isDisturbed: isInterrupted)
        stop()
        let end = controller.terminate(seconds: 20)
        for sign in signs { sign.stop() }
        for reader in readers { reader.stop() }
        if end != .exited(0) {
            let how = end.map { "\($0)" } ?? "not within 20 s"
            find("the controller did not end well on SIGTERM: \(how). Its last words: \(controller.lastWords)")
        }
        var report = SiteReport()
        let broken = try controller.verifyLedger()
        report.isVerified = broken == nil
        if let broken { find("the ledger does not verify: \(broken)") }
        let export = try controller.exportLedger()
        fill(&report, export, isInterrupted)
        try files.write("witnesses", platform.book.heads.map { $0 + "\n" }.joined())
        try files.write("site.log", state.withLock { $0.log }.joined(separator: "\n") + "\n")
        return report
    }

    /// Ends everything without a check.
    public func abandon() {
        stop()
        controller.kill()
        for sign in signs { sign.stop() }
        for reader in readers { reader.stop() }
    }

    private static let settleMilliseconds: Int = 1_500

    private func waitForPlatform(seconds: Double, isDisturbed: Bool) throws(SimulationError) {
        var lastCount = -1
        var lastChange = Clock.now
        while true {
            let audit = try Audit(ledger: controller.exportLedger(), observed: observation(isDisturbed: isDisturbed))
            if audit.isComplete { return }
            let book = platform.book
            let count = book.records.count + book.photos.count
            if count != lastCount { lastChange = Clock.now }
            lastCount = count
            guard Double(Clock.now - lastChange) < seconds * 1e9 else { return }
            if let end = controller.unexpectedEnd {
                throw .controller("ended by itself (\(end)). Its last words:\n\(controller.lastWords)")
            }
            Clock.sleep(milliseconds: 500)
        }
    }

    private func observation(isDisturbed: Bool) -> Observation {
        var observed = Observation()
        observed.book = platform.book
        observed.pictures = cameras.pictures
        state.withLock { state in
            observed.raises = state.yards.flatMap(\.raises)
            observed.crossings = state.crossings
            observed.wrongTagged = state.wrongTagged
            observed.wasDisturbed = isDisturbed || state.kills > 0
        }
        return observed
    }

    private func fill(_ report: inout SiteReport, _ export: LedgerExport, _ isInterrupted: Bool) {
        let observed = observation(isDisturbed: isInterrupted)
        let audit = Audit(ledger: export, observed: observed)
        let counts = state.withLock { $0.counts }
        let camera = cameras.counts
        report.passes = counts.crossed
        report.tagged = export.decisions.filter { !$0.decision.tag.isEmpty }.count
        report.identityConflicts = export.decisions.filter { $0.decision.isConflict }.count
        report.refusals = export.decisions.filter { !$0.decision.allows }.count
        report.records = export.rows.count
        report.delivered = audit.delivered
        report.slowestDecision = SiteReport.slowestDecision(raises: observed.raises, pictures: observed.pictures)
        report.slowestLaneDecision = audit.slowestLaneDecision
        report.photos = observed.book.photos.count
        report.visits = counts.visits
        report.kills = state.withLock { $0.kills }
        report.starts = controller.starts
        report.repeats = observed.book.repeats
        report.faults = platform.faults.values.reduce(0, +)
        report.unrecordedRaises = audit.unrecordedRaises
        report.mismatchedRaises = audit.mismatchedRaises
        report.contacts = counts.contacts
        report.relayConflicts = counts.relayConflicts
        report.reversals = counts.reversals
        report.missing = audit.missing
        report.unexpected = audit.unexpected
        report.differing = audit.differing
        report.quarantined = export.quarantined.count
        report.isInOrder = audit.isInOrder
        report.cameraPushes = camera.pushes
        report.cameraDuplicates = camera.duplicates
        report.signFrames = signs.reduce(0) { $0 + $1.shown.frames }
        report.seconds = elapsedSeconds
        report.findings = state.withLock { $0.findings } + audit.findings
        report.findings += further(report, observed, camera, isInterrupted)
    }

    private func further(
        _ report: SiteReport, _ observed: Observation, _ camera: CameraCounts, _ isInterrupted: Bool
    ) -> [String] {
        var found: [String] = []
        if report.contacts > 0 { found.append("the arm came down on \(report.contacts) trucks") }
        if report.relayConflicts > 0 { found.append("raise and lower relay were on together") }
        if report.quarantined > 0 { found.append("\(report.quarantined) items stand in quarantine") }
        if camera.ownRelay > 0 { found.append("an answer would have made a camera pulse its own relay") }
        if report.signFrames == 0 { found.append("the sign was never spoken to") }
        if !isInterrupted, options.hasReaders, report.tagged == 0 || readers.contains(where: { $0.inventories == 0 }) {
            found.append("the tag readers were never asked, or no decision has a tag")
        }
        if !isInterrupted, let passes = options.passes, report.passes < passes {
            found.append("\(report.passes) of \(passes) trucks passed")
        }
        if !isInterrupted, report.kills < options.kills {
            found.append("\(report.kills) of \(options.kills) kills were done")
        }
        let trouble = state.withLock { $0.lineTrouble }
        if trouble > 0 { found.append("\(trouble) messages on the line socket were lost or malformed") }
        found += observed.book.malformed.map { "the platform was sent what it cannot take: \($0)" }
        found += observed.book.contradictions.map { "the platform was sent \($0) twice with different content" }
        if observed.book.orphans > 0 { found.append("\(observed.book.orphans) photos came before their record") }
        return found
    }
}
