/* tests/unit/wasi_calls.c - WASI's calls against a fake engine: addresses, rights, pauses,
 * streams, sockets, limits, and everything that is allocated.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "../wasi/fake_engine.h"
#include "port_file.h"
#include "wasi/abi.h"
#include "wrt/wasi.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64];
static struct wrt_partition *partition;
static struct wrt_wasi *wasi;

/* ---- calls by name: every argument as a 64-bit number ---- */

static enum wrt_status last_status;

static uint32_t run(const char *name, const uint64_t *arguments)
{
    int index = fake_index(name);
    union wrt_slot slots[9];
    uint32_t error;
    assert_true(index >= 0);
    const char *signature = fake_functions[index].signature;
    for (unsigned i = 0; signature[i] != ':'; i++)
        slots[i].i64 = arguments[i];
    last_status = fake_call_slots(index, slots, &error);
    return error;
}

#define CALL(name, ...) run(#name, (const uint64_t[]){__VA_ARGS__})
#define EXPECT(expected, name, ...)                                                     \
    do {                                                                                \
        uint32_t got_ = CALL(name, __VA_ARGS__);                                        \
        if (got_ != (uint32_t)(expected) || last_status != WRT_OK)                      \
            fail_msg("line %d: %s gave %u with status %d, expected %u", __LINE__, #name, \
                     got_, (int)last_status, (unsigned)(expected));                     \
    } while (0)

/* Where this test keeps things in the guest's memory. */
enum { PATH = 1000, PATH2 = 3000, OUT = 8000, VECTORS = 9000, DATA = 16384 };

static uint32_t put(uint32_t address, const char *text)
{
    memcpy(fake.memory + address, text, strlen(text));
    return (uint32_t)strlen(text);
}

static uint32_t u32(uint32_t address)
{
    return wrt_read_u32(fake.memory + address);
}

static uint64_t u64(uint32_t address)
{
    return wrt_read_u64(fake.memory + address);
}

static void put_vector(unsigned index, uint32_t address, uint32_t size)
{
    wrt_write_u32(fake.memory + VECTORS + 8 * index, address);
    wrt_write_u32(fake.memory + VECTORS + 8 * index + 4, size);
}

/* path_open with everything named. */
static uint32_t open_path(uint32_t directory, const char *path, uint32_t oflags, uint64_t rights,
                          uint64_t inheriting, uint32_t fdflags)
{
    uint32_t size = put(PATH, path);
    return CALL(path_open, directory, WASI_LOOKUP_FOLLOW, PATH, size, oflags, rights, inheriting,
                fdflags, OUT);
}

static uint32_t must_open(uint32_t directory, const char *path, uint32_t oflags)
{
    assert_int_equal(open_path(directory, path, oflags, WASI_RIGHTS_OF_FILE, 0, 0), 0);
    return u32(OUT);
}

/* ---- set up ---- */

static void create(const struct wrt_wasi_config *config)
{
    struct wrt_error error;
    struct wrt_partition_info info;
    uint64_t bytes;
    memset(&fake, 0, sizeof fake);
    fake_function_count = 0;
    assert_int_equal(wrt_wasi_footprint(config, &bytes, &error), WRT_OK);
    if (wrt_wasi_create(partition, config, &wasi, &error) != WRT_OK)
        fail_msg("%s", error.text);
    wrt_partition_get_info(partition, &info);
    assert_int_equal(info.current_bytes[WRT_CHARGE_HOST], bytes);
    assert_int_equal(wrt_wasi_define(NULL, wasi, &error), WRT_OK);
    assert_int_equal(fake_function_count, 46);
}

static void destroy(void)
{
    struct wrt_partition_info info;
    wrt_wasi_destroy(wasi);
    wasi = NULL;
    wrt_partition_get_info(partition, &info);
    assert_int_equal(info.current_bytes[WRT_CHARGE_HOST], 0);
}

/* After a test that failed on the way, so that the next one starts afresh. */
static int clean_up(void **state)
{
    (void)state;
    wrt_wasi_destroy(wasi);
    wasi = NULL;
    return 0;
}

static void in_base(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", base, name);
}

