/* src/arena/account.c - see account.h for the invariants C1 to C3.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "arena/account.h"

#include "base/checked.h"
#include "base/error.h"

#include <inttypes.h>

const char *wrt_charge_name(enum wrt_charge charge)
{
    static const char *const names[WRT_CHARGE_COUNT] = {
#define CHARGE_NAME(name, text) [WRT_CHARGE_##name] = text,
        WRT_CHARGE_LIST(CHARGE_NAME)
#undef CHARGE_NAME
    };
    return (unsigned)charge < WRT_CHARGE_COUNT ? names[charge] : "?";
}

/* Failing to lock a valid, error-checked mutex would mean that we hold it: never. */
void wrt_account_lock(struct wrt_account_tree *tree)
{
    if (tree->has_lock)
        (void)!wrt_port_mutex_lock(&tree->lock);
}

void wrt_account_unlock(struct wrt_account_tree *tree)
{
    if (tree->has_lock)
        wrt_port_mutex_unlock(&tree->lock);
}

/* Gives the lock, then tells whom the change concerns. */
static void unlock_and_tell(struct wrt_account_tree *tree)
{
    bool has_news = tree->pending != NULL;

    wrt_account_unlock(tree);
    if (has_news)
        wrt_account_deliver(tree);
}

void wrt_account_deliver(struct wrt_account_tree *tree)
{
    if (tree->deliver != NULL)
        tree->deliver(tree);
}

/* ---- watches ---- */

static void count(struct wrt_account *account, struct wrt_partition_watch *watch,
                  enum wrt_partition_event event)
{
    if (!(watch->config.events >> event & 1))
        return;
    if (watch->news.count[event] != UINT32_MAX)
        watch->news.count[event]++;
    watch->news.used_bytes = wrt_account_used(account);
    if (watch->is_told || watch->is_pending)
        return;
    watch->is_pending = true;
    watch->next_pending = account->tree->pending;
    account->tree->pending = watch;
}

