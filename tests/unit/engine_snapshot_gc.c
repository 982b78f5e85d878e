/* engine_snapshot_gc.c - snapshots of guests with structs, arrays, i31s and exceptions: the same
 * result, fuel and collections from every place; forged bytes lose no object and reach none.
 * SPDX-License-Identifier: Apache-2.0
 *
 * With arguments it moves snapshots between machines: "write FOLDER" writes some there,
 * "continue FOLDER" restores those of another machine and requires the same end.
 */
#include "../../src/base/crc32c.h"
#include "engine_fixture.h"
#include "wasm_writer.h"

enum { ROUNDS = 90, MOST_BYTES = 1 << 18 };

/* ---- the guest: makes nodes in a ring, arrays, and exceptions that nodes refer to ---- */

#define GET(local) "\x20" local
#define NUMBER(n) "\x41" n
#define NODE "\x01"
#define RING "\x02"
#define BYTES "\x03"

static const char types[] =
    "\x06"
    "\x60\x01\x7f\x01\x7f"                                   /* 0: (i32) -> (i32) */
    "\x5f\x05\x7f\x01\x63\x01\x01\x6e\x01\x69\x01\x78\x01"   /* 1: node: i32, node, any, exn, i8 */
    "\x5e\x63\x01\x01"                                       /* 2: array of nodes */
    "\x5e\x78\x01"                                           /* 3: array of i8 */
    "\x60\x02\x7f\x6e\0"                                     /* 4: (i32, any): the tag */
    "\x60\0\x03\x7f\x6e\x64\x69";                            /* 5: what a catch gives */

/* ring, last exception, last array (first an i31), sum, and the last array again */
static const char globals[] = "\x05"
                              "\x63\x02\x01\xd0\x02\x0b"
                              "\x69\x01\xd0\x69\x0b"
                              "\x6e\x01\x41\x07\xfb\x1c\x0b"
                              "\x7f\x01\x41\0\x0b"
                              "\x6e\x01\xd0\x6e\x0b";

static const char run[] =
    "\x04\x01\x7f\x01\x63\x01\x01\x69\x01\x7f" /* 1: i, 2: node, 3: exnref, 4: steps */
    NUMBER("\x10") "\xfb\x07" RING "\x24\0"
    "\x03\x40"
    /* a node: i, ring[i & 15], last array, last exception, i */
    GET("\1") "\x23\0" GET("\1") NUMBER("\x0f") "\x71\xfb\x0b" RING "\x23\2\x23\1" GET("\1")
    "\xfb\0" NODE "\x21\2"
    /* every fourth has no next: chains are short */
    GET("\1") NUMBER("\3") "\x71\x45\x04\x40" GET("\2") "\xd0\1\xfb\x05" NODE "\1\x0b"
    /* ring[i * 5 & 15] = node; a node that is its own next now and then */
    "\x23\0" GET("\1") NUMBER("\5") "\x6c" NUMBER("\x0f") "\x71" GET("\2") "\xfb\x0e" RING
    GET("\1") NUMBER("\7") "\x71" NUMBER("\5") "\x46\x04\x40" GET("\2") GET("\2")
    "\xfb\x05" NODE "\1\x0b"
    /* last array: i & 31 bytes of i */
    GET("\1") GET("\1") NUMBER("\x1f") "\x71\xfb\x06" BYTES "\x24\2"
    "\x23\2\x24\4"
    /* throw (i, last array), catch it with its reference */
    "\x02\x05\x1f\x40\x01\x01\0\0" GET("\1") "\x23\2\x08\0\x0b\0\x0b\x21\3"
    /* sum = sum * 31 + value + length of the array */
    "\xfb\x16\x03\xfb\x0f\x6a\x23\3" NUMBER("\x1f") "\x6c\x6a\x24\3"
    /* every eighth exception is the last one from now on */
    GET("\1") NUMBER("\7") "\x71\x45\x04\x40" GET("\3") "\x24\1\x0b"
    GET("\1") NUMBER("\1") "\x6a\x22\1" GET("\0") "\x48\x0d\0\x0b"
    /* adds up what hangs on ring[3], 20 steps */
    "\x23\0" NUMBER("\3") "\xfb\x0b" RING "\x21\2"
    "\x02\x40\x03\x40" GET("\2") "\xd1\x0d\1"
    "\x23\3" GET("\2") "\xfb\2" NODE "\0\x6a" GET("\2") "\xfb\4" NODE "\4\x6a\x24\3"
    GET("\2") "\xfb\2" NODE "\1\x21\2"
    GET("\4") NUMBER("\1") "\x6a\x22\4" NUMBER("\x14") "\x48\x0d\0\x0b\x0b"
    "\x23\3\x0b";