static void make_file(const char *name, const char *text)
{
    char path[256];
    in_base(path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char host_a[256], host_b[256];
static struct wrt_wasi_directory directories[2] = {
    {.host_path = host_a, .guest_path = "/a"},
    {.host_path = host_b, .guest_path = "b", .read_only = true},
};

/* Two directories, 3 writable and 4 read-only, every clock. */
static void create_usual(void)
{
    const struct wrt_wasi_config config = {
        .directories = directories, .directory_count = 2, .clocks = WRT_WASI_CLOCK_ALL};
    create(&config);
}

static int set_up(void **state)
{
    (void)state;
    const struct wrt_partition_config config = {.name = "test"};
    struct wrt_error error;
    strcpy(base, "/tmp/wrt_wasi_XXXXXX");
    if (!mkdtemp(base) || wrt_partition_create(NULL, &config, &partition, &error) != WRT_OK)
        return -1;
    in_base(host_a, "a");
    in_base(host_b, "b");
    if (mkdir(host_a, 0700) != 0 || mkdir(host_b, 0700) != 0)
        return -1;
    make_file("a/file", "hello");
    make_file("b/file", "fixed");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct wrt_error error;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command) | (int)wrt_partition_destroy(partition, &error);
}

/* ---- nothing granted ---- */

static void test_zero_config_grants_nothing(void **state)
{
    (void)state;
    const struct wrt_wasi_config config = {0};
    create(&config);
    EXPECT(0, args_sizes_get, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 0);
    assert_int_equal(u32(OUT + 4), 0);
    EXPECT(0, environ_sizes_get, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 0);
    EXPECT(0, args_get, OUT, OUT);
    EXPECT(0, environ_get, OUT, OUT);
    for (uint32_t fd = 0; fd < 70; fd++) {
        EXPECT(WRT_ERRNO_BADF, fd_fdstat_get, fd, OUT);
        EXPECT(WRT_ERRNO_BADF, fd_prestat_get, fd, OUT);
        EXPECT(WRT_ERRNO_BADF, fd_write, fd, VECTORS, 0, OUT);
        EXPECT(WRT_ERRNO_BADF, sock_accept, fd, 0, OUT);
        EXPECT(WRT_ERRNO_BADF, path_open, fd, 0, PATH, 1, 0, 0, 0, 0, OUT);
    }
    EXPECT(WRT_ERRNO_BADF, fd_close, UINT32_MAX);
    for (uint32_t clock = 0; clock < 4; clock++) {
        EXPECT(WRT_ERRNO_NOTCAPABLE, clock_time_get, clock, 0, OUT);
        EXPECT(WRT_ERRNO_NOTCAPABLE, clock_res_get, clock, OUT);
    }
    EXPECT(WRT_ERRNO_INVAL, clock_time_get, 4, 0, OUT);
    EXPECT(WRT_ERRNO_NOTCAPABLE, random_get, OUT, 8);
    EXPECT(WRT_ERRNO_NOSYS, proc_raise, 6);
    EXPECT(WRT_ERRNO_INVAL, proc_raise, 31);
    EXPECT(0, sched_yield, 0);
    CALL(proc_exit, 42);
    assert_int_equal(last_status, WRT_EXITED);
    assert_int_equal(fake.exit_code, 42);
    destroy();
}

/* ---- config ---- */

static void refuse(const struct wrt_wasi_config *config, enum wrt_status expected,
                   const char *word)
{
    struct wrt_error error;
    struct wrt_partition_info info;
    struct wrt_wasi *untouched = (struct wrt_wasi *)&error;
    wasi = untouched;
    enum wrt_status status = wrt_wasi_create(partition, config, &wasi, &error);
    if (status != expected || !strstr(error.text, word))
        fail_msg("status %d \"%s\", expected %d with \"%s\"", (int)status, error.text,
                 (int)expected, word);
    assert_ptr_equal(wasi, untouched);
    wasi = NULL;
    wrt_partition_get_info(partition, &info);
    assert_int_equal(info.current_bytes[WRT_CHARGE_HOST], 0);
    assert_int_equal(wrt_wasi_create(partition, config, &wasi, NULL), expected);
}

static void test_bad_configs_are_named(void **state)
{
    (void)state;
    static const char *const strings[] = {"a", NULL};
    const struct wrt_wasi_directory missing = {.host_path = "/no/such/directory"};
    const struct wrt_wasi_directory file = {.host_path = "/dev/null"};
    const struct wrt_wasi_directory unnamed = {.guest_path = "x"};
    const struct wrt_wasi_directory nameless = {.host_path = "/", .guest_path = ""};
    const int not_socket = 0;
    refuse(&(struct wrt_wasi_config){.max_descriptors = 2}, WRT_ERR_ARGUMENT, "max_descriptors");
    refuse(&(struct wrt_wasi_config){.max_descriptors = 65537}, WRT_ERR_ARGUMENT,
           "max_descriptors");
    refuse(&(struct wrt_wasi_config){.max_path_bytes = 4096}, WRT_ERR_ARGUMENT, "max_path_bytes");
    refuse(&(struct wrt_wasi_config){.max_subscriptions = 257}, WRT_ERR_ARGUMENT,
           "max_subscriptions");
    refuse(&(struct wrt_wasi_config){.clocks = 16}, WRT_ERR_ARGUMENT, "clocks");
    refuse(&(struct wrt_wasi_config){.clock_resolution_ns = 1000000001}, WRT_ERR_ARGUMENT,
           "clock_resolution_ns");
    refuse(&(struct wrt_wasi_config){.random = (enum wrt_wasi_random)3}, WRT_ERR_ARGUMENT,
           "random");
    refuse(&(struct wrt_wasi_config){.resolver = (enum wrt_wasi_resolver)3}, WRT_ERR_ARGUMENT,
           "resolver");
    refuse(&(struct wrt_wasi_config){.argument_count = 1}, WRT_ERR_ARGUMENT, "arguments");
    refuse(&(struct wrt_wasi_config){.environment = strings, .environment_count = 2},
           WRT_ERR_ARGUMENT, "environment 1");
    refuse(&(struct wrt_wasi_config){.directories = &missing, .directory_count = 1},
           WRT_ERR_NOT_FOUND, "/no/such/directory");
    refuse(&(struct wrt_wasi_config){.directories = &file, .directory_count = 1},
           WRT_ERR_ARGUMENT, "/dev/null");
    refuse(&(struct wrt_wasi_config){.directories = &unnamed, .directory_count = 1},
           WRT_ERR_ARGUMENT, "host_path");
    refuse(&(struct wrt_wasi_config){.directories = directories, .directory_count = 2,
                                     .max_descriptors = 4},
           WRT_ERR_LIMIT, "max_descriptors is 4");
    refuse(&(struct wrt_wasi_config){.sockets = NULL, .socket_count = 1}, WRT_ERR_ARGUMENT,
           "sockets");
    refuse(&(struct wrt_wasi_config){.directories = NULL, .directory_count = 1},
           WRT_ERR_ARGUMENT, "directories");
    refuse(&(struct wrt_wasi_config){.directories = &nameless, .directory_count = 1},
           WRT_ERR_ARGUMENT, "empty name");
    refuse(&(struct wrt_wasi_config){.sockets = &not_socket, .socket_count = 1},
           WRT_ERR_ARGUMENT, "socket");
    refuse(&(struct wrt_wasi_config){.standard_input = {WRT_WASI_STREAM_DESCRIPTOR, 999}},
           WRT_ERR_ARGUMENT, "standard_input");
    refuse(&(struct wrt_wasi_config){.standard_error = {(enum wrt_wasi_stream_kind)3, 0}},
           WRT_ERR_ARGUMENT, "standard_error");
}

static void test_partition_refuses(void **state)
{
    (void)state;
    const struct wrt_partition_config small = {.name = "small", .max_bytes = 65536};
    struct wrt_wasi_config config = {.max_descriptors = 65536};
    struct wrt_partition *other;
    struct wrt_error error;
    struct wrt_wasi *none = NULL;
    assert_int_equal(wrt_partition_create(NULL, &small, &other, &error), WRT_OK);
    assert_int_equal(wrt_wasi_create(other, &config, &none, &error), WRT_ERR_PARTITION_MAX);
    assert_null(none);
    assert_int_equal(wrt_partition_destroy(other, &error), WRT_OK);
}

static void test_arguments_and_environment(void **state)
{
    (void)state;
    static const char *const arguments[] = {"prog", "", "two words"};
    static const char *const environment[] = {"A=1", "B="};
    const struct wrt_wasi_config config = {.arguments = arguments, .argument_count = 3,
                                           .environment = environment, .environment_count = 2};
    create(&config);
    EXPECT(0, args_sizes_get, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 3);
    assert_int_equal(u32(OUT + 4), 16);
    EXPECT(0, args_get, OUT, DATA);
    assert_string_equal(fake.memory + u32(OUT), "prog");
    assert_string_equal(fake.memory + u32(OUT + 4), "");
    assert_string_equal(fake.memory + u32(OUT + 8), "two words");
    EXPECT(0, environ_sizes_get, OUT, OUT + 4);
    assert_int_equal(u32(OUT + 4), 7);
    EXPECT(0, environ_get, OUT, DATA);
    assert_string_equal(fake.memory + u32(OUT + 4), "B=");
    EXPECT(WRT_ERRNO_FAULT, args_get, FAKE_MEMORY_BYTES - 11, DATA);
    EXPECT(WRT_ERRNO_FAULT, args_get, OUT, FAKE_MEMORY_BYTES - 15);
    EXPECT(0, args_get, OUT, FAKE_MEMORY_BYTES - 16);
    destroy();
}

/* ---- addresses ---- */

/* One good call of each kind that takes addresses; each address in turn is put so that its
 * last byte lies outside. The answer must be FAULT and the directory must not change. */
struct pointer_case {
    const char *name;
    uint64_t arguments[9];
    struct {
        unsigned argument;
        uint32_t size; /* bytes the call needs there; 0 ends the list */
    } pointers[4];
};

static uint32_t count_entries(void)
{
    char command[300], line[32] = "";
    snprintf(command, sizeof command, "ls -la %s | md5sum", host_a);
    FILE *pipe = popen(command, "r");
    assert_non_null(fgets(line, sizeof line, pipe));
    pclose(pipe);
    return (uint32_t)strtoul((line[8] = '\0', line), NULL, 16);
}

static void test_every_address_is_checked(void **state)
{
    (void)state;
    enum { FILE_FD = 5, EVERYTHING = WASI_RIGHTS_OF_FILE };
    const struct pointer_case cases[] = {
        {"args_sizes_get", {OUT, OUT}, {{0, 4}, {1, 4}}},
        {"environ_sizes_get", {OUT, OUT}, {{0, 4}, {1, 4}}},
        {"clock_res_get", {1, OUT}, {{1, 8}}},
        {"clock_time_get", {1, 0, OUT}, {{2, 8}}},
        {"fd_fdstat_get", {FILE_FD, OUT}, {{1, 24}}},
        {"fd_filestat_get", {FILE_FD, OUT}, {{1, 64}}},
        {"fd_pread", {FILE_FD, VECTORS, 1, 0, OUT}, {{1, 8}, {4, 4}}},
        {"fd_pwrite", {FILE_FD, VECTORS, 1, 90, OUT}, {{1, 8}, {4, 4}}},
        {"fd_read", {FILE_FD, VECTORS, 1, OUT}, {{1, 8}, {3, 4}}},
        {"fd_write", {FILE_FD, VECTORS, 1, OUT}, {{1, 8}, {3, 4}}},
        {"fd_prestat_get", {3, OUT}, {{1, 8}}},
        {"fd_prestat_dir_name", {3, OUT, 2}, {{1, 2}}},
        {"fd_readdir", {3, DATA, 100, 0, OUT}, {{1, 100}, {4, 4}}},
        {"fd_seek", {FILE_FD, 3, 0, OUT}, {{3, 8}}},
        {"fd_tell", {FILE_FD, OUT}, {{1, 8}}},
        {"path_create_directory", {3, PATH, 3}, {{1, 3}}},
        {"path_filestat_get", {3, 0, PATH, 4, OUT}, {{2, 4}, {4, 64}}},
        {"path_filestat_set_times", {3, 0, PATH, 4, 0, 0, 10}, {{2, 4}}},
        {"path_link", {3, 0, PATH, 4, 3, PATH2, 3}, {{2, 4}, {5, 3}}},
        {"path_open", {3, 0, PATH2, 3, WASI_OFLAG_CREAT, EVERYTHING, 0, 0, OUT}, {{2, 3}, {8, 4}}},
        {"path_readlink", {3, PATH, 4, DATA, 9, OUT}, {{1, 4}, {3, 9}, {5, 4}}},
        {"path_remove_directory", {3, PATH, 4}, {{1, 4}}},
        {"path_rename", {3, PATH, 4, 3, PATH2, 3}, {{1, 4}, {4, 3}}},
        {"path_symlink", {PATH, 4, 3, PATH2, 3}, {{0, 4}, {3, 3}}},
        {"path_unlink_file", {3, PATH, 4}, {{1, 4}}},
        {"poll_oneoff", {DATA, OUT, 1, OUT + 100}, {{0, 48}, {1, 32}, {3, 4}}},
        {"random_get", {OUT, 8}, {{0, 8}}},
    };
    const struct wrt_wasi_config config = {.directories = directories, .directory_count = 2,
                                           .clocks = WRT_WASI_CLOCK_ALL,
                                           .random = WRT_WASI_RANDOM_SYSTEM};
    create(&config);
    assert_int_equal(must_open(3, "file", 0), FILE_FD);
    uint32_t before = count_entries();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned p = 0; p < 4 && cases[i].pointers[p].size != 0; p++) {
            const uint64_t bad[] = {FAKE_MEMORY_BYTES - cases[i].pointers[p].size + 1,
                                    FAKE_MEMORY_BYTES, FAKE_MEMORY_BYTES + 1, 0x80000000,
                                    UINT32_MAX};
            for (unsigned b = 0; b < 5; b++) {
                uint64_t arguments[9];
                memcpy(arguments, cases[i].arguments, sizeof arguments);
                arguments[cases[i].pointers[p].argument] = bad[b];
                put(PATH, "file");
                put(PATH2, "new");
                put_vector(0, DATA, 4);
                uint32_t error = run(cases[i].name, arguments);
                if (error != WRT_ERRNO_FAULT)
                    fail_msg("%s: argument %u at %#llx gave %u", cases[i].name,
                             cases[i].pointers[p].argument, (unsigned long long)bad[b], error);
            }
        }
    }
    assert_int_equal(count_entries(), before);
    EXPECT(0, fd_tell, FILE_FD, OUT);
    assert_int_equal(u64(OUT), 0);
    destroy();
}

