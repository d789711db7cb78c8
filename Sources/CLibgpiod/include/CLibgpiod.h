// libgpiod, the v2 interface, for Swift, and what it lacks.
#ifndef GW_CLIBGPIOD_H
#define GW_CLIBGPIOD_H

#include <gpiod.h>
#include <stdint.h>

/// Sets the lines of `mask` (bit n: the n-th line of the request) to `active`; 0, or -1 and errno. Async-signal-safe,
/// and a tenth of the instructions that libgpiod takes, which looks each line up.
int gw_lines_set(int request_fd, uint64_t mask, uint64_t active);

#endif
