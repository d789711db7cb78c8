// Not in the header: a module with other feature macros than the rest would have other system types.
#define _GNU_SOURCE 1
#include "CSystem.h"

#include <linux/watchdog.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>

static const int64_t ns_per_s = 1000000000;

static struct timespec to_timespec(int64_t ns) {
    struct timespec t = {.tv_sec = ns / ns_per_s, .tv_nsec = (long)(ns % ns_per_s)};
    return t;
}

// --- errors ---

int gw_errno(void) { return errno; }

void gw_set_errno(int value) { errno = value; }

void gw_strerror(int value, char *buffer, size_t capacity) {
    if (capacity == 0) return;
    char scratch[128];
    const char *text = strerror_r(value, scratch, sizeof scratch);
    size_t length = strnlen(text, capacity - 1);
    memcpy(buffer, text, length);
    buffer[length] = 0;
}

// --- arguments ---

static int argument_count;
static char **arguments;

// glibc hands main's arguments to every constructor, in static programs too.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv, char **envp) {
    (void)envp;
    argument_count = argc;
    arguments = argv;
}

int gw_argument_count(void) { return argument_count; }

const char *gw_argument(int index) {
    return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

// --- files ---

int gw_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }

int gw_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags | O_CLOEXEC, mode);
}

int gw_fcntl(int fd, int command, int argument) { return fcntl(fd, command, argument); }

int gw_ioctl_int(int fd, unsigned long request, int argument) { return ioctl(fd, request, argument); }

int gw_ioctl_pointer(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }

int gw_set_nonblocking(int fd, bool on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int gw_lock_exclusive(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

int gw_unlock(int fd) { return flock(fd, LOCK_UN); }

static void fill_info(gw_file_info *info, const struct stat *s) {
    info->device = s->st_dev;
    info->inode = s->st_ino;
    info->size = (uint64_t)s->st_size;
    info->modified_ns = (int64_t)s->st_mtim.tv_sec * ns_per_s + s->st_mtim.tv_nsec;
    info->mode = s->st_mode;
    info->owner = s->st_uid;
    info->is_directory = S_ISDIR(s->st_mode);
    info->is_regular = S_ISREG(s->st_mode);
}

int gw_stat(const char *path, gw_file_info *info) {
    struct stat s;
    if (stat(path, &s) != 0) return -1;
    fill_info(info, &s);
    return 0;
}

int gw_fstat(int fd, gw_file_info *info) {
    struct stat s;
    if (fstat(fd, &s) != 0) return -1;
    fill_info(info, &s);
    return 0;
}

void gw_forget_pages(int fd) { (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

int gw_disk_space(const char *path, uint64_t *free_bytes, uint64_t *total_bytes) {
    struct statvfs s;
    if (statvfs(path, &s) != 0) return -1;
    *free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
    *total_bytes = (uint64_t)s.f_blocks * s.f_frsize;
    return 0;
}

void *gw_directory_open(const char *path) { return opendir(path); }

int gw_directory_next(void *directory, char *name, size_t capacity) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) return errno == 0 ? 0 : -1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        size_t length = strlen(entry->d_name);
        if (length >= capacity) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, entry->d_name, length + 1);
        return 1;
    }
}

int gw_directory_close(void *directory) { return closedir(directory); }

// --- time ---

// clock_gettime cannot fail for these clocks on any kernel the firmware runs on; a wrong time would be worse
// than a stop.
static int64_t clock_ns(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) abort();
    return (int64_t)t.tv_sec * ns_per_s + t.tv_nsec;
}

int64_t gw_clock_boottime_ns(void) { return clock_ns(CLOCK_BOOTTIME); }

int64_t gw_clock_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

int64_t gw_clock_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }

int64_t gw_clock_thread_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

int gw_clock_set_realtime_ns(int64_t ns) {
    struct timespec t = to_timespec(ns);
    return clock_settime(CLOCK_REALTIME, &t);
}

void gw_sleep_ns(int64_t ns) {
    if (ns <= 0) return;
    struct timespec end = to_timespec(clock_ns(CLOCK_MONOTONIC) + ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {}
}

// --- waiting ---

int gw_poll_ns(struct pollfd *descriptors, size_t count, int64_t timeout_ns) {
    struct timespec t = to_timespec(timeout_ns < 0 ? 0 : timeout_ns);
    return ppoll(descriptors, count, timeout_ns < 0 ? NULL : &t, NULL);
}

bool gw_takes_all(int fd) {
    // Character devices of major number 1 are the kernel's own: null, zero, kmsg.
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && major(info.st_rdev) == 1;
}

// The 8-byte counter of an eventfd or timerfd: the count, 0 for "nothing yet", -1.
static int64_t take_counter(int fd) {
    uint64_t count;
    ssize_t got;
    do got = read(fd, &count, sizeof count);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof count) return count > INT64_MAX ? INT64_MAX : (int64_t)count;
    return got < 0 && errno == EAGAIN ? 0 : -1;
}

