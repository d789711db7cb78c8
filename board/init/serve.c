/* gatewarden-serve, PID 1 of the running system: the firmware first, then everything else.
 *
 * Starts the firmware, /usr/lib/gatewarden/later beside it, and a login on the console; takes in the dead; ends the
 * system orderly when asked (busybox's reboot, halt and poweroff). The firmware gets its own user, no capability, no
 * way to gain one, and the limits that real time takes. One that crashed is started again at once; when it has crashed
 * CRASHES times within CRASHES_MS the board restarts. One that refuses to start (exit code 1: the configuration, a
 * missing wire) is tried again every few seconds; meanwhile the watchdog is fed from here if this system has served
 * lanes before, and not if it has not: then the board resets, and in the end the other slot is started. A board without
 * a configuration is fed; one whose data partition is not mounted is not: perhaps it has a configuration, and its card
 * answers at the next start. Once ext4 has met an error in data it lets nobody open a file: when the firmware refuses
 * then, or the card does not answer, the board restarts, so that init repairs it. One that ends with code 75 has closed
 * its ledger because the UPS switches off: the disks are put in order, and the board waits; when it still has
 * power after REST_MS it starts again, because then the mains is back. If this program dies the kernel panics, and the
 * board resets. It tells the firmware why it is started (cause.h).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/watchdog.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cause.h"
#include "ext4.h"
#include "slots.h"

enum { FIRMWARE_USER = 900, RETRY_MS = 5000, END_MS = 10000, LATER_MS = 5000, LANE_PRIORITY = 90,
       LINE_PRIORITY = 85, CRASHES = 10, CRASHES_MS = 300000 };
/* From a start to a restart for a faulty disk: a person can log in and look. Longer when a repair did not help. */
enum { FAULTY_MS = 60000, UNMENDED_MS = 3600000 };
/* The firmware's code for a UPS that goes off, and longer than any UPS takes for it (1 min, 3 min off). */
enum { POWER_GOES = 75, REST_MS = 300000 };

static const char configuration[] = "/etc/gatewarden/gatewarden.conf";
static const char state[] = "/data/state";
static const char shadow[] = "/run/shadow";
static const char console_socket[] = "/data/state/console.sock";
static const char watchdog_path[] = "/dev/watchdog0";
static char console[32];
static int watchdog = -1;

static void say(const char *level, const char *what, int value) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    dprintf(STDERR_FILENO, "<%s>serve: %ld ms %s %d\n", level, (long)(now.tv_sec * 1000 + now.tv_nsec / 1000000), what,
            value);
}

/* What the firmware opens of the board: its lines, its field buses, its watchdog. */
static void give_devices(void) {
    static const char *const kinds[] = {"gpiochip", "ttymxc", "ttyAMA", "ttyUSB", "watchdog0", NULL};
    DIR *devices = opendir("/dev");
    struct dirent *entry;
    if (devices == NULL) return;
    while ((entry = readdir(devices)) != NULL) {
        if (strcmp(entry->d_name, console) == 0) continue;
        for (int kind = 0; kinds[kind] != NULL; kind++)
            if (strncmp(entry->d_name, kinds[kind], strlen(kinds[kind])) == 0 &&
                fchownat(dirfd(devices), entry->d_name, FIRMWARE_USER, FIRMWARE_USER, AT_SYMLINK_NOFOLLOW) != 0)
                say("3", "a device could not be given:", errno);
    }
    closedir(devices);
}

/* The firmware listens on the camera network's address before that network is up: the lane does not wait for it. */
static void allow_early_listening(void) {
    int fd = open("/proc/sys/net/ipv4/ip_nonlocal_bind", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1) say("3", "no listening before the network is up:", errno);
    if (fd >= 0) close(fd);
}

/* The kernel hands each input line's edges on by a thread of its own, at the priority that every interrupt's thread
 * has: behind the card's and the network's an edge would wait. The firmware may not change that itself. */
static void raise_line_threads(void) {
    const struct sched_param priority = {.sched_priority = LINE_PRIORITY};
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int count = 0;
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        char path[32], name[64] = "";
        int process = atoi(entry->d_name);
        if (process <= 0) continue;
        snprintf(path, sizeof path, "/proc/%d/comm", process);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        if (read(fd, name, sizeof name - 1) > 0 && strncmp(name, "irq/", 4) == 0 &&
            strstr(name, "-gatewarden") != NULL) {
            if (sched_setscheduler(process, SCHED_FIFO, &priority) != 0) say("3", "a line's thread stays low:", errno);
            else count++;
        }
        close(fd);
    }
    if (processes != NULL) closedir(processes);
    say("6", "line threads raised:", count);
}

static void make_folder(const char *path, mode_t mode) {
    if (mkdir(path, mode) == 0 && chown(path, FIRMWARE_USER, FIRMWARE_USER) != 0)
        say("3", "a folder could not be given:", errno);
}

static void limit(int resource, rlim_t value) {
    struct rlimit wanted = {value, value};
    setrlimit(resource, &wanted);
}

