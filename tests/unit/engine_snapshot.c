/* engine_snapshot.c - a guest that is written, restored in another store and continued gives
 * the same result and the same fuel, wherever it was paused; and no bytes do harm.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../../src/base/crc32c.h"
#include "engine_fixture.h"

enum { ARGUMENT = 11, MOST_BYTES = 1 << 20 };

/* ---- a world: a host function, a library, and the program ---- */

struct world {
    struct fixture f;
    struct wrt_module *library;
    struct wrt_instance *library_instance;
    uint32_t waits; /* how often the host function lets the guest wait */
};

/* Gives three times its argument, after having paused the guest `waits` times. */
static enum wrt_status wait_a_while(struct wrt_caller *caller, void *context,
                                    const union wrt_slot *arguments, union wrt_slot *results)
{
    struct world *w = context;
    (void)caller;
    results[0].i64 = UINT64_C(0xDEADBEEFDEADBEEF);
    if (w->waits != 0) {
        w->waits--;
        return WRT_PAUSED;
    }
    results[0].i32 = arguments[0].i32 * 3;
    return WRT_OK;
}

static struct wrt_module *load_module(struct world *w, const char *name,
                                      const struct wrt_module_config *config)
{
    size_t size;
    struct wrt_module *module = NULL;
    uint8_t *bytes = fixture_bytes(name, &size);
    enum wrt_status status =
        wrt_module_load(w->f.partition, config, bytes, size, &module, &w->f.error);
    free(bytes);
    if (status != WRT_OK)
        fail_msg("%s: %s", name, w->f.error.text);
    return module;
}

static void open_with(struct world *w, const char *program, const struct wrt_store_config *store,
                      const struct wrt_module_config *module)
{
    memset(w, 0, sizeof *w);
    fixture_open(&w->f, store);
    assert_status(wrt_store_define_function(w->f.store, "host", "wait", "i:i", wait_a_while, w,
                                            &w->f.error),
                  WRT_OK);
    w->library = load_module(w, "snapshot_library", module);
    w->f.module = load_module(w, program, module);
    assert_status(wrt_store_instantiate(w->f.store, w->library, &w->library_instance, &w->f.error),
                  WRT_OK);
    assert_status(wrt_store_define_instance(w->f.store, "library", w->library_instance,
                                            &w->f.error),
                  WRT_OK);
    fixture_instantiate(&w->f);
}

static void open_world(struct world *w)
{
    open_with(w, "snapshot", NULL, NULL);
}

static void close_world(struct world *w)
{
    assert_status(wrt_store_destroy(w->f.store), WRT_OK);
    assert_status(wrt_module_destroy(w->f.module), WRT_OK);
    assert_status(wrt_module_destroy(w->library), WRT_OK);
    assert_int_equal(fixture_used(&w->f), 0);
    assert_status(wrt_partition_destroy(w->f.partition, &w->f.error), WRT_OK);
}

/* ---- snapshots in memory ---- */

struct bytes {
    uint8_t *data;
    size_t size, limit;
};

static enum wrt_status append(void *context, const void *data, size_t size)
{
    struct bytes *bytes = context;
    if (size > bytes->limit - bytes->size)
        return WRT_ERR_NO_SPACE;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return WRT_OK;
}

static struct bytes new_bytes(void)
{
    struct bytes bytes = {.data = malloc(MOST_BYTES), .limit = MOST_BYTES};
    assert_non_null(bytes.data);
    return bytes;
}

static void write_world(struct world *w, struct bytes *out)
{
    out->size = 0;
    enum wrt_status status = wrt_instance_snapshot(w->f.instance, append, out, &w->f.error);
    if (status != WRT_OK)
        fail_msg("snapshot: %s: %s", wrt_status_name(status), w->f.error.text);
}

static enum wrt_status restore(struct world *w, const struct bytes *bytes)
{
    return wrt_instance_restore(w->f.instance, bytes->data, bytes->size, &w->f.error);
}

static void restore_world(struct world *w, const struct bytes *bytes)
{
    enum wrt_status status = restore(w, bytes);
    if (status != WRT_OK)
        fail_msg("restore: %s: %s", wrt_status_name(status), w->f.error.text);
}

/* ---- the same end, from every place ---- */

struct ending {
    uint32_t result;
    uint64_t fuel;
};

static struct ending straight(void)
{
    struct world w;
    struct ending e;
    open_world(&w);
    enum wrt_status status = fixture_call(&w.f, "run", ARGUMENT, &e.result);
    if (status != WRT_OK)
        fail_msg("%s", wrt_store_trap(w.f.store)->text);
    e.fuel = wrt_store_fuel_used(w.f.store);
    close_world(&w);
    return e;
}

