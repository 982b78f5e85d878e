/* wasm_writer.h - writes WebAssembly binaries into a fixed buffer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sizes are written as five-byte LEB128, so that a section or a body can be opened, filled
 * and closed without knowing its size before. A writer that is full drops what follows and
 * says so in `overflowed`.
 */
#ifndef WASM_WRITER_H
#define WASM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wasm_writer {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
    bool overflowed;
};

enum wasm_section {
    WASM_CUSTOM = 0, WASM_TYPE, WASM_IMPORT, WASM_FUNCTION, WASM_TABLE, WASM_MEMORY,
    WASM_GLOBAL, WASM_EXPORT, WASM_START, WASM_ELEMENT, WASM_CODE, WASM_DATA, WASM_DATA_COUNT
};

static inline void wasm_byte(struct wasm_writer *w, unsigned byte)
{
    if (w->size < w->capacity)
        w->bytes[w->size++] = (uint8_t)byte;
    else
        w->overflowed = true;
}

static inline void wasm_bytes(struct wasm_writer *w, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < count; i++)
        wasm_byte(w, from[i]);
}

static inline void wasm_u64(struct wasm_writer *w, uint64_t value)
{
    while (value >= 0x80) {
        wasm_byte(w, (unsigned)(value & 0x7F) | 0x80);
        value >>= 7;
    }
    wasm_byte(w, (unsigned)value);
}

static inline void wasm_u32(struct wasm_writer *w, uint32_t value)
{
    wasm_u64(w, value);
}

static inline void wasm_s64(struct wasm_writer *w, int64_t value)
{
    bool more = true;
    while (more) {
        unsigned low = (unsigned)((uint64_t)value & 0x7F);
        value = value >= 0 ? value >> 7 : ~(~value >> 7);
        more = !((value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0));
        wasm_byte(w, low | (more ? 0x80 : 0));
    }
}

static inline void wasm_s32(struct wasm_writer *w, int32_t value)
{
    wasm_s64(w, value);
}

static inline void wasm_name(struct wasm_writer *w, const char *name)
{
    wasm_u32(w, (uint32_t)strlen(name));
    wasm_bytes(w, name, strlen(name));
}

static inline void wasm_header(struct wasm_writer *w)
{
    wasm_bytes(w, "\0asm\1\0\0\0", 8);
}

/* Opens a sized item; give what it returns to wasm_close. */
static inline size_t wasm_open(struct wasm_writer *w)
{
    wasm_bytes(w, "\x80\x80\x80\x80\0", 5);
    return w->size;
}

static inline void wasm_close(struct wasm_writer *w, size_t opened)
{
    uint64_t size = w->size - opened;
    if (w->overflowed)
        return;
    for (size_t i = 0; i < 5; i++)
        w->bytes[opened - 5 + i] = (uint8_t)(((size >> (7 * i)) & 0x7F) | (i < 4 ? 0x80 : 0));
}

static inline size_t wasm_open_section(struct wasm_writer *w, enum wasm_section id)
{
    wasm_byte(w, (unsigned)id);
    return wasm_open(w);
}

/* A type section with one type: "ii:i", letters as in wrt_store_define_function. */
static inline void wasm_type(struct wasm_writer *w, const char *signature)
{
    static const char letters[] = "iIfFrp:";
    static const uint8_t codes[] = {0x7F, 0x7E, 0x7D, 0x7C, 0x6F, 0x70};
    size_t parameters = strcspn(signature, ":");
    wasm_byte(w, 0x60);
    wasm_u32(w, (uint32_t)parameters);
    for (const char *at = signature; *at != '\0'; at++) {
        if (*at == ':')
            wasm_u32(w, (uint32_t)strlen(at + 1));
        else
            wasm_byte(w, codes[strchr(letters, *at) - letters]);
    }
}

#endif
