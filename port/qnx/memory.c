/* port/qnx/memory.c - virtual memory from the process manager.
 * SPDX-License-Identifier: Apache-2.0
 *
 * QNX takes RAM when memory is mapped, whatever its protection, unless MAP_LAZY is given.
 * So address space is reserved lazily and without access, and committed by mapping over it
 * once more, not lazily: running out of RAM is ENOMEM here and never SIGBUS at a store.
 * Every call here is a message to the process manager: none belongs on a real-time path.
 */
#include "qnx.h"

#include "base/checked.h"
#include "port_confine.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { RESERVED_FLAGS = MAP_PRIVATE | MAP_ANON | MAP_LAZY };
enum { COMMITTED_FLAGS = MAP_PRIVATE | MAP_ANON };

size_t wrt_port_page_bytes(void)
{
    static _Atomic size_t known; /* on AArch64 the page is known at run time only */
    size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);

    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&known, bytes, memory_order_relaxed);
    }
    return bytes;
}

size_t wrt_port_huge_page_bytes(void)
{
    return 0; /* big pages are procnto's choice */
}

static int protection(unsigned rights)
{
    return (rights & WRT_PORT_READ ? PROT_READ : 0) |
           (rights & WRT_PORT_WRITE ? PROT_READ | PROT_WRITE : 0) |
           (rights & WRT_PORT_EXECUTE ? PROT_EXEC : 0);
}

static bool is_valid_rights(unsigned rights)
{
    return rights <= 7 && (rights & (WRT_PORT_WRITE | WRT_PORT_EXECUTE)) !=
                              (WRT_PORT_WRITE | WRT_PORT_EXECUTE);
}

/* ---- typed memory: pools that the board's startup code carved out, by name ---- */

/* A reservation whose pages come from a pool. The table is small because such pools are. */
enum { POOLED_LIMIT = 64 };
static struct pooled {
    uint8_t *start; /* NULL: free */
    size_t bytes;
    char name[48];
} pooled[POOLED_LIMIT];
static pthread_mutex_t pooled_lock = PTHREAD_MUTEX_INITIALIZER;

/* The entry that holds the address, or a free one for NULL; with the lock. */
static struct pooled *find_pooled(const uint8_t *address)
{
    for (size_t i = 0; i < POOLED_LIMIT; i++) {
        struct pooled *p = &pooled[i];
        bool is_match = address == NULL ? p->start == NULL
                                        : p->start != NULL && address >= p->start &&
                                              (size_t)(address - p->start) < p->bytes;
        if (is_match)
            return p;
    }
    return NULL;
}

static _Atomic uint32_t pooled_count; /* keeps the lock off the common path */

/* Copies the pool's name; false: ordinary memory. */
static bool pool_of(const void *address, char *name)
{
    struct pooled *found;

    if (atomic_load_explicit(&pooled_count, memory_order_acquire) == 0)
        return false;
    pthread_mutex_lock(&pooled_lock);
    found = find_pooled(address);
    if (found != NULL)
        memcpy(name, found->name, sizeof found->name);
    pthread_mutex_unlock(&pooled_lock);
    return found != NULL;
}

static enum wrt_status remember_pool(uint8_t *start, size_t bytes, const char *name)
{
    struct pooled *entry;

    if (strlen(name) >= sizeof entry->name)
        return WRT_ERR_ARGUMENT;
    pthread_mutex_lock(&pooled_lock);
    entry = find_pooled(NULL);
    if (entry != NULL) {
        entry->start = start;
        entry->bytes = bytes;
        memcpy(entry->name, name, strlen(name) + 1);
        atomic_fetch_add_explicit(&pooled_count, 1, memory_order_release);
    }
    pthread_mutex_unlock(&pooled_lock);
    return entry != NULL ? WRT_OK : WRT_ERR_LIMIT;
}

static void forget_pool(const uint8_t *start)
{
    struct pooled *entry;

    if (atomic_load_explicit(&pooled_count, memory_order_acquire) == 0)
        return;
    pthread_mutex_lock(&pooled_lock);
    entry = find_pooled(start);
    if (entry != NULL) {
        entry->start = NULL;
        atomic_fetch_sub_explicit(&pooled_count, 1, memory_order_release);
    }
    pthread_mutex_unlock(&pooled_lock);
}

