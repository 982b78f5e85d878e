/* arena.c - allocate, free and resize, each way that they can go.  SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

enum { SLOTS = 256, HISTORY = 600, STATIC_BYTES = 1 << 20 };

static struct wrt_arena arena;
static void *block, *neighbour[3];
static size_t size_bytes, alignment_bytes;

static void start(const struct wrt_arena_config *config)
{
    TIMING_MUST(wrt_arena_init(&arena, config, NULL));
}

static void stop(void)
{
    wrt_arena_deinit(&arena);
}

static void allocate(void)
{
    timing_status = wrt_arena_allocate(&arena, size_bytes, alignment_bytes, &block, NULL);
}

static void release(void)
{
    timing_status = wrt_arena_free(&arena, block);
}

static void undo_allocate(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_arena_free(&arena, block));
}

static void first_allocate(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_arena_allocate(&arena, size_bytes, alignment_bytes, &block, NULL));
}

/* ---- the short way: a block that was just freed ---- */

static void begin_quick(void)
{
    size_bytes = 100;
    alignment_bytes = 0;
    start(NULL);
}

/* ---- without quick lists: split and merge each time ---- */

static void begin_plain(void)
{
    static const struct wrt_arena_config config = {.no_quick = true};

    size_bytes = 100;
    alignment_bytes = 0;
    start(&config);
}

/* A block aligned to a page lies within a free one: what is before and behind is split off. */
static void begin_aligned(void)
{
    begin_plain();
    size_bytes = 512;
    alignment_bytes = 4096;
}

/* Between two free blocks, so that both are merged. */
static void between_free_ones(uint32_t turn)
{
    (void)turn;
    for (int i = 0; i < 3; i++)
        TIMING_MUST(wrt_arena_allocate(&arena, 600, 0, &neighbour[i], NULL));
    TIMING_MUST(wrt_arena_free(&arena, neighbour[0]));
    TIMING_MUST(wrt_arena_free(&arena, neighbour[2]));
    block = neighbour[1];
}

/* ---- whole arenas ---- */

static void begin_from_system(void)
{
    static const struct wrt_arena_config config = {.no_quick = true, .no_cache = true};

    size_bytes = 30000;
    alignment_bytes = 0;
    start(&config);
}

static void begin_from_cache(void)
{
    static const struct wrt_arena_config config = {.no_quick = true};

    size_bytes = 30000;
    alignment_bytes = 0;
    start(&config);
}

static void begin_large(void)
{
    begin_from_system();
    size_bytes = 100000; /* a mapping of its own */
}

/* Large mappings are kept: its own, after the first turn, and three that do not fit. */
static void begin_kept(void)
{
    static const struct wrt_arena_config config = {.no_quick = true};
    void *large[4];

    start(&config);
    for (int i = 0; i < 4; i++)
        TIMING_MUST(wrt_arena_allocate(&arena, 200000, 0, &large[i], NULL));
    for (int i = 0; i < 4; i++)
        TIMING_MUST(wrt_arena_free(&arena, large[i]));
    size_bytes = 100000;
    alignment_bytes = 0;
}

/* ---- after a history that we do not know ---- */

static void *slot[SLOTS];
static unsigned place;
static uint32_t history;

static uint32_t random32(void)
{
    history ^= history << 13;
    history ^= history >> 17;
    history ^= history << 5;
    return history;
}

static size_t random_size(void)
{
    size_t octave = (size_t)16 << random32() % 11;

    return octave + random32() % octave;
}

static void begin_history(void)
{
    static uint8_t storage[4 * STATIC_BYTES] __attribute__((aligned(4096)));
    static const struct wrt_arena_config config = {.quick_blocks = 24,
                                                   .static_block = storage,
                                                   .static_block_bytes = sizeof storage};

    history = 1;
    for (int i = 0; i < SLOTS; i++)
        slot[i] = NULL;
    for (size_t i = 0; i < sizeof storage; i += 4096)
        storage[i] = 1; /* its pages are there */
    start(&config);
}

/* Some steps of the history, until the next one is of the wanted kind. */
static void go_on(bool until_free)
{
    for (int steps = 0;; steps++) {
        place = random32() % SLOTS;
        if (steps >= 7 && (slot[place] != NULL) == until_free)
            return;
        if (slot[place] != NULL) {
            TIMING_MUST(wrt_arena_free(&arena, slot[place]));
            slot[place] = NULL;
        } else {
            TIMING_MUST(wrt_arena_allocate(&arena, random_size(), 0, &slot[place], NULL));
        }
    }
}

static void before_history_free(uint32_t turn)
{
    (void)turn;
    go_on(true);
    block = slot[place];
    slot[place] = NULL;
}

