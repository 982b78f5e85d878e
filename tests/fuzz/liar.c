/* liar.c - a worker that says what a fuzzer wants: the other side of fuzz_worker.c.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Its only argument is a script in hexadecimal. Each step is an operation and what it needs:
 * send a message of chosen kind, status, count and values; put a number anywhere in the shared
 * memory; wait for a message; ring; be silent for a millisecond; end.
 */
#include "decide.h"
#include "tenant/wire.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct wire *wire;
static struct wire_end end;

static void ring(void)
{
    struct wire_message nothing = {0};

    (void)!wire_send(&end, &nothing);
}

static void send(struct decisions *from)
{
    struct wire_message message;
    uint8_t fill = decide_byte(from);

    memset(&message, fill & 1 ? 0xFF : 0, sizeof message);
    message.kind = (uint32_t)decide_number(from);
    if ((fill & 2) != 0)
        message.kind = (uint32_t)WIRE_READY + message.kind % 9;
    message.status = (int32_t)decide_number(from);
    message.count = (uint32_t)decide_number(from);
    for (uint32_t i = 0; i < 4; i++) {
        static const uint32_t types[] = {WRT_I32, WRT_I64, WRT_F32, WRT_F64, WRT_V128,
                                         WRT_FUNCREF, WRT_EXTERNREF, 0, 0x12345678};

        message.values[i].type = types[decide_byte(from) % 9];
        message.values[i].bits[0] = decide_number(from);
    }
    (void)!wire_send(&end, &message);
}

static void put(struct decisions *from)
{
    uint32_t *const places[] = {
        &wire->replies.words.published, &wire->replies.words.consumed, &wire->requests.words.published,
        &wire->requests.words.consumed, &wire->replies.bell, &wire->requests.bell,
        &wire->replies.is_asleep, &wire->requests.is_asleep, &wire->config.version,
        &wire->config.string_bytes, &wire->progress.interrupt,
        (uint32_t *)&wire->progress.fuel_used, (uint32_t *)&wire->progress.heartbeats,
        (uint32_t *)&wire->progress.used_bytes, &wire->replies.items[0].kind,
        &wire->replies.items[1].count,
    };
    uint32_t *place = places[decide_byte(from) % 16];

    __atomic_store_n(place, (uint32_t)decide_number(from), __ATOMIC_SEQ_CST);
}

static void wait_for_one(void)
{
    struct wire_message message;

    (void)!wire_receive(&end, wrt_time_now_ns() + 5000000, &message);
}

/* As an honest worker until its module is loaded, so that the lies come later. */
static void begin_honestly(void)
{
    struct wire_message message, answer = {.kind = WIRE_READY};

    (void)!wire_send(&end, &answer);
    while (wire_receive(&end, UINT64_MAX, &message) == WRT_OK && message.kind == WIRE_BYTES) {
        answer.kind = WIRE_MORE;
        (void)!wire_send(&end, &answer);
    }
    answer.kind = WIRE_LOADED;
    (void)!wire_send(&end, &answer);
    (void)!wire_receive(&end, UINT64_MAX, &message); /* the first call */
}

static void follow(struct decisions *script)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    while (script->left > 0) {
        switch (decide_byte(script) % 8) {
        case 0: case 1: case 2: send(script); break;
        case 3: put(script); break;
        case 4: case 5: wait_for_one(); break;
        case 6: ring(); break;
        default:
            if (decide_byte(script) % 4 == 0)
                _exit(3);
            nanosleep(&pause, NULL);
        }
    }
}

static size_t from_hexadecimal(const char *text, uint8_t *out, size_t room)
{
    size_t size = 0;
    unsigned byte;

    while (size < room && sscanf(text + 2 * size, "%2x", &byte) == 1)
        out[size++] = (uint8_t)byte;
    return size;
}

int main(void)
{
    static uint8_t script[1024];
    struct decisions from = {script, 0};

    wire = mmap(NULL, sizeof *wire, PROT_READ | PROT_WRITE, MAP_SHARED, WIRE_FD_MEMORY, 0);
    if (wire == MAP_FAILED || wire_join_worker(&end, wire) != WRT_OK)
        return 2;
    from.left = from_hexadecimal((const char *)wire->stream, script, sizeof script);
    if (decide_byte(&from) % 4 != 0)
        begin_honestly();
    follow(&from);
    for (;;)
        pause();
}
