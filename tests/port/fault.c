/* tests/port/fault.c - the wrappers behind fault.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Calls that cannot fail for a caller that keeps the contract (release, unlock of a mutex,
 * closing) are counted and passed on.
 */
#include "fault.h"

#include "port.h"

#include <stdatomic.h>
#include <stddef.h>

static _Atomic uint64_t calls, failing;
static const char *_Atomic failed_name;
static _Atomic int64_t reservations, reserved_bytes, heap_blocks, objects, mutexes, threads;

void port_fault_arm(uint64_t nth)
{
    atomic_store(&calls, 0);
    atomic_store(&failed_name, NULL);
    atomic_store(&failing, nth);
}

bool port_fault_fired(void)
{
    return atomic_load(&failed_name) != NULL;
}

const char *port_fault_name(void)
{
    return atomic_load(&failed_name);
}

uint64_t port_fault_calls(void)
{
    return atomic_load(&calls);
}

struct port_taken port_fault_taken(void)
{
    return (struct port_taken){
        .reservations = atomic_load(&reservations),
        .reserved_bytes = atomic_load(&reserved_bytes),
        .heap_blocks = atomic_load(&heap_blocks),
        .objects = atomic_load(&objects),
        .mutexes = atomic_load(&mutexes),
        .threads = atomic_load(&threads),
    };
}

bool port_fault_must_fail(const char *name)
{
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&failing))
        return false;
    atomic_store(&failed_name, name);
    return true;
}

/* WRAP(name, failure, (parameters), (arguments), counting): fails with `failure` when it is
 * its turn, otherwise passes on and evaluates `counting` on success. */
#define WRAP(name, failure, parameters, arguments, counting) \
    enum wrt_status __real_##name parameters;                \
    enum wrt_status __wrap_##name parameters;                \
    enum wrt_status __wrap_##name parameters                 \
    {                                                        \
        enum wrt_status status;                              \
        if (port_fault_must_fail(#name))                                \
            return failure;                                  \
        status = __real_##name arguments;                    \
        if (status == WRT_OK) {                              \
            counting;                                        \
        }                                                    \
        return status;                                       \
    }

WRAP(wrt_port_reserve, WRT_ERR_NO_MEMORY,
     (const struct wrt_port_request *request, void **out), (request, out),
     (atomic_fetch_add(&reservations, 1),
      atomic_fetch_add(&reserved_bytes, (int64_t)request->bytes)))
WRAP(wrt_port_commit, WRT_ERR_NO_MEMORY, (void *address, size_t bytes, unsigned rights),
     (address, bytes, rights), (void)0)
WRAP(wrt_port_decommit, WRT_ERR_NO_MEMORY, (void *address, size_t bytes), (address, bytes),
     (void)0)
WRAP(wrt_port_protect, WRT_ERR_NO_MEMORY, (void *address, size_t bytes, unsigned rights),
     (address, bytes, rights), (void)0)
WRAP(wrt_port_reset, WRT_ERR_UNSUPPORTED, (void *address, size_t bytes), (address, bytes),
     (void)0)
WRAP(wrt_port_prefault, WRT_ERR_DENIED, (void *address, size_t bytes, bool lock),
     (address, bytes, lock), (void)0)
WRAP(wrt_port_probe, WRT_ERR_UNSUPPORTED, (const void *address, unsigned rights),
     (address, rights), (void)0)
WRAP(wrt_port_object_create, WRT_ERR_LIMIT, (size_t bytes, struct wrt_port_object *out),
     (bytes, out), atomic_fetch_add(&objects, 1))
WRAP(wrt_port_object_map, WRT_ERR_NO_MEMORY,
     (const struct wrt_port_object *object, void *address, unsigned rights, bool is_private),
     (object, address, rights, is_private), (void)0)
WRAP(wrt_port_object_freeze, WRT_ERR_UNSUPPORTED, (struct wrt_port_object *object), (object),
     (void)0)
WRAP(wrt_port_heap_allocate, WRT_ERR_NO_MEMORY, (size_t alignment, size_t bytes, void **out),
     (alignment, bytes, out), atomic_fetch_add(&heap_blocks, 1))
WRAP(wrt_port_mutex_init, WRT_ERR_NO_MEMORY, (struct wrt_port_mutex *mutex), (mutex),
     atomic_fetch_add(&mutexes, 1))
WRAP(wrt_port_thread_create, WRT_ERR_LIMIT,
     (const struct wrt_port_thread_config *config, void (*body)(void *), void *context,
      struct wrt_port_thread *out),
     (config, body, context, out), atomic_fetch_add(&threads, 1))
WRAP(wrt_port_time_now, WRT_ERR_UNSUPPORTED, (uint64_t *out_ns), (out_ns), (void)0)
WRAP(wrt_port_entropy, WRT_ERR_IO, (void *out, size_t bytes), (out, bytes), (void)0)

WRAP(wrt_port_fault_run, WRT_ERR_UNSUPPORTED,
     (void (*body)(void *), void *context, struct wrt_port_fault *fault), (body, context, fault),
     (void)0)
WRAP(wrt_port_process_open, WRT_ERR_NOT_FOUND, (int64_t id, struct wrt_port_process *out),
     (id, out), (void)0)
WRAP(wrt_port_process_limit, WRT_ERR_DENIED,
     (struct wrt_port_process *process, const struct wrt_port_process_limits *limits),
     (process, limits), (void)0)
WRAP(wrt_port_process_schedule, WRT_ERR_DENIED,
     (const struct wrt_port_process *process, int priority, uint64_t affinity),
     (process, priority, affinity), (void)0)

/* ---- counted, never failing ---- */

enum wrt_status __real_wrt_port_release(void *address, size_t bytes);
enum wrt_status __wrap_wrt_port_release(void *address, size_t bytes);
enum wrt_status __wrap_wrt_port_release(void *address, size_t bytes)
{
    atomic_fetch_sub(&reservations, 1);
    atomic_fetch_sub(&reserved_bytes, (int64_t)bytes);
    return __real_wrt_port_release(address, bytes);
}

void __real_wrt_port_object_close(struct wrt_port_object *object);
void __wrap_wrt_port_object_close(struct wrt_port_object *object);
void __wrap_wrt_port_object_close(struct wrt_port_object *object)
{
    if (object->size_bytes != 0)
        atomic_fetch_sub(&objects, 1);
    __real_wrt_port_object_close(object);
}

void __real_wrt_port_heap_free(void *block);
void __wrap_wrt_port_heap_free(void *block);
void __wrap_wrt_port_heap_free(void *block)
{
    if (block != NULL)
        atomic_fetch_sub(&heap_blocks, 1);
    __real_wrt_port_heap_free(block);
}

void __real_wrt_port_mutex_deinit(struct wrt_port_mutex *mutex);
void __wrap_wrt_port_mutex_deinit(struct wrt_port_mutex *mutex);
void __wrap_wrt_port_mutex_deinit(struct wrt_port_mutex *mutex)
{
    atomic_fetch_sub(&mutexes, 1);
    __real_wrt_port_mutex_deinit(mutex);
}

enum wrt_status __real_wrt_port_thread_join(struct wrt_port_thread *thread);
enum wrt_status __wrap_wrt_port_thread_join(struct wrt_port_thread *thread);
enum wrt_status __wrap_wrt_port_thread_join(struct wrt_port_thread *thread)
{
    enum wrt_status status = __real_wrt_port_thread_join(thread);

    if (status == WRT_OK)
        atomic_fetch_sub(&threads, 1);
    return status;
}
