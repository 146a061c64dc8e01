/* SPDX-License-Identifier: MIT */
/* Secrets are wiped when the last holder lets go. */
#include "base/secret.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

size_t secret_run_at(const struct secret *secret, harborai_str text)
{
    size_t longest = 0;
    for (size_t at = 0; at < secret->len; at++) {
        size_t len = 0;
        while (len < text.len && at + len < secret->len && text.data[len] == secret->text[at + len])
            len++;
        longest = len > longest ? len : longest;
    }
    return longest;
}

/* Two bytes that follow each other, as one of 1024 bits. */
static unsigned pair_of(const char *text)
{
    return ((unsigned char)text[0] * 31u + (unsigned char)text[1]) % 1024;
}

size_t secret_mask_in(const struct secret *secret, char *text, size_t len)
{
    uint64_t pairs[16] = {0}; /* that stand in the secret, and others */
    size_t from = 0, to = 0;
    if (secret == NULL || secret->len < SECRET_LEAST)
        return len;
    for (size_t i = 0; i + 1 < secret->len; i++) {
        unsigned pair = pair_of(secret->text + i);
        pairs[pair / 64] |= UINT64_C(1) << pair % 64;
    }
    while (len - from >= SECRET_LEAST) {
        /* The last pair of the run that could begin here: it is the first of one seven bytes on. */
        unsigned pair = pair_of(text + from + SECRET_LEAST - 2);
        bool may_begin = (pairs[pair / 64] >> pair % 64 & 1) != 0;
        harborai_str rest = {text + from, len - from};
        size_t run = may_begin ? secret_run_at(secret, rest) : 0;
        size_t step = may_begin ? 1 : SECRET_LEAST - 1;
        if (run >= SECRET_LEAST) {
            memcpy(text + to, "***", 3);
            to += 3;
            from += run;
        } else {
            memmove(text + to, text + from, step);
            to += step;
            from += step;
        }
    }
    memmove(text + to, text + from, len - from);
    return to + len - from;
}

void secret_mask(const struct secret *secret, char *text)
{
    if (text != NULL)
        text[secret_mask_in(secret, text, strlen(text))] = '\0';
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return slice_equal(secret_reveal(a), secret_reveal(b));
}
