// The writer's SQL, in one place.

import Store

/// The writer's prepared statements.
final class WriterStatements {
    let insertRecord: Statement
    let decisionOfToken: Statement
    let outcomeOfToken: Statement
    let captureOfKey: Statement
    let insertCapture: Statement
    let openDecision: Statement
    let closeDecision: Statement
    let firstOpenDecision: Statement
    let insertDue: Statement
    let moveCursor: Statement
    let insertQuarantine: Statement
    let countQuarantine: Statement
    let setProgress: Statement
    let getProgress: Statement
    let sharePhoto: Statement
    let sharedPhoto: Statement
    let unsharePhoto: Statement
    let sealBetween: Statement
    let sealAfter: Statement
    let newestPrune: Statement
    let recordsFrom: Statement
    let countRecords: Statement
    let removeRecords: Statement
    let removeCaptures: Statement
    let removeDue: Statement
    let removeQuarantine: Statement
    private let insertSupplement: Statement
    let removeSupplements: Statement
    let firstOpenSequence: Statement
    let dueFrom: Statement

    init(_ database: Database) throws(StoreError) {
        insertRecord = try database.prepare(
            "INSERT INTO record(seq, kind, token, canonical, hash) VALUES(?1, ?2, ?3, ?4, ?5)")
        decisionOfToken = try database.prepare(
            "SELECT seq, kind, token, canonical, hash FROM record WHERE kind = 4 AND token = ?1")
        outcomeOfToken = try database.prepare(
            "SELECT seq, kind, token, canonical, hash FROM record WHERE kind = 5 AND token = ?1")
        captureOfKey = try database.prepare(
            """
            SELECT record.seq, kind, token, canonical, hash FROM capture JOIN record ON record.seq = capture.seq
            WHERE capture.key = ?1
            """)
        insertCapture = try database.prepare("INSERT INTO capture(seq, key) VALUES(?1, ?2)")
        openDecision = try database.prepare("INSERT INTO open_decision(token, seq) VALUES(?1, ?2)")
        closeDecision = try database.prepare("DELETE FROM open_decision WHERE token = ?1")
        firstOpenDecision = try database.prepare(
            """
            SELECT record.seq, kind, record.token, canonical, hash
            FROM open_decision JOIN record ON record.seq = open_decision.seq ORDER BY record.seq LIMIT 1
            """)
        insertDue = try database.prepare("INSERT INTO due(seq, ordinal, steps) VALUES(?1, ?2, ?3)")
        moveCursor = try database.prepare(
            """
            INSERT INTO delivery(destination, seq, step) VALUES(?1, ?2, ?3)
            ON CONFLICT(destination) DO UPDATE SET seq = excluded.seq, step = excluded.step
            """)
        insertQuarantine = try database.prepare(
            "INSERT INTO quarantine(destination, seq, step, reason, at) VALUES(?1, ?2, ?3, ?4, ?5)")
        countQuarantine = try database.prepare("SELECT count(*) FROM quarantine WHERE destination = ?1")
        setProgress = try database.prepare(
            "INSERT INTO progress(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value")
        getProgress = try database.prepare("SELECT value FROM progress WHERE name = ?1")
        sharePhoto = try database.prepare(
            "INSERT INTO shared_photo(hash, seq) VALUES(?1, ?2) ON CONFLICT(hash) DO UPDATE SET seq = excluded.seq")
        sharedPhoto = try database.prepare("SELECT seq FROM shared_photo WHERE hash = ?1")
        unsharePhoto = try database.prepare("DELETE FROM shared_photo WHERE hash = ?1")
        sealBetween = try database.prepare(
            """
            SELECT seq, kind, token, canonical, hash FROM record INDEXED BY seal_record
            WHERE kind = 13 AND seq > ?1 AND seq <= ?2 ORDER BY seq DESC
            """)
        sealAfter = try database.prepare(
            """
            SELECT seq, kind, token, canonical, hash FROM record INDEXED BY seal_record
            WHERE kind = 13 AND seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 1
            """)
        newestPrune = try database.prepare(
            """
            SELECT seq, kind, token, canonical, hash FROM record INDEXED BY prune_record
            WHERE kind = 14 ORDER BY seq DESC
            """)
        recordsFrom = try database.prepare(
            "SELECT seq, kind, token, canonical, hash FROM record WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3")
        countRecords = try database.prepare(
            """
            SELECT count(*) FROM record WHERE seq > ?1 AND seq <= ?2 AND kind NOT IN (13, 15)
            AND seq > (SELECT min(seq) FROM record)
            """)
        // What stays is the foundation: the generation's first record, its generation record, and the seals.
        removeRecords = try database.prepare(
            """
            DELETE FROM record WHERE seq > ?1 AND seq <= ?2 AND kind NOT IN (13, 15)
            AND seq > (SELECT min(seq) FROM record)
            """)
        removeCaptures = try database.prepare("DELETE FROM capture WHERE seq <= ?1")
        // The cursors and the next ordinal are reckoned from the rows that stay.
        removeDue = try database.prepare(
            """
            DELETE FROM due WHERE seq <= ?1 AND seq NOT IN (SELECT seq FROM delivery)
            AND seq < (SELECT max(seq) FROM due)
            """)
        insertSupplement = try database.prepare("INSERT INTO supplement(seq, corrects) VALUES(?1, ?2)")
        removeSupplements = try database.prepare("DELETE FROM supplement WHERE seq <= ?1")
        removeQuarantine = try database.prepare("DELETE FROM quarantine WHERE seq <= ?1")
        dueFrom = try database.prepare(
            """
            SELECT record.seq, kind, token, canonical, hash FROM due JOIN record ON record.seq = due.seq
            WHERE due.seq > ?1 ORDER BY due.seq LIMIT ?2
            """)
        firstOpenSequence = try database.prepare("SELECT min(seq) FROM open_decision")
    }

    func add(_ supplement: Supplement, _ sequence: UInt64) throws(StoreError) {
        insertSupplement.bind(1, sequence)
        insertSupplement.bind(2, supplement.correctedSequence ?? 0)
        try insertSupplement.run()
    }

    func progressValue(_ name: String) throws(StoreError) -> Int64 {
        defer { getProgress.reset() }
        getProgress.bind(1, text: name)
        return try getProgress.step() ? getProgress.integer(0) : 0
    }

    func setProgress(_ name: String, _ value: UInt64) throws(StoreError) {
        setProgress.bind(1, text: name)
        setProgress.bind(2, value)
        try setProgress.run()
    }
}
