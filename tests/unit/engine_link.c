/* engine_link.c - what may be given for an import, types across modules, and odd modules.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "module_parts.h"

/* ---- each kind of import against each kind of object ---- */

static enum wrt_status nothing(struct wrt_caller *caller, void *context, const union wrt_slot *in,
                               union wrt_slot *out)
{
    (void)caller;
    (void)context;
    (void)in;
    (void)out;
    return WRT_OK;
}

static void define(struct fixture *f, const char *name, struct wrt_extern item)
{
    assert_status(wrt_store_define(f->store, "m", name, item, &f->error), WRT_OK);
}

static void define_global(struct fixture *f, const char *name, wrt_type content, bool is_mutable)
{
    const struct wrt_global_type type = {content, is_mutable};
    struct wrt_extern item = {.kind = WRT_EXTERN_GLOBAL};
    assert_status(wrt_global_create(f->store, &type, (union wrt_slot){.i64 = 0}, &item.of.global,
                                    &f->error),
                  WRT_OK);
    define(f, name, item);
}

static void define_table(struct fixture *f, const char *name, const struct wrt_table_type *type)
{
    struct wrt_extern item = {.kind = WRT_EXTERN_TABLE};
    assert_status(wrt_table_create(f->store, type, (union wrt_slot){.i64 = 0}, &item.of.table,
                                   &f->error),
                  WRT_OK);
    define(f, name, item);
}

static struct wrt_memory *define_memory(struct fixture *f, const char *name,
                                        const struct wrt_memory_type *type)
{
    struct wrt_extern item = {.kind = WRT_EXTERN_MEMORY};
    assert_status(wrt_memory_create(f->store, type, &item.of.memory, &f->error), WRT_OK);
    define(f, name, item);
    return item.of.memory;
}

static void define_all(struct fixture *f)
{
    const struct wrt_limits bounded = {10, 20, true}, open = {.minimum = 10};
    const struct wrt_limits pages = {1, 2, true}, page = {.minimum = 1};
    const wrt_type i32 = WRT_I32;
    const struct wrt_function_type takes_i32 = {&i32, NULL, 1, 0};
    struct wrt_extern tag = {.kind = WRT_EXTERN_TAG};
    uint64_t old;
    fixture_open(f, NULL);
    assert_status(wrt_store_define_function(f->store, "m", "f", "i:i", nothing, NULL, &f->error),
                  WRT_OK);
    define_global(f, "g", WRT_I32, false);
    define_global(f, "gm", WRT_I32, true);
    define_global(f, "gf", WRT_FUNCREF, false);
    define_global(f, "gn", WRT_NULLFUNCREF, false);
    define_global(f, "gnm", WRT_NULLFUNCREF, true);
    define_table(f, "t", &(struct wrt_table_type){WRT_FUNCREF, bounded, false});
    define_table(f, "to", &(struct wrt_table_type){WRT_FUNCREF, open, false});
    define_table(f, "t64", &(struct wrt_table_type){WRT_FUNCREF, bounded, true});
    define_memory(f, "m", &(struct wrt_memory_type){.limits = pages});
    define_memory(f, "mo", &(struct wrt_memory_type){.limits = page});
    define_memory(f, "m64", &(struct wrt_memory_type){.limits = pages, .is_64 = true});
    define_memory(f, "ms", &(struct wrt_memory_type){.limits = pages, .is_shared = true});
    define_memory(f, "mb", &(struct wrt_memory_type){.limits = page, .page_bytes = 1});
    assert_status(wrt_memory_grow(define_memory(f, "mg", &(struct wrt_memory_type){.limits = page}),
                                  1, &old, &f->error),
                  WRT_OK);
    assert_status(wrt_tag_create(f->store, &takes_i32, &tag.of.tag, &f->error), WRT_OK);
    define(f, "e", tag);
}

struct link {
    const char *name;
    bool fits;
    size_t size;
    const char *description; /* of the import: kind and type */
};
#define FITS(name, description) {name, true, sizeof(description) - 1, description}
#define NOT(name, description) {name, false, sizeof(description) - 1, description}

