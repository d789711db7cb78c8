// What can go wrong with the register.

import Store

/// An operating error of the register. Nothing of a refused file was taken.
public enum RegistryError: Error, Sendable {
    case store(StoreError)
    /// The file is not such a table, or rows of it are wrong: the first of them, and how many more there are.
    case table(problems: [String], omitted: Int)

    /// True when the register's file is at fault, and a new one helps: not for a full disk, a right or a failed write.
    public var needsNewFile: Bool {
        guard case .store(let error) = self else { return false }
        guard case .sqlite = error else { return true }
        return error.isDamage
    }

    public var description: String {
        switch self {
        case .store(let error): error.description
        case .table(let problems, let omitted):
            problems.joined(separator: "; ") + (omitted > 0 ? "; and \(omitted) more" : "")
        }
    }
}
