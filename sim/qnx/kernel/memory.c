/* memory.c - the process manager's address space. Facts 2.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Regions are kept in an array sorted by address; neighbours that agree in everything are
 * merged. RAM is accounted, not provided: the host lends as much as it has. A region that
 * is lazy and not committed has no access on the host; the fault of its first touch
 * commits one page.
 *
 *   ram_used = sum of the committed private regions + sizes of shared objects
 */
#include "kernel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/procmgr.h>
#include <unistd.h>

struct object { /* behind a descriptor: shared or typed memory */
    int fd;
    bool is_open, is_sealed;
    bool is_inherited; /* its RAM was taken by the process that made it */
    uint64_t bytes;
    struct pool *pool;
    uint32_t mappings;
    struct object *next;
};

struct region {
    uintptr_t start, end;
    int protection, flags; /* QNX's numbers */
    bool is_committed;     /* memory is behind it */
    bool is_locked;
    struct object *object; /* shared; NULL: anonymous private */
};

enum { MAX_REGIONS = 262144 };
static struct region *regions;
static size_t region_count;
static struct object *objects;
/* 2.7: 512 GiB of addresses on LP64. */
static const uint64_t address_space = UINT64_C(512) << 30;

static const int prot_mask = PROT_READ | PROT_WRITE | PROT_EXEC | PROT_NOCACHE;

/* ---- RAM ---- */

