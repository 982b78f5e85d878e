/* src/tenant/config.h - a manifest after parsing: plain data, strings by offset.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tenant's strings lie in one pool behind its struct, so a config is one block that can be
 * copied and kept when the rest of its manifest is gone. Offset 0 is the empty string.
 */
#ifndef WRT_TENANT_CONFIG_H
#define WRT_TENANT_CONFIG_H

#include "wrt/hardware.h"
#include "wrt/tenant.h"

enum {
    WRT_MAX_TENANTS = 4096,
    WRT_MAX_FRAMES = 16,
    WRT_MAX_WINDOWS = 128,   /* of one frame */
    WRT_MAX_WORDS = 32,      /* of one list */
    WRT_TENANT_TEXT = 4096,  /* bytes of one tenant's strings */
    WRT_NAME_BYTES = 32,
    WRT_MAX_PATH = 512,
    WRT_MAX_USERS = 16,
    WRT_MAX_RESTARTS = 32,   /* that a window can hold */
    WRT_DIGEST_BYTES = 32    /* of a SHA-256, and of a public key of Ed25519 */
};

/* Choices in the order of their words in keys.c; `tier` is enum wrt_isolation_tier less one. */
enum wrt_overrun { WRT_OVERRUN_SKIP, WRT_OVERRUN_CATCH_UP, WRT_OVERRUN_DROP, WRT_OVERRUN_FAIL };
enum wrt_restart { WRT_RESTART_NEVER, WRT_RESTART_ON_FAILURE, WRT_RESTART_ALWAYS };
enum wrt_escalate { WRT_ESCALATE_STOP, WRT_ESCALATE_GROUP, WRT_ESCALATE_EXIT };
enum wrt_watchdog { WRT_WATCHDOG_NONE, WRT_WATCHDOG_HEARTBEAT, WRT_WATCHDOG_PROGRESS };
enum wrt_require { WRT_REQUIRE_TIER = 1, WRT_REQUIRE_PRIORITY = 2, WRT_REQUIRE_AFFINITY = 4,
                   WRT_REQUIRE_INDEX_MASKING = 8 };

struct wrt_words {
    uint32_t count;
    uint16_t at[WRT_MAX_WORDS]; /* into the pool */
};

/* X(id, name): every key of [tenant NAME]; their kinds and ranges are in keys.c. */
#define WRT_TENANT_KEY_LIST(X)                                                              \
    X(MODULE, "module") X(ARGUMENTS, "arguments") X(ENTRY, "entry") X(GROUP, "group")       \
    X(MIN, "min") X(MAX, "max") X(RESERVED, "reserved") X(STACK, "stack")                   \
    X(TIER, "tier") X(VERIFY, "verify") X(CPU, "cpu_permille") X(PRIORITY, "priority")      \
    X(AFFINITY, "affinity") X(FUEL, "fuel") X(DEADLINE, "deadline_us")                      \
    X(PERIOD, "period_us") X(OVERRUN, "overrun") X(DIRECTORIES, "directories")              \
    X(ENVIRONMENT, "environment") X(CLOCKS, "clocks") X(RANDOM, "random")                   \
    X(STREAMS, "streams") X(RESTART, "restart") X(BACKOFF, "backoff_ms")                    \
    X(BACKOFF_MAX, "backoff_max_ms") X(MAX_RESTARTS, "max_restarts")                        \
    X(RESTART_WINDOW, "restart_window_ms") X(ESCALATE, "escalate")                          \
    X(WATCHDOG, "watchdog") X(WATCHDOG_MS, "watchdog_ms") X(AFTER, "after")                 \
    X(REQUIRE, "require") X(SHA256, "sha256") X(ED25519_KEY, "ed25519_key")                 \
    X(SIGNATURE, "signature") X(CLOCK_RESOLUTION, "clock_resolution_us")                  \
    X(CLOCK_JITTER, "clock_jitter") X(OBLIVIOUS, "oblivious") X(ISOLATE, "isolate")     \
    X(NATIVE, "native") X(CACHE_WAYS, "cache_ways")                          \
    X(CACHE_COLOUR, "cache_colour") X(WORKER, "worker") X(TYPED_POOL, "typed_pool")

enum wrt_tenant_key {
#define WRT_TENANT_KEY_ENUM(id, name) WRT_KEY_##id,
    WRT_TENANT_KEY_LIST(WRT_TENANT_KEY_ENUM)
#undef WRT_TENANT_KEY_ENUM
    WRT_KEY_COUNT
};

