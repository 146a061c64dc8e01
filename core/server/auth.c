/* SPDX-License-Identifier: MIT */
/* Keys and limits of clients. Must never log or record a key, nor tell from what a client sees whether
 * a key that it does not have exists. */
#include "server/auth.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "account/rate_table.h"
#include "base/error.h"
#include "chat/request.h"
#include "chat/usage.h"
#include "engine/call.h"
#include "json_value.h"
#include "runtime/runtime.h"
#include "server/conn.h"
#include "server/gate.h"
#include "server/reply.h"
#include "wire/http_head.h"
#include "wire/json_write.h"

#define WHERE "send it as 'Authorization: Bearer KEY', or as 'x-api-key: KEY'"
#define WHO_MAKES "whoever runs this gateway makes one with 'harborai key create'"

struct auth {
    struct runtime *runtime;
    struct rate_table *addresses;
    struct key_hasher *hasher; /* NULL: no key has come yet */
};

static bool is_required(struct runtime *runtime, const struct listener *listener)
{
    enum config_auth wanted = runtime_config(runtime)->auth;
    return wanted == CONFIG_AUTH_REQUIRED || (wanted == CONFIG_AUTH_AUTO && !listener->is_loopback);
}

/* OpenSSL takes milliseconds to begin: only where there is something for it to do. */
static bool has_keys(struct runtime *runtime, const struct listener *listener)
{
    const struct key_table *table = runtime_keys(runtime);
    return is_required(runtime, listener) || (table != NULL && key_table_count(table) > 0);
}

harborai_status auth_create(struct runtime *runtime, const struct listener *listener,
                            struct rate_table *addresses, struct auth **ret_auth,
                            harborai_error *error)
{
    struct auth *auth = calloc(1, sizeof *auth);
    if (auth == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    auth->runtime = runtime;
    auth->addresses = addresses;
    harborai_status st = HARBORAI_OK;
    if (has_keys(runtime, listener))
        st = key_hasher_create(&auth->hasher, error);
    if (st < 0)
        auth_destroy(auth);
    else
        *ret_auth = auth;
    return st;
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL)
        return;
    key_hasher_destroy(auth->hasher);
    free(auth);
}

void auth_warn(struct runtime *runtime, const struct listener *listener)
{
    const struct key_table *table = runtime_keys(runtime);
    const struct log *log = runtime_log(runtime);
    if (!is_required(runtime, listener)) {
        if (!listener->is_loopback)
            log_write(log, LOG_LEVEL_WARN, "auth.off",
                      "help='other machines can connect, and need no key: server.auth: required asks "
                      "for one'");
    } else if (table == NULL || key_table_count_active(table, clock_wall_ns(&clock_system)) == 0) {
        log_write(log, LOG_LEVEL_WARN, "auth.no_keys",
                  "help='every request is refused until there is a key: \"harborai key create NAME\" "
                  "with this state directory makes one; or set server.auth: off'");
    }
}

/* ---- Whose key it is ------------------------------------------------------------------------ */

/* From what says least to what says most. */
enum verdict { NO_KEY, UNKNOWN, BROKEN, EXPIRED, REVOKED, KNOWN };

struct finding {
    enum verdict verdict;
    harborai_str text; /* as it was sent; borrowed from the head */
    struct key *key;
};

static harborai_str bearer_of(const struct http_request_head *request)
{
    harborai_str scheme, rest;
    (void)slice_split(http_field(&request->head, "authorization"), ' ', &scheme, &rest);
    return slice_equal_ignoring_case(scheme, HARBORAI_STR("bearer")) ? slice_trim(rest) : SLICE_NONE;
}

/* False: no memory. */
static bool make_digest(struct auth *auth, harborai_str text,
                        unsigned char digest[static KEY_DIGEST_SIZE])
{
    if (auth->hasher == NULL && key_hasher_create(&auth->hasher, NULL) < 0)
        return false;
    return key_hasher_digest(auth->hasher, text, digest);
}

static enum verdict state_of(const struct conn *conn, const struct key *key)
{
    if (key == NULL)
        return UNKNOWN;
    if (key->revoked_ns != 0)
        return REVOKED;
    bool is_over = key->expires_ns != 0 && loop_wall_ns(conn->gate->loop) >= key->expires_ns;
    return is_over ? EXPIRED : KNOWN;
}

static enum verdict judge(struct conn *conn, const struct key_table *table, harborai_str text,
                          struct key **ret_key)
{
    unsigned char digest[KEY_DIGEST_SIZE];
    enum key_text_form form = key_text_form(text);
    if (form != KEY_TEXT_WHOLE)
        return form == KEY_TEXT_BROKEN ? BROKEN : UNKNOWN;
    if (table == NULL || !make_digest(conn->gate->auth, text, digest))
        return UNKNOWN;
    struct key *key = key_table_find(table, digest);
    enum verdict verdict = state_of(conn, key);
    if (verdict == KNOWN)
        *ret_key = key;
    return verdict;
}

