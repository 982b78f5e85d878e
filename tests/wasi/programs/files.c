/* tests/wasi/programs/files.c - path_open, fd_read, fd_write, fd_pread, fd_pwrite, fd_seek,
 * fd_tell, fd_close, fd_advise, fd_allocate, fd_sync, fd_datasync, fd_filestat_get,
 * fd_filestat_set_size, fd_filestat_set_times, fd_fdstat_get, fd_fdstat_set_flags,
 * fd_fdstat_set_rights, fd_renumber.
 * SPDX-License-Identifier: Apache-2.0
 * run: --dir TMP::/ --
 */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int __wasilibc_fd_renumber(int fd, int newfd);

static int make(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);
    CHECK(fd > 2);
    CHECK_EQUAL(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void check_position(void)
{
    char text[32] = "";
    __wasi_filesize_t at = 0;
    int fd = make("/position", "0123456789");
    CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 10);
    CHECK_EQUAL(lseek(fd, 3, SEEK_SET), 3);
    CHECK_EQUAL(read(fd, text, 4), 4);
    CHECK(memcmp(text, "3456", 4) == 0);
    CHECK_EQUAL(__wasi_fd_tell(fd, &at), 0);
    CHECK_EQUAL(at, 7);
    CHECK_EQUAL(lseek(fd, -2, SEEK_END), 8);
    CHECK_EQUAL(lseek(fd, -3, SEEK_CUR), 5);
    CHECK_EQUAL(__wasi_fd_seek(fd, -6, __WASI_WHENCE_CUR, &at), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_fd_seek(fd, 0, 3, &at), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_fd_tell(fd, &at), 0);
    CHECK_EQUAL(at, 5);
    CHECK_EQUAL(pread(fd, text, 3, 7), 3);
    CHECK(memcmp(text, "789", 3) == 0);
    CHECK_EQUAL(pwrite(fd, "XY", 2, 1), 2);
    CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 5); /* neither moved it */
    CHECK_EQUAL(pread(fd, text, 10, 10), 0);
    __wasi_size_t moved;
    __wasi_iovec_t vector = {.buf = (uint8_t *)text, .buf_len = 4};
    CHECK_EQUAL(__wasi_fd_pread(fd, &vector, 1, UINT64_MAX, &moved), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(lseek(fd, 20, SEEK_SET), 20); /* past the end: a hole */
    CHECK_EQUAL(write(fd, "z", 1), 1);
    CHECK_EQUAL(pread(fd, text, 32, 0), 21);
    CHECK(memcmp(text, "0XY3456789\0\0\0\0\0\0\0\0\0\0z", 21) == 0);
    CHECK_EQUAL(close(fd), 0);
    CHECK_ERRNO(read(fd, text, 1), EBADF);
    CHECK_EQUAL(__wasi_fd_tell(fd, &at), __WASI_ERRNO_BADF);
}

static void check_vectors(void)
{
    char a[3] = "", b[5] = "";
    int fd = make("/vectors", "");
    struct iovec out[] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}};
    struct iovec in[] = {{a, 2}, {NULL, 0}, {b, 4}};
    CHECK_EQUAL(writev(fd, out, 3), 6);
    CHECK_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQUAL(readv(fd, in, 3), 6);
    CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cdef", 4) == 0);
    CHECK_EQUAL(readv(fd, in, 3), 0);
    __wasi_size_t moved;
    __wasi_iovec_t outside = {.buf = (uint8_t *)UINTPTR_MAX - 2, .buf_len = 8};
    CHECK_EQUAL(__wasi_fd_read(fd, &outside, 1, &moved), __WASI_ERRNO_FAULT);
    CHECK_EQUAL(__wasi_fd_read(fd, (const __wasi_iovec_t *)(UINTPTR_MAX - 3), 1, &moved),
                __WASI_ERRNO_FAULT);
    CHECK_EQUAL(__wasi_fd_write(fd, (const __wasi_ciovec_t *)in, 3, (void *)(UINTPTR_MAX - 1)),
                __WASI_ERRNO_FAULT);
    struct stat status;
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK_EQUAL(status.st_size, 6);
    CHECK_EQUAL(close(fd), 0);
}

