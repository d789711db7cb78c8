// From the configuration to the tag readers, their threads, and what admission makes of tags.

import Admission
import Configuration
import DeviceProtocols
import Devices
import Domain
import Machine

extension TagReader {
    convenience init(_ reader: ReaderSettings, clock: any Clock) {
        let spoken: ReaderProtocol =
            switch reader.language {
            case .r2000: .r2000
            case .uhfReader18: .uhfReader18
            case .uhfReader86: .uhfReader86
            case .m100: .m100
            }
        var settings = TagReaderSettings(spoken)
        settings.address = reader.address
        settings.minimumDBm = reader.minimumDBm
        var line = SerialSettings(path: reader.port, baud: reader.baud ?? spoken.usualBaud)
        line.drivesRS485 = true
        self.init(port: SerialLine(line), clock: clock, settings: settings)
    }
}

extension TagRules {
    init(_ reader: ReaderSettings) {
        self.init(
            minimumReads: reader.minimumReads, before: reader.before, wait: reader.wait, forget: reader.forget,
            blindAfter: Interval(nanoseconds: 2 * reader.poll.nanoseconds) + .seconds(2), aloneAfter: reader.aloneAfter)
    }
}

func readerName(_ reader: ReaderSettings) -> String { "reader \(reader.number)" }

extension Settings {
    /// What each lane makes of its tags; no entry for one without a reader.
    var tagRules: [LaneID: TagRules] {
        var rules: [LaneID: TagRules] = [:]
        for reader in readers { rules[reader.lane] = TagRules(reader) }
        return rules
    }
}
