/* SPDX-License-Identifier: MIT */
#ifndef CLI_GNUTLS_H
#define CLI_GNUTLS_H

/* Called by libgnutls when it is mapped: 1 = it must not start of itself. [init] */
__attribute__((visibility("default"))) int gnutls_skip_start(void)
    __asm__("_gnutls_global_init_skip");

#endif
