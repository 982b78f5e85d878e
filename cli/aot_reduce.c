/* cli/aot_reduce.c - the module that wasm2c sees; see aot.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The bytes were loaded, so they validate; still every read is checked.
 */
#include "aot.h"

#include <string.h>

struct input {
    const uint8_t *at, *end;
    bool failed;
};

static uint8_t take_byte(struct input *in)
{
    if (in->at == in->end) {
        in->failed = true;
        return 0;
    }
    return *in->at++;
}

static uint64_t take_leb(struct input *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = take_byte(in);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    in->failed = true;
    return 0;
}

static const uint8_t *skip(struct input *in, uint64_t count)
{
    const uint8_t *start = in->at;
    if (count > (uint64_t)(in->end - in->at)) {
        in->failed = true;
        return start;
    }
    in->at += count;
    return start;
}

static void put_byte(struct aot_buffer *out, unsigned byte)
{
    const uint8_t one = (uint8_t)byte;
    aot_put(out, &one, 1);
}

static void put_leb(struct aot_buffer *out, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        put_byte(out, (unsigned)(value & 0x7f) | 0x80);
    put_byte(out, (unsigned)value);
}

static void put_section(struct aot_buffer *out, unsigned id, const void *bytes, size_t size)
{
    put_byte(out, id);
    put_leb(out, size);
    aot_put(out, bytes, size);
}

static void skip_limits(struct input *in)
{
    const uint8_t flags = take_byte(in);
    take_leb(in);
    if ((flags & 1) != 0)
        take_leb(in);
}

/* What follows an import's names. */
static void skip_descriptor(struct input *in, uint8_t kind)
{
    switch (kind) {
    case WRT_EXTERN_FUNCTION: take_leb(in); break;
    case WRT_EXTERN_TABLE: take_byte(in); skip_limits(in); break;
    case WRT_EXTERN_MEMORY: skip_limits(in); break;
    case WRT_EXTERN_GLOBAL: skip(in, 2); break;
    default: in->failed = true; break;
    }
}

static void reduce_imports(struct input *in, struct aot_buffer *out)
{
    uint32_t numbers[4] = {0};
    const uint64_t count = take_leb(in);
    put_leb(out, count);
    for (uint64_t i = 0; i < count && !in->failed; i++) {
        char name[16];
        skip(in, take_leb(in));
        skip(in, take_leb(in));
        const uint8_t kind = take_byte(in);
        const uint8_t *descriptor = in->at;
        skip_descriptor(in, kind);
        if (in->failed)
            return;
        const int size = snprintf(name, sizeof name, "%c%u", "ftmg"[kind], numbers[kind]++);
        put_leb(out, 1);
        put_byte(out, 'm');
        put_leb(out, (uint64_t)size);
        aot_put(out, name, (size_t)size);
        put_byte(out, kind);
        aot_put(out, descriptor, (size_t)(in->at - descriptor));
    }
}

static bool put_zero(struct aot_buffer *out, wrt_type type)
{
    static const uint8_t zero[16];
    switch (type) {
    case WRT_I32: put_byte(out, 0x41); put_byte(out, 0); break;
    case WRT_I64: put_byte(out, 0x42); put_byte(out, 0); break;
    case WRT_F32: put_byte(out, 0x43); aot_put(out, zero, 4); break;
    case WRT_F64: put_byte(out, 0x44); aot_put(out, zero, 8); break;
    case WRT_V128: put_byte(out, 0xFD); put_byte(out, 0x0C); aot_put(out, zero, 16); break;
    case WRT_FUNCREF:
    case WRT_EXTERNREF: put_byte(out, 0xD0); put_byte(out, type); break;
    default: return false;
    }
    put_byte(out, 0x0B);
    return true;
}

/* Own globals as they are, but zero: the engine evaluates what they begin as. */
static bool reduce_globals(const struct wrt_module *module, struct aot_buffer *out)
{
    struct wrt_module_info info;
    wrt_module_get_info(module, &info);
    put_leb(out, info.global_count - info.imported_global_count);
    for (uint32_t g = info.imported_global_count; g < info.global_count; g++) {
        struct wrt_extern_type type;
        if (wrt_module_get_item(module, WRT_EXTERN_GLOBAL, g, &type) != WRT_OK)
            return false;
        put_byte(out, type.global.content & 0xFF);
        put_byte(out, type.global.is_mutable);
        if (!put_zero(out, type.global.content))
            return false;
    }
    return true;
}

/* Passive segments of one byte, so that wasm2c gives each a name. */
static void reduce_data(const struct wrt_module *module, struct aot_buffer *out)
{
    struct wrt_module_info info;
    wrt_module_get_info(module, &info);
    put_leb(out, info.data_segment_count);
    for (uint32_t d = 0; d < info.data_segment_count; d++)
        aot_put(out, "\1\1\0", 3);
}

static void mark(struct aot_buffer *known, uint64_t function)
{
    if (known != NULL && function < known->size)
        known->data[function] = 1;
}

/* A constant expression, its end included; marks the functions that it refers to. */
static void skip_expression(struct input *in, struct aot_buffer *known)
{
    while (!in->failed) {
        const uint8_t opcode = take_byte(in);
        switch (opcode) {
        case 0x0B: return;
        case 0x43: skip(in, 4); break;
        case 0x44: skip(in, 8); break;
        case 0xFD: take_leb(in); skip(in, 16); break; /* v128.const */
        case 0x41: case 0x42: case 0x23: case 0xD0: take_leb(in); break;
        case 0xD2: mark(known, take_leb(in)); break;
        default: break; /* arithmetic */
        }
    }
}

