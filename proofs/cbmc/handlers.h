/* proofs/cbmc/handlers.h - a machine on which one handler of the interpreter runs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The handlers are the texts of opcodes.def and the macros of interpret.c, as they ship; only what
 * goes on to the next handler is replaced, by noting where it would go. proofs/handlers makes the
 * functions run_NAME and the proofs, see there.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "proof.h"

enum outcome { NEXT_HANDLER, TRAPPED, LEFT, STOPPED };

/* A handler sees only slots that its code words name, so how many there are is no matter. */
enum { SLOTS = 7, CODE_WORDS = 8, MEMORY_LIMIT = 20, LOOK_LIMIT = 32 };

/* What a handler may change beside the accumulators. */
enum { WRITES_D = 1, WRITES_B = 2, SETTLES_FUEL = 4, STORES = 8, WRITES_PAIR = 16 };

static union cell frame[SLOTS + 1], *fp;
static union word code[CODE_WORDS];
static const union word *pc, *hint;
static uint8_t *mem;
static struct wrt_exec machine, *exec;
static uint64_t A;
static int64_t fuel;
static float F;
static double D;
static enum outcome outcome;

static struct wrt_memory memory, *memories[1] = {&memory};
static struct wrt_global global, *globals[1] = {&global};
static struct wrt_instance instance;
static uint64_t counter;

#undef DISPATCH
#undef LEAVE
#undef STOP
#undef GO_BACK
#undef FORGET_HINT
#define DISPATCH() do { outcome = NEXT_HANDLER; return; } while (0)
#define LEAVE(how) do { outcome = (how) == WRT_RUN_TRAP ? TRAPPED : LEFT; return; } while (0)
#define STOP() do { outcome = STOPPED; return; } while (0)
#define GO_BACK(target) pc = (target)
#define FORGET_HINT() ((void)0)

/* ---- before ---- */

static uint16_t look;
static uint64_t slot_before, A_before;
static int64_t fuel_before;
static uint32_t F_before;
static uint64_t D_before, offset;
static uint8_t byte_before;

/* Any frame, any code words, any memory of any size up to a limit, whose end is the object's end,
 * so that CBMC notices a byte outside. */
static void set_up(void)
{
    __CPROVER_havoc_object(frame);
    __CPROVER_havoc_object(code);
    machine.memory_bytes = any_below(MEMORY_LIMIT + 1);
    mem = malloc(machine.memory_bytes);
    machine.memory_base = mem;
    memory.pages.base = mem;
    memory.pages.size_bytes = machine.memory_bytes;
    memory.type.page_bytes = 65536;
    instance.memories = memories;
    machine.globals = globals;
    machine.counters = &counter;
    machine.instance = &instance;
    fp = frame, pc = code, exec = &machine;
    A_before = A = any_u64();
    F_before = any_u32(), F = f32_bits(F_before);
    D_before = any_u64(), D = f64_bits(D_before);
    fuel_before = fuel = (int64_t)any_below(1u << 30);
    look = (uint16_t)any_below(SLOTS + 1);
    slot_before = frame[look].i64;
    offset = any_u64();
    if (offset < machine.memory_bytes)
        byte_before = mem[offset];
}

/* ---- after ---- */

static void check(unsigned kind)
{
    const union word *const at = code + 1;
    const bool may_write = ((kind & WRITES_D) && look == at->s.d) || ((kind & WRITES_B) && look == at->s.b) ||
                           ((kind & WRITES_PAIR) && look == at->s.d + 1);
    const unsigned last = at->s.d + ((kind & WRITES_PAIR) != 0); /* the accumulator is that of the pair's second */

    prove(may_write || frame[look].i64 == slot_before, "no other slot is written");
    prove((kind & SETTLES_FUEL) || fuel == fuel_before, "no fuel is taken");
    prove((kind & STORES) || offset >= machine.memory_bytes || mem[offset] == byte_before,
          "what is no store changes no memory");
    if (outcome == NEXT_HANDLER && (kind & WRITES_D)) {
        prove(A == A_before || A == frame[last].i64, "the accumulator has what the slot has");
        prove(bits_f32(F) == F_before || bits_f32(F) == frame[at->s.d].i32, "that of f32 as well");
        prove(bits_f64(D) == D_before || bits_f64(D) == frame[at->s.d].i64, "and of f64");
    }
    if (outcome != NEXT_HANDLER && (kind & STORES))
        prove(offset >= machine.memory_bytes || mem[offset] == byte_before, "a trap stores nothing");
}

#endif
