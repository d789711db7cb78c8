#include "CSQLite.h"

#include <stddef.h>

int gw_sqlite_db_switch(sqlite3 *db, int option, int on) { return sqlite3_db_config(db, option, on, NULL); }

bool gw_sqlite_file_exists(const char *path) {
    sqlite3_vfs *files = sqlite3_vfs_find(NULL);
    int found = 0;
    return files != NULL && files->xAccess(files, path, SQLITE_ACCESS_EXISTS, &found) == SQLITE_OK && found != 0;
}

int gw_sqlite_config_log(void (*log)(void *context, int code, const char *message), void *context) {
    return sqlite3_config(SQLITE_CONFIG_LOG, log, context);
}
