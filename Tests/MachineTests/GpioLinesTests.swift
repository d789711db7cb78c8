import Testing

@testable import Machine

@Test func aLineThatIsGivenTwiceIsFound() {
    #expect(GpioLines.firstRepeated([]) == nil)
    #expect(GpioLines.firstRepeated([0, 1, 2, 63]) == nil)
    #expect(GpioLines.firstRepeated([4, 1, 7, 1, 4]) == 1)
    #expect(GpioLines.firstRepeated([5, 5]) == 5)
}
