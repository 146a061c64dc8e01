/* SPDX-License-Identifier: MIT */
/* Addresses, sockets by name, and sockets that listen already. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "server/listener.h"

extern const CU_TestInfo listener_tests[];

static void test_port_in_use(void)
{
    struct listener first = {0}, second = {0};
    harborai_error error = HARBORAI_ERROR_INIT;
    CU_ASSERT_FATAL(listener_open(&first, HARBORAI_STR("127.0.0.1"), 0, &error) == HARBORAI_OK);
    CU_ASSERT(first.port != 0);
    harborai_status st = listener_open(&second, HARBORAI_STR("127.0.0.1"), first.port, &error);
    CU_ASSERT(st == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "'127.0.0.1'") != NULL);
    CU_ASSERT(strstr(error.message, "--port") != NULL);
    listener_close(&first);
    listener_close(&second);
}

static void test_addresses(void)
{
    static const struct {
        const char *host, *want;
        harborai_status status;
    } rows[] = {
        {"127.0.0.1", "http://127.0.0.1:", HARBORAI_OK},
        {"localhost", "http://localhost:", HARBORAI_OK},
        {"192.0.2.1", "--host", HARBORAI_E_CONFIG},
        {"no such name", "--host", HARBORAI_E_CONFIG},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct listener listener = {0};
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = listener_open(&listener, slice_of(rows[i].host), 0, &error);
        ROW(rows[i].host, st == rows[i].status);
        ROW(rows[i].host, strstr(st < 0 ? error.message : listener.url, rows[i].want) != NULL);
        listener_close(&listener);
    }
}

/* Sockets that listen for another process. */
static int offer(struct listener *listener, const struct listener *of)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    int copies[LISTENER_SOCKETS_MAX];
    for (unsigned i = 0; i < of->socket_count; i++)
        copies[i] = dup(of->sockets[i]);
    CU_ASSERT(listener_offer(listener, copies, of->socket_count, &error) == HARBORAI_OK);
    return copies[0];
}

static void test_offered_sockets(void)
{
    static const struct {
        const char *host;
        int64_t port; /* -1: the one that the sockets have */
        harborai_status status;
        const char *want;
    } rows[] = {
        {"127.0.0.1", -1, HARBORAI_OK, "http://127.0.0.1:"},
        {"127.0.0.1", 0, HARBORAI_OK, "http://127.0.0.1:"},
        {"127.0.0.2", -1, HARBORAI_E_CONFIG, "listens on 127.0.0.1, port "},
        {"0.0.0.0", -1, HARBORAI_E_CONFIG, "listens on 127.0.0.1, port "},
        {"192.0.2.1", -1, HARBORAI_E_CONFIG, "listens on 127.0.0.1, port "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct listener old = {0}, new = {0};
        harborai_error error = HARBORAI_ERROR_INIT;
        CU_ASSERT_FATAL(listener_open(&old, HARBORAI_STR("127.0.0.1"), 0, &error) == HARBORAI_OK);
        int copy = offer(&new, &old);
        int64_t port = rows[i].port < 0 ? (int64_t)old.port : rows[i].port;
        harborai_status st = listener_open(&new, slice_of(rows[i].host), port, &error);
        if (st >= 0)
            st = listener_check_offered(&new, &error);
        ROW(rows[i].host, st == rows[i].status);
        ROW(rows[i].host, strstr(st < 0 ? error.message : new.url, rows[i].want) != NULL);
        ROW(rows[i].host, st < 0 || (new.sockets[0] == copy && new.port == old.port &&
                                     new.socket_count == 1 && new.is_loopback));
        listener_close(&new);
        listener_close(&old);
    }
}

static void test_offered_something_else(void)
{
    struct listener listener = {0};
    harborai_error error = HARBORAI_ERROR_INIT;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT(listener_offer(&listener, &fd, 1, &error) == HARBORAI_E_CONFIG);
    listener_close(&listener);
    CU_ASSERT(close(fd) < 0); /* it was taken */
}

static char folder[] = "/tmp/harborai-listener-XXXXXX", path[64];

static void begin(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/gw.sock", folder);
}

static void end(void)
{
    (void)unlink(path);
    CU_ASSERT(rmdir(folder) == 0); /* nothing else was left there */
}

static bool is_there(void)
{
    return access(path, F_OK) == 0;
}

static void test_a_name_and_its_mode(void)
{
    static const mode_t modes[] = {0600, 0660, 0666};
    begin();
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct listener listener = {0};
        struct stat status;
        mode_t before = umask(0077); /* which takes nothing from what was asked for */
        CU_ASSERT_FATAL(listener_open_unix(&listener, slice_of(path), modes[i], NULL) == HARBORAI_OK);
        umask(before);
        CU_ASSERT(lstat(path, &status) == 0 && (status.st_mode & 07777) == modes[i]);
        CU_ASSERT(slice_starts_with(slice_of(listener.url), "unix:/tmp/"));
        CU_ASSERT(listener.is_loopback && !listener.is_local);
        listener_close(&listener);
        CU_ASSERT(!is_there());
    }
    end();
}

/* The first one is dead only once nobody listens. */
static void test_the_dead_and_the_living(void)
{
    struct listener first = {0}, second = {0};
    harborai_error error = HARBORAI_ERROR_INIT;
    char process[32];
    begin();
    snprintf(process, sizeof process, "process %ld,", (long)getpid());
    CU_ASSERT_FATAL(listener_open_unix(&first, slice_of(path), 0600, &error) == HARBORAI_OK);
    CU_ASSERT(listener_open_unix(&second, slice_of(path), 0600, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, process) != NULL && is_there());
    usleep(50000); /* the clock of files must move on */
    close(first.sockets[0]); /* as kill -9 does: the name stays */
    CU_ASSERT(listener_open_unix(&second, slice_of(path), 0600, &error) == HARBORAI_OK);
    first.socket_count = 0;
    listener_close(&first); /* it is not its name any more */
    CU_ASSERT(is_there());
    listener_close(&second);
    end();
}

