/* SPDX-License-Identifier: MIT */
/* What bodies and unread answers hold together, and what becomes of requests that find no room. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "fake.h"

extern const CU_TestInfo memory_tests[];

#define CHAT "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
#define HOLD CHAT "content-length: 4\r\n\r\nhold"
#define STATS "GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
#define HELD_SMALL KIB(1) /* of short bodies */

static struct runtime runtime;

static void hang_up(int fd)
{
    close(fd);
    for (int i = 0; i < 3; i++)
        fake_pass(&runtime);
}

static bool has(const struct buf *seen, const char *text)
{
    return seen->len > 0 && memmem(seen->data, seen->len, text, strlen(text)) != NULL;
}

/* What counts at present, as the server shows it. */
static size_t held(void)
{
    static const char name[] = "\"bodies_bytes\":";
    AUTO(buf) seen = BUF_INIT(MIB(1));
    int fd = fake_ask(&runtime, HARBORAI_STR(STATS));
    (void)fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
    hang_up(fd);
    const char *at = seen.len > 0 ? memmem(seen.data, seen.len, name, sizeof name - 1) : NULL;
    CU_ASSERT_FATAL(at != NULL);
    return at != NULL ? (size_t)strtoull(at + sizeof name - 1, NULL, 10) : 0;
}

/* What the kernel tells of an end may come a little after it. */
static bool is_all_released(void)
{
    for (int i = 0; i < 1000 && held() > 0; i++)
        usleep(1000);
    return held() == 0;
}

/* The answer to a head whose body has not begun to come. */
static void ask_for_room(size_t length, struct buf *seen)
{
    AUTO(buf) head = BUF_INIT(KIB(1));
    buf_printf(&head, CHAT "expect: 100-continue\r\ncontent-length: %zu\r\n\r\n", length);
    int fd = fake_ask(&runtime, buf_slice(&head));
    (void)fake_receive(&runtime, fd, seen, SIZE_MAX, NULL);
    hang_up(fd);
}

static bool finds_room(size_t length)
{
    AUTO(buf) seen = BUF_INIT(MIB(1));
    ask_for_room(length, &seen);
    return has(&seen, "HTTP/1.1 100 ");
}

static void chunk(struct call *call, size_t len)
{
    char *json = malloc(len);
    CU_ASSERT_FATAL(json != NULL);
    memset(json, 'x', len);
    fake_chunk(call, (harborai_str){json, len});
    fake_pass(&runtime);
    free(json);
}

/* A stream whose reader does not read, until something is left here. */
static int begin_unread(struct call **ret_call)
{
    int fd = fake_ask(&runtime, HARBORAI_STR(HOLD));
    *ret_call = runtime.seen.call;
    for (int i = 0; i < 100000 && fake_undelivered(*ret_call) == 0; i++)
        chunk(*ret_call, KIB(1));
    CU_ASSERT_FATAL(fake_undelivered(*ret_call) > 0);
    return fd;
}

/* --- Answers -------------------------------------------------------------------------------------- */

static void test_unread_answers_count(void)
{
    AUTO(buf) refusal = BUF_INIT(MIB(1)), seen = BUF_INIT(MIB(64));
    struct call *call;
    fake_begin_with(&runtime, 1, (int64_t)MIB(12), (int64_t)MIB(16));
    CU_ASSERT(held() == 0 && finds_room(MIB(12)));
    int fd = begin_unread(&call);
    chunk(call, MIB(8));
    CU_ASSERT(held() >= MIB(8) && held() < MIB(16));
    ask_for_room(MIB(9), &refusal);
    CU_ASSERT(slice_starts_with(buf_slice(&refusal), "HTTP/1.1 503 "));
    CU_ASSERT(has(&refusal, "\r\nretry-after: 1\r\n") && has(&refusal, "out_of_memory"));
    CU_ASSERT(has(&refusal, "\r\nconnection: close\r\n") && finds_room(KIB(64)));
    (void)fake_receive(&runtime, fd, &seen, MIB(8), NULL);
    (void)fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
    CU_ASSERT(held() < HELD_SMALL && finds_room(MIB(9)));
    fake_end(call, HARBORAI_OK);
    (void)fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
    CU_ASSERT(slice_ends_with(buf_slice(&seen), "data: [DONE]\n\n\r\n0\r\n\r\n") && held() == 0);
    hang_up(fd);
    fake_end_all(&runtime);
}

/* Who has been let in is answered, if that takes more than there is for all; who comes then is refused,
 * whether he says how much he sends or not, but for who sends nothing. */
