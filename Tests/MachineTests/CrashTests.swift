// What a crash does, each in a process of its own.

import CLibgpiod
import CSystem
import Testing

@testable import Machine

/// Needs some stack for each level.
@inline(never)
private func dive(_ depth: Int) -> Int {
    depth == .max ? 0 : dive(depth + 1) &+ depth
}

@Suite struct CrashTests {
    @Test func aThreadWhoseStackOverflowsStillSwitchesTheOutputsOff() async {
        let end = await #expect(processExitsWith: .signal(SIGSEGV), observing: [\.standardErrorContent]) {
            _ = gw_crash_handler_install { _ in _ = write(2, "handled", 7) }
            let thread = try Thread(ThreadSettings(name: "diver"), shortfall: { _ in }) { _ = dive(0) }
            _ = thread.join(within: .seconds(10))
        }
        #expect(end.map { String(decoding: $0.standardErrorContent, as: UTF8.self).contains("handled") } == true)
    }

    @Test func nothingIsEnergisedOnceTheOutputsWereSwitchedOff() async {
        await #expect(processExitsWith: .success) {
            // No line: the kernel refuses what reaches it in its own way.
            let file = gw_open("/dev/null", O_RDWR, 0)
            CrashOutputs.keep(request: file, mask: 1)
            #expect(gw_lines_set(file, 1, 1) == -1 && gw_errno() == ENOTTY)
            CrashOutputs.off()
            #expect(gw_lines_set(file, 1, 1) == -1 && gw_errno() == ESHUTDOWN)
            #expect(gw_lines_set(file, 1, 0) == -1 && gw_errno() == ENOTTY)
        }
    }
}
