/* differ.c - wrt's half of the comparison with node: generates modules, runs them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * differ FOLDER FIRST COUNT: for each number from FIRST on writes FOLDER/NUMBER.wasm, and
 * FOLDER/NUMBER.txt, which tells differ.js the types it cannot ask for; prints what came
 * of each run. The same numbers give the same modules, whenever and wherever.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate.h"
#include "transcript.h"

enum { MAX_DECISIONS = 6000, MAX_MODULE_BYTES = 1 << 16 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t generate(uint64_t number, uint8_t *module)
{
    static uint8_t decisions[MAX_DECISIONS];
    uint64_t state = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    size_t count = 20 + next_random(&state) % (MAX_DECISIONS - 20);
    for (size_t i = 0; i < count; i++)
        decisions[i] = (uint8_t)(next_random(&state) >> 24);
    return generate_module(decisions, count,
                           GENERATE_TAIL_CALL | GENERATE_EXTENDED_CONST | GENERATE_SIMD |
                               GENERATE_ATOMICS,
                           module,
                           MAX_MODULE_BYTES);
}

static FILE *open_output(const char *folder, uint64_t number, const char *extension)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%" PRIu64 ".%s", folder, number, extension);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return file;
}

static void print_types(FILE *file, const wrt_type *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fprintf(file, "%s%s", i == 0 ? "" : ",", wrt_value_type_name(types[i]));
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
        fprintf(file, "%s", wrt_value_type_name(type->global.content));
    } else if (type->kind == WRT_EXTERN_TABLE) {
        fprintf(file, "%s", wrt_value_type_name(type->table.element));
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

/* A module that does not load leaves an empty description; its transcript says why. */
static void describe(const char *folder, uint64_t number, const uint8_t *bytes, size_t size)
{
    struct wrt_partition *partition;
    struct wrt_module *module;
    FILE *file = open_output(folder, number, "txt");
    if (wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, NULL) == WRT_OK) {
        if (wrt_module_load(partition, NULL, bytes, size, &module, NULL) == WRT_OK) {
            write_types(file, module);
            if (wrt_module_destroy(module) != WRT_OK)
                abort();
        }
        if (wrt_partition_destroy(partition, NULL) != WRT_OK)
            abort();
    }
    fclose(file);
}

static bool run(const char *folder, uint64_t number)
{
    static uint8_t module[MAX_MODULE_BYTES];
    static struct transcript transcript;
    const struct transcript_options options = {.generated = true, .coarse = true};
    size_t size = generate(number, module);
    FILE *file = open_output(folder, number, "wasm");
    fwrite(module, 1, size, file);
    fclose(file);
    describe(folder, number, module, size);
    bool sound = transcript_run(module, size, &options, &transcript);
    printf("module %" PRIu64 "\n%s", number, transcript.text);
    return sound;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: differ FOLDER FIRST COUNT\n");
        return 2;
    }
    uint64_t first = strtoull(argv[2], NULL, 10), count = strtoull(argv[3], NULL, 10);
    bool sound = true;
    for (uint64_t i = 0; i < count; i++)
        sound = run(argv[1], first + i) && sound;
    return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}
