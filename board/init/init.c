/* PID 1 of the initial RAM disk: from the kernel to the read-only root in as few steps as there are.
 *
 * Starts the watchdog, checks the signature of the slot that the boot loader chose (board/boot.env), lays dm-verity
 * over it, mounts root, data and factory, and hands over to gatewarden-serve. A slot that cannot be opened gives way to
 * the other one, with its kernel: by a restart. A boot loader that chooses none (QEMU's -kernel) leaves choice and
 * counting to this program: a slot that was started BOOT_TRIES times without being confirmed gives way at the next
 * boot. When nothing can be opened the board restarts, and the watchdog sees to it when even that hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <linux/random.h>
#include <linux/watchdog.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cause.h"
#include "ext4.h"
#include "slots.h"

enum { WATCHDOG_SECONDS = 30, DISK_WAIT_MS = 10000, SEED_BYTES = 32, REPAIR_MS = 1800000 };

static int watchdog = -1;

static void say(const char *format, ...) {
    char line[400];
    struct timespec now;
    va_list arguments;
    va_start(arguments, format);
    clock_gettime(CLOCK_BOOTTIME, &now);
    int length = snprintf(line, sizeof line, "<6>init: %ld ms ", (long)(now.tv_sec * 1000 + now.tv_nsec / 1000000));
    vsnprintf(line + length, sizeof line - length, format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "%s\n", line);
}

static void restart(const char *why) {
    dprintf(STDERR_FILENO, "<2>init: %s: %s; restarting\n", why, strerror(errno));
    sleep(3);
    reboot(RB_AUTOBOOT);
    for (;;) pause();
}

static void feed_watchdog(void) {
    if (watchdog >= 0) ioctl(watchdog, WDIOC_KEEPALIVE, 0);
}

/* Closed without the magic letter, by exec, it goes on running: the firmware takes it over, or the board resets. */
static void start_watchdog(void) {
    int seconds = WATCHDOG_SECONDS;
    watchdog = open("/dev/watchdog0", O_WRONLY | O_CLOEXEC);
    if (watchdog < 0) dprintf(STDERR_FILENO, "<3>init: no watchdog: %s\n", strerror(errno));
    else ioctl(watchdog, WDIOC_SETTIMEOUT, &seconds);
    feed_watchdog();
}

static void wait_for_disk(const char *disk) {
    char path[64], partition[72];
    snprintf(path, sizeof path, "/sys/class/block/%s", disk);
    for (int waited = 0; access(path, F_OK) != 0; waited += 2) {
        if (waited > DISK_WAIT_MS) restart("the disk does not appear");
        usleep(2000);
    }
    /* The partitions are registered right after their disk. */
    for (int waited = 0; waited < 500; waited += 2) {
        if (partition_find(disk, "data", partition, sizeof partition) == 0) return;
        usleep(2000);
    }
}

static struct dm_ioctl *dm_request(void *buffer, size_t size, unsigned flags) {
    struct dm_ioctl *request = buffer;
    memset(buffer, 0, size);
    request->version[0] = DM_VERSION_MAJOR;
    request->data_size = size;
    request->data_start = sizeof *request;
    request->flags = flags;
    strcpy(request->name, "root");
    return request;
}

/* /dev/dm-0 over the slot; a block that does not match its hash restarts the board. */
static int open_verity(const char *device, const struct slot_footer *footer) {
    char buffer[1024];
    int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
    if (control < 0) return -1;
    dm_request(buffer, sizeof buffer, 0);
    ioctl(control, DM_DEV_REMOVE, buffer);
    dm_request(buffer, sizeof buffer, DM_READONLY_FLAG);
    int made = ioctl(control, DM_DEV_CREATE, buffer) == 0;
    if (made) {
        struct dm_ioctl *request = dm_request(buffer, sizeof buffer, DM_READONLY_FLAG);
        struct dm_target_spec *target = (void *)(buffer + sizeof *request);
        request->target_count = 1;
        target->length = footer->blocks * (BLOCK / 512);
        strcpy(target->target_type, "verity");
        snprintf((char *)(target + 1), sizeof buffer - sizeof *request - sizeof *target,
                 "1 %s %s %d %d %" PRIu64 " %" PRIu64 " sha256 %s %s 1 restart_on_corruption", device, device, BLOCK,
                 BLOCK, footer->blocks, footer->hash_start, footer->root, footer->salt);
        made = ioctl(control, DM_TABLE_LOAD, buffer) == 0;
    }
    if (made) {
        dm_request(buffer, sizeof buffer, 0);
        made = ioctl(control, DM_DEV_SUSPEND, buffer) == 0;
    }
    close(control);
    return made ? 0 : -1;
}