static void test_vectors_are_checked(void **state)
{
    (void)state;
    create_usual();
    uint32_t fd = must_open(3, "file", 0);
    put_vector(0, DATA, 4);
    put_vector(1, FAKE_MEMORY_BYTES - 3, 4);
    EXPECT(WRT_ERRNO_FAULT, fd_read, fd, VECTORS, 2, OUT);
    EXPECT(WRT_ERRNO_FAULT, fd_write, fd, VECTORS, 2, OUT);
    put_vector(1, UINT32_MAX, UINT32_MAX);
    EXPECT(WRT_ERRNO_FAULT, fd_read, fd, VECTORS, 2, OUT);
    EXPECT(WRT_ERRNO_INVAL, fd_read, fd, VECTORS, 1025, OUT);
    EXPECT(0, fd_tell, fd, OUT);
    assert_int_equal(u64(OUT), 0); /* nothing was read */
    /* 70 empty vectors, then one that is not: empty ones do not make an end of file. */
    for (unsigned i = 0; i < 70; i++)
        put_vector(i, DATA, 0);
    put_vector(70, DATA, 5);
    EXPECT(0, fd_read, fd, VECTORS, 71, OUT);
    assert_int_equal(u32(OUT), 5);
    assert_memory_equal(fake.memory + DATA, "hello", 5);
    EXPECT(0, fd_read, fd, VECTORS, 70, OUT);
    assert_int_equal(u32(OUT), 0);
    /* 100 vectors of one byte: as many as fit in one step, and the rest next time. */
    make_file("a/long", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ");
    fd = must_open(3, "long", 0);
    for (unsigned i = 0; i < 100; i++)
        put_vector(i, DATA + 99 - i, 1);
    EXPECT(0, fd_read, fd, VECTORS, 100, OUT);
    assert_int_equal(u32(OUT), 64);
    assert_int_equal(fake.memory[DATA + 99], 'a');
    assert_int_equal(fake.memory[DATA + 36], '_');
    destroy();
}

/* ---- paths ---- */

static void test_path_arguments(void **state)
{
    (void)state;
    const struct wrt_wasi_config config = {.directories = directories, .directory_count = 2,
                                           .max_path_bytes = 8};
    create(&config);
    put(PATH, "file\0x");
    EXPECT(WRT_ERRNO_INVAL, path_filestat_get, 3, 0, PATH, 6, OUT);
    EXPECT(WRT_ERRNO_INVAL, path_filestat_get, 3, 0, PATH, 5, OUT);
    EXPECT(0, path_filestat_get, 3, 0, PATH, 4, OUT);
    EXPECT(WRT_ERRNO_NOENT, path_filestat_get, 3, 0, PATH, 0, OUT);
    EXPECT(WRT_ERRNO_INVAL, path_filestat_get, 3, 2, PATH, 4, OUT);
    put(PATH, "././file");
    EXPECT(0, path_filestat_get, 3, 0, PATH, 8, OUT);
    put(PATH, "./././file");
    EXPECT(WRT_ERRNO_NAMETOOLONG, path_filestat_get, 3, 0, PATH, 10, OUT);
    EXPECT(WRT_ERRNO_NAMETOOLONG, path_filestat_get, 3, 0, PATH, UINT32_MAX, OUT);
    assert_int_equal(open_path(3, "file", 0, 0, 0, 0), 0);
    put(PATH, "x");
    EXPECT(WRT_ERRNO_NOTDIR, path_filestat_get, u32(OUT), 0, PATH, 1, OUT);
    EXPECT(WRT_ERRNO_NOTDIR, fd_readdir, 5, DATA, 100, 0, OUT);
    destroy();
}

/* Every path call on a way out, with both resolvers, through the calls themselves. */
static void test_no_call_escapes(void **state)
{
    (void)state;
    static const char *const ways[] = {"../b/file", "/etc/passwd", "..", "x/../../b/file"};
    const enum wrt_wasi_resolver resolvers[] = {WRT_WASI_RESOLVER_AUTO, WRT_WASI_RESOLVER_WALK};
    char path[256];
    in_base(path, "a/x");
    mkdir(path, 0700);
    for (unsigned r = 0; r < 2; r++) {
        const struct wrt_wasi_config config = {.directories = directories, .directory_count = 2,
                                               .resolver = resolvers[r]};
        create(&config);
        for (unsigned i = 0; i < 4; i++) {
            uint32_t size = put(PATH, ways[i]), in = put(PATH2, "file");
            const uint32_t no = WRT_ERRNO_NOTCAPABLE;
            EXPECT(no, path_create_directory, 3, PATH, size);
            EXPECT(no, path_filestat_get, 3, 1, PATH, size, OUT);
            EXPECT(no, path_filestat_set_times, 3, 1, PATH, size, 0, 0, 10);
            EXPECT(no, path_link, 3, 0, PATH, size, 3, PATH2, in);
            EXPECT(no, path_link, 3, 0, PATH2, in, 3, PATH, size);
            EXPECT(no, path_open, 3, 1, PATH, size, 0, 2, 0, 0, OUT);
            EXPECT(no, path_open, 3, 1, PATH, size, WASI_OFLAG_CREAT, 2, 0, 0, OUT);
            EXPECT(no, path_readlink, 3, PATH, size, DATA, 9, OUT);
            EXPECT(no, path_remove_directory, 3, PATH, size);
            EXPECT(no, path_rename, 3, PATH, size, 3, PATH2, in);
            EXPECT(no, path_rename, 3, PATH2, in, 3, PATH, size);
            EXPECT(no, path_symlink, PATH2, in, 3, PATH, size);
            EXPECT(no, path_unlink_file, 3, PATH, size);
        }
        uint32_t size = put(PATH, "/etc");
        put(PATH2, "l");
        EXPECT(WRT_ERRNO_NOTCAPABLE, path_symlink, PATH, size, 3, PATH2, 1);
        destroy();
    }
}

/* ---- rights ---- */

static void test_read_only_directories(void **state)
{
    (void)state;
    create_usual();
    const uint32_t no = WRT_ERRNO_NOTCAPABLE;
    uint32_t size = put(PATH, "file"), other = put(PATH2, "new");
    EXPECT(no, path_create_directory, 4, PATH2, other);
    EXPECT(no, path_unlink_file, 4, PATH, size);
    EXPECT(no, path_remove_directory, 4, PATH, size);
    EXPECT(no, path_rename, 4, PATH, size, 4, PATH2, other);
    EXPECT(no, path_rename, 4, PATH, size, 3, PATH2, other);
    EXPECT(no, path_rename, 3, PATH, size, 4, PATH2, other);
    EXPECT(no, path_link, 4, 0, PATH, size, 3, PATH2, other); /* it could be written there */
    EXPECT(no, path_link, 3, 0, PATH, size, 4, PATH2, other);
    EXPECT(no, path_symlink, PATH, size, 4, PATH2, other);
    EXPECT(no, path_filestat_set_times, 4, 0, PATH, size, 0, 0, 10);
    assert_int_equal(open_path(4, "new", WASI_OFLAG_CREAT, 0, 0, 0), no);
    assert_int_equal(open_path(4, "file", WASI_OFLAG_TRUNC, 0, 0, 0), no);
    assert_int_equal(open_path(4, "file", 0, WASI_RIGHT_FD_WRITE, 0, 0), no);
    EXPECT(no, fd_filestat_set_times, 4, 0, 0, 10);

    /* Reading works, also when a guest asks for everything it can think of but writing. */
    assert_int_equal(open_path(4, "file", 0, WASI_RIGHTS_ALL & ~WASI_RIGHT_FD_WRITE,
                               WASI_RIGHTS_ALL, 0), 0);
    uint32_t fd = u32(OUT);
    put_vector(0, DATA, 100);
    EXPECT(0, fd_read, fd, VECTORS, 1, OUT);
    assert_memory_equal(fake.memory + DATA, "fixed", 5);
    EXPECT(no, fd_write, fd, VECTORS, 1, OUT);
    EXPECT(no, fd_pwrite, fd, VECTORS, 1, 0, OUT);
    EXPECT(no, fd_filestat_set_size, fd, 0);
    EXPECT(no, fd_filestat_set_times, fd, 0, 0, 10);
    EXPECT(no, fd_allocate, fd, 0, 100);
    EXPECT(0, path_filestat_get, 4, 0, PATH, size, OUT);
    assert_int_equal(u64(OUT + 32), 5);

    /* A directory opened below it is read-only as well. */
    assert_int_equal(open_path(4, ".", WASI_OFLAG_DIRECTORY, WASI_RIGHTS_ALL &
                               ~WASI_RIGHT_FD_WRITE, WASI_RIGHTS_ALL, 0), 0);
    uint32_t below = u32(OUT);
    assert_int_equal(open_path(below, "new", WASI_OFLAG_CREAT, 0, 0, 0), no);
    assert_int_equal(open_path(below, "file", 0, WASI_RIGHT_FD_WRITE, 0, 0), no);
    destroy();
}

static void test_rights_only_shrink(void **state)
{
    (void)state;
    create_usual();
    const uint32_t no = WRT_ERRNO_NOTCAPABLE;
    uint32_t fd = must_open(3, "file", 0);
    EXPECT(0, fd_fdstat_get, fd, OUT);
    uint64_t rights = u64(OUT + 8);
    assert_int_equal(rights, WASI_RIGHTS_OF_FILE);
    assert_int_equal(u64(OUT + 16), 0);
    EXPECT(no, fd_fdstat_set_rights, fd, rights | WASI_RIGHT_PATH_OPEN, 0);
    EXPECT(no, fd_fdstat_set_rights, fd, rights, WASI_RIGHT_FD_READ);
    EXPECT(no, fd_fdstat_set_rights, fd, UINT64_MAX, 0);
    put_vector(0, DATA, 1);
    /* Each right, taken away, takes exactly its calls away. */
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_ALLOCATE, 0);
    EXPECT(no, fd_allocate, fd, 0, 10);
    EXPECT(0, fd_advise, fd, 0, 0, 0);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_ADVISE, 0);
    EXPECT(no, fd_advise, fd, 0, 0, 0);
    EXPECT(0, fd_datasync, fd);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_DATASYNC, 0);
    EXPECT(no, fd_datasync, fd);
    EXPECT(0, fd_sync, fd);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_SYNC, 0);
    EXPECT(no, fd_sync, fd);
    EXPECT(0, fd_fdstat_set_flags, fd, WASI_FDFLAG_APPEND);
    EXPECT(0, fd_fdstat_set_flags, fd, 0);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_FDSTAT_SET_FLAGS, 0);
    EXPECT(no, fd_fdstat_set_flags, fd, WASI_FDFLAG_APPEND);
    EXPECT(0, fd_filestat_get, fd, OUT);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_FILESTAT_GET, 0);
    EXPECT(no, fd_filestat_get, fd, OUT);
    EXPECT(0, fd_filestat_set_times, fd, 5, 6, 5);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_FILESTAT_SET_TIMES, 0);
    EXPECT(no, fd_filestat_set_times, fd, 5, 6, 5);
    EXPECT(0, fd_filestat_set_size, fd, 5);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_FILESTAT_SET_SIZE, 0);
    EXPECT(no, fd_filestat_set_size, fd, 5);
    EXPECT(0, fd_seek, fd, 1, 0, OUT);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_SEEK, 0);
    EXPECT(no, fd_seek, fd, 1, 0, OUT);
    EXPECT(no, fd_pread, fd, VECTORS, 1, 0, OUT);
    EXPECT(no, fd_pwrite, fd, VECTORS, 1, 0, OUT);
    EXPECT(0, fd_seek, fd, 0, 1, OUT);
    EXPECT(0, fd_tell, fd, OUT);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_TELL, 0);
    EXPECT(no, fd_seek, fd, 0, 1, OUT);
    EXPECT(no, fd_tell, fd, OUT);
    EXPECT(0, fd_read, fd, VECTORS, 1, OUT);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_READ, 0);
    EXPECT(no, fd_read, fd, VECTORS, 1, OUT);
    EXPECT(no, fd_pread, fd, VECTORS, 1, 0, OUT);
    EXPECT(0, fd_write, fd, VECTORS, 0, OUT);
    EXPECT(0, fd_fdstat_set_rights, fd, rights &= ~WASI_RIGHT_FD_WRITE, 0);
    EXPECT(no, fd_write, fd, VECTORS, 0, OUT);
    destroy();
}

