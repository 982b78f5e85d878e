/* heap.c - the C heap behind malloc and mallopt. Facts 1.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Arenas are mapped from the process manager in multiples of the arena size; blocks lie in
 * an arena in address order and are found first-fit; a big request has a mapping of its
 * own; an arena whose last block was freed goes to a cache (limits by blocks and bytes)
 * or back. One process-wide lock (trap 12). From 8.0 on the tuning commands differ.
 *
 *   block header | payload ...      header.bytes counts the payload
 */
#include "kernel.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct arena;
struct block {
    size_t bytes;
    struct arena *arena;
    struct block *next, *previous; /* neighbours by address */
    uint64_t is_used;
    uint64_t mark;
};
struct arena {
    size_t bytes;
    struct block *first;
    struct arena *next;
    uint64_t is_big;
};
enum { ALIGN = 16, BIG = 65536 };
static const uint64_t block_mark = UINT64_C(0x71736d2d626c6b21);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct arena *arenas, *cache;
static size_t held_bytes, used_bytes;
static uint64_t heap_calls;

static struct tuning {
    size_t arena_bytes, cache_maxsz, cache_maxblk;
    int monotonic;
    size_t trim_threshold, mmap_threshold, granularity;
    bool is_ready;
} tuning;

static size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

/* 1.3: read once, at the first allocation; bad values are ignored. */
static size_t from_environment(const char *name, size_t fallback, size_t least, size_t most) {
    const char *text = getenv(name);
    if (!text) return fallback;
    size_t value = strtoul(text, NULL, 10);
    return value < least || value > most ? fallback : value;
}

static void prepare(void) {
    if (tuning.is_ready) return;
    size_t page = host_page();
    tuning.arena_bytes = round_up(from_environment("MALLOC_ARENA_SIZE", 32768, page, 0x40000), page);
    tuning.cache_maxsz = from_environment("MALLOC_ARENA_CACHE_MAXSZ", 0, 1, SIZE_MAX);
    tuning.cache_maxblk = from_environment("MALLOC_ARENA_CACHE_MAXBLK", 12, 0, SIZE_MAX);
    if (from_environment("MALLOC_MEMORY_HOLD", 0, 1, SIZE_MAX)) {
        tuning.cache_maxsz = tuning.cache_maxblk = UINT32_MAX;
    }
    tuning.trim_threshold = tuning.mmap_threshold = 262144;
    tuning.granularity = page;
    tuning.is_ready = true;
}

/* ---- arenas ---- */

static struct arena *arena_map(size_t bytes, bool is_big) {
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, NOFD, 0);
    if (start == MAP_FAILED) return NULL;
    struct arena *arena = start;
    arena->bytes = bytes;
    arena->is_big = is_big;
    held_bytes += bytes;
    return arena;
}

static void arena_unmap(struct arena *arena) {
    held_bytes -= arena->bytes;
    munmap(arena, arena->bytes);
}

static size_t cached(size_t *bytes) {
    size_t count = 0;
    *bytes = 0;
    for (struct arena *a = cache; a; a = a->next) {
        count++;
        *bytes += a->bytes;
    }
    return count;
}

static void arena_format(struct arena *arena) {
    struct block *block = (struct block *)(void *)((char *)arena + round_up(sizeof *arena, ALIGN));
    *block = (struct block){arena->bytes - round_up(sizeof *arena, ALIGN) - sizeof *block, arena, NULL, NULL, 0,
                            block_mark};
    arena->first = block;
}

static struct arena *arena_get(size_t payload) {
    size_t need = payload + sizeof(struct block) + round_up(sizeof(struct arena), ALIGN);
    bool is_big = payload >= BIG;
    size_t bytes = round_up(need, is_big ? host_page() : tuning.arena_bytes);
    struct arena **at = &cache;
    while (!is_big && *at && (*at)->bytes < bytes) at = &(*at)->next;
    struct arena *arena = is_big ? NULL : *at;
    if (arena) *at = arena->next;
    else arena = arena_map(bytes, is_big);
    if (!arena) return NULL;
    arena_format(arena);
    arena->next = arenas;
    arenas = arena;
    return arena;
}

static void arena_put(struct arena *arena) {
    struct arena **at = &arenas;
    while (*at != arena) at = &(*at)->next;
    *at = arena->next;
    size_t bytes, count = cached(&bytes);
    bool is_off = tuning.cache_maxblk == 0;
    bool is_too_big = tuning.cache_maxsz != 0 && bytes + arena->bytes > tuning.cache_maxsz;
    if (arena->is_big || is_off || count >= tuning.cache_maxblk || is_too_big) {
        arena_unmap(arena);
        return;
    }
    arena->next = cache;
    cache = arena;
}

