/* SPDX-License-Identifier: MIT */
/* The table of endpoints. Short enough to be walked. */
#include "server/router.h"

#include "base/attr.h"
#include "server/api.h"

static const struct route routes[] = {
    {"POST", "/v1/chat/completions", false, api_chat_complete},
    {"POST", "/chat/completions", false, api_chat_complete},
    {"GET", "/v1/models", false, api_models_list},
    {"GET", "/models", false, api_models_list},
    {"GET", "/v1/models/", true, api_models_one},
    {"GET", "/models/", true, api_models_one},
    {"GET", "/health", false, api_status_health},
    {"GET", "/metrics", false, api_status_metrics},
};

bool route_takes_body(const struct route *route)
{
    return strcmp(route->method, "POST") == 0;
}

static bool has_path(const struct route *route, harborai_str path)
{
    if (route->is_prefix)
        return slice_starts_with(path, route->path) && path.len > strlen(route->path);
    return slice_is(path, route->path);
}

static bool has_method(const struct route *route, harborai_str method)
{
    return slice_is(method, route->method) ||
           (slice_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

int router_find(harborai_str method, harborai_str path, struct router_match *ret_match)
{
    *ret_match = (struct router_match){NULL, SLICE_NONE, NULL};
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const struct route *route = &routes[i];
        if (!has_path(route, path))
            continue;
        if (has_method(route, method)) {
            ret_match->route = route;
            ret_match->rest = slice_from(path, strlen(route->path));
            return 200;
        }
        ret_match->allow = route_takes_body(route) ? "POST" : "GET, HEAD";
    }
    return ret_match->allow != NULL ? 405 : 404;
}
