/* SPDX-License-Identifier: MIT */
/* no_symbol: a manifest without the function that it promises. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.no-symbol",
    "version": "1.0.0",
    "provider": "no-symbol",
    "dynamic_models": true
});

HARBORAI_EXPORT int fault_other_symbol(void);
int fault_other_symbol(void)
{
    return 0;
}
