/* cli/aot_buffer.c - text that grows, and the versions of wasm2c; see aot.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "aot.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct aot_buffer *b, size_t more)
{
    size_t wanted = b->capacity < 65536 ? 65536 : b->capacity;
    if (b->failed)
        return false;
    while (wanted - b->size <= more) /* one to spare: text can be ended by NUL */
        wanted *= 2;
    if (wanted == b->capacity)
        return true;
    char *data = realloc(b->data, wanted);
    b->failed = data == NULL;
    if (data == NULL)
        return false;
    b->data = data;
    b->capacity = wanted;
    return true;
}

void aot_put(struct aot_buffer *buffer, const void *bytes, size_t size)
{
    if (!make_room(buffer, size))
        return;
    if (size != 0)
        memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void aot_printf(struct aot_buffer *buffer, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof text)
        buffer->failed = true;
    else
        aot_put(buffer, text, (size_t)size);
}

void aot_free(struct aot_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct aot_buffer){0};
}

/* ---- versions ---- */

#define SCALAR_FEATURES                                                                       \
    (WRT_FEATURE_BIT(MUTABLE_GLOBAL) | WRT_FEATURE_BIT(SIGN_EXTENSION) |                      \
     WRT_FEATURE_BIT(SATURATING) | WRT_FEATURE_BIT(MULTI_VALUE) |                             \
     WRT_FEATURE_BIT(BULK_MEMORY) | WRT_FEATURE_BIT(REFERENCE_TYPES) |                        \
     WRT_FEATURE_BIT(EXTENDED_CONST) | WRT_FEATURE_BIT(BRANCH_HINTS))

#define NEWER_FEATURES (SCALAR_FEATURES | WRT_FEATURE_BIT(SIMD))

static const struct aot_dialect dialects[] = {
    {"1.0.32", 32, 32, "Z_w_instance_t", "w2c_f", "Z_mZ_", "Z_m_instance", "w2c_g", "w2c_T",
     "w2c_M", "data_segment_data_w2c_d", "data_segment_dropped_w2c_d", "elem_segment_exprs_w2c_e",
     "elem_segment_dropped_w2c_e", "", "w2c_L", SCALAR_FEATURES},
    {"1.0.36", 33, 39, "w2c_w", "w2c_w_f", "w2c_m_", "w2c_m_instance", "w2c_g", "w2c_T", "w2c_M",
     "data_segment_data_w2c_w_d", "data_segment_dropped_w2c_w_d", "elem_segment_exprs_w2c_w_e",
     "elem_segment_dropped_w2c_w_e", "w2c_w_t", "var_L", NEWER_FEATURES},
};

const struct aot_dialect *aot_find_dialect(const char *version)
{
    /* Builds between releases: "1.0.36 (git~1.0.37)". */
    static const char between[] = "(git~";
    const char *later = strstr(version, between);
    unsigned patch;
    if (sscanf(later != NULL ? later + sizeof between - 1 : version, "1.0.%u", &patch) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
        if (patch >= dialects[i].first && patch <= dialects[i].last)
            return &dialects[i];
    return NULL;
}

const char *aot_known_versions(void)
{
    return "1.0.32 to 1.0.39";
}
