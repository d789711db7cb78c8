import CSystem
import Domain
import Machine
import Testing

@Suite struct RingTests {
    @Test func whatIsPushedComesOutInOrderAcrossThreads() throws {
        let bell = try Wakeup()
        let ring = Ring<UInt64>(capacity: 64, bell: bell)
        let count: UInt64 = 200_000
        let producer = try Thread(ThreadSettings(name: "producer"), shortfall: { _ in }) {
            var next: UInt64 = 0
            while next < count {
                if ring.push(next) { next += 1 } else { sched_yield() }
            }
        }
        var expected: UInt64 = 0
        while expected < count {
            if let value = ring.pop() {
                #expect(value == expected)
                expected = value + 1
            } else {
                sched_yield()
            }
        }
        #expect(producer.join(within: .seconds(10)))
        #expect(ring.pop() == nil)
    }

    @Test func fullRingRefusesAndCounts() throws {
        let ring = Ring<String>(capacity: 2, bell: try Wakeup())
        #expect(ring.push("a") && ring.push("b"))
        #expect(!ring.push("c") && ring.refused == 1)
        #expect(ring.pop() == "a" && ring.push("d"))
        #expect(ring.pop() == "b" && ring.pop() == "d" && ring.pop() == nil)
    }

    @Test func bellWakesTheReaderOnceForManyPushes() throws {
        let bell = try Wakeup()
        let ring = Ring<Int>(capacity: 8, bell: bell)
        var waiting = WaitSet()
        let index = waiting.add(bell.fileDescriptor)
        waiting.wait(atMost: .milliseconds(1))
        let isReadyBefore = waiting.isReady(index)
        for value in 0..<3 { #expect(ring.push(value)) }
        waiting.wait(atMost: .seconds(1))
        let isReadyAfter = waiting.isReady(index)
        bell.take()
        waiting.wait(atMost: .milliseconds(1))
        let isReadyOnceTaken = waiting.isReady(index)
        #expect(!isReadyBefore && isReadyAfter && !isReadyOnceTaken)
    }
}

@Suite struct RecordRingTests {
    private typealias Words = InlineArray<16, UInt64>

    @Test func theNewestRecordsAreReadByTheirNumber() {
        let ring = RecordRing(capacity: 4)
        #expect(ring.newest(10).isEmpty)
        for number in 0..<11 as Range<UInt64> { ring.push(Words { 100 * number + UInt64($0) }) }
        #expect(ring.count == 11 && ring.newest(2) == 9..<11 && ring.newest(10) == 7..<11)
        var words = Words(repeating: 0)
        for number in ring.newest(10) {
            let isThere = ring.read(number, into: &words)
            #expect(isThere)
            for index in 0..<16 { #expect(words[index] == 100 * number + UInt64(index)) }
        }
        let isOverwrittenThere = ring.read(6, into: &words)
        #expect(!isOverwrittenThere)
    }

    @Test func whoReadsWhileItsThreadPushesGetsWholeRecordsOrNone() throws {
        let ring = RecordRing(capacity: 2)
        let count: UInt64 = 300_000
        let writer = try Thread(ThreadSettings(name: "writer"), shortfall: { _ in }) {
            for number in 0..<count { ring.push(Words(repeating: number)) }
        }
        var words = Words(repeating: 0)
        var whole = 0
        var torn = 0
        while ring.count < count {
            for number in ring.newest(2) where ring.read(number, into: &words) {
                let isWhole = (0..<16).allSatisfy { words[$0] == number }
                if isWhole { whole += 1 } else { torn += 1 }
            }
        }
        #expect(writer.join(within: .seconds(10)))
        #expect(torn == 0 && whole > 0)
    }
}