static void require_end(struct world *w, struct ending want, uint64_t where)
{
    struct ending e;
    enum wrt_status status;
    wrt_store_add_fuel(w->f.store, UINT64_MAX);
    while ((status = fixture_resume(&w->f, &e.result)) == WRT_PAUSED)
        assert_int_equal(wrt_store_pause_reason(w->f.store), WRT_PAUSE_HOST);
    assert_status(status, WRT_OK);
    e.fuel = wrt_store_fuel_used(w->f.store);
    if (e.result != want.result || e.fuel != want.fuel)
        fail_msg("paused after %llu: result %u and %llu fuel, not %u and %llu",
                 (unsigned long long)where, e.result, (unsigned long long)e.fuel, want.result,
                 (unsigned long long)want.fuel);
}

/* Pauses after `fuel`, moves to another store, ends there and here. False: it did not pause. */
static bool move_after(uint64_t fuel, struct ending want, struct bytes *first, struct bytes *second)
{
    struct world from, to;
    uint32_t result;
    open_world(&from);
    open_world(&to);
    wrt_store_set_fuel(from.f.store, fuel);
    const bool paused = fixture_call(&from.f, "run", ARGUMENT, &result) == WRT_PAUSED;
    if (paused) {
        struct wrt_function_type type;
        write_world(&from, first);
        restore_world(&to, first);
        assert_status(wrt_store_paused_type(to.f.store, &type), WRT_OK);
        assert_int_equal(type.result_count, 1);
        assert_int_equal(wrt_store_pause_reason(to.f.store), WRT_PAUSE_FUEL);
        assert_int_equal(wrt_store_frame_count(to.f.store), wrt_store_frame_count(from.f.store));
        write_world(&to, second); /* canonical: what was restored is written alike */
        assert_int_equal(first->size, second->size);
        assert_memory_equal(first->data, second->data, first->size);
        require_end(&to, want, fuel);
        require_end(&from, want, fuel); /* writing changed nothing */
    }
    close_world(&to);
    close_world(&from);
    return paused;
}

static void test_every_pause(void **state)
{
    (void)state;
    const struct ending want = straight();
    struct bytes first = new_bytes(), second = new_bytes();
    uint32_t moves = 0;
    for (uint64_t fuel = 0; fuel < want.fuel; fuel += fuel < 700 ? 1 : 13)
        moves += move_after(fuel, want, &first, &second);
    assert_true(moves > 700);
    free(first.data);
    free(second.data);
}

/* A host function pauses, behind an import, a table, and another instance. */
static void test_host_pauses(void **state)
{
    (void)state;
    const struct ending want = straight();
    struct bytes bytes = new_bytes();
    struct world w, next;
    uint32_t result, moves = 0;
    open_world(&w);
    w.waits = 1;
    enum wrt_status status = fixture_call(&w.f, "run", ARGUMENT, &result);
    while (status == WRT_PAUSED) {
        moves++;
        write_world(&w, &bytes);
        close_world(&w);
        open_world(&next);
        restore_world(&next, &bytes);
        assert_int_equal(wrt_store_pause_reason(next.f.store), WRT_PAUSE_HOST);
        w = next;
        close_world(&next);
        open_world(&w);
        w.waits = moves < 4;
        restore_world(&w, &bytes);
        status = fixture_resume(&w.f, &result);
    }
    assert_status(status, WRT_OK);
    assert_int_equal(result, want.result);
    assert_int_equal(wrt_store_fuel_used(w.f.store), want.fuel);
    assert_true(moves >= 4);
    close_world(&w);
    free(bytes.data);
}

