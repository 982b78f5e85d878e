/* arena/colour.c - which addresses have a colour, and pages that have it.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   period = bytes of one way of the cache: addresses that far apart come to one set
 *   run    = period / count; colour i is [i * run, (i + 1) * run) of each period
 *
 * Whether the system can give such pages is known only when they are asked for.
 */
#include "arena/colour.h"

#include "base/checked.h"
#include "base/error.h"

enum { DEFAULT_LEVEL = 2, LEAST_LEVEL = 2, MOST_LEVEL = 3 };

static enum wrt_status check(const struct wrt_cache_colour *colour, struct wrt_error *error)
{
    if (colour->count < 2 || !wrt_is_power_of_two_u64(colour->count))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%u colours are no power of two from 2 on",
                        colour->count);
    if (colour->index >= colour->count)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no colour %u of %u", colour->index,
                        colour->count);
    if (colour->level != 0 && (colour->level < LEAST_LEVEL || colour->level > MOST_LEVEL))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "colours of cache %u: only 2 and 3 have any",
                        colour->level);
    return WRT_OK;
}

/* Takes up to six digits from *at. */
static bool take_number(const char **at, uint32_t *out)
{
    const char *first = *at;
    uint32_t number = 0;

    while (**at >= '0' && **at <= '9' && *at - first < 6)
        number = number * 10 + (uint32_t)(*(*at)++ - '0');
    *out = number;
    return *at != first;
}

enum wrt_status wrt_cache_colour_parse(const char *text, struct wrt_cache_colour *out)
{
    struct wrt_cache_colour colour = {0};
    bool is_whole;

    if (text == NULL || out == NULL)
        return WRT_ERR_ARGUMENT;
    is_whole = take_number(&text, &colour.index) && *text == '/';
    if (is_whole) {
        text++;
        is_whole = take_number(&text, &colour.count);
    }
    if (is_whole && *text == '@') {
        text++;
        is_whole = take_number(&text, &colour.level) && colour.level != 0;
    }
    if (!is_whole || *text != '\0' || check(&colour, NULL) != WRT_OK)
        return WRT_ERR_ARGUMENT;
    *out = colour;
    return WRT_OK;
}

enum wrt_status wrt_cache_colour_runs(const struct wrt_cache_colour *colour,
                                      struct wrt_colour_runs *out, struct wrt_error *error)
{
    enum wrt_status status;
    unsigned level;
    size_t period;

    if (colour == NULL || out == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "colour and out must not be NULL");
    status = check(colour, error);
    if (status != WRT_OK)
        return status;
    level = colour->level != 0 ? colour->level : (unsigned)DEFAULT_LEVEL;
    period = wrt_port_cache_way_bytes(level);
    if (!wrt_is_power_of_two_u64(period))
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "the system does not tell the sets of cache %u",
                        level);
    if (period > wrt_port_huge_page_bytes())
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "a way of cache %u has %zu bytes, more than a huge page", level, period);
    if (period / colour->count < wrt_port_page_bytes())
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "%u colours of cache %u are less than a page",
                        colour->count, level);
    *out = (struct wrt_colour_runs){.period_bytes = period,
                                    .run_bytes = period / colour->count,
                                    .offset_bytes = period / colour->count * colour->index};
    return WRT_OK;
}

enum wrt_status wrt_commit_with(const struct wrt_colour_runs *runs, void *address,
                                size_t size_bytes, unsigned rights)
{
    return runs->period_bytes == 0 ? wrt_port_commit(address, size_bytes, rights)
                                   : wrt_port_commit_coloured(address, size_bytes, runs, rights);
}
