/* SPDX-License-Identifier: MIT */
/* Of every program but a harborai that was configured by --with-builtin-plugins: that has builtin_ltdl.c
 * before this. */
#include "plugin/builtin.h"

const struct builtin_plugins *builtin_of_program(void)
{
    return NULL;
}
