/* SPDX-License-Identifier: MIT */
/* A blocking transfer by libcurl to a socket of this machine. Must never follow what the environment
 * says of proxies. */
#include "transport/local_ask.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

#define HOST "http://harborai" /* of the Host header alone */

static size_t on_body(char *data, size_t size UNUSED, size_t len, void *user)
{
    struct buf *answer = user;
    buf_add(answer, (harborai_str){data, len});
    return answer->failed < 0 ? 0 : len;
}

static void set_up(CURL *easy, const char *socket, const char *method, int64_t timeout_ms,
                   struct buf *answer, char words[static CURL_ERROR_SIZE])
{
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
}

/* That nobody is there is one reason of several: of the others a caller must hear. */
static harborai_status explain_connect(CURL *easy, const char *socket, harborai_error *error)
{
    const char *why = "it takes no more connections now: ask again"; /* EAGAIN is lost on the way */
    char text[128];
    long fault = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &fault);
    if (fault == ENOENT || fault == ENOTDIR || fault == ECONNREFUSED)
        return harborai_error_set(error, HARBORAI_E_CLOSED, "nobody listens at '%s'", socket);
    if (fault != 0 && fault != EAGAIN)
        why = error_of_errno((int)fault, text);
    return harborai_error_set(error, HARBORAI_E_NETWORK, "cannot connect to '%s': %s", socket, why);
}

static harborai_status perform(CURL *easy, const char *socket, const char *words, int *ret_status,
                               harborai_error *error)
{
    long status = 0;
    CURLcode code = curl_easy_perform(easy);
    const char *why = words[0] != '\0' ? words : curl_easy_strerror(code);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    *ret_status = (int)status;
    if (code == CURLE_OK)
        return HARBORAI_OK;
    if (code == CURLE_COULDNT_CONNECT)
        return explain_connect(easy, socket, error);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return harborai_error_set(error, HARBORAI_E_TIMEOUT, "the gateway does not answer at '%s'",
                                  socket);
    return harborai_error_set(error, HARBORAI_E_NETWORK, "cannot ask the gateway at '%s': %s",
                              socket, why);
}

harborai_status local_ask(const char *socket, const char *method, const char *path,
                          int64_t timeout_ms, int *ret_status, struct buf *answer,
                          harborai_error *error)
{
    AUTO(buf) url = BUF_INIT(KIB(64));
    char words[CURL_ERROR_SIZE] = "";
    buf_printf(&url, HOST "%s", path);
    buf_add_char(&url, '\0');
    CURL *easy = curl_easy_init();
    harborai_status st = easy != NULL ? buf_status(&url, error)
                                      : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (st == HARBORAI_OK) {
        set_up(easy, socket, method, timeout_ms, answer, words);
        curl_easy_setopt(easy, CURLOPT_URL, url.data);
        st = perform(easy, socket, words, ret_status, error);
    }
    curl_easy_cleanup(easy);
    return st;
}

/* Of a listening socket the kernel keeps who called listen(), whether or not he accepts. */
pid_t local_listener(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {.pid = 0};
    socklen_t len = sizeof peer;
    size_t path_len = strlen(path);
    int fd = path_len < sizeof address.sun_path
                 ? socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
                 : -1;
    if (fd < 0)
        return 0;
    memcpy(address.sun_path, path, path_len);
    bool is_known = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    close(fd);
    return is_known ? peer.pid : 0;
}

void local_add_encoded(struct buf *path, harborai_str name)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c != '\0' && strchr(plain, c) != NULL)
            buf_add_char(path, c);
        else
            buf_printf(path, "%%%02X", (unsigned)(unsigned char)c);
    }
}
