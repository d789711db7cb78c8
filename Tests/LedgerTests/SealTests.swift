// Seals: in time, each with a key of its own, and through every crash on the way from one key to the next.

import Crypto
import Domain
import Foundation
import Testing

@testable import Ledger

struct SealTests {
    let site = LedgerSite()

    private func seals() throws -> [SealEntry] {
        try site.reader().records(from: 1, limit: 1_000).compactMap {
            if case .seal(let seal) = $0.body { seal } else { nil }
        }
    }

    private func bytes(_ name: String) -> [UInt8] {
        (try? Data(contentsOf: URL(fileURLWithPath: site.folder + "/seal/" + name))).map { Array($0) } ?? []
    }

    @Test func eachSealNamesTheNextKeyAndUsesItsOwnOnce() throws {
        let writer = try site.bootedWriter()
        for _ in 0..<5 { try writer.seal(.inTime) }
        let seals = try seals()
        #expect(seals.map(\.epoch) == [0, 1, 2, 3, 4])
        for (one, next) in zip(seals, seals.dropFirst()) {
            #expect(one.nextKey == next.key)
            #expect(one.key != next.key)
        }
        #expect(writer.witness.epoch == 4)
        #expect(try site.report().isSound)
    }

    @Test func sealsComeAtTheStartAndAtEachIntervalAlsoWhenNothingHappens() throws {
        let writer = try site.bootedWriter()
        writer.sealInterval = .seconds(60)
        #expect(try writer.sealWhenDue())
        #expect(try !writer.sealWhenDue())
        for _ in 0..<3 {
            site.clock.advance(seconds: 50)
            #expect(try !writer.sealWhenDue())
            site.clock.advance(seconds: 10)
            #expect(try writer.sealWhenDue())
        }
        #expect(try seals().map(\.reason) == [.start, .inTime, .inTime, .inTime])
        #expect(try seals().allSatisfy { $0.intervalSeconds == 60 })
        #expect(try site.report().isSound)
    }

    @Test func theOldKeyIsGone() throws {
        let writer = try site.bootedWriter()
        let old = bytes("key")
        #expect(old.count == 80)
        try writer.seal(.start)
        #expect(bytes("key") != old)
        #expect(bytes("key").count == 80)
        #expect(bytes("key.next").isEmpty)
    }

    /// A second name for the old key's file shows what became of its bytes: a new name over it leaves them there.
    @Test func theOldKeyIsOverwrittenWhereItLies() throws {
        let writer = try site.bootedWriter()
        try FileManager.default.linkItem(
            atPath: site.folder + "/seal/key", toPath: site.folder + "/seal/second-name")
        #expect(bytes("second-name") == bytes("key"))
        try writer.seal(.start)
        #expect(bytes("second-name") == [UInt8](repeating: 0, count: 80))
    }

    /// A crash at the n-th file call of a seal, for every n: the next start goes on in the same generation.
    @Test func aCrashAtAnyStepOfASealIsRecovered() throws {
        var n = 0
        var isThrough = false
        while !isThrough {
            n += 1
            let site = LedgerSite()
            do {
                let writer = try site.bootedWriter()
                try writer.seal(.start)
                site.files.callsUntilFailure = n
                isThrough = (try? writer.seal(.inTime)) != nil
                site.files.callsUntilFailure = .max
            }
            do {
                let writer = try site.bootedWriter()
                #expect(writer.generation == nil, "n \(n): \(writer.generation?.reason ?? "")")
                try writer.seal(.start)
            }
            let report = try site.report()
            #expect(report.isSound, "n \(n): \(report.fault?.description ?? "")")
            #expect(try site.reader().sealedState()?.head.sequence == report.head.sequence)
        }
        // The next key, the old one's end, the new name, the counter.
        #expect(n == 5)
    }

    /// The same without a restart: the writer makes up for it.
    @Test func aFailedSealIsMadeUpForWithTheNext() throws {
        for n in 1...4 {
            let site = LedgerSite()
            let writer = try site.bootedWriter()
            try writer.seal(.start)
            site.files.callsUntilFailure = n
            #expect(throws: LedgerError.self) { try writer.seal(.inTime) }
            site.files.callsUntilFailure = .max
            try writer.seal(.inTime)
            #expect(try site.report().isSound)
        }
    }

