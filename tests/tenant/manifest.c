/* tests/tenant/manifest.c - every key arrives, everything wrong is named with its line.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "manifest_fixture.h"

#include "wrt/worker.h"

static struct wrt_partition *partition;
static struct wrt_manifest *manifest;
static struct reported reported;

static enum wrt_status load(const char *text)
{
    return load_bytes(text, strlen(text), &reported, &partition, &manifest);
}

static void all_keys_arrive(void **state)
{
    (void)state;
    enum wrt_status status = load(
        "; a comment\n"
        "[supervisor]\n"
        "control = c.sock\nmetrics = 9464\nslice_us = 500\nshutdown_ms = 700\n"
        "memory_max = 64M\nprocessors = 4\nusers = 1000 1001\n"
        "[tenant a.b-c_9]\n"
        "module = m.wasm\narguments = one \"two words\" three\n   four\nentry = go\ngroup = g\n"
        "min = 1M\nmax = 2M\nreserved = 64K\nstack = 128K\ntier = sealed\nverify = full\n"
        "cpu_permille = 250\npriority = 40\naffinity = 0 3\nfuel = 1000\ndeadline_us = 900\n"
        "period_us = 1000\noverrun = drop\ndirectories = data::/d:ro /abs\n"
        "environment = A=1 B=2\nclocks = none\nrandom = none\nstreams = output\n"
        "restart = always\nbackoff_ms = 5\nbackoff_max_ms = 50\nmax_restarts = 7\n"
        "restart_window_ms = 900\nescalate = group\nwatchdog = heartbeat\nwatchdog_ms = 30\n"
        "after = z\nrequire = tier priority affinity\nsignature = s\n"
        "clock_resolution_us = 50\nclock_jitter = on\noblivious = on\nisolate = l1d-flush core-scheduling\n"
        "cache_ways = 0x0ff0\ncache_colour = 3/4@3\n"
        "sha256 = 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n"
        "ed25519_key = ff112233445566778899aabbccddeeff00112233445566778899aabbccddeef0\n"
        "[tenant z]\nmodule = /z.wasm\n"
        "[frame f]\nmajor_us = 5000\npriority = 30\naffinity = 1\nwindow = z 0 1000\n");
    if (status != WRT_OK)
        fail_msg("line %u: %s", reported.first.line, reported.first.text);
    const struct wrt_supervisor_config *s = &manifest->supervisor;
    assert_string_equal(s->control, "/tmp/c.sock");
    assert_string_equal(wrt_manifest_control_path(manifest), s->control);
    assert_string_equal(s->metrics, "9464");
    assert_int_equal(s->slice_us, 500);
    assert_int_equal(s->shutdown_ms, 700);
    assert_int_equal(s->memory_max, 64 << 20);
    assert_int_equal(s->processors, 4);
    assert_int_equal(s->user_count, 2);
    assert_int_equal(s->users[1], 1001);

    assert_int_equal(manifest->tenant_count, 2);
    const struct wrt_tenant_config *t = manifest->tenants[0];
    assert_string_equal(t->name, "a.b-c_9");
    assert_string_equal(t->group, "g");
    assert_int_equal(t->line, 10);
    assert_int_equal(t->lines[WRT_KEY_MODULE], 11);
    assert_string_equal(wrt_config_text(t, t->module), "/tmp/m.wasm");
    assert_int_equal(t->arguments.count, 4);
    assert_string_equal(wrt_config_text(t, t->arguments.at[1]), "two words");
    assert_string_equal(wrt_config_text(t, t->arguments.at[3]), "four");
    assert_string_equal(wrt_config_text(t, t->entry), "go");
    assert_int_equal(t->min_bytes, 1 << 20);
    assert_int_equal(t->max_bytes, 2 << 20);
    assert_int_equal(t->reserved_bytes, 64 << 10);
    assert_int_equal(t->stack_bytes, 128 << 10);
    assert_int_equal(t->tier + 1, WRT_TIER_SEALED);
    assert_int_equal(t->verify, WRT_VERIFY_FULL);
    assert_int_equal(t->cpu_permille, 250);
    assert_int_equal(t->priority, 40);
    assert_int_equal(t->affinity_mask, 9);
    assert_int_equal(t->fuel, 1000);
    assert_int_equal(t->deadline_us, 900);
    assert_int_equal(t->period_us, 1000);
    assert_int_equal(t->overrun, WRT_OVERRUN_DROP);
    assert_int_equal(t->directories.count, 2);
    assert_string_equal(wrt_config_text(t, t->directories.at[0]), "/tmp/data::/d:ro");
    assert_string_equal(wrt_config_text(t, t->directories.at[1]), "/abs");
    assert_string_equal(wrt_config_text(t, t->environment.at[1]), "B=2");
    assert_int_equal(t->clocks, 2);
    assert_int_equal(t->random, 1);
    assert_int_equal(t->streams, 1);
    assert_int_equal(t->restart, WRT_RESTART_ALWAYS);
    assert_int_equal(t->backoff_ms, 5);
    assert_int_equal(t->backoff_max_ms, 50);
    assert_int_equal(t->max_restarts, 7);
    assert_int_equal(t->restart_window_ms, 900);
    assert_int_equal(t->escalate, WRT_ESCALATE_GROUP);
    assert_int_equal(t->watchdog, WRT_WATCHDOG_HEARTBEAT);
    assert_int_equal(t->watchdog_ms, 30);
    assert_string_equal(wrt_config_text(t, t->after.at[0]), "z");
    assert_int_equal(t->require_bits,
                     WRT_REQUIRE_TIER | WRT_REQUIRE_PRIORITY | WRT_REQUIRE_AFFINITY);
    assert_string_equal(wrt_config_text(t, t->signature), "/tmp/s");
    assert_int_equal(t->clock_resolution_us, 50);
    assert_int_equal(t->clock_jitter, 1);
    assert_int_equal(t->oblivious, 1);
    assert_int_equal(t->cache_ways, 0x0ff0);
    assert_int_equal(t->cache_colour.index, 3);
    assert_int_equal(t->cache_colour.count, 4);
    assert_int_equal(t->cache_colour.level, 3);
    assert_int_equal(t->isolate_bits, 1u << WRT_CONFINE_L1D_FLUSH | 1u << WRT_CONFINE_CORE);
    assert_int_equal(t->sha256[0], 0);
    assert_int_equal(t->sha256[10], 0xAA);
    assert_int_equal(t->sha256[31], 0xFF);
    assert_int_equal(t->ed25519_key[0], 0xFF);
    assert_int_equal(t->ed25519_key[31], 0xF0);
    assert_string_equal(wrt_config_text(manifest->tenants[1], manifest->tenants[1]->module),
                        "/z.wasm");
    assert_int_equal(wrt_manifest_find(manifest, "z"), 1);
    assert_int_equal(wrt_manifest_find(manifest, "y"), UINT32_MAX);

    const struct wrt_frame_config *f = manifest->frames[0];
    assert_int_equal(f->major_us, 5000);
    assert_int_equal(f->priority, 30);
    assert_int_equal(f->affinity_mask, 2);
    assert_string_equal(f->windows[0].tenant, "z");
    assert_int_equal(f->windows[0].duration_us, 1000);
    unload(partition, manifest);
}

struct bad {
    const char *text, *part;
    uint32_t line;
    enum wrt_status status;
};

#define T "[tenant a]\nmodule = m\n"
static const struct bad bad_texts[] = {
    {T "clock_resolution_us = 0\n", "from 1 to 1000000", 3, WRT_ERR_ARGUMENT},
    {T "clock_jitter = yes\n", "off|on", 3, WRT_ERR_ARGUMENT},
    {T "cache_ways = 15\n", "cache_ways takes 0x", 3, WRT_ERR_ARGUMENT},
    {T "cache_ways = 0x0\n", "cache_ways takes 0x", 3, WRT_ERR_ARGUMENT},
    {T "cache_ways = 0x1g\n", "cache_ways takes 0x", 3, WRT_ERR_ARGUMENT},
    {T "cache_ways = 0x10000000000000000\n", "cache_ways takes 0x", 3, WRT_ERR_ARGUMENT},
    {T "isolate = cache-ways\n", "isolate takes store-bypass", 3, WRT_ERR_ARGUMENT},
    {T "isolate = files\n", "isolate takes store-bypass", 3, WRT_ERR_ARGUMENT},
    {T "sha256 = 12\n", "sha256 takes 64 hexadecimal digits", 3, WRT_ERR_ARGUMENT},
    {T "ed25519_key = g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
     "ed25519_key takes 64", 3, WRT_ERR_ARGUMENT},
    {"", "no [tenant", 0, WRT_ERR_NOT_FOUND},
    {"x = 1\n" T, "before the first section", 1, WRT_ERR_ARGUMENT},
    {"[tenant a]\n", "tenant a has no module", 1, WRT_ERR_NOT_FOUND},
    {T "[tenants b]\nmodule = m\n", "sections are", 3, WRT_ERR_NOT_FOUND},
    {T "cache_colour = 2/2\n", "cache_colour takes I/N", 3, WRT_ERR_ARGUMENT},
    {T "cache_colour = 0/3\n", "cache_colour takes I/N", 3, WRT_ERR_ARGUMENT},
    {T "cache_colour = 0/0\n", "cache_colour takes I/N", 3, WRT_ERR_ARGUMENT},
    {T "cache_colour = 0/2@1\n", "cache_colour takes I/N", 3, WRT_ERR_ARGUMENT},
    {T "cache_colour = 0/2@\n", "cache_colour takes I/N", 3, WRT_ERR_ARGUMENT},
    {T "colour = red\n", "[tenant] has no key 'colour'", 3, WRT_ERR_NOT_FOUND},
    {"[supervisor]\nmodule = m\n" T, "[supervisor] has no key 'module'", 2, WRT_ERR_NOT_FOUND},
    {T "[frame f]\nmodule = m\n", "[frame] has no key 'module'", 4, WRT_ERR_NOT_FOUND},
    {T "module = n\n", "module was given before, in line 2", 3, WRT_ERR_EXISTS},
    {T "[tenant b]\nmodule = m\n[tenant a]\nmodule = m\n", "tenant a was given before, in line 1",
     5, WRT_ERR_EXISTS},
    {T "[supervisor]\n[supervisor]\n", "given before", 4, WRT_ERR_EXISTS},
    {"[tenant ]\nmodule = m\n", "a tenant's name has", 1, WRT_ERR_ARGUMENT},
    {"[tenant ../x]\nmodule = m\n", "a tenant's name has", 1, WRT_ERR_ARGUMENT},
    {"[tenant a b]\nmodule = m\n", "a tenant's name has", 1, WRT_ERR_ARGUMENT},
    {"[tenant \xc3\xa9]\nmodule = m\n", "\\xc3\\xa9", 1, WRT_ERR_ARGUMENT},
    {"[tenant a\"b]\nmodule = m\n", "a tenant's name has", 1, WRT_ERR_ARGUMENT},
    {"[tenant abcdefghijklmnopqrstuvwxyz012345]\nmodule = m\n", "1 to 31", 1, WRT_ERR_ARGUMENT},
    /* inih alone would cut both to the same 49 bytes. */
    {"[tenant aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1]\nmodule = m\n",
     "heading is too long", 1, WRT_ERR_LIMIT},
    {"[tenant a\nmodule = m\n", "has no ']'", 1, WRT_ERR_ARGUMENT},
    {T " [tenant b]\n", "first column", 3, WRT_ERR_ARGUMENT},
    {T "just words\n", "neither a section nor", 3, WRT_ERR_ARGUMENT},
    {T "max = 0\n", "max takes bytes", 3, WRT_ERR_ARGUMENT},
    {T "max = -1\n", "not '-1'", 3, WRT_ERR_ARGUMENT},
    {T "max = 99999999999999999999\n", "max takes", 3, WRT_ERR_ARGUMENT},
    {T "max = 18446744073709551615K\n", "max takes", 3, WRT_ERR_ARGUMENT},
    {T "max = 1Q\n", "max takes", 3, WRT_ERR_ARGUMENT},
    {T "max =\n", "max takes a value", 3, WRT_ERR_ARGUMENT},
    {T "stack = 1K\n", "from 4096 to", 3, WRT_ERR_ARGUMENT},
    {T "tier = vault\n", "tier takes software|sealed|process, not 'vault'", 3, WRT_ERR_ARGUMENT},
    {T "tier = seal\n", "tier takes", 3, WRT_ERR_ARGUMENT},
    {T "priority = 100\n", "from 0 to 99", 3, WRT_ERR_ARGUMENT},
    {T "cpu_permille = 1001\n", "from 1 to 1000", 3, WRT_ERR_ARGUMENT},
    {T "period_us = 99\n", "from 100 to", 3, WRT_ERR_ARGUMENT},
    {T "affinity = 64\n", "processor numbers", 3, WRT_ERR_ARGUMENT},
    {T "affinity = x\n", "processor numbers", 3, WRT_ERR_ARGUMENT},
    {T "environment = NOVALUE\n", "NAME=value", 3, WRT_ERR_ARGUMENT},
    {T "environment = =x\n", "NAME=value", 3, WRT_ERR_ARGUMENT},
    {T "require = magic\n", "not 'magic'", 3, WRT_ERR_ARGUMENT},
    {T "require = Tier\n", "not 'Tier'", 3, WRT_ERR_ARGUMENT},
    {T "require = tie\n", "not 'tie'", 3, WRT_ERR_ARGUMENT},
    {T "require = tier|priority\n", "not 'tier|priority'", 3, WRT_ERR_ARGUMENT},
    {T "require = tier,priority\n", "not 'tier,priority'", 3, WRT_ERR_ARGUMENT},
    {T "require = tier affinity networks\n", "not 'networks'", 3, WRT_ERR_ARGUMENT},
    {T "require = \"tier priority\"\n", "not 'tier priority'", 3, WRT_ERR_ARGUMENT},
    {T "require = \"\"\n", "require takes", 3, WRT_ERR_ARGUMENT},
    {T "require = t\xc3\xaf" "er\n", "not 't\\xc3\\xafer'", 3, WRT_ERR_ARGUMENT},
    {T "require = %s%n\n", "not '%s%n'", 3, WRT_ERR_ARGUMENT},
    {T "require = \x1b]0;tier\x07\n", "control character", 3, WRT_ERR_ARGUMENT},
    {T "require = ../../etc/passwd\n", "not '../../etc/passwd'", 3, WRT_ERR_ARGUMENT},
    {T "isolate = magic\n", "not 'magic'", 3, WRT_ERR_ARGUMENT},
    {T "isolate = core-scheduling,l1d-flush\n", "isolate takes", 3, WRT_ERR_ARGUMENT},
    {T "affinity = -1\n", "processor numbers", 3, WRT_ERR_ARGUMENT},
    {T "affinity = 0 1 64\n", "processor numbers", 3, WRT_ERR_ARGUMENT},
    {T "affinity = 0-3\n", "processor numbers", 3, WRT_ERR_ARGUMENT},
    {T "affinity = 18446744073709551617\n", "processor numbers", 3, WRT_ERR_ARGUMENT},
    {T "max_restarts = 33\n", "from 0 to 32", 3, WRT_ERR_ARGUMENT},
    {T "group = a/b\n", "group takes", 3, WRT_ERR_ARGUMENT},
    {T "arguments = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 "
       "30 31 32 33\n", "more than 32 words", 3, WRT_ERR_LIMIT},
    {"[supervisor]\nmetrics = 0\n" T, "metrics takes a port", 2, WRT_ERR_ARGUMENT},
    {"[supervisor]\nmetrics = everywhere\n" T, "metrics takes a port", 2, WRT_ERR_ARGUMENT},
    {"[supervisor]\nusers = root\n" T, "user numbers", 2, WRT_ERR_ARGUMENT},
    {"[supervisor]\ncontrol = a\ncontrol = b\n" T, "given before, in line 2", 3, WRT_ERR_EXISTS},
    {T "[frame f]\nmajor_us = 1000\n", "at least one window", 3, WRT_ERR_NOT_FOUND},
    {T "[frame f]\nmajor_us = 1000\nwindow = a 0\n", "TENANT OFFSET_US DURATION_US", 5,
     WRT_ERR_ARGUMENT},
    {T "[frame f]\nmajor_us = 1000\nwindow = a 0 0\n", "TENANT OFFSET_US DURATION_US", 5,
     WRT_ERR_ARGUMENT},
    {T "streams = \x1b[31mred\n", "control character", 3, WRT_ERR_ARGUMENT},
};

