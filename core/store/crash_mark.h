/* SPDX-License-Identifier: MIT */
/* Marks of danger: before code of a plugin runs for the first time a small file in
 * <state_dir>/loading/ says which plugin that is and what it is about to do, and when it has come back
 * the file goes. If the process dies meanwhile the file stays, and is the record of it: processes that
 * start later leave that plugin out, until somebody enables it or another file is in its place.
 *
 *     {"guilty":0,"version":1,"file":"/…/acme.so","id":"com.example.acme","stage":"create",
 *      "since":"2026-11-22T10:00:00Z","inode":1,"size":2,"modified_ns":3}
 *
 * Several plugins may be in danger at once. The thread that ends the process by a fault of its own, or by
 * exit(), says so in its mark, and in those of the others that they are innocent, if the program asks for
 * it (crash_mark_accuse(), crash_mark_acquit()). If nobody knows whose fault it is, as after SIGKILL or a
 * crash in a thread that runs no plugin, all are suspected: one that has spoiled memory is seldom there
 * when that tells, and a gateway without a plugin is better than one that ends again and again.
 *
 * A live process keeps its marks locked by flock(), which the kernel gives up with the process, however
 * that ends: process numbers come again, and mean nothing in another container.
 *
 * Nothing waits for the disk: what a process wrote outlives it in the page cache. After a loss of power
 * the mark may be there or not, and the plugin had no part in that. */
#ifndef STORE_CRASH_MARK_H
#define STORE_CRASH_MARK_H

#include <pthread.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

/* Which file it is about; more than one plugin may be in it. Not its device, whose number may be another after each mount, nor the time
 * of its last change of mode or owner: the bytes decide. Nor a digest: who puts the same bytes there
 * again wants them to be tried again. */
struct crash_subject {
    harborai_str file, id; /* absolute; the plugin's id */
    uint64_t inode;
    int64_t size, modified_ns;
};

/* As it stands in a mark. */
enum crash_verdict { CRASH_SUSPECTED, CRASH_GUILTY, CRASH_ACQUITTED };

/* ---- Writing -------------------------------------------------------------------------------- */

/* Those of one process. */
struct crash_marks {
    char *directory; /* owned */
    pthread_mutex_t lock;
    struct list set;
    int64_t born_ns;
    unsigned count; /* so far: with the above, and the process, their names */
    bool is_over;
};

/* One function at a time has it. Zeroed at first. */
struct crash_mark {
    struct list link;
    int fd;     /* owned; locked; of `path` */
    char *path; /* owned; NULL: it is not set */
    _Atomic int *place; /* of `fd`, where handlers look; NULL: there is none */
};

/* Makes no directory yet. E_MEMORY. [init] */
MUST_CHECK harborai_status crash_marks_init(struct crash_marks *marks, harborai_str state_dir,
                                            const struct clock *clock, harborai_error *error);
/* Zeroed ones too. */
void crash_marks_release(struct crash_marks *marks);

/* Says what is about to be done; a mark that is set already says that from now on. An error: there is
 * no mark, which is no reason not to go on. [job] */
MUST_CHECK harborai_status crash_mark_set(struct crash_marks *marks, struct crash_mark *mark,
                                          const struct crash_subject *subject, const char *stage,
                                          const struct clock *clock, harborai_error *error);
/* It has come back. Does nothing to a mark that is not set. [job] */
void crash_mark_clear(struct crash_marks *marks, struct crash_mark *mark);

/* The process ends by its own will, whoever has not come back: all marks go, and none is set any
 * more. [any] */
void crash_marks_withdraw(struct crash_marks *marks);

/* For handlers of signals and of exit(), but not in a child of fork(), to which the marks do not belong:
 * this thread ends the process. What it has set, if anything, and
 * not cleared, is guilty, and then all that others have set is innocent. [any, async-signal-safe] */
void crash_mark_accuse(void);
/* Whose fault it is is known, and no mark tells of that: all are innocent. [any, async-signal-safe] */
void crash_mark_acquit(void);

/* ---- Reading -------------------------------------------------------------------------------- */

/* A mark whose process is dead. Texts have a NUL behind them. */
struct crash {
    struct crash_subject subject;
    harborai_str stage, since; /* "create", "2026-11-22T10:00:00Z" */
    harborai_str path;         /* of the mark */
    enum crash_verdict verdict;
};

/* Those that there are and are not innocent, in `arena`, in the order of their names. What is no mark,
 * or cannot be read, is passed over: that keeps nobody from starting. [init] or [job] */
const struct crash *crash_list(harborai_str state_dir, struct arena *arena, size_t *ret_count);

bool crash_is_of(const struct crash *crash, const struct crash_subject *subject);

/* Takes away those of the plugin; how many told against it. E_INTERNAL: one cannot be removed. [job] */
MUST_CHECK harborai_status crash_forget(harborai_str state_dir, harborai_str id, size_t *ret_count,
                                        harborai_error *error);

/* Takes away what tells nothing any more: those of the innocent and of files in whose place another one
 * is, what is no mark, of which the log hears (`plugin.bad_mark`), and, after a minute, what was never
 * finished. Never what a live process has. What cannot be removed stays. [init] */
void crash_tidy(harborai_str state_dir, const struct clock *clock, const struct log *log);

#endif
