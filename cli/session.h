/* cli/session.h - one program in one partition: the steps that `run` and
 * `inspect --footprint` share, so that the second tells exactly what the first will take.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli.h"

enum { CLI_MAX_GRANTS = 64 };

/* From the command line; every string is borrowed from argv. */
struct cli_session_config {
    const char *file;
    struct wrt_bytes module; /* the bytes of `file` if they are here already, else NULL */
    struct wrt_partition_config partition;
    uint64_t stack_bytes;
    uint64_t fuel;        /* of each further thread; 0: not limited */
    uint32_t max_threads; /* that the guest may start; 0: none, and nothing to start them with */
    bool canonical_nan, deterministic, index_masking;
    bool memory_tags; /* arenas and linear memories are tagged, accesses checked at once */
    struct wrt_cache_colour colour; /* of arenas and linear memories; count 0: none */
    bool is_native;      /* `file` may be native code, whatever its name ends with */
    bool has_pin;
    uint8_t pin[32];     /* SHA-256 that such a file must have */
    uint64_t features_off;
    struct cli_profile *profile; /* NULL: none */
    bool has_oblivious; /* the imports of wrt/oblivious_host.h */
    struct wrt_wasi_config wasi; /* points into the two lists below and into argv */
    struct wrt_wasi_directory directories[CLI_MAX_GRANTS];
    const char *environment[CLI_MAX_GRANTS];
};

/* Fills *config with what a guest gets unless options say otherwise: the standard streams,
 * clocks and random numbers; no directory, no variable. */
void cli_session_defaults(struct cli_session_config *config);

/* Sets the file and the guest's arguments: argv holds FILE and what follows it. */
void cli_session_set_program(struct cli_session_config *config, int argc, char **argv);

struct cli_session {
    const struct cli_session_config *config;
    struct wrt_partition *partition;
    struct wrt_native *native; /* NULL: the module is interpreted */
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_oblivious_host *oblivious; /* NULL: none */
    struct wrt_threads *threads; /* NULL: the guest has one */
    struct wrt_instance *instance;
    uint64_t load_ns, instantiate_ns;
    struct wrt_partition_info instantiated; /* the partition at that moment */
};

/* Reads `file` in chunks into a loader of `partition`. Returns an exit code, after printing
 * a sentence unless it is CLI_EXIT_OK. Gives *out. */
int cli_load(struct wrt_partition *partition, const char *file,
             const struct wrt_module_config *config, struct wrt_module **out);

/* Fills *session: partition, module, store, and WASI for a module that imports it. Returns
 * as cli_load; *session is to be closed in any case. `config` is kept until then. */
int cli_session_open(struct cli_session *session, const struct cli_session_config *config);

/* Notes time and memory of an instantiation that began at `start_ns`. */
void cli_session_instantiated(struct cli_session *session, uint64_t start_ns);

/* Frees all; returns an exit code: not OK if something was left in the partition. */
int cli_session_close(struct cli_session *session);

/* Reads --memory's MIN:MAX[:RESERVED] into *out. */
bool cli_parse_memory(const char *text, struct wrt_partition_config *out);

/* ---- threads.c ---- */

/* Calls a function of the instance, on all threads of a guest that has several. */
enum wrt_status cli_call(const struct cli_session *session, struct wrt_function *function,
                         const struct wrt_function_type *type, const struct wrt_value *arguments,
                         struct wrt_value *results);
/* Until forget, the keyboard's first interrupt pauses the guest; a second one ends the process as
 * usual. Watch before anything may start a thread. */
void cli_watch_keyboard(const struct cli_session *session);
void cli_forget_keyboard(const struct cli_session *session);

/* ---- native.c ---- */

/* Reads the file and opens it, if it is native code and is permitted to be; gives *out, NULL if
 * it is a module after all. */
int cli_native_open(const struct cli_session_config *config, struct wrt_partition *partition,
                    struct wrt_native **out);
/* If the file is native code: prints what it says of itself, and loads the module in it to *out. None
 * of its code is loaded. */
int cli_native_inspect(const char *file, struct wrt_partition *partition, struct wrt_module **out);
/* Can it do what is asked: fuel, a deadline? Prints if not. */
int cli_native_check(const struct cli_session *session, bool has_fuel, bool has_deadline);
/* Reads 64 hexadecimal digits. */
bool cli_parse_hash(const char *text, uint8_t out[32]);

/* ---- features.c ---- */

/* Turns off what a list like "simd,gc" names (without), or all that it does not name (only;
 * "none" names nothing). False, and *off as it was, if a name is unknown. */
bool cli_features_without(const char *list, uint64_t *off);
bool cli_features_only(const char *list, uint64_t *off);

/* ---- value.c ---- */

/* Reads `text` as a value of `type`. */
bool cli_parse_value(const char *text, wrt_type type, struct wrt_value *out);
void cli_print_value(FILE *out, const struct wrt_value *value);
void cli_print_function_type(FILE *out, const struct wrt_function_type *type);

/* ---- stats.c ---- */

/* What --stats prints, as text or JSON, on standard error. */
void cli_print_stats(const struct cli_session *session, uint64_t run_ns, bool json);
/* Bytes per kind: one moment, and the peak. */
void cli_print_footprint(const struct wrt_partition_info *info, bool json);

#endif