static void bad_texts_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        const struct bad *bad = &bad_texts[i];
        enum wrt_status status = load(bad->text);
        if (status == WRT_OK)
            fail_msg("accepted: %s", bad->text);
        expect_problem(&reported, bad->status, bad->line, bad->part);
        assert_int_equal(status, bad->status);
        assert_null(manifest);
        unload(partition, NULL);
    }
}

/* Each word of `require` is known, alone and beside all others, and sets its own bit. */
static void every_requirement_is_known(void **state)
{
    static const char *const names[] = {"tier", "priority", "affinity", "index-masking"};
    char text[1024] = T;

    (void)state;
    for (unsigned feature = 0; feature < WRT_CONFINE_COUNT; feature++) {
        char one[128];

        snprintf(one, sizeof one, T "tier = process\nrequire = %s\n",
                 wrt_confine_name((enum wrt_confine)feature));
        assert_int_equal(load(one), WRT_OK);
        assert_int_equal(manifest->tenants[0]->confine_bits, UINT64_C(1) << feature);
        assert_int_equal(manifest->tenants[0]->require_bits, 0);
        unload(partition, manifest);
        strcat(strcat(text, "require = "), wrt_confine_name((enum wrt_confine)feature));
        strcat(text, "\n");
    }
    for (unsigned i = 0; i < 4; i++)
        strcat(strcat(strcat(text, "require = "), names[i]), "\n");
    assert_int_equal(load(text), WRT_OK);
    assert_int_equal(manifest->tenants[0]->confine_bits, (UINT64_C(1) << WRT_CONFINE_COUNT) - 1);
    assert_int_equal(manifest->tenants[0]->require_bits, 15);
    unload(partition, manifest);
}

