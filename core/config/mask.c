/* SPDX-License-Identifier: MIT */
/* Guesses what is secret, by names first. Must never show what it is not sure of. */
#include "config/mask.h"

#include <strings.h>

#include "base/buf.h"
#include "base/limits.h"

static const char hidden[] = "***";

/* ---- Names -------------------------------------------------------------------------------- */

static const char *const secret_words[] = {
    "key",  "token",  "secret", "pass",    "pwd",       "credential",
    "auth", "bearer", "cookie", "session", "signature", NULL};

/* Where the first secret word ends in `text`; 0: there is none. */
static size_t find_secret_word(harborai_str text)
{
    for (size_t at = 0; at < text.len; at++)
        for (const char *const *word = secret_words; *word != NULL; word++) {
            size_t len = strlen(*word);
            if (len <= text.len - at && strncasecmp(text.data + at, *word, len) == 0)
                return at + len;
        }
    return 0;
}

bool mask_is_secret_name(harborai_str name)
{
    return find_secret_word(name) > 0;
}

/* ---- Texts -------------------------------------------------------------------------------- */

/* How keys of well-known makers begin. */
static bool looks_like_key(harborai_str text)
{
    static const char *const beginnings[] = {"sk-", "Bearer ", "bearer ", "Basic ", "basic ", "eyJ",
                                             "AKIA", "ghp_", "-----BEGIN"};
    for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
        if (slice_starts_with(text, beginnings[i]))
            return true;
    return false;
}

/* "Authorization: Bearer …", "https://h/?api_key=…", "--token=…" */
static bool names_a_value(harborai_str text)
{
    for (size_t end; (end = find_secret_word(text)) > 0;) {
        text = slice_from(text, end);
        for (size_t i = 0; i < text.len && strchr(" \t\n,;&", text.data[i]) == NULL; i++)
            if (text.data[i] == ':' || text.data[i] == '=')
                return true;
    }
    return false;
}

/* One word of a text, with what stands before its last '@' left out if it could be
 * user:password. */
static void add_word(struct buf *out, harborai_str word)
{
    const char *at = word.len > 0 ? memrchr(word.data, '@', word.len) : NULL;
    harborai_str user = slice_cut(word, at != NULL ? (size_t)(at - word.data) : 0);
    const char *scheme = user.len > 0 ? memmem(user.data, user.len, "://", 3) : NULL;
    size_t start = scheme != NULL ? (size_t)(scheme - user.data) + 3 : 0;
    if (scheme == NULL && (user.len == 0 || memchr(user.data, ':', user.len) == NULL)) {
        buf_add(out, word);
        return;
    }
    buf_add(out, slice_cut(word, start));
    buf_add(out, HARBORAI_STR(hidden));
    buf_add(out, slice_from(word, user.len));
}

static bool hide_users(struct node *node, struct arena *arena)
{
    AUTO(buf) out = BUF_INIT(LIMIT_CONFIG_FILE);
    harborai_str rest = node->text;
    if (rest.len == 0 || memchr(rest.data, '@', rest.len) == NULL)
        return true;
    while (rest.len > 0) {
        size_t len = 0;
        while (len < rest.len && strchr(" \t\n\"'", rest.data[len]) == NULL)
            len++;
        add_word(&out, slice_cut(rest, len));
        if (len < rest.len)
            buf_add_char(&out, rest.data[len++]);
        rest = slice_from(rest, len);
    }
    node->text = out.failed == HARBORAI_OK ? arena_copy(arena, buf_slice(&out)) : SLICE_NONE;
    return node->text.data != NULL;
}

/* ---- The tree ----------------------------------------------------------------------------- */

static bool mask_scalar(struct node *node, struct arena *arena, bool is_secret)
{
    if (node->kind == NODE_NULL || node->kind == NODE_BOOL)
        return true;
    if (is_secret || node->is_secret || looks_like_key(slice_trim(node->text)) ||
        names_a_value(node->text)) {
        node->kind = NODE_STRING;
        node->text = HARBORAI_STR(hidden);
        return true;
    }
    return hide_users(node, arena);
}

/* { name: X-Api-Key, value: … } */
static bool is_named_secret(const struct node *mapping)
{
    const struct node *name = node_member(mapping, HARBORAI_STR("name"));
    return name != NULL && node_is_scalar(name) && mask_is_secret_name(name->text);
}

/* As deep as the reader let the file be. */
static bool mask(struct node *node, struct arena *arena, bool is_secret)
{
    if (node_is_scalar(node))
        return mask_scalar(node, arena, is_secret);
    is_secret = is_secret || is_named_secret(node);
    for (struct node *child = node->first; child != NULL; child = child->next)
        if (!mask(child, arena, is_secret || mask_is_secret_name(child->key)))
            return false;
    return true;
}

bool mask_tree(struct node *node, struct arena *arena)
{
    return mask(node, arena, false);
}

bool mask_is_hidden(const struct node *node)
{
    return node_is_scalar(node) && slice_is(node->text, hidden);
}
