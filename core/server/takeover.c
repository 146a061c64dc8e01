/* SPDX-License-Identifier: MIT */
/* The new gateway's part of an upgrade. Must never take silence for consent: while the old one may still
 * serve, this one gives up. */
#include "server/takeover.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "json_scan.h"
#include "json_value.h"
#include "server/control.h"

#define ANSWER_LIMIT_S 20
#define WORD_LIMIT_S (TAKEOVER_LIMIT_S + 5) /* longer than the old one waits: it knows first */
#define ANSWER_MAX KIB(64)

static const char request[] = "POST /takeover HTTP/1.1\r\n"
                              "host: harborai\r\n"
                              "connection: upgrade, close\r\n"
                              "upgrade: " TAKEOVER_PROTOCOL "\r\n"
                              "content-length: 0\r\n\r\n";

static void set_limit(int fd, int seconds)
{
    struct timeval limit = {.tv_sec = seconds};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* "the gateway that runs, process 1234": the subject of what goes wrong. */
static const char *name_of(const struct takeover *t, char text[static 64])
{
    if (t->process > 0)
        snprintf(text, 64, "the gateway that runs, process %ld,", (long)t->process);
    else
        snprintf(text, 64, "the gateway that runs");
    return text;
}

static harborai_status refuse_silent(const struct takeover *t, int seconds, harborai_error *error)
{
    char who[64];
    return harborai_error_set(error, HARBORAI_E_TIMEOUT,
                              "%s does not answer within %d s: see its log; it was left as it is",
                              name_of(t, who), seconds);
}

/* ---- The connection -------------------------------------------------------------------------- */

/* Sockets of another user's are not for us, nor is what he would have us serve with. */
static harborai_status check_peer(struct takeover *t, const char *path, harborai_error *error)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    bool is_known = getsockopt(t->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (is_known && (peer.uid == geteuid() || geteuid() == 0)) {
        t->process = peer.pid;
        return HARBORAI_OK;
    }
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "the gateway at '%s' is user %u's: be that user, or say --state-dir",
                              path, (unsigned)peer.uid);
}

static harborai_status reach(struct takeover *t, harborai_str state_dir, harborai_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[128];
    if (state_dir.len == 0 || !control_path(state_dir, address.sun_path))
        return harborai_error_set(error, HARBORAI_E_CLOSED, "there is no control socket");
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->fd < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot make a socket: %s",
                                  error_of_errno(errno, text));
    set_limit(t->fd, ANSWER_LIMIT_S);
    if (connect(t->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return check_peer(t, address.sun_path, error);
    if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
        return harborai_error_set(error, HARBORAI_E_CLOSED, "no gateway listens at '%s'",
                                  address.sun_path);
    if (errno == EAGAIN)
        return refuse_silent(t, ANSWER_LIMIT_S, error);
    return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot connect to '%s': %s",
                              address.sun_path, error_of_errno(errno, text));
}

/* ---- The sockets ----------------------------------------------------------------------------- */

static bool is_whole(const struct buf *answer)
{
    return slice_starts_with(buf_slice(answer), "HTTP/1.1 101 ") &&
           memmem(answer->data, answer->len, "\r\n\r\n", 4) != NULL;
}

/* Up to the end of the head of an agreement, or of all that a refusal says. */
static harborai_status read_answer(struct takeover *t, struct buf *answer, harborai_error *error)
{
    char text[128], who[64];
    ssize_t len = 1;
    while (len > 0 && !is_whole(answer)) {
        char *room = buf_reserve(answer, KIB(4));
        if (room == NULL)
            break;
        len = fd_pass_receive(t->fd, room, KIB(4), &t->passed);
        if (len > 0)
            buf_commit(answer, (size_t)len);
        else if (len < 0 && errno == EINTR)
            len = 1;
    }
    if (len < 0 && errno == EAGAIN)
        return refuse_silent(t, ANSWER_LIMIT_S, error);
    if (len < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot read what %s answers: %s",
                                  name_of(t, who), error_of_errno(errno, text));
    return buf_status(answer, error);
}

