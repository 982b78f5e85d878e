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

static void lock(const struct wrt_account *account)
{
    wrt_account_lock(account->tree);
}

/* Gives the lock, then tells whom the change concerns. */
static void unlock(const struct wrt_account *account)
{
    struct wrt_account_tree *tree = account->tree;
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
    watch->news.used_bytes = account->used_bytes;
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

static void note_use(struct wrt_account *account, uint64_t before)
{
    struct wrt_partition_watch *watch = account->watches;
    uint64_t now = account->used_bytes;

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

/* ---- charging ---- */

/* Every change of `used` goes through here. */
static void set_used(struct wrt_account *account, uint64_t used_bytes)
{
    uint64_t before = account->used_bytes;

    account->used_bytes = used_bytes;
    if (used_bytes > account->high_water_bytes)
        account->high_water_bytes = used_bytes;
    if (account->watches != NULL)
        note_use(account, before);
}

static void add_kind(struct wrt_account *account, enum wrt_charge charge, uint64_t size_bytes)
{
    uint64_t now = __atomic_add_fetch(&account->current_bytes[charge], size_bytes,
                                      __ATOMIC_RELAXED);
    uint64_t peak = __atomic_load_n(&account->peak_bytes[charge], __ATOMIC_RELAXED);

    while (now > peak &&
           !__atomic_compare_exchange_n(&account->peak_bytes[charge], &peak, now, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static void remove_kind(struct wrt_account *account, enum wrt_charge charge,
                        uint64_t size_bytes)
{
    (void)__atomic_sub_fetch(&account->current_bytes[charge], size_bytes, __ATOMIC_RELAXED);
}

static uint64_t share(const struct wrt_account *account, uint64_t used_bytes)
{
    return used_bytes > account->min_bytes ? used_bytes : account->min_bytes;
}

/* How much the parent's use changes when this node's rises by size_bytes (C2). */
static uint64_t passed_on(const struct wrt_account *account, uint64_t size_bytes)
{
    return share(account, account->used_bytes + size_bytes) -
           share(account, account->used_bytes);
}

static enum wrt_status refuse(struct wrt_account *account, enum wrt_charge charge,
                              uint64_t size_bytes, struct wrt_error *error)
{
    uint64_t free_bytes = account->max_bytes - account->used_bytes;

    account->refusals++;
    wrt_account_note(account, WRT_EVENT_REFUSE);
    return wrt_fail(error, WRT_ERR_PARTITION_MAX,
                    "partition %s: max %" PRIu64 " bytes, %" PRIu64 " used; %" PRIu64
                    " for %s is %" PRIu64 " too many",
                    account->name, account->max_bytes, account->used_bytes, size_bytes,
                    wrt_charge_name(charge), size_bytes - free_bytes);
}

/* The first node from here up that has no room for its part, or NULL. */
static struct wrt_account *find_refuser(struct wrt_account *account, uint64_t size_bytes,
                                        uint64_t *out_part)
{
    for (; account != NULL && size_bytes != 0; account = account->parent) {
        if (size_bytes > account->max_bytes - account->used_bytes) {
            *out_part = size_bytes;
            return account;
        }
        size_bytes = passed_on(account, size_bytes);
    }
    return NULL;
}

/* `part` is what the node's use rises by; the rest of size_bytes was guaranteed before. */
static void apply(struct wrt_account *account, enum wrt_charge charge, uint64_t size_bytes)
{
    uint64_t part = size_bytes;

    for (; account != NULL; account = account->parent) {
        uint64_t next = passed_on(account, part);

        add_kind(account, charge, size_bytes);
        remove_kind(account, WRT_CHARGE_GUARANTEE, size_bytes - part);
        set_used(account, account->used_bytes + part);
        part = next;
    }
}

enum wrt_status wrt_account_charge(struct wrt_account *account, enum wrt_charge charge,
                                   uint64_t size_bytes, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    struct wrt_account *refuser;
    uint64_t part = 0;

    lock(account);
    refuser = find_refuser(account, size_bytes, &part);
    if (refuser != NULL)
        status = refuse(refuser, charge, part, error);
    else
        apply(account, charge, size_bytes);
    unlock(account);
    return status;
}

static void give_back(struct wrt_account *account, enum wrt_charge charge,
                      uint64_t size_bytes)
{
    uint64_t part = size_bytes;

    for (; account != NULL; account = account->parent) {
        uint64_t before = share(account, account->used_bytes);

        set_used(account, account->used_bytes - part);
        remove_kind(account, charge, size_bytes);
        add_kind(account, WRT_CHARGE_GUARANTEE, size_bytes - part);
        part = before - share(account, account->used_bytes);
    }
}

void wrt_account_uncharge(struct wrt_account *account, enum wrt_charge charge,
                          uint64_t size_bytes)
{
    lock(account);
    give_back(account, charge, size_bytes);
    unlock(account);
}

static enum wrt_status move_minimum(struct wrt_account *account, uint64_t min_bytes,
                                    struct wrt_error *error)
{
    uint64_t before = share(account, account->used_bytes);
    uint64_t after = account->used_bytes > min_bytes ? account->used_bytes : min_bytes;
    struct wrt_account *parent = account->parent, *refuser;
    uint64_t part;

    if (parent == NULL)
        return WRT_OK;
    if (after < before) {
        give_back(parent, WRT_CHARGE_GUARANTEE, before - after);
        return WRT_OK;
    }
    refuser = find_refuser(parent, after - before, &part);
    if (refuser != NULL)
        return refuse(refuser, WRT_CHARGE_GUARANTEE, part, error);
    apply(parent, WRT_CHARGE_GUARANTEE, after - before);
    return WRT_OK;
}

enum wrt_status wrt_account_set_limits(struct wrt_account *account, uint64_t min_bytes,
                                       uint64_t max_bytes, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;

    lock(account);
    if (account->used_bytes > max_bytes)
        status = wrt_fail(error, WRT_ERR_BUSY,
                          "partition %s: %" PRIu64 " bytes are used, above a max of %" PRIu64,
                          account->name, account->used_bytes, max_bytes);
    else
        status = move_minimum(account, min_bytes, error);
    if (status == WRT_OK) {
        account->min_bytes = min_bytes;
        account->max_bytes = max_bytes;
    }
    unlock(account);
    return status;
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
        .name = name, .min_bytes = min_bytes, .max_bytes = max_bytes, .depth = 1};
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
        wrt_account_uncharge(account->parent, WRT_CHARGE_GUARANTEE, account->min_bytes);
    else if (account->tree->has_lock)
        wrt_port_mutex_deinit(&account->tree->lock);
}

void wrt_account_read(const struct wrt_account *account, struct wrt_partition_info *out)
{
    lock(account);
    out->min_bytes = account->min_bytes;
    out->max_bytes = account->max_bytes;
    out->used_bytes = account->used_bytes;
    out->high_water_bytes = account->high_water_bytes;
    out->refusals = account->refusals;
    for (int kind = 0; kind < WRT_CHARGE_COUNT; kind++) {
        out->current_bytes[kind] =
            __atomic_load_n(&account->current_bytes[kind], __ATOMIC_RELAXED);
        out->peak_bytes[kind] = __atomic_load_n(&account->peak_bytes[kind], __ATOMIC_RELAXED);
    }
    unlock(account);
}
