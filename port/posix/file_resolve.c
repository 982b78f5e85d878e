/* port/posix/file_resolve.c - the one place where paths of guests are resolved.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A path is split in its directory part and its last name. Only the directory part goes to
 * a resolver, and that yields a descriptor; the last name is then acted on with the *at
 * calls and without following links. If the place follows and the last name is a link, its
 * text takes the name's place and all starts again from the root, so that a link's `..` is
 * counted like any other. Whatever is renamed meanwhile, no step ever goes through a path
 * that starts outside of the place's directory.
 *
 * Resolvers: the kernel's (openat2, which refuses to leave), and a walk that keeps every
 * directory on the way open, so that `..` is a return to a descriptor it came from and not
 * a question to the file system.
 */
#define _GNU_SOURCE /* what every system here needs to show its POSIX.1-2008 calls */
#define _QNX_SOURCE
#include "file_resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40u  /* as Linux follows */
#define MAX_DEPTH 128u /* descriptors the walk holds at once */

enum wrt_errno wrt_posix_errno(int system_errno)
{
    switch (system_errno) {
    case 0:
        return WRT_ERRNO_OK;
#define ERRNO_CASE(name, number) \
    case E##name:                \
        return WRT_ERRNO_##name;
        WRT_ERRNO_POSIX_LIST(ERRNO_CASE)
#undef ERRNO_CASE
    default:
        return WRT_ERRNO_IO;
    }
}

bool wrt_port_has_resolver(enum wrt_port_resolver resolver)
{
    return resolver == WRT_PORT_RESOLVER_WALK || wrt_posix_has_beneath();
}

/* ---- the walk ---- */

struct walk {
    int open[MAX_DEPTH + 1]; /* [0] is where it starts and stays open */
    unsigned depth;
    unsigned links;
    char *rest;              /* what is still to go, inside text */
    char text[WRT_PORT_PATH_BYTES];
};

/* The link's text, a slash, what is left to go: becomes what is to go. */
static enum wrt_errno walk_through_link(struct walk *walk, const char *name)
{
    char target[WRT_PORT_PATH_BYTES];
    ssize_t got = readlinkat(walk->open[walk->depth], name, target, sizeof target);
    if (got < 0)
        return errno == EINVAL ? WRT_ERRNO_NOTDIR : wrt_posix_errno(errno);
    if (++walk->links > MAX_LINKS)
        return WRT_ERRNO_LOOP;
    size_t target_bytes = (size_t)got, rest_bytes = strlen(walk->rest) + 1;
    if (target_bytes == 0)
        return WRT_ERRNO_NOENT;
    if (target[0] == '/')
        return WRT_ERRNO_NOTCAPABLE;
    if (target_bytes + 1 + rest_bytes > sizeof walk->text)
        return WRT_ERRNO_NAMETOOLONG;
    memmove(walk->text + target_bytes + 1, walk->rest, rest_bytes);
    memcpy(walk->text, target, target_bytes);
    walk->text[target_bytes] = '/';
    walk->rest = walk->text;
    return WRT_ERRNO_OK;
}

static enum wrt_errno walk_up(struct walk *walk)
{
    if (walk->depth == 0)
        return WRT_ERRNO_NOTCAPABLE;
    close(walk->open[walk->depth--]);
    return WRT_ERRNO_OK;
}

static enum wrt_errno walk_into(struct walk *walk, const char *name)
{
    if (walk->depth == MAX_DEPTH)
        return WRT_ERRNO_NAMETOOLONG;
    int next = openat(walk->open[walk->depth], name, wrt_posix_directory_flags | O_NOFOLLOW);
    if (next >= 0) {
        walk->open[++walk->depth] = next;
        return WRT_ERRNO_OK;
    }
    if (errno == ENOTDIR || errno == ELOOP)
        return walk_through_link(walk, name);
    return wrt_posix_errno(errno);
}

/* Takes the next name off walk->rest. */
static enum wrt_errno walk_step(struct walk *walk)
{
    char name[WRT_POSIX_NAME_BYTES];
    size_t name_bytes = strcspn(walk->rest, "/");
    if (name_bytes >= sizeof name)
        return WRT_ERRNO_NAMETOOLONG;
    memcpy(name, walk->rest, name_bytes);
    name[name_bytes] = '\0';
    walk->rest += name_bytes;
    walk->rest += strspn(walk->rest, "/");
    if (strcmp(name, ".") == 0)
        return WRT_ERRNO_OK;
    if (strcmp(name, "..") == 0)
        return walk_up(walk);
    return walk_into(walk, name);
}

