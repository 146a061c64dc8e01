/* SPDX-License-Identifier: MIT */
/* TLS: whom we trust. Keys and certificates are made here, by the openssl command. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "caller.h"
#include "names.h"
#include "peer.h"
#include "transport/http_wait.h"

extern const CU_TestInfo tls_tests[];

static struct caller caller;
static struct peer peer;
static struct asked asked;
static char folder[] = "/tmp/check_transport.XXXXXX";

static const char make_certificates[] =
    "set -e; cd \"$1\"; exec >log 2>&1\n"
    "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    " -keyout $1.key -out $1.pem -subj /CN=$1; }\n"
    "cert() { # name, authority, days, names\n"
    "  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $1.key"
    " -out $1.csr -subj /CN=$1\n"
    "  echo \"subjectAltName=$4\" >$1.ext\n"
    "  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days $3"
    " -extfile $1.ext -out $1.pem; }\n"
    "ca ca; ca foreign\n"
    "cert good ca 2 IP:127.0.0.1,DNS:good.test\n"
    "cert expired ca -1 IP:127.0.0.1\n"
    "cert name ca 2 DNS:other.test\n"
    "cert stranger foreign 2 IP:127.0.0.1\n";

static void run_shell(const char *script)
{
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, "sh", folder, (char *)NULL);
        _exit(127);
    }
    CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid && status == 0);
}

static const char *path(const char *name)
{
    static char paths[8][96];
    static int next;
    char *text = paths[next++ % 8];
    snprintf(text, sizeof paths[0], "%s/%s", folder, name);
    return text;
}

static void serve_hi(struct peer_side *side)
{
    while (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static struct tls_store *store_of(const char *file)
{
    struct tls_store *store = NULL;
    CU_ASSERT_FATAL(tls_store_get(caller.shared, slice_of(path(file)), &store, NULL) == 0);
    return store;
}

static void begin(const char *name, const char *ca)
{
    static char cert[64], key[64];
    snprintf(cert, sizeof cert, "%s/%s.pem", folder, name);
    snprintf(key, sizeof key, "%s/%s.key", folder, name);
    peer = (struct peer){.serve = serve_hi, .cert_file = cert, .key_file = key};
    peer_start(&peer);
    caller_start(&caller);
    asked_init(&asked, &caller, peer.port, "{\"a\":1}");
    asked_set_url(&asked, "https://127.0.0.1:PORT/v1", peer.port);
    asked.request.tls = store_of(ca);
}

static void end(void)
{
    asked_release(&asked);
    tls_store_unref((struct tls_store *)(uintptr_t)asked.request.tls);
    caller_stop(&caller);
    peer_stop(&peer);
}

static void test_good(void)
{
    begin("good", "ca.pem");
    for (int i = 0; i < 3; i++)
        CU_ASSERT(asked_gives(&asked, "hi") && asked.x.reused == (i > 0));
    CU_ASSERT(transport_counters(caller.transport)->connects == 1);
    asked.request.fresh = true; /* with a resumed session */
    CU_ASSERT(asked_gives(&asked, "hi") && !asked.x.reused);
    CU_ASSERT(atomic_load(&peer.resumed) == 1);
    asked.request.fresh = false;
    asked_set_url(&asked, "https://GOOD.test:PORT/v1", peer.port);
    CU_ASSERT(asked_gives(&asked, "hi"));
    end();
}

static const struct {
    const char *name, *cert, *ca, *message;
    harborai_status code;
} refusals[] = {
    {"expired", "expired", "ca.pem", "its certificate has expired", HARBORAI_E_NETWORK},
    {"wrong name", "name", "ca.pem", "its certificate is for another name", HARBORAI_E_NETWORK},
    {"foreign authority", "stranger", "ca.pem", "/ca.pem'; set tls.ca_file or providers.",
     HARBORAI_E_NETWORK},
    {"no such CA file", "good", "nothing.pem",
     "nothing.pem': No such file or directory; set tls.ca_file", HARBORAI_E_CONFIG},
    {"a CA file without certificates", "good", "good.key", "holds no certificate in PEM format",
     HARBORAI_E_CONFIG},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        begin(refusals[i].cert, refusals[i].ca);
        for (int again = 0; again < 2; again++) {
            asked_start(&asked);
            ROW(refusals[i].name, asked_wait(&asked) && asked.fails == 1);
            ROW(refusals[i].name, asked.fault == EXCHANGE_NOT_SENT && asked.x.bytes_sent == 0);
            ROW(refusals[i].name, asked.error.code == refusals[i].code);
        ROW(refusals[i].name, strstr(asked.error.message, refusals[i].message) != NULL);
        }
        if (asked.error.code == HARBORAI_E_CONFIG)
            ROW(refusals[i].name, atomic_load(&peer.accepted) == 0);
        end();
    }
}

