/* SPDX-License-Identifier: MIT */
/* The tables of endpoints. Short enough to be walked. */
#include "server/router.h"

#include "base/attr.h"
#include "server/api.h"

static const struct route public_routes[] = {
    {"POST", "/v1/chat/completions", false, true, api_chat_complete},
    {"POST", "/chat/completions", false, true, api_chat_complete},
    {"GET", "/v1/models", false, false, api_models_list},
    {"GET", "/models", false, false, api_models_list},
    {"GET", "/v1/models/", true, false, api_models_one},
    {"GET", "/models/", true, false, api_models_one},
    {"GET", "/v1/logs/query", false, false, api_logs_query},
    {"GET", "/v1/logs/stats", false, false, api_logs_stats},
    {"GET", "/v1/logs/", true, false, api_logs_one}, /* behind the two: the first that fits has it */
    {"GET", "/livez", false, false, api_health_live},
    {"GET", "/health/liveliness", false, false, api_health_live}, /* as LiteLLM has it */
    {"GET", "/readyz", false, false, api_health_ready},
    {"GET", "/health/readiness", false, false, api_health_ready},
    {"GET", "/health", false, false, api_health_whole},
    {"GET", "/healthz", false, false, api_health_whole},
    {"GET", "/v1/health", false, false, api_health_whole},
    {"GET", "/stats", false, false, api_stats_all},
    {"GET", "/v1/stats", false, false, api_stats_all},
    {"GET", "/metrics", false, false, api_metrics_all},
    {"GET", "/", false, false, api_root_show},
    {"GET", "/v1/info", false, false, api_root_show},
};
const struct router router_public = {public_routes, ARRAY_LEN(public_routes)};

static const struct route control_routes[] = {
    {"GET", "/plugins", false, false, api_plugins_list},
    {"GET", "/plugins/", true, false, api_plugins_one},
    {"POST", "/plugins/", true, false, api_plugins_change},
    {"POST", "/rescan", false, false, api_plugins_rescan},
    {"POST", "/keys/read", false, false, api_keys_read},
};
const struct router router_control = {control_routes, ARRAY_LEN(control_routes)};

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

/* Of all routes with the path. */
static const char *allowed(bool gets, bool posts)
{
    return gets && posts ? "GET, HEAD, POST" : posts ? "POST" : gets ? "GET, HEAD" : NULL;
}

int router_find(const struct router *router, harborai_str method, harborai_str path,
                struct router_match *ret_match)
{
    *ret_match = (struct router_match){NULL, SLICE_NONE, NULL};
    bool gets = false, posts = false;
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
