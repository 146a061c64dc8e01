/* SPDX-License-Identifier: MIT */
/* The parts of an exchange: exchange.c (life and limits), exchange_send.c, exchange_read.c. */
#ifndef TRANSPORT_EXCHANGE_IO_H
#define TRANSPORT_EXCHANGE_IO_H

#include "transport/connection.h"

/* --- exchange.c --- */

void exchange_on_ready(struct watch *watch, uint32_t events);
void exchange_on_due(struct timer *timer);
void exchange_again(struct connection *c); /* what connection_again() asked for */
void exchange_report_starved(struct transport *t);

void exchange_connected(struct connection *c);
void exchange_connect_failed(struct connection *c, const harborai_error *error);

/* Closes the connection, then tells the owner, if there still is one. */
void exchange_fail(struct connection *c, enum exchange_fault fault, const harborai_error *error);
/* The answer is complete: keeps or closes the connection, then tells the owner. */
void exchange_finish(struct connection *c, bool may_keep);
/* Sets the timer if a limit ends before it. */
void exchange_arm(struct connection *c);

/* --- exchange_send.c --- */

/* Sends the head and as much as goes; a failure shows when the answer is read. */
void exchange_send(struct connection *c);
/* Goes on. */
void exchange_send_rest(struct connection *c);

/* --- exchange_read.c --- */

void exchange_read(struct connection *c);

#endif
