/* differ.c - wrt's half of the comparison with node: generates modules, runs them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * differ FIRST COUNT FEATURES: for each number from FIRST on writes to the standard output
 *   NUMBER SIZE SIZE SIZE, a line of the sizes of what follows:
 *   the module, the types that differ.js cannot ask for, what came of the run.
 * FEATURES is a sum of enum generate_features: what the other engine has. Each module uses some
 * of them. The same numbers give the same modules, whenever and wherever.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate.h"
#include "transcript.h"

enum { MAX_DECISIONS = 6000, MAX_MODULE_BYTES = 1 << 16, MAX_TYPES_BYTES = 1 << 14, ROUNDS = 4 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t generate(uint64_t number, unsigned features, uint8_t *module)
{
    static uint8_t decisions[MAX_DECISIONS];
    uint64_t state = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    size_t count = 20 + next_random(&state) % (MAX_DECISIONS - 20);
    const unsigned all = (next_random(&state) & 0x300) == 0 ? GENERATE_ALL : 0;
    for (size_t i = 0; i < count; i++)
        decisions[i] = (uint8_t)(next_random(&state) >> 24);
    features &= (unsigned)(next_random(&state) >> 32) | all;
    return generate_module(decisions, count, features, module, MAX_MODULE_BYTES);
}

/* What JavaScript gives as an argument of the type, and what it may not touch. */
static const char *type_name(wrt_type type)
{
    switch (type) {
    case WRT_I32: case WRT_I64: case WRT_F32: case WRT_F64: case WRT_V128: case WRT_FUNCREF:
    case WRT_EXTERNREF: case WRT_EXNREF: return wrt_value_type_name(type);
    case WRT_ANYREF: case WRT_EQREF: case WRT_I31REF: return "i31ref";
    default: return "ref";
    }
}

static void print_types(FILE *file, const wrt_type *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fprintf(file, "%s%s", i == 0 ? "" : ",", type_name(types[i]));
}

static void print_item(FILE *file, const char *what, struct wrt_bytes name,
                       const struct wrt_extern_type *type)
{
    fprintf(file, "%s %.*s ", what, (int)name.size_bytes, (const char *)name.data);
    if (type->kind == WRT_EXTERN_FUNCTION) {
        print_types(file, type->function.parameters, type->function.parameter_count);
        fprintf(file, ":");
        print_types(file, type->function.results, type->function.result_count);
    } else if (type->kind == WRT_EXTERN_GLOBAL) {
        fprintf(file, "%s", type_name(type->global.content));
    } else if (type->kind == WRT_EXTERN_TABLE) {
        fprintf(file, "%s", type_name(type->table.element));
    } else if (type->kind == WRT_EXTERN_TAG) {
        print_types(file, type->tag.parameters, type->tag.parameter_count);
    }
    fprintf(file, "\n");
}

static void write_types(FILE *file, const struct wrt_module *module)
{
    struct wrt_module_info info;
    struct wrt_module_import import;
    struct wrt_module_export export;
    wrt_module_get_info(module, &info);
    for (uint32_t i = 0; i < info.import_count; i++) {
        if (wrt_module_get_import(module, i, &import) == WRT_OK)
            print_item(file, "import", import.name, &import.type);
    }
    for (uint32_t i = 0; i < info.export_count; i++) {
        if (wrt_module_get_export(module, i, &export) == WRT_OK)
            print_item(file, "export", export.name, &export.type);
    }
}

/* A module that does not load has an empty description; its transcript says why. */
static void describe(FILE *file, struct wrt_partition *partition, const uint8_t *bytes, size_t size)
{
    struct wrt_module *module;
    if (wrt_module_load(partition, NULL, bytes, size, &module, NULL) != WRT_OK)
        return;
    write_types(file, module);
    if (wrt_module_destroy(module) != WRT_OK)
        abort();
}

static bool run(struct wrt_partition *partition, uint64_t number, unsigned features)
{
    static uint8_t module[MAX_MODULE_BYTES];
    static char types[MAX_TYPES_BYTES];
    static struct transcript transcript;
    const struct transcript_options options = {
        .generated = true, .coarse = true, .rounds = ROUNDS};
    const size_t size = generate(number, features, module);
    FILE *file = fmemopen(types, sizeof types, "w");
    if (file == NULL)
        return false;
    describe(file, partition, module, size);
    const long types_size = ftell(file);
    fclose(file);
    const bool sound = transcript_run(module, size, &options, &transcript);
    if (types_size < 0 || types_size >= MAX_TYPES_BYTES || transcript.size >= sizeof transcript.text)
        return false;
    printf("%" PRIu64 " %zu %ld %zu\n", number, size, types_size, transcript.size);
    fwrite(module, 1, size, stdout);
    fwrite(types, 1, (size_t)types_size, stdout);
    fwrite(transcript.text, 1, transcript.size, stdout);
    return sound;
}

int main(int argc, char **argv)
{
    struct wrt_partition *partition;
    if (argc != 4) {
        fprintf(stderr, "usage: differ FIRST COUNT FEATURES\n");
        return 2;
    }
    uint64_t first = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10);
    const unsigned features = (unsigned)strtoul(argv[3], NULL, 10);
    bool sound = wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, NULL) ==
                 WRT_OK;
    for (uint64_t i = 0; i < count && sound; i++)
        sound = run(partition, first + i, features);
    if (!sound)
        fprintf(stderr, "differ: something is broken, see the last module\n");
    return sound && wrt_partition_destroy(partition, NULL) == WRT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
