// Power cuts at every write, synchronisation, renaming, truncation and unlinking, and a second one while the ledger
// recovers from the first. `tools/prove power-cut` runs the long forms.

import Domain
import Foundation
import Synchronization
import Testing

@testable import Ledger

/// The size of a proof. `tools/prove` sets the environment of the long forms; without it these are unit tests.
private enum Proof {
    static let environment = ProcessInfo.processInfo.environment
    static func number(_ name: String, _ short: Int) -> Int { environment[name].flatMap { Int($0) } ?? short }

    static let passes = number("GATEWARDEN_PROVE_PASSES", 8)
    /// Every n-th cut; 1 is every one.
    static let stride = number("GATEWARDEN_PROVE_STRIDE", 1)
    static let lifePasses = number("GATEWARDEN_PROVE_LIFE_PASSES", 6)
    static let lifeStride = number("GATEWARDEN_PROVE_LIFE_STRIDE", 17)
    static let cuts = number("GATEWARDEN_PROVE_CUTS", 1)
    static let seed = UInt64(number("GATEWARDEN_PROVE_SEED", 1))
}

struct PowerCutTests {
    @Test(arguments: CutMode.allCases) func aPowerCutAtAnyWriteLosesNothingAcknowledged(mode: CutMode) throws {
        let workload = try PowerCutWorkload(DiskImage())
        try workload.run(passes: Proof.passes)
        var sweep = Sweep(workload, DiskImage().moved(from: nil, to: workload.site.folder), seed: Proof.seed)
        try sweep.all(mode, stride: Proof.stride) { image, before, place in
            let after = try PowerCutWorkload(image, moved: workload.site.folder)
            let fault = Result { try after.recover(before, workload.confirmed) }
            #expect(fault.isRight, "cut \(place), \(mode), seed \(Proof.seed): \(fault.words)")
            return fault.isRight
        }
        print("one cut, \(mode): \(sweep.places) places, \(sweep.images) different disks, seed \(Proof.seed)")
        #expect(sweep.places > Proof.passes)
    }

    /// The ring wraps, persons act, a damaged file is set aside, and the ring of the next generation wraps.
    @Test(arguments: CutMode.allCases) func aPowerCutInAnyChapterOfALifeLosesNothingAcknowledged(mode: CutMode) throws {
        for (name, start, workload) in try PowerCutWorkload.life(passes: Proof.lifePasses) {
            let image = start.image.moved(from: start.folder, to: workload.site.folder)
            var sweep = Sweep(workload, image, seed: Proof.seed)
            try sweep.all(mode, stride: Proof.lifeStride) { image, before, place in
                var cut = start
                cut.image = image
                cut.folder = workload.site.folder
                let after = try PowerCutWorkload(cut)
                let fault = Result { try after.recover(before, workload.confirmed) }
                #expect(fault.isRight, "\(name): cut \(place), \(mode), seed \(Proof.seed): \(fault.words)")
                return fault.isRight
            }
            print("life, \(name), \(mode): \(sweep.places) places, \(sweep.images) different disks, seed \(Proof.seed)")
            #expect(sweep.places > 0)
        }
    }

    /// The second cut comes at any write of the recovery from the first and of the pass after it, in a mode that the
    /// seed chooses.
    @Test(arguments: CutMode.allCases) func aSecondPowerCutDuringTheRecoveryLosesNothingEither(mode: CutMode) throws {
        let isLong = Proof.cuts == 2
        let workload = try PowerCutWorkload(DiskImage())
        try workload.run(passes: isLong ? Proof.passes : 4)
        let start = DiskImage().moved(from: nil, to: workload.site.folder)
        var sweep = Sweep(workload, start, seed: Proof.seed)
        var images = 0
        try sweep.all(mode, stride: isLong ? Proof.stride : 13) { image, before, place in
            let first = try PowerCutWorkload(image, moved: workload.site.folder)
            let fault = Result { try first.recover(before, workload.confirmed) }
            #expect(fault.isRight, "cut \(place), \(mode), seed \(Proof.seed): \(fault.words)")
            var isRight = fault.isRight
            let secondSeed = Proof.seed &+ UInt64(place) << 32
            let second = CutMode.allCases[Int(SeededRandom.first(secondSeed) % 4)]
            var again = Sweep(first, image.moved(from: workload.site.folder, to: first.site.folder), seed: secondSeed)
            try again.all(second, stride: isLong ? 1 : 5) { image, before, later in
                let after = try PowerCutWorkload(image, moved: first.site.folder)
                let fault = Result { try after.recover(before, first.confirmed) }
                #expect(
                    fault.isRight,
                    "cuts \(place) \(mode) and \(later) \(second), seed \(Proof.seed): \(fault.words)")
                isRight = isRight && fault.isRight
                return isRight
            }
            images += again.images
            return isRight
        }
        print("two cuts, \(mode) first: \(sweep.places) places, \(images) different disks, seed \(Proof.seed)")
        #expect(images > sweep.images)
    }
}

/// Goes through the log of a workload and shows what each cut leaves.
struct Sweep {
    private let workload: PowerCutWorkload
    private var state: DiskState
    private let seed: UInt64
    private(set) var places = 0
    private(set) var images = 0

    init(_ workload: PowerCutWorkload, _ start: DiskImage, seed: UInt64) {
        self.workload = workload
        state = DiskState(start)
        self.seed = seed
    }

    /// Calls `check` for each cut until it answers false. A disk that is as it was at the place before, with nothing
    /// acknowledged in between, is not looked at twice.
    mutating func all(
        _ mode: CutMode, stride: Int, from first: Int = 0,
        _ check: (DiskImage, Acknowledgement, Int) throws -> Bool
    ) throws {
        var last: (image: DiskImage, operations: Int)?
        let log = workload.disk.log
        for place in 0...log.count {
            // After the last operation nothing is under way.
            let operation = place < log.count ? log[place] : DiskOperation.unlink(path: "")
            defer { if place < log.count { state.apply(operation) } }
            guard place >= first, place.isMultiple(of: stride), let before = workload.acknowledged(after: place)
            else { continue }
            var random = SeededRandom(seed &+ UInt64(place) &* 4 &+ UInt64(mode.rawValue.count))
            guard let image = state.cut(mode, during: operation, &random) else { continue }
            places += 1
            if let last, last.operations == before.operations, last.image == image { continue }
            last = (image, before.operations)
            images += 1
            guard try check(image, before, place) else { return }
        }
    }
}

extension Result where Success == String? {
    var isRight: Bool {
        if case .success(nil) = self { true } else { false }
    }

    var words: String {
        switch self {
        case .success(let fault): fault ?? "all is well"
        case .failure(let error): (error as? LedgerError)?.description ?? "\(error)"
        }
    }
}