static int open_slot(const char *disk, int slot, uint64_t oldest) {
    char device[64], board[32] = "";
    unsigned char key[KEY_BYTES];
    struct slot_footer footer;
    if (key_read("/slot-key", key) != 0) return -1;
    if (partition_find(disk, slot_names[slot], device, sizeof device) != 0) return -1;
    if (footer_read(device, key, &footer) != 0) return -1;
    boot_argument("gatewarden.board", board, sizeof board);
    if (strcmp(board, footer.board) != 0) {
        dprintf(STDERR_FILENO, "<3>init: %s is for board %s\n", slot_names[slot], footer.board);
        return -1;
    }
    if (footer.released < oldest) {
        dprintf(STDERR_FILENO, "<3>init: %s is older than what this board has left behind\n", slot_names[slot]);
        return -1;
    }
    if (open_verity(device, &footer) != 0 || mount("/dev/dm-0", "/root", "squashfs", MS_RDONLY, NULL) != 0) {
        dprintf(STDERR_FILENO, "<3>init: %s does not open: %s\n", slot_names[slot], strerror(errno));
        return -1;
    }
    say("%s, version %s", slot_names[slot], footer.version);
    return 0;
}

/* Returns the slot that was opened. */
static int mount_root(const char *disk) {
    char device[64];
    struct boot_state state;
    int chosen = slot_chosen();
    if (partition_find(disk, "state", device, sizeof device) != 0 || state_read(device, &state) != 0)
        restart("no boot state");
    if (chosen >= 0) {
        if (open_slot(disk, chosen, state.oldest) == 0) return chosen;
        state.slot = chosen ^ 1;
        state.tries = 0;
        state_write(device, &state);
        restart("the slot does not open, the other one is next");
    }
    state.boots++;
    if (state.tries >= BOOT_TRIES) {
        say("%s did not confirm itself in %d boots", slot_names[state.slot], state.tries);
        state.slot ^= 1;
        state.tries = 0;
    }
    /* Counted before it is tried: an altered block restarts the board while the slot is opened. That the count cannot
     * be written must not keep the lane from working. */
    state.tries++;
    state_write(device, &state);
    if (open_slot(disk, state.slot, state.oldest) != 0) {
        state.slot ^= 1;
        state.tries = 1;
        state_write(device, &state);
        if (open_slot(disk, state.slot, state.oldest) != 0) restart("neither slot opens");
    }
    return state.slot;
}