void wrt_account_note(struct wrt_account *account, enum wrt_partition_event event)
{
    struct wrt_partition_watch *watch = account->watches;

    for (; watch != NULL; watch = watch->next)
        count(account, watch, event);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void note_use(struct wrt_account *account, uint64_t before, uint64_t now)
{
    struct wrt_partition_watch *watch = account->watches;

    for (; watch != NULL; watch = watch->next) {
        const struct wrt_partition_watch_config *config = &watch->config;

        if (before <= config->over_bytes && now > config->over_bytes)
            count(account, watch, WRT_EVENT_OVER);
        if (before >= config->under_bytes && now < config->under_bytes)
            count(account, watch, WRT_EVENT_UNDER);
        if (config->delta_bytes != 0 &&
            distance(now, watch->delta_base_bytes) >= config->delta_bytes) {
            watch->delta_base_bytes = now;
            count(account, watch, WRT_EVENT_DELTA);
        }
    }
}

static bool is_watched(const struct wrt_account *account)
{
    return __atomic_load_n(&account->watches, __ATOMIC_RELAXED) != NULL;
}

/* One change of `used`, as its exchange made it. */
static void tell_watches(struct wrt_account *account, uint64_t before, uint64_t now)
{
    if (!is_watched(account))
        return;
    wrt_account_lock(account->tree);
    note_use(account, before, now);
    unlock_and_tell(account->tree);
}

/* ---- the state of a node ---- */

static const uint64_t used_mask = (UINT64_C(1) << WRT_ACCOUNT_USED_BITS) - 1;

static uint64_t used_of(uint64_t state)
{
    return state & used_mask;
}

static uint64_t with_used(uint64_t state, uint64_t used_bytes)
{
    return (state & ~used_mask) | (used_bytes & used_mask);
}

static uint64_t load_state(const struct wrt_account *account)
{
    return __atomic_load_n(&account->state, __ATOMIC_ACQUIRE);
}

/* The limits of that state; of later ones if it changed meanwhile, which the exchange finds. */
static struct wrt_account_limits limits_of(const struct wrt_account *account, uint64_t state)
{
    const struct wrt_account_limits *slot =
        &account->limits[state >> WRT_ACCOUNT_USED_BITS & 1];

    return (struct wrt_account_limits){
        .min_bytes = __atomic_load_n(&slot->min_bytes, __ATOMIC_RELAXED),
        .max_bytes = __atomic_load_n(&slot->max_bytes, __ATOMIC_RELAXED)};
}

uint64_t wrt_account_used(const struct wrt_account *account)
{
    return used_of(load_state(account));
}

struct wrt_account_limits wrt_account_limits(const struct wrt_account *account)
{
    struct wrt_account_limits limits;
    uint64_t state = load_state(account), again;

    for (;; state = again) {
        limits = limits_of(account, state);
        again = load_state(account);
        if (again >> WRT_ACCOUNT_USED_BITS == state >> WRT_ACCOUNT_USED_BITS)
            return limits;
    }
}

/* Release: what was given back was written before; acquire: what is charged is written after. */
static bool exchange(struct wrt_account *account, uint64_t *state, uint64_t next)
{
    return __atomic_compare_exchange_n(&account->state, state, next, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

static uint64_t share(uint64_t used_bytes, uint64_t min_bytes)
{
    return used_bytes > min_bytes ? used_bytes : min_bytes;
}

/* What more a node can use; its parents are not asked. */
static uint64_t room(struct wrt_account_limits limits, uint64_t used_bytes)
{
    uint64_t most = limits.max_bytes < used_mask ? limits.max_bytes : used_mask;

    return most > used_bytes ? most - used_bytes : 0;
}

/* How much the parent's use changes when a node's rises by size_bytes (C2). */
static uint64_t passed_on(struct wrt_account_limits limits, uint64_t used_bytes,
                          uint64_t size_bytes)
{
    return share(used_bytes + size_bytes, limits.min_bytes) - share(used_bytes, limits.min_bytes);
}

/* ---- charging ---- */

static void raise(uint64_t *figure, uint64_t value)
{
    uint64_t seen = __atomic_load_n(figure, __ATOMIC_RELAXED);

    while (value > seen && !__atomic_compare_exchange_n(figure, &seen, value, true,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

/* Between the two halves of a move by another thread a kind may be below zero for a moment. */
static void add_kind(struct wrt_account *account, enum wrt_charge charge, uint64_t size_bytes)
{
    uint64_t now;

    if (size_bytes == 0)
        return;
    now = __atomic_add_fetch(&account->current_bytes[charge], size_bytes, __ATOMIC_RELAXED);
    if (now <= used_mask)
        raise(&account->peak_bytes[charge], now);
}

static void remove_kind(struct wrt_account *account, enum wrt_charge charge,
                        uint64_t size_bytes)
{
    if (size_bytes != 0)
        (void)__atomic_sub_fetch(&account->current_bytes[charge], size_bytes, __ATOMIC_RELAXED);
}

/* One level of a charge under way: its use rises by `part`, the rest was guaranteed before. */
struct step {
    struct wrt_account *account;
    uint64_t state; /* as read; when done, as it was before */
    uint64_t part;
};

struct plan {
    struct step steps[WRT_ACCOUNT_MAX_DEPTH];
    uint32_t count;
};

static enum wrt_status refuse(const struct step *step, enum wrt_charge charge,
                              struct wrt_error *error)
{
    struct wrt_account *account = step->account;
    struct wrt_account_limits limits = limits_of(account, step->state);
    uint64_t used_bytes = used_of(step->state);

    (void)__atomic_add_fetch(&account->refusals, 1, __ATOMIC_RELAXED);
    if (is_watched(account)) {
        wrt_account_lock(account->tree);
        wrt_account_note(account, WRT_EVENT_REFUSE);
        unlock_and_tell(account->tree);
    }
    return wrt_fail(error, WRT_ERR_PARTITION_MAX,
                    "partition %s: max %" PRIu64 " bytes, %" PRIu64 " used; %" PRIu64
                    " for %s is %" PRIu64 " too many",
                    account->name, limits.max_bytes, used_bytes, step->part,
                    wrt_charge_name(charge), step->part - room(limits, used_bytes));
}

/* Is there room at that level, and how much of it does the next one pay? */
static bool fits(const struct step *step, uint64_t *out_passed_on)
{
    struct wrt_account_limits limits = limits_of(step->account, step->state);
    uint64_t used_bytes = used_of(step->state);

    if (step->part > room(limits, used_bytes))
        return false;
    *out_passed_on =
        step->account->parent != NULL ? passed_on(limits, used_bytes, step->part) : 0;
    return true;
}

/* Reads all levels that will change, from the lowest up. False: the last one has no room. */
static bool read_levels(struct plan *plan, struct wrt_account *account, uint64_t size_bytes)
{
    uint64_t part = size_bytes;

    plan->count = 0;
    for (; account != NULL && part != 0; account = account->parent) {
        struct step *step = &plan->steps[plan->count++];

        *step = (struct step){.account = account, .state = load_state(account), .part = part};
        if (!fits(step, &part))
            return false;
    }
    return true;
}

/* Raises one level; what it passes on was charged above already, so it must stay the same. */
static bool raise_level(struct step *step, uint64_t charged_above)
{
    for (;;) {
        uint64_t part;

        if (!fits(step, &part) || part != charged_above)
            return false;
        if (exchange(step->account, &step->state,
                     with_used(step->state, used_of(step->state) + step->part)))
            return true;
    }
}

/* Lowers one level; how much its parent gets back. */
static uint64_t lower_level(struct wrt_account *account, uint64_t size_bytes)
{
    uint64_t state = load_state(account), before, now;
    struct wrt_account_limits limits;

    do {
        limits = limits_of(account, state);
        before = used_of(state);
        now = used_of(before - size_bytes);
    } while (!exchange(account, &state, with_used(state, now)));
    tell_watches(account, before, now);
    return share(before, limits.min_bytes) - share(now, limits.min_bytes);
}

static void tell_raised(const struct step *step)
{
    uint64_t before = used_of(step->state);

    tell_watches(step->account, before, before + step->part);
}

/* Takes back what the levels from `first` up were charged. What an ancestor gets back may
 * differ from what it paid, by what others passed on in between and count as GUARANTEE. */
static void undo(const struct plan *plan, uint32_t first)
{
    struct wrt_account *account = plan->steps[first - 1].account->parent;
    uint64_t part = first < plan->count ? plan->steps[first].part : 0;

    for (uint32_t i = first; i < plan->count; i++)
        tell_raised(&plan->steps[i]);
    for (uint32_t i = first; account != NULL; account = account->parent, i++) {
        uint64_t paid = i < plan->count ? plan->steps[i].part : 0;

        if (paid > part)
            add_kind(account, WRT_CHARGE_GUARANTEE, paid - part);
        else
            remove_kind(account, WRT_CHARGE_GUARANTEE, part - paid);
        if (part != 0)
            part = lower_level(account, part);
    }
}

/* Changes all levels, from the topmost down. False: one of them changed in a way that matters,
 * and what was charged above it is given back. */
static bool change_levels(struct plan *plan)
{
    uint64_t charged_above = 0;

    for (uint32_t i = plan->count; i-- > 0;) {
        if (!raise_level(&plan->steps[i], charged_above)) {
            undo(plan, i + 1);
            return false;
        }
        charged_above = plan->steps[i].part;
    }
    return true;
}

/* The figures beside `used`, once the charge stands. */
static void note_charge(const struct plan *plan, struct wrt_account *account,
                        enum wrt_charge charge, uint64_t size_bytes)
{
    for (uint32_t level = 0; account != NULL; account = account->parent, level++) {
        uint64_t part = level < plan->count ? plan->steps[level].part : 0;

        add_kind(account, charge, size_bytes);
        remove_kind(account, WRT_CHARGE_GUARANTEE, size_bytes - part);
        if (part == 0)
            continue;
        raise(&account->high_water_bytes, used_of(plan->steps[level].state) + part);
        tell_raised(&plan->steps[level]);
    }
}

enum wrt_status wrt_account_charge(struct wrt_account *account, enum wrt_charge charge,
                                   uint64_t size_bytes, struct wrt_error *error)
{
    struct plan plan;

    do {
        if (!read_levels(&plan, account, size_bytes))
            return refuse(&plan.steps[plan.count - 1], charge, error);
    } while (!change_levels(&plan));
    note_charge(&plan, account, charge, size_bytes);
    return WRT_OK;
}

void wrt_account_uncharge(struct wrt_account *account, enum wrt_charge charge,
                          uint64_t size_bytes)
{
    uint64_t part = size_bytes;

    for (; account != NULL; account = account->parent) {
        remove_kind(account, charge, size_bytes);
        add_kind(account, WRT_CHARGE_GUARANTEE, size_bytes - part);
        if (part != 0)
            part = lower_level(account, part);
    }
}

/* ---- limits ---- */

/* Charges the parent for a minimum that rises; is to be called before it does. */
static enum wrt_status charge_minimum(struct wrt_account *account, uint64_t before,
                                      uint64_t after, struct wrt_error *error)
{
    if (account->parent == NULL || after <= before)
        return WRT_OK;
    return wrt_account_charge(account->parent, WRT_CHARGE_GUARANTEE, after - before, error);
}

static void uncharge_minimum(struct wrt_account *account, uint64_t before, uint64_t after)
{
    if (account->parent != NULL && after < before)
        wrt_account_uncharge(account->parent, WRT_CHARGE_GUARANTEE, before - after);
}

/* Puts limits into the slot that is not in force, and it in force by the same exchange that
 * says that nothing was charged meanwhile. */
static bool switch_limits(struct wrt_account *account, uint64_t state,
                          struct wrt_account_limits limits)
{
    uint64_t next = state + used_mask + 1;
    struct wrt_account_limits *slot = &account->limits[next >> WRT_ACCOUNT_USED_BITS & 1];

    __atomic_store_n(&slot->min_bytes, limits.min_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->max_bytes, limits.max_bytes, __ATOMIC_RELAXED);
    return exchange(account, &state, next);
}

enum wrt_status wrt_account_set_limits(struct wrt_account *account, uint64_t min_bytes,
                                       uint64_t max_bytes, struct wrt_error *error)
{
    const struct wrt_account_limits limits = {.min_bytes = min_bytes, .max_bytes = max_bytes};

    for (;;) {
        uint64_t state = load_state(account), used_bytes = used_of(state);
        uint64_t before = share(used_bytes, limits_of(account, state).min_bytes);
        uint64_t after = share(used_bytes, min_bytes);
        enum wrt_status status;

        if (used_bytes > max_bytes)
            return wrt_fail(error, WRT_ERR_BUSY,
                            "partition %s: %" PRIu64 " bytes are used, above a max of %" PRIu64,
                            account->name, used_bytes, max_bytes);
        status = charge_minimum(account, before, after, error);
        if (status != WRT_OK)
            return status;
        if (switch_limits(account, state, limits)) {
            uncharge_minimum(account, before, after);
            return WRT_OK;
        }
        if (account->parent != NULL && after > before) /* as it was, and again */
            wrt_account_uncharge(account->parent, WRT_CHARGE_GUARANTEE, after - before);
    }
}

void wrt_account_move(struct wrt_account *account, enum wrt_charge from, enum wrt_charge to,
                      uint64_t size_bytes)
{
    for (; account != NULL; account = account->parent) {
        remove_kind(account, from, size_bytes);
        add_kind(account, to, size_bytes);
    }
}

static void set_up(struct wrt_account *account, const char *name, uint64_t min_bytes,
                   uint64_t max_bytes)
{
    *account = (struct wrt_account){
        .name = name, .limits = {{.min_bytes = min_bytes, .max_bytes = max_bytes}}, .depth = 1};
}

enum wrt_status wrt_account_init_root(struct wrt_account *account,
                                      struct wrt_account_tree *tree, const char *name,
                                      uint64_t min_bytes, uint64_t max_bytes)
{
    enum wrt_status status = wrt_port_mutex_init(&tree->lock);

    if (status != WRT_OK && status != WRT_ERR_UNSUPPORTED)
        return status;
    tree->has_lock = status == WRT_OK;
    set_up(account, name, min_bytes, max_bytes);
    account->tree = tree;
    return WRT_OK;
}

enum wrt_status wrt_account_init_child(struct wrt_account *account,
                                       struct wrt_account *parent, const char *name,
                                       uint64_t min_bytes, uint64_t max_bytes,
                                       struct wrt_error *error)
{
    enum wrt_status status;

    if (parent->depth >= WRT_ACCOUNT_MAX_DEPTH)
        return wrt_fail(error, WRT_ERR_LIMIT, "partition %s: deeper than %d levels", name,
                        WRT_ACCOUNT_MAX_DEPTH);
    status = wrt_account_charge(parent, WRT_CHARGE_GUARANTEE, min_bytes, error);
    if (status != WRT_OK)
        return status;
    set_up(account, name, min_bytes, max_bytes);
    account->parent = parent;
    account->tree = parent->tree;
    account->depth = parent->depth + 1;
    return WRT_OK;
}

void wrt_account_deinit(struct wrt_account *account)
{
    if (account->parent != NULL)
        wrt_account_uncharge(account->parent, WRT_CHARGE_GUARANTEE,
                             wrt_account_limits(account).min_bytes);
    else if (account->tree->has_lock)
        wrt_port_mutex_deinit(&account->tree->lock);
}

void wrt_account_read(const struct wrt_account *account, struct wrt_partition_info *out)
{
    struct wrt_account_limits limits = wrt_account_limits(account);

    out->min_bytes = limits.min_bytes;
    out->max_bytes = limits.max_bytes;
    out->used_bytes = wrt_account_used(account);
    out->high_water_bytes = __atomic_load_n(&account->high_water_bytes, __ATOMIC_RELAXED);
    out->refusals = __atomic_load_n(&account->refusals, __ATOMIC_RELAXED);
    for (int kind = 0; kind < WRT_CHARGE_COUNT; kind++) {
        out->current_bytes[kind] =
            __atomic_load_n(&account->current_bytes[kind], __ATOMIC_RELAXED);
        out->peak_bytes[kind] = __atomic_load_n(&account->peak_bytes[kind], __ATOMIC_RELAXED);
    }
}
