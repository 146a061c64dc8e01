/* SPDX-License-Identifier: MIT */
/* What one call cost, as an object: costs are numbers with all their digits, what is not known is null.
 * [any] */
#ifndef SERVER_COST_JSON_H
#define SERVER_COST_JSON_H

#include "wire/json_write.h"

struct cost_json { /* borrowed */
    bool is_known;
    int64_t input_pico, output_pico, total_pico; /* -1 of the parts: not told apart */
    harborai_str currency, source, date;
    harborai_str reason; /* why it is not known */
};

void cost_json_write(struct json_writer *w, const struct cost_json *cost);

#endif
