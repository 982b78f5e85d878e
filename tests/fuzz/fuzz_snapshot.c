/* fuzz_snapshot.c - fuzz target: snapshots that somebody changed, with a checksum that fits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: where the guest is paused, then edits of the snapshot taken there: a place, what is
 * put there. The checksum is made to fit, as whoever forges one would. A refusal must change
 * nothing: the store's own snapshot is the same before and after it. What is accepted goes on
 * for a while, and is written again.
 */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "decide.h"

#include <string.h>

enum { MOST_BYTES = 1 << 19, MAX_EDITS = 24 };

struct bytes {
    uint8_t data[MOST_BYTES];
    size_t size;
};

struct world {
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *library, *module;
    struct wrt_instance *library_instance, *instance;
};

static enum wrt_status triple(struct wrt_caller *caller, void *context,
                              const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller;
    (void)context;
    results[0].i64 = 0;
    results[0].i32 = arguments[0].i32 * 3;
    return WRT_OK;
}

static struct wrt_module *load(struct world *w, const char *name)
{
    static uint8_t bytes[1 << 16];
    char path[1024];
    struct wrt_module *module = NULL;
    size_t size;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.wasm", WRT_TEST_MODULES, name);
    file = fopen(path, "rb");
    FUZZ_REQUIRE(file != NULL);
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    FUZZ_REQUIRE(wrt_module_load(w->partition, NULL, bytes, size, &module, NULL) == WRT_OK);
    return module;
}

static void open_world(struct world *w)
{
    const struct wrt_partition_config limits = {.max_bytes = 32 << 20};

    FUZZ_REQUIRE(wrt_partition_create(NULL, &limits, &w->partition, NULL) == WRT_OK);
    FUZZ_REQUIRE(wrt_store_create(w->partition, NULL, &w->store, NULL) == WRT_OK);
    FUZZ_REQUIRE(wrt_store_define_function(w->store, "host", "wait", "i:i", triple, NULL, NULL) ==
                 WRT_OK);
    w->library = load(w, "snapshot_library");
    w->module = load(w, "snapshot");
    FUZZ_REQUIRE(wrt_store_instantiate(w->store, w->library, &w->library_instance, NULL) == WRT_OK);
    FUZZ_REQUIRE(wrt_store_define_instance(w->store, "library", w->library_instance, NULL) ==
                 WRT_OK);
    FUZZ_REQUIRE(wrt_store_instantiate(w->store, w->module, &w->instance, NULL) == WRT_OK);
}

static void close_world(struct world *w)
{
    FUZZ_REQUIRE(wrt_store_destroy(w->store) == WRT_OK);
    FUZZ_REQUIRE(wrt_module_destroy(w->module) == WRT_OK);
    FUZZ_REQUIRE(wrt_module_destroy(w->library) == WRT_OK);
    FUZZ_REQUIRE(wrt_partition_destroy(w->partition, NULL) == WRT_OK);
}

static enum wrt_status keep(void *context, const void *bytes, size_t size)
{
    struct bytes *to = context;

    if (size > sizeof to->data - to->size)
        return WRT_ERR_NO_SPACE;
    memcpy(to->data + to->size, bytes, size);
    to->size += size;
    return WRT_OK;
}

static void snapshot(const struct world *w, struct bytes *out)
{
    out->size = 0;
    FUZZ_REQUIRE(wrt_instance_snapshot(w->instance, keep, out, NULL) == WRT_OK);
}

/* Paused after so much fuel, if it takes so long. */
static void run_for(struct world *w, uint64_t fuel)
{
    struct wrt_extern run;
    union wrt_slot argument = {.i32 = 11}, result;

    FUZZ_REQUIRE(wrt_instance_export(w->instance, "run", &run) == WRT_OK);
    wrt_store_set_fuel(w->store, fuel);
    (void)!wrt_function_call_slots(w->store, run.of.function, &argument, 1, &result, 1);
}

static void edit(struct bytes *bytes, struct decisions *from)
{
    for (unsigned edits = 0; edits < MAX_EDITS && from->left > 0; edits++) {
        size_t at = (size_t)decide_bytes(from, 2) % (bytes->size - 4);
        uint8_t kind = decide_byte(from);

        if (kind < 128)
            bytes->data[at] = (uint8_t)(bytes->data[at] ^ 1u << kind % 8);
        else if (kind < 192)
            wrt_write_u32(bytes->data + (at & ~(size_t)3), (uint32_t)decide_number(from));
        else if (kind < 220)
            memmove(bytes->data + at, bytes->data + at / 2, 4);
        else if (kind < 230)
            bytes->size = at + 4;
        else
            bytes->data[at] = (uint8_t)decide_number(from);
        if (bytes->size < 32)
            return;
    }
}

static void forge(struct bytes *bytes)
{
    wrt_write_u32(bytes->data + bytes->size - 4, wrt_crc32c(0, bytes->data, bytes->size - 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bytes bytes, before, after;
    struct decisions from = {data, size};
    struct world w;
    struct wrt_error error;
    enum wrt_status status;
    union wrt_slot result;

    open_world(&w);
    run_for(&w, 20 + 13 * (uint64_t)decide_byte(&from));
    snapshot(&w, &bytes);
    close_world(&w);
    edit(&bytes, &from);
    forge(&bytes);

    open_world(&w);
    snapshot(&w, &before);
    status = wrt_instance_restore(w.instance, bytes.data, bytes.size, &error);
    if (status == WRT_OK) {
        snapshot(&w, &after);
        wrt_store_set_fuel(w.store, 3000);
        (void)!wrt_store_resume_slots(w.store, &result, 1);
        wrt_store_drop(w.store);
        snapshot(&w, &after);
    } else if (status == WRT_ERR_CORRUPT || status == WRT_ERR_UNSUPPORTED ||
               status == WRT_ERR_UNLINKABLE) {
        snapshot(&w, &after);
        FUZZ_REQUIRE(after.size == before.size &&
                     memcmp(after.data, before.data, before.size) == 0);
    }
    close_world(&w);
    return 0;
}
