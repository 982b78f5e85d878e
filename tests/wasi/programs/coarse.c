/* tests/wasi/programs/coarse.c - a coarse clock shows its multiples only, and waits for them.
 * SPDX-License-Identifier: Apache-2.0
 * run: --clocks all --clock-resolution 10000000 --
 */
#include "check.h"

int main(void)
{
    const __wasi_timestamp_t step = 10000000;
    __wasi_timestamp_t time, resolution, before;
    for (unsigned i = 0; i < 50; i++) {
        CHECK_EQUAL(__wasi_clock_time_get(i % 2, 1, &time), 0);
        CHECK_EQUAL(time % step, 0);
    }
    CHECK_EQUAL(__wasi_clock_res_get(__WASI_CLOCKID_MONOTONIC, &resolution), 0);
    CHECK_EQUAL(resolution, step);
    /* One nanosecond from now is the next multiple, so waits are no finer clock. */
    __wasi_subscription_t wanted = {.u = {.tag = __WASI_EVENTTYPE_CLOCK}};
    __wasi_event_t event;
    __wasi_size_t count;
    wanted.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    wanted.u.u.clock.timeout = 1;
    CHECK_EQUAL(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &before), 0);
    CHECK_EQUAL(__wasi_poll_oneoff(&wanted, &event, 1, &count), 0);
    CHECK_EQUAL(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &time), 0);
    CHECK(time > before);
    return check_end();
}
