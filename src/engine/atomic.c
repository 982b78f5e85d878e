/* engine/atomic.c - validates and emits the instructions behind 0xFE (threads proposal).
 * SPDX-License-Identifier: Apache-2.0
 *
 * All operands stand in their home slots, so each operation has one handler per width; a
 * narrow one serves i32 and i64, because loaded values are extended with zeros.
 */
#include "emit.h"

enum { NOTIFY = 0x00, WAIT_32 = 0x01, WAIT_64 = 0x02, FENCE = 0x03, FIRST_ACCESS = 0x10 };
enum { KIND_LOAD, KIND_STORE, KIND_CMPXCHG = 8, KIND_COUNT };
enum { VARIANTS = 7, KINDS_BY_WIDTH = 8 };

/* i32, i64, i32 8 and 16 bits, i64 8, 16 and 32 bits: the order of opcodes in each kind. */
static const struct {
    wrt_type type;
    uint8_t natural; /* exponent of its width */
} variants[VARIANTS] = {{WRT_I32, 2}, {WRT_I64, 3}, {WRT_I32, 0}, {WRT_I32, 1},
                        {WRT_I64, 0}, {WRT_I64, 1}, {WRT_I64, 2}};

struct atomic {
    uint64_t offset;
    uint32_t memory;
};

/* An alignment hint must be the natural one here, not at most that. */
static bool read_atomic_memarg(struct translator *t, uint32_t natural, struct atomic *out)
{
    struct wrt_reader again = t->r;
    uint32_t align = 0;
    if (!wrt_read_memarg(t, natural, &out->offset, &out->memory) || !wrt_read_u32(&again, &align))
        return false;
    return (align & ~0x40u) == natural ||
           wrt_invalid(&t->r, "alignment of an atomic must be its natural one");
}

/* The operands are in their homes from `first` on; the result, if any, lands there. */
static bool append_atomic(struct translator *t, unsigned op, const struct atomic *atomic,
                          uint32_t first, wrt_type result)
{
    union word *w = wrt_append(t, op, 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)home_of(t, first);
    w[1].k.a = wrt_address_type(t, atomic->memory) == WRT_I64;
    w[1].k.imm = (int32_t)atomic->memory;
    w[2].bits = atomic->offset;
    if (result == 0)
        return true;
    wrt_produced(t, home_of(t, first), result, SHAPE_OTHER);
    t->last.patchable = false; /* results land in the home that the address was in */
    return wrt_push_type(t, result);
}

/* Pops operands given bottom first, behind the address; emits; pushes the result, if any. */
static bool emit_atomic(struct translator *t, unsigned op, const struct atomic *atomic,
                        const wrt_type *types, uint32_t count, wrt_type result)
{
    const wrt_type address = wrt_address_type(t, atomic->memory);
    for (uint32_t i = count; i-- > 0;)
        if (!wrt_pop_type(t, types[i]))
            return false;
    if (!wrt_pop_type(t, address))
        return false;
    if (!t->live)
        return result == 0 || wrt_push_type(t, result);
    const uint32_t first = t->height;
    for (uint32_t i = 0; i <= count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    if (op != OP_atomic_wait32 && op != OP_atomic_wait64)
        return append_atomic(t, op, atomic, first, result);
    /* A wait may pause and be executed again: its homes are all that is kept. */
    if (!wrt_point_here(t, first + count + 1))
        return false;
    wrt_unlist(t, first);
    wrt_forget_accumulators(t);
    t->barrier = t->code_count;
    return append_atomic(t, op, atomic, first, result);
}

static bool access_memory(struct translator *t, uint32_t opcode)
{
    const uint32_t kind = (opcode - FIRST_ACCESS) / VARIANTS;
    const uint32_t variant = (opcode - FIRST_ACCESS) % VARIANTS;
    const wrt_type type = variants[variant].type, types[] = {type, type};
    const uint32_t width = variants[variant].natural;
    struct atomic atomic;
    if (!read_atomic_memarg(t, width, &atomic))
        return false;
    if (kind == KIND_CMPXCHG)
        return emit_atomic(t, OP_atomic_cmpxchg_i32 + variant, &atomic, types, 2, type);
    return emit_atomic(t, OP_atomic_load_8 + width * KINDS_BY_WIDTH + kind, &atomic, types,
                       kind != KIND_LOAD, kind == KIND_STORE ? 0 : type);
}

static bool wait_or_notify(struct translator *t, uint32_t opcode)
{
    static const uint16_t ops[] = {OP_atomic_notify, OP_atomic_wait32, OP_atomic_wait64};
    const wrt_type types[] = {opcode == WAIT_64 ? WRT_I64 : WRT_I32, WRT_I64};
    struct atomic atomic;
    return read_atomic_memarg(t, opcode == WAIT_64 ? 3 : 2, &atomic) &&
           emit_atomic(t, ops[opcode], &atomic, types, opcode == NOTIFY ? 1 : 2, WRT_I32);
}

static bool fence(struct translator *t)
{
    uint8_t flags = 0;
    if (!wrt_read_byte(&t->r, &flags))
        return false;
    if (flags != 0) {
        t->r.at--;
        return wrt_malformed(&t->r, "zero byte expected");
    }
    return wrt_emit_simple(t, OP_atomic_fence);
}

bool wrt_atomic_instruction(struct translator *t)
{
    uint32_t opcode = 0;
    if (!wrt_read_u32(&t->r, &opcode))
        return false;
    if (opcode > FENCE && (opcode < FIRST_ACCESS || opcode >= FIRST_ACCESS + KIND_COUNT * VARIANTS))
        return wrt_malformed(&t->r, "illegal opcode 0xfe %u", opcode);
    if (!wrt_use(&t->r, WRT_FEATURE_THREADS))
        return false;
    if (opcode == FENCE)
        return fence(t);
    return opcode < FENCE ? wait_or_notify(t, opcode) : access_memory(t, opcode);
}
