/* engine_gc.c - the garbage-collected heap: what is reachable stays, what is not goes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A guest keeps a graph of nodes behind 64 roots; a model in C does the same without ever
 * freeing. Random changes, garbage, pauses and a small heap then must not tell them apart, and
 * the heap may only be exhausted when the model says that it is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine_fixture.h"
#include "wasm_writer.h"

#define ROOTS 64u
#define HEAP_BYTES 4096u
#define NODE_BYTES 48u /* a header of 16, two references, a number, in granules of 16 */

/* ---- the guest ---- */

enum { MAKE, LINK, DROP, WALK, GARBAGE, FILL, FUNCTIONS };

#define LOCAL_GET(n) 0x20, n
#define TABLE_GET 0x25, 0
#define TABLE_SET 0x26, 0
#define NULL_NODE 0xD0, 0
#define STRUCT_NEW 0xFB, 0, 0
#define STRUCT_NEW_DEFAULT 0xFB, 1, 0
#define STRUCT_GET(field) 0xFB, 2, 0, field
#define STRUCT_SET(field) 0xFB, 5, 0, field
#define END 0x0B

static const uint8_t make[] = {0, LOCAL_GET(0), NULL_NODE, NULL_NODE, LOCAL_GET(1), STRUCT_NEW,
                               TABLE_SET, END};
static const uint8_t link_[] = {0,    LOCAL_GET(0), TABLE_GET, LOCAL_GET(2), TABLE_GET, STRUCT_SET(0),
                                LOCAL_GET(1), 0x04, 0x40, /* if: the right one instead */
                                LOCAL_GET(0), TABLE_GET, LOCAL_GET(2), TABLE_GET, STRUCT_SET(1),
                                END, END};
static const uint8_t drop[] = {0, LOCAL_GET(0), NULL_NODE, TABLE_SET, END};
static const uint8_t walk[] = {
    1, 1, 0x63, 0, /* local 3: (ref null 0) */
    LOCAL_GET(0), TABLE_GET, 0x21, 3,
    0x03, 0x40, /* loop */
    LOCAL_GET(3), 0xD1, 0x04, 0x40, 0x41, 0x7F, 0x0F, END, /* null: return -1 */
    LOCAL_GET(2), 0x45, 0x04, 0x40, LOCAL_GET(3), STRUCT_GET(2), 0x0F, END, /* no step left */
    LOCAL_GET(3), STRUCT_GET(0), LOCAL_GET(3), STRUCT_GET(1), LOCAL_GET(1), 0x41, 1, 0x71,
    0x45, 0x1C, 1, 0x63, 0, 0x21, 3, /* select left if the bit is 0 */
    LOCAL_GET(1), 0x41, 1, 0x76, 0x21, 1, LOCAL_GET(2), 0x41, 1, 0x6B, 0x21, 2,
    0x0C, 0, END, 0x00, END};
static const uint8_t garbage[] = {0, 0x03, 0x40, STRUCT_NEW_DEFAULT, 0x1A, LOCAL_GET(0), 0x41, 1,
                                  0x6B, 0x22, 0, 0x0D, 0, END, END};
/* an array of n bytes, whose last is read */
static const uint8_t fill[] = {0, 0x41, 7, LOCAL_GET(0), 0xFB, 6, 1, LOCAL_GET(0), 0x41, 1, 0x6B,
                               0xFB, 13, 1, END};

