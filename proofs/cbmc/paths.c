/* proofs/cbmc/paths.c - no path of a guest leads out of its directory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: the walk (port/posix/file_resolve.c) asks the system only about one name, without a slash
 *   and never "..", in a directory that it opened itself, one below the other from the place's own, and
 *   it opens only directories and follows no link; ".." closes the last of them and is refused above the
 *   first (F1); absolute paths and absolute links are refused (F2); a walk ends, since each step uses up
 *   a name or counts a link; the last name, which the caller acts on, is one name and not "..".
 * Bound: one step of the walk from any state of it (any depth, any text), so any number of steps, and
 *   the cutting of any path. Buffers are of 6 and 4 bytes instead of 4096 and 256: the code knows them by sizeof alone.
 * Stubbed: the file system, which answers anything; string functions, as their plain loops.
 * Misses: openat2, which is the kernel's; the loop around the steps, which closes what is open at its
 *   end; a link as the last name; what is done with the entry's name afterwards (*at calls that
 *   follow nothing, see the tests); who may rename what meanwhile is anyone, since the stub answers anything.
 *
 * PROOF long one_step --unwind 8
 * PROOF quick splitting --unwind 10
 * MUTANT one_step port/posix/file_resolve.c s/if \(walk->depth == 0\)/if (walk->depth > MAX_DEPTH)/
 * MUTANT one_step port/posix/file_resolve.c s/wrt_posix_directory_flags \| O_NOFOLLOW/wrt_posix_directory_flags/
 * MUTANT splitting port/posix/file_resolve.c s/if \(text\[0\] == '\/'\)/if (false)/
 * MUTANT splitting port/posix/file_resolve.c s/return strcmp\(name, "\."\) == 0 \|\| /return /
 */
#include <errno.h>
#include <fcntl.h>

#include "port_file.h"
#undef WRT_PORT_PATH_BYTES
#define WRT_PORT_PATH_BYTES 6u
#include "../port/posix/file_resolve.h"
#undef WRT_POSIX_NAME_BYTES
#define WRT_POSIX_NAME_BYTES 4u

/* As plain loops: the solver's own are for sizes without bound. */
static void *move_bytes(void *to, const void *from, size_t size_bytes)
{
    char copy[WRT_PORT_PATH_BYTES];
    for (size_t i = 0; i < size_bytes; i++)
        copy[i] = ((const char *)from)[i];
    for (size_t i = 0; i < size_bytes; i++)
        ((char *)to)[i] = copy[i];
    return to;
}

#define memmove move_bytes
#define memcpy move_bytes
#include "../port/posix/file_resolve.c"
#undef memcpy
#undef memmove
#include "proof.h"

/* ---- a file system that answers anything ---- */

/* ROOT is the place's own; the one opened in directory d is d + 1, so a number is also a depth. */
enum { ROOT = 100 };
const int wrt_posix_directory_flags = O_DIRECTORY | O_CLOEXEC;
static int deepest = ROOT; /* those from ROOT to it are open */

static bool is_one_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, "..") != 0;
}

static bool is_ours(int directory)
{
    return directory == deepest;
}

int openat(int directory, const char *name, int flags, ...)
{
    prove(is_ours(directory) && is_one_name(name), "opens one name in one of its directories");
    prove((flags & O_NOFOLLOW) && (flags & O_DIRECTORY), "a directory, and through no link");
    errno = any_bool() ? ENOTDIR : ENOENT;
    return any_bool() ? -1 : ++deepest;
}

int close(int directory)
{
    prove(directory != ROOT && is_ours(directory), "closes what it opened, once");
    deepest--;
    return 0;
}

ssize_t readlinkat(int directory, const char *name, char *to, size_t size_bytes)
{
    prove(is_ours(directory) && is_one_name(name), "reads one name in one of its directories");
    errno = any_bool() ? EINVAL : ENOENT;
    if (any_bool())
        return -1;
    const size_t got = any_below(size_bytes + 1);
    for (size_t i = 0; i < WRT_PORT_PATH_BYTES; i++)
        if (i < got)
            to[i] = (char)any_u8();
    return (ssize_t)got;
}

