/* port/none/port.c - the port of a system without services: every call says so.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The library builds with it (-DWRT_PORT=none) and runs on static blocks only. It is also
 * the template of the next port: copy the folder, then serve one call after the other.
 */
#include "port.h"

const char *wrt_port_name(void)
{
    return "none";
}

size_t wrt_port_page_bytes(void)
{
    return 4096;
}

size_t wrt_port_huge_page_bytes(void)
{
    return 0;
}

enum wrt_status wrt_port_reserve(const struct wrt_port_request *request, void **out)
{
    (void)request;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_commit(void *address, size_t size_bytes, unsigned rights)
{
    (void)address;
    (void)size_bytes;
    (void)rights;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_decommit(void *address, size_t size_bytes)
{
    (void)address;
    (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_protect(void *address, size_t size_bytes, unsigned rights)
{
    (void)address;
    (void)size_bytes;
    (void)rights;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_reset(void *address, size_t size_bytes)
{
    (void)address;
    (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_release(void *address, size_t size_bytes)
{
    (void)address;
    (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_prefault(void *address, size_t size_bytes, bool lock)
{
    (void)address;
    (void)size_bytes;
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_unlock(void *address, size_t size_bytes)
{
    (void)address;
    (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_probe(const void *address, unsigned rights)
{
    (void)address;
    (void)rights;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_query(const void *address, size_t size_bytes,
                               struct wrt_port_range_info *out)
{
    (void)address;
    (void)size_bytes;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_object_create(size_t size_bytes, struct wrt_port_object *out)
{
    (void)size_bytes;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_object_map(const struct wrt_port_object *object, void *address,
                                    unsigned rights, bool is_private)
{
    (void)object;
    (void)address;
    (void)rights;
    (void)is_private;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_object_freeze(struct wrt_port_object *object)
{
    (void)object;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_object_close(struct wrt_port_object *object)
{
    (void)object;
}

enum wrt_status wrt_port_heap_configure(enum wrt_port_heap_option option, int64_t value,
                                        struct wrt_port_outcome *out)
{
    (void)option;
    (void)value;
    *out = (struct wrt_port_outcome){.why = "this port has no heap"};
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_heap_allocate(size_t alignment_bytes, size_t size_bytes, void **out)
{
    (void)alignment_bytes;
    (void)size_bytes;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_heap_free(void *block)
{
    (void)block;
}

enum wrt_status wrt_port_heap_statistics(struct wrt_port_heap_info *out)
{
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_mutex_init(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_mutex_lock(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_mutex_unlock(struct wrt_port_mutex *mutex)
{
    (void)mutex;
}

void wrt_port_mutex_deinit(struct wrt_port_mutex *mutex)
{
    (void)mutex;
}

enum wrt_status wrt_port_thread_create(const struct wrt_port_thread_config *config,
                                       void (*body)(void *), void *context,
                                       struct wrt_port_thread *out)
{
    (void)config;
    (void)body;
    (void)context;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_thread_on_exit(void (*body)(void))
{
    (void)body;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_thread_join(struct wrt_port_thread *thread)
{
    (void)thread;
    return WRT_ERR_UNSUPPORTED;
}

uint32_t wrt_port_thread_id(void)
{
    return 1;
}

enum wrt_status wrt_port_thread_set_priority(int priority)
{
    (void)priority;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_thread_get_priority(int *out)
{
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_thread_set_affinity(uint64_t mask)
{
    (void)mask;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_thread_stack_left(size_t *out)
{
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_time_now(uint64_t *out_ns)
{
    (void)out_ns;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_time_resolution(uint64_t *out_ns)
{
    (void)out_ns;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns,
                              bool is_shared)
{
    (void)word;
    (void)expected;
    (void)deadline_ns;
    (void)is_shared;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_wake(const uint32_t *word, uint32_t count, bool is_shared,
                              uint32_t *out_woken)
{
    (void)word;
    (void)count;
    (void)is_shared;
    (void)out_woken;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_fault_run(void (*body)(void *), void *context,
                                   struct wrt_port_fault *fault)
{
    (void)body;
    (void)context;
    (void)fault;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_spawn(const struct wrt_port_spawn *spawn,
                                       struct wrt_port_process *out)
{
    (void)spawn;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_open(int64_t id, struct wrt_port_process *out)
{
    (void)id;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_process_close(struct wrt_port_process *process)
{
    (void)process;
}

enum wrt_status wrt_port_process_schedule(const struct wrt_port_process *process, int priority,
                                          uint64_t affinity)
{
    (void)process;
    (void)priority;
    (void)affinity;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_usage(const struct wrt_port_process *process,
                                       struct wrt_port_process_usage *out)
{
    (void)process;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_limit(struct wrt_port_process *process,
                                       const struct wrt_port_process_limits *limits)
{
    (void)process;
    (void)limits;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_signal(const struct wrt_port_process *process,
                                        enum wrt_port_signal signal)
{
    (void)process;
    (void)signal;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_reap(struct wrt_port_process *process, uint64_t deadline_ns,
                                      struct wrt_port_exit *out)
{
    (void)process;
    (void)deadline_ns;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_entropy(void *out, size_t size_bytes)
{
    (void)out;
    (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_capability(uint32_t index, struct wrt_port_capability *out)
{
    (void)index;
    (void)out;
    return WRT_ERR_BOUNDS;
}
