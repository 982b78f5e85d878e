/* port/linux/memory.c - virtual memory and memory objects by mmap and friends.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses may come with a memory tag; the calls that map take none.
 */
#define _GNU_SOURCE
#include "linux.h"

#include "base/checked.h"
#include "base/tags.h"
#include "port_hardware.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum { TAGGED_PAGES = 0x20 /* PROT_MTE, Linux 5.10 */ };
enum { MPOL_PREFERRED_MODE = 1, NODE_LIMIT = 64 };

size_t wrt_port_page_bytes(void)
{
    static _Atomic size_t known;
    size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);

    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&known, bytes, memory_order_relaxed);
    }
    return bytes;
}

size_t wrt_port_huge_page_bytes(void)
{
    char text[32];
    int file = open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", O_RDONLY | O_CLOEXEC);
    ssize_t length;
    size_t bytes = 0;

    if (file < 0)
        return 0;
    length = read(file, text, sizeof text - 1);
    close(file);
    for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        bytes = bytes * 10 + (size_t)(text[i] - '0');
    return bytes;
}

int wrt_linux_protection(unsigned rights)
{
    return (rights & WRT_PORT_TAGGED ? TAGGED_PAGES : 0) |
           (rights & WRT_PORT_READ ? PROT_READ : 0) |
           (rights & WRT_PORT_WRITE ? PROT_READ | PROT_WRITE : 0) |
           (rights & WRT_PORT_EXECUTE ? PROT_EXEC : 0);
}

static bool is_valid_rights(unsigned rights)
{
    return rights <= 15 && (rights & (WRT_PORT_WRITE | WRT_PORT_EXECUTE)) !=
                              (WRT_PORT_WRITE | WRT_PORT_EXECUTE);
}

/* A preferred node for the range; numa libraries are not needed for one call. */
static enum wrt_status prefer_node(void *address, size_t size_bytes, unsigned node)
{
    unsigned long mask;

    wrt_linux_note_requested(WRT_LINUX_NUMA);
    if (node >= NODE_LIMIT)
        return WRT_ERR_UNSUPPORTED;
    mask = 1ul << node;
    if (syscall(SYS_mbind, address, size_bytes, MPOL_PREFERRED_MODE, &mask,
                (unsigned long)NODE_LIMIT + 1, 0u) != 0)
        return WRT_ERR_UNSUPPORTED;
    wrt_linux_note_active(WRT_LINUX_NUMA);
    return WRT_OK;
}

static void advise_huge(void *address, size_t size_bytes, enum wrt_port_huge huge)
{
    if (huge == WRT_PORT_HUGE_NEVER)
        (void)madvise(address, size_bytes, MADV_NOHUGEPAGE);
    if (huge == WRT_PORT_HUGE_ADVISE) {
        wrt_linux_note_requested(WRT_LINUX_HUGE_PAGES);
        if (madvise(address, size_bytes, MADV_HUGEPAGE) == 0)
            wrt_linux_note_active(WRT_LINUX_HUGE_PAGES);
    }
}

static void *map_anonymous(size_t size_bytes, unsigned rights)
{
    return mmap(NULL, size_bytes, wrt_linux_protection(rights),
                MAP_PRIVATE | MAP_ANONYMOUS | (rights == WRT_PORT_NONE ? MAP_NORESERVE : 0), -1,
                0);
}

