/* src/tenant/keys.c - every key of a manifest: one table per section, one function per kind.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A key is given once; the keys that hold lists may be given again, or continued on indented
 * lines, and then add to the list. Words of a list are separated by blanks; "double quotes"
 * hold blanks together.
 */
#include "tenant/config.h"

#include "wrt/worker.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_PATH, KIND_NAME, KIND_WORDS, KIND_PATHS, KIND_SIZE, KIND_COUNT,
            KIND_CHOICE, KIND_MASK, KIND_BITS, KIND_DIGEST, KIND_COLOUR };

struct key {
    enum kind kind;
    size_t offset;            /* of the field in its section's struct */
    uint64_t least, most;     /* KIND_SIZE, KIND_COUNT */
    const char *choices;      /* "never|on-failure|always": the value is the position */
};

#define FIELD(member) offsetof(struct wrt_tenant_config, member)
static const uint64_t any = UINT64_MAX;
static const uint64_t hour_us = 3600000000u, day_ms = 86400000;

static const char *const tenant_names[WRT_KEY_COUNT] = {
#define TENANT_KEY_NAME(id, name) name,
    WRT_TENANT_KEY_LIST(TENANT_KEY_NAME)
#undef TENANT_KEY_NAME
};

static struct key tenant_key(enum wrt_tenant_key id)
{
    switch (id) {
    case WRT_KEY_MODULE: return (struct key){KIND_PATH, FIELD(module), 0, 0, NULL};
    case WRT_KEY_ARGUMENTS: return (struct key){KIND_WORDS, FIELD(arguments), 0, 0, NULL};
    case WRT_KEY_ENTRY: return (struct key){KIND_TEXT, FIELD(entry), 0, 0, NULL};
    case WRT_KEY_GROUP: return (struct key){KIND_NAME, FIELD(group), 0, 0, NULL};
    case WRT_KEY_MIN: return (struct key){KIND_SIZE, FIELD(min_bytes), 0, any, NULL};
    case WRT_KEY_MAX: return (struct key){KIND_SIZE, FIELD(max_bytes), 1, any, NULL};
    case WRT_KEY_RESERVED: return (struct key){KIND_SIZE, FIELD(reserved_bytes), 0, any, NULL};
    case WRT_KEY_STACK:
        return (struct key){KIND_SIZE, FIELD(stack_bytes), 4096, 1u << 30, NULL};
    case WRT_KEY_TIER:
        return (struct key){KIND_CHOICE, FIELD(tier), 0, 0, "software|sealed|process"};
    case WRT_KEY_VERIFY:
        return (struct key){KIND_CHOICE, FIELD(verify), 0, 0,
                            "default|off|minimal|standard|full|critical"};
    case WRT_KEY_CPU: return (struct key){KIND_COUNT, FIELD(cpu_permille), 1, 1000, NULL};
    case WRT_KEY_PRIORITY: return (struct key){KIND_COUNT, FIELD(priority), 0, 99, NULL};
    case WRT_KEY_AFFINITY: return (struct key){KIND_MASK, FIELD(affinity_mask), 0, 63, NULL};
    case WRT_KEY_FUEL: return (struct key){KIND_COUNT, FIELD(fuel), 1, any - 1, NULL};
    case WRT_KEY_DEADLINE: return (struct key){KIND_COUNT, FIELD(deadline_us), 1, hour_us, NULL};
    case WRT_KEY_PERIOD: return (struct key){KIND_COUNT, FIELD(period_us), 100, hour_us, NULL};
    case WRT_KEY_OVERRUN:
        return (struct key){KIND_CHOICE, FIELD(overrun), 0, 0, "skip|catch-up|drop|fail"};
    case WRT_KEY_DIRECTORIES: return (struct key){KIND_PATHS, FIELD(directories), 0, 0, NULL};
    case WRT_KEY_ENVIRONMENT: return (struct key){KIND_WORDS, FIELD(environment), 0, 0, NULL};
    case WRT_KEY_CLOCKS:
        return (struct key){KIND_CHOICE, FIELD(clocks), 0, 0, "all|monotonic|none"};
    case WRT_KEY_RANDOM: return (struct key){KIND_CHOICE, FIELD(random), 0, 0, "system|none"};
    case WRT_KEY_STREAMS: return (struct key){KIND_CHOICE, FIELD(streams), 0, 0, "none|output"};
    case WRT_KEY_RESTART:
        return (struct key){KIND_CHOICE, FIELD(restart), 0, 0, "never|on-failure|always"};
    case WRT_KEY_BACKOFF: return (struct key){KIND_COUNT, FIELD(backoff_ms), 0, day_ms, NULL};
    case WRT_KEY_BACKOFF_MAX:
        return (struct key){KIND_COUNT, FIELD(backoff_max_ms), 0, day_ms, NULL};
    case WRT_KEY_MAX_RESTARTS:
        return (struct key){KIND_COUNT, FIELD(max_restarts), 0, WRT_MAX_RESTARTS, NULL};
    case WRT_KEY_RESTART_WINDOW:
        return (struct key){KIND_COUNT, FIELD(restart_window_ms), 1, day_ms, NULL};
    case WRT_KEY_ESCALATE:
        return (struct key){KIND_CHOICE, FIELD(escalate), 0, 0, "stop|group|exit"};
    case WRT_KEY_WATCHDOG:
        return (struct key){KIND_CHOICE, FIELD(watchdog), 0, 0, "none|heartbeat|progress"};
    case WRT_KEY_WATCHDOG_MS:
        return (struct key){KIND_COUNT, FIELD(watchdog_ms), 10, day_ms, NULL};
    case WRT_KEY_AFTER: return (struct key){KIND_WORDS, FIELD(after), 0, 0, NULL};
    case WRT_KEY_SHA256: return (struct key){KIND_DIGEST, FIELD(sha256), 0, 0, NULL};
    case WRT_KEY_ED25519_KEY: return (struct key){KIND_DIGEST, FIELD(ed25519_key), 0, 0, NULL};
    case WRT_KEY_SIGNATURE: return (struct key){KIND_PATH, FIELD(signature), 0, 0, NULL};
    case WRT_KEY_TYPED_POOL: return (struct key){KIND_TEXT, FIELD(typed_pool), 0, 0, NULL};
    case WRT_KEY_WORKER: return (struct key){KIND_TEXT, FIELD(worker), 0, 0, NULL};
    case WRT_KEY_CLOCK_RESOLUTION:
        return (struct key){KIND_COUNT, FIELD(clock_resolution_us), 1, 1000000, NULL};
    case WRT_KEY_CLOCK_JITTER:
        return (struct key){KIND_CHOICE, FIELD(clock_jitter), 0, 0, "off|on"};
    case WRT_KEY_OBLIVIOUS: return (struct key){KIND_CHOICE, FIELD(oblivious), 0, 0, "off|on"};
    case WRT_KEY_ISOLATE: return (struct key){KIND_WORDS, FIELD(isolate), 0, 0, NULL};
    case WRT_KEY_NATIVE: return (struct key){KIND_CHOICE, FIELD(native), 0, 0, "no|yes"};
    case WRT_KEY_CACHE_WAYS: return (struct key){KIND_BITS, FIELD(cache_ways), 1, any, NULL};
    case WRT_KEY_CACHE_COLOUR:
        return (struct key){KIND_COLOUR, FIELD(cache_colour), 0, 0, NULL};
    case WRT_KEY_REQUIRE:
    case WRT_KEY_COUNT: break;
    }
    return (struct key){KIND_WORDS, FIELD(require), 0, 0, NULL};
}

