// What the drain stands on: where it reads, whom it gives receipts to, and what wakes it.

import Domain
import Ledger
import Machine

/// What is due to one destination, read beside the ledger's writer.
public protocol DeliverySource: AnyObject {
    /// The first item after the destination's cursor; nil when it has everything.
    func nextDue() throws(LedgerError) -> DueItem?
    /// Rows that it does not wholly have.
    func backlog() throws(LedgerError) -> Int
    /// Whether the row of this passage stands in quarantine.
    func isRowQuarantined(sequence: UInt64) throws(LedgerError) -> Bool
    func photo(_ reference: PhotoReference) throws(LedgerError) -> [UInt8]
    /// The ledger's head, as `number:hash:epoch`, for the platform to witness.
    func witness() throws(LedgerError) -> String
}

/// The ledger as the source of one destination.
public final class LedgerDelivery: DeliverySource {
    private let reader: LedgerReader
    private let destination: String

    public init(reader: LedgerReader, destination: String) {
        self.reader = reader
        self.destination = destination
    }

    public func nextDue() throws(LedgerError) -> DueItem? {
        try reader.nextDue(destination: destination)
    }

    public func backlog() throws(LedgerError) -> Int {
        try reader.backlog(destination: destination)
    }

    public func isRowQuarantined(sequence: UInt64) throws(LedgerError) -> Bool {
        try reader.isQuarantined(destination: destination, sequence: sequence, step: 0)
    }

    public func photo(_ reference: PhotoReference) throws(LedgerError) -> [UInt8] {
        try reader.photo(reference)
    }

    public func witness() throws(LedgerError) -> String {
        guard let witness = try reader.witness() else { return "" }
        return witness.words + (witness.epoch.map { ":\($0)" } ?? "")
    }
}

/// Takes what the drain has to say to the ledger. Called on the uplink's thread; it must neither block nor call the
/// drain. A receipt may come twice (when the cursor did not move in time): the second of an item must change nothing.
public protocol ReceiptSink: AnyObject {
    /// The destination has it. The cursor may move.
    func confirm(destination: String, sequence: UInt64, step: UInt32)
    /// The destination will never have it, for this reason. The cursor may move.
    func quarantine(destination: String, sequence: UInt64, step: UInt32, reason: String)
    func outageBegan(destination: String, reason: String)
    func outageEnded(destination: String)
}

/// The one alarm that the drain sets. Setting it again replaces what was set.
public protocol DrainAlarm: AnyObject {
    func set(after interval: Interval, _ handler: @escaping () -> Void)
    func cancel()
}

/// The alarm on an event loop.
public final class LoopAlarm: DrainAlarm {
    private let loop: EventLoop
    private var watch: EventWatch?

    public init(_ loop: EventLoop) {
        self.loop = loop
    }

    public func set(after interval: Interval, _ handler: @escaping () -> Void) {
        do throws(MachineError) {
            watch = try loop.timer(interval, repeats: false, handler)
        } catch {
            // Out of memory. The next word from the ledger wakes the drain, which then looks at the clock itself.
            watch = nil
        }
    }

    public func cancel() {
        watch = nil
    }
}