static void become_firmware(void) {
    limit(RLIMIT_RTPRIO, LANE_PRIORITY);
    limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
    limit(RLIMIT_NOFILE, 512);
    limit(RLIMIT_NPROC, 64);
    limit(RLIMIT_CORE, 0);
    umask(077);
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (setgroups(0, NULL) != 0 || setgid(FIRMWARE_USER) != 0 ||
        setuid(FIRMWARE_USER) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(127);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    /* Init has started it, whatever the configuration says of it. */
    const char *option = access(watchdog_path, F_OK) == 0 ? "--watchdog" : NULL;
    execl("/usr/sbin/gatewarden", "gatewarden", "run", "--config", configuration, "--state", state, option,
          watchdog_path, (char *)NULL);
}

static int is_confirmed(void) {
    char disk[32], device[64];
    struct boot_state seen;
    int running = slot_running();
    return running >= 0 && boot_argument("gatewarden.disk", disk, sizeof disk) == 0 &&
           partition_find(disk, "state", device, sizeof device) == 0 && state_read(device, &seen) == 0 &&
           seen.confirmed[running];
}

/* Where it is not, nobody knows whether this board is configured. */
static int is_data_mounted(void) {
    struct stat root, data;
    return stat("/", &root) == 0 && stat("/data", &data) == 0 && root.st_dev != data.st_dev;
}

/* It goes on running when it is let go: the firmware takes it over, or the board resets. */
static void feed_watchdog(void) {
    if (watchdog < 0) watchdog = open(watchdog_path, O_WRONLY | O_CLOEXEC);
    if (watchdog >= 0) ioctl(watchdog, WDIOC_KEEPALIVE, 0);
}

static void let_watchdog_go(void) {
    if (watchdog >= 0) close(watchdog);
    watchdog = -1;
}

static pid_t start(void (*become)(void)) {
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        become();
        _exit(127);
    }
    if (child < 0) say("3", "cannot fork:", errno);
    return child;
}

static void become_later(void) {
    setsid();
    execl("/usr/lib/gatewarden/later", "later", (char *)NULL);
}

static void become_login(void) {
    setsid();
    execl("/sbin/getty", "getty", "-L", "115200", console, "vt100", (char *)NULL);
}

/* What is to happen when the firmware has ended, and why it then starts; true when it may start again at once. */
static int take_end(int status, char cause[CAUSE_BYTES]) {
    if (WIFSIGNALED(status)) say("3", "the firmware was ended by signal", WTERMSIG(status));
    else say("4", "the firmware ended with", WEXITSTATUS(status));
    int refused = WIFEXITED(status) && (WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 127);
    if (WIFSIGNALED(status))
        snprintf(cause, CAUSE_BYTES, "after the firmware was ended by signal %d", WTERMSIG(status));
    else if (!refused) snprintf(cause, CAUSE_BYTES, "after the firmware ended with code %d", WEXITSTATUS(status));
    /* One that refused before its boot record has not told yet why the board started. */
    else if (cause_is_taken()) snprintf(cause, CAUSE_BYTES, "after a start that failed");
    return !refused;
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One that cannot be read may only tell late of a write that failed: it is asked again. */
static int needs_repair(long started) {
    static int unreadable;
    long patience = access(REPAIRED, F_OK) == 0 ? UNMENDED_MS : FAULTY_MS;
    int faulty = data_is_faulty();
    unreadable = faulty < 0 ? unreadable + 1 : 0;
    return now_ms() - started > patience && (faulty == 1 || unreadable > 1);
}

/* Each may ping the watchdog before it ends: without a limit they could go on for ever. Counted from the first on. */
static int is_last_of_many_crashes(void) {
    static long first_at;
    static int crashes;
    if (crashes == 0 || now_ms() - first_at > CRASHES_MS) {
        crashes = 0;
        first_at = now_ms();
    }
    return ++crashes >= CRASHES;
}

/* Until no child is left, or END_MS: one that waits for a medium does not end. */
static void wait_for_the_dead(void) {
    for (int waited = 0; waited < END_MS; waited += 20) {
        pid_t ended;
        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) continue;
        if (ended < 0) return;
        feed_watchdog();
        usleep(20000);
    }
    say("3", "processes do not end:", EBUSY);
}

static void become_sync(void) {
    sync();
    _exit(0);
}

/* An update or a backup under way may hold it: then nothing is written to it any more, at least. */
static void end_disk(const char *where) {
    feed_watchdog();
    int disk = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk < 0 || syncfs(disk) != 0) say("3", "a disk is not in order:", errno);
    if (disk >= 0) close(disk);
    if (umount(where) == 0) return;
    say("4", "a disk stays mounted:", errno);
    if (mount(NULL, where, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) say("3", "and writable:", errno);
}

/* Its own disks first: a stick may hang. */
static void end_disks(void) {
    kill(-1, SIGKILL);
    wait_for_the_dead();
    if (is_data_mounted()) end_disk("/data");
    end_disk("/factory");
    start(become_sync);
    wait_for_the_dead();
}

