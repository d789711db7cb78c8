/* The part of libmount that GLib asks for the list of mounts, from /proc/self/mounts: Debian has no static libmount, and
 * RAUC asks for nothing else of it (is the bundle's disk root's?). What GLib has for watching mounts is never called. */
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct filesystem { char *source, *target, *type, *options; };
struct table { struct filesystem all[64]; size_t count; };

void *mnt_new_table(void) { return calloc(1, sizeof(struct table)); }

int mnt_table_parse_mtab(struct table *table, const char *file) {
    struct mntent *entry;
    FILE *mounts = setmntent(file != NULL ? file : "/proc/self/mounts", "re");
    if (table == NULL || mounts == NULL) return -1;
    while (table->count < sizeof table->all / sizeof table->all[0] && (entry = getmntent(mounts)) != NULL)
        table->all[table->count++] = (struct filesystem){strdup(entry->mnt_fsname), strdup(entry->mnt_dir),
                                                         strdup(entry->mnt_type), strdup(entry->mnt_opts)};
    endmntent(mounts);
    return 0;
}

void mnt_free_table(struct table *table) {
    for (size_t index = 0; table != NULL && index < table->count; index++) {
        struct filesystem *one = &table->all[index];
        free(one->source), free(one->target), free(one->type), free(one->options);
    }
    free(table);
}

void *mnt_new_iter(int direction) { return direction == 0 ? calloc(1, sizeof(size_t)) : NULL; }
void mnt_free_iter(size_t *next) { free(next); }

int mnt_table_next_fs(struct table *table, size_t *next, struct filesystem **one) {
    if (*next >= table->count) return 1;
    *one = &table->all[(*next)++];
    return 0;
}

const char *mnt_fs_get_source(struct filesystem *one) { return one->source; }
const char *mnt_fs_get_target(struct filesystem *one) { return one->target; }
const char *mnt_fs_get_fstype(struct filesystem *one) { return one->type; }
const char *mnt_fs_get_options(struct filesystem *one) { return one->options; }
const char *mnt_fs_get_root(struct filesystem *one) { return one != NULL ? "/" : NULL; }
char *mnt_fs_strdup_options(struct filesystem *one) { return strdup(one->options); }

/* Whether a mount is read-only changes nothing here. */
const void *mnt_get_builtin_optmap(int number) { return number >= 0 ? "" : NULL; }
int mnt_optstr_get_flags(const char *options, unsigned long *flags, const void *map) {
    if (flags != NULL) *flags = 0;
    return options != NULL && map != NULL ? 0 : -1;
}

static int refuse(const char *name) {
    fprintf(stderr, "%s is not there\n", name);
    abort();
}
#define NOT_THERE(name) int name(void) { return refuse(#name); }
NOT_THERE(mnt_get_fstab_path)
NOT_THERE(mnt_has_regular_mtab)
NOT_THERE(mnt_monitor_enable_kernel)
NOT_THERE(mnt_monitor_enable_userspace)
NOT_THERE(mnt_monitor_event_cleanup)
NOT_THERE(mnt_monitor_get_fd)
NOT_THERE(mnt_monitor_next_change)
NOT_THERE(mnt_monitor_veil_kernel)
NOT_THERE(mnt_new_monitor)
NOT_THERE(mnt_table_parse_fstab)
NOT_THERE(mnt_unref_monitor)
