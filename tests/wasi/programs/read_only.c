/* tests/wasi/programs/read_only.c - a read-only directory can be read and nothing else.
 * SPDX-License-Identifier: Apache-2.0
 * run: --dir TMP::/ro:ro --dir TMP2::/rw --
 * The runner's TMP holds fixture/file with "fixture".
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    char text[16] = "";
    struct stat status;
    const struct timespec times[2] = {{0}, {0}};
    int fd = open("/ro/fixture/file", O_RDONLY);
    CHECK(fd > 2);
    CHECK_EQUAL(read(fd, text, sizeof text), 7);
    CHECK(memcmp(text, "fixture", 7) == 0);
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK(write(fd, "x", 1) == -1);
    CHECK(ftruncate(fd, 0) == -1);
    CHECK(futimens(fd, times) == -1);
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(stat("/ro/fixture/file", &status), 0);
    CHECK_EQUAL(status.st_size, 7);
    DIR *directory = opendir("/ro/fixture");
    CHECK(directory && readdir(directory));
    closedir(directory);

    CHECK_ERRNO(open("/ro/new", O_CREAT | O_WRONLY, 0666), ENOTCAPABLE);
    CHECK_ERRNO(open("/ro/fixture/file", O_TRUNC | O_RDONLY), ENOTCAPABLE);
    CHECK_ERRNO(mkdir("/ro/new", 0777), ENOTCAPABLE);
    CHECK_ERRNO(rmdir("/ro/fixture"), ENOTCAPABLE);
    CHECK_ERRNO(unlink("/ro/fixture/file"), ENOTCAPABLE);
    CHECK_ERRNO(rename("/ro/fixture/file", "/ro/fixture/other"), ENOTCAPABLE);
    CHECK_ERRNO(rename("/ro/fixture/file", "/rw/other"), ENOTCAPABLE);
    CHECK_ERRNO(link("/ro/fixture/file", "/rw/writable"), ENOTCAPABLE);
    CHECK_ERRNO(symlink("x", "/ro/new"), ENOTCAPABLE);
    CHECK_ERRNO(utimensat(AT_FDCWD, "/ro/fixture/file", times, 0), ENOTCAPABLE);
    __wasi_fd_t raw;
    CHECK_EQUAL(__wasi_path_open(3, 0, "fixture/file", 0, __WASI_RIGHTS_FD_WRITE, 0, 0, &raw),
                __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(close(open("/rw/new", O_CREAT | O_WRONLY, 0666)), 0);
    CHECK_EQUAL(unlink("/rw/new"), 0);
    return check_end();
}