/* A segment; marks the functions in it. Flags: 1 no offset, 2 a table or declared, 4 expressions
 * (spec 5.5.12). Returns its type. */
static uint8_t skip_element(struct input *in, struct aot_buffer *known)
{
    const uint64_t flags = take_leb(in);
    uint8_t type = WRT_FUNCREF;
    if ((flags & 3) == 2)
        take_leb(in);
    if ((flags & 1) == 0)
        skip_expression(in, known);
    if ((flags & 3) != 0 && (flags & 4) != 0)
        type = take_byte(in);
    else if ((flags & 3) != 0)
        take_byte(in); /* of element: functions */
    for (uint64_t items = take_leb(in); items != 0 && !in->failed; items--)
        if ((flags & 4) != 0)
            skip_expression(in, known);
        else
            mark(known, take_leb(in));
    return type;
}

/* Passive segments of the same type with one null, so that wasm2c gives each a name; and one that
 * declares every function, for ref.func. */
static void reduce_elements(const struct wrt_module *module, struct input *in,
                            struct aot_buffer *out)
{
    struct wrt_module_info info;
    wrt_module_get_info(module, &info);
    const uint64_t count = take_leb(in);
    put_leb(out, count + 1);
    for (uint64_t e = 0; e < count && !in->failed; e++) {
        const uint8_t type = skip_element(in, NULL);
        const uint8_t segment[] = {5, type, 1, 0xD0, type, 0x0B};
        aot_put(out, segment, sizeof segment);
    }
    aot_put(out, "\3\0", 2);
    put_leb(out, info.function_count);
    for (uint32_t f = 0; f < info.function_count; f++)
        put_leb(out, f);
}

enum { CUSTOM = 0, IMPORT = 2, GLOBAL = 6, EXPORT = 7, START = 8, ELEMENT = 9, CODE = 10,
       DATA = 11, DATA_COUNT = 12 };

static bool reduce_section(const struct wrt_module *module, unsigned id, struct input *in,
                           struct aot_buffer *out)
{
    struct aot_buffer part = {0};
    bool ok = true;
    switch (id) {
    case CUSTOM:
    case EXPORT:
    case START: return true;
    case IMPORT: reduce_imports(in, &part); break;
    case GLOBAL: ok = reduce_globals(module, &part); break;
    case ELEMENT: reduce_elements(module, in, &part); break;
    case DATA: reduce_data(module, &part); break;
    default: put_section(out, id, in->at, (size_t)(in->end - in->at)); return true;
    }
    if (ok && !in->failed && !part.failed)
        put_section(out, id, part.data, part.size);
    ok = ok && !in->failed && !part.failed;
    aot_free(&part);
    return ok;
}

bool aot_reduce(const struct wrt_module *module, struct wrt_bytes bytes,
                struct aot_buffer *out, const char **why)
{
    struct input in = {bytes.data, bytes.data + bytes.size_bytes, false};
    static const uint8_t none[] = {0};
    struct input no_elements = {none, none + 1, false};
    bool has_elements = false;
    aot_put(out, skip(&in, 8), 8);
    *why = "its sections cannot be read";
    while (in.at != in.end && !in.failed) {
        const uint8_t id = take_byte(&in);
        const uint64_t size = take_leb(&in);
        struct input section = {.at = skip(&in, size)};
        if (in.failed)
            return false;
        section.end = in.at;
        /* Functions are declared for ref.func also where exports did it. */
        if ((id == CODE || id == DATA_COUNT) && !has_elements)
            has_elements = reduce_section(module, ELEMENT, &no_elements, out);
        has_elements = has_elements || id == ELEMENT;
        if (!reduce_section(module, id, &section, out))
            return false;
    }
    return !in.failed && !out->failed;
}

static void mark_section(unsigned id, struct input *in, struct aot_buffer *known)
{
    if (id == START) {
        mark(known, take_leb(in));
        return;
    }
    for (uint64_t left = take_leb(in); left != 0 && !in->failed; left--)
        if (id == GLOBAL) {
            skip(in, 2);
            skip_expression(in, known);
        } else if (id == ELEMENT) {
            skip_element(in, known);
        } else {
            skip(in, take_leb(in));
            const bool is_function = take_byte(in) == WRT_EXTERN_FUNCTION;
            const uint64_t index = take_leb(in);
            if (is_function)
                mark(known, index);
        }
}

bool aot_mark_known(const struct wrt_module *module, struct wrt_bytes bytes,
                    struct aot_buffer *known)
{
    struct input in = {bytes.data, bytes.data + bytes.size_bytes, false};
    struct wrt_module_info info;
    static const char no;
    wrt_module_get_info(module, &info);
    for (uint32_t f = 0; f < info.function_count; f++)
        aot_put(known, &no, 1);
    if (known->failed)
        return false;
    skip(&in, 8);
    while (in.at != in.end && !in.failed) {
        const uint8_t id = take_byte(&in);
        const uint64_t size = take_leb(&in);
        struct input section = {.at = skip(&in, size), .end = in.at};
        if (!in.failed && (id == GLOBAL || id == EXPORT || id == START || id == ELEMENT))
            mark_section(id, &section, known);
        in.failed = in.failed || section.failed;
    }
    return !in.failed;
}
