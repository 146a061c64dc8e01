/* SPDX-License-Identifier: MIT */
/* Connecting, step by step. Must never let libcurl resolve a name or read a CA file itself: both
 * would block the loop. */
#include "transport/connect.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "transport/curl_loop.h"
#include "transport/exchange_io.h"
#include "transport/proxy.h"
#include "transport/resolver.h"
#include "transport/tls_store.h"

#define TEXT_LEN 640 /* a host twice, and a little */

enum connect_step { CONNECT_NAME, CONNECT_STORE, CONNECT_CURL };

struct connecting {
    struct connection *connection; /* NULL: given up, freed when its message comes */
    struct transport_shared *shared;
    struct list link; /* among the orphans */
    enum connect_step step;
    bool is_waiting; /* for the query's waiter to be told */
    struct resolver_query query; /* its waiter serves for the store, too */
    struct proxy proxy; /* host empty: none */
    struct curl_slist *resolve;
    int kept_fd; /* the socket that curl must leave open; -1 = none */
    int fault;   /* errno of a socket that could not be opened, which curl does not keep; or 0 */
    char curl_words[CURL_ERROR_SIZE];
};

static void next_step(struct connection *c);

static void connecting_free(struct connecting *connecting)
{
    if (connecting == NULL)
        return;
    curl_slist_free_all(connecting->resolve);
    free(connecting);
}

static void fail(struct connection *c, const harborai_error *error)
{
    counter_add(&c->transport->counters.connect_failures, 1);
    exchange_connect_failed(c, error);
}

/* --- Names and stores ----------------------------------------------------------------------- */

static void orphan_done(struct connecting *connecting)
{
    pthread_mutex_lock(&connecting->shared->lock);
    list_remove(&connecting->link);
    pthread_mutex_unlock(&connecting->shared->lock);
    connecting_free(connecting);
}

static void on_waited(struct waiter *waiter)
{
    struct resolver_query *query = CONTAINER_OF(waiter, struct resolver_query, waiter);
    struct connecting *connecting = CONTAINER_OF(query, struct connecting, query);
    connecting->is_waiting = false;
    if (connecting->connection == NULL) {
        orphan_done(connecting);
    } else if (waiter->status < 0) {
        harborai_error error = waiter->error; /* which goes with the attempt */
        fail(connecting->connection, &error);
    } else {
        connecting->step++;
        next_step(connecting->connection);
    }
}

static harborai_status ask_name(struct connection *c, harborai_error *error)
{
    struct connecting *connecting = c->connecting;
    harborai_str host = connecting->proxy.host.len > 0 ? connecting->proxy.host : c->origin->host;
    return resolver_ask(c->transport->shared->resolver, host, loop_now_ns(c->transport->loop),
                        &connecting->query, error);
}

static harborai_status ask_store(struct connection *c, harborai_error *error)
{
    if (c->origin->store == NULL)
        return HARBORAI_OK;
    return tls_store_ask(c->origin->store, &c->connecting->query.waiter, error);
}

static harborai_status wait_if_pending(struct connection *c, harborai_status st)
{
    c->connecting->is_waiting = st == WAITER_PENDING;
    return st;
}

/* --- The curl handle ------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *user, curlsocktype purpose UNUSED,
                                 struct curl_sockaddr *address)
{
    const struct connection *c = user;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (c->connecting != NULL)
        c->connecting->fault = fd < 0 ? errno : 0;
    return fd;
}

static int close_socket(void *user, curl_socket_t fd)
{
    const struct connection *c = user;
    if (c->connecting != NULL && c->connecting->kept_fd == fd)
        return 0;
    return close(fd);
}

static CURLcode set_up_tls(CURL *easy UNUSED, void *context, void *user)
{
    SSL_CTX *ssl = context;
    X509_STORE *x509 = user;
    X509_STORE_up_ref(x509);
    SSL_CTX_set_cert_store(ssl, x509);
    SSL_CTX_set_read_ahead(ssl, 1); /* else two reads for each record */
    /* What is left of a head is sent again from a copy. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return CURLE_OK;
}

/* Sessions that may be resumed, for each store its own: one that was verified by the certificates
 * of a store must not be resumed for a provider that trusts others. */
