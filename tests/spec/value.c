/* value.c - values as wast2json writes them: decimal bit patterns, NaN classes, references.
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
    return WRT_V128;
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
    if (is_text(json, "type", "externref") && parse_bits(text_of(json, "value"), 32, &number)) {
        out->type = WRT_EXTERNREF;
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

bool value_parse(const cJSON *json, struct wrt_value *out, const char **why)
{
    const char *name = text_of(json, "type");
    if (name == NULL) {
        *why = "an argument without a type";
        return false;
    }
    out->type = number_type(name);
    if (out->type == WRT_V128)
        return parse_reference(json, out, why);
    uint64_t bits;
    if (!parse_bits(text_of(json, "value"), bits_of(out->type), &bits)) {
        *why = "an argument that is not a decimal number of its type";
        return false;
    }
    out->of.i64 = bits;
    return true;
}

static bool nan_matches(const char *text, wrt_type type, uint64_t bits)
{
    uint64_t sign = type == WRT_F32 ? UINT64_C(1) << 31 : UINT64_C(1) << 63;
    uint64_t quiet = type == WRT_F32 ? UINT64_C(0x7FC00000) : UINT64_C(0x7FF8000000000000);
    if (strcmp(text, "nan:canonical") == 0)
        return (bits & ~sign) == quiet;
    return (bits & quiet) == quiet;
}

static bool number_matches(const cJSON *expected, const struct wrt_value *actual)
{
    const char *text = text_of(expected, "value");
    if (text == NULL)
        return false;
    bool is_float = actual->type == WRT_F32 || actual->type == WRT_F64;
    if (is_float && (strcmp(text, "nan:canonical") == 0 || strcmp(text, "nan:arithmetic") == 0))
        return nan_matches(text, actual->type, value_bits(actual));
    uint64_t bits;
    return parse_bits(text, bits_of(actual->type), &bits) && bits == value_bits(actual);
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
           number_matches(expected, actual);
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
    } else {
        const void *reference = value->of.external;
        snprintf(out, out_bytes, "%s %s", type, reference == NULL ? "null" : "reference");
    }
}
