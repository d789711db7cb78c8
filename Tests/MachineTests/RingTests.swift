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
