/* SPDX-License-Identifier: MIT */
/* The table of settings and what can be said from it alone. Never reads a file. */
#include "config/settings.h"

#include "base/attr.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "config/config.h"
#include "config/value.h"
#include "wire/http_head.h"

#define AT(field) offsetof(struct config, field)
#define IN_PROVIDER(field) offsetof(struct config_provider, field)
#define SECONDS(n) (INT64_C(1000) * (n))
#define HOURS(n) (SECONDS(3600) * (n))

#define NAME_LEN 256
#define PATH_LEN 4096
#define URL_LEN 2048


const struct setting settings[] = {
    {"server.host", SETTING_TEXT, "127.0.0.1", NULL, 1, 255, "HARBORAI_HOST", "--host", AT(host),
     "address to listen on; 0.0.0.0 or :: for every interface, `none` for the socket alone"},
    {"server.port", SETTING_NUMBER, "8000", NULL, 0, 65535, "HARBORAI_PORT", "--port", AT(port),
     "port to listen on; 0 takes any that is free"},
    {"server.socket", SETTING_PATH, NULL, NULL, 1, PATH_LEN, "HARBORAI_SOCKET", "--socket",
     AT(socket),
     "Unix socket to listen on as well; with `host: none` in place of an address and a port"},
    {"server.socket_access", SETTING_ACCESS, "user", NULL, 0, 0, NULL, NULL, AT(socket_access),
     "who of this machine may connect to it: the gateway's own user (mode 0600), its group too (0660), "
     "or everyone (0666)"},
    {"server.tls.certificate", SETTING_PATH, NULL, NULL, 1, PATH_LEN, "HARBORAI_TLS_CERTIFICATE", NULL,
     AT(tls.certificate),
     "certificate that the gateway shows its clients, then those of the authorities between it and one "
     "that they know, in PEM format: with it TLS is spoken on every address; read again upon SIGHUP"},
    {"server.tls.key", SETTING_PATH, NULL, NULL, 1, PATH_LEN, "HARBORAI_TLS_KEY", NULL, AT(tls.key),
     "its private key, in PEM format and not encrypted"},
    {"server.tls.client_ca", SETTING_PATH, NULL, NULL, 1, PATH_LEN, NULL, NULL, AT(tls.client_ca),
     "certificates of authorities: only clients with a certificate of one of them are let in"},
    {"server.tls.min_version", SETTING_TLS_VERSION, "1.2", NULL, 0, 0, NULL, NULL,
     AT(tls.min_version), "oldest version of TLS that is spoken"},
    {"server.workers", SETTING_NUMBER, "0", NULL, 0, LIMIT_LOOPS, "HARBORAI_WORKERS", "--workers",
     AT(workers), "number of loops; 0 is one a core"},
    {"server.max_body", SETTING_SIZE, "32MiB", NULL, KIB(1), LIMIT_REQUEST_BODY, NULL, NULL,
     AT(max_body), "largest request body that is taken"},
    {"server.limits.head", SETTING_SIZE, "64KiB", NULL, KIB(1), HTTP_HEAD_MAX, NULL, NULL,
     AT(limits.head), "largest head of a request, its line and all header fields"},
    {"server.limits.target", SETTING_SIZE, "16KiB", NULL, 256, HTTP_TARGET_MAX, NULL, NULL,
     AT(limits.target), "longest path of a request, with what stands behind its '?'"},
    {"server.limits.fields", SETTING_NUMBER, "100", NULL, 10, HTTP_FIELDS_MAX, NULL, NULL,
     AT(limits.fields), "most header fields of a request"},
    {"server.limits.memory", SETTING_SIZE, "0", NULL, 0, (int64_t)GIB(1024), NULL, NULL,
     AT(limits.memory), "most memory for the bodies of all requests, and for answers that wait for their "
     "readers, beyond which new requests get 503; 0 is a quarter of what the machine or the control group "
     "has; one body of server.max_body always fits"},
    {"server.limits.connections", SETTING_NUMBER, "0", NULL, 0, 10000000, NULL, NULL,
     AT(limits.connections), "most connections of clients at a time, beyond which the answer is 503; 0 is "
     "half of the limit of open files, for a call needs one to its vendor, too"},
    {"server.limits.connections_per_address", SETTING_NUMBER, "0", NULL, 0, 10000000, NULL, NULL,
     AT(limits.connections_per_address), "most of them from one address, of IPv6 from one /64; 0 is no "
     "limit, as behind a proxy, where all come from one"},
    {"server.limits.requests_per_connection", SETTING_NUMBER, "0", NULL, 0, 1000000000, NULL, NULL,
     AT(limits.requests_per_connection), "requests after which a connection is closed; 0 is no limit"},
    {"server.timeouts.head", SETTING_DURATION, "30s", NULL, 1, HOURS(1), NULL, NULL,
     AT(limits.head_ms), "longest time for the head of a request, from its first byte or from the start of "
     "the connection"},
    {"server.timeouts.body", SETTING_DURATION, "60s", NULL, 1, HOURS(1), NULL, NULL,
     AT(limits.body_ms), "longest silence within the body of a request, and the time for all of it, which "
     "gets a second more for each 16 KiB that came"},
    {"server.timeouts.idle", SETTING_DURATION, "75s", NULL, 1, HOURS(24), NULL, NULL,
     AT(limits.idle_ms), "how long a connection is kept between two requests"},
    {"server.timeouts.send", SETTING_DURATION, "60s", NULL, 1, HOURS(1), NULL, NULL,
     AT(limits.send_ms), "how long a client may take next to nothing of an answer that is there"},
    {"server.half_close", SETTING_HALF_CLOSE, "leave", NULL, 0, 0, NULL, NULL, AT(half_close),
     "what becomes of a request whose client has shut its side of the connection: leave: the client counts "
     "as gone; answer: it is answered"},
    {"server.cors.origins", SETTING_ORIGINS, NULL, NULL, 1, 255, NULL, NULL, AT(cors_origins),
     "web pages that browsers let use the gateway, as https://chat.example.com; * for all, which a gateway "
     "without keys should not have"},
    {"server.logs", SETTING_LOGS, "local", NULL, 0, 0, "HARBORAI_SERVER_LOGS", NULL, AT(logs),
     "who may ask /v1/logs/…: local is programs of this machine, as long as the gateway listens on a "
     "loopback address alone; on is everybody who can connect"},
    {"server.auth", SETTING_AUTH, "auto", NULL, 0, 0, "HARBORAI_SERVER_AUTH", NULL, AT(auth),
     "whether clients need a key (`harborai key create`): auto is required, unless the gateway listens "
     "on a loopback address alone"},
    {"server.requests_per_minute", SETTING_NUMBER, "0", NULL, 0, 1000000000,
     "HARBORAI_MAX_REQUESTS_PER_MINUTE", NULL, AT(requests_per_minute),
     "calls a minute that are taken from one address without a key; 0 is no limit"},
    {"server.core_dumps", SETTING_SWITCH, "false", NULL, 0, 0, NULL, NULL, AT(core_dumps),
     "whether a crash of `harborai serve` may leave a core dump, which has keys and conversations in it"},
    {"default_model", SETTING_TEXT, NULL, NULL, 1, NAME_LEN, "HARBORAI_DEFAULT_MODEL", "--model",
     AT(default_model), "model of `harborai chat` without -m"},
    {"state_dir", SETTING_PATH, NULL, "`$XDG_STATE_HOME/harborai` or `~/.local/state/harborai`", 1,
     PATH_LEN, "HARBORAI_STATE_DIR", "--state-dir", AT(state_dir),
     "directory of the journal and all else that is kept"},
    {"plugin_path", SETTING_PATHS, NULL, NULL, 1, PATH_LEN, NULL, NULL, AT(plugin_path),
     "directories of plugins, after those of HARBORAI_PLUGIN_PATH, before the user's and the system's"},
    {"plugin_watch", SETTING_SWITCH, "true", NULL, 0, 0, "HARBORAI_PLUGIN_WATCH", NULL,
     AT(plugin_watch),
     "whether `harborai serve` notices what comes, changes and goes in plugin directories"},
    {"plugin_preload", SETTING_WHICH, NULL, NULL, 1, NAME_LEN, "HARBORAI_PLUGIN_PRELOAD", NULL,
     AT(plugin_preload),
     "providers whose plugin `harborai serve` loads when it starts, not when the first call comes"},
    {"plugin_trust", SETTING_TRUST, "on", NULL, 0, 0, NULL, NULL, AT(plugin_trust),
     "off: plugins are loaded whoever may write to them, which a warning at each start tells; for "
     "development"},
    {"plugin_trusted_groups", SETTING_NAMES, NULL, NULL, 1, 32, NULL, NULL,
     AT(plugin_trusted_groups),
     "groups that may write to plugins and their directories, besides your own private one"},
    {"plugin_lock", SETTING_PATH, NULL, "`plugins.lock` beside the configuration's file", 1, PATH_LEN,
     NULL, NULL, AT(plugin_lock),
     "file that lists plugins by the SHA-256 of their files: one that is listed is that file, or is "
     "refused"},
    {"plugin_require_lock", SETTING_SWITCH, "false", NULL, 0, 0, NULL, NULL, AT(plugin_require_lock),
     "whether a plugin that plugin_lock does not list is refused"},
    {"disabled_models", SETTING_NAMES, NULL, NULL, 1, NAME_LEN, NULL, NULL, AT(disabled_models),
     "globs over provider/model, as acme/*-preview: such a model is not served"},
    {"params", SETTING_PARAMS, "warn", NULL, 0, 0, "HARBORAI_PARAMS", NULL, AT(params),
     "what becomes of members of a request that a model does not take: the request is refused, or "
     "they are left out, with a line in the log or without"},
    {"on_disconnect", SETTING_LEAVE, "cancel", NULL, 0, 0, "HARBORAI_ON_DISCONNECT", NULL,
     AT(on_disconnect),
     "what becomes of a call whose client left: the vendor is broken off, or read to its end for the "
     "usage"},
    {"log.level", SETTING_LEVEL, "info", NULL, 0, 0, "HARBORAI_LOG_LEVEL", "--log-level",
     AT(log_level), "what is written to stderr"},
    {"tls.ca_file", SETTING_PATH, "/etc/ssl/certs/ca-certificates.crt", NULL, 1, PATH_LEN,
     "SSL_CERT_FILE", NULL, AT(ca_file), "certificates of authorities that vouch for vendors"},
    {"timeouts.connect", SETTING_DURATION, "10s", NULL, 1, SECONDS(600), "HARBORAI_CONNECT_TIMEOUT",
     NULL, AT(timeouts.connect_ms),
     "longest time for name, TCP and TLS of a connection to a vendor"},
    {"timeouts.first_byte", SETTING_DURATION, "300s", NULL, 1, HOURS(24), NULL, NULL,
     AT(timeouts.first_byte_ms), "longest wait for the first byte of an answer"},
    {"timeouts.idle", SETTING_DURATION, "300s", NULL, 1, HOURS(24), NULL, NULL,
     AT(timeouts.idle_ms), "longest silence within an answer"},
    {"timeouts.total", SETTING_DURATION, "600s", NULL, 0, HOURS(168), "HARBORAI_TIMEOUT", NULL,
     AT(timeouts.total_ms), "longest time for a call with all its attempts; 0 is no limit"},
    {"timeouts.shutdown", SETTING_DURATION, "30s", NULL, 0, HOURS(1), NULL, NULL, AT(shutdown_ms),
     "how long a graceful stop waits for calls under way"},
    {"timeouts.drain", SETTING_DURATION, "600s", NULL, 0, HOURS(168), NULL, NULL, AT(drain_ms),
     "how long calls of a provider may still take that was disabled, replaced or removed"},
    {"stream.ping_s", SETTING_NUMBER, "15", NULL, 0, 3600, NULL, NULL, AT(stream_ping_s),
     "seconds of silence after which a stream whose head has gone gets a comment, so that nobody in "
     "between takes it for dead; 0 is never"},
    {"stream.first_ping_s", SETTING_NUMBER, "0", NULL, 0, 3600, NULL, NULL, AT(stream_first_ping_s),
     "the same before its head, which goes with it: what goes wrong from then on is an error event, and "
     "no status; 0 is never"},
    {"replay.max_size", SETTING_SIZE, "64MiB", NULL, 0, (int64_t)GIB(64), NULL, NULL,
     AT(replay_max_size),
     "memory for reasoning that vendors want back with tool calls and clients do not send; 0 keeps "
     "none"},
    {"replay.lifetime", SETTING_DURATION, "1h", NULL, 1, HOURS(168), NULL, NULL,
     AT(replay_lifetime_ms), "how long it is kept after it was last asked for"},
    {"journal.enabled", SETTING_SWITCH, "true", NULL, 0, 0, NULL, NULL, AT(journal_enabled),
     "whether calls are recorded at all"},
    {"journal.segment_size", SETTING_SIZE, "64MiB", NULL, MIB(1), (int64_t)GIB(64), NULL, NULL,
     AT(journal_segment_size),
     "how large a file of the journal grows before the next one is begun; at midnight UTC it is "
     "begun anyway"},
    {"journal.on_failure", SETTING_FAILURE, "wait", NULL, 0, 0, NULL, NULL, AT(journal_on_failure),
     "what becomes of calls while their lines cannot be written, as on a full disk: they wait until "
     "they can, or go on without a record"},
    {"journal.durability", SETTING_DURABILITY, "process", NULL, 0, 0, NULL, NULL,
     AT(journal_durability),
     "process: a line is on record when the kernel has it; power: when the disk has it, which each "
     "call waits for"},
    {"journal.sync", SETTING_DURATION, "1s", NULL, 0, SECONDS(60), NULL, NULL, AT(journal_sync_ms),
     "how long after it a line that is on record is on the disk, which nobody waits for; 0 leaves that "
     "to the kernel"},
    {"journal.slow_write", SETTING_DURATION, "20ms", NULL, 0, SECONDS(60), NULL, NULL,
     AT(journal_slow_write_ms),
     "a write of the journal that takes longer moves the next ones to a thread until they are quick "
     "again; 0 leaves them where they are"},
    {"journal.retention_days", SETTING_NUMBER, "15", NULL, 0, 36500, "HARBORAI_LOG_RETENTION_DAYS",
     NULL, AT(journal_retention_days),
     "how long files of the journal are kept after their last line; 0 is for ever"},
    {"journal.compress", SETTING_SWITCH, "true", NULL, 0, 0, NULL, NULL, AT(journal_compress),
     "whether files of the journal are compressed when they are full"},
    {"content", SETTING_CONTENT, "off", NULL, 0, 0, "HARBORAI_CONTENT", NULL, AT(content),
     "whether the journal has what was asked and answered: without keys and what tells of persons, or "
     "in full but for keys"},
    {"content_limit", SETTING_SIZE, "16KiB", NULL, KIB(1), LIMIT_CONTENT, NULL, NULL,
     AT(content_limit), "how much of a request, and of an answer, it has; what is beyond is cut off"},
    {"store.sqlite.enabled", SETTING_SWITCH, "true", NULL, 0, 0, NULL, NULL, AT(has_index),
     "whether `harborai serve` keeps an index of the journal, in index.sqlite3 of the state directory; "
     "`harborai logs` and `harborai stats` make one all the same"},

    {"store.postgres.enabled", SETTING_SWITCH, "true", NULL, 0, 0, "HARBORAI_POSTGRES_LOGGING", NULL,
     AT(postgres.is_enabled),
     "whether calls are copied to PostgreSQL, once one of url, host, user, password and database is set"},
    {"store.postgres.url", SETTING_DATABASE_URL, NULL, NULL, 1, URL_LEN, "HARBORAI_POSTGRES_URL",
     NULL, AT(postgres.url),
     "as postgresql://user:password@host:5432/database?sslmode=verify-full; what it leaves out the "
     "settings below say; may be a reference like a key"},
    {"store.postgres.host", SETTING_TEXT, NULL, "localhost", 1, 255, "HARBORAI_POSTGRES_HOST", NULL,
     AT(postgres.host), "name or address of the server, or the directory of its socket"},
    {"store.postgres.port", SETTING_NUMBER, "5432", NULL, 1, 65535, "HARBORAI_POSTGRES_PORT", NULL,
     AT(postgres.port), "port of the server"},
    {"store.postgres.user", SETTING_TEXT, "harborai", NULL, 1, 63, "HARBORAI_POSTGRES_USER", NULL,
     AT(postgres.user), "role to log in as"},
    {"store.postgres.password", SETTING_PASSWORD, NULL, NULL, 1, 0, "HARBORAI_POSTGRES_PASSWORD",
     NULL, AT(postgres.password),
     "its password, best as a reference: env:NAME, file:PATH, cred:NAME or exec:COMMAND"},
    {"store.postgres.database", SETTING_TEXT, "harborai", NULL, 1, 63, "HARBORAI_POSTGRES_DATABASE",
     NULL, AT(postgres.database), "name of the database, which must be there, with the encoding UTF8"},
    {"store.postgres.sslmode", SETTING_SSLMODE, "prefer", NULL, 0, 0, NULL, NULL,
     AT(postgres.sslmode), "how far the connection is protected, as libpq calls it"},
    {"store.postgres.sslrootcert", SETTING_PATH, NULL, "tls.ca_file", 1, PATH_LEN, NULL, NULL,
     AT(postgres.sslrootcert), "certificates of authorities that vouch for the server"},
    {"store.postgres.migrate", SETTING_MIGRATE, "auto", NULL, 0, 0, NULL, NULL,
     AT(postgres.migrate), "whether the gateway makes and changes the tables by itself, or waits for "
     "`harborai db migrate`"},
    {"store.postgres.max_failures", SETTING_NUMBER, "3", NULL, 1, 1000,
     "HARBORAI_MAX_POSTGRES_FAILURES", NULL, AT(postgres.max_failures),
     "failures in a row after which the state is FILE_FALLBACK"},
    {"store.postgres.health_check_interval", SETTING_DURATION, "60s", NULL, SECONDS(1), HOURS(24),
     "HARBORAI_HEALTH_CHECK_INTERVAL", NULL, AT(postgres.health_check_ms),
     "longest pause between two attempts while PostgreSQL is away"},
    {"store.postgres.retention_days", SETTING_NUMBER, "90", NULL, 0, 36500, NULL, NULL,
     AT(postgres.retention_days), "days for which PostgreSQL keeps calls; 0 is for ever"},
    {"store.postgres.batch", SETTING_NUMBER, "512", NULL, 1, 512, NULL, NULL, AT(postgres.batch),
     "most calls of one transaction"},

    {"providers.*.plugin", SETTING_PLUGIN, NULL, "the provider's name", 1, 100, NULL, NULL,
     IN_PROVIDER(plugin), "plugin that speaks the vendor's dialect"},
    {"providers.*.preset", SETTING_PRESET, NULL, NULL, 1, 32, NULL, NULL, IN_PROVIDER(preset),
     "address, key's variable, models and options of a vendor, by a name that a plugin knows"},
    {"providers.*.base_url", SETTING_URL, NULL, "such as `OPENAI_BASE_URL`, else the plugin's", 1,
     URL_LEN, NULL, NULL,
     IN_PROVIDER(base_url), "where the vendor's API begins, as http://127.0.0.1:9100/v1"},
    {"providers.*.api_key", SETTING_SECRET, NULL, "the variable that the plugin names", 1, 0, NULL,
     NULL, IN_PROVIDER(api_key),
     "key, best as a reference: env:NAME, file:PATH, cred:NAME or exec:COMMAND; `none` for a "
     "vendor that needs none"},
    {"providers.*.models", SETTING_NAMES, NULL, "the plugin's", 1, NAME_LEN, NULL, NULL,
     IN_PROVIDER(models), "names and globs that it serves, in place of the plugin's"},
    {"providers.*.priority", SETTING_NUMBER, NULL, "300 of a plugin that --plugin names, 200 in "
     "HARBORAI_PLUGIN_PATH or plugin_path, 100 in the user's directory, else 0", 0, 1000, NULL, NULL,
     IN_PROVIDER(priority),
     "who answers for a name without a provider that several serve: the highest"},
    {"providers.*.tls.ca_file", SETTING_PATH, NULL, "tls.ca_file", 1, PATH_LEN, NULL, NULL,
     IN_PROVIDER(ca_file), "its own certificates of authorities"},
    {"providers.*.timeouts.connect", SETTING_DURATION, NULL, "timeouts.connect", 1, SECONDS(600),
     NULL, NULL, IN_PROVIDER(timeouts.connect_ms), "in place of timeouts.connect"},
    {"providers.*.timeouts.first_byte", SETTING_DURATION, NULL, "timeouts.first_byte", 1, HOURS(24),
     NULL, NULL, IN_PROVIDER(timeouts.first_byte_ms), "in place of timeouts.first_byte"},
    {"providers.*.timeouts.idle", SETTING_DURATION, NULL, "timeouts.idle", 1, HOURS(24), NULL, NULL,
     IN_PROVIDER(timeouts.idle_ms), "in place of timeouts.idle"},
    {"providers.*.timeouts.total", SETTING_DURATION, NULL, "timeouts.total", 0, HOURS(168), NULL,
     NULL, IN_PROVIDER(timeouts.total_ms), "in place of timeouts.total"},
    {"providers.*.params", SETTING_PARAMS, NULL, "params", 0, 0, NULL, NULL, IN_PROVIDER(params),
     "in place of params"},
    {"providers.*.on_disconnect", SETTING_LEAVE, NULL, "on_disconnect", 0, 0, NULL, NULL,
     IN_PROVIDER(on_disconnect), "in place of on_disconnect"},
    {"providers.*.options", SETTING_OBJECT, NULL, NULL, 0, 0, NULL, NULL, IN_PROVIDER(config_json),
     "settings of the plugin's own, which get to it as JSON"},

    {"models.*", SETTING_TARGET, NULL, NULL, 1, NAME_LEN, NULL, NULL, 0,
     "an alias: `provider/model` that the name stands for"},
};
const size_t settings_count = ARRAY_LEN(settings);

