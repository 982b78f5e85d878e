/* explore.c - all schedules of two threads, by depth-first search over choices.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One participant holds the baton and runs; the other waits for it. At every kernel call
 * and mutex operation of the holder (a point) the script says who goes on. The script is a
 * list of choices; a timeout that is set may pass at any point, which is a choice as well; after a run, the last choice that has an untried alternative is
 * advanced and everything behind it is forgotten, until no choice is left.
 */
#include "kernel.h"
#include "thread.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CHOICES = 4096 };

bool exploring;
static struct choice {
    uint8_t picked, last; /* which of the runnable threads, and how many there were - 1 */
} script[MAX_CHOICES];
static uint32_t position, length;   /* in the script: reached now, known from before */
static uint32_t preemptions, preemption_limit;
static struct thread *team[2];
static int holder;      /* who has the baton: 0, 1; -1 nobody */
static bool is_over[2], is_stuck;
static uint64_t virtual_now;
static uint32_t baton;  /* changes at each hand-over; the driver sleeps on it too */
static char trace[1024];
static size_t trace_length;

uint64_t explore_now(void) { return virtual_now; }

static void note(int who, const char *what) {
    size_t room = sizeof trace - trace_length;
    int n = snprintf(trace + trace_length, room, "%c:%s ", 'A' + who, what);
    if (n > 0 && (size_t)n < room) trace_length += (size_t)n;
}

static bool is_ready(int i) {
    return team[i] && !is_over[i] && (team[i]->state == 0 || team[i]->deadline <= virtual_now);
}

/* A time that was set may pass at any moment: that is a choice like any other. */
static bool is_runnable(int i) {
    return is_ready(i) || (team[i] && !is_over[i] && team[i]->deadline != UINT64_MAX);
}

static int run_now(int i) {
    if (!is_ready(i)) virtual_now = team[i]->deadline;
    return i;
}

static void pass_to(int i) {
    holder = i;
    __atomic_fetch_add(&baton, 1, __ATOMIC_RELEASE);
    for (int k = 0; k < 2; k++) {
        if (!team[k]) continue;
        __atomic_fetch_add(&team[k]->wake_word, 1, __ATOMIC_RELEASE);
        host_wake(&team[k]->wake_word);
    }
    host_wake(&baton);
}

/* Waits until this participant has the baton. With the lock. */
static void await(struct thread *self) {
    while (holder != self->participant && !is_stuck) {
        uint32_t word = self->wake_word;
        host_unlock();
        host_sleep(&self->wake_word, word, UINT64_MAX);
        host_lock();
    }
    if (is_stuck) {
        host_unlock();
        host_thread_exit();
    }
}

/* Picks among the runnable; `preferred` goes first in the order of trying. */
static int choose(int preferred) {
    int other = 1 - preferred;
    bool first = is_runnable(preferred), second = is_runnable(other);
    if (!first && !second) return -1;
    if (!first) return run_now(other);
    if (!second) return run_now(preferred);
    bool may_switch = preemption_limit == 0 || preemptions < preemption_limit;
    if (position >= MAX_CHOICES) host_panic("a schedule has too many choices");
    struct choice *c = &script[position];
    if (position == length) {
        *c = (struct choice){0, may_switch ? 1 : 0};
        length++;
    }
    position++;
    if (c->picked) preemptions++;
    return run_now(c->picked ? other : preferred);
}

void explore_point(struct thread *self, const char *what) {
    if (!exploring || self->participant < 0) return;
    int next = choose(self->participant);
    if (next != self->participant) {
        pass_to(next);
        await(self);
    }
    note(self->participant, what);
}

void explore_block(struct thread *self) {
    int next = choose(self->participant);
    if (next < 0) {
        is_stuck = true;
        pass_to(-1);
        await(self);
    }
    if (next != self->participant) {
        pass_to(next);
        await(self);
    }
}

struct runner {
    void (*body)(void *);
    void *context;
    int participant;
};

static void *run(void *raw) {
    struct runner *runner = raw;
    host_lock();
    struct thread *self = thread_self();
    self->participant = runner->participant;
    team[runner->participant] = self;
    __atomic_fetch_add(&baton, 1, __ATOMIC_RELEASE);
    host_wake(&baton);
    await(self);
    host_unlock();
    runner->body(runner->context);
    host_lock();
    self->participant = -1;
    is_over[runner->participant] = true;
    int next = choose(1 - runner->participant);
    if (next < 0 && !(is_over[0] && is_over[1])) is_stuck = true;
    pass_to(next);
    host_unlock();
    return NULL;
}

/* Sleeps until `done` holds; with the lock. */
static void driver_wait(bool (*done)(void)) {
    while (!done()) {
        uint32_t word = baton;
        host_unlock();
        host_sleep(&baton, word, host_now() + 10000000);
        host_lock();
    }
}
static bool both_there(void) { return team[0] && team[1]; }
static bool both_over(void) { return is_stuck || (is_over[0] && is_over[1]); }

static void one_schedule(const struct qnxsim_exploration *exploration) {
    position = preemptions = 0;
    trace_length = 0;
    trace[0] = 0;
    is_stuck = false;
    for (int i = 0; i < 2; i++) team[i] = NULL, is_over[i] = false;
    holder = -1;
    virtual_now = host_now();
    exploring = true;
    int tids[2];
    struct runner runners[2];
    for (int i = 0; i < 2; i++) {
        runners[i] = (struct runner){exploration->body[i], exploration->context, i};
        struct thread_start start = {.body = run, .argument = &runners[i]};
        if (thread_create(&start, &tids[i]) != 0) host_panic("no thread for a schedule");
    }
    host_lock();
    driver_wait(both_there);
    pass_to(choose(0));
    driver_wait(both_over);
    if (is_stuck) pass_to(-1);
    exploring = false;
    host_unlock();
    for (int i = 0; i < 2; i++) thread_join(tids[i], NULL);
}

/* The next script in depth-first order; false: all were tried. */
static bool advance_script(void) {
    length = position;
    while (length > 0 && script[length - 1].picked == script[length - 1].last) length--;
    if (length == 0) return false;
    script[length - 1].picked++;
    return true;
}

struct qnxsim_explored qnxsim_explore(const struct qnxsim_exploration *exploration) {
    kernel_init();
    struct qnxsim_explored result = {.verdict = QNXSIM_HOLDS};
    uint64_t limit = exploration->schedule_limit ? exploration->schedule_limit : 1000000;
    preemption_limit = exploration->preemption_limit;
    length = 0;
    do {
        if (exploration->setup) exploration->setup(exploration->context);
        one_schedule(exploration);
        result.schedules++;
        if (position > result.longest) result.longest = position;
        if (is_stuck) result.verdict = QNXSIM_DEADLOCK;
        else if (!exploration->check(exploration->context)) result.verdict = QNXSIM_VIOLATED;
        else if (result.schedules >= limit) result.verdict = QNXSIM_CUT_SHORT;
    } while (result.verdict == QNXSIM_HOLDS && advance_script());
    memcpy(result.trace, trace, sizeof trace);
    return result;
}
