/* SPDX-License-Identifier: MIT */
/* second_note: linked to another plugin, it makes a file with two manifests. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.second",
    "version": "1.0.0",
    "provider": "second",
    "dynamic_models": true
});
