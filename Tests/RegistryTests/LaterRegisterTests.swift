// A register that a later version has gone on with.

import Store
import Testing

@testable import Registry

/// What a later version has added is left alone, and the rest is taken as ever.
struct LaterRegisterTests {
    @Test func theVersionBeforeImportsAndReadsWhatALaterOneHasAddedTo() throws {
        let site = try Site()
        _ = try site.vehicles(header + "冀A12345,1,,,,,5,,,,,,,\n")
        try site.database.commit()
        let later = try Database.writer(site.folder + "/register.db", Schema(applicationID: 0x4757_5247, steps: []))
        try later.execute(
            """
            ALTER TABLE vehicle ADD COLUMN axles INTEGER NOT NULL DEFAULT 2;
            ALTER TABLE list_entry ADD COLUMN level INTEGER; ALTER TABLE booking ADD COLUMN level INTEGER;
            ALTER TABLE tag ADD COLUMN level INTEGER; ALTER TABLE import ADD COLUMN made_by INTEGER;
            CREATE TABLE trailer(plate TEXT PRIMARY KEY) STRICT;
            PRAGMA user_version = 9;
            """)
        let before = try RegisterDatabase(path: site.folder + "/register.db", offsetMinutes: 480)
        #expect(try before.snapshot().vehicleCount == 1)
        let csv = "plate,colour,stage,tag,cargo,amount\n冀A12345,1,6,E2000001,砂,3\n冀B12345,1,5,,,\n"
        _ = try before.importVehicles(Array(csv.utf8), digest: freshDigest(), at: noon)
        let lists = "plate,colour,list\n冀A12345,1,white\n"
        _ = try before.importLists(Array(lists.utf8), digest: freshDigest(), at: noon)
        try before.commit()
        let register = try before.snapshot()
        #expect(register.vehicleCount == 2 && register.listedPlateCount == 1 && register.tagCount == 1)
        #expect(try later.value("SELECT count(*) FROM vehicle WHERE axles = 2") == 2)
    }
}
