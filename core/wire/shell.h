/* SPDX-License-Identifier: MIT */
/* Words of a shell's, for commands that a message suggests: what is pasted from it has to mean what it
 * shows, whatever stands in a name. [any] */
#ifndef WIRE_SHELL_H
#define WIRE_SHELL_H

#include "base/buf.h"

/* Adds the word: as it is where a shell leaves it alone, else 'in quotes'; with characters in it that do
 * not survive a terminal, as $'\x1b'. */
void shell_add_word(struct buf *to, harborai_str word);

struct shell_word {
    char text[256];
};

/* The same as a C string, in `room`. Of a word that is too long for a message it is "…", which is no file
 * and does no harm. */
const char *shell_word(harborai_str word, struct shell_word *room);

#endif