/* ---- blocks ---- */

static char *payload_of(struct block *block) { return (char *)(block + 1); }

static struct block *split_at(struct block *block, char *payload) {
    struct block *tail = (struct block *)(void *)(payload - sizeof *tail);
    *tail = (struct block){(size_t)(payload_of(block) + block->bytes - payload), block->arena, block->next, block, 0,
                           block_mark};
    if (tail->next) tail->next->previous = tail;
    block->next = tail;
    block->bytes = (size_t)((char *)tail - payload_of(block));
    return tail;
}

/* Where an aligned payload of that size would start in a free block, or NULL. */
static char *fit(struct block *block, size_t alignment, size_t bytes) {
    uintptr_t start = (uintptr_t)payload_of(block), end = start + block->bytes;
    uintptr_t at = round_up(start, alignment);
    if (at != start && at - start < sizeof(struct block) + ALIGN) at = round_up(start + sizeof(struct block) + ALIGN, alignment);
    return at + bytes <= end && at >= start ? payload_of(block) + (at - start) : NULL;
}

static struct block *carve(struct block *block, char *payload, size_t bytes) {
    if (payload != payload_of(block)) block = split_at(block, payload);
    if (block->bytes >= bytes + sizeof(struct block) + ALIGN) split_at(block, payload + bytes + sizeof(struct block));
    block->is_used = 1;
    used_bytes += block->bytes;
    return block;
}

static void *allocate(size_t alignment, size_t bytes) {
    if (bytes > PTRDIFF_MAX - 2 * alignment - 4096) return NULL;
    bytes = round_up(bytes ? bytes : 1, ALIGN);
    prepare();
    for (struct arena *a = arenas; a && bytes < BIG; a = a->next) {
        for (struct block *b = a->first; b && !a->is_big; b = b->next) {
            char *at = b->is_used ? NULL : fit(b, alignment, bytes);
            if (at) return payload_of(carve(b, at, bytes));
        }
    }
    size_t slack = alignment > ALIGN ? alignment + sizeof(struct block) + ALIGN : 0;
    struct arena *arena = arena_get(bytes + slack);
    char *at = arena ? fit(arena->first, alignment, bytes) : NULL;
    return at ? payload_of(carve(arena->first, at, bytes)) : NULL;
}

static void absorb_next(struct block *block) {
    struct block *gone = block->next;
    block->bytes += sizeof *gone + gone->bytes;
    block->next = gone->next;
    if (gone->next) gone->next->previous = block;
    gone->mark = 0;
}

static struct block *block_of(void *payload) {
    struct block *block = (struct block *)payload - 1;
    if (block->mark != block_mark || !block->is_used) host_panic("free of what is not an allocated block");
    return block;
}

static void release(struct block *block) {
    block->is_used = 0;
    used_bytes -= block->bytes;
    if (block->next && !block->next->is_used) absorb_next(block);
    if (block->previous && !block->previous->is_used) {
        block = block->previous;
        absorb_next(block);
    }
    if (!block->previous && !block->next) arena_put(block->arena);
}

/* ---- the interface ---- */

static void *locked_allocate(size_t alignment, size_t bytes) {
    __atomic_fetch_add(&heap_calls, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&lock);
    void *block = allocate(alignment, bytes);
    pthread_mutex_unlock(&lock);
    if (!block) errno = ENOMEM;
    return block;
}
void *malloc(size_t bytes) { return locked_allocate(ALIGN, bytes); }
void *calloc(size_t count, size_t bytes) {
    size_t total = count * bytes; /* 1.4: 6.4 does not check; later ones are assumed to */
    if (bytes && total / bytes != count) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = malloc(total);
    if (block) memset(block, 0, total);
    return block;
}
void free(void *block) {
    if (!block) return;
    pthread_mutex_lock(&lock);
    release(block_of(block));
    pthread_mutex_unlock(&lock);
}
void *realloc(void *block, size_t bytes) { /* 1.4: alignment is lost */
    if (!block) return malloc(bytes);
    size_t had = block_of(block)->bytes;
    if (had >= bytes) return block;
    void *moved = malloc(bytes);
    if (moved) memcpy(moved, block, had);
    if (moved) free(block);
    return moved;
}
int posix_memalign(void **out, size_t alignment, size_t bytes) {
    if (alignment & (alignment - 1) || alignment % sizeof(void *)) return EINVAL;
    int saved = errno;
    void *block = locked_allocate(alignment < ALIGN ? ALIGN : alignment, bytes);
    errno = saved;
    if (!block) return ENOMEM;
    *out = block;
    return EOK;
}
void *memalign(size_t alignment, size_t bytes) {
    void *block = NULL;
    int error = posix_memalign(&block, alignment, bytes);
    if (error) errno = error;
    return block;
}
void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
#if QNXSIM_RELEASE >= 800
void *reallocarray(void *block, size_t count, size_t bytes) {
    if (bytes && count > SIZE_MAX / bytes) return NULL;
    return realloc(block, count * bytes);
}
size_t malloc_usable_size(const void *block) { return block ? ((const struct block *)block - 1)->bytes : 0; }
#endif

