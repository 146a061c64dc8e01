/* SPDX-License-Identifier: MIT */
/* Bytes between two feeds. No ceiling of its own: the decoder knows what it allows. */
#include "held.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 256, KEPT_MAX = 16384 };

bool held_add(struct held *h, harborai_str bytes)
{
    if (bytes.len == 0)
        return true;
    if (h->capacity - h->len < bytes.len) {
        size_t capacity = h->capacity < SMALLEST ? SMALLEST : h->capacity;
        char *data;
        while (capacity - h->len < bytes.len) {
            if (capacity > SIZE_MAX / 2)
                return false;
            capacity += capacity / 2;
        }
        data = realloc(h->data, capacity);
        if (data == NULL)
            return false;
        h->data = data;
        h->capacity = capacity;
    }
    memcpy(h->data + h->len, bytes.data, bytes.len);
    h->len += bytes.len;
    return true;
}

void held_clear(struct held *h)
{
    h->len = 0;
    if (h->capacity > KEPT_MAX)
        held_release(h);
}

void held_release(struct held *h)
{
    free(h->data);
    *h = (struct held){NULL, 0, 0};
}
