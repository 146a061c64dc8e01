/* SPDX-License-Identifier: MIT */
/* Names of the test: *.test is 127.0.0.1, gone.test is not known, slow.test hangs while it is
 * held. */
#ifndef TESTS_TRANSPORT_NAMES_H
#define TESTS_TRANSPORT_NAMES_H

#include <netdb.h>
#include <stdbool.h>

void names_hold(bool hold);
void names_break(bool broken); /* no name resolves */
int names_asked(void);         /* calls of getaddrinfo() since the last time */

#endif
