/* tests/wasi/programs/directories.c - fd_prestat_get, fd_prestat_dir_name, fd_readdir,
 * path_create_directory, path_remove_directory.
 * SPDX-License-Identifier: Apache-2.0
 * run: --dir TMP::/work --dir TMP2::other --
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_granted(void)
{
    __wasi_prestat_t prestat;
    __wasi_fdstat_t stat;
    char name[16] = "................";
    CHECK_EQUAL(__wasi_fd_prestat_get(3, &prestat), 0);
    CHECK_EQUAL(prestat.tag, __WASI_PREOPENTYPE_DIR);
    CHECK_EQUAL(prestat.u.dir.pr_name_len, 5);
    CHECK_EQUAL(__wasi_fd_prestat_dir_name(3, (uint8_t *)name, 5), 0);
    CHECK(memcmp(name, "/work.", 6) == 0);
    CHECK_EQUAL(__wasi_fd_prestat_dir_name(3, (uint8_t *)name, 4), __WASI_ERRNO_NAMETOOLONG);
    CHECK_EQUAL(__wasi_fd_prestat_dir_name(4, (uint8_t *)name, 5), 0);
    CHECK(memcmp(name, "other.", 6) == 0);
    CHECK_EQUAL(__wasi_fd_prestat_get(5, &prestat), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_prestat_dir_name(5, (uint8_t *)name, 5), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_prestat_get(2, &prestat), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_fdstat_get(3, &stat), 0);
    CHECK_EQUAL(stat.fs_filetype, __WASI_FILETYPE_DIRECTORY);
    CHECK(stat.fs_rights_inheriting & __WASI_RIGHTS_FD_WRITE);
}

static void check_making(void)
{
    struct stat status;
    CHECK_EQUAL(mkdir("/work/d", 0777), 0);
    CHECK_ERRNO(mkdir("/work/d", 0777), EEXIST);
    CHECK_ERRNO(mkdir("/work/d/", 0777), EEXIST);
    CHECK_ERRNO(mkdir("/work/no/such", 0777), ENOENT);
    CHECK_EQUAL(mkdir("/work/d/e/", 0777), 0);
    CHECK_EQUAL(stat("/work/d/e", &status), 0);
    CHECK(S_ISDIR(status.st_mode));
    CHECK_ERRNO(rmdir("/work/d"), ENOTEMPTY);
    CHECK_EQUAL(rmdir("/work/d/e/"), 0);
    CHECK_EQUAL(rmdir("/work/d"), 0);
    CHECK_ERRNO(rmdir("/work/d"), ENOENT);
    close(open("/work/f", O_CREAT | O_WRONLY, 0666));
    CHECK_ERRNO(rmdir("/work/f"), ENOTDIR);
    CHECK_ERRNO(mkdir("/work/f/x", 0777), ENOTDIR);
    CHECK_EQUAL(unlink("/work/f"), 0);
}

static void check_one_way_to_all(unsigned files)
{
    static unsigned char seen[1000];
    memset(seen, 0, sizeof seen);
    unsigned entries = 0;
    DIR *directory = opendir("/work/many");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL; entries++) {
        unsigned number;
        if (sscanf(entry->d_name, "file_%u", &number) == 1 && number < files) {
            CHECK_EQUAL(seen[number]++, 0);
            CHECK_EQUAL(entry->d_type, DT_REG);
        } else {
            CHECK(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
        }
    }
    CHECK_EQUAL(entries, files + 2);
    rewinddir(directory);
    unsigned again = 0;
    while (readdir(directory))
        again++;
    CHECK_EQUAL(again, entries);
    CHECK_EQUAL(closedir(directory), 0);
}

/* Raw, because telldir of this libc keeps only 32 bits of a cookie. */
static __wasi_dircookie_t next_of(int fd, __wasi_dircookie_t cookie, __wasi_inode_t *inode)
{
    __wasi_dirent_t entry = {0};
    __wasi_size_t used = 0;
    CHECK_EQUAL(__wasi_fd_readdir(fd, (uint8_t *)&entry, sizeof entry, cookie, &used), 0);
    CHECK_EQUAL(used, sizeof entry);
    *inode = entry.d_ino;
    return entry.d_next;
}

static void check_cookies(void)
{
    static __wasi_dircookie_t cookies[501];
    static __wasi_inode_t inodes[501];
    __wasi_inode_t inode;
    int fd = open("/work/many", O_RDONLY | O_DIRECTORY);
    for (unsigned i = 0; i < 500; i++)
        cookies[i + 1] = next_of(fd, cookies[i], &inodes[i]);
    for (unsigned i = 0; i < 500; i += 7) { /* back and forth */
        unsigned j = (i * 37) % 500;
        CHECK_EQUAL(next_of(fd, cookies[j], &inode), cookies[j + 1]);
        CHECK_EQUAL(inode, inodes[j]);
    }
    CHECK_EQUAL(close(fd), 0);
}

/* A buffer too small for an entry is filled: the guest then asks again with a larger one. */
static void check_small_buffer(void)
{
    uint8_t buffer[30];
    __wasi_size_t used;
    __wasi_dircookie_t cookie = 0;
    int fd = open("/work/many", O_RDONLY | O_DIRECTORY);
    CHECK_EQUAL(__wasi_fd_readdir(fd, buffer, 10, cookie, &used), 0);
    CHECK_EQUAL(used, 10);
    CHECK_EQUAL(__wasi_fd_readdir(fd, buffer, sizeof buffer, cookie, &used), 0);
    CHECK_EQUAL(used, sizeof buffer);
    CHECK_EQUAL(__wasi_fd_readdir(fd, (uint8_t *)UINTPTR_MAX - 5, 10, cookie, &used),
                __WASI_ERRNO_FAULT);
    CHECK_EQUAL(close(fd), 0);
    fd = open("/work/many/file_1", O_RDONLY);
    CHECK_EQUAL(__wasi_fd_readdir(fd, buffer, 10, 0, &used), __WASI_ERRNO_NOTDIR);
    CHECK_EQUAL(close(fd), 0);
}

static void check_reading(void)
{
    char name[64];
    CHECK_EQUAL(mkdir("/work/many", 0777), 0);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "/work/many/file_%u", i);
        CHECK_EQUAL(close(open(name, O_CREAT | O_WRONLY, 0666)), 0);
    }
    check_one_way_to_all(500);
    check_cookies();
    check_small_buffer();
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "/work/many/file_%u", i);
        CHECK_EQUAL(unlink(name), 0);
    }
    check_one_way_to_all(0);
    CHECK_EQUAL(rmdir("/work/many"), 0);
}

int main(void)
{
    check_granted();
    check_making();
    check_reading();
    return check_end();
}
