// The uplink threads: one a destination, each drained by its own loop. Stub until the drain lands.
