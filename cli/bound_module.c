/* cli/bound_module.c - what `wrt bound` needs of a whole module: bodies, tables, the calls between
 * functions, and the order in which to look at them: callees first.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A table's functions are known if only the module can write it (it is neither imported nor
 * exported) and none of its instructions does. The search through calls keeps its own stack; a
 * call of a function that is still being looked at closes a circle: recursion.
 */
#include <stdlib.h>
#include <string.h>

#include "bound.h"

#define MOST_EDGES UINT32_C(4000000) /* of calls through tables to what they may reach */

enum { STATE_NEW, STATE_OPEN, STATE_DONE };

bool bound_grow(struct bound_module *m, void *pointer, uint32_t *capacity, uint32_t count,
                size_t item_bytes)
{
    if (count < *capacity)
        return true;
    void *old = NULL;
    memcpy(&old, pointer, sizeof old);
    const uint32_t larger = *capacity < 32 ? 32 : *capacity > UINT32_MAX / 2 ? UINT32_MAX : *capacity * 2;
    void *fresh = larger > count ? realloc(old, larger * item_bytes) : NULL;
    if (fresh == NULL) {
        m->no_memory = true;
        return false;
    }
    memcpy(pointer, &fresh, sizeof fresh);
    *capacity = larger;
    return true;
}

void bound_note(struct bound_module *m, uint32_t function, uint64_t byte, enum bound_why why,
                uint32_t detail)
{
    if (bound_grow(m, &m->causes, &m->cause_capacity, m->cause_count, sizeof *m->causes))
        m->causes[m->cause_count++] = (struct bound_cause){function, byte, why, detail};
}

static void add_edge(struct bound_module *m, uint32_t function, uint32_t to, uint64_t byte)
{
    if (to >= m->info.function_count ||
        !bound_grow(m, &m->edges, &m->edge_capacity, m->edge_count, sizeof *m->edges))
        return;
    m->edges[m->edge_count++] = (struct bound_edge){to, byte};
    m->functions[function].edge_count++;
}

/* ---- sections ---- */

static void read_bodies(struct bound_module *m, struct bound_reader r)
{
    uint32_t count = (uint32_t)bound_leb(&r, false);
    for (uint32_t i = m->info.imported_function_count; count != 0 && i < m->info.function_count;
         i++, count--) {
        const uint64_t size = bound_leb(&r, false);
        if (size > (uint64_t)(r.end - r.at))
            return;
        m->functions[i].body = r.at;
        m->functions[i].body_bytes = (uint32_t)size;
        r.at += size;
    }
}

/* A constant expression that is one ref.func; anything else makes the table open. */
static bool read_ref_func(struct bound_reader *r, uint32_t *out)
{
    struct bound_instruction in;
    uint32_t count = 0;
    *out = UINT32_MAX;
    for (; bound_next(r, &in) && in.opcode != 0x0B; count++)
        if (in.opcode == 0xD2)
            *out = in.a;
        else if (in.opcode != 0xD0)
            count += 2;
    return count == 1;
}

static void skip_expression(struct bound_reader *r)
{
    struct bound_instruction in;
    while (bound_next(r, &in) && in.opcode != 0x0B)
        ;
}

static void add_target(struct bound_module *m, uint32_t table, uint32_t function)
{
    struct bound_table *t = &m->tables[table];
    if (!bound_grow(m, &m->targets, &m->target_capacity, m->target_count, sizeof *m->targets))
        return;
    /* a table's functions stand together; of tables with several segments only the last do */
    if (t->count != 0 && t->first + t->count != m->target_count)
        t->is_open = true;
    if (t->count == 0)
        t->first = m->target_count;
    m->targets[m->target_count++] = function;
    t->count++;
}

/* Segments have eight forms (spec 5.5.12): bit 0 passive or declared, bit 1 an index, bit 2
 * expressions. */
static void read_segment(struct bound_module *m, struct bound_reader *r)
{
    const uint32_t form = (uint32_t)bound_leb(r, false);
    const bool is_active = (form & 1) == 0, has_expressions = (form & 4) != 0;
    uint32_t table = 0;
    if (is_active && (form & 2) != 0)
        table = (uint32_t)bound_leb(r, false);
    if (is_active)
        skip_expression(r);
    if ((form & 3) != 0) {
        if (has_expressions)
            (void)bound_value_type(r);
        else
            (void)bound_leb(r, false); /* elemkind */
    }
    for (uint32_t count = (uint32_t)bound_leb(r, false); count != 0 && r->at < r->end; count--) {
        uint32_t function = UINT32_MAX;
        bool is_plain = true;
        if (has_expressions)
            is_plain = read_ref_func(r, &function);
        else
            function = (uint32_t)bound_leb(r, false);
        if (!is_active || table >= m->info.table_count)
            continue;
        if (!is_plain)
            m->tables[table].is_open = true;
        else if (function != UINT32_MAX)
            add_target(m, table, function);
    }
}

