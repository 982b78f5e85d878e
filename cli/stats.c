/* cli/stats.c - memory by kind, fuel and time, as text or JSON.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything goes to standard error, so that it never mixes with what the guest prints.
 */
#include <inttypes.h>

#include "session.h"

static double per_second(uint64_t count, uint64_t ns)
{
    return ns == 0 ? 0 : (double)count * 1e9 / (double)ns;
}

static double milliseconds(uint64_t ns)
{
    return (double)ns / 1e6;
}

struct number {
    char text[24];
};

/* A partition without a maximum of its own says UINT64_MAX. */
static struct number maximum_text(uint64_t bytes, const char *none)
{
    struct number number;
    if (bytes == UINT64_MAX)
        snprintf(number.text, sizeof number.text, "%s", none);
    else
        snprintf(number.text, sizeof number.text, "%" PRIu64, bytes);
    return number;
}

static void print_memory_text(const struct wrt_partition_info *at,
                              const struct wrt_partition_info *end)
{
    fprintf(stderr, "%-12s %14s %14s %14s\n", "memory", "instantiated", "at end", "high-water");
    for (int i = 0; i < WRT_CHARGE_COUNT; i++)
        if (end->peak_bytes[i] != 0)
            fprintf(stderr, "  %-10s %14" PRIu64 " %14" PRIu64 " %14" PRIu64 "\n", wrt_charge_name((enum wrt_charge)i),
                    at->current_bytes[i], end->current_bytes[i], end->peak_bytes[i]);
    fprintf(stderr, "  %-10s %14" PRIu64 " %14" PRIu64 " %14" PRIu64 "\n", "total",
            at->used_bytes, end->used_bytes, end->high_water_bytes);
    fprintf(stderr, "  limits: minimum %" PRIu64 ", maximum %s, reserved %" PRIu64
                    " bytes; %" PRIu64 " refusals\n",
            end->min_bytes, maximum_text(end->max_bytes, "none").text, end->reserved_bytes,
            end->refusals);
}

static void print_memory_json(const struct wrt_partition_info *at,
                              const struct wrt_partition_info *end)
{
    fprintf(stderr,
            "{\"memory\":{\"minimum\":%" PRIu64 ",\"maximum\":%s,\"reserved\":%" PRIu64
            ",\"instantiated\":%" PRIu64 ",\"current\":%" PRIu64 ",\"high_water\":%" PRIu64
            ",\"refusals\":%" PRIu64 ",\"kinds\":{",
            end->min_bytes, maximum_text(end->max_bytes, "null").text, end->reserved_bytes,
            at->used_bytes, end->used_bytes, end->high_water_bytes, end->refusals);
    for (int i = 0; i < WRT_CHARGE_COUNT; i++)
        fprintf(stderr,
                "%s\"%s\":{\"instantiated\":%" PRIu64 ",\"current\":%" PRIu64
                ",\"high_water\":%" PRIu64 "}",
                i > 0 ? "," : "", wrt_charge_name((enum wrt_charge)i), at->current_bytes[i], end->current_bytes[i],
                end->peak_bytes[i]);
    fputs("}}", stderr);
}

void cli_print_stats(const struct cli_session *session, uint64_t run_ns, bool json)
{
    struct wrt_partition_info end;
    wrt_partition_get_info(session->partition, &end);
    uint64_t fuel = wrt_store_fuel_used(session->store);
    double rate = per_second(fuel, run_ns);
    fflush(stdout);
    if (json) {
        print_memory_json(&session->instantiated, &end);
        fprintf(stderr,
                ",\"fuel\":%" PRIu64 ",\"instructions_per_second\":%.0f,\"load_ms\":%.3f,"
                "\"instantiate_ms\":%.3f,\"run_ms\":%.3f}\n",
                fuel, rate, milliseconds(session->load_ns), milliseconds(session->instantiate_ns),
                milliseconds(run_ns));
        return;
    }
    print_memory_text(&session->instantiated, &end);
    fprintf(stderr, "fuel         %14" PRIu64 " used, %.1f million instructions per second\n", fuel,
            rate / 1e6);
    fprintf(stderr, "time         %14.3f ms load, %.3f ms instantiate, %.3f ms run\n",
            milliseconds(session->load_ns), milliseconds(session->instantiate_ns),
            milliseconds(run_ns));
}

void cli_print_footprint(const struct wrt_partition_info *info, bool json)
{
    if (json) {
        printf("{\"instantiated\":%" PRIu64 ",\"high_water\":%" PRIu64 ",\"kinds\":{",
               info->used_bytes, info->high_water_bytes);
        for (int i = 0; i < WRT_CHARGE_COUNT; i++)
            printf("%s\"%s\":{\"instantiated\":%" PRIu64 ",\"high_water\":%" PRIu64 "}",
                   i > 0 ? "," : "", wrt_charge_name((enum wrt_charge)i), info->current_bytes[i], info->peak_bytes[i]);
        puts("}}");
        return;
    }
    printf("%-12s %14s %14s\n", "footprint", "instantiated", "high-water");
    for (int i = 0; i < WRT_CHARGE_COUNT; i++)
        if (info->peak_bytes[i] != 0)
            printf("  %-10s %14" PRIu64 " %14" PRIu64 "\n", wrt_charge_name((enum wrt_charge)i), info->current_bytes[i],
                   info->peak_bytes[i]);
    printf("  %-10s %14" PRIu64 " %14" PRIu64 "\n", "total", info->used_bytes,
           info->high_water_bytes);
}
