// The synthetic site: the same for the same seed, and well formed.

import Domain
import Foundation
import Testing

@testable import SiteSimulator

@Test func sameSeedGivesTheSameSite() {
    func story(_ seed: UInt64) -> [String] {
        var plan = VisitPlan(fleet: Fleet(seed: seed), seed: seed)
        return (0..<60).map { _ in
            let visit = plan.next()
            return "\(visit.kind) \(visit.plate.text) \(visit.make) \(visit.cameraDelayMilliseconds) \(visit.length)"
        }
    }
    #expect(story(7) == story(7))
    #expect(story(7) != story(8))
    #expect(Fleet(seed: 7).registerCSV == Fleet(seed: 7).registerCSV)
}

@Test func thirtyVisitsShowEveryKindAndBothMakes() {
    var plan = VisitPlan(fleet: Fleet(seed: 3), seed: 3, hasTags: true)
    let visits = (0..<30).map { _ in plan.next() }
    #expect(Set(visits.map(\.kind)) == Set(VisitKind.allCases))
    #expect(Set(visits.map(\.make)).count == 2)
    #expect(visits.contains { $0.isQueued })
    #expect(visits.contains { $0.length < 1 })
}

@Test func everyVINHasItsCheckCharacterAndEveryPlateIsOne() {
    #expect(vinCheckCharacter(Array("1M8GDM9AXKP042788".utf8)) == UInt8(ascii: "X"))
    #expect(vinCheckCharacter(Array("1FACP45EXLF192944".utf8)) == UInt8(ascii: "X"))
    let fleet = Fleet(seed: 11)
    for vehicle in fleet.registered {
        let vin = Array(vehicle.vin.utf8)
        #expect(vin.count == 17 && vinCheckCharacter(vin) == vin[8])
    }
    let plates = (fleet.registered + fleet.strangers).map(\.plate.text)
    #expect(Set(plates).count == plates.count)
}

@Test func registerHasAColumnForEveryField() {
    let lines = Fleet(seed: 1).registerCSV.split(separator: "\n")
    let columns =
        "plate,colour,vin,registration_date,vehicle_type,fuel,stage,model,engine_model,engine_maker,"
        + "engine_number,usage,networked,fleet"
    #expect(lines[0] == columns)
    for line in lines { #expect(line.split(separator: ",", omittingEmptySubsequences: false).count == 14) }
}

@Test func picturesAreWholeJPEGsAndDiffer() {
    var random = SeededRandom(seed: 5)
    let first = Picture.truck(&random).jpeg(comment: "one")
    let second = Picture.truck(&random).jpeg(comment: "one")
    #expect(first.starts(with: [0xFF, 0xD8]) && first.suffix(2) == [0xFF, 0xD9])
    #expect(first != second)
    // In the scan, FF is always stuffed: the only markers after SOS are the end's.
    let scan = first.dropLast(2).suffix(first.count - 700)
    for (byte, next) in zip(scan, scan.dropFirst()) where byte == 0xFF { #expect(next == 0) }
}

/// One block of mid grey: every difference is 0, coded as `00 0` three times (T.81 K.3) and filled with ones.
@Test func greyBlockIsCodedAsTheStandardSays() {
    let grey = Picture(columns: 1, rows: 1, background: .init(red: 128, green: 128, blue: 128))
    #expect(grey.jpeg(comment: "").suffix(4) == [0x00, 0x7F, 0xFF, 0xD9])
}
