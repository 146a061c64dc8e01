/* SPDX-License-Identifier: MIT */
/* Secrets are wiped when the last holder lets go. */
#include "base/secret.h"

#include <stdatomic.h>
#include <stdlib.h>

#define MASK_LEAST 8 /* bytes: what is shorter, such as "ollama", is no secret but may be a word */

struct secret {
    _Atomic unsigned references;
    size_t len;
    char text[];
};

static bool has_control(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

harborai_status secret_create(harborai_str text, const char *name, struct secret **ret_secret,
                              harborai_error *error)
{
    if (text.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' is empty", name);
    if (has_control(text))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' holds a line end or another control character: "
                                  "write the key alone, without a trailing newline",
                                  name);
    struct secret *secret = malloc(sizeof *secret + text.len);
    if (secret == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    atomic_init(&secret->references, 1);
    secret->len = text.len;
    memcpy(secret->text, text.data, text.len);
    *ret_secret = secret;
    return HARBORAI_OK;
}

struct secret *secret_ref(struct secret *secret)
{
    if (secret != NULL)
        atomic_fetch_add_explicit(&secret->references, 1, memory_order_relaxed);
    return secret;
}

void secret_unref(struct secret *secret)
{
    if (secret == NULL)
        return;
    if (atomic_fetch_sub_explicit(&secret->references, 1, memory_order_acq_rel) == 1) {
        explicit_bzero(secret->text, secret->len);
        free(secret);
    }
}

harborai_str secret_reveal(const struct secret *secret)
{
    return (harborai_str){secret->text, secret->len};
}

/* How much of the secret stands at `text`: the longest run that is also found in it. */
static size_t run_at(const struct secret *secret, const char *text)
{
    size_t longest = 0;
    for (size_t at = 0; at < secret->len; at++) {
        size_t len = 0;
        while (at + len < secret->len && text[len] == secret->text[at + len])
            len++;
        longest = len > longest ? len : longest;
    }
    return longest;
}

void secret_mask(const struct secret *secret, char *text)
{
    if (secret == NULL || secret->len < MASK_LEAST)
        return;
    char *to = text;
    while (*text != '\0') {
        size_t run = run_at(secret, text);
        if (run < MASK_LEAST) {
            *to++ = *text++;
            continue;
        }
        text += run;
        memcpy(to, "***", 3);
        to += 3;
    }
    *to = '\0';
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return slice_equal(secret_reveal(a), secret_reveal(b));
}
