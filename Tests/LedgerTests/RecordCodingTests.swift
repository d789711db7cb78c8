// Every kind of record keeps its value through its bytes, and no bytes make the decoder trap.

import Crypto
import Domain
import Testing

@testable import Ledger

struct RecordCodingTests {
    let site = LedgerSite()

    private func bodies() throws -> [RecordBody] {
        let token = VehicleToken(boot: 1, lane: LaneID(0), count: 2)
        let photos = [
            PhotoReference(kind: .scene, digest: .zero, byteCount: 3),
            PhotoReference(kind: .plate, digest: Chain.genesis(device: "d"), byteCount: 70_000),
        ]
        var capture = CaptureEntry(
            lane: LaneID(7), key: "vz/1/2", camera: "cam", rawPlate: "冀A·1", plate: nil, confidence: 100,
            isReplayed: true, takenAt: WallTime(microseconds: -5), photos: photos)
        let unread = RecordBody.capture(capture)
        capture.plate = Plate("粤Z1234港", colour: .black)
        let decision = try site.decision(token, key: "k", reason: .whitelisted)
        let unknown = try site.decision(token, key: "", reason: .unknownVehicle)
        var row = PassRow(lane: LaneID(3), outcome: .completed, direction: .exit, gate: LedgerSite.gate)
        let bare = row
        row.freeze(decision, 17, LedgerSite.gate, photos)
        row.serial = row.serialNumber(recordSequence: 12_345)
        row.arrivedAt = Instant(nanoseconds: 1)
        row.raisedAt = Instant(nanoseconds: 2)
        row.enteredAt = Instant(nanoseconds: 3)
        row.endedAt = Instant(nanoseconds: .max)
        row.video = VideoReference(
            channel: "NVR-1/3", from: WallTime(microseconds: 1), to: WallTime(microseconds: 2))
        row.releaseSequence = 12
        row.raiseCause = .person
        row.isReverse = true
        return [
            .boot(version: "1.0", cause: "watchdog", device: "gate-1", root: nil), unread, .capture(capture),
            .decision(decision, gate: LedgerSite.gate), .decision(unknown, gate: LedgerSite.gate), .pass(row),
            .carried(row, origin: LedgerHead(sequence: 7, hash: .zero)),
            .pass(bare),
            .quarantine(QuarantineEntry(destination: "p", sequence: .max, step: 2, reason: "重复")),
            .note(.faultRaised(subject: "camera", detail: "silent")),
            .note(.faultHealed(subject: "camera", detail: "")),
            .note(.clockStep(before: WallTime(microseconds: .min), after: WallTime(microseconds: .max))),
            .note(.registerImported(vehicles: 1, listEntries: 2, refused: .max, file: .zero)),
            .note(.configurationLoaded(file: Chain.genesis(device: ""))),
            .note(.uplinkState(destination: "p", isReachable: false, detail: "timeout")),
            .note(.shutdown(cause: "SIGTERM")),
        ] + (try sealingBodies()) + (try personBodies())
    }

    private func sealingBodies() throws -> [RecordBody] {
        let key = try #require(Ed25519PublicKey(bytes: [UInt8](repeating: 7, count: 32)))
        let seal = SealEntry(
            epoch: 3, intervalSeconds: 900, key: key, nextKey: key, reason: .late, previousSeal: nil,
            previousHash: .zero, signature: [UInt8](repeating: 9, count: 64))
        let head = LedgerHead(sequence: 9, hash: .zero)
        return [
            .boot(
                version: "1.0", cause: "start", device: "d", root: SealingRoot(epoch: 2, key: key, generation: 3)),
            .seal(seal), .prune(PruneEntry(records: (8, .zero, 7), retentionDays: 730, photosThrough: 9)),
            .prune(PruneEntry(records: nil, retentionDays: 365, photosThrough: nil)),
            .generation(
                GenerationEntry(number: 2, setAside: "ledger-0001.db", reason: "cut", lastGood: head, counter: nil)),
            .generation(GenerationEntry(number: 3, setAside: "", reason: "", lastGood: nil, counter: head)),
        ]
    }