int gw_eventfd_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int gw_eventfd_signal(int fd) {
    const uint64_t one = 1;
    ssize_t put;
    do put = write(fd, &one, sizeof one);
    while (put < 0 && errno == EINTR);
    return put == (ssize_t)sizeof one || errno == EAGAIN ? 0 : -1;
}

int64_t gw_eventfd_take(int fd) { return take_counter(fd); }

int gw_timerfd_create(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK); }

int gw_timerfd_arm_at(int fd, int64_t boottime_ns) {
    struct itimerspec when = {.it_value = to_timespec(boottime_ns)};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

int64_t gw_timerfd_take(int fd) { return take_counter(fd); }

static int wall_clock_arm(int fd) {
    // Far enough to never fire by itself; only a clock step cancels it.
    struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};
    never.it_value.tv_sec += clock_ns(CLOCK_REALTIME) / ns_per_s;
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

int gw_wall_clock_watch(void) {
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0 && wall_clock_arm(fd) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int gw_wall_clock_take(int fd) {
    int64_t count = take_counter(fd);
    if (count == 0) return 0;
    if (count < 0 && errno != ECANCELED) return -1;
    return wall_clock_arm(fd) == 0 ? 1 : -1;
}

// --- threads ---

struct beginning {
    void *(*body)(void *);
    void *argument;
};

static void *begin(void *given) {
    struct beginning beginning = *(struct beginning *)given;
    free(given);
    // The crash handler's when this thread's stack has overflowed: that happens at its other end.
    unsigned char spare[32 * 1024];
    stack_t alternate = {.ss_sp = spare, .ss_size = sizeof spare};
    sigaltstack(&alternate, NULL);
    return beginning.body(beginning.argument);
}

int gw_thread_create(pthread_t *thread, size_t stack_bytes, void *(*body)(void *), void *argument) {
    struct beginning *beginning = malloc(sizeof *beginning);
    if (beginning == NULL) return ENOMEM;
    *beginning = (struct beginning){body, argument};
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        error = pthread_attr_setstacksize(&attributes, stack_bytes);
        if (error == 0) error = pthread_create(thread, &attributes, begin, beginning);
        pthread_attr_destroy(&attributes);
    }
    if (error != 0) free(beginning);
    return error;
}

int gw_thread_join_ns(pthread_t thread, int64_t timeout_ns) {
    struct timespec end = to_timespec(clock_ns(CLOCK_MONOTONIC) + timeout_ns);
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end);
}

int gw_thread_set_name(const char *name) {
    char kept[16];
    size_t length = strnlen(name, sizeof kept - 1);
    memcpy(kept, name, length);
    kept[length] = 0;
    return pthread_setname_np(pthread_self(), kept);
}

int gw_thread_set_fifo(int priority) {
    struct sched_param parameter = {.sched_priority = priority};
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter);
}

int gw_thread_set_cpu(int cpu) {
    if (cpu < 0 || cpu >= CPU_SETSIZE) return EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int gw_thread_set_background(void) {
    int error = setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19) == 0 ? 0 : errno;
    // IOPRIO_WHO_PROCESS, the calling thread, IOPRIO_CLASS_IDLE: the C library has no names for them.
    if (syscall(SYS_ioprio_set, 1, 0, 3 << 13) != 0 && error == 0) error = errno;
    return error;
}

int gw_cpu_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

__attribute__((noinline)) void gw_thread_touch_stack(size_t bytes) {
    volatile unsigned char pages[256 * 1024];
    if (bytes > sizeof pages) bytes = sizeof pages;
    // From the top down, so that every page lies next to one already there.
    for (size_t at = 0; at < bytes; at += 4096) pages[sizeof pages - 1 - at] = 0;
}

int gw_mutex_init(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error != 0) return error;
    error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (error == 0) error = pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    if (error == 0) error = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error;
}

int gw_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error != 0) return error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0) error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}

int gw_condition_wait_ns(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t timeout_ns) {
    struct timespec end = to_timespec(clock_ns(CLOCK_MONOTONIC) + timeout_ns);
    return pthread_cond_timedwait(condition, mutex, &end);
}

// With a finite limit, MCL_FUTURE would make later allocations fail instead of staying unlocked.
int gw_lock_memory(void) {
    uint64_t limit;
    if (gw_limit_memlock(&limit) != 0) return errno;
    int future = limit == UINT64_MAX || geteuid() == 0 ? MCL_FUTURE : 0;
    if (mlockall(MCL_CURRENT | future) != 0) return errno;
    return future ? 0 : EPERM;
}

// --- reads that end when they are told to ---

// It does nothing: that a signal comes is what ends a wait.
static void on_interruption(int signal) { (void)signal; }

static void install_interruption(void) {
    // SA_RESTART: every call goes on as if nothing had been; a read looks at its file's flags anew.
    struct sigaction action = {.sa_handler = on_interruption, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGUSR1, &action, NULL) != 0) abort();
}

