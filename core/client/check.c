/* SPDX-License-Identifier: MIT */
/* What can be told of a call before it is made. Asks nobody, loads nothing. */
#include <string.h>

#include "base/limits.h"
#include "client/client.h"
#include "registry/model_map.h"

static harborai_status check(const struct model_map *models, const char *model, const char *provider,
                             harborai_error *error)
{
    AUTO(buf) name = BUF_INIT(KIB(64));
    struct route_view route;
    if (provider != NULL) {
        harborai_status st = model_map_check_provider(models, slice_of(provider), error);
        if (st < 0 || model == NULL)
            return st;
    }
    buf_add(&name, slice_of(model));
    if (provider != NULL && (model_map_find(models, buf_slice(&name), &route) < 0 ||
                             !slice_is(route.provider, provider))) {
        buf_clear(&name);
        buf_printf(&name, "%s/%s", provider, model);
    }
    if (buf_status(&name, error) < 0)
        return name.failed;
    if (model_map_find(models, buf_slice(&name), &route) < 0)
        return model_map_explain(models, buf_slice(&name), MODEL_MAP_IN_PROCESS, error);
    return provider_check_secrets(route.slot->provider, error);
}

/* A client never changes its configuration, so its models stay as long as it is open. */
harborai_status harborai_client_check(harborai_client *client, const char *model,
                                      const char *provider, harborai_error *error)
{
    if (model == NULL && provider == NULL)
        return harborai_error_set(error, HARBORAI_E_INVALID, "neither a model nor a provider to check");
    harborai_status st = client_enter(client, false, error);
    if (st < 0)
        return st;
    st = check(runtime_models(client->runtime), model, provider, error);
    client_leave(client);
    return st;
}
