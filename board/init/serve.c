/* gatewarden-serve: keeps the firmware running, with nothing that it does not need.
 *
 * The firmware gets its own user, no capability, no way to gain one, and the limits that real time takes. A firmware
 * that crashed is started again at once. One that refuses to start (exit code 1: the configuration, a missing wire) is
 * tried again every few seconds; meanwhile the watchdog is fed from here if this system has served lanes before, and
 * not if it has not: then the board resets, and the slot before it comes back.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/watchdog.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "slots.h"

enum { FIRMWARE_USER = 900, RETRY_SECONDS = 5, LANE_PRIORITY = 90 };

static const char configuration[] = "/etc/gatewarden/gatewarden.conf";
static const char state[] = "/var/lib/gatewarden";
static pid_t firmware;

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
    char console[32] = "";
    if (devices == NULL) return;
    boot_argument("console", console, sizeof console);
    console[strcspn(console, ",")] = 0;
    while ((entry = readdir(devices)) != NULL) {
        if (strcmp(entry->d_name, console) == 0) continue;
        for (int kind = 0; kinds[kind] != NULL; kind++)
            if (strncmp(entry->d_name, kinds[kind], strlen(kinds[kind])) == 0 &&
                fchownat(dirfd(devices), entry->d_name, FIRMWARE_USER, FIRMWARE_USER, AT_SYMLINK_NOFOLLOW) != 0)
                say("3", "a device could not be given:", errno);
    }
    closedir(devices);
}

static void make_folder(const char *path, mode_t mode, uid_t owner) {
    if (mkdir(path, mode) == 0 && chown(path, owner, owner) != 0) say("3", "a folder could not be given:", errno);
}

static void limit(int resource, rlim_t value) {
    struct rlimit wanted = {value, value};
    setrlimit(resource, &wanted);
}

static void become_firmware(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
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
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    execl("/usr/sbin/gatewarden", "gatewarden", "run", "--config", configuration, "--state", state, (char *)NULL);
    _exit(127);
}

static int is_confirmed(void) {
    char disk[32], device[64];
    struct boot_state seen;
    return boot_argument("gatewarden.disk", disk, sizeof disk) == 0 &&
           partition_find(disk, "state", device, sizeof device) == 0 && state_read(device, &seen) == 0 &&
           seen.confirmed[seen.slot];
}

/* The lane does not work. A person needs time to put that right; a new system has none. */
static void wait_without_lane(int is_fed) {
    int fd = is_fed ? open("/dev/watchdog0", O_WRONLY | O_CLOEXEC) : -1;
    if (fd >= 0) ioctl(fd, WDIOC_KEEPALIVE, 0);
    if (fd >= 0) close(fd);
    sleep(RETRY_SECONDS);
}

static void pass_on(int signal) {
    if (firmware > 0) kill(firmware, signal);
}

int main(void) {
    int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC), is_told = 0;
    if (log >= 0) dup2(log, STDERR_FILENO);
    signal(SIGTERM, pass_on);
    make_folder("/data/config", 0750, FIRMWARE_USER);
    make_folder("/data/state", 0700, FIRMWARE_USER);
    give_devices();
    for (;;) {
        if (access(configuration, R_OK) != 0) {
            if (!is_told) say("4", "there is no /etc/gatewarden/gatewarden.conf yet:", errno);
            is_told = 1;
            wait_without_lane(1);
            continue;
        }
        firmware = fork();
        if (firmware == 0) become_firmware();
        int status = 0;
        if (firmware > 0) {
            say("6", "firmware started as", firmware);
            while (waitpid(firmware, &status, 0) < 0 && errno == EINTR) continue;
        } else {
            status = 127 << 8;
        }
        firmware = 0;
        if (WIFSIGNALED(status)) say("3", "the firmware was ended by signal", WTERMSIG(status));
        else say("4", "the firmware ended with", WEXITSTATUS(status));
        if (WIFEXITED(status) && (WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 127))
            wait_without_lane(is_confirmed());
    }
}