struct wrt_tenant_config {
    char name[WRT_NAME_BYTES], group[WRT_NAME_BYTES];
    uint32_t line;                /* of its heading */
    uint32_t lines[WRT_KEY_COUNT]; /* where each key was given; 0 = it was not */
    uint16_t module, entry;       /* offsets; entry 0 = by the tenant's kind */
    uint16_t signature;           /* 0 = the module's path and ".sig" */
    uint16_t typed_pool;          /* 0 = ordinary memory */
    uint16_t worker;              /* program; 0 = where the system or the installation has it */
    uint8_t sha256[WRT_DIGEST_BYTES], ed25519_key[WRT_DIGEST_BYTES]; /* if their lines are not 0 */
    struct wrt_words arguments, directories, environment, after, require, isolate;
    uint64_t min_bytes, max_bytes, reserved_bytes, stack_bytes;
    uint64_t tier, verify;
    uint64_t cpu_permille, priority, affinity_mask;
    uint64_t fuel, deadline_us, period_us, overrun;
    uint64_t clocks, random, streams, oblivious, native;
    uint64_t clock_resolution_us, clock_jitter;
    uint64_t restart, backoff_ms, backoff_max_ms, max_restarts, restart_window_ms, escalate;
    uint64_t watchdog, watchdog_ms;
    uint64_t require_bits; /* enum wrt_require */
    uint64_t cache_ways;   /* bit n: a worker may fill way n; 0 = all */
    struct wrt_cache_colour cache_colour; /* of its arenas and memories; count 0 = none */
    uint64_t isolate_bits; /* 1 << enum wrt_confine: what a worker asks for */
    uint64_t confine_bits; /* 1 << enum wrt_confine: what a worker must be confined by */
    uint32_t text_bytes;   /* used of the pool */
    char text[];
};

static inline const char *wrt_config_text(const struct wrt_tenant_config *config, uint16_t at)
{
    return config->text + at;
}

static inline size_t wrt_config_bytes(const struct wrt_tenant_config *config)
{
    return sizeof *config + config->text_bytes;
}

struct wrt_window_config {
    char tenant[WRT_NAME_BYTES];
    uint64_t offset_us, duration_us;
    uint32_t line;
};

struct wrt_frame_config {
    char name[WRT_NAME_BYTES];
    uint32_t line;
    uint64_t major_us, priority, affinity_mask;
    uint32_t window_count;
    struct wrt_window_config windows[WRT_MAX_WINDOWS];
};

struct wrt_supervisor_config {
    uint32_t line;
    char control[WRT_MAX_PATH]; /* "" = no socket */
    char metrics[WRT_MAX_PATH]; /* "" = off; "unix:PATH" or a loopback port */
    uint32_t control_line, metrics_line, memory_line;
    uint64_t slice_us, shutdown_ms, memory_max, processors;
    uint32_t user_count;
    uint64_t users[WRT_MAX_USERS]; /* allowed besides root and our own */
};

struct wrt_manifest {
    struct wrt_partition *partition;
    char path[WRT_MAX_PATH];
    struct wrt_supervisor_config supervisor;
    uint32_t tenant_count, frame_count;
    struct wrt_tenant_config *tenants[WRT_MAX_TENANTS];
    struct wrt_frame_config *frames[WRT_MAX_FRAMES];
};

/* Its index, or UINT32_MAX. */
uint32_t wrt_manifest_find(const struct wrt_manifest *manifest, const char *name);

/* ---- problems ---- */

struct wrt_problems {
    wrt_manifest_report *report;
    void *context;
    uint32_t count;
    enum wrt_status first; /* WRT_OK while there is none */
};
/* Reports one; beyond 100 they are only counted. */
WRT_PRINTF(4, 5)
void wrt_problem(struct wrt_problems *problems, uint32_t line, enum wrt_status status,
                 const char *format, ...);

/* Copies `text` so that a terminal does not obey it: other bytes than printable ASCII as
 * \xNN, cut to fit. Returns `out`. */
char *wrt_show(char *out, size_t room, const char *text);

/* ---- order.c ---- */

/* Fills order[tenant_count] with indexes so that everything comes after what it depends on
 * and otherwise as in the file. Reports unknown names and cycles, the latter spelled out. */
enum wrt_status wrt_manifest_order(const struct wrt_manifest *manifest, uint32_t *order,
                                   struct wrt_problems *problems);

/* ---- keys.c ---- */

/* Where a key's value goes while it is parsed. */
struct wrt_key_target {
    struct wrt_problems *problems;
    const char *folder; /* of the manifest, with its slash; paths are relative to it */
    uint32_t line;
};
/* Sets one key of a section, or reports why not. `config` has WRT_TENANT_TEXT bytes of pool. */
void wrt_tenant_set(struct wrt_tenant_config *config, const char *key, char *value,
                    const struct wrt_key_target *target);
void wrt_supervisor_set(struct wrt_supervisor_config *config, const char *key, char *value,
                        const struct wrt_key_target *target);
void wrt_frame_set(struct wrt_frame_config *config, const char *key, char *value,
                   const struct wrt_key_target *target);
/* The values of keys that are not given. */
void wrt_tenant_defaults(struct wrt_tenant_config *config);
void wrt_supervisor_defaults(struct wrt_supervisor_config *config);

/* 1 to 31 letters, digits, '_', '-' or '.', the first a letter or digit. */
bool wrt_name_is_valid(const char *name);

#endif