/* An update changes what is to be started next: what runs now must be known by itself. */
static void leave_word(int slot) {
    int fd = open("/root" RUNNING_SLOT, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    if (fd < 0 || write(fd, slot == SLOT_A ? "a\n" : "b\n", 2) != 2) say("no word about the slot: %s", strerror(errno));
    if (fd >= 0) close(fd);
}

/* A repair that a cut of the power ends leaves no mark in every case: so the boot state has one. */
static void mark_repair(const char *disk, enum repaired partition, int has_begun) {
    char device[64];
    struct boot_state state;
    if (partition_find(disk, "state", device, sizeof device) != 0 || state_read(device, &state) != 0) return;
    uint32_t wanted = has_begun ? state.repairing | partition : state.repairing & ~partition;
    if (wanted == state.repairing) return;
    state.repairing = wanted;
    state_write(device, &state);
}

static int was_repair_cut(const char *disk, enum repaired partition) {
    char device[64];
    struct boot_state state;
    return partition_find(disk, "state", device, sizeof device) == 0 && state_read(device, &state) == 0 &&
           (state.repairing & partition) != 0;
}

/* A large card takes minutes. One that takes longer than REPAIR_MS is mounted as it is, if it can be. */
static void repair(const char *disk, const char *device, enum repaired partition) {
    mark_repair(disk, partition, 1);
    dprintf(STDERR_FILENO, "<4>init: %s is checked and repaired\n", device);
    pid_t child = fork();
    if (child == 0) {
        /* What does not mount may still be marked clean: checked all the same. */
        if (chroot("/root") == 0) execl("/sbin/e2fsck", "e2fsck", "-fy", device, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    for (long waited = 0; child > 0 && waitpid(child, &status, WNOHANG) == 0; waited += 50) {
        if (waited >= REPAIR_MS) kill(child, SIGKILL);
        else feed_watchdog();
        usleep(50000);
    }
    feed_watchdog();
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    dprintf(STDERR_FILENO, "<4>init: e2fsck ended with %d\n", code);
    /* Once more at the next start helps nobody but one that was killed. */
    if (code >= 0) mark_repair(disk, partition, 0);
    int word = open("/root" REPAIRED, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    if (word < 0) return;
    dprintf(word, "its disk %s\n", code == 0 || code == 1 ? "was repaired" : "could not be repaired");
    close(word);
}

static void mount_kept(const char *disk, const char *name, enum repaired partition, const char *where,
                       unsigned long flags) {
    char device[64];
    if (partition_find(disk, name, device, sizeof device) != 0) return;
    if (ext4_is_faulty(device) == 1 || was_repair_cut(disk, partition)) repair(disk, device, partition);
    for (int round = 0; round < 2; round++) {
        if (mount(device, where, "ext4", MS_NOATIME | MS_NODEV | MS_NOSUID | flags, "errors=remount-ro,commit=5") == 0)
            return;
        dprintf(STDERR_FILENO, "<3>init: cannot mount %s: %s\n", device, strerror(errno));
        if (round == 0) repair(disk, device, partition);
    }
}

/* The emulated board, and many a real one, has no generator of random numbers, and the firmware's first use of one
 * would wait seconds. So each boot leaves a seed for the next; it is replaced before anything else runs that could use
 * it. */
static void seed_random(const char *path) {
    /* As struct rand_pool_info, which has no size of its own. */
    struct { int bits, bytes; unsigned char seed[SEED_BYTES]; } pool = {SEED_BYTES * 8, SEED_BYTES, {0}};
    int file = open(path, O_RDWR | O_CLOEXEC), random = open("/dev/urandom", O_RDWR | O_CLOEXEC);
    if (file >= 0 && random >= 0 && read(file, pool.seed, SEED_BYTES) == SEED_BYTES &&
        ioctl(random, RNDADDENTROPY, &pool) == 0 && read(random, pool.seed, SEED_BYTES) == SEED_BYTES &&
        (pwrite(file, pool.seed, SEED_BYTES, 0) != SEED_BYTES || fdatasync(file) != 0))
        dprintf(STDERR_FILENO, "<3>init: the seed of random numbers cannot be replaced: %s\n", strerror(errno));
    if (file >= 0) close(file);
    if (random >= 0) close(random);
}

int main(void) {
    char disk[32];
    mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    int log = open("/dev/kmsg", O_WRONLY);
    if (log >= 0) dup2(log, STDERR_FILENO);
    say("started");
    start_watchdog();
    if (boot_argument("gatewarden.disk", disk, sizeof disk) != 0) restart("no gatewarden.disk= given");
    wait_for_disk(disk);
    say("%s there", disk);
    int slot = mount_root(disk);
    mount("/dev", "/root/dev", NULL, MS_BIND, NULL);
    mount("tmpfs", "/root/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m");
    leave_word(slot);
    mount("tmpfs", "/root/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=16m");
    mount_kept(disk, "data", REPAIRED_DATA, "/root/data", MS_NOEXEC);
    seed_random("/root/data/random-seed");
    mount_kept(disk, "factory", REPAIRED_FACTORY, "/root/factory", MS_NOEXEC | MS_RDONLY);
    mount("/proc", "/root/proc", NULL, MS_MOVE, NULL);
    mount("/sys", "/root/sys", NULL, MS_MOVE, NULL);
    umount2("/dev", MNT_DETACH);
    say("mounted");
    unlink("/init");
    if (chdir("/root") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) restart("no root");
    execl("/usr/sbin/gatewarden-serve", "serve", (char *)NULL);
    restart("no /usr/sbin/gatewarden-serve");
}