static void read_segments(struct bound_module *m, struct bound_reader r)
{
    for (uint32_t count = (uint32_t)bound_leb(&r, false); count != 0 && r.at < r.end; count--)
        read_segment(m, &r);
}

/* Tables with an initial value (0x40 0x00) hold more than their segments. */
static void read_tables(struct bound_module *m, struct bound_reader r)
{
    uint32_t count = (uint32_t)bound_leb(&r, false);
    for (uint32_t i = m->info.imported_table_count; count != 0 && i < m->info.table_count; i++, count--) {
        if (r.at < r.end && *r.at == 0x40) {
            for (; i < m->info.table_count; i++) /* and those after it are not read */
                m->tables[i].is_open = true;
            return;
        }
        (void)bound_value_type(&r);
        const uint64_t flags = bound_leb(&r, false);
        (void)bound_leb(&r, false);
        if ((flags & 1) != 0)
            (void)bound_leb(&r, false);
    }
}

static void read_sections(struct bound_module *m)
{
    struct bound_reader r = {m->bytes, m->bytes + 8, m->bytes + m->size_bytes};
    while (r.at < r.end) {
        const uint8_t id = *r.at++;
        const uint64_t size = bound_leb(&r, false);
        if (size > (uint64_t)(r.end - r.at))
            return;
        const struct bound_reader section = {m->bytes, r.at, r.at + size};
        if (id == 4)
            read_tables(m, section);
        else if (id == 9)
            read_segments(m, section);
        else if (id == 10)
            read_bodies(m, section);
        r.at += size;
    }
}

static void open_shared_tables(struct bound_module *m)
{
    struct wrt_module_export export;
    for (uint32_t i = 0; i < m->info.imported_table_count; i++)
        m->tables[i].is_open = true;
    for (uint32_t i = 0; wrt_module_get_export(m->module, i, &export) == WRT_OK; i++)
        if (export.type.kind == WRT_EXTERN_TABLE)
            m->tables[export.index].is_open = true;
}

static void find_functions(struct bound_module *m)
{
    struct wrt_extern_type item;
    for (uint32_t i = 0; wrt_module_get_item(m->module, WRT_EXTERN_FUNCTION, i, &item) == WRT_OK; i++) {
        m->functions[i].parameter_slots =
            wrt_type_list_slots(item.function.parameters, item.function.parameter_count);
        m->functions[i].result_slots =
            wrt_type_list_slots(item.function.results, item.function.result_count);
    }
}

/* ---- calls ---- */

/* Each body once: `visit` sees all its instructions; false: one that is left out came. */
typedef void visitor(struct bound_module *m, uint32_t function, const struct bound_instruction *in);

static bool each_instruction(struct bound_module *m, uint32_t function, visitor *visit,
                             struct bound_instruction *last)
{
    const struct bound_function *f = &m->functions[function];
    struct bound_reader r = {m->bytes, f->body, f->body + f->body_bytes};
    bound_read_locals(&r, NULL, NULL);
    while (bound_next(&r, last))
        visit(m, function, last);
    return r.at == r.end && last->byte == (uint64_t)(r.end - r.start);
}

static void see_table_writes(struct bound_module *m, uint32_t function,
                             const struct bound_instruction *in)
{
    (void)function;
    switch (in->opcode) {
    case 0xFC000C: m->tables[in->b].is_open = true; break;  /* table.init */
    case 0x26: case 0xFC000E: case 0xFC000F: case 0xFC0011: /* set, copy, grow, fill */
        m->tables[in->a].is_open = true;
        break;
    default: break;
    }
}

static bool same_types(const wrt_type *a, const wrt_type *b, uint32_t count)
{
    return count == 0 || memcmp(a, b, count * sizeof *a) == 0;
}

/* May a call through a table with that type reach the function? With declared subtypes any may. */
static bool may_be_called(const struct bound_module *m, uint32_t function,
                          const struct wrt_function_type *type)
{
    struct wrt_extern_type item;
    if ((m->info.features & WRT_FEATURE_BIT(GC)) != 0)
        return true;
    return wrt_module_get_item(m->module, WRT_EXTERN_FUNCTION, function, &item) == WRT_OK &&
           item.function.parameter_count == type->parameter_count &&
           item.function.result_count == type->result_count &&
           same_types(item.function.parameters, type->parameters, type->parameter_count) &&
           same_types(item.function.results, type->results, type->result_count);
}

