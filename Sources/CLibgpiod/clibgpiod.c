#include "CLibgpiod.h"

#include <errno.h>
#include <linux/gpio.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool gw_lines_read(int request_fd, gw_line_edge *edge) {
    struct gpio_v2_line_event event;
    ssize_t length = read(request_fd, &event, sizeof event);
    if (length != (ssize_t)sizeof event) {
        if (length >= 0) errno = EIO;
        return false;
    }
    edge->monotonic_ns = event.timestamp_ns;
    edge->line = event.offset;
    edge->sequence = event.seqno;
    edge->is_rising = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE;
    return true;
}

static atomic_bool has_ended;

int gw_lines_set(int request_fd, uint64_t mask, uint64_t active) {
    if (active != 0 && atomic_load(&has_ended)) {
        errno = ESHUTDOWN;
        return -1;
    }
    struct gpio_v2_line_values values = {.bits = active, .mask = mask};
    return ioctl(request_fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}

int gw_lines_end(int request_fd, uint64_t mask) {
    atomic_store(&has_ended, true);
    return gw_lines_set(request_fd, mask, 0);
}
