// `gatewarden check`: whether the running board gives a lane what it should have.

import Configuration
import Controller
import Machine

func checkBoard(configPath: String, statePath: String?) -> Int32 {
    guard let settings = readConfiguration(configPath, state: statePath)?.settings else { return 1 }
    let files = DiskFiles()
    let board = BoardSight(
        text: { kernelText($0) },
        names: { folder in
            do throws(MachineError) {
                return try files.names(in: folder)
            } catch {
                return nil
            }
        },
        link: { kernelLink($0) })
    let checks =
        boardChecks(settings, configPath: configPath, canConfine: canConfine, board)
        + filesChecks(settings, files: files, clock: SystemClock())
    for line in settings.leftAside { StandardOutput.line("NOTE   the configuration's \(line)") }
    for check in checks { StandardOutput.line(check.text) }
    return checks.contains { !$0.holds } ? 1 : 0
}