void wrt_tenant_defaults(struct wrt_tenant_config *config)
{
    *config = (struct wrt_tenant_config){
        .backoff_ms = 100,
        .backoff_max_ms = 10000,
        .max_restarts = 5,
        .restart_window_ms = 60000,
        .watchdog_ms = 1000,
        .text_bytes = 1}; /* offset 0 is the empty string */
    config->text[0] = '\0';
}

void wrt_supervisor_defaults(struct wrt_supervisor_config *config)
{
    *config = (struct wrt_supervisor_config){.slice_us = 1000, .shutdown_ms = 5000};
}

bool wrt_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= WRT_NAME_BYTES || *name == '_' || *name == '-' || *name == '.')
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") ==
           length;
}

/* ---- values ---- */

static bool parse_count(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* Digits, then K, M or G. */
static bool parse_size(char *text, uint64_t *out)
{
    static const char suffixes[] = "KMG";
    size_t length = strlen(text);
    const char *suffix = length > 1 ? strchr(suffixes, text[length - 1]) : NULL;
    unsigned shift = 0;
    if (suffix != NULL) {
        shift = 10 * (unsigned)(suffix - suffixes + 1);
        text[length - 1] = '\0';
    }
    uint64_t value;
    bool good = parse_count(text, &value) && value <= UINT64_MAX >> shift;
    if (suffix != NULL)
        text[length - 1] = *suffix;
    if (good)
        *out = value << shift;
    return good;
}

static bool parse_choice(const char *choices, const char *text, uint64_t *out)
{
    size_t length = strlen(text);
    for (uint64_t i = 0;; i++) {
        size_t word = strcspn(choices, "|");
        if (word == length && memcmp(choices, text, length) == 0) {
            *out = i;
            return true;
        }
        if (choices[word] == '\0')
            return false;
        choices += word + 1;
    }
}

/* The next word of *cursor, ended in place; NULL at the end. */
static char *next_word(char **cursor)
{
    char *from = *cursor + strspn(*cursor, " \t");
    if (*from == '\0')
        return NULL;
    bool quoted = *from == '"';
    from += quoted;
    char *end = from + strcspn(from, quoted ? "\"" : " \t");
    *cursor = *end == '\0' ? end : end + 1;
    *end = '\0';
    return from;
}

static bool parse_bits(const char *text, uint64_t *out)
{
    uint64_t bits = 0;
    size_t length = strlen(text);
    if (length < 3 || length > 18 || text[0] != '0' || text[1] != 'x' ||
        strspn(text + 2, "0123456789abcdef") != length - 2)
        return false;
    for (text += 2; *text != '\0'; text++)
        bits = bits << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    if (bits != 0)
        *out = bits;
    return bits != 0;
}

static bool parse_mask(char *text, uint64_t most, uint64_t *out)
{
    uint64_t mask = 0, bit;
    for (char *word; (word = next_word(&text)) != NULL; mask |= (uint64_t)1 << bit)
        if (!parse_count(word, &bit) || bit > most)
            return false;
    *out = mask;
    return mask != 0;
}

/* 64 hexadecimal digits. */
static bool parse_digest(const char *text, uint8_t out[WRT_DIGEST_BYTES])
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    uint8_t bytes[WRT_DIGEST_BYTES] = {0};
    if (strlen(text) != 2 * WRT_DIGEST_BYTES)
        return false;
    for (unsigned i = 0; i < 2 * WRT_DIGEST_BYTES; i++) {
        const char *digit = strchr(digits, text[i]);
        if (digit == NULL)
            return false;
        bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | ((digit - digits) & 15));
    }
    memcpy(out, bytes, sizeof bytes);
    return true;
}

