/* proofs/cbmc/blocks.c - headers, size classes and free lists of an arena.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: a block's header gives back the sizes, slack and state that were put in, also after its
 *   state or its neighbour changed; the class of a size holds every block of its start or more
 *   (class_above), rounds up by at most a sixteenth, and is that of what it rounds to; greater sizes
 *   never have smaller classes, so every block of that class or a later one is large enough.
 * Bound: all sizes of 1 to 65535 units, all headers, at any secret.
 * Stubbed: nothing.
 * Misses: the signature (equal multiplications are hard for the solver), lists, cutting and merging,
 *   chunks and the cache.
 *
 * PROOF quick headers
 * PROOF quick classes
 * MUTANT headers src/arena/block.h s/\(uint64_t\)slack << 32 \| \(uint64_t\)state << 45;$/(uint64_t)slack << 31 | (uint64_t)state << 45;/
 * MUTANT headers src/arena/block.h s/~UINT64_C\(0xFFFF0000\)/~UINT64_C(0xFFFF000)/
 * MUTANT classes src/arena/block.h s/\(units \+ \(1u << shift\) - 1\) >> shift/units >> shift/
 * MUTANT classes src/arena/block.h s/log2_of\(units \| 16\) - 4;$/log2_of(units | 8) - 3;/
 */
#include "arena/lists.h"
#include "proof.h"

static struct wrt_arena arena;
static struct wrt_arena_block blocks[1];

void headers(void)
{
    const uint32_t units = any_u16(), previous = any_u16(), other = any_u16();
    const uint32_t slack = (uint32_t)any_below(1u << 13), less = (uint32_t)any_below(1u << 13);
    const enum block_state state = (enum block_state)any_below(7), next = (enum block_state)any_below(7);
    struct wrt_arena_block *const block = &blocks[0];

    arena.secret = any_u64();
    set_word(&arena, block, units, previous, slack, state);
    prove(units_of(block) == units && previous_units_of(block) == previous && slack_of(block) == slack &&
              state_of(block) == state, "what was put in");
    set_use(&arena, block, less, next);
    prove(units_of(block) == units && previous_units_of(block) == previous && slack_of(block) == less &&
              state_of(block) == next, "another state");
    set_previous(&arena, block, other);
    prove(units_of(block) == units && previous_units_of(block) == other && slack_of(block) == less &&
              state_of(block) == next, "another neighbour");
}

void classes(void)
{
    const uint32_t units = any_u16(), more = any_u16();
    assume(units >= 1 && more >= units);
    uint32_t rounded;
    const unsigned class = class_above(units, &rounded);

    prove(rounded >= units && (rounded - units) * 16 <= units, "rounded up by less than a sixteenth");
    prove(class_of(rounded) == class, "and of that class");
    prove(class_of(units) <= class && class <= class_of(units) + 1, "its own or the next");
    prove(class_of(more) >= class_of(units), "never smaller for more");
    if (class_of(more) >= class)
        prove(more >= units, "all blocks of the class are large enough");
    prove(class_of(units) < WRT_ARENA_FIRST_LEVELS * WRT_ARENA_SECOND_LEVELS, "there is such a list");
}