static size_t write_module(uint8_t *bytes, size_t capacity)
{
    static const struct {
        const char *name;
        uint8_t type;
        const uint8_t *body;
        size_t size;
    } functions[FUNCTIONS] = {
        [MAKE] = {"make", 2, make, sizeof make},       [LINK] = {"link", 3, link_, sizeof link_},
        [DROP] = {"drop", 4, drop, sizeof drop},       [WALK] = {"walk", 5, walk, sizeof walk},
        [GARBAGE] = {"garbage", 4, garbage, sizeof garbage},
        [FILL] = {"fill", 6, fill, sizeof fill}};
    struct wasm_writer w = {.bytes = bytes, .capacity = capacity};
    wasm_header(&w);
    size_t section = wasm_open_section(&w, WASM_TYPE);
    wasm_u32(&w, 7);
    wasm_bytes(&w, "\x5F\x03\x63\x00\x01\x63\x00\x01\x7F\x01", 10); /* struct */
    wasm_bytes(&w, "\x5E\x78\x01", 3);                              /* array of i8 */
    wasm_type(&w, "ii:");
    wasm_type(&w, "iii:");
    wasm_type(&w, "i:");
    wasm_type(&w, "iii:i");
    wasm_type(&w, "i:i");
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_FUNCTION);
    wasm_u32(&w, FUNCTIONS);
    for (size_t f = 0; f < FUNCTIONS; f++)
        wasm_byte(&w, functions[f].type);
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_TABLE);
    wasm_bytes(&w, "\x01\x63\x00\x00", 4);
    wasm_u32(&w, ROOTS);
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_EXPORT);
    wasm_u32(&w, FUNCTIONS);
    for (uint32_t f = 0; f < FUNCTIONS; f++) {
        wasm_name(&w, functions[f].name);
        wasm_byte(&w, 0);
        wasm_u32(&w, f);
    }
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_CODE);
    wasm_u32(&w, FUNCTIONS);
    for (size_t f = 0; f < FUNCTIONS; f++) {
        size_t body = wasm_open(&w);
        wasm_bytes(&w, functions[f].body, functions[f].size);
        wasm_close(&w, body);
    }
    wasm_close(&w, section);
    assert_false(w.overflowed);
    return w.size;
}

struct guest {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_function *functions[FUNCTIONS];
    uint64_t slice; /* fuel between pauses; 0: none */
    uint64_t pauses;
};

static void open_guest(struct guest *g, uint64_t heap_bytes)
{
    static const char *const names[] = {"make", "link", "drop", "walk", "garbage", "fill"};
    static uint8_t bytes[4096];
    struct wrt_error error = {0};
    const size_t size = write_module(bytes, sizeof bytes);
    *g = (struct guest){0};
    assert_int_equal(wrt_partition_create(NULL, NULL, &g->partition, &error), WRT_OK);
    if (wrt_module_load(g->partition, NULL, bytes, size, &g->module, &error) != WRT_OK)
        fail_msg("%s at %llu", error.text, (unsigned long long)error.byte_offset);
    const struct wrt_store_config config = {.gc_heap_bytes = heap_bytes};
    assert_int_equal(wrt_store_create(g->partition, &config, &g->store, &error), WRT_OK);
    struct wrt_instance *instance = NULL;
    assert_int_equal(wrt_store_instantiate(g->store, g->module, &instance, &error), WRT_OK);
    for (size_t f = 0; f < FUNCTIONS; f++) {
        struct wrt_extern item;
        assert_int_equal(wrt_instance_export(instance, names[f], &item), WRT_OK);
        g->functions[f] = item.of.function;
    }
}

static void close_guest(struct guest *g)
{
    assert_int_equal(wrt_store_destroy(g->store), WRT_OK);
    assert_int_equal(wrt_module_destroy(g->module), WRT_OK);
    assert_int_equal(wrt_partition_destroy(g->partition, NULL), WRT_OK);
}

static enum wrt_status call(struct guest *g, unsigned function, uint32_t a, uint32_t b, uint32_t c,
                            uint32_t *result)
{
    const union wrt_slot arguments[] = {{.i32 = a}, {.i32 = b}, {.i32 = c}};
    static const uint32_t counts[] = {2, 3, 1, 3, 1, 1};
    union wrt_slot out = {.i64 = 0};
    const uint32_t results = result != NULL;
    if (g->slice != 0)
        wrt_store_set_fuel(g->store, g->slice);
    enum wrt_status status = wrt_function_call_slots(g->store, g->functions[function], arguments,
                                                     counts[function], &out, results);
    while (status == WRT_PAUSED) {
        g->pauses++;
        wrt_store_set_fuel(g->store, g->slice);
        status = wrt_store_resume_slots(g->store, &out, results);
    }
    if (status == WRT_OK && result != NULL)
        *result = out.i32;
    return status;
}

/* ---- the model ---- */

struct node {
    uint32_t next[2]; /* index; 0: null */
    uint32_t value;
    uint32_t seen;
};

#define MOST_NODES 400000u

static struct node nodes[MOST_NODES];
static uint32_t node_count, roots[ROOTS], stamp;

