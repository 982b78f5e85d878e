/* proofs/cbmc/cut.c - cutting and merging blocks of an arena.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: from any chunk that holds (blocks lie one behind the other without gap or overlap from its
 *   start to its end mark, each knows the size of the one before, no two neighbours are free, exactly the
 *   free ones are listed, by class), cutting a block, moving its start up to an alignment, and merging a
 *   freed one each leave a chunk that holds: so no two live blocks ever overlap. What is live beside it
 *   keeps its place and size; the cut block has the size that was asked for; a chunk is dropped only when
 *   all of it is free.
 * Bound: chunks of 6 units of 16 bytes (every way to cut them, 2 units are the least), any states of
 *   their blocks; one operation from any chunk that holds, so by induction any sequence of them.
 * Stubbed: giving a chunk back, which may be refused.
 * Misses: quick lists' limits, quarantine, checks of damage, large blocks; how an allocation picks its
 *   block (blocks.classes is about that).
 *
 * PROOF quick cutting --unwind 8 --slice-formula
 * PROOF quick aligning --unwind 8 --slice-formula
 * PROOF quick merging --unwind 8 --slice-formula
 * SIZE cutting include/wrt/arena.h s/FIRST_LEVELS = 13/FIRST_LEVELS = 1/;s/QUICK_LEVELS = 10/QUICK_LEVELS = 1/
 * SIZE aligning include/wrt/arena.h s/FIRST_LEVELS = 13/FIRST_LEVELS = 1/;s/QUICK_LEVELS = 10/QUICK_LEVELS = 1/
 * SIZE merging include/wrt/arena.h s/FIRST_LEVELS = 13/FIRST_LEVELS = 1/;s/QUICK_LEVELS = 10/QUICK_LEVELS = 1/
 * MUTANT cutting src/arena/arena.c s/if \(rest < MINIMUM_UNITS\)/if (rest < 1)/
 * MUTANT cutting src/arena/arena.c s/set_word\(arena, tail, rest, units, 0, BLOCK_FREE\);/set_word(arena, tail, rest, rest, 0, BLOCK_FREE);/
 * MUTANT aligning src/arena/arena.c s/set_previous\(arena, block_after\(block\), rest\);/;/
 * MUTANT merging src/arena/arena.c s/set_previous\(arena, after, units\);/;/
 * MUTANT merging src/arena/arena.c s/^        previous = previous_units_of\(block\);$/        ;/
 * MUTANT merging src/arena/lists.h s/arena->heads\[class\] = NULL;/;/
 */
#include "arena/arena.c"
#include "stubs.h"

enum { UNITS = 6, MOST = 3 };
static struct wrt_arena arena;
static _Alignas(4096) uint64_t words[2 * UNITS + 4];
static bool is_dropped;

static struct wrt_arena_block *at(uint32_t unit)
{
    return (struct wrt_arena_block *)(void *)&words[2 * unit + 1];
}

bool wrt_arena_drop_chunk(struct wrt_arena *a, struct wrt_arena_block *block)
{
    (void)a;
    prove(block == at(0) && units_of(block) == UNITS, "only when all of it is free");
    is_dropped = any_bool();
    return is_dropped;
}

/* ---- any chunk that holds ---- */

static uint32_t starts[MOST + 1], count; /* blocks are from starts[i] to starts[i + 1] */

/* Cuts the chunk at two places at most; which of them there are is any. */
static void any_chunk(uint32_t own)
{
    static const uint8_t cuts[5][MOST] = {{6, 0, 0}, {2, 4, 0}, {3, 3, 0}, {4, 2, 0}, {2, 2, 2}};
    const uint32_t way = (uint32_t)any_below(5);
    uint32_t previous = 0, start = 0;
    enum block_state before = BLOCK_END;

    arena.checks = 0;
    for (uint32_t i = 0; i < MOST; i++) {
        const uint32_t units = cuts[way][i];
        const enum block_state state = i == own ? BLOCK_NONE : any_bool() ? BLOCK_FREE : any_bool() ? BLOCK_LIVE : BLOCK_QUICK;
        if (units == 0)
            break;
        assume(!(before == BLOCK_FREE && state == BLOCK_FREE));
        starts[i] = start;
        set_word(&arena, at(start), units, previous, 0, state);
        if (state == BLOCK_FREE)
            list_add(&arena, at(start));
        previous = units;
        start += units;
        before = state;
        count = i + 1;
    }
    starts[count] = start;
    set_word(&arena, at(UNITS), 0, previous, 0, BLOCK_END);
    assume(own < count);
}

