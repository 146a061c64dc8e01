/* SPDX-License-Identifier: MIT */
/* Says to libpq where PostgreSQL is. Must never quote what may hold a password. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "config/config.h"
#include "config/settings.h"
#include "store/postgres.h"

enum { MOST = 64 }; /* libpq 15 knows 40 keywords */

struct postgres_address {
    char *text;
    size_t count;
    char *keywords[MOST + 1], *values[MOST + 1]; /* owned */
};

static bool has(const struct postgres_address *a, const char *keyword)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->keywords[i], keyword) == 0)
            return true;
    return false;
}

static const char *value_of(const struct postgres_address *a, const char *keyword)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->keywords[i], keyword) == 0)
            return a->values[i];
    return "";
}

/* What is there stays. False: no memory. */
static bool add(struct postgres_address *a, const char *keyword, harborai_str value)
{
    if (value.len == 0 || a->count == MOST || has(a, keyword))
        return true;
    a->keywords[a->count] = slice_dup(slice_of(keyword));
    a->values[a->count] = slice_dup(value);
    a->count++;
    return a->keywords[a->count - 1] != NULL && a->values[a->count - 1] != NULL;
}

/* postgresql+asyncpg:// is SQLAlchemy's way to name a driver. */
static bool write_plain_url(harborai_str url, struct buf *out)
{
    harborai_str scheme, rest;
    bool has_driver = slice_starts_with(url, "postgresql+") &&
                      slice_split(url, ':', &scheme, &rest);
    buf_printf(out, "%.*s%.*s", has_driver ? 11 : 0, "postgresql:",
               SLICE_ARG(has_driver ? rest : url));
    buf_add_char(out, '\0');
    return out->failed == HARBORAI_OK;
}

static harborai_status add_url(struct postgres_address *a, harborai_str url, harborai_error *error)
{
    AUTO(buf) plain = BUF_INIT(KIB(64));
    bool has_memory = write_plain_url(url, &plain);
    PQconninfoOption *options = has_memory ? PQconninfoParse(plain.data, NULL) : NULL;
    if (plain.data != NULL)
        explicit_bzero(plain.data, plain.len);
    if (!has_memory)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (options == NULL) /* libpq's own message quotes it */
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'store.postgres.url' cannot be read: write it as "
                                  "postgresql://user:password@host:5432/database, with %%40 for an "
                                  "'@' and %%2F for a '/' of the password");
    for (PQconninfoOption *o = options; has_memory && o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        has_memory = add(a, o->keyword, slice_of(o->val));
        explicit_bzero(o->val, strlen(o->val));
    }
    PQconninfoFree(options);
    if (!has_memory)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    return HARBORAI_OK;
}

static bool add_settings(struct postgres_address *a, const struct config *config)
{
    const struct config_postgres *p = &config->postgres;
    const char *sslmode = settings_words(SETTING_SSLMODE)[p->sslmode];
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)p->port);
    bool has_place = has(a, "host") || has(a, "hostaddr") || has(a, "service");
    bool done = (has_place || add(a, "host", p->host)) &&
                (has(a, "service") || add(a, "port", slice_of(port))) &&
                add(a, "user", p->user) && add(a, "dbname", p->database) &&
                add(a, "sslmode", slice_of(sslmode));
    if (done && p->password.text != NULL)
        done = add(a, "password", secret_reveal(p->password.text));
    /* Without an authority of its own, those of the system vouch for it, if somebody has to. */
    bool is_verified = strncmp(value_of(a, "sslmode"), "verify-", 7) == 0;
    harborai_str authorities = p->sslrootcert;
    if (authorities.len == 0 && is_verified)
        authorities = config->ca_file;
    return done && add(a, "sslrootcert", authorities) &&
           add(a, "application_name", HARBORAI_STR("harborai")) &&
           add(a, "client_encoding", HARBORAI_STR("UTF8")) &&
           /* A network that swallows everything is noticed. */
           add(a, "tcp_user_timeout", HARBORAI_STR("20000")) &&
           add(a, "keepalives_idle", HARBORAI_STR("10")) &&
           add(a, "keepalives_interval", HARBORAI_STR("5")) &&
           add(a, "keepalives_count", HARBORAI_STR("3"));
}

static bool describe(struct postgres_address *a)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    const char *host = value_of(a, "host");
    buf_printf(&text, "%s:%s/%s", host[0] != '\0' ? host : value_of(a, "hostaddr"),
               value_of(a, "port"), value_of(a, "dbname"));
    a->text = buf_take(&text);
    return a->text != NULL;
}

harborai_status postgres_address_create(const struct config *config,
                                        struct postgres_address **ret_address,
                                        harborai_error *error)
{
    const struct config_postgres *p = &config->postgres;
    if (!p->is_configured)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "PostgreSQL is not configured: set store.postgres.url, or "
                                  "HARBORAI_POSTGRES_URL");
    struct postgres_address *a = calloc(1, sizeof *a);
    if (a == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = HARBORAI_OK;
    if (p->url.text != NULL)
        st = add_url(a, secret_reveal(p->url.text), error);
    if (st == HARBORAI_OK && (!add_settings(a, config) || !describe(a)))
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (st < 0)
        postgres_address_destroy(a);
    else
        *ret_address = a;
    return st;
}

void postgres_address_destroy(struct postgres_address *address)
{
    if (address == NULL)
        return;
    for (size_t i = 0; i < address->count; i++) {
        if (address->values[i] != NULL)
            explicit_bzero(address->values[i], strlen(address->values[i]));
        free(address->values[i]);
        free(address->keywords[i]);
    }
    free(address->text);
    free(address);
}

const char *postgres_address_text(const struct postgres_address *address)
{
    return address->text;
}

bool postgres_address_equal(const struct postgres_address *a, const struct postgres_address *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->keywords[i], b->keywords[i]) != 0 || strcmp(a->values[i], b->values[i]) != 0)
            return false;
    return true;
}

const char *const *postgres_address_keywords(const struct postgres_address *address)
{
    return (const char *const *)address->keywords;
}

const char *const *postgres_address_values(const struct postgres_address *address)
{
    return (const char *const *)address->values;
}
