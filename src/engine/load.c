/* engine/load.c - the streaming side of loading: gathers sections and bodies, in order.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A state machine fed with chunks of any size. What must be seen whole is copied into a
 * buffer of its announced size, so memory use is the same for every way to cut the module.
 */
#include "base/crc32c.h"
#include "load.h"
#include "masking.h"
#include "native.h"

/* ---- configuration ---- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static void apply_defaults(struct wrt_module_config *c)
{
    c->max_module_bytes = or_default(c->max_module_bytes, 256u << 20);
    c->max_section_bytes = or_default(c->max_section_bytes, 128u << 20);
    c->max_body_bytes = or_default(c->max_body_bytes, 7654321);
    c->max_types = or_default(c->max_types, 1000000);
    c->max_imports = or_default(c->max_imports, 1000000);
    c->max_exports = or_default(c->max_exports, 1000000);
    c->max_functions = or_default(c->max_functions, 1000000);
    c->max_tables = or_default(c->max_tables, 65000);
    c->max_memories = or_default(c->max_memories, 1000);
    c->max_globals = or_default(c->max_globals, 1000000);
    c->max_tags = or_default(c->max_tags, 1000000);
    c->max_segments = or_default(c->max_segments, 100000);
    c->max_parameters = or_default(c->max_parameters, 1000);
    c->max_locals = or_default(c->max_locals, 50000);
    c->max_nesting = or_default(c->max_nesting, 50000);
    c->max_frame_slots = or_default(c->max_frame_slots, 65000);
    c->max_name_bytes = or_default(c->max_name_bytes, 100000);
}

static enum wrt_status check_config(const struct wrt_module_config *c, struct wrt_error *error)
{
    const char *field = c->max_tables > 65000        ? "max_tables"
                        : c->max_memories > 65000    ? "max_memories"
                        : c->max_parameters > 65000  ? "max_parameters"
                        : c->max_frame_slots > 65000 ? "max_frame_slots"
                                                     : NULL;
    if (field != NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%s is above 65,000", field);
    if (c->index_masking && !WRT_INDEX_MASKING)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "this build masks no indexes (WRT_INDEX_MASKING)");
    if (c->index_masking && c->native != NULL)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "native code masks no indexes");
    return (c->features_off & ~WRT_FEATURES_ALL) == 0
               ? WRT_OK
               : wrt_fail(error, WRT_ERR_ARGUMENT, "features_off has a bit of no feature");
}

/* ---- begin, abort ---- */

static enum wrt_status take_loader(struct wrt_partition *partition,
                                   struct wrt_module_loader **out, struct wrt_error *error)
{
    void *loader = NULL, *module = NULL;
    enum wrt_status status = wrt_partition_allocate(
        partition, WRT_CHARGE_LOAD, sizeof(struct wrt_module_loader), 0, &loader, error);
    if (status != WRT_OK)
        return status;
    status = wrt_partition_allocate(partition, WRT_CHARGE_RUNTIME, sizeof(struct wrt_module), 0,
                                    &module, error);
    if (status != WRT_OK) {
        wrt_partition_free(partition, WRT_CHARGE_LOAD, loader, sizeof(struct wrt_module_loader));
        return status;
    }
    memset(loader, 0, sizeof(struct wrt_module_loader));
    memset(module, 0, sizeof(struct wrt_module));
    *out = loader;
    (*out)->module = module;
    return WRT_OK;
}

enum wrt_status wrt_module_begin(struct wrt_partition *partition,
                                 const struct wrt_module_config *config,
                                 struct wrt_module_loader **out, struct wrt_error *error)
{
    if (partition == NULL || out == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition and out must not be NULL");
    struct wrt_module_config chosen = {0};
    if (config != NULL)
        chosen = *config;
    apply_defaults(&chosen);
    chosen.canonical_nan = chosen.canonical_nan || chosen.deterministic;
    enum wrt_status status = check_config(&chosen, error);
    struct wrt_module_loader *l = NULL;
    if (status == WRT_OK)
        status = take_loader(partition, &l, error);
    if (status != WRT_OK)
        return status;
    l->partition = partition;
    l->module->partition = partition;
    l->module->config = chosen;
    l->module->custom_tail = &l->module->customs;
    l->t.partition = partition;
    l->t.module = l->module;
    l->t.config = &l->module->config;
    l->t.handlers = wrt_handlers();
    l->t.r.error = &l->failure;
    l->t.r.features_off = chosen.features_off;
    *out = l;
    return WRT_OK;
}

static void free_module(struct wrt_module *module)
{
    struct wrt_partition *partition = module->partition;
    wrt_block_free_all(partition, &module->loose);
    wrt_block_free_all(partition, &module->blocks);
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, module, sizeof *module);
}

