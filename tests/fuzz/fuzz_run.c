/* fuzz_run.c - fuzz target: modules that run, straight and paused, whole and in pieces, in one
 * store and moved to another by snapshots.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: a byte that says whether the rest is a module (even) or the decisions of the
 * generator (odd), one for the fuel between two pauses, one that seeds the pieces.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "transcript.h"

enum { CONTROL_BYTES = 3, MAX_GENERATED_BYTES = 1 << 16, FUEL = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return;
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static void compare(const struct transcript *straight, const struct transcript *other,
                    const uint8_t *bytes, size_t size)
{
    if (straight->size == other->size && strcmp(straight->text, other->text) == 0)
        return;
    fprintf(stderr, "broken: two runs differ (the module is in fuzz_run.wasm)\n%s----\n%s",
            straight->text, other->text);
    write_file("fuzz_run.wasm", bytes, size);
    abort();
}

static void check(const uint8_t *bytes, size_t size, bool generated, uint64_t pause_every,
                  uint32_t seed)
{
    static struct transcript straight, paused;
    const struct transcript_options plain = {.fuel = FUEL, .generated = generated};
    const struct transcript_options pieces = {
        .fuel = FUEL, .generated = generated, .pause_every = pause_every, .chunk_seed = seed,
        .snapshots = true};
    if (!transcript_run(bytes, size, &plain, &straight) ||
        !transcript_run(bytes, size, &pieces, &paused)) {
        fprintf(stderr, "%s----\n%s", straight.text, paused.text);
        write_file("fuzz_run.wasm", bytes, size);
        abort();
    }
    compare(&straight, &paused, bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t module[MAX_GENERATED_BYTES];
    if (size < CONTROL_BYTES)
        return 0;
    bool generated = (data[0] & 1) != 0;
    uint64_t pause_every = 1 + 2 * (uint64_t)data[1];
    uint32_t seed = 1u + data[2];
    const uint8_t *bytes = data + CONTROL_BYTES;
    size -= CONTROL_BYTES;
    if (generated) {
        size = generate_module(bytes, size, GENERATE_ALL, module, sizeof module);
        bytes = module;
    }
    check(bytes, size, generated, pause_every, seed);
    return 0;
}
