// The simulated tag reader: its frames are those of the published examples.

import Testing

@testable import SiteSimulator

@Test func readersFrameOfATagIsLaidOutAsThePublishedOne() {
    let answer = TagReaderBoard.answer(["300833B2DDD9014000000001"])
    let published: [UInt8] = [
        0xA0, 0x13, 0x01, 0x89, 0x8C, 0x30, 0x00, 0x30, 0x08, 0x33, 0xB2, 0xDD, 0xD9, 0x01, 0x40, 0x00, 0x00, 0x00,
        0x01,
    ]
    // The published one is -74 dBm, 0x37; this one -60 dBm.
    #expect(Array(answer.prefix(21)) == published + [0x45, 0xBB - (0x45 - 0x37)])
    #expect(Array(answer.dropFirst(21).prefix(4)) == [0xA0, 0x0A, 0x01, 0x89])
}

@Test func readerFindsTheQuestionBehindNoiseAndRefusesAWrongSum() {
    var held: [UInt8] = [0x00, 0xA0, 0x04, 0x01, 0x89, 0x01, 0xD0, 0xA0, 0x04, 0x01, 0x89, 0x01, 0xD1, 0xA0]
    #expect(TagReaderBoard.takeFrame(&held) == 0x89)
    #expect(held == [0xA0])
    #expect(TagReaderBoard.takeFrame(&held) == nil)
}

@Test func wrongTagsBelongToVehiclesThatNeverCome() {
    let fleet = Fleet(seed: 4)
    var plan = VisitPlan(fleet: fleet, seed: 4, hasTags: true)
    let visits = (0..<120).map { _ in plan.next() }
    let absent = Set(fleet.absent.compactMap { fleet.tag(of: $0.plate) })
    for visit in visits {
        #expect((visit.kind == .wrongTag) == visit.tag.map { absent.contains($0) } ?? false)
        if visit.kind != .wrongTag, let tag = visit.tag { #expect(tag == fleet.tag(of: visit.plate)) }
    }
    #expect(visits.contains { $0.kind == .wrongTag } && visits.contains { $0.kind == .allowed && $0.tag == nil })
    let lines = fleet.taggedRegisterCSV.split(separator: "\n")
    #expect(lines[0].hasSuffix(",fleet,tag"))
    for line in lines { #expect(line.split(separator: ",", omittingEmptySubsequences: false).count == 15) }
}
