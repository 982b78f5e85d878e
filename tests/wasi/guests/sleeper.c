/* tests/wasi/guests/sleeper.c - exports that wait, for tests/wasi/stopping.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>
#include <wasi/api.h>

/* Sleeps so many milliseconds and then tells how many it counted. */
__attribute__((export_name("sleep_ms"))) int sleep_ms(int milliseconds)
{
    __wasi_timestamp_t before, after;
    __wasi_subscription_t wanted = {.u = {.tag = __WASI_EVENTTYPE_CLOCK}};
    __wasi_event_t event;
    __wasi_size_t count;
    wanted.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    wanted.u.u.clock.timeout = (__wasi_timestamp_t)milliseconds * 1000000;
    if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &before) ||
        __wasi_poll_oneoff(&wanted, &event, 1, &count) ||
        __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &after))
        return -1;
    return (int)((after - before) / 1000000);
}

/* Reads a byte of standard input; -1 at its end. */
__attribute__((export_name("read_byte"))) int read_byte(void)
{
    unsigned char byte;
    return read(0, &byte, 1) == 1 ? byte : -1;
}