static void test_directory_rights(void **state)
{
    (void)state;
    static const struct {
        uint64_t right;
        const char *call;
        uint64_t arguments[9];
        uint32_t with; /* the answer when the right is there */
    } cases[] = {
        {WASI_RIGHT_PATH_CREATE_DIRECTORY, "path_create_directory", {3, PATH, 4}, WRT_ERRNO_EXIST},
        {WASI_RIGHT_PATH_LINK_SOURCE, "path_link", {3, 0, PATH, 4, 3, PATH, 4}, WRT_ERRNO_EXIST},
        {WASI_RIGHT_PATH_LINK_TARGET, "path_link", {3, 0, PATH, 4, 3, PATH, 4}, WRT_ERRNO_EXIST},
        {WASI_RIGHT_FD_READDIR, "fd_readdir", {3, DATA, 9, 0, OUT}, 0},
        {WASI_RIGHT_PATH_READLINK, "path_readlink", {3, PATH, 4, DATA, 9, OUT}, WRT_ERRNO_INVAL},
        {WASI_RIGHT_PATH_RENAME_SOURCE, "path_rename", {3, PATH, 4, 3, PATH, 4}, 0},
        {WASI_RIGHT_PATH_RENAME_TARGET, "path_rename", {3, PATH, 4, 3, PATH, 4}, 0},
        {WASI_RIGHT_PATH_FILESTAT_GET, "path_filestat_get", {3, 0, PATH, 4, OUT}, 0},
        {WASI_RIGHT_PATH_FILESTAT_SET_TIMES, "path_filestat_set_times",
         {3, 0, PATH, 4, 0, 0, 8}, 0},
        {WASI_RIGHT_PATH_SYMLINK, "path_symlink", {PATH, 4, 3, PATH, 4}, WRT_ERRNO_EXIST},
        {WASI_RIGHT_PATH_REMOVE_DIRECTORY, "path_remove_directory", {3, PATH, 4},
         WRT_ERRNO_NOTDIR},
        {WASI_RIGHT_PATH_UNLINK_FILE, "path_unlink_file", {3, PATH2, 4}, WRT_ERRNO_NOENT},
        {WASI_RIGHT_PATH_CREATE_FILE, "path_open",
         {3, 0, PATH, 4, WASI_OFLAG_CREAT | WASI_OFLAG_EXCL, 0, 0, 0, OUT}, WRT_ERRNO_EXIST},
        {WASI_RIGHT_PATH_FILESTAT_SET_SIZE, "path_open",
         {3, 0, PATH2, 4, WASI_OFLAG_TRUNC, 0, 0, 0, OUT}, WRT_ERRNO_NOENT},
        {WASI_RIGHT_PATH_OPEN, "path_open", {3, 0, PATH2, 4, 0, 0, 0, 0, OUT}, WRT_ERRNO_NOENT},
        {WASI_RIGHT_FD_SYNC, "fd_sync", {3}, 0},
        {WASI_RIGHT_FD_FILESTAT_GET, "fd_filestat_get", {3, OUT}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        create_usual();
        put(PATH, "file");
        put(PATH2, "none");
        uint32_t with = run(cases[i].call, cases[i].arguments);
        if (with != cases[i].with)
            fail_msg("%s gave %u", cases[i].call, with);
        EXPECT(0, fd_fdstat_set_rights, 3, WASI_RIGHTS_OF_DIRECTORY & ~cases[i].right,
               WASI_RIGHTS_OF_FILE);
        uint32_t without = run(cases[i].call, cases[i].arguments);
        if (without != WRT_ERRNO_NOTCAPABLE)
            fail_msg("%s without its right gave %u", cases[i].call, without);
        destroy();
    }
}

static void test_inheriting_bounds_what_is_opened(void **state)
{
    (void)state;
    create_usual();
    EXPECT(0, fd_fdstat_set_rights, 3, WASI_RIGHTS_OF_DIRECTORY,
           WASI_RIGHT_FD_READ | WASI_RIGHT_FD_TELL);
    assert_int_equal(open_path(3, "file", 0, WASI_RIGHT_FD_WRITE, 0, 0), WRT_ERRNO_NOTCAPABLE);
    assert_int_equal(open_path(3, "file", 0, WASI_RIGHTS_ALL & ~WASI_RIGHT_FD_WRITE,
                               WASI_RIGHTS_ALL, 0), 0);
    EXPECT(0, fd_fdstat_get, u32(OUT), DATA);
    assert_int_equal(u64(DATA + 8), WASI_RIGHT_FD_READ | WASI_RIGHT_FD_TELL);
    EXPECT(0, fd_fdstat_set_rights, 3, WASI_RIGHTS_OF_DIRECTORY, WASI_RIGHT_FD_TELL);
    assert_int_equal(open_path(3, "file", 0, WASI_RIGHT_FD_READ, 0, 0), WRT_ERRNO_NOTCAPABLE);
    destroy();
}

/* ---- the table ---- */

static unsigned open_files(void)
{
    unsigned count = 0;
    for (int file = 0; file < 256; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

static void test_the_table_has_an_end(void **state)
{
    (void)state;
    unsigned before = open_files();
    const struct wrt_wasi_config config = {.directories = directories, .directory_count = 2,
                                           .max_descriptors = 8};
    create(&config);
    for (uint32_t fd = 5; fd < 8; fd++)
        assert_int_equal(must_open(3, "file", 0), fd);
    assert_int_equal(open_path(3, "unmade", WASI_OFLAG_CREAT, 0, 0, 0), WRT_ERRNO_MFILE);
    char path[256];
    in_base(path, "a/unmade");
    assert_int_equal(access(path, F_OK), -1);
    EXPECT(0, fd_close, 6);
    EXPECT(WRT_ERRNO_BADF, fd_close, 6);
    assert_int_equal(must_open(3, "file", 0), 6);
    EXPECT(0, fd_renumber, 5, 7);
    EXPECT(WRT_ERRNO_BADF, fd_renumber, 5, 7);
    EXPECT(WRT_ERRNO_BADF, fd_renumber, 7, 5);
    EXPECT(WRT_ERRNO_BADF, fd_renumber, 7, 4000000000u);
    EXPECT(0, fd_renumber, 7, 7);
    EXPECT(0, fd_renumber, 7, 3);
    EXPECT(WRT_ERRNO_BADF, fd_prestat_get, 3, OUT);
    EXPECT(0, fd_tell, 3, OUT);
    destroy(); /* closes what is left */
    assert_int_equal(open_files(), before);
}

/* ---- streams ---- */

struct pipe_pair {
    int read, write;
};

static struct pipe_pair make_pipe(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    return (struct pipe_pair){ends[0], ends[1]};
}

static void *write_later(void *context)
{
    const struct timespec later = {.tv_nsec = 60000000};
    nanosleep(&later, NULL);
    assert_int_equal(write(*(int *)context, "late", 4), 4);
    return NULL;
}

static void test_streams(void **state)
{
    (void)state;
    struct pipe_pair in = make_pipe(), out = make_pipe();
    const struct wrt_wasi_config config = {
        .standard_input = {WRT_WASI_STREAM_DESCRIPTOR, in.read},
        .standard_output = {WRT_WASI_STREAM_DESCRIPTOR, out.write}};
    create(&config);
    put_vector(0, DATA, 16);
    EXPECT(WRT_ERRNO_NOTCAPABLE, fd_write, 0, VECTORS, 1, OUT);
    EXPECT(WRT_ERRNO_NOTCAPABLE, fd_read, 1, VECTORS, 1, OUT);
    EXPECT(WRT_ERRNO_BADF, fd_write, 2, VECTORS, 1, OUT);
    EXPECT(WRT_ERRNO_SPIPE, fd_seek, 0, 0, 1, OUT);
    EXPECT(WRT_ERRNO_SPIPE, fd_pread, 0, VECTORS, 1, 0, OUT);
    EXPECT(WRT_ERRNO_SPIPE, fd_advise, 0, 0, 0, 0);
    EXPECT(WRT_ERRNO_SPIPE, fd_allocate, 1, 0, 10);
    EXPECT(WRT_ERRNO_NOTSOCK, sock_recv, 0, VECTORS, 1, 0, OUT, OUT);

    /* Empty: a reader that does not block is told, one that does waits. */
    EXPECT(0, fd_fdstat_set_flags, 0, WASI_FDFLAG_NONBLOCK);
    EXPECT(WRT_ERRNO_AGAIN, fd_read, 0, VECTORS, 1, OUT);
    assert_int_equal(fcntl(in.read, F_GETFL) & O_NONBLOCK, 0); /* others share it */
    EXPECT(0, fd_fdstat_set_flags, 0, 0);
    EXPECT(WRT_ERRNO_NOTSUP, fd_fdstat_set_flags, 0, WASI_FDFLAG_APPEND);
    EXPECT(WRT_ERRNO_NOTSUP, fd_fdstat_set_flags, 0, WASI_FDFLAG_SYNC);
    EXPECT(WRT_ERRNO_INVAL, fd_fdstat_set_flags, 0, 32);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_later, &in.write), 0);
    EXPECT(0, fd_read, 0, VECTORS, 1, OUT);
    assert_int_equal(u32(OUT), 4);
    assert_memory_equal(fake.memory + DATA, "late", 4);
    pthread_join(thread, NULL);

    /* A guest that must stop pauses, and resuming reads. */
    fake.stop_after = 2;
    CALL(fd_read, 0, VECTORS, 1, OUT);
    assert_int_equal(last_status, WRT_PAUSED);
    fake.should_stop = false;
    assert_int_equal(write(in.write, "x", 1), 1);
    EXPECT(0, fd_read, 0, VECTORS, 1, OUT);
    assert_int_equal(u32(OUT), 1);

    /* A full pipe: short writes, then AGAIN or a pause, never a hang. */
    put_vector(0, DATA, 40000);
    uint32_t total = 0;
    EXPECT(0, fd_fdstat_set_flags, 1, WASI_FDFLAG_NONBLOCK);
    for (;;) {
        uint32_t error = CALL(fd_write, 1, VECTORS, 1, OUT);
        if (error == WRT_ERRNO_AGAIN)
            break;
        assert_int_equal(error, 0);
        assert_in_range(u32(OUT), 1, 4096);
        total += u32(OUT);
    }
    assert_int_equal(total, 65536);
    EXPECT(0, fd_fdstat_set_flags, 1, 0);
    fake.should_stop = true;
    CALL(fd_write, 1, VECTORS, 1, OUT);
    assert_int_equal(last_status, WRT_PAUSED);
    fake.should_stop = false;

    /* Nobody reads any more: an error, not a signal that ends this process. */
    signal(SIGPIPE, SIG_DFL);
    close(out.read);
    EXPECT(WRT_ERRNO_PIPE, fd_write, 1, VECTORS, 1, OUT);
    close(in.write);
    EXPECT(0, fd_read, 0, VECTORS, 1, OUT);
    assert_int_equal(u32(OUT), 0);
    destroy();
    close(in.read); /* still ours: these succeed */
    assert_int_equal(close(out.write), 0);
}

/* A stream that is a directory would be a grant to open paths; a closed one is none. */
static void test_streams_that_are_none(void **state)
{
    (void)state;
    const int input = dup(0), directory = open(host_a, O_RDONLY | O_DIRECTORY);
    const struct wrt_wasi_config inherit = {.standard_input = {WRT_WASI_STREAM_INHERIT, 0}};
    refuse(&(struct wrt_wasi_config){
               .standard_output = {WRT_WASI_STREAM_DESCRIPTOR, directory}},
           WRT_ERR_ARGUMENT, "standard_output");
    assert_int_equal(dup2(directory, 0), 0);
    create(&inherit);
    EXPECT(WRT_ERRNO_BADF, fd_fdstat_get, 0, OUT);
    assert_int_equal(open_path(0, "file", 0, 0, 0, 0), WRT_ERRNO_BADF);
    destroy();
    close(0);
    create(&inherit);
    EXPECT(WRT_ERRNO_BADF, fd_fdstat_get, 0, OUT);
    destroy();
    assert_int_equal(dup2(open("/dev/null", O_RDWR), 0), 0);
    create(&inherit);
    EXPECT(0, fd_fdstat_get, 0, OUT);
    assert_int_equal(fake.memory[OUT], WRT_PORT_TYPE_CHARACTER_DEVICE);
    put_vector(0, DATA, 4);
    EXPECT(0, fd_read, 0, VECTORS, 1, OUT);
    assert_int_equal(u32(OUT), 0);
    destroy();
    if (input >= 0) {
        dup2(input, 0);
        close(input);
    }
    close(directory);
}

static void test_pipes_in_directories(void **state)
{
    (void)state;
    char path[256];
    create_usual();
    in_base(path, "a/fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    /* Opening waits for nobody. */
    assert_int_equal(open_path(3, "fifo", 0, WASI_RIGHT_FD_WRITE, 0, 0), WRT_ERRNO_NXIO);
    assert_int_equal(open_path(3, "fifo", 0, WASI_RIGHT_FD_READ, 0, 0), 0);
    uint32_t reader = u32(OUT);
    assert_int_equal(open_path(3, "fifo", 0, WASI_RIGHT_FD_WRITE, 0, 0), 0);
    uint32_t writer = u32(OUT);
    put(DATA, "through");
    put_vector(0, DATA, 7);
    EXPECT(0, fd_write, writer, VECTORS, 1, OUT);
    put_vector(0, DATA + 100, 50);
    EXPECT(0, fd_read, reader, VECTORS, 1, OUT);
    assert_int_equal(u32(OUT), 7);
    fake.should_stop = true;
    CALL(fd_read, reader, VECTORS, 1, OUT);
    assert_int_equal(last_status, WRT_PAUSED);
    destroy();
    assert_int_equal(unlink(path), 0);
}

/* ---- clocks ---- */

static void test_clocks(void **state)
{
    (void)state;
    const struct wrt_wasi_config config = {
        .clocks = WRT_WASI_CLOCK_MONOTONIC | WRT_WASI_CLOCK_REALTIME,
        .clock_resolution_ns = 1000000};
    struct timespec now;
    create(&config);
    EXPECT(0, clock_res_get, 0, OUT);
    assert_int_equal(u64(OUT), 1000000);
    EXPECT(0, clock_time_get, 0, 0, OUT);
    clock_gettime(CLOCK_REALTIME, &now);
    assert_int_equal(u64(OUT) % 1000000, 0);
    assert_in_range(u64(OUT) / 1000000000, (uint64_t)now.tv_sec - 2, (uint64_t)now.tv_sec);
    EXPECT(0, clock_time_get, 1, 0, OUT);
    assert_int_equal(u64(OUT) % 1000000, 0);
    assert_in_range(u64(OUT), 0, 1000000000); /* counted from create */
    EXPECT(WRT_ERRNO_NOTCAPABLE, clock_time_get, 2, 0, OUT);
    EXPECT(WRT_ERRNO_NOTCAPABLE, clock_time_get, 3, 0, OUT);
    destroy();
    const struct wrt_wasi_config fine = {.clocks = WRT_WASI_CLOCK_ALL};
    create(&fine);
    EXPECT(0, clock_res_get, 1, OUT);
    assert_in_range(u64(OUT), 1, 10000000); /* at most a tick of 10 ms */
    for (uint32_t clock = 0; clock < 4; clock++) {
        EXPECT(0, clock_time_get, clock, 0, OUT);
        EXPECT(0, clock_time_get, clock, 0, OUT + 8);
        assert_true(u64(OUT) <= u64(OUT + 8));
    }
    EXPECT(WRT_ERRNO_INVAL, clock_res_get, 4, OUT);
    EXPECT(WRT_ERRNO_INVAL, clock_res_get, UINT32_MAX, OUT);
    destroy();
}

/* ---- randomness ---- */

static void test_random(void **state)
{
    (void)state;
    struct wrt_wasi_config config = {.random = WRT_WASI_RANDOM_SEEDED, .random_seed = 7};
    uint8_t first[32];
    create(&config);
    EXPECT(0, random_get, DATA, 13);
    EXPECT(0, random_get, DATA + 13, 19);
    memcpy(first, fake.memory + DATA, 32);
    destroy();
    create(&config);
    EXPECT(0, random_get, DATA, 13);
    EXPECT(0, random_get, DATA + 13, 19);
    assert_memory_equal(fake.memory + DATA, first, 32);
    assert_memory_not_equal(first, first + 16, 16);
    destroy();
    config.random_seed = 8;
    create(&config);
    EXPECT(0, random_get, DATA, 32);
    assert_memory_not_equal(fake.memory + DATA, first, 32);
    destroy();
    config.random = WRT_WASI_RANDOM_SYSTEM;
    create(&config);
    EXPECT(0, random_get, DATA, 32);
    EXPECT(0, random_get, DATA + 32, 32);
    assert_memory_not_equal(fake.memory + DATA, fake.memory + DATA + 32, 32);
    EXPECT(0, random_get, DATA, 0);
    EXPECT(0, random_get, FAKE_MEMORY_BYTES, 0);
    assert_int_equal(fake.fuel, 0);
    EXPECT(0, random_get, DATA, 6400);
    assert_int_equal(fake.fuel, 100);
    destroy();
}

/* ---- poll_oneoff ---- */

static void subscribe_clock(unsigned index, uint64_t userdata, uint32_t clock, uint64_t timeout,
                            bool is_absolute)
{
    uint8_t *at = fake.memory + DATA + 48 * index;
    memset(at, 0, 48);
    wrt_write_u64(at, userdata);
    wrt_write_u32(at + 16, clock);
    wrt_write_u64(at + 24, timeout);
    wrt_write_u16(at + 40, is_absolute);
}

static void subscribe_file(unsigned index, uint64_t userdata, uint8_t type, uint32_t fd)
{
    uint8_t *at = fake.memory + DATA + 48 * index;
    memset(at, 0, 48);
    wrt_write_u64(at, userdata);
    at[8] = type;
    wrt_write_u32(at + 16, fd);
}

static uint64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum { EVENTS = 40000, COUNT = 39000 };

static void test_poll_clocks(void **state)
{
    (void)state;
    create_usual();
    uint64_t start = milliseconds();
    subscribe_clock(0, 11, 1, 50000000, false);
    subscribe_clock(1, 12, 0, 5000000000, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 2, COUNT);
    assert_in_range(milliseconds() - start, 50, 3000);
    assert_int_equal(u32(COUNT), 1);
    assert_int_equal(u64(EVENTS), 11);
    assert_int_equal(u32(EVENTS + 8), 0);

    start = milliseconds();
    EXPECT(0, clock_time_get, 0, 0, OUT);
    subscribe_clock(0, 1, 0, u64(OUT) + 30000000, true);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    assert_in_range(milliseconds() - start, 29, 3000);
    EXPECT(0, clock_time_get, 1, 0, OUT);
    subscribe_clock(0, 1, 1, u64(OUT) + 30000000, true);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    EXPECT(0, clock_time_get, 1, 0, OUT + 8);
    assert_true(u64(OUT + 8) >= u64(OUT) + 30000000);

    start = milliseconds(); /* long past: at once */
    subscribe_clock(0, 1, 0, 0, true);
    subscribe_clock(1, 2, 1, 0, true);
    subscribe_clock(2, 3, 1, 0, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 3, COUNT);
    assert_int_equal(u32(COUNT), 3);
    assert_true(milliseconds() - start < 1000);

    /* What cannot be waited for is an event with an error, not an error. */
    subscribe_clock(0, 1, 4, 0, false);
    subscribe_clock(1, 2, 2, 0, false);
    subscribe_file(2, 3, WASI_EVENT_FD_READ, 77);
    subscribe_file(3, 4, WASI_EVENT_FD_WRITE, 3);
    subscribe_clock(4, 5, 1, UINT64_MAX, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 5, COUNT);
    assert_int_equal(u32(COUNT), 4);
    assert_int_equal(u32(EVENTS + 8) & 0xFFFF, WRT_ERRNO_INVAL);
    assert_int_equal(u32(EVENTS + 32 + 8) & 0xFFFF, WRT_ERRNO_NOTSUP);
    assert_int_equal(u32(EVENTS + 64 + 8) & 0xFFFF, WRT_ERRNO_BADF);
    assert_int_equal(u32(EVENTS + 96 + 8) & 0xFFFF, WRT_ERRNO_NOTCAPABLE);
    EXPECT(WRT_ERRNO_INVAL, poll_oneoff, DATA, EVENTS, 0, COUNT);
    EXPECT(WRT_ERRNO_INVAL, poll_oneoff, DATA, EVENTS, 65, COUNT);
    fake.memory[DATA + 8] = 3;
    EXPECT(WRT_ERRNO_INVAL, poll_oneoff, DATA, EVENTS, 1, COUNT);
    destroy();

    const struct wrt_wasi_config none = {0};
    create(&none);
    subscribe_clock(0, 1, 1, 0, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    assert_int_equal(u32(EVENTS + 8) & 0xFFFF, WRT_ERRNO_NOTCAPABLE);
    destroy();
}

static void test_poll_is_coarse(void **state)
{
    (void)state;
    const struct wrt_wasi_config config = {.clocks = WRT_WASI_CLOCK_MONOTONIC,
                                           .clock_resolution_ns = 100000000};
    create(&config);
    subscribe_clock(0, 1, 1, 1, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    uint64_t start = milliseconds();
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT); /* a nanosecond takes a whole step */
    assert_in_range(milliseconds() - start, 90, 3000);
    destroy();
}

static void test_poll_pauses_and_goes_on(void **state)
{
    (void)state;
    const struct timespec while_paused = {.tv_sec = 2, .tv_nsec = 500000000};
    create_usual();
    subscribe_clock(0, 1, 1, UINT64_C(3000000000), false);
    uint64_t start = milliseconds();
    fake.stop_after = 3;
    CALL(poll_oneoff, DATA, EVENTS, 1, COUNT);
    assert_int_equal(last_status, WRT_PAUSED);
    assert_true(milliseconds() - start >= 30);
    fake.should_stop = false;
    nanosleep(&while_paused, NULL);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT); /* resumed: ends when it would have */
    assert_in_range(milliseconds() - start, 3000, 5400); /* anew it would be 5,500 at least */
    /* Dropped: the next wait is a new one. */
    fake.should_stop = true;
    CALL(poll_oneoff, DATA, EVENTS, 1, COUNT);
    assert_int_equal(last_status, WRT_PAUSED);
    fake.should_stop = false;
    EXPECT(0, sched_yield, 0);
    start = milliseconds();
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    assert_in_range(milliseconds() - start, 3000, 30000);
    destroy();
    const struct wrt_wasi_config few = {.clocks = WRT_WASI_CLOCK_ALL, .max_subscriptions = 1};
    create(&few);
    subscribe_clock(0, 1, 1, 0, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    EXPECT(WRT_ERRNO_INVAL, poll_oneoff, DATA, EVENTS, 2, COUNT);
    destroy();
}

static void test_poll_descriptors(void **state)
{
    (void)state;
    struct pipe_pair in = make_pipe(), out = make_pipe();
    const struct wrt_wasi_config config = {
        .standard_input = {WRT_WASI_STREAM_DESCRIPTOR, in.read},
        .standard_output = {WRT_WASI_STREAM_DESCRIPTOR, out.write},
        .directories = directories, .directory_count = 1, .clocks = WRT_WASI_CLOCK_MONOTONIC};
    create(&config);
    uint32_t file = must_open(3, "file", 0);
    subscribe_file(0, 21, WASI_EVENT_FD_READ, 0);
    subscribe_clock(1, 22, 1, 40000000, false);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 2, COUNT);
    assert_int_equal(u32(COUNT), 1);
    assert_int_equal(u64(EVENTS), 22);
    subscribe_file(1, 23, WASI_EVENT_FD_WRITE, 1);
    subscribe_file(2, 24, WASI_EVENT_FD_READ, file);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 3, COUNT);
    assert_int_equal(u32(COUNT), 2);
    assert_int_equal(u64(EVENTS), 23);
    assert_int_equal(fake.memory[EVENTS + 10], WASI_EVENT_FD_WRITE);
    assert_int_equal(u64(EVENTS + 32), 24);
    assert_int_equal(u64(EVENTS + 32 + 16), 5); /* bytes left in the file */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_later, &in.write), 0);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    pthread_join(thread, NULL);
    assert_int_equal(u64(EVENTS), 21);
    uint64_t in_pipe = 0; /* 0 also where the system does not tell */
    (void)!wrt_port_file_available(in.read, &in_pipe);
    assert_int_equal(u64(EVENTS + 16), in_pipe);
    assert_true(in_pipe == 4 || wrt_port_file_available(in.read, &in_pipe) == WRT_ERRNO_NOTSUP);
    assert_int_equal(u32(EVENTS + 24), 0);
    close(in.write);
    EXPECT(0, poll_oneoff, DATA, EVENTS, 1, COUNT);
    assert_int_equal(u32(EVENTS + 24), WASI_EVENT_HANGUP);
    destroy();
    close(in.read);
    close(out.read);
    close(out.write);
}

