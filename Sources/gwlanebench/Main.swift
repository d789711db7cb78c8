// What `tools/bench lane` counts: one step of a lane, by callgrind, which looks at `measuredStep` alone.
//
// Without input it searches for costly steps (Search), writes them to standard output, and how many states and steps it
// saw to standard error. With these steps as its input it takes a random walk (Walk), prints its number of steps, and
// then takes each of the costly ones.
//
// Invariant: the walk is the same in every run. What the search keeps is by the clock, and is not.

import CSystem
import Domain
import LaneCore

@inline(never)
func measuredStep(_ core: inout LaneCore, _ event: LaneEvent, _ now: Instant, _ actions: inout LaneActions) {
    core.step(event, at: now, &actions)
}

@main
struct LaneBench {
    static func main() {
        var costly = CostlySteps()
        if !costly.readOne() {
            var states = 0
            var tried = 0
            for seed in 1...240 {
                var search = Search(seed: UInt64(seed))
                search.run(6_000, &costly)
                states += search.states
                tried += search.tried
            }
            costly.writeAll()
            var figures = "\(states) \(tried)"
            figures.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
            return
        }
        var steps = 0
        for seed in 1...30 {
            var walk = Walk(seed: UInt64(seed))
            walk.run(1_000)
            steps += walk.steps
        }
        print(steps)
        var actions = LaneActions()
        repeat {
            var one = costly.all[0]
            measuredStep(&one.core, one.event, one.now, &actions)
        } while costly.readOne()
    }
}