int gw_read_waits(int fd) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static __thread int thread;
    if (thread == 0) {
        // Whoever started the program may have blocked it.
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_once(&once, install_interruption);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        thread = (int)syscall(SYS_gettid);
    }
    return fcntl(fd, F_SETFL, 0) == 0 ? thread : -1;
}

int gw_read_interrupt(int fd, int thread) {
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return -1;
    return thread <= 0 ? 0 : (int)syscall(SYS_tgkill, getpid(), thread, SIGUSR1);
}

// --- signals ---

int gw_signalfd_create(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        if (sigaddset(&set, signals[i]) != 0) return -1;
    }
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int gw_signalfd_take(int fd) {
    struct signalfd_siginfo info;
    ssize_t got;
    do got = read(fd, &info, sizeof info);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof info) return (int)info.ssi_signo;
    return got < 0 && errno == EAGAIN ? 0 : -1;
}

void gw_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

// SIGUSR1 has a handler once a thread waits in reads (gw_read_waits), and keeps it. A write beyond a limit of file size
// fails with EFBIG, as it should.
void gw_ignore_stray_signals(void) {
    static const int stray[] = {SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,   SIGVTALRM, SIGPROF,
                                SIGIO,   SIGPWR,  SIGTSTP, SIGTTIN, SIGTTOU,   SIGXFSZ,   SIGXCPU};
    for (size_t i = 0; i < sizeof stray / sizeof stray[0]; i++) {
        struct sigaction now;
        if (sigaction(stray[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) signal(stray[i], SIG_IGN);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) signal(number, SIG_IGN);
}

static void (*crash_handler)(int);

static void on_crash(int signal) {
    crash_handler(signal);
    // A fault comes again by itself when the handler returns; a signal that somebody sent does not.
    raise(signal);
}

int gw_crash_handler_install(void (*handler)(int signal)) {
    static unsigned char stack[64 * 1024];
    static const int fatal[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    if (sigaltstack(&alternate, NULL) != 0) return -1;
    crash_handler = handler;
    // SA_RESETHAND: the faulting instruction runs again after the handler and then ends the process.
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        if (sigaction(fatal[i], &action, NULL) != 0) return -1;
    }
    return 0;
}

// --- sockets ---

static int socket_type(int kind) { return kind == GW_SOCKET_SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM; }

static int close_and_fail(int fd) {
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int fill_address(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int gw_unix_listen(const char *path, int kind, int backlog) {
    struct sockaddr_un address;
    struct stat there;
    if (fill_address(&address, path) != 0) return -1;
    if (lstat(path, &there) == 0) {
        if (!S_ISSOCK(there.st_mode)) {
            errno = EEXIST;
            return -1;
        }
        if (unlink(path) != 0) return -1;
    }
    int fd = socket(AF_UNIX, socket_type(kind) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    // Linux takes the file's mode from the unbound socket, so nobody else can connect in between.
    if (fchmod(fd, 0600) != 0) return close_and_fail(fd);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return close_and_fail(fd);
    if (listen(fd, backlog) != 0) return close_and_fail(fd);
    return fd;
}

int gw_unix_connect(const char *path, int kind) {
    struct sockaddr_un address;
    if (fill_address(&address, path) != 0) return -1;
    int fd = socket(AF_UNIX, socket_type(kind) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) return close_and_fail(fd);
    return fd;
}

int gw_unix_pair(int kind, int descriptors[2]) {
    return socketpair(AF_UNIX, socket_type(kind) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, descriptors);
}

int gw_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int gw_peer_uid(int fd, uint32_t *uid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    *uid = peer.uid;
    return 0;
}

ssize_t gw_send(int fd, const void *bytes, size_t count) { return send(fd, bytes, count, MSG_NOSIGNAL); }

int gw_shutdown(int fd) { return shutdown(fd, SHUT_RDWR); }

// --- process and board ---

int gw_prctl(int option, unsigned long argument) { return prctl(option, argument, 0UL, 0UL, 0UL); }

static int soft_limit(int resource, uint64_t *value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return -1;
    *value = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    return 0;
}

int gw_limit_memlock(uint64_t *value) { return soft_limit(RLIMIT_MEMLOCK, value); }

int gw_limit_rtprio(uint64_t *value) { return soft_limit(RLIMIT_RTPRIO, value); }

int gw_limit_nofile(uint64_t *value) { return soft_limit(RLIMIT_NOFILE, value); }

int gw_kernel_name(char *buffer, size_t capacity) {
    struct utsname name;
    if (uname(&name) != 0) return -1;
    snprintf(buffer, capacity, "%s %s %s", name.sysname, name.release, name.machine);
    return 0;
}

int gw_watchdog_set_timeout(int fd, int seconds) { return ioctl(fd, WDIOC_SETTIMEOUT, &seconds); }

int gw_watchdog_feed(int fd) { return ioctl(fd, WDIOC_KEEPALIVE, 0); }
