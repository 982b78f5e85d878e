/* replay.c - runs a fuzz target over files and folders, for builds without libFuzzer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 1 << 20 };

static unsigned replay(const char *path)
{
    static uint8_t input[MAX_INPUT_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    /* an exact copy, so that the address sanitizer sees a read past the end */
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < size; i++)
        copy[i] = input[i];
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 1;
}

int main(int argc, char **argv)
{
    unsigned inputs = 0;
    FTS *tree = argc < 2 ? NULL : fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    const FTSENT *entry;
    while ((entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_F)
            inputs += replay(entry->fts_path);
    }
    fts_close(tree);
    printf("%u inputs\n", inputs);
    return inputs == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