/* n frames deep, then throws; caught by "search", which leaves them one by one. */
static const char deep[] = "\0" GET("\0") "\x45\x04\x40" NUMBER("\x09") "\x23\2\x08\0\x0b"
                           GET("\0") NUMBER("\1") "\x6b\x10\1\x0b";
static const char search[] = "\0\x02\x05\x1f\x40\x01\x01\0\0" GET("\0") "\x10\1\x1a\x0b\0\x0b"
                             "\x24\1\x1a\x23\1\xd1\x6a\x0b";

static void put_section(struct wasm_writer *w, enum wasm_section id, const char *bytes, size_t size)
{
    const size_t section = wasm_open_section(w, id);
    wasm_bytes(w, bytes, size);
    wasm_close(w, section);
}
#define PUT(w, id, bytes) put_section(w, id, bytes, sizeof(bytes) - 1)

static void put_body(struct wasm_writer *w, const char *bytes, size_t size)
{
    const size_t body = wasm_open(w);
    wasm_bytes(w, bytes, size);
    wasm_close(w, body);
}

static size_t write_module(uint8_t *bytes, size_t capacity)
{
    struct wasm_writer w = {.bytes = bytes, .capacity = capacity};
    wasm_header(&w);
    PUT(&w, WASM_TYPE, types);
    PUT(&w, WASM_FUNCTION, "\3\0\0\0");
    put_section(&w, (enum wasm_section)13, "\1\0\4", 3); /* the tag */
    PUT(&w, WASM_GLOBAL, globals);
    PUT(&w, WASM_EXPORT, "\4\3run\0\0\4deep\0\1\6search\0\2\5array\3\4");
    const size_t section = wasm_open_section(&w, WASM_CODE);
    wasm_u32(&w, 3);
    put_body(&w, run, sizeof run - 1);
    put_body(&w, deep, sizeof deep - 1);
    put_body(&w, search, sizeof search - 1);
    wasm_close(&w, section);
    assert_false(w.overflowed);
    return w.size;
}

static const struct wrt_store_config config = {
    .gc_heap_bytes = 8192, .exception_cells = 96, .stack_bytes = 1 << 19};

static void open_guest(struct fixture *f)
{
    uint8_t bytes[2048];
    fixture_open(f, &config);
    const size_t size = write_module(bytes, sizeof bytes);
    const enum wrt_status status =
        wrt_module_load(f->partition, NULL, bytes, size, &f->module, &f->error);
    if (status != WRT_OK)
        fail_msg("%s at %llu", f->error.text, (unsigned long long)f->error.byte_offset);
    fixture_instantiate(f);
}

/* ---- snapshots ---- */

struct bytes {
    uint8_t *data;
    size_t size;
};

static enum wrt_status append(void *context, const void *data, size_t size)
{
    struct bytes *bytes = context;
    if (size > MOST_BYTES - bytes->size)
        return WRT_ERR_NO_SPACE;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return WRT_OK;
}

static struct bytes new_bytes(void)
{
    struct bytes bytes = {.data = malloc(MOST_BYTES)};
    assert_non_null(bytes.data);
    return bytes;
}

static void write_guest(struct fixture *f, struct bytes *out)
{
    out->size = 0;
    const enum wrt_status status = wrt_instance_snapshot(f->instance, append, out, &f->error);
    if (status != WRT_OK)
        fail_msg("snapshot: %s: %s", wrt_status_name(status), f->error.text);
}

static void restore_guest(struct fixture *f, const struct bytes *bytes)
{
    const enum wrt_status status =
        wrt_instance_restore(f->instance, bytes->data, bytes->size, &f->error);
    if (status != WRT_OK)
        fail_msg("restore: %s: %s", wrt_status_name(status), f->error.text);
}

struct ending {
    uint32_t result;
    uint64_t fuel;
    struct wrt_heap_info heap;
};