/* Some clients fill in all the fields they know, and only one of them with a key of ours. */
static void look_at(struct conn *conn, const struct key_table *table, harborai_str text,
                    struct finding *found)
{
    if (text.len == 0 || found->verdict == KNOWN)
        return;
    enum verdict verdict = judge(conn, table, text, &found->key);
    if (verdict > found->verdict) {
        found->verdict = verdict;
        found->text = text;
    }
}

static struct finding find_key(struct conn *conn, const struct key_table *table,
                               const struct http_request_head *request)
{
    struct finding found = {.verdict = NO_KEY};
    look_at(conn, table, bearer_of(request), &found);
    if (found.verdict != KNOWN)
        look_at(conn, table, http_field(&request->head, "x-api-key"), &found);
    if (found.verdict != KNOWN)
        look_at(conn, table, http_field(&request->head, "api-key"), &found);
    return found;
}

/* ---- Refusing ------------------------------------------------------------------------------- */

/* OpenAI's words where it has some: tools go by them. */
static void refuse_key(struct conn *conn, const struct finding *found)
{
    char shown[KEY_TEXT_MASK_SIZE];
    key_text_mask(found->text, shown);
    gate_count(conn->gate, METRIC_REFUSED_KEY, 1);
    if (conn->body_unread)
        conn->keep_alive = false;
    switch (found->verdict) {
    case NO_KEY:
        reply_refuse(conn, 401, NULL, "You didn't provide an API key: " WHERE "; " WHO_MAKES);
        return;
    case BROKEN:
        reply_refuse(conn, 401, "invalid_api_key",
                     "Incorrect API key provided: %s: it was mistyped, or is not all of it; copy it "
                     "again", shown);
        return;
    case EXPIRED:
        reply_refuse(conn, 401, "invalid_api_key",
                     "Incorrect API key provided: %s: it has expired; " WHO_MAKES, shown);
        return;
    case REVOKED:
        reply_refuse(conn, 401, "invalid_api_key",
                     "Incorrect API key provided: %s: it was revoked; " WHO_MAKES, shown);
        return;
    case UNKNOWN:
    case KNOWN:
    default:
        reply_refuse(conn, 401, "invalid_api_key",
                     "Incorrect API key provided: %s: it is no key of this gateway; " WHO_MAKES,
                     shown);
    }
}

/* A body may take half an hour: by then the key may be good for nothing, or for something else. */
static bool look_again(struct conn *conn)
{
    const struct key_table *table = runtime_keys(conn->gate->runtime);
    struct key *before = conn->pass.key, *key = NULL;
    if (table != NULL)
        key = key_table_find_again(table, before);
    if (state_of(conn, key) == KNOWN) {
        conn->pass.key = key;
        return true;
    }
    gate_count(conn->gate, METRIC_REFUSED_KEY, 1);
    reply_refuse(conn, 401, "invalid_api_key",
                 "Incorrect API key provided: '%.*s' was good when this request began, and is not any "
                 "more; " WHO_MAKES,
                 SLICE_ARG(before->name));
    return false;
}

static int64_t clock_ns(const struct conn *conn)
{
    return clock_monotonic_ns(loop_clock(conn->gate->loop));
}

/* Where no key is needed clients send anything; but one that was taken back was meant for us. */
bool auth_admit(struct conn *conn, const struct http_request_head *request)
{
    struct gate *gate = conn->gate;
    if (gate->auth == NULL)
        return true;
    const struct key_table *table = runtime_keys(gate->runtime);
    bool required = is_required(gate->runtime, gate->acceptor.listener);
    if (!required && (table == NULL || key_table_count(table) == 0))
        return true;
    int64_t began_ns = clock_ns(conn);
    struct finding found = find_key(conn, table, request);
    conn->admit_ns = clock_ns(conn) - began_ns;
    conn->admit_pass_ns = loop_now_ns(gate->loop);
    if (found.verdict == KNOWN) {
        conn->pass.key = found.key;
        return true;
    }
    if ((!required && found.verdict != EXPIRED && found.verdict != REVOKED) || (conn->route->flags & ROUTE_OPEN) != 0)
        return true;
    refuse_key(conn, &found);
    return false;
}

/* ---- Limits --------------------------------------------------------------------------------- */

static int64_t ms_of(int64_t ns)
{
    return ns / NS_PER_MS + (ns % NS_PER_MS != 0);
}

static void reply_limited(struct conn *conn, harborai_error *error, int64_t wait_ns)
{
    error->retry_after_ms = ms_of(wait_ns);
    reply_whole(conn, &(struct reply){.status = 429, .error = error});
}

