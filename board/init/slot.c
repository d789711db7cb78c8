/* gatewarden-slot: what a person or the self-test says and asks of the two slots. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "slots.h"

static int usage(void) {
    fputs("usage: gatewarden-slot status | confirm | is-confirmed | use a|b\n", stderr);
    return 2;
}

static void print(const struct boot_state *state) {
    printf("slot %c, %s, %u boots since it was confirmed, %u boots in all\n", 'a' + state->slot,
           state->confirmed[state->slot] ? "confirmed" : "not confirmed", state->tries, state->boots);
    printf("slot %c, %s\n", 'a' + (state->slot ^ 1), state->confirmed[state->slot ^ 1] ? "confirmed" : "not confirmed");
}

/* The firmware serves when it says so itself: every thread beats, and the ledger takes records. */
static int serves(void) {
    static const char question[] = "status\nquit\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/data/state/console.sock"};
    struct timeval patience = {5, 0};
    char answer[8192];
    size_t length = 0;
    ssize_t count;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) return 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (write(fd, question, sizeof question - 1) != sizeof question - 1) return 0;
    while (length < sizeof answer - 1 && (count = read(fd, answer + length, sizeof answer - 1 - length)) > 0)
        length += count;
    close(fd);
    answer[length] = 0;
    return strstr(answer, "\nlane 1: ") != NULL && strstr(answer, "\nledger: ok") != NULL &&
           strstr(answer, "\nthreads: ok") != NULL;
}

int main(int count, char **arguments) {
    char disk[32], device[64];
    struct boot_state state;
    if (count < 2) return usage();
    if (boot_argument("gatewarden.disk", disk, sizeof disk) != 0 ||
        partition_find(disk, "state", device, sizeof device) != 0 || state_read(device, &state) != 0)
        return 1;
    if (strcmp(arguments[1], "status") == 0) {
        print(&state);
        return 0;
    }
    if (strcmp(arguments[1], "is-confirmed") == 0) return state.confirmed[state.slot] ? 0 : 1;
    if (strcmp(arguments[1], "confirm") == 0) {
        if (!serves()) {
            fputs("gatewarden-slot: the firmware does not serve its lane: not confirmed\n", stderr);
            return 1;
        }
        /* Nothing is written when nothing changes: this runs at each boot. */
        if (state.tries == 0 && state.confirmed[state.slot]) return 0;
        state.tries = 0;
        state.confirmed[state.slot] = 1;
    } else if (strcmp(arguments[1], "use") == 0 && count == 3 && strchr("ab", arguments[2][0]) != NULL) {
        state.slot = arguments[2][0] - 'a';
        state.tries = 0;
        state.confirmed[state.slot] = 0;
    } else {
        return usage();
    }
    return state_write(device, &state) == 0 ? 0 : 1;
}
