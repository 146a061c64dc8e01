/* SPDX-License-Identifier: MIT */
/* What a call asked and was answered, for the record: only where the operator wants it. Of a stream its
 * beginning is kept as it goes by, up to the limit. The line is made on a thread, for whoever asks may
 * have written a text that takes long to mask; the call ends when it is there. Must never fail a call. */
#include "record/content.h"

#include "engine/state.h"

void content_begin(struct call *call)
{
    const struct config *config = snapshot_get(call->engine->s.config);
    call->content = config->content;
    call->content_limit = (size_t)config->content_limit;
    buf_init(&call->content_line, LIMIT_JOURNAL_CONTENT);
}

void content_add_chunk(struct call *call, harborai_str json)
{
    if (call->content == CONFIG_CONTENT_OFF)
        return;
    if (call->said == NULL)
        call->said = excerpt_create(call->content_limit + CONTENT_BEHIND);
    if (call->said != NULL)
        excerpt_add(call->said, json);
}

void content_release(struct call *call)
{
    excerpt_destroy(take(call->said));
    buf_release(&call->content_line);
    secrets_unref(take(call->secrets));
}

/* Reads what no longer changes. */
static void write_line(struct call *call)
{
    struct content content = {
        .masks = call->content == CONFIG_CONTENT_MASKED ? MASKER_ALL : MASKER_KEYS,
        .limit = call->content_limit,
        .request = buf_slice(&call->body),
        .answer = call->error == NULL ? call->answer_body : SLICE_NONE,
        .said = call->said,
        .secrets = call->secrets,
    };
    content_write(&call->content_line, &call->record, &content);
}

static void on_job(struct job *job)
{
    struct call *call = CONTAINER_OF(job, struct call, content_job);
    struct loop *loop = call->engine->s.loop;
    write_line(call);
    loop_post(loop, &call->content_written);
}

static void on_written(struct message *message)
{
    commit_ending(CONTAINER_OF(message, struct call, content_written));
}

void content_end(struct call *call)
{
    if (call->content == CONFIG_CONTENT_OFF || call->record.is_refused) {
        commit_ending(call);
        return;
    }
    /* A key of every provider may have been quoted, whichever was asked. */
    call->secrets = secrets_ref((struct secrets *)(uintptr_t)snapshot_get(call->engine->s.secrets));
    call->content_job.run = on_job;
    call->content_written.run = on_written;
    if (jobs_submit(call->engine->s.maskers, &call->content_job, NULL) == HARBORAI_OK)
        return;
    write_line(call); /* no thread to be had */
    commit_ending(call);
}

void content_commit(struct call *call)
{
    if (call->content != CONFIG_CONTENT_OFF && !call->record.is_refused)
        fanout_content(call->engine->s.fanout, &call->record, &call->content_line);
    content_release(call);
}