struct tls_share {
    struct list link;
    struct tls_store *store;
    CURLSH *share;
};

static CURLSH *share_of(struct transport *t, struct tls_store *store)
{
    for (struct list *item = t->tls_shares.next; item != &t->tls_shares; item = item->next)
        if (CONTAINER_OF(item, struct tls_share, link)->store == store)
            return CONTAINER_OF(item, struct tls_share, link)->share;
    struct tls_share *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return NULL;
    shared->share = curl_share_init();
    if (shared->share != NULL)
        curl_share_setopt(shared->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    shared->store = tls_store_ref(store);
    list_append(&t->tls_shares, &shared->link);
    return shared->share;
}

void connect_release_shares(struct transport *t)
{
    for (struct list *item; (item = list_pop(&t->tls_shares)) != NULL;) {
        struct tls_share *shared = CONTAINER_OF(item, struct tls_share, link);
        curl_share_cleanup(shared->share);
        tls_store_unref(shared->store);
        free(shared);
    }
}

/* "host:port:address,address" for CURLOPT_RESOLVE. */
static bool give_addresses(struct connection *c)
{
    struct connecting *connecting = c->connecting;
    const struct resolver_answer *answer = &connecting->query.answer;
    const struct proxy *proxy = &connecting->proxy;
    bool is_proxied = proxy->host.len > 0;
    harborai_str host = is_proxied ? proxy->host : c->origin->host;
    char text[RESOLVER_NAME_LEN + 16 + RESOLVER_ADDRESSES * (INET6_ADDRSTRLEN + 3)];

    if (host.len == 0 || memchr(host.data, ':', host.len) != NULL)
        return true; /* an IPv6 address, which curl reads itself */
    int len = snprintf(text, sizeof text, "%.*s:%u:", SLICE_ARG(host),
                       (unsigned)(is_proxied ? proxy->port : c->origin->port));
    for (unsigned i = 0; i < answer->count; i++) {
        bool is_v6 = strchr(answer->text[i], ':') != NULL;
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s%s%s", i > 0 ? "," : "",
                        is_v6 ? "[" : "", answer->text[i], is_v6 ? "]" : "");
    }
    connecting->resolve = curl_slist_append(NULL, text);
    return connecting->resolve != NULL;
}

static void set_address(struct connection *c)
{
    struct connecting *connecting = c->connecting;
    char url[TEXT_LEN];
    snprintf(url, sizeof url, "%s://%s/", c->origin->store != NULL ? "https" : "http",
             c->origin->label);
    curl_easy_setopt(c->easy, CURLOPT_URL, url);
    curl_easy_setopt(c->easy, CURLOPT_RESOLVE, connecting->resolve);
    curl_easy_setopt(c->easy, CURLOPT_PROXY, connecting->proxy.url); /* "" = none */
    curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(c->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
}

static void set_behaviour(struct connection *c)
{
    CURL *easy = c->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L); /* the buffer that is used is ours */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->connecting->curl_words);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, c);
    /* The limit is our timer; curl uses it to share the time among several addresses. */
    if (c->io.request.connect_timeout_ns > 0)
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                         (long)(c->io.request.connect_timeout_ns / NS_PER_MS) + 1);
}

static void set_trust(struct connection *c)
{
    struct tls_store *store = c->origin->store;
    if (store == NULL)
        return;
    /* NULL, or Debian's default has curl read 140 files for each connection. */
    curl_easy_setopt(c->easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(c->easy, CURLOPT_CAINFO, NULL);
    /* From 7.87 on a multi caches the store of its first connection and puts it in the place of
     * ours, whatever file that was. */
    curl_easy_setopt(c->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(c->easy, CURLOPT_SSL_CTX_FUNCTION, set_up_tls);
    curl_easy_setopt(c->easy, CURLOPT_SSL_CTX_DATA, tls_store_x509(store));
    curl_easy_setopt(c->easy, CURLOPT_SHARE, share_of(c->transport, store));
}

static harborai_status start_curl(struct connection *c, harborai_error *error)
{
    c->easy = curl_easy_init();
    if (c->easy == NULL || !give_addresses(c))
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left to connect to %s",
                                  c->origin->label);
    set_address(c);
    set_behaviour(c);
    set_trust(c);
    harborai_status st = curl_loop_add(c, error);
    return st < 0 ? st : WAITER_PENDING;
}

static harborai_status take_step(struct connection *c, harborai_error *error)
{
    switch (c->connecting->step) {
    case CONNECT_NAME:
        return wait_if_pending(c, ask_name(c, error));
    case CONNECT_STORE:
        return wait_if_pending(c, ask_store(c, error));
    case CONNECT_CURL:
        break;
    }
    return start_curl(c, error);
}

static void next_step(struct connection *c)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st;

    while ((st = take_step(c, &error)) == HARBORAI_OK)
        c->connecting->step++;
    if (st < 0)
        fail(c, &error);
}

