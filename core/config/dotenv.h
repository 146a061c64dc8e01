/* SPDX-License-Identifier: MIT */
/* A .env file: variables that count where the environment does not set them.
 *     NAME=value          to the end of the line, without blanks around it; " #" begins a comment
 *     export NAME=value   the same
 *     NAME='value'        as it stands, over several lines if need be
 *     NAME="value"        the same, with \n \r \t \" \\ and \$
 * Nothing in a value is replaced and no command is run. */
#ifndef CONFIG_DOTENV_H
#define CONFIG_DOTENV_H

#include "config/environment.h"
#include "config/faults.h"

#define DOTENV_SIZE_MAX ((size_t)256 << 10)
#define DOTENV_VARIABLES_MAX 1000 /* the search for duplicates is quadratic */

struct dotenv_variable {
    harborai_str name, value;   /* a NUL stands behind each */
    struct config_place place;  /* of the name */
    struct config_place value_place;
    struct dotenv_variable *next;
};

struct dotenv {
    struct dotenv_variable *first, *last;
    size_t count;
};

/* Reads `text` into `arena`. `file` is for messages and must live as long as the variables. What is
 * wrong becomes a fault, one a line, and the rest is read. E_MEMORY only. */
MUST_CHECK harborai_status dotenv_read(struct arena *arena, const char *file, harborai_str text,
                                       struct config_faults *faults, struct dotenv *ret_dotenv,
                                       harborai_error *error);

/* NULL: it is not in there. */
const struct dotenv_variable *dotenv_find(const struct dotenv *dotenv, harborai_str name);

/* Overwrites the values, which may be keys. */
void dotenv_wipe(struct dotenv *dotenv);

/* The environment with a .env file below it: what is set, be it to nothing, is not looked for in
 * the file. Both borrowed. */
struct dotenv_environment {
    struct environment environment; /* first: a pointer to it is one to the whole */
    const struct environment *above;
    const struct dotenv *below;
};

void dotenv_environment_init(struct dotenv_environment *layered, const struct environment *above,
                             const struct dotenv *below);

#endif
