/* engine/memory64.c - loads and stores of 64-bit memories, indexes of 64-bit tables.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses are i64 and offsets have 64 bits, so their sum may not fit. These accesses have
 * plain forms of their own; what is fused for 32-bit memories stays as fast as it was. Bulk
 * operations serve both kinds (cold.c).
 */
#include "emit.h"

/* Forms, as offsets from the handler of memory 0 with the address in a slot. */
enum { WIDE_SLOT, WIDE_ACC, WIDE_OTHER_MEMORY };

/* By opcode - 0x28. */
static const uint16_t loads[] = {
    OP_i32_load64_s,    OP_i64_load64_s,    OP_f32_load64_s,      OP_f64_load64_s,
    OP_i32_load64_8s_s, OP_i32_load64_8u_s, OP_i32_load64_16s_s,  OP_i32_load64_16u_s,
    OP_i64_load64_8s_s, OP_i32_load64_8u_s, OP_i64_load64_16s_s,  OP_i32_load64_16u_s,
    OP_i64_load64_32s_s, OP_i32_load64_s,
};

/* By opcode - 0x36. */
static const uint16_t stores[] = {
    OP_i32_store64_s, OP_i64_store64_s, OP_f32_store64_s, OP_f64_store64_s, OP_i32_store64_8_s,
    OP_i32_store64_16_s, OP_i32_store64_8_s, OP_i32_store64_16_s, OP_i32_store64_s,
};

static bool emit_access(struct translator *t, unsigned op, uint32_t d, uint32_t a, uint64_t offset,
                        uint32_t memory)
{
    union word *w = wrt_append(t, op, 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)d;
    w[1].k.a = (uint16_t)a;
    w[1].k.imm = (int32_t)memory;
    w[2].bits = offset;
    return true;
}

static unsigned form_of(uint32_t memory, bool in_acc)
{
    return memory != 0 ? WIDE_OTHER_MEMORY : in_acc ? WIDE_ACC : WIDE_SLOT;
}

bool wrt_emit_load64(struct translator *t, uint8_t opcode, uint32_t operand, uint64_t offset,
                     uint32_t memory, wrt_type type)
{
    if (!t->live)
        return true;
    uint32_t a = 0;
    if (!wrt_slot_of(t, operand, &a))
        return false;
    const uint32_t d = home_of(t, operand);
    const unsigned form = form_of(memory, is_acc(t, a, WRT_I64));
    if (!emit_access(t, loads[opcode - 0x28] + form, d, a, offset, memory))
        return false;
    wrt_produced(t, d, type, SHAPE_OTHER);
    return true;
}

bool wrt_emit_store64(struct translator *t, uint8_t opcode, uint32_t address, uint32_t value,
                      uint64_t offset, uint32_t memory)
{
    if (!t->live)
        return true;
    uint32_t a = 0, s = 0;
    if (!wrt_slot_of(t, value, &s) || !wrt_slot_of(t, address, &a))
        return false;
    const unsigned form = form_of(memory, is_acc(t, a, WRT_I64));
    return emit_access(t, stores[opcode - 0x36] + form, s, a, offset, memory);
}

bool wrt_pop_table_index(struct translator *t, uint32_t table)
{
    if (!t->module->tables[table].is_64)
        return wrt_pop_type(t, WRT_I32);
    return wrt_pop_type(t, WRT_I64) &&
           wrt_emit_unary(t, OP_index_narrow_s, 0, t->height, WRT_I32) &&
           wrt_push_type(t, WRT_I32) && wrt_pop_type(t, WRT_I32);
}
