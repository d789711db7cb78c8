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

enum { HELLO = 1, LEVEL, READY, EVENT, DRIVE, SITE_INPUTS = 2, SITE_OUTPUTS = 4, GUARD_STOP = 15, STOP = 4, PARTS = 10 };

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

// Its stamp.
static uint64_t edge(int to, uint8_t line, uint8_t level) {
    struct message message = {.type = EVENT, .line = line, .level = level, .sequence = ++sequence[to]};
    message.nanoseconds = now();
    put(to ? bare : controller, &message);
    return message.nanoseconds;
}

// What came from the controller and is not for here goes to the site.
static void pass_on(struct message *message) {
    if (message->type == HELLO) {
        message->line = SITE_INPUTS;
        message->level = SITE_OUTPUTS;
    }
    if (message->type != DRIVE || message->line < SITE_OUTPUTS) put(site, message);
}

// Passes on what the site and the controller say to each other.
static void pass(void) {
    struct message message;
    while (recv(site, &message, sizeof message, MSG_DONTWAIT) == sizeof message) {
        if (message.type == EVENT) message.sequence = ++sequence[0];
        put(controller, &message);
    }
    for (;;) {
        ssize_t got = recv(controller, &message, sizeof message, MSG_DONTWAIT);
        if (got == 0) shut = 1;
        if (got != sizeof message) break;
        pass_on(&message);
    }
    // Nobody else takes what the bare program says; and both sockets are equally fresh in the caches.
    while (recv(bare, &message, sizeof message, MSG_DONTWAIT) == sizeof message) {}
}

// An edge, and the time until its own answer: one socket is looked at, the same way for both.
static uint64_t timed(int to, uint8_t line, uint8_t wanted) {
    int fd = to ? bare : controller;
    struct message message;
    uint64_t since = edge(to, line, 1);
    while (now() - since < 50000000u && !shut) {
        ssize_t got = recv(fd, &message, sizeof message, MSG_DONTWAIT);
        if (got == 0) shut = 1;
        if (got != sizeof message) continue;
        // The bare program sends the edge back; the controller's drives have numbers of their own.
        int is_answer = message.type == DRIVE && message.level
            && (to ? message.sequence == sequence[1] : message.line == wanted);
        if (is_answer) return now() - since;
        if (!to) pass_on(&message);
    }
    return 0;
}

static void rest(uint64_t nanoseconds) {
    uint64_t end = now() + nanoseconds;
    while (now() < end && !shut) {
        struct pollfd waiting[] = {
            {.fd = site, .events = POLLIN}, {.fd = controller, .events = POLLIN}, {.fd = bare, .events = POLLIN}};
        poll(waiting, 3, 1);
        pass();
    }
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static double sorted(uint64_t *times, int count, double share) {
    qsort(times, (size_t)count, sizeof *times, ascending);
    return (double)times[(int)((double)count * share)] / 1000;
}

static void figures(const char *name, uint64_t *times, int count) {
    printf("\"%s\": {\"edges\": %d", name, count);
    printf(", \"median_us\": %.2f", sorted(times, count, 0.5));
    printf(", \"p99_us\": %.2f", sorted(times, count, 0.99));
    printf(", \"p999_us\": %.2f", sorted(times, count, 0.999));
    printf(", \"longest_us\": %.2f}, ", (double)times[count - 1] / 1000);
}

// Median by median in tenths of the run: how much the ratio depends on the moment.
static void ratios(uint64_t *times[2], const int taken[2]) {
    double least = 1e9, most = 0;
    for (int part = 0; part < PARTS; part++) {
        double median[2];
        for (int to = 0; to < 2; to++) {
            int length = taken[to] / PARTS;
            median[to] = sorted(times[to] + part * length, length, 0.5);
        }
        double ratio = median[0] / median[1];
        if (ratio < least) least = ratio;
        if (ratio > most) most = ratio;
    }
    printf("\"least_ratio\": %.3f, \"most_ratio\": %.3f, ", least, most);
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
            pass();
            uint64_t time = timed(to, line, (uint8_t)(32 * lane + STOP));
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
    ratios(times, taken);
    figures("ours", times[0], taken[0]);
    figures("bare", times[1], taken[1]);
    printf("\"missed\": [%d, %d]}\n", missed[0], missed[1]);
    fflush(stdout);
    // The edges go on until the site's end, for whoever counts something; now and then one is lost.
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
    for (int number = 0; !shut; number++) {
        uint8_t line = (uint8_t)(32 * (first + number % lanes) + GUARD_STOP);
        if (number % 40 == 20) sequence[0]++;
        edge(0, line, 1);
        rest(turn / 2);
        edge(0, line, 0);
        rest(turn / 2);
    }
    return 0;
}
