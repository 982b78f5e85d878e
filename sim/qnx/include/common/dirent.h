/* dirent.h - directories, in the host libc's layout (no facts): files are not simulated.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_DIRENT_H
#define QNXSIM_DIRENT_H
#include <sys/types.h>
struct dirent {
    ino_t d_ino;
    off_t qnxsim_offset;
    uint16_t d_reclen;
    uint8_t qnxsim_type; /* QNX has no d_type: use fstatat */
    char d_name[256];
};
typedef struct __dirstream DIR;
DIR *opendir(const char *path);
DIR *fdopendir(int fd);
struct dirent *readdir(DIR *dir);
int closedir(DIR *dir);
void rewinddir(DIR *dir);
long telldir(DIR *dir);
void seekdir(DIR *dir, long position);
int dirfd(DIR *dir);
#endif