void connect_start(struct connection *c)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct connecting *connecting = calloc(1, sizeof *connecting);
    if (connecting == NULL) {
        harborai_error_set(&error, HARBORAI_E_MEMORY, "no memory left to connect to %s",
                           c->origin->label);
        fail(c, &error);
        return;
    }
    c->connecting = connecting;
    connecting->connection = c;
    connecting->shared = c->transport->shared;
    connecting->kept_fd = -1;
    connecting->query.waiter.loop = c->transport->loop;
    connecting->query.waiter.on_done = on_waited;
    connecting->query.waiter.error = (harborai_error)HARBORAI_ERROR_INIT;
    connecting->proxy = proxy_for(c->transport->shared->proxies, c->origin->store != NULL,
                                  c->origin->host);
    next_step(c);
}

/* --- The end --------------------------------------------------------------------------------- */

static harborai_status take_over(struct connection *c, harborai_error *error)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd < 0)
        return harborai_error_set(error, HARBORAI_E_NETWORK, "connection to %s: closed at once",
                                  c->origin->label);
    if (c->origin->store == NULL) { /* curl has done its part: 7 KB less for each connection */
        c->connecting->kept_fd = fd;
        curl_loop_remove(c);
    } else {
        curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, NULL);
        curl_easy_setopt(c->easy, CURLOPT_RESOLVE, NULL);
    }
    harborai_status st = connection_open(c, fd, error);
    if (st < 0 && c->easy == NULL)
        close(fd);
    return st;
}

void connect_done(struct connection *c, CURLcode code)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st;

    if (code != CURLE_OK) {
        connect_explain(c, code, c->connecting->fault, c->connecting->curl_words, &error);
        fail(c, &error);
        return;
    }
    st = take_over(c, &error);
    if (st < 0) {
        fail(c, &error);
        return;
    }
    connecting_free(take(c->connecting));
    counter_add(&c->transport->counters.connects, 1);
    exchange_connected(c);
}

static bool cancel_wait(struct connecting *connecting, struct tls_store *store)
{
    if (!connecting->is_waiting)
        return true;
    if (connecting->step == CONNECT_NAME)
        return resolver_cancel(connecting->shared->resolver, &connecting->query);
    return tls_store_cancel(store, &connecting->query.waiter);
}

void connect_abandon(struct connection *c)
{
    struct connecting *connecting = c->connecting;
    if (connecting == NULL)
        return;
    if (c->easy != NULL) { /* not before curl is done with its error buffer */
        curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, NULL);
        curl_loop_remove(c);
    }
    c->connecting = NULL;
    if (cancel_wait(connecting, c->origin->store)) {
        connecting_free(connecting);
        return;
    }
    connecting->connection = NULL;
    pthread_mutex_lock(&connecting->shared->lock);
    list_append(&connecting->shared->orphans, &connecting->link);
    pthread_mutex_unlock(&connecting->shared->lock);
}

const char *connect_stage(const struct connection *c)
{
    if (c->connecting == NULL)
        return "not begun";
    if (c->connecting->step == CONNECT_NAME)
        return "its name is not resolved";
    if (c->connecting->step == CONNECT_STORE)
        return "its CA file is not read";
    return c->origin->store == NULL ? "it does not answer"
                                    : "it does not answer, or it speaks no TLS and base_url has to "
                                      "begin with http://";
}

void connect_release_orphans(struct transport_shared *shared)
{
    for (struct list *item; (item = list_pop(&shared->orphans)) != NULL;)
        connecting_free(CONTAINER_OF(item, struct connecting, link));
}
