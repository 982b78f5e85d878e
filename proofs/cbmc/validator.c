/* proofs/cbmc/validator.c - the validator's abstract stack.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: from any stack that is well formed, each step of the validator (push of a type, a constant, a
 *   local; pop of a type or of any; the end of a path)
 *   leaves one that is: not below the height of its block, homes one behind the other from the first slot
 *   and inside of the frame, the operands that read a local in one descending list from the newest; and
 *   does what it says: what is popped was of the type that was asked for, or the code cannot run;
 *   operands of the blocks around are untouched; a refusal leaves a status.
 * Bound: 3 operands, 2 open blocks, 1 local, one step from any stack that is well
 *   formed: by induction any sequence of them.
 * Stubbed: subtyping, any answer where sizes are equal; growing, which is refused; texts.
 * Misses: lists of types and the check of the top;
 *   which steps an instruction takes (the specification's tests); growing of the arrays.
 *
 * PROOF quick pushing --unwind 6 --slice-formula
 * PROOF quick popping --unwind 6 --slice-formula
 * PROOF quick ending --unwind 6 --slice-formula
 * MUTANT pushing src/engine/body.c s/t->operands\[t->height\]\.slot = end;/;/
 * MUTANT pushing src/engine/body.c s/o\.older_alias = t->local_alias\[o\.local\];/o.older_alias = WRT_NONE;/
 * MUTANT popping src/engine/body.c s/if \(t->height == c->height\) \{/if (t->height == 0) {/
 * MUTANT popping src/engine/body.c s/forget_alias\(t, --t->height\);$/--t->height;/
 * MUTANT ending src/engine/body.c s/while \(t->height > c->height\)/while (t->height > 0)/
 */
#include "engine/body.c"
#include "stubs.h"

bool wrt_refuse(struct wrt_reader *r, enum wrt_status status, const char *format, ...)
{
    (void)format;
    r->status = status;
    return false;
}

bool wrt_grow_more(struct translator *t, void *pointer, uint32_t *capacity, uint32_t needed, size_t item_bytes)
{
    (void)pointer, (void)capacity, (void)needed, (void)item_bytes;
    return wrt_refuse(&t->r, WRT_ERR_NO_MEMORY, "refused");
}

bool wrt_type_is(const struct wrt_module *module, wrt_type type, wrt_type expected)
{
    (void)module;
    return wrt_type_slots(type) == wrt_type_slots(expected) && any_bool();
}

const char *wrt_value_type_name(wrt_type type)
{
    (void)type;
    return "";
}

/* ---- any stack that is well formed ---- */

enum { OPERANDS = 3, CAPACITY = 7, FIRST_SLOT = 4 };
static struct translator translator, *const t = &translator;
static struct operand operands[CAPACITY], before[CAPACITY];
static struct control controls[2];
static uint32_t alias[1];
static wrt_type local_type[1];
static struct wrt_module_config config;

static bool is_well_formed(void)
{
    const uint32_t floor = controls[t->control_count - 1].height;
    uint32_t slot = FIRST_SLOT, newest = WRT_NONE;

    if (t->height < floor || t->height >= CAPACITY || t->settled > t->height)
        return false;
    for (uint32_t i = 0; i < CAPACITY - 1 && i < t->height; i++) {
        const struct operand *const o = &operands[i];
        if (o->slot != slot || (o->local != WRT_NONE && (o->local != 0 || o->older_alias != newest)))
            return false;
        if (o->local == 0 && i >= floor && innermost(t)->unreachable)
            return false; /* what cannot run reads nothing */
        if (o->local == 0)
            newest = i;
        slot += wrt_type_slots(o->type);
    }
    return alias[0] == newest && operands[t->height].slot == slot && slot <= t->frame_slots &&
           t->frame_slots <= config.max_frame_slots;
}

static wrt_type any_type(void)
{
    static const wrt_type types[] = {WRT_I32, WRT_F64, WRT_V128, ANY_TYPE};
    return types[any_below(4)];
}

static void any_stack(void)
{
    for (uint32_t i = 0; i <= OPERANDS; i++)
        operands[i] = (struct operand){.type = any_type(), .slot = (uint32_t)any_below(16), .kind = (uint8_t)any_below(4),
                                       .local = any_bool() ? 0 : WRT_NONE, .older_alias = any_u32(), .bits = any_u64()};
    translator = (struct translator){
        .config = &config, .operands = operands, .operand_capacity = CAPACITY,
        .height = (uint32_t)any_below(OPERANDS + 1), .settled = any_u32(), .listed = any_u32(), .controls = controls,
        .control_capacity = 2, .control_count = (uint32_t)any_below(2) + 1, .local_types = local_type,
        .local_alias = alias, .local_count = 1, .live = any_bool(), .frame_slots = any_u32()};
    controls[0].height = 0;
    controls[1].height = (uint32_t)any_below(OPERANDS + 1);
    controls[0].unreachable = any_bool();
    controls[1].unreachable = any_bool();
    alias[0] = any_u32();
    local_type[0] = any_bool() ? WRT_I32 : WRT_V128;
    config.max_frame_slots = any_u32();
    assume(!innermost(t)->unreachable || !t->live);
    assume(is_well_formed());
    memcpy(before, operands, sizeof before);
}

/* Operands below a height are as they were. */
static bool are_same(uint32_t height)
{
    const uint32_t i = (uint32_t)any_below(CAPACITY);
    return i >= height || (operands[i].type == before[i].type && operands[i].slot == before[i].slot &&
                           operands[i].kind == before[i].kind && operands[i].local == before[i].local);
}

static bool check(bool ok)
{
    prove(is_well_formed(), "well formed");
    prove(ok || t->r.status != WRT_OK, "a refusal leaves a status");
    prove(are_same(innermost(t)->height), "the blocks around are untouched");
    return ok;
}

/* ---- steps ---- */

void pushing(void)
{
    any_stack();
    const uint32_t height = t->height;
    const wrt_type type = any_type();
    const uint32_t way = (uint32_t)any_below(3);
    if (check(way == 0 ? push(t, type) : way == 1 ? push_const(t, type, any_u64()) : push_local(t, 0)))
        prove(t->height == height + 1 && operands[height].type == (way == 2 ? local_type[0] : type), "one more, of it");
    prove(are_same(height), "those below are untouched");
}

void popping(void)
{
    any_stack();
    const uint32_t height = t->height, floor = innermost(t)->height;
    const wrt_type type = any_type(), top = height > floor ? operands[height - 1].type : ANY_TYPE;
    wrt_type found = 0;
    if (!check(pop_typed(t, type, &found)))
        return;
    prove(height > floor ? t->height == height - 1 : t->height == floor, "one less, never below the block");
    prove(height > floor || innermost(t)->unreachable, "nothing is made up where code can run");
    prove(height == floor || found == top, "what was on top");
}

void ending(void)
{
    any_stack();
    wrt_end_path(t);
    prove(t->height == innermost(t)->height, "down to the block's height");
    prove(innermost(t)->unreachable && !t->live, "what follows cannot run");
    (void)check(true);
}
