/* src/wasi/process.c - arguments, environment, clocks, randomness, ending and yielding.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "port.h"
#include "wasi/state.h"

/* ---- strings ---- */

static enum wrt_errno get_strings(struct wasi_call *call, const struct wasi_strings *strings)
{
    uint32_t address = wasi_u32(call, 1);
    uint8_t *pointers = wrt_wasi_span(call, wasi_u32(call, 0), (uint64_t)strings->count * 4);
    uint8_t *bytes = wrt_wasi_span(call, address, strings->size_bytes);
    if (!pointers || !bytes)
        return WRT_ERRNO_FAULT;
    const char *string = strings->bytes;
    for (uint32_t i = 0; i < strings->count; i++) {
        uint32_t offset = (uint32_t)(string - strings->bytes);
        wrt_write_u32(pointers + (size_t)i * 4, address + offset);
        string += strlen(string) + 1;
    }
    wrt_copy(bytes, strings->bytes, strings->size_bytes);
    return WRT_ERRNO_OK;
}

static enum wrt_errno get_sizes(struct wasi_call *call, const struct wasi_strings *strings)
{
    uint8_t *count = wrt_wasi_span(call, wasi_u32(call, 0), 4);
    uint8_t *size = wrt_wasi_span(call, wasi_u32(call, 1), 4);
    if (!count || !size)
        return WRT_ERRNO_FAULT;
    wrt_write_u32(count, strings->count);
    wrt_write_u32(size, strings->size_bytes);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_args_get(struct wasi_call *call)
{
    return get_strings(call, &call->wasi->arguments);
}

enum wrt_errno wrt_wasi_args_sizes_get(struct wasi_call *call)
{
    return get_sizes(call, &call->wasi->arguments);
}

enum wrt_errno wrt_wasi_environ_get(struct wasi_call *call)
{
    return get_strings(call, &call->wasi->environment);
}

enum wrt_errno wrt_wasi_environ_sizes_get(struct wasi_call *call)
{
    return get_sizes(call, &call->wasi->environment);
}

/* ---- clocks ---- */

enum wrt_errno wrt_wasi_check_clock(const struct wrt_wasi *wasi, uint32_t clock)
{
    if (clock > WRT_PORT_CLOCK_THREAD_CPU)
        return WRT_ERRNO_INVAL;
    return wasi->clocks & 1u << clock ? WRT_ERRNO_OK : WRT_ERRNO_NOTCAPABLE;
}

enum wrt_errno wrt_wasi_clock_res_get(struct wasi_call *call)
{
    uint32_t clock = wasi_u32(call, 0);
    uint64_t resolution;
    enum wrt_errno error = wrt_wasi_check_clock(call->wasi, clock);
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 1), 8);
    if (error == WRT_ERRNO_OK && !out)
        error = WRT_ERRNO_FAULT;
    if (error == WRT_ERRNO_OK)
        error = wrt_port_clock_resolution((enum wrt_port_clock)clock, &resolution);
    if (error != WRT_ERRNO_OK)
        return error;
    if (resolution < call->wasi->coarse.resolution_ns)
        resolution = call->wasi->coarse.resolution_ns;
    wrt_write_u64(out, resolution);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_clock_time_get(struct wasi_call *call)
{
    const struct wrt_wasi *wasi = call->wasi;
    uint32_t clock = wasi_u32(call, 0);
    uint64_t now;
    enum wrt_errno error = wrt_wasi_check_clock(wasi, clock);
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 2), 8);
    if (error == WRT_ERRNO_OK && !out)
        error = WRT_ERRNO_FAULT;
    if (error == WRT_ERRNO_OK)
        error = wrt_port_clock_read((enum wrt_port_clock)clock, &now);
    if (error != WRT_ERRNO_OK)
        return error;
    if (clock == WRT_PORT_CLOCK_MONOTONIC)
        now -= wasi->monotonic_start_ns;
    wrt_write_u64(out, wrt_wasi_coarse_show(&wasi->coarse, clock, now));
    return WRT_ERRNO_OK;
}

/* ---- randomness ---- */

/* SplitMix64 (Steele, Lea, Flood 2014): repeatable and even, not secret. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static void fill_seeded(uint64_t *state, uint8_t *out, uint32_t size_bytes)
{
    uint8_t word[8];
    for (uint32_t done = 0; done < size_bytes; done += 8) {
        uint32_t step = size_bytes - done < 8 ? size_bytes - done : 8;
        wrt_write_u64(word, next_random(state));
        wrt_copy(out + done, word, step);
    }
}

enum wrt_errno wrt_wasi_random_get(struct wasi_call *call)
{
    uint32_t size_bytes = wasi_u32(call, 1);
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 0), size_bytes);
    if (call->wasi->random == WRT_WASI_RANDOM_NONE)
        return WRT_ERRNO_NOTCAPABLE;
    if (!out)
        return WRT_ERRNO_FAULT;
    if (size_bytes > WASI_MAX_TRANSFER_BYTES)
        return WRT_ERRNO_INVAL;
    if (call->wasi->random == WRT_WASI_RANDOM_SEEDED)
        fill_seeded(&wrt_wasi_first(call->wasi)->random_state, out, size_bytes);
    else if (size_bytes != 0 && wrt_port_entropy(out, size_bytes) != WRT_OK)
        return WRT_ERRNO_IO;
    wrt_wasi_charge(call, size_bytes);
    return WRT_ERRNO_OK;
}

/* ---- ending and yielding ---- */

enum wrt_errno wrt_wasi_proc_exit(struct wasi_call *call)
{
    call->outcome = wrt_caller_exit(call->caller, wasi_u32(call, 0));
    return WRT_ERRNO_OK;
}

/* A guest has no signals and may not raise the host's; abort() traps by itself. */
enum wrt_errno wrt_wasi_proc_raise(struct wasi_call *call)
{
    return wasi_u32(call, 0) > WASI_MAX_SIGNAL ? WRT_ERRNO_INVAL : WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_wasi_sched_yield(struct wasi_call *call)
{
    (void)call;
    return wrt_port_yield();
}
