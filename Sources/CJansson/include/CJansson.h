// jansson for Swift, with functions for its type macros.
#ifndef GW_CJANSSON_H
#define GW_CJANSSON_H

#include <jansson.h>
#include <stdbool.h>

static inline json_type gw_json_type(const json_t *value) { return json_typeof(value); }
static inline bool gw_json_is_true(const json_t *value) { return json_is_true(value); }

#endif
