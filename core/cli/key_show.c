/* SPDX-License-Identifier: MIT */
/* Keys for people and for scripts. Must never show a digest: nobody has a use for it. */
#include "cli/key_show.h"

#include <stdio.h>

#include "cli/gateway.h"

static void write_time(struct json_writer *w, const char *name, int64_t at_s)
{
    char text[25];
    if (at_s == 0) {
        json_write_key(w, slice_of(name));
        json_write_null(w);
        return;
    }
    clock_format_utc(at_s * NS_PER_S, text);
    text[19] = 'Z';
    json_write_key_string(w, name, (harborai_str){text, 20});
}

static void write_limit(struct json_writer *w, const char *name, int64_t limit)
{
    json_write_key(w, slice_of(name));
    if (limit > 0)
        json_write_int64(w, limit);
    else
        json_write_null(w);
}

void key_show_members(struct json_writer *w, const struct key_spec *key, int64_t wall_ns)
{
    json_write_key_string(w, "id", key->id);
    json_write_key_string(w, "name", key->name);
    json_write_key_string(w, "state", slice_of(key_state_name(key_spec_state(key, wall_ns))));
    write_time(w, "created", key->created_s);
    write_time(w, "expires", key->expires_s);
    write_time(w, "revoked", key->revoked_s);
    json_write_key(w, HARBORAI_STR("models"));
    json_write_array(w);
    for (size_t i = 0; i < key->model_count; i++)
        json_write_string(w, key->models[i]);
    json_write_end(w);
    write_limit(w, "rpm", key->rpm);
    write_limit(w, "tpm", key->tpm);
    write_limit(w, "concurrency", key->concurrency);
}

void key_show_time(int64_t at_s, char text[static KEY_SHOW_TIME_SIZE])
{
    if (at_s == 0) {
        snprintf(text, KEY_SHOW_TIME_SIZE, "never");
        return;
    }
    char utc[25];
    clock_format_utc(at_s * NS_PER_S, utc);
    snprintf(text, KEY_SHOW_TIME_SIZE, "%.10s %.5s UTC", utc, utc + 11);
}

bool key_show_tell_gateway(harborai_str state_dir)
{
    AUTO(gateway_answer) answer = GATEWAY_ANSWER_INIT;
    fflush(stdout);
    return gateway_ask(state_dir, "POST", "/keys/read", &answer) != GATEWAY_REFUSES;
}
