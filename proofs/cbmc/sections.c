/* proofs/cbmc/sections.c - the readers of a module's sections.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: for any bytes and any limits, a reader takes no byte outside of its section and writes
 *   nothing outside of the arrays that it made for what it counted; what it accepts is in range: each
 *   index is below the size of what it names, minima are not above maxima nor these above what the kind
 *   can have, and counts are those of the items; what it refuses leaves a status.
 * Bound: sections of up to 13 bytes of imports (three, of any kinds), 8 of data, exports and globals, 7 of
 *   elements, tables, memories, functions and tags, 6 of start and data count; up to 3 items, of an element segment
 *   more; two types before them; names of up to 1 byte, of imports any that the section has room for.
 * Stubbed: allocation, which may refuse and gives exactly what is asked for; constant expressions, which
 *   take any number of bytes; wrt_read_leb by its contract (leb128.h, proved in leb128), which gives any
 *   value that fits for any bytes; in imports names and the types of items by contracts, which names and
 *   imported_... prove (the same bytes have the same answer, as both passes need); subtyping, any answer; texts.
 * Misses: the type section, code, custom sections; longer names; more items.
 *
 * PROOF long imports --unwind 4 --slice-formula
 * PROOF quick names --unwind 8 --slice-formula
 * PROOF quick imported_functions --unwind 4 --slice-formula
 * PROOF quick imported_tables --unwind 4 --slice-formula
 * PROOF quick imported_memories --unwind 4 --slice-formula
 * PROOF quick imported_globals --unwind 4 --slice-formula
 * PROOF quick functions --unwind 4 --slice-formula
 * PROOF long tables --unwind 4 --slice-formula
 * PROOF quick memories --unwind 4 --slice-formula
 * PROOF quick globals --unwind 4 --slice-formula
 * PROOF long exports --unwind 4 --slice-formula
 * PROOF long elements --unwind 4 --unwindset read_element_items.0:6 --slice-formula
 * PROOF long data --unwind 4 --slice-formula
 * PROOF quick singles --unwind 6
 * BY imports wrt_read_leb wrt_read_name read_imported
 * BY names wrt_read_leb
 * BY imported_functions wrt_read_leb
 * BY imported_tables wrt_read_leb
 * BY imported_memories wrt_read_leb
 * BY imported_globals wrt_read_leb
 * BY functions wrt_read_leb
 * BY tables wrt_read_leb
 * BY memories wrt_read_leb
 * BY globals wrt_read_leb
 * BY exports wrt_read_leb
 * BY elements wrt_read_leb
 * BY data wrt_read_leb
 * MUTANT imports src/engine/sections.c s/n->functions \+= kind == WRT_EXTERN_FUNCTION;/;/
 * MUTANT imports src/engine/sections.c s/return read_imported\(l, kind, &item\);/return kind == WRT_EXTERN_MEMORY || read_imported(l, kind, \&item);/
 * MUTANT names src/engine/reader.c s/if \(size > limit\)/if (size > limit + 1)/
 * MUTANT names src/engine/reader.c s/if \(wrt_reader_left\(r\) < size\)/if (wrt_reader_left(r) + 1 < size)/
 * MUTANT imported_functions src/engine/sections.c s/if \(index >= l->module->info.type_count\)/if (index > l->module->info.type_count)/
 * MUTANT imported_tables src/engine/sections.c s/limits->minimum <= limits->maximum/limits->minimum >= limits->maximum/
 * MUTANT imported_memories src/engine/sections.c s/if \(out->limits.minimum > most \|\|/if (/
 * MUTANT imported_globals src/engine/sections.c s/!global->is_mutable \|\| uses/global->is_mutable || uses/
 * MUTANT functions src/engine/sections.c s/if \(index >= l->module->info.type_count\)/if (index > l->module->info.type_count)/
 * MUTANT functions src/engine/reader.h s/if \(r->at == r->end\)$/if (r->at > r->end)/
 * MUTANT tables src/engine/sections.c s/limits->minimum <= limits->maximum/limits->minimum >= limits->maximum/
 * MUTANT memories src/engine/sections.c s/if \(out->limits.minimum > most \|\|/if (/
 * MUTANT globals src/engine/sections.c s/max_globals", &count\) \|\| !wrt_load_need_declared\(l\)/max_globals", \&count)/
 * MUTANT exports src/engine/sections.c s/if \(export->index >= counts\[kind\]\)/if (export->index > counts[kind])/
 * MUTANT exports src/engine/sections.c s/if \(kind > 4\)/if (kind > 5)/
 * MUTANT elements src/engine/sections.c s/if \(s->table >= info->table_count\)/if (s->table > info->table_count)/
 * MUTANT elements src/engine/sections.c s/if \(function >= l->module->info.function_count\)/if (false)/
 * MUTANT data src/engine/sections.c s/if \(s->memory >= l->module->info.memory_count\)/if (false)/
 * MUTANT data src/engine/reader.h s/if \(wrt_reader_left\(r\) < size_bytes\)/if (wrt_reader_left(r) + 1 < size_bytes)/
 * MUTANT singles src/engine/sections.c s/if \(function >= m->info.function_count\)/if (function > m->info.function_count)/
 */