static enum wrt_errno walk_beneath(int directory, const char *path, int *out)
{
    struct walk walk = {.open = {directory}};
    enum wrt_errno error = WRT_ERRNO_OK;
    if (strlen(path) >= sizeof walk.text)
        return WRT_ERRNO_NAMETOOLONG;
    strcpy(walk.text, path);
    walk.rest = walk.text;
    while (error == WRT_ERRNO_OK && walk.rest[0] != '\0')
        error = walk_step(&walk);
    if (error == WRT_ERRNO_OK)
        *out = walk.depth == 0 ? directory : walk.open[walk.depth--];
    while (walk.depth > 0)
        close(walk.open[walk.depth--]);
    return error;
}

/* ---- either of them ---- */

/* *out may be `directory` itself. */
static enum wrt_errno directory_beneath(const struct wrt_port_place *place, const char *path,
                                        int *out)
{
    if (path[0] == '\0') {
        *out = place->directory;
        return WRT_ERRNO_OK;
    }
    if (place->resolver == WRT_PORT_RESOLVER_KERNEL) {
        enum wrt_errno error = wrt_posix_open_beneath(place->directory, path, out);
        if (error != WRT_ERRNO_AGAIN)
            return error;
    }
    return walk_beneath(place->directory, path, out);
}

/* ---- places ---- */

static bool is_dot_name(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Cuts `text` into the directory part, which stays in text, and the name. */
static enum wrt_errno split(char *text, struct wrt_posix_entry *entry)
{
    size_t end = strlen(text);
    if (end == 0)
        return WRT_ERRNO_NOENT;
    if (text[0] == '/')
        return WRT_ERRNO_NOTCAPABLE;
    entry->wants_directory = text[end - 1] == '/';
    while (text[end - 1] == '/') /* text[0] is none */
        text[--end] = '\0';
    char *slash = strrchr(text, '/');
    const char *name = slash ? slash + 1 : text;
    entry->is_dot = is_dot_name(name);
    if (entry->is_dot)
        name = ".";
    if (strlen(name) >= sizeof entry->name)
        return WRT_ERRNO_NAMETOOLONG;
    strcpy(entry->name, name);
    if (!entry->is_dot)
        text[slash ? slash - text : 0] = '\0';
    return WRT_ERRNO_OK;
}

/* If the entry is a link, *text (its directory part) becomes the path through the link and
 * *is_link is set. */
static enum wrt_errno expand_link(const struct wrt_posix_entry *entry, char *text, bool *is_link)
{
    char target[WRT_PORT_PATH_BYTES];
    ssize_t got = readlinkat(entry->parent, entry->name, target, sizeof target);
    *is_link = false;
    if (got < 0) /* not a link, or nothing there: the caller's own call will say */
        return errno == EINVAL || errno == ENOENT ? WRT_ERRNO_OK : wrt_posix_errno(errno);
    size_t target_bytes = (size_t)got, text_bytes = strlen(text);
    if (target_bytes == 0)
        return WRT_ERRNO_NOENT;
    if (target[0] == '/')
        return WRT_ERRNO_NOTCAPABLE;
    if (text_bytes + target_bytes + 3 > WRT_PORT_PATH_BYTES)
        return WRT_ERRNO_NAMETOOLONG;
    if (text_bytes != 0)
        text[text_bytes++] = '/';
    memcpy(text + text_bytes, target, target_bytes);
    text_bytes += target_bytes;
    if (entry->wants_directory)
        text[text_bytes++] = '/';
    text[text_bytes] = '\0';
    *is_link = true;
    return WRT_ERRNO_OK;
}

void wrt_posix_entry_close(struct wrt_posix_entry *entry)
{
    if (entry->owns_parent)
        close(entry->parent);
    entry->owns_parent = false;
}

static enum wrt_errno resolve_once(const struct wrt_port_place *place, char *text,
                                   struct wrt_posix_entry *out, bool *again)
{
    *again = false;
    enum wrt_errno error = split(text, out);
    if (error == WRT_ERRNO_OK)
        error = directory_beneath(place, text, &out->parent);
    if (error != WRT_ERRNO_OK)
        return error;
    out->owns_parent = out->parent != place->directory;
    if (!place->follow || out->is_dot)
        return WRT_ERRNO_OK;
    error = expand_link(out, text, again);
    if (error != WRT_ERRNO_OK || *again)
        wrt_posix_entry_close(out);
    return error;
}

enum wrt_errno wrt_posix_resolve(const struct wrt_port_place *place, struct wrt_posix_entry *out)
{
    char text[WRT_PORT_PATH_BYTES];
    *out = (struct wrt_posix_entry){.parent = -1};
    if (strlen(place->path) >= sizeof text)
        return WRT_ERRNO_NAMETOOLONG;
    strcpy(text, place->path);
    for (unsigned links = 0; links <= MAX_LINKS; links++) {
        bool again;
        enum wrt_errno error = resolve_once(place, text, out, &again);
        if (error != WRT_ERRNO_OK || !again)
            return error;
    }
    return WRT_ERRNO_LOOP;
}
