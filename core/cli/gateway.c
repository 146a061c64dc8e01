/* SPDX-License-Identifier: MIT */
/* Asks a gateway, and reads what it says. Must never take silence for consent: who does not answer is
 * complained of. */
#include "cli/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "json_scan.h"
#include "json_value.h"
#include "server/control.h"
#include "transport/local_ask.h"

#define TIMEOUT_MS 20000 /* twice what a gateway takes that loads a plugin */

void gateway_answer_release(struct gateway_answer *answer)
{
    buf_release(&answer->body);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* Whose socket it is, is who is spoken to. */
static enum gateway_state look(const char *socket)
{
    struct stat status;
    char text[128];
    if (lstat(socket, &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return GATEWAY_NONE;
        command_complain("cannot look at '%s': %s", socket, error_of_errno(errno, text));
        return GATEWAY_REFUSES;
    }
    if (S_ISSOCK(status.st_mode) && (geteuid() == 0 || status.st_uid == geteuid()))
        return GATEWAY_ANSWERS;
    command_complain("'%s' is no socket of yours: user %u owns it; be that user, or say --state-dir",
                     socket, (unsigned)status.st_uid);
    return GATEWAY_REFUSES;
}

static void complain(const struct gateway_answer *answer)
{
    AUTO(buf) words = BUF_INIT(KIB(16));
    harborai_str error = json_member(buf_slice(&answer->body), HARBORAI_STR("error"));
    gateway_add_text(error, "message", &words);
    if (words.len > 0)
        command_complain("%.*s", SLICE_ARG(buf_slice(&words)));
    else
        command_complain("the gateway answers with status %d, and no words", answer->status);
}

static bool is_good(const struct gateway_answer *answer)
{
    return answer->status == 200 || answer->status == 202;
}

/* By SIGSTOP or Ctrl-Z, not by a debugger; /proc/PID/stat: "1234 (name) T …". */
static bool is_stopped(pid_t pid)
{
    char path[40], text[128];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        close(fd);
    const char *end = len > 0 ? memrchr(text, ')', (size_t)len) : NULL;
    return end != NULL && end + 2 < text + len && end[2] == 'T';
}

/* One that cannot answer is not waited for. */
static bool can_answer(pid_t pid)
{
    if (pid == 0 || !is_stopped(pid))
        return true;
    command_complain("the gateway, process %ld, is stopped: 'kill -CONT %ld' has it go on", (long)pid,
                     (long)pid);
    return false;
}

static void complain_of_silence(const char *socket, pid_t pid)
{
    if (pid == 0)
        command_complain("the gateway at '%s' does not answer within %d s: see its log, or end it",
                         socket, TIMEOUT_MS / 1000);
    else if (can_answer(pid))
        command_complain("the gateway, process %ld, does not answer within %d s: see its log; 'kill %ld' "
                         "ends it when its calls have ended, 'kill -KILL %ld' at once", (long)pid,
                         TIMEOUT_MS / 1000, (long)pid, (long)pid);
}

/* One that ended just then is asked again what only tells: whether it is there now. */
static harborai_status ask(const char *socket, const char *method, const char *path,
                           struct gateway_answer *answer, harborai_error *error)
{
    harborai_status st = HARBORAI_E_NETWORK;
    for (int i = 0; st == HARBORAI_E_NETWORK && i < (strcmp(method, "GET") == 0 ? 2 : 1); i++) {
        buf_clear(&answer->body);
        st = local_ask(socket, method, path, TIMEOUT_MS, &answer->status, &answer->body, error);
    }
    return st;
}

enum gateway_state gateway_ask(harborai_str state_dir, const char *method, const char *path,
                               struct gateway_answer *answer)
{
    char socket[CONTROL_PATH_MAX];
    harborai_error error = HARBORAI_ERROR_INIT;
    if (state_dir.len == 0 || !control_path(state_dir, socket))
        return GATEWAY_NONE; /* nor can a gateway have it */
    enum gateway_state state = look(socket);
    if (state != GATEWAY_ANSWERS)
        return state;
    pid_t pid = local_listener(socket);
    if (!can_answer(pid))
        return GATEWAY_REFUSES;
    switch (ask(socket, method, path, answer, &error)) {
    case HARBORAI_OK: break;
    case HARBORAI_E_CLOSED: return GATEWAY_NONE; /* it was left behind by one that was killed */
    case HARBORAI_E_TIMEOUT: complain_of_silence(socket, pid); return GATEWAY_REFUSES;
    default: command_complain("%s", error.message); return GATEWAY_REFUSES;
    }
    if (json_scan(buf_slice(&answer->body), NULL, NULL, NULL) < 0) {
        command_complain("what answers at '%s' is no gateway", socket);
        return GATEWAY_REFUSES;
    }
    if (is_good(answer))
        return GATEWAY_ANSWERS;
    complain(answer);
    return GATEWAY_REFUSES;
}

enum gateway_state gateway_ask_about(harborai_str state_dir, const char *method, const char *name,
                                     const char *more, struct gateway_answer *answer)
{
    AUTO(buf) path = BUF_INIT(KIB(64));
    harborai_str given = slice_of(name);
    bool is_path = memchr(name, '/', given.len) != NULL && slice_ends_with(given, ".so");
    char *resolved = is_path ? realpath(name, NULL) : NULL;
    buf_add(&path, HARBORAI_STR("/plugins/"));
    local_add_encoded(&path, resolved != NULL ? slice_of(resolved) : given);
    buf_add(&path, slice_of(more));
    buf_add_char(&path, '\0');
    free(resolved);
    if (buf_status(&path, NULL) < 0) {
        command_complain("the name is too long");
        return GATEWAY_REFUSES;
    }
    return gateway_ask(state_dir, method, path.data, answer);
}

enum exit_code gateway_exit_of(const struct gateway_answer *answer)
{
    return answer->status == 400 || answer->status == 404 ? EXIT_USAGE : EXIT_FAILED;
}

/* ---- Reading --------------------------------------------------------------------------------- */

void gateway_add_text(harborai_str object, const char *key, struct buf *to)
{
    harborai_str value = json_member(object, slice_of(key)), text;
    char *room = value.len > 0 ? buf_reserve(to, value.len) : NULL;
    if (room == NULL || json_string(value, room, value.len, &text) < 0)
        return;
    memmove(room, text.data, text.len);
    buf_commit(to, text.len);
}

int64_t gateway_number(harborai_str object, const char *key)
{
    int64_t number = 0;
    (void)json_int64(json_member(object, slice_of(key)), &number);
    return number;
}

bool gateway_warns(const struct gateway_answer *answer)
{
    AUTO(buf) words = BUF_INIT(KIB(16));
    gateway_add_text(buf_slice(&answer->body), "warning", &words);
    if (words.len > 0)
        command_complain("it is written down, but the gateway could not heed it: %.*s; it tries again at "
                         "SIGHUP, and when something changes there", SLICE_ARG(buf_slice(&words)));
    return words.len > 0;
}

enum exit_code gateway_print(const struct gateway_answer *answer, bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    gateway_add_text(buf_slice(&answer->body), "text", &text);
    if (as_json)
        printf("%.*s\n", SLICE_ARG(buf_slice(&answer->body)));
    else
        printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    enum exit_code code = command_finish();
    if (gateway_warns(answer))
        return EXIT_FAILED;
    return code == EXIT_OK && answer->status == 202 ? EXIT_TIME_LIMIT : code;
}
