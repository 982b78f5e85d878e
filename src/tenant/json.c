/* src/tenant/json.c - see json.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/json.h"

#include "port_local.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void flush(struct wrt_json *json)
{
    if (json->status == WRT_OK)
        json->status = wrt_port_local_send(json->socket, json->buffer, json->used,
                                           json->deadline_ns);
    json->used = 0;
}

static void put(struct wrt_json *json, const char *text)
{
    for (; *text != '\0'; text++) {
        if (json->used == sizeof json->buffer)
            flush(json);
        json->buffer[json->used++] = *text;
    }
}

static void put_string(struct wrt_json *json, const char *text)
{
    put(json, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char piece[8] = {*text};
        if (c == '"' || c == '\\')
            snprintf(piece, sizeof piece, "\\%c", c);
        else if (c < 0x20 || c >= 0x7F)
            snprintf(piece, sizeof piece, "\\u%04x", c);
        put(json, piece);
    }
    put(json, "\"");
}

static void put_key(struct wrt_json *json, const char *key)
{
    if (json->needs_comma)
        put(json, ",");
    json->needs_comma = true;
    if (key == NULL)
        return;
    put_string(json, key);
    put(json, ":");
}

void wrt_json_open(struct wrt_json *json, const char *key, char bracket)
{
    put_key(json, key);
    put(json, bracket == '{' ? "{" : "[");
    json->needs_comma = false;
}

void wrt_json_close(struct wrt_json *json, char bracket)
{
    put(json, bracket == '}' ? "}" : "]");
    json->needs_comma = true;
}

void wrt_json_text(struct wrt_json *json, const char *key, const char *value)
{
    put_key(json, key);
    put_string(json, value);
}

void wrt_json_number(struct wrt_json *json, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_key(json, key);
    put(json, text);
}

void wrt_json_bool(struct wrt_json *json, const char *key, bool value)
{
    put_key(json, key);
    put(json, value ? "true" : "false");
}

enum wrt_status wrt_json_end(struct wrt_json *json)
{
    put(json, "\n");
    flush(json);
    return json->status;
}
