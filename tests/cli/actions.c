/* tests/cli/actions.c - does one thing that a guest may be granted or refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int copy(const char *path)
{
    char line[80];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        return 1;
    }
    while (fgets(line, sizeof line, file) != NULL)
        fputs(line, stdout);
    return fclose(file);
}

static int create(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        return 1;
    }
    fputs("written\n", file);
    return fclose(file);
}

static int variables(void)
{
    int count = 0;
    for (char **e = environ; e != NULL && *e != NULL; e++, count++)
        puts(*e);
    printf("%d variables\n", count);
    return 0;
}

static int clocks(int resolution)
{
    struct timespec time;
    int status = resolution ? clock_getres(CLOCK_MONOTONIC, &time) : clock_gettime(CLOCK_REALTIME, &time);
    if (status != 0) {
        fputs("no clock\n", stderr);
        return 1;
    }
    if (resolution)
        printf("resolution %ld\n", time.tv_nsec);
    else
        puts(time.tv_sec > 0 ? "clock works" : "clock stands at zero");
    return 0;
}

static int random_number(void)
{
    unsigned value;
    if (getentropy(&value, sizeof value) != 0) {
        fputs("no random numbers\n", stderr);
        return 1;
    }
    printf("%u\n", value);
    return 0;
}

int main(int argc, char **argv)
{
    const char *action = argc > 1 ? argv[1] : "";
    const char *what = argc > 2 ? argv[2] : "0";
    if (strcmp(action, "exit") == 0)
        exit(atoi(what));
    if (strcmp(action, "return") == 0)
        return atoi(what);
    if (strcmp(action, "read") == 0)
        return copy(what);
    if (strcmp(action, "write") == 0)
        return create(what);
    if (strcmp(action, "variables") == 0)
        return variables();
    if (strcmp(action, "clock") == 0 || strcmp(action, "resolution") == 0)
        return clocks(strcmp(action, "resolution") == 0);
    return strcmp(action, "random") == 0 ? random_number() : 0;
}
