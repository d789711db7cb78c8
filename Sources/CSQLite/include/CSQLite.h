// SQLite for Swift, with functions for the macros and variadic calls that Swift cannot import.
#ifndef GW_CSQLITE_H
#define GW_CSQLITE_H

#include <sqlite3.h>
#include <stdbool.h>

_Static_assert(SQLITE_VERSION_NUMBER >= 3053000, "SQLite older than 3.53 has the WAL-reset race: run tools/setup");

/// SQLITE_TRANSIENT: SQLite copies the bytes before the bind call returns.
static inline sqlite3_destructor_type gw_sqlite_transient(void) { return SQLITE_TRANSIENT; }

/// SQLITE_STATIC: the bytes stay valid until the statement is reset or bound again.
static inline sqlite3_destructor_type gw_sqlite_static(void) { return SQLITE_STATIC; }

/// An on/off switch of sqlite3_db_config, such as SQLITE_DBCONFIG_DEFENSIVE.
int gw_sqlite_db_switch(sqlite3 *db, int option, int on);

/// Whether a file of some length lies at path, as SQLite's default file layer sees it.
bool gw_sqlite_file_exists(const char *path);

/// SQLITE_CONFIG_LOG; before sqlite3_initialize only.
int gw_sqlite_config_log(void (*log)(void *context, int code, const char *message), void *context);

#endif
