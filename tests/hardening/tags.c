/* tests/hardening/tags.c - tags SCENARIO: one crime against tagged memory, or one promise of it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A crime that the machine catches ends the process by its signal, after a line with the signal
 * and its code; one that it does not catch is followed by a line that says so, and by what still
 * finds it. Promises print "kept". tests/hardening/tags.sh knows what to expect where.
 */
#include "wrt/arena.h"
#include "wrt/hardware.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct wrt_arena arena;
static volatile uint8_t sink;

static void on_signal(int number, siginfo_t *info, void *context)
{
    char line[] = "signal 00 code 00\n";

    (void)context;
    line[7] = (char)('0' + number / 10);
    line[8] = (char)('0' + number % 10);
    line[15] = (char)('0' + info->si_code / 10 % 10);
    line[16] = (char)('0' + info->si_code % 10);
    if (write(1, line, sizeof line - 1) < 0)
        _exit(1);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void watch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
}

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    printf("broken: %s\n", what);
    exit(1);
}

static void set_up(void)
{
    struct wrt_arena_config config = {.tags = WRT_TAGGING_WANTED};

    need(wrt_arena_init(&arena, &config, NULL) == WRT_OK, "an arena");
}

static uint8_t *take(size_t size_bytes)
{
    void *block = NULL;

    need(wrt_arena_allocate(&arena, size_bytes, 0, &block, NULL) == WRT_OK, "a block");
    return block;
}

static void give(void *block)
{
    need(wrt_arena_free(&arena, block) == WRT_OK, "a free");
}

/* Stays behind a crime that nothing stopped. */
static void not_stopped(const char *found_by)
{
    (void)getppid(); /* late reports come at the next entry into the system */
    printf("not stopped; %s\n", found_by);
}

/* ---- crimes ---- */

static void use_after_free(void)
{
    uint8_t *block = take(48);

    give(block);
    sink = *(volatile uint8_t *)block;
    not_stopped(wrt_arena_free(&arena, block) == WRT_ERR_STATE ? "a second free is refused"
                                                                : "nothing finds it");
}

static void overflow(void)
{
    uint8_t *block = take(48), *neighbour = take(48);

    *(volatile uint8_t *)(block + 48) = 1;
    (void)neighbour;
    not_stopped(wrt_arena_free(&arena, block) == WRT_ERR_CORRUPT ? "its canary is found at free"
                                                                  : "nothing finds it");
}

/* Past the header of the neighbour, into its payload. */
static void overflow_far(void)
{
    uint8_t *block = take(48), *neighbour = take(48);
    ptrdiff_t distance = (const uint8_t *)wrt_hardware_untagged(neighbour) -
                         (const uint8_t *)wrt_hardware_untagged(block);

    *(volatile uint8_t *)(block + distance) = 1;
    not_stopped("a write into the neighbour's payload leaves no trace");
}

static void underflow(void)
{
    uint8_t *block = take(48);

    *(volatile uint8_t *)(block - 1) ^= 1;
    not_stopped(wrt_arena_free(&arena, block) == WRT_ERR_CORRUPT ? "its header is found at free"
                                                                  : "nothing finds it");
}

static void large_overflow(void)
{
    uint8_t *block = take(100000);

    *(volatile uint8_t *)(block + 100000) = 1;
    not_stopped(wrt_arena_free(&arena, block) == WRT_ERR_CORRUPT ? "its canary is found at free"
                                                                  : "nothing finds it");
}

/* The same block's next owner. */
static void use_by_old_pointer(void)
{
    uint8_t *old = take(48), *new;

    give(old);
    new = take(48);
    need(wrt_hardware_untagged(new) == wrt_hardware_untagged(old), "the block is used again");
    *(volatile uint8_t *)old = 1;
    not_stopped("its next owner's bytes are changed");
}

static void linear(struct wrt_page_allocator *first, struct wrt_page_allocator *second)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 2,
                                     .tags = WRT_TAGGING_WANTED};
    struct wrt_partition *partition;

    need(wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, NULL) == WRT_OK,
         "a partition");
    need(wrt_pages_allocate(first, partition, &config, NULL) == WRT_OK, "a linear memory");
    need(wrt_pages_allocate(second, partition, &config, NULL) == WRT_OK, "another");
}

