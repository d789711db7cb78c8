// The operating events, to bytes and back.

import Domain

extension FieldWriter {
    mutating func put(_ note: LedgerNote) throws(LedgerError) {
        switch note {
        case .faultRaised(let subject, let detail), .faultHealed(let subject, let detail):
            try put(.subject, subject)
            try put(.detail, detail)
        case .clockStep(let before, let after):
            put(.wallBefore, before)
            put(.wallAfter, after)
        case .registerImported(let vehicles, let listEntries, let refused, let file):
            put(.vehicleCount, vehicles)
            put(.listEntryCount, listEntries)
            put(.refusedCount, refused)
            put(.fileDigest, file)
        case .configurationLoaded(let file): put(.fileDigest, file)
        case .uplinkState(let destination, let isReachable, let detail):
            try put(.detail, detail)
            try put(.destination, destination)
            put(.isReachable, isReachable)
        case .shutdown(let cause): try put(.cause, cause)
        case .listChanged(let entry, let isRemoved, let person, let means):
            try put(.plate, .plateColour, entry.plate)
            try put(.listReason, entry.reason)
            try put(.person, person)
            put(.means, means.rawValue)
            put(.listAction, isRemoved ? UInt8(2) : 1)
            put(.list, entry.kind == .white ? UInt8(1) : 2)
            put(.validUntil, entry.validUntil)
        case .policyChanged(let rule, let before, let after, let by):
            try put(by)
            try put(.rule, rule)
            try put(.ruleBefore, before)
            try put(.ruleAfter, after)
        case .login(let person, let isAdmitted, let means, let origin, let detail):
            try put(.detail, detail)
            try put(.person, person)
            put(.means, means.rawValue)
            put(.isAdmitted, isAdmitted)
            try put(.origin, origin)
        case .act(let person, let act, let subject, let detail, let means):
            try put(.subject, subject)
            try put(.detail, detail)
            try put(.person, person)
            put(.means, means.rawValue)
            try put(.act, act)
        case .power(let state, let battery, let detail):
            try put(.detail, detail)
            put(.powerState, state.rawValue)
            put(.batteryPercent, optional: battery)
        case .deliveryState(let state):
            try put(.destination, state.destination)
            put(.deliveredThrough, optional: state.through)
            put(.rowsDue, state.rowsDue)
            put(.rowsWaiting, state.rowsWaiting)
            put(.itemsQuarantined, state.itemsQuarantined)
        case .health(let health): try put(health)
        case .backup(let entry):
            try put(.subject, entry.folder)
            try put(.detail, entry.detail)
            put(.backupResult, entry.result.rawValue)
            put(.backupBytes, optional: entry.bytes)
            put(.backupSequence, optional: entry.head?.sequence)
            if let head = entry.head { put(.backupHash, head.hash) }
        }
    }
}

extension LedgerNote {
    /// Nil for a kind that is no operating event.
    init?(_ kind: RecordKind, _ fields: FieldReader) throws(RecordFault) {
        switch kind {
        case .faultRaised:
            self = .faultRaised(subject: try fields.text(.subject), detail: try fields.text(.detail))
        case .faultHealed:
            self = .faultHealed(subject: try fields.text(.subject), detail: try fields.text(.detail))
        case .clockStep:
            self = .clockStep(before: try fields.requiredWall(.wallBefore), after: try fields.requiredWall(.wallAfter))
        case .registerImported:
            self = .registerImported(
                vehicles: try fields.required(.vehicleCount, UInt32.self),
                listEntries: try fields.required(.listEntryCount, UInt32.self),
                refused: try fields.required(.refusedCount, UInt32.self), file: try fields.digest(.fileDigest))
        case .configurationLoaded: self = .configurationLoaded(file: try fields.digest(.fileDigest))
        case .uplinkState:
            self = .uplinkState(
                destination: try fields.text(.destination), isReachable: try fields.requiredFlag(.isReachable),
                detail: try fields.text(.detail))
        case .shutdown: self = .shutdown(cause: try fields.text(.cause))
        case .listChanged: self = try LedgerNote.listChange(fields)
        case .policyChanged:
            self = .policyChanged(
                rule: try fields.text(.rule), before: try fields.text(.ruleBefore), after: try fields.text(.ruleAfter),
                by: try fields.personalAct())
        case .login:
            self = .login(
                person: try fields.text(.person), isAdmitted: try fields.requiredFlag(.isAdmitted),
                means: try fields.requiredWord(.means, Means.self), origin: try fields.text(.origin),
                detail: try fields.text(.detail))
        case .act:
            self = .act(
                person: try fields.text(.person), act: try fields.text(.act), subject: try fields.text(.subject),
                detail: try fields.text(.detail), means: try fields.requiredWord(.means, Means.self))
        case .power:
            self = .power(
                try fields.requiredWord(.powerState, PowerState.self),
                batteryPercent: try fields.integer(.batteryPercent, UInt8.self), detail: try fields.text(.detail))
        case .deliveryState:
            self = .deliveryState(
                DeliveryState(
                    destination: try fields.text(.destination),
                    through: try fields.integer(.deliveredThrough, UInt64.self),
                    rowsDue: try fields.required(.rowsDue, UInt64.self),
                    rowsWaiting: try fields.required(.rowsWaiting, UInt64.self),
                    itemsQuarantined: try fields.required(.itemsQuarantined, UInt64.self)))
        case .health: self = .health(try fields.health())
        case .backup:
            var entry = BackupEntry(
                folder: try fields.text(.subject),
                result: try fields.requiredWord(.backupResult, BackupEntry.Result.self),
                bytes: try fields.integer(.backupBytes, UInt64.self), detail: try fields.text(.detail))
            if let sequence = try fields.integer(.backupSequence, UInt64.self) {
                entry.head = LedgerHead(sequence: sequence, hash: try fields.digest(.backupHash))
            }
            self = .backup(entry)
        case .boot, .capture, .decision, .pass, .quarantine, .seal, .prune, .generation, .manualRelease, .supplement,
            .carried:
            return nil
        }
    }

    private static func listChange(_ fields: FieldReader) throws(RecordFault) -> LedgerNote {
        guard let plate = try fields.plate(.plate, .plateColour) else { throw .missing(Field.plate.rawValue) }
        guard let kind = ListEntry.Kind(rawValue: try fields.required(.list, UInt8.self)) else {
            throw .invalid(Field.list.rawValue)
        }
        let action = try fields.required(.listAction, UInt8.self)
        guard action == 1 || action == 2 else { throw .invalid(Field.listAction.rawValue) }
        return .listChanged(
            entry: ListEntry(
                plate: plate, kind: kind, reason: try fields.text(.listReason),
                validUntil: try fields.wall(.validUntil)),
            isRemoved: action == 2, person: try fields.text(.person),
            means: try fields.requiredWord(.means, Means.self))
    }
}
