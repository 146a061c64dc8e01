/* SPDX-License-Identifier: MIT */
/* Quoting for shells as POSIX has them since 2024: they know $'…'. Must never give out what one of them
 * reads as two words, or as a command. */
#include "wire/shell.h"

#include <stdio.h>

#include "json_scan.h"

/* What no shell reads anything into, wherever it stands. */
static bool is_plain(char c)
{
    static const char signs[] = "_./:@%+,-";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(signs, c) != NULL);
}

static bool is_all_plain(harborai_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!is_plain(word.data[i]))
            return false;
    return word.len > 0;
}

/* What a terminal does not show, or obeys: control characters, also U+0080 to U+009F, and what is not
 * UTF-8. */
static bool is_lost(harborai_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.data[i];
        unsigned char next = i + 1 < word.len ? (unsigned char)word.data[i + 1] : 0;
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
            return true;
    }
    return !json_is_utf8(word);
}

static void add_escaped(struct buf *to, harborai_str word)
{
    buf_add(to, HARBORAI_STR("$'"));
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.data[i];
        if (c == '\'' || c == '\\')
            buf_printf(to, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(to, "\\%03o", c);
        else
            buf_add_char(to, (char)c);
    }
    buf_add_char(to, '\'');
}

static void add_quoted(struct buf *to, harborai_str word)
{
    buf_add_char(to, '\'');
    for (size_t i = 0; i < word.len; i++)
        if (word.data[i] == '\'')
            buf_add(to, HARBORAI_STR("'\\''"));
        else
            buf_add_char(to, word.data[i]);
    buf_add_char(to, '\'');
}

void shell_add_word(struct buf *to, harborai_str word)
{
    if (is_all_plain(word))
        buf_add(to, word);
    else if (is_lost(word))
        add_escaped(to, word);
    else
        add_quoted(to, word);
}

const char *shell_word(harborai_str word, struct shell_word *room)
{
    AUTO(buf) text = BUF_INIT(sizeof room->text - 1);
    shell_add_word(&text, word);
    bool fits = buf_status(&text, NULL) == HARBORAI_OK;
    snprintf(room->text, sizeof room->text, "%.*s", fits ? (int)text.len : (int)strlen("…"),
             fits ? text.data : "…");
    return room->text;
}
