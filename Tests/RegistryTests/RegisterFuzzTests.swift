import Domain
import Testing

@testable import Registry

/// A small generator with a seed: the same seed makes the same files.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct RegisterFuzzTests {
    private static let vehicles =
        header + "冀A12345,1,LFWSRXSJ2L1E00001,2021-08-01,Q11,B,6,解放,CA6DM3,\"一汽,解放\",SIM1,F,1,顺达\n"
        + "豫B54321,蓝,,,,,X,,,,,,,\r\n" + "冀AD12345,黄绿,,2023/7/1,H31,C,D,,,,,,0,\"a \"\"b\"\"\"\n"
    private static let lists =
        "plate,colour,list,reason,valid_until\n冀A1,1,white,应急,2026-12-31\n冀A2,黄,黑,,2026/1/2 8:30\n"

    /// Pieces that have a meaning somewhere in the format.
    private static let pieces: [[UInt8]] = [
        [0x2C], [0x22], [0x0A], [0x0D], [0x0D, 0x0A], [0x22, 0x22], [0xEF, 0xBB, 0xBF], [0xC3], [0x00], [0xFF],
        Array("黄".utf8), Array("9999-99-99".utf8), Array("-".utf8), [UInt8](repeating: 0x41, count: 5_000),
    ]

    private func mutated(_ text: String, _ random: inout Seeded) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &random)
            // Another character of the file's own: the likeliest mistake, and the likeliest to be taken.
            case 1...2 where !bytes.isEmpty: bytes[place] = bytes.randomElement(using: &random) ?? 0
            case 3 where !bytes.isEmpty: bytes.removeSubrange(place..<min(bytes.count, place + 3))
            case 4: bytes.removeLast(bytes.count - place)
            default: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: place)
            }
        }
        return bytes
    }

    /// Either the file is taken with all its rows, or the problems say where, and the register is as it was.
    private func check(_ problems: [String], _ taken: Int?, _ kept: Int, _ before: Int, _ seed: UInt64) {
        if let taken {
            #expect(kept == taken, "seed \(seed)")
        } else {
            #expect(kept == before, "seed \(seed)")
            #expect(!problems.isEmpty, "seed \(seed)")
            for problem in problems {
                #expect(
                    problem.hasPrefix("line ") || problem.hasPrefix("the file is empty"), "seed \(seed): \(problem)")
            }
        }
    }

    @Test func aDamagedFileIsTakenWholeOrItsLineIsNamed() throws {
        let site = try Site()
        var before = try site.vehicles(Self.vehicles).rows
        var listedBefore = try site.lists(Self.lists).rows
        var refused = 0
        for seed in UInt64(1)...1_500 {
            var random = Seeded(state: seed)
            var problems: [String] = []
            var taken: Int?
            do throws(RegistryError) {
                let bytes = mutated(Self.vehicles, &random)
                taken = try site.database.importVehicles(bytes, digest: freshDigest(), at: noon)?.rows
            } catch {
                guard case .table(let found, _) = error else { throw error }
                problems = found
            }
            let kept = try site.database.snapshot()
            check(problems, taken, kept.vehicleCount, before, seed)
            before = kept.vehicleCount
            refused += taken == nil ? 1 : 0
            taken = nil
            do throws(RegistryError) {
                let bytes = mutated(Self.lists, &random)
                taken = try site.database.importLists(bytes, digest: freshDigest(), at: noon)?.rows
            } catch {
                guard case .table(let found, _) = error else { throw error }
                problems = found
            }
            let listed = try site.database.snapshot().listedPlateCount
            check(problems, taken, listed, listedBefore, seed)
            listedBefore = listed
        }
        // Both ways are taken often: the mutations neither spare every file nor ruin every file.
        #expect((100...1_400).contains(refused), "\(refused) of 1500 refused")
    }
}