#include <stdlib.h>

#include "engine/reader.c"
#include "engine/sections.c"
#include "leb128.h"
#include "stubs.h"

/* ---- what the readers call ---- */

enum { MOST_BYTES = 13, MOST_ITEMS = 3 };

bool wrt_load_take(struct wrt_module_loader *l, enum wrt_charge charge, uint64_t count, size_t item_bytes,
                   void *out)
{
    void *items = NULL;
    (void)charge;
    if (any_bool())
        return wrt_refuse(&l->t.r, WRT_ERR_NO_MEMORY, "refused");
    if (count != 0) {
        assume(count <= MOST_ITEMS); /* the last one ends where the object ends */
        items = (uint8_t *)calloc(MOST_ITEMS, item_bytes) + (MOST_ITEMS - count) * item_bytes;
    }
    *(void **)out = items;
    return true;
}

void wrt_block_free_one(struct wrt_partition *partition, struct wrt_block **list, void *block)
{
    (void)partition, (void)list, (void)block;
}

bool wrt_grow_more(struct translator *t, void *pointer, uint32_t *capacity, uint32_t needed, size_t item_bytes)
{
    if (any_bool())
        return wrt_refuse(&t->r, WRT_ERR_NO_MEMORY, "refused");
    prove(needed == 1, "a byte for up to seven functions");
    *(void **)pointer = calloc(1, item_bytes);
    *capacity = 1;
    return true;
}

bool wrt_read_const_expr(struct wrt_reader *r, const struct wrt_module *module, uint32_t global_limit,
                         uint8_t *declared, wrt_type type, struct wrt_const_expr *out)
{
    (void)type;
    prove(global_limit <= module->info.global_count, "only globals that are there are named");
    if (module->info.function_count != 0) {
        const uint32_t function = (uint32_t)any_below(module->info.function_count);
        declared[function / 8] |= 1; /* as ref.func does */
    }
    r->at += any_below(wrt_reader_left(r) + 1);
    *out = (struct wrt_const_expr){0};
    return any_bool() || wrt_refuse(r, WRT_ERR_INVALID, "refused");
}

bool wrt_type_is(const struct wrt_module *module, wrt_type type, wrt_type expected)
{
    (void)module, (void)type, (void)expected;
    return any_bool();
}

const char *wrt_feature_name(enum wrt_feature feature)
{
    prove(feature <= WRT_FEATURE_BRANCH_HINTS, "a feature");
    return "";
}

/* In place of wrt_read_leb. */
bool contract_wrt_read_leb(struct wrt_reader *r, unsigned bits, bool is_signed, uint64_t *out)
{
    const struct wrt_reader before = *r;
    const uint64_t value = any_u64();
    prove(leb_may_be_asked(r, bits), "what the contract asks for");
    r->at += any_below(wrt_reader_left(r) + 1);
    const bool taken = any_bool() || wrt_malformed(r, "refused");
    assume(leb_is_kept(&before, r, bits, is_signed, taken, value));
    if (taken)
        *out = value;
    return taken;
}

/* ---- any section ---- */

enum { TYPES = 2 };
static struct wrt_module_loader loader, *const l = &loader;
static struct wrt_module module, *const m = &module;
static struct wrt_type_def types[TYPES];
static uint32_t canonical[TYPES];

