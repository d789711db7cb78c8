// The smallest program that waits for an edge and sets a relay through the kernel's GPIO: what `latency` holds the
// firmware against. bare_lane CHIP INPUT OUTPUT: the output follows the input.
#include <fcntl.h>
#include <linux/gpio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int request(int chip, int line, unsigned long long flags) {
    struct gpio_v2_line_request request = {.num_lines = 1, .consumer = "bare"};
    request.offsets[0] = line;
    request.config.flags = flags;
    if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) != 0) {
        perror("line");
        exit(1);
    }
    return request.fd;
}

int main(int count, char **arguments) {
    struct sched_param priority = {.sched_priority = 80};
    struct gpio_v2_line_event event;
    if (count != 4) return 2;
    int chip = open(arguments[1], O_RDONLY);
    int input = request(chip, atoi(arguments[2]),
                        GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING);
    int output = request(chip, atoi(arguments[3]), GPIO_V2_LINE_FLAG_OUTPUT);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 || sched_setscheduler(0, SCHED_FIFO, &priority) != 0) return 1;
    puts("bare lane live");
    fflush(stdout);
    while (read(input, &event, sizeof event) == sizeof event) {
        struct gpio_v2_line_values values = {.mask = 1, .bits = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE};
        if (ioctl(output, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) != 0) return 1;
    }
    return 1;
}
