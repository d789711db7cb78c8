/* gatewarden-slot: what a person, the self-test and RAUC (as its custom boot selection) say and ask of both slots. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ext4.h"
#include "slots.h"

/* More than eight lanes say with every contact healed and every thread late. */
enum { ANSWER_BYTES = 65536 };

static const char key_path[] = "/usr/share/gatewarden/slot-key";
static char disk[32], state_device[64];

static int usage(void) {
    fputs("usage: gatewarden-slot status | confirm | reject | is-confirmed | is-waiting | use a|b\n"
          "       gatewarden-slot ask QUESTION | is-quiet | is-data-faulty | may-install FILE\n"
          "       gatewarden-slot get-current | get-primary | get-state a|b | set-primary a|b\n"
          "       gatewarden-slot set-state a|b good|bad\n",
          stderr);
    return 2;
}

static int refuse(const char *why) {
    fprintf(stderr, "gatewarden-slot: %s\n", why);
    return 1;
}

static void print(const struct boot_state *state, int running) {
    printf("slot %c, %s, %u boots since it was confirmed, %u boots in all\n", 'a' + running,
           state->confirmed[running] ? "confirmed" : "not confirmed", state->slot == running ? state->tries : 0,
           state->boots);
    printf("slot %c, %s%s\n", 'a' + (running ^ 1), state->confirmed[running ^ 1] ? "confirmed" : "not confirmed",
           state->slot == running ? "" : ", starts next");
}

/* What the firmware's console answers, after a line feed; empty when it does not. */
static void ask(const char *question, char *answer, size_t capacity) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/data/state/console.sock"};
    struct timeval patience = {5, 0};
    size_t length = 0;
    ssize_t count;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    answer[0] = 0;
    if (fd < 0) return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && dprintf(fd, "%s\nquit\n", question) > 0) {
        answer[length++] = '\n';
        while (length < capacity - 1 && (count = read(fd, answer + length, capacity - 1 - length)) > 0)
            length += count;
        answer[length] = 0;
    }
    close(fd);
}

/* The firmware serves when it says so itself: every thread beats, and the ledger takes records. */
static int serves(void) {
    char answer[ANSWER_BYTES];
    ask("status", answer, sizeof answer);
    return strstr(answer, "\nlane 1: ") != NULL && strstr(answer, "\nledger: ok") != NULL &&
           strstr(answer, "\nthreads: ok") != NULL;
}

/* No vehicle is at any lane and no arm moves; a firmware that does not answer moves none either. */
static int is_quiet(void) {
    char answer[ANSWER_BYTES], *rest = answer, *line;
    int lanes = 0;
    ask("lanes", answer, sizeof answer);
    int answers = answer[0] != 0;
    while ((line = strsep(&rest, "\r\n")) != NULL) {
        char *phase = strncmp(line, "lane ", 5) == 0 ? strstr(line, ": ") : NULL;
        lanes += phase != NULL;
        if (phase != NULL && (strncmp(phase, ": idle,", 7) != 0 || strstr(phase, " arm opening") != NULL ||
                              strstr(phase, " arm closing") != NULL))
            return 0;
    }
    return lanes > 0 || !answers;
}

static int read_slot(int slot, struct slot_footer *footer) {
    unsigned char key[KEY_BYTES];
    char device[64];
    return key_read(key_path, key) == 0 && partition_find(disk, slot_names[slot], device, sizeof device) == 0 &&
           footer_read(device, key, footer) == 0 ? 0 : -1;
}

static int confirm(struct boot_state *state, int running) {
    struct slot_footer own, other;
    uint64_t oldest = state->oldest;
    if (state->slot != running) return refuse("the other slot starts next: not confirmed");
    if (!serves()) return refuse("the firmware does not serve its lane: not confirmed");
    /* Both slots may be needed; what is older than both never again. Read only when something else changes: the other
     * slot is written only by an update, after which this one is not confirmed. */
    if (state->tries == 0 && state->confirmed[running]) return 0;
    if (!state->confirmed[running] && read_slot(running, &own) == 0) {
        oldest = own.released;
        if (read_slot(running ^ 1, &other) == 0 && other.released < oldest) oldest = other.released;
    }
    if (oldest > state->oldest) state->oldest = oldest;
    state->tries = 0;
    state->confirmed[running] = 1;
    return state_write(state_device, state) == 0 ? 0 : 1;
}

/* This system failed its self-test: the other one, if it can be started and has served before. */
static int reject(struct boot_state *state, int running) {
    struct slot_footer other;
    if (!state->confirmed[running ^ 1] || read_slot(running ^ 1, &other) != 0 || other.released < state->oldest)
        return refuse("there is no other system that has served");
    state->slot = running ^ 1;
    state->tries = 0;
    state->confirmed[running] = 0;
    return state_write(state_device, state) == 0 ? 0 : 1;
}

