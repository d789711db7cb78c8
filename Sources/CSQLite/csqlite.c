#include "CSQLite.h"

#include <stddef.h>

int gw_sqlite_db_switch(sqlite3 *db, int option, int on) { return sqlite3_db_config(db, option, on, NULL); }

int gw_sqlite_config_log(void (*log)(void *context, int code, const char *message), void *context) {
    return sqlite3_config(SQLITE_CONFIG_LOG, log, context);
}
