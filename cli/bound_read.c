/* cli/bound_read.c - instructions as `wrt bound` needs them: immediates, classes, effects on the
 * stack. The module is valid; a read past the end gives zeros and then ends the body.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "bound.h"

const char *bound_class_name(enum bound_class of)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        BOUND_CLASS_LIST(NAME)
#undef NAME
    };
    return names[of];
}

static uint8_t take(struct bound_reader *r)
{
    return r->at < r->end ? *r->at++ : 0;
}

static void skip(struct bound_reader *r, size_t count)
{
    r->at = count < (size_t)(r->end - r->at) ? r->at + count : r->end;
}

uint64_t bound_leb(struct bound_reader *r, bool is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte = 0;
    do {
        byte = take(r);
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        shift += 7;
    } while ((byte & 0x80) != 0 && r->at < r->end);
    if (is_signed && (byte & 0x40) != 0 && shift < 64)
        value |= UINT64_MAX << shift;
    return value;
}

static uint32_t number(struct bound_reader *r)
{
    return (uint32_t)bound_leb(r, false);
}

/* References count as one type: all that matters is that they take one slot. */
wrt_type bound_value_type(struct bound_reader *r)
{
    const uint8_t byte = take(r);
    if (byte == 0x63 || byte == 0x64) {
        (void)bound_leb(r, true);
        return WRT_FUNCREF;
    }
    return byte;
}

void bound_read_locals(struct bound_reader *r, bound_locals *each, void *context)
{
    for (uint32_t groups = number(r); groups != 0 && r->at < r->end; groups--) {
        const uint32_t count = number(r);
        const wrt_type type = bound_value_type(r);
        if (each != NULL)
            each(context, count, type);
    }
}

/* ---- immediates ---- */

static void read_block_type(struct bound_reader *r, struct bound_instruction *out)
{
    if (r->at < r->end && *r->at == 0x40) {
        r->at++;
    } else if (r->at < r->end && (*r->at & 0xC0) == 0x40) {
        out->single = bound_value_type(r);
    } else {
        out->a = (uint32_t)bound_leb(r, true);
        out->has_index = true;
    }
}

static void read_memarg(struct bound_reader *r, struct bound_instruction *out)
{
    if ((number(r) & 0x40) != 0)
        out->a = number(r);
    (void)bound_leb(r, false);
}

static void read_labels(struct bound_reader *r, struct bound_instruction *out)
{
    out->a = number(r);
    out->labels = *r;
    for (uint64_t i = 0; i <= out->a && r->at < r->end; i++)
        (void)number(r);
}

static void read_types(struct bound_reader *r, struct bound_instruction *out)
{
    for (uint32_t count = number(r); count != 0 && r->at < r->end; count--)
        out->single = bound_value_type(r);
}

static bool read_plain(struct bound_reader *r, struct bound_instruction *out)
{
    const uint32_t opcode = out->opcode;
    if (opcode >= 0x28 && opcode <= 0x3E) {
        read_memarg(r, out);
        return true;
    }
    switch (opcode) {
    case 0x02: case 0x03: case 0x04: read_block_type(r, out); return true;
    case 0x0E: read_labels(r, out); return true;
    case 0x11: case 0x13:
        out->b = number(r); /* the type */
        out->a = number(r);
        return true;
    case 0x0C: case 0x0D: case 0x10: case 0x12:
    case 0x20: case 0x21: case 0x22: case 0x23: case 0x24: case 0x25: case 0x26:
    case 0x3F: case 0x40: case 0xD2:
        out->a = number(r);
        return true;
    case 0x1C: read_types(r, out); return true;
    case 0x41: out->bits = (uint32_t)bound_leb(r, true); return true;
    case 0x42: out->bits = bound_leb(r, true); return true;
    case 0x43: skip(r, 4); return true;
    case 0x44: skip(r, 8); return true;
    case 0xD0: (void)bound_leb(r, true); return true;
    case 0x06: case 0x07: case 0x08: case 0x09: case 0x0A: case 0x14: case 0x15: case 0x18:
    case 0x19: case 0x1F: case 0xD3: case 0xD4: case 0xD5: case 0xD6:
        return false; /* exceptions, typed references */
    default: return opcode <= 0xD2;
    }
}

