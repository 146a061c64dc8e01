/* SPDX-License-Identifier: MIT */
/* Widths, and texts made harmless. Must never print. */
#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/slice.h"

size_t terminal_width(int fd)
{
    struct winsize size = {0};
    uint64_t columns;
    if (slice_to_u64(slice_of(getenv("COLUMNS")), &columns) && columns > 0)
        return (size_t)columns;
    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* The next character, and how many bytes it takes; of what is not UTF-8 one byte and WEOF. */
static size_t next_character(harborai_str text, size_t at, wint_t *ret_character)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t len = mbrtowc(&wide, text.data + at, text.len - at, &state);
    if (len == 0 || len > text.len - at) {
        *ret_character = len == 0 ? L'\0' : WEOF;
        return 1;
    }
    *ret_character = (wint_t)wide;
    return len;
}

size_t terminal_width_of(harborai_str line)
{
    size_t width = 0;
    for (size_t i = 0; i < line.len;) {
        wint_t character;
        i += next_character(line, i, &character);
        int columns = character != WEOF ? wcwidth((wchar_t)character) : 1;
        width += columns > 0 ? (size_t)columns : 0;
    }
    return width;
}

/* U+2400 to U+241F show the control characters, U+2421 shows DEL, U+FFFD what is no character. */
static void add_sign(struct buf *out, wint_t character)
{
    if (character < 0x20) {
        buf_add(out, HARBORAI_STR("\xe2\x90"));
        buf_add_char(out, (char)(0x80 + character));
    } else if (character == 0x7f) {
        buf_add(out, HARBORAI_STR("\xe2\x90\xa1"));
    } else {
        buf_add(out, HARBORAI_STR("\xef\xbf\xbd"));
    }
}

static bool is_control(wint_t character)
{
    return character == WEOF || character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static void add(struct buf *out, harborai_str text, bool is_line)
{
    for (size_t i = 0; i < text.len;) {
        wint_t character;
        size_t len = next_character(text, i, &character);
        bool is_kept = !is_control(character) ||
                       (!is_line && (character == L'\n' || character == L'\t'));
        bool is_before_lf = character == L'\r' && i + 1 < text.len && text.data[i + 1] == '\n';
        if (is_kept)
            buf_add(out, (harborai_str){text.data + i, len});
        else if (is_line || !is_before_lf)
            add_sign(out, character);
        i += len;
    }
}

void terminal_add_text(struct buf *out, harborai_str text)
{
    add(out, text, false);
}

void terminal_add_line(struct buf *out, harborai_str text)
{
    add(out, text, true);
}
