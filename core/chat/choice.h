/* SPDX-License-Identifier: MIT */
/* A choice of a whole answer, read in one walk. [any] */
#ifndef CHAT_CHOICE_H
#define CHAT_CHOICE_H

#include "chat/message.h"

struct chat_choice {
    harborai_str value;          /* all of it; only an object has the rest */
    struct json_member reason;   /* finish_reason, of several the last; kind NONE: absent */
    harborai_str first_reason;   /* … and the first */
    struct chat_message message; /* of several objects the last */
};

/* The next one; false = no more. */
bool choice_next(struct json_cursor *choices, struct chat_choice *ret);

#endif