/* ---- setting ---- */

static void bad_value(const struct wrt_key_target *target, const char *key, const char *value,
                      const char *wanted)
{
    char shown[80];
    wrt_problem(target->problems, target->line, WRT_ERR_ARGUMENT, "%s takes %s, not '%s'", key,
                wanted, wrt_show(shown, sizeof shown, value));
}

/* Copies prefix and text into the pool. 0: no room, reported. */
static uint16_t keep(struct wrt_tenant_config *config, const char *prefix, const char *text,
                     const struct wrt_key_target *target)
{
    size_t first = strlen(prefix), second = strlen(text);
    if (first + second + 1 > WRT_TENANT_TEXT - config->text_bytes) {
        wrt_problem(target->problems, target->line, WRT_ERR_LIMIT,
                    "tenant %s: its strings take more than %d bytes", config->name,
                    (int)WRT_TENANT_TEXT);
        return 0;
    }
    uint16_t at = (uint16_t)config->text_bytes;
    memcpy(config->text + at, prefix, first);
    memcpy(config->text + at + first, text, second + 1);
    config->text_bytes += (uint32_t)(first + second + 1);
    return at;
}

static const char *prefix_of(const char *path, const struct wrt_key_target *target)
{
    return *path == '/' ? "" : target->folder;
}

