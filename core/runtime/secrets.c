/* SPDX-License-Identifier: MIT */
/* Every secret that is in use: what the configuration says, and what providers have from the environment,
 * also those that leave, whose calls may go on. For the places that mask by value. [keeper] */
#include "wire/secrets.h"

#include "config/database_url.h"
#include "runtime/state.h"

static harborai_status add_providers(struct runtime *runtime, struct secrets *to,
                                     harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    pthread_mutex_lock(&runtime->lock);
    for (struct list *i = runtime->living.next; i != &runtime->living && st >= 0; i = i->next) {
        const struct provider *p = CONTAINER_OF(i, struct runtime_provider, living)->slot->provider;
        for (size_t j = 0; j < p->secret_count && st >= 0; j++)
            st = secrets_add(to, p->secrets[j].value, error);
    }
    pthread_mutex_unlock(&runtime->lock);
    return st;
}

static harborai_status add_database(const struct config_postgres *postgres, struct secrets *to,
                                    harborai_error *error)
{
    harborai_status st = secrets_add(to, postgres->password.text, error);
    if (st < 0 || postgres->url.text == NULL)
        return st;
    struct database_url url = database_url_split(secret_reveal(postgres->url.text));
    st = secrets_add_text(to, url.password, error);
    for (harborai_str value; st >= 0 && database_url_next_password(&url.parameters, &value);)
        st = secrets_add_text(to, value, error);
    return st;
}

static harborai_status add_all(struct runtime *runtime, const struct config *config,
                               struct secrets *to, harborai_error *error)
{
    harborai_status st = add_providers(runtime, to, error);
    for (size_t i = 0; i < config->provider_count && st >= 0; i++)
        st = secrets_add(to, config->providers[i].api_key, error);
    return st >= 0 ? add_database(&config->postgres, to, error) : st;
}

harborai_status secrets_gather(struct runtime *runtime, const struct config *config,
                               struct secrets **ret_secrets, harborai_error *error)
{
    struct secrets *secrets = secrets_create();
    harborai_status st = secrets != NULL
                             ? add_all(runtime, config, secrets, error)
                             : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (st < 0)
        secrets_unref(secrets);
    else
        *ret_secrets = secrets;
    return st;
}
