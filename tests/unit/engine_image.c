/* engine_image.c - large constant data segments become an image that instances map, and no
 * guest sees a difference.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/engine.h"
#include "engine_fixture.h"
#include "wasm_writer.h"

enum { PAGE = 65536, PAGES = 17, SEGMENT = 40000, FAR = 1 << 20 };

enum variant {
    PLAIN,          /* two segments of 40,000 bytes, the second over the end of the first */
    SMALL,          /* of 10,000 bytes */
    OUT_OF_BOUNDS,  /* the second ends behind the memory */
    BAD_ELEMENT,    /* an element segment ends behind its table */
    NOT_CONSTANT,   /* an offset is a sum */
    SPARSE,         /* 40,000 bytes at the end of 4 MiB */
};

static uint8_t bytes[200000], pattern[2 * SEGMENT];

static void write_offset(struct wasm_writer *w, enum variant variant, int32_t offset)
{
    wasm_byte(w, 0x41);
    wasm_s32(w, offset);
    if (variant == NOT_CONSTANT)
        wasm_bytes(w, "\x41\0\x6A", 3);
    wasm_byte(w, 0x0B);
}

static void write_data(struct wasm_writer *w, enum variant variant, uint32_t pages)
{
    const uint32_t size = variant == SMALL ? 10000 : SEGMENT;
    const uint32_t second = variant == OUT_OF_BOUNDS ? pages * PAGE - SEGMENT + 1
                            : variant == SPARSE      ? pages * PAGE - SEGMENT
                                                     : FAR;
    size_t at = wasm_open_section(w, WASM_DATA);
    wasm_u32(w, 3);
    for (uint32_t i = 0; i < 3; i++) {
        wasm_byte(w, 0);
        write_offset(w, variant, (int32_t)(i == 2 ? second + size / 2 : second));
        wasm_u32(w, i == 0 ? size : size / 2);
        wasm_bytes(w, pattern + i * 1000, i == 0 ? size : size / 2);
    }
    wasm_close(w, at);
}

static size_t write_module(enum variant variant)
{
    struct wasm_writer w = {.bytes = bytes, .capacity = sizeof bytes};
    const uint32_t pages = variant == SPARSE ? 64 : PAGES;
    wasm_header(&w);
    size_t at = wasm_open_section(&w, WASM_TABLE);
    wasm_bytes(&w, "\1\x70\0\2", 4);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_MEMORY);
    wasm_bytes(&w, "\1\1", 2);
    wasm_u32(&w, pages);
    wasm_u32(&w, pages + 2);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_name(&w, "memory");
    wasm_bytes(&w, "\2\0", 2);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_ELEMENT);
    wasm_bytes(&w, "\1\4\x41", 3); /* expressions: one ref.null */
    wasm_s32(&w, variant == BAD_ELEMENT ? 2 : 1);
    wasm_bytes(&w, "\x0B\1\xD0\x70\x0B", 5);
    wasm_close(&w, at);
    write_data(&w, variant, pages);
    assert_false(w.overflowed);
    return w.size;
}

static void fill_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 31 + i / 251 + 1);
}

static void load(struct fixture *f, enum variant variant, const struct wrt_module_config *config,
                 const struct wrt_store_config *store)
{
    fill_pattern();
    fixture_open(f, store);
    const size_t size = write_module(variant);
    assert_status(wrt_module_load(f->partition, config, bytes, size, &f->module, &f->error),
                  WRT_OK);
}

static void require_image(const struct fixture *f)
{
    if (wrt_module_image(f->module, 0) != NULL)
        return;
    print_message("this port has no memory objects: segments are copied\n");
    skip();
}

static struct wrt_memory *memory_of(const struct wrt_instance *instance)
{
    struct wrt_extern item;
    assert_status(wrt_instance_export(instance, "memory", &item), WRT_OK);
    return item.of.memory;
}

/* The contents that the specification asks for, at an address. */
static uint8_t expected(uint32_t at)
{
    if (at < FAR || at >= FAR + SEGMENT)
        return 0;
    at -= FAR;
    return at < SEGMENT / 2 ? pattern[1000 + at] : pattern[2000 + at - SEGMENT / 2];
}

static void check_contents(const struct wrt_instance *instance)
{
    static uint8_t seen[PAGES * PAGE];
    assert_int_equal(wrt_memory_size_bytes(memory_of(instance)), sizeof seen);
    assert_status(wrt_memory_read(memory_of(instance), 0, seen, sizeof seen), WRT_OK);
    for (uint32_t i = 0; i < sizeof seen; i++)
        if (seen[i] != expected(i))
            fail_msg("byte %u is %u, not %u", i, seen[i], expected(i));
}

static void test_instances_map_the_image(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_instance *second;
    load(&f, PLAIN, NULL, NULL);
    const bool has_image = wrt_module_image(f.module, 0) != NULL;
    fixture_instantiate(&f);
    check_contents(f.instance);
    assert_status(wrt_memory_write(memory_of(f.instance), FAR, "\0\0\0", 3), WRT_OK);
    assert_status(wrt_store_instantiate(f.store, f.module, &second, &f.error), WRT_OK);
    check_contents(second); /* a write stays in its instance */
    assert_int_equal(second->memories[0]->pages.image != NULL, has_image);
    assert_true(second->data_dropped[0]);
    fixture_close(&f);
}