/* A session that was verified with one file must not be resumed, nor its connection be used, for
 * one that trusts another. */
static void test_stores_are_apart(void)
{
    struct tls_store *ca, *foreign;
    begin("good", "ca.pem");
    CU_ASSERT(asked_gives(&asked, "hi"));
    ca = (struct tls_store *)(uintptr_t)asked.request.tls;
    foreign = store_of("foreign.pem");
    asked.request.tls = foreign;
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
    asked.request.tls = ca;
    CU_ASSERT(asked_gives(&asked, "hi") && asked.x.reused);
    tls_store_unref(foreign);
    end();
}

enum { LARGE = 8 << 20 };

static void serve_echo_length(struct peer_side *side)
{
    char head[4096], answer[64];
    size_t got = 0, n;
    do {
        n = peer_read(side, head + got, 1);
        got += n;
    } while (n == 1 && (got < 4 || memcmp(head + got - 4, "\r\n\r\n", 4) != 0));
    usleep(20000); /* the socket's buffers fill */
    char *room = malloc(65536);
    size_t len = 0;
    while (len < LARGE && (n = peer_read(side, room, 65536)) > 0)
        for (size_t i = 0; i < n; i++, len++)
            if (room[i] != (char)(len % 251))
                len = 2 * (size_t)LARGE;
    free(room);
    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n%7zu", len);
    peer_say(side, answer);
    peer_request(side);
}

/* In pieces of one byte to some records, each of which may meet a full socket. */
static void test_large_request(void)
{
    static harborai_str pieces[LARGE / KIB(1)];
    size_t count = 0, part;
    char *body = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)(i % 251);
    for (size_t at = 0; at < LARGE; at += part, count++) {
        part = count % 40 == 39 ? KIB(300) : count % 7 == 0 ? 1 : count * 7919 % KIB(20) + 1;
        part = part < LARGE - at ? part : LARGE - at;
        pieces[count] = (harborai_str){body + at, part};
    }
    begin("good", "ca.pem");
    peer.serve = serve_echo_length;
    asked.body = (harborai_str){body, LARGE};
    CU_ASSERT(asked_gives(&asked, "8388608"));
    asked.request.body = pieces;
    asked.request.body_count = count;
    asked.request.fresh = true;
    CU_ASSERT(asked_gives(&asked, "8388608"));
    end();
    free(body);
}

/* Answers with the lengths of the records in which a request came. */
static void serve_records(struct peer_side *side)
{
    static char room[KIB(64)];
    char text[64] = "", answer[160];
    size_t len = 0, n;
    while ((len < 4 || memmem(room, len, "\r\nend", 5) == NULL) &&
           (n = peer_read(side, room + len, sizeof room - len)) > 0) {
        len += n;
        snprintf(text + strlen(text), sizeof text - strlen(text), n == KIB(16) ? "full " : "rest ");
    }
    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
    peer_say(side, answer);
    peer_request(side);
}

static void test_records(void)
{
    static char middle[19000];
    const harborai_str pieces[] = {HARBORAI_STR("begin"), {middle, sizeof middle}, HARBORAI_STR("\r\nend")};
    begin("good", "ca.pem");
    peer.serve = serve_records;
    asked.request.body = pieces;
    asked.request.body_count = 3;
    CU_ASSERT(asked_gives(&asked, "full rest "));
    end();
}

/* Records that come byte by byte. */
static void serve_slowly(struct peer_side *side)
{
    char byte;
    for (int i = 0; peer_request(side) != NULL; i++) {
        if (i == 0)
            SSL_set0_wbio(side->ssl, BIO_new(BIO_s_mem()));
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
        peer_say(side, "ow");
        while (BIO_read(SSL_get_wbio(side->ssl), &byte, 1) == 1) {
            CU_ASSERT(write(side->fd, &byte, 1) == 1);
            usleep(500);
        }
    }
}

static void test_slow_records(void)
{
    begin("good", "ca.pem");
    peer.serve = serve_slowly;
    for (int i = 0; i < 2; i++)
        CU_ASSERT(asked_gives(&asked, "slow") && asked.x.reused == (i > 0));
    end();
}

static void serve_blocks(struct peer_side *side)
{
    static const char zeros[30000];
    while (peer_request(side) != NULL) {
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n");
        for (int i = 0; i < 200; i++)
            peer_send(side, zeros, sizeof zeros);
    }
}

