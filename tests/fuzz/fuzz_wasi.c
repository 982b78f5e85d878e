/* fuzz_wasi.c - fuzz target: sequences of WASI calls with any arguments.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: calls, each its number, whether it is asked to stop, and its arguments, which are
 * addresses of prepared paths and vectors, small numbers, or numbers near limits. The engine is
 * a fake one: an array of bytes as memory (tests/wasi/fake_engine.h).
 * Held to: the address sanitizer; statuses and errors that there are; nothing left in the
 * partition; and nothing outside of the granted directory made, changed or taken away.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../wasi/fake_engine.h"
#include "decide.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CALLS = 60, VECTORS = 256, PATHS = 1024, PATH_BYTES = 64, FIRST_FREE = 8192 };

static const char *const paths[] = {
    "file", "dir", "dir/file", "link", ".", "..", "../outside", "dir/../../outside", "/etc/passwd",
    "", "loop", "new", "new/new", "dir/.", "dir/..", "up", "up/outside", "file/", "dir//file",
    "./././file", "absolute", "a\0b", "\xFF\xFE", "dir/up/outside",
};
enum { PATH_COUNT = sizeof paths / sizeof *paths };

static char base[] = "/tmp/wrt-fuzz-wasi-XXXXXX";
static char granted[64];
static int outside = -1; /* the folder that holds the granted one */

static void must(int result)
{
    FUZZ_REQUIRE(result >= 0);
}

static void make_file(int folder, const char *name)
{
    int file = openat(folder, name, O_CREAT | O_WRONLY | O_TRUNC, 0600);

    must(file);
    must((int)write(file, "0123456789", 10));
    must(close(file));
}