static void check_status(void)
{
    struct stat status;
    int fd = make("/status", "12345");
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK(S_ISREG(status.st_mode));
    CHECK_EQUAL(status.st_size, 5);
    CHECK_EQUAL(status.st_nlink, 1);
    CHECK(status.st_ino != 0);
    CHECK_EQUAL(ftruncate(fd, 2), 0);
    CHECK_EQUAL(ftruncate(fd, 9), 0);
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK_EQUAL(status.st_size, 9);
    CHECK_EQUAL(__wasi_fd_filestat_set_size(fd, UINT64_MAX), __WASI_ERRNO_INVAL);

    struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 2000, .tv_nsec = 2}};
    CHECK_EQUAL(futimens(fd, times), 0);
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK_EQUAL(status.st_atim.tv_sec, 1000);
    CHECK_EQUAL(status.st_mtim.tv_sec, 2000);
    CHECK_EQUAL(status.st_mtim.tv_nsec, 2);
    CHECK_EQUAL(__wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_MTIM_NOW), 0);
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK_EQUAL(status.st_atim.tv_sec, 1000);
    CHECK(status.st_mtim.tv_sec > 1700000000);
    CHECK_EQUAL(__wasi_fd_filestat_set_times(fd, 0, 0, 3), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_fd_filestat_set_times(fd, 0, 0, 12), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_fd_filestat_set_times(fd, 0, 0, 16), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(close(fd), 0);
}

