/* sync.c - futexes, locks and pulses while nobody waits.  SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

enum { CAPACITY = 64 };

static struct wrt_futex_domain domain;
static uint32_t word;
static struct wrt_interrupt interrupt_flag;
static struct wrt_mutex mutex;
static struct wrt_rwlock rwlock;
static struct wrt_condition condition;
static struct wrt_event event;
static struct wrt_semaphore semaphore;
static struct wrt_pulse_channel channel;
static struct wrt_pulse_entry entries[CAPACITY];
static struct wrt_pulse_connection connection;
static struct wrt_pulse pulse;

/* ---- futex ---- */

static void begin_host(void)
{
    const struct wrt_futex_config config = {.kind = WRT_FUTEX_DEFAULT};

    TIMING_MUST(wrt_futex_domain_init(&domain, &config));
}

static void begin_portable(void)
{
    const struct wrt_futex_config config = {.kind = WRT_FUTEX_PORTABLE};

    TIMING_MUST(wrt_futex_domain_init(&domain, &config));
}

static void end_domain(void)
{
    TIMING_MUST(wrt_futex_domain_deinit(&domain));
}

static void wake(void)
{
    timing_status = wrt_futex_wake(&domain, &word, UINT32_MAX, NULL);
}

static void wait_for_another(void)
{
    enum wrt_status status = wrt_futex_wait(&domain, &word, word + 1, UINT64_MAX, NULL);

    timing_status = status == WRT_NOT_EQUAL ? WRT_OK : WRT_ERR_STATE;
}

static void try_wait(void)
{
    enum wrt_status status = wrt_futex_wait(&domain, &word, word, 0, NULL);

    timing_status = status == WRT_ERR_TIMEOUT ? WRT_OK : WRT_ERR_STATE;
}

static void raise_interrupt(void)
{
    timing_status = wrt_interrupt_raise(&domain, &interrupt_flag);
}

/* ---- locks ---- */

static void begin_mutex(void)
{
    TIMING_MUST(wrt_mutex_init(&mutex, NULL));
}

static void end_mutex(void)
{
    TIMING_MUST(wrt_mutex_deinit(&mutex));
}

static void lock(void)
{
    timing_status = wrt_mutex_lock(&mutex);
}

static void try_lock(void)
{
    timing_status = wrt_mutex_try_lock(&mutex);
}

static void unlock(void)
{
    timing_status = wrt_mutex_unlock(&mutex);
}

static void locked_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_mutex_lock(&mutex));
}

static void unlock_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_mutex_unlock(&mutex));
}

static void begin_robust(void)
{
    const struct wrt_mutex_config config = {.is_robust = true};

    TIMING_MUST(wrt_mutex_init(&mutex, &config));
}

static void begin_rwlock(void)
{
    TIMING_MUST(wrt_rwlock_init(&rwlock));
}

static void end_rwlock(void)
{
    TIMING_MUST(wrt_rwlock_deinit(&rwlock));
}

static void read_lock(void)
{
    timing_status = wrt_rwlock_read(&rwlock, UINT64_MAX);
}

static void write_lock(void)
{
    timing_status = wrt_rwlock_write(&rwlock, UINT64_MAX);
}

static void end_read(void)
{
    timing_status = wrt_rwlock_end_read(&rwlock);
}

static void end_write(void)
{
    timing_status = wrt_rwlock_end_write(&rwlock);
}

static void read_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_rwlock_read(&rwlock, UINT64_MAX));
}

static void write_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_rwlock_write(&rwlock, UINT64_MAX));
}

static void read_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_rwlock_end_read(&rwlock));
}

static void write_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_rwlock_end_write(&rwlock));
}

static void signal_condition(void)
{
    timing_status = wrt_condition_signal(&condition);
}

static void set_event(void)
{
    timing_status = wrt_event_set(&event);
}

static void clear_event(uint32_t turn)
{
    (void)turn;
    wrt_event_clear(&event);
}

static void wait_for_set_event(void)
{
    timing_status = wrt_event_wait(&event, UINT64_MAX, NULL);
}

static void begin_event(void)
{
    TIMING_MUST(wrt_event_set(&event));
}

static void begin_semaphore(void)
{
    TIMING_MUST(wrt_semaphore_init(&semaphore, 1, 2));
}

static void take(void)
{
    timing_status = wrt_semaphore_take(&semaphore, UINT64_MAX, NULL);
}

static void give(void)
{
    timing_status = wrt_semaphore_give(&semaphore);
}

static void give_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_semaphore_give(&semaphore));
}

static void take_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_semaphore_take(&semaphore, UINT64_MAX, NULL));
}

/* ---- pulses ---- */

static void begin_channel(enum wrt_pulse_policy policy, uint32_t filled)
{
    TIMING_MUST(wrt_pulse_channel_init(&channel, entries, CAPACITY, policy));
    TIMING_MUST(wrt_pulse_connect(&channel, &connection));
    for (uint32_t i = 0; i < filled; i++)
        TIMING_MUST(wrt_pulse_send(&connection, (uint8_t)(i * 4), 1, i));
}

static void begin_empty_channel(void)
{
    begin_channel(WRT_PULSE_REFUSE, 0);
}

static void begin_full_channel(void)
{
    begin_channel(WRT_PULSE_REFUSE, CAPACITY - 1);
}

static void begin_replacing_channel(void)
{
    begin_channel(WRT_PULSE_REPLACE, CAPACITY - 1);
}

