/* SPDX-License-Identifier: MIT */
/* The control socket of a gateway, <state_dir>/control.sock: a server of its own on loop 0, for
 * commands about plugins (api_plugins.c). Whoever may speak there may have code loaded: the socket is
 * its owner's (0600), and nobody but he and root is listened to. A lock beside it, held as long as the
 * gateway runs, tells a gateway that lives from a socket that one left behind. Of several on one state
 * directory the first has it; when that one ends, another takes it. */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

enum { CONTROL_PATH_MAX = 108 }; /* of sockaddr_un, with the NUL */

struct budget;
struct control;
struct acceptor;
struct gate;
struct handover;
struct listener;
struct runtime;

struct control_options {
    struct runtime *runtime;
    struct budget *bodies;
    int drained_fd;         /* of gate.h */
    harborai_str state_dir; /* made if it is not there */

    const struct listener *listener; /* whose sockets another gateway may take over */
    struct acceptor *const *acceptors; /* … and those that watch them */
    unsigned acceptor_count;
    int handed_fd; /* of handover.h */
    bool is_awaited; /* this gateway is about to take over from another: control_inherit() will follow */
};

/* Listens from now on, or from when it can. Borrows what `options` points to, copies the text. E_CONFIG: there can be no
 * socket; the error says the way out. While another gateway has it the log is told, and it is tried
 * again. [init] */
MUST_CHECK harborai_status control_create(const struct control_options *options,
                                          struct control **ret_control, harborai_error *error);

/* Takes the socket's name away, and posts to the loop that no more is taken. True: another gateway has the
 * sockets of clients, so they and their names are not to be taken away from it. Accepts NULL.
 * [any but a loop] */
bool control_stop(struct control *control);
void control_cut(struct control *control); /* … that what is under way is broken off */
/* The loop does not run. */
void control_release(struct control *control);
void control_destroy(struct control *control); /* after a last pass of the loop. Accepts NULL */

/* --- Of an upgrade (takeover.h) --- */

/* The new gateway has the lock and the socket of the old one; takes both. [any but a loop] */
void control_inherit(struct control *control, int lock, int socket);

struct handover *control_handover(struct gate *gate);
/* Sends `message` with the lock, the socket and those of clients. False: it was not taken, or this gateway
 * ends. [loop] */
bool control_send_sockets(struct control *control, int to, harborai_str message);
/* That gateway has let go of them. [loop] */
void control_take_back(struct control *control);
/* [loop] */
bool control_is_ending(struct control *control);
/* Tells who has them that they are his, and lets go of the control socket. [loop] */
enum control_gift {
    CONTROL_GIVEN,
    CONTROL_ENDS,     /* this gateway was told to end, and has taken its name away: nothing to give */
    CONTROL_NOT_TAKEN /* nobody is there any more: nothing has changed */
};
enum control_gift control_give_up(struct control *control, int to);
/* The process that they are; 0: there is none, or it is not known. `control` may be NULL. [any] */
long long control_successor(const struct control *control);

/* The socket's path; false: it is too long to be one. [any] */
bool control_path(harborai_str state_dir, char path[static CONTROL_PATH_MAX]);

/* The directory of the gateway whose control the gate is. Borrowed. [loop] */
harborai_str control_state_dir(const struct gate *gate);

#endif