/* ---- sockets ---- */

static int listen_anywhere(struct sockaddr_in *address)
{
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listening, (struct sockaddr *)address, size), 0);
    assert_int_equal(listen(listening, 4), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)address, &size), 0);
    return listening;
}

static int connect_to(const struct sockaddr_in *address)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)address, sizeof *address), 0);
    return client;
}

static void test_sockets(void **state)
{
    (void)state;
    struct sockaddr_in address;
    int listening = listen_anywhere(&address);
    const struct wrt_wasi_config config = {.directories = directories, .directory_count = 1,
                                           .sockets = &listening, .socket_count = 1};
    create(&config);
    EXPECT(WRT_ERRNO_BADF, fd_prestat_get, 4, OUT); /* the socket is no directory */
    EXPECT(WRT_ERRNO_NOTSOCK, sock_accept, 3, 0, OUT);
    EXPECT(WRT_ERRNO_NOTSOCK, sock_send, 3, VECTORS, 1, 0, OUT);
    EXPECT(WRT_ERRNO_NOTSOCK, sock_shutdown, 3, 1);
    EXPECT(WRT_ERRNO_BADF, sock_shutdown, 9, 1);
    EXPECT(0, fd_fdstat_set_flags, 4, WASI_FDFLAG_NONBLOCK);
    EXPECT(WRT_ERRNO_AGAIN, sock_accept, 4, 0, OUT);
    EXPECT(0, fd_fdstat_set_flags, 4, 0);
    EXPECT(WRT_ERRNO_INVAL, sock_accept, 4, WASI_FDFLAG_APPEND, OUT);
    put_vector(0, DATA, 3);
    EXPECT(WRT_ERRNO_NOTCONN, sock_recv, 4, VECTORS, 1, 0, OUT, OUT + 4); /* at once */
    EXPECT(WRT_ERRNO_FAULT, sock_accept, 4, 0, FAKE_MEMORY_BYTES);
    fake.should_stop = true;
    CALL(sock_accept, 4, 0, OUT);
    assert_int_equal(last_status, WRT_PAUSED);
    fake.should_stop = false;

    int client = connect_to(&address);
    EXPECT(0, sock_accept, 4, WASI_FDFLAG_NONBLOCK, OUT);
    uint32_t fd = u32(OUT);
    assert_int_equal(fd, 5);
    EXPECT(0, fd_fdstat_get, fd, OUT);
    assert_int_equal(fake.memory[OUT], WRT_PORT_TYPE_SOCKET_STREAM);
    assert_int_equal(u64(OUT + 8), WASI_RIGHTS_OF_CONNECTION);
    EXPECT(WRT_ERRNO_NOTCAPABLE, sock_accept, fd, 0, OUT);

    put_vector(0, DATA, 3);
    put_vector(1, DATA + 10, 20);
    EXPECT(WRT_ERRNO_AGAIN, sock_recv, fd, VECTORS, 2, 0, OUT, OUT + 4);
    assert_int_equal(send(client, "abcdef", 6, 0), 6);
    EXPECT(0, fd_fdstat_set_flags, fd, 0);
    EXPECT(0, sock_recv, fd, VECTORS, 2, WASI_RIFLAG_PEEK, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 6);
    EXPECT(0, sock_recv, fd, VECTORS, 1, 0, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 3);
    EXPECT(0, fd_read, fd, VECTORS + 8, 1, OUT);
    assert_int_equal(u32(OUT), 3);
    assert_memory_equal(fake.memory + DATA + 10, "def", 3);
    EXPECT(WRT_ERRNO_INVAL, sock_recv, fd, VECTORS, 1, 4, OUT, OUT + 4);
    EXPECT(WRT_ERRNO_FAULT, sock_recv, fd, VECTORS, 1, 0, FAKE_MEMORY_BYTES, OUT);
    EXPECT(WRT_ERRNO_FAULT, sock_recv, fd, VECTORS, 1, 0, OUT, FAKE_MEMORY_BYTES - 1);
    EXPECT(WRT_ERRNO_INVAL, sock_send, fd, VECTORS, 1, 1, OUT);

    /* Waiting for all: both parts arrive in the right places. */
    assert_int_equal(send(client, "12", 2, 0), 2);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_later, &client), 0);
    put_vector(0, DATA, 1);
    put_vector(1, DATA + 10, 5);
    EXPECT(0, sock_recv, fd, VECTORS, 2, WASI_RIFLAG_WAITALL, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 6);
    assert_memory_equal(fake.memory + DATA, "1", 1);
    assert_memory_equal(fake.memory + DATA + 10, "2late", 5);
    pthread_join(thread, NULL);
    /* Stopped on the way: what has come is told. */
    assert_int_equal(send(client, "zz", 2, 0), 2);
    fake.should_stop = true;
    EXPECT(0, sock_recv, fd, VECTORS, 2, WASI_RIFLAG_WAITALL, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 2);
    CALL(sock_recv, fd, VECTORS, 2, WASI_RIFLAG_WAITALL, OUT, OUT + 4);
    assert_int_equal(last_status, WRT_PAUSED);
    fake.should_stop = false;

    put(DATA, "reply");
    put_vector(0, DATA, 5);
    char text[16];
    EXPECT(0, sock_send, fd, VECTORS, 1, 0, OUT);
    assert_int_equal(u32(OUT), 5);
    EXPECT(0, fd_write, fd, VECTORS, 1, OUT);
    assert_int_equal(recv(client, text, 10, MSG_WAITALL), 10);
    assert_memory_equal(text, "replyreply", 10);
    EXPECT(WRT_ERRNO_INVAL, sock_shutdown, fd, 0);
    EXPECT(WRT_ERRNO_INVAL, sock_shutdown, fd, 4);
    EXPECT(0, sock_shutdown, fd, WASI_SDFLAG_WR);
    assert_int_equal(recv(client, text, 1, 0), 0);
    EXPECT(WRT_ERRNO_PIPE, sock_send, fd, VECTORS, 1, 0, OUT); /* and no signal */
    close(client);
    EXPECT(0, sock_recv, fd, VECTORS, 1, 0, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 0);
    destroy();
    assert_int_equal(close(listening), 0);
}

