/* SPDX-License-Identifier: MIT */
/* What a terminal can show: its width, the width of a text on it, and texts of strangers without
 * what would command it. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/buf.h"

/* Columns of the terminal behind a descriptor, or what COLUMNS says; 0: it is none. */
size_t terminal_width(int fd);

/* Columns that a line takes; East Asian wide characters take two. */
size_t terminal_width_of(harborai_str line);

/* Adds text so that it cannot command a terminal: escape sequences, other control characters and
 * what is not UTF-8 become visible signs. Line ends and tabs stay; of CR LF the LF. */
void terminal_add_text(struct buf *out, harborai_str text);

/* The same for one line: line ends and tabs become visible too. */
void terminal_add_line(struct buf *out, harborai_str text);

#endif
