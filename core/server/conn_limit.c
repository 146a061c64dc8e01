/* SPDX-License-Identifier: MIT */
/* Counts connections. Must never let one in uncounted: what is refused has left no trace. */
#include "server/conn_limit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "base/attr.h"

#define SURPLUS_LEAST 64 /* connections that are told, … */
#define SURPLUS_PART 16  /* … and one of so many that there may be */
#define FILES_OF_OURS 64
#define LEAST 16

struct conn_address {
    struct conn_address *next; /* in its bucket */
    uint64_t key;
    unsigned count;
};

/* ---- Addresses ------------------------------------------------------------------------------ */

/* An address of IPv4, or a network of IPv6, of which a machine has all /64. 0: none, as of a socket of
 * this machine. */
static uint64_t key_of(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
    uint64_t key = 0;
    if (address->ss_family == AF_INET)
        return UINT64_C(1) << 32 | four->sin_addr.s_addr;
    if (address->ss_family != AF_INET6)
        return 0;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        memcpy(&key, &six->sin6_addr.s6_addr[12], 4);
        return UINT64_C(1) << 32 | key;
    }
    memcpy(&key, &six->sin6_addr.s6_addr[0], sizeof key);
    return key != 0 ? key : 1; /* ::1 */
}

static struct conn_address **bucket_of(struct conn_limit *limit, uint64_t key)
{
    uint64_t mixed = (key ^ limit->seed) * UINT64_C(0x9e3779b97f4a7c15);
    return &limit->buckets[mixed >> 52];
}

static struct conn_address *find_or_add(struct conn_limit *limit, uint64_t key)
{
    struct conn_address **bucket = bucket_of(limit, key), *a;
    for (a = *bucket; a != NULL; a = a->next)
        if (a->key == key)
            return a;
    a = calloc(1, sizeof *a);
    if (a != NULL) {
        a->key = key;
        a->next = *bucket;
        *bucket = a;
    }
    return a;
}

/* False: it has as many as it may. Without memory for its count it has none. */
static bool enter_address(struct conn_limit *limit, uint64_t key, struct conn_ticket *ticket)
{
    if (limit->most_of_address == 0 || key == 0)
        return true;
    pthread_mutex_lock(&limit->mutex);
    struct conn_address *a = find_or_add(limit, key);
    bool fits = a != NULL && a->count < limit->most_of_address;
    if (fits) {
        a->count++;
        ticket->address = a;
    }
    pthread_mutex_unlock(&limit->mutex);
    return fits;
}

static void leave_address(struct conn_limit *limit, struct conn_address *address)
{
    pthread_mutex_lock(&limit->mutex);
    if (--address->count == 0) {
        struct conn_address **at = bucket_of(limit, address->key);
        while (*at != address)
            at = &(*at)->next;
        *at = address->next;
        free(address);
    }
    pthread_mutex_unlock(&limit->mutex);
}

/* ---- Connections ---------------------------------------------------------------------------- */

static bool enter_surplus(struct conn_limit *limit)
{
    if (atomic_fetch_add(&limit->surplus, 1) < limit->surplus_most)
        return true;
    atomic_fetch_sub(&limit->surplus, 1);
    return false;
}

bool conn_limit_enter(struct conn_limit *limit, const struct sockaddr_storage *address,
                      struct conn_ticket *ret_ticket)
{
    *ret_ticket = (struct conn_ticket){.excess = CONN_EXCESS_NONE};
    if (atomic_fetch_add(&limit->count, 1) >= limit->most)
        ret_ticket->excess = CONN_EXCESS_ALL;
    else if (!enter_address(limit, key_of(address), ret_ticket))
        ret_ticket->excess = CONN_EXCESS_ADDRESS;
    if (ret_ticket->excess == CONN_EXCESS_NONE)
        return true;
    atomic_fetch_sub(&limit->count, 1);
    return enter_surplus(limit);
}

void conn_limit_leave(struct conn_limit *limit, struct conn_ticket *ticket)
{
    struct conn_address *address = take(ticket->address);
    if (address != NULL)
        leave_address(limit, address);
    atomic_fetch_sub(ticket->excess == CONN_EXCESS_NONE ? &limit->count : &limit->surplus, 1);
}

/* ---- Life ----------------------------------------------------------------------------------- */

void conn_limit_init(struct conn_limit *limit, unsigned most, unsigned most_of_address)
{
    *limit = (struct conn_limit){.most = most, .most_of_address = most_of_address};
    limit->surplus_most = SURPLUS_LEAST + most / SURPLUS_PART;
    pthread_mutex_init(&limit->mutex, NULL);
    /* Without it buckets can be guessed, which costs time at most. */
    (void)!getrandom(&limit->seed, sizeof limit->seed, GRND_NONBLOCK);
}

void conn_limit_release(struct conn_limit *limit)
{
    if (limit->most == 0)
        return;
    pthread_mutex_destroy(&limit->mutex);
    limit->most = 0;
}

unsigned conn_limit_of_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur > 2 * UINT64_C(10000000))
        return 10000000;
    unsigned left = files.rlim_cur > FILES_OF_OURS ? (unsigned)files.rlim_cur - FILES_OF_OURS : 0;
    return left / 2 > LEAST ? left / 2 : LEAST;
}
