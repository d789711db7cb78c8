// What can go wrong with a database, in SQLite's terms and in ours.

/// An operating error of a database. A wrong parameter is a programming error and traps instead.
public enum StoreError: Error, Equatable, Sendable {
    /// SQLite refused: what was under way, its extended result code and its own words.
    case sqlite(what: String, code: Int32, message: String)
    /// The file is a database of another program (application id given), or of another part of this one.
    case foreign(path: String, applicationID: Int32)
    /// The file was written by a later version of this program, in a layout that is not only added to.
    case newer(path: String, found: Int32, known: Int32)
    /// A database that was to be read is empty: nothing has been written to it yet.
    case empty(path: String)

    /// SQLite's primary result codes that an owner can do something about (sqlite.org/rescode.html).
    private enum Code {
        static let general: Int32 = 1
        static let permission: Int32 = 3
        static let busy: Int32 = 5
        static let readOnly: Int32 = 8
        static let input: Int32 = 10
        static let corrupt: Int32 = 11
        static let full: Int32 = 13
        static let cannotOpen: Int32 = 14
        static let notADatabase: Int32 = 26
    }

    /// True when what is in the file is at fault: pages that contradict each other or cannot be read, another kind of
    /// file, tables that are gone. A new file helps.
    public var isDamage: Bool {
        guard case .sqlite(_, let code, _) = self else {
            if case .empty = self { return true }
            return false
        }
        return [Code.corrupt, Code.notADatabase, Code.general].contains(code & 0xFF) || isUnreadable
    }

    /// True when the medium did not give what it took: SQLITE_IOERR_READ, _SHORT_READ and _CORRUPTFS. It may be so once
    /// or for good.
    public var isUnreadable: Bool {
        guard case .sqlite(_, let code, _) = self else { return false }
        return [266, 522, 8_458].contains(code)
    }

    /// True when SQLite has read pages that contradict each other. A read that fails says nothing of the file.
    public var isCorruption: Bool {
        guard case .sqlite(_, let code, _) = self else { return false }
        return [Code.corrupt, Code.notADatabase].contains(code & 0xFF)
    }

    /// True when the disk has no space left.
    public var isFull: Bool {
        guard case .sqlite(_, let code, _) = self else { return false }
        return code & 0xFF == Code.full
    }

    /// True when a unique index or another constraint refused a row: the transaction stands as before the statement.
    public var isConstraint: Bool {
        guard case .sqlite(_, let code, _) = self else { return false }
        return code & 0xFF == 19
    }

    /// True when SQLite may not write where even a reader has to.
    var isDeniedWrite: Bool {
        guard case .sqlite(_, let code, _) = self else { return false }
        return [Code.cannotOpen, Code.readOnly, Code.permission].contains(code & 0xFF)
    }

    /// What, why and what to do next, in one English line.
    public var description: String {
        switch self {
        case .sqlite(let what, let code, let message):
            "\(what): \(message) (SQLite \(code)); \(StoreError.hint(code))"
        case .foreign(let path, let applicationID):
            "\(path): is a database of another program (application id \(applicationID)); "
                + "name another folder, or move that file away"
        case .newer(let path, let found, let known):
            "\(path): has schema \(found), this program knows up to \(known); run the newer program that wrote it"
        case .empty(let path):
            "\(path): nothing has been written to it yet; start the controller once"
        }
    }

    private static func hint(_ code: Int32) -> String {
        switch code & 0xFF {
        case Code.general: "the file is not as this program made it: verify it, or restore a backup"
        case Code.permission, Code.readOnly:
            "give this user the right to write the file and its folder, or mount the disk read-write"
        case Code.busy: "end the other program that uses the file"
        case Code.input: "check the disk: see the kernel's log"
        case Code.corrupt: "the file is damaged: keep it for evidence, and restore a backup or start a new one"
        case Code.full: "free space on the disk"
        case Code.cannotOpen: "check that the folder exists and that this user may write in it"
        case Code.notADatabase: "the file is not a database: move it away, or name another folder"
        default: "see sqlite.org/rescode.html for the code"
        }
    }
}
