// The smallest program that waits for a line and sets a line, on the controller's simulated lines: what `tools/bench lane`
// holds the controller against.
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct message {
    uint8_t type, line, level, zero;
    uint32_t sequence;
    uint64_t nanoseconds;
};

int main(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct message message = {.type = 1, .line = 64, .level = 64};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (count < 2) return 2;
    strncpy(address.sun_path, arguments[1], sizeof address.sun_path - 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    send(fd, &message, sizeof message, 0);
    while (recv(fd, &message, sizeof message, 0) == sizeof message) {
        if (message.type != 4 || message.level == 0) continue;
        message.type = 5;
        send(fd, &message, sizeof message, 0);
    }
    return 0;
}