/* Each mapping opens the pool anew: an allocating descriptor maps at offset 0 only. */
static int open_pool(const char *name)
{
    wrt_qnx_note_requested(WRT_QNX_TYPED_MEMORY);
    return posix_typed_mem_open(name, O_RDWR, POSIX_TYPED_MEM_ALLOCATE);
}

static enum wrt_status pool_status(int error)
{
    bool is_unknown = error == ENOENT || error == ENODEV || error == EINVAL;

    if (is_unknown)
        wrt_qnx_note_refused(WRT_QNX_TYPED_MEMORY, "no typed memory of that name");
    return is_unknown ? WRT_ERR_UNSUPPORTED : wrt_qnx_to_status(error);
}

static enum wrt_status commit_from_pool(const char *name, void *address, size_t size_bytes,
                                        unsigned rights)
{
    int file = open_pool(name);
    void *mapped;
    int error;

    if (file == -1)
        return pool_status(errno);
    mapped = mmap(address, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    error = errno;
    (void)close(file);
    if (mapped == MAP_FAILED)
        return wrt_qnx_to_status(error);
    memset(address, 0, size_bytes); /* a pool's pages keep what was in them */
    wrt_qnx_note_active(WRT_QNX_TYPED_MEMORY);
    return rights == WRT_PORT_READ_WRITE ? WRT_OK
                                         : wrt_port_protect(address, size_bytes, rights);
}

/* ---- reserve and release ---- */

static void *map_new(size_t size_bytes, unsigned rights)
{
    if (rights == WRT_PORT_NONE)
        return mmap(NULL, size_bytes, PROT_NONE, RESERVED_FLAGS, NOFD, 0);
    return mmap(NULL, size_bytes, protection(rights), COMMITTED_FLAGS, NOFD, 0);
}

/* Reserves alignment bytes too much, lazily, and gives the ends back; commits after that,
 * so that the excess never costs RAM. */
static void *map_aligned(size_t size_bytes, size_t alignment, unsigned rights)
{
    size_t excess = alignment - wrt_port_page_bytes();
    size_t whole, lead;
    uint8_t *start, *aligned;

    if (!wrt_add_size(size_bytes, excess, &whole)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    start = map_new(whole, WRT_PORT_NONE);
    if (start == MAP_FAILED)
        return MAP_FAILED;
    lead = (size_t)(-(uintptr_t)start) & (alignment - 1);
    aligned = start + lead;
    if (lead != 0)
        (void)munmap(start, lead);
    if (excess - lead != 0)
        (void)munmap(aligned + size_bytes, excess - lead);
    if (rights == WRT_PORT_NONE || wrt_port_commit(aligned, size_bytes, rights) == WRT_OK)
        return aligned;
    (void)munmap(aligned, size_bytes);
    errno = ENOMEM;
    return MAP_FAILED;
}

static void *map_any(size_t size_bytes, size_t alignment, unsigned rights)
{
    return alignment <= wrt_port_page_bytes() ? map_new(size_bytes, rights)
                                              : map_aligned(size_bytes, alignment, rights);
}

static enum wrt_status reserve_pooled(const struct wrt_port_request *request, void **out)
{
    int file = open_pool(request->pool); /* an unknown name is refused before anything */
    void *start;
    enum wrt_status status;

    if (file == -1)
        return pool_status(errno);
    (void)close(file);
    start = map_any(request->bytes, request->alignment_bytes, WRT_PORT_NONE);
    if (start == MAP_FAILED)
        return wrt_qnx_to_status(errno);
    status = remember_pool(start, request->bytes, request->pool);
    if (status == WRT_OK && request->rights != WRT_PORT_NONE) {
        status = wrt_port_commit(start, request->bytes, request->rights);
        if (status != WRT_OK)
            forget_pool(start);
    }
    if (status != WRT_OK) {
        (void)munmap(start, request->bytes);
        return status;
    }
    *out = start;
    return WRT_OK;
}

enum wrt_status wrt_port_reserve(const struct wrt_port_request *request, void **out)
{
    void *address;

    if (request->bytes == 0 || !is_valid_rights(request->rights))
        return WRT_ERR_ARGUMENT;
    if (request->has_node)
        return WRT_ERR_UNSUPPORTED; /* memory nodes are typed pools here */
    wrt_qnx_note_requested(WRT_QNX_LAZY_RESERVATION);
    if (request->pool != NULL)
        return reserve_pooled(request, out);
    address = map_any(request->bytes, request->alignment_bytes, request->rights);
    if (address == MAP_FAILED)
        return wrt_qnx_to_status(errno);
    wrt_qnx_note_active(WRT_QNX_LAZY_RESERVATION);
    *out = address;
    return WRT_OK;
}

enum wrt_status wrt_port_release(void *address, size_t size_bytes)
{
    if (munmap(address, size_bytes) != 0)
        return wrt_qnx_to_status(errno);
    forget_pool(address);
    return WRT_OK;
}

/* ---- commit, decommit, protect ---- */

enum wrt_status wrt_port_commit(void *address, size_t size_bytes, unsigned rights)
{
    char pool[sizeof pooled[0].name];
    enum wrt_status status = WRT_OK;

    if (!is_valid_rights(rights))
        return WRT_ERR_ARGUMENT;
    if (pool_of(address, pool)) {
        status = commit_from_pool(pool, address, size_bytes, rights);
    } else if (mmap(address, size_bytes, protection(rights), COMMITTED_FLAGS | MAP_FIXED, NOFD,
                    0) == MAP_FAILED) {
        status = wrt_qnx_to_status(errno);
    }
    if (status != WRT_OK) /* what a failed MAP_FIXED leaves is not documented */
        (void)!wrt_port_decommit(address, size_bytes);
    return status;
}

enum wrt_status wrt_port_decommit(void *address, size_t size_bytes)
{
    if (mmap(address, size_bytes, PROT_NONE, RESERVED_FLAGS | MAP_FIXED, NOFD, 0) == MAP_FAILED)
        return wrt_qnx_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_protect(void *address, size_t size_bytes, unsigned rights)
{
    if (!is_valid_rights(rights))
        return WRT_ERR_ARGUMENT;
    if (mprotect(address, size_bytes, protection(rights)) != 0)
        return wrt_qnx_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_reset(void *address, size_t size_bytes)
{
    /* POSIX_MADV_DONTNEED frees nothing, and what DISCARD_NP leaves in the pages is not
     * documented; a caller can clear faster than it can map anew. */
    (void)address;
    (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

/* ---- residence ---- */

/* Writes one byte of each page back to itself, as an atomic so that no update by another
 * thread is lost. */
static void touch_each_page(uint8_t *address, size_t size_bytes)
{
    for (size_t at = 0; at < size_bytes; at += wrt_port_page_bytes())
        __atomic_fetch_or(&address[at], 0, __ATOMIC_RELAXED);
}

enum wrt_status wrt_port_prefault(void *address, size_t size_bytes, bool lock)
{
    touch_each_page(address, size_bytes);
    if (!lock)
        return WRT_OK;
    wrt_qnx_note_requested(WRT_QNX_LOCKED_MEMORY);
    if (mlock(address, size_bytes) != 0) {
        wrt_qnx_note_refused(WRT_QNX_LOCKED_MEMORY, "mlock refused: PROCMGR_AID_MEM_LOCK or RLIMIT_MEMLOCK");
        return wrt_qnx_to_status(errno);
    }
    wrt_qnx_note_active(WRT_QNX_LOCKED_MEMORY);
    return WRT_OK;
}

enum wrt_status wrt_port_unlock(void *address, size_t size_bytes)
{
    return munlock(address, size_bytes) == 0 ? WRT_OK : wrt_qnx_to_status(errno);
}

#if WRT_QNX_SINCE_8
enum wrt_status wrt_port_lock_all(void)
{
    wrt_qnx_note_requested(WRT_QNX_SUPERLOCK);
    wrt_qnx_note_active(WRT_QNX_SUPERLOCK); /* what the system does by itself */
    return WRT_OK;
}
#else
#if WRT_QNX_RELEASE >= 710
enum { SUPERLOCK = _NTO_TCTL_IO_PRIV };
#else
enum { SUPERLOCK = _NTO_TCTL_IO };
#endif

enum wrt_status wrt_port_lock_all(void)
{
    wrt_qnx_note_requested(WRT_QNX_SUPERLOCK);
    if (ThreadCtl(SUPERLOCK, NULL) == -1) {
        wrt_qnx_note_refused(WRT_QNX_SUPERLOCK, "ThreadCtl refused: PROCMGR_AID_IO");
        return wrt_qnx_to_status(errno);
    }
    wrt_qnx_note_active(WRT_QNX_SUPERLOCK);
    return WRT_OK;
}
#endif

enum wrt_status wrt_port_query(const void *address, size_t size_bytes,
                               struct wrt_port_range_info *out)
{
    (void)address;
    (void)size_bytes;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

/* ---- probing: a fault inside a kernel copy is EFAULT, not a signal ---- */

static enum wrt_status probe_through(int files[2], const void *address, unsigned rights)
{
    if (write(files[1], address, 1) != 1)
        return errno == EFAULT ? WRT_ERR_DENIED : wrt_qnx_to_status(errno);
    if ((rights & WRT_PORT_WRITE) == 0)
        return WRT_OK;
    /* Writes the byte that was just read. The caller's other threads must leave it alone. */
    if (read(files[0], (void *)(uintptr_t)address, 1) != 1)
        return errno == EFAULT ? WRT_ERR_DENIED : wrt_qnx_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_probe(const void *address, unsigned rights)
{
    int files[2];
    enum wrt_status status;

    wrt_qnx_note_requested(WRT_QNX_GUARD_PROBE);
    if (pipe(files) != 0) {
        wrt_qnx_note_refused(WRT_QNX_GUARD_PROBE, "pipe refused: the pipe service does not run");
        return WRT_ERR_UNSUPPORTED;
    }
    status = probe_through(files, address, rights);
    (void)close(files[0]);
    (void)close(files[1]);
    wrt_qnx_note_active(WRT_QNX_GUARD_PROBE);
    return status;
}

/* ---- memory objects ---- */

#if WRT_QNX_SINCE_7
enum wrt_status wrt_port_object_create(size_t size_bytes, struct wrt_port_object *out)
{
    int file;

    if (size_bytes == 0)
        return WRT_ERR_ARGUMENT;
    wrt_qnx_note_requested(WRT_QNX_MEMORY_OBJECTS);
    file = shm_open(SHM_ANON, O_RDWR | O_CREAT, 0600);
    if (file == -1)
        return wrt_qnx_to_status(errno);
    if (shm_ctl(file, SHMCTL_ANON | SHMCTL_SEAL, 0, size_bytes) != 0) {
        int error = errno;

        (void)close(file);
        return wrt_qnx_to_status(error);
    }
    wrt_qnx_note_active(WRT_QNX_MEMORY_OBJECTS);
    out->handle = file;
    out->size_bytes = size_bytes;
    return WRT_OK;
}
#else
enum wrt_status wrt_port_object_create(size_t size_bytes, struct wrt_port_object *out)
{
    (void)size_bytes;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}
#endif

enum wrt_status wrt_port_object_map(const struct wrt_port_object *object, void *address,
                                    unsigned rights, bool is_private)
{
    if (!is_valid_rights(rights))
        return WRT_ERR_ARGUMENT;
    if (is_private) /* copies on write of shared objects are not documented */
        return WRT_ERR_UNSUPPORTED;
    if (mmap(address, object->size_bytes, protection(rights), MAP_SHARED | MAP_FIXED,
             (int)object->handle, 0) == MAP_FAILED)
        return wrt_qnx_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_object_freeze(struct wrt_port_object *object)
{
    (void)object;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_object_close(struct wrt_port_object *object)
{
    (void)close((int)object->handle);
    object->handle = -1;
    object->size_bytes = 0;
}
