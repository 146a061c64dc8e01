/* SPDX-License-Identifier: MIT */
/* "postgresql://user:password@host:5432/database?parameters" in its parts, which are secret in part. */
#ifndef CONFIG_DATABASE_URL_H
#define CONFIG_DATABASE_URL_H

#include "base/attr.h"
#include "base/slice.h"

/* As they are written, with percent escapes; borrowed from the URL. Empty: not there. */
struct database_url {
    harborai_str scheme; /* with "://" */
    harborai_str user, password;
    harborai_str place; /* behind the '@', or behind the scheme */
    harborai_str parameters;
    bool has_user, has_password, has_parameters; /* '@', ':' before it, '?' */
};

/* Of any text: what is wrong with it libpq says. */
struct database_url database_url_split(harborai_str text);

/* The value of the next parameter whose name ends with "password"; `rest` goes on behind it. False: there
 * is none. */
bool database_url_next_password(harborai_str *rest, harborai_str *ret_value);

#endif