static void set_up(size_t most)
{
    const size_t size = any_below(most + 1);
    static uint8_t section[MOST_BYTES];
    __CPROVER_havoc_object(section);
    const uint8_t *const end = section + MOST_BYTES, *const bytes = end - size;
    loader.module = &module;
    loader.t.r = (struct wrt_reader){.start = bytes, .at = bytes, .end = end, .offset = any_u32(),
                                     .features_off = any_u64(), .canonical = canonical, .type_count = TYPES};
    for (int i = 0; i < TYPES; i++) {
        types[i].kind = (uint8_t)any_below(3);
        types[i].function.parameter_count = any_u32();
        types[i].function.result_count = any_u32();
        canonical[i] = (uint32_t)any_below(i + 1);
    }
    module.types = types;
    module.canonical_types = canonical;
    module.info.type_count = TYPES;
    module.config = (struct wrt_module_config){
        .max_imports = any_u32(), .max_exports = any_u32(), .max_functions = any_u32(),
        .max_tables = any_u32(), .max_memories = any_u32(), .max_globals = any_u32(),
        .max_tags = any_u32(), .max_segments = any_u32(), .max_name_bytes = (uint32_t)any_below(2),
        .instrument = any_bool()};
}

static bool check(bool ok)
{
    const struct wrt_reader *const r = &loader.t.r;
    prove(r->at >= r->start && r->at <= r->end, "inside the section");
    prove(ok == (r->status == WRT_OK), "accepted, or refused with a status");
    return ok;
}

/* A page size that there is; its minimum can be had, its maximum too; a shared one has a maximum. */
static bool is_memory(const struct wrt_memory_type *type)
{
    const struct wrt_limits *const limits = &type->limits;
    return (type->page_bytes == 1 || type->page_bytes == 65536) && limits->minimum <= wrt_most_pages(type) &&
           (!limits->has_maximum || (limits->minimum <= limits->maximum && limits->maximum <= wrt_most_pages(type))) &&
           (!type->is_shared || limits->has_maximum);
}

static void check_memory(const struct wrt_memory_type *type)
{
    prove(is_memory(type), "a memory that can be had");
}

/* Minimum and maximum in order; 32 bits of them unless it has 64; of references. */
static bool is_table(const struct wrt_table_type *type)
{
    const struct wrt_limits *const limits = &type->limits;
    return (!limits->has_maximum || limits->minimum <= limits->maximum) && wrt_is_reference(type->element) &&
           (type->is_64 || (limits->minimum <= UINT32_MAX && limits->maximum <= UINT32_MAX));
}

static void check_table(const struct wrt_table_type *type)
{
    prove(is_table(type), "a table that can be had");
}

static void check_function(uint32_t type)
{
    prove(type < TYPES && types[type].kind == WRT_KIND_FUNCTION, "a function type that there is");
}

/* ---- what imports are made of, by contract ---- */

/* For each place in the section where something may start: is it taken, and where does it end? */
static bool is_taken_at[MOST_BYTES + 1];
static uint8_t end_of[MOST_BYTES + 1];

/* Moves on as it is said for the place where the reader is, by a byte or more if it is taken. */
static bool move_on(struct wrt_reader *r)
{
    const size_t from = (size_t)(r->at - r->start), size = (size_t)(r->end - r->start);
    prove(r->start <= r->at && r->at <= r->end, "inside the section");
    if (!is_taken_at[from]) {
        r->at += any_below(wrt_reader_left(r) + 1);
        return any_bool() ? wrt_malformed(r, "refused") : wrt_refuse(r, WRT_ERR_LIMIT, "refused");
    }
    assume(end_of[from] > from && end_of[from] <= size);
    r->at = r->start + end_of[from];
    return true;
}

bool contract_wrt_read_name(struct wrt_reader *r, uint32_t limit, struct wrt_bytes *out)
{
    const uint8_t *const before = r->at;
    if (!move_on(r))
        return false;
    out->size_bytes = (uint32_t)any_below((uint64_t)limit + 1);
    assume(out->size_bytes < (size_t)(r->at - before));
    out->data = r->at - out->size_bytes;
    return true;
}

static bool is_global_type(const struct wrt_global_type *type)
{
    return !type->is_mutable || (loader.t.r.features_off >> WRT_FEATURE_MUTABLE_GLOBAL & 1) == 0;
}

