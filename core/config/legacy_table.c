/* SPDX-License-Identifier: MIT */
/* The foreign names, and nothing else. Of several entries that match the first counts. */
#include "config/legacy_table.h"

#include "base/attr.h"

const struct legacy_alias legacy_aliases[] = {
    {"LOG_LEVEL", "log.level"},
    {"REQUEST_TIMEOUT", "timeouts.total"},
    {"CONNECT_TIMEOUT", "timeouts.connect"},
    {NULL, NULL},
};

const struct legacy_vendor legacy_vendors[] = {
    {"openai", "OPENAI_BASE_URL", {"OPENAI_API_KEY", NULL, NULL}},
    {"deepseek", "DEEPSEEK_BASE_URL", {"DEEPSEEK_API_KEY", NULL, NULL}},
    {"wenxin", "WENXIN_BASE_URL", {"QIANFAN_API_KEY", "WENXIN_API_KEY", "ERNIE_API_KEY"}},
    {"doubao", "DOUBAO_BASE_URL", {"ARK_API_KEY", "DOUBAO_API_KEY", NULL}},
    {"anthropic", "ANTHROPIC_BASE_URL", {"ANTHROPIC_API_KEY", NULL, NULL}},
    {NULL, NULL, {NULL, NULL, NULL}},
};

/* They say where to look, what code runs, or who vouches for those that get the keys: the user's to
 * say, and not a folder's. */
const char *const legacy_outside_variables[] = {"HARBORAI_CONFIG",   "HARBORAI_SYSTEM_CONFIG",
                                                "HARBORAI_ENV_FILE", "HARBORAI_PLUGIN_PATH",
                                                "SSL_CERT_FILE",     NULL};

#define RETENTION "write HARBORAI_LOG_RETENTION_DAYS, for the journal as a whole"
#define TRACING "there are /metrics and the journal"
#define CACHING "answers are not cached"
#define RETRYING "a failed call is not tried again and goes to no other model"
#define LIMITING                                                                                   \
    "HARBORAI_MAX_REQUESTS_PER_MINUTE limits an address, and 'harborai key create --rpm' a key"
#define ASKING_FOR_KEYS "write HARBORAI_SERVER_AUTH=required; 'harborai key create' makes keys"
#define ALERTING "watch /metrics"
#define COSTING "every call's cost is in its journal line, in the currency of the vendor's prices"