static void add_words(struct wrt_tenant_config *config, struct wrt_words *list, const char *key,
                      char *value, bool are_paths, const struct wrt_key_target *target)
{
    for (char *word; (word = next_word(&value)) != NULL;) {
        if (list->count == WRT_MAX_WORDS) {
            wrt_problem(target->problems, target->line, WRT_ERR_LIMIT,
                        "%s holds more than %d words", key, (int)WRT_MAX_WORDS);
            return;
        }
        const char *prefix = are_paths ? prefix_of(word, target) : "";
        list->at[list->count] = keep(config, prefix, word, target);
        if (list->at[list->count] == 0)
            return;
        list->count++;
    }
}

static void set_number(const struct key *key, const char *name, uint64_t *field, char *value,
                       const struct wrt_key_target *target)
{
    uint64_t number;
    char wanted[128];
    bool is_size = key->kind == KIND_SIZE;
    bool parsed = is_size ? parse_size(value, &number) : parse_count(value, &number);
    if (parsed && number >= key->least && number <= key->most) {
        *field = number;
        return;
    }
    if (key->most >= any - 1)
        snprintf(wanted, sizeof wanted, "%s from %" PRIu64 " on",
                 is_size ? "bytes (K, M, G)" : "a number", key->least);
    else
        snprintf(wanted, sizeof wanted, "%s from %" PRIu64 " to %" PRIu64,
                 is_size ? "bytes (K, M, G)" : "a number", key->least, key->most);
    bad_value(target, name, value, wanted);
}

static void set_name(const char *key, char *field, const char *value,
                     const struct wrt_key_target *target)
{
    if (wrt_name_is_valid(value))
        memcpy(field, value, strlen(value) + 1);
    else
        bad_value(target, key, value, "1 to 31 letters, digits, '_', '-' or '.'");
}

static void set_field(struct wrt_tenant_config *config, const struct key *key, const char *name,
                      char *value, const struct wrt_key_target *target)
{
    void *field = (char *)config + key->offset;
    switch (key->kind) {
    case KIND_TEXT: *(uint16_t *)field = keep(config, "", value, target); break;
    case KIND_PATH: *(uint16_t *)field = keep(config, prefix_of(value, target), value, target); break;
    case KIND_NAME: set_name(name, field, value, target); break;
    case KIND_WORDS: add_words(config, field, name, value, false, target); break;
    case KIND_PATHS: add_words(config, field, name, value, true, target); break;
    case KIND_SIZE:
    case KIND_COUNT: set_number(key, name, field, value, target); break;
    case KIND_CHOICE:
        if (!parse_choice(key->choices, value, field))
            bad_value(target, name, value, key->choices);
        break;
    case KIND_MASK:
        if (!parse_mask(value, key->most, field))
            bad_value(target, name, value, "processor numbers from 0 to 63");
        break;
    case KIND_BITS:
        if (!parse_bits(value, field))
            bad_value(target, name, value, "0x and one to 16 hexadecimal digits, not all 0");
        break;
    case KIND_COLOUR:
        if (wrt_cache_colour_parse(value, field) != WRT_OK)
            bad_value(target, name, value, "I/N or I/N@LEVEL, I below N, N 2, 4, 8 ..., LEVEL 2 or 3");
        break;
    case KIND_DIGEST:
        if (!parse_digest(value, field))
            bad_value(target, name, value, "64 hexadecimal digits");
        break;
    }
}

/* "NAME=value" each. */
static void check_environment(const struct wrt_tenant_config *config,
                              const struct wrt_key_target *target)
{
    for (uint32_t i = 0; i < config->environment.count; i++) {
        const char *word = wrt_config_text(config, config->environment.at[i]);
        if (*word == '=' || strchr(word, '=') == NULL)
            bad_value(target, "environment", word, "NAME=value");
    }
}