/* From a pause, or NULL from the start. */
static struct ending end_of(struct fixture *f, const char *start, uint32_t argument)
{
    struct ending e;
    memset(&e, 0, sizeof e);
    const enum wrt_status status = start != NULL ? fixture_call(f, start, argument, &e.result)
                                                 : fixture_resume(f, &e.result);
    if (status != WRT_OK)
        fail_msg("%s: %s", wrt_status_name(status), wrt_store_trap(f->store)->text);
    e.fuel = wrt_store_fuel_used(f->store);
    wrt_store_get_heap_info(f->store, &e.heap);
    return e;
}

static void require_same(const struct ending *a, const struct ending *b, uint64_t where)
{
    if (memcmp(a, b, sizeof *a) != 0)
        fail_msg("paused after %llu: %u, %llu fuel, %llu collections, not %u, %llu, %llu",
                 (unsigned long long)where, a->result, (unsigned long long)a->fuel,
                 (unsigned long long)a->heap.collections, b->result, (unsigned long long)b->fuel,
                 (unsigned long long)b->heap.collections);
}

static struct ending straight(const char *name, uint32_t argument)
{
    struct fixture f;
    open_guest(&f);
    const struct ending e = end_of(&f, name, argument);
    fixture_close(&f);
    return e;
}

static bool pause_after(struct fixture *f, const char *name, uint32_t argument, uint64_t fuel)
{
    uint32_t result;
    open_guest(f);
    wrt_store_set_fuel(f->store, fuel);
    return fixture_call(f, name, argument, &result) == WRT_PAUSED;
}

static bool move_after(const char *name, uint32_t argument, uint64_t fuel,
                       const struct ending *want, struct bytes *first, struct bytes *second)
{
    struct fixture from, to;
    const bool paused = pause_after(&from, name, argument, fuel);
    if (paused) {
        open_guest(&to);
        write_guest(&from, first);
        restore_guest(&to, first);
        write_guest(&to, second);
        assert_int_equal(first->size, second->size);
        assert_memory_equal(first->data, second->data, first->size);
        wrt_store_add_fuel(to.store, UINT64_MAX);
        wrt_store_add_fuel(from.store, UINT64_MAX);
        struct ending e = end_of(&to, NULL, 0);
        require_same(&e, want, fuel);
        e = end_of(&from, NULL, 0);
        require_same(&e, want, fuel);
        fixture_close(&to);
    }
    fixture_close(&from);
    return paused;
}

static uint32_t move_everywhere(const char *name, uint32_t argument, uint64_t step)
{
    const struct ending want = straight(name, argument);
    struct bytes first = new_bytes(), second = new_bytes();
    uint32_t moves = 0;
    for (uint64_t fuel = 0; fuel < want.fuel; fuel += step)
        moves += move_after(name, argument, fuel, &want, &first, &second);
    free(first.data);
    free(second.data);
    return moves;
}

static void test_every_pause(void **state)
{
    (void)state;
    const struct ending e = straight("run", ROUNDS);
    assert_true(e.heap.collections > 3);
    assert_true(move_everywhere("run", ROUNDS, 5) > 500);
}

/* Frames that a search has left, and the exception that is on its way. */
static void test_searches(void **state)
{
    (void)state;
    assert_true(move_everywhere("search", 3000, 97) > 100);
    assert_true(move_everywhere("search", 3, 1) > 5);
}

