/* SPDX-License-Identifier: MIT */
/* One configuration: checked, complete, immutable. Everything that files, the environment and flags
 * say, with defaults for the rest; made once and read by any thread until it is destroyed.
 *
 * Texts are slices with a NUL behind them, so that `data` can go to libc. Empty: not set. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/log.h"
#include "base/secret.h"
#include "config/dotenv.h"
#include "config/faults.h"
#include "config/files.h"

struct node;

struct config_names {
    const harborai_str *items;
    size_t count;
};

/* In ms; each is at least 1, but `total`: 0 = no limit. */
struct config_timeouts {
    int64_t connect_ms;    /* name, TCP and TLS together */
    int64_t first_byte_ms; /* from the request's last byte to the answer's first */
    int64_t idle_ms;       /* the longest silence in an answer */
    int64_t total_ms;      /* a call with all its attempts */
};

/* What becomes of members of a request that a model does not take. */
enum config_params {
    CONFIG_PARAMS_STRICT, /* the request is refused */
    CONFIG_PARAMS_WARN,   /* they are left out, and the log has a line for each, once */
    CONFIG_PARAMS_DROP    /* they are left out */
};

enum config_trust {
    CONFIG_TRUST_ON, /* whose a plugin is, and who may write to it, is checked */
    CONFIG_TRUST_OFF /* it is not: for those who make plugins */
};

/* What becomes of a call whose client left. */
enum config_leave {
    CONFIG_LEAVE_CANCEL, /* the vendor is broken off */
    CONFIG_LEAVE_DRAIN   /* it is read to its end, for the usage */
};

/* What becomes of calls whose lines the journal's disk does not take. */
enum config_on_failure {
    CONFIG_FAILURE_WAIT, /* they wait until it does */
    CONFIG_FAILURE_DROP  /* they go on, and lines are lost */
};

/* When a line of the journal counts as written. */
enum config_durability {
    CONFIG_DURABILITY_PROCESS, /* when the kernel has it: a killed process loses nothing */
    CONFIG_DURABILITY_POWER    /* when the disk has it: nor does a machine without power */
};

/* What of calls' requests and answers the journal has. */
enum config_content {
    CONFIG_CONTENT_OFF,
    CONFIG_CONTENT_MASKED, /* without keys and what tells of persons */
    CONFIG_CONTENT_FULL    /* without keys */
};

/* Where a value came from. */
enum config_origin_kind {
    CONFIG_ORIGIN_DEFAULT, /* or, of what a provider inherits, the global setting */
    CONFIG_ORIGIN_FILE,
    CONFIG_ORIGIN_ENV_FILE, /* a variable of a .env file */
    CONFIG_ORIGIN_VARIABLE,
    CONFIG_ORIGIN_FLAG
};

struct config_origin {
    enum config_origin_kind kind;
    struct config_place place; /* of a variable and a flag `file` is its name */
};

/* A secret that is not of a provider. */
struct config_secret {
    struct secret *text;    /* NULL: none, or its variable has no value */
    harborai_str variable;  /* that the operator named, with a value or without */
    harborai_str reference; /* "file:/run/key", "cred:NAME", "exec:PROGRAM": where it is from */
};

/* As libpq's sslmode: how far the way to PostgreSQL is protected. */
enum config_sslmode {
    CONFIG_SSL_DISABLE,
    CONFIG_SSL_ALLOW,
    CONFIG_SSL_PREFER,
    CONFIG_SSL_REQUIRE,
    CONFIG_SSL_VERIFY_CA,
    CONFIG_SSL_VERIFY_FULL
};

/* Who makes and changes the tables. */
enum config_migrate {
    CONFIG_MIGRATE_AUTO,  /* the gateway, when it connects */
    CONFIG_MIGRATE_MANUAL /* the operator, by a command */
};

/* To whom the gateway answers /v1/logs/…. */
enum config_logs {
    CONFIG_LOGS_OFF,   /* nobody */
    CONFIG_LOGS_LOCAL, /* programs of this machine, where no other can connect */
    CONFIG_LOGS_ON     /* everybody who can connect */
};

/* Whether clients need a key. */
enum config_auth {
    CONFIG_AUTH_AUTO, /* where other machines can connect */
    CONFIG_AUTH_REQUIRED,
    CONFIG_AUTH_OFF
};