/* Types of the importing modules: 0 (i32) -> (i32), 1 () -> (), 2 (i32) -> () */
static const struct link links[] = {
    FITS("f", "\0\0"), NOT("f", "\0\1"), NOT("f", "\0\2"), NOT("f", "\3\x7f\0"),
    NOT("f", "\1\x70\0\0"), NOT("f", "\2\0\0"), NOT("f", "\4\0\2"),
    FITS("g", "\3\x7f\0"), NOT("g", "\3\x7f\1"), NOT("g", "\3\x7e\0"), NOT("g", "\0\0"),
    FITS("gm", "\3\x7f\1"), NOT("gm", "\3\x7f\0"),
    FITS("gf", "\3\x70\0"), NOT("gf", "\3\x6f\0"), NOT("gf", "\3\x63\0\0"), NOT("gf", "\3\x73\0"),
    NOT("gf", "\3\x64\x70\0"),
    FITS("gn", "\3\x73\0"), FITS("gn", "\3\x70\0"), FITS("gn", "\3\x63\0\0"), NOT("gn", "\3\x6f\0"),
    FITS("gnm", "\3\x73\1"), NOT("gnm", "\3\x70\1"),
    FITS("t", "\1\x70\0\x0a"), FITS("t", "\1\x70\1\x0a\x14"), FITS("t", "\1\x70\1\0\x15"),
    NOT("t", "\1\x70\0\x0b"), NOT("t", "\1\x70\1\x0a\x13"), NOT("t", "\1\x6f\0\x0a"),
    NOT("t", "\1\x70\4\x0a"), NOT("t", "\1\x63\0\0\x0a"), NOT("t", "\2\0\0"),
    FITS("to", "\1\x70\0\x0a"), NOT("to", "\1\x70\1\x0a\xff\xff\xff\xff\x0f"),
    FITS("t64", "\1\x70\4\x0a"), FITS("t64", "\1\x70\5\x0a\x14"), NOT("t64", "\1\x70\0\x0a"),
    FITS("m", "\2\0\1"), FITS("m", "\2\1\1\2"), FITS("m", "\2\1\0\3"), NOT("m", "\2\1\1\1"),
    NOT("m", "\2\0\2"), NOT("m", "\2\4\1"), NOT("m", "\2\3\1\2"), NOT("m", "\2\x08\1\0"),
    NOT("m", "\1\x70\0\0"),
    FITS("mo", "\2\0\1"), NOT("mo", "\2\1\1\2"), FITS("mg", "\2\0\2"), NOT("mg", "\2\0\3"),
    FITS("m64", "\2\4\1"), FITS("m64", "\2\5\1\2"), NOT("m64", "\2\0\1"),
    FITS("ms", "\2\3\1\2"), NOT("ms", "\2\1\1\2"), NOT("ms", "\2\0\1"), NOT("ms", "\2\3\1\1"),
    FITS("mb", "\2\x08\1\0"), NOT("mb", "\2\0\0"), NOT("mb", "\2\x08\2\0"),
    FITS("e", "\4\0\2"), NOT("e", "\4\0\1"), NOT("e", "\0\2"),
    NOT("none", "\0\0"), NOT("", "\0\0"), NOT("F", "\0\0"),
};

static struct module_bytes importer(const char *module, const struct link *link)
{
    struct module_bytes m = module_open(1 << 16);
    PART(&m, WASM_TYPE, 3, "\x60\1\x7f\1\x7f\x60\0\0\x60\1\x7f\0");
    size_t section = wasm_open_section(&m.w, WASM_IMPORT);
    wasm_u32(&m.w, 1);
    wasm_name(&m.w, module);
    wasm_name(&m.w, link->name);
    wasm_bytes(&m.w, link->description, link->size);
    wasm_close(&m.w, section);
    return m;
}

static void try_link(struct fixture *f, const char *from, const struct link *link, bool fits)
{
    struct wrt_module *module = NULL;
    struct wrt_instance *instance = NULL;
    struct module_bytes m = importer(from, link);
    enum wrt_status status = module_finish(&m, f->partition, NULL, &module, &f->error);
    if (status != WRT_OK)
        fail_msg("%s, %u: %s", link->name, (unsigned)(link - links), f->error.text);
    const uint64_t before = fixture_used(f);
    f->error.text[0] = '\0';
    status = wrt_store_instantiate(f->store, module, &instance, &f->error);
    if (status != (fits ? WRT_OK : WRT_ERR_UNLINKABLE))
        fail_msg("%s.%s, %u: %s %s", from, link->name, (unsigned)(link - links),
                 wrt_status_name(status), f->error.text);
    if (!fits) {
        assert_null(instance);
        assert_non_null(strstr(f->error.text, link->name));
        assert_int_equal(fixture_used(f), before);
        assert_status(wrt_module_destroy(module), WRT_OK);
        return;
    }
    assert_status(wrt_store_destroy(f->store), WRT_OK);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_partition_destroy(f->partition, &f->error), WRT_OK);
    define_all(f);
}

