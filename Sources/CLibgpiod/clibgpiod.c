#include "CLibgpiod.h"

#include <linux/gpio.h>
#include <sys/ioctl.h>

void gw_lines_deactivate(int request_fd, uint64_t mask) {
    struct gpio_v2_line_values values = {.bits = 0, .mask = mask};
    ioctl(request_fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}