static void several_problems_are_all_reported(void **state)
{
    (void)state;
    assert_int_not_equal(load(T "x = 1\ny = 2\nmax = none\n[what]\n"), WRT_OK);
    assert_int_equal(reported.count, 4);
    unload(partition, NULL);
}

static void a_zero_byte_is_refused(void **state)
{
    (void)state;
    static const char text[] = "[tenant a]\nmodule = m\0n\n";
    assert_int_equal(load_bytes(text, sizeof text - 1, &reported, &partition, &manifest),
                     WRT_ERR_LIMIT);
    expect_problem(&reported, WRT_ERR_LIMIT, 2, "zero byte");
    unload(partition, NULL);
}

static void a_long_line_is_refused(void **state)
{
    (void)state;
    char text[4000] = "[tenant a]\nmodule = ";
    memset(text + strlen(text), 'x', 2000);
    assert_int_equal(load(text), WRT_ERR_LIMIT);
    expect_problem(&reported, WRT_ERR_LIMIT, 2, "longer than");
    unload(partition, NULL);
}

static void strings_beyond_the_pool_are_refused(void **state)
{
    (void)state;
    char text[8000] = "[tenant a]\nmodule = m\n";
    for (int i = 0; i < 6; i++) {
        strcat(text, "arguments = ");
        memset(text + strlen(text), 'x', 900);
        strcat(text, "\n");
    }
    assert_int_equal(load(text), WRT_ERR_LIMIT);
    expect_problem(&reported, WRT_ERR_LIMIT, 7, "more than 4096 bytes");
    unload(partition, NULL);
}

