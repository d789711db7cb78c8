// The independent verifier (tools/verify-ledger, written from the documents alone) on what the real code writes:
// ledgers, exports with their proofs, backups. Needs the Python of tools/setup; without it these tests are left out.

import Crypto
import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

enum Python {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let path = root + "/build/deps/venv/bin/python"
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) }

    static func verify(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = [root + "/tools/verify-ledger"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}

@Suite(.enabled(if: Python.isThere))
struct IndependentVerifierTests {
    let site = LedgerSite()

    func words(_ head: LedgerHead) -> [String] {
        ["--witness", String(head.sequence), head.hash.hexadecimal]
    }

    func isSound(
        _ arguments: [String], _ words: String..., location: SourceLocation = #_sourceLocation
    ) throws {
        let (status, text) = try Python.verify(arguments)
        #expect(
            status == 0 && words.allSatisfy { text.contains($0) }, "\(arguments): \(text)", sourceLocation: location)
    }

    func isUnsound(
        _ arguments: [String], _ word: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let (status, text) = try Python.verify(arguments)
        #expect(status == 1 && text.contains(word), "\(arguments): \(text)", sourceLocation: location)
    }

    /// Every kind of record that the writer takes from others, and passes of several outcomes.
    func everything(_ writer: LedgerWriter, _ name: String) throws {
        let act = PersonalAct(person: "王某", reason: "=急救", means: .button)
        try site.pass(writer, name + "1")
        try site.pass(writer, name + "2", photos: [], .backedOut)
        let token = site.nextToken(writer)
        try writer.transaction {
            _ = try $0.append(
                release: ManualRelease(lane: LaneID(0), direction: .entry, by: act), token: token,
                gate: LedgerSite.gate)
        }
        var byHand = site.end(token, .manual)
        byHand.raisedAt = byHand.arrivedAt
        byHand.cause = .person
        let row = try writer.transaction {
            try $0.append(end: byHand, gate: LedgerSite.gate, direction: .entry, videoChannel: "nvr/1")
        }
        #expect(row.releaseSequence != nil)
        try writer.transaction {
            _ = try $0.append(end: site.end(site.nextToken($0), .forced), gate: LedgerSite.gate, direction: .exit)
        }
        let last = writer.head.sequence
        try writer.transaction {
            var supplement = Supplement(correcting: last, by: act)
            supplement.plate = Plate("粤Z1234港", colour: .black)
            supplement.vehicle = try site.vehicle()
            supplement.vehicleSource = .vehicleList
            supplement.freight = try site.freight()
            supplement.passedWall = site.clock.wall()
            supplement.gate = LedgerSite.gate
            _ = try $0.append(supplement: supplement, photos: [Photo(kind: .scene, jpeg: [0xFF, 0xD8, 7])])
            var again = Supplement(correcting: last, by: act)
            again.direction = .entry
            _ = try $0.append(supplement: again)
            var missed = Supplement(correcting: nil, by: act)
            missed.plate = Plate("冀C00001", colour: .yellow)
            missed.direction = .exit
            _ = try $0.append(supplement: missed)
        }
        let plate = try #require(Plate("冀A12345", colour: .yellow))
        let entry = ListEntry(plate: plate, kind: .black, reason: "欠费", validUntil: site.clock.wall())
        let notes: [LedgerNote] = [
            .faultRaised(subject: "camera-1", detail: "no \"answer\", twice"),
            .faultHealed(subject: "camera-1", detail: "answers"), .faultRaised(subject: "scale", detail: ""),
            .clockStep(before: site.clock.wall(), after: site.clock.wall()),
            .registerImported(vehicles: 3, listEntries: 2, refused: 1, file: .zero), .configurationLoaded(file: .zero),
            .uplinkState(destination: "p", isReachable: false, detail: "timed out"),
            .listChanged(entry: entry, isRemoved: true, person: "王某", means: .console),
            .policyChanged(rule: "emergency-level", before: "none", after: "orange", by: act),
            .login(person: "guard", isAdmitted: false, means: .web, origin: "10.0.0.7", detail: "password"),
            .act(person: "guard", act: "export", subject: "csv", detail: "", means: .console),
            .power(.batteryLow, batteryPercent: 9, detail: "UPS"),
            .backup(
                BackupEntry(folder: "/mnt/usb", result: .part, bytes: 9, head: LedgerHead(sequence: 7, hash: .zero))),
            .backup(BackupEntry(folder: "/mnt/usb", result: .failed, detail: "no medium")),
        ]
        try writer.transaction { for note in notes { _ = try $0.append(note: note) } }
        try writer.seal(.inTime, destinations: ["p"])
    }

    /// Exports of both forms, with and without selections, each with its proof.
    private func exportsAreProved(_ head: LedgerHead) throws {
        let reader = try site.reader()
        let middle = try reader.records(from: head.sequence - 6, limit: 1)[0].wall.second
        var queries = [LedgerQuery](repeating: LedgerQuery(), count: 12)
        queries[1].plate = "*1234*"
        queries[2].outcomes = PassOutcome.allCases
        queries[3].fromSecond = middle
        queries[4].toSecond = middle
        queries[5].stages = [.china6, .unknown]
        queries[5].directions = [.entry]
        queries[6].fleet = "示例车队"
        queries[6].cargo = "铁精粉"
        queries[6].gate = "A01"
        queries[7].delivery = .waiting
        queries[8].fromSecond = 0
        queries[8].toSecond = 10_000_000_000
        // What a supplement has corrected, and what one has added.
        queries[9].plate = "粤Z*"
        queries[10].plate = "冀C*"
        queries[11].directions = [.exit]
        queries[11].isDueOnly = true
        let path = site.folder + "/export"
        for format in [ExportFormat.csv, .jsonLines] {
            for query in queries {
                _ = try reader.export(format, query, until: nil, path: path, DiskFiles())
                try isSound(["export", path, "--device", LedgerSite.device] + words(head))
            }
        }
    }

    func backUp(_ target: String) throws {
        let pace = Pace(bytesPerSecond: 1 << 30)
        let backup = LedgerBackup(folder: target, files: DiskFiles(), streams: DiskFiles(), pace: pace)
        _ = try backup.run(site.reader(), isFull: false)
    }

    @Test func aLedgerItsExportsAndItsBackupAreSoundForIt() throws {
        let target = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: target) }
        let witness: LedgerHead
        do {
            let writer = try site.bootedWriter()
            try everything(writer, "a")
            witness = writer.head
            try backUp(target)
            try writer.settle()
        }
        let writer = try site.bootedWriter()
        try everything(writer, "b")
        try backUp(target)
        let first = try #require(try site.reader().records(from: 1, limit: 1).first)
        guard case .boot(_, _, _, let root?) = first.body else { throw CancellationError() }
        let key = ["--first-key", root.key.bytes.map { String(format: "%02x", $0) }.joined()]
        let device = ["--device", LedgerSite.device]
        try isSound(
            ["ledger", site.folder] + words(witness) + words(writer.head) + key + device, "the device was down")
        try isSound(["backup", target] + words(witness) + words(writer.head) + key + device, "full-", "part-")
        try exportsAreProved(writer.head)
        try isUnsound(
            ["ledger", site.folder] + words(LedgerHead(sequence: witness.sequence, hash: .zero)), "rewritten")
        try isUnsound(
            ["ledger", site.folder] + words(LedgerHead(sequence: writer.head.sequence + 1, hash: .zero)), "cut off")
    }

    @Test func aPrunedLedgerItsExportsAndItsBackupAreSoundForIt() throws {
        let target = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: target) }
        let writer = try site.bootedWriter()
        for day in 0..<6 {
            try everything(writer, "d\(day)-")
            site.clock.advance(seconds: 86_400)
            try writer.seal(.late)
        }
        site.clock.advance(seconds: 728 * 86_400)
        try writer.transaction { _ = try $0.append(note: .shutdown(cause: "test")) }
        try writer.seal(.late)
        var batch = PruneBatch()
        batch.least = 1
        let policy = RetentionPolicy(recordDays: 730, photoDays: 730, destinations: [])
        var steps = 0
        while try writer.tidy(policy, batch: batch) { steps += 1 }
        #expect(steps > 0)
        try everything(writer, "z")
        #expect(try site.report().isSound)
        try isSound(["ledger", site.folder] + words(writer.head), "removed", "kept for 730 days")
        try exportsAreProved(writer.head)
        try backUp(target)
        let full = try #require(
            try FileManager.default.contentsOfDirectory(atPath: target).first { $0.hasPrefix("full-") })
        #expect(try String(contentsOfFile: target + "/" + full, encoding: .utf8).prefix(400).contains("foundation"))
        try isSound(["backup", target] + words(writer.head))
        // What is gone can be neither right nor wrong, for both verifiers; a seal that stayed can.
        for sequence in [4, 5] as [UInt64] {
            let gone = LedgerHead(sequence: sequence, hash: .zero)
            #expect(try site.report(witness: gone).notCompared?.contains("record \(sequence), which was") == true)
            try isNotCompared(["ledger", site.folder] + words(gone), "was removed")
        }
        let seal = try #require(try site.reader().records(from: 2, limit: 1).first)
        let stayed = LedgerHead(sequence: seal.sequence, hash: seal.hash)
        #expect(try site.report(witness: stayed).notCompared == nil)
        try isSound(["ledger", site.folder] + words(stayed))
        let forged = LedgerHead(sequence: seal.sequence, hash: .zero)
        #expect(try !site.report(witness: forged).isSound)
        try isUnsound(["ledger", site.folder] + words(forged), "another hash")
    }

    @Test func generationsWithCarriedRowsAreSoundForIt() throws {
        let target = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: target) }
        let carried = Int64(RecordKind.carried.rawValue)
        for number in 2...3 as ClosedRange<UInt32> {
            do {
                let writer = try site.bootedWriter()
                try everything(writer, "g\(number)-")
                try writer.settle()
            }
            try FileManager.default.removeItem(atPath: site.folder + "/seal/key")
            let writer = try site.bootedWriter()
            #expect(writer.generation?.number == number)
            try writer.seal(.start)
        }
        let writer = try site.bootedWriter()
        try everything(writer, "h")
        #expect(try site.reader().stored(from: 1, limit: 100).contains { $0.kind == carried })
        try isSound(
            ["ledger", site.folder] + words(writer.head), "ledger-0001.db was set aside",
            "ledger-0002.db was set aside",
            "not linked")
        try exportsAreProved(writer.head)
        try backUp(target)
        try isSound(["backup", target] + words(writer.head))
    }
}
