/* tests/wasi/programs/paths.c - path_filestat_get, path_filestat_set_times, path_link,
 * path_readlink, path_rename, path_symlink, path_unlink_file.
 * SPDX-License-Identifier: Apache-2.0
 * run: --dir TMP::/ --dir TMP2::/second --
 */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void make(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(fd > 2);
    CHECK_EQUAL(write(fd, text, strlen(text)), strlen(text));
    CHECK_EQUAL(close(fd), 0);
}

static void check_text(const char *name, const char *text)
{
    char got[64] = "";
    int fd = open(name, O_RDONLY);
    CHECK(fd > 2);
    CHECK_EQUAL(read(fd, got, sizeof got - 1), strlen(text));
    CHECK(strcmp(got, text) == 0);
    CHECK_EQUAL(close(fd), 0);
}

static void check_status(void)
{
    struct stat status;
    make("/status", "12345");
    CHECK_EQUAL(stat("/status", &status), 0);
    CHECK_EQUAL(status.st_size, 5);
    CHECK(S_ISREG(status.st_mode));
    CHECK_EQUAL(stat("/", &status), 0);
    CHECK(S_ISDIR(status.st_mode));
    CHECK_ERRNO(stat("/none", &status), ENOENT);
    CHECK_ERRNO(stat("/status/", &status), ENOTDIR);
    struct timespec times[2] = {{.tv_sec = 10}, {.tv_sec = 20, .tv_nsec = 7}};
    CHECK_EQUAL(utimensat(AT_FDCWD, "/status", times, 0), 0);
    CHECK_EQUAL(stat("/status", &status), 0);
    CHECK_EQUAL(status.st_atim.tv_sec, 10);
    CHECK_EQUAL(status.st_mtim.tv_sec, 20);
    CHECK_EQUAL(status.st_mtim.tv_nsec, 7);
    /* A link's own times, and through it. */
    CHECK_EQUAL(symlink("status", "/status_link"), 0);
    times[1].tv_sec = 30;
    CHECK_EQUAL(utimensat(AT_FDCWD, "/status_link", times, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_EQUAL(lstat("/status_link", &status), 0);
    CHECK(S_ISLNK(status.st_mode));
    CHECK_EQUAL(status.st_mtim.tv_sec, 30);
    CHECK_EQUAL(stat("/status_link", &status), 0);
    CHECK_EQUAL(status.st_mtim.tv_sec, 20);
    times[1].tv_sec = 40;
    CHECK_EQUAL(utimensat(AT_FDCWD, "/status_link", times, 0), 0);
    CHECK_EQUAL(stat("/status", &status), 0);
    CHECK_EQUAL(status.st_mtim.tv_sec, 40);
    CHECK_EQUAL(__wasi_path_filestat_set_times(3, 0, "status", 0, 0, 3), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_path_filestat_set_times(3, 4, "status", 0, 0, 1), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(unlink("/status_link"), 0);
    CHECK_EQUAL(unlink("/status"), 0);
}

static void check_links(void)
{
    struct stat a, b;
    make("/first", "text");
    CHECK_EQUAL(link("/first", "/second_name"), 0);
    CHECK_EQUAL(stat("/first", &a), 0);
    CHECK_EQUAL(stat("/second_name", &b), 0);
    CHECK_EQUAL(a.st_ino, b.st_ino);
    CHECK_EQUAL(a.st_nlink, 2);
    CHECK_ERRNO(link("/first", "/second_name"), EEXIST);
    CHECK_ERRNO(link("/none", "/x"), ENOENT);
    CHECK_EQUAL(mkdir("/dir", 0777), 0);
    CHECK_ERRNO(link("/dir", "/dir2"), EPERM);
    CHECK_ERRNO(link("/first", "/x/"), ENOENT);
    CHECK_EQUAL(link("/first", "/second/linked"), 0); /* another granted directory */
    check_text("/second/linked", "text");
    CHECK_EQUAL(unlink("/second/linked"), 0);
    /* Of a symbolic link: the link itself, or what it points to. */
    CHECK_EQUAL(symlink("first", "/soft"), 0);
    CHECK_EQUAL(__wasi_path_link(3, 0, "soft", 3, "soft2"), 0);
    CHECK_EQUAL(lstat("/soft2", &a), 0);
    CHECK(S_ISLNK(a.st_mode));
    CHECK_EQUAL(__wasi_path_link(3, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "soft", 3, "hard"), 0);
    CHECK_EQUAL(lstat("/hard", &a), 0);
    CHECK(S_ISREG(a.st_mode));
    CHECK_EQUAL(unlink("/hard"), 0);
    CHECK_EQUAL(unlink("/soft2"), 0);
    CHECK_EQUAL(unlink("/soft"), 0);
    CHECK_EQUAL(unlink("/second_name"), 0);
    CHECK_EQUAL(unlink("/first"), 0);
    CHECK_EQUAL(rmdir("/dir"), 0);
}

static void check_symbolic_links(void)
{
    char text[64] = "################";
    struct stat status;
    CHECK_EQUAL(mkdir("/d", 0777), 0);
    make("/d/file", "inside");
    CHECK_EQUAL(symlink("d/file", "/soft"), 0);
    check_text("/soft", "inside");
    CHECK_EQUAL(readlink("/soft", text, sizeof text), 6);
    CHECK(memcmp(text, "d/file#", 7) == 0);
    CHECK_EQUAL(readlink("/soft", text, 3), 3);
    __wasi_size_t used = 99;
    CHECK_EQUAL(__wasi_path_readlink(3, "soft", (uint8_t *)text, 0, &used), 0);
    CHECK_EQUAL(used, 0);
    CHECK_ERRNO(readlink("/d/file", text, 9), EINVAL);
    CHECK_ERRNO(readlink("/none", text, 9), ENOENT);
    CHECK_ERRNO(symlink("x", "/soft"), EEXIST);
    CHECK_ERRNO(symlink("x", "/new/"), ENOENT);
    CHECK_EQUAL(symlink("../d/file", "/d/up"), 0);
    check_text("/d/up", "inside");
    CHECK_EQUAL(symlink("loop", "/loop"), 0);
    CHECK_ERRNO(open("/loop", O_RDONLY), ELOOP);
    CHECK_ERRNO(stat("/loop", &status), ELOOP);
    CHECK_EQUAL(lstat("/loop", &status), 0);
    CHECK_EQUAL(symlink("nowhere", "/dangling"), 0);
    CHECK_ERRNO(open("/dangling", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("/dangling", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_ERRNO(symlink("", "/empty"), ENOENT);
    CHECK_EQUAL(__wasi_path_symlink("/etc", 3, "absolute"), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(unlink("/dangling"), 0);
    CHECK_EQUAL(unlink("/loop"), 0);
    CHECK_EQUAL(unlink("/soft"), 0);
    CHECK_EQUAL(unlink("/d/up"), 0);
    CHECK_EQUAL(unlink("/d/file"), 0);
    CHECK_EQUAL(rmdir("/d"), 0);
}

static void check_renaming(void)
{
    make("/a", "a");
    make("/b", "b");
    CHECK_EQUAL(rename("/a", "/c"), 0);
    CHECK_ERRNO(open("/a", O_RDONLY), ENOENT);
    check_text("/c", "a");
    CHECK_EQUAL(rename("/c", "/b"), 0); /* takes the other's place */
    check_text("/b", "a");
    CHECK_EQUAL(mkdir("/d", 0777), 0);
    CHECK_EQUAL(mkdir("/e", 0777), 0);
    CHECK_EQUAL(rename("/b", "/d/b"), 0);
    CHECK_EQUAL(rename("/d", "/e/"), 0); /* onto an empty directory */
    check_text("/e/b", "a");
    CHECK_EQUAL(mkdir("/d", 0777), 0);
    CHECK_ERRNO(rename("/e/b", "/d"), EISDIR);
    CHECK_ERRNO(rename("/d", "/e/b"), ENOTDIR);
    CHECK_EQUAL(rmdir("/d"), 0);
    CHECK_ERRNO(rename("/e", "/e/x"), EINVAL);
    CHECK_ERRNO(rename("/none", "/x"), ENOENT);
    CHECK_ERRNO(rename("/e/b", "/x/"), ENOTDIR);
    CHECK_EQUAL(rename("/e/b", "/second/b"), 0);
    check_text("/second/b", "a");
    CHECK_ERRNO(unlink("/e"), EISDIR);
    CHECK_EQUAL(rmdir("/e"), 0);
    CHECK_EQUAL(unlink("/second/b"), 0);
    CHECK_ERRNO(unlink("/second/b"), ENOENT);
}

/* A directory opened by the guest is a root of its own for the raw calls. */
static void check_beneath_opened(void)
{
    CHECK_EQUAL(mkdir("/top", 0777), 0);
    make("/beside", "beside");
    int top = open("/top", O_RDONLY | O_DIRECTORY);
    __wasi_filestat_t status;
    __wasi_fd_t fd;
    CHECK_EQUAL(__wasi_path_filestat_get(top, 0, "../beside", &status), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_path_open(top, 0, "../beside", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd),
                __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_path_rename(top, "..", top, "x"), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_path_unlink_file(top, "../beside"), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(close(top), 0);
    CHECK_EQUAL(rmdir("/top"), 0);
    CHECK_EQUAL(unlink("/beside"), 0);
}

int main(void)
{
    check_status();
    check_links();
    check_symbolic_links();
    check_renaming();
    check_beneath_opened();
    return check_end();
}
