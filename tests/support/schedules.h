/* schedules.h - runs a few tasks under every schedule of a few preemptions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whoever includes this compiles the code under test with a call of step() before each atomic
 * operation. Tasks are coroutines; a step may switch to another one. All schedules of a scenario
 * with at most so many preemptions are run, one after the other, and each must keep its promise:
 * judged at the end, and looked at after every step.
 */
#ifndef SCHEDULES_H
#define SCHEDULES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include <cmocka.h>

enum { MAX_TASKS = 3, MAX_STEPS = 2000, STACK_BYTES = 65536 };

struct choice {
    uint32_t taken, offered; /* 0: the running task goes on; others: switch to another one */
    uint32_t spent;          /* preemptions before it */
};

static struct {
    ucontext_t scheduler, tasks[MAX_TASKS];
    uint8_t stacks[MAX_TASKS][STACK_BYTES];
    bool is_done[MAX_TASKS], is_running;
    uint32_t task_count, current, depth, length, spent, budget;
    struct choice path[MAX_STEPS];
    void (*body)(uint32_t task);
    void (*look)(void); /* after every step; NULL: nothing */
    uint64_t schedules;
} world;

/* Outside of tasks (when a scenario is set up or judged) nothing switches. */
static void step(void)
{
    if (world.is_running)
        swapcontext(&world.tasks[world.current], &world.scheduler);
}

static void run_task(void)
{
    const uint32_t task = world.current;
    world.body(task);
    world.is_done[task] = true;
}

/* The n-th task that is not done, counted from the current one on. */
static uint32_t pick(uint32_t n)
{
    for (uint32_t i = 0; i < world.task_count; i++) {
        const uint32_t task = (world.current + i) % world.task_count;
        if (!world.is_done[task] && n-- == 0)
            return task;
    }
    return MAX_TASKS;
}

static uint32_t count_ready(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world.task_count; i++)
        count += !world.is_done[i];
    return count;
}

/* Decides who runs next: as the path says, beyond its end always the current one. */
static uint32_t choose(void)
{
    assert_true(world.depth < MAX_STEPS); /* else a loop that others do not keep going */
    struct choice *choice = &world.path[world.depth];
    const bool costs = !world.is_done[world.current];
    if (world.depth >= world.length)
        *choice = (struct choice){.taken = 0};
    choice->offered = costs && world.spent == world.budget ? 1 : count_ready();
    choice->spent = world.spent;
    world.depth++;
    world.spent += costs && choice->taken != 0;
    return pick(choice->taken);
}

static void run_schedule(void)
{
    world.depth = world.spent = world.current = 0;
    for (uint32_t i = 0; i < world.task_count; i++) {
        world.is_done[i] = false;
        getcontext(&world.tasks[i]);
        world.tasks[i].uc_stack = (stack_t){.ss_sp = world.stacks[i], .ss_size = STACK_BYTES};
        world.tasks[i].uc_link = &world.scheduler;
        makecontext(&world.tasks[i], run_task, 0);
    }
    world.is_running = true;
    while (count_ready() != 0) {
        world.current = choose();
        swapcontext(&world.scheduler, &world.tasks[world.current]);
        world.is_running = false; /* a look takes no steps */
        if (world.look != NULL)
            world.look();
        world.is_running = true;
    }
    world.is_running = false;
}

/* The next path in order of its choices; false after the last one. */
static bool next_schedule(void)
{
    while (world.depth > 0) {
        struct choice *choice = &world.path[world.depth - 1];
        if (choice->taken + 1 < choice->offered) {
            choice->taken++;
            world.length = world.depth;
            return true;
        }
        world.depth--;
    }
    return false;
}

static void explore(uint32_t tasks, uint32_t preemptions, void (*prepare)(void),
                    void (*body)(uint32_t task), void (*judge)(void))
{
    world.task_count = tasks;
    world.budget = preemptions;
    world.body = body;
    world.length = 0;
    world.schedules = 0;
    do {
        prepare();
        run_schedule();
        judge();
        world.schedules++;
    } while (next_schedule());
    print_message("%llu schedules\n", (unsigned long long)world.schedules);
    assert_true(world.schedules > 10);
}

#endif