bool wrt_posix_has_beneath(void)
{
    return false;
}

enum wrt_errno wrt_posix_open_beneath(int directory, const char *path, int *out)
{
    (void)directory, (void)path, (void)out;
    return WRT_ERRNO_AGAIN;
}

size_t strcspn(const char *text, const char *stop)
{
    size_t i = 0;
    while (text[i] != '\0' && text[i] != stop[0])
        i++;
    return i;
}

size_t strspn(const char *text, const char *over)
{
    size_t i = 0;
    while (text[i] == over[0])
        i++;
    return i;
}

/* ---- one step, of any state of a walk ---- */

static struct walk walk;

static bool has_end(const char *from)
{
    for (const char *at = from; at < walk.text + sizeof walk.text; at++)
        if (*at == '\0')
            return true;
    return false;
}

void one_step(void)
{
    const unsigned depth = (unsigned)any_below(MAX_DEPTH + 1), end = (unsigned)any_below(WRT_PORT_PATH_BYTES);
    const unsigned start = (unsigned)any_below(end + 1), other = (unsigned)any_below(MAX_DEPTH + 1);
    __CPROVER_havoc_object(&walk);
    walk.depth = depth;
    walk.rest = walk.text + start;
    deepest = ROOT + (int)depth;
    assume(walk.links <= MAX_LINKS && walk.text[end] == '\0');
    assume(walk.rest[0] != '\0' && walk.rest[0] != '/');
    assume(walk.open[depth] == ROOT + (int)depth);
    assume(depth == 0 || walk.open[depth - 1] == ROOT + (int)depth - 1);
    assume(other > depth || walk.open[other] == ROOT + (int)other);
    const size_t left = strlen(walk.rest);
    const unsigned links = walk.links;
    const bool is_up = left >= 2 && walk.rest[0] == '.' && walk.rest[1] == '.' &&
                       (left == 2 || walk.rest[2] == '/');

    const enum wrt_errno error = walk_step(&walk);
    prove(walk.depth <= MAX_DEPTH && deepest == ROOT + (int)walk.depth, "depth is the number of open ones");
    prove(other > walk.depth || walk.open[other] == ROOT + (int)other, "each in the one before it");
    prove(!is_up || (depth == 0 ? error == WRT_ERRNO_NOTCAPABLE : walk.depth == depth - 1),
          "F1: up is back to where it came from, never above the first");
    prove(is_up || walk.depth >= depth, "nothing else goes up");
    if (error != WRT_ERRNO_OK)
        return;
    prove(walk.rest >= walk.text && walk.rest < walk.text + sizeof walk.text && walk.rest[0] != '/',
          "F2: what is left is relative");
    prove(has_end(walk.rest), "and ends");
    prove(walk.links == links ? strlen(walk.rest) < left : walk.links == links + 1 && links < MAX_LINKS,
          "it comes to an end: names are used up, links are counted");
}

/* ---- cutting off the last name ---- */

void splitting(void)
{
    char text[WRT_PORT_PATH_BYTES], before[WRT_PORT_PATH_BYTES];
    struct wrt_posix_entry entry;
    __CPROVER_havoc_object(text);
    text[sizeof text - 1] = '\0';
    memcpy(before, text, sizeof text);
    const enum wrt_errno error = split(text, &entry);
    if (before[0] == '\0' || before[0] == '/') {
        prove(error == (before[0] ? WRT_ERRNO_NOTCAPABLE : WRT_ERRNO_NOENT), "F2: absolute ones are refused");
        return;
    }
    prove(error == WRT_ERRNO_OK, "no other is");
    prove(is_one_name(entry.name), "one name, not ..");
    prove(entry.is_dot == (strcmp(entry.name, ".") == 0), "said to be a dot if it is one");
    prove(text[0] != '/' && strncmp(text, before, strlen(text)) == 0, "the rest is what stood in front");
    prove(entry.is_dot || text[0] == '\0' || before[strlen(text)] == '/', "up to a slash");
}
