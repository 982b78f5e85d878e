/* src/wasi/path.c - calls that take a path beneath a directory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A right of the directory decides whether, the port's resolver decides where.
 */
#include "base/bytes.h"
#include "wasi/state.h"

/* The directory in argument `number`, if it has `rights`, and the path in the two arguments
 * from `path` on, kept in wasi->path[which]. */
static enum wrt_errno get_place(struct wasi_call *call, unsigned which, unsigned number,
                                unsigned path, uint64_t rights, struct wrt_port_place *out)
{
    struct wasi_descriptor *directory;
    enum wrt_errno error = wrt_wasi_find_kind(call, wasi_u32(call, number), WASI_KIND_DIRECTORY,
                                              WRT_ERRNO_NOTDIR, rights, &directory);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_path(call, which, wasi_u32(call, path), wasi_u32(call, path + 1));
    if (error != WRT_ERRNO_OK)
        return error;
    *out = (struct wrt_port_place){
        .directory = directory->file,
        .path = call->wasi->path[which],
        .resolver = call->wasi->resolver,
    };
    return WRT_ERRNO_OK;
}

static enum wrt_errno get_lookup(uint32_t flags, struct wrt_port_place *place)
{
    if (flags & ~(uint32_t)WASI_LOOKUP_FOLLOW)
        return WRT_ERRNO_INVAL;
    place->follow = flags & WASI_LOOKUP_FOLLOW;
    return WRT_ERRNO_OK;
}

/* ---- one place, no result ---- */

static enum wrt_errno act_on(struct wasi_call *call, uint64_t right,
                             enum wrt_errno (*act)(const struct wrt_port_place *))
{
    struct wrt_port_place place;
    enum wrt_errno error = get_place(call, 0, 0, 1, right, &place);
    return error == WRT_ERRNO_OK ? act(&place) : error;
}

enum wrt_errno wrt_wasi_path_create_directory(struct wasi_call *call)
{
    return act_on(call, WASI_RIGHT_PATH_CREATE_DIRECTORY, wrt_port_directory_make);
}

enum wrt_errno wrt_wasi_path_remove_directory(struct wasi_call *call)
{
    return act_on(call, WASI_RIGHT_PATH_REMOVE_DIRECTORY, wrt_port_directory_remove);
}

enum wrt_errno wrt_wasi_path_unlink_file(struct wasi_call *call)
{
    return act_on(call, WASI_RIGHT_PATH_UNLINK_FILE, wrt_port_unlink);
}

/* ---- two places ---- */

enum wrt_errno wrt_wasi_path_rename(struct wasi_call *call)
{
    struct wrt_port_place from, to;
    enum wrt_errno error = get_place(call, 0, 0, 1, WASI_RIGHT_PATH_RENAME_SOURCE, &from);
    if (error == WRT_ERRNO_OK)
        error = get_place(call, 1, 3, 4, WASI_RIGHT_PATH_RENAME_TARGET, &to);
    return error == WRT_ERRNO_OK ? wrt_port_rename(&from, &to) : error;
}

enum wrt_errno wrt_wasi_path_link(struct wasi_call *call)
{
    struct wrt_port_place existing, made;
    enum wrt_errno error = get_place(call, 0, 0, 2, WASI_RIGHT_PATH_LINK_SOURCE, &existing);
    if (error == WRT_ERRNO_OK)
        error = get_lookup(wasi_u32(call, 1), &existing);
    if (error == WRT_ERRNO_OK)
        error = get_place(call, 1, 4, 5, WASI_RIGHT_PATH_LINK_TARGET, &made);
    return error == WRT_ERRNO_OK ? wrt_port_link(&existing, &made) : error;
}

/* ---- symbolic links ---- */

enum wrt_errno wrt_wasi_path_symlink(struct wasi_call *call)
{
    struct wrt_port_place made;
    enum wrt_errno error = get_place(call, 1, 2, 3, WASI_RIGHT_PATH_SYMLINK, &made);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_path(call, 0, wasi_u32(call, 0), wasi_u32(call, 1));
    return error == WRT_ERRNO_OK ? wrt_port_symlink(call->wasi->path[0], &made) : error;
}

