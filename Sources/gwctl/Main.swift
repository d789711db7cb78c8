// The technician's tool. Exit codes: 0 right, 1 the file cannot be read, 2 wrong usage or a wrong configuration.

import Configuration
import Domain
import Foundation

let usage = """
    usage: gwctl config check FILE   say everything that is wrong with a configuration
           gwctl config keys         list every key with its range and default
           gwctl config default      print the annotated default configuration
           gwctl --help
    """

@main
struct Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments {
        case ["--help"], ["-h"], ["help"]: print(usage)
        case ["config", "keys"]: print(Manual.keys, terminator: "")
        case ["config", "default"]: print(Manual.annotatedDefault, terminator: "")
        case _ where arguments.count == 3 && arguments.starts(with: ["config", "check"]):
            exit(check(arguments[2]))
        default:
            say("gwctl: not understood: \(arguments.joined(separator: " "))\n\(usage)")
            exit(2)
        }
    }

    private static func check(_ path: String) -> Int32 {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            say("gwctl: \(path) cannot be read: \(error.localizedDescription); give the path of a readable file")
            return 1
        }
        do throws(InvalidConfiguration) {
            let settings = try Settings(configuration: bytes)
            let parts =
                [
                    counted(settings.lanes.count, "lane"), counted(settings.cameras.count, "camera"),
                    counted(settings.signs.count, "sign"), counted(settings.uplinks.count, "uplink"),
                ] + (settings.readers.isEmpty ? [] : [counted(settings.readers.count, "reader")])
            for line in settings.leftAside { say("\(path): left aside: \(line)") }
            let later = settings.leftAside.isEmpty ? "" : ", for a later version than \(gatewardenVersion)"
            print("\(path): right\(later): \(parts.joined(separator: ", "))")
            return 0
        } catch {
            for found in error.errors { say("\(path): \(found.description)") }
            if error.omitted > 0 { say("\(path): \(error.omitted) more errors") }
            return 2
        }
    }

    private static func counted(_ count: Int, _ word: String) -> String {
        "\(count) \(word)\(count == 1 ? "" : "s")"
    }

    private static func say(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
