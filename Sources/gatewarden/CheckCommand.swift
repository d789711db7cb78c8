// `gatewarden check`: whether the running board gives a lane what it should have.

import Configuration
import Controller
import Machine

func checkBoard(configPath: String) -> Int32 {
    guard let settings = readConfiguration(configPath)?.settings else { return 1 }
    let board = boardChecks(settings, canConfine: canConfine) { kernelText($0) }
    let checks = board + filesChecks(settings, files: DiskFiles(), clock: SystemClock())
    for check in checks { StandardOutput.line(check.text) }
    return checks.contains { !$0.holds } ? 1 : 0
}
