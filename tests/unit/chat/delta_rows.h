/* SPDX-License-Identifier: MIT */
/* Short ways to write deltas in tables. */
#ifndef UNIT_CHAT_DELTA_ROWS_H
#define UNIT_CHAT_DELTA_ROWS_H

#include <harborai/plugin.h>

#define D_TEXT_OF(what, choice, literal)                                                           \
    {sizeof(harborai_delta), HARBORAI_DELTA_##what, (choice), 0, 0, 0,                             \
     HARBORAI_STR_INIT(literal), {NULL, 0}, {NULL, 0}}
#define D_CALL(choice, index, id, name, input)                                                     \
    {sizeof(harborai_delta), HARBORAI_DELTA_TOOL_CALL, (choice), (index), 0, 0,                    \
     HARBORAI_STR_INIT(input), HARBORAI_STR_INIT(id), HARBORAI_STR_INIT(name)}
#define D_INPUT(choice, index, input)                                                              \
    {sizeof(harborai_delta), HARBORAI_DELTA_TOOL_INPUT, (choice), (index), 0, 0,                   \
     HARBORAI_STR_INIT(input), {NULL, 0}, {NULL, 0}}
#define D_END(choice, reason)                                                                      \
    {sizeof(harborai_delta), HARBORAI_DELTA_END, (choice), 0, HARBORAI_FINISH_##reason, 0,         \
     {NULL, 0}, {NULL, 0}, {NULL, 0}}

#define ANSWER_ID                                                                                  \
    {HARBORAI_STR_INIT("chatcmpl-1"), HARBORAI_STR_INIT("acme/a\"b"),                              \
     HARBORAI_STR_INIT("com.example.acme"), 17}

#endif
