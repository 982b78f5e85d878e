/* tests/unit/wasi_resolve.c - no path leaves its directory, with either resolver.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tree with a secret beside it; each case tries one way out, or one path that must keep
 * working. The races run a thread that renames while the resolver is on its way.
 */
#define _GNU_SOURCE
#include "port_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64];
static int root = -1;

static void path_of(char out[512], const char *relative)
{
    snprintf(out, 512, "%s/%s", base, relative);
}

static void make_directory(const char *relative)
{
    char path[512];
    path_of(path, relative);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_file(const char *relative, const char *text)
{
    char path[512];
    path_of(path, relative);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_link(const char *relative, const char *text)
{
    char path[512];
    path_of(path, relative);
    assert_int_equal(symlink(text, path), 0);
}

static void make_chain(unsigned links)
{
    char name[64], next[64];
    for (unsigned i = 0; i < links; i++) {
        snprintf(name, sizeof name, "root/chain%u_%u", links, i);
        snprintf(next, sizeof next, "chain%u_%u", links, i + 1);
        make_link(name, i + 1 == links ? "file" : next);
    }
}

static int set_up(void **state)
{
    (void)state;
    char path[512];
    strcpy(base, "/tmp/wrt_resolve_XXXXXX");
    if (!mkdtemp(base))
        return -1;
    make_directory("outside");
    make_file("outside/secret", "outside");
    make_directory("root");
    make_file("root/file", "inside");
    make_directory("root/dir");
    make_directory("root/dir/sub");
    make_file("root/dir/sub/file", "inside");
    make_link("root/link", "dir/sub/file");
    make_link("root/link_dir", "dir/sub");
    make_link("root/dir/up_inside", "../file");
    make_link("root/dir/up_outside", "../../outside/secret");
    make_link("root/dir/up_outside_dir", "../../outside");
    make_link("root/outside_dir", "../outside");
    make_link("root/round_trip", "../root/file");
    make_link("root/absolute", "/etc/passwd");
    make_link("root/dir/absolute", "/etc");
    path_of(path, "root/file");
    make_link("root/absolute_inside", path);
    make_link("root/loop_a", "loop_b");
    make_link("root/loop_b", "loop_a");
    make_link("root/self", "self");
    make_link("root/to_slash", "file/");
    make_link("root/dangling", "made_through_link");
    make_link("root/dangling_outside", "../outside/made");
    make_chain(40);
    make_chain(41);
    path_of(path, "root");
    return wrt_port_file_open_root(path, &root) == WRT_ERRNO_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    wrt_port_file_close(root);
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

static struct wrt_port_place place_of(enum wrt_port_resolver resolver, const char *path,
                                      bool follow)
{
    return (struct wrt_port_place){
        .directory = root, .path = path, .follow = follow, .resolver = resolver};
}

/* Opens for reading and tells what the file says. */
static enum wrt_errno read_through(enum wrt_port_resolver resolver, const char *path, bool follow,
                                   char text[16])
{
    struct wrt_port_place place = place_of(resolver, path, follow);
    int file;
    size_t got = 0;
    memset(text, 0, 16);
    enum wrt_errno error = wrt_port_file_open(&place, WRT_PORT_OPEN_READ, &file);
    if (error != WRT_ERRNO_OK)
        return error;
    struct wrt_port_buffer buffer = {.data = (uint8_t *)text, .size_bytes = 15};
    error = wrt_port_file_read(file, &buffer, 1, &got);
    wrt_port_file_close(file);
    return error;
}

static const enum wrt_port_resolver resolvers[] = {WRT_PORT_RESOLVER_KERNEL,
                                                   WRT_PORT_RESOLVER_WALK};

#define FOR_EACH_RESOLVER(r)                               \
    for (size_t index_ = 0; index_ < 2; index_++)          \
        for (enum wrt_port_resolver r = resolvers[index_], \
                                    *once_ = wrt_port_has_resolver(r) ? &r : NULL; \
             once_; once_ = NULL)

/* ---- opening ---- */

static const struct {
    const char *path;
    bool follow;
    enum wrt_errno expected; /* OK: and it reads "inside" */
} openings[] = {
    {"file", false, WRT_ERRNO_OK},
    {"./file", false, WRT_ERRNO_OK},
    {".//./file", false, WRT_ERRNO_OK},
    {"dir/../file", false, WRT_ERRNO_OK},
    {"dir/sub/../../file", false, WRT_ERRNO_OK},
    {"dir/.//sub/../../dir/sub/../sub///./file", false, WRT_ERRNO_OK},
    {"link", true, WRT_ERRNO_OK},
    {"link_dir/file", false, WRT_ERRNO_OK},
    {"link_dir/../../file", false, WRT_ERRNO_OK},
    {"dir/up_inside", true, WRT_ERRNO_OK},
    {"chain40_0", true, WRT_ERRNO_OK},
    {"", false, WRT_ERRNO_NOENT},
    {"missing", false, WRT_ERRNO_NOENT},
    {"missing/..", false, WRT_ERRNO_NOENT},
    {"file/x", false, WRT_ERRNO_NOTDIR},
    {"file/", false, WRT_ERRNO_NOTDIR},
    {"file///", false, WRT_ERRNO_NOTDIR},
    {"file/..", false, WRT_ERRNO_NOTDIR},
    {"file/.", false, WRT_ERRNO_NOTDIR},
    {"to_slash", true, WRT_ERRNO_NOTDIR},
    {"link/", true, WRT_ERRNO_NOTDIR},
    {"link", false, WRT_ERRNO_LOOP},
    {"loop_a", true, WRT_ERRNO_LOOP},
    {"loop_a/x", false, WRT_ERRNO_LOOP},
    {"self", true, WRT_ERRNO_LOOP},
    {"self/x", true, WRT_ERRNO_LOOP},
    {"chain41_0", true, WRT_ERRNO_LOOP},
    {"..", false, WRT_ERRNO_NOTCAPABLE},
    {"../", false, WRT_ERRNO_NOTCAPABLE},
    {"../root/file", false, WRT_ERRNO_NOTCAPABLE},
    {"../outside/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"dir/../../outside/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"dir/sub/../../../outside/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"dir/sub/../../..", false, WRT_ERRNO_NOTCAPABLE},
    {"link_dir/../../../outside/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"./../outside/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"/", false, WRT_ERRNO_NOTCAPABLE},
    {"//", false, WRT_ERRNO_NOTCAPABLE},
    {"/file", false, WRT_ERRNO_NOTCAPABLE},
    {"/etc/passwd", false, WRT_ERRNO_NOTCAPABLE},
    {"//etc/passwd", false, WRT_ERRNO_NOTCAPABLE},
    {"absolute", true, WRT_ERRNO_NOTCAPABLE},
    {"dir/absolute", true, WRT_ERRNO_NOTCAPABLE},
    {"dir/absolute/passwd", false, WRT_ERRNO_NOTCAPABLE},
    {"absolute_inside", true, WRT_ERRNO_NOTCAPABLE},
    {"round_trip", true, WRT_ERRNO_NOTCAPABLE},
    {"dir/up_outside", true, WRT_ERRNO_NOTCAPABLE},
    {"dir/up_outside_dir/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"outside_dir/secret", false, WRT_ERRNO_NOTCAPABLE},
    {"outside_dir/secret", true, WRT_ERRNO_NOTCAPABLE},
    {"outside_dir", true, WRT_ERRNO_NOTCAPABLE},
    {"outside_dir/", true, WRT_ERRNO_NOTCAPABLE},
};

static void test_openings(void **state)
{
    (void)state;
    char text[16];
    FOR_EACH_RESOLVER(resolver) {
        for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
            enum wrt_errno error =
                read_through(resolver, openings[i].path, openings[i].follow, text);
            if (error != openings[i].expected)
                fail_msg("\"%s\": %d, expected %d", openings[i].path, (int)error,
                         (int)openings[i].expected);
            if (error == WRT_ERRNO_OK)
                assert_string_equal(text, "inside");
        }
    }
}

static void test_both_resolvers_exist(void **state)
{
    (void)state;
    assert_true(wrt_port_has_resolver(WRT_PORT_RESOLVER_WALK));
    if (!wrt_port_has_resolver(WRT_PORT_RESOLVER_KERNEL)) {
        print_message("this kernel has no openat2\n");
        skip();
    }
}

static void test_creation_stays_inside(void **state)
{
    (void)state;
    const unsigned create = WRT_PORT_OPEN_WRITE | WRT_PORT_OPEN_CREATE;
    char path[512];
    FOR_EACH_RESOLVER(resolver) {
        int file = -1;
        struct wrt_port_place place = place_of(resolver, "dangling_outside", true);
        assert_int_equal(wrt_port_file_open(&place, create, &file), WRT_ERRNO_NOTCAPABLE);
        place = place_of(resolver, "outside_dir/made", true);
        assert_int_equal(wrt_port_file_open(&place, create, &file), WRT_ERRNO_NOTCAPABLE);
        place = place_of(resolver, "../outside/made", true);
        assert_int_equal(wrt_port_file_open(&place, create, &file), WRT_ERRNO_NOTCAPABLE);
        path_of(path, "outside/made");
        assert_int_equal(access(path, F_OK), -1);

        place = place_of(resolver, "dangling", true);
        assert_int_equal(wrt_port_file_open(&place, create | WRT_PORT_OPEN_EXCLUSIVE, &file),
                         WRT_ERRNO_EXIST);
        assert_int_equal(wrt_port_file_open(&place, create, &file), WRT_ERRNO_OK);
        wrt_port_file_close(file);
        path_of(path, "root/made_through_link");
        assert_int_equal(unlink(path), 0);

        place = place_of(resolver, "new/", true);
        assert_int_equal(wrt_port_file_open(&place, create, &file), WRT_ERRNO_ISDIR);
    }
}

/* ---- calls on entries ---- */

static void test_entries_stay_inside(void **state)
{
    (void)state;
    static const char *const ways_out[] = {
        "../outside/x",           "/tmp/x", "outside_dir/x", "dir/up_outside_dir/x",
        "dir/../../outside/x",    "..",     "dir/../..",     "link_dir/../../../outside/x",
    };
    FOR_EACH_RESOLVER(resolver) {
        for (size_t i = 0; i < sizeof ways_out / sizeof ways_out[0]; i++) {
            struct wrt_port_place out = place_of(resolver, ways_out[i], false);
            struct wrt_port_place in = place_of(resolver, "file", false);
            struct wrt_port_place fresh = place_of(resolver, "fresh", false);
            struct wrt_port_file_status status;
            struct wrt_port_file_times times = {.modified = WRT_PORT_TIME_NOW};
            char text[64];
            size_t got;
            assert_int_equal(wrt_port_directory_make(&out), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_directory_remove(&out), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_unlink(&out), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_rename(&out, &fresh), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_rename(&in, &out), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_link(&out, &fresh), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_link(&in, &out), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_symlink("file", &out), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_read_link(&out, text, sizeof text, &got),
                             WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_file_stat_at(&out, &status), WRT_ERRNO_NOTCAPABLE);
            assert_int_equal(wrt_port_file_set_times_at(&out, &times), WRT_ERRNO_NOTCAPABLE);
        }
    }
}

/* Links in the last place: acted on, never through. */
static void test_last_links_are_not_followed(void **state)
{
    (void)state;
    char path[512];
    FOR_EACH_RESOLVER(resolver) {
        struct wrt_port_place link = place_of(resolver, "outside_dir", false);
        struct wrt_port_place moved = place_of(resolver, "moved_link", false);
        struct wrt_port_file_status status;
        assert_int_equal(wrt_port_file_stat_at(&link, &status), WRT_ERRNO_OK);
        assert_int_equal(status.type, WRT_PORT_TYPE_SYMBOLIC_LINK);
        assert_int_equal(wrt_port_rename(&link, &moved), WRT_ERRNO_OK);
        assert_int_equal(wrt_port_rename(&moved, &link), WRT_ERRNO_OK);
        assert_int_equal(wrt_port_link(&link, &moved), WRT_ERRNO_OK);
        assert_int_equal(wrt_port_unlink(&moved), WRT_ERRNO_OK);
        struct wrt_port_place followed = place_of(resolver, "outside_dir", true);
        assert_int_equal(wrt_port_link(&followed, &moved), WRT_ERRNO_NOTCAPABLE);
        assert_int_equal(wrt_port_file_stat_at(&followed, &status), WRT_ERRNO_NOTCAPABLE);
        struct wrt_port_place slash = place_of(resolver, "outside_dir/", false);
        assert_int_equal(wrt_port_unlink(&slash), WRT_ERRNO_NOTDIR);
        assert_int_equal(wrt_port_directory_remove(&slash), WRT_ERRNO_NOTDIR);
        assert_int_equal(wrt_port_rename(&slash, &moved), WRT_ERRNO_NOTDIR);
        assert_int_equal(wrt_port_link(&slash, &moved), WRT_ERRNO_NOTDIR);
        path_of(path, "outside/secret");
        assert_int_equal(access(path, F_OK), 0);
    }
}

static void test_trailing_slashes(void **state)
{
    (void)state;
    FOR_EACH_RESOLVER(resolver) {
        struct wrt_port_place file = place_of(resolver, "file", false);
        struct wrt_port_place file_slash = place_of(resolver, "file/", false);
        struct wrt_port_place new_slash = place_of(resolver, "new/", false);
        struct wrt_port_place dir_slash = place_of(resolver, "dir//", false);
        struct wrt_port_file_status status;
        assert_int_equal(wrt_port_unlink(&file_slash), WRT_ERRNO_NOTDIR);
        assert_int_equal(wrt_port_unlink(&dir_slash), WRT_ERRNO_ISDIR);
        assert_int_equal(wrt_port_symlink("x", &new_slash), WRT_ERRNO_NOENT);
        assert_int_equal(wrt_port_symlink("x", &dir_slash), WRT_ERRNO_EXIST);
        assert_int_equal(wrt_port_link(&file, &new_slash), WRT_ERRNO_NOENT);
        assert_int_equal(wrt_port_rename(&file, &new_slash), WRT_ERRNO_NOTDIR);
        assert_int_equal(wrt_port_file_stat_at(&file_slash, &status), WRT_ERRNO_NOTDIR);
        assert_int_equal(wrt_port_file_stat_at(&dir_slash, &status), WRT_ERRNO_OK);
        assert_int_equal(wrt_port_directory_make(&new_slash), WRT_ERRNO_OK);
        assert_int_equal(wrt_port_directory_remove(&new_slash), WRT_ERRNO_OK);
    }
}

static void test_dots(void **state)
{
    (void)state;
    static const char *const dots[] = {".", "dir/.", "dir/..", "dir/sub/../.."};
    FOR_EACH_RESOLVER(resolver) {
        for (size_t i = 0; i < sizeof dots / sizeof dots[0]; i++) {
            struct wrt_port_place dot = place_of(resolver, dots[i], false);
            struct wrt_port_place file = place_of(resolver, "file", false);
            struct wrt_port_file_status status;
            assert_int_equal(wrt_port_directory_make(&dot), WRT_ERRNO_EXIST);
            assert_int_equal(wrt_port_directory_remove(&dot), WRT_ERRNO_INVAL);
            assert_int_equal(wrt_port_unlink(&dot), WRT_ERRNO_INVAL);
            assert_int_equal(wrt_port_rename(&dot, &file), WRT_ERRNO_INVAL);
            assert_int_equal(wrt_port_rename(&file, &dot), WRT_ERRNO_INVAL);
            assert_int_equal(wrt_port_symlink("x", &dot), WRT_ERRNO_EXIST);
            assert_int_equal(wrt_port_file_stat_at(&dot, &status), WRT_ERRNO_OK);
            assert_int_equal(status.type, WRT_PORT_TYPE_DIRECTORY);
        }
    }
}

/* ---- lengths ---- */

static void test_lengths(void **state)
{
    (void)state;
    static char path[8192];
    char text[16];
    FOR_EACH_RESOLVER(resolver) {
        memset(path, 'a', 300);
        path[300] = '\0';
        assert_int_equal(read_through(resolver, path, false, text), WRT_ERRNO_NAMETOOLONG);
        strcpy(path + 300, "/x");
        assert_int_equal(read_through(resolver, path, false, text), WRT_ERRNO_NAMETOOLONG);
        path[0] = '\0';
        while (strlen(path) < 4080)
            strcat(path, "dir/../");
        strcat(path, "file");
        assert_int_equal(read_through(resolver, path, false, text), WRT_ERRNO_OK);
        while (strlen(path) < 4200)
            strcat(path, "/../file");
        assert_int_equal(read_through(resolver, path, false, text), WRT_ERRNO_NAMETOOLONG);
    }
}

/* The walk holds 128 directories at once and says so; the kernel has no such bound. */
static void test_depth(void **state)
{
    (void)state;
    static char path[1024];
    char text[16];
    for (int depth = 0; depth < 130; depth++) {
        strcat(path, depth == 0 ? "deep" : "/d");
        struct wrt_port_place place = place_of(WRT_PORT_RESOLVER_KERNEL, path, false);
        if (!wrt_port_has_resolver(WRT_PORT_RESOLVER_KERNEL)) {
            print_message("this kernel has no openat2\n");
            skip();
        }
        assert_int_equal(wrt_port_directory_make(&place), WRT_ERRNO_OK);
    }
    strcat(path, "/x");
    assert_int_equal(read_through(WRT_PORT_RESOLVER_KERNEL, path, false, text), WRT_ERRNO_NOENT);
    assert_int_equal(read_through(WRT_PORT_RESOLVER_WALK, path, false, text),
                     WRT_ERRNO_NAMETOOLONG);
    path[strlen(path) - 6] = '\0'; /* 128 directories */
    strcat(path, "/x");
    assert_int_equal(read_through(WRT_PORT_RESOLVER_WALK, path, false, text), WRT_ERRNO_NOENT);
}

static void test_links_of_the_kernel(void **state)
{
    (void)state;
    int proc;
    assert_int_equal(wrt_port_file_open_root("/proc/self", &proc), WRT_ERRNO_OK);
    FOR_EACH_RESOLVER(resolver) {
        static const char *const paths[] = {"cwd/etc", "root/etc/passwd", "exe", "fd/0", "cwd"};
        for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
            struct wrt_port_place place = {
                .directory = proc, .path = paths[i], .follow = true, .resolver = resolver};
            int file;
            enum wrt_errno error = wrt_port_file_open(&place, WRT_PORT_OPEN_READ, &file);
            assert_true(error == WRT_ERRNO_LOOP || error == WRT_ERRNO_NOTCAPABLE ||
                        error == WRT_ERRNO_NOENT);
        }
    }
    wrt_port_file_close(proc);
}

/* ---- no descriptor is left open ---- */

static unsigned open_files(void)
{
    unsigned count = 0;
    for (int file = 0; file < 256; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

static void test_descriptors_are_closed(void **state)
{
    unsigned before = open_files();
    test_openings(state);
    test_entries_stay_inside(state);
    test_last_links_are_not_followed(state);
    test_lengths(state);
    assert_int_equal(open_files(), before);
}

/* ---- races ---- */

struct race {
    char a[512], b[512];
    unsigned flags;
    atomic_bool stop;
    atomic_uint rounds;
};

static void *keep_renaming(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->stop)) {
        renameat2(AT_FDCWD, race->a, AT_FDCWD, race->b, race->flags);
        renameat2(AT_FDCWD, race->b, AT_FDCWD, race->a, race->flags);
        atomic_fetch_add(&race->rounds, 1);
    }
    return NULL;
}

/* Reads `path` while the thread renames; counts what came of it. */
static void race_against(struct race *race, enum wrt_port_resolver resolver, const char *path,
                         bool follow)
{
    pthread_t thread;
    char text[16];
    unsigned inside = 0, refused = 0;
    atomic_store(&race->stop, false);
    atomic_store(&race->rounds, 0);
    assert_int_equal(pthread_create(&thread, NULL, keep_renaming, race), 0);
    for (unsigned i = 0; i < 200000 && (i < 4000 || atomic_load(&race->rounds) < 2000 ||
                                        inside == 0 || refused == 0); i++) {
        if (read_through(resolver, path, follow, text) == WRT_ERRNO_OK) {
            inside++;
            assert_string_equal(text, "inside"); /* and not "outside" */
        } else {
            refused++;
        }
    }
    atomic_store(&race->stop, true);
    pthread_join(thread, NULL);
    assert_true(inside > 0 && refused > 0); /* else there was no race */
}

/* A directory on the way becomes a link that leads out, and back. */
static void test_race_directory_and_link(void **state)
{
    (void)state;
    struct race race = {.flags = RENAME_EXCHANGE};
    make_directory("root/swap");
    make_file("root/swap/secret", "inside");
    make_link("root/swap_link", "../outside");
    path_of(race.a, "root/swap");
    path_of(race.b, "root/swap_link");
    FOR_EACH_RESOLVER(resolver)
        race_against(&race, resolver, "swap/secret", false);
}

/* The last name becomes a link that leads out, and back. */
static void test_race_last_name(void **state)
{
    (void)state;
    struct race race = {.flags = RENAME_EXCHANGE};
    make_file("root/last", "inside");
    make_link("root/last_link", "../outside/secret");
    path_of(race.a, "root/last");
    path_of(race.b, "root/last_link");
    FOR_EACH_RESOLVER(resolver) {
        race_against(&race, resolver, "last", true);
        race_against(&race, resolver, "last", false);
    }
}

/* A directory that the path goes down into and up from is moved out meanwhile: up must not
 * mean up from its new place. */
static void test_race_moved_out(void **state)
{
    (void)state;
    struct race race = {.flags = 0};
    make_directory("root/home");
    make_file("root/home/secret", "inside");
    make_directory("root/home/child");
    make_directory("root/home/child/deep");
    path_of(race.a, "root/home/child");
    path_of(race.b, "outside/child");
    FOR_EACH_RESOLVER(resolver)
        race_against(&race, resolver, "home/child/deep/../../secret", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_resolvers_exist),
        cmocka_unit_test(test_openings),
        cmocka_unit_test(test_creation_stays_inside),
        cmocka_unit_test(test_entries_stay_inside),
        cmocka_unit_test(test_last_links_are_not_followed),
        cmocka_unit_test(test_trailing_slashes),
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_links_of_the_kernel),
        cmocka_unit_test(test_descriptors_are_closed),
        cmocka_unit_test(test_race_directory_and_link),
        cmocka_unit_test(test_race_last_name),
        cmocka_unit_test(test_race_moved_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
