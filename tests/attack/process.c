/* tests/attack/process.c - the tier "process" against native code, and against chance: what a
 * broken-out guest tries is stopped, what it says is not believed, and workers killed at any
 * moment leave nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/wrt.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOPPED = 40, GOT_AWAY = 41 };

static uint8_t module[1 << 16];
static size_t module_bytes;
static struct wrt_partition *root; /* stays small: whatever is lost shows in its sum */

static int set_up(void **state)
{
    FILE *file = fopen(WRT_TEST_MODULES "/tenant.wasm", "rb");

    (void)state;
    if (file == NULL)
        return -1;
    module_bytes = fread(module, 1, sizeof module, file);
    fclose(file);
    return wrt_partition_create(NULL, &(struct wrt_partition_config){.name = "root"}, &root, NULL);
}

static int count_open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static struct wrt_partition *make_partition(const char *name)
{
    const struct wrt_partition_config config = {.name = name, .max_bytes = 48 << 20,
                                                .flags = WRT_PARTITION_CONTAINER};
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(root, &config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static uint64_t in_ms(uint64_t ms)
{
    return wrt_time_now_ns() + ms * 1000000;
}

/* What became of one crime: the status of the call, and how the worker ended. `directory`, if
 * any, is granted to be read. */
static enum wrt_status commit_in(const char *crime, const char *directory,
                                 struct wrt_worker_info *info, struct wrt_error *error)
{
    const char *const arguments[] = {crime};
    const struct wrt_worker_directory grant = {.host_path = directory, .read_only = true};
    const struct wrt_worker_config config = {.program = WRT_ATTACKER_PROGRAM,
                                             .module = module,
                                             .module_bytes = module_bytes,
                                             .arguments = arguments,
                                             .argument_count = 1,
                                             .directories = &grant,
                                             .directory_count = directory != NULL,
                                             .grace_ns = 50000000};
    const struct wrt_worker_budget budget = {.deadline_ns = in_ms(3000)};
    struct wrt_partition *partition = make_partition("attacker");
    struct wrt_worker *worker;
    enum wrt_status status;

    if (wrt_worker_create(partition, &config, &worker, error) != WRT_OK)
        fail_msg("%s: %s", crime, error->text);
    status = wrt_worker_call(worker, "anything", NULL, 0, NULL, 0, NULL, &budget, error);
    wrt_worker_get_info(worker, info);
    wrt_worker_destroy(worker, 0);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
    return status;
}

static enum wrt_status commit(const char *crime, struct wrt_worker_info *info,
                              struct wrt_error *error)
{
    return commit_in(crime, NULL, info, error);
}

static void write_file(const char *folder, const char *name)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

/* Native code of a worker with a directory; and the same without the worker's confinement. */
static void a_directory_is_not_left(void **state)
{
    char folder[64] = "/tmp/wrt-grant-XXXXXX", inner[80], command[128];
    struct wrt_worker_info info;
    struct wrt_error error;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(inner, sizeof inner, "%s/data", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_file(folder, "secret");
    write_file(inner, "in");
    assert_int_equal(commit_in("leave_the_directory", inner, &info, &error), WRT_ERR_CLOSED);
    if (!info.exit.by_signal && info.exit.code != STOPPED)
        fail_msg("exit code %d", info.exit.code);
    assert_int_equal(commit_in("free:leave_the_directory", inner, &info, &error),
                     WRT_ERR_CLOSED);
    assert_false(info.exit.by_signal);
    assert_int_equal(info.exit.code, GOT_AWAY);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void crimes_are_stopped(void **state)
{
    static const char *const crimes[] = {
        "open_file",    "make_file",       "look_at_root",  "make_socket",
        "make_process", "run_program",     "signal_others", "trace_host",
        "read_host",    "make_code",       "protect_code",  "mount_something",
        "unshare_again", "shrink_shared_memory", "type_for_the_terminal",
        "find_descriptors", "take_memory",
    };
    struct wrt_worker_info info;
    struct wrt_error error;

    (void)state;
    for (size_t i = 0; i < sizeof crimes / sizeof crimes[0]; i++) {
        assert_int_equal(commit(crimes[i], &info, &error), WRT_ERR_CLOSED);
        if (!info.exit.by_signal && info.exit.code != STOPPED)
            fail_msg("%s: exit code %d", crimes[i], info.exit.code);
        printf("%-22s %s\n", crimes[i],
               info.exit.by_signal ? info.exit.code == SIGSYS ? "ended by the list of calls"
                                                              : "ended by a signal"
                                   : "refused");
    }
}

/* The same crimes without the worker's own confinement: some succeed, so they are crimes and the
 * tests above are not passed by accident. */
static void unconfined_the_crimes_succeed(void **state)
{
    static const char *const crimes[] = {"free:make_code", "free:protect_code",
                                         "free:look_at_root", "free:make_socket"};
    struct wrt_worker_info info;
    struct wrt_error error;

    (void)state;
    for (size_t i = 0; i < sizeof crimes / sizeof crimes[0]; i++) {
        assert_int_equal(commit(crimes[i], &info, &error), WRT_ERR_CLOSED);
        if (info.exit.by_signal || info.exit.code != GOT_AWAY)
            fail_msg("%s: %s %d", crimes[i], info.exit.by_signal ? "signal" : "exit code",
                     info.exit.code);
    }
}

static void lies_are_noticed(void **state)
{
    static const char *const lies[] = {"lie_about_kind",   "lie_about_count",
                                       "lie_about_type",   "lie_about_status",
                                       "lie_about_positions", "scribble_over_everything"};
    struct wrt_worker_info info;
    struct wrt_error error;

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        enum wrt_status status = commit(lies[i], &info, &error);

        if (status != WRT_ERR_CORRUPT || !info.was_killed)
            fail_msg("%s: %s: %s", lies[i], wrt_status_name(status), error.text);
    }
}

static void silence_and_crashes_are_noticed(void **state)
{
    struct wrt_worker_info info;
    struct wrt_error error;

    (void)state;
    assert_int_equal(commit("say_nothing", &info, &error), WRT_ERR_CLOSED);
    assert_true(info.was_killed);
    assert_non_null(strstr(error.text, "hung"));
    assert_int_equal(commit("crash", &info, &error), WRT_ERR_CLOSED);
    assert_true(info.exit.by_signal);
    assert_int_equal(info.exit.code, SIGSEGV);
}

/* ---- chance ---- */

static uint32_t seed = 2026;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static int kills(void)
{
    const char *text = getenv("WRT_ATTACK_KILLS");

    return text != NULL ? atoi(text) : 100;
}

/* The killer is a process of its own, so that the worker can be hit while it is still starting. */
static pid_t start_killer(pid_t victim, uint32_t after_us)
{
    pid_t killer = fork();

    if (killer == 0) {
        const struct timespec pause = {.tv_nsec = (long)after_us * 1000};

        (void)nanosleep(&pause, NULL);
        (void)kill(victim, SIGKILL);
        _exit(0);
    }
    return killer;
}

static struct wrt_worker_config ordinary(void)
{
    return (struct wrt_worker_config){.program = WRT_TENANT_PROGRAM, .module = module,
                                      .module_bytes = module_bytes};
}

static void expect_alive(struct wrt_worker *other, uint32_t *count)
{
    struct wrt_value result;
    struct wrt_error error;

    if (wrt_worker_call(other, "count", NULL, 0, &result, 1, NULL, NULL, &error) != WRT_OK)
        fail_msg("the other worker noticed: %s", error.text);
    assert_int_equal(result.of.i32, ++*count);
}

static void kills_at_any_moment_leave_nothing(void **state)
{
    const struct wrt_worker_config config = ordinary();
    struct wrt_partition *steady = make_partition("steady"), *partition = make_partition("victim");
    uint32_t count = 0, ended = 0;
    struct wrt_partition_info before, after;
    struct wrt_worker *other;
    struct wrt_error error;
    int files;

    (void)state;
    assert_int_equal(wrt_worker_create(steady, &config, &other, &error), WRT_OK);
    wrt_partition_get_info(partition, &before);
    files = count_open_files();
    for (int i = 0; i < kills(); i++) {
        const struct wrt_worker_budget budget = {.fuel = 1000000, .deadline_ns = in_ms(2000)};
        struct wrt_worker_info info;
        struct wrt_worker *worker;
        enum wrt_status status;
        pid_t killer;

        if (wrt_worker_create(partition, &config, &worker, &error) != WRT_OK)
            fail_msg("%s", error.text);
        wrt_worker_get_info(worker, &info);
        killer = start_killer((pid_t)info.process_id, chance(3000));
        do {
            status = wrt_worker_call(worker, chance(2) ? "spin" : "beat", NULL, 0, NULL, 0, NULL,
                                     &budget, &error);
            if (status == WRT_PAUSED && chance(2) && wrt_worker_drop(worker) != WRT_OK)
                break;
            else if (status == WRT_PAUSED)
                (void)!wrt_worker_drop(worker);
        } while (status == WRT_OK || status == WRT_PAUSED);
        assert_int_equal(waitpid(killer, NULL, 0), killer);
        wrt_worker_get_info(worker, &info);
        ended += info.state == WRT_WORKER_ENDED;
        wrt_worker_destroy(worker, 0);
        wrt_partition_get_info(partition, &after);
        assert_int_equal(after.used_bytes - after.current_bytes[WRT_CHARGE_ARENA],
                         before.used_bytes - before.current_bytes[WRT_CHARGE_ARENA]);
        if (i % 10 == 0)
            expect_alive(other, &count);
    }
    assert_int_equal(ended, kills());
    assert_int_equal(count_open_files(), files);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* the other one, running; no zombie */
    expect_alive(other, &count);
    wrt_worker_destroy(other, in_ms(1000));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(steady, NULL), WRT_OK);
}

static void end_host(bool is_busy)
{
    const struct wrt_worker_config config = ordinary();
    int told[2];
    pid_t host, worker = 0;

    assert_int_equal(pipe(told), 0);
    host = fork();
    if (host == 0) {
        struct wrt_partition *partition = make_partition("doomed");
        struct wrt_worker_info info;
        struct wrt_worker *mine;

        if (wrt_worker_create(partition, &config, &mine, NULL) != WRT_OK ||
            (is_busy && wrt_worker_post(mine, "spin", NULL, 0, NULL, NULL) != WRT_OK))
            _exit(1);
        wrt_worker_get_info(mine, &info);
        worker = (pid_t)info.process_id;
        if (write(told[1], &worker, sizeof worker) != sizeof worker)
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    close(told[1]);
    assert_int_equal(read(told[0], &worker, sizeof worker), sizeof worker);
    close(told[0]);
    assert_int_equal(waitpid(host, NULL, 0), host);
    for (int i = 0; i < 100 && kill(worker, 0) == 0; i++) {
        const struct timespec pause = {.tv_nsec = 50000000};

        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(kill(worker, 0), -1);
}

/* A host that ends without a word takes its workers with it, idle or in a call without end. */
static void workers_end_with_their_host(void **state)
{
    (void)state;
    end_host(false);
    end_host(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crimes_are_stopped),
        cmocka_unit_test(a_directory_is_not_left),
        cmocka_unit_test(unconfined_the_crimes_succeed),
        cmocka_unit_test(lies_are_noticed),
        cmocka_unit_test(silence_and_crashes_are_noticed),
        cmocka_unit_test(kills_at_any_moment_leave_nothing),
        cmocka_unit_test(workers_end_with_their_host),
    };
#ifdef WRT_SANITIZED
    printf("a sanitizer's own system calls are not on the worker's list\n");
    return 77;
#endif
    return cmocka_run_group_tests(tests, set_up, NULL);
}
