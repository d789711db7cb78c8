// A ledger, a clock, an alarm and a platform for the drain's tests. All time is simulated; nothing happens but by
// `run`.

import Domain
import Formats
import Foundation
import Machine
import Testing

@testable import Ledger
@testable import PlatformProtocols
@testable import Uplink

/// What the platform does with the next request that is not a login.
enum Deed {
    case accept
    /// Keeps the report, and its answer is lost.
    case acceptAndCut
    case fail(MachineError)
    case answer(status: Int, body: String)
    case refuse(String)
    case forgetTokens
}

final class FakeSite: DeliverySource, HTTPTransport, ReceiptSink, DrainAlarm, Machine.Clock, @unchecked Sendable {
    // The ledger.
    var rows: [PassRow] = []
    var cursor: (sequence: UInt64, step: UInt32)?
    var quarantined: [(sequence: UInt64, step: UInt32, reason: String)] = []
    var missingPhotos: Set<Digest> = []
    var readError: LedgerError?
    /// Lost receipts: the ring was full, or the commit failed.
    var receiptsToLose = 0
    var outages: [String] = []
    // The platform.
    var held: [String] = []
    var requests: [String] = []
    var logins = 0
    var deeds: [Deed] = []
    /// Decides when `deeds` is empty.
    var habit: (JSONValue) -> Deed = { _ in .accept }
    var loginHabit: () -> Deed = { .accept }
    private var tokens: Set<String> = []
    // Time.
    private(set) var time = Instant(nanoseconds: 1_000_000_000)
    private var alarm: (at: Instant, handler: () -> Void)?
    private var agenda: [() -> Void] = []
    var drain: Drain?

    func makeDrain(_ change: (inout DrainSettings) -> Void = { _ in }) -> Drain {
        var settings = DrainSettings(destination: "p", seed: 7)
        settings.heartbeat = nil
        change(&settings)
        var control = TransportControlSettings(organ: "o", username: "u", password: "p", gateCodes: ["A01"])
        control.duplicateWords = ["重复"]
        let drain = Drain(
            source: self, transport: self, platform: TransportControl(control), settings: settings, clock: self,
            alarm: self, sink: self)
        self.drain = drain
        return drain
    }

    /// A row with photos.
    func add(photos: Int = 0) {
        let number = UInt8(rows.count + 1)
        var row = PassRow(
            lane: LaneID(0), outcome: .completed, direction: .entry,
            gate: GateCodes(enterpriseID: "E", enterpriseName: "N", entranceGateCode: "A", gateCode: "A01"))
        row.serial = "S\(number)"
        row.photos = (0..<photos).compactMap { index in
            Digest(bytes: Array(repeating: number, count: 31) + [UInt8(index)]).map {
                PhotoReference(kind: .scene, digest: $0, byteCount: 4)
            }
        }
        rows.append(row)
    }

    /// Lets everything happen that is due within the interval.
    func run(_ interval: Interval) {
        let end = time + interval
        while true {
            if !agenda.isEmpty {
                agenda.removeFirst()()
            } else if let next = alarm, next.at <= end {
                alarm = nil
                time = max(time, next.at)
                next.handler()
            } else {
                break
            }
        }
        time = end
    }

    // MARK: DeliverySource

    func witness() throws(LedgerError) -> String { "" }

    func nextDue() throws(LedgerError) -> DueItem? {
        if let readError { throw readError }
        var sequence: UInt64 = 1
        var step: UInt32 = 0
        if let cursor {
            let row = rows[Int(cursor.sequence) - 1]
            let isLast = Int(cursor.step) == row.photos.count
            sequence = isLast ? cursor.sequence + 1 : cursor.sequence
            step = isLast ? 0 : cursor.step + 1
        }
        guard sequence <= rows.count else { return nil }
        let row = rows[Int(sequence) - 1]
        return DueItem(sequence: sequence, step: step, row: row, photo: step == 0 ? nil : row.photos[Int(step) - 1])
    }

    func backlog() throws(LedgerError) -> Int {
        guard let cursor else { return rows.count }
        let isWhole = Int(cursor.step) == rows[Int(cursor.sequence) - 1].photos.count
        return rows.count - Int(cursor.sequence) + (isWhole ? 0 : 1)
    }

    func isRowQuarantined(sequence: UInt64) throws(LedgerError) -> Bool {
        quarantined.contains { $0.sequence == sequence && $0.step == 0 }
    }