static void refuse_many(struct conn *conn, const char *who)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct rate_state *state = &conn->pass.requests;
    harborai_error_set(&error, HARBORAI_E_RATE_LIMIT,
                       "Rate limit reached for %s on requests per min (RPM): limit %lld; try again in "
                       "%lld ms",
                       who, (long long)state->limit, (long long)ms_of(state->wait_ns));
    reply_limited(conn, &error, state->wait_ns);
}

#define RUNNING_RETRY_NS NS_PER_S /* most calls end within seconds */

static void refuse_running(struct conn *conn)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct key *key = conn->pass.key;
    harborai_error_set(&error, HARBORAI_E_RATE_LIMIT,
                       "Rate limit reached for key '%.*s' on calls at once: limit %lld; wait for one "
                       "to end",
                       SLICE_ARG(key->name), (long long)key->concurrency);
    reply_limited(conn, &error, RUNNING_RETRY_NS);
}

static bool begin_with_key(struct conn *conn)
{
    struct key *key = conn->pass.key;
    char who[KEY_NAME_MAX + 8];
    if (key_begin(key, loop_now_ns(conn->gate->loop), &conn->pass.requests))
        return true;
    if (conn->pass.requests.wait_ns == 0) {
        gate_count(conn->gate, METRIC_REFUSED_RUNNING, 1);
        refuse_running(conn);
        return false;
    }
    snprintf(who, sizeof who, "key '%.*s'", SLICE_ARG(key->name));
    gate_count(conn->gate, METRIC_REFUSED_REQUESTS, 1);
    refuse_many(conn, who);
    return false;
}

/* Whoever has IPv6 has 2^64 addresses. */
static harborai_str network_of(const struct conn *conn, char room[static 16])
{
    if (strchr(conn->client, ':') == NULL || inet_pton(AF_INET6, conn->client, room) != 1)
        return slice_of(conn->client);
    return (harborai_str){room, 8};
}

static bool begin_without_key(struct conn *conn)
{
    char room[16];
    struct rate_limit limit;
    const struct gate *gate = conn->gate;
    int64_t now_ns = loop_now_ns(gate->loop);
    int64_t most = runtime_config(gate->runtime)->requests_per_minute;
    if (most == 0 || !conn_has_address(conn)) /* all of them would share one */
        return true;
    rate_limit_init(&limit, most);
    struct rate_meter *meter =
        rate_table_find(gate->auth->addresses, network_of(conn, room), now_ns);
    if (rate_limit_take(&limit, meter, now_ns, 1, NULL, &conn->pass.requests))
        return true;
    gate_count(conn->gate, METRIC_REFUSED_ADDRESS, 1);
    refuse_many(conn, "this address");
    return false;
}

/* ---- What the engine asks ------------------------------------------------------------------- */

static harborai_status refuse_model(const struct call_wish *wish, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                              "The model '%.*s' does not exist, or this key may not use it: GET "
                              "/v1/models lists those that it may",
                              SLICE_ARG(wish->request->model));
}

/* A token has about four bytes of text. */
#define BYTES_A_TOKEN 4

static int64_t most_output(const struct chat_request *request)
{
    static const char *const names[] = {"max_completion_tokens", "max_tokens"};
    int64_t most = 0;
    for (size_t i = 0; i < ARRAY_LEN(names) && most == 0; i++) {
        const struct json_member *member =
            json_find(request->members, request->member_count, slice_of(names[i]));
        if (member == NULL || !json_int64(member->value, &most) || most < 0)
            most = 0;
    }
    return most < RATE_LIMIT_MOST ? most * request->choices : RATE_LIMIT_MOST;
}

static harborai_status take_tokens(struct key *key, const struct call_wish *wish,
                                   int64_t *ret_reserved, harborai_error *error)
{
    int64_t asked = (int64_t)(wish->request->body.len / BYTES_A_TOKEN) + most_output(wish->request);
    struct rate_state state;
    if (rate_limit_take(&key->tokens, &key->tokens_used, wish->now_ns, asked, ret_reserved, &state))
        return HARBORAI_OK;
    harborai_error_set(error, HARBORAI_E_RATE_LIMIT,
                       "Rate limit reached for key '%.*s' on tokens per min (TPM): limit %lld, left "
                       "%lld, requested %lld; try again in %lld ms",
                       SLICE_ARG(key->name), (long long)state.limit, (long long)state.remaining,
                       (long long)asked, (long long)ms_of(state.wait_ns));
    error->retry_after_ms = ms_of(state.wait_ns);
    return HARBORAI_E_RATE_LIMIT;
}