    @Test func aCommitThatFailedKeepsItsPreparedKey() throws {
        let writer = try site.bootedWriter()
        try writer.seal(.start)
        _ = try writer.keys.prepareNext()
        let prepared = bytes("key.next")
        #expect(prepared.count == 80)
        _ = try writer.keys.prepareNext()
        #expect(bytes("key.next") == prepared)
        try writer.seal(.inTime)
        #expect(bytes("key") == prepared)
    }

    @Test func theCounterSurvivesATornWrite() throws {
        let writer = try site.bootedWriter()
        try writer.seal(.start)
        let older = try #require(try site.reader().sealedState())
        #expect(older.epoch == 0 && older.head == writer.head)
        try writer.seal(.inTime)
        let newer = try #require(try site.reader().sealedState())
        #expect(newer.epoch == 1 && newer.head == writer.head)
        for (name, left) in [("counter.0", newer), ("counter.1", older)] {
            let path = site.folder + "/seal/" + name
            let whole = bytes(name)
            #expect(whole.count == 104)
            // Cut short, and of the right size with the end of what was there before.
            for torn in [Array(whole.prefix(60)), whole.prefix(60) + [UInt8](repeating: 0, count: 44)] {
                try Data(torn).write(to: URL(fileURLWithPath: path))
                #expect(try site.reader().sealedState() == left)
            }
            try Data(whole).write(to: URL(fileURLWithPath: path))
        }
    }

    @Test func deliveriesAreRecordedWhenTheyHaveChanged() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try writer.seal(.start, destinations: ["p"])
        try writer.seal(.inTime, destinations: ["p"])
        try writer.transaction {
            for step in 0..<3 { try $0.confirm(destination: "p", sequence: 4, step: UInt32(step)) }
        }
        try writer.seal(.inTime, destinations: ["p"])
        let states = try site.reader().records(from: 1, limit: 100).compactMap { record -> DeliveryState? in
            if case .note(.deliveryState(let state)) = record.body { state } else { nil }
        }
        #expect(states.map(\.rowsWaiting) == [1, 0])
        #expect(states.map(\.through) == [nil, 4])
    }

    @Test func openingReadsOnlyWhatCameAfterTheLastSeal() throws {
        do {
            let writer = try site.bootedWriter()
            for index in 0..<20 { try site.pass(writer, "k\(index)") }
            try writer.seal(.inTime)
            try site.pass(writer, "last")
            try writer.settle()
        }
        // Damage before the last seal does not keep the gate from opening; the verifier names it.
        try site.tamper("UPDATE record SET hash = zeroblob(32) WHERE seq = 30")
        do { #expect(try site.writer().generation == nil) }
        guard case .damaged(30, _) = try site.report().fault else { throw CancellationError() }
    }

    @Test func aManualReleaseAllowsItsPass() throws {
        let writer = try site.bootedWriter()
        let token = site.nextToken(writer)
        try writer.transaction {
            try $0.append(decision: try site.decision(token, key: "", reason: .stageTooLow), gate: LedgerSite.gate)
        }
        let act = PersonalAct(person: "guard", reason: "emergency supplies", means: .button)
        try writer.transaction {
            try $0.append(
                release: ManualRelease(lane: LaneID(0), direction: .entry, by: act), token: token,
                gate: LedgerSite.gate)
        }
        var end = site.end(token)
        end.cause = .person
        let row = try writer.transaction { try $0.append(end: end, gate: LedgerSite.gate, direction: .entry) }
        #expect(row.releaseSequence == 3)
        #expect(try site.report().isSound)
    }

    @Test func aSupplementNamesAPassAndItsPhotosAreChecked() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        let act = PersonalAct(person: "clerk", reason: "weighed again", means: .web)
        try writer.transaction {
            try $0.append(
                supplement: Supplement(correcting: 4, by: act), photos: [Photo(kind: .scene, jpeg: [1, 2, 3])])
        }
        #expect(
            throws: LedgerError.self,
            performing: {
                try writer.transaction { try $0.append(supplement: Supplement(correcting: 2, by: act)) }
            })
        #expect(try site.report().isSound)
        let digest = SHA256.digest([1, 2, 3]).hexadecimal
        try FileManager.default.removeItem(
            atPath: site.folder + "/photos/" + digest.prefix(2) + "/" + digest + ".jpg")
        guard case .damaged(5, _) = try site.report().fault else { throw CancellationError() }
    }
}
