// `gatewarden check`: whether the running board gives a lane what it should have.

import Configuration
import Controller
import Machine

func checkBoard(configPath: String, statePath: String?) -> Int32 {
    guard let settings = readConfiguration(configPath, state: statePath)?.settings else { return 1 }
    let checks = boardChecks(settings, canConfine: canConfine) { kernelText($0) }
    for line in settings.leftAside { StandardOutput.line("NOTE   the configuration's \(line)") }
    for check in checks { StandardOutput.line(check.text) }
    return checks.contains { !$0.holds } ? 1 : 0
}