static harborai_status admit(void *account, const struct call_wish *wish, int64_t *ret_reserved,
                             harborai_error *error)
{
    struct key *key = account;
    bool is_there = wish->provider.len > 0;
    /* Why there is no such model may name others: not to whom they are not shown. */
    if ((!is_there && key->model_count > 0) ||
        !key_allows(key, wish->request->model, wish->provider, wish->upstream))
        return refuse_model(wish, error);
    if (key->tokens.per_minute == 0 || !is_there)
        return HARBORAI_OK;
    return take_tokens(key, wish, ret_reserved, error);
}

/* Of a call that ended without a word of the vendor's nothing was used. Of a stream that broke off as much
 * as came of it, an event a token; of a whole answer that nobody waited for nobody knows, and what was taken
 * stays. */
static int64_t used_by(const struct record *record, int64_t reserved)
{
    const harborai_usage *usage = &record->usage;
    if (usage->known_mask != 0)
        return usage_input_total(usage) + usage_output_total(usage);
    if (record->vendor_status == 0 || record->vendor_status >= 400)
        return 0;
    return record->is_stream
               ? (int64_t)(record->client_bytes_in / BYTES_A_TOKEN) + record->stream_events
               : reserved;
}

static void settle(void *account, const struct record *record, int64_t reserved, int64_t now_ns)
{
    struct key *key = account;
    if (reserved > 0)
        rate_limit_settle(&key->tokens, &key->tokens_used, now_ns,
                          used_by(record, reserved) - reserved);
    key_end(key);
}

static const struct call_guard guard = {admit, settle};

bool auth_begin_call(struct conn *conn, struct call_params *params)
{
    if (conn->gate->auth == NULL)
        return true;
    if (conn->pass.key != NULL && !look_again(conn))
        return false;
    struct key *key = conn->pass.key;
    conn->pass.is_call = true;
    if (key != NULL) {
        params->guard = &guard;
        params->account = key;
        params->caller = key->id;
    }
    if (conn->admit_pass_ns == loop_now_ns(conn->gate->loop)) /* else it was before the call's time */
        params->admit_ns = conn->admit_ns;
    return key != NULL ? begin_with_key(conn) : begin_without_key(conn); /* quicker than a look at the clock */
}

void auth_drop_call(struct conn *conn)
{
    if (conn->pass.key != NULL)
        key_end(conn->pass.key);
}

bool auth_shows(const struct conn *conn, harborai_str model, harborai_str provider,
                harborai_str upstream)
{
    return conn->pass.key == NULL || key_allows(conn->pass.key, model, provider, upstream);
}

/* ---- What is left --------------------------------------------------------------------------- */

/* As OpenAI writes it, in the manner of Go: "0s", "12ms", "1.5s", "6m0s", "1h0m2.25s". */
static void add_duration(struct buf *out, int64_t ns)
{
    int64_t ms = ms_of(ns), minutes = ms / 60000;
    if (ms > 0 && ms < 1000) {
        buf_add_u64(out, (uint64_t)ms);
        buf_add(out, HARBORAI_STR("ms"));
        return;
    }
    if (minutes >= 60) {
        buf_add_u64(out, (uint64_t)(minutes / 60));
        buf_add_char(out, 'h');
    }
    if (minutes > 0) {
        buf_add_u64(out, (uint64_t)(minutes % 60));
        buf_add_char(out, 'm');
    }
    json_write_decimal(out, ms % 60000, 3);
    buf_add_char(out, 's');
}

struct limit_names {
    harborai_str limit, remaining, reset;
};

static const struct limit_names of_requests = {
    HARBORAI_STR_INIT("x-ratelimit-limit-requests: "), HARBORAI_STR("x-ratelimit-remaining-requests: "),
    HARBORAI_STR_INIT("x-ratelimit-reset-requests: ")};
static const struct limit_names of_tokens = {
    HARBORAI_STR_INIT("x-ratelimit-limit-tokens: "), HARBORAI_STR("x-ratelimit-remaining-tokens: "),
    HARBORAI_STR_INIT("x-ratelimit-reset-tokens: ")};

static void add_number(struct buf *out, harborai_str name, int64_t number)
{
    buf_add(out, name);
    buf_add_u64(out, (uint64_t)number);
    buf_add(out, HARBORAI_STR("\r\n"));
}

static void add_state(struct buf *out, const struct limit_names *names,
                      const struct rate_state *state)
{
    if (state->limit == 0)
        return;
    add_number(out, names->limit, state->limit);
    add_number(out, names->remaining, state->remaining);
    buf_add(out, names->reset);
    add_duration(out, state->reset_ns);
    buf_add(out, HARBORAI_STR("\r\n"));
}

void auth_write_limits(const struct conn *conn, struct buf *out)
{
    const struct key *key = conn->pass.key;
    add_state(out, &of_requests, &conn->pass.requests);
    if (key == NULL)
        return;
    struct rate_state tokens =
        rate_limit_look(&key->tokens, &key->tokens_used, loop_now_ns(conn->gate->loop));
    add_state(out, &of_tokens, &tokens);
}