static bool read_fc(struct bound_reader *r, struct bound_instruction *out, uint32_t which)
{
    switch (which) {
    case 8: case 10: case 12: case 14:
        out->a = number(r);
        out->b = number(r);
        break;
    case 9: case 11: case 13: case 15: case 16: case 17: out->a = number(r); break;
    default: break;
    }
    return which <= 17 || (which >= 19 && which <= 22);
}

static bool read_fd(struct bound_reader *r, struct bound_instruction *out, uint32_t which)
{
    if (which <= 11 || (which >= 84 && which <= 93))
        read_memarg(r, out);
    if (which == 12 || which == 13)
        skip(r, 16);
    if ((which >= 21 && which <= 34) || (which >= 84 && which <= 91))
        skip(r, 1);
    return which <= 0x113;
}

static bool read_fe(struct bound_reader *r, struct bound_instruction *out, uint32_t which)
{
    if (which == 3)
        skip(r, 1);
    else
        read_memarg(r, out);
    return which <= 0x4E;
}

bool bound_next(struct bound_reader *r, struct bound_instruction *out)
{
    *out = (struct bound_instruction){.byte = (uint64_t)(r->at - r->start)};
    if (r->at >= r->end)
        return false;
    const uint8_t first = take(r);
    out->opcode = first;
    if (first < 0xFB)
        return read_plain(r, out);
    const uint32_t which = number(r);
    out->opcode = (uint32_t)first << 16 | (which & 0xFFFF);
    switch (first) {
    case 0xFC: return read_fc(r, out, which);
    case 0xFD: return read_fd(r, out, which);
    case 0xFE: return read_fe(r, out, which);
    default: return false; /* 0xFB: the collected heap */
    }
}

/* ---- classes ---- */

static enum bound_class class_of_byte(uint32_t opcode)
{
    if (opcode >= 0x28 && opcode <= 0x3E)
        return opcode <= 0x35 ? BOUND_LOAD : BOUND_STORE;
    if ((opcode >= 0x6D && opcode <= 0x70) || (opcode >= 0x7F && opcode <= 0x82))
        return BOUND_DIVIDE;
    switch (opcode) {
    case 0x91: case 0x95: case 0x9F: case 0xA3: return BOUND_FLOAT_DIVIDE;
    case 0x10: case 0x12: case 0x0F: return BOUND_CALL;
    case 0x11: case 0x13: return BOUND_CALL_INDIRECT;
    case 0x04: case 0x0C: case 0x0D: case 0x0E: return BOUND_BRANCH;
    case 0x25: case 0x26: return BOUND_TABLE;
    case 0x40: return BOUND_GROW;
    default: break;
    }
    const bool is_float = (opcode >= 0x5B && opcode <= 0x66) || (opcode >= 0x8B && opcode <= 0xA6) ||
                          (opcode >= 0xA8 && opcode <= 0xBF);
    return is_float ? BOUND_FLOAT : BOUND_PLAIN;
}

enum bound_class bound_class_of(uint32_t opcode)
{
    switch (opcode >> 16) {
    case 0: return class_of_byte(opcode);
    case 0xFD: return BOUND_VECTOR;
    case 0xFE: return BOUND_ATOMIC;
    default: break;
    }
    const uint32_t which = opcode & 0xFFFF;
    if (which <= 7)
        return BOUND_FLOAT;
    if (which >= 8 && which <= 11)
        return BOUND_BULK;
    return which >= 19 ? BOUND_PLAIN : which == 15 ? BOUND_GROW : BOUND_TABLE;
}

/* ---- effects on the stack ---- */

static const struct bound_effect unary = {"s", "s"}, binary = {"ss", "s"};