/* The words of an error's JSON; where there are none, as of a version that knows no upgrades, ours. */
static harborai_status refuse(const struct takeover *t, harborai_str answer, harborai_error *error)
{
    char who[64], room[400];
    const char *body = memmem(answer.data, answer.len, "\r\n\r\n", 4);
    harborai_str words = SLICE_NONE;
    bool is_known = !slice_starts_with(answer, "HTTP/1.1 404 ");
    if (body != NULL && is_known) {
        harborai_str json = slice_from(answer, (size_t)(body + 4 - answer.data));
        if (json_scan(json, NULL, NULL, NULL) < 0)
            json = HARBORAI_STR("{}");
        harborai_str value = json_member(json_member(json, HARBORAI_STR("error")),
                                         HARBORAI_STR("message"));
        if (value.len == 0 || json_string(value, room, sizeof room, &words) < 0)
            words = SLICE_NONE;
    }
    if (answer.len == 0)
        words = HARBORAI_STR("it ended while it was asked; start this one again");
    else if (words.len == 0)
        words = HARBORAI_STR("its version knows no upgrades; stop it, and start this one");
    return harborai_error_set(error, HARBORAI_E_CONFIG, "%s does not give its sockets: %.*s",
                              name_of(t, who), SLICE_ARG(words));
}

static harborai_status receive(struct takeover *t, harborai_error *error)
{
    AUTO(buf) answer = BUF_INIT(ANSWER_MAX);
    char text[128], who[64];
    if (send(t->fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)sizeof request - 1)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot ask %s: %s", name_of(t, who),
                                  error_of_errno(errno, text));
    harborai_status st = read_answer(t, &answer, error);
    if (st < 0)
        return st;
    if (is_whole(&answer) && t->passed.count > TAKEOVER_FD_FIRST)
        return HARBORAI_OK;
    return refuse(t, buf_slice(&answer), error);
}

harborai_status takeover_ask(harborai_str state_dir, struct takeover *ret_takeover,
                             harborai_error *error)
{
    struct takeover t = {.fd = -1};
    harborai_status st = reach(&t, state_dir, error);
    if (st == HARBORAI_OK)
        st = receive(&t, error);
    if (st < 0)
        takeover_release(&t);
    else
        *ret_takeover = t;
    return st;
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Its length; 0: the connection ended; -1. */
static ssize_t read_word(int fd, char *word, size_t size)
{
    size_t have = 0;
    ssize_t len = 1;
    while (len > 0 && have < size && memchr(word, '\n', have) == NULL) {
        len = recv(fd, word + have, size - have, 0);
        if (len < 0 && errno == EINTR)
            len = 1;
        else if (len > 0)
            have += (size_t)len;
    }
    return len <= 0 ? len : (ssize_t)have;
}

harborai_status takeover_finish(struct takeover *takeover, bool *ret_has_control, harborai_error *error)
{
    char word[16] = "", who[64];
    set_limit(takeover->fd, WORD_LIMIT_S);
    *ret_has_control = false;
    if (send(takeover->fd, TAKEOVER_READY, strlen(TAKEOVER_READY), MSG_NOSIGNAL) < 0 && errno == EAGAIN)
        return refuse_silent(takeover, WORD_LIMIT_S, error);
    ssize_t len = read_word(takeover->fd, word, sizeof word);
    harborai_str said = {word, len > 0 ? (size_t)len : 0};
    if (len < 0 && errno == EAGAIN)
        return refuse_silent(takeover, WORD_LIMIT_S, error);
    *ret_has_control = slice_is(said, TAKEOVER_DONE);
    /* A connection that ends without a word: the process that had it is gone. */
    if (*ret_has_control || slice_is(said, TAKEOVER_ENDING) || len <= 0)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_TIMEOUT,
                              "%s goes on: this one was not ready within %d s of its sockets; see "
                              "what holds it up, and start it again", name_of(takeover, who),
                              TAKEOVER_LIMIT_S);
}

void takeover_release(struct takeover *takeover)
{
    fd_passed_release(&takeover->passed);
    if (takeover->fd >= 0)
        close(takeover->fd);
    takeover->fd = -1;
}