const char *const *settings_words(enum setting_type type)
{
    static const char *const params[] = {[CONFIG_PARAMS_STRICT] = "strict",
                                         [CONFIG_PARAMS_WARN] = "warn",
                                         [CONFIG_PARAMS_DROP] = "drop",
                                         NULL};
    static const char *const leave[] = {[CONFIG_LEAVE_CANCEL] = "cancel",
                                        [CONFIG_LEAVE_DRAIN] = "drain",
                                        NULL};
    static const char *const failure[] = {[CONFIG_FAILURE_WAIT] = "wait",
                                          [CONFIG_FAILURE_DROP] = "drop",
                                          NULL};
    static const char *const durability[] = {[CONFIG_DURABILITY_PROCESS] = "process",
                                             [CONFIG_DURABILITY_POWER] = "power",
                                             NULL};
    static const char *const content[] = {[CONFIG_CONTENT_OFF] = "off",
                                          [CONFIG_CONTENT_MASKED] = "masked",
                                          [CONFIG_CONTENT_FULL] = "full",
                                          NULL};
    static const char *const switches[] = {[false] = "false", [true] = "true", NULL};
    static const char *const trust[] = {[CONFIG_TRUST_ON] = "on", [CONFIG_TRUST_OFF] = "off", NULL};
    static const char *const sslmodes[] = {[CONFIG_SSL_DISABLE] = "disable",
                                           [CONFIG_SSL_ALLOW] = "allow",
                                           [CONFIG_SSL_PREFER] = "prefer",
                                           [CONFIG_SSL_REQUIRE] = "require",
                                           [CONFIG_SSL_VERIFY_CA] = "verify-ca",
                                           [CONFIG_SSL_VERIFY_FULL] = "verify-full",
                                           NULL};
    static const char *const migrate[] = {[CONFIG_MIGRATE_AUTO] = "auto",
                                          [CONFIG_MIGRATE_MANUAL] = "manual",
                                          NULL};
    static const char *const logs[] = {[CONFIG_LOGS_OFF] = "off",
                                       [CONFIG_LOGS_LOCAL] = "local",
                                       [CONFIG_LOGS_ON] = "on",
                                       NULL};
    static const char *const auth[] = {[CONFIG_AUTH_AUTO] = "auto",
                                       [CONFIG_AUTH_REQUIRED] = "required",
                                       [CONFIG_AUTH_OFF] = "off",
                                       NULL};
    static const char *const half_close[] = {[CONFIG_HALF_CLOSE_LEAVE] = "leave",
                                             [CONFIG_HALF_CLOSE_ANSWER] = "answer",
                                             NULL};
    static const char *const accesses[] = {[CONFIG_ACCESS_USER] = "user",
                                         [CONFIG_ACCESS_GROUP] = "group",
                                         [CONFIG_ACCESS_EVERYONE] = "everyone",
                                         NULL};
    static const char *const versions[] = {[CONFIG_TLS_1_2] = "1.2", [CONFIG_TLS_1_3] = "1.3", NULL};
    if (type == SETTING_HALF_CLOSE)
        return half_close;
    if (type == SETTING_TLS_VERSION)
        return versions;
    if (type == SETTING_LOGS)
        return logs;
    if (type == SETTING_AUTH)
        return auth;
    if (type == SETTING_ACCESS)
        return accesses;
    if (type == SETTING_SSLMODE)
        return sslmodes;
    if (type == SETTING_MIGRATE)
        return migrate;
    if (type == SETTING_PARAMS)
        return params;
    if (type == SETTING_SWITCH)
        return switches;
    if (type == SETTING_TRUST)
        return trust;
    if (type == SETTING_FAILURE)
        return failure;
    if (type == SETTING_DURABILITY)
        return durability;
    if (type == SETTING_CONTENT)
        return content;
    return type == SETTING_LEAVE ? leave : NULL;
}

