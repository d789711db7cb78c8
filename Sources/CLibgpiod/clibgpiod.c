#include "CLibgpiod.h"

#include <linux/gpio.h>
#include <sys/ioctl.h>

int gw_lines_set(int request_fd, uint64_t mask, uint64_t active) {
    struct gpio_v2_line_values values = {.bits = active, .mask = mask};
    return ioctl(request_fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}