static void test_large_answer_with_a_pause(void)
{
    begin("good", "ca.pem");
    peer.serve = serve_blocks;
    asked.on_data = ON_DATA_PAUSE;
    asked_start(&asked);
    for (int i = 0; i < 500 && asked.data.len == 0; i++)
        loop_turn(caller.loop, 10);
    caller_turn(&caller, 5);
    CU_ASSERT(asked.data.len > 0 && asked.data.len <= KIB(32));
    exchange_resume(&asked.x);
    CU_ASSERT(asked_wait(&asked) && asked.ends == 1 && asked.data.len == 6000000);
    CU_ASSERT(transport_counters(caller.transport)->idle == 1);
    end();
}

/* An answer before the last one has asked would free a connection for it. */
static void serve_hi_to_all(struct peer_side *side)
{
    for (int i = 0; i < 10000 && atomic_load(&side->peer->accepted) < PEER_CONNECTIONS; i++)
        usleep(1000);
    serve_hi(side);
}

static void test_many_connections(void)
{
    struct asked many[PEER_CONNECTIONS];
    begin("good", "ca.pem");
    peer.serve = serve_hi_to_all;
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        asked_init(&many[i], &caller, peer.port, "{}");
        many[i].request.tls = asked.request.tls;
        asked_set_url(&many[i], "https://127.0.0.1:PORT/v1", peer.port);
        asked_start(&many[i]);
    }
    for (int i = 0; i < PEER_CONNECTIONS; i++)
        CU_ASSERT(asked_wait(&many[i]) && many[i].ends == 1);
    CU_ASSERT(transport_counters(caller.transport)->idle == PEER_CONNECTIONS);
    for (int i = 0; i < PEER_CONNECTIONS; i++)
        asked_release(&many[i]);
    end();
}

/* --- http_wait ------------------------------------------------------------------------------- */

struct waited {
    int count, status;
    char type[32], body[32];
};

static void on_answer(void *context, const harborai_http_response *answer, harborai_str body)
{
    struct waited *waited = context;
    waited->count++;
    waited->status = answer->status;
    snprintf(waited->body, sizeof waited->body, "%.*s", SLICE_ARG(body));
    for (size_t i = 0; i < answer->header_count; i++)
        if (slice_is(answer->headers[i].name, "x-kind"))
            snprintf(waited->type, sizeof waited->type, "%.*s",
                     SLICE_ARG(answer->headers[i].value));
}

static void serve_kind(struct peer_side *side)
{
    const char *request = peer_request(side);
    if (request != NULL && strstr(request, "\r\nx-a: b\r\n") != NULL &&
        strncmp(request, "PUT /v1 ", 8) == 0)
        peer_say(side, "HTTP/1.1 100 Continue\r\nX-Kind: no\r\n\r\nHTTP/1.1 404 Not Found\r\n"
                       "X-Kind: yes\r\nContent-Length: 3\r\n\r\nabc");
}

static void test_http_wait(void)
{
    struct waited waited = {0};
    harborai_error error = HARBORAI_ERROR_INIT;
    begin("good", "ca.pem");
    peer.serve = serve_kind;
    CU_ASSERT(http_wait(HARBORAI_STR("PUT"), slice_of(asked.url), HARBORAI_STR("x-a: b\r\n"),
                        HARBORAI_STR("{}"), path("ca.pem"), on_answer, &waited,
                        &error) == HARBORAI_OK);
    CU_ASSERT(waited.count == 1 && waited.status == 404);
    CU_ASSERT_STRING_EQUAL(waited.type, "yes");
    CU_ASSERT_STRING_EQUAL(waited.body, "abc");
    CU_ASSERT(http_wait(HARBORAI_STR("GET"), slice_of(asked.url), SLICE_NONE, SLICE_NONE,
                        path("foreign.pem"), on_answer, &waited, &error) == HARBORAI_E_NETWORK);
    CU_ASSERT(waited.count == 1 && error.message[0] != '\0');
    CU_ASSERT(http_wait(HARBORAI_STR("GET"), HARBORAI_STR("file:///etc/passwd"), SLICE_NONE,
                        SLICE_NONE, NULL, on_answer, &waited, &error) == HARBORAI_E_INVALID);
    end();
}

static void test_make(void)
{
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    run_shell(make_certificates);
}

static void test_remove(void)
{
    run_shell("rm -r \"$1\"");
}

const CU_TestInfo tls_tests[] = {
    {"certificates are made", test_make},
    {"good", test_good},
    {"refusals", test_refusals},
    {"stores are apart", test_stores_are_apart},
    {"a large request", test_large_request},
    {"records are full", test_records},
    {"records that come byte by byte", test_slow_records},
    {"a large answer with a pause", test_large_answer_with_a_pause},
    {"many connections", test_many_connections},
    {"http_wait", test_http_wait},
    {"certificates are removed", test_remove},
    CU_TEST_INFO_NULL,
};