bool ram_take(uint64_t bytes) {
    uint64_t used = __atomic_load_n(&machine->ram_used, __ATOMIC_RELAXED);
    do {
        if (bytes > machine->ram_bytes || used > machine->ram_bytes - bytes) return false;
    } while (!__atomic_compare_exchange_n(&machine->ram_used, &used, used + bytes, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    __atomic_fetch_add(&processes->state->ram_used, bytes, __ATOMIC_RELAXED);
    return true;
}
void ram_give(uint64_t bytes) {
    __atomic_fetch_sub(&processes->state->ram_used, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&machine->ram_used, bytes, __ATOMIC_RELAXED);
}

static struct watch {
    bool is_used, downwards;
    uint64_t free_bytes, last_free;
    struct sigevent event;
    struct process *process;
} watches[16];

void memory_watch(uint64_t free_bytes, bool downwards, const struct sigevent *event) {
    for (int i = 0; i < 16; i++) {
        if (watches[i].is_used) continue;
        watches[i] = (struct watch){true, downwards, free_bytes, machine->ram_bytes - machine->ram_used, *event,
                                    process_current()};
        return;
    }
}

/* After every call that may have changed what is free; with the lock. */
static void look_at_watches(void) {
    uint64_t now = machine->ram_bytes - machine->ram_used;
    for (int i = 0; i < 16; i++) {
        struct watch *w = &watches[i];
        if (!w->is_used) continue;
        bool fires = w->downwards ? w->last_free >= w->free_bytes && now < w->free_bytes
                                  : w->last_free <= w->free_bytes && now > w->free_bytes;
        w->last_free = now;
        if (!fires) continue;
        int result = connection_deliver(w->process, w->event.sigev_coid, w->event.sigev_priority,
                                        w->event.sigev_code, w->event.sigev_value);
        if (result != EOK) w->is_used = false; /* its connection is gone */
    }
}

/* RLIMIT_FREEMEM: in 0.1 % of RAM, an allocation that would leave the system fuller fails. */
static bool limit_take(uint64_t bytes) {
#if QNXSIM_RELEASE >= 700
    uint64_t permille = processes->state->limits[RLIMIT_FREEMEM].rlim_cur;
    if (permille < 1000 && machine->ram_used + bytes > machine->ram_bytes / 1000 * permille) {
        return false;
    }
#endif
    return ram_take(bytes);
}

/* ---- the table ---- */

static size_t find(uintptr_t address) { /* the first region that ends behind it */
    size_t low = 0, high = region_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (regions[middle].end <= address) low = middle + 1;
        else high = middle;
    }
    return low;
}

static struct region *at(uintptr_t address) {
    size_t i = find(address);
    return i < region_count && regions[i].start <= address ? &regions[i] : NULL;
}

static void insert(size_t index, const struct region *region) {
    if (!regions) regions = host_allocate(MAX_REGIONS * sizeof *regions);
    if (region_count == MAX_REGIONS) host_panic("too many memory regions");
    memmove(&regions[index + 1], &regions[index], (region_count - index) * sizeof *regions);
    regions[index] = *region;
    region_count++;
}

static void erase(size_t index) {
    memmove(&regions[index], &regions[index + 1], (region_count - index - 1) * sizeof *regions);
    region_count--;
}

static void split(uintptr_t address) {
    size_t i = find(address);
    if (i == region_count || regions[i].start >= address) return;
    struct region tail = regions[i];
    tail.start = address;
    regions[i].end = address;
    if (tail.object) tail.object->mappings++;
    insert(i + 1, &tail);
}

static bool agree(const struct region *a, const struct region *b) {
    return a->end == b->start && a->protection == b->protection && a->flags == b->flags &&
           a->is_committed == b->is_committed && a->is_locked == b->is_locked && !a->object &&
           !b->object;
}

static void merge_around(uintptr_t start, uintptr_t end) {
    size_t i = find(start);
    if (i > 0) i--;
    while (i + 1 < region_count && regions[i].start <= end) {
        if (agree(&regions[i], &regions[i + 1])) {
            regions[i].end = regions[i + 1].end;
            erase(i + 1);
        } else {
            i++;
        }
    }
}

static void object_forget(struct object *object) {
    if (object->is_open || object->mappings) return;
    struct object **o = &objects;
    while (*o != object) o = &(*o)->next;
    *o = object->next;
    if (object->pool) object->pool->used -= object->bytes;
    else if (!object->is_inherited) ram_give(object->bytes);
    host_free(object);
}

static void drop(const struct region *region) {
    if (region->object) {
        region->object->mappings--;
        object_forget(region->object);
    } else if (region->is_committed) {
        ram_give(region->end - region->start);
    }
}

static void remove_range(uintptr_t start, uintptr_t end) {
    split(start);
    split(end);
    size_t i = find(start);
    while (i < region_count && regions[i].start < end) {
        drop(&regions[i]);
        erase(i);
    }
}

static bool is_covered(uintptr_t start, uintptr_t end) {
    for (size_t i = find(start); i < region_count && start < end; i++) {
        if (regions[i].start > start) return false;
        start = regions[i].end;
    }
    return start >= end;
}

/* ---- limits (3.2, trap 3): by flags, whether memory is behind it or not ---- */

static bool counts_as_data(int flags) {
    int kind = MAP_ANON | MAP_PRIVATE;
    return (flags & kind) == kind && !(flags & (MAP_STACK | MAP_ELF));
}

static uint64_t mapped_in(uintptr_t start, uintptr_t end, bool data_only) {
    uint64_t sum = 0;
    for (size_t i = find(start); i < region_count && regions[i].start < end; i++) {
        const struct region *r = &regions[i];
        if (data_only && !counts_as_data(r->flags)) continue;
        sum += (r->end < end ? r->end : end) - (r->start > start ? r->start : start);
    }
    return sum;
}

static bool within_limits(uint64_t bytes, int flags, uintptr_t replaced, uintptr_t replaced_end) {
    const struct rlimit *limits = processes->state->limits;
    uint64_t all = mapped_in(0, UINTPTR_MAX, false) - mapped_in(replaced, replaced_end, false);
    if (all + bytes > address_space) return false;
    if (limits[RLIMIT_AS].rlim_cur != RLIM_INFINITY && all + bytes >= limits[RLIMIT_AS].rlim_cur) return false;
    if (!counts_as_data(flags) || limits[RLIMIT_DATA].rlim_cur == RLIM_INFINITY) return true;
    uint64_t data = mapped_in(0, UINTPTR_MAX, true) - mapped_in(replaced, replaced_end, true);
    return data + bytes < limits[RLIMIT_DATA].rlim_cur;
}

/* ---- mmap ---- */

static unsigned host_rights_of(int protection) {
    return (protection & PROT_READ ? 1u : 0) | (protection & PROT_WRITE ? 3u : 0) |
           (protection & PROT_EXEC ? 5u : 0);
}

static int check_arguments(size_t bytes, int protection, int flags, int fd, off_t offset) {
    if (bytes == 0 || (protection & ~prot_mask)) return EINVAL;
    if ((unsigned)flags & (unsigned)(MAP_RESERVMASK | MAP_SYSRAM)) return EINVAL;
    if ((flags & MAP_ANON) && fd != NOFD) return EINVAL;
    if ((flags & MAP_LAZY) && (flags & MAP_PHYS)) return EINVAL;
    if (flags & MAP_PHYS) return ability(PROCMGR_AID_MEM_PHYS) ? ENODEV : EPERM;
#if QNXSIM_RELEASE >= 700
    if (!(flags & (MAP_PRIVATE | MAP_SHARED))) return EINVAL;
#endif
    if ((flags & MAP_FIXED) && !ability(PROCMGR_AID_MAP_FIXED)) return EPERM;
    if ((protection & PROT_EXEC) && !ability(PROCMGR_AID_PROT_EXEC)) return EACCES;
    if ((protection & PROT_EXEC) && (protection & PROT_WRITE) &&
        !ability(PROCMGR_AID_PROT_WRITE_AND_EXEC)) {
        return EACCES; /* trap 19 */
    }
    return (size_t)offset % host_page() ? EINVAL : EOK;
}

static struct object *object_find(int fd) {
    struct object *o = objects;
    while (o && !(o->is_open && o->fd == fd)) o = o->next;
    return o;
}

static struct object *object_new(int fd);

/* A descriptor that a spawn handed down. */
static struct object *object_inherit(int fd) {
    uint64_t bytes;
    if (!host_is_memory_file(fd, &bytes)) return NULL;
    struct object *object = object_new(fd);
    object->is_inherited = object->is_sealed = true;
    object->bytes = bytes;
    return object;
}

/* Typed memory is taken from its pool by the mapping (2.6). */
static int take_from_pool(struct object *object, uint64_t bytes, int flags, off_t offset) {
    if (offset != 0 || (flags & MAP_LAZY)) return EINVAL;
    if (object->mappings || bytes > object->pool->bytes - object->pool->used) return ENOMEM;
    object->pool->used += bytes;
    object->bytes = bytes;
    host_file_size(object->fd, bytes);
    return EOK;
}

static int place(void *address, size_t bytes, int protection, int flags, struct object *object,
                 off_t offset, void **out) {
    bool is_fixed = flags & MAP_FIXED;
    uintptr_t start = (uintptr_t)address, end = start + bytes;
    if (is_fixed && (start % host_page() || start == 0 || end < start)) return EINVAL;
    if (!within_limits(bytes, flags, is_fixed ? start : 0, is_fixed ? end : 0)) return ENOMEM;
    bool commits = !object && !(flags & MAP_LAZY);
    uint64_t freed = 0; /* what a replaced range gives back counts */
    for (size_t i = find(start); is_fixed && i < region_count && regions[i].start < end; i++) {
        const struct region *r = &regions[i];
        if (r->is_committed && !r->object) freed += (r->end < end ? r->end : end) - (r->start > start ? r->start : start);
    }
    if (commits) {
        ram_give(freed);
        bool worked = limit_take(bytes); /* 2.2: now, whatever the protection bits */
        if (!worked) {
            ram_take(freed);
            return ENOMEM;
        }
        ram_take(freed);
    }
    unsigned rights = (flags & MAP_LAZY) && !object ? 0 : host_rights_of(protection);
    void *mapped = host_map(address, bytes, rights, is_fixed, object && (flags & MAP_SHARED),
                            object ? object->fd : -1, (int64_t)offset);
    if (!mapped) {
        if (commits) ram_give(bytes);
        return ENOMEM;
    }
    start = (uintptr_t)mapped;
    if (object) object->mappings++;
    if (is_fixed) remove_range(start, start + bytes);
    struct region region = {start, start + bytes, protection, flags & ~MAP_FIXED, commits || object,
                            false, object};
    insert(find(start), &region);
    merge_around(start, start + bytes);
    *out = mapped;
    return EOK;
}

static int map(void *address, size_t bytes, int protection, int flags, int fd, off_t offset, void **out) {
    size_t page = host_page();
    int error = check_arguments(bytes, protection, flags, fd, offset);
    if (error) return error;
    if (bytes > SIZE_MAX - page) return ENOMEM;
    bytes = (bytes + page - 1) / page * page;
    struct object *object = NULL;
    if (!(flags & MAP_ANON) && fd != NOFD) {
        object = object_find(fd);
        if (!object) object = object_inherit(fd);
        if (!object) return EBADF;
        if (object->pool && (error = take_from_pool(object, bytes, flags, offset)) != EOK) return error;
        if (!object->pool && (uint64_t)offset + bytes > (object->bytes + page - 1) / page * page) return EINVAL;
    } else {
        flags |= MAP_ANON; /* 2.3: fd -1 means anonymous */
    }
    error = place(address, bytes, protection, flags, object, offset, out);
    if (error && object && object->pool) {
        object->pool->used -= object->bytes;
        object->bytes = 0;
    }
    if (error == ENOMEM && (flags & MAP_FIXED) && knobs.fixed_failure_unmaps) {
        host_unmap(address, bytes);
        remove_range((uintptr_t)address, (uintptr_t)address + bytes);
    }
    return error;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    host_faults_install();
    int error = kernel_enter(QNXSIM_mmap);
    void *out = MAP_FAILED;
    if (!error) error = map(address, bytes, protection, flags, fd, offset, &out);
    look_at_watches();
    kernel_leave();
    if (!error) return out;
    errno = error;
    return MAP_FAILED;
}

static bool whole_pages(const void *start, size_t *bytes) {
    size_t page = host_page();
    if ((uintptr_t)start % page || *bytes == 0 || *bytes > SIZE_MAX - page) return false;
    *bytes = (*bytes + page - 1) / page * page;
    return (uintptr_t)start + *bytes > (uintptr_t)start;
}

int munmap(void *start, size_t bytes) {
    int error = kernel_enter(QNXSIM_munmap);
    if (!error && !whole_pages(start, &bytes)) error = EINVAL;
    if (!error) {
        host_unmap(start, bytes);
        remove_range((uintptr_t)start, (uintptr_t)start + bytes);
    }
    look_at_watches();
    kernel_leave();
    return plain(error);
}
int munmap_flags(void *start, size_t bytes, unsigned flags) {
    (void)flags; /* 2.1: no effect from 7.0 on */
    return munmap(start, bytes);
}

static int protect(uintptr_t start, uintptr_t end, int protection) {
    if (protection & ~prot_mask) return EINVAL;
    if ((protection & PROT_EXEC) && !ability(PROCMGR_AID_PROT_EXEC)) return EACCES;
    if ((protection & PROT_EXEC) && (protection & PROT_WRITE) && !ability(PROCMGR_AID_PROT_WRITE_AND_EXEC))
        return EACCES;
    if (!is_covered(start, end)) return ENOMEM;
    split(start);
    split(end);
    for (size_t i = find(start); i < region_count && regions[i].start < end; i++) {
        struct region *r = &regions[i];
        r->protection = protection;
        if (r->is_committed) host_protect((void *)r->start, r->end - r->start, host_rights_of(protection));
    }
    merge_around(start, end);
    return EOK;
}

int mprotect(void *start, size_t bytes, int protection) {
    host_faults_install();
    int error = kernel_enter(QNXSIM_mprotect);
    if (!error && !whole_pages(start, &bytes)) error = EINVAL;
    if (!error) error = protect((uintptr_t)start, (uintptr_t)start + bytes, protection);
    kernel_leave();
    return plain(error);
}

int msync(void *start, size_t bytes, int flags) {
    (void)flags;
    if (whole_pages(start, &bytes)) return 0;
    errno = EINVAL;
    return -1;
}

/* Commits the lazy pages of a range; false when RAM is out. */
static bool commit(uintptr_t start, uintptr_t end) {
    split(start);
    split(end);
    bool worked = true;
    for (size_t i = find(start); worked && i < region_count && regions[i].start < end; i++) {
        struct region *r = &regions[i];
        if (r->is_committed) continue;
        worked = limit_take(r->end - r->start);
        if (!worked) break;
        r->is_committed = true;
        host_protect((void *)r->start, r->end - r->start, host_rights_of(r->protection));
    }
    merge_around(start, end);
    return worked;
}

static int lock_range(const void *address, size_t bytes, bool lock) {
    uintptr_t start = (uintptr_t)address, page = host_page();
    uintptr_t end = (start + bytes + page - 1) / page * page;
    start = start / page * page;
    if (!ability(PROCMGR_AID_MEM_LOCK)) return EPERM; /* 2.4 */
    if (bytes == 0 || end < start || !is_covered(start, end)) return ENOMEM;
    const struct rlimit *limit = &processes->state->limits[RLIMIT_MEMLOCK];
    if (lock && end - start > limit->rlim_cur) return ENOMEM;
    if (lock && !commit(start, end)) return ENOMEM;
    split(start);
    split(end);
    for (size_t i = find(start); i < region_count && regions[i].start < end; i++) {
        regions[i].is_locked = lock; /* locks do not nest */
    }
    merge_around(start, end);
    return EOK;
}
int mlock(const void *start, size_t bytes) {
    int error = kernel_enter(QNXSIM_mlock);
    if (!error) error = lock_range(start, bytes, true);
    kernel_leave();
    return plain(error);
}
int munlock(const void *start, size_t bytes) {
    int error = kernel_enter(QNXSIM_munlock);
    if (!error) error = lock_range(start, bytes, false);
    kernel_leave();
    return plain(error);
}
int mlockall(int flags) {
    int error = kernel_enter(QNXSIM_mlock);
    if (!error && (flags & ~(MCL_CURRENT | MCL_FUTURE))) error = EINVAL;
    if (!error && !ability(PROCMGR_AID_MEM_LOCK)) error = EPERM;
    kernel_leave(); /* 2.4: lazy areas stay out until touched */
    return plain(error);
}
int munlockall(void) {
    int error = kernel_enter(QNXSIM_munlock);
    kernel_leave();
    return plain(error);
}

int posix_madvise(void *start, size_t bytes, int advice) {
    int error = kernel_enter(QNXSIM_madvise);
    if (!error && !whole_pages(start, &bytes)) error = EINVAL;
#if QNXSIM_RELEASE >= 700
    if (!error && (advice < 0 || advice > POSIX_MADV_DISCARD_NP)) error = EINVAL;
#endif
    kernel_leave(); /* DONTNEED frees nothing (2.2); DISCARD_NP's effect on contents is open */
    return error;
}

#if QNXSIM_RELEASE >= 700
int getpagesizes(size_t *sizes, int count) {
    if (count > 0) sizes[0] = host_page();
    return 1;
}
#endif

/* ---- shared and typed memory ---- */

static struct object *object_new(int fd) {
    struct object *object = host_allocate(sizeof *object);
    object->fd = fd;
    object->is_open = true;
    object->next = objects;
    objects = object;
    return object;
}

int shm_open(const char *name, int flags, mode_t mode) {
    (void)flags;
    (void)mode;
    int error = kernel_enter(QNXSIM_shm_open);
    int fd = -1;
#if QNXSIM_RELEASE >= 700
    if (!error && name != SHM_ANON) error = ENOTSUP; /* only anonymous objects are simulated */
#else
    error = error ? error : name ? ENOTSUP : EINVAL;
#endif
    if (!error && (fd = host_memory_file(0)) < 0) error = EMFILE;
    if (!error) object_new(fd);
    kernel_leave();
    if (!error) return fd;
    errno = error;
    return -1;
}
int shm_unlink(const char *name) {
    (void)name;
    errno = ENOENT;
    return -1;
}

static int object_resize(struct object *object, uint64_t bytes) {
    if (object->is_sealed || object->pool) return EPERM;
    size_t page = host_page();
    uint64_t rounded = (bytes + page - 1) / page * page;
    if (!ram_take(rounded)) return ENOMEM;
    ram_give(object->bytes);
    object->bytes = rounded;
    return host_file_size(object->fd, bytes) == 0 ? EOK : ENOMEM;
}

int shm_ctl(int fd, int flags, uint64_t physical, uint64_t bytes) {
    (void)physical;
    int error = kernel_enter(QNXSIM_shm_ctl);
    struct object *object = object_find(fd);
    if (!error && !object) error = EBADF;
    if (!error && (flags & SHMCTL_PHYS)) error = EPERM;
    if (!error && (flags & SHMCTL_ANON)) error = object_resize(object, bytes);
#if QNXSIM_RELEASE >= 700
    if (!error && (flags & SHMCTL_SEAL)) object->is_sealed = true;
#endif
    kernel_leave();
    return plain(error);
}

int ftruncate(int fd, off_t length) {
    host_lock();
    struct object *object = object_find(fd);
    int error = object ? object_resize(object, (uint64_t)length) : EOK;
    host_unlock();
    return object ? plain(error) : host_ftruncate(fd, length);
}

int close(int fd) {
    host_lock();
    struct object *object = object_find(fd);
    if (object) {
        object->is_open = false;
        object_forget(object);
    }
    host_unlock();
    return host_close(fd);
}

int posix_typed_mem_open(const char *name, int flags, int typed_flags) {
    (void)flags;
    int error = kernel_enter(QNXSIM_typed_mem_open);
    struct pool *pool = NULL;
    for (int i = 0; i < MAX_POOLS; i++) {
        if (machine->pools[i].name[0] && strcmp(machine->pools[i].name, name) == 0) pool = &machine->pools[i];
    }
    bool is_one = typed_flags == 0 || typed_flags == POSIX_TYPED_MEM_ALLOCATE ||
                  typed_flags == POSIX_TYPED_MEM_ALLOCATE_CONTIG || typed_flags == POSIX_TYPED_MEM_MAP_ALLOCATABLE;
    if (!error && !is_one) error = EINVAL;
    if (!error && !pool) error = ENOENT;
    int fd = error ? -1 : host_memory_file(0);
    if (!error) object_new(fd)->pool = pool;
    kernel_leave();
    if (!error) return fd;
    errno = error;
    return -1;
}
int posix_typed_mem_get_info(int fd, struct posix_typed_mem_info *info) {
    host_lock();
    struct object *object = object_find(fd);
    int error = !object ? EBADF : !object->pool ? ENODEV : EOK;
    if (!error) info->posix_tmi_length = object->pool->bytes - object->pool->used;
    host_unlock();
    return plain(error);
}
#if QNXSIM_RELEASE >= 700
int shm_create_handle(int fd, pid_t pid, int flags, shm_handle_t *handle, unsigned options) {
    (void)fd, (void)pid, (void)flags, (void)handle, (void)options;
    return plain(ENOTSUP);
}
int shm_open_handle(shm_handle_t handle, int flags) {
    (void)handle, (void)flags;
    return plain(ENOTSUP);
}
#endif

/* ---- first touches ---- */

/* With the lock. Commits the page at `address` if it is lazy and may be accessed.
 * 1: done; 0: not lazy; -1: RAM is out. */
static int touch(uintptr_t address) {
    struct region *region = at(address);
    if (!region || region->is_committed || region->protection == PROT_NONE) return 0;
    uintptr_t page = host_page(), start = address / page * page;
    __atomic_fetch_add(&knobs.calls[QNXSIM_page_fault], 1, __ATOMIC_RELAXED);
    return commit(start, start + page) ? 1 : -1;
}

/* What a fault at `address` is: 0 served; otherwise QNX's signal number and code (6). */
int memory_fault(uintptr_t address, int *code) {
    int touched = touch(address);
    if (touched == 1) return 0;
    if (touched == -1) {
#if QNXSIM_RELEASE >= 700
        *code = BUS_ENOMEM;
#else
        *code = BUS_OBJERR;
#endif
        return SIGBUS; /* trap 10 */
    }
    *code = at(address) ? SEGV_ACCERR : SEGV_MAPERR;
    return SIGSEGV;
}

void memory_touch(const void *start, size_t bytes) {
    host_lock();
    uintptr_t page = host_page();
    for (uintptr_t a = (uintptr_t)start / page * page; bytes && a < (uintptr_t)start + bytes; a += page) {
        touch(a);
    }
    host_unlock();
}

ssize_t read(int fd, void *buffer, size_t bytes) {
    memory_touch(buffer, bytes); /* 6: a kernel copy reports EFAULT and commits lazy pages */
    return (ssize_t)host_read(fd, buffer, bytes);
}
ssize_t write(int fd, const void *buffer, size_t bytes) {
    memory_touch(buffer, bytes);
    return (ssize_t)host_write(fd, buffer, bytes);
}

/* ---- observation ---- */

uint64_t qnxsim_ram_used(void) {
    kernel_init();
    return __atomic_load_n(&machine->ram_used, __ATOMIC_RELAXED);
}
bool qnxsim_is_mapped(const void *address) {
    host_lock();
    bool is_mapped = at((uintptr_t)address) != NULL;
    host_unlock();
    return is_mapped;
}
bool qnxsim_is_lazy(const void *address) {
    host_lock();
    struct region *region = at((uintptr_t)address);
    bool is_lazy = region && !region->is_committed;
    host_unlock();
    return is_lazy;
}
unsigned qnxsim_protection(const void *address) {
    host_lock();
    struct region *region = at((uintptr_t)address);
    unsigned protection = region ? (unsigned)region->protection : 0;
    host_unlock();
    return protection;
}
