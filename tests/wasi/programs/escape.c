/* tests/wasi/programs/escape.c - a guest that tries to leave its directory.
 * SPDX-License-Identifier: Apache-2.0
 * run: --dir TMP::/ --
 * The runner's TMP holds fixture/ with links that lead out: absolute -> /etc, up -> ../..,
 * secret -> ../../secret (the file "secret" lies beside TMP and says "outside"),
 * chain -> up; and proc -> /proc/self. The host checks that "secret" is as it was.
 */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const ways_out[] = {
    "..", "../", "../..", "../secret", "./../secret", "fixture/../../secret",
    "fixture/../../../../../../../../../etc/passwd", "/etc/passwd", "/", "//", "/secret",
    "fixture/absolute/passwd", "fixture/absolute/", "fixture/up/secret", "fixture/up/",
    "fixture/chain/secret", "fixture/proc/root/etc/passwd", "fixture/proc/cwd/",
    "fixture/up/../secret", "fixture/./up/./secret", "fixture//up//secret",
};
/* These are links themselves: only following them leads out. */
static const char *const links_out[] = {"fixture/absolute", "fixture/up", "fixture/secret",
                                        "fixture/chain", "fixture/proc"};

#define NO __WASI_ERRNO_NOTCAPABLE

static void check_open(const char *path)
{
    __wasi_fd_t fd;
    const __wasi_rights_t read = __WASI_RIGHTS_FD_READ, write = __WASI_RIGHTS_FD_WRITE;
    const __wasi_lookupflags_t follow = __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW;
    CHECK_EQUAL(__wasi_path_open(3, follow, path, 0, read, 0, 0, &fd), NO);
    CHECK_EQUAL(__wasi_path_open(3, follow, path, 0, write, 0, 0, &fd), NO);
    CHECK_EQUAL(__wasi_path_open(3, follow, path, __WASI_OFLAGS_CREAT, write, 0, 0, &fd), NO);
    CHECK_EQUAL(__wasi_path_open(3, follow, path, __WASI_OFLAGS_TRUNC, write, 0, 0, &fd), NO);
    CHECK_EQUAL(__wasi_path_open(3, follow, path, __WASI_OFLAGS_DIRECTORY, 0, 0, 0, &fd), NO);
}

static void check_way(const char *path)
{
    uint8_t text[64];
    __wasi_size_t used;
    __wasi_filestat_t status;
    check_open(path);
    CHECK_EQUAL(__wasi_path_filestat_get(3, 0, path, &status), NO);
    CHECK_EQUAL(__wasi_path_filestat_get(3, 1, path, &status), NO);
    CHECK_EQUAL(__wasi_path_filestat_set_times(3, 1, path, 0, 0, 10), NO);
    CHECK_EQUAL(__wasi_path_create_directory(3, path), NO);
    CHECK_EQUAL(__wasi_path_remove_directory(3, path), NO);
    CHECK_EQUAL(__wasi_path_unlink_file(3, path), NO);
    CHECK_EQUAL(__wasi_path_readlink(3, path, text, sizeof text, &used), NO);
    CHECK_EQUAL(__wasi_path_symlink("x", 3, path), NO);
    CHECK_EQUAL(__wasi_path_link(3, 0, path, 3, "stolen"), NO);
    CHECK_EQUAL(__wasi_path_link(3, 0, "fixture/file", 3, path), NO);
    CHECK_EQUAL(__wasi_path_rename(3, path, 3, "stolen"), NO);
    CHECK_EQUAL(__wasi_path_rename(3, "fixture/file", 3, path), NO);
}

/* A path that ends in a link's slash: the calls that act on the entry itself may say that
 * it is no directory, the others that it leads out. */
static void check_way_with_slash(const char *path)
{
    __wasi_filestat_t status;
    check_open(path);
    CHECK_EQUAL(__wasi_path_filestat_get(3, 1, path, &status), NO);
    CHECK_EQUAL(__wasi_path_filestat_get(3, 0, path, &status), __WASI_ERRNO_NOTDIR);
    CHECK_EQUAL(__wasi_path_remove_directory(3, path), __WASI_ERRNO_NOTDIR);
    CHECK_EQUAL(__wasi_path_unlink_file(3, path), __WASI_ERRNO_NOTDIR);
    CHECK_EQUAL(__wasi_path_rename(3, path, 3, "stolen"), __WASI_ERRNO_NOTDIR);
    CHECK_EQUAL(__wasi_path_create_directory(3, path), __WASI_ERRNO_EXIST);
}