/* What the host holds and keeps, and an exception that was left uncaught. */
static void test_idle(void **state)
{
    (void)state;
    struct fixture from, to;
    struct wrt_extern item;
    struct bytes first = new_bytes(), second = new_bytes();
    union wrt_slot values[2];
    uint32_t result, held, more;
    open_guest(&from);
    open_guest(&to);
    assert_status(fixture_call(&from, "run", ROUNDS, &result), WRT_OK);
    assert_status(wrt_instance_export(from.instance, "array", &item), WRT_OK);
    const union wrt_slot array = wrt_global_get(item.of.global);
    assert_status(wrt_reference_hold(from.store, array, &held), WRT_OK);
    assert_status(fixture_call(&from, "deep", 3, &result), WRT_ERR_EXCEPTION);
    const uint64_t exception = wrt_store_exception(from.store);
    assert_status(wrt_exception_keep(from.store, exception), WRT_OK);
    write_guest(&from, &first);
    restore_guest(&to, &first);
    write_guest(&to, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    assert_true(wrt_store_exception(to.store) == exception);
    for (int i = 0; i < 3; i++) { /* collections and throws in both */
        struct ending a = end_of(&from, "run", ROUNDS), b = end_of(&to, "run", ROUNDS);
        require_same(&a, &b, 0);
    }
    assert_status(wrt_exception_read(to.store, exception, NULL, values, 2), WRT_OK);
    assert_int_equal(values[0].i32, 9);
    assert_int_equal(wrt_reference_kind(to.store, array), WRT_ARRAYREF);
    assert_status(wrt_reference_release(to.store, held), WRT_OK);
    assert_status(wrt_reference_release(to.store, held), WRT_ERR_ARGUMENT);
    assert_status(wrt_reference_hold(to.store, array, &more), WRT_OK);
    wrt_exception_release(to.store, exception);
    fixture_close(&to);
    fixture_close(&from);
    free(first.data);
    free(second.data);
}

/* A snapshot replaces what the store has: its own objects are gone, what it held is stale. */
static void test_over_another(void **state)
{
    (void)state;
    struct fixture from, to;
    struct bytes bytes = new_bytes();
    uint32_t result;
    const struct ending want = straight("run", ROUNDS);
    assert_true(pause_after(&from, "run", ROUNDS, 700));
    write_guest(&from, &bytes);
    open_guest(&to);
    assert_status(fixture_call(&to, "run", ROUNDS / 2, &result), WRT_OK);
    restore_guest(&to, &bytes);
    wrt_store_add_fuel(to.store, UINT64_MAX);
    const struct ending e = end_of(&to, NULL, 0);
    require_same(&e, &want, 700);
    fixture_close(&to);
    fixture_close(&from);
    free(bytes.data);
}

/* ---- the same bytes on every machine ---- */

static void test_canonical(void **state)
{
    (void)state;
    static const struct {
        uint64_t fuel;
        uint32_t size, crc;
    } golden[] = {{300, 990, 0xb00f2576}, {1500, 3415, 0xf48f39cb}, {2600, 4952, 0xbe71bc2d}};
    struct bytes bytes = new_bytes();
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct fixture f;
        assert_true(pause_after(&f, "run", ROUNDS, golden[i].fuel));
        write_guest(&f, &bytes);
        const uint32_t crc = wrt_crc32c(0, bytes.data, bytes.size - 4);
        if (bytes.size != golden[i].size || crc != golden[i].crc)
            fail_msg("after %llu: %zu bytes, 0x%08x", (unsigned long long)golden[i].fuel,
                     bytes.size, crc);
        fixture_close(&f);
    }
    free(bytes.data);
}

/* ---- hostile bytes ---- */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void forge(struct bytes *bytes)
{
    put_u32(bytes->data + bytes->size - 4, wrt_crc32c(0, bytes->data, bytes->size - 4));
}

/* Restores what may be forged; goes on with it for a while, and calls it again. */
static bool try_forged(struct fixture *f, const struct bytes *bytes)
{
    uint32_t result;
    if (wrt_instance_restore(f->instance, bytes->data, bytes->size, &f->error) != WRT_OK)
        return false;
    wrt_store_set_fuel(f->store, 4000);
    if (fixture_resume(f, &result) == WRT_PAUSED)
        wrt_store_drop(f->store);
    wrt_store_set_fuel(f->store, 4000);
    if (fixture_call(f, "run", 60, &result) == WRT_PAUSED)
        wrt_store_drop(f->store);
    return true;
}

static void test_forgeries(void **state)
{
    (void)state;
    static const uint8_t edits[] = {0x01, 0x80, 0xFF, 0x10, 0x04};
    struct fixture f, from;
    uint32_t accepted = 0, refused = 0;
    struct bytes bytes = new_bytes(), before = new_bytes(), after = new_bytes();
    bool is_clean = false;
    for (uint64_t fuel = 50; fuel < 2700; fuel += 1200) {
        assert_true(pause_after(&from, "run", ROUNDS, fuel));
        write_guest(&from, &bytes);
        fixture_close(&from);
        for (size_t i = 16; i + 4 < bytes.size; i += i < 900 ? 1 : 5) {
            const uint8_t kept = bytes.data[i];
            bytes.data[i] ^= edits[(i + fuel) % sizeof edits];
            forge(&bytes);
            if (!is_clean) {
                open_guest(&f);
                write_guest(&f, &before);
            }
            is_clean = !try_forged(&f, &bytes);
            accepted += !is_clean;
            refused += is_clean;
            if (!is_clean)
                fixture_close(&f);
            bytes.data[i] = kept;
        }
        if (is_clean) { /* many refusals changed nothing */
            write_guest(&f, &after);
            assert_int_equal(before.size, after.size);
            assert_memory_equal(before.data, after.data, before.size);
        }
    }
    if (is_clean)
        fixture_close(&f);
    print_message("%u forgeries accepted, %u refused\n", accepted, refused);
    assert_true(accepted > 100 && refused > 500);
    free(bytes.data);
    free(before.data);
    free(after.data);
}