bool settings_is_secret(enum setting_type type)
{
    return type == SETTING_SECRET || type == SETTING_PASSWORD || type == SETTING_DATABASE_URL;
}

const struct setting *settings_find(harborai_str path)
{
    for (size_t i = 0; i < settings_count; i++)
        if (slice_is(path, settings[i].path))
            return &settings[i];
    return NULL;
}

/* The segment of `path` right below `section`; false if it is not below it. */
static bool segment_below(const char *path, harborai_str section, harborai_str *ret_segment)
{
    harborai_str rest = slice_of(path), tail;
    if (section.len > 0) {
        if (rest.len <= section.len || memcmp(path, section.data, section.len) != 0 ||
            path[section.len] != '.')
            return false;
        rest = slice_from(rest, section.len + 1);
    }
    slice_split(rest, '.', ret_segment, &tail);
    return true;
}

bool settings_step(harborai_str section, harborai_str key, const struct setting **ret_setting,
                   harborai_str *ret_path)
{
    harborai_str segment;
    for (size_t i = 0; i < settings_count; i++) {
        const char *path = settings[i].path;
        if (!segment_below(path, section, &segment) || !slice_equal(segment, key))
            continue;
        const char *end = segment.data + segment.len;
        *ret_setting = *end == '\0' ? &settings[i] : NULL;
        *ret_path = (harborai_str){path, (size_t)(end - path)};
        return true;
    }
    return false;
}

