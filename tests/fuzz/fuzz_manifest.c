/* fuzz_manifest.c - fuzz target: any text as a manifest, read and checked.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: the file itself (first byte even), or choices among sections, keys and values that
 * there are (odd). Modules are not to be found, as the folder that the paths start at is empty;
 * texts with a '/' are only read, not checked, so that no file of the machine is opened.
 */
#define _GNU_SOURCE
#include "decide.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_TEXT = 16384 };

static const char *const keys[] = {
    "module", "after", "period_us", "min", "max", "watchdog", "watchdog_ms", "cpu_permille",
    "control", "metrics", "users", "priority", "tier", "restart", "restart_ms", "restarts",
    "deadline_us", "offset_us", "fuel", "group", "sha256", "key", "signature", "require", "seal",
    "arguments", "environment", "directory", "directory_ro", "random", "clocks", "clock",
    "stack", "memory", "verification", "reserve", "affinity", "frame", "window_us", "major_us",
    "shutdown_ms", "stdout", "stderr", "compiled", "isolation", "escalate", "mailbox", "lane",
    "budget_us", "clock_resolution_us", "clock_jitter", "reserved", "function", "entry",
};
static const char *const values[] = {
    "a.wasm", "a", "b", "0", "1", "1000", "64K", "1M", "16M", "64M", "99999999999999999999", "-1",
    "process", "sealed", "software", "progress", "heartbeat", "none", "exit", "always", "never",
    "on-failure", "yes", "no", "true", "critical", "standard", "unix:m", "s", "a b c", "", "0x10",
    "a=b", "1000 2000 3000", "monotonic realtime", "1000000", "18446744073709551615", "1.5",
};
static const char *const sections[] = {
    "[supervisor]", "[tenant a]", "[tenant b]", "[tenant]", "[frame f]", "[tenant a", "[]",
    "[tenant averyveryverylongnamethatistoolongforaname]",
};
#define OF(list, byte) (list)[(byte) % (sizeof(list) / sizeof *(list))]

static size_t write_lines(struct decisions *from, char *text)
{
    size_t used = 0;

    while (from->left > 1 && used < MAX_TEXT - 400) {
        uint8_t kind = decide_byte(from);

        if (kind < 48)
            used += (size_t)sprintf(text + used, "%s\n", OF(sections, kind));
        else
            used += (size_t)sprintf(text + used, "%s = %s\n", OF(keys, kind),
                                    OF(values, decide_byte(from)));
    }
    return used;
}

static void report(void *context, const struct wrt_manifest_problem *problem)
{
    FUZZ_REQUIRE(memchr(problem->text, '\0', sizeof problem->text) != NULL);
    ++*(unsigned *)context;
}

static void check(const char *text, size_t size)
{
    static int file = -1;
    char path[32];
    struct wrt_partition *partition;
    struct wrt_manifest *manifest = NULL;
    struct wrt_manifest_cost cost;
    struct wrt_error error;
    unsigned problems = 0;

    if (file < 0) {
        char folder[] = "/tmp/wrt-fuzz-XXXXXX";

        FUZZ_REQUIRE(mkdtemp(folder) != NULL && chdir(folder) == 0);
        FUZZ_REQUIRE(rmdir(folder) == 0); /* what is relative is now nowhere */
        file = memfd_create("manifest", 0);
    }
    FUZZ_REQUIRE(file >= 0 && ftruncate(file, 0) == 0);
    FUZZ_REQUIRE(pwrite(file, text, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    FUZZ_REQUIRE(wrt_partition_create(NULL, NULL, &partition, NULL) == WRT_OK);
    enum wrt_status status = wrt_manifest_load(partition, path, report, &problems, &manifest);
    FUZZ_REQUIRE((status == WRT_OK) == (manifest != NULL));
    FUZZ_REQUIRE(status == WRT_OK || problems > 0);
    if (status == WRT_OK && memchr(text, '/', size) == NULL)
        (void)!wrt_manifest_check(manifest, report, &problems, &cost);
    wrt_manifest_destroy(manifest);
    FUZZ_REQUIRE(wrt_partition_destroy(partition, &error) == WRT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[MAX_TEXT];
    struct decisions from = {data + 1, size - 1};

    if (size == 0 || size > MAX_TEXT)
        return 0;
    if (data[0] % 2 == 1)
        check(text, write_lines(&from, text));
    else
        check((const char *)data + 1, size - 1);
    return 0;
}