/* Every bit that the checksum covers. */
static void test_damage(void **state)
{
    (void)state;
    struct fixture f, from;
    struct bytes bytes = new_bytes();
    assert_true(pause_after(&from, "run", ROUNDS, 900));
    write_guest(&from, &bytes);
    open_guest(&f);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= (uint8_t)(1u << i % 8);
        assert_status(wrt_instance_restore(f.instance, bytes.data, bytes.size, &f.error),
                      WRT_ERR_CORRUPT);
        bytes.data[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t size = 0; size < bytes.size; size++)
        assert_status(wrt_instance_restore(f.instance, bytes.data, size, &f.error),
                      WRT_ERR_CORRUPT);
    fixture_close(&f);
    fixture_close(&from);
    free(bytes.data);
}

static void test_foreign(void **state)
{
    (void)state;
    static const struct {
        struct wrt_store_config config;
        const char *text;
    } others[] = {{{.gc_heap_bytes = 4096, .exception_cells = 96}, "heap"},
                  {{.gc_heap_bytes = 8192, .exception_cells = 128}, "exceptions"}};
    struct fixture from;
    struct bytes bytes = new_bytes();
    uint8_t module[2048];
    assert_true(pause_after(&from, "run", ROUNDS, 900));
    write_guest(&from, &bytes);
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        fixture_open(&f, &others[i].config);
        const size_t size = write_module(module, sizeof module);
        assert_status(wrt_module_load(f.partition, NULL, module, size, &f.module, &f.error),
                      WRT_OK);
        fixture_instantiate(&f);
        assert_status(wrt_instance_restore(f.instance, bytes.data, bytes.size, &f.error),
                      WRT_ERR_UNLINKABLE);
        assert_non_null(strstr(f.error.text, others[i].text));
        fixture_close(&f);
    }
    fixture_close(&from);
    free(bytes.data);
}

/* ---- between machines ---- */

static const uint64_t stops[] = {0, 40, 333, 1111, 1500, 2222, 2600};

static FILE *open_file(const char *folder, size_t i, const char *mode)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%zu", folder, i);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        fail_msg("%s cannot be opened", path);
    return file;
}

static void write_all(const char *folder)
{
    struct bytes bytes = new_bytes();
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct fixture f;
        assert_true(pause_after(&f, "run", ROUNDS, stops[i]));
        write_guest(&f, &bytes);
        FILE *file = open_file(folder, i, "wb");
        assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
        assert_int_equal(fclose(file), 0);
        fixture_close(&f);
    }
    free(bytes.data);
}

static void continue_all(const char *folder)
{
    const struct ending want = straight("run", ROUNDS);
    struct bytes bytes = new_bytes();
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct fixture f;
        FILE *file = open_file(folder, i, "rb");
        bytes.size = fread(bytes.data, 1, MOST_BYTES, file);
        fclose(file);
        open_guest(&f);
        restore_guest(&f, &bytes);
        wrt_store_add_fuel(f.store, UINT64_MAX);
        const struct ending e = end_of(&f, NULL, 0);
        require_same(&e, &want, stops[i]);
        fixture_close(&f);
    }
    free(bytes.data);
}

static const char *folder_of_test, *manner_of_test;

static void test_move(void **state)
{
    (void)state;
    if (strcmp(manner_of_test, "write") == 0)
        write_all(folder_of_test);
    else
        continue_all(folder_of_test);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pause), cmocka_unit_test(test_searches),
        cmocka_unit_test(test_idle),        cmocka_unit_test(test_over_another),
        cmocka_unit_test(test_canonical),   cmocka_unit_test(test_damage),
        cmocka_unit_test(test_forgeries),   cmocka_unit_test(test_foreign),
    };
    const struct CMUnitTest moves[] = {cmocka_unit_test(test_move)};
    if (argument_count != 3)
        return cmocka_run_group_tests(tests, NULL, NULL);
    manner_of_test = arguments[1];
    folder_of_test = arguments[2];
    return cmocka_run_group_tests(moves, NULL, NULL);
}
