/* skips.c - the table of expected skips: a line per script, "NAME: reason N, reason N".
 * SPDX-License-Identifier: Apache-2.0
 *
 * A skip that nobody expects is how a broken feature hides, so the runner compares what
 * was skipped with this table and counts each difference as a failure, in both directions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spectest.h"

struct skip_table {
    char *text; /* lines cut apart by NUL */
    size_t size_bytes;
};

enum { MAX_TABLE_BYTES = 1 << 20 };

struct skip_table *skip_table_read(const char *path)
{
    struct skip_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    table->text = file_read(path, MAX_TABLE_BYTES, &table->size_bytes);
    if (table->text == NULL) {
        fprintf(stderr, "wrt-spectest: cannot read the table of skips %s\n", path);
        free(table);
        return NULL;
    }
    for (size_t i = 0; i < table->size_bytes; i++) {
        if (table->text[i] == '\n')
            table->text[i] = '\0';
    }
    return table;
}

const char *skip_table_find(struct skip_table *table, const char *script)
{
    size_t name_bytes = strlen(script);
    const char *end = table->text + table->size_bytes;
    for (const char *line = table->text; line < end; line += strlen(line) + 1) {
        if (strncmp(line, script, name_bytes) == 0 && strncmp(line + name_bytes, ": ", 2) == 0)
            return line + name_bytes + 2;
    }
    return "";
}

void skip_table_free(struct skip_table *table)
{
    if (table != NULL)
        free(table->text);
    free(table);
}
