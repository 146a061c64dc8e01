/* SPDX-License-Identifier: MIT */
/* A socket where nobody listens, which is no fault, and those that cannot be reached, which are. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "transport/local_ask.h"

extern const CU_TestInfo local_ask_tests[];

static char place[] = "/tmp/check_local_ask_XXXXXX";
static struct sockaddr_un address;

static int make(int type, bool listens)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CU_ASSERT_FATAL(!listens || listen(fd, 0) == 0);
    return fd;
}

static int nothing(void)
{
    return -1;
}

static int left_behind(void)
{
    return make(SOCK_STREAM, false);
}

static int datagrams(void)
{
    return make(SOCK_DGRAM, false);
}

/* One waits there, and there is no room for another. */
static int full(void)
{
    int server = make(SOCK_STREAM, true), client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    close(client);
    return server;
}

static int forbidden(void)
{
    int server = make(SOCK_STREAM, true);
    CU_ASSERT_FATAL(chmod(address.sun_path, 0) == 0);
    return server;
}

static const struct {
    const char *name;
    int (*make)(void);
    harborai_status want;
    const char *words;
    bool binds_root;
} rows[] = {
    {"nothing is there", nothing, HARBORAI_E_CLOSED, "nobody listens at", true},
    {"left behind", left_behind, HARBORAI_E_CLOSED, "nobody listens at", true},
    {"another kind of socket", datagrams, HARBORAI_E_NETWORK, "rotocol", true},
    {"full", full, HARBORAI_E_NETWORK, "takes no more connections", true},
    {"another user's", forbidden, HARBORAI_E_NETWORK, "ermission denied", false},
};

static void test_unreachable(void)
{
    CU_ASSERT_FATAL(mkdtemp(place) != NULL);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", place);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) answer = BUF_INIT(KIB(1));
        harborai_error error = HARBORAI_ERROR_INIT;
        int status = 0, fd = rows[i].make();
        if (rows[i].binds_root || geteuid() != 0) {
            ROW(rows[i].name, local_ask(address.sun_path, "GET", "/", 5000, &status, &answer,
                                        &error) == rows[i].want);
            ROW(rows[i].name, strstr(error.message, rows[i].words) != NULL);
            ROW(rows[i].name, strstr(error.message, address.sun_path) != NULL);
        }
        if (fd >= 0)
            close(fd);
        (void)unlink(address.sun_path);
    }
    CU_ASSERT(rmdir(place) == 0);
}

const CU_TestInfo local_ask_tests[] = {{"a socket that cannot be reached", test_unreachable},
                                       CU_TEST_INFO_NULL};
