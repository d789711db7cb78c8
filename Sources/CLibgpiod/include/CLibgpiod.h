// libgpiod, the v2 interface, for Swift, and what it lacks.
#ifndef GW_CLIBGPIOD_H
#define GW_CLIBGPIOD_H

#include <gpiod.h>
#include <stdbool.h>
#include <stdint.h>

/// Sets the lines of `mask` (bit n: the n-th line of the request) to `active`; 0, or -1 and errno. Async-signal-safe,
/// and a tenth of the instructions that libgpiod takes, which looks each line up. ESHUTDOWN for what would be active
/// after gw_lines_end.
int gw_lines_set(int request_fd, uint64_t mask, uint64_t active);

/// Sets the lines of `mask` inactive, and no line of the process becomes active any more, but by a call that is under
/// way: end twice. Async-signal-safe.
int gw_lines_end(int request_fd, uint64_t mask);

typedef struct {
    uint64_t monotonic_ns;
    uint32_t line;
    /// Over all lines of the request, from 1 on.
    uint32_t sequence;
    bool is_rising;
} gw_line_edge;

/// The request's next edge; false and errno when there is none. libgpiod's way through a buffer is a longer one.
bool gw_lines_read(int request_fd, gw_line_edge *edge);

#endif
