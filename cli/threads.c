/* cli/threads.c - calling guests of one thread and of several, and the keyboard's interrupt.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "profile.h"

enum { MOST_VALUES = 1000 }; /* the loader's default limit for parameters and results */

static enum wrt_status call_all(struct wrt_threads *threads, struct wrt_function *function,
                                const struct wrt_function_type *type,
                                const struct wrt_value *arguments, struct wrt_value *results)
{
    static union wrt_slot given[MOST_VALUES], taken[MOST_VALUES];
    for (uint32_t i = 0; i < type->parameter_count; i++)
        given[i] = arguments[i].of;
    const enum wrt_status status = wrt_threads_call(threads, function, given,
                                                    type->parameter_count, taken,
                                                    type->result_count);
    for (uint32_t i = 0; status == WRT_OK && i < type->result_count; i++)
        results[i] = (struct wrt_value){.type = type->results[i], .of = taken[i]};
    return status;
}

enum wrt_status cli_call(const struct cli_session *session, struct wrt_function *function,
                         const struct wrt_function_type *type, const struct wrt_value *arguments,
                         struct wrt_value *results)
{
    if (session->threads != NULL)
        return call_all(session->threads, function, type, arguments, results);
    if (session->config->profile != NULL)
        return cli_profile_call(session->config->profile, session, function, type, arguments, results);
    return wrt_function_call(session->store, function, arguments, type->parameter_count, results,
                             type->result_count);
}

/* ---- the keyboard's interrupt ---- */

/* Read by the handler, so set before it is installed. */
static struct wrt_store *interrupted_store;

static void on_interrupt(int number)
{
    (void)number;
    wrt_store_interrupt(interrupted_store);
}

/* Guests with threads may sleep on a lock that a signal handler must not touch: there a thread
 * waits for the signal. */
static pthread_t watcher;

static void *watch(void *context)
{
    sigset_t signals;
    int number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    if (sigwait(&signals, &number) != 0)
        return NULL;
    signal(SIGINT, SIG_DFL); /* the second one */
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    wrt_store_interrupt(context);
    return context;
}

static void block_interrupt(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(how, &signals, NULL);
}

void cli_watch_keyboard(const struct cli_session *session)
{
    interrupted_store = session->store;
    if (session->threads != NULL) {
        block_interrupt(SIG_BLOCK);
        if (pthread_create(&watcher, NULL, watch, session->store) == 0)
            return;
        block_interrupt(SIG_UNBLOCK); /* no watcher: the interrupt ends the process */
        interrupted_store = NULL;
        return;
    }
    struct sigaction action = {.sa_handler = on_interrupt};
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void cli_forget_keyboard(const struct cli_session *session)
{
    if (session->threads != NULL && interrupted_store != NULL) {
        pthread_cancel(watcher);
        pthread_join(watcher, NULL);
        block_interrupt(SIG_UNBLOCK);
    }
    signal(SIGINT, SIG_DFL);
}
