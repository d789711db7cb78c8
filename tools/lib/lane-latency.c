// Edge to relay: stands between the controller and the simulated site on the line socket, adds edges of the guard's stop
// buttons of lanes that no truck uses, and times the stop relays; in turn with the same edges for `bare-lane`.
//
// usage: lane-latency CONTROLLER-SOCKET SITE-SOCKET BARE-SOCKET EDGES FIRST-LANE LANES
// It listens on the first and third, and joins the second when the controller comes. Ends with one line of figures.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HELLO = 1, LEVEL, READY, EVENT, DRIVE, SITE_INPUTS = 2, SITE_OUTPUTS = 4, GUARD_STOP = 15, STOP = 4 };

struct message {
    uint8_t type, line, level, zero;
    uint32_t sequence;
    uint64_t nanoseconds;
};

static int controller, site, bare;
static uint32_t sequence[2];
static int shut;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "lane-latency: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_un at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

static int listening(const char *path) {
    struct sockaddr_un address = at(path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) fail(path);
    return fd;
}

static int accepted(int listener, const char *who) {
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    if (poll(&waiting, 1, 60000) != 1) fail(who);
    return accept(listener, NULL, NULL);
}

static void put(int fd, const struct message *message) {
    if (send(fd, message, sizeof *message, MSG_NOSIGNAL) != sizeof *message) shut = 1;
}

static void edge(int to, uint8_t line, uint8_t level) {
    struct message message = {.type = EVENT, .line = line, .level = level, .sequence = ++sequence[to]};
    message.nanoseconds = now();
    put(to ? bare : controller, &message);
}

// Passes on what the site and the controller say to each other; the time of a drive of the wanted output, or 0.
static uint64_t pass(int wanted) {
    struct message message;
    uint64_t when = 0;
    while (recv(site, &message, sizeof message, MSG_DONTWAIT) == sizeof message) {
        if (message.type == EVENT) message.sequence = ++sequence[0];
        put(controller, &message);
    }
    for (;;) {
        ssize_t got = recv(controller, &message, sizeof message, MSG_DONTWAIT);
        if (got == 0) shut = 1;
        if (got != sizeof message) break;
        if (message.type == HELLO) {
            message.line = SITE_INPUTS;
            message.level = SITE_OUTPUTS;
        }
        if (message.type == DRIVE && message.line == wanted && message.level && when == 0) when = now();
        if (message.type != DRIVE || message.line < SITE_OUTPUTS) put(site, &message);
    }
    return when;
}

static uint64_t answered(int to, int wanted, uint64_t since) {
    struct message message;
    while (now() - since < 50000000u && !shut) {
        if (to) {
            if (recv(bare, &message, sizeof message, MSG_DONTWAIT) == sizeof message) return now() - since;
        } else {
            uint64_t when = pass(wanted);
            if (when) return when - since;
        }
    }
    return 0;
}

static void rest(uint64_t nanoseconds) {
    uint64_t end = now() + nanoseconds;
    while (now() < end && !shut) {
        struct pollfd waiting[] = {{.fd = site, .events = POLLIN}, {.fd = controller, .events = POLLIN}};
        poll(waiting, 2, 1);
        pass(-1);
    }
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void figures(const char *name, uint64_t *times, int count, const char *end) {
    qsort(times, (size_t)count, sizeof *times, ascending);
    printf("\"%s\": {\"edges\": %d, \"median_us\": %.2f, \"p999_us\": %.2f, \"longest_us\": %.2f}%s", name, count,
           (double)times[count / 2] / 1000, (double)times[(int)((double)count * 0.999)] / 1000,
           (double)times[count - 1] / 1000, end);
}

int main(int count, char **arguments) {
    if (count != 7) return 2;
    int controllers = listening(arguments[1]), bares = listening(arguments[3]);
    int edges = atoi(arguments[4]), first = atoi(arguments[5]), lanes = atoi(arguments[6]);
    uint64_t *times[2] = {calloc((size_t)edges, 8), calloc((size_t)edges, 8)};
    int taken[2] = {0, 0}, missed[2] = {0, 0};
    struct sockaddr_un address = at(arguments[2]);
    struct sched_param high = {.sched_priority = 90};
    bare = accepted(bares, "no bare program");
    controller = accepted(controllers, "no controller");
    site = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (connect(site, (struct sockaddr *)&address, sizeof address) != 0) fail(arguments[2]);
    if (sched_setscheduler(0, SCHED_FIFO, &high) != 0) fail("SCHED_FIFO");
    rest(3000000000u);
    uint64_t turn = 340000000u / (uint64_t)lanes;
    for (int number = 0; taken[0] + missed[0] < edges && !shut; number++) {
        int lane = first + number % lanes;
        // Half a turn for each: who comes first changes from turn to turn.
        for (int half = 0; half < 2; half++) {
            int to = (half + number) & 1;
            uint8_t line = (uint8_t)(32 * lane + GUARD_STOP);
            pass(-1);
            uint64_t since = now();
            edge(to, line, 1);
            uint64_t time = answered(to, 32 * lane + STOP, since);
            if (time) times[to][taken[to]++] = time;
            else missed[to]++;
            edge(to, line, 0);
            rest(turn / 2 + (now() >> 4) % 500000u);
        }
    }
    if (shut || taken[0] < edges / 2 || taken[1] < edges / 2) {
        fprintf(stderr, "lane-latency: %d and %d edges answered, %d and %d not, %s\n", taken[0], taken[1], missed[0],
                missed[1], shut ? "a side closed" : "both still there");
        return 1;
    }
    printf("{");
    figures("ours", times[0], taken[0], ", ");
    figures("bare", times[1], taken[1], ", ");
    printf("\"missed\": [%d, %d]}\n", missed[0], missed[1]);
    fflush(stdout);
    // The edges go on until the site's end, for whoever counts something.
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
    for (int number = 0; !shut; number++) {
        uint8_t line = (uint8_t)(32 * (first + number % lanes) + GUARD_STOP);
        edge(0, line, 1);
        rest(turn / 2);
        edge(0, line, 0);
        rest(turn / 2);
    }
    return 0;
}
