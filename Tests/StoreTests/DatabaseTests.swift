// The one way in which a database is opened, and what is refused.

import Foundation
import Testing

@testable import Store

struct DatabaseTests {
    static let schema = Schema(
        applicationID: 0x5445_5354, steps: ["CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, body BLOB) STRICT"])
    let folder = NSTemporaryDirectory() + "gw-store-" + UUID().uuidString
    var path: String { folder + "/test.db" }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    private func cleanUp() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func valuesComeBackAsTheyWereBound() throws {
        defer { cleanUp() }
        let database = try Database.writer(path, Self.schema)
        let insert = try database.prepare("INSERT INTO item(id, name, body) VALUES(?1, ?2, ?3)")
        insert.bind(1, UInt64.max)
        insert.bind(2, text: "冀A'; DROP TABLE item; --")
        insert.bind(3, blob: [0, 1, 255])
        try insert.run()
        insert.bind(1, Int64(2))
        insert.bind(2, text: "")
        insert.bind(3, blob: [])
        try insert.run()
        insert.bind(1, Int64(3))
        insert.bindNull(2)
        insert.bindNull(3)
        try insert.run()
        let select = try database.prepare("SELECT id, name, body FROM item ORDER BY id")
        #expect(try select.step())
        #expect(select.unsigned(0) == .max)
        #expect(select.text(1) == "冀A'; DROP TABLE item; --")
        #expect(select.blob(2) == [0, 1, 255])
        #expect(try select.step())
        #expect(!select.isNull(1) && select.text(1).isEmpty)
        #expect(!select.isNull(2) && select.blob(2).isEmpty)
        #expect(try select.step())
        #expect(select.isNull(1) && select.isNull(2))
        #expect(try !select.step())
    }

    @Test func theWriterIsDurableAndTheReaderCannotWrite() throws {
        defer { cleanUp() }
        let writer = try Database.writer(path, Self.schema)
        #expect(try writer.value("PRAGMA synchronous") == 2)
        let mode = try writer.prepare("PRAGMA journal_mode")
        #expect(try mode.step())
        #expect(mode.text(0) == "wal")
        let reader = try Database.reader(path, Self.schema)
        #expect {
            try reader.execute("INSERT INTO item(id) VALUES(1)")
        } throws: { error in
            guard case .sqlite(_, let code, _) = error as? StoreError else { return false }
            return code & 0xFF == 8
        }
    }

    @Test func aRolledBackTransactionLeavesNothingAndACommittedOneStays() throws {
        defer { cleanUp() }
        do {
            let database = try Database.writer(path, Self.schema)
            try database.begin()
            try database.execute("INSERT INTO item(id) VALUES(1)")
            database.rollback()
            database.rollback()
            try database.begin()
            try database.execute("INSERT INTO item(id) VALUES(2)")
            try database.commit()
        }
        let reader = try Database.reader(path, Self.schema)
        #expect(try reader.value("SELECT sum(id) FROM item") == 2)
    }

    @Test func aDuplicateIsAConstraintAndTheStatementGoesOn() throws {
        defer { cleanUp() }
        let database = try Database.writer(path, Self.schema)
        let insert = try database.prepare("INSERT INTO item(id) VALUES(?1)")
        insert.bind(1, Int64(1))
        try insert.run()
        #expect {
            try insert.run()
        } throws: { error in
            (error as? StoreError)?.isConstraint == true
        }
        insert.bind(1, Int64(2))
        try insert.run()
        #expect(try database.value("SELECT count(*) FROM item") == 2)
    }

    @Test func aSecondWriterWaitsAndIsThenRefusedAsBusy() throws {
        defer { cleanUp() }
        let first = try Database.writer(path, Self.schema)
        let second = try Database.writer(path, Self.schema)
        try first.begin()
        #expect {
            try second.begin()
        } throws: { error in
            guard case .sqlite(_, let code, _) = error as? StoreError else { return false }
            return code & 0xFF == 5
        }
        first.rollback()
    }

    @Test func garbageIsNotADatabaseAndIsLeftAsItIs() throws {
        defer { cleanUp() }
        let garbage = Data((0..<8_192).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try garbage.write(to: URL(fileURLWithPath: path))
        #expect {
            _ = try Database.writer(path, Self.schema)
        } throws: { error in
            (error as? StoreError)?.description.contains("not a database") == true
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == garbage)
    }

    @Test func anotherProgramsDatabaseIsRefusedUnchanged() throws {
        defer { cleanUp() }
        do {
            _ = try Database.writer(path, Schema(applicationID: 7, steps: ["CREATE TABLE other(a)"]))
        }
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(throws: StoreError.foreign(path: path, applicationID: 7)) {
            _ = try Database.writer(path, Self.schema)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test func aSchemaGrowsByStepsAndAnEarlierProgramGoesOnWithIt() throws {
        defer { cleanUp() }
        do {
            let old = try Database.writer(path, Self.schema)
            try old.execute("INSERT INTO item(id) VALUES(1)")
        }
        let grown = Schema(
            applicationID: Self.schema.applicationID,
            steps: Self.schema.steps + ["ALTER TABLE item ADD COLUMN x INTEGER"])
        do {
            let new = try Database.writer(path, grown)
            #expect(try new.value("SELECT count(*) FROM item WHERE x IS NULL") == 1)
        }
        do {
            let old = try Database.writer(path, Self.schema)
            try old.execute("INSERT INTO item(id) VALUES(2)")
            #expect(try old.value("PRAGMA user_version") == 2)
            #expect(try Database.reader(path, Self.schema).value("SELECT count(*) FROM item") == 2)
            try old.execute("PRAGMA user_version = 1000")
        }
        for open in [{ try Database.writer(path, Self.schema) }, { try Database.reader(path, Self.schema) }] {
            #expect(throws: StoreError.newer(path: path, found: 1_000, known: 1)) { _ = try open() }
        }
    }

    @Test func aReaderOfNothingSaysSo() throws {
        defer { cleanUp() }
        #expect(throws: StoreError.self) { _ = try Database.reader(path, Self.schema) }
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(throws: StoreError.empty(path: path)) { _ = try Database.reader(path, Self.schema) }
        // An empty file is what a power cut while it was made leaves: a writer begins anew in it.
        _ = try Database.writer(path, Self.schema)
        _ = try Database.reader(path, Self.schema)
    }
}