static void free_loader(struct wrt_module_loader *l)
{
    wrt_translator_free(&l->t);
    wrt_partition_free(l->partition, WRT_CHARGE_LOAD, l->scratch, l->scratch_capacity);
    wrt_partition_free(l->partition, WRT_CHARGE_LOAD, l->t.declared, l->declared_capacity);
    wrt_partition_free(l->partition, WRT_CHARGE_LOAD, l, sizeof *l);
}

void wrt_module_abort(struct wrt_module_loader *loader)
{
    if (loader == NULL)
        return;
    (void)!wrt_module_free_images(loader->module); /* no memory maps them yet */
    free_module(loader->module);
    free_loader(loader);
}

enum wrt_status wrt_module_destroy(struct wrt_module *module)
{
    if (module == NULL)
        return WRT_OK;
    if (atomic_load_explicit(&module->users, memory_order_acquire) != 0)
        return WRT_ERR_BUSY;
    const enum wrt_status status = wrt_module_free_images(module);
    if (status == WRT_OK)
        free_module(module);
    return status;
}

/* ---- failure ---- */

static bool fail(struct wrt_module_loader *l, enum wrt_status status, const char *text)
{
    if (l->failure.status == WRT_OK) {
        (void)wrt_fail(&l->failure, status, "%s", text);
        l->failure.has_offset = true;
        l->failure.byte_offset = l->offset;
    }
    return false;
}

bool wrt_load_take(struct wrt_module_loader *l, enum wrt_charge charge, uint64_t count,
                   size_t item_bytes, void *out)
{
    const enum wrt_status status = wrt_block_take(l->partition, &l->module->blocks, charge, count,
                                                  item_bytes, out, &l->failure);
    if (status != WRT_OK)
        l->t.r.status = status;
    return status == WRT_OK;
}

/* ---- states ---- */

