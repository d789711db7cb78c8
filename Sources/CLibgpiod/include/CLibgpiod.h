// libgpiod, the v2 interface, for Swift, and what it lacks.
#ifndef GW_CLIBGPIOD_H
#define GW_CLIBGPIOD_H

#include <gpiod.h>
#include <stdint.h>

/// Sets the lines of `mask` (bit n: the n-th line of the request) inactive. Async-signal-safe, which libgpiod is not.
void gw_lines_deactivate(int request_fd, uint64_t mask);

#endif