bool contract_read_imported(struct wrt_module_loader *ignored, uint8_t kind, void *out)
{
    static struct wrt_table_type table;
    static struct wrt_memory_type memory;
    static struct wrt_global_type global;
    const size_t sizes[] = {sizeof(uint32_t), sizeof table, sizeof memory, sizeof global, sizeof(uint32_t)};
    (void)ignored;
    if (kind > WRT_EXTERN_TAG)
        return wrt_malformed(&loader.t.r, "refused");
    prove(__CPROVER_w_ok(out, sizes[kind]), "room for what is read");
    if (!move_on(&loader.t.r))
        return false;
    switch (kind) {
    case WRT_EXTERN_TABLE: {
        __CPROVER_havoc_object(&table);
        assume(is_table(&table));
        *(struct wrt_table_type *)out = table;
        break;
    }
    case WRT_EXTERN_MEMORY: {
        __CPROVER_havoc_object(&memory);
        assume(is_memory(&memory));
        *(struct wrt_memory_type *)out = memory;
        break;
    }
    case WRT_EXTERN_GLOBAL: {
        global.is_mutable = any_bool();
        assume(is_global_type(&global));
        *(struct wrt_global_type *)out = global;
        break;
    }
    default: {
        const uint32_t type = (uint32_t)any_below(TYPES);
        assume(types[type].kind == WRT_KIND_FUNCTION);
        *(uint32_t *)out = type;
    }
    }
    return true;
}

/* ---- the sections ---- */

void imports(void)
{
    set_up(13);
    __CPROVER_havoc_object(is_taken_at);
    __CPROVER_havoc_object(end_of);
    if (!check(read_imports(l)))
        return;
    const struct wrt_module_info *const info = &m->info;
    const uint32_t counts[] = {info->function_count, info->table_count, info->memory_count,
                               info->global_count, info->tag_count};
    prove(counts[0] + counts[1] + counts[2] + counts[3] + counts[4] == info->import_count, "each is of a kind");
    prove(counts[0] <= m->config.max_functions && counts[1] <= m->config.max_tables &&
              counts[2] <= m->config.max_memories && counts[3] <= m->config.max_globals &&
              counts[4] <= m->config.max_tags && info->import_count <= m->config.max_imports, "within limits");
    const uint32_t i = (uint32_t)any_below(MOST_ITEMS);
    if (i < info->import_count) {
        prove(m->imports[i].kind <= WRT_EXTERN_TAG && m->imports[i].index < counts[m->imports[i].kind],
              "an index in range");
        prove(m->imports[i].name.size_bytes <= 1, "names within their limit");
    }
    if (i < counts[0])
        check_function(m->function_types[i]);
    if (i < counts[1])
        check_table(&m->tables[i]);
    if (i < counts[2])
        check_memory(&m->memories[i]);
    if (i < counts[4])
        check_function(m->tags[i]);
}

void names(void)
{
    set_up(7);
    const struct wrt_reader before = l->t.r;
    const uint32_t limit = any_u32();
    struct wrt_bytes name = {0};
    if (!check(wrt_read_name(&l->t.r, limit, &name)))
        return;
    prove(l->t.r.at > before.at && name.data + name.size_bytes == l->t.r.at, "its bytes were the last read");
    prove(name.size_bytes < (size_t)(l->t.r.at - before.at) && name.size_bytes <= limit, "within its limit");
}

static bool is_imported(uint8_t kind, void *out)
{
    set_up(7);
    m->info.function_count = 3;
    const uint8_t *const before = l->t.r.at;
    const bool taken = check(read_imported(l, kind, out));
    prove(!taken || l->t.r.at > before, "a byte or more");
    return taken;
}

void imported_functions(void)
{
    uint32_t type = 0;
    if (is_imported(any_bool() ? WRT_EXTERN_FUNCTION : WRT_EXTERN_TAG, &type))
        check_function(type);
}

void imported_tables(void)
{
    struct wrt_table_type type;
    if (is_imported(WRT_EXTERN_TABLE, &type))
        check_table(&type);
}

void imported_memories(void)
{
    struct wrt_memory_type type;
    if (is_imported(WRT_EXTERN_MEMORY, &type))
        check_memory(&type);
}

