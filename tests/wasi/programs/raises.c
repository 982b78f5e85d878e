/* tests/wasi/programs/raises.c - proc_raise answers NOSYS and harms nobody; sched_yield.
 * SPDX-License-Identifier: Apache-2.0
 * run: --
 */
#include "check.h"

#include <sched.h>

/* wasi-libc has no wrapper for it. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise")))
int32_t raw_proc_raise(int32_t signal);

int main(void)
{
    for (int signal = 0; signal <= 30; signal++)
        CHECK_EQUAL(raw_proc_raise(signal), __WASI_ERRNO_NOSYS);
    CHECK_EQUAL(raw_proc_raise(31), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(raw_proc_raise(-1), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(sched_yield(), 0);
    CHECK_EQUAL(__wasi_sched_yield(), 0);
    return check_end();
}
