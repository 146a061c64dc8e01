/* SPDX-License-Identifier: MIT */
/* Secrets are wiped when the last holder lets go. */
#include "base/secret.h"

#include <stdatomic.h>
#include <stdlib.h>

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

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return slice_equal(secret_reveal(a), secret_reveal(b));
}
