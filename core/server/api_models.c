/* SPDX-License-Identifier: MIT */
/* GET /v1/models and /v1/models/{id}: what can be asked for. Reads the map of models of this pass;
 * loads no plugin. */
#include "chat/error_json.h"
#include "plugin/provider.h"
#include "plugin/slot.h"
#include "runtime/runtime.h"
#include "server/api.h"
#include "server/gate.h"
#include "server/percent.h"
#include "server/reply.h"
#include "wire/json_write.h"

/* As `harborai list-models --json` has it: a model without its key is listed, as such. */
static void write_availability(struct json_writer *w, const struct slot *slot)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool available = provider_check_secrets(slot->provider, &error) == HARBORAI_OK;
    json_write_key(w, HARBORAI_STR("available"));
    json_write_bool(w, available);
    if (!available)
        json_write_key_string(w, "missing", slice_of(error.message));
}

/* OpenAI's object, and what we know besides: the manifest's entry has windows and prices. */
static void write_model(struct json_writer *w, harborai_str name, const struct route_view *route)
{
    const struct manifest_model *model = route->model;
    json_write_object(w);
    json_write_key_string(w, "id", name);
    json_write_key_string(w, "object", HARBORAI_STR("model"));
    json_write_key_int64(w, "created", 0); /* not known; the member is not optional */
    json_write_key_string(w, "owned_by", route->provider);
    if (model != NULL && model->context > 0)
        json_write_key_int64(w, "context_window", model->context);
    if (model != NULL && model->max_output > 0)
        json_write_key_int64(w, "max_output_tokens", model->max_output);
    json_write_key(w, HARBORAI_STR("harborai"));
    json_write_object(w);
    json_write_key_string(w, "provider", route->provider);
    json_write_key_string(w, "upstream_model", route->upstream);
    write_availability(w, route->slot);
    if (model != NULL && model->json.len > 0) {
        json_write_key(w, HARBORAI_STR("model"));
        json_write_raw(w, model->json);
    }
    json_write_end(w);
    json_write_end(w);
}

static void reply_json(struct conn *conn, const struct buf *json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (buf_status(json, &error) < 0)
        reply_refuse(conn, 503, "out_of_memory", "%s", error.message);
    else
        reply_whole(conn, &(struct reply){.status = 200, .body = buf_slice(json)});
}

void api_models_list(struct conn *conn, harborai_str rest UNUSED)
{
    AUTO(buf) json = BUF_INIT(LIMIT_RESPONSE_BODY);
    struct json_writer w = JSON_WRITER(&json);
    size_t count = 0;
    const struct model_listing *list =
        model_map_list(runtime_models(conn->gate->runtime), &count);

    json_write_object(&w);
    json_write_key_string(&w, "object", HARBORAI_STR("list"));
    json_write_key(&w, HARBORAI_STR("data"));
    json_write_array(&w);
    for (const struct model_listing *m = list; m < list + count; m++)
        if (m->enabled && auth_shows(conn, m->name, m->provider, m->upstream))
            write_model(&w, m->name,
                        &(struct route_view){m->slot, m->provider, m->upstream, m->model, true});
    json_write_end(&w);
    json_write_end(&w);
    reply_json(conn, &json);
}

static void show(struct conn *conn, harborai_str name)
{
    const struct model_map *models = runtime_models(conn->gate->runtime);
    struct route_view route;

    bool is_there = model_map_find(models, name, &route) >= 0;
    if (is_there ? !auth_shows(conn, name, route.provider, route.upstream)
                 : !auth_shows(conn, SLICE_NONE, SLICE_NONE, SLICE_NONE)) {
        reply_refuse(conn, 404, "model_not_found",
                     "The model '%.*s' does not exist, or this key may not use it",
                     SLICE_ARG(slice_cut(name, 200)));
        return;
    }
    if (!is_there) {
        harborai_error error = HARBORAI_ERROR_INIT;
        (void)model_map_explain(models, name, MODEL_MAP_OVER_HTTP, &error);
        reply_whole(conn, &(struct reply){.status = error_json_status(&error), .error = &error});
        return;
    }
    AUTO(buf) json = BUF_INIT(MIB(1));
    struct json_writer w = JSON_WRITER(&json);
    write_model(&w, name, &route);
    reply_json(conn, &json);
}

void api_models_one(struct conn *conn, harborai_str rest)
{
    AUTO(buf) name = BUF_INIT(HTTP_TARGET_MAX);
    if (percent_decode(rest, &name))
        show(conn, buf_slice(&name));
    else
        reply_refuse(conn, 400, "bad_request", "the model's name is not percent-encoded properly");
}
