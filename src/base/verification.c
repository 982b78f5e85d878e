/* src/base/verification.c - the table of checks and levels.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wrt/verification.h"

#include <string.h>

static const struct wrt_check_info checks[WRT_CHECK_COUNT] = {
#define CHECK_ROW(id, room_text, name_text, first_level, finds) \
    [WRT_CHECK_##id] = {.room = room_text, .name = name_text, .text = finds, .level = first_level},
    WRT_CHECK_LIST(CHECK_ROW)
#undef CHECK_ROW
};

static const char *const costs[WRT_CHECK_COUNT] = {
#define COST(id, text) [WRT_CHECK_##id] = text,
#include "base/check_costs.def"
#undef COST
};

static const char *const level_names[] = {"default", "off",  "minimal",
                                          "standard", "full", "critical"};

enum { LEVEL_COUNT = sizeof level_names / sizeof *level_names };

enum wrt_status wrt_check_get(enum wrt_check check, struct wrt_check_info *out)
{
    if ((unsigned)check >= WRT_CHECK_COUNT)
        return WRT_ERR_BOUNDS;
    *out = checks[check];
    out->cost = costs[check] != NULL ? costs[check] : "not measured";
    return WRT_OK;
}

bool wrt_check_is_on(enum wrt_check check, enum wrt_verification_level level)
{
    if (level == WRT_VERIFY_DEFAULT)
        level = WRT_VERIFY_STANDARD;
    return (unsigned)check < WRT_CHECK_COUNT && level >= checks[check].level;
}

const char *wrt_verification_level_name(enum wrt_verification_level level)
{
    return (unsigned)level < LEVEL_COUNT ? level_names[level] : "?";
}

enum wrt_status wrt_verification_level_parse(const char *name,
                                             enum wrt_verification_level *out)
{
    for (int level = WRT_VERIFY_OFF; level < LEVEL_COUNT; level++) {
        if (strcmp(name, level_names[level]) == 0) {
            *out = (enum wrt_verification_level)level;
            return WRT_OK;
        }
    }
    return WRT_ERR_NOT_FOUND;
}
