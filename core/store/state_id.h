/* SPDX-License-Identifier: MIT */
/* What a state directory is called where the journals of many come together: <state_dir>/id, a UUID that is
 * made once. Who copies the directory for another gateway leaves that file out. [job] */
#ifndef STORE_STATE_ID_H
#define STORE_STATE_ID_H

#include "base/attr.h"
#include "base/slice.h"

/* Reads it, or makes it. E_CONFIG: it cannot be made, or is no UUID; the message names the file. */
MUST_CHECK harborai_status state_id_read(harborai_str state_dir, char ret_id[static 37],
                                         harborai_error *error);

#endif