static void check_medium(void)
{
    struct stat status;
    int fd = make("/medium", "12345");
    CHECK_EQUAL(posix_fadvise(fd, 0, 5, POSIX_FADV_WILLNEED), 0);
    CHECK_EQUAL(__wasi_fd_advise(fd, 0, 0, 6), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_fd_advise(fd, UINT64_MAX, 1, 0), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(posix_fallocate(fd, 2, 98), 0);
    CHECK_EQUAL(fstat(fd, &status), 0);
    CHECK_EQUAL(status.st_size, 100);
    CHECK_EQUAL(__wasi_fd_allocate(fd, 0, 0), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_fd_allocate(fd, INT64_MAX, 1), __WASI_ERRNO_FBIG);
    CHECK_EQUAL(__wasi_fd_allocate(fd, UINT64_MAX, 1), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(fsync(fd), 0);
    CHECK_EQUAL(fdatasync(fd), 0);
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(__wasi_fd_sync(fd), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_datasync(fd), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_advise(fd, 0, 0, 0), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_allocate(fd, 0, 1), __WASI_ERRNO_BADF);
}

static void check_flags(void)
{
    char text[8] = "";
    __wasi_fdstat_t stat;
    close(make("/flags", "start"));
    int fd = open("/flags", O_RDWR | O_APPEND);
    CHECK(fcntl(fd, F_GETFL) & O_APPEND);
    CHECK_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQUAL(write(fd, "1", 1), 1);
    CHECK_EQUAL(pread(fd, text, 8, 0), 6);
    CHECK(memcmp(text, "start1", 6) == 0);
    CHECK_EQUAL(fcntl(fd, F_SETFL, 0), 0);
    CHECK_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQUAL(write(fd, "S", 1), 1);
    CHECK_EQUAL(pread(fd, text, 8, 0), 6);
    CHECK(memcmp(text, "Start1", 6) == 0);
    CHECK_EQUAL(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_NONBLOCK), 0);
    CHECK_EQUAL(__wasi_fd_fdstat_get(fd, &stat), 0);
    CHECK_EQUAL(stat.fs_flags, __WASI_FDFLAGS_NONBLOCK);
    CHECK_EQUAL(stat.fs_filetype, __WASI_FILETYPE_REGULAR_FILE);
    CHECK_EQUAL(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_SYNC), __WASI_ERRNO_NOTSUP);
    CHECK_EQUAL(__wasi_fd_fdstat_set_flags(fd, 32), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(close(fd), 0);
    fd = open("/flags", O_WRONLY | O_SYNC);
    CHECK_EQUAL(__wasi_fd_fdstat_get(fd, &stat), 0);
    CHECK(stat.fs_flags & __WASI_FDFLAGS_SYNC);
    CHECK_EQUAL(write(fd, "s", 1), 1);
    CHECK_EQUAL(close(fd), 0);
}

static void check_opening(void)
{
    char byte;
    close(make("/opening", "text"));
    CHECK_ERRNO(open("/missing", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("/opening", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
    CHECK_ERRNO(open("/opening", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("/opening/x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("/opening/", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("/", O_RDWR), EISDIR);
    int fd = open("/opening", O_RDONLY);
    CHECK_ERRNO(write(fd, "x", 1), EBADF);
    CHECK_EQUAL(close(fd), 0);
    fd = open("/opening", O_WRONLY);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK_EQUAL(close(fd), 0);
    fd = open("/opening", O_RDWR | O_TRUNC);
    CHECK_EQUAL(lseek(fd, 0, SEEK_END), 0);
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(__wasi_path_open(3, 0, "opening", 16, 0, 0, 0, &fd), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_path_open(3, 0, "opening", 0, 0, 0, 32, &fd), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_path_open(3, 2, "opening", 0, 0, 0, 0, &fd), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_path_open(3, 0, "opening", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY,
                                 0, 0, 0, &fd), __WASI_ERRNO_INVAL);
}

static void check_rights(void)
{
    __wasi_fdstat_t stat;
    char byte = 0;
    int fd = make("/rights", "text");
    CHECK_EQUAL(__wasi_fd_fdstat_get(fd, &stat), 0);
    CHECK(stat.fs_rights_base & __WASI_RIGHTS_FD_READ);
    CHECK(stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE);
    CHECK_EQUAL(stat.fs_rights_base & __WASI_RIGHTS_PATH_OPEN, 0);
    CHECK_EQUAL(__wasi_fd_fdstat_set_rights(fd, stat.fs_rights_base & ~__WASI_RIGHTS_FD_WRITE, 0),
                0);
    CHECK_ERRNO(write(fd, &byte, 1), EBADF);
    CHECK_EQUAL(pread(fd, &byte, 1, 0), 1);
    CHECK_EQUAL(__wasi_fd_fdstat_set_rights(fd, stat.fs_rights_base, 0), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(__wasi_fd_fdstat_set_rights(fd, 0, 0), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_fdstat_get(fd, &stat), __WASI_ERRNO_BADF);
}

static void check_renumber(void)
{
    char text[8] = "";
    int one = make("/one", "one"), two = make("/two", "two");
    CHECK_EQUAL(__wasi_fd_renumber(one, two), 0);
    CHECK_EQUAL(pread(two, text, 8, 0), 3);
    CHECK(memcmp(text, "one", 3) == 0);
    CHECK_ERRNO(read(one, text, 1), EBADF);
    CHECK_EQUAL(__wasi_fd_renumber(one, two), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_renumber(two, 1000), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_renumber(two, two), 0);
    CHECK_EQUAL(close(two), 0);
}

static void check_many(void)
{
    int files[200], count = 0;
    while (count < 200 && (files[count] = open("/one", O_RDONLY)) >= 0)
        count++;
    CHECK(count > 10 && count < 200); /* the table has an end */
    CHECK_EQUAL(errno, EMFILE);
    for (int i = 0; i < count; i++)
        CHECK_EQUAL(close(files[i]), 0);
}

static void check_large(void)
{
    static char block[1 << 16];
    FILE *file = fopen("/large", "w+");
    CHECK(file != NULL);
    for (int i = 0; i < 64; i++) {
        memset(block, i, sizeof block);
        CHECK_EQUAL(fwrite(block, 1, sizeof block, file), sizeof block);
    }
    CHECK_EQUAL(fseek(file, 17 * (long)sizeof block + 5, SEEK_SET), 0);
    CHECK_EQUAL(fgetc(file), 17);
    CHECK_EQUAL(fseek(file, 0, SEEK_END), 0);
    CHECK_EQUAL(ftell(file), 64 * (long)sizeof block);
    CHECK_EQUAL(fclose(file), 0);
}

int main(void)
{
    check_position();
    check_vectors();
    check_status();
    check_medium();
    check_flags();
    check_opening();
    check_rights();
    check_renumber();
    check_many();
    check_large();
    return check_end();
}
