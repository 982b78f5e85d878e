/* engine/emit.h - what the parts of the emitter share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Invariants while emitting:
 *   acc[c] == s         accumulator c holds what slot s holds
 *   an operand AT_HOME  its home slot holds it
 *   pending <= 101      so that the difference of two fits a branch's 8-bit fuel
 */
#ifndef WRT_ENGINE_EMIT_H
#define WRT_ENGINE_EMIT_H

#include "translate.h"

/* ---- operations by WebAssembly opcode ---- */

enum numeric_kind { NOT_NUMERIC, COMMUTATIVE, ORDERED, DIVISION, COMPARE, FLOAT, FLOAT_PLAIN, FLOAT_COMPARE };

struct numeric {
    uint16_t op;      /* its _ss handler */
    uint8_t kind;
    wrt_type type;     /* of operands */
    uint8_t mirrored; /* opcode with operands swapped; 0: none */
    uint8_t inverse;  /* opcode of the negation; 0: none */
};

extern const struct numeric wrt_numerics[256];

enum { I32_EQZ = 0x45, I32_EQ = 0x46, I32_NE = 0x47, I64_EQZ = 0x50, I64_EQ = 0x51, I32_ADD = 0x6A,
       I32_MUL = 0x6C, I32_AND = 0x71, I32_OR = 0x72, I32_XOR = 0x73, I32_SHL = 0x74,
       I32_SHR_U = 0x76, I32_ROTL = 0x77, I32_ROTR = 0x78, F32_ADD = 0x92, F32_MUL = 0x94,
       F64_ADD = 0xA0, F64_MUL = 0xA2, I32_SUB = 0x6B, F32_EQ = 0x5B, F64_EQ = 0x61 };

/* Forms of SHAPE_BINARY, as offsets from the _ss handler where the kind has them. */
enum form { FORM_SS, FORM_AS, FORM_SK, FORM_AK, FORM_SA };

/* Load forms, in the order of their handlers. */
enum { LOAD_S, LOAD_A, LOAD_SS, LOAD_AS, LOAD_SK, LOAD_AK, LOAD_X, LOAD_XA, LOAD_I, LOAD_IA,
       LOAD_K, LOAD_M };

/* ---- the buffer: emit.c ---- */

/* Appends an instruction and remembers it; its operand words are zero. NULL: refused. */
union word *wrt_append(struct translator *t, unsigned op, uint32_t words);
/* Takes the last instruction back; the one before is the last again. */
void wrt_take_back(struct translator *t);
/* Slot `slot` was written, by way of accumulator `c` or of none. */
void wrt_wrote(struct translator *t, uint32_t slot, enum acc_class c);
void wrt_wrote_plain(struct translator *t, uint32_t slot);
void wrt_wrote_vector(struct translator *t, uint32_t slot); /* and the slot behind it */
void wrt_forget_accumulators(struct translator *t);
/* The last instruction made a value of `type` in slot d, and may be redirected. */
void wrt_produced(struct translator *t, uint32_t d, wrt_type type, enum shape shape);

static inline bool has_last(const struct translator *t)
{
    return t->last.end == t->code_count && t->last.at >= t->barrier && t->last.end != 0;
}

static inline bool fits_16(int32_t value)
{
    return value >= INT16_MIN && value <= INT16_MAX;
}

static inline bool fits_32(uint64_t bits)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)bits == bits;
}

/* ---- operands: emit.c ---- */

static inline bool is_acc(const struct translator *t, uint32_t slot, wrt_type type)
{
    return t->acc[acc_of(type)] == slot;
}

/* Where an operand's value, or the variable part of its sum, is. */
static inline uint32_t base_slot(const struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    return o->local != WRT_NONE ? wrt_local_slot(t, o->local) : home_of(t, index);
}

bool wrt_emit_mov(struct translator *t, uint32_t d, uint32_t s, wrt_type type);
bool wrt_emit_const(struct translator *t, uint32_t d, wrt_type type, uint64_t bits);
/* Puts the value of an operand into slot d. The operand stays as it is. */
bool wrt_emit_value(struct translator *t, uint32_t index, uint32_t d);
/* The slot that holds a popped operand; a constant or sum is first put into its home slot. */
bool wrt_slot_of(struct translator *t, uint32_t index, uint32_t *out);

/* Does wrt_slot_of emit nothing for it? */
static inline bool is_in_slot(const struct translator *t, uint32_t index)
{
    return t->operands[index].kind == AT_HOME || t->operands[index].kind == AT_LOCAL;
}

/* Is the last instruction the one that made operand `index`, and of no use to others? */
static inline bool made_by_last(const struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    return has_last(t) && t->last.patchable && o->local == WRT_NONE && o->kind != AT_CONST &&
           t->last.d == home_of(t, index);
}

/* ---- numeric.c ---- */

/* d = a op b in the given form; `bits` is the constant of the k forms. */
bool wrt_emit_form(struct translator *t, uint8_t opcode, enum form form, uint32_t d, uint32_t a,
                   uint32_t b, uint64_t bits);
/* Replaces the last instruction, an integer operation, by it and `opcode` behind it, whose
 * other operand is slot or constant z, on the left if `reversed`. */
bool wrt_fuse_integers(struct translator *t, uint8_t opcode, bool constant, bool reversed,
                       uint16_t z, uint32_t d, bool *done);

#endif