struct mallinfo mallinfo(void) {
    struct mallinfo info;
    memset(&info, 0, sizeof info);
    pthread_mutex_lock(&lock);
    info.arena = (qnxsim_mallinfo_field)held_bytes; /* 1.4: int up to 7.x, so it wraps */
    info.uordblks = (qnxsim_mallinfo_field)used_bytes;
    info.fordblks = (qnxsim_mallinfo_field)(held_bytes - used_bytes);
    pthread_mutex_unlock(&lock);
    return info;
}

/* ---- mallopt ---- */

#if QNXSIM_RELEASE >= 800
static int option(int command, intptr_t value) {
    size_t size = (size_t)value, page = host_page();
    if (command == M_TRIM_THRESHOLD) tuning.trim_threshold = size;
    else if (command == M_MMAP_THRESHOLD) tuning.mmap_threshold = size;
    else if (command == M_GRANULARITY) {
        if (size == 0) size = page;
        if (size & (size - 1) || size < page) return EINVAL;
        tuning.granularity = size;
    } else {
        return knobs.deprecated_mallopt_ok ? EOK : EINVAL; /* 1.1: not documented which */
    }
    return EOK;
}
int mallopt(int command, intptr_t value) {
    pthread_mutex_lock(&lock);
    prepare();
    int error = option(command, value);
    pthread_mutex_unlock(&lock);
    return plain(error);
}
#else
static void cache_trim(size_t keep_blocks) {
    size_t count = 0;
    struct arena **at = &cache;
    while (*at) {
        if (count++ < keep_blocks) {
            at = &(*at)->next;
            continue;
        }
        struct arena *gone = *at;
        *at = gone->next;
        arena_unmap(gone);
    }
}

static int swap(size_t *setting, intptr_t value, int *previous) {
    if (value < 0) return EINVAL;
    *previous = (int)*setting;
    *setting = (size_t)value;
    return EOK;
}
static int set_arena_size(intptr_t value, int *previous) {
    size_t page = host_page();
    *previous = (int)tuning.arena_bytes;
    if (value == 0) return EOK; /* asks */
    if (value > 0x40000 || value < (intptr_t)page) return EINVAL;
    tuning.arena_bytes = round_up((size_t)value, page);
    return EOK;
}
static int option(int command, intptr_t value, int *result) { /* 1.2 */
    switch (command) {
    case MALLOC_ARENA_SIZE: return set_arena_size(value, result);
    case MALLOC_ARENA_CACHE_MAXSZ: return swap(&tuning.cache_maxsz, value, result);
    case MALLOC_ARENA_CACHE_MAXBLK: return swap(&tuning.cache_maxblk, value, result);
    case MALLOC_MEMORY_HOLD:
        tuning.cache_maxsz = tuning.cache_maxblk = value > 0 ? UINT32_MAX : 0;
        return EOK;
    case MALLOC_ARENA_CACHE_FREE_NOW: /* with the default size limit 0 even a trim frees all */
        cache_trim(value == 0 && tuning.cache_maxsz != 0 ? tuning.cache_maxblk : 0);
        return EOK;
    case MALLOC_MONOTONIC_GROWTH: tuning.monotonic = value != 0; return EOK;
    case MALLOC_VERIFY: return EOK;
    default:
        return command >= M_MXFAST && command <= M_MMAP_MAX ? EOK : EINVAL; /* M_*: ignored */
    }
}
int mallopt(int command, intptr_t value) {
    int result = 0;
    pthread_mutex_lock(&lock);
    prepare();
    int error = option(command, value, &result);
    pthread_mutex_unlock(&lock);
    if (!error) return result; /* the old value; -1 after MEMORY_HOLD, with errno as it was */
    errno = error;
    return -1;
}
#endif

uint64_t qnxsim_heap_calls(void) { return __atomic_load_n(&heap_calls, __ATOMIC_RELAXED); }
