/* sys/stat.h - file status, in the host libc's layout (no facts): files are not simulated.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_STAT_H
#define QNXSIM_SYS_STAT_H
#include <sys/types.h>
#include <time.h>
struct stat {
#if defined(__aarch64__)
    dev_t st_dev;
    ino_t st_ino;
    mode_t st_mode;
    uint32_t st_nlink;
    uid_t st_uid;
    gid_t st_gid;
    dev_t st_rdev;
    uint64_t qnxsim_pad1;
    off_t st_size;
    int32_t st_blksize;
    int32_t qnxsim_pad2;
    blkcnt_t st_blocks;
    struct timespec st_atim, st_mtim, st_ctim;
    int32_t qnxsim_pad3[2];
#else
    dev_t st_dev;
    ino_t st_ino;
    nlink_t st_nlink;
    mode_t st_mode;
    uid_t st_uid;
    gid_t st_gid;
    uint32_t qnxsim_pad1;
    dev_t st_rdev;
    off_t st_size;
    blksize_t st_blksize;
    blkcnt_t st_blocks;
    struct timespec st_atim, st_mtim, st_ctim;
    uint64_t qnxsim_pad2[3];
#endif
};
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISBLK(m) (((m) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)
#define S_IRUSR 0400
#define S_IWUSR 0200
#define S_IXUSR 0100
#define UTIME_NOW 0x3fffffffL
#define UTIME_OMIT 0x3ffffffeL
int stat(const char *restrict path, struct stat *restrict out);
int lstat(const char *restrict path, struct stat *restrict out);
int fstat(int fd, struct stat *out);
int fstatat(int dirfd, const char *restrict path, struct stat *restrict out, int flags);
int mkdir(const char *path, mode_t mode);
int mkdirat(int dirfd, const char *path, mode_t mode);
int chmod(const char *path, mode_t mode);
int futimens(int fd, const struct timespec times[2]);
int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags);
int renameat(int from_dirfd, const char *from, int to_dirfd, const char *to);
#endif
