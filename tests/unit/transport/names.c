/* SPDX-License-Identifier: MIT */
/* A getaddrinfo() of the test's own in place of the C library's: some names are known, one never
 * comes back before the test says so. */
#include "names.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open = true, is_broken;
static int asked;

void names_hold(bool hold)
{
    pthread_mutex_lock(&lock);
    is_open = !hold;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void names_break(bool broken)
{
    pthread_mutex_lock(&lock);
    is_broken = broken;
    pthread_mutex_unlock(&lock);
}

int names_asked(void)
{
    pthread_mutex_lock(&lock);
    int count = asked;
    asked = 0;
    pthread_mutex_unlock(&lock);
    return count;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai)
{
    struct answer {
        struct addrinfo info;
        struct sockaddr_in address;
    } *answer;
    (void)service;
    (void)req;
    pthread_mutex_lock(&lock);
    asked++;
    while (strcmp(name, "slow.test") == 0 && !is_open)
        pthread_cond_wait(&changed, &lock);
    bool fails = is_broken || strcmp(name, "gone.test") == 0;
    pthread_mutex_unlock(&lock);
    if (fails)
        return EAI_NONAME;
    answer = calloc(1, sizeof *answer);
    answer->address.sin_family = AF_INET;
    answer->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    answer->info.ai_family = AF_INET;
    answer->info.ai_addr = (struct sockaddr *)&answer->address;
    answer->info.ai_addrlen = sizeof answer->address;
    *pai = &answer->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *ai)
{
    free(ai);
}