static void test_datagrams(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    const struct wrt_wasi_config config = {.sockets = pair, .socket_count = 1};
    create(&config);
    assert_int_equal(send(pair[1], "datagram", 8, 0), 8);
    put_vector(0, DATA, 4);
    EXPECT(0, sock_recv, 3, VECTORS, 1, 0, OUT, OUT + 4);
    assert_int_equal(u32(OUT), 4);
    assert_int_equal(u32(OUT + 4) & 0xFFFF, WASI_ROFLAG_TRUNCATED);
    EXPECT(0, fd_filestat_get, 3, OUT);
    assert_int_equal(fake.memory[OUT + 16], WRT_PORT_TYPE_SOCKET_DATAGRAM);
    destroy();
    close(pair[0]);
    close(pair[1]);
}

/* ---- directories ---- */

static void test_readdir(void **state)
{
    (void)state;
    char path[256];
    in_base(path, "a/many");
    mkdir(path, 0700);
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "a/many/a_rather_long_name_%03d", i);
        make_file(name, "");
    }
    create_usual();
    assert_int_equal(open_path(3, "many", WASI_OFLAG_DIRECTORY, WASI_RIGHTS_OF_DIRECTORY, 0, 0),
                     0);
    uint32_t fd = u32(OUT);
    static bool seen[300];
    uint64_t cookie = 0, middle = 0, saved_next = 0;
    unsigned entries = 0, rounds = 0;
    memset(seen, 0, sizeof seen);
    for (;; rounds++) { /* a small buffer: the last entry is usually cut off */
        EXPECT(0, fd_readdir, fd, DATA, 500, cookie, OUT);
        uint32_t used = u32(OUT), at = 0;
        assert_true(used <= 500);
        while (used - at >= 24) {
            const uint8_t *entry = fake.memory + DATA + at;
            uint32_t length = wrt_read_u32(entry + 16);
            if (used - at < 24 + length)
                break;
            int number;
            char name[64] = "";
            memcpy(name, entry + 24, length < 63 ? length : 63);
            if (sscanf(name, "a_rather_long_name_%d", &number) == 1) {
                assert_false(seen[number]);
                assert_int_equal(entry[20], WRT_PORT_TYPE_REGULAR);
                seen[number] = true;
            } else if (strcmp(name, "..") == 0) {
                assert_int_equal(wrt_read_u64(entry + 8), 0);
            } else {
                assert_string_equal(name, ".");
            }
            entries++;
            cookie = wrt_read_u64(entry);
            if (entries == 150)
                middle = cookie;
            if (entries == 151)
                saved_next = wrt_read_u64(entry + 8);
            at += 24 + length;
        }
        if (used < 500)
            break;
        assert_true(rounds < 400);
    }
    assert_int_equal(entries, 302);
    EXPECT(0, fd_readdir, fd, DATA, 500, middle, OUT); /* back to the middle */
    assert_int_equal(u64(DATA + 8), saved_next);
    EXPECT(0, fd_readdir, fd, DATA, 0, 0, OUT);
    assert_int_equal(u32(OUT), 0);
    EXPECT(WRT_ERRNO_INVAL, fd_readdir, fd, DATA, 500, UINT64_MAX, OUT);
    fake.should_stop = true; /* more than one bufferful: can be stopped on the way */
    CALL(fd_readdir, fd, DATA, 30000, 0, OUT);
    assert_int_equal(last_status, WRT_PAUSED);
    fake.should_stop = false;
    EXPECT(0, fd_readdir, fd, DATA, 30000, 0, OUT);
    assert_in_range(u32(OUT), 300 * 46, 29999);
    destroy();
}