static void test_links(void **state)
{
    (void)state;
    struct fixture f;
    define_all(&f);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        try_link(&f, "m", &links[i], links[i].fits);
        try_link(&f, "n", &links[i], false); /* no such module */
    }
    fixture_close(&f);
}

/* Given in order instead of by name, objects are looked at in the same way. */
static void test_links_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct fixture f;
        struct wrt_extern item;
        struct wrt_instance *instance;
        define_all(&f);
        struct module_bytes m = importer("x", &links[i]);
        f.module = module_made(&m, &f);
        const struct wrt_bytes name = {(const uint8_t *)links[i].name, strlen(links[i].name)};
        if (wrt_store_find(f.store, (struct wrt_bytes){(const uint8_t *)"m", 1}, name, &item))
            assert_status(wrt_store_instantiate_with(f.store, f.module, &item, 1, false, &instance,
                                                     &f.error),
                          links[i].fits ? WRT_OK : WRT_ERR_UNLINKABLE);
        fixture_close(&f);
    }
}

/* ---- recursion groups: equal structure is one type, in whatever module ---- */

/* { s: struct (mut i32), t: struct (ref null s) } and functions: make () -> anyref, a new t;
 * take (ref null t) -> i32, 1; is (anyref) -> i32, whether it is a t. */
static struct module_bytes group_module(const char *types, size_t size, uint32_t entries,
                                        unsigned t, bool imports)
{
    struct module_bytes m = module_open(1 << 16);
    const unsigned base = t + 1;
    size_t section = wasm_open_section(&m.w, WASM_TYPE);
    wasm_u32(&m.w, entries + 3);
    wasm_bytes(&m.w, types, size);
    wasm_bytes(&m.w, "\x60\0\1\x6e\x60\1\x6e\1\x7f\x60\1\x63", 12);
    wasm_byte(&m.w, t);
    wasm_bytes(&m.w, "\1\x7f", 2);
    wasm_close(&m.w, section);
    if (imports) {
        section = wasm_open_section(&m.w, WASM_IMPORT);
        wasm_bytes(&m.w, "\1\1a\4take\0", 9);
        wasm_byte(&m.w, base + 2);
        wasm_close(&m.w, section);
    }
    section = wasm_open_section(&m.w, WASM_FUNCTION);
    wasm_byte(&m.w, 3);
    for (unsigned i = 0; i < 3; i++)
        wasm_byte(&m.w, base + i);
    wasm_close(&m.w, section);
    section = wasm_open_section(&m.w, WASM_EXPORT);
    wasm_bytes(&m.w, "\3\4make\0", 7);
    wasm_byte(&m.w, imports);
    wasm_bytes(&m.w, "\2is\0", 4);
    wasm_byte(&m.w, imports + 1u);
    wasm_bytes(&m.w, "\4take\0", 6);
    wasm_byte(&m.w, imports + 2u);
    wasm_close(&m.w, section);
    section = wasm_open_section(&m.w, WASM_CODE);
    wasm_byte(&m.w, 3);
    const uint8_t make[] = {0, 0xFB, 1, (uint8_t)t, 0x0B};
    const uint8_t is[] = {0, 0x20, 0, 0xFB, 0x14, (uint8_t)t, 0x0B};
    body_bytes(&m.w, make, sizeof make);
    body_bytes(&m.w, is, sizeof is);
    BODY(&m, "\0\x41\1\x0b");
    wasm_close(&m.w, section);
    return m;
}

static const struct group {
    const char *types;
    size_t size;
    uint32_t entries;
    unsigned t; /* the index of t */
    bool equal;
} groups[] = {
#define GROUP(types, entries, t, equal) {types, sizeof(types) - 1, entries, t, equal}
    GROUP("\x4e\2\x5f\1\x7f\1\x5f\1\x63\0\0", 1, 1, true),
    GROUP("\x60\0\0\x4e\2\x5f\1\x7f\1\x5f\1\x63\1\0", 2, 2, true),      /* other indexes */
    GROUP("\x4e\2\x4f\0\x5f\1\x7f\1\x4f\0\x5f\1\x63\0\0", 1, 1, true),  /* `sub final`, spelled out */
    GROUP("\x5f\1\x7f\1\x5f\1\x63\0\0", 2, 1, false),                   /* two groups */
    GROUP("\x4e\2\x5f\1\x7f\0\x5f\1\x63\0\0", 1, 1, false),             /* s is not mutable */
    GROUP("\x4e\2\x5f\1\x7e\1\x5f\1\x63\0\0", 1, 1, false),             /* s has an i64 */
    GROUP("\x4e\2\x50\0\x5f\1\x7f\1\x5f\1\x63\0\0", 1, 1, false),       /* s is not final */
    GROUP("\x4e\2\x5f\1\x7f\1\x5f\1\x6b\0", 1, 1, false),               /* structref */
    GROUP("\x4e\3\x5f\1\x7f\1\x5f\1\x63\0\0\x5f\0", 1, 2, false),       /* the third is meant */
};