void imported_globals(void)
{
    struct wrt_global_type type;
    if (is_imported(WRT_EXTERN_GLOBAL, &type))
        prove(is_global_type(&type), "mutable only if that is not turned off");
}

void functions(void)
{
    set_up(7);
    const bool are_tags = any_bool();
    if (!check(are_tags ? read_tags(l) : read_functions(l)))
        return;
    const uint32_t i = any_u32();
    if (i < (are_tags ? m->info.tag_count : m->info.function_count))
        check_function(are_tags ? m->tags[i] : m->function_types[i]);
    if (!are_tags && i < m->info.function_count)
        prove(m->codes[i].function_index == i, "its code is its own");
}

void tables(void)
{
    set_up(7);
    m->info.function_count = 3;
    if (!check(read_tables(l)))
        return;
    const uint32_t i = any_u32();
    if (i < m->info.table_count)
        check_table(&m->tables[i]);
}

void memories(void)
{
    set_up(7);
    if (!check(read_memories(l)))
        return;
    const uint32_t i = any_u32();
    if (i < m->info.memory_count)
        check_memory(&m->memories[i]);
}

void globals(void)
{
    set_up(8);
    m->info.function_count = 3;
    if (!check(read_globals(l)))
        return;
    prove(m->info.global_count <= m->config.max_globals, "within the limit");
}

/* A module with one of each before. */
static struct wrt_table_type one_table;
static struct wrt_memory_type one_memory;
static struct wrt_global_def one_global;
static uint32_t one_function[1];

static void set_up_spaces(size_t most)
{
    set_up(most);
    m->info.function_count = m->info.table_count = m->info.memory_count = m->info.global_count = 1;
    m->tables = &one_table;
    m->memories = &one_memory;
    m->globals = &one_global;
    m->function_types = one_function;
    one_table.is_64 = any_bool();
    one_memory.is_64 = any_bool();
    one_global.type.is_mutable = any_bool();
}

void exports(void)
{
    set_up_spaces(8);
    if (!check(read_exports(l)))
        return;
    const uint32_t i = any_u32(), k = any_u32(), count = m->info.export_count;
    if (i >= count || k >= count)
        return;
    prove(m->exports[i].kind < WRT_EXTERN_TAG && m->exports[i].index == 0, "what is exported is there");
    prove(m->exports_by_name[i] < count, "by name: an export");
    prove(i == k || wrt_compare_bytes(m->exports[i].name, m->exports[k].name) != 0, "no name twice");
    prove(i >= k || wrt_compare_bytes(m->exports[m->exports_by_name[i]].name,
                                      m->exports[m->exports_by_name[k]].name) < 0, "ascending");
}

void elements(void)
{
    set_up_spaces(7);
    if (!check(read_elements(l)))
        return;
    const uint32_t i = any_u32();
    if (i >= m->info.element_segment_count)
        return;
    const struct wrt_element_segment *const s = &m->elements[i];
    prove(s->mode != WRT_SEGMENT_ACTIVE || s->table == 0, "a table that there is");
    prove(s->bytes >= loader.t.r.start && s->bytes + s->size_bytes <= loader.t.r.end, "its bytes are in the section");
    prove(s->expressions || s->size_bytes >= s->count, "an item is a byte or more");
}

void data(void)
{
    set_up_spaces(8);
    l->t.has_data_count = any_bool();
    l->data_count = any_u32();
    if (!check(read_data(l)))
        return;
    const uint32_t i = any_u32();
    if (i >= m->info.data_segment_count)
        return;
    const struct wrt_data_segment *const s = &m->data[i];
    prove(s->mode != WRT_SEGMENT_ACTIVE || s->memory == 0, "a memory that there is");
    prove(s->bytes >= loader.t.r.start && s->bytes + s->size_bytes <= loader.t.r.end, "its bytes are in the section");
    prove(!l->t.has_data_count || m->info.data_segment_count == l->data_count, "as many as were announced");
}

/* The start section and the data count. */
void singles(void)
{
    set_up_spaces(6);
    if (!check(any_bool() ? read_start(l) : read_data_count(l)))
        return;
    prove(!m->info.has_start || (m->info.start_function == 0 && types[0].function.parameter_count == 0 &&
                                 types[0].function.result_count == 0), "a function that takes and gives nothing");
    prove(m->info.data_segment_count <= m->config.max_segments, "within the limit");
}
