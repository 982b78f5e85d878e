/* value.c - values as wast2json writes them: decimal bit patterns, NaN classes, lanes of
 * vectors, references.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spectest.h"

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool is_text(const cJSON *object, const char *key, const char *wanted)
{
    const char *text = text_of(object, key);
    return text != NULL && strcmp(text, wanted) == 0;
}

/* A decimal number of at most `bits` bits; a minus sign means two's complement. */
static bool parse_bits(const char *text, unsigned bits, uint64_t *out)
{
    bool negative = text != NULL && text[0] == '-';
    const char *digits = negative ? text + 1 : text;
    if (digits == NULL || digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    uint64_t value = strtoull(digits, NULL, 10);
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    if (errno != 0 || value > mask || (negative && value > mask / 2 + 1))
        return false;
    *out = (negative ? 0 - value : value) & mask;
    return true;
}

static wrt_type number_type(const char *name)
{
    static const struct { const char *name; wrt_type type; } types[] = {
        {"i32", WRT_I32}, {"i64", WRT_I64}, {"f32", WRT_F32}, {"f64", WRT_F64},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    }
    return 0;
}

static unsigned bits_of(wrt_type type)
{
    return type == WRT_I32 || type == WRT_F32 ? 32 : 64;
}

static uint64_t value_bits(const struct wrt_value *value)
{
    return bits_of(value->type) == 32 ? value->of.i32 : value->of.i64;
}

/* Host references are numbers in scripts; 0 is a reference, not null, hence the 1. */
static void *host_reference(uint64_t number)
{
    return (void *)(uintptr_t)(number + 1);
}

/* The heap types of scripts, with the type of a nullable reference to each. */
static wrt_type reference_type(const char *heap)
{
    static const struct { const char *name; wrt_type type; } types[] = {
        {"func", WRT_FUNCREF}, {"extern", WRT_EXTERNREF}, {"any", WRT_ANYREF},
        {"eq", WRT_EQREF}, {"i31", WRT_I31REF}, {"struct", WRT_STRUCTREF},
        {"array", WRT_ARRAYREF}, {"exn", WRT_EXNREF}, {"none", WRT_NULLREF},
        {"nofunc", WRT_NULLFUNCREF}, {"noextern", WRT_NULLEXTERNREF}, {"noexn", WRT_NULLEXNREF},
    };
    for (size_t i = 0; heap != NULL && i < sizeof types / sizeof *types; i++) {
        const size_t length = strlen(types[i].name);
        if (strncmp(heap, types[i].name, length) == 0 &&
            (heap[length] == '\0' || strcmp(heap + length, "ref") == 0))
            return types[i].type;
    }
    return 0;
}

static wrt_type nullable(wrt_type type)
{
    return type > 0xFF ? type >> 8 & 0xFF : type;
}

/* func, extern, exn or any: what a type is below. */
static wrt_type top_of(wrt_type type)
{
    switch (nullable(type)) {
    case WRT_FUNCREF: case WRT_NULLFUNCREF: return WRT_FUNCREF;
    case WRT_EXTERNREF: case WRT_NULLEXTERNREF: return WRT_EXTERNREF;
    case WRT_EXNREF: case WRT_NULLEXNREF: return WRT_EXNREF;
    default: return WRT_ANYREF;
    }
}

static bool is_reference(wrt_type type)
{
    return nullable(type) >= WRT_EXNREF && nullable(type) <= WRT_NULLEXNREF;
}

static bool parse_reference(const cJSON *json, struct wrt_value *out, const char **why)
{
    uint64_t number;
    out->of.i64 = 0;
    const bool any = is_text(json, "type", "anyref");
    if ((any || is_text(json, "type", "externref")) &&
        parse_bits(text_of(json, "value"), 32, &number)) {
        out->type = any ? WRT_ANYREF : WRT_EXTERNREF;
        out->of.external = host_reference(number);
        return true;
    }
    const char *heap = text_of(json, "heap");
    out->type = reference_type(heap != NULL ? heap : text_of(json, "type"));
    if (is_text(json, "value", "null") && out->type != 0)
        return true;
    *why = "an argument of a type that WRT does not have";
    return false;
}

/* "i8" .. "f64": the bits of a lane; 0 if it is none. */
static unsigned lane_bits(const cJSON *vector)
{
    const char *type = text_of(vector, "lane_type");
    unsigned bits = type == NULL || type[0] == '\0' ? 0 : (unsigned)strtoul(type + 1, NULL, 10);
    bool known = bits == 8 || bits == 16 || bits == 32 || bits == 64;
    const cJSON *lanes = cJSON_GetObjectItemCaseSensitive(vector, "value");
    return known && cJSON_GetArraySize(lanes) == (int)(128 / bits) ? bits : 0;
}

static bool parse_vector(const cJSON *json, struct wrt_value *out, const char **why)
{
    unsigned bits = lane_bits(json), at = 0;
    const cJSON *lane;
    *out = (struct wrt_value){.type = WRT_V128};
    cJSON_ArrayForEach(lane, cJSON_GetObjectItemCaseSensitive(json, "value")) {
        uint64_t value;
        if (bits == 0 || !parse_bits(cJSON_GetStringValue(lane), bits, &value)) {
            *why = "a vector that is not 128 bits of lanes in decimal numbers";
            return false;
        }
        for (unsigned i = 0; i < bits / 8; i++)
            out->v128[at++] = (uint8_t)(value >> (8 * i));
    }
    return at == 16;
}

bool value_parse(const cJSON *json, struct wrt_value *out, const char **why)
{
    const char *name = text_of(json, "type");
    if (name == NULL) {
        *why = "an argument without a type";
        return false;
    }
    if (strcmp(name, "v128") == 0)
        return parse_vector(json, out, why);
    out->type = number_type(name);
    if (out->type == 0)
        return parse_reference(json, out, why);
    uint64_t bits;
    if (!parse_bits(text_of(json, "value"), bits_of(out->type), &bits)) {
        *why = "an argument that is not a decimal number of its type";
        return false;
    }
    out->of.i64 = bits;
    return true;
}

static bool nan_matches(const char *text, unsigned bits, uint64_t actual)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);
    uint64_t quiet = bits == 32 ? UINT64_C(0x7FC00000) : UINT64_C(0x7FF8000000000000);
    if (strcmp(text, "nan:canonical") == 0)
        return (actual & ~sign) == quiet;
    return (actual & quiet) == quiet;
}