enum wrt_errno wrt_wasi_path_readlink(struct wasi_call *call)
{
    struct wrt_port_place place;
    uint32_t size_bytes = wasi_u32(call, 4);
    size_t used;
    enum wrt_errno error = get_place(call, 0, 0, 1, WASI_RIGHT_PATH_READLINK, &place);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 3), size_bytes);
    uint8_t *out_used = wrt_wasi_span(call, wasi_u32(call, 5), 4);
    if (!out || !out_used)
        return WRT_ERRNO_FAULT;
    error = wrt_port_read_link(&place, out, size_bytes, &used);
    if (error == WRT_ERRNO_OK)
        wrt_write_u32(out_used, (uint32_t)used);
    return error;
}

/* ---- status ---- */

enum wrt_errno wrt_wasi_path_filestat_get(struct wasi_call *call)
{
    struct wrt_port_place place;
    struct wrt_port_file_status status;
    enum wrt_errno error = get_place(call, 0, 0, 2, WASI_RIGHT_PATH_FILESTAT_GET, &place);
    if (error == WRT_ERRNO_OK)
        error = get_lookup(wasi_u32(call, 1), &place);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 4), WASI_SIZE_FILESTAT);
    if (!out)
        return WRT_ERRNO_FAULT;
    error = wrt_port_file_stat_at(&place, &status);
    if (error == WRT_ERRNO_OK)
        wrt_wasi_put_filestat(out, &status);
    return error;
}

enum wrt_errno wrt_wasi_path_filestat_set_times(struct wasi_call *call)
{
    struct wrt_port_place place;
    struct wrt_port_file_times times;
    enum wrt_errno error = get_place(call, 0, 0, 2, WASI_RIGHT_PATH_FILESTAT_SET_TIMES, &place);
    if (error == WRT_ERRNO_OK)
        error = get_lookup(wasi_u32(call, 1), &place);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_get_times(wasi_u64(call, 4), wasi_u64(call, 5), wasi_u32(call, 6), &times);
    return error == WRT_ERRNO_OK ? wrt_port_file_set_times_at(&place, &times) : error;
}

/* ---- open ---- */

struct opening {
    uint32_t oflags, fdflags;
    uint64_t rights, inheriting; /* asked for, less what the directory cannot pass on */
    struct wrt_port_place place;
};

static uint64_t rights_to_open(uint32_t oflags)
{
    return WASI_RIGHT_PATH_OPEN |
           (oflags & WASI_OFLAG_CREAT ? WASI_RIGHT_PATH_CREATE_FILE : 0) |
           (oflags & WASI_OFLAG_TRUNC ? WASI_RIGHT_PATH_FILESTAT_SET_SIZE : 0);
}

/* Guests ask for more than they need and cope with less (no libc of theirs knows what a
 * directory can pass on), but not with a file they wanted to read or write and cannot. */
static enum wrt_errno get_rights(struct wasi_call *call, struct opening *opening)
{
    const uint64_t essential = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE;
    struct wasi_descriptor *directory;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &directory);
    if (error != WRT_ERRNO_OK)
        return error;
    uint64_t asked = wasi_u64(call, 5), granted = directory->inheriting;
    if (asked & essential & ~granted)
        return WRT_ERRNO_NOTCAPABLE;
    opening->rights = asked & granted;
    opening->inheriting = wasi_u64(call, 6) & granted;
    return WRT_ERRNO_OK;
}

static enum wrt_errno get_opening(struct wasi_call *call, struct opening *out)
{
    *out = (struct opening){.oflags = wasi_u32(call, 4), .fdflags = wasi_u32(call, 7)};
    if (out->oflags & ~(uint32_t)WASI_OFLAGS_ALL || out->fdflags & ~(uint32_t)WASI_FDFLAGS_ALL)
        return WRT_ERRNO_INVAL;
    enum wrt_errno error = get_place(call, 0, 0, 2, rights_to_open(out->oflags), &out->place);
    if (error == WRT_ERRNO_OK)
        error = get_lookup(wasi_u32(call, 1), &out->place);
    return error == WRT_ERRNO_OK ? get_rights(call, out) : error;
}