static bool effect_of_byte(uint32_t opcode, struct bound_effect *out)
{
    if (opcode >= 0x28 && opcode <= 0x35)
        *out = unary;
    else if (opcode >= 0x36 && opcode <= 0x3E)
        *out = (struct bound_effect){"ss", ""};
    else if (opcode == 0x45 || opcode == 0x50 || (opcode >= 0x67 && opcode <= 0x69) ||
             (opcode >= 0x79 && opcode <= 0x7B) || (opcode >= 0x8B && opcode <= 0x91) ||
             (opcode >= 0x99 && opcode <= 0x9F) || (opcode >= 0xA7 && opcode <= 0xC4))
        *out = unary;
    else if (opcode >= 0x46 && opcode <= 0xA6)
        *out = binary;
    else
        switch (opcode) {
        case 0x01: *out = (struct bound_effect){"", ""}; break;
        case 0x25: case 0x40: case 0xD1: *out = unary; break;
        case 0x26: *out = (struct bound_effect){"ss", ""}; break;
        case 0x3F: case 0x41: case 0x42: case 0x43: case 0x44: case 0xD0: case 0xD2:
            *out = (struct bound_effect){"", "s"};
            break;
        default: return false;
        }
    return true;
}

static bool effect_of_fc(uint32_t which, struct bound_effect *out)
{
    switch (which) {
    case 8: case 10: case 11: case 12: case 14: case 17: *out = (struct bound_effect){"sss", ""}; break;
    case 9: case 13: *out = (struct bound_effect){"", ""}; break;
    case 15: *out = binary; break;
    case 16: *out = (struct bound_effect){"", "s"}; break;
    case 19: case 20: *out = (struct bound_effect){"ssss", "ss"}; break;
    case 21: case 22: *out = (struct bound_effect){"ss", "ss"}; break;
    default: *out = unary; break;
    }
    return true;
}

/* By number: u v->v, b vv->v, t vvv->v, h vs->v, ? v->s, p s->v, e v->s, r vs->v, l s->v,
 * w sv->, k ->v, a sv->v; blank: illegal. */
static const char vectors[] =
    "lllllllllllwkbbppppppeereererere" /* 0 */
    "rerbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" /* 32 */
    "bbbbbbbbbbbbbubbbbt?aaaawwwwlluu" /* 64 */
    "uuu??bbuuuuhhhbbbbbbuubbbbubuuuu" /* 96 */
    "uub??bbuuuuhhhbbbbbbubbbbb bbbbb" /* 128 */
    "uu ??  uuuuhhhb  b   bbbbbb bbbb" /* 160 */
    "uu ??  uuuuhhhb  b   bbbbbbbbbbb" /* 192 */
    "uu ubbbbbbbbuu ubbbbbbbbuuuuuuuu" /* 224 */
    "buuuuttttttttbbbbbbt";
_Static_assert(sizeof vectors == 276 + 1, "a letter for each number");

static bool effect_of_vector(uint32_t which, struct bound_effect *out)
{
    switch (which < 276 ? vectors[which] : ' ') {
    case 'u': *out = (struct bound_effect){"v", "v"}; return true;
    case 'b': *out = (struct bound_effect){"vv", "v"}; return true;
    case 't': *out = (struct bound_effect){"vvv", "v"}; return true;
    case 'h': case 'r': *out = (struct bound_effect){"vs", "v"}; return true;
    case '?': case 'e': *out = (struct bound_effect){"v", "s"}; return true;
    case 'p': case 'l': *out = (struct bound_effect){"s", "v"}; return true;
    case 'w': *out = (struct bound_effect){"sv", ""}; return true;
    case 'k': *out = (struct bound_effect){"", "v"}; return true;
    case 'a': *out = (struct bound_effect){"sv", "v"}; return true;
    default: return false;
    }
}

static bool effect_of_atomic(uint32_t which, struct bound_effect *out)
{
    if (which == 3)
        *out = (struct bound_effect){"", ""};
    else if (which == 0)
        *out = binary;
    else if (which <= 2 || which >= 0x48)
        *out = (struct bound_effect){"sss", "s"};
    else if (which <= 0x16)
        *out = unary;
    else if (which <= 0x1D)
        *out = (struct bound_effect){"ss", ""};
    else
        *out = binary;
    return true;
}

bool bound_effect_of(uint32_t opcode, struct bound_effect *out)
{
    const uint32_t which = opcode & 0xFFFF;
    switch (opcode >> 16) {
    case 0: return effect_of_byte(opcode, out);
    case 0xFC: return effect_of_fc(which, out);
    case 0xFD: return effect_of_vector(which, out);
    case 0xFE: return effect_of_atomic(which, out);
    default: return false;
    }
}