static bool bits_match(const char *text, bool is_float, unsigned bits, uint64_t actual)
{
    if (text == NULL)
        return false;
    if (is_float && (strcmp(text, "nan:canonical") == 0 || strcmp(text, "nan:arithmetic") == 0))
        return nan_matches(text, bits, actual);
    uint64_t wanted;
    return parse_bits(text, bits, &wanted) && wanted == actual;
}

static bool number_matches(const cJSON *expected, const struct wrt_value *actual)
{
    bool is_float = actual->type == WRT_F32 || actual->type == WRT_F64;
    return bits_match(text_of(expected, "value"), is_float, bits_of(actual->type),
                      value_bits(actual));
}

static bool vector_matches(const cJSON *expected, const struct wrt_value *actual)
{
    unsigned bits = lane_bits(expected), at = 0;
    const cJSON *lane;
    if (bits == 0)
        return false;
    bool is_float = text_of(expected, "lane_type")[0] == 'f';
    cJSON_ArrayForEach(lane, cJSON_GetObjectItemCaseSensitive(expected, "value")) {
        uint64_t value = 0;
        for (unsigned i = 0; i < bits / 8; i++)
            value |= (uint64_t)actual->v128[at++] << (8 * i);
        if (!bits_match(cJSON_GetStringValue(lane), is_float, bits, value))
            return false;
    }
    return true;
}

/* A null of the named heap type's hierarchy; without a name, of any. */
static bool null_matches(const cJSON *expected, const struct wrt_value *actual)
{
    const char *heap = text_of(expected, "heap");
    const wrt_type type = reference_type(heap != NULL ? heap : text_of(expected, "type"));
    return actual->of.i64 == 0 && (type == 0 || top_of(type) == top_of(actual->type));
}

static bool reference_matches(const cJSON *expected, const struct wrt_value *actual)
{
    const char *value = text_of(expected, "value");
    if (value != NULL && strcmp(value, "null") == 0)
        return null_matches(expected, actual);
    const wrt_type wanted = reference_type(text_of(expected, "type"));
    if (wanted == 0 || top_of(wanted) != top_of(actual->type) || actual->of.i64 == 0)
        return false;
    if (value == NULL) /* a bare type: any reference of it but null */
        return true;
    uint64_t number;
    return parse_bits(value, 32, &number) && actual->of.external == host_reference(number);
}

static bool one_matches(const cJSON *expected, const struct wrt_value *actual)
{
    if (is_reference(actual->type))
        return reference_matches(expected, actual);
    return is_text(expected, "type", wrt_value_type_name(actual->type)) &&
           (actual->type == WRT_V128 ? vector_matches(expected, actual)
                                     : number_matches(expected, actual));
}

bool value_matches(const cJSON *expected, const struct wrt_value *actual)
{
    if (!is_text(expected, "type", "either"))
        return one_matches(expected, actual);
    const cJSON *choice;
    cJSON_ArrayForEach(choice, cJSON_GetObjectItemCaseSensitive(expected, "values")) {
        if (one_matches(choice, actual))
            return true;
    }
    return false;
}

void value_print(const struct wrt_value *value, char *out, size_t out_bytes)
{
    const char *type = wrt_value_type_name(value->type);
    if (value->type == WRT_F32 || value->type == WRT_F64) {
        double shown = value->type == WRT_F32 ? (double)value->of.f32 : value->of.f64;
        snprintf(out, out_bytes, "%s %" PRIu64 " (%.17g)", type, value_bits(value), shown);
    } else if (value->type == WRT_I32 || value->type == WRT_I64) {
        snprintf(out, out_bytes, "%s %" PRIu64, type, value_bits(value));
    } else if (value->type == WRT_V128) {
        snprintf(out, out_bytes, "%s i64x2 %" PRIu64 " %" PRIu64, type, value->slots[0].i64,
                 value->slots[1].i64);
    } else {
        const void *reference = value->of.external;
        snprintf(out, out_bytes, "%s %s", type, reference == NULL ? "null" : "reference");
    }
}
