// Which SQLite is inside, for `--version`.

import CSQLite

public func sqliteVersion() -> String {
    "SQLite \(String(cString: sqlite3_libversion()))"
}
