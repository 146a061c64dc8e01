/* SPDX-License-Identifier: MIT */
/* The last words of a process that a plugin ends: which one it was. */
#ifndef CLI_FATAL_H
#define CLI_FATAL_H

/* From now on a fault of a thread, and exit(), leave word of the plugin that runs there, on stderr and in
 * the marks of what is being loaded. The process ends as it would have, with a core dump of the fault.
 * Faults that somebody handles already, such as a sanitizer, are left to them. For programs that end by
 * main() alone; a process that one of theirs forks ends without a word. [init] */
void fatal_watch(void);

#endif
