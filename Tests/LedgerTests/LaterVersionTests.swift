// A ledger that a later version has gone on with: the version before opens it, verifies, appends, answers, drains.

import Crypto
import Domain
import Foundation
import Store
import Testing

@testable import Ledger

struct LaterVersionTests {
    let site = LedgerSite()

    /// Tables, columns and an index more than are known here.
    private static let later = Schema(
        applicationID: LedgerSchema.schema.applicationID,
        steps: LedgerSchema.schema.steps + [
            """
            CREATE TABLE remark(seq INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
            ALTER TABLE record ADD COLUMN size INTEGER;
            ALTER TABLE due ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE passage ADD COLUMN axles INTEGER NOT NULL DEFAULT 2;
            CREATE INDEX remark_record ON record(seq) WHERE kind = 31;
            """
        ])

    /// Appends records as a later version would, each to the chain.
    private func append(_ records: [(kind: UInt16, body: [UInt8])]) throws {
        let database = try Database.writer(LedgerPath.database(site.folder), Self.later)
        let reader = try site.reader()
        var head = try #require(try reader.head())
        let last = try #require(try reader.records(from: head.sequence, limit: 1).first)
        let insert = try database.prepare(
            "INSERT INTO record(seq, kind, token, canonical, hash, size) VALUES(?1, ?2, ?3, ?4, ?5, 7)")
        try database.begin()
        for record in records {
            var header = RecordHeader(
                kind: .act, sequence: head.sequence + 1, laneTime: last.laneTime, wall: last.wall, boot: last.boot,
                token: .none)
            header.kindNumber = record.kind
            let canonical = try header.canonical(body: record.body)
            head = LedgerHead(sequence: header.sequence, hash: ChainHasher().hash(after: head.hash, canonical))
            insert.bind(1, header.sequence)
            insert.bind(2, Int64(record.kind))
            insert.bind(3, header.token.value)
            insert.bind(4, blob: canonical)
            insert.bind(5, blob: head.hash.bytes)
            try insert.run()
        }
        try database.execute("INSERT OR IGNORE INTO remark(seq, text) VALUES(1, 'later')")
        try database.commit()
    }

    /// A field that is not known here, and one whose number is beyond all that are.
    private static let body: [UInt8] = [0, 200, 0, 0, 0, 1, 7] + [1, 44, 0, 0, 0, 2, 8, 9]

    private func life() throws {
        do {
            let writer = try site.bootedWriter()
            try writer.seal(.start)
            try site.pass(writer, "k1")
        }
        try append([(31, Self.body), (31, Self.body), (40_000, [])])
    }

    @Test func itIsGoneOnWithAndVerifies() throws {
        try life()
        do {
            let writer = try site.bootedWriter()
            #expect(writer.generation == nil, "\(writer.generation?.reason ?? "")")
            try site.pass(writer, "k2")
            try writer.seal(.inTime)
        }
        let report = try site.report()
        #expect(report.isSound && report.passes == 2, "\(report.fault?.description ?? "")")
        #expect(report.findings.contains(.laterKind(31, records: 2)))
        #expect(report.findings.contains(.laterKind(40_000, records: 1)))
        let version = try Database.reader(LedgerPath.database(site.folder), LedgerSchema.schema)
            .value("PRAGMA user_version")
        #expect(Int(version) == Self.later.steps.count)
    }

    /// And the later version finds its own again.
    @Test func theLaterVersionGoesOnWithWhatWasAppended() throws {
        try life()
        do { try site.pass(site.bootedWriter(), "k2") }
        let database = try Database.writer(LedgerPath.database(site.folder), Self.later)
        #expect(try database.value("SELECT count(*) FROM remark") == 1)
        #expect(try database.value("SELECT count(*) FROM record WHERE size IS NULL") > 5)
        #expect(try database.value("SELECT count(*) FROM passage WHERE axles = 2") == 2)
        try append([(31, Self.body)])
        #expect(try site.report().isSound)
    }

    @Test func itIsDrainedQueriedAndExported() throws {
        try life()
        let writer = try site.bootedWriter()
        try site.pass(writer, "k2", photos: [])
        let reader = try site.reader()
        var rows = 0
        while let item = try reader.nextDue(destination: "p") {
            rows += item.step == 0 ? 1 : 0
            try writer.transaction {
                try $0.confirm(destination: "p", sequence: item.sequence, step: item.step)
            }
        }
        #expect(rows == 2)
        #expect(try reader.passages(LedgerQuery(), newestFirst: true, limit: 10).rows.count == 2)
        #expect(try reader.countsByWalking(LedgerQuery()).total == 2)
        let lines = try reader.records(from: 1, limit: 100).map(\.line)
        #expect(lines.contains { $0.contains(" kind-31, not known to this version [") }, "\(lines)")
        var text = ""
        try reader.export(.jsonLines, LedgerQuery()) { text += $0 }
        #expect(text.contains("\"kind-31\"") && text.contains("\"kind-40000\""))
    }

    @Test func aPhotoThatOnlyAnUnknownRecordNamesStays() throws {
        let jpeg: [UInt8] = [0xFF, 0xD8, 9, 9]
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            // Its file is there, and its record is given up.
            try writer.begin()
            let capture = try site.capture("lost", photos: [jpeg])
            _ = try writer.append(capture: capture, lane: LaneID(0), token: nil)
        }
        var fields = FieldWriter()
        fields.put(.photos, [PhotoReference(kind: .scene, digest: SHA256.digest(jpeg), byteCount: 4)])
        try append([(31, fields.bytes)])
        let writer = try site.bootedWriter()
        try writer.sealWhenDue()
        while try writer.tidy(RetentionPolicy(recordDays: 730, photoDays: 730, destinations: [])) {}
        let photos = try FileManager.default.subpathsOfDirectory(atPath: site.folder + "/photos")
        #expect(photos.filter { $0.hasSuffix(".jpg") }.count == 3)
    }

    /// What no version should do: a value that is not known here, in a field that is. A whole ledger is not set aside
    /// for it.
    @Test func anUnknownValueSinceTheLastSealDoesNotSetTheLedgerAside() throws {
        do { try site.pass(site.bootedWriter(), "k1") }
        var body = try RecordBody.note(.power(.mainsLost, batteryPercent: nil, detail: "")).encoded()
        body[body.count - 1] = 99
        try append([(RecordKind.power.rawValue, body)])
        let writer = try site.bootedWriter()
        #expect(writer.generation == nil, "\(writer.generation?.reason ?? "")")
        try site.pass(writer, "k2")
    }

    @Test(.enabled(if: Python.isThere)) func theIndependentVerifierTakesIt() throws {
        try life()
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k2")
            try writer.seal(.inTime)
        }
        let (status, text) = try Python.verify(["ledger", site.folder])
        #expect(status == 0 && text.contains("does not know: [31, 40000]"), "\(text)")
    }
}