static bool parse_header(struct wrt_module_loader *l)
{
    static const uint8_t expected[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    const uint32_t i = l->small_count;
    if (l->small[i - 1] != expected[i - 1])
        return fail(l, WRT_ERR_MALFORMED,
                    i <= 4 ? "magic header not detected" : "unknown binary version");
    if (i == 8)
        l->state = LOAD_SECTION_ID;
    return true;
}

/* Sections come in this order (spec 5.5.15), each at most once; 0: may come anywhere. */
static uint8_t section_rank(uint8_t section)
{
    static const uint8_t ranks[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};
    return section < sizeof ranks ? ranks[section] : UINT8_MAX;
}

static bool begin_section(struct wrt_module_loader *l, uint8_t section)
{
    const uint8_t rank = section_rank(section);
    if (rank == UINT8_MAX)
        return fail(l, WRT_ERR_MALFORMED, "malformed section id");
    if (rank != 0 && rank <= l->last_rank)
        return fail(l, WRT_ERR_MALFORMED, "unexpected content after last section: out of order");
    if (rank != 0)
        l->last_rank = rank;
    l->section = section;
    l->small_count = 0;
    l->state = LOAD_SECTION_SIZE;
    return true;
}

static bool is_kept(uint8_t section)
{
    return section == SECTION_IMPORT || section == SECTION_TABLE || section == SECTION_GLOBAL ||
           section == SECTION_EXPORT || section == SECTION_ELEMENT || section == SECTION_DATA;
}

static bool gather_into_scratch(struct wrt_module_loader *l, uint32_t size)
{
    l->t.r.status = WRT_OK;
    if (!wrt_grow_scratch(&l->t, &l->scratch, &l->scratch_capacity, size != 0 ? size : 1, 1))
        return false;
    l->gather = l->scratch;
    l->gather_size = size;
    l->gather_count = 0;
    return true;
}

static bool gather_into_module(struct wrt_module_loader *l, uint32_t size)
{
    if (!wrt_load_take(l, WRT_CHARGE_DATA, size, 1, &l->gather))
        return false;
    l->gather_size = size;
    l->gather_count = 0;
    return true;
}

static bool size_section(struct wrt_module_loader *l, uint32_t size)
{
    l->section_end = l->offset + size;
    if (l->section_end > l->module->config.max_module_bytes)
        return fail(l, WRT_ERR_LIMIT, "module larger than max_module_bytes");
    l->small_count = 0;
    if (l->section == SECTION_CUSTOM) {
        l->module->info.custom_section_count++;
        l->state = LOAD_CUSTOM_NAME_SIZE;
        return size != 0 || fail(l, WRT_ERR_MALFORMED, "unexpected end: custom section");
    }
    if (l->section == SECTION_CODE) {
        l->state = LOAD_CODE_COUNT;
        return size != 0 || fail(l, WRT_ERR_MALFORMED, "unexpected end: code section");
    }
    if (size > l->module->config.max_section_bytes)
        return fail(l, WRT_ERR_LIMIT, "section larger than max_section_bytes");
    l->state = LOAD_PAYLOAD;
    return is_kept(l->section) ? gather_into_module(l, size) : gather_into_scratch(l, size);
}

static void read_gathered(struct wrt_module_loader *l)
{
    struct wrt_reader *r = &l->t.r;
    r->start = r->at = l->gather;
    r->end = l->gather + l->gather_size;
    r->offset = l->offset - l->gather_size;
    r->status = WRT_OK;
}

static bool finish_payload(struct wrt_module_loader *l)
{
    read_gathered(l);
    if (!wrt_load_section(l, l->section))
        return false;
    if (l->t.r.at != l->t.r.end)
        return wrt_malformed(&l->t.r, "section size mismatch");
    l->state = LOAD_SECTION_ID;
    return true;
}

/* ---- custom sections: the name is kept, the contents only of those that are read ---- */

static bool is_called(struct wrt_bytes name, const char *text)
{
    return name.size_bytes == strlen(text) && memcmp(name.data, text, name.size_bytes) == 0;
}

/* Where the contents of a section of that name are kept; NULL: nowhere. The first counts. */
static struct wrt_bytes *kept_as(struct wrt_module_loader *l, struct wrt_bytes name)
{
    struct wrt_module *m = l->module;
    const bool wants_hints = (m->config.features_off >> WRT_FEATURE_BRANCH_HINTS & 1) == 0;
    struct wrt_bytes *keeps = NULL;
    if (is_called(name, "name") && !m->config.drop_names)
        return &m->name_section;
    if (is_called(name, "producers"))
        keeps = &m->producers;
    if (is_called(name, "metadata.code.branch_hint") && wants_hints)
        keeps = &m->branch_hints;
    return keeps == NULL || keeps->size_bytes != 0 ? NULL : keeps;
}

static bool name_custom(struct wrt_module_loader *l, uint32_t size)
{
    if (size > l->section_end - l->offset)
        return fail(l, WRT_ERR_MALFORMED, "unexpected end: custom section name");
    if (size > l->module->config.max_name_bytes)
        return fail(l, WRT_ERR_LIMIT, "custom section name longer than max_name_bytes");
    if (!wrt_load_take(l, WRT_CHARGE_DATA, sizeof(struct wrt_custom) + (uint64_t)size, 1,
                       &l->custom))
        return false;
    l->gather = (uint8_t *)(l->custom + 1);
    l->gather_size = size;
    l->gather_count = 0;
    l->state = LOAD_CUSTOM_NAME;
    return true;
}

static bool begin_custom_contents(struct wrt_module_loader *l)
{
    struct wrt_module_custom *info = &l->custom->info;
    info->name = (struct wrt_bytes){l->gather, l->gather_size};
    info->byte_offset = l->offset;
    info->size_bytes = l->section_end - l->offset;
    if (!wrt_is_utf8(l->gather, l->gather_size))
        return fail(l, WRT_ERR_MALFORMED, "malformed UTF-8 encoding: custom section name");
    *l->module->custom_tail = l->custom;
    l->module->custom_tail = &l->custom->next;
    l->keeps = kept_as(l, info->name);
    if (l->keeps == NULL || info->size_bytes > l->module->config.max_section_bytes) {
        l->state = LOAD_CUSTOM_SKIP;
        return true;
    }
    l->state = LOAD_CUSTOM_KEEP;
    return gather_into_module(l, (uint32_t)info->size_bytes);
}

static bool finish_custom(struct wrt_module_loader *l)
{
    *l->keeps = (struct wrt_bytes){l->gather, l->gather_size};
    if (l->keeps == &l->module->branch_hints)
        l->t.r.features |= WRT_FEATURE_BIT(BRANCH_HINTS);
    l->state = LOAD_SECTION_ID;
    return true;
}

/* ---- code ---- */

static bool next_body(struct wrt_module_loader *l)
{
    l->small_count = 0;
    if (l->bodies_left != 0) {
        l->state = LOAD_BODY_SIZE;
        return true;
    }
    if (l->offset != l->section_end)
        return fail(l, WRT_ERR_MALFORMED, "section size mismatch: code section");
    l->state = LOAD_SECTION_ID;
    return true;
}

static bool count_bodies(struct wrt_module_loader *l, uint32_t count)
{
    if (count != l->declared_functions)
        return fail(l, WRT_ERR_MALFORMED,
                    "function and code section have inconsistent lengths");
    l->bodies_left = count;
    l->t.r.status = WRT_OK;
    return wrt_load_need_declared(l) && next_body(l);
}

static bool size_body(struct wrt_module_loader *l, uint32_t size)
{
    if (size > l->section_end - l->offset)
        return fail(l, WRT_ERR_MALFORMED, "unexpected end: function body");
    if (size > l->module->config.max_body_bytes)
        return fail(l, WRT_ERR_LIMIT, "function body larger than max_body_bytes");
    l->state = LOAD_BODY;
    return gather_into_scratch(l, size);
}

static bool finish_body(struct wrt_module_loader *l)
{
    const uint32_t function = l->module->info.imported_function_count + l->next_body;
    if (!wrt_translate_body(&l->t, function, l->gather, l->gather_size,
                            l->offset - l->gather_size) ||
        !wrt_load_keep_code(l))
        return false;
    l->next_body++;
    l->bodies_left--;
    return next_body(l);
}

/* ---- the machine ---- */

/* A u32 as LEB128 that arrives byte by byte; *done when it is whole. */
static bool gather_leb(struct wrt_module_loader *l, uint8_t byte, uint32_t *out, bool *done)
{
    l->small[l->small_count++] = byte;
    *done = (byte & 0x80) == 0;
    if (!*done && l->small_count < 5)
        return true;
    struct wrt_reader *r = &l->t.r;
    r->start = r->at = l->small;
    r->end = l->small + l->small_count;
    r->offset = l->offset - l->small_count;
    r->status = WRT_OK;
    *done = true;
    return wrt_read_u32(r, out);
}

static bool feed_byte(struct wrt_module_loader *l, uint8_t byte)
{
    uint32_t value = 0;
    bool done = false;
    if (l->state == LOAD_HEADER) {
        l->small[l->small_count++] = byte;
        return parse_header(l);
    }
    l->offset++;
    if (l->state == LOAD_SECTION_ID) {
        l->offset--; /* errors name the id itself */
        const bool ok = begin_section(l, byte);
        l->offset++;
        return ok;
    }
    if (l->state > LOAD_SECTION_SIZE && l->offset > l->section_end)
        return fail(l, WRT_ERR_MALFORMED, "unexpected end: section is too short");
    if (!gather_leb(l, byte, &value, &done))
        return false;
    if (!done)
        return true;
    switch (l->state) {
    case LOAD_SECTION_SIZE: return size_section(l, value);
    case LOAD_CUSTOM_NAME_SIZE: return name_custom(l, value);
    case LOAD_CODE_COUNT: return count_bodies(l, value);
    default: return size_body(l, value);
    }
}

static bool is_gathering(const struct wrt_module_loader *l)
{
    return l->state == LOAD_PAYLOAD || l->state == LOAD_BODY || l->state == LOAD_CUSTOM_NAME ||
           l->state == LOAD_CUSTOM_KEEP;
}

static bool finish_gathering(struct wrt_module_loader *l)
{
    switch (l->state) {
    case LOAD_PAYLOAD: return finish_payload(l);
    case LOAD_BODY: return finish_body(l);
    case LOAD_CUSTOM_NAME: return begin_custom_contents(l);
    default: return finish_custom(l);
    }
}

/* Consumes some bytes; also moves on through states that need none. */
static bool feed_some(struct wrt_module_loader *l, const uint8_t **at, const uint8_t *end)
{
    const size_t there = (size_t)(end - *at);
    if (is_gathering(l)) {
        const size_t missing = l->gather_size - l->gather_count;
        const size_t n = there < missing ? there : missing;
        if (n != 0)
            memcpy(l->gather + l->gather_count, *at, n);
        l->gather_count += (uint32_t)n;
        l->offset += n;
        *at += n;
        return l->gather_count != l->gather_size || finish_gathering(l);
    }
    if (l->state == LOAD_CUSTOM_SKIP) {
        const uint64_t missing = l->section_end - l->offset;
        const size_t n = there < missing ? there : (size_t)missing;
        l->offset += n;
        *at += n;
        if (l->offset == l->section_end)
            l->state = LOAD_SECTION_ID;
        return true;
    }
    const bool header = l->state == LOAD_HEADER;
    const bool ok = feed_byte(l, *(*at)++);
    if (header && ok)
        l->offset++;
    return ok;
}

/* States that are complete with no further byte. */
static bool is_due(const struct wrt_module_loader *l)
{
    return (is_gathering(l) && l->gather_count == l->gather_size) ||
           (l->state == LOAD_CUSTOM_SKIP && l->offset == l->section_end);
}

static enum wrt_status report(struct wrt_module_loader *l, struct wrt_error *error)
{
    if (l->failure.status == WRT_OK)
        l->failure.status = l->t.r.status != WRT_OK ? l->t.r.status : WRT_ERR_STATE;
    if (!l->failure.has_offset) {
        l->failure.has_offset = true;
        l->failure.byte_offset = l->offset;
    }
    l->state = LOAD_FAILED;
    if (error != NULL)
        *error = l->failure;
    return l->failure.status;
}

enum wrt_status wrt_module_feed(struct wrt_module_loader *loader, const void *bytes,
                                size_t size_bytes, struct wrt_error *error)
{
    if (loader == NULL || (bytes == NULL && size_bytes != 0))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "loader and bytes must not be NULL");
    if (loader->state == LOAD_FAILED)
        return report(loader, error);
    const uint8_t *at = bytes;
    const uint8_t *const end = size_bytes != 0 ? at + size_bytes : at;
    if (size_bytes != 0)
        loader->module->info.checksum =
            wrt_crc32c(loader->module->info.checksum, bytes, size_bytes);
    while (at != end || is_due(loader))
        if (!feed_some(loader, &at, end))
            return report(loader, error);
    return WRT_OK;
}