static unsigned open_flags(const struct opening *opening)
{
    static const struct {
        uint32_t wasi;
        unsigned port;
    } oflags[] = {{WASI_OFLAG_CREAT, WRT_PORT_OPEN_CREATE},
                  {WASI_OFLAG_DIRECTORY, WRT_PORT_OPEN_DIRECTORY},
                  {WASI_OFLAG_EXCL, WRT_PORT_OPEN_EXCLUSIVE},
                  {WASI_OFLAG_TRUNC, WRT_PORT_OPEN_TRUNCATE}},
      fdflags[] = {{WASI_FDFLAG_APPEND, WRT_PORT_OPEN_APPEND},
                   {WASI_FDFLAG_DSYNC, WRT_PORT_OPEN_DATA_SYNC},
                   {WASI_FDFLAG_RSYNC, WRT_PORT_OPEN_READ_SYNC},
                   {WASI_FDFLAG_SYNC, WRT_PORT_OPEN_SYNC}};
    const uint64_t writing =
        WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE;
    bool writes = (opening->rights & writing || opening->oflags & WASI_OFLAG_TRUNC) &&
                  !(opening->oflags & WASI_OFLAG_DIRECTORY);
    bool reads = opening->rights & (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_READDIR);
    unsigned flags = (writes ? WRT_PORT_OPEN_WRITE : 0u) |
                     (reads || !writes ? WRT_PORT_OPEN_READ : 0u);
    for (unsigned i = 0; i < 4; i++) {
        flags |= opening->oflags & oflags[i].wasi ? oflags[i].port : 0;
        flags |= opening->fdflags & fdflags[i].wasi ? fdflags[i].port : 0;
    }
    return flags;
}

static enum wrt_errno open_into(struct wasi_descriptor *slot, const struct opening *opening)
{
    struct wasi_descriptor opened;
    int file;
    enum wrt_errno error = wrt_port_file_open(&opening->place, open_flags(opening), &file);
    if (error != WRT_ERRNO_OK)
        return error;
    error = wrt_wasi_describe(file, true, &opened);
    if (error != WRT_ERRNO_OK) {
        wrt_port_file_close(file);
        return error;
    }
    opened.flags = (uint16_t)opening->fdflags;
    opened.rights &= opening->rights;
    opened.inheriting &= opening->inheriting;
    *slot = opened;
    return WRT_ERRNO_OK;
}

/* Remembers where it was opened, for snapshots: the path from the granted directory on. */
static void note_path(const struct wasi_descriptor *directory, const char *path,
                      struct wasi_descriptor *opened)
{
    const char *above = directory->granted_name != NULL ? "" : directory->path;
    const char *root = directory->granted_name != NULL ? directory->granted_name
                                                       : directory->root_name;
    const size_t head = strlen(above), tail = strlen(path), slash = head != 0;
    if (root == NULL || head + slash + tail >= sizeof opened->path)
        return;
    memcpy(opened->path, above, head);
    opened->path[head] = '/';
    memcpy(opened->path + head + slash, path, tail + 1);
    opened->root_name = root;
}

enum wrt_errno wrt_wasi_reopen(struct wrt_wasi *wasi, const struct wasi_descriptor *root,
                               const char *path, uint64_t rights, uint64_t inheriting,
                               uint32_t fdflags, struct wasi_descriptor *out)
{
    const struct opening opening = {
        .fdflags = fdflags & WASI_FDFLAGS_ALL,
        .rights = rights & root->inheriting,
        .inheriting = inheriting & root->inheriting,
        .place = {.directory = root->file, .path = path, .resolver = wasi->resolver,
                  .follow = true}};
    const enum wrt_errno error = open_into(out, &opening);
    if (error == WRT_ERRNO_OK)
        note_path(root, path, out);
    return error;
}

enum wrt_errno wrt_wasi_path_open(struct wasi_call *call)
{
    struct opening opening;
    uint32_t number;
    enum wrt_errno error = get_opening(call, &opening);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_free_slot(call->wasi, &number);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 8), 4);
    if (!out)
        return WRT_ERRNO_FAULT;
    struct wasi_descriptor *opened = &call->wasi->descriptors[number];
    error = open_into(opened, &opening);
    if (error != WRT_ERRNO_OK)
        return error;
    note_path(&call->wasi->descriptors[wasi_u32(call, 0)], opening.place.path, opened);
    wrt_write_u32(out, number);
    return WRT_ERRNO_OK;
}
