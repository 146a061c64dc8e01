/* SPDX-License-Identifier: MIT */
/* What threads of a plugin say about a call: copied, queued, and taken by the call's loop in the
 * order of each thread. The queue wakes the loop once for many letters.
 *
 * A letter may be the thread's last touch (unhold): after mpsc_push() nothing of the attempt is
 * read, unless the push found the queue empty, and then the loop cannot empty it before the message
 * that this thread is about to post. So mail is delivered from that message alone. */
#include <stdlib.h>
#include <string.h>

#include "engine/state.h"

enum letter_kind { LETTER_DELTA, LETTER_JSON, LETTER_USAGE, LETTER_FINISH, LETTER_WAKE,
                   LETTER_UNHOLD, LETTER_FLOOD };

struct letter {
    struct mpsc_item item;
    struct letter *next_spare; /* of an UNHOLD; never changed once it is on the stack */
    enum letter_kind kind;
    size_t size; /* of what counts as undelivered */
    union {
        harborai_delta delta;
        harborai_str json;
        harborai_usage usage;
        int64_t delay_ms;
        struct {
            harborai_result result;
            harborai_usage usage;
            harborai_error error;
            bool is_late; /* another finish() came first: only its usage counts */
        } finish;
    };
    char text[]; /* what the texts above point to */
};

/* --- Writing: any thread ------------------------------------------------------------------ */

static struct letter *letter_new(enum letter_kind kind, size_t text_size)
{
    struct letter *letter = malloc(sizeof *letter + text_size);
    if (letter == NULL)
        return NULL;
    letter->kind = kind;
    letter->size = 0;
    return letter;
}

static void move_text(char **at, harborai_str *text)
{
    if (text->len > 0)
        memcpy(*at, text->data, text->len);
    text->data = *at;
    *at += text->len;
}

static void post(struct attempt *a, struct letter *letter)
{
    struct loop *loop = a->call->engine->s.loop;
    struct message *message = &a->mail_message;
    if (mpsc_push(&a->mail, &letter->item))
        loop_post(loop, message);
}

/* For letters that carry the answer: bounds what a source may have under way. A piece that is alone
 * did not come after a PAUSE, however long it is. */
static harborai_status post_piece(struct attempt *a, struct letter *letter, size_t size)
{
    size_t under_way = atomic_fetch_add(&a->mail_bytes, size) + size;
    if (under_way > (under_way == size ? LIMIT_STREAM_EVENT : LIMIT_UNDELIVERED_HARD)) {
        atomic_fetch_sub(&a->mail_bytes, size);
        letter->kind = LETTER_FLOOD; /* a piece is lost: the answer must not pass for complete */
        if (atomic_exchange(&a->is_flood, true))
            free(letter);
        else
            post(a, letter);
        return HARBORAI_E_MEMORY;
    }
    bool slow = under_way > LIMIT_UNDELIVERED || atomic_load(&a->slow);
    if (slow)
        atomic_store(&a->pause_told, true); /* before the push: its delivery looks at it */
    letter->size = size;
    post(a, letter);
    return slow ? HARBORAI_PAUSE : HARBORAI_OK;
}

/* There is no letter that could tell of it: finish() finds it. */
static harborai_status lose_piece(struct attempt *a)
{
    atomic_store(&a->has_lost_piece, true);
    return HARBORAI_E_MEMORY;
}

harborai_status mail_delta(struct attempt *a, const harborai_delta *delta)
{
    if (atomic_load(&a->closed_for_all))
        return HARBORAI_E_CLOSED;
    size_t size = delta->text.len + delta->tool_id.len + delta->tool_name.len;
    struct letter *letter = letter_new(LETTER_DELTA, size);
    if (letter == NULL)
        return lose_piece(a);
    char *at = letter->text;
    letter->delta = *delta;
    move_text(&at, &letter->delta.text);
    move_text(&at, &letter->delta.tool_id);
    move_text(&at, &letter->delta.tool_name);
    return post_piece(a, letter, size);
}

harborai_status mail_json(struct attempt *a, harborai_str chunk)
{
    if (atomic_load(&a->closed_for_all))
        return HARBORAI_E_CLOSED;
    struct letter *letter = letter_new(LETTER_JSON, chunk.len);
    if (letter == NULL)
        return lose_piece(a);
    char *at = letter->text;
    letter->json = chunk;
    move_text(&at, &letter->json);
    return post_piece(a, letter, chunk.len);
}

harborai_status mail_usage(struct attempt *a, const harborai_usage *usage)
{
    struct letter *letter = letter_new(LETTER_USAGE, usage->vendor_json.len);
    if (letter == NULL)
        return HARBORAI_E_MEMORY;
    char *at = letter->text;
    letter->usage = *usage;
    move_text(&at, &letter->usage.vendor_json);
    post(a, letter);
    return HARBORAI_OK;
}

static size_t finish_text_size(const harborai_result *result, const harborai_usage *usage)
{
    return result->vendor_request_id.len + result->vendor_model.len +
           result->vendor_finish_reason.len + result->service_tier.len + usage->vendor_json.len;
}