static void test_idle(void **state)
{
    (void)state;
    struct world from, to;
    struct bytes first = new_bytes(), second = new_bytes();
    struct wrt_function_type type;
    uint32_t a, b;
    open_world(&from);
    open_world(&to);
    assert_status(fixture_call(&from.f, "run", ARGUMENT, &a), WRT_OK);
    write_world(&from, &first);
    restore_world(&to, &first);
    write_world(&to, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    assert_int_equal(wrt_store_fuel_used(to.f.store), wrt_store_fuel_used(from.f.store));
    assert_status(wrt_store_paused_type(to.f.store, &type), WRT_ERR_STATE);
    /* the second run needs what the first one dropped: both trap the same way */
    assert_status(fixture_call(&from.f, "run", ARGUMENT, &a), WRT_ERR_TRAP);
    assert_status(fixture_call(&to.f, "run", ARGUMENT, &b), WRT_ERR_TRAP);
    assert_string_equal(wrt_store_trap(to.f.store)->text, wrt_store_trap(from.f.store)->text);
    close_world(&to);
    close_world(&from);
    free(first.data);
    free(second.data);
}

/* ---- refusals ---- */

static struct bytes paused_bytes(uint64_t fuel)
{
    struct world w;
    uint32_t result;
    struct bytes bytes = new_bytes();
    open_world(&w);
    wrt_store_set_fuel(w.f.store, fuel);
    assert_status(fixture_call(&w.f, "run", ARGUMENT, &result), WRT_PAUSED);
    write_world(&w, &bytes);
    close_world(&w);
    return bytes;
}

static void test_damage(void **state)
{
    (void)state;
    struct bytes bytes = paused_bytes(60), before = new_bytes(), after = new_bytes();
    struct world w;
    open_world(&w);
    write_world(&w, &before);
    const size_t size = bytes.size;
    for (bytes.size = 0; bytes.size < size; bytes.size++)
        assert_status(restore(&w, &bytes), WRT_ERR_CORRUPT);
    for (size_t i = 0; i < size; i++) {
        bytes.data[i] ^= (uint8_t)(1u << i % 8);
        assert_status(restore(&w, &bytes), WRT_ERR_CORRUPT);
        bytes.data[i] ^= (uint8_t)(1u << i % 8);
    }
    write_world(&w, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    restore_world(&w, &bytes);
    close_world(&w);
    free(bytes.data);
    free(before.data);
    free(after.data);
}

/* Every machine, compiler and byte order writes these bytes. If the translator changes what a
 * frame holds, WRT_SNAPSHOT_TRANSLATOR must change, and then these numbers. */
static void test_canonical(void **state)
{
    (void)state;
    static const struct {
        uint64_t fuel;
        uint32_t size, crc;
    } golden[] = {{60, 473, 0x4e0d2800}, {500, 509, 0x1f8b80dd}, {1500, 184835, 0x78aa912f}};
    const uint32_t program = 0xc725878b;
    struct world w;
    struct wrt_module_info info;
    open_world(&w);
    wrt_module_get_info(w.f.module, &info);
    close_world(&w);
    if (info.checksum != program)
        skip(); /* another assembler made other modules of the same text */
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct bytes bytes = paused_bytes(golden[i].fuel);
        const uint32_t crc = wrt_crc32c(0, bytes.data, bytes.size - 4);
        if (bytes.size != golden[i].size || crc != golden[i].crc)
            fail_msg("after %llu: %zu bytes, 0x%08x", (unsigned long long)golden[i].fuel,
                     bytes.size, crc);
        free(bytes.data);
    }
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* Makes the checksum right again. */
static void forge(struct bytes *bytes)
{
    put_u32(bytes->data + bytes->size - 4, wrt_crc32c(0, bytes->data, bytes->size - 4));
}

/* Forged bytes are refused or run as some guest, within their own world. */
static void test_forgeries(void **state)
{
    (void)state;
    static const uint8_t edits[] = {0x01, 0x80, 0xFF, 0x7F};
    struct world w;
    bool is_dirty = true;
    for (uint64_t fuel = 30; fuel < 1200; fuel += 113) {
        struct bytes bytes = paused_bytes(fuel);
        for (size_t i = 0; i + 4 < bytes.size; i++) {
            uint8_t *at = &bytes.data[i];
            const uint8_t kept = *at;
            *at ^= edits[i % sizeof edits];
            forge(&bytes);
            if (is_dirty)
                open_world(&w);
            is_dirty = false;
            if (restore(&w, &bytes) == WRT_OK) {
                uint32_t result;
                wrt_store_set_fuel(w.f.store, 3000);
                (void)!fixture_resume(&w.f, &result);
                is_dirty = true;
            }
            if (is_dirty)
                close_world(&w);
            *at = kept;
            if (bytes.size > 4000 && i == 2000)
                i = bytes.size - 2000; /* the middle is contents of memories */
        }
        free(bytes.data);
    }
    if (!is_dirty)
        close_world(&w);
}

static void test_versions(void **state)
{
    (void)state;
    struct bytes bytes = paused_bytes(60);
    struct world w;
    open_world(&w);
    put_u32(bytes.data + 8, WRT_SNAPSHOT_FORMAT + 1);
    forge(&bytes);
    assert_status(restore(&w, &bytes), WRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(w.f.error.text, "format 3"));
    put_u32(bytes.data + 8, WRT_SNAPSHOT_FORMAT);
    put_u32(bytes.data + 12, WRT_SNAPSHOT_TRANSLATOR + 7);
    forge(&bytes);
    assert_status(restore(&w, &bytes), WRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(w.f.error.text, "translator"));
    close_world(&w);
    free(bytes.data);
}

static void test_foreign(void **state)
{
    (void)state;
    struct bytes bytes = paused_bytes(60);
    const struct wrt_module_config canonical = {.canonical_nan = true};
    const struct wrt_store_config small = {.stack_bytes = 4096};
    struct world w;
    open_with(&w, "snapshot_other", NULL, NULL);
    assert_status(restore(&w, &bytes), WRT_ERR_UNLINKABLE);
    assert_non_null(strstr(w.f.error.text, "of instance 1"));
    close_world(&w);
    open_with(&w, "snapshot", NULL, &canonical);
    assert_status(restore(&w, &bytes), WRT_ERR_UNLINKABLE);
    assert_non_null(strstr(w.f.error.text, "canonical_nan"));
    close_world(&w);
    open_with(&w, "snapshot", &small, NULL);
    restore_world(&w, &bytes);
    assert_status(restore(&w, &bytes), WRT_ERR_STATE);
    close_world(&w);
    free(bytes.data);
}

static void test_stack_too_small(void **state)
{
    (void)state;
    const struct wrt_store_config large = {.stack_bytes = 1 << 20}, small = {.stack_bytes = 4096};
    struct bytes bytes = new_bytes();
    struct fixture a, b;
    uint32_t result;
    fixture_open(&a, &large);
    fixture_load(&a, "programs");
    fixture_instantiate(&a);
    wrt_store_set_fuel(a.store, 40000);
    assert_status(fixture_call(&a, "down", 100000, &result), WRT_PAUSED);
    assert_status(wrt_instance_snapshot(a.instance, append, &bytes, &a.error), WRT_OK);
    fixture_open(&b, &small);
    fixture_load(&b, "programs");
    fixture_instantiate(&b);
    assert_status(wrt_instance_restore(b.instance, bytes.data, bytes.size, &b.error),
                  WRT_ERR_NO_SPACE);
    fixture_close(&b);
    fixture_close(&a);
    free(bytes.data);
}

/* What cannot be written is refused by its name. */
static void test_refused_by_name(void **state)
{
    (void)state;
    struct bytes bytes = new_bytes();
    struct world w;
    struct wrt_extern item;
    int host_value = 0;
    open_world(&w);
    assert_status(wrt_instance_export(w.f.instance, "where", &item), WRT_OK);
    assert_status(wrt_global_set(item.of.global, (union wrt_slot){.external = &host_value}), WRT_OK);
    assert_status(wrt_instance_snapshot(w.f.instance, append, &bytes, &w.f.error),
                  WRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(w.f.error.text, "externref"));
    assert_status(wrt_global_set(item.of.global, (union wrt_slot){.external = NULL}), WRT_OK);
    bytes.size = 0;
    assert_status(wrt_instance_snapshot(w.f.instance, append, &bytes, &w.f.error), WRT_OK);
    bytes.limit = 100;
    bytes.size = 0;
    assert_status(wrt_instance_snapshot(w.f.instance, append, &bytes, &w.f.error),
                  WRT_ERR_NO_SPACE);
    assert_status(wrt_instance_snapshot(NULL, append, &bytes, NULL), WRT_ERR_ARGUMENT);
    assert_status(wrt_instance_restore(w.f.instance, NULL, 0, NULL), WRT_ERR_ARGUMENT);
    close_world(&w);
    free(bytes.data);
}

/* ---- host values, by ids of the host ---- */

static int things[3];

static enum wrt_status save_thing(void *context, const void *value, uint64_t *out_id)
{
    (void)context;
    for (uint64_t i = 0; i < 3; i++)
        if (value == &things[i]) {
            *out_id = 100 + i;
            return WRT_OK;
        }
    return WRT_ERR_NOT_FOUND;
}

static enum wrt_status load_thing(void *context, uint64_t id, void **out_value)
{
    const bool *gives_null = context;
    if (id < 100 || id >= 103)
        return WRT_ERR_NOT_FOUND;
    *out_value = *gives_null ? NULL : &things[id - 100];
    return WRT_OK;
}

static void test_host_values(void **state)
{
    (void)state;
    bool gives_null = false;
    int stranger = 0;
    const struct wrt_snapshot_host host = {save_thing, load_thing, &gives_null}, half = {0};
    struct bytes bytes = new_bytes();
    struct world from, to;
    struct wrt_extern item;
    open_world(&from);
    open_world(&to);
    assert_status(wrt_instance_export(from.f.instance, "where", &item), WRT_OK);
    assert_status(wrt_global_set(item.of.global, (union wrt_slot){.external = &things[2]}), WRT_OK);
    assert_status(wrt_instance_snapshot_with(from.f.instance, append, &bytes, &half, &from.f.error),
                  WRT_ERR_ARGUMENT);
    assert_status(wrt_instance_snapshot_with(from.f.instance, append, &bytes, &host, &from.f.error),
                  WRT_OK);
    assert_status(wrt_instance_restore(to.f.instance, bytes.data, bytes.size, &to.f.error),
                  WRT_ERR_UNSUPPORTED); /* nobody to ask */
    gives_null = true;
    assert_status(wrt_instance_restore_with(to.f.instance, bytes.data, bytes.size, &host,
                                            &to.f.error), WRT_ERR_ARGUMENT);
    gives_null = false;
    assert_status(wrt_instance_restore_with(to.f.instance, bytes.data, bytes.size, &host,
                                            &to.f.error), WRT_OK);
    struct wrt_extern restored;
    assert_status(wrt_instance_export(to.f.instance, "where", &restored), WRT_OK);
    assert_ptr_equal(wrt_global_get(restored.of.global).external, &things[2]);
    bytes.size = 0;
    assert_status(wrt_global_set(item.of.global, (union wrt_slot){.external = &stranger}), WRT_OK);
    assert_status(wrt_instance_snapshot_with(from.f.instance, append, &bytes, &host, &from.f.error),
                  WRT_ERR_NOT_FOUND);
    close_world(&to);
    close_world(&from);
    free(bytes.data);
}

/* A host function that the host itself called, and that waits. */
static void test_direct_host_call(void **state)
{
    (void)state;
    struct bytes bytes = new_bytes(), again = new_bytes();
    struct world from, to;
    struct wrt_extern item;
    union wrt_slot argument = {.i32 = 14}, result = {.i64 = 0};
    open_world(&from);
    open_world(&to);
    assert_status(wrt_instance_export(from.library_instance, "wait", &item), WRT_OK);
    from.waits = 1;
    assert_status(wrt_function_call_slots(from.f.store, item.of.function, &argument, 1, &result, 1),
                  WRT_PAUSED);
    write_world(&from, &bytes);
    restore_world(&to, &bytes);
    write_world(&to, &again);
    assert_int_equal(bytes.size, again.size);
    assert_memory_equal(bytes.data, again.data, bytes.size);
    assert_int_equal(wrt_store_pause_reason(to.f.store), WRT_PAUSE_HOST);
    assert_status(wrt_store_resume_slots(to.f.store, &result, 1), WRT_OK);
    assert_int_equal(result.i32, 42);
    close_world(&to);
    close_world(&from);
    free(bytes.data);
    free(again.data);
}

/* A host function cannot write the store that runs it. */
static enum wrt_status snapshot_me(struct wrt_caller *caller, void *context,
                                   const union wrt_slot *arguments, union wrt_slot *results)
{
    struct bytes bytes = new_bytes();
    (void)arguments;
    *(enum wrt_status *)context =
        wrt_instance_snapshot(wrt_caller_instance(caller), append, &bytes, NULL);
    free(bytes.data);
    results[0].i32 = 0;
    return WRT_OK;
}

static void test_running(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    enum wrt_status seen = WRT_OK;
    fixture_open(&f, NULL);
    assert_status(wrt_store_define_function(f.store, "host", "wait", "i:i", snapshot_me, &seen,
                                            &f.error),
                  WRT_OK);
    fixture_load(&f, "snapshot_library");
    fixture_instantiate(&f);
    assert_status(fixture_call(&f, "ask", 1, &result), WRT_OK);
    assert_status(seen, WRT_ERR_STATE);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pause),     cmocka_unit_test(test_host_pauses),
        cmocka_unit_test(test_idle),            cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_damage),          cmocka_unit_test(test_forgeries),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_host_values),     cmocka_unit_test(test_direct_host_call),
        cmocka_unit_test(test_foreign),         cmocka_unit_test(test_stack_too_small),
        cmocka_unit_test(test_refused_by_name), cmocka_unit_test(test_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
