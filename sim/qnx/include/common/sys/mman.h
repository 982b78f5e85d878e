/* sys/mman.h - the process manager's memory calls. Facts 2.1, 2.5, 2.6.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_MMAN_H
#define QNXSIM_SYS_MMAN_H
#include <sys/types.h>

#define PROT_NONE 0x000
#define PROT_READ 0x100
#define PROT_WRITE 0x200
#define PROT_EXEC 0x400
#define PROT_NOCACHE 0x800
#define MAP_SHARED 0x1
#define MAP_PRIVATE 0x2
#define MAP_FIXED 0x10
#define MAP_ANON 0x80000
#define MAP_ANONYMOUS MAP_ANON
#define MAP_FAILED ((void *)-1)
#define MCL_CURRENT 1
#define MCL_FUTURE 2
#define MS_ASYNC 1
#define MS_SYNC 2
#define MS_INVALIDATE 4
#define POSIX_MADV_NORMAL 0
#define POSIX_MADV_SEQUENTIAL 1
#define POSIX_MADV_RANDOM 2
#define POSIX_MADV_WILLNEED 3
#define POSIX_MADV_DONTNEED 4

#if QNXSIM_EXT
#define NOFD (-1)
#define MAP_ELF 0x20
#define MAP_LAZY 0x80
#define MAP_STACK 0x1000
#define MAP_BELOW 0x2000
#define MAP_NOINIT 0x4000
#define MAP_PHYS 0x10000
#define MAP_SYSRAM 0x01000000
#define MS_INVALIDATE_ICACHE 0x01000000
#define MS_CACHE_ONLY 0x02000000
#define UNMAP_INIT_REQUIRED 1
#define UNMAP_INIT_OPTIONAL 2
#if QNXSIM_RELEASE >= 800
#define MAP_NOSYNCFILE 0
#else
#define MAP_NOSYNCFILE 0x40
#endif
#if QNXSIM_RELEASE >= 700
#define MAP_NOINHERIT 0x20000
#define MAP_HANDLE 0x40000
#define MAP_RESERVMASK 0xfff00000
#define MAP_NORESERVE 0
#define POSIX_MADV_DISCARD_NP 5
#define SHM_ANON ((char *)-1)
#else
#define MAP_PRIVATEANON 3
#define MAP_NOX64K 0x20000
#define MAP_BELOW16M 0x40000
#define MAP_RESERVMASK 0xf0000000
#define MAP_NORESERVE 0x4000
#endif

#define SHMCTL_ANON 0x1
#define SHMCTL_PHYS 0x2
#if QNXSIM_RELEASE >= 700
#define SHMCTL_SEAL 0x4
#define SHMCTL_REVOCABLE 0x8
#define SHMCTL_LAZY 0x400
#define SHMCTL_REPEAT 0x800
#define SHMCTL_TYMEM 0x2000
#define SHMCTL_GET_FLAGS 0x4000
#define SHMCTL_HAS_SPECIAL 0x8000
typedef uint64_t shm_handle_t;
int shm_create_handle(int fd, pid_t pid, int flags, shm_handle_t *handle, unsigned options)
    QNXSIM_AS(shm_create_handle);
int shm_open_handle(shm_handle_t handle, int flags) QNXSIM_AS(shm_open_handle);
#endif
int shm_ctl(int fd, int flags, uint64_t physical, uint64_t bytes) QNXSIM_AS(shm_ctl);
int munmap_flags(void *start, size_t bytes, unsigned flags) QNXSIM_AS(munmap_flags);
#if QNXSIM_RELEASE >= 700
int getpagesizes(size_t *sizes, int count) QNXSIM_AS(getpagesizes); /* facts 2.7 */
#endif
#endif

#define POSIX_TYPED_MEM_ALLOCATE 1
#define POSIX_TYPED_MEM_ALLOCATE_CONTIG 2
#define POSIX_TYPED_MEM_MAP_ALLOCATABLE 4
struct posix_typed_mem_info {
    size_t posix_tmi_length;
};

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
    QNXSIM_AS(mmap);
int munmap(void *start, size_t bytes) QNXSIM_AS(munmap);
int mprotect(void *start, size_t bytes, int protection) QNXSIM_AS(mprotect);
int msync(void *start, size_t bytes, int flags) QNXSIM_AS(msync);
int mlock(const void *start, size_t bytes) QNXSIM_AS(mlock);
int munlock(const void *start, size_t bytes) QNXSIM_AS(munlock);
int mlockall(int flags) QNXSIM_AS(mlockall);
int munlockall(void) QNXSIM_AS(munlockall);
int posix_madvise(void *start, size_t bytes, int advice) QNXSIM_AS(posix_madvise);
int shm_open(const char *name, int flags, mode_t mode) QNXSIM_AS(shm_open);
int shm_unlink(const char *name) QNXSIM_AS(shm_unlink);
int posix_typed_mem_open(const char *name, int flags, int typed_flags)
    QNXSIM_AS(posix_typed_mem_open);
int posix_typed_mem_get_info(int fd, struct posix_typed_mem_info *info)
    QNXSIM_AS(posix_typed_mem_get_info);
#endif