/* As code whose bounds check went wrong would: from one memory's base into the other. */
static void linear_into_neighbour(void)
{
    struct wrt_page_allocator first, second;

    linear(&first, &second);
    ptrdiff_t distance = (const uint8_t *)wrt_hardware_untagged(second.base) -
                         (const uint8_t *)wrt_hardware_untagged(first.base);
    *(volatile uint8_t *)(first.base + distance) = 1;
    not_stopped("the neighbour's byte is changed");
}

static void linear_wild(void)
{
    struct wrt_page_allocator first, second;

    linear(&first, &second);
    *(volatile uint8_t *)(uintptr_t)wrt_hardware_untagged(first.base) = 1;
    not_stopped("the memory's byte is changed");
}

/* After growth and reset the new pages have the tag as well. */
static void linear_grown(void)
{
    struct wrt_page_allocator first, second;
    struct wrt_page_info info;

    linear(&first, &second);
    need(wrt_pages_grow(&first, 1, NULL) == WRT_OK, "growth");
    first.base[2 * 65536 - 1] = 1;
    need(wrt_pages_reset(&first, NULL) == WRT_OK, "a reset");
    need(first.base[65535] == 0, "zero");
    need(wrt_pages_grow(&first, 1, NULL) == WRT_OK, "growth after a reset");
    need(first.base[2 * 65536 - 1] == 0, "new pages are zero");
    wrt_pages_get_info(&first, &info);
    need(info.tag == wrt_hardware_pointer_tag(first.base), "the info has the tag");
    printf("kept, tag %s\n", info.tag != 0 ? "in force" : "none");
    fflush(stdout);
    *(volatile uint8_t *)(uintptr_t)((uintptr_t)wrt_hardware_untagged(first.base) + 65536) = 1;
    not_stopped("the memory's byte is changed");
}

/* ---- a crime inside a body that wrt_partition_run watches ---- */

static void read_freed(void *context)
{
    void *block = NULL;
    struct wrt_partition *partition = context;

    need(wrt_partition_allocate(partition, WRT_CHARGE_HOST, 200, 0, &block, NULL) == WRT_OK,
         "a block");
    wrt_partition_free(partition, WRT_CHARGE_HOST, block, 200);
    sink = *(volatile uint8_t *)block;
    (void)getppid();
}

static void report(void)
{
    struct wrt_arena_config blocks = {.tags = WRT_TAGGING_WANTED};
    struct wrt_partition_config config = {.name = "tenant-a", .arena = &blocks};
    struct wrt_partition *partition;
    struct wrt_error error = {.text = ""};
    enum wrt_status status;

    need(wrt_partition_create(NULL, &config, &partition, NULL) == WRT_OK, "a partition");
    for (int times = 0; times < 2; times++) { /* the signal must not stay blocked */
        status = wrt_partition_run(partition, read_freed, partition, &error);
        printf("%s: %s\n", wrt_status_name(status), error.text);
    }
    need(wrt_partition_destroy(partition, NULL) == WRT_OK, "an empty partition");
}

/* ---- promises ---- */

struct walk {
    unsigned tag; /* of the piece before */
    bool is_live;
    uint32_t pairs;
};

static bool see(void *context, const struct wrt_arena_piece *piece)
{
    struct walk *walk = context;
    bool is_first = ((uintptr_t)piece->address & 4095) == 64; /* of its arena */

    if (piece->kind == WRT_PIECE_LIVE)
        need(piece->memory_tag != 0, "a live block has a tag");
    if (!is_first && walk->is_live && piece->kind != WRT_PIECE_LARGE) {
        need(piece->memory_tag != walk->tag, "neighbours have different tags");
        walk->pairs++;
    }
    walk->tag = piece->memory_tag;
    walk->is_live = piece->kind == WRT_PIECE_LIVE;
    return true;
}

