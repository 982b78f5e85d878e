/* differ.c - generated modules, interpreted and compiled: all that can be seen must be the same.
 * SPDX-License-Identifier: Apache-2.0
 *
 * aot_differ FOLDER COMPILE FIRST COUNT [vectors]: for each number from FIRST on generates a module,
 * with vectors if they are named, has it compiled by the command COMPILE -o OBJECT MODULE, and compares the transcripts of both forms
 * (traps by class, NaNs as such: wasm2c leaves both open). Modules that the command does not
 * translate are counted, not compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "generate.h"
#include "transcript.h"

enum { MAX_DECISIONS = 6000, MAX_MODULE_BYTES = 1 << 16, MAX_OBJECT_BYTES = 16 << 20,
       NOT_TRANSLATED = 250 };

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
    const size_t count = 20 + next_random(&state) % (MAX_DECISIONS - 20);
    for (size_t i = 0; i < count; i++)
        decisions[i] = (uint8_t)(next_random(&state) >> 24);
    return generate_module(decisions, count, features, module, MAX_MODULE_BYTES);
}

static bool write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    const bool ok = file != NULL && fwrite(bytes, 1, size, file) == size;
    return file != NULL && fclose(file) == 0 && ok;
}

static size_t read_file(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    const size_t size = file != NULL ? fread(bytes, 1, MAX_OBJECT_BYTES, file) : 0;
    if (file != NULL)
        fclose(file);
    return size;
}

enum outcome { SAME, DIFFERENT, LEFT_OUT };

static enum outcome compare(const uint8_t *module, size_t size, struct wrt_native *native)
{
    static struct transcript interpreted, compiled;
    struct transcript_options options = {.generated = true, .coarse = true};
    interpreted = compiled = (struct transcript){0};
    bool sound = transcript_run(module, size, &options, &interpreted);
    options.native = wrt_native_get_object(native);
    sound = transcript_run(module, size, &options, &compiled) && sound;
    if (sound && strcmp(interpreted.text, compiled.text) == 0)
        return SAME;
    printf("---- interpreted\n%s---- compiled\n%s----\n", interpreted.text, compiled.text);
    return DIFFERENT;
}

static enum outcome try_module(const char *folder, const char *command, uint64_t number,
                               unsigned features)
{
    static uint8_t module[MAX_MODULE_BYTES], object[MAX_OBJECT_BYTES];
    char wasm[1024], so[1024], line[4096];
    struct wrt_partition *partition = NULL;
    struct wrt_native *native = NULL;
    struct wrt_error error = {0};
    const size_t size = generate(number, features, module);
    snprintf(wasm, sizeof wasm, "%s/differ.wasm", folder);
    snprintf(so, sizeof so, "%s/differ.so", folder);
    snprintf(line, sizeof line, "%s -o %s %s 2>%s/differ.log", command, so, wasm, folder);
    const int status = write_file(wasm, module, size) ? system(line) : -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_TRANSLATED)
        return LEFT_OUT;
    if (status != 0) {
        printf("%s: status %d\n", line, status);
        return DIFFERENT;
    }
    enum outcome outcome = DIFFERENT;
    if (wrt_partition_create(NULL, NULL, &partition, &error) == WRT_OK &&
        wrt_native_open(partition, object, read_file(so, object), NULL, &native, &error) == WRT_OK)
        outcome = compare(module, size, native);
    else
        printf("%s\n", error.text);
    wrt_native_close(native);
    if (partition != NULL && wrt_partition_destroy(partition, &error) != WRT_OK)
        outcome = DIFFERENT;
    return outcome;
}

int main(int argc, char **argv)
{
    if (argc != 5 && (argc != 6 || strcmp(argv[5], "vectors") != 0)) {
        fprintf(stderr, "usage: aot_differ FOLDER COMPILE FIRST COUNT [vectors]\n");
        return 2;
    }
    const uint64_t first = strtoull(argv[3], NULL, 10), count = strtoull(argv[4], NULL, 10);
    const unsigned features = GENERATE_EXTENDED_CONST | (argc == 6 ? GENERATE_SIMD : 0);
    uint64_t outcomes[3] = {0};
    for (uint64_t n = first; n < first + count; n++) {
        const enum outcome outcome = try_module(argv[1], argv[2], n, features);
        outcomes[outcome]++;
        if (outcome == DIFFERENT)
            printf("module %" PRIu64 " differs\n", n);
    }
    printf("%" PRIu64 " modules the same, %" PRIu64 " differ, %" PRIu64 " not translated\n",
           outcomes[SAME], outcomes[DIFFERENT], outcomes[LEFT_OUT]);
    return outcomes[DIFFERENT] != 0 || outcomes[SAME] == 0;
}
