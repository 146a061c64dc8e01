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

/* Whether an escape begins at `at`: its backslash is not the second one of another. */
static bool begins_escape(harborai_str inside, size_t at)
{
    size_t count = 0;
    while (count <= at && inside.data[at - count] == '\\')
        count++;
    return count % 2 == 1;
}

size_t json_line_cut(harborai_str inside, size_t most)
{
    size_t len = most;
    if (inside.len <= most)
        return inside.len;
    while (len > 0 && ((unsigned char)inside.data[len] & 0xc0) == 0x80)
        len--;
    for (size_t back = 1; back <= 5 && back <= len; back++) {
        size_t at = len - back;
        if (inside.data[at] == '\\' && begins_escape(inside, at))
            return back < (inside.data[at + 1] == 'u' ? 6u : 2u) ? at : len;
    }
    return len;
}

void json_line_text(struct buf *b, harborai_str text)
{
    buf_add_char(b, '"');
    json_write_escaped(b, text);
    buf_add_char(b, '"');
}
