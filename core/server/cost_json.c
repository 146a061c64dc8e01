/* SPDX-License-Identifier: MIT */
/* Writes a cost. Must never write 0 for what is not known. */
#include "server/cost_json.h"

void cost_json_write(struct json_writer *w, const struct cost_json *cost)
{
    bool is_known = cost->is_known;
    json_write_object(w);
    json_write_key_scaled_or_null(w, "input_cost", is_known ? cost->input_pico : -1, 12);
    json_write_key_scaled_or_null(w, "output_cost", is_known ? cost->output_pico : -1, 12);
    json_write_key_scaled_or_null(w, "total_cost", is_known ? cost->total_pico : -1, 12);
    json_write_key_text_or_null(w, "currency", cost->currency);
    json_write_key_text_or_null(w, "pricing_source", cost->source);
    json_write_key_text_or_null(w, "pricing_timestamp", cost->date);
    if (!is_known)
        json_write_key_text_or_null(w, "reason", cost->reason);
    json_write_end(w);
}