static uint32_t live_nodes(void)
{
    static uint32_t stack[MOST_NODES];
    uint32_t depth = 0, count = 0;
    stamp++;
    for (uint32_t r = 0; r < ROOTS; r++)
        stack[depth++] = roots[r];
    while (depth != 0) {
        struct node *n = &nodes[stack[--depth]];
        if (n == nodes || n->seen == stamp)
            continue;
        n->seen = stamp;
        count++;
        stack[depth++] = n->next[0];
        stack[depth++] = n->next[1];
    }
    return count;
}

static uint32_t model_walk(uint32_t root, uint32_t path, uint32_t steps)
{
    uint32_t n = roots[root];
    for (; n != 0 && steps != 0; steps--, path >>= 1)
        n = nodes[n].next[path & 1];
    return n == 0 ? UINT32_MAX : nodes[n].value;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void drop_all(struct guest *g)
{
    for (uint32_t r = 0; r < ROOTS; r++) {
        assert_int_equal(call(g, DROP, r, 0, 0, NULL), WRT_OK);
        roots[r] = 0;
    }
}

static void make_node(struct guest *g, uint32_t root, uint32_t value, unsigned *full)
{
    const enum wrt_status status = call(g, MAKE, root, value, 0, NULL);
    if (status == WRT_OK) {
        roots[root] = ++node_count;
        nodes[node_count] = (struct node){.value = value};
        return;
    }
    assert_int_equal(status, WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g->store)->kind, WRT_TRAP_HEAP_EXHAUSTED);
    assert_true((live_nodes() + 1) * NODE_BYTES > HEAP_BYTES - 2 * NODE_BYTES);
    drop_all(g);
    ++*full;
}

static void change(struct guest *g, uint64_t *random, unsigned *full)
{
    const uint32_t a = next_random(random) % ROOTS, b = next_random(random) % ROOTS;
    const uint32_t side = next_random(random) & 1;
    switch (next_random(random) % 8) {
    case 0: case 1: case 2: make_node(g, a, next_random(random) & 0xFFFF, full); break;
    case 3: case 4:
        if (roots[a] != 0) {
            assert_int_equal(call(g, LINK, a, side, b, NULL), WRT_OK);
            nodes[roots[a]].next[0] = roots[b];
            if (side)
                nodes[roots[a]].next[1] = roots[b];
        }
        break;
    case 5:
        if (side) {
            assert_int_equal(call(g, DROP, a, 0, 0, NULL), WRT_OK);
            roots[a] = 0;
        }
        break;
    default: {
        uint32_t got = 0;
        const uint32_t path = next_random(random), steps = next_random(random) % 24;
        assert_int_equal(call(g, WALK, a, path, steps, &got), WRT_OK);
        assert_int_equal(got, model_walk(a, path, steps));
    }
    }
}

static void compare(uint64_t slice)
{
    struct guest g;
    uint64_t random = 42 + slice;
    unsigned full = 0;
    open_guest(&g, HEAP_BYTES);
    g.slice = slice;
    node_count = 0;
    memset(roots, 0, sizeof roots);
    for (uint32_t i = 0; i < 300000 && node_count + 1 < MOST_NODES; i++)
        change(&g, &random, &full);
    struct wrt_heap_info info;
    wrt_store_get_heap_info(g.store, &info);
    assert_true(info.collections > 20);
    assert_true(info.freed_bytes > 10 * HEAP_BYTES);
    assert_int_equal(info.allocated_bytes - info.freed_bytes, info.size_bytes - info.free_bytes);
    assert_true(slice == 0 || g.pauses > 1000);
    print_message("%llu collections, exhausted %u times, %llu pauses\n",
                  (unsigned long long)info.collections, full, (unsigned long long)g.pauses);
    close_guest(&g);
}

static void test_graph(void **state)
{
    (void)state;
    compare(0);
}

static void test_graph_with_pauses(void **state)
{
    (void)state;
    compare(7);
}

/* Much more than the heap holds, and all of it garbage. */
static void test_garbage(void **state)
{
    (void)state;
    struct guest g;
    open_guest(&g, 4096);
    assert_int_equal(call(&g, GARBAGE, 1000000, 0, 0, NULL), WRT_OK);
    struct wrt_heap_info info;
    wrt_store_get_heap_info(g.store, &info);
    assert_true(info.allocated_bytes == UINT64_C(1000000) * NODE_BYTES);
    assert_true(info.size_bytes == 4096);
    close_guest(&g);
}