/* 10 MiB of comments, and 10 MiB of good tenants. */
static void large_manifests_are_refused(void **state)
{
    (void)state;
    const size_t size = 10 << 20;
    char *text = malloc(size + 64);
    assert_non_null(text);
    for (size_t i = 0; i < size; i += 64)
        memcpy(text + i, "; 0123456789012345678901234567890123456789012345678901234567890\n", 64);
    assert_int_equal(load_bytes(text, size, &reported, &partition, &manifest), WRT_ERR_LIMIT);
    expect_problem(&reported, WRT_ERR_LIMIT, 65537, "larger than 4 MiB");
    unload(partition, NULL);
    size_t used = 0;
    for (unsigned i = 0; used + 64 < size; i++)
        used += (size_t)snprintf(text + used, 64, "[tenant t%u]\nmodule = m\n", i);
    assert_int_equal(load_bytes(text, used, &reported, &partition, &manifest), WRT_ERR_LIMIT);
    expect_problem(&reported, WRT_ERR_LIMIT, 2 * 4096 + 1, "more than 4096 tenants");
    unload(partition, NULL);
    free(text);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    reported = (struct reported){0};
    assert_int_equal(wrt_manifest_load(partition, "/nowhere/m.ini", keep_report, &reported,
                                       &manifest), WRT_ERR_NOT_FOUND);
    expect_problem(&reported, WRT_ERR_NOT_FOUND, 0, "No such file");
    assert_int_equal(wrt_manifest_load(partition, "/tmp", keep_report, &reported, &manifest),
                     WRT_ERR_IO);
    unload(partition, NULL);
}

