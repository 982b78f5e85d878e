/* tests/sim/smoke.c - the port's main calls in one small program, for processors that only an
 * emulator has here (aarch64.sh). Exit status 0: all did what they should.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "port.h"

static const size_t reserved = (size_t)8 << 30;
static uint8_t *base;
static uint32_t word;

bool wrt_fault_is_ours(const void *address)
{
    const uint8_t *at = address;
    return at >= base && (size_t)(at - base) < reserved;
}

static void touch(void *address)
{
    *(volatile uint8_t *)address = 1;
}

static void *wait_for_word(void *status)
{
    *(enum wrt_status *)status = wrt_port_wait(&word, 0, UINT64_MAX, false);
    return NULL;
}

static bool memory_works(void)
{
    struct wrt_port_request request = {.bytes = reserved};
    struct wrt_port_fault fault;
    if (wrt_port_reserve(&request, (void **)&base) != WRT_OK ||
        wrt_port_commit(base, 65536, WRT_PORT_READ_WRITE) != WRT_OK)
        return false;
    memset(base, 1, 65536);
    return wrt_port_fault_run(touch, base + 65536, &fault) == WRT_ERR_TRAP &&
           fault.address == base + 65536 && fault.instruction != NULL;
}

static bool waking_works(void)
{
    enum wrt_status status = WRT_ERR_IO;
    uint32_t woken = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_word, &status) != 0)
        return false;
    while (woken == 0) {
        if (wrt_port_wake(&word, 1, false, &woken) != WRT_OK)
            return false;
    }
    pthread_join(thread, NULL);
    return status == WRT_OK && woken == 1;
}

int main(void)
{
    bool memory = memory_works(), waking = waking_works();
    printf("memory and faults %s, waking %s\n", memory ? "work" : "FAIL", waking ? "works" : "FAILS");
    return memory && waking ? 0 : 1;
}