const struct legacy_note legacy_notes[] = {
    /* Base. */
    {"HARBORAI_PERFORMANCE_MODE", LEGACY_OBSOLETE, "there is one mode, and it is the fast one"},
    {"HARBORAI_DEBUG", LEGACY_OBSOLETE, "write HARBORAI_LOG_LEVEL=debug"},
    {"HARBORAI_ENV", LEGACY_OBSOLETE, "nothing depends on it"},
    {"ENVIRONMENT", LEGACY_OBSOLETE, "nothing depends on it"},
    {"VERBOSE_ERRORS", LEGACY_OBSOLETE, "write HARBORAI_LOG_LEVEL=debug"},
    {"MOCK_API_CALLS", LEGACY_OBSOLETE, "point base_url at a server of your own"},
    {"TEST_FIXED_RESPONSE", LEGACY_OBSOLETE, "point base_url at a server of your own"},

    /* Databases. */
    {"DATABASE_URL", LEGACY_OBSOLETE,
     "it may be another program's: write HARBORAI_POSTGRES_URL"},
    {"DB_*", LEGACY_OBSOLETE, "write HARBORAI_POSTGRES_HOST, _USER, _PASSWORD and _DATABASE"},
    {"REDIS_*", LEGACY_NOT_YET, CACHING},

    /* Logging. */
    {"HARBORAI_ASYNC_LOGGING", LEGACY_OBSOLETE, "the journal never waits for a database"},
    {"HARBORAI_FALLBACK_LOG_DIR", LEGACY_OBSOLETE, "the journal is in HARBORAI_STATE_DIR"},
    {"HARBORAI_FILE_LOG_DIR", LEGACY_OBSOLETE, "the journal is in HARBORAI_STATE_DIR"},
    {"LOG_QUEUE_SIZE", LEGACY_OBSOLETE, "no line of the journal is dropped"},
    {"LOG_BATCH_SIZE", LEGACY_OBSOLETE, "each call is on record before its answer ends"},
    {"LOG_FLUSH_INTERVAL", LEGACY_OBSOLETE, "each call is on record before its answer ends"},
    {"LOG_SANITIZATION", LEGACY_OBSOLETE, "no prompt, answer or key is ever logged"},
    {"LOG_REQUEST_RESPONSE", LEGACY_OBSOLETE, "no prompt, answer or key is ever logged"},
    {"HARBORAI_INCLUDE_SENSITIVE_DATA", LEGACY_OBSOLETE,
     "no prompt, answer or key is ever logged"},
    {"TRACE_RETENTION_DAYS", LEGACY_OBSOLETE, RETENTION},
    {"COST_RETENTION_DAYS", LEGACY_OBSOLETE, RETENTION},
    {"AUTO_CLEANUP", LEGACY_OBSOLETE,
     "files of the journal go when they are too old; HARBORAI_LOG_RETENTION_DAYS=0 keeps them"},
    {"CLEANUP_TIME", LEGACY_OBSOLETE,
     "a file of the journal goes as soon as it is too old"},

    /* Tracing. */
    {"OTEL_PYTHON_*", LEGACY_OBSOLETE, "there is no Python in here"},
    {"OTEL_*", LEGACY_NOT_YET, TRACING},
    {"JAEGER_*", LEGACY_NOT_YET, TRACING},
    {"ZIPKIN_*", LEGACY_NOT_YET, TRACING},
    {"TRACING_ENABLED", LEGACY_NOT_YET, TRACING},
    {"TRACE_ID_TYPE", LEGACY_OBSOLETE, "trace ids are those of W3C's traceparent"},
    {"HARBORAI_TRACE_ID_PREFIX", LEGACY_OBSOLETE, "trace ids are those of W3C's traceparent"},
    {"HARBORAI_DETAILED_TRACING", LEGACY_NOT_YET, TRACING},

    /* Prices and costs. */
    {"*_INPUT_PRICE", LEGACY_OBSOLETE, "prices come with the plugins: 'harborai list-models'"},
    {"*_OUTPUT_PRICE", LEGACY_OBSOLETE, "prices come with the plugins: 'harborai list-models'"},
    {"HARBORAI_COST_TRACKING*", LEGACY_OBSOLETE, COSTING},
    {"HARBORAI_DEFAULT_CURRENCY", LEGACY_NOT_YET, COSTING},
    {"COST_CURRENCY", LEGACY_NOT_YET, COSTING},
    {"HARBORAI_COST_ALERT_THRESHOLD", LEGACY_NOT_YET, ALERTING},
    {"HARBORAI_COST_EXPORT_ENABLED", LEGACY_NOT_YET, COSTING},

    /* Performance. */
    {"HARBORAI_FAST_PATH*", LEGACY_OBSOLETE, "every call takes the one fast path"},
    {"HARBORAI_ASYNC_DECORATORS", LEGACY_OBSOLETE, "nothing blocks in any case"},
    {"HARBORAI_ENABLE_LAZY_LOADING", LEGACY_OBSOLETE, "a plugin is loaded by its first call"},
    {"HARBORAI_MEMORY_*", LEGACY_OBSOLETE, "memory has fixed ceilings: see server.max_body"},
    {"HARBORAI_ENABLE_MEMORY_OPTIMIZATION", LEGACY_OBSOLETE,
     "memory has fixed ceilings: see server.max_body"},
    {"HARBORAI_TOKEN_CACHE*", LEGACY_OBSOLETE, "tokens are counted by the vendor"},
    {"HARBORAI_RESPONSE_CACHE*", LEGACY_NOT_YET, CACHING},
    {"HARBORAI_CACHE_*", LEGACY_NOT_YET, CACHING},
    {"CACHE_*", LEGACY_NOT_YET, CACHING},
    {"HARBORAI_PERFORMANCE_MANAGER", LEGACY_OBSOLETE, ALERTING},
    {"HARBORAI_BACKGROUND_TASKS", LEGACY_OBSOLETE, "background work needs no switch"},
    {"HARBORAI_BACKGROUND_WORKERS", LEGACY_OBSOLETE, "the number of loops is HARBORAI_WORKERS"},

    /* Security. */
    {"HARBORAI_SECURITY_ENABLED", LEGACY_OBSOLETE, "checks cannot be switched off"},
    {"HARBORAI_INPUT_VALIDATION", LEGACY_OBSOLETE, "checks cannot be switched off"},
    {"HARBORAI_DATA_ENCRYPTION", LEGACY_OBSOLETE, "the journal holds no prompt and no answer"},
    {"HARBORAI_ENCRYPT_LOGS", LEGACY_OBSOLETE, "the journal holds no prompt and no answer"},
    {"HARBORAI_ENCRYPTION_KEY", LEGACY_OBSOLETE, "the journal holds no prompt and no answer"},
    {"HARBORAI_MASK_SENSITIVE_DATA", LEGACY_OBSOLETE, "no prompt, answer or key is ever logged"},
    {"HARBORAI_ACCESS_CONTROL", LEGACY_OBSOLETE, ASKING_FOR_KEYS},
    {"HARBORAI_AUTH_REQUIRED", LEGACY_OBSOLETE, ASKING_FOR_KEYS},
    {"HARBORAI_RATE_LIMIT_ENABLED", LEGACY_OBSOLETE, LIMITING},
    {"RATE_LIMIT*", LEGACY_OBSOLETE, LIMITING},
    {"MAX_REQUESTS_PER_*", LEGACY_OBSOLETE, LIMITING},
    {"HARBORAI_SECURITY_MONITORING", LEGACY_OBSOLETE, ALERTING},
    {"HARBORAI_AUDIT_LOGGING", LEGACY_OBSOLETE, "every call is in the journal"},
    {"HARBORAI_THREAT_DETECTION", LEGACY_OBSOLETE, "nothing looks into prompts"},
    {"API_KEY_ROTATION*", LEGACY_NOT_YET, "a changed key is read again upon SIGHUP"},
    {"REQUEST_SIGNING", LEGACY_OBSOLETE, "TLS vouches for requests"},

    /* Monitoring. */
    {"HARBORAI_MONITORING_ENABLED", LEGACY_OBSOLETE, "/metrics is always there"},
    {"HARBORAI_METRICS_ENABLED", LEGACY_OBSOLETE, "/metrics is always there"},
    {"PROMETHEUS_PORT", LEGACY_OBSOLETE, "/metrics is on the gateway's own port"},
    {"PROMETHEUS_METRICS_PATH", LEGACY_OBSOLETE, "the path is /metrics"},
    {"MONITORING_SAMPLE_RATE", LEGACY_OBSOLETE, "every call is counted"},
    {"ERROR_NOTIFICATIONS", LEGACY_NOT_YET, ALERTING},
    {"NOTIFICATION_*", LEGACY_NOT_YET, ALERTING},
    {"SMTP_*", LEGACY_NOT_YET, ALERTING},

    /* Retry, fallback, plugins. */
    {"HARBORAI_MAX_RETRIES", LEGACY_NOT_YET, RETRYING},
    {"HARBORAI_RETRY_DELAY", LEGACY_NOT_YET, RETRYING},
    {"HARBORAI_ENABLE_FALLBACK", LEGACY_NOT_YET, RETRYING},
    {"HARBORAI_FALLBACK_MODELS", LEGACY_NOT_YET, RETRYING},
    {"DEFAULT_RETRY_COUNT", LEGACY_NOT_YET, RETRYING},
    {"RETRY_*", LEGACY_NOT_YET, RETRYING},
    {"HARBORAI_PLUGIN_AUTO_LOAD", LEGACY_OBSOLETE,
     "plugins are always found; 'providers' in the configuration file says which are used"},
    {"HARBORAI_PLUGIN_CACHE_*", LEGACY_OBSOLETE,
     "nothing about plugins is cached: what each says of itself is read at every start"},
    {"PLUGIN_DIR", LEGACY_OBSOLETE, "write plugin_path in the configuration file"},
    {"PLUGIN_AUTO_DISCOVERY", LEGACY_OBSOLETE, "plugins are always found"},
    {"PLUGIN_LOAD_TIMEOUT", LEGACY_OBSOLETE, "a plugin has no limit to load, its calls have"},
    {NULL, LEGACY_OBSOLETE, NULL},
};

