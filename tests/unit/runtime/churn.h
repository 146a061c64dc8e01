/* SPDX-License-Identifier: MIT */
/* What tests do to plugins that serve: files put in the place of others, orders, switches. */
#ifndef TESTS_RUNTIME_CHURN_H
#define TESTS_RUNTIME_CHURN_H

#include <semaphore.h>

#include "../engine/stage.h"
#include "runtime/order.h"

/* Puts a file into the plugin directory as one should: as a new one that is renamed. Aborts on
 * failure, as all of these do. */
void churn_put(const struct stage *stage, const char *name, const char *bytes, size_t len);
/* The same with a plugin of tests/fault. */
void churn_install(const struct stage *stage, const char *plugin, const char *name);

/* How many objects are mapped whose file is, or was, called so. */
int churn_count_mapped(const struct stage *stage, const char *name);

struct churn_order {
    struct runtime_order order;
    sem_t done;
};

void churn_send(struct churn_order *o, struct stage *stage); /* o->order, as it is filled in */
void churn_give(struct churn_order *o, struct stage *stage, enum runtime_order_kind kind,
                const char *name);
harborai_status churn_await(struct churn_order *o);
/* Both. */
harborai_status churn_order(struct churn_order *o, struct stage *stage,
                            enum runtime_order_kind kind, const char *name);

/* Switches a provider off or on, by plugins.json and a rescan. */
void churn_turn(struct stage *stage, const char *provider, bool enabled);

#endif
