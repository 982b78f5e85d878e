/* malloc.h - tuning of the process heap. Facts 1.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_MALLOC_H
#define QNXSIM_MALLOC_H
#include <stdlib.h>

#if QNXSIM_EXT
enum malloc_opt_cmds { /* facts 1.1 */
    MALLOC_VERIFY = 0,
    MALLOC_VERIFY_ON = 1,
    MALLOC_STATS = 2,
    MALLOC_FREE_CHECK = 3,
    MALLOC_ARENA_SIZE = 4,
    MALLOC_MONOTONIC_GROWTH = 5,
    MALLOC_MEMORY_HOLD = 6,
    MALLOC_ARENA_CACHE_MAXSZ = 7,
    MALLOC_ARENA_CACHE_MAXBLK = 8,
    MALLOC_ARENA_CACHE_FREE_NOW = 9,
#if QNXSIM_RELEASE >= 650
    MALLOC_ERROR_GET_FNPTR = 10,
    MALLOC_ERROR_SET_FNPTR = 11,
#endif
#if QNXSIM_RELEASE >= 700
    MALLOC_SET_MMAP_PRELOAD = 12,
    MALLOC_GET_MMAP_PRELOAD = 13,
    MALLOC_SET_MAX_LOCK_RETRY = 14,
    MALLOC_GET_MAX_LOCK_RETRY = 15,
    MALLOC_MAX_ALIGNMENT = 16,
#endif
    MALLOC_LAST
};
#define M_MXFAST MALLOC_LAST
#define M_NLBLKS (MALLOC_LAST + 1)
#define M_GRAIN (MALLOC_LAST + 2)
#define M_TRIM_THRESHOLD (MALLOC_LAST + 3)
#define M_TOP_PAD (MALLOC_LAST + 4)
#define M_MMAP_THRESHOLD (MALLOC_LAST + 5)
#define M_MMAP_MAX (MALLOC_LAST + 6)
#if QNXSIM_RELEASE >= 800
#define M_GRANULARITY (MALLOC_LAST + 7)
#endif

#if QNXSIM_RELEASE >= 700
int mallopt(int command, intptr_t value) QNXSIM_AS(mallopt);
#else
int mallopt(int command, int value) QNXSIM_AS(mallopt);
#endif

/* Facts 1.4: the fields are int up to 7.x and size_t on 8.0. */
#if QNXSIM_RELEASE >= 800
typedef size_t qnxsim_mallinfo_field;
#else
typedef int qnxsim_mallinfo_field;
#endif
struct mallinfo {
    qnxsim_mallinfo_field arena, ordblks, smblks, hblks, hblkhd;
    qnxsim_mallinfo_field usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo mallinfo(void) QNXSIM_AS(mallinfo);
void *memalign(size_t alignment, size_t bytes) QNXSIM_AS(memalign);
#if QNXSIM_RELEASE >= 800
void *reallocarray(void *block, size_t count, size_t bytes) QNXSIM_AS(reallocarray);
size_t malloc_usable_size(const void *block) QNXSIM_AS(malloc_usable_size);
#endif
#endif
#endif