bool settings_key_at(harborai_str section, size_t index, harborai_str *ret_key)
{
    harborai_str segment, last = SLICE_NONE;
    for (size_t i = 0; i < settings_count; i++) {
        if (!segment_below(settings[i].path, section, &segment) || slice_equal(segment, last))
            continue;
        if (index-- == 0) {
            *ret_key = segment;
            return true;
        }
        last = segment;
    }
    return false;
}

/* ---- Hints -------------------------------------------------------------------------------- */

/* Empty if nothing is near. */
static harborai_str find_nearest(harborai_str section, harborai_str key)
{
    struct nearest nearest = NEAREST_TO(key);
    harborai_str segment;
    for (size_t i = 0; i < settings_count; i++)
        if (segment_below(settings[i].path, section, &segment))
            nearest_consider(&nearest, segment);
    return nearest.name;
}

static bool is_below(const char *path, harborai_str section)
{
    harborai_str segment;
    return segment_below(path, section, &segment);
}

/* A setting of that name further down, or else in another section. */
static const struct setting *find_elsewhere(harborai_str section, harborai_str key)
{
    const struct setting *found = NULL;
    for (size_t i = 0; i < settings_count; i++) {
        const char *path = settings[i].path, *dot = strrchr(path, '.');
        if (!slice_is(key, dot != NULL ? dot + 1 : path))
            continue;
        if (section.len > 0 && is_below(path, section))
            return &settings[i];
        if (found == NULL)
            found = &settings[i];
    }
    return found;
}

