// The assignments, each held to its key of the table: known, in range, set once, and nothing mandatory left out.
//
// Invariant: when no error was found, every key of the table that is not of an absent lane, camera, sign or uplink has
// a value here (`none` for an optional one), so that the typed reads below cannot fail.

import Domain

struct CheckedKeys {
    private struct Item {
        let line: Int
        /// Nil when what was written is not allowed.
        let value: Value?
    }

    private var items: [String: Item] = [:]
    /// The numbers in use, by the group's prefix, in ascending order.
    private var numbers: [String: [Int]] = [:]

    /// What of a later version's file is not known here, one line each.
    private(set) var leftAside: [String] = []
    private let isLater: Bool

    init(_ assignments: [Assignment], _ origin: FileOrigin, _ errors: inout [ConfigurationError]) {
        isLater = origin.isLater(assignments)
        var spared: [(group: Group, number: Int)] = []
        for assignment in assignments {
            var unknown: [ConfigurationError] = []
            guard let (key, number) = find(assignment, &unknown) else {
                // Its value may be a secret.
                if isLater { leaveAside(assignment, assignment.key) } else { errors += unknown }
                continue
            }
            let group = Group.of(pattern: key.name)
            if let number, let group {
                note(number, of: group)
            }
            if let first = items[assignment.key] {
                errors.append(error(assignment, .duplicate(firstLine: first.line)))
                continue
            }
            var value = key.value(assignment.value)
            if value == nil, isLater, let number, let group, group.isSpared {
                leaveAside(assignment, told(assignment), ": \(group.prefix) \(number) is left out")
                spared.append((group, number))
            } else if value == nil, isLater, let other = key.sparedValue {
                leaveAside(assignment, told(assignment), ": it is as if it were not set")
                value = other
            } else if value == nil {
                errors.append(error(assignment, .notAllowed(value: assignment.value, allowed: key.allowed)))
            }
            items[assignment.key] = Item(line: assignment.line, value: value)
        }
        for (group, number) in spared { numbers[group.prefix]?.removeAll { $0 == number } }
        if isLater, let others = numbers["uplink"]?.dropFirst(Group.uplinksDriven), !others.isEmpty {
            leftAside.append(
                "version \(gatewardenVersion) drives \(Group.uplinksDriven) uplink: the others are left out")
            numbers["uplink"]?.removeLast(others.count)
        }
        complete(&errors)
    }

    private func told(_ assignment: Assignment) -> String { assignment.key + " = " + assignment.value }

    private mutating func leaveAside(_ assignment: Assignment, _ what: String, _ consequence: String = "") {
        leftAside.append(
            "line \(assignment.line): \(what) is not known to version \(gatewardenVersion)" + consequence)
    }

    private func error(_ assignment: Assignment, _ reason: ConfigurationError.Reason) -> ConfigurationError {
        ConfigurationError(line: assignment.line, key: assignment.key, reason: reason)
    }

    private mutating func note(_ number: Int, of group: Group) {
        var known = numbers[group.prefix] ?? []
        guard !known.contains(number) else { return }
        known.append(number)
        numbers[group.prefix] = known.sorted()
    }

    /// The key of the table and the number within it.
    private func find(_ assignment: Assignment, _ errors: inout [ConfigurationError]) -> (Key, Int?)? {
        let parts = split(assignment.key, at: 0x2E)
        var pattern = assignment.key
        var numeral: String?
        if parts.count == 3, parts[1].utf8.allSatisfy(isDigit), !parts[1].isEmpty {
            pattern = parts[0] + ".N." + parts[2]
            numeral = parts[1]
        }
        guard numeral != nil || parts.count != 3, let key = Key.all.first(where: { $0.name == pattern }) else {
            let nearest = nearestKey(to: pattern)
            errors.append(error(assignment, .unknownKey(nearest: nearest.map { with(numeral, in: $0) })))
            return nil
        }
        guard let numeral, let group = Group.of(pattern: pattern) else { return (key, nil) }
        guard let value = wholeNumber(numeral, in: group.numbers), numeral.utf8.first != 0x30 else {
            let allowed = "\(group.numbers.lowerBound) to \(group.numbers.upperBound)"
            errors.append(error(assignment, .numberOutOfRange(allowed: allowed)))
            return nil
        }
        return (key, value)
    }