static void see_calls(struct bound_module *m, uint32_t function, const struct bound_instruction *in)
{
    if (in->opcode == 0x10 || in->opcode == 0x12)
        add_edge(m, function, in->a, in->byte);
    if (in->opcode != 0x11 && in->opcode != 0x13)
        return;
    const struct bound_table *t = &m->tables[in->a];
    struct wrt_function_type type;
    if (t->is_open) {
        bound_note(m, function, in->byte, BOUND_TABLE_OPEN, in->a);
        return;
    }
    if (m->edge_count > MOST_EDGES || t->count > MOST_EDGES - m->edge_count) {
        m->tables[in->a].is_open = true; /* its calls have no bound */
        bound_note(m, function, in->byte, BOUND_TOO_COMPLEX, 0);
        return;
    }
    if (wrt_module_get_type(m->module, in->b, &type) != WRT_OK)
        return;
    for (uint32_t i = 0; i < t->count; i++)
        if (may_be_called(m, m->targets[t->first + i], &type))
            add_edge(m, function, m->targets[t->first + i], in->byte);
}

static void find_calls(struct bound_module *m)
{
    struct bound_instruction last;
    const uint32_t first = m->info.imported_function_count;
    for (uint32_t i = first; i < m->info.function_count; i++)
        if (m->functions[i].body != NULL && !each_instruction(m, i, see_table_writes, &last)) {
            m->functions[i].has_unsupported = true;
            bound_note(m, i, last.byte, BOUND_UNSUPPORTED, last.opcode);
            for (uint32_t t = 0; t < m->info.table_count; t++) /* it may write any */
                m->tables[t].is_open = true;
        }
    for (uint32_t i = first; i < m->info.function_count && !m->no_memory; i++) {
        m->functions[i].first_edge = m->edge_count;
        if (m->functions[i].body != NULL)
            (void)each_instruction(m, i, see_calls, &last);
    }
}

/* ---- callees first ---- */

static void finish(struct bound_module *m, uint32_t function)
{
    struct bound_function *f = &m->functions[function];
    f->state = STATE_DONE;
    if (f->has_unsupported) {
        f->cost = (struct bound_cost){BOUND_NONE, BOUND_NONE, BOUND_NONE};
        f->stack_slots = BOUND_NONE;
    } else if (f->body != NULL) {
        bound_walk(m, function);
    }
}

/* What calls a function that is not done sees of it: a circle has no bound. */
static void begin(struct bound_function *f)
{
    f->state = STATE_OPEN;
    f->cost = (struct bound_cost){BOUND_NONE, BOUND_NONE, BOUND_NONE};
    f->stack_slots = BOUND_NONE;
}

struct visit {
    uint32_t function, next;
};

static bool walk_from(struct bound_module *m, uint32_t root)
{
    struct visit *stack = NULL;
    uint32_t capacity = 0, depth = 0;
    if (!bound_grow(m, &stack, &capacity, depth, sizeof *stack))
        return false;
    stack[depth++] = (struct visit){root, 0};
    begin(&m->functions[root]);
    while (depth != 0 && !m->no_memory) {
        struct visit *v = &stack[depth - 1];
        const struct bound_function *f = &m->functions[v->function];
        if (v->next == f->edge_count) {
            finish(m, v->function);
            depth--;
            continue;
        }
        const struct bound_edge edge = m->edges[f->first_edge + v->next++];
        struct bound_function *to = &m->functions[edge.to];
        if (to->state == STATE_OPEN) {
            bound_note(m, v->function, edge.byte, BOUND_RECURSION, edge.to);
        } else if (to->state == STATE_NEW && to->body != NULL) {
            begin(to);
            if (!bound_grow(m, &stack, &capacity, depth, sizeof *stack))
                break;
            stack[depth++] = (struct visit){edge.to, 0};
        }
    }
    free(stack);
    return !m->no_memory;
}

bool bound_open(struct bound_module *m, const struct wrt_module *module, const uint8_t *bytes,
                size_t size_bytes, const struct bound_times *times)
{
    *m = (struct bound_module){.module = module, .bytes = bytes, .size_bytes = size_bytes, .times = times};
    wrt_module_get_info(module, &m->info);
    m->functions = calloc((size_t)m->info.function_count + 1, sizeof *m->functions);
    m->tables = calloc((size_t)m->info.table_count + 1, sizeof *m->tables);
    if (m->functions == NULL || m->tables == NULL)
        return false;
    find_functions(m);
    open_shared_tables(m);
    read_sections(m);
    find_calls(m);
    for (uint32_t i = m->info.imported_function_count; i < m->info.function_count; i++)
        if (m->functions[i].state == STATE_NEW && !walk_from(m, i))
            return false;
    return !m->no_memory;
}

void bound_close(struct bound_module *m)
{
    free(m->functions);
    free(m->tables);
    free(m->targets);
    free(m->edges);
    free(m->causes);
}
