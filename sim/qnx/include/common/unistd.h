/* unistd.h - SPDX-License-Identifier: Apache-2.0
 * _SC numbers: facts 7. File calls are the host's: the facts page does not cover files.
 */
#ifndef QNXSIM_UNISTD_H
#define QNXSIM_UNISTD_H
#include <sys/types.h>
#define _SC_PAGESIZE 11
#define _SC_PAGE_SIZE _SC_PAGESIZE
#define _SC_NPROCESSORS_ONLN 91
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4
long sysconf(int name) QNXSIM_AS(sysconf);
pid_t getpid(void) QNXSIM_AS(getpid);
uid_t getuid(void) QNXSIM_AS(getuid);
uid_t geteuid(void) QNXSIM_AS(geteuid);
int close(int fd) QNXSIM_AS(close);
int ftruncate(int fd, off_t length) QNXSIM_AS(ftruncate);
ssize_t read(int fd, void *buffer, size_t bytes) QNXSIM_AS(read);
ssize_t write(int fd, const void *buffer, size_t bytes) QNXSIM_AS(write);
ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset);
ssize_t pwrite(int fd, const void *buffer, size_t bytes, off_t offset);
off_t lseek(int fd, off_t offset, int whence);
int fsync(int fd);
int fdatasync(int fd);
int dup(int fd);
int dup2(int from, int to);
int pipe(int fds[2]);
int isatty(int fd);
int access(const char *path, int mode);
int chdir(const char *path);
char *getcwd(char *buffer, size_t bytes);
int unlink(const char *path);
int unlinkat(int dirfd, const char *path, int flags);
int rmdir(const char *path);
int link(const char *from, const char *to);
int linkat(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags);
int symlink(const char *target, const char *path);
int symlinkat(const char *target, int dirfd, const char *path);
ssize_t readlink(const char *restrict path, char *restrict buffer, size_t bytes);
ssize_t readlinkat(int dirfd, const char *restrict path, char *restrict buffer, size_t bytes);
void _exit(int status) __attribute__((noreturn));
int getopt(int count, char *const arguments[], const char *options);
extern char *optarg;
extern int optind, opterr, optopt;
extern char **environ;
#endif
