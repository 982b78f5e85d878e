/* priority.h - which priorities a thread may ask for.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_PRIORITY_H
#define QNXSIM_PRIORITY_H
#include "kernel.h"
/* EOK and *out, or EINVAL or EPERM. Facts 5.5. */
int priority_check(int policy, const struct sched_param *param, int *out);
#endif
