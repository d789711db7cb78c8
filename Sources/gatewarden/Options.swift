// `--name value` pairs, `--flag`s, and words that stand alone. Pure.

/// What stands after a command. Whatever nobody takes is a misuse.
struct Options {
    private var values: [(name: String, value: String)] = []
    private var flags: [String] = []
    private var words: [String] = []
    private(set) var problem: String?

    init(_ arguments: [String], known: [String], flags knownFlags: [String] = [], words wordLimit: Int = 0) {
        var index = 0
        while index < arguments.count, problem == nil {
            let name = arguments[index]
            index += 1
            if knownFlags.contains(name) {
                if flags.contains(name) { problem = "\(name) is given twice" }
                flags.append(name)
            } else if known.contains(name) {
                if index >= arguments.count {
                    problem = "\(name) needs a value"
                } else if values.contains(where: { $0.name == name }) {
                    problem = "\(name) is given twice"
                } else {
                    values.append((name, arguments[index]))
                    index += 1
                }
            } else if words.count < wordLimit, !name.utf8.starts(with: "--".utf8) {
                words.append(name)
            } else {
                problem = "\"\(name)\" is not known here"
            }
        }
    }

    /// What is wrong, once everything wanted has been taken.
    var misuse: String? {
        problem ?? (values.first?.name ?? flags.first ?? words.first).map { "\($0) has no meaning here" }
    }

    mutating func take(_ name: String) -> String? {
        guard let index = values.firstIndex(where: { $0.name == name }) else { return nil }
        return values.remove(at: index).value
    }

    mutating func take(flag: String) -> Bool {
        guard let index = flags.firstIndex(of: flag) else { return false }
        flags.remove(at: index)
        return true
    }

    mutating func takeWord() -> String? {
        words.isEmpty ? nil : words.removeFirst()
    }
}
