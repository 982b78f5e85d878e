/* partition_fault.c - the wrappers behind partition_fault.h (ld --wrap).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "partition_fault.h"

#include <stdatomic.h>
#include <stdio.h>

#include "wrt/partition.h"

static _Atomic uint64_t takes, calls, failing; /* threads of a guest come here too */
static _Atomic bool fired;

void partition_fault_arm(uint64_t nth)
{
    takes = 0;
    calls = 0;
    fired = false;
    failing = nth;
}

bool partition_fault_fired(void)
{
    return fired;
}

uint64_t partition_fault_calls(void)
{
    return calls;
}

static bool must_fail(struct wrt_error *error)
{
    calls++;
    if (++takes != failing)
        return false;
    fired = true;
    if (error != NULL) {
        *error = (struct wrt_error){.status = WRT_ERR_PARTITION_MAX};
        snprintf(error->text, sizeof error->text, "a planted refusal");
    }
    return true;
}

enum wrt_status __real_wrt_partition_allocate(struct wrt_partition *partition,
                                              enum wrt_charge charge, size_t size_bytes,
                                              size_t alignment_bytes, void **out,
                                              struct wrt_error *error);
enum wrt_status __wrap_wrt_partition_allocate(struct wrt_partition *partition,
                                              enum wrt_charge charge, size_t size_bytes,
                                              size_t alignment_bytes, void **out,
                                              struct wrt_error *error);
enum wrt_status __wrap_wrt_partition_allocate(struct wrt_partition *partition,
                                              enum wrt_charge charge, size_t size_bytes,
                                              size_t alignment_bytes, void **out,
                                              struct wrt_error *error)
{
    if (must_fail(error))
        return WRT_ERR_PARTITION_MAX;
    return __real_wrt_partition_allocate(partition, charge, size_bytes, alignment_bytes, out,
                                         error);
}

enum wrt_status __real_wrt_partition_charge(struct wrt_partition *partition,
                                            enum wrt_charge charge, uint64_t size_bytes,
                                            struct wrt_error *error);
enum wrt_status __wrap_wrt_partition_charge(struct wrt_partition *partition,
                                            enum wrt_charge charge, uint64_t size_bytes,
                                            struct wrt_error *error);
enum wrt_status __wrap_wrt_partition_charge(struct wrt_partition *partition,
                                            enum wrt_charge charge, uint64_t size_bytes,
                                            struct wrt_error *error)
{
    if (must_fail(error))
        return WRT_ERR_PARTITION_MAX;
    return __real_wrt_partition_charge(partition, charge, size_bytes, error);
}

void __real_wrt_partition_free(struct wrt_partition *partition, enum wrt_charge charge,
                               void *block, size_t size_bytes);
void __wrap_wrt_partition_free(struct wrt_partition *partition, enum wrt_charge charge,
                               void *block, size_t size_bytes);
void __wrap_wrt_partition_free(struct wrt_partition *partition, enum wrt_charge charge,
                               void *block, size_t size_bytes)
{
    calls++;
    __real_wrt_partition_free(partition, charge, block, size_bytes);
}

void __real_wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge,
                                   uint64_t size_bytes);
void __wrap_wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge,
                                   uint64_t size_bytes);
void __wrap_wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge,
                                   uint64_t size_bytes)
{
    calls++;
    __real_wrt_partition_uncharge(partition, charge, size_bytes);
}
