/* module_parts.h - small modules for unit tests, from literals of bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A part is a section: its number of entries and their bytes. "A" "B" literals keep a byte that
 * is followed by a digit or a hexadecimal letter apart from it.
 */
#ifndef MODULE_PARTS_H
#define MODULE_PARTS_H

#include "engine_fixture.h"
#include "wasm_writer.h"

struct module_bytes {
    struct wasm_writer w;
    uint8_t *room;
};

static inline struct module_bytes module_open(size_t capacity)
{
    struct module_bytes m = {.room = calloc(1, capacity + 16)}; /* gcc 12 believes in the one behind */
    assert_non_null(m.room);
    m.w = (struct wasm_writer){.bytes = m.room, .capacity = capacity};
    wasm_header(&m.w);
    return m;
}

static inline void part_bytes(struct wasm_writer *w, unsigned id, uint32_t count,
                              const void *bytes, size_t size)
{
    const size_t section = wasm_open_section(w, (enum wasm_section)id);
    wasm_u32(w, count);
    wasm_bytes(w, bytes, size);
    wasm_close(w, section);
}
#define PART(m, id, count, literal) \
    part_bytes(&(m)->w, (unsigned)(id), (count), literal, sizeof(literal) - 1)
enum { TAG_SECTION = 13 };

/* A function body, with the counts of its locals in front. */
static inline void body_bytes(struct wasm_writer *w, const void *bytes, size_t size)
{
    const size_t body = wasm_open(w);
    wasm_bytes(w, bytes, size);
    wasm_close(w, body);
}
#define BODY(m, literal) body_bytes(&(m)->w, literal, sizeof(literal) - 1)

/* Loads the module into the partition, and frees the bytes. */
static inline enum wrt_status module_finish(struct module_bytes *m,
                                            struct wrt_partition *partition,
                                            const struct wrt_module_config *config,
                                            struct wrt_module **out, struct wrt_error *error)
{
    assert_false(m->w.overflowed);
    const enum wrt_status status =
        wrt_module_load(partition, config, m->w.bytes, m->w.size, out, error);
    free(m->room);
    return status;
}

/* As module_finish, where it must load. */
static inline struct wrt_module *module_made(struct module_bytes *m, struct fixture *f)
{
    struct wrt_module *module = NULL;
    if (module_finish(m, f->partition, NULL, &module, &f->error) != WRT_OK)
        fail_msg("%s at %llu", f->error.text, (unsigned long long)f->error.byte_offset);
    return module;
}

#endif
