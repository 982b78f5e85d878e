/* engine_customs.c - the custom sections that are read; malformed ones are skipped, not refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

/* One function of type [] -> [], and a custom section before its code. */
static const char before[] = "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0";
static const char after[] = "\x0a\4\1\2\0\x0b";

#define PRODUCERS "\x09producers"
#define HINTS "\x19metadata.code.branch_hint"

struct loaded {
    struct wrt_partition *partition;
    struct wrt_module *module;
};

static struct loaded load(const char *contents, size_t size, uint64_t features_off)
{
    struct loaded l = {0};
    struct wrt_error error = {0};
    const struct wrt_module_config config = {.features_off = features_off};
    uint8_t bytes[512];
    size_t at = 0;
    assert_true(size < 128);
    memcpy(bytes, before, sizeof before - 1);
    at += sizeof before - 1;
    bytes[at++] = 0;
    bytes[at++] = (uint8_t)size;
    memcpy(bytes + at, contents, size);
    at += size;
    memcpy(bytes + at, after, sizeof after - 1);
    at += sizeof after - 1;
    assert_status(wrt_partition_create(NULL, NULL, &l.partition, NULL), WRT_OK);
    if (wrt_module_load(l.partition, &config, bytes, at, &l.module, &error) != WRT_OK)
        fail_msg("%s at %llu", error.text, (unsigned long long)error.byte_offset);
    return l;
}

static void unload(struct loaded *l)
{
    assert_status(wrt_module_destroy(l->module), WRT_OK);
    assert_status(wrt_partition_destroy(l->partition, NULL), WRT_OK);
}

static void require_text(struct wrt_bytes bytes, const char *text)
{
    assert_int_equal(bytes.size_bytes, strlen(text));
    assert_memory_equal(bytes.data, text, strlen(text));
}

static void test_producers(void **state)
{
    (void)state;
    static const char section[] = PRODUCERS "\2" "\x08language" "\2" "\1C" "\2" "11" "\1D" "\0"
                                  "\3sdk" "\1" "\3abc" "\3" "0.1";
    struct loaded l = load(section, sizeof section - 1, 0);
    struct wrt_module_producer p;
    assert_status(wrt_module_get_producer(l.module, 0, &p), WRT_OK);
    require_text(p.field, "language");
    require_text(p.name, "C");
    require_text(p.version, "11");
    assert_status(wrt_module_get_producer(l.module, 1, &p), WRT_OK);
    require_text(p.name, "D");
    require_text(p.version, "");
    assert_status(wrt_module_get_producer(l.module, 2, &p), WRT_OK);
    require_text(p.field, "sdk");
    require_text(p.version, "0.1");
    assert_status(wrt_module_get_producer(l.module, 3, &p), WRT_ERR_BOUNDS);
    unload(&l);
    for (size_t size = sizeof PRODUCERS - 1; size < sizeof section - 1; size++) {
        l = load(section, size, 0); /* cut short: what is there is read, nothing is refused */
        assert_status(wrt_module_get_producer(l.module, 2, &p), WRT_ERR_BOUNDS);
        unload(&l);
    }
}

static void test_branch_hints(void **state)
{
    (void)state;
    static const char section[] = HINTS "\1" "\0" "\2" "\5\1\1" "\x09\1\0";
    struct loaded l = load(section, sizeof section - 1, 0);
    struct wrt_module_branch_hint h;
    struct wrt_module_info info;
    wrt_module_get_info(l.module, &info);
    assert_true((info.features & WRT_FEATURE_BIT(BRANCH_HINTS)) != 0);
    assert_status(wrt_module_get_branch_hint(l.module, 0, &h), WRT_OK);
    assert_int_equal(h.function, 0);
    assert_int_equal(h.byte_offset, 5);
    assert_true(h.is_likely);
    assert_status(wrt_module_get_branch_hint(l.module, 1, &h), WRT_OK);
    assert_int_equal(h.byte_offset, 9);
    assert_false(h.is_likely);
    assert_status(wrt_module_get_branch_hint(l.module, 2, &h), WRT_ERR_BOUNDS);
    unload(&l);
    l = load(section, sizeof section - 1, WRT_FEATURE_BIT(BRANCH_HINTS));
    assert_status(wrt_module_get_branch_hint(l.module, 0, &h), WRT_ERR_BOUNDS);
    unload(&l);
}

/* Unknown function, a hint of two bytes, a value of 2. */
static void test_malformed_hints(void **state)
{
    (void)state;
    static const char *const bad[] = {"\1\7\1\5\1\1", "\1\1\1\5\2\1", "\1\1\1\5\1\2"};
    char section[64];
    for (size_t i = 0; i < 3; i++) {
        memcpy(section, HINTS, sizeof HINTS - 1);
        memcpy(section + sizeof HINTS - 1, bad[i], 6);
        if (i != 0)
            section[sizeof HINTS] = 0;
        struct loaded l = load(section, sizeof HINTS - 1 + 6, 0);
        struct wrt_module_branch_hint h;
        assert_status(wrt_module_get_branch_hint(l.module, 0, &h), WRT_ERR_BOUNDS);
        unload(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_producers),
        cmocka_unit_test(test_branch_hints),
        cmocka_unit_test(test_malformed_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
