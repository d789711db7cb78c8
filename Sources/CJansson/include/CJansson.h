// jansson for Swift, with functions for its type macros.
#ifndef GW_CJANSSON_H
#define GW_CJANSSON_H

#include <jansson.h>
#include <stdbool.h>

static inline json_type gw_json_type(const json_t *value) { return json_typeof(value); }
static inline bool gw_json_is_true(const json_t *value) { return json_is_true(value); }
/// One whole value of any kind, with U+0000 allowed in strings; NULL and *error when there is none. A NULL start means
/// no bytes.
static inline json_t *gw_json_load(const void *start, size_t count, json_error_t *error) {
    return json_loadb(start == NULL ? "" : start, count, JSON_DECODE_ANY | JSON_ALLOW_NUL, error);
}
static inline void gw_json_release(json_t *value) { json_decref(value); }

#endif