    private func with(_ numeral: String?, in key: Key) -> String {
        guard let group = Group.of(pattern: key.name) else { return key.name }
        return group.prefix + "." + (numeral ?? "1") + "." + group.rest(ofPattern: key.name)
    }

    /// Puts in the defaults, and names what is mandatory and missing.
    private mutating func complete(_ errors: inout [ConfigurationError]) {
        if numbers["lane"] == nil {
            errors.append(
                ConfigurationError(line: 0, key: "lane.1.direction", reason: .missing(allowed: "at least one lane")))
        }
        for key in Key.all {
            guard let group = Group.of(pattern: key.name) else {
                complete(key, name: key.name, &errors)
                continue
            }
            for number in numbers[group.prefix] ?? [] {
                complete(key, name: key.name(number: number), &errors)
            }
        }
    }

    private mutating func complete(_ key: Key, name: String, _ errors: inout [ConfigurationError]) {
        guard items[name] == nil else { return }
        switch key.presence {
        case .mandatory:
            errors.append(ConfigurationError(line: 0, key: name, reason: .missing(allowed: key.allowed)))
        case .optional:
            items[name] = Item(line: 0, value: Value.none)
        case .fallback(let text):
            let value = key.kind.value(text)
            precondition(value != nil, "CFG-1 a default of the key table is outside its own range")
            items[name] = Item(line: 0, value: value)
        }
    }
}

// What the checks ask: nil when the key is wrong or not set, so that one mistake is told once.
extension CheckedKeys {
    func numbers(of prefix: String) -> [Int] {
        numbers[prefix] ?? []
    }

    /// The line that sets the key; 0 when it is not set.
    func line(_ name: String) -> Int {
        items[name]?.line ?? 0
    }

    func value(_ name: String) -> Value? {
        items[name]?.value
    }

    func knownNumber(_ name: String) -> Int? {
        guard case .number(let number)? = value(name) else { return nil }
        return number
    }

    func knownText(_ name: String) -> String? {
        guard case .text(let text)? = value(name) else { return nil }
        return text
    }

    func knownLine(_ name: String) -> LineReference? {
        guard case .line(let line)? = value(name) else { return nil }
        return line
    }

    /// Set by nobody, or to `none`; false when what was written is wrong.
    func isAbsent(_ name: String) -> Bool {
        guard case .some(.none) = value(name) else { return false }
        return true
    }
}

// What the settings are made from, once there is no error.
extension CheckedKeys {
    func number(_ name: String) -> Int {
        guard let number = knownNumber(name) else { preconditionFailure("CFG-2 a number of the key table is missing") }
        return number
    }

    func text(_ name: String) -> String {
        guard let text = knownText(name) else { preconditionFailure("CFG-3 a text of the key table is missing") }
        return text
    }

    func yes(_ name: String) -> Bool {
        guard case .yes(let yes)? = value(name) else { preconditionFailure("CFG-4 a yes or no is missing") }
        return yes
    }

    func interval(_ name: String) -> Interval {
        .milliseconds(UInt64(number(name)))
    }
}

/// The key that differs least from an unknown one, when it differs in at most a third of its letters.
func nearestKey(to name: String) -> Key? {
    let wanted = Array(name.utf8.prefix(64))
    var best: (key: Key, distance: Int)?
    for key in Key.all {
        let distance = editDistance(wanted, Array(key.name.utf8))
        if distance < best?.distance ?? Int.max { best = (key, distance) }
    }
    guard let best, best.distance <= max(2, wanted.count / 3) else { return nil }
    return best.key
}

/// How many letters must be put in, taken out or replaced (Levenshtein).
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (leftIndex, leftByte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = leftIndex + 1
        for (rightIndex, rightByte) in right.enumerated() {
            let replaced = diagonal + (leftByte == rightByte ? 0 : 1)
            diagonal = row[rightIndex + 1]
            row[rightIndex + 1] = min(replaced, diagonal + 1, row[rightIndex] + 1)
        }
    }
    return row[right.count]
}