static uint32_t asks(struct fixture *f, struct wrt_instance *instance, struct wrt_value object)
{
    struct wrt_extern item;
    struct wrt_value out = {.type = WRT_I32};
    assert_status(wrt_instance_export(instance, "is", &item), WRT_OK);
    assert_status(wrt_function_call(f->store, item.of.function, &object, 1, &out, 1), WRT_OK);
    return out.of.i32;
}

static void try_group(const struct group *g)
{
    struct fixture f;
    struct wrt_module *first;
    struct wrt_instance *a, *b = NULL;
    struct wrt_extern item;
    struct wrt_value object = {.type = WRT_ANYREF};
    fixture_open(&f, NULL);
    struct module_bytes m = group_module(groups[0].types, groups[0].size, 1, 1, false);
    first = module_made(&m, &f);
    m = group_module(g->types, g->size, g->entries, g->t, true);
    f.module = module_made(&m, &f);
    assert_status(wrt_store_instantiate(f.store, first, &a, &f.error), WRT_OK);
    assert_status(wrt_store_define_instance(f.store, "a", a, &f.error), WRT_OK);
    assert_status(wrt_store_instantiate(f.store, f.module, &b, &f.error),
                  g->equal ? WRT_OK : WRT_ERR_UNLINKABLE);
    assert_status(wrt_instance_export(a, "make", &item), WRT_OK);
    assert_status(wrt_function_call(f.store, item.of.function, NULL, 0, &object, 1), WRT_OK);
    assert_int_equal(asks(&f, a, object), 1);
    if (b != NULL)
        assert_int_equal(asks(&f, b, object), 1);
    assert_status(wrt_store_destroy(f.store), WRT_OK);
    assert_status(wrt_module_destroy(first), WRT_OK);
    assert_status(wrt_store_create(f.partition, NULL, &f.store, NULL), WRT_OK);
    fixture_close(&f);
}

static void test_groups(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        try_group(&groups[i]);
}

/* ---- odd modules ---- */