static void test_beyond_the_ceiling(void)
{
    static const struct {
        const char *name, *in, *status;
    } rows[] = {
        {"some bytes", CHAT "content-length: 2\r\n\r\n", "HTTP/1.1 503 "},
        {"chunks", CHAT "transfer-encoding: chunked\r\n\r\n", "HTTP/1.1 503 "},
        {"whole", CHAT "content-length: 7\r\n\r\nwhole x", "HTTP/1.1 503 "},
        {"none", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 200 "},
    };
    AUTO(buf) seen = BUF_INIT(MIB(64));
    struct call *call;
    fake_begin_with(&runtime, 1, (int64_t)MIB(1), (int64_t)MIB(2));
    int fd = begin_unread(&call);
    for (int i = 0; i < 4; i++)
        chunk(call, MIB(1));
    CU_ASSERT(held() > MIB(2) && runtime.cancelled == 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) other = BUF_INIT(MIB(1));
        int late = fake_ask(&runtime, slice_of(rows[i].in));
        (void)fake_receive(&runtime, late, &other, SIZE_MAX, NULL);
        ROW(rows[i].name, slice_starts_with(buf_slice(&other), rows[i].status));
        hang_up(late);
    }
    fake_end(call, HARBORAI_OK);
    (void)fake_receive(&runtime, fd, &seen, MIB(4), NULL);
    (void)fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
    CU_ASSERT(slice_ends_with(buf_slice(&seen), "data: [DONE]\n\n\r\n0\r\n\r\n"));
    CU_ASSERT(is_all_released() && runtime.started == 1);
    hang_up(fd);
    fake_end_all(&runtime);
}

/* Whichever way an answer goes, so does what it held. */
static void test_unread_answers_go(void)
{
    enum how { CLIENT_LEAVES, CLIENT_STANDS_STILL, CALL_ENDS, CALL_FAILS, WAYS };
    fake_begin_with(&runtime, 1, (int64_t)MIB(1), (int64_t)MIB(64));
    for (int how = 0; how < WAYS; how++) {
        struct call *call;
        int fd = begin_unread(&call);
        chunk(call, MIB(2));
        CU_ASSERT(held() >= MIB(2));
        if (how >= CALL_ENDS) {
            AUTO(buf) seen = BUF_INIT(MIB(64));
            fake_end(call, how == CALL_ENDS ? HARBORAI_OK : HARBORAI_E_NETWORK);
            fake_pass(&runtime);
            CU_ASSERT(held() >= MIB(2)); /* its client may yet read it */
            (void)fake_receive(&runtime, fd, &seen, MIB(2), NULL);
            (void)fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
        } else if (how == CLIENT_STANDS_STILL) {
            for (int i = 0; i < 3 && held() > 0; i++) { /* what was on its way may look like reading */
                runtime.now_ns += 61 * NS_PER_S;
                fake_pass(&runtime);
            }
            CU_ASSERT(held() == 0);
        }
        hang_up(fd);
        CU_ASSERT(is_all_released());
    }
    fake_end_all(&runtime);
}

/* Within the ceiling a vendor is read 64 KiB ahead of a slow reader, beyond it not at all. */
static void test_paused_at_once(void)
{
    AUTO(buf) seen = BUF_INIT(MIB(64));
    struct call *greedy, *call;
    fake_begin_with(&runtime, 1, (int64_t)MIB(1), (int64_t)MIB(2));
    int fd = begin_unread(&call), other = begin_unread(&greedy);
    CU_ASSERT(fake_undelivered(call) <= LIMIT_UNDELIVERED);
    chunk(greedy, MIB(4));
    CU_ASSERT(fake_undelivered(call) > LIMIT_UNDELIVERED);
    CU_ASSERT(fake_undelivered(call) <= LIMIT_UNDELIVERED_HARD);
    hang_up(other);
    CU_ASSERT(fake_undelivered(call) > 0 && fake_undelivered(call) <= LIMIT_UNDELIVERED);
    other = begin_unread(&greedy);
    chunk(greedy, MIB(4));
    unsigned before = runtime.resumed; /* a quick reader has nothing to do with that */
    (void)fake_receive(&runtime, fd, &seen, SIZE_MAX, NULL);
    CU_ASSERT(runtime.resumed > before && fake_undelivered(call) == 0);
    hang_up(other);
    hang_up(fd);
    CU_ASSERT(held() == 0);
    fake_end_all(&runtime);
}

/* --- Bodies --------------------------------------------------------------------------------------- */

/* A body whose length is known takes no more room than that. */
static void test_room_of_a_body(void)
{
    static char filler[65536];
    const size_t length = MIB(7);
    AUTO(buf) head = BUF_INIT(KIB(1));
    buf_printf(&head, CHAT "content-length: %zu\r\n\r\nhold ", length);
    fake_begin_with(&runtime, 1, (int64_t)MIB(12), (int64_t)MIB(64));
    int fd = fake_ask(&runtime, buf_slice(&head));
    for (size_t left = length - 5; left > 0;) {
        harborai_str piece = {filler, left < sizeof filler ? left : sizeof filler};
        fake_send(&runtime, fd, piece);
        left -= piece.len;
        CU_ASSERT(held() <= length);
    }
    fake_pass(&runtime);
    CU_ASSERT(runtime.started == 1 && held() == length);
    hang_up(fd);
    CU_ASSERT(held() == 0);
    fake_end_all(&runtime);
}

const CU_TestInfo memory_tests[] = {
    {"unread answers count", test_unread_answers_count},
    {"beyond the ceiling", test_beyond_the_ceiling},
    {"unread answers go", test_unread_answers_go},
    {"paused at once", test_paused_at_once},
    {"room of a body", test_room_of_a_body},
    CU_TEST_INFO_NULL,
};