/* A partition that is too small refuses at any point, and nothing is left. */
static void every_size_of_partition_refuses_cleanly(void **state)
{
    (void)state;
    char path[] = "/tmp/manifest-XXXXXX";
    int file = mkstemp(path);
    FILE *out = fdopen(file, "w");
    unsigned loaded = 0;
    for (int i = 0; i < 50; i++)
        fprintf(out, "[tenant t%d]\nmodule = m\n[frame f%d]\nmajor_us = 100\nwindow = t%d 0 1\n", i,
                i % 10, i);
    fclose(out);
    for (uint64_t max = 4096; max < 400000; max += 4096) {
        const struct wrt_partition_config config = {.max_bytes = max};
        manifest = NULL;
        if (wrt_partition_create(NULL, &config, &partition, NULL) != WRT_OK)
            continue;
        enum wrt_status status = wrt_manifest_load(partition, path, NULL, NULL, &manifest);
        assert_true(status == WRT_ERR_PARTITION_MAX || status == WRT_ERR_EXISTS);
        loaded += status == WRT_ERR_EXISTS; /* frames repeat: far enough to see that */
        unload(partition, manifest);
    }
    assert_true(loaded > 0);
    unlink(path);
}

/* Changes bytes of a good manifest: whatever comes, no crash, and nothing is left. */
static void damaged_texts_do_no_harm(void **state)
{
    (void)state;
    static const char good[] =
        "[supervisor]\ncontrol = c\n[tenant a]\nmodule = m\narguments = \"x y\" z\n  more\n"
        "affinity = 0 1\nafter = b\n[tenant b]\nmodule = n\nmax = 1M\nrequire = tier\n"
        "[frame f]\nmajor_us = 1000\nwindow = b 0 10\n";
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int change = 0; change < 4; change++) {
            random = random * 1664525u + 1013904223u;
            text[random % (sizeof good - 1)] = (char)(random >> 16);
        }
        (void)load_bytes(text, sizeof good - 1, &reported, &partition, &manifest);
        unload(partition, manifest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_arrive),
        cmocka_unit_test(bad_texts_are_named),
        cmocka_unit_test(every_requirement_is_known),
        cmocka_unit_test(several_problems_are_all_reported),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(a_long_line_is_refused),
        cmocka_unit_test(strings_beyond_the_pool_are_refused),
        cmocka_unit_test(large_manifests_are_refused),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(every_size_of_partition_refuses_cleanly),
        cmocka_unit_test(damaged_texts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