static void end_channel(void)
{
    TIMING_MUST(wrt_pulse_channel_close(&channel));
    TIMING_MUST(wrt_pulse_channel_deinit(&channel));
}

static void send(void)
{
    timing_status = wrt_pulse_send(&connection, 255, 5, 77);
}

static void send_to_full(void)
{
    enum wrt_status status = wrt_pulse_send(&connection, 255, 5, 77);

    timing_status = status == WRT_ERR_NO_SPACE ? WRT_OK : WRT_ERR_STATE;
}

static void receive(void)
{
    timing_status = wrt_pulse_receive(&channel, 0, NULL, &pulse);
}

static void poll(void)
{
    enum wrt_status status = wrt_pulse_receive(&channel, 0, NULL, &pulse);

    timing_status = status == WRT_ERR_TIMEOUT ? WRT_OK : WRT_ERR_STATE;
}

/* The lowest of all priorities, so that all words of the bitmap are looked at. */
static void send_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_pulse_send(&connection, 0, 5, 77));
}

static void receive_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_pulse_receive(&channel, 0, NULL, &pulse));
}

#define NO_CALL "no kernel call"

static const struct timing_operation operations[] = {
    {.name = "wrt_futex_wake: nobody waits, host", .bound = NO_CALL, .begin = begin_host,
     .run = wake, .end = end_domain},
    {.name = "wrt_futex_wake: nobody waits, portable", .bound = NO_CALL, .begin = begin_portable,
     .run = wake, .end = end_domain},
    {.name = "wrt_futex_wait: the word differs, host", .bound = "1 to 3 kernel calls",
     .begin = begin_host, .run = wait_for_another, .end = end_domain, .system_calls = 1},
    {.name = "wrt_futex_wait: the word differs, portable", .bound = "1 to 3 kernel calls",
     .begin = begin_portable, .run = wait_for_another, .end = end_domain, .system_calls = 3, .most_runs = 2000000},
    {.name = "wrt_futex_wait: deadline 0, host", .bound = "1 to 3 kernel calls",
     .begin = begin_host, .run = try_wait, .end = end_domain, .system_calls = 1,
     .most_runs = 1000000},
    {.name = "wrt_interrupt_raise: nobody waits", .bound = "O(buckets + waiters)",
     .begin = begin_host, .run = raise_interrupt, .end = end_domain, .system_calls = 1},
    {.name = "wrt_mutex_lock", .bound = NO_CALL, .begin = begin_mutex, .run = lock,
     .after = unlock_after, .end = end_mutex},
    {.name = "wrt_mutex_try_lock", .bound = NO_CALL, .begin = begin_mutex, .run = try_lock,
     .after = unlock_after, .end = end_mutex},
    {.name = "wrt_mutex_unlock", .bound = NO_CALL, .begin = begin_mutex, .before = locked_before,
     .run = unlock, .end = end_mutex},
    {.name = "wrt_mutex_lock: robust", .bound = NO_CALL, .begin = begin_robust, .run = lock,
     .after = unlock_after, .end = end_mutex},
    {.name = "wrt_rwlock_read", .bound = NO_CALL, .begin = begin_rwlock, .run = read_lock,
     .after = read_after, .end = end_rwlock},
    {.name = "wrt_rwlock_end_read", .bound = NO_CALL, .begin = begin_rwlock,
     .before = read_before, .run = end_read, .end = end_rwlock},
    {.name = "wrt_rwlock_write", .bound = NO_CALL, .begin = begin_rwlock, .run = write_lock,
     .after = write_after, .end = end_rwlock},
    {.name = "wrt_rwlock_end_write", .bound = NO_CALL, .begin = begin_rwlock,
     .before = write_before, .run = end_write, .end = end_rwlock},
    {.name = "wrt_condition_signal: nobody waits", .bound = NO_CALL, .run = signal_condition},
    {.name = "wrt_event_set: nobody waits", .bound = NO_CALL, .before = clear_event,
     .run = set_event},
    {.name = "wrt_event_wait: set already", .bound = NO_CALL, .begin = begin_event,
     .run = wait_for_set_event},
    {.name = "wrt_semaphore_take: above 0", .bound = NO_CALL, .begin = begin_semaphore,
     .run = take, .after = give_after},
    {.name = "wrt_semaphore_give: nobody waits", .bound = NO_CALL, .begin = begin_semaphore,
     .run = give, .after = take_after},
    {.name = "wrt_pulse_send: empty", .bound = "O(1), a lock",
     .begin = begin_empty_channel, .run = send, .after = receive_after, .end = end_channel},
    {.name = "wrt_pulse_send: full, refused", .bound = "O(1), a lock",
     .begin = begin_full_channel, .run = send_to_full, .end = end_channel},
    {.name = "wrt_pulse_send: full, another one is lost", .bound = "O(1), a lock",
     .begin = begin_replacing_channel, .run = send, .end = end_channel},
    {.name = "wrt_pulse_receive: of the lowest priority", .bound = "O(1), a lock",
     .begin = begin_empty_channel, .before = send_before, .run = receive, .end = end_channel},
    {.name = "wrt_pulse_receive: empty, deadline 0", .bound = "O(1), a lock",
     .begin = begin_empty_channel, .run = poll, .end = end_channel},
};
const struct timing_list timing_sync = {operations, sizeof operations / sizeof *operations};