    func photo(_ reference: PhotoReference) throws(LedgerError) -> [UInt8] {
        if missingPhotos.contains(reference.digest) {
            throw .photoDamaged(reference.digest, reason: "its file is missing")
        }
        return [0xFF, 0xD8, 0xFF, 0xD9]
    }

    // MARK: ReceiptSink: the ledger's thread answers a moment later

    func confirm(destination: String, sequence: UInt64, step: UInt32) {
        move(sequence, step, nil)
    }

    func quarantine(destination: String, sequence: UInt64, step: UInt32, reason: String) {
        move(sequence, step, reason)
    }

    private func move(_ sequence: UInt64, _ step: UInt32, _ reason: String?) {
        guard receiptsToLose == 0 else {
            receiptsToLose -= 1
            return
        }
        agenda.append { [self] in
            guard let next = try? nextDue(), next.sequence == sequence, next.step == step else {
                Issue.record("a receipt out of order: \(sequence)/\(step)")
                return
            }
            cursor = (sequence, step)
            if let reason { quarantined.append((sequence, step, reason)) }
            drain?.ledgerMoved()
        }
    }

    func outageBegan(destination: String, reason: String) { outages.append("began: \(reason)") }
    func outageEnded(destination: String) { outages.append("ended") }

    // MARK: HTTPTransport

    private var underWay: ((Result<HTTPResponse, MachineError>) -> Void)?

    func post(
        path: String, contentType: String, body: [UInt8],
        completion: @escaping (Result<HTTPResponse, MachineError>) -> Void
    ) {
        guard underWay == nil, let request = try? JSONValue.parse(body) else {
            Issue.record("two requests at a time, or no JSON")
            return
        }
        underWay = completion
        agenda.append { [self] in finish(outcome(request)) }
    }

    func disconnect() {
        finish(.failure(.closed(subject: "by this side")))
    }

    private func finish(_ result: Result<HTTPResponse, MachineError>) {
        let completion = underWay
        underWay = nil
        completion?(result)
    }

    private func outcome(_ request: JSONValue) -> Result<HTTPResponse, MachineError> {
        let kind = request["ipctype"]?.text ?? ""
        let value = request["value"]
        let name = "\(value?["serialNum"]?.text ?? "")/\(value?["imageNum"]?.text ?? "0")"
        if kind == "getAccessToken" {
            requests.append("login")
            return act(loginHabit()) { [self] in
                logins += 1
                tokens.insert("t\(logins)")
                return #"{"code":"200","access_token":"t\#(logins)"}"#
            }
        }
        requests.append(kind == "putdcstatus" ? "heartbeat" : name)
        guard tokens.contains(request["access_token"]?.text ?? "") else {
            return reply(200, #"{"code":"401","status":"access_token 无效"}"#)
        }
        return act(deeds.isEmpty ? habit(request) : deeds.removeFirst()) { [self] in
            if kind == "putdcstatus" { return #"{"code":"200"}"# }
            if held.contains(name) { return #"{"code":"409","status":"重复上报"}"# }
            held.append(name)
            return #"{"code":"200","status":"成功"}"#
        }
    }

    private func act(_ deed: Deed, _ accept: () -> String) -> Result<HTTPResponse, MachineError> {
        switch deed {
        case .accept: return reply(200, accept())
        case .acceptAndCut:
            _ = accept()
            return .failure(.closed(subject: "platform"))
        case .fail(let error): return .failure(error)
        case .answer(let status, let body): return reply(status, body)
        case .refuse(let words): return reply(200, #"{"code":"400","status":"\#(words)"}"#)
        case .forgetTokens:
            tokens = []
            return reply(200, #"{"code":"401","status":"access_token 无效"}"#)
        }
    }

    private func reply(_ status: Int, _ body: String) -> Result<HTTPResponse, MachineError> {
        .success(HTTPResponse(status: status, contentType: "application/json", body: Array(body.utf8)))
    }

    // MARK: DrainAlarm and Clock

    func set(after interval: Interval, _ handler: @escaping () -> Void) {
        alarm = (time + interval, handler)
    }

    func cancel() { alarm = nil }
    func now() -> Instant { time }
    func wall() -> WallTime { WallTime(microseconds: Int64(time.nanoseconds / 1_000)) }
}