/* ---- hostile arguments ---- */

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static uint64_t hostile(void)
{
    static const uint64_t edges[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 24, 48, 64, 255, 256, PATH, OUT,
                                     VECTORS, DATA, 65535, 65536, 0x7FFFFFFF, 0x80000000,
                                     UINT32_MAX, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
    return next_random() % 3 ? edges[next_random() % (sizeof edges / sizeof edges[0])]
                             : next_random() >> next_random() % 64;
}

/* Arguments and memory at random. The sanitizers watch; here: never a host error, and the
 * neighbour directory stays as it is. */
static void test_hostile_arguments(void **state)
{
    (void)state;
    struct pipe_pair in = make_pipe();
    const struct wrt_wasi_config config = {
        .standard_input = {WRT_WASI_STREAM_DESCRIPTOR, in.read},
        .directories = directories, .directory_count = 2, .clocks = WRT_WASI_CLOCK_ALL,
        .random = WRT_WASI_RANDOM_SEEDED, .max_descriptors = 12};
    create(&config);
    int allocate = fake_index("fd_allocate"), resize = fake_index("fd_filestat_set_size");
    for (unsigned round = 0; round < 20000; round++) {
        int index = (int)(next_random() % 46);
        union wrt_slot slots[9];
        uint32_t error;
        for (unsigned i = 0; i < 9; i++)
            slots[i].i64 = hostile();
        if (index == allocate || index == resize)
            slots[2].i64 = slots[1].i64 %= 4096; /* spare the disk */
        for (unsigned i = 0; i < 64; i++)
            wrt_write_u64(fake.memory + next_random() % (FAKE_MEMORY_BYTES - 8), hostile());
        fake.should_stop = true; /* or it would wait for ever */
        enum wrt_status status = fake_call_slots(index, slots, &error);
        assert_true(status == WRT_OK || status == WRT_PAUSED || status == WRT_EXITED);
        if (status == WRT_OK)
            assert_in_range(error, 0, 76);
    }
    destroy();
    char path[256], text[8] = "";
    in_base(path, "b/file");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "fixed");
    close(in.read);
    close(in.write);
}

