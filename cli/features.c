/* cli/features.c - lists of WebAssembly features, as --features and --without take them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "session.h"

/* The bit of the feature that `length` characters of `name` spell, or 0. */
static uint64_t feature_bit(const char *name, size_t length)
{
    for (int bit = 0; bit < 64; bit++) {
        const char *text = wrt_feature_name((enum wrt_feature)bit);
        if ((WRT_FEATURES_ALL >> bit & 1) && strlen(text) == length &&
            memcmp(text, name, length) == 0)
            return UINT64_C(1) << bit;
    }
    return 0;
}

static bool read_list(const char *list, uint64_t *out)
{
    uint64_t bits = 0;
    for (;;) {
        const size_t length = strcspn(list, ",");
        const uint64_t bit = feature_bit(list, length);
        if (bit == 0)
            return false;
        bits |= bit;
        if (list[length] == '\0')
            break;
        list += length + 1;
    }
    *out = bits;
    return true;
}

bool cli_features_without(const char *list, uint64_t *off)
{
    uint64_t named;
    if (!read_list(list, &named))
        return false;
    *off |= named;
    return true;
}

bool cli_features_only(const char *list, uint64_t *off)
{
    uint64_t named = 0;
    if (strcmp(list, "none") != 0 && !read_list(list, &named))
        return false;
    *off |= WRT_FEATURES_ALL & ~named;
    return true;
}
