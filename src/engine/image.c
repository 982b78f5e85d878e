/* engine/image.c - initial contents of memories, mapped on instantiation instead of copied.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A memory of a module has an image when its active data segments are large and it is known
 * at load what they write: all active segments of the module, elements too, have constant
 * offsets inside the minimum size of what they write to. Then no segment can trap, so the
 * order in which they are written is not seen. Elsewhere, and where the system or the
 * partition refuses an image, segments are copied: the guest sees no difference.
 */
#include "engine.h"
#include "memory/image.h"

enum {
    LEAST_BYTES = 32 << 10,  /* of segments: below, copying is faster than mapping */
    MOST_EMPTY_BYTES = 1 << 20 /* that an image may hold beyond twice its segments */
};

enum { I32_CONST = 0x41, I64_CONST = 0x42, END = 0x0B };

/* The value of `i32.const n end` or `i64.const n end`; false for any other expression. */
static bool constant_offset(const struct wrt_const_expr *expr, uint64_t *out)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint32_t at = 1;
    if (expr->size_bytes < 3 || (expr->bytes[0] != I32_CONST && expr->bytes[0] != I64_CONST))
        return false;
    for (bool more = true; more; at++, shift += 7) { /* validated LEB128 */
        more = (expr->bytes[at] & 0x80) != 0;
        value |= (uint64_t)(expr->bytes[at] & 0x7F) << shift;
    }
    if (shift < 64 && (expr->bytes[at - 1] & 0x40) != 0)
        value |= ~UINT64_C(0) << shift;
    *out = expr->bytes[0] == I32_CONST ? (uint32_t)value : value;
    return expr->bytes[at] == END && at + 1 == expr->size_bytes;
}

static bool is_within(const struct wrt_const_expr *offset, uint64_t count, uint64_t size)
{
    uint64_t start = 0;
    return constant_offset(offset, &start) && start <= size && count <= size - start;
}

static uint64_t minimum_bytes(const struct wrt_module *module, uint32_t memory)
{
    const struct wrt_memory_type *type = &module->memories[memory];
    const uint64_t page = type->page_bytes != 0 ? type->page_bytes : 65536;
    return type->limits.minimum > UINT64_MAX / page ? 0 : type->limits.minimum * page;
}

/* Can no active segment trap? */
static bool is_known(const struct wrt_module *module)
{
    for (uint32_t e = 0; e < module->info.element_segment_count; e++) {
        const struct wrt_element_segment *s = &module->elements[e];
        if (s->mode == WRT_SEGMENT_ACTIVE &&
            !is_within(&s->offset, s->count, module->tables[s->table].limits.minimum))
            return false;
    }
    for (uint32_t d = 0; d < module->info.data_segment_count; d++) {
        const struct wrt_data_segment *s = &module->data[d];
        if (s->mode == WRT_SEGMENT_ACTIVE &&
            !is_within(&s->offset, s->size_bytes, minimum_bytes(module, s->memory)))
            return false;
    }
    return true;
}

struct content {
    const struct wrt_module *module;
    uint32_t memory;
    uint64_t segment_bytes, end;
};

static bool is_of(const struct wrt_data_segment *s, const struct content *c)
{
    return s->mode == WRT_SEGMENT_ACTIVE && s->memory == c->memory && s->size_bytes != 0;
}

static void measure(struct content *c)
{
    for (uint32_t d = 0; d < c->module->info.data_segment_count; d++) {
        const struct wrt_data_segment *s = &c->module->data[d];
        uint64_t offset = 0;
        if (!is_of(s, c) || !constant_offset(&s->offset, &offset))
            continue;
        c->segment_bytes += s->size_bytes;
        if (offset + s->size_bytes > c->end)
            c->end = offset + s->size_bytes;
    }
}

static void fill(void *context, uint8_t *bytes)
{
    const struct content *c = context;
    for (uint32_t d = 0; d < c->module->info.data_segment_count; d++) {
        const struct wrt_data_segment *s = &c->module->data[d];
        uint64_t offset = 0;
        if (is_of(s, c) && constant_offset(&s->offset, &offset))
            memcpy(bytes + offset, s->bytes, s->size_bytes);
    }
}

static bool is_worth_it(const struct content *c)
{
    return c->segment_bytes >= LEAST_BYTES &&
           c->end / 2 <= c->segment_bytes + MOST_EMPTY_BYTES / 2;
}

void wrt_module_make_images(struct wrt_module *module)
{
    const uint32_t first = module->info.imported_memory_count;
    const uint32_t count = module->info.memory_count - first;
    if (count == 0 || module->config.no_memory_images || !is_known(module))
        return;
    for (uint32_t m = 0; m < count; m++) {
        struct content content = {.module = module, .memory = first + m};
        measure(&content);
        if (!is_worth_it(&content))
            continue;
        if (module->images == NULL &&
            wrt_block_take(module->partition, &module->loose, WRT_CHARGE_DATA, count,
                           sizeof *module->images, &module->images, NULL) != WRT_OK)
            return;
        (void)!wrt_page_image_build(&module->images[m], module->partition, content.end, fill,
                                    &content, NULL);
    }
}

struct wrt_page_image *wrt_module_image(const struct wrt_module *module, uint32_t index)
{
    const uint32_t first = module->info.imported_memory_count;
    if (module->images == NULL || index < first ||
        module->images[index - first].partition == NULL)
        return NULL;
    return &module->images[index - first];
}

enum wrt_status wrt_module_free_images(struct wrt_module *module)
{
    const uint32_t count = module->info.memory_count - module->info.imported_memory_count;
    enum wrt_status status = WRT_OK;
    for (uint32_t m = 0; module->images != NULL && m < count && status == WRT_OK; m++)
        status = wrt_page_image_destroy(&module->images[m], NULL);
    return status;
}
