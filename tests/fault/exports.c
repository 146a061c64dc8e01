/* SPDX-License-Identifier: MIT */
/* exports: names that are nobody's business. */
#include <harborai/plugin.h>

HARBORAI_EXPORT int fault_first_symbol(void);
HARBORAI_EXPORT int fault_second_symbol(void);

int fault_first_symbol(void)
{
    return 0;
}

int fault_second_symbol(void)
{
    return 0;
}