static void neighbours_differ(void)
{
    enum { BLOCKS = 200, STEPS = 20000 };
    static uint8_t *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    struct wrt_arena_info info;
    struct walk walk = {0};
    uint32_t random = 1;

    wrt_arena_get_info(&arena, &info);
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t i = (random >> 8) % BLOCKS;
        size_t size = 1 + (random >> 12) % ((random >> 28) == 0 ? 5000 : 300);

        if (blocks[i] != NULL)
            need(blocks[i][0] == i + 1 && blocks[i][sizes[i] - 1] == i + 1, "contents");
        if (blocks[i] == NULL) {
            blocks[i] = take(size);
        } else if ((random >> 20 & 1) != 0) {
            void *moved;
            need(wrt_arena_resize(&arena, blocks[i], size, &moved, NULL) == WRT_OK, "a resize");
            blocks[i] = moved;
        } else {
            give(blocks[i]);
            blocks[i] = NULL;
            continue;
        }
        sizes[i] = size;
        memset(blocks[i], (int)i + 1, size);
        need(!info.is_tagged || wrt_hardware_pointer_tag(blocks[i]) != 0, "tag 0 is reserved");
    }
    need(wrt_arena_check(&arena, NULL) == WRT_OK, "the arena is sound");
    if (info.is_tagged)
        wrt_arena_walk(&arena, see, &walk);
    need(!info.is_tagged || walk.pairs > 20, "neighbours were compared");
    wrt_arena_free_now(&arena);
    wrt_arena_deinit(&arena);
    printf("kept, %s\n", info.is_tagged ? "tagged" : "not tagged");
}

/* What needs tags is refused where there are none, and what cannot have them everywhere. */
static void refusals(void)
{
    static _Alignas(16) uint8_t block[8192];
    struct wrt_arena_config config = {.tags = WRT_TAGGING_REQUIRED};
    struct wrt_arena other;
    struct wrt_arena_info info;
    enum wrt_status status = wrt_arena_init(&other, &config, NULL);

    wrt_arena_get_info(&arena, &info);
    need(status == (info.is_tagged ? WRT_OK : WRT_ERR_UNSUPPORTED), "REQUIRED");
    config.static_block = block;
    config.static_block_bytes = sizeof block;
    need(wrt_arena_init(&other, &config, NULL) == WRT_ERR_UNSUPPORTED, "REQUIRED, static");
    config.tags = WRT_TAGGING_WANTED;
    need(wrt_arena_init(&other, &config, NULL) == WRT_OK, "WANTED, static");
    config.tags = (enum wrt_tagging)3;
    need(wrt_arena_init(&other, &config, NULL) == WRT_ERR_ARGUMENT, "no such request");
    printf("kept, %s\n", info.is_tagged ? "tagged" : "not tagged");
}

/* Asked for in vain, a mode leaves the one before. */
static void modes(void)
{
    static const char *const names[] = {"off", "sync", "async", "asymmetric"};
    enum wrt_status status = wrt_hardware_set_tag_mode(WRT_TAG_MODE_ASYMMETRIC);

    printf("%s, mode %s\n", wrt_status_name(status), names[wrt_hardware_tag_mode()]);
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"use-after-free", use_after_free},
    {"overflow", overflow},
    {"overflow-far", overflow_far},
    {"underflow", underflow},
    {"large-overflow", large_overflow},
    {"use-by-old-pointer", use_by_old_pointer},
    {"linear-into-neighbour", linear_into_neighbour},
    {"linear-wild", linear_wild},
    {"linear-grown", linear_grown},
    {"report", report},
    {"neighbours", neighbours_differ},
    {"refusals", refusals},
    {"modes", modes},
};

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[2] : "sync";

    (void)!wrt_hardware_set_tag_mode(strcmp(mode, "async") == 0   ? WRT_TAG_MODE_ASYNC
                                    : strcmp(mode, "asymm") == 0 ? WRT_TAG_MODE_ASYMMETRIC
                                    : strcmp(mode, "off") == 0   ? WRT_TAG_MODE_OFF
                                                                 : WRT_TAG_MODE_SYNC);
    watch_signals();
    set_up();
    for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    fputs("usage: tags SCENARIO [sync|async|asymm|off]\n", stderr);
    return 2;
}