static void add_keys(harborai_str section, struct buf *out)
{
    harborai_str key;
    for (size_t i = 0; settings_key_at(section, i, &key); i++)
        buf_printf(out, "%s%.*s", i > 0 ? ", " : "", SLICE_ARG(key));
}

void settings_add_hint(harborai_str section, harborai_str key, struct buf *out)
{
    harborai_str nearest = find_nearest(section, key);
    const struct setting *elsewhere;
    if (nearest.len > 0) {
        buf_printf(out, ", did you mean '%.*s'?", SLICE_ARG(nearest));
    } else if ((elsewhere = find_elsewhere(section, key)) != NULL) {
        buf_printf(out, ", did you mean '%s'?", elsewhere->path);
    } else {
        buf_add(out, HARBORAI_STR(": known are "));
        add_keys(section, out);
        if (slice_is(section, SETTINGS_PROVIDER))
            buf_add(out, HARBORAI_STR("; what the plugin itself knows goes below 'options'"));
    }
}

/* ---- Descriptions ------------------------------------------------------------------------- */

static void describe_range(const struct setting *setting, const char *name, struct buf *out,
                           void (*format)(int64_t, char *, size_t))
{
    char least[32], most[32];
    format(setting->least, least, sizeof least);
    format(setting->most, most, sizeof most);
    buf_printf(out, "%s from %s to %s", name, least, most);
}

