/* fuzz_environment.c - fuzz target: variables of the environment that arenas are set up by.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: pieces, each a variable's number and its text. What is accepted must work: an arena of
 * that configuration gives blocks and takes them back, in a partition with an end.
 */
#include "decide.h"

#include <string.h>

static const char *const variables[] = {
    "WRT_ARENA_SIZE", "WRT_ARENA_CACHE_MAXBLK", "WRT_ARENA_CACHE_MAXSZ", "WRT_MEMORY_HOLD",
    "WRT_MEMORY_PREALLOCATE", "WRT_FREE_LIFO", "WRT_ARENA_TAGS",
};
enum { VARIABLES = sizeof variables / sizeof *variables, MAX_TEXT = 30 };

static void set_variables(struct decisions *from)
{
    for (unsigned i = 0; i < VARIABLES; i++)
        unsetenv(variables[i]);
    while (from->left > 0) {
        const char *name = variables[decide_byte(from) % VARIABLES];
        struct decisions piece = decide_piece(from, MAX_TEXT);
        char text[MAX_TEXT + 1] = {0};

        if (piece.left > 0)
            memcpy(text, piece.at, piece.left);
        setenv(name, text, 1);
    }
}

/* As the documents have it: digits alone. */
static bool is_plain_number(const char *text)
{
    return text == NULL || (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0');
}

static void use(struct wrt_partition *partition)
{
    void *block[8];
    unsigned got = 0;

    while (got < 8 && wrt_partition_allocate(partition, WRT_CHARGE_HOST, (size_t)1 << 2 * got, 0,
                                             &block[got], NULL) == WRT_OK) {
        memset(block[got], 0x5A, (size_t)1 << 2 * got);
        got++;
    }
    while (got-- > 0)
        wrt_partition_free(partition, WRT_CHARGE_HOST, block[got], (size_t)1 << 2 * got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct wrt_partition_config limits = {.max_bytes = 4 << 20};
    struct decisions from = {data, size};
    struct wrt_arena_config config = {.large_bytes = 12345}, before = config;
    struct wrt_partition *partition;
    struct wrt_error error = {0};
    enum wrt_status status;

    set_variables(&from);
    status = wrt_arena_config_from_environment(&config, &error);
    FUZZ_REQUIRE(status == WRT_OK || status == WRT_ERR_ARGUMENT);
    if (status != WRT_OK) {
        FUZZ_REQUIRE(memcmp(&config, &before, sizeof config) == 0);
        FUZZ_REQUIRE(strstr(error.text, "WRT_") != NULL);
    }
    for (unsigned i = 0; i < VARIABLES && status == WRT_OK; i++)
        FUZZ_REQUIRE(is_plain_number(getenv(variables[i])));
    if (wrt_partition_create(NULL, &limits, &partition, &error) == WRT_OK) {
        use(partition);
        FUZZ_REQUIRE(wrt_partition_destroy(partition, &error) == WRT_OK);
    }
    return 0;
}