/* What a worker process can be confined by: wrt/worker.h. */
static bool find_confine(const char *word, uint64_t *out)
{
    static const char *const names[] = {
#define CONFINE_NAME(name, text) text,
        WRT_CONFINE_LIST(CONFINE_NAME)
#undef CONFINE_NAME
    };
    for (uint64_t i = 0; i < WRT_CONFINE_COUNT; i++)
        if (strcmp(names[i], word) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static void set_require(struct wrt_tenant_config *config, const struct wrt_key_target *target)
{
    for (uint32_t i = 0; i < config->require.count; i++) {
        const char *word = wrt_config_text(config, config->require.at[i]);
        uint64_t bit;
        if (parse_choice("tier|priority|affinity|index-masking", word, &bit))
            config->require_bits |= (uint64_t)1 << bit;
        else if (find_confine(word, &bit))
            config->confine_bits |= (uint64_t)1 << bit;
        else
            bad_value(target, "require", word,
                      "tier, priority, affinity, index-masking or what confines a process (docs/tenants.md)");
    }
}

static void set_isolate(struct wrt_tenant_config *config, const struct wrt_key_target *target)
{
    for (uint32_t i = 0; i < config->isolate.count; i++) {
        const char *word = wrt_config_text(config, config->isolate.at[i]);
        uint64_t bit;
        if (find_confine(word, &bit) && bit >= WRT_CONFINE_STORE_BYPASS && bit <= WRT_CONFINE_CORE)
            config->isolate_bits |= (uint64_t)1 << bit;
        else
            bad_value(target, "isolate", word,
                      "store-bypass, indirect-branch, l1d-flush, core-scheduling");
    }
}

static void unknown_key(const char *section, const char *key,
                        const struct wrt_key_target *target)
{
    char shown[80];
    wrt_problem(target->problems, target->line, WRT_ERR_NOT_FOUND, "[%s] has no key '%s'",
                section, wrt_show(shown, sizeof shown, key));
}

/* A key with a list may come again; any other that does is reported. */
static bool is_repeated(uint32_t *line, bool is_list, const char *key,
                        const struct wrt_key_target *target)
{
    if (*line != 0 && !is_list) {
        wrt_problem(target->problems, target->line, WRT_ERR_EXISTS,
                    "%s was given before, in line %" PRIu32, key, *line);
        return true;
    }
    if (*line == 0)
        *line = target->line;
    return false;
}

void wrt_tenant_set(struct wrt_tenant_config *config, const char *name, char *value,
                    const struct wrt_key_target *target)
{
    unsigned id = 0;
    while (id < WRT_KEY_COUNT && strcmp(tenant_names[id], name) != 0)
        id++;
    if (id == WRT_KEY_COUNT) {
        unknown_key("tenant", name, target);
        return;
    }
    struct key key = tenant_key((enum wrt_tenant_key)id);
    bool is_list = key.kind == KIND_WORDS || key.kind == KIND_PATHS;
    if (is_repeated(&config->lines[id], is_list, name, target))
        return;
    if (*value == '\0') {
        bad_value(target, name, value, "a value");
        return;
    }
    set_field(config, &key, name, value, target);
    if (id == WRT_KEY_ENVIRONMENT)
        check_environment(config, target);
    if (id == WRT_KEY_REQUIRE)
        set_require(config, target);
    if (id == WRT_KEY_ISOLATE)
        set_isolate(config, target);
}

/* ---- [supervisor] ---- */

static void set_path(char *field, const char *key, const char *value,
                     const struct wrt_key_target *target)
{
    const char *scheme = strncmp(value, "unix:", 5) == 0 ? "unix:" : "";
    const char *path = value + strlen(scheme);
    int length = snprintf(field, WRT_MAX_PATH, "%s%s%s", scheme, prefix_of(path, target), path);
    if (length < 0 || length >= WRT_MAX_PATH) {
        *field = '\0';
        bad_value(target, key, value, "a shorter path");
    }
}

/* Off unless asked: a port of the loopback address, or a socket in the file system. */
static void set_metrics(struct wrt_supervisor_config *config, const char *value,
                        const struct wrt_key_target *target)
{
    uint64_t port;
    if (strncmp(value, "unix:", 5) == 0 && value[5] != '\0')
        set_path(config->metrics, "metrics", value, target);
    else if (parse_count(value, &port) && port >= 1 && port <= 65535)
        snprintf(config->metrics, sizeof config->metrics, "%" PRIu64, port);
    else
        bad_value(target, "metrics", value, "a port from 1 to 65535 or unix:PATH");
}

static void add_users(struct wrt_supervisor_config *config, char *value,
                      const struct wrt_key_target *target)
{
    for (char *word; (word = next_word(&value)) != NULL;) {
        uint64_t user;
        if (!parse_count(word, &user) || user > UINT32_MAX || config->user_count == WRT_MAX_USERS)
            bad_value(target, "users", word, "up to 16 user numbers");
        else
            config->users[config->user_count++] = user;
    }
}

struct supervisor_number {
    const char *name;
    size_t offset;
    struct key key;
};

#define NUMBER(name, member, kind, least, most)                                           \
    {name, offsetof(struct wrt_supervisor_config, member), {kind, 0, least, most, NULL}}
static const struct supervisor_number supervisor_numbers[] = {
    NUMBER("slice_us", slice_us, KIND_COUNT, 50, 1000000),
    NUMBER("shutdown_ms", shutdown_ms, KIND_COUNT, 1, 600000),
    NUMBER("memory_max", memory_max, KIND_SIZE, 1, UINT64_MAX),
    NUMBER("processors", processors, KIND_COUNT, 1, 1024)};

void wrt_supervisor_set(struct wrt_supervisor_config *config, const char *name, char *value,
                        const struct wrt_key_target *target)
{
    if (strcmp(name, "control") == 0) {
        if (!is_repeated(&config->control_line, false, name, target))
            set_path(config->control, name, value, target);
        return;
    }
    if (strcmp(name, "metrics") == 0) {
        if (!is_repeated(&config->metrics_line, false, name, target))
            set_metrics(config, value, target);
        return;
    }
    if (strcmp(name, "users") == 0) {
        add_users(config, value, target);
        return;
    }
    for (size_t i = 0; i < sizeof supervisor_numbers / sizeof supervisor_numbers[0]; i++) {
        const struct supervisor_number *number = &supervisor_numbers[i];
        if (strcmp(number->name, name) != 0)
            continue;
        if (strcmp(name, "memory_max") == 0)
            config->memory_line = target->line;
        set_number(&number->key, name, (uint64_t *)(void *)((char *)config + number->offset),
                   value, target);
        return;
    }
    unknown_key("supervisor", name, target);
}

/* ---- [frame NAME] ---- */

/* "TENANT OFFSET_US DURATION_US" */
static void add_window(struct wrt_frame_config *config, char *value,
                       const struct wrt_key_target *target)
{
    char *cursor = value;
    const char *tenant = next_word(&cursor), *offset = next_word(&cursor),
               *duration = next_word(&cursor);
    struct wrt_window_config window = {.line = target->line};
    if (config->window_count == WRT_MAX_WINDOWS) {
        wrt_problem(target->problems, target->line, WRT_ERR_LIMIT,
                    "frame %s has more than %d windows", config->name, (int)WRT_MAX_WINDOWS);
        return;
    }
    if (duration == NULL || next_word(&cursor) != NULL || !wrt_name_is_valid(tenant) ||
        !parse_count(offset, &window.offset_us) || window.offset_us > hour_us ||
        !parse_count(duration, &window.duration_us) || window.duration_us == 0 ||
        window.duration_us > hour_us) {
        bad_value(target, "window", value, "TENANT OFFSET_US DURATION_US");
        return;
    }
    memcpy(window.tenant, tenant, strlen(tenant) + 1);
    config->windows[config->window_count++] = window;
}

void wrt_frame_set(struct wrt_frame_config *config, const char *name, char *value,
                   const struct wrt_key_target *target)
{
    static const struct key major = {KIND_COUNT, 0, 100, 3600000000u, NULL};
    static const struct key priority = {KIND_COUNT, 0, 0, 99, NULL};
    if (strcmp(name, "major_us") == 0)
        set_number(&major, name, &config->major_us, value, target);
    else if (strcmp(name, "priority") == 0)
        set_number(&priority, name, &config->priority, value, target);
    else if (strcmp(name, "affinity") == 0) {
        if (!parse_mask(value, 63, &config->affinity_mask))
            bad_value(target, name, value, "processor numbers from 0 to 63");
    } else if (strcmp(name, "window") == 0)
        add_window(config, value, target);
    else
        unknown_key("frame", name, target);
}