/* Any unit: what is shown of it is shown of each. */
static uint32_t look, look_units;
static bool is_live;

static void remember(void)
{
    look = (uint32_t)any_below(MOST);
    assume(look < count);
    look = starts[look];
    look_units = units_of(at(look));
    is_live = state_of(at(look)) == BLOCK_LIVE || state_of(at(look)) == BLOCK_QUICK;
}

static void check(void)
{
    uint32_t unit = 0, previous = 0, free = 0;
    bool seen = false, was_free = false;

    for (uint32_t i = 0; i <= UNITS / MINIMUM_UNITS && unit < UNITS; i++) {
        const struct wrt_arena_block *const block = at(unit);
        const uint32_t units = units_of(block);
        const bool is_free = state_of(block) == BLOCK_FREE;
        prove(units >= MINIMUM_UNITS && units <= UNITS - unit, "a block inside of the chunk");
        prove(previous_units_of(block) == previous, "it knows the one before");
        prove(!(was_free && is_free), "no two free ones side by side");
        if (is_free) {
            prove(block->next->previous == block && block->previous->next == block, "a free one is listed");
            prove(arena.heads[units] != NULL && units_of(arena.heads[units]) == units, "by its class");
            free |= 1u << units;
        }
        if (unit == look)
            seen = units == look_units && state_of(block) != BLOCK_FREE;
        was_free = is_free;
        previous = units;
        unit += units;
    }
    prove(unit == UNITS && state_of(at(UNITS)) == BLOCK_END, "to the end mark");
    prove(previous_units_of(at(UNITS)) == previous, "which knows the one before");
    prove(!is_live || seen, "what is live keeps its place and size");
    prove(arena.second_bits[0] == free, "listed are the free ones and no other");
    for (uint32_t units = MINIMUM_UNITS; units <= UNITS; units++)
        prove((arena.heads[units] != NULL) == ((free >> units & 1) != 0), "a class without any has no head");
}

/* ---- operations ---- */

void cutting(void)
{
    const uint32_t own = (uint32_t)any_below(MOST), units = (uint32_t)any_below(UNITS) + 1;
    any_chunk(own);
    struct wrt_arena_block *const block = at(starts[own]);
    assume(units >= MINIMUM_UNITS && units <= units_of(block));
    assume(state_of(block_after(block)) != BLOCK_FREE); /* it was free itself */
    remember();
    const uint32_t before = units_of(block);
    split(&arena, block, units);
    prove(units_of(block) == units || (units_of(block) == before && before - units < MINIMUM_UNITS), "cut to size");
    check();
}

void aligning(void)
{
    const uint32_t own = (uint32_t)any_below(MOST);
    const size_t alignment = (size_t)16 << any_below(3);
    any_chunk(own);
    struct wrt_arena_block *const block = at(starts[own]);
    assume(units_of(block) >= alignment / UNIT_BYTES + 2 * MINIMUM_UNITS);
    assume(own == 0 || state_of(block_before(block)) != BLOCK_FREE);
    remember();
    const struct wrt_arena_block *const aligned = align_block(&arena, block, alignment);
    prove(aligned >= block && units_of(aligned) >= MINIMUM_UNITS, "a block inside of it");
    prove(((uintptr_t)payload_of(aligned) & (alignment - 1)) == 0, "aligned");
    check();
}

void merging(void)
{
    const uint32_t own = (uint32_t)any_below(MOST);
    any_chunk(own);
    remember();
    merge(&arena, at(starts[own]));
    if (!is_dropped)
        check();
}
