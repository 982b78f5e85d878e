/* Writes what it counts to a file and the standard output, slowly enough to be paused between.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    unsigned state = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    FILE *file = fopen("/data/journal", "w+");
    if (file == NULL)
        return 1;
    for (int line = 0; line < 20; line++) {
        for (int i = 0; i < 5000; i++)
            state = state * 1103515245 + 12345;
        fprintf(file, "%d %u\n", line, state);
        fflush(file);
    }
    printf("%s %ld %u\n", getenv("NAME") ? getenv("NAME") : "nobody", ftell(file), state);
    return 7;
}
