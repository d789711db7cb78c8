// The operating system for Swift: glibc's headers, and plain functions where Swift cannot import the C
// (macros, variadic calls, unions). Nothing here decides anything; policy and EINTR handling live in Machine.
//
// Convention: as the system call, -1 and gw_errno(), unless a comment says "0 or an errno value".
// Times are nanoseconds in int64_t. Descriptors made here are close-on-exec.
#ifndef GW_CSYSTEM_H
#define GW_CSYSTEM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// Debian's 32-bit ARM libraries have a 64-bit time_t. A compile without the matching flags would read
// every timeval and stat wrongly, so it must not compile at all.
_Static_assert(sizeof(time_t) == 8, "time_t must be 64 bit: -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64");
_Static_assert(sizeof(off_t) == 8, "off_t must be 64 bit: -D_FILE_OFFSET_BITS=64");

// --- errors ---

int gw_errno(void);
void gw_set_errno(int value);
/// Writes the English text of an errno value into buffer, always terminated.
void gw_strerror(int value, char *buffer, size_t capacity);

// --- arguments: Embedded Swift has no CommandLine ---

int gw_argument_count(void);
/// NULL when index is out of range.
const char *gw_argument(int index);

// --- files ---

int gw_open(const char *path, int flags, mode_t mode);
int gw_openat(int directory, const char *path, int flags, mode_t mode);
int gw_fcntl(int fd, int command, int argument);
int gw_ioctl_int(int fd, unsigned long request, int argument);
int gw_ioctl_pointer(int fd, unsigned long request, void *argument);
int gw_set_nonblocking(int fd, bool on);
/// Whole-file advisory lock that is not waited for: -1 with EWOULDBLOCK when another process holds it.
int gw_lock_exclusive(int fd);
/// Releases it for whoever else has this open file, too.
int gw_unlock(int fd);

typedef struct {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t modified_ns;
    uint32_t mode;
    uint32_t owner;
    bool is_directory;
    bool is_regular;
} gw_file_info;

int gw_stat(const char *path, gw_file_info *info);
int gw_fstat(int fd, gw_file_info *info);
/// Lets the kernel forget a file's clean pages, so that the next read comes from the disk.
void gw_forget_pages(int fd);
/// Bytes of the file system that holds path; free as an unprivileged writer sees it.
int gw_disk_space(const char *path, uint64_t *free_bytes, uint64_t *total_bytes);

void *gw_directory_open(const char *path);
/// 1: name written; 0: no more; -1: error (ENAMETOOLONG if capacity is too small). "." and ".." are skipped.
int gw_directory_next(void *directory, char *name, size_t capacity);
int gw_directory_close(void *directory);

// --- time ---

int64_t gw_clock_boottime_ns(void);
int64_t gw_clock_monotonic_ns(void);
int64_t gw_clock_realtime_ns(void);
/// CPU time of the calling thread.
int64_t gw_clock_thread_ns(void);
int gw_clock_set_realtime_ns(int64_t ns);
/// Sleeps on CLOCK_MONOTONIC, whole time even when signals arrive.
void gw_sleep_ns(int64_t ns);

// --- waiting ---

/// poll(2) with a limit in nanoseconds; negative means no limit.
int gw_poll_ns(struct pollfd *descriptors, size_t count, int64_t timeout_ns);

/// Whether a write to it never waits though poll(2) may not say so: the kernel's log, /dev/null.
bool gw_takes_all(int fd);

int gw_eventfd_create(void);
/// Adds 1; a saturated counter already wakes the reader and counts as success.
int gw_eventfd_signal(int fd);
/// The count taken, 0 when nothing was signalled, -1 on error.
int64_t gw_eventfd_take(int fd);

/// A non-blocking timer on CLOCK_BOOTTIME.
int gw_timerfd_create(void);
/// Fires once at the absolute boot time; 0 disarms.
int gw_timerfd_arm_at(int fd, int64_t boottime_ns);
/// The number of expirations taken, 0 when none, -1 on error.
int64_t gw_timerfd_take(int fd);
/// A descriptor that turns readable when the wall clock is set; gw_wall_clock_take re-arms it.
int gw_wall_clock_watch(void);
/// 1: the wall clock was set since the last call; 0: it was not; -1: error.
int gw_wall_clock_take(int fd);

// --- threads: each returns 0 or an errno value ---

