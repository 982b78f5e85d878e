/* fuzz_worker.c - fuzz target: the host of a worker process that lies on the ring they share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: a byte that says what the host does, then what the worker does (liar.c). Held to: every
 * call of the host ends, by its deadline at the latest, with a status that its header names, and
 * nothing of the worker is left.
 */
#include "decide.h"
#include "wrt/worker.h"

#include <string.h>

enum { MAX_SCRIPT = 200 };

static const uint8_t module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

static void to_hexadecimal(struct decisions from, char *out)
{
    size_t size = from.left < MAX_SCRIPT ? from.left : MAX_SCRIPT;

    for (size_t i = 0; i < size; i++)
        sprintf(out + 2 * i, "%02x", from.at[i]);
    out[2 * size] = '\0';
}

static uint64_t in_ms(uint64_t ms)
{
    return wrt_time_now_ns() + ms * 1000000;
}

static void use(struct wrt_worker *worker, uint8_t how)
{
    const struct wrt_value arguments[2] = {{.type = WRT_I32}, {.type = WRT_I64}};
    const struct wrt_worker_budget budget = {.deadline_ns = in_ms(8)};
    struct wrt_worker_info info;
    struct wrt_value results[3];
    struct wrt_error error = {0};
    uint32_t count = 0;
    enum wrt_status status;

    status = wrt_worker_call(worker, "f", arguments, how % 3, results, how % 4, &count, &budget,
                             &error);
    FUZZ_REQUIRE(status != WRT_OK || count <= how % 4u);
    FUZZ_REQUIRE(memchr(error.text, '\0', sizeof error.text) != NULL);
    if (status == WRT_PAUSED && (how & 16) != 0)
        (void)!wrt_worker_drop(worker);
    else if (status == WRT_PAUSED)
        (void)!wrt_worker_post_resume(worker, &budget, &error);
    status = wrt_worker_collect(worker, results, 3, &count, in_ms(2), &error);
    FUZZ_REQUIRE(status != WRT_OK || count <= 3);
    wrt_worker_get_info(worker, &info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char script[2 * MAX_SCRIPT + 1];
    const char *const arguments[] = {script};
    const struct wrt_partition_config limits = {.max_bytes = 1 << 30, .flags = WRT_PARTITION_CONTAINER};
    const struct wrt_worker_config config = {
        .program = WRT_LIAR_PROGRAM, .module = module, .module_bytes = sizeof module,
        .arguments = arguments, .argument_count = 1, .grace_ns = 2000000,
        .start_ns = 60000000, .memory_bytes = 64 << 20};
    struct decisions from = {data, size};
    struct wrt_partition *partition;
    struct wrt_worker *worker;
    struct wrt_partition_info info;
    struct wrt_error error = {0};
    uint8_t how = decide_byte(&from);

    to_hexadecimal(from, script);
    FUZZ_REQUIRE(wrt_partition_create(NULL, &limits, &partition, NULL) == WRT_OK);
    if (wrt_worker_create(partition, &config, &worker, &error) == WRT_OK) {
        use(worker, how);
        wrt_worker_destroy(worker, 0);
    }
    wrt_partition_get_info(partition, &info);
    FUZZ_REQUIRE(info.current_bytes[WRT_CHARGE_PROCESS] == 0);
    FUZZ_REQUIRE(wrt_partition_destroy(partition, NULL) == WRT_OK);
    return 0;
}