const struct legacy_key legacy_keys[] = {
    /* The forebears' files. */
    {"", "ai_providers", "is called 'providers' here"},
    {"", "app", "is not needed: name and version are the program's own"},
    {"", "database", "is called 'store.postgres' here"},
    {"", "redis", "has no effect yet: " CACHING},
    {"", "logging", "is called 'log' here"},
    {"", "port", "is called 'server.port' here"},
    {"", "host", "is called 'server.host' here"},
    {"", "timeout", "is called 'timeouts.total' here"},
    {"providers.*", "timeout", "is called 'timeouts.total' here: timeouts: { total: 60s }"},
    {"providers.*", "url", "is called 'base_url' here"},
    {"providers.*", "key", "is called 'api_key' here"},

    /* LiteLLM's. */
    {"", "model_list", "is LiteLLM's: vendors go below 'providers', names for their models below "
                       "'models'"},
    {"", "litellm_settings", "is LiteLLM's and has no counterpart here"},
    {"", "router_settings", "is LiteLLM's and has no counterpart here"},
    {"", "general_settings", "is LiteLLM's and has no counterpart here"},
    {"", "environment_variables", "is LiteLLM's: variables go into a .env file"},
    {"providers.*", "api_base", "is called 'base_url' here"},
    {NULL, NULL, NULL},
};
