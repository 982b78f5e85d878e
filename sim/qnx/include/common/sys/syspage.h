/* sys/syspage.h - the two entries that are the same on every release. Facts 7.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_SYSPAGE_H
#define QNXSIM_SYS_SYSPAGE_H
#include <sys/types.h>
struct qtime_entry {
    uint64_t cycles_per_sec;
};
struct syspage_entry {
    uint16_t num_cpu;
    struct qtime_entry qnxsim_qtime;
};
extern struct syspage_entry *_syspage_ptr QNXSIM_AS(syspage_ptr);
#define SYSPAGE_ENTRY(name) (&_syspage_ptr->qnxsim_##name)
#endif