static void check_link(const char *path)
{
    __wasi_filestat_t status;
    check_open(path);
    CHECK_EQUAL(__wasi_path_filestat_get(3, 1, path, &status), NO);
    CHECK_EQUAL(__wasi_path_filestat_set_times(3, 1, path, 0, 0, 10), NO);
    CHECK_EQUAL(__wasi_path_link(3, 1, path, 3, "stolen"), NO);
    CHECK_EQUAL(__wasi_path_filestat_get(3, 0, path, &status), 0);
    CHECK_EQUAL(status.filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
    /* The link itself may be moved about; it leads out from nowhere. */
    CHECK_EQUAL(__wasi_path_rename(3, path, 3, "moved"), 0);
    if (strcmp(path, "fixture/chain") != 0) /* that one leads nowhere from there */
        check_open("moved");
    CHECK_EQUAL(__wasi_path_rename(3, "moved", 3, path), 0);
}

static void check_own_links(void)
{
    __wasi_fd_t fd;
    CHECK_EQUAL(__wasi_path_symlink("../secret", 3, "own"), 0);
    check_open("own");
    CHECK_EQUAL(__wasi_path_unlink_file(3, "own"), 0);
    CHECK_EQUAL(__wasi_path_symlink("/etc/passwd", 3, "own"), NO);
    /* Harmless where it stands, leading out once it is moved up. */
    CHECK_EQUAL(__wasi_path_symlink("../fixture/file", 3, "fixture/own"), 0);
    CHECK_EQUAL(__wasi_path_open(3, 1, "fixture/own", 0, 2, 0, 0, &fd), 0);
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(__wasi_path_rename(3, "fixture/own", 3, "own"), 0);
    check_open("own");
    CHECK_EQUAL(__wasi_path_unlink_file(3, "own"), 0);
}

/* Raw: the libc cannot pass these. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("path_open")))
int32_t raw_path_open(int32_t fd, int32_t lookup, const char *path, int32_t path_bytes,
                      int32_t oflags, int64_t rights, int64_t inheriting, int32_t fdflags,
                      __wasi_fd_t *out);

static void check_strange_strings(void)
{
    static char path[70000];
    __wasi_fd_t fd;
    const char with_nul[] = "fixture/file\0/../../secret";
    CHECK_EQUAL(raw_path_open(3, 1, with_nul, sizeof with_nul - 1, 0, 2, 0, 0, &fd),
                __WASI_ERRNO_INVAL);
    CHECK_EQUAL(raw_path_open(3, 1, with_nul, 13, 0, 2, 0, 0, &fd), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(raw_path_open(3, 1, "", 0, 0, 2, 0, 0, &fd), __WASI_ERRNO_NOENT);
    CHECK_EQUAL(raw_path_open(3, 1, (char *)-8, 16, 0, 2, 0, 0, &fd), __WASI_ERRNO_FAULT);
    CHECK_EQUAL(raw_path_open(3, 1, (char *)-8, -1, 0, 2, 0, 0, &fd), __WASI_ERRNO_NAMETOOLONG);
    for (size_t i = 0; i + 3 < sizeof path; i += 3)
        memcpy(path + i, "../", 3);
    CHECK_EQUAL(raw_path_open(3, 1, path, 3000, 0, 2, 0, 0, &fd), NO);
    CHECK_EQUAL(raw_path_open(3, 1, path, 69000, 0, 2, 0, 0, &fd), __WASI_ERRNO_NAMETOOLONG);
    memset(path, 'x', sizeof path);
    CHECK_EQUAL(raw_path_open(3, 1, path, 256, 0, 2, 0, 0, &fd), __WASI_ERRNO_NAMETOOLONG);
    memset(path, '/', sizeof path);
    CHECK_EQUAL(raw_path_open(3, 1, path, 100, 0, 2, 0, 0, &fd), NO);
    CHECK_EQUAL(raw_path_open(3, 1, "\xff\xfe", 2, 0, 2, 0, 0, &fd), __WASI_ERRNO_NOENT);
}

int main(void)
{
    __wasi_fd_t fd;
    for (size_t i = 0; i < sizeof ways_out / sizeof ways_out[0]; i++) {
        size_t length = strlen(ways_out[i]);
        bool ends_in_link = length > 8 && ways_out[i][length - 1] == '/' &&
                            strncmp(ways_out[i], "fixture", 7) == 0 &&
                            strcmp(ways_out[i], "fixture/proc/cwd/") != 0;
        if (ends_in_link)
            check_way_with_slash(ways_out[i]);
        else
            check_way(ways_out[i]);
    }
    for (size_t i = 0; i < sizeof links_out / sizeof links_out[0]; i++)
        check_link(links_out[i]);
    check_own_links();
    check_strange_strings();
    /* What leads up and down again inside is no escape. */
    CHECK_EQUAL(__wasi_path_open(3, 1, "fixture/../fixture/./file", 0, 2, 0, 0, &fd), 0);
    CHECK_EQUAL(close(fd), 0);
    return check_end();
}