static int use(struct boot_state *state, int slot, int running) {
    struct slot_footer footer;
    char device[64];
    if (read_slot(slot, &footer) != 0 || partition_find(disk, slot_names[slot], device, sizeof device) != 0 ||
        kernel_check(device, &footer) != 0)
        return refuse("that slot holds no whole system of ours");
    if (footer.released < state->oldest) return refuse("that slot is older than what this board has left behind");
    state->slot = slot;
    state->tries = 0;
    if (slot != running) state->confirmed[slot] = 0;
    return state_write(state_device, state) == 0 ? 0 : 1;
}

/* Before RAUC writes it: half written it must not be tried, so its footer goes first. */
static int make_bad(struct boot_state *state, int slot, int running) {
    static const char nothing[BLOCK];
    char device[64];
    if (slot == running) return refuse("this slot runs");
    state->slot = running;
    state->confirmed[slot] = 0;
    if (state_write(state_device, state) != 0) return 1;
    if (partition_find(disk, slot_names[slot], device, sizeof device) != 0) return 1;
    int fd = open(device, O_WRONLY | O_CLOEXEC);
    int done = fd >= 0 && lseek(fd, -BLOCK, SEEK_END) > 0 && write(fd, nothing, BLOCK) == BLOCK && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return done ? 0 : refuse("that slot's footer cannot be erased");
}

/* Signed by the maker, for this board, and not older than what runs. */
static int may_install(const struct boot_state *state, const char *file, int running) {
    unsigned char key[KEY_BYTES];
    char board[32] = "";
    struct slot_footer wanted, own;
    if (key_read(key_path, key) != 0 || footer_read(file, key, &wanted) != 0 || kernel_check(file, &wanted) != 0)
        return refuse("the bundle holds no system signed for this device");
    boot_argument("gatewarden.board", board, sizeof board);
    if (strcmp(board, wanted.board) != 0) return refuse("the bundle is for another board");
    if (wanted.released < state->oldest || (read_slot(running, &own) == 0 && wanted.released < own.released))
        return refuse("the bundle is older than the system that runs");
    return 0;
}

static int answer_rauc(int count, char **arguments, struct boot_state *state, int running) {
    const char *verb = arguments[1];
    if (strcmp(verb, "get-current") == 0) return printf("%c\n", 'a' + running) < 0;
    if (strcmp(verb, "get-primary") == 0) return printf("%c\n", 'a' + state->slot) < 0;
    if (count < 3 || (strcmp(arguments[2], "a") != 0 && strcmp(arguments[2], "b") != 0)) return usage();
    int slot = arguments[2][0] - 'a';
    if (strcmp(verb, "get-state") == 0) return puts(state->confirmed[slot] ? "good" : "bad") < 0;
    if (strcmp(verb, "set-primary") == 0 || strcmp(verb, "use") == 0) return use(state, slot, running);
    if (strcmp(verb, "set-state") != 0 || count != 4) return usage();
    if (strcmp(arguments[3], "bad") == 0) return make_bad(state, slot, running);
    return slot == running ? confirm(state, running) : refuse("only the system that runs can be good");
}

int main(int count, char **arguments) {
    struct boot_state state;
    int running = slot_running();
    if (count < 2) return usage();
    const char *verb = arguments[1];
    if (strcmp(verb, "is-quiet") == 0) return is_quiet() ? 0 : 1;
    if (strcmp(verb, "ask") == 0 && count == 3) {
        char answer[ANSWER_BYTES];
        ask(arguments[2], answer, sizeof answer);
        return answer[0] == 0 ? refuse("the firmware does not answer") : fputs(answer + 1, stdout) < 0;
    }
    if (strcmp(verb, "is-data-faulty") == 0) return data_is_faulty() == 1 ? 0 : 1;
    if (running < 0) return refuse("nothing says which slot runs");
    if (boot_argument("gatewarden.disk", disk, sizeof disk) != 0 ||
        partition_find(disk, "state", state_device, sizeof state_device) != 0 || state_read(state_device, &state) != 0)
        return 1;
    if (strcmp(verb, "status") == 0) {
        print(&state, running);
        return 0;
    }
    if (strcmp(verb, "is-confirmed") == 0) return state.confirmed[running] ? 0 : 1;
    if (strcmp(verb, "is-waiting") == 0) return state.slot != running ? 0 : 1;
    if (strcmp(verb, "confirm") == 0) return confirm(&state, running);
    if (strcmp(verb, "reject") == 0) return reject(&state, running);
    if (strcmp(verb, "may-install") == 0 && count == 3) return may_install(&state, arguments[2], running);
    return answer_rauc(count, arguments, &state, running);
}
