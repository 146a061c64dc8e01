/* SPDX-License-Identifier: MIT */
/* Headers of plugins on their way out. What is written here may hold keys: it is never logged. */
#include "plugin/header_lines.h"

#include <string.h>

static bool is_token(harborai_str name)
{
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    strchr("!#$%&'*+-.^_`|~", c) != NULL;
        if (c == '\0' || !good)
            return false;
    }
    return true;
}

static bool is_clean(harborai_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7f)
            return false;
    return true;
}

static bool is_hosts_own(harborai_str name)
{
    static const char *const names[] = {"host", "content-length", "accept-encoding", "connection",
                                        "transfer-encoding"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

static void add_line(struct buf *lines, harborai_str name, harborai_str value)
{
    buf_add(lines, name);
    buf_add(lines, HARBORAI_STR(": "));
    buf_add(lines, value);
    buf_add(lines, HARBORAI_STR("\r\n"));
}

/* `value` with its first "%s" replaced by the secret. */
static void add_secret_line(struct buf *lines, const harborai_header *h, const struct secret *secret)
{
    const char *place = memmem(h->value.data, h->value.len, "%s", 2);
    buf_add(lines, h->name);
    buf_add(lines, HARBORAI_STR(": "));
    if (place == NULL) {
        buf_add(lines, h->value);
    } else {
        size_t before = (size_t)(place - h->value.data);
        buf_add(lines, slice_cut(h->value, before));
        buf_add(lines, secret_reveal(secret));
        buf_add(lines, slice_from(h->value, before + 2));
    }
    buf_add(lines, HARBORAI_STR("\r\n"));
}

/* Ends with a NUL, also if it is empty. */
static harborai_str variable_of(const struct provider *p, harborai_str secret)
{
    const struct manifest_secret *declared = manifest_secret_find(p->manifest, secret);
    return declared != NULL && declared->env.len > 0 ? declared->env : HARBORAI_STR("");
}

static harborai_status add_header(const struct provider *p, struct buf *lines,
                                  const harborai_header *h, harborai_error *error)
{
    if (!is_token(h->name) || is_hosts_own(h->name) || !is_clean(h->value) ||
        h->name.len + h->value.len > HEADER_LINES_MAX_SIZE)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' gave header '%.*s', which is not allowed: lower case, "
                                  "no control characters, none of the host's own",
                                  p->manifest->id.data, SLICE_ARG(slice_cut(h->name, 64)));
    if (h->secret.len == 0 || slice_is(h->secret, "*")) {
        add_line(lines, h->name, h->value);
        return HARBORAI_OK;
    }
    const struct provider_secret *secret = provider_secret_find(p, h->secret);
    if (secret == NULL)
        return harborai_error_set(error, HARBORAI_E_AUTH, "provider '%s' has no secret '%.*s'%s%s",
                                  p->name.data, SLICE_ARG(h->secret),
                                  variable_of(p, h->secret).len > 0 ? ": set " : "",
                                  variable_of(p, h->secret).data);
    if (secret->value != NULL) /* api_key: none leaves the header out */
        add_secret_line(lines, h, secret->value);
    return HARBORAI_OK;
}

struct named {
    bool content_type, user_agent, traceparent;
};

static void note_name(struct named *named, harborai_str name)
{
    named->content_type |= slice_is(name, "content-type");
    named->user_agent |= slice_is(name, "user-agent");
    named->traceparent |= slice_is(name, "traceparent");
}

harborai_status header_lines_write(const struct provider *provider, const harborai_header *headers,
                                   size_t count, bool has_body, harborai_str trace_parent,
                                   struct buf *lines, harborai_error *error)
{
    struct named named = {0};
    if (count > HEADER_LINES_MAX_COUNT)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' gave more than %d headers",
                                  provider->manifest->id.data, HEADER_LINES_MAX_COUNT);
    for (size_t i = 0; i < count; i++) {
        harborai_status st = add_header(provider, lines, &headers[i], error);
        if (st < 0)
            return st;
        note_name(&named, headers[i].name);
    }
    if (!named.content_type && has_body)
        add_line(lines, HARBORAI_STR("content-type"), HARBORAI_STR("application/json"));
    if (!named.user_agent)
        add_line(lines, HARBORAI_STR("user-agent"), HARBORAI_STR("harborai/" PACKAGE_VERSION));
    if (!named.traceparent && trace_parent.len > 0)
        add_line(lines, HARBORAI_STR("traceparent"), trace_parent);
    return buf_status(lines, error);
}
