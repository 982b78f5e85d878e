/* cut.c - a power cut, for a program that is run with this library preloaded.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The CUT-th of its calls of fsync, fclose and rename, or its end, does not happen any more. What was
 * written and not synchronised is then lost: a file that took another's name before its bytes were on the
 * disk is there, and empty, as journalling file systems may leave it. CUT_FORGETS: no fsync counts.
 * Only in `wrt` itself, not in the compilers that it starts: what they write is in a temporary folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUT_STATUS = 99, MOST_SYNCED = 16 };

static char synced[MOST_SYNCED][PATH_MAX], lost[PATH_MAX];
static int synced_count, events;

static void event(void)
{
    const char *when = getenv("CUT");

    if (when == NULL || strcmp(program_invocation_short_name, "wrt") != 0 || ++events != atoi(when))
        return;
    if (lost[0] != '\0' && truncate(lost, 0) != 0)
        _exit(1);
    _exit(CUT_STATUS);
}

static void path_of(int file, char out[PATH_MAX])
{
    char link[64];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    size = readlink(link, out, PATH_MAX - 1);
    out[size < 0 ? 0 : size] = '\0';
}

int fsync(int file)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

    event();
    if (getenv("CUT_FORGETS") == NULL && synced_count < MOST_SYNCED)
        path_of(file, synced[synced_count++]);
    return next(file);
}

int fclose(FILE *file)
{
    int (*next)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");

    event();
    return next(file);
}

static bool is_synced(const char *path)
{
    for (int i = 0; i < synced_count; i++)
        if (strcmp(synced[i], path) == 0)
            return true;
    return false;
}

int rename(const char *from, const char *to)
{
    int (*next)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    char whole[PATH_MAX];

    event();
    if (realpath(from, whole) != NULL && !is_synced(whole))
        snprintf(lost, sizeof lost, "%s", to);
    return next(from, to);
}

__attribute__((destructor)) static void end(void)
{
    event();
}
