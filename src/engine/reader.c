/* engine/reader.c - LEB128, names, types.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>

bool wrt_refuse(struct wrt_reader *r, enum wrt_status status, const char *format, ...)
{
    if (r->status != WRT_OK)
        return false;
    r->status = status;
    if (r->error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(r->error->text, sizeof r->error->text, format, arguments);
    va_end(arguments);
    r->error->status = status;
    r->error->has_offset = true;
    r->error->byte_offset = wrt_reader_offset(r);
    return false;
}

bool wrt_read_leb(struct wrt_reader *r, unsigned bits, bool is_signed, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (r->at == r->end)
            return wrt_malformed(r, "unexpected end");
        const uint8_t byte = *r->at;
        value |= (uint64_t)(byte & 0x7f) << shift;
        const unsigned left = bits - shift; /* bits of the value in this byte, if < 7 */
        if (left <= 7) {
            if (byte & 0x80)
                return wrt_malformed(r, "integer representation too long");
            const unsigned unused = (unsigned)(byte & 0x7f) >> (is_signed ? left - 1 : left);
            const unsigned all_ones = 0x7fu >> (is_signed ? left - 1 : left);
            if (unused != 0 && !(is_signed && unused == all_ones))
                return wrt_malformed(r, "integer too large");
        }
        r->at++;
        if (byte & 0x80)
            continue;
        if (is_signed && (byte & 0x40) && shift + 7 < 64)
            value |= ~UINT64_C(0) << (shift + 7);
        *out = value;
        return true;
    }
}

/* Well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates. */
bool wrt_is_utf8(const uint8_t *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes;) {
        const uint8_t lead = bytes[i++];
        if (lead < 0x80)
            continue;
        unsigned more = 0;
        uint8_t low = 0x80, high = 0xBF;
        if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            low = lead == 0xE0 ? 0xA0 : 0x80;
            high = lead == 0xED ? 0x9F : 0xBF;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            more = 3;
            low = lead == 0xF0 ? 0x90 : 0x80;
            high = lead == 0xF4 ? 0x8F : 0xBF;
        } else {
            return false;
        }
        for (; more != 0; more--, low = 0x80, high = 0xBF) {
            if (i == size_bytes || bytes[i] < low || bytes[i] > high)
                return false;
            i++;
        }
    }
    return true;
}

bool wrt_read_name(struct wrt_reader *r, uint32_t limit, struct wrt_bytes *out)
{
    uint32_t size = 0;
    if (!wrt_read_u32(r, &size))
        return false;
    if (wrt_reader_left(r) < size)
        return wrt_malformed(r, "unexpected end");
    if (size > limit)
        return wrt_refuse(r, WRT_ERR_LIMIT, "name of %u bytes: max_name_bytes is %u", size, limit);
    if (!wrt_is_utf8(r->at, size))
        return wrt_malformed(r, "malformed UTF-8 encoding");
    out->data = r->at;
    out->size_bytes = size;
    r->at += size;
    return true;
}

static bool use_abstract(struct wrt_reader *r, uint8_t byte)
{
    switch (byte) {
    case WRT_FUNCREF: case WRT_EXTERNREF: return wrt_use(r, WRT_FEATURE_REFERENCE_TYPES);
    case WRT_EXNREF: case WRT_NULLEXNREF: return wrt_use(r, WRT_FEATURE_EXCEPTIONS);
    default: return wrt_use(r, WRT_FEATURE_GC);
    }
}

/* A byte in which an s33 is negative is an abstract heap type (spec 5.3.3). */
bool wrt_read_heap_type(struct wrt_reader *r, uint32_t *out)
{
    uint64_t index = 0;
    if (r->at != r->end && (*r->at & 0xC0) == 0x40) {
        if (!wrt_is_reference(*r->at))
            return wrt_malformed(r, "malformed heap type");
        *out = WRT_HEAP_ABSTRACT | *r->at++;
        return use_abstract(r, (uint8_t)*out);
    }
    if (!wrt_read_leb(r, 33, true, &index))
        return false;
    if (index >= r->type_count)
        return wrt_invalid(r, "unknown type %lld", (long long)index);
    *out = r->canonical[index];
    return true;
}

bool wrt_read_reference_type(struct wrt_reader *r, wrt_type *out)
{
    if (r->at == r->end)
        return wrt_malformed(r, "unexpected end");
    const uint8_t byte = *r->at;
    uint32_t heap = 0;
    if (byte == 0x63 || byte == 0x64) {
        r->at++;
        if (!wrt_use(r, WRT_FEATURE_TYPED_REFERENCES) || !wrt_read_heap_type(r, &heap))
            return false;
        *out = WRT_REF_TYPE(byte == 0x63, heap);
        return true;
    }
    if (!wrt_is_reference(byte))
        return wrt_malformed(r, "malformed reference type");
    r->at++;
    *out = byte;
    return use_abstract(r, byte);
}

bool wrt_read_value_type(struct wrt_reader *r, wrt_type *out)
{
    if (r->at == r->end)
        return wrt_malformed(r, "unexpected end");
    const uint8_t byte = *r->at;
    if (byte >= WRT_F64 && byte <= WRT_I32) {
        *out = *r->at++;
        return true;
    }
    if (byte == WRT_V128) {
        *out = *r->at++;
        return wrt_use(r, WRT_FEATURE_SIMD);
    }
    return wrt_is_reference(byte) || byte == 0x63 || byte == 0x64
               ? wrt_read_reference_type(r, out)
               : wrt_malformed(r, "malformed value type");
}

const char *wrt_value_type_name(wrt_type type)
{
    switch (type) {
    case WRT_I32: return "i32";
    case WRT_I64: return "i64";
    case WRT_F32: return "f32";
    case WRT_F64: return "f64";
    case WRT_V128: return "v128";
    case WRT_FUNCREF: return "funcref";
    case WRT_EXTERNREF: return "externref";
    case WRT_ANYREF: return "anyref";
    case WRT_EQREF: return "eqref";
    case WRT_I31REF: return "i31ref";
    case WRT_STRUCTREF: return "structref";
    case WRT_ARRAYREF: return "arrayref";
    case WRT_EXNREF: return "exnref";
    case WRT_NULLREF: return "nullref";
    case WRT_NULLFUNCREF: return "nullfuncref";
    case WRT_NULLEXTERNREF: return "nullexternref";
    case WRT_NULLEXNREF: return "nullexnref";
    case WRT_REF_BOTTOM: return "a reference";
    default: break;
    }
    if (!wrt_is_reference(type))
        return "?";
    if (wrt_is_concrete(type))
        return wrt_is_nullable(type) ? "(ref null type)" : "(ref type)";
    switch (wrt_or_null(type)) {
    case WRT_FUNCREF: return "(ref func)";
    case WRT_EXTERNREF: return "(ref extern)";
    case WRT_ANYREF: return "(ref any)";
    case WRT_EQREF: return "(ref eq)";
    case WRT_I31REF: return "(ref i31)";
    case WRT_STRUCTREF: return "(ref struct)";
    case WRT_ARRAYREF: return "(ref array)";
    case WRT_EXNREF: return "(ref exn)";
    case WRT_NULLREF: return "(ref none)";
    case WRT_NULLFUNCREF: return "(ref nofunc)";
    case WRT_NULLEXTERNREF: return "(ref noextern)";
    case WRT_NULLEXNREF: return "(ref noexn)";
    default: return "?";
    }
}