/* The module's last bytes are written before it is sealed. */
static enum wrt_status complete(struct wrt_module_loader *l, struct wrt_error *error)
{
    l->module->info.module_bytes = l->offset;
    l->module->info.features = l->t.r.features;
    wrt_module_make_images(l->module);
    const enum wrt_status status = wrt_native_bind(l->module, error);
    return status != WRT_OK ? status : wrt_module_seal(l->module, error);
}

enum wrt_status wrt_module_finish(struct wrt_module_loader *loader, struct wrt_module **out,
                                  struct wrt_error *error)
{
    if (loader == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "loader must not be NULL");
    enum wrt_status status = WRT_OK;
    if (out == NULL)
        status = wrt_fail(error, WRT_ERR_ARGUMENT, "out must not be NULL");
    else if (loader->state == LOAD_FAILED)
        status = report(loader, error);
    else if (loader->state != LOAD_SECTION_ID) {
        (void)fail(loader, WRT_ERR_MALFORMED, "unexpected end");
        status = report(loader, error);
    } else if (!wrt_load_check_end(loader)) {
        status = report(loader, error);
    } else {
        status = complete(loader, error);
    }
    if (status != WRT_OK) {
        wrt_module_abort(loader);
        return status;
    }
    *out = loader->module;
    free_loader(loader);
    return WRT_OK;
}

enum wrt_status wrt_module_load(struct wrt_partition *partition,
                                const struct wrt_module_config *config, const void *bytes,
                                size_t size_bytes, struct wrt_module **out,
                                struct wrt_error *error)
{
    struct wrt_module_loader *loader = NULL;
    enum wrt_status status = wrt_module_begin(partition, config, &loader, error);
    if (status != WRT_OK)
        return status;
    status = wrt_module_feed(loader, bytes, size_bytes, error);
    if (status != WRT_OK) {
        wrt_module_abort(loader);
        return status;
    }
    return wrt_module_finish(loader, out, error);
}
