// What a crash does, each in a process of its own.

import CLibgpiod
import CSystem
import Testing

@testable import Machine

@Suite struct CrashTests {
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
