/* SPDX-License-Identifier: MIT */
/* What a call cost: its usage, priced by the first source that knows the model. Today that is the
 * plugin; the operator's book will come before it and the shipped books after it. [any] */
#ifndef ACCOUNT_COST_H
#define ACCOUNT_COST_H

#include <harborai/plugin.h>

#include "base/slice.h"
#include "pricing/tariff.h"

struct cost_query {
    const harborai_plugin *plugin; /* borrowed; NULL = none */
    harborai_provider *provider;   /* of the plugin's, may be NULL */
    harborai_str prices_date;      /* the manifest's "x-prices-date": when its prices were checked */
    harborai_str model;            /* the vendor's name */
    harborai_str service_tier;     /* as the vendor said it; empty = standard */
    int64_t at_unix_s;             /* the moment of the call */
};

struct cost {
    enum tariff_reason reason; /* TARIFF_KNOWN: pico holds; else why it is unknown, and pico is 0 */
    int usage_class;           /* with TARIFF_CLASS_NO_PRICE: the class without a price; else -1 */
    int64_t pico;
    int64_t pico_input, pico_output; /* its parts: what was sent (with fees), what was produced */
    char currency[8];  /* ISO 4217; "" if no source has a price */
    char source[160];  /* "plugin:org.harborai.openai 0.1.0"; "" likewise */
    char date[16];     /* of the source's prices, "2026-11-21"; "" = not known */
};

void cost_of(const struct cost_query *query, const harborai_usage *usage, struct cost *ret_cost);

#endif