static void before_history_allocate(uint32_t turn)
{
    (void)turn;
    go_on(false);
    size_bytes = random_size();
    alignment_bytes = random32() % 4 == 0 ? 4096 : 0;
}

static void after_history_allocate(uint32_t turn)
{
    (void)turn;
    slot[place] = block;
}

/* ---- resize ---- */

static size_t new_size;

static void resize(void)
{
    timing_status = wrt_arena_resize(&arena, block, new_size, &block, NULL);
}

static void begin_resize_in_place(void)
{
    begin_plain();
    size_bytes = 100;
    new_size = 1000;
}

/* A live block stands behind it. */
static void before_move(uint32_t turn)
{
    first_allocate(turn);
    TIMING_MUST(wrt_arena_allocate(&arena, 16, 0, &neighbour[0], NULL));
}

static void begin_move(void)
{
    begin_plain();
    size_bytes = 4096;
    new_size = 8192;
}

static void after_move(uint32_t turn)
{
    undo_allocate(turn);
    TIMING_MUST(wrt_arena_free(&arena, neighbour[0]));
}

/* ---- the environment around it ---- */

static void begin_shared(void)
{
    static const struct wrt_arena_config config = {.is_shared = true};

    size_bytes = 100;
    alignment_bytes = 0;
    start(&config);
}

static void begin_critical(void)
{
    static const struct wrt_arena_config config = {.verification = WRT_VERIFY_CRITICAL};

    size_bytes = 100;
    alignment_bytes = 0;
    start(&config);
}

static void ask_size(void)
{
    timing_status = wrt_arena_block_bytes(&arena, block) == size_bytes ? WRT_OK : WRT_ERR_STATE;
}

#define ALLOCATE(text, begin_function, calls)                                                  \
    {.name = "wrt_arena_allocate: " text, .bound = "O(1), A4", .begin = begin_function,        \
     .run = allocate, .after = undo_allocate, .end = stop, .system_calls = (calls),             \
     .most_runs = (calls) != 0 ? 2000000 : 0}
#define FREE(text, begin_function, before_function, calls)                                     \
    {.name = "wrt_arena_free: " text, .bound = "O(1), A4", .begin = begin_function,            \
     .before = before_function, .run = release, .end = stop, .system_calls = (calls),             \
     .most_runs = (calls) != 0 ? 2000000 : 0}


static const struct timing_operation operations[] = {
    ALLOCATE("the block that was freed last", begin_quick, 0),
    ALLOCATE("split off a larger one", begin_plain, 0),
    ALLOCATE("aligned to 4096, split twice", begin_aligned, 0),
    ALLOCATE("a new arena from the cache", begin_from_cache, 0),
    ALLOCATE("a new arena from the system", begin_from_system, 1),
    ALLOCATE("a mapping of its own", begin_large, 1),
    ALLOCATE("a mapping that was kept", begin_kept, 0),
    ALLOCATE("shared by threads, alone", begin_shared, 0),
    ALLOCATE("verification critical", begin_critical, 0),
    {.name = "wrt_arena_allocate: worst of 600 in a history", .bound = "O(1), A4",
     .begin = begin_history, .before = before_history_allocate, .run = allocate,
     .after = after_history_allocate, .end = stop, .turns = HISTORY},
    FREE("into a quick list", begin_quick, first_allocate, 0),
    {.name = "wrt_arena_free: merged with both neighbours", .bound = "O(1), A4",
     .begin = begin_plain, .before = between_free_ones, .run = release,
     .end = stop},
    FREE("an arena to the cache", begin_from_cache, first_allocate, 0),
    FREE("an arena to the system", begin_from_system, first_allocate, 1),
    FREE("a mapping of its own", begin_large, first_allocate, 1),
    FREE("a mapping to the cache", begin_kept, first_allocate, 0),
    FREE("shared by threads, alone", begin_shared, first_allocate, 0),
    FREE("verification critical", begin_critical, first_allocate, 0),
    {.name = "wrt_arena_free: worst of 600 in a history", .bound = "O(1), A4",
     .begin = begin_history, .before = before_history_free, .run = release, .end = stop,
     .turns = HISTORY},
    {.name = "wrt_arena_resize: 100 to 1000 bytes in place", .bound = "O(1)",
     .begin = begin_resize_in_place, .before = first_allocate, .run = resize,
     .after = undo_allocate, .end = stop},
    {.name = "wrt_arena_resize: 4096 to 8192 bytes, moved", .bound = "O(size)",
     .begin = begin_move, .before = before_move, .run = resize, .after = after_move, .end = stop},
    {.name = "wrt_arena_block_bytes", .bound = "O(1)", .begin = begin_quick,
     .before = first_allocate, .run = ask_size, .after = undo_allocate, .end = stop},
};
const struct timing_list timing_arena = {operations, sizeof operations / sizeof *operations};
