/* fuzz_load.c - fuzz target: any bytes to the loader, whole, in pieces, in small partitions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: one byte that picks a partition's size, three that seed the pieces, the module.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partition_live.h"
#include "transcript.h"

enum { CONTROL_BYTES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum wrt_status status;
    struct wrt_error error;
    uint64_t peak_bytes;
};

static void require(bool condition, const char *what, const struct outcome *outcome)
{
    if (condition)
        return;
    fprintf(stderr, "broken: %s; %s at %" PRIu64 ": %s\n", what, wrt_status_name(outcome->status),
            outcome->error.byte_offset, outcome->error.text);
    abort();
}

static void walk_items(const struct wrt_module *module, const struct wrt_module_info *info)
{
    const uint32_t counts[] = {info->function_count, info->table_count, info->memory_count,
                               info->global_count};
    struct wrt_extern_type type;
    for (unsigned kind = 0; kind < 4; kind++) {
        for (uint32_t i = 0; i < counts[kind]; i++) {
            if (wrt_module_get_item(module, (enum wrt_extern_kind)kind, i, &type) != WRT_OK)
                abort();
        }
        if (wrt_module_get_item(module, (enum wrt_extern_kind)kind, counts[kind], &type) !=
            WRT_ERR_BOUNDS)
            abort();
    }
    for (uint32_t i = 0; i < info->function_count && i < 1000; i++)
        wrt_module_function_name(module, i);
}

/* Asks the module for everything it knows about itself. */
static void walk(const struct wrt_module *module, size_t size)
{
    struct wrt_module_info info;
    struct wrt_module_import import;
    struct wrt_module_export export;
    struct wrt_module_custom custom;
    wrt_module_get_info(module, &info);
    for (uint32_t i = 0; i < info.import_count; i++) {
        if (wrt_module_get_import(module, i, &import) != WRT_OK)
            abort();
    }
    for (uint32_t i = 0; i < info.export_count; i++) {
        if (wrt_module_get_export(module, i, &export) != WRT_OK)
            abort();
    }
    for (uint32_t i = 0; i < info.custom_section_count; i++) {
        if (wrt_module_get_custom(module, i, &custom) != WRT_OK ||
            custom.byte_offset > size || custom.size_bytes > size - custom.byte_offset)
            abort();
    }
    if (info.module_bytes != size)
        abort();
    walk_items(module, &info);
}

static void check_refusal(const struct outcome *outcome, size_t size)
{
    bool bytes_are_bad =
        outcome->status == WRT_ERR_MALFORMED || outcome->status == WRT_ERR_INVALID ||
        outcome->status == WRT_ERR_UNSUPPORTED || outcome->status == WRT_ERR_LIMIT;
    bool too_small =
        outcome->status == WRT_ERR_PARTITION_MAX || outcome->status == WRT_ERR_NO_MEMORY;
    require(bytes_are_bad || too_small, "a status that loading does not have", outcome);
    require(outcome->error.status == outcome->status, "the error has another status", outcome);
    require(outcome->error.text[0] != '\0', "a refusal without a text", outcome);
    require(memchr(outcome->error.text, '\0', sizeof outcome->error.text) != NULL,
            "a text without an end", outcome);
    require(!bytes_are_bad || outcome->error.has_offset, "a refusal without an offset", outcome);
    require(outcome->error.byte_offset <= size, "an offset outside of the module", outcome);
}

/* Loads once and gives everything back. */
static struct outcome load(const uint8_t *bytes, size_t size, uint64_t max_bytes,
                           uint32_t chunk_seed)
{
    const struct wrt_partition_config config = {.name = "fuzz", .max_bytes = max_bytes};
    struct outcome outcome = {.error = {.text = ""}};
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_partition_info info;
    outcome.status = wrt_partition_create(NULL, &config, &partition, &outcome.error);
    if (outcome.status != WRT_OK) { /* too small for its own control block */
        require(outcome.status == WRT_ERR_PARTITION_MAX, "no partition", &outcome);
        return outcome;
    }
    outcome.status = load_in_chunks(partition, bytes, size, chunk_seed, &module, &outcome.error);
    if (outcome.status == WRT_OK) {
        walk(module, size);
        require(wrt_module_destroy(module) == WRT_OK, "the module is not destroyed", &outcome);
    } else {
        check_refusal(&outcome, size);
    }
    wrt_partition_get_info(partition, &info);
    outcome.peak_bytes = info.high_water_bytes;
    require(partition_live_bytes(partition) == 0, "the partition does not return to zero", &outcome);
    require(info.high_water_bytes <= info.max_bytes, "more was used than allowed", &outcome);
    require(wrt_partition_destroy(partition, NULL) == WRT_OK, "no destroy", &outcome);
    return outcome;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->status == b->status && a->error.byte_offset == b->error.byte_offset &&
           strcmp(a->error.text, b->error.text) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint64_t plenty = UINT64_C(1) << 30;
    if (size < CONTROL_BYTES)
        return 0;
    uint32_t seed = 1u + ((uint32_t)data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16);
    const uint8_t *bytes = data + CONTROL_BYTES;
    size -= CONTROL_BYTES;
    struct outcome whole = load(bytes, size, plenty, 0);
    struct outcome pieces = load(bytes, size, plenty, seed);
    require(same(&whole, &pieces), "pieces end differently", &pieces);
    if (data[0] < 128)
        return 0;
    uint64_t limit = 1 + whole.peak_bytes * (data[0] - 128u) / 128u;
    struct outcome small = load(bytes, size, limit, seed);
    require(small.status == WRT_ERR_PARTITION_MAX || same(&whole, &small),
            "a small partition ends differently", &small);
    return 0;
}
