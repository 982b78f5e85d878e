/* tests/wasi/sweep.c - every call of the port that WASI makes fails in turn.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One scenario passes through all of port_file.h. It is run with the 1st, 2nd, 3rd, … call
 * failing, until none does. Whatever fails: create says so and leaves nothing behind, a call
 * answers the guest with the port's error and writes no result, and in the end no descriptor
 * of the process and no byte of the partition is left over. (Linked with ld --wrap.)
 */
#define _GNU_SOURCE
#include "fake_engine.h"
#include "port.h"
#include "port_file.h"
#include "wasi/abi.h"
#include "wrt/wasi.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the wrappers ---- */

static unsigned calls, failing;
static const char *failed;

static bool fails(const char *name)
{
    if (++calls != failing)
        return false;
    failed = name;
    return true;
}

#define WRAP(name, parameters, arguments)                                                \
    enum wrt_errno __real_wrt_port_##name parameters;                                    \
    enum wrt_errno __wrap_wrt_port_##name parameters;                                    \
    enum wrt_errno __wrap_wrt_port_##name parameters                                     \
    {                                                                                    \
        return fails(#name) ? WRT_ERRNO_IO : __real_wrt_port_##name arguments;           \
    }
typedef const struct wrt_port_place *place;
typedef const struct wrt_port_buffer *buffers;

WRAP(file_open_root, (const char *path, int *out), (path, out))
WRAP(file_open, (place p, unsigned flags, int *out), (p, flags, out))
WRAP(file_read, (int f, buffers b, unsigned n, size_t *out), (f, b, n, out))
WRAP(file_write, (int f, buffers b, unsigned n, size_t *out), (f, b, n, out))
WRAP(stream_write, (int f, buffers b, unsigned n, size_t *out), (f, b, n, out))
WRAP(file_read_at, (int f, buffers b, unsigned n, uint64_t at, size_t *out), (f, b, n, at, out))
WRAP(file_write_at, (int f, buffers b, unsigned n, uint64_t at, size_t *out), (f, b, n, at, out))
WRAP(file_seek, (int f, int64_t at, enum wrt_port_whence w, uint64_t *out), (f, at, w, out))
WRAP(file_stat, (int f, struct wrt_port_file_status *out), (f, out))
WRAP(file_stat_at, (place p, struct wrt_port_file_status *out), (p, out))
WRAP(file_set_times, (int f, const struct wrt_port_file_times *t), (f, t))
WRAP(file_set_times_at, (place p, const struct wrt_port_file_times *t), (p, t))
WRAP(file_set_size, (int f, uint64_t size), (f, size))
WRAP(file_allocate, (int f, uint64_t at, uint64_t size), (f, at, size))
WRAP(file_advise, (int f, uint64_t at, uint64_t size, enum wrt_port_advice a), (f, at, size, a))
WRAP(file_sync, (int f, bool data_only), (f, data_only))
WRAP(file_get_append, (int f, bool *out), (f, out))
WRAP(file_set_append, (int f, bool append), (f, append))
WRAP(directory_read, (int d, uint64_t c, void *b, size_t n, size_t *out), (d, c, b, n, out))
WRAP(directory_make, (place p), (p))
WRAP(directory_remove, (place p), (p))
WRAP(unlink, (place p), (p))
WRAP(rename, (place a, place b), (a, b))
WRAP(link, (place a, place b), (a, b))
WRAP(symlink, (const char *text, place p), (text, p))
WRAP(read_link, (place p, void *b, size_t n, size_t *out), (p, b, n, out))
WRAP(socket_set_nonblocking, (int s), (s))
WRAP(socket_accept, (int s, int *out), (s, out))
WRAP(socket_receive, (int s, buffers b, unsigned n, bool peek, size_t *out, bool *truncated),
     (s, b, n, peek, out, truncated))
WRAP(socket_send, (int s, buffers b, unsigned n, size_t *out), (s, b, n, out))
WRAP(socket_shutdown, (int s, bool r, bool w), (s, r, w))
WRAP(poll, (struct wrt_port_poll *items, unsigned n, uint64_t ns), (items, n, ns))
WRAP(file_available, (int f, uint64_t *out), (f, out))
WRAP(clock_read, (enum wrt_port_clock c, uint64_t *out), (c, out))
WRAP(clock_resolution, (enum wrt_port_clock c, uint64_t *out), (c, out))
WRAP(yield, (void), ())

enum wrt_status __real_wrt_port_entropy(void *out, size_t size_bytes);
enum wrt_status __wrap_wrt_port_entropy(void *out, size_t size_bytes);
enum wrt_status __wrap_wrt_port_entropy(void *out, size_t size_bytes)
{
    return fails("entropy") ? WRT_ERR_IO : __real_wrt_port_entropy(out, size_bytes);
}

/* ---- the scenario ---- */

enum { PATH = 1000, PATH2 = 3000, OUT = 8000, OUT_BYTES = 64, VECTORS = 9000, DATA = 16384 };
#define EVERY_RIGHT WASI_RIGHTS_OF_FILE

static const struct step {
    const char *name;
    const char *path, *path2; /* put at PATH, PATH2 */
    uint64_t arguments[9];
} steps[] = {
    {"fd_write", NULL, NULL, {1, VECTORS, 1, OUT}},
    {"fd_read", NULL, NULL, {0, VECTORS, 1, OUT}},
    {"path_create_directory", "d", NULL, {3, PATH, 1}},
    {"path_open", "f", NULL, {3, 0, PATH, 1, WASI_OFLAG_CREAT, EVERY_RIGHT, 0, 0, OUT}}, /* 5 */
    {"fd_write", NULL, NULL, {5, VECTORS, 1, OUT}},
    {"fd_pwrite", NULL, NULL, {5, VECTORS, 1, 3, OUT}},
    {"fd_seek", NULL, NULL, {5, 0, 0, OUT}},
    {"fd_tell", NULL, NULL, {5, OUT}},
    {"fd_read", NULL, NULL, {5, VECTORS, 1, OUT}},
    {"fd_pread", NULL, NULL, {5, VECTORS, 1, 0, OUT}},
    {"fd_advise", NULL, NULL, {5, 0, 4, 3}},
    {"fd_allocate", NULL, NULL, {5, 0, 100}},
    {"fd_filestat_set_size", NULL, NULL, {5, 10}},
    {"fd_filestat_set_times", NULL, NULL, {5, 1, 1, 5}},
    {"fd_filestat_get", NULL, NULL, {5, OUT}},
    {"fd_fdstat_set_flags", NULL, NULL, {5, WASI_FDFLAG_APPEND}},
    {"fd_sync", NULL, NULL, {5}},
    {"fd_datasync", NULL, NULL, {5}},
    {"fd_readdir", NULL, NULL, {3, DATA, 200, 0, OUT}},
    {"path_filestat_get", "f", NULL, {3, 0, PATH, 1, OUT}},
    {"path_filestat_set_times", "f", NULL, {3, 0, PATH, 1, 0, 0, 10}},
    {"path_link", "f", "g", {3, 0, PATH, 1, 3, PATH2, 1}},
    {"path_rename", "g", "h", {3, PATH, 1, 3, PATH2, 1}},
    {"path_symlink", "f", "s", {PATH, 1, 3, PATH2, 1}},
    {"path_readlink", "s", NULL, {3, PATH, 1, DATA, 10, OUT}},
    {"path_unlink_file", "s", NULL, {3, PATH, 1}},
    {"path_unlink_file", "f", NULL, {3, PATH, 1}},
    {"path_unlink_file", "h", NULL, {3, PATH, 1}},
    {"path_remove_directory", "d", NULL, {3, PATH, 1}},
    {"sock_accept", NULL, NULL, {4, 0, OUT}}, /* 6 */
    {"sock_recv", NULL, NULL, {6, VECTORS, 1, 0, OUT, OUT + 8}},
    {"sock_send", NULL, NULL, {6, VECTORS, 1, 0, OUT}},
    {"sock_shutdown", NULL, NULL, {6, 3}},
    {"clock_time_get", NULL, NULL, {0, 0, OUT}},
    {"clock_res_get", NULL, NULL, {1, OUT}},
    {"poll_oneoff", NULL, NULL, {DATA, DATA + 1000, 2, OUT}},
    {"random_get", NULL, NULL, {DATA, 16}},
    {"sched_yield", NULL, NULL, {0}},
    {"fd_close", NULL, NULL, {6}},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static char base[64];
static struct wrt_partition *partition;

static void prepare(const struct step *step)
{
    if (step->path)
        memcpy(fake.memory + PATH, step->path, strlen(step->path));
    if (step->path2)
        memcpy(fake.memory + PATH2, step->path2, strlen(step->path2));
    wrt_write_u32(fake.memory + VECTORS, DATA + 5000);
    wrt_write_u32(fake.memory + VECTORS + 4, 4);
    uint8_t *subscriptions = fake.memory + DATA; /* the monotonic clock, and descriptor 5 */
    memset(subscriptions, 0, 96);
    wrt_write_u32(subscriptions + 16, 1);
    subscriptions[48 + 8] = WASI_EVENT_FD_READ;
    wrt_write_u32(subscriptions + 48 + 16, 5);
    memset(fake.memory + OUT, 0x5A, OUT_BYTES);
}

static bool is_untouched(void)
{
    for (unsigned i = 0; i < OUT_BYTES; i++)
        if (fake.memory[OUT + i] != 0x5A)
            return false;
    return true;
}

static void run_step(const struct step *step, bool is_expected_to_work)
{
    union wrt_slot slots[9];
    uint32_t error;
    bool was_failed = failed != NULL;
    for (unsigned i = 0; i < 9; i++)
        slots[i].i64 = step->arguments[i];
    prepare(step);
    enum wrt_status status = fake_call_slots(fake_index(step->name), slots, &error);
    assert_int_equal(status, WRT_OK);
    bool is_missing = error == WRT_ERRNO_NOSYS || error == WRT_ERRNO_NOTSUP; /* on this system */
    if (is_expected_to_work && error != 0 && !is_missing)
        fail_msg("%s gave %u", step->name, error);
    if (error != 0 && !is_untouched())
        fail_msg("%s gave %u and wrote a result", step->name, error);
    /* Not knowing how much is there to read is no reason to fail. */
    bool is_said = error == WRT_ERRNO_IO || (failed && strcmp(failed, "file_available") == 0);
    if (failed && !was_failed && !is_said)
        fail_msg("%s gave %u although %s failed", step->name, error, failed);
}

static int make_listening(int *client)
{
    char name[32];
    struct sockaddr address = {.sa_family = AF_UNIX};
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(name, 0, sizeof name);
    socklen_t size = sizeof(sa_family_t); /* a name of the kernel's choice */
    assert_int_equal(bind(listening, &address, size), 0);
    assert_int_equal(listen(listening, 1), 0);
    size = sizeof address;
    assert_int_equal(getsockname(listening, &address, &size), 0);
    *client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(*client, &address, size), 0);
    assert_int_equal(write(*client, "data", 4), 4);
    return listening;
}

static void run_all(const struct wrt_wasi_config *config)
{
    struct wrt_error error;
    struct wrt_wasi *wasi = NULL;
    enum wrt_status status = wrt_wasi_create(partition, config, &wasi, &error);
    if (status != WRT_OK) {
        assert_non_null(failed);
        assert_null(wasi);
        assert_true(status == WRT_ERR_IO || status == WRT_ERR_UNSUPPORTED);
        assert_true(error.status == status && error.text[0] != '\0');
        return;
    }
    assert_int_equal(wrt_wasi_define(NULL, wasi, &error), WRT_OK);
    for (unsigned i = 0; i < STEPS; i++)
        run_step(&steps[i], !failed && failing == 0);
    wrt_wasi_destroy(wasi);
}

static unsigned open_files(void)
{
    unsigned count = 0;
    for (int file = 0; file < 256; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

/* Returns whether a call was there to fail. */
static bool run_with_failure(unsigned nth)
{
    char directory[128], command[160];
    int ends[2], client;
    unsigned before = open_files();
    struct wrt_partition_info info;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "input", 5), 5);
    int listening = make_listening(&client);
    snprintf(directory, sizeof directory, "%s/%u", base, nth);
    assert_int_equal(mkdir(directory, 0700), 0);
    const struct wrt_wasi_directory granted = {.host_path = directory, .guest_path = "/"};
    const struct wrt_wasi_config config = {
        .standard_input = {WRT_WASI_STREAM_DESCRIPTOR, ends[0]},
        .standard_output = {WRT_WASI_STREAM_DESCRIPTOR, ends[1]},
        .directories = &granted, .directory_count = 1, .sockets = &listening, .socket_count = 1,
        .clocks = WRT_WASI_CLOCK_ALL, .random = WRT_WASI_RANDOM_SYSTEM};
    memset(&fake, 0, sizeof fake);
    fake_function_count = 0;
    calls = 0;
    failed = NULL;
    failing = nth;
    run_all(&config);
    failing = 0;
    close(ends[0]);
    close(ends[1]);
    close(listening);
    close(client);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    assert_int_equal(system(command), 0);
    assert_int_equal(open_files(), before);
    wrt_partition_get_info(partition, &info);
    assert_int_equal(info.current_bytes[WRT_CHARGE_HOST], 0);
    return failed != NULL;
}

static void test_every_port_call_fails_in_turn(void **state)
{
    (void)state;
    static const char *names[64];
    unsigned count = 0, nth = 1;
    run_with_failure(0); /* all works */
    for (; run_with_failure(nth); nth++) {
        assert_true(nth < 1000);
        bool is_new = true;
        for (unsigned i = 0; i < count; i++)
            is_new &= strcmp(names[i], failed) != 0;
        if (is_new)
            names[count++] = failed;
    }
    print_message("%u calls of the port failed, %u different ones\n", nth - 1, count);
    assert_int_equal(count, 37); /* all of them: none is outside the scenario */
}

static int set_up(void **state)
{
    (void)state;
    const struct wrt_partition_config config = {.name = "sweep"};
    struct wrt_error error;
    strcpy(base, "/tmp/wrt_sweep_XXXXXX");
    if (!mkdtemp(base))
        return -1;
    return (int)wrt_partition_create(NULL, &config, &partition, &error);
}

static int tear_down(void **state)
{
    (void)state;
    struct wrt_error error;
    return rmdir(base) | (int)wrt_partition_destroy(partition, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_port_call_fails_in_turn)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
