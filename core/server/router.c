/* SPDX-License-Identifier: MIT */
/* The tables of endpoints. Short enough to be walked. */
#include "server/router.h"

#include "base/attr.h"
#include "server/api.h"

static const struct route public_routes[] = {
    {"POST", "/v1/chat/completions", ROUTE_BODY, api_chat_complete},
    {"POST", "/chat/completions", ROUTE_BODY, api_chat_complete},
    {"GET", "/v1/models", 0, api_models_list},
    {"GET", "/models", 0, api_models_list},
    {"GET", "/v1/models/", ROUTE_PREFIX, api_models_one},
    {"GET", "/models/", ROUTE_PREFIX, api_models_one},
    {"GET", "/v1/logs/query", 0, api_logs_query},
    {"GET", "/v1/logs/stats", 0, api_logs_stats},
    {"GET", "/v1/logs/", ROUTE_PREFIX, api_logs_one}, /* behind the two: the first that fits has it */
    {"GET", "/livez", ROUTE_OPEN, api_health_live},
    {"GET", "/health/liveliness", ROUTE_OPEN, api_health_live}, /* as LiteLLM has it */
    {"GET", "/readyz", ROUTE_OPEN, api_health_ready},
    {"GET", "/health/readiness", ROUTE_OPEN, api_health_ready},
    {"GET", "/health", ROUTE_OPEN, api_health_whole},
    {"GET", "/healthz", ROUTE_OPEN, api_health_whole},
    {"GET", "/v1/health", ROUTE_OPEN, api_health_whole},
    {"GET", "/stats", 0, api_stats_all},
    {"GET", "/v1/stats", 0, api_stats_all},
    {"GET", "/metrics", 0, api_metrics_all},
    {"GET", "/", 0, api_root_show},
    {"GET", "/v1/info", 0, api_root_show},
};
const struct router router_public = {public_routes, ARRAY_LEN(public_routes)};

static const struct route control_routes[] = {
    {"GET", "/plugins", 0, api_plugins_list},
    {"GET", "/plugins/", ROUTE_PREFIX, api_plugins_one},
    {"POST", "/plugins/", ROUTE_PREFIX, api_plugins_change},
    {"POST", "/rescan", 0, api_plugins_rescan},
    {"POST", "/keys/read", 0, api_keys_read},
    {"POST", "/takeover", 0, api_takeover},
};
const struct router router_control = {control_routes, ARRAY_LEN(control_routes)};

static bool has_path(const struct route *route, harborai_str path)
{
    if ((route->flags & ROUTE_PREFIX) != 0)
        return slice_starts_with(path, route->path) && path.len > strlen(route->path);
    return slice_is(path, route->path);
}

static bool has_method(const struct route *route, harborai_str method)
{
    return slice_is(method, route->method) ||
           (slice_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

/* Of all routes with the path. */
static const char *allowed(bool gets, bool posts)
{
    if (gets && posts)
        return "GET, HEAD, POST, OPTIONS";
    return posts ? "POST, OPTIONS" : gets ? "GET, HEAD, OPTIONS" : NULL;
}

int router_find(const struct router *router, harborai_str method, harborai_str path,
                struct router_match *ret_match)
{
    *ret_match = (struct router_match){NULL, SLICE_NONE, NULL};
    bool is_of_all = slice_is(path, "*"), gets = is_of_all, posts = is_of_all;
    for (size_t i = 0; i < router->count; i++) {
        const struct route *route = &router->routes[i];
        if (!has_path(route, path))
            continue;
        if (has_method(route, method)) {
            ret_match->route = route;
            ret_match->rest = slice_from(path, strlen(route->path));
            return 200;
        }
        *(strcmp(route->method, "POST") == 0 ? &posts : &gets) = true;
    }
    ret_match->allow = allowed(gets, posts);
    return ret_match->allow != NULL ? 405 : 404;
}
