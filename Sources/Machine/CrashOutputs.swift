// De-energises the board's outputs when the process is about to end by a crash: the kernel leaves a line as it was
// driven.
//
// Invariants: `off` is async-signal-safe: one ioctl, no lock, no allocation. From the first `off` on nothing can be
// energised; what was on its way to the kernel then is what the second is for.
// Limits: one chip's request, the one that drives the lanes.

import CLibgpiod

private nonisolated(unsafe) var requestDescriptor: Int32 = -1
private nonisolated(unsafe) var outputMask: UInt64 = 0

enum CrashOutputs {
    /// `mask`: a bit for each output, by its place in the request. Before any thread drives them.
    static func keep(request: Int32, mask: UInt64) {
        outputMask = mask
        requestDescriptor = request
    }

    static func forget() {
        requestDescriptor = -1
    }

    static func off() {
        if requestDescriptor >= 0 { _ = gw_lines_end(requestDescriptor, outputMask) }
    }
}
