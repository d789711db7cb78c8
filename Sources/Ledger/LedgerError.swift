// What can go wrong with the ledger.

import Domain
import Machine
import Store

/// A rule of the ledger that a call would have broken. The number is in the message and never changes its meaning.
public enum LedgerRule: UInt8, Sendable {
    /// A vehicle's token has one decision and one outcome.
    case oneDecision = 1
    case oneOutcome = 2
    /// A token is of the boot in which it is recorded.
    case tokenOfThisBoot = 3
    /// Only the next due item of a destination can be confirmed or quarantined.
    case nextDueOnly = 4
    /// A capture has a key.
    case captureKey = 5
    /// A supplement names a pass record.
    case correctsAPass = 6

    var text: String {
        switch self {
        case .oneDecision: "a vehicle token has exactly one decision"
        case .oneOutcome: "a vehicle token has exactly one outcome"
        case .tokenOfThisBoot: "a vehicle token carries the number of this boot"
        case .nextDueOnly: "only a destination's next due item can be confirmed or quarantined"
        case .captureKey: "a capture has a key that names it"
        case .correctsAPass: "a supplement corrects a pass record that is there"
        }
    }
}

/// An operating error of the ledger.
public enum LedgerError: Error, Sendable {
    case store(StoreError)
    /// A file (a photo, the lock, the folder): what was to be done with it.
    case file(what: String, MachineError)
    /// Another process holds the ledger.
    case lockedByAnother(folder: String)
    /// The ledger in this folder was begun by another device.
    case otherDevice(folder: String, found: String, expected: String)
    /// A record does not hold what the chain or the format says.
    case damaged(sequence: UInt64, reason: String)
    /// The database's pages do not fit together, in SQLite's words.
    case structure(String)
    /// A photo is missing, or its bytes do not have the hash that names it.
    case photoDamaged(Digest, reason: String)
    /// There is no record yet.
    case nothingRecorded
    /// What was asked for is not kept, or not yet.
    case noSuchRecord(sequence: UInt64, oldest: UInt64, newest: UInt64)
    /// The index says of a pass what its record does not say.
    case indexDiffers(sequence: UInt64)
    /// A backup or a restore cannot be made, or is not what it should be.
    case backup(folder: String, reason: String)
    /// More than the format allows.
    case limit(what: String, limit: Int)
    /// The call would break a rule.
    case refused(LedgerRule, detail: String)

    /// Whether the writer has undone the whole transaction. When false, nothing of the refused call was kept, and the
    /// transaction stands as it was before the call.
    public var undoesTransaction: Bool {
        switch self {
        case .store, .damaged, .structure: true
        case .file, .lockedByAnother, .otherDevice, .photoDamaged, .nothingRecorded, .noSuchRecord, .indexDiffers,
            .backup, .limit, .refused:
            false
        }
    }

    /// True when the disk has no space left (errno 28, ENOSPC).
    public var isFull: Bool {
        switch self {
        case .store(let error): error.isFull
        case .file(_, .system(_, _, let errno)): errno == 28
        case .file, .lockedByAnother, .otherDevice, .damaged, .photoDamaged, .nothingRecorded, .noSuchRecord,
            .indexDiffers, .backup, .limit, .refused, .structure:
            false
        }
    }

    /// True when what was written contradicts itself, so that no later try helps: never for a failed read or write, a
    /// full disk, a lock or a lack of memory.
    public var isCorruption: Bool {
        switch self {
        case .store(let error): error.isCorruption
        case .damaged, .structure: true
        case .file, .lockedByAnother, .otherDevice, .photoDamaged, .nothingRecorded, .noSuchRecord, .indexDiffers,
            .backup, .limit, .refused:
            false
        }
    }

    /// True when a page of the database was not given by the medium, once or for good.
    public var isUnreadable: Bool {
        guard case .store(let error) = self else { return false }
        return error.isUnreadable
    }

    /// What, why and what to do next, in one English line.
    public var description: String {
        switch self {
        case .store(let error): "ledger: \(error.description)"
        case .file(let what, let error):
            "ledger: \(what): \(error.description); check the disk's space, rights and health"
        case .lockedByAnother(let folder):
            "ledger \(folder): another process writes it; end that process, or name another state folder"
        case .otherDevice(let folder, let found, let expected):
            "ledger \(folder): was begun by device \"\(found)\", this one is \"\(expected)\"; "
                + "keep that folder as it is and name a new one"
        case .damaged(let sequence, let reason):
            "ledger: record \(sequence): \(reason); keep the folder as evidence, and begin a new one"
        case .structure(let words):
            "ledger: its database is damaged: \(words); keep the folder as evidence, and begin a new one"
        case .photoDamaged(let digest, let reason): "ledger: photo \(digest.hexadecimal): \(reason); restore a backup"
        case .nothingRecorded: "ledger: nothing has been recorded yet; start the controller once"
        case .noSuchRecord(let sequence, let oldest, let newest):
            "ledger: record \(sequence) is not in it; it has \(oldest) to \(newest)"
        case .indexDiffers(let sequence):
            "ledger: record \(sequence): the index says of it what its bytes do not; verify the ledger, then stop the "
                + "controller and fill the index again with ledger reindex"
        case .backup(let folder, let reason): "backup \(folder): \(reason)"
        case .limit(let what, let limit): "ledger: \(what) is over the limit of \(limit); nothing of it was kept"
        case .refused(let rule, let detail): "ledger: LED-\(rule.rawValue) \(rule.text): \(detail)"
        }
    }
}
