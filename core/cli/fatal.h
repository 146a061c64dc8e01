/* SPDX-License-Identifier: MIT */
/* The last words of a process that a plugin ends: which one it was. */
#ifndef CLI_FATAL_H
#define CLI_FATAL_H

/* From now on a fault of a thread leaves word on stderr, and in the mark of what is being loaded; in that
 * exit() does, too. The process ends as it would have. Faults that
 * somebody handles already, such as a sanitizer, are left to them. For programs that end by main()
 * alone. [init] */
void fatal_watch(void);

#endif
