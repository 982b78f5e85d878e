/* port/linux/resctrl.c - see resctrl.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Intel's CAT, AMD's and Arm's like of it (MPAM), by the kernel's file system for them, where somebody
 * mounted it. A group is a folder ROOT/wrt-HOST-PROCESS: `schemata` has a line for each kind of
 * cache, "L3:0=ff;1=ff", a mask for each cache of that kind, and `tasks` takes the process, whose
 * threads to come are in it too. Groups of hosts that ended without cleaning up are removed by the next
 * one that needs a group. What may fill a way does not decide who may hit in it.
 */
#define _GNU_SOURCE
#include "resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "group.h"

enum { MOST_PATH = 300, MOST_TEXT = 1024 };

static bool group_path(const char *root, pid_t process, const char *file, char *out)
{
    return snprintf(out, MOST_PATH, "%s/wrt-%d-%d%s", root, (int)getpid(), (int)process, file) <
           MOST_PATH;
}

static bool read_file(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, text, MOST_TEXT - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The kernel takes a line whole, or refuses it. */
static bool write_file(const char *path, const char *text)
{
    size_t length = strlen(text);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
    bool is_written;

    if (fd < 0)
        return false;
    is_written = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return is_written;
}

/* The line of the last level that there is: "L3:0=ff;1=ff", or code and data apart ("L3CODE:",
 * "L3DATA:"), then both. Each mask is replaced. */
static bool divide_line(const char *line, size_t length, uint64_t ways, char *out, size_t size)
{
    size_t used = 0;

    for (size_t at = 0; at < length; at++) {
        int wrote = snprintf(out + used, size - used, "%c", line[at]);

        if (line[at] == '=') {
            wrote = snprintf(out + used, size - used, "=%" PRIx64, ways);
            at += strspn(line + at + 1, "0123456789abcdefABCDEF");
        }
        if (wrote < 0 || (size_t)wrote >= size - used)
            return false;
        used += (size_t)wrote;
    }
    return used != 0;
}

/* Is this the line of a cache of that level? Others are about bandwidth. */
static bool is_of_level(const char *line, char level)
{
    return line[0] == 'L' && line[1] == level && strchr(":CD", line[2]) != NULL && line[2] != '\0';
}

/* What to write: the lines of one level with their masks replaced; "" where there is none. */
static bool divide(const char *schemata, char level, uint64_t ways, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    while (*schemata != '\0') {
        size_t length;

        schemata += strspn(schemata, " \n");
        length = strcspn(schemata, "\n");
        if (length >= 3 && is_of_level(schemata, level)) {
            if (!divide_line(schemata, length, ways, out + used, MOST_TEXT - 1 - used))
                return false;
            used += strlen(out + used);
            memcpy(out + used, "\n", 2);
            used++;
        }
        schemata += length;
    }
    return used != 0;
}

static void remove_if_stale(const char *name, void *context)
{
    const char *root = context;
    char path[MOST_PATH];
    long host;

    if (strncmp(name, "wrt-", 4) != 0)
        return;
    host = strtol(name + 4, NULL, 10);
    if (host <= 0 || kill((pid_t)host, 0) == 0 || errno != ESRCH)
        return;
    if (snprintf(path, sizeof path, "%s/%s", root, name) < (int)sizeof path)
        (void)rmdir(path);
}

static bool make_group(const char *root, const char *path)
{
    char own[MOST_PATH];

    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return true;
    if (errno != ENOSPC || snprintf(own, sizeof own, "%s", root) >= (int)sizeof own)
        return false;
    (void)wrt_linux_list(own, remove_if_stale, own); /* processors have few groups */
    return mkdir(path, 0755) == 0;
}

bool wrt_linux_resctrl_limit(const char *root, pid_t process, uint64_t ways)
{
    char path[MOST_PATH], schemata[MOST_TEXT], lines[MOST_TEXT], number[16];

    if (snprintf(path, sizeof path, "%s/schemata", root) >= (int)sizeof path ||
        !read_file(path, schemata) ||
        !(divide(schemata, '3', ways, lines) || divide(schemata, '2', ways, lines)) ||
        !group_path(root, process, "", path) || !make_group(root, path))
        return false;
    snprintf(number, sizeof number, "%d\n", (int)process);
    if (group_path(root, process, "/schemata", path) && write_file(path, lines) &&
        group_path(root, process, "/tasks", path) && write_file(path, number))
        return true;
    wrt_linux_resctrl_remove(root, process);
    return false;
}

void wrt_linux_resctrl_remove(const char *root, pid_t process)
{
    char path[MOST_PATH];

    if (group_path(root, process, "", path))
        (void)rmdir(path);
}