/// The thread has 32 KiB of its stack less: they are the crash handler's.
int gw_thread_create(pthread_t *thread, size_t stack_bytes, void *(*body)(void *), void *argument);
/// Waits at most timeout_ns for the thread to end; ETIMEDOUT if it has not.
int gw_thread_join_ns(pthread_t thread, int64_t timeout_ns);
/// Names the calling thread; the kernel keeps 15 bytes.
int gw_thread_set_name(const char *name);
int gw_thread_set_fifo(int priority);
int gw_thread_set_cpu(int cpu);
/// The calling thread comes after all others: nice 19, and the disk only when nobody else wants it.
int gw_thread_set_background(void);
/// CPUs this process may run on.
int gw_cpu_count(void);
/// Touches the calling thread's next bytes of stack (at most 256 KiB), so that locked memory has no later fault.
void gw_thread_touch_stack(size_t bytes);
/// Priority inheritance, error-checking.
int gw_mutex_init(pthread_mutex_t *mutex);
/// Waits on CLOCK_MONOTONIC.
int gw_condition_init(pthread_cond_t *condition);
/// ETIMEDOUT when timeout_ns have passed.
int gw_condition_wait_ns(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t timeout_ns);
/// EPERM: what is there now is locked, and what comes later cannot be.
int gw_lock_memory(void);

// --- reads that end when they are told to: lines and sockets, on which nobody sets other flags ---

/// From now on a read of fd by the calling thread waits. Returns what gw_read_interrupt calls the thread by.
int gw_read_waits(int fd);
/// From now on no read of fd waits, and one that waits in that thread ends; 0 is no thread. No call is lost, whatever
/// the thread is about: the flag is set first.
int gw_read_interrupt(int fd, int thread);

// --- signals ---

/// Blocks these signals in the calling thread (call before any thread starts) and returns a descriptor for them.
int gw_signalfd_create(const int *signals, size_t count);
/// The signal number, 0 when none is waiting, -1 on error.
int gw_signalfd_take(int fd);
void gw_ignore_sigpipe(void);
/// What would end or stop the process and is meant for nobody here: hang-ups, a terminal's keys, timers, spare signals.
void gw_ignore_stray_signals(void);
/// Calls handler once for SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE and SIGABRT, on a stack of its own when the thread
/// is this one or one of gw_thread_create; after it returns the signal ends the process as it would have. The handler
/// may only use async-signal-safe calls.
int gw_crash_handler_install(void (*handler)(int signal));

// --- sockets ---

enum { GW_SOCKET_STREAM = 1, GW_SOCKET_SEQPACKET = 2 };

/// A listening AF_UNIX socket, non-blocking, mode 0600. Replaces a stale socket file at path, refuses any other file.
int gw_unix_listen(const char *path, int kind, int backlog);
/// A connected AF_UNIX socket, non-blocking.
int gw_unix_connect(const char *path, int kind);
int gw_unix_pair(int kind, int descriptors[2]);
/// accept4, non-blocking.
int gw_accept(int fd);
/// User id of the process at the other end of an AF_UNIX socket.
int gw_peer_uid(int fd, uint32_t *uid);
/// send without SIGPIPE.
ssize_t gw_send(int fd, const void *bytes, size_t count);
int gw_shutdown(int fd);

// --- serial ports and terminals ---

enum { GW_PARITY_NONE = 0, GW_PARITY_EVEN = 1, GW_PARITY_ODD = 2 };

/// Raw mode, 8 data bits (7 when data_bits is 7), no flow control. EINVAL for a rate that has no B… constant.
int gw_serial_configure(int fd, uint32_t baud, int data_bits, int parity, int stop_bits);
/// Half-duplex RS-485 with the driver-enable line run by the kernel; ENOTTY where the port has none.
int gw_serial_set_rs485(int fd, bool on);
int gw_serial_flush(int fd);
/// Raw terminal; keeps what was in *saved for gw_terminal_restore.
int gw_terminal_raw(int fd, struct termios *saved);
int gw_terminal_restore(int fd, const struct termios *saved);
int gw_terminal_size(int fd, int *columns, int *rows);
/// A new pseudo-terminal's master; the path of its other end goes into name.
int gw_pty_open(char *name, size_t capacity);

// --- process and board ---

/// Whether the kernel filters system calls (seccomp). Emulators of one do not.
bool gw_confinement_exists(void);
/// NEVER: what no thread of the firmware needs. CLOSED: what one that opens no file and no connection does not need.
enum { GW_CONFINE_NEVER = 1, GW_CONFINE_CLOSED = 2 };
/// The calling thread, and each that it starts, gives these calls up: they fail with EPERM. 0 or an errno value.
int gw_confine(int what);

int gw_prctl(int option, unsigned long argument);
/// The soft limit of RLIMIT_MEMLOCK, RLIMIT_RTPRIO or RLIMIT_NOFILE; UINT64_MAX means unlimited.
int gw_limit_memlock(uint64_t *value);
int gw_limit_rtprio(uint64_t *value);
int gw_limit_nofile(uint64_t *value);
/// Name, release and machine of the running kernel, as uname -srm prints them.
int gw_kernel_name(char *buffer, size_t capacity);

int gw_watchdog_set_timeout(int fd, int seconds);
int gw_watchdog_feed(int fd);

#endif
