// The disk fails at the n-th call, for n = 1, 2, 3… until the work goes through: an I/O error, no space, read-only.

import Domain
import Testing

@testable import Ledger
@testable import Store

struct StorageFaultTests {
    /// A fault, how it shows and whether it stays.
    struct Fault: Sendable, CustomTestStringConvertible {
        let failure: SimulatedDisk.Failure
        let stays: Bool
        var testDescription: String { "\(failure)\(stays ? " for good" : " once")" }

        static let all = SimulatedDisk.Failure.allCases.flatMap { failure in
            [true, false].map { Fault(failure: failure, stays: $0) }
        }

        /// What the message says is to be done.
        var advice: [String] {
            switch failure {
            case .input: ["check the disk", "check that the folder exists"]
            case .full: ["free space on the disk", "check the disk's space", "check that the folder exists"]
            case .readOnly: ["check the disk", "mount the disk read-write", "check that the folder exists"]
            }
        }
    }

    /// What was acknowledged by `commit` is there afterwards, what failed left no trace in memory or on the disk, the
    /// error says what to do, and when the disk works again the same writer goes on.
    @Test(arguments: Fault.all) func anErrorAtTheNthCallLosesNothingAcknowledged(fault: Fault) throws {
        var n = 0
        var failures = 0
        var isThrough = false
        while !isThrough {
            n += 1
            let workload = try PowerCutWorkload(DiskImage())
            let disk = workload.disk
            let writer = try workload.site.writer()
            try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
            try workload.pass(writer)
            disk.failure = fault.failure
            disk.failsOn = fault.stays
            disk.callsUntilFailure = n
            isThrough = true
            for _ in 0..<2 {
                do {
                    try workload.pass(writer)
                } catch {
                    isThrough = false
                    failures += 1
                    let words = (error as? LedgerError)?.description ?? "\(error)"
                    #expect(fault.advice.contains { words.contains($0) }, "call \(n): \(words)")
                }
            }
            // An error that SQLite or the store could go round is none.
            isThrough = isThrough && !disk.hasFailed
            disk.heal()
            // A part of the pass may have been committed: memory agrees with the disk about it.
            #expect(try workload.site.reader().head() == writer.head, "call \(n)")
            try writer.transaction { try $0.append(note: .faultHealed(subject: "disk", detail: "call \(n)")) }
            let report = try workload.site.report(witness: workload.acknowledgements.last?.head)
            #expect(report.isSound, "call \(n): \(report.fault?.description ?? "")")
            #expect(report.head == writer.head)
        }
        print("\(fault.testDescription): \(n) calls, \(failures) failures")
        #expect(failures > 10)
    }

    /// Opening, or beginning, a ledger on a failing disk fails with a clear error or succeeds; afterwards all is there.
    @Test(arguments: Fault.all) func anErrorAtTheNthCallOfOpeningDoesNoHarm(fault: Fault) throws {
        for isNew in [true, false] {
            var image = DiskImage()
            var head = LedgerHead(sequence: 0, hash: .zero)
            var folder: String?
            if !isNew {
                let before = try PowerCutWorkload(DiskImage())
                let writer = try before.site.writer()
                try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
                try before.pass(writer)
                // As after a power cut: the log is still there.
                image = before.disk.image()
                head = writer.head
                folder = before.site.folder
            }
            var n = 0
            var isThrough = false
            while !isThrough {
                n += 1
                let workload = try PowerCutWorkload(image, moved: folder)
                workload.disk.failure = fault.failure
                workload.disk.failsOn = fault.stays
                workload.disk.callsUntilFailure = n
                do {
                    let writer = try workload.site.writer()
                    try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
                } catch {
                    let words = (error as? LedgerError)?.description ?? "\(error)"
                    #expect(fault.advice.contains { words.contains($0) }, "call \(n): \(words)")
                }
                isThrough = !workload.disk.hasFailed
                workload.disk.heal()
                let writer = try workload.site.writer()
                #expect(writer.head.sequence >= head.sequence, "call \(n)")
                try writer.transaction { try $0.appendBoot(version: "1", cause: "healed") }
                let report = try workload.site.report(witness: head.sequence == 0 ? nil : head)
                #expect(report.isSound, "call \(n): \(report.fault?.description ?? "")")
            }
            #expect(n > 5)
        }
    }

    @Test func aCommitThatFailsRollsMemoryBack() throws {
        let disk = SimulatedDisk()
        let site = try LedgerSite(disk: disk)
        disk.start(from: DiskImage().moved(from: nil, to: site.folder))
        let writer = try site.bootedWriter()
        let head = writer.head
        try writer.begin()
        try writer.append(note: .shutdown(cause: "a"))
        #expect(writer.head.sequence == 2)
        disk.callsUntilFailure = 1
        #expect {
            try writer.commit()
        } throws: { error in
            (error as? LedgerError)?.undoesTransaction == true
        }
        disk.heal()
        #expect(writer.head == head)
        #expect(try site.reader().head() == head)
        try writer.transaction { try $0.append(note: .shutdown(cause: "b")) }
        #expect(try site.report().records == 2)
    }

    @Test func aBootThatFailsIsNotCounted() throws {
        let disk = SimulatedDisk()
        let site = try LedgerSite(disk: disk)
        disk.start(from: DiskImage().moved(from: nil, to: site.folder))
        let writer = try site.writer()
        disk.callsUntilFailure = 1
        #expect(throws: LedgerError.self) {
            try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
        }
        disk.heal()
        #expect(writer.bootNumber == 0)
        try writer.transaction { try $0.appendBoot(version: "1", cause: "test") }
        #expect(writer.bootNumber == 1)
        #expect(try site.report().isSound)
    }
}
