/* file.c - a whole file in memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "spectest.h"

static char *read_stream(FILE *stream, size_t max_bytes, size_t *out_size)
{
    size_t capacity = 65536, size = 0;
    char *bytes = malloc(capacity + 1);
    while (bytes != NULL) {
        size += fread(bytes + size, 1, capacity - size, stream);
        if (size < capacity)
            break;
        capacity *= 2;
        char *larger = capacity > max_bytes * 2 ? NULL : realloc(bytes, capacity + 1);
        if (larger == NULL)
            free(bytes);
        bytes = larger;
    }
    if (bytes == NULL)
        return NULL;
    if (ferror(stream) || size > max_bytes) {
        free(bytes);
        return NULL;
    }
    bytes[size] = '\0';
    *out_size = size;
    return bytes;
}

char *file_read(const char *path, size_t max_bytes, size_t *out_size)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return NULL;
    char *bytes = read_stream(stream, max_bytes, out_size);
    fclose(stream);
    return bytes;
}
