/* cli/value.c - values as text: arguments of --invoke by the function's type, results bare.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

/* Decimal or 0x, with a sign: what fits `bits` bits as signed or unsigned. */
static bool parse_integer(const char *text, int bits, uint64_t *out)
{
    bool negative = *text == '-';
    const char *digits = text + (*text == '-' || *text == '+');
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    digits += hex ? 2 : 0;
    const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";
    if (*digits == '\0' || digits[strspn(digits, allowed)] != '\0')
        return false;

    errno = 0;
    uint64_t magnitude = strtoull(digits, NULL, hex ? 16 : 10);
    uint64_t most = negative ? UINT64_C(1) << (bits - 1) : UINT64_MAX >> (64 - bits);
    if (errno != 0 || magnitude > most)
        return false;
    *out = negative ? 0 - magnitude : magnitude;
    return true;
}

/* What strtod reads, nan and inf included, and nothing after it. Too large is an error,
 * too small rounds to zero or a subnormal number. */
static bool parse_double(const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || *text == ' ' || (errno == ERANGE && isinf(value)))
        return false;
    *out = value;
    return true;
}

static bool parse_float(const char *text, float *out)
{
    char *end;
    errno = 0;
    float value = strtof(text, &end);
    if (end == text || *end != '\0' || *text == ' ' || (errno == ERANGE && isinf(value)))
        return false;
    *out = value;
    return true;
}

/* "i32x4:1,2,0x3,-4" and so on: lanes of the named shape, lane 0 first. */
static bool parse_vector(const char *text, struct wrt_value *out)
{
    static const struct { const char *shape; wrt_type type; unsigned lanes; } shapes[] = {
        {"i8x16:", WRT_I32, 16}, {"i16x8:", WRT_I32, 8}, {"i32x4:", WRT_I32, 4},
        {"i64x2:", WRT_I64, 2},  {"f32x4:", WRT_F32, 4}, {"f64x2:", WRT_F64, 2},
    };
    size_t s = 0;
    while (s < 6 && strncmp(text, shapes[s].shape, strlen(shapes[s].shape)) != 0)
        s++;
    if (s == 6)
        return false;
    const char *at = text + strlen(shapes[s].shape);
    const unsigned lanes = shapes[s].lanes, bytes = 16 / lanes;
    for (unsigned i = 0; i < lanes; i++) {
        char lane[64];
        struct wrt_value value;
        uint64_t bits = 0;
        const size_t length = strcspn(at, ",");
        if (length >= sizeof lane || (at[length] == ',') != (i + 1 < lanes))
            return false;
        memcpy(lane, at, length);
        lane[length] = '\0';
        at += length + 1;
        const bool is_float = text[0] == 'f';
        if (is_float ? !cli_parse_value(lane, shapes[s].type, &value)
                     : !parse_integer(lane, (int)(8 * bytes), &bits))
            return false;
        memcpy(out->v128 + i * bytes, is_float ? (const void *)&value.of : (const void *)&bits,
               bytes);
    }
    return true;
}

bool cli_parse_value(const char *text, wrt_type type, struct wrt_value *out)
{
    struct wrt_value value = {.type = type};
    uint64_t bits = 0;
    bool good;
    switch (type) {
    case WRT_I32: good = parse_integer(text, 32, &bits); value.of.i32 = (uint32_t)bits; break;
    case WRT_I64: good = parse_integer(text, 64, &bits); value.of.i64 = bits; break;
    case WRT_F32: good = parse_float(text, &value.of.f32); break;
    case WRT_F64: good = parse_double(text, &value.of.f64); break;
    case WRT_V128: good = parse_vector(text, &value); break;
    case WRT_FUNCREF:
    case WRT_EXTERNREF: good = strcmp(text, "null") == 0; break;
    default: good = false; break;
    }
    if (good)
        *out = value;
    return good;
}

static void print_float(FILE *out, double value, bool single)
{
    char text[40];
    if (isnan(value) || isinf(value)) {
        fprintf(out, "%s%s", signbit(value) ? "-" : "", isnan(value) ? "nan" : "inf");
        return;
    }
    /* The fewest digits that read back as the same number. */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

static void print_vector(FILE *out, const struct wrt_value *value)
{
    uint32_t lanes[4];
    memcpy(lanes, value->v128, sizeof lanes);
    fputs("i32x4:", out);
    for (int i = 0; i < 4; i++)
        fprintf(out, "%s0x%08lx", i == 0 ? "" : " ", (unsigned long)lanes[i]);
}

void cli_print_value(FILE *out, const struct wrt_value *value)
{
    switch (value->type) {
    case WRT_I32: fprintf(out, "%ld", (long)(int32_t)value->of.i32); break;
    case WRT_I64: fprintf(out, "%lld", (long long)value->of.i64); break;
    case WRT_F32: print_float(out, (double)value->of.f32, true); break;
    case WRT_F64: print_float(out, value->of.f64, false); break;
    case WRT_FUNCREF: fputs(value->of.function == NULL ? "null" : "funcref", out); break;
    case WRT_EXTERNREF: fputs(value->of.external == NULL ? "null" : "externref", out); break;
    case WRT_V128: print_vector(out, value); break;
    default: fputs("?", out); break;
    }
}

static void print_types(FILE *out, const wrt_type *types, uint32_t count)
{
    fputc('(', out);
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", wrt_value_type_name(types[i]));
    fputc(')', out);
}

void cli_print_function_type(FILE *out, const struct wrt_function_type *type)
{
    print_types(out, type->parameters, type->parameter_count);
    fputs(" -> ", out);
    print_types(out, type->results, type->result_count);
}
