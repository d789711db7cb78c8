/* What tells one start of the board from another: the word that an orderly end leaves on the disk, the kernel's last
 * words in memory that a reset does not clear (ramoops, where the board's device tree has one), and the watchdog's own
 * memory. Where a crash or a reset left the kernel's words, they are kept as /data/kernel-last until the next. */
#include "cause.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ended[] = "/data/ended";
static const char firmware_start[] = "/data/state/start";
static const char last_words[] = "/data/kernel-last";
static const char pstore[] = "/sys/fs/pstore";
static const char panic_mark[] = "Kernel panic - not syncing: ";

static ssize_t read_text(const char *path, char *text, size_t capacity) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length = 0, count;
    while (fd >= 0 && length < (ssize_t)capacity - 1 && (count = read(fd, text + length, capacity - 1 - length)) > 0)
        length += count;
    if (fd >= 0) close(fd);
    text[length] = 0;
    return fd < 0 ? -1 : length;
}

/* The folder may belong to somebody else: whatever has that name there is not followed. */
static int make_file(const char *path) {
    unlink(path);
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void take_line(char *to, size_t capacity, const char *from) {
    size_t length = 0;
    while (length < capacity - 1 && from[length] >= 0x20 && from[length] < 0x7F) {
        to[length] = from[length];
        length++;
    }
    to[length] = 0;
}

/* Copies the records of one kind to `to`, and takes them out of the memory; how many there were. */
static int take_records(const char *kind, int to, char *panic, size_t capacity) {
    static char text[65536];
    DIR *records = opendir(pstore);
    struct dirent *entry;
    int count = 0;
    while (records != NULL && (entry = readdir(records)) != NULL) {
        char path[300];
        const char *mark;
        if (strncmp(entry->d_name, kind, strlen(kind)) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", pstore, entry->d_name);
        ssize_t length = read_text(path, text, sizeof text);
        if (length < 0) continue;
        count++;
        if (to >= 0 && write(to, text, length) != length) dprintf(STDERR_FILENO, "<3>serve: %s is cut\n", last_words);
        if ((mark = strstr(text, panic_mark)) != NULL) take_line(panic, capacity, mark + strlen(panic_mark));
        unlink(path);
    }
    if (records != NULL) closedir(records);
    return count;
}

static void keep(int fd) {
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static int was_reset_by_watchdog(void) {
    char text[16];
    return read_text("/sys/class/watchdog/watchdog0/bootstatus", text, sizeof text) > 0 &&
           (strtoul(text, NULL, 0) & WDIOF_CARDRESET) != 0;
}

static int has_record(const char *kind) {
    DIR *records = opendir(pstore);
    struct dirent *entry;
    int found = 0;
    while (records != NULL && !found && (entry = readdir(records)) != NULL)
        found = strncmp(entry->d_name, kind, strlen(kind)) == 0;
    if (records != NULL) closedir(records);
    return found;
}

void cause_of_start(char cause[CAUSE_BYTES]) {
    char word[CAUSE_BYTES] = "", text[CAUSE_BYTES], panic[100] = "no word of it", backend[16] = "";
    if (read_text(ended, text, sizeof text) > 0) take_line(word, sizeof word, text);
    /* For good, before anything else: a cut of power must not bring back an orderly end that was another start's. */
    if (unlink(ended) == 0) keep(open("/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int has_memory = mount("pstore", pstore, "pstore", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 &&
                     read_text("/sys/module/pstore/parameters/backend", backend, sizeof backend) > 0 &&
                     strncmp(backend, "ramoops", 7) == 0;
    int was_powered = has_memory && has_record("console-");
    if (has_memory && has_record("dmesg-")) {
        int kept = make_file(last_words);
        take_records("dmesg-", kept, panic, sizeof panic);
        keep(kept);
        snprintf(cause, CAUSE_BYTES, "after a kernel crash: %s", panic);
    } else if (word[0] != 0) {
        snprintf(cause, CAUSE_BYTES, "%s", word);
    } else if (was_powered || was_reset_by_watchdog()) {
        int kept = was_powered ? make_file(last_words) : -1;
        take_records("console-", kept, panic, sizeof panic);
        keep(kept);
        snprintf(cause, CAUSE_BYTES, was_reset_by_watchdog() ? "after a reset by the watchdog"
                                                             : "after a reset by watchdog or button");
    } else {
        snprintf(cause, CAUSE_BYTES, has_memory ? "after a loss of power" : "after a loss of power or a reset");
    }
    umount(pstore);
    if (read_text(REPAIRED, text, sizeof text) > 0) {
        size_t length = strlen(cause);
        take_line(word, sizeof word, text);
        snprintf(cause + length, CAUSE_BYTES - length, "; %s", word);
    }
    dprintf(STDERR_FILENO, "<5>serve: the board started %s\n", cause);
}

void cause_leave_for_next_start(const char *cause) {
    int fd = make_file(ended);
    if (fd < 0) return;
    dprintf(fd, "%s\n", cause);
    close(fd);
}

void cause_leave_for_firmware(const char *cause, unsigned user) {
    int fd = make_file(firmware_start);
    if (fd < 0) return;
    dprintf(fd, "%s\n", cause);
    if (fchown(fd, user, user) != 0) dprintf(STDERR_FILENO, "<3>serve: the firmware cannot read why it starts\n");
    close(fd);
}

int cause_is_taken(void) { return access(firmware_start, F_OK) != 0; }