/* Maps alignment bytes too much and gives the ends back. */
static void *map_aligned(size_t size_bytes, size_t alignment, unsigned rights)
{
    size_t excess = alignment - wrt_port_page_bytes();
    size_t whole, lead;
    uint8_t *start;

    if (!wrt_add_size(size_bytes, excess, &whole)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    start = map_anonymous(whole, rights);
    if (start == MAP_FAILED)
        return MAP_FAILED;
    lead = (size_t)(-(uintptr_t)start) & (alignment - 1);
    if (lead != 0)
        (void)munmap(start, lead);
    if (excess - lead != 0)
        (void)munmap(start + lead + size_bytes, excess - lead);
    return start + lead;
}

enum wrt_status wrt_port_reserve(const struct wrt_port_request *request, void **out)
{
    size_t alignment = request->alignment_bytes;
    void *address;

    if (request->bytes == 0 || !is_valid_rights(request->rights))
        return WRT_ERR_ARGUMENT;
    if (request->pool != NULL || (request->rights & WRT_PORT_TAGGED && !wrt_port_has_tags()))
        return WRT_ERR_UNSUPPORTED;
    if (alignment <= wrt_port_page_bytes())
        address = map_anonymous(request->bytes, request->rights);
    else
        address = map_aligned(request->bytes, alignment, request->rights);
    if (address == MAP_FAILED)
        return wrt_linux_to_status(errno);
    if (request->has_node &&
        prefer_node(address, request->bytes, request->node) != WRT_OK) {
        (void)munmap(address, request->bytes);
        return WRT_ERR_UNSUPPORTED;
    }
    advise_huge(address, request->bytes, request->huge);
    *out = address;
    return WRT_OK;
}

enum wrt_status wrt_port_commit(void *address, size_t size_bytes, unsigned rights)
{
    return wrt_port_protect(address, size_bytes, rights);
}

enum wrt_status wrt_port_decommit(void *address, size_t size_bytes)
{
    void *again = mmap(wrt_untagged(address), size_bytes, PROT_NONE,
                       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return again == MAP_FAILED ? wrt_linux_to_status(errno) : WRT_OK;
}

enum wrt_status wrt_port_protect(void *address, size_t size_bytes, unsigned rights)
{
    if (!is_valid_rights(rights))
        return WRT_ERR_ARGUMENT;
    if (rights & WRT_PORT_TAGGED && !wrt_port_has_tags())
        return WRT_ERR_UNSUPPORTED;
    if (mprotect(wrt_untagged(address), size_bytes, wrt_linux_protection(rights)) != 0)
        return wrt_linux_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_reset(void *address, size_t size_bytes)
{
    if (madvise(wrt_untagged(address), size_bytes, MADV_DONTNEED) != 0)
        return wrt_linux_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_release(void *address, size_t size_bytes)
{
    return munmap(wrt_untagged(address), size_bytes) == 0 ? WRT_OK : wrt_linux_to_status(errno);
}

/* Writes one byte of each page back to itself, as an atomic so that no update by another
 * thread is lost. */
static void touch_each_page(uint8_t *address, size_t size_bytes)
{
    for (size_t at = 0; at < size_bytes; at += wrt_port_page_bytes())
        __atomic_fetch_or(&address[at], 0, __ATOMIC_RELAXED);
}

enum wrt_status wrt_port_prefault(void *address, size_t size_bytes, bool lock)
{
    if (madvise(wrt_untagged(address), size_bytes, MADV_POPULATE_WRITE) != 0) {
        if (errno != EINVAL)
            return wrt_linux_to_status(errno);
        touch_each_page(address, size_bytes);
    }
    if (!lock)
        return WRT_OK;
    wrt_linux_note_requested(WRT_LINUX_LOCK);
    if (mlock(wrt_untagged(address), size_bytes) != 0)
        return errno == ENOMEM ? WRT_ERR_LIMIT : wrt_linux_to_status(errno);
    wrt_linux_note_active(WRT_LINUX_LOCK);
    return WRT_OK;
}

enum wrt_status wrt_port_unlock(void *address, size_t size_bytes)
{
    return munlock(wrt_untagged(address), size_bytes) == 0 ? WRT_OK : wrt_linux_to_status(errno);
}

/* The kernel's copy fails with EFAULT where an access would fault. */
enum wrt_status wrt_port_probe(const void *address, unsigned rights)
{
    uint8_t byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1};
    struct iovec there = {.iov_base = wrt_untagged(address), .iov_len = 1};
    ssize_t moved;

    wrt_linux_note_requested(WRT_LINUX_PROBE);
    moved = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    if (moved == 1 && rights & WRT_PORT_WRITE)
        moved = process_vm_writev(getpid(), &here, 1, &there, 1, 0);
    if (moved == 1 || errno == EFAULT)
        wrt_linux_note_active(WRT_LINUX_PROBE);
    if (moved == 1)
        return WRT_OK;
    return errno == EFAULT ? WRT_ERR_DENIED : WRT_ERR_UNSUPPORTED;
}

/* Adds one line's figure to the sums, if its region overlaps the range. The counts of a
 * region that sticks out are counted whole, so a range should be a region of its own. */
static void add_line(const char *line, bool overlaps, struct wrt_port_range_info *sum)
{
    uint64_t kib;

    if (!overlaps)
        return;
    if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
        sum->resident_bytes += kib * 1024;
    else if (sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1 ||
             sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1)
        sum->huge_bytes += kib * 1024;
    else if (sscanf(line, "Locked: %" SCNu64, &kib) == 1)
        sum->locked_bytes += kib * 1024;
}

static void add_smaps_line(const char *line, uintptr_t start, uintptr_t end, bool *overlaps,
                           struct wrt_port_range_info *sum)
{
    uintptr_t from, to;

    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
        *overlaps = from < end && to > start;
    else
        add_line(line, *overlaps, sum);
}

/* Reads smaps through a buffer of its own: stdio would take heap memory. */
enum wrt_status wrt_port_query(const void *address, size_t size_bytes,
                               struct wrt_port_range_info *out)
{
    struct wrt_port_range_info sum = {0};
    uintptr_t start = (uintptr_t)wrt_untagged(address);
    char buffer[4096];
    size_t held = 0;
    bool overlaps = false;
    int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (file < 0)
        return WRT_ERR_UNSUPPORTED;
    while ((got = read(file, buffer + held, sizeof buffer - 1 - held)) > 0) {
        char *line = buffer;
        char *end_of_line;

        held += (size_t)got;
        buffer[held] = '\0';
        while ((end_of_line = strchr(line, '\n')) != NULL) {
            *end_of_line = '\0';
            add_smaps_line(line, start, start + size_bytes, &overlaps, &sum);
            line = end_of_line + 1;
        }
        held = strlen(line);
        if (held == sizeof buffer - 1)
            held = 0; /* a line longer than the buffer is a path: not ours */
        memmove(buffer, line, held);
    }
    close(file);
    if (got < 0)
        return WRT_ERR_IO;
    *out = sum;
    return WRT_OK;
}

enum wrt_status wrt_port_object_create(size_t size_bytes, struct wrt_port_object *out)
{
    int file;

    wrt_linux_note_requested(WRT_LINUX_OBJECTS);
    if (size_bytes == 0)
        return WRT_ERR_ARGUMENT;
    file = memfd_create("wrt", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0)
        return wrt_linux_to_status(errno);
    if (ftruncate(file, (off_t)size_bytes) != 0 ||
        fcntl(file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
        enum wrt_status status = wrt_linux_to_status(errno);
        close(file);
        return status;
    }
    wrt_linux_note_active(WRT_LINUX_OBJECTS);
    *out = (struct wrt_port_object){.handle = file, .size_bytes = size_bytes};
    return WRT_OK;
}

enum wrt_status wrt_port_object_map(const struct wrt_port_object *object, void *address,
                                    unsigned rights, bool is_private)
{
    void *mapped;

    if (!is_valid_rights(rights))
        return WRT_ERR_ARGUMENT;
    mapped = mmap(wrt_untagged(address), object->size_bytes, wrt_linux_protection(rights),
                  MAP_FIXED | (is_private ? MAP_PRIVATE : MAP_SHARED), (int)object->handle, 0);
    return mapped == MAP_FAILED ? wrt_linux_to_status(errno) : WRT_OK;
}

enum wrt_status wrt_port_object_freeze(struct wrt_port_object *object)
{
    if (fcntl((int)object->handle, F_ADD_SEALS, F_SEAL_WRITE) != 0)
        return errno == EBUSY ? WRT_ERR_BUSY : wrt_linux_to_status(errno);
    return WRT_OK;
}

void wrt_port_object_close(struct wrt_port_object *object)
{
    if (object->size_bytes != 0)
        close((int)object->handle);
    *object = (struct wrt_port_object){0};
}
