/* SPDX-License-Identifier: MIT */
/* Valid JSON has line ends between its values only, never inside a string: they are blanks. */
#include "chat/json_line.h"

#include "wire/json_write.h"

void json_line_write(struct buf *b, harborai_str json)
{
    if (json.len == 0) {
        buf_add(b, HARBORAI_STR("null"));
        return;
    }
    char *room = buf_reserve(b, json.len);
    if (room == NULL)
        return;
    size_t len = 0;
    if (memchr(json.data, '\n', json.len) == NULL && memchr(json.data, '\r', json.len) == NULL) {
        memcpy(room, json.data, json.len);
        len = json.len;
    } else {
        for (size_t i = 0; i < json.len; i++)
            if (json.data[i] != '\n' && json.data[i] != '\r')
                room[len++] = json.data[i];
    }
    buf_commit(b, len);
}

void json_line_text(struct buf *b, harborai_str text)
{
    buf_add_char(b, '"');
    json_write_escaped(b, text);
    buf_add_char(b, '"');
}
