/* SPDX-License-Identifier: MIT */
/* Whether a crash leaves a core: it has all memory in it, with keys and what is being said. [init] */
#ifndef CLI_CORE_DUMP_H
#define CLI_CORE_DUMP_H

/* None from now on, neither a file nor one for a handler. Processes that are begun inherit it. */
void core_dump_forbid(void);

/* One again, as large as whoever started us lets it be. */
void core_dump_allow(void);

#endif