    private func personBodies() throws -> [RecordBody] {
        let act = PersonalAct(person: "王某", reason: "应急物资", means: .web)
        var release = ManualRelease(lane: LaneID(1), direction: .exit, by: act)
        release.plate = Plate("粤Z1234港", colour: .black)
        release.decisionSequence = 4
        var supplement = Supplement(correcting: 17, by: act)
        supplement.freight = try site.freight()
        supplement.vehicle = try site.vehicle()
        supplement.vehicleSource = .vehicleList
        supplement.passedWall = WallTime(microseconds: 5)
        supplement.gate = LedgerSite.gate
        let plate = try #require(Plate("冀A12345", colour: .yellow))
        let entry = ListEntry(plate: plate, kind: .black, reason: "超标", validUntil: WallTime(microseconds: 9))
        let state = DeliveryState(destination: "p", through: 9, rowsDue: 3, rowsWaiting: 1, itemsQuarantined: 0)
        let health = LaneHealth(
            lane: LaneID(7), uptimeSeconds: 3_600,
            edgeToOutput: [
                LaneHealth.LatencyStep(belowMicroseconds: 24, count: 70_000),
                LaneHealth.LatencyStep(belowMicroseconds: 26, count: 1),
            ], longestMicroseconds: 25, edgesLost: 1, messagesLost: 2, ledgerFullness: 3)
        return [
            .note(.health(health)), .note(.health(LaneHealth(lane: LaneID(0), uptimeSeconds: 0))),
            .manualRelease(release, gate: LedgerSite.gate), .supplement(supplement),
            .supplement(Supplement(correcting: nil, by: act)),
            .note(.listChanged(entry: entry, isRemoved: true, person: "王某", means: .console)),
            .note(.policyChanged(rule: "emergency-level", before: "none", after: "orange", by: act)),
            .note(.login(person: "guard", isAdmitted: false, means: .web, origin: "10.0.0.7", detail: "password")),
            .note(.act(person: "guard", act: "export", subject: "csv", detail: "", means: .console)),
            .note(.power(.mainsLost, batteryPercent: nil, detail: "")),
            .note(.power(.batteryLow, batteryPercent: 9, detail: "UPS")), .note(.deliveryState(state)),
            .note(
                .backup(
                    BackupEntry(
                        folder: "/mnt/usb/gate-1", result: .full, bytes: 9_000,
                        head: LedgerHead(sequence: 7, hash: .zero), detail: "on the ledger's own disk"))),
            .note(.backup(BackupEntry(folder: "/mnt/usb/gate-1", result: .failed, detail: "no medium"))),
        ]
    }

    private func canonical(_ body: RecordBody, kind: UInt16? = nil) throws -> [UInt8] {
        var header = RecordHeader(
            kind: body.kind ?? .boot, sequence: 9, laneTime: Instant(nanoseconds: 8),
            wall: WallTime(microseconds: -7), boot: 6, token: VehicleToken(boot: 1, lane: LaneID(0), count: 2))
        if let kind { header.kindNumber = kind }
        return try header.canonical(body: try body.encoded())
    }

    @Test func everyKindKeepsItsValue() throws {
        var kinds: Set<UInt16> = []
        for body in try bodies() {
            let bytes = try canonical(body)
            let record = try Record(canonical: bytes, hash: .zero)
            // The same bytes and the same words: nothing was lost on the way.
            #expect(try canonical(record.body) == bytes)
            #expect("\(record.body)" == "\(body)")
            #expect(record.sequence == 9 && record.boot == 6 && record.wall.microseconds == -7)
            kinds.insert(record.kindNumber)
        }
        #expect(kinds == Set(RecordKind.allCases.map(\.rawValue)))
    }

    @Test func aRecordCutShortAnywhereIsRefusedOrIsWholeUpToThere() throws {
        for body in try bodies() {
            let bytes = try canonical(body)
            for count in 0..<bytes.count {
                // Cut between two fields, what is left reads as a shorter record; elsewhere it is refused.
                guard let record = try? Record(canonical: Array(bytes.prefix(count)), hash: .zero) else { continue }
                #expect(try canonical(record.body).count <= count)
            }
        }
    }

    @Test func anyChangedByteIsReadWithoutATrap() throws {
        for body in try bodies() {
            let bytes = try canonical(body)
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= 0xFF
                do throws(RecordFault) {
                    _ = try Record(canonical: changed, hash: .zero)
                } catch {
                    #expect(!error.reason.isEmpty)
                }
            }
        }
    }

    @Test func aKindOfALaterFormatIsKeptUnread() throws {
        let bytes = try canonical(.boot(version: "", cause: "", device: "", root: nil), kind: 999)
        let record = try Record(canonical: bytes, hash: .zero)
        guard case .unrecognised = record.body else { throw CancellationError() }
        #expect(record.kindNumber == 999)
    }

    @Test func fieldsOutOfOrderOrDoubledAreRefused() throws {
        let field: [UInt8] = [0, 60, 0, 0, 0, 1, 0x41]
        let header = Array(
            try canonical(.boot(version: "", cause: "", device: "", root: nil)).prefix(RecordHeader.byteCount))
        #expect(throws: RecordFault.self) { try Record(canonical: header + field + field, hash: .zero) }
        var wrongUTF8 = field
        wrongUTF8[6] = 0xC3
        #expect(throws: RecordFault.self) { try Record(canonical: header + wrongUTF8, hash: .zero) }
    }

    @Test func aRecordOverTheLimitIsRefused() throws {
        let header = RecordHeader(
            kind: .shutdown, sequence: 1, laneTime: Instant(nanoseconds: 0), wall: WallTime(microseconds: 0), boot: 1,
            token: .none)
        #expect(throws: LedgerError.self) {
            _ = try header.canonical(body: [UInt8](repeating: 0, count: LedgerLimits.recordBytes))
        }
    }
}