harborai_status mail_finish(struct attempt *a, const harborai_result *result)
{
    harborai_usage usage = {0};
    if (result->usage != NULL && take_usage(result->usage, &usage) < 0)
        return HARBORAI_E_INVALID;
    struct letter *letter = letter_new(LETTER_FINISH, finish_text_size(result, &usage));
    if (letter == NULL)
        return HARBORAI_E_MEMORY;
    char *at = letter->text;
    letter->finish.result = *result;
    letter->finish.usage = usage;
    move_text(&at, &letter->finish.result.vendor_request_id);
    move_text(&at, &letter->finish.result.vendor_model);
    move_text(&at, &letter->finish.result.vendor_finish_reason);
    move_text(&at, &letter->finish.result.service_tier);
    move_text(&at, &letter->finish.usage.vendor_json);
    if (result->usage != NULL)
        letter->finish.result.usage = &letter->finish.usage;
    if (result->error != NULL) {
        /* A struct that is too short leaves an error without a code, which is told as such. */
        letter->finish.error = (harborai_error)HARBORAI_ERROR_INIT;
        (void)take_error(result->error, &letter->finish.error);
        letter->finish.result.error = &letter->finish.error;
    }
    /* From here on every thread hears E_CLOSED, as it would on the loop. */
    bool is_late = letter->finish.is_late = atomic_exchange(&a->closed_for_all, true);
    post(a, letter);
    return is_late ? HARBORAI_E_CLOSED : HARBORAI_OK;
}

harborai_status mail_wake(struct attempt *a, int64_t delay_ms)
{
    if (atomic_load(&a->closed_for_all))
        return HARBORAI_E_CLOSED;
    struct letter *letter = letter_new(LETTER_WAKE, 0);
    if (letter == NULL)
        return HARBORAI_E_MEMORY;
    letter->delay_ms = delay_ms;
    post(a, letter);
    return HARBORAI_OK;
}

/* unhold() cannot fail, so its letter is made by hold(). Spares are taken by several threads but
 * never put back, which rules out ABA. */
void mail_prepare_unhold(struct attempt *a)
{
    struct letter *letter = arena_alloc(&a->call->arena, sizeof *letter);
    if (letter == NULL)
        return; /* this attempt is then never released: safe, and as rare as it is sad */
    letter->kind = LETTER_UNHOLD;
    letter->next_spare = atomic_load(&a->spare_letters);
    while (!atomic_compare_exchange_weak(&a->spare_letters, &letter->next_spare, letter))
        ;
}

void mail_unhold(struct attempt *a)
{
    struct letter *letter = atomic_load(&a->spare_letters);
    while (letter != NULL &&
           !atomic_compare_exchange_weak(&a->spare_letters, &letter, letter->next_spare))
        ;
    if (letter != NULL)
        post(a, letter);
}

/* --- Reading: the call's loop ------------------------------------------------------------- */

static void deliver(struct attempt *a, struct letter *letter)
{
    const harborai_host *host = &engine_call_functions;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = HARBORAI_OK;

    switch (letter->kind) {
    case LETTER_DELTA:
        st = output_check_flood(a, &error);
        if (st == HARBORAI_OK)
            st = output_delta(a, &letter->delta, &error);
        break;
    case LETTER_JSON:
        st = output_check_flood(a, &error);
        if (st == HARBORAI_OK)
            st = output_json(a, letter->json, &error);
        break;
    case LETTER_USAGE:
        host->usage(&a->api, &letter->usage);
        break;
    case LETTER_FINISH:
        if (!letter->finish.is_late)
            host->finish(&a->api, &letter->finish.result);
        else if (letter->finish.result.usage != NULL)
            host->usage(&a->api, letter->finish.result.usage);
        break;
    case LETTER_WAKE:
        host->wake(&a->api, letter->delay_ms);
        break;
    case LETTER_UNHOLD:
        a->holds--;
        break;
    case LETTER_FLOOD:
        st = output_flood(a, &error);
        break;
    }
    /* What is wrong with a piece ends the call: the one who emitted it was answered long ago. */
    if (st >= 0 || st == HARBORAI_E_CLOSED)
        return;
    a->has_erred = true;
    attempt_fail_by_plugin(a, &error);
}

void mail_deliver(struct attempt *a)
{
    struct attempt *before = attempt_enter(a);
    a->mail_due = false;
    for (struct mpsc_item *item = mpsc_take_all(&a->mail); item != NULL;) {
        struct letter *letter = CONTAINER_OF(item, struct letter, item);
        item = item->next;
        size_t size = letter->size;
        bool is_spare = letter->kind == LETTER_UNHOLD; /* the arena's */
        deliver(a, letter);
        if (!is_spare)
            free(letter);
        if (size > 0)
            atomic_fetch_sub(&a->mail_bytes, size);
    }
    attempt_leave(a, before);
}

static void on_mail(struct message *message)
{
    struct attempt *a = CONTAINER_OF(message, struct attempt, mail_message);
    if (a->on_job)
        a->mail_due = true; /* handed over when chat() returns */
    else
        mail_deliver(a);
}

void mail_init(struct attempt *a)
{
    a->mail_message.run = on_mail;
}
