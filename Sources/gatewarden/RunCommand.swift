// `gatewarden run`: reads the configuration, prepares everything, and hands over to the controller.

import Configuration
import Controller
import Domain
import Machine

private let configurationLimit = 256 * 1024

func runController(configPath: String, statePath: String) -> Int32 {
    let clock = SystemClock()
    let files = DiskFiles()
    let text: [UInt8]
    do throws(MachineError) {
        text = try files.read(configPath, limit: configurationLimit)
    } catch {
        complain("configuration \(configPath): \(error.description); name a text file that this user can read")
        return 1
    }
    let settings: Settings
    do throws(InvalidConfiguration) {
        settings = try Settings(configuration: text)
    } catch {
        for problem in error.errors { complain("\(configPath): \(problem.description)") }
        if error.omitted > 0 { complain("\(configPath): and \(error.omitted) more") }
        return 1
    }
    let log = Log(offsetMinutes: settings.site.utcOffsetMinutes)
    do throws(StartFailure) {
        let parts = try Preparation(
            settings: settings, configuration: text, stateFolder: statePath, files: files, version: gatewardenVersion,
            clock: clock, log: log)
        let controller = Controller(
            settings: settings, parts: parts, clock: clock, log: log, version: gatewardenVersion)
        switch try controller.run() {
        case .signal(let signal):
            log.info("ended by signal \(signal)")
            return 0
        case .linesLost(let error):
            complain("lines: \(error.description); the lane cannot work without them: the controller ends")
            return 1
        }
    } catch {
        complain(error.description)
        return 1
    }
}
