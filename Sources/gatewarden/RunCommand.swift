// `gatewarden run`: reads the configuration, prepares everything, and hands over to the controller.

import Configuration
import Controller
import Domain
import Machine

private let configurationLimit = 256 * 1024

/// The configuration with its text, or nil after saying what is wrong. `state`: where it is known which version has
/// accepted it.
func readConfiguration(_ path: String, state: String? = nil) -> (settings: Settings, text: [UInt8])? {
    let text: [UInt8]
    do throws(MachineError) {
        text = try DiskFiles().read(path, limit: configurationLimit)
    } catch {
        complain("configuration \(path): \(error.description); name a text file that this user can read")
        return nil
    }
    do throws(InvalidConfiguration) {
        let accepted = state.flatMap {
            AcceptedConfiguration.version(of: text, stateFolder: $0, files: DiskFiles())
        }
        return (try Settings(configuration: text, acceptedBy: accepted), text)
    } catch {
        for problem in error.errors { complain("\(path): \(problem.description)") }
        if error.omitted > 0 { complain("\(path): and \(error.omitted) more") }
        return nil
    }
}

/// The ledger is closed, and the UPS switches the board off within a minute: leave the disks in order, and wait.
private let powerOffCode: Int32 = 75
/// As after a stalled lane: whoever started it starts it anew at once.
private let startAgainCode: Int32 = 70

func runController(configPath: String, statePath: String, watchdog: String?) -> Int32 {
    let clock = SystemClock()
    let files = DiskFiles()
    guard let (settings, text) = readConfiguration(configPath, state: statePath) else { return 1 }
    let log = Log(offsetMinutes: settings.site.utcOffsetMinutes)
    for line in settings.leftAside { log.warning("configuration: left aside: \(line)") }
    do throws(StartFailure) {
        let parts = try Preparation(
            settings: settings, configuration: text, stateFolder: statePath, files: files, version: gatewardenVersion,
            watchdog: watchdog, clock: clock, log: log)
        let controller = Controller(
            settings: settings, parts: parts, clock: clock, log: log, version: gatewardenVersion)
        switch try controller.run() {
        case .signal(let signal):
            log.info("ended by signal \(signal)")
            return 0
        case .linesLost(let error):
            complain("lines: \(error.description); the lane cannot work without them: the controller ends")
            return 1
        case .laneHung:
            complain("the lane's threads hang: the outputs were told to go off, and the rest has ended")
            return 1
        case .threadGone(let name):
            complain("thread \(name) stood still: ended at a quiet moment, to be started again")
            return startAgainCode
        case .powerBack:
            log.info("ended for want of power, which is back: to be started again")
            return 0
        case .powerOff:
            return powerOffCode
        }
    } catch {
        complain(error.description)
        return 1
    }
}
