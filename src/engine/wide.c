/* engine/wide.c - wide arithmetic: sums, differences and products of 128 bits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The two results go to the homes of the first two operands, low half first.
 */
#include "emit.h"

static bool emit(struct translator *t, unsigned op, uint32_t first, uint32_t count)
{
    uint32_t s[4] = {0};
    if (!t->live)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_slot_of(t, first + i, &s[i]))
            return false;
    union word *w = wrt_append(t, op, 3);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, first);
    w[1] = (union word){.s = {(uint16_t)d, (uint16_t)s[0], (uint16_t)s[1], (uint16_t)s[2]}};
    w[2] = (union word){.s = {(uint16_t)s[3], 0, 0, 0}};
    wrt_wrote_plain(t, d);
    wrt_wrote(t, d + 1, ACC_I);
    return true;
}

bool wrt_wide_arithmetic(struct translator *t, uint32_t opcode)
{
    static const uint16_t ops[] = {OP_i64_add128, OP_i64_sub128, OP_i64_mul_wide_s,
                                   OP_i64_mul_wide_u};
    const uint32_t count = opcode <= 20 ? 4 : 2;
    if (!wrt_use(&t->r, WRT_FEATURE_WIDE_ARITHMETIC))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_pop_type(t, WRT_I64))
            return false;
    return emit(t, ops[opcode - 19], t->height, count) && wrt_push_type(t, WRT_I64) &&
           wrt_push_type(t, WRT_I64);
}
