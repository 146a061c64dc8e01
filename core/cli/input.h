/* SPDX-License-Identifier: MIT */
/* Lines from whoever sits at the terminal, edited and remembered; or plain lines from anything else.
 * One at a time in a process: the editor is libedit's, which has only one. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>

struct input {
    bool is_terminal;
    char *history; /* owned; the file, or NULL */
};

enum input_result { INPUT_LINE, INPUT_END, INPUT_INTERRUPTED };

/* `state_dir` has the history; "" : it is not kept. */
void input_open(struct input *in, const char *state_dir);
void input_close(struct input *in);

/* The next line, owned, without its end. INPUT_INTERRUPTED: Ctrl-C; what was written is dropped. */
enum input_result input_read(struct input *in, const char *prompt, char **ret_line);

#endif
