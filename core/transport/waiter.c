/* SPDX-License-Identifier: MIT */
/* Tells waiters on their own loops. Must never touch one after its message was posted. */
#include "transport/waiter.h"

static void on_message(struct message *message)
{
    struct waiter *waiter = CONTAINER_OF(message, struct waiter, message);
    waiter->on_done(waiter);
}

void waiter_finish_all(struct list *waiters, harborai_status status, const harborai_error *error)
{
    for (struct list *item; (item = list_pop(waiters)) != NULL;) {
        struct waiter *waiter = CONTAINER_OF(item, struct waiter, link);
        waiter->status = status;
        if (status < 0)
            waiter->error = *error;
        waiter->message.run = on_message;
        loop_post(waiter->loop, &waiter->message);
    }
}
