import Domain
import Foundation
import Testing

@testable import LaneCore

extension CheckerSetting: CustomTestStringConvertible {
    var testDescription: String { name }
}

/// Every configuration closes, and each of its transitions keeps the laws. What was searched is printed.
/// `tools/prove lane --all` sets GATEWARDEN_PROVE=all: the long ones are searched too.
@Suite(.serialized) struct CheckerTests {
    static var settings: [CheckerSetting] {
        let isAll = ProcessInfo.processInfo.environment["GATEWARDEN_PROVE"] == "all"
        return CheckerSetting.short + (isAll ? CheckerSetting.long : [])
    }

    @Test(arguments: settings) func everyReachableStateKeepsTheLaws(setting: CheckerSetting) {
        let report = Checker(setting).run()
        print(report.line(setting.name))
        #expect(report.broken == nil)
        #expect(report.states > 100)
    }
}
