// System calls that a thread gives up for good, by a filter of the kernel's (seccomp), which each thread that it starts
// has too. What is given up fails with EPERM: a call that was left out by mistake costs what it was for, not the gate.
//
// Two lists. `never`: what no thread of the firmware does: start programs, reach into other processes, change the
// system, load code. `closed`: what a thread does not need that speaks through descriptors which are open already.
#define _GNU_SOURCE 1
#include "CSystem.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
enum { ARCHITECTURE = AUDIT_ARCH_X86_64, SECOND_ABI = 0x40000000, MAP_CALL = __NR_mmap };
#elif defined(__aarch64__)
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64, MAP_CALL = __NR_mmap };
#elif defined(__arm__)
enum { ARCHITECTURE = AUDIT_ARCH_ARM, MAP_CALL = __NR_mmap2 };
#endif

static const int never[] = {
    // Programs and processes.
    __NR_execve, __NR_execveat, __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, __NR_kill, __NR_tkill,
    __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo, __NR_pidfd_open, __NR_pidfd_getfd, __NR_pidfd_send_signal, __NR_kcmp,
    __NR_personality, __NR_unshare, __NR_setns,
    // Who the process is.
    __NR_setuid, __NR_setgid, __NR_setreuid, __NR_setregid, __NR_setresuid, __NR_setresgid, __NR_setfsuid,
    __NR_setfsgid, __NR_setgroups, __NR_capset,
    // The system: file systems, modules, power, names, times, keys.
    __NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_open_tree, __NR_move_mount, __NR_fsopen, __NR_fsmount,
    __NR_mknodat, __NR_swapon, __NR_swapoff, __NR_quotactl, __NR_acct, __NR_init_module, __NR_finit_module,
    __NR_delete_module, __NR_kexec_load, __NR_reboot, __NR_sethostname, __NR_setdomainname, __NR_settimeofday,
    __NR_adjtimex, __NR_clock_settime, __NR_clock_adjtime, __NR_syslog, __NR_vhangup, __NR_add_key, __NR_request_key,
    __NR_keyctl,
    // Where holes of the kernel's were found again and again.
    __NR_bpf, __NR_perf_event_open, __NR_userfaultfd, __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register,
    __NR_open_by_handle_at, __NR_name_to_handle_at, __NR_fanotify_init, __NR_memfd_create, __NR_remap_file_pages,
    __NR_lookup_dcookie,
#ifdef __NR_fork
    __NR_fork, __NR_vfork, __NR_mknod,
#endif
#ifdef __NR_iopl
    __NR_iopl, __NR_ioperm, __NR_modify_ldt,
#endif
#ifdef __NR_kexec_file_load
    __NR_kexec_file_load,
#endif
#ifdef __NR_setuid32
    __NR_setuid32, __NR_setgid32, __NR_setreuid32, __NR_setregid32, __NR_setresuid32, __NR_setresgid32,
    __NR_setfsuid32, __NR_setfsgid32, __NR_setgroups32, __NR_clock_settime64, __NR_clock_adjtime64,
#endif
};

static const int closed[] = {
    __NR_openat, __NR_openat2, __NR_unlinkat, __NR_mkdirat, __NR_linkat, __NR_symlinkat, __NR_renameat2, __NR_fchmodat,
    __NR_fchownat, __NR_fchmod, __NR_fchown, __NR_truncate, __NR_utimensat, __NR_setxattr, __NR_fsetxattr,
    __NR_socket, __NR_socketpair, __NR_connect, __NR_bind, __NR_listen, __NR_clone, __NR_sched_setscheduler,
    __NR_sched_setparam, __NR_sched_setattr, __NR_sched_setaffinity, __NR_setpriority,
#ifdef __NR_renameat
    __NR_renameat,
#endif
#ifdef __NR_open
    __NR_open, __NR_creat, __NR_unlink, __NR_rmdir, __NR_mkdir, __NR_rename, __NR_link, __NR_symlink, __NR_chmod,
    __NR_chown, __NR_lchown, __NR_utimes,
#endif
#ifdef __NR_chown32
    __NR_chown32, __NR_lchown32, __NR_fchown32, __NR_truncate64,
#endif
};

enum { MOST = 2 * (sizeof never + sizeof closed) / sizeof never[0] + 32 };

struct filter {
    struct sock_filter steps[MOST];
    unsigned short count;
};

static void add(struct filter *filter, unsigned short code, uint32_t value, uint8_t yes, uint8_t no) {
    filter->steps[filter->count++] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = value};
}

static void load(struct filter *filter, size_t offset) {
    add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

// The lower half of an argument: all three machines are little-endian.
static void load_argument(struct filter *filter, int number) {
    load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)number);
}

static void answer(struct filter *filter, uint32_t result) { add(filter, BPF_RET | BPF_K, result, 0, 0); }

static void refuse(struct filter *filter) { answer(filter, SECCOMP_RET_ERRNO | EPERM); }

// The next `length` steps are this call's alone, and answer it.
static void only_for(struct filter *filter, int call, uint8_t length) {
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, length);
}

static void refuse_each(struct filter *filter, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        only_for(filter, calls[i], 1);
        refuse(filter);
    }
}

static void begin(struct filter *filter) {
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(filter, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    add(filter, BPF_JMP | BPF_JGE | BPF_K, SECOND_ABI, 0, 1);
    refuse(filter);
#endif
}

static void refuse_code(struct filter *filter, int call) {
    only_for(filter, call, 4);
    load_argument(filter, 2);
    add(filter, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
    answer(filter, SECCOMP_RET_ALLOW);
    refuse(filter);
}

static void give_up_never(struct filter *filter) {
    refuse_each(filter, never, sizeof never / sizeof never[0]);
    refuse_code(filter, MAP_CALL);
    refuse_code(filter, __NR_mprotect);
    // A thread, and no process. The C library takes the older call when the newer is not there: its flags can be seen.
    only_for(filter, __NR_clone3, 1);
    answer(filter, SECCOMP_RET_ERRNO | ENOSYS);
    only_for(filter, __NR_clone, 4);
    load_argument(filter, 0);
    add(filter, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
    answer(filter, SECCOMP_RET_ALLOW);
    refuse(filter);
    only_for(filter, __NR_socket, 6);
    load_argument(filter, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 2, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1);
    answer(filter, SECCOMP_RET_ALLOW);
    refuse(filter);
}

bool gw_confinement_exists(void) {
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int gw_confine(int what) {
    struct filter filter = {.count = 0};
    begin(&filter);
    if (what == GW_CONFINE_CLOSED) refuse_each(&filter, closed, sizeof closed / sizeof closed[0]);
    else give_up_never(&filter);
    answer(&filter, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = filter.count, .filter = filter.steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}
