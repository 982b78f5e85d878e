/* src/partition/watch.c - news of a partition, to a callback, a word or a pulse.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A watch is quiet, pending (in the tree's list: has news, nobody was told), or told (has news
 * that somebody was told of and did not take yet). All under the lock of the tree, which charging
 * takes only where there are watches; telling happens without it, by the thread that caused the news.
 */
#include "partition/node.h"

#include "base/error.h"
#include "wrt/futex.h"
#include "wrt/pulse.h"

#include <string.h>

const char *wrt_partition_event_name(enum wrt_partition_event event)
{
    static const char *const names[WRT_EVENT_COUNT] = {
#define EVENT_NAME(name, text) [WRT_EVENT_##name] = text,
        WRT_PARTITION_EVENT_LIST(EVENT_NAME)
#undef EVENT_NAME
    };
    return (unsigned)event < WRT_EVENT_COUNT ? names[event] : "?";
}

/* True: told; false: nobody could be told, so the next news try again. */
static bool tell(const struct wrt_partition_watch_config *config,
                 const struct wrt_partition_news *news)
{
    bool is_told = true;

    if (config->word != NULL) {
        (void)__atomic_add_fetch(config->word, 1, __ATOMIC_RELEASE);
        (void)wrt_futex_wake(NULL, config->word, UINT32_MAX, NULL);
    }
    if (config->connection != NULL)
        is_told = wrt_pulse_send(config->connection, config->pulse_priority, config->pulse_code,
                                 config->pulse_value) == WRT_OK;
    if (config->callback != NULL)
        config->callback(config->context, news);
    return is_told;
}

/* Takes the next watch off the list; a callback gets its news with that. */
static struct wrt_partition_watch *take_pending(struct wrt_account_tree *tree,
                                                struct wrt_partition_news *news)
{
    struct wrt_partition_watch *watch = tree->pending;

    if (watch == NULL)
        return NULL;
    tree->pending = watch->next_pending;
    watch->is_pending = false;
    watch->is_told = true; /* before telling, so that a take meanwhile re-arms it */
    watch->deliveries++;
    *news = watch->news;
    if (watch->config.callback != NULL) {
        memset(&watch->news, 0, sizeof watch->news);
        watch->is_told = false;
    }
    return watch;
}

static void deliver(struct wrt_account_tree *tree)
{
    struct wrt_partition_watch *watch;
    struct wrt_partition_news news;

    wrt_account_lock(tree);
    while ((watch = take_pending(tree, &news)) != NULL) {
        bool is_told;

        wrt_account_unlock(tree);
        is_told = tell(&watch->config, &news);
        wrt_account_lock(tree);
        watch->deliveries--;
        if (!is_told)
            watch->is_told = false;
    }
    wrt_account_unlock(tree);
}

static enum wrt_status check(const struct wrt_partition_watch_config *config,
                             struct wrt_error *error)
{
    if (config->events == 0 || config->events >> WRT_EVENT_COUNT != 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "events %#x: none, or one there is not",
                        config->events);
    if ((config->events >> WRT_EVENT_DELTA & 1) && config->delta_bytes == 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "the event delta needs delta_bytes");
    if (config->connection != NULL &&
        (config->pulse_code < 0 || config->pulse_code > WRT_PULSE_MAX_CODE))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "pulse_code %d is not in 0 .. %d",
                        config->pulse_code, WRT_PULSE_MAX_CODE);
    return WRT_OK;
}

enum wrt_status wrt_partition_watch_add(struct wrt_partition *partition,
                                        struct wrt_partition_watch *watch,
                                        const struct wrt_partition_watch_config *config,
                                        struct wrt_error *error)
{
    struct wrt_account *account = &partition->account;
    enum wrt_status status = check(config, error);

    if (status != WRT_OK)
        return status;
    wrt_account_lock(account->tree);
    account->tree->deliver = deliver;
    *watch = (struct wrt_partition_watch){.partition = partition,
                                          .next = account->watches,
                                          .config = *config,
                                          .delta_base_bytes = wrt_account_used(account)};
    __atomic_store_n(&account->watches, watch, __ATOMIC_RELAXED);
    wrt_account_unlock(account->tree);
    return WRT_OK;
}

static void unlink_watch(struct wrt_account *account, struct wrt_partition_watch *watch)
{
    struct wrt_partition_watch **at = &account->watches;

    while (*at != watch)
        at = &(*at)->next;
    __atomic_store_n(at, watch->next, __ATOMIC_RELAXED); /* a charge may look at the first */
    if (!watch->is_pending)
        return;
    for (at = &account->tree->pending; *at != watch; at = &(*at)->next_pending) {
    }
    *at = watch->next_pending;
}

enum wrt_status wrt_partition_watch_remove(struct wrt_partition_watch *watch)
{
    struct wrt_partition *partition = watch->partition;
    bool is_busy;

    if (partition == NULL)
        return WRT_ERR_STATE;
    wrt_account_lock(partition->account.tree);
    is_busy = watch->deliveries != 0;
    if (!is_busy) {
        unlink_watch(&partition->account, watch);
        memset(watch, 0, sizeof *watch);
    }
    wrt_account_unlock(partition->account.tree);
    return is_busy ? WRT_ERR_BUSY : WRT_OK;
}

bool wrt_partition_watch_take(struct wrt_partition_watch *watch, struct wrt_partition_news *out)
{
    struct wrt_account_tree *tree;
    bool has_news = false;

    if (watch->partition == NULL)
        return false;
    tree = watch->partition->account.tree;
    wrt_account_lock(tree);
    *out = watch->news;
    for (int event = 0; event < WRT_EVENT_COUNT; event++)
        has_news |= out->count[event] != 0;
    memset(&watch->news, 0, sizeof watch->news);
    watch->is_told = false;
    wrt_account_unlock(tree);
    return has_news;
}

void wrt_partition_note(struct wrt_partition *partition, enum wrt_partition_event event)
{
    struct wrt_account *account = &partition->account;
    bool has_news;

    wrt_account_lock(account->tree);
    wrt_account_note(account, event);
    has_news = account->tree->pending != NULL;
    wrt_account_unlock(account->tree);
    if (has_news)
        wrt_account_deliver(account->tree);
}
