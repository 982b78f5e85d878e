/* src/tenant/json.h - JSON to a socket through a small buffer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first failure is kept and the rest is dropped, so callers look once, at the end.
 */
#ifndef WRT_TENANT_JSON_H
#define WRT_TENANT_JSON_H

#include "wrt/base.h"

struct wrt_json {
    int socket;
    uint64_t deadline_ns;
    enum wrt_status status;
    bool needs_comma;
    size_t used;
    char buffer[4096];
};

/* key NULL: an element of an array, or the outermost value. */
void wrt_json_open(struct wrt_json *json, const char *key, char bracket); /* '{' or '[' */
void wrt_json_close(struct wrt_json *json, char bracket); /* '}' or ']' */
void wrt_json_text(struct wrt_json *json, const char *key, const char *value);
void wrt_json_number(struct wrt_json *json, const char *key, uint64_t value);
void wrt_json_bool(struct wrt_json *json, const char *key, bool value);
/* Sends what is left and a line end. */
enum wrt_status wrt_json_end(struct wrt_json *json);

#endif
