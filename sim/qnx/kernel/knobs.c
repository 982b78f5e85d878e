/* knobs.c - counters, fault injection, and the sizes of the simulated machine.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernel.h"

#include <stdlib.h>

struct knobs knobs = {.fail_call = QNXSIM_ANY, .pulse_limit = 65536, .last_chid = -1};

const char *qnxsim_call_name(enum qnxsim_call call) {
    static const char *const names[] = {
#define NAME(name, blocks) #name,
        QNXSIM_CALL_LIST(NAME)
#undef NAME
    };
    return call < QNXSIM_CALL_COUNT ? names[call] : "any";
}

/* For whole programs: QNXSIM_POOL=NAME:BYTES is qnxsim_add_pool at the start of a machine. */
static void pool_from_environment(void) {
    const char *text = getenv("QNXSIM_POOL");
    if (!text || machine->pools[0].name[0]) return;
    size_t length = strcspn(text, ":");
    if (!text[length] || length >= sizeof machine->pools[0].name) host_panic("QNXSIM_POOL takes NAME:BYTES");
    memcpy(machine->pools[0].name, text, length);
    machine->pools[0].bytes = strtoull(text + length + 1, NULL, 10);
}

/* For whole programs: QNXSIM_FAIL=CALL:NTH:TIMES:ERRNO is qnxsim_fail_run at the start. */
void knobs_from_environment(void) {
    pool_from_environment();
    const char *text = getenv("QNXSIM_FAIL");
    if (!text) return;
    size_t length = strcspn(text, ":");
    for (int call = 0; call < QNXSIM_CALL_COUNT; call++) {
        const char *name = qnxsim_call_name((enum qnxsim_call)call);
        if (strlen(name) != length || strncmp(name, text, length) != 0) continue;
        char *at = (char *)(uintptr_t)text + length;
        knobs.fail_countdown = *at ? strtoul(at + 1, &at, 10) : 1;
        knobs.fail_times = *at ? strtoul(at + 1, &at, 10) : 1;
        knobs.fail_error = *at ? (int)strtoul(at + 1, &at, 10) : EAGAIN;
        knobs.fail_call = (enum qnxsim_call)call;
        return;
    }
    host_panic("QNXSIM_FAIL names no kernel call");
}

/* With the lock, once per kernel call. */
int knobs_check(enum qnxsim_call call) {
    if (knobs.kill_countdown && --knobs.kill_countdown == 0) {
        struct process *process = process_find(knobs.kill_pid);
        if (process) thread_kill_process(process);
    }
    if (!knobs.fail_countdown) return EOK;
    if (knobs.fail_call != QNXSIM_ANY && knobs.fail_call != call) return EOK;
    if (--knobs.fail_countdown > 0) return EOK;
    knobs.fail_happened = true;
    knobs.failed_call = call;
    if (--knobs.fail_times > 0) knobs.fail_countdown = 1;
    return knobs.fail_error;
}

uint64_t qnxsim_calls(enum qnxsim_call call) {
    if (call < QNXSIM_CALL_COUNT) return __atomic_load_n(&knobs.calls[call], __ATOMIC_RELAXED);
    uint64_t sum = 0;
    for (int i = 0; i < QNXSIM_CALL_COUNT; i++) {
        if (i != QNXSIM_ClockTime) sum += __atomic_load_n(&knobs.calls[i], __ATOMIC_RELAXED);
    }
    return sum;
}
void qnxsim_calls_clear(void) {
    for (int i = 0; i < QNXSIM_CALL_COUNT; i++) {
        __atomic_store_n(&knobs.calls[i], 0, __ATOMIC_RELAXED);
    }
}

int qnxsim_release(void) { return QNXSIM_RELEASE; }

void qnxsim_reset(void) {
    kernel_init();
    host_lock();
    uint32_t queued = knobs.pulses_queued;
    memset(&knobs, 0, sizeof knobs);
    knobs.fail_call = QNXSIM_ANY;
    knobs.pulse_limit = 65536;
    knobs.pulses_queued = queued;
    knobs.last_chid = -1;
    machine->ram_bytes = UINT64_C(4) << 30;
    machine->tick_ns = 1000000;
    machine->cpus = 2;
    machine->aps_loaded = QNXSIM_RELEASE < 800;
    machine->has_policy = false;
    memset(machine->pools, 0, sizeof machine->pools);
    memset(machine->clusters, 0, sizeof machine->clusters);
    process_state_init(processes->state, processes->state->pid, NULL);
    sched_reset();
    host_unlock();
}

void qnxsim_set_ram(uint64_t bytes) {
    kernel_init();
    machine->ram_bytes = bytes ? bytes : UINT64_C(4) << 30;
}
void qnxsim_add_pool(const char *name, uint64_t bytes) {
    kernel_init();
    for (int i = 0; i < MAX_POOLS; i++) {
        struct pool *pool = &machine->pools[i];
        if (pool->name[0]) continue;
        strncpy(pool->name, name, sizeof pool->name - 1);
        pool->bytes = bytes;
        pool->used = 0;
        return;
    }
    host_panic("no more typed memory pools");
}
uint64_t qnxsim_pool_used(const char *name) {
    for (int i = 0; i < MAX_POOLS; i++) {
        if (strcmp(machine->pools[i].name, name) == 0) return machine->pools[i].used;
    }
    return 0;
}
void qnxsim_set_tick(uint64_t ns) { machine->tick_ns = ns ? ns : 1000000; }
void qnxsim_set_cpus(unsigned count) { machine->cpus = count ? count : 2; }
void qnxsim_set_aps(bool is_loaded) { machine->aps_loaded = is_loaded; }
void qnxsim_set_policy(const char *types) {
    machine->has_policy = types != NULL;
    strncpy(machine->policy, types ? types : "", sizeof machine->policy - 1);
}
void qnxsim_set_fixed_failure_unmaps(bool unmaps) { knobs.fixed_failure_unmaps = unmaps; }
void qnxsim_set_deprecated_mallopt_ok(bool is_ok) { knobs.deprecated_mallopt_ok = is_ok; }

void qnxsim_fail(enum qnxsim_call call, uint64_t nth, int error) {
    qnxsim_fail_run(call, nth, 1, error);
}
void qnxsim_fail_run(enum qnxsim_call call, uint64_t nth, uint64_t times, int error) {
    host_lock();
    knobs.fail_times = times;
    knobs.fail_call = call;
    knobs.fail_countdown = nth;
    knobs.fail_error = error;
    knobs.fail_happened = false;
    host_unlock();
}
enum qnxsim_call qnxsim_failed_call(void) { return knobs.failed_call; }
bool qnxsim_fail_happened(void) { return knobs.fail_happened; }
void qnxsim_set_pulse_limit(uint32_t count) { knobs.pulse_limit = count ? count : 65536; }
void qnxsim_pulse_fault(enum qnxsim_pulse_fault kind, uint64_t nth) {
    knobs.pulse_fault = (int)kind;
    knobs.pulse_fault_countdown = nth;
}
void qnxsim_release_late(void) { channels_release_late(); }
void qnxsim_kill_at(int pid, uint64_t nth) {
    knobs.kill_pid = pid;
    knobs.kill_countdown = nth;
}
int qnxsim_last_chid(void) { return knobs.last_chid; }
int qnxsim_last_pulse_priority(void) { return knobs.last_pulse_priority; }