static void remove_all(int folder)
{
    DIR *list = fdopendir(dup(folder));
    struct dirent *entry;

    FUZZ_REQUIRE(list != NULL);
    rewinddir(list);
    while ((entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(folder, entry->d_name, 0) != 0) {
            int inner = openat(folder, entry->d_name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW);

            if (inner >= 0) {
                remove_all(inner);
                close(inner);
            }
            (void)unlinkat(folder, entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(list);
}

static void clean_up(void)
{
    remove_all(outside);
    (void)rmdir(base);
}

static void start_over(void)
{
    int root;

    if (outside < 0) {
        const struct rlimit most = {1 << 20, 1 << 20};

        FUZZ_REQUIRE(mkdtemp(base) != NULL);
        snprintf(granted, sizeof granted, "%s/granted", base);
        outside = open(base, O_DIRECTORY | O_RDONLY);
        must(outside);
        must(atexit(clean_up));
        make_file(outside, "outside");
        must(mkdirat(outside, "granted", 0700));
        must(setrlimit(RLIMIT_FSIZE, &most));
        signal(SIGXFSZ, SIG_IGN);
    }
    root = openat(outside, "granted", O_DIRECTORY | O_RDONLY);
    must(root);
    remove_all(root);
    make_file(root, "file");
    must(mkdirat(root, "dir", 0700));
    make_file(root, "dir/file");
    must(symlinkat("file", root, "link"));
    must(symlinkat("loop", root, "loop"));
    must(symlinkat("..", root, "up"));
    must(symlinkat("../..", root, "dir/up"));
    must(symlinkat("/etc/passwd", root, "absolute"));
    close(root);
}

/* The granted folder has one brother, with its bytes, and nothing else came. */
static void require_outside_as_it_was(void)
{
    char text[16];
    int file = openat(outside, "outside", O_RDONLY), entries = 0;
    DIR *list = fdopendir(dup(outside));
    struct stat granted_folder;

    FUZZ_REQUIRE(file >= 0 && read(file, text, sizeof text) == 10);
    FUZZ_REQUIRE(memcmp(text, "0123456789", 10) == 0);
    close(file);
    FUZZ_REQUIRE(list != NULL);
    rewinddir(list);
    while (readdir(list) != NULL)
        entries++;
    closedir(list);
    FUZZ_REQUIRE(entries == 4);
    FUZZ_REQUIRE(fstatat(outside, "granted", &granted_folder, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISDIR(granted_folder.st_mode));
}

static void prepare_memory(struct decisions *from)
{
    memset(&fake, 0, sizeof fake);
    for (unsigned i = 0; i < PATH_COUNT; i++)
        memcpy(fake.memory + PATHS + PATH_BYTES * i, paths[i], i == 21 ? 3 : strlen(paths[i]));
    for (unsigned i = 0; i < 32; i++) { /* vectors: address, size */
        wrt_write_u32(fake.memory + VECTORS + 8 * i, FIRST_FREE + (uint32_t)decide_number(from));
        wrt_write_u32(fake.memory + VECTORS + 8 * i + 4, (uint32_t)decide_number(from));
        if (from->left == 0)
            break;
    }
    for (unsigned i = 0; i < 256; i++) /* subscriptions and what else lies about */
        fake.memory[FIRST_FREE + i] = (uint8_t)i;
}

static uint64_t argument(struct decisions *from, char type)
{
    uint8_t kind = decide_byte(from);
    unsigned path = kind % PATH_COUNT;

    if (type == 'I')
        return kind < 64 ? UINT64_MAX : decide_number(from);
    if (kind < 40)
        return kind % 10; /* a descriptor, a flag, a count */
    if (kind < 90)
        return PATHS + PATH_BYTES * path;
    if (kind < 130)
        return strlen(paths[path]);
    if (kind < 150)
        return VECTORS;
    if (kind < 200)
        return FIRST_FREE + 64u * (kind - 150u);
    return decide_number(from);
}

/* A path's address is followed by its size, else few would exist. */
static void call(struct decisions *from)
{
    int index = decide_byte(from) % (int)fake_function_count;
    uint8_t how = decide_byte(from);
    const char *signature = fake_functions[index].signature;
    union wrt_slot slots[12] = {{0}};
    unsigned count = 0;
    uint32_t error;
    enum wrt_status status;

    for (; signature[count] != ':'; count++) {
        uint32_t before = count > 0 ? slots[count - 1].i32 : 0;

        if (before >= PATHS && before < PATHS + PATH_BYTES * PATH_COUNT && how % 8 != 0)
            slots[count].i64 = strlen(paths[(before - PATHS) / PATH_BYTES]);
        else
            slots[count].i64 = argument(from, signature[count]);
    }
    fake.should_stop = how >= 128;
    fake.stop_after = 3;
    status = fake_call_slots(index, slots, &error);
    FUZZ_REQUIRE(status == WRT_OK || status == WRT_PAUSED || status == WRT_EXITED);
    FUZZ_REQUIRE(status != WRT_OK || signature[count + 1] == '\0' || error < 80);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const strings[] = {"program", "A=1"};
    struct decisions from = {data, size};
    struct wrt_wasi_directory directory = {.host_path = granted, .guest_path = "/"};
    struct wrt_wasi_config config = {
        .arguments = strings, .argument_count = 1, .environment = strings + 1,
        .environment_count = 1, .directories = &directory, .directory_count = 1,
        .random = WRT_WASI_RANDOM_SEEDED, .max_descriptors = 12, .max_subscriptions = 4};
    struct wrt_partition *partition;
    struct wrt_wasi *wasi;
    uint8_t options = decide_byte(&from);

    start_over();
    directory.read_only = options & 1;
    config.clocks = options & 2 ? WRT_WASI_CLOCK_ALL : 0;
    config.resolver = options & 4 ? WRT_WASI_RESOLVER_WALK : WRT_WASI_RESOLVER_AUTO;
    FUZZ_REQUIRE(wrt_partition_create(NULL, NULL, &partition, NULL) == WRT_OK);
    FUZZ_REQUIRE(wrt_wasi_create(partition, &config, &wasi, NULL) == WRT_OK);
    fake_function_count = 0;
    FUZZ_REQUIRE(wrt_wasi_define(NULL, wasi, NULL) == WRT_OK);
    prepare_memory(&from);
    for (unsigned calls = 0; calls < MAX_CALLS && from.left > 0; calls++)
        call(&from);
    FUZZ_REQUIRE(fake_index("no_such_call") == -1);
    wrt_wasi_destroy(wasi);
    FUZZ_REQUIRE(wrt_partition_destroy(partition, NULL) == WRT_OK);
    require_outside_as_it_was();
    return 0;
}