/* The firmware first, so that its last record is kept; then everything, and the disks. */
static void end_system(pid_t firmware, int how, const char *cause) {
    say("5", "the system ends, as", how);
    if (firmware > 0) kill(firmware, SIGTERM);
    for (int waited = 0; firmware > 0 && waited < END_MS; waited += 20) {
        if (waitpid(firmware, NULL, WNOHANG) != 0) break;
        usleep(20000);
    }
    cause_leave_for_next_start(cause);
    end_disks();
    reboot(how);
    for (;;) pause();
}

/* Not switched off: a board that is off stays off when the UPS does not cut its power. */
static void rest_until_power_goes(void) {
    cause_leave_for_next_start("after the battery was empty");
    end_disks();
    say("4", "the battery is empty and the disks are in order; ms to a new start:", REST_MS);
    for (int waited = 0; waited < REST_MS; waited += 1000) {
        feed_watchdog();
        usleep(1000000);
    }
    reboot(RB_AUTOBOOT);
    for (;;) pause();
}

static void wait_for_signal(const sigset_t *signals, pid_t firmware, long ms) {
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
    switch (sigtimedwait(signals, NULL, &limit)) {
    case SIGTERM:
    case SIGINT: end_system(firmware, RB_AUTOBOOT, "after an orderly restart"); break;
    case SIGUSR1: end_system(firmware, RB_HALT_SYSTEM, "after an orderly end"); break;
    case SIGUSR2: end_system(firmware, RB_POWER_OFF, "after an orderly end"); break;
    default: break;
    }
}

/* When the firmware may start again, if the system goes on. */
static long go_on_after(int status, char cause[CAUSE_BYTES], long started) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == POWER_GOES) rest_until_power_goes();
    if (take_end(status, cause)) {
        if (WIFSIGNALED(status) && is_last_of_many_crashes())
            end_system(0, RB_AUTOBOOT, "after a restart for crashes in a row");
        return 0;
    }
    if (needs_repair(started)) {
        say("2", "/data is faulty or does not answer: restarting:", EIO);
        end_system(0, RB_AUTOBOOT, "after a restart for a faulty disk");
    }
    return now_ms() + RETRY_MS;
}

int main(void) {
    int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC), is_told = 0, are_lines_raised = 1;
    pid_t firmware = 0, login = 0;
    long firmware_at = 0, login_at = 0, soon_until = 0, started = now_ms(), later_at = started + LATER_MS;
    char cause[CAUSE_BYTES];
    sigset_t signals;
    if (log >= 0) dup2(log, STDERR_FILENO);
    sigemptyset(&signals);
    for (int index = 0; index < 5; index++)
        sigaddset(&signals, (const int[]){SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}[index]);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    reboot(RB_DISABLE_CAD);
    boot_argument("console", console, sizeof console);
    console[strcspn(console, ",")] = 0;
    int is_data = is_data_mounted();
    if (is_data) {
        make_folder("/data/config", 0750);
        make_folder("/data/state", 0700);
    }
    cause_of_start(cause);
    give_devices();
    allow_early_listening();
    for (;;) {
        pid_t ended;
        int status, is_configured = is_data && (access(configuration, R_OK) == 0 || errno != ENOENT);
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
            if (ended == firmware) {
                firmware = 0;
                firmware_at = go_on_after(status, cause, started);
            } else if (ended == login) {
                login = 0;
                login_at = now_ms() + 1000;
            }
        }
        if (firmware == 0 && is_configured && now_ms() >= firmware_at) {
            let_watchdog_go();
            /* A console of the last run says nothing about this one. */
            unlink(console_socket);
            cause_leave_for_firmware(cause, FIRMWARE_USER);
            firmware = start(become_firmware);
            are_lines_raised = 0;
            soon_until = now_ms() + LATER_MS;
            say("6", "firmware started as", firmware);
        } else if (firmware == 0) {
            if (!is_data && !is_told) say("2", "/data is not mounted: the watchdog is to reset the board:", ENODEV);
            else if (!is_configured && !is_told)
                say("4", "there is no /etc/gatewarden/gatewarden.conf yet:", ENOENT);
            is_told = 1;
            if (is_data && (!is_configured || is_confirmed())) feed_watchdog();
        }
        /* The firmware has its lines before its console. */
        int serves = access(console_socket, F_OK) == 0;
        if (!are_lines_raised && serves) {
            are_lines_raised = 1;
            raise_line_threads();
        }
        /* Nothing takes processor time from the firmware's start. */
        if (later_at > 0 && (now_ms() >= later_at || serves)) {
            later_at = 0;
            start(become_later);
        }
        /* Before its password is there each login would be refused. */
        if (later_at == 0 && login == 0 && now_ms() >= login_at && access(shadow, F_OK) == 0)
            login = start(become_login);
        wait_for_signal(&signals, firmware, later_at > 0 || (!are_lines_raised && now_ms() < soon_until) ? 20 : 1000);
    }
}
