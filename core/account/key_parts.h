/* SPDX-License-Identifier: MIT */
/* What key_list.c and key_file.c share. */
#ifndef ACCOUNT_KEY_PARTS_H
#define ACCOUNT_KEY_PARTS_H

#include "account/key_file.h"
#include "base/limits.h"

#define KEY_FILE_MAX MIB(8)

bool key_id_is_good(harborai_str id); /* [any] */

#endif