/* What becomes of a request whose client has shut its side of the connection. */
enum config_half_close {
    CONFIG_HALF_CLOSE_LEAVE, /* it has left */
    CONFIG_HALF_CLOSE_ANSWER /* it is answered */
};

/* What the gateway takes of its clients. Each is at least 1 but where 0 is said to be something else. */
struct config_limits {
    int64_t head, target; /* bytes */
    int64_t fields;
    int64_t memory; /* bytes, of bodies and answers of all requests; 0 = a quarter of what there is */
    int64_t connections;             /* 0 = as the limit of open files has it */
    int64_t connections_per_address; /* 0 = no limit */
    int64_t requests_per_connection; /* 0 = no limit */
    int64_t head_ms; /* a request's head, from its first byte */
    int64_t body_ms; /* a whole body, and more for each 16 KiB of it; and the longest silence in it */
    int64_t idle_ms; /* between two requests */
    int64_t send_ms; /* of an answer none of which is taken */
};

/* Who of this machine may connect to the gateway's Unix socket. */
enum config_access {
    CONFIG_ACCESS_USER,    /* the user that the gateway runs as, and root */
    CONFIG_ACCESS_GROUP,   /* and his group */
    CONFIG_ACCESS_EVERYONE /* and all others */
};

enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

/* Of the gateway towards its clients. */
struct config_tls {
    harborai_str certificate; /* a file, with those that vouch for it; empty: no TLS */
    harborai_str key;         /* a file: given, too, or neither */
    harborai_str client_ca;   /* a file; empty: clients need no certificate */
    enum config_tls_version min_version;
};

struct config_postgres {
    bool is_enabled;
    bool is_configured; /* and is told where PostgreSQL is, or who it is there */
    struct config_secret url; /* "postgresql://…"; what it leaves out the others say */
    harborai_str host, user, database;
    int64_t port;
    struct config_secret password;
    enum config_sslmode sslmode;
    harborai_str sslrootcert; /* empty: libpq's, or for verify-… tls.ca_file */
    enum config_migrate migrate;
    int64_t max_failures;
    int64_t health_check_ms;
    int64_t retention_days; /* 0 = for ever */
    int64_t batch;          /* calls of a transaction */
};

struct config_provider {
    harborai_str name;
    harborai_str plugin;   /* the provider's own name unless given; empty: one with the preset */
    harborai_str preset;
    bool has_plugin;       /* the operator named one */
    harborai_str base_url; /* http(s)://…, without '/' at its end; empty: the manifest's */

    /* A key; or `key_none` (the operator wrote `none`); or neither: then the variable that was
     * named has no value, or, where none was, api_key was not mentioned and the manifest's
     * variable is to be asked. */
    struct secret *api_key;
    harborai_str key_variable; /* that the operator named, with a value or without */
    harborai_str key_reference; /* "file:/run/key", "cred:NAME", "exec:PROGRAM": where it is from */
    bool key_none;

    struct config_names models; /* names and globs; none: the manifest's */
    int64_t priority; /* among providers that serve the same bare name; < 0: by its plugin's place */
    harborai_str ca_file;       /* tls.ca_file unless it has its own */
    struct config_timeouts timeouts; /* the global ones where it has none of its own; */
    enum config_params params;       /* so with these */
    enum config_leave on_disconnect;
    harborai_str config_json; /* an object for the plugin: options, and base_url if it is given */
    const struct node *options; /* as they were written, with what may be a secret masked; for
                                   messages. NULL without */
    harborai_str options_shown; /* the same as JSON; empty without */
    struct config_place place;           /* of its name; line 0: no file names it */
    const struct config_origin *origins; /* one a setting, by its place in the table */
};

struct config_alias {
    harborai_str name;
    harborai_str provider, model; /* the halves of `target` */
    harborai_str target;          /* "provider/model" */
    struct config_place place;    /* of its name */
};

struct config {
    bool has_file; /* exactly the providers below exist; else those whose secrets are there, and
                      what is below says more of them */
    harborai_str file; /* the user's file as it was named, else the system's; empty without one */
    harborai_str files[FILES_COUNT]; /* those that say something; empty: not there, or empty */
    const struct environment *environment; /* with the .env file; of this configuration */

