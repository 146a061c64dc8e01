/* SPDX-License-Identifier: MIT */
/* What is wrong with a configuration: all of it at once, in the order of the file. [one thread] */
#ifndef CONFIG_FAULTS_H
#define CONFIG_FAULTS_H

#include "base/arena.h"
#include "base/attr.h"

#define CONFIG_FAULTS_MAX 100    /* more help nobody; `total` counts on */
#define CONFIG_WARNINGS_MAX 1000 /* an answer for each variable of a foreign .env file */

/* Where a value was written. `file` may be a variable or a flag instead ("HARBORAI_PORT",
 * "--port"): then line and column are 0. NULL: nobody knows. */
struct config_place {
    const char *file;
    unsigned line, column; /* from 1, column in characters; 0 = none */
};

struct config_fault {
    const char *file;
    unsigned line, column;
    const char *message;
};

struct config_faults {
    struct arena arena; /* owns the list and what it says */
    unsigned count, total;
    unsigned room, most; /* of the list */
    struct config_fault *items;
};

void config_faults_init(struct config_faults *faults);         /* for CONFIG_FAULTS_MAX */
void config_faults_init_warnings(struct config_faults *faults); /* for CONFIG_WARNINGS_MAX */
void config_faults_release(struct config_faults *faults);

/* Copies place and message. Control characters of both, C1 too, and what is not UTF-8 become '?',
 * for they may quote a file, and get to a terminal.
 * A fault for which there is no room or no memory is counted all the same. */
PRINTF(3, 4)
void config_faults_add(struct config_faults *faults, struct config_place place, const char *format,
                       ...);

/* "file:line:col: message", without what is 0 or empty, cut to `size` bytes with the NUL. */
void config_fault_format(const struct config_fault *fault, char *text, size_t size);

/* E_CONFIG: the first fault, and how many more there are. */
harborai_status config_faults_summarise(const struct config_faults *faults, harborai_error *error);

#endif
