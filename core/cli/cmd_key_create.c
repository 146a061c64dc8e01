/* SPDX-License-Identifier: MIT */
/* harborai key create: a key for a client of the gateway. It is printed now and never again: the file
 * has its digest alone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account/rate_limit.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/key_show.h"
#include "cli/setup.h"
#include "config/value.h"
#include "store/query_read.h"

static const struct option_spec options[] = {
    {"models", 0, "MODELS", "only these: names and globs, as gpt-4o,lab/*; may be given again"},
    {"rpm", 0, "N", "so many requests a minute"},
    {"tpm", 0, "N", "so many tokens a minute"},
    {"concurrency", 0, "N", "so many calls at once"},
    {"expires", 0, "WHEN", "until then: 30d, 12h, or a time as 2026-12-31"},
    {"state-dir", 0, "DIR", "the state directory of the gateway"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct wish {
    struct key_spec spec;
    harborai_str models[KEY_MODELS_MAX + 1];
    char id[KEY_ID_LEN + 1];
};

static bool read_limit(const struct arguments *arguments, const char *name, int64_t most,
                       int64_t *ret_limit)
{
    const char *text = command_argument(&command_key_create, arguments, name);
    uint64_t number;
    if (text == NULL)
        return true;
    if (slice_to_u64(slice_of(text), &number) && number >= 1 && number <= (uint64_t)most) {
        *ret_limit = (int64_t)number;
        return true;
    }
    command_complain("--%s: '%s' is no whole number from 1 to %lld", name, text, (long long)most);
    return false;
}

static bool read_models(const struct arguments *arguments, struct wish *wish)
{
    const char *given;
    for (int at = 0; (given = command_next_value(arguments, "models", &at)) != NULL;) {
        harborai_str rest = slice_of(given), one;
        for (bool more = true; more;) {
            more = slice_split(rest, ',', &one, &rest);
            if (wish->spec.model_count > KEY_MODELS_MAX)
                break; /* which is refused with all that is wrong with a key */
            wish->models[wish->spec.model_count++] = slice_trim(one);
        }
    }
    wish->spec.models = wish->models;
    return true;
}

/* "30d" from now on; or when. */
static bool read_span(harborai_str text, int64_t now_ns, int64_t *ret_ns)
{
    uint64_t days;
    int64_t ms;
    if (slice_ends_with(text, "d") && slice_to_u64(slice_cut(text, text.len - 1), &days) && days <= 36500)
        ms = (int64_t)days * 86400000;
    else if (text.len == 0 || (text.data[text.len - 1] >= '0' && text.data[text.len - 1] <= '9') ||
             !value_parse_duration_ms(text, &ms) || ms > INT64_C(36500) * 86400000)
        return false;
    *ret_ns = now_ns + ms * NS_PER_MS;
    return true;
}

static bool read_expiry(const struct arguments *arguments, int64_t *ret_s)
{
    const char *text = command_argument(&command_key_create, arguments, "expires");
    int64_t now_ns = clock_wall_ns(&clock_system), at_ns;
    if (text == NULL)
        return true;
    if (!read_span(slice_of(text), now_ns, &at_ns) && !query_read_time(text, &at_ns)) {
        command_complain("--expires: '%s' is neither a span of time, as 30d or 12h, nor a time, as "
                         "2026-12-31 or 2026-12-31T18:00:00Z, before 2262", text);
        return false;
    }
    *ret_s = at_ns / NS_PER_S;
    if (at_ns > now_ns)
        return true;
    command_complain("--expires: '%s' is over already", text);
    return false;
}

static bool read_wish(const struct arguments *arguments, struct wish *wish)
{
    if (arguments->rest_count != 1) {
        command_complain("'key create' takes one name, of whoever is to use the key");
        return false;
    }
    wish->spec.name = slice_of(arguments->rest[0]);
    return read_models(arguments, wish) &&
           read_limit(arguments, "rpm", RATE_LIMIT_MOST, &wish->spec.rpm) &&
           read_limit(arguments, "tpm", RATE_LIMIT_MOST, &wish->spec.tpm) &&
           read_limit(arguments, "concurrency", KEY_CONCURRENCY_MAX, &wish->spec.concurrency) &&
           read_expiry(arguments, &wish->spec.expires_s);
}

static void print_json(const struct key_spec *key, const char *text)
{
    AUTO(buf) out = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&out);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "key", slice_of(text));
    key_show_members(&w, key, clock_wall_ns(&clock_system));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    explicit_bzero(out.data, out.len);
}

static void tell(const struct key_spec *key)
{
    char expires[KEY_SHOW_TIME_SIZE];
    key_show_time(key->expires_s, expires);
    fprintf(stderr,
            "harborai: this is the key '%.*s' (%.*s); it expires: %s. It is shown this once: keep it "
            "now\n",
            SLICE_ARG(key->name), SLICE_ARG(key->id), expires);
}

/* Nobody has seen it, so nobody could take it back who does not know that it is there. */
static enum exit_code take_back(const struct config *config, const struct key_spec *spec)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char text[128];
    const char *reason = error_of_errno(errno, text);
    const struct key_spec *key;
    struct key_list *list;
    bool changed;
    if (key_file_revoke(config->state_dir, spec->id, &clock_system, &list, &key, &changed, &error) < 0) {
        command_complain("cannot write the key to standard output: %s; nor take it back, which "
                         "'harborai key revoke %.*s' does: %s", reason, SLICE_ARG(spec->id), error.message);
        return EXIT_FAILED;
    }
    key_list_destroy(list);
    command_complain("cannot write the key to standard output: %s; it is revoked: make another", reason);
    return EXIT_FAILED;
}

/* The key alone is on stdout: KEY=$(harborai key create ci). */
static enum exit_code show(const struct arguments *arguments, const struct config *config,
                           const struct key_spec *key, const char *text)
{
    bool as_json = command_argument(&command_key_create, arguments, "json") != NULL;
    if (as_json)
        print_json(key, text);
    else
        printf("%s\n", text);
    if (fflush(stdout) != 0 || ferror(stdout))
        return take_back(config, key);
    if (!as_json && !command_is_quiet(arguments))
        tell(key);
    return EXIT_OK;
}

static enum exit_code create(const struct arguments *arguments, const struct config *config,
                             struct wish *wish)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char text[KEY_TEXT_LEN + 1];
    if (key_file_add(config->state_dir, &wish->spec, &clock_system, text, wish->id, &error) < 0)
        return error.code == HARBORAI_E_INVALID ? (command_complain("%s", error.message), EXIT_USAGE)
                                                : command_fail(&error);
    wish->spec.id = slice_of(wish->id);
    wish->spec.created_s = clock_wall_ns(&clock_system) / NS_PER_S;
    enum exit_code code = show(arguments, config, &wish->spec, text);
    explicit_bzero(text, sizeof text);
    (void)key_show_tell_gateway(config->state_dir);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct wish wish = {.spec = {.rpm = 0}};
    if (!read_wish(arguments, &wish))
        return EXIT_USAGE;
    struct config *config = setup_config_without_keys(&command_key_create, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = create(arguments, config, &wish);
    config_destroy(config);
    return code;
}

const struct command command_key_create = {
    .name = "key create",
    .summary = "Make a key for a client of the gateway",
    .rest = "NAME",
    .more = "The key goes to stdout, once: keys.json of the state directory has its SHA-256 alone. A model is\n"
            "matched as the client names it, and as provider/model. Without a limit there is none.",
    .options = options,
    .run = run,
};
