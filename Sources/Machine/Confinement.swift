// What a thread may not ask of the kernel any more, so that bytes from outside that get the better of a parser do not
// get the better of the board. The lists are in confinement.c.
//
// Invariants: a thread never gets back what it gave up, and each thread that it starts has given it up too.
// Limits: a filter is a thread's, and memory is the process's: who can write all of it can use another thread's rights.
// That is why the threads that are started after `never` have all given up what nobody needs.

import CSystem

public enum Confinement: Sendable {
    /// What no thread of the firmware needs: programs, other processes, the system, code that was not there at start.
    case never
    /// For a thread that only speaks through what is open already: no file, no connection of its own, no thread.
    case closed
}

/// The calling thread gives it up. Returns errno where the kernel has no filters, or refuses this one.
public func giveUp(_ confinement: Confinement) -> Int32? {
    let result = gw_confine(Int32(confinement == .never ? GW_CONFINE_NEVER : GW_CONFINE_CLOSED))
    return result == 0 ? nil : result
}

/// Whether the running kernel can confine a thread.
public var canConfine: Bool { gw_confinement_exists() }
