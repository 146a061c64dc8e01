/* SPDX-License-Identifier: MIT */
/* What an id is, and whether a call has it. */
#ifndef CLI_LOG_ID_H
#define CLI_LOG_ID_H

#include "cli/log_source.h"

/* Prints it. EXIT_FAILED: it has the form of none of our ids. */
enum exit_code log_id_validate(struct log_source *source, harborai_str id, bool as_json);

#endif