    harborai_str host; /* "none": no address, but `socket` alone */
    int64_t port;     /* 0 = any that is free */
    harborai_str socket; /* a path; empty: none */
    enum config_access socket_access;
    struct config_tls tls;
    int64_t workers;  /* 0 = one a core */
    int64_t max_body; /* bytes */
    struct config_limits limits;
    enum config_half_close half_close;
    struct config_names cors_origins; /* scheme://host:port, or "*" */
    enum config_logs logs;
    enum config_auth auth;
    int64_t requests_per_minute; /* of an address without a key; 0 = no limit */
    bool core_dumps;
    harborai_str default_model;
    harborai_str state_dir; /* empty: neither set, nor is there a home directory */
    struct config_names plugin_files; /* as they were given by CONFIG_PLUGIN_FILE */
    struct config_names plugin_path;
    bool plugin_watch;
    struct config_names plugin_preload; /* of providers; {"all"}: of each */
    enum config_trust plugin_trust;
    struct config_names plugin_trusted_groups; /* names or numbers */
    harborai_str plugin_lock; /* empty: neither set, nor is there a directory for it */
    bool plugin_require_lock;
    struct config_names disabled_models; /* globs over provider/model */
    enum config_params params;
    enum config_leave on_disconnect;
    enum log_level log_level;
    harborai_str ca_file;
    struct config_timeouts timeouts;
    int64_t shutdown_ms; /* how long a graceful stop may take; 0 = at once */
    int64_t drain_ms;    /* what calls get to end of a provider that leaves; 0 = nothing */
    int64_t stream_ping_s, stream_first_ping_s; /* 0 = never */
    int64_t replay_max_size; /* bytes; 0 = nothing is kept between turns */
    int64_t replay_lifetime_ms;
    bool journal_enabled;
    int64_t journal_segment_size; /* bytes */
    enum config_on_failure journal_on_failure;
    enum config_durability journal_durability;
    int64_t journal_sync_ms;       /* 0 = the kernel's business */
    int64_t journal_slow_write_ms; /* 0 = no write is slow */
    int64_t journal_retention_days; /* 0 = for ever */
    bool journal_compress;
    enum config_content content;
    int64_t content_limit; /* bytes of a request, and of an answer */
    bool has_index; /* store.sqlite.enabled */
    struct config_postgres postgres;

    struct config_provider *providers; /* in the order of the file */
    size_t provider_count;
    struct config_alias *aliases;
    size_t alias_count;

    const struct config_origin *origins; /* as in config_provider */

    struct dotenv dotenv;
    struct dotenv_environment layers;
    struct arena arena; /* owns all texts and lists */
};

/* The flag --plugin FILE, which may be given again: no setting of a file's. */
#define CONFIG_PLUGIN_FILE "plugin_file"

/* A flag's value, by the setting's path: { "server.port", "8080" }. */
struct config_override {
    const char *path;
    const char *value;
};

/* Where to look; all borrowed. A zeroed one: what the environment and the usual places say. */
struct config_sources {
    const char *file;  /* --config: then the one file, without the system's; NULL: see files.h */
    harborai_str text; /* a configuration in memory, without any file; `file` only names it */
    bool without_file; /* neither the user's nor the system's */
    bool without_env_file;
    bool without_commands; /* exec: references are not run; such a key counts as missing */
    const char *const *variables; /* environ, to tell of those that have no effect; NULL: don't */
    const struct config_override *overrides;
    size_t override_count;
    struct config_faults *warnings; /* gets what is no fault but should be known; NULL: nobody */
};

/* Precedence: override > environment > .env > user's file > system's file > default. E_CONFIG:
 * `faults` has everything that is wrong, `error` the first fault and how many more there are.
 * `faults` and `sources->warnings` were initialised by the caller, who releases them; `faults`
 * is NULL if `error` is enough. Borrows `environment` for the configuration's life. [job] reads
 * files, may run the operator's commands. */
MUST_CHECK harborai_status config_load(const struct config_sources *sources,
                                       const struct environment *environment,
                                       struct config **ret_config, struct config_faults *faults,
                                       harborai_error *error);
void config_destroy(struct config *config); /* NULL is fine */

/* Borrowed from `config`, or NULL. */
const struct config_provider *config_provider_find(const struct config *config, harborai_str name);
const struct config_alias *config_alias_find(const struct config *config, harborai_str name);

/* Whether both would make the same provider, so that a slot may be kept; lines do not count. */
bool config_provider_equal(const struct config_provider *a, const struct config_provider *b);

#endif