static void test_beside_an_address(void)
{
    struct listener listener = {.has_tls = true};
    begin();
    CU_ASSERT_FATAL(listener_open(&listener, HARBORAI_STR("127.0.0.1"), 0, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(listener_open_unix(&listener, slice_of(path), 0600, NULL) == HARBORAI_OK);
    CU_ASSERT(listener.socket_count == 2 && listener.is_loopback);
    CU_ASSERT(slice_starts_with(slice_of(listener.url), "https://127.0.0.1:"));
    CU_ASSERT(strstr(listener.url, ", unix:/tmp/") != NULL);
    listener_close(&listener);
    end();
}

/* --- Sockets that were passed ----------------------------------------------------------------- */

static int make(int type, uint32_t address, bool listens)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, type, 0);
    CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0);
    CU_ASSERT_FATAL(!listens || listen(fd, 1) == 0);
    return fd;
}

static void test_passed(void)
{
    const struct {
        uint32_t address;
        bool is_loopback;
    } rows[] = {{INADDR_LOOPBACK, true}, {INADDR_ANY, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct listener listener = {0};
        int fds[] = {make(SOCK_STREAM, rows[i].address, true),
                     make(SOCK_STREAM, INADDR_LOOPBACK, true)};
        CU_ASSERT_FATAL(listener_inherit(&listener, fds, 2, NULL) == HARBORAI_OK);
        CU_ASSERT(listener.socket_count == 2 && listener.is_loopback == rows[i].is_loopback);
        CU_ASSERT((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
        listener_close(&listener);
    }
}

static void test_passed_in_vain(void)
{
    const struct {
        const char *name;
        int type;
        bool listens;
    } rows[] = {{"datagrams", SOCK_DGRAM, false}, {"deaf", SOCK_STREAM, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct listener listener = {0};
        harborai_error error = HARBORAI_ERROR_INIT;
        int fds[] = {make(SOCK_STREAM, INADDR_LOOPBACK, true),
                     make(rows[i].type, INADDR_LOOPBACK, rows[i].listens)};
        ROW(rows[i].name, listener_inherit(&listener, fds, 2, &error) == HARBORAI_E_CONFIG);
        ROW(rows[i].name, strstr(error.message, "LISTEN_FDS") != NULL);
        ROW(rows[i].name, listener.socket_count == 0);
        ROW(rows[i].name, fcntl(fds[0], F_GETFD) < 0 && fcntl(fds[1], F_GETFD) < 0);
    }
}

static void test_passed_too_many(void)
{
    struct listener listener = {0};
    harborai_error error = HARBORAI_ERROR_INIT;
    int fds[LISTENER_SOCKETS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = make(SOCK_STREAM, INADDR_LOOPBACK, true);
    CU_ASSERT(listener_inherit(&listener, fds, ARRAY_LEN(fds), &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "too many") != NULL);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        CU_ASSERT(fcntl(fds[i], F_GETFD) < 0);
}

/* By the manager, to this gateway and to the one before it. */
static void test_passed_and_offered(void)
{
    struct listener new = {0};
    harborai_error error = HARBORAI_ERROR_INIT;
    const int theirs = make(SOCK_STREAM, INADDR_LOOPBACK, true), ours = dup(theirs);
    CU_ASSERT(listener_offer(&new, &theirs, 1, &error) == HARBORAI_OK);
    CU_ASSERT(listener_inherit(&new, &ours, 1, &error) == HARBORAI_OK);
    CU_ASSERT(listener_check_offered(&new, &error) == HARBORAI_OK);
    CU_ASSERT(new.socket_count == 1 && fcntl(theirs, F_GETFD) < 0);
    listener_close(&new);
    CU_ASSERT(fcntl(ours, F_GETFD) < 0);
}

/* Its name is the other gateway's until that has handed over. */
static void test_offered_by_name(void)
{
    begin();
    for (int is_handed = 0; is_handed < 2; is_handed++) {
        struct listener old = {0}, new = {0};
        harborai_error error = HARBORAI_ERROR_INIT;
        CU_ASSERT_FATAL(listener_open_unix(&old, slice_of(path), 0600, &error) == HARBORAI_OK);
        (void)offer(&new, &old);
        CU_ASSERT(listener_open_unix(&new, slice_of(path), 0600, &error) == HARBORAI_OK);
        CU_ASSERT(listener_check_offered(&new, &error) == HARBORAI_OK && new.name_is_lent);
        if (is_handed)
            listener_leave_name(&old);
        new.name_is_lent = !is_handed;
        listener_close(is_handed ? &old : &new);
        CU_ASSERT(is_there());
        listener_close(is_handed ? &new : &old);
        CU_ASSERT(!is_there());
    }
    end();
}

const CU_TestInfo listener_tests[] = {
    {"port in use", test_port_in_use},
    {"addresses", test_addresses},
    {"offered sockets", test_offered_sockets},
    {"offered something else", test_offered_something_else},
    {"offered by name", test_offered_by_name},
    {"a name and its mode", test_a_name_and_its_mode},
    {"the dead and the living", test_the_dead_and_the_living},
    {"beside an address", test_beside_an_address},
    {"passed", test_passed},
    {"passed in vain", test_passed_in_vain},
    {"passed, too many", test_passed_too_many},
    {"passed and offered", test_passed_and_offered},
    CU_TEST_INFO_NULL,
};