/* ---- a random walk over paths ---- */

static const char *pick(const char *const *from, unsigned count)
{
    return from[next_random() % count];
}

/* Mostly short, so that the calls hit what others have made. */
static uint32_t put_random_path(uint32_t address)
{
    static const char *const names[] = {"x", "y", "z"};
    static const char *const parts[] = {"x", "y", "file", "..", ".", "", "outside", "../.."};
    char path[128];
    strcpy(path, next_random() % 8 ? pick(names, 3) : pick(parts, 8));
    for (uint64_t more = next_random() % 4; more > 1; more--) {
        strcat(path, "/");
        strcat(path, pick(parts, 8));
    }
    return put(address, path);
}

static uint32_t put_random_link(uint32_t address)
{
    static const char *const texts[] = {"../outside", "../../outside", "..", ".", "x", "y/..",
                                        "../outside/file", "../b/file", "z/../../outside", "/"};
    return put(address, pick(texts, 10));
}

/* Everything this process has open under the base lies in a or b. */
static void check_nothing_is_open_outside(void)
{
    char link[64], target[512], a[300], b[300];
    snprintf(a, sizeof a, "%s/a", base);
    snprintf(b, sizeof b, "%s/b", base);
    for (int file = 0; file < 40; file++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t got = readlink(link, target, sizeof target - 1);
        if (got < 0)
            continue;
        target[got] = '\0';
        if (strncmp(target, base, strlen(base)) == 0 && strncmp(target, a, strlen(a)) != 0 &&
            strncmp(target, b, strlen(b)) != 0)
            fail_msg("%s is open", target);
    }
}

static void walk_once(void)
{
    uint32_t size = put_random_path(PATH), size2 = put_random_path(PATH2);
    uint64_t fd = 3 + next_random() % 8 / 3 * 2, other = next_random() % 2 ? fd : 3;
    uint64_t follow = next_random() % 2;
    switch (next_random() % 12) {
    case 0:
    case 1:
    case 2:
        if (CALL(path_open, fd, follow, PATH, size, next_random() % 16,
                 next_random() & WASI_RIGHTS_ALL & ~WASI_RIGHT_FD_ALLOCATE, WASI_RIGHTS_ALL, 0,
                 OUT) == 0) {
            check_nothing_is_open_outside();
            if (u32(OUT) > 7) /* keep some as starting points */
                CALL(fd_close, u32(OUT));
        }
        break;
    case 3: CALL(path_create_directory, fd, PATH, size); break;
    case 4:
    case 5:
        size = put_random_link(PATH);
        CALL(path_symlink, PATH, size, fd, PATH2, size2);
        break;
    case 6: CALL(path_rename, fd, PATH, size, other, PATH2, size2); break;
    case 7: CALL(path_link, fd, follow, PATH, size, other, PATH2, size2); break;
    case 8: CALL(path_unlink_file, fd, PATH, size); break;
    case 9: CALL(path_remove_directory, fd, PATH, size); break;
    case 10: CALL(path_filestat_set_times, fd, follow, PATH, size, 0, 0, 10); break;
    default:
        if (fd > 4)
            CALL(fd_close, fd);
        break;
    }
}

static void test_random_walk_stays_inside(void **state)
{
    (void)state;
    char path[256], text[16] = "";
    struct stat before, after;
    if (access("/proc/self/fd", F_OK) != 0) {
        print_message("no /proc to look into\n");
        skip();
    }
    in_base(path, "outside");
    assert_int_equal(mkdir(path, 0700), 0);
    make_file("outside/x", "outside");
    make_file("outside/file", "outside");
    assert_int_equal(stat(path, &before), 0);
    for (unsigned resolver = 0; resolver < 2; resolver++) {
        const struct wrt_wasi_config config = {
            .directories = directories, .directory_count = 2, .max_descriptors = 12,
            .resolver = resolver ? WRT_WASI_RESOLVER_WALK : WRT_WASI_RESOLVER_AUTO};
        create(&config);
        for (unsigned i = 0; i < 20000; i++)
            walk_once();
        destroy();
    }
    assert_int_equal(stat(path, &after), 0); /* no entry was made, removed or renamed there */
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
    in_base(path, "outside/file");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_nlink, 1);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "outside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_zero_config_grants_nothing, clean_up),
        cmocka_unit_test_teardown(test_bad_configs_are_named, clean_up),
        cmocka_unit_test_teardown(test_partition_refuses, clean_up),
        cmocka_unit_test_teardown(test_arguments_and_environment, clean_up),
        cmocka_unit_test_teardown(test_every_address_is_checked, clean_up),
        cmocka_unit_test_teardown(test_vectors_are_checked, clean_up),
        cmocka_unit_test_teardown(test_path_arguments, clean_up),
        cmocka_unit_test_teardown(test_no_call_escapes, clean_up),
        cmocka_unit_test_teardown(test_read_only_directories, clean_up),
        cmocka_unit_test_teardown(test_rights_only_shrink, clean_up),
        cmocka_unit_test_teardown(test_directory_rights, clean_up),
        cmocka_unit_test_teardown(test_inheriting_bounds_what_is_opened, clean_up),
        cmocka_unit_test_teardown(test_the_table_has_an_end, clean_up),
        cmocka_unit_test_teardown(test_streams, clean_up),
        cmocka_unit_test_teardown(test_streams_that_are_none, clean_up),
        cmocka_unit_test_teardown(test_pipes_in_directories, clean_up),
        cmocka_unit_test_teardown(test_clocks, clean_up),
        cmocka_unit_test_teardown(test_random, clean_up),
        cmocka_unit_test_teardown(test_poll_clocks, clean_up),
        cmocka_unit_test_teardown(test_poll_is_coarse, clean_up),
        cmocka_unit_test_teardown(test_poll_pauses_and_goes_on, clean_up),
        cmocka_unit_test_teardown(test_poll_descriptors, clean_up),
        cmocka_unit_test_teardown(test_sockets, clean_up),
        cmocka_unit_test_teardown(test_datagrams, clean_up),
        cmocka_unit_test_teardown(test_readdir, clean_up),
        cmocka_unit_test_teardown(test_hostile_arguments, clean_up),
        cmocka_unit_test_teardown(test_random_walk_stays_inside, clean_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