static void test_what_has_no_image(void **state)
{
    (void)state;
    static const struct wrt_module_config none = {.no_memory_images = true};
    struct fixture f;
    for (enum variant v = PLAIN; v <= SPARSE; v++) {
        load(&f, v, v == PLAIN ? &none : NULL, NULL);
        assert_null(wrt_module_image(f.module, 0));
        enum wrt_status status =
            wrt_store_instantiate(f.store, f.module, &f.instance, &f.error);
        assert_status(status,
                      v == OUT_OF_BOUNDS || v == BAD_ELEMENT ? WRT_ERR_TRAP : WRT_OK);
        if (v == PLAIN || v == NOT_CONSTANT)
            check_contents(f.instance);
        if (v == BAD_ELEMENT) { /* elements come first: no data is written */
            uint8_t byte = 1;
            assert_status(wrt_memory_read(f.store->memories, FAR, &byte, 1), WRT_OK);
            assert_int_equal(byte, 0);
        }
        fixture_close(&f);
    }
}

/* Where no image can be mapped, or none can be paid for, the segments are copied. */
static void test_other_providers_copy(void **state)
{
    (void)state;
    const struct wrt_store_config native = {.pages = {.provider = WRT_PAGES_NATIVE}};
    struct fixture f;
    load(&f, PLAIN, NULL, &native);
    fixture_instantiate(&f);
    check_contents(f.instance);
    assert_null(f.instance->memories[0]->pages.image);
    fixture_close(&f);
}

static void test_a_small_partition_has_no_image(void **state)
{
    (void)state;
    const struct wrt_partition_config config = {.name = "small", .max_bytes = FAR};
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_error error;
    fill_pattern();
    const size_t size = write_module(PLAIN);
    assert_status(wrt_partition_create(NULL, &config, &partition, &error), WRT_OK);
    assert_status(wrt_module_load(partition, NULL, bytes, size, &module, &error), WRT_OK);
    assert_null(wrt_module_image(module, 0));
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
}

/* Stores one after another on one pool: each finds the initial contents, whatever the one
 * before wrote; and the module goes only when no free slot maps its image. */
static void test_pooled_stores_reuse_slots(void **state)
{
    (void)state;
    struct wrt_page_pool pool = {0};
    const struct wrt_page_pool_config slots = {.slots = 2, .slot_bytes = 32 * PAGE,
                                               .guard_bytes = PAGE, .keep_bytes = 8192};
    const struct wrt_store_config config = {
        .pages = {.provider = WRT_PAGES_POOLED, .pool = &pool}};
    struct fixture f;
    load(&f, PLAIN, NULL, NULL);
    require_image(&f);
    assert_status(wrt_store_destroy(f.store), WRT_OK);
    f.store = NULL;
    assert_status(wrt_page_pool_create(&pool, f.partition, &slots, &f.error), WRT_OK);
    for (int i = 0; i < 5; i++) {
        struct wrt_store *store;
        struct wrt_instance *instance;
        assert_status(wrt_store_create(f.partition, &config, &store, &f.error), WRT_OK);
        assert_status(wrt_store_instantiate(store, f.module, &instance, &f.error), WRT_OK);
        check_contents(instance);
        assert_int_equal(instance->memories[0]->pages.provider, WRT_PAGES_POOLED);
        for (uint32_t at = 0; at < PAGES * PAGE; at += 1000)
            assert_status(wrt_memory_write(memory_of(instance), at, "\xFF", 1), WRT_OK);
        assert_status(wrt_memory_grow(memory_of(instance), 1, NULL, &f.error), WRT_OK);
        assert_status(wrt_store_destroy(store), WRT_OK);
    }
    assert_status(wrt_module_destroy(f.module), WRT_ERR_BUSY);
    wrt_page_pool_trim(&pool);
    assert_status(wrt_module_destroy(f.module), WRT_OK);
    assert_status(wrt_page_pool_destroy(&pool, &f.error), WRT_OK);
    assert_int_equal(fixture_used(&f), 0);
    assert_status(wrt_partition_destroy(f.partition, &f.error), WRT_OK);
}

/* The image is sealed with the rest of the module. Its mapping cannot be written, so the flip
 * is made in the checksum. */
static void test_the_image_is_sealed(void **state)
{
    (void)state;
    struct fixture f;
    load(&f, PLAIN, NULL, NULL);
    require_image(&f);
    const struct wrt_page_image *image = wrt_module_image(f.module, 0);
    struct wrt_piece *piece = &f.module->pieces.items[f.module->pieces.count - 1];
    assert_true(piece->bytes >= image->bytes && piece->bytes < image->bytes + image->size_bytes);
    assert_status(wrt_module_verify(f.module, &f.error), WRT_OK);
    piece->checksum ^= 1;
    assert_status(wrt_module_verify(f.module, &f.error), WRT_ERR_CORRUPT);
    assert_non_null(strstr(f.error.text, "image"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instances_map_the_image),
        cmocka_unit_test(test_what_has_no_image),
        cmocka_unit_test(test_other_providers_copy),
        cmocka_unit_test(test_a_small_partition_has_no_image),
        cmocka_unit_test(test_pooled_stores_reuse_slots),
        cmocka_unit_test(test_the_image_is_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
