/* engine/load.h - what the loader's parts share.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_ENGINE_LOAD_H
#define WRT_ENGINE_LOAD_H

#include "translate.h"

enum section_id {
    SECTION_CUSTOM, SECTION_TYPE, SECTION_IMPORT, SECTION_FUNCTION, SECTION_TABLE,
    SECTION_MEMORY, SECTION_GLOBAL, SECTION_EXPORT, SECTION_START, SECTION_ELEMENT,
    SECTION_CODE, SECTION_DATA, SECTION_DATA_COUNT, SECTION_TAG
};

enum load_state {
    LOAD_HEADER,
    LOAD_SECTION_ID,
    LOAD_SECTION_SIZE,
    LOAD_PAYLOAD,     /* gathers a whole section */
    LOAD_CUSTOM_NAME_SIZE,
    LOAD_CUSTOM_NAME,
    LOAD_CUSTOM_KEEP, /* gathers the contents of one that is read */
    LOAD_CUSTOM_SKIP,
    LOAD_CODE_COUNT,
    LOAD_BODY_SIZE,
    LOAD_BODY,        /* gathers one function body */
    LOAD_FAILED
};

struct wrt_module_loader {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct translator t;
    struct wrt_error failure;
    enum load_state state;
    uint64_t offset;          /* of the next byte in the module */

    uint8_t small[10];        /* header, or a LEB128 that is arriving */
    uint32_t small_count;

    uint8_t section;
    uint8_t last_rank;        /* order of the last non-custom section */
    uint64_t section_end;     /* offset */
    uint8_t *gather;          /* where arriving bytes go */
    uint32_t gather_size, gather_count;
    uint8_t *scratch;         /* for sections and bodies that are not kept */
    uint32_t scratch_capacity;

    uint32_t declared_capacity;
    uint32_t declared_functions; /* function section's count */
    uint32_t bodies_left, next_body;
    uint32_t data_count;      /* from the data count section */
    struct wrt_custom *custom;
    struct wrt_bytes *keeps; /* where the custom section's contents belong */
};

/* sections.c: each reads one whole section from the reader t.r. */
bool wrt_load_section(struct wrt_module_loader *l, uint8_t section);
/* Makes room for the bitmap of functions that ref.func may name. */
bool wrt_load_need_declared(struct wrt_module_loader *l);
/* Checks that need the whole module. */
bool wrt_load_check_end(struct wrt_module_loader *l);
/* Adds a translated function to the module. */
bool wrt_load_keep_code(struct wrt_module_loader *l);
/* Orders `count` indexes ascending; bounded and in place. */
typedef bool wrt_less(const void *context, uint32_t a, uint32_t b);
void wrt_sort(uint32_t *items, uint32_t count, wrt_less *less, const void *context);
int wrt_compare_bytes(struct wrt_bytes a, struct wrt_bytes b);
/* A count of items that take a byte each at least, and with `already` stay within limit. */
bool wrt_read_count(struct wrt_module_loader *l, uint32_t limit, uint32_t already,
                    const char *field, uint32_t *out);
/* *array, a block of the module with `old` items, gets `more`. */
bool wrt_append_items(struct wrt_module_loader *l, void *array, uint32_t old, uint32_t more,
                      size_t item_bytes);
/* type_section.c */
bool wrt_read_types(struct wrt_module_loader *l);
bool wrt_load_take(struct wrt_module_loader *l, enum wrt_charge charge, uint64_t count,
                   size_t item_bytes, void *out);

#endif