static const struct odd {
    enum wrt_status status;
    size_t size;
    const char *bytes; /* behind the header */
} odds[] = {
#define ODD(status, bytes) {status, sizeof(bytes) - 1, bytes}
    ODD(WRT_OK, ""),
    ODD(WRT_OK, "\0\1\0"),                                 /* a custom section without a name */
    ODD(WRT_OK, "\0\2\1x\0\2\1x\0\2\1x"),                  /* the same three times */
    ODD(WRT_OK, "\0\2\1x\1\1\0\0\2\1x\3\1\0\0\2\1x"),
    ODD(WRT_ERR_MALFORMED, "\0\0"),                        /* no room for its name */
    ODD(WRT_ERR_MALFORMED, "\0\2\2x"),
    ODD(WRT_ERR_MALFORMED, "\0\2\1\xff"),                  /* not UTF-8 */
    ODD(WRT_OK, "\1\1\0\2\1\0\3\1\0\4\1\0\5\1\0\x0d\1\0\6\1\0\7\1\0\x09\1\0\x0c\1\0\x0a\1\0\x0b\1\0"),
    ODD(WRT_ERR_MALFORMED, "\x0d\1\0\5\1\0"),              /* tags before memories */
    ODD(WRT_ERR_MALFORMED, "\6\1\0\x0d\1\0"),              /* tags behind globals */
    ODD(WRT_ERR_MALFORMED, "\x0d\1\0\x0d\1\0"),
    ODD(WRT_ERR_MALFORMED, "\1\1\0\1\1\0"),
    ODD(WRT_ERR_MALFORMED, "\3\1\0\2\1\0"),
    ODD(WRT_ERR_MALFORMED, "\x0a\1\0\x0c\1\0"),            /* data count behind code */
    ODD(WRT_ERR_MALFORMED, "\x0c\1\0\x09\1\0"),
    ODD(WRT_ERR_MALFORMED, "\x0e\1\0"),
    ODD(WRT_ERR_MALFORMED, "\x7f\1\0"),
    ODD(WRT_OK, "\x0c\1\0"),                               /* no data, counted */
    ODD(WRT_ERR_MALFORMED, "\x0c\1\1"),
    ODD(WRT_ERR_MALFORMED, "\x0c\1\1\x0b\1\0"),
    ODD(WRT_ERR_MALFORMED, "\x0c\1\0\x0b\3\1\1\0"),
    ODD(WRT_OK, "\x0c\1\1\x0b\3\1\1\0"),
    ODD(WRT_ERR_MALFORMED, "\x0c\1\2\x0b\3\1\1\0"),
    ODD(WRT_OK, "\1\x81\x80\x80\x80\0\0"),                 /* sizes and counts in five bytes */
    ODD(WRT_OK, "\1\5\x80\x80\x80\x80\0"),
    ODD(WRT_ERR_MALFORMED, "\1\x81\x80\x80\x80\x80\0\0"),  /* six */
    ODD(WRT_ERR_MALFORMED, "\1\x81\x80\x80\x80\x10\0"),    /* a bit too many */
    ODD(WRT_ERR_MALFORMED, "\1\x81"),
    ODD(WRT_ERR_MALFORMED, "\1"),
    ODD(WRT_ERR_MALFORMED, "\1\2\0\0"),                    /* bytes left over */
    ODD(WRT_ERR_MALFORMED, "\1\0"),
    ODD(WRT_ERR_MALFORMED, "\1\4\1\x60\0\0\3\2\1\0"),      /* a function without a body */
    ODD(WRT_ERR_MALFORMED, "\1\4\1\x60\0\0\x0a\4\1\2\0\x0b"), /* a body without a function */
    ODD(WRT_ERR_MALFORMED, "\1\4\1\x60\0\0\3\2\1\0\x0a\7\2\2\0\x0b\2\0\x0b"),
    ODD(WRT_OK, "\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x0b"),
    ODD(WRT_ERR_MALFORMED, "\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x01"),      /* no end */
    ODD(WRT_ERR_MALFORMED, "\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x0b\x0b"),  /* two */
    ODD(WRT_OK, "\5\3\1\0\0\7\4\1\0\2\0"),                 /* an export without a name */
    ODD(WRT_ERR_INVALID, "\5\3\1\0\0\7\7\2\0\2\0\0\2\0"),  /* two of them */
    ODD(WRT_ERR_INVALID, "\7\4\1\0\2\0"),                  /* of a memory that is not there */
    ODD(WRT_ERR_INVALID, "\x08\1\0"),
    ODD(WRT_ERR_INVALID, "\5\4\1\1\2\1"),                  /* minimum above maximum */
    ODD(WRT_ERR_MALFORMED, "\5\3\1\x10\0"),                /* an unknown flag of limits */
};

static enum wrt_status load_odd(struct fixture *f, const struct odd *odd, size_t chunk)
{
    struct wrt_module_loader *loader;
    struct wrt_module *module = NULL;
    struct module_bytes m = module_open(1 << 16);
    wasm_bytes(&m.w, odd->bytes, odd->size);
    enum wrt_status status = wrt_module_begin(f->partition, NULL, &loader, &f->error);
    for (size_t at = 0; at < m.w.size && status == WRT_OK; at += chunk) {
        const size_t left = m.w.size - at;
        status = wrt_module_feed(loader, m.room + at, left < chunk ? left : chunk, &f->error);
    }
    free(m.room);
    if (status != WRT_OK) {
        wrt_module_abort(loader);
        return status;
    }
    status = wrt_module_finish(loader, &module, &f->error);
    if (status == WRT_OK) {
        struct wrt_instance *instance;
        struct wrt_store *store;
        assert_status(wrt_store_create(f->partition, NULL, &store, &f->error), WRT_OK);
        assert_status(wrt_store_instantiate(store, module, &instance, &f->error), WRT_OK);
        assert_status(wrt_store_destroy(store), WRT_OK);
        assert_status(wrt_module_destroy(module), WRT_OK);
    }
    return status;
}

static void test_odd_modules(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < sizeof odds / sizeof *odds; i++) {
        for (size_t chunk = 1; chunk < 200; chunk *= 3) {
            const enum wrt_status status = load_odd(&f, &odds[i], chunk);
            if (status != odds[i].status)
                fail_msg("odd module %u: %s, %s", (unsigned)i, wrt_status_name(status),
                         f.error.text);
            if (status != WRT_OK)
                assert_true(f.error.has_offset && f.error.byte_offset <= 8 + odds[i].size);
        }
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links), cmocka_unit_test(test_links_in_order),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_odd_modules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
