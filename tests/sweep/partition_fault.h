/* partition_fault.h - makes one charge of a partition fail, and counts the calls.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PARTITION_FAULT_H
#define PARTITION_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* The nth wrt_partition_allocate or wrt_partition_charge from now on (1 = the next) refuses
 * with WRT_ERR_PARTITION_MAX; 0 = none. Resets the count. */
void partition_fault_arm(uint64_t nth);
bool partition_fault_fired(void);

/* Calls of allocate, charge, free and uncharge since partition_fault_arm. */
uint64_t partition_fault_calls(void);

#endif