static void format_number(int64_t value, char *text, size_t size)
{
    snprintf(text, size, "%lld", (long long)value);
}

/* "strict, warn or drop" */
static void describe_words(const char *const *words, struct buf *out)
{
    for (; words[0] != NULL; words++)
        buf_printf(out, "%s%s", words[0],
                   words[1] == NULL ? "" : words[2] == NULL ? " or " : ", ");
}

void settings_describe_type(const struct setting *setting, struct buf *out)
{
    switch (setting->type) {
    case SETTING_NUMBER:
        describe_range(setting, "a whole number", out, format_number);
        return;
    case SETTING_SIZE:
        describe_range(setting, "a size", out, value_format_size);
        return;
    case SETTING_DURATION:
        describe_range(setting, "a duration", out, value_format_duration_ms);
        return;
    case SETTING_TEXT:
        buf_printf(out, "a text of at most %lld bytes", (long long)setting->most);
        return;
    case SETTING_LEVEL:
        buf_add(out, HARBORAI_STR("error, warn, info or debug"));
        return;
    case SETTING_PARAMS:
    case SETTING_LEAVE:
    case SETTING_FAILURE:
    case SETTING_DURABILITY:
    case SETTING_CONTENT:
    case SETTING_SWITCH:
    case SETTING_TRUST:
    case SETTING_SSLMODE:
    case SETTING_MIGRATE:
    case SETTING_LOGS:
    case SETTING_AUTH:
    case SETTING_HALF_CLOSE:
    case SETTING_ACCESS:
    case SETTING_TLS_VERSION:
        describe_words(settings_words(setting->type), out);
        return;
    case SETTING_PATH:
        buf_add(out, HARBORAI_STR("a path"));
        return;
    case SETTING_PATHS:
        buf_add(out, HARBORAI_STR("a list of paths"));
        return;
    case SETTING_NAMES:
        buf_add(out, HARBORAI_STR("a list of names"));
        return;
    case SETTING_ORIGINS:
        buf_add(out, HARBORAI_STR("a list of origins"));
        return;
    case SETTING_WHICH:
        buf_add(out, HARBORAI_STR("all, none or a list of names"));
        return;
    case SETTING_PLUGIN:
        buf_add(out, HARBORAI_STR("a plugin's name"));
        return;
    case SETTING_PRESET:
        buf_add(out, HARBORAI_STR("a preset's name"));
        return;
    case SETTING_URL:
        buf_add(out, HARBORAI_STR("an http or https URL"));
        return;
    case SETTING_SECRET:
        buf_add(out, HARBORAI_STR("a key or none"));
        return;
    case SETTING_PASSWORD:
        buf_add(out, HARBORAI_STR("a password"));
        return;
    case SETTING_DATABASE_URL:
        buf_add(out, HARBORAI_STR("a URL that begins with postgresql://"));
        return;
    case SETTING_OBJECT:
        buf_add(out, HARBORAI_STR("a mapping"));
        return;
    case SETTING_TARGET:
        buf_add(out, HARBORAI_STR("provider/model"));
        return;
    }
}

static void add_default(const struct setting *setting, struct buf *out)
{
    if (setting->fallback != NULL)
        buf_printf(out, "`%s`", setting->fallback);
    else
        buf_add(out, slice_of(setting->otherwise != NULL ? setting->otherwise : "none"));
}

static void describe_row(const struct setting *setting, struct buf *out)
{
    buf_printf(out, "| `%s` | ", setting->path);
    settings_describe_type(setting, out);
    buf_add(out, HARBORAI_STR(" | "));
    add_default(setting, out);
    buf_add(out, HARBORAI_STR(" | "));
    if (setting->variable != NULL)
        buf_printf(out, "`%s`", setting->variable);
    if (setting->flag != NULL)
        buf_printf(out, "%s`%s`", setting->variable != NULL ? ", " : "", setting->flag);
    buf_printf(out, " | %s |\n", setting->help);
}

void settings_describe(struct buf *out)
{
    buf_add(out, HARBORAI_STR("| setting | value | default | variable, flag | meaning |\n"
                              "|---|---|---|---|---|\n"));
    for (size_t i = 0; i < settings_count; i++)
        describe_row(&settings[i], out);
}