static void test_arrays(void **state)
{
    (void)state;
    struct guest g;
    uint32_t last = 0;
    open_guest(&g, HEAP_BYTES);
    for (uint32_t n = 1; n < HEAP_BYTES - 16; n++) {
        assert_int_equal(call(&g, FILL, n, 0, 0, &last), WRT_OK);
        assert_int_equal(last, 7);
    }
    assert_int_equal(call(&g, FILL, HEAP_BYTES - 16, 0, 0, &last), WRT_OK);
    assert_int_equal(call(&g, FILL, HEAP_BYTES - 15, 0, 0, &last), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g.store)->kind, WRT_TRAP_HEAP_EXHAUSTED);
    assert_int_equal(call(&g, FILL, UINT32_MAX, 0, 0, &last), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g.store)->kind, WRT_TRAP_HEAP_EXHAUSTED);
    close_guest(&g);
}

static void test_config(void **state)
{
    (void)state;
    struct wrt_partition *partition = NULL;
    struct wrt_store *store = NULL;
    struct wrt_error error = {0};
    assert_int_equal(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    struct wrt_store_config config = {.gc_heap_bytes = 4095};
    assert_int_equal(wrt_store_create(partition, &config, &store, &error), WRT_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "gc_heap_bytes"));
    config = (struct wrt_store_config){.max_held_references = 65537};
    assert_int_equal(wrt_store_create(partition, &config, &store, &error), WRT_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "max_held_references"));
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

/* ---- an instantiation that fails ---- */

/* Makes a struct, then fails: its array is larger than the heap. */
static size_t write_failing_module(uint8_t *bytes, size_t capacity)
{
    struct wasm_writer w = {.bytes = bytes, .capacity = capacity};
    wasm_header(&w);
    size_t section = wasm_open_section(&w, WASM_TYPE);
    wasm_bytes(&w, "\x02\x5F\x02\x6E\x01\x6E\x01", 7); /* two anyrefs */
    wasm_bytes(&w, "\x5E\x7E\x01", 3);                  /* array of i64 */
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_GLOBAL);
    wasm_bytes(&w, "\x02\x63\x00\x00\xFB\x01\x00\x0B", 8);
    wasm_bytes(&w, "\x63\x01\x00\x41\x80\x80\x04\xFB\x07\x01\x0B", 11);
    wasm_close(&w, section);
    assert_false(w.overflowed);
    return w.size;
}

/* Its types are forgotten, so what it made may not be taken for an object: by the collector,
 * which looks at numbers in globals too, or by the host. */
static void test_failed_instantiation(void **state)
{
    (void)state;
    struct guest g;
    struct wrt_error error = {0};
    struct wrt_module *module = NULL;
    struct wrt_instance *instance = NULL;
    uint8_t bytes[128];
    open_guest(&g, HEAP_BYTES);
    const size_t size = write_failing_module(bytes, sizeof bytes);
    assert_int_equal(wrt_module_load(g.partition, NULL, bytes, size, &module, &error), WRT_OK);
    assert_int_equal(wrt_store_instantiate(g.store, module, &instance, &error), WRT_ERR_LIMIT);
    assert_int_equal(wrt_module_destroy(module), WRT_OK);

    struct wrt_heap_info info;
    wrt_store_get_heap_info(g.store, &info);
    assert_true(info.allocated_bytes != 0);
    const union wrt_slot forged = {.i64 = UINT64_C(0xF7C0) << 48}; /* the first object */
    uint32_t index = 0;
    assert_int_equal(wrt_reference_hold(g.store, forged, &index), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_reference_kind(g.store, forged), WRT_EXTERNREF);

    const struct wrt_global_type type = {.content = WRT_I64, .is_mutable = true};
    struct wrt_global *global = NULL;
    assert_int_equal(wrt_global_create(g.store, &type, forged, &global, &error), WRT_OK);
    assert_int_equal(call(&g, GARBAGE, 1000, 0, 0, NULL), WRT_OK);
    wrt_store_get_heap_info(g.store, &info);
    assert_true(info.collections != 0);
    assert_true(info.freed_bytes != 0);
    close_guest(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph),   cmocka_unit_test(test_graph_with_pauses),
        cmocka_unit_test(test_garbage), cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_config),  cmocka_unit_test(test_failed_instantiation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
