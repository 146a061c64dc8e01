/* SPDX-License-Identifier: MIT */
#include "store/drain.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/copied_mark.h"
#include "store/drain_copy.h"
#include "store/index.h"

extern const CU_TestInfo drain_tests[];

#define BEGIN(key) "{\"type\":\"begin\",\"key\":\"" key "\",\"attempt\":1,\"begin_ns\":5}\n"
#define END(key) "{\"type\":\"end\",\"key\":\"" key "\",\"begin_ns\":5,\"end_ns\":7,\"model\":\"m\"}\n"
#define CONTENT(key, text)                                                                         \
    "{\"type\":\"content\",\"key\":\"" key "\",\"request\":{\"a\":\"" text "\"}}\n"
#define AMEND(key, tokens)                                                                         \
    "{\"type\":\"amend\",\"key\":\"" key "\",\"begin_ns\":5,\"amend_ns\":9,\"tokens\":{\"input\":" tokens  \
    "}}\n"

/* A store that notes what it is told, and fails as the test wants. */
struct noting {
    struct drain_store store;
    struct buf pending, noted; /* "put:a amend:a/3 " … */
    struct journal_position positions[8];
    size_t position_count;
    const char *refused, *refused_at_commit; /* a key */
    int fail_commits;                        /* that many */
    bool has_refused_one;
    unsigned commits;
    size_t most; /* bytes of `pending` that it does in time; 0: any */
};

static struct noting *noting_of(struct drain_store *store)
{
    return CONTAINER_OF(store, struct noting, store);
}

static harborai_status noting_open(struct drain_store *store, harborai_error *error)
{
    (void)store, (void)error;
    return HARBORAI_OK;
}

static harborai_status noting_position(struct drain_store *store, harborai_str segment,
                                       struct journal_position *ret, harborai_error *error)
{
    struct noting *n = noting_of(store);
    (void)error;
    memset(ret, 0, sizeof *ret);
    snprintf(ret->segment, sizeof ret->segment, "%.*s", SLICE_ARG(segment));
    for (size_t i = 0; i < n->position_count; i++)
        if (slice_is(segment, n->positions[i].segment))
            *ret = n->positions[i];
    return HARBORAI_OK;
}

static harborai_status noting_begin(struct drain_store *store, harborai_error *error)
{
    (void)error;
    buf_clear(&noting_of(store)->pending);
    noting_of(store)->has_refused_one = false;
    return HARBORAI_OK;
}

static harborai_status noting_put(struct drain_store *store, const struct call *call,
                                  harborai_error *error)
{
    struct noting *n = noting_of(store);
    if (n->refused != NULL && slice_is(call->key, n->refused))
        return harborai_error_set(error, HARBORAI_E_INVALID, "not this one");
    if (n->refused_at_commit != NULL && slice_is(call->key, n->refused_at_commit))
        n->has_refused_one = true;
    buf_printf(&n->pending, "put:%.*s%.*s ", SLICE_ARG(call->key), SLICE_ARG(call->request));
    return HARBORAI_OK;
}

static harborai_status noting_amend(struct drain_store *store, const struct call *call,
                                    harborai_error *error)
{
    (void)error;
    buf_printf(&noting_of(store)->pending, "amend:%.*s/%lld ", SLICE_ARG(call->key),
               (long long)call->prompt_tokens);
    return HARBORAI_OK;
}

static harborai_status noting_commit(struct drain_store *store,
                                     const struct journal_position *positions, size_t count,
                                     harborai_error *error)
{
    struct noting *n = noting_of(store);
    if (n->has_refused_one)
        return harborai_error_set(error, HARBORAI_E_INVALID, "one of them is not for us");
    if (n->most > 0 && n->pending.len > n->most)
        return harborai_error_set(error, HARBORAI_E_TIMEOUT, "too slow");
    if (n->fail_commits > 0) {
        n->fail_commits--;
        return harborai_error_set(error, HARBORAI_E_NETWORK, "gone");
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < n->position_count &&
               strcmp(n->positions[at].segment, positions[i].segment) != 0)
            at++;
        n->positions[at] = positions[i];
        if (at == n->position_count)
            n->position_count++;
    }
    buf_add(&n->noted, buf_slice(&n->pending));
    buf_clear(&n->pending);
    n->commits++;
    return HARBORAI_OK;
}

static void noting_drop(struct drain_store *store)
{
    buf_clear(&noting_of(store)->pending);
    noting_of(store)->has_refused_one = false;
}

static const struct drain_store_functions noting_functions = {
    "noting",     noting_open,   noting_position, noting_begin, noting_put,
    noting_amend, noting_commit, noting_drop,     noting_drop,
};

struct fixture {
    struct scratch scratch;
    struct noting noting;
    struct drain_copy copy;
};

static struct drain_settings settings_of(const struct fixture *f)
{
    return (struct drain_settings){.state_dir = scratch_dir(&f->scratch),
                                   .clock = &clock_system,
                                   .batch = 3,
                                   .max_failures = 3,
                                   .most_wait_ms = 10};
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.noting = {.store = {.functions = &noting_functions},
                                     .pending = BUF_INIT(KIB(64)),
                                     .noted = BUF_INIT(KIB(64))}};
    scratch_init(&f->scratch);
    struct drain_settings settings = settings_of(f);
    CU_ASSERT_FATAL(drain_copy_init(&f->copy, &settings, &f->noting.store, NULL) == HARBORAI_OK);
}

static void tear_down(struct fixture *f)
{
    drain_copy_release(&f->copy);
    buf_release(&f->noting.pending);
    buf_release(&f->noting.noted);
    scratch_release(&f->scratch);
}

static void write_segment(const struct fixture *f, const char *name, const char *lines)
{
    scratch_write(&f->scratch, name, slice_of(lines));
}

static bool is_noted(struct fixture *f, const char *want)
{
    bool holds = slice_is(buf_slice(&f->noting.noted), want);
    if (!holds)
        fprintf(stderr, "\n  noted '%.*s'\n", SLICE_ARG(buf_slice(&f->noting.noted)));
    return holds;
}

#define A "20261121T110305Z-1-0.jsonl"
#define B "20261121T110306Z-2-0.jsonl"

static void test_rounds(void)
{
    static const struct row {
        const char *name, *a, *b, *more_a, *want;
    } rows[] = {
        {"nothing", "", "", "", ""},
        {"one call", BEGIN("a") END("a"), "", "", "put:a "},
        {"the oldest first", END("a"), END("b"), "", "put:a put:b "},
        {"only begun", BEGIN("a"), "", "", ""},
        {"more batches than one", END("a") END("b") END("c") END("d") END("e") END("f") END("g"),
         END("h"), "", "put:a put:b put:c put:d put:e put:f put:g put:h "},
        {"grows", END("a"), END("b"), END("c"), "put:a put:b put:c "},
        {"torn, then whole", END("a") "{\"type\":\"end\",\"key\":\"c\",", "",
         "\"begin_ns\":5,\"end_ns\":6}\n", "put:a put:c "},
        {"amended", END("a") AMEND("a", "3"), "", "", "put:a amend:a/3 "},
        {"amended in another segment", END("a"), AMEND("a", "4"), "", "put:a amend:a/4 "},
        {"with content", CONTENT("a", "x") END("a") END("b"), "", CONTENT("c", "y") END("c"),
         "put:a{\"a\":\"x\"} put:b put:c{\"a\":\"y\"} "},
        {"content before its end", END("a") CONTENT("b", "x"), END("c"), END("b"),
         "put:a put:c put:b{\"a\":\"x\"} "},
        {"content of another call", CONTENT("a", "x") END("b") END("a"), "", "", "put:b put:a "},
        {"a line that is no call", END("a") "{\"type\":\"end\"}\n" END("b"), "", "", "put:a put:b "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        char whole[4096];
        set_up(&f);
        write_segment(&f, A, rows[i].a);
        write_segment(&f, B, rows[i].b);
        ROW(rows[i].name, drain_copy_round(&f.copy, NULL) == HARBORAI_OK);
        snprintf(whole, sizeof whole, "%s%s", rows[i].a, rows[i].more_a);
        write_segment(&f, A, whole);
        ROW(rows[i].name, drain_copy_round(&f.copy, NULL) == HARBORAI_OK);
        drain_copy_forget(&f.copy); /* the store knows where to go on */
        ROW(rows[i].name, drain_copy_round(&f.copy, NULL) == HARBORAI_OK);
        ROW(rows[i].name, is_noted(&f, rows[i].want));
        tear_down(&f);
    }
}

/* A position behind the content line would lose it. */
static void test_content_at_the_end(void)
{
    struct fixture f;
    set_up(&f);
    write_segment(&f, A, END("a") CONTENT("b", "x"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT_EQUAL(f.noting.positions[0].offset, strlen(END("a")));
    drain_copy_forget(&f.copy); /* as a new process begins */
    write_segment(&f, A, END("a") CONTENT("b", "x") END("b"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT(is_noted(&f, "put:a put:b{\"a\":\"x\"} "));
    tear_down(&f);
}

static void test_backlog(void)
{
    struct fixture f;
    set_up(&f);
    write_segment(&f, A, END("a") END("b"));
    f.noting.fail_commits = 1;
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_E_NETWORK);
    CU_ASSERT_EQUAL(f.copy.status.backlog_bytes, strlen(END("a") END("b")));
    CU_ASSERT_EQUAL(f.copy.status.rows, 0);
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT_EQUAL(f.copy.status.backlog_bytes, 0);
    CU_ASSERT_EQUAL(f.copy.status.rows, 2);
    tear_down(&f);
}

/* Each commit fails once: nothing is lost, nothing comes twice. */
static void test_failures(void)
{
    struct fixture f;
    set_up(&f);
    write_segment(&f, A, END("a") END("b") END("c") END("d") END("e"));
    write_segment(&f, B, END("f") END("g") AMEND("a", "1"));
    harborai_status st = HARBORAI_E_NETWORK;
    for (int i = 0; i < 20 && st != HARBORAI_OK; i++) {
        f.noting.fail_commits = i % 2 == 0;
        st = drain_copy_round(&f.copy, NULL);
    }
    CU_ASSERT_EQUAL(st, HARBORAI_OK);
    CU_ASSERT(is_noted(&f, "put:a put:b put:c put:d put:e put:f put:g amend:a/1 "));
    CU_ASSERT_EQUAL(f.copy.status.rows, 7);
    CU_ASSERT_EQUAL(f.copy.status.amends, 1);
    tear_down(&f);
}

/* A store that does only so many in time gets fewer at once, and more again when it is quicker. */
static void test_slow(void)
{
    struct fixture f;
    set_up(&f);
    write_segment(&f, A, END("a") END("b") END("c") END("d") END("e"));
    f.noting.most = strlen("put:a ");
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_E_TIMEOUT);
    CU_ASSERT_EQUAL(f.copy.batch, 1);
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_E_TIMEOUT); /* one, then two again */
    CU_ASSERT(is_noted(&f, "put:a "));
    f.noting.most = 0;
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT(is_noted(&f, "put:a put:b put:c put:d put:e "));
    CU_ASSERT_EQUAL(f.copy.batch, 3);
    tear_down(&f);
}

/* A database that was made anew, or went back to an older state, while nothing was to be copied. */
static void test_another_store(void)
{
    struct fixture f;
    set_up(&f);
    write_segment(&f, A, END("a") END("b"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    f.noting.position_count = 0;
    f.noting.store.opened++;
    write_segment(&f, A, END("a") END("b") END("c"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT(is_noted(&f, "put:a put:b put:a put:b put:c "));
    CU_ASSERT_EQUAL(f.copy.status.backlog_bytes, 0);
    tear_down(&f);
}

/* Those that may grow, and those that are not copied, are not covered by the mark. */
static void test_mark(void)
{
    struct fixture f;
    AUTO(buf) mark = BUF_INIT(KIB(64));
    set_up(&f);
    int directory = scratch_journal(&f.scratch);
    write_segment(&f, A, END("a"));
    write_segment(&f, B, END("b") "{\"type\":\"seal\"}\n");
    f.noting.fail_commits = 1;
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_E_NETWORK);
    copied_mark_read(directory, "noting", &mark);
    CU_ASSERT(slice_is(buf_slice(&mark), "20261121T110305Z-1-0\n20261121T110306Z-2-0\n"
                                         "20261121T110306Z-2-0~\n"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    copied_mark_read(directory, "noting", &mark);
    CU_ASSERT(slice_is(buf_slice(&mark), "20261121T110305Z-1-0\n20261121T110306Z-2-0~\n"));
    CU_ASSERT(!copied_mark_covers(buf_slice(&mark), HARBORAI_STR("20261121T110305Z-1-0")));
    CU_ASSERT(copied_mark_covers(buf_slice(&mark), HARBORAI_STR("20261121T110306Z-2-0")));
    CU_ASSERT(copied_mark_covers(buf_slice(&mark), HARBORAI_STR("20261121T110305Z-1")));
    CU_ASSERT(!copied_mark_covers(buf_slice(&mark), HARBORAI_STR("20261121T110307Z-1-0")));
    close(directory);
    tear_down(&f);
}

/* One segment that cannot be read keeps none of the others back. */
static void test_unread(void)
{
    struct fixture f;
    harborai_error error = HARBORAI_ERROR_INIT;
    set_up(&f);
    int directory = scratch_journal(&f.scratch);
    write_segment(&f, A, END("a"));
    write_segment(&f, B, END("b"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT(unlinkat(directory, A, 0) == 0 && mkdirat(directory, A, 0700) == 0);
    write_segment(&f, B, END("b") END("c"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, &error), HARBORAI_E_INTERNAL);
    CU_ASSERT(strstr(error.message, "segment '20261121T110305Z-1-0': ") != NULL);
    CU_ASSERT(is_noted(&f, "put:a put:b put:c "));
    CU_ASSERT(unlinkat(directory, A, AT_REMOVEDIR) == 0);
    write_segment(&f, A, END("a") END("d"));
    CU_ASSERT_EQUAL(drain_copy_round(&f.copy, NULL), HARBORAI_OK);
    CU_ASSERT(is_noted(&f, "put:a put:b put:c put:d "));
    close(directory);
    tear_down(&f);
}

/* What was set aside, as keys. */
static void read_aside(const struct fixture *f, struct buf *out)
{
    char path[256], bytes[4096];
    snprintf(path, sizeof path, "%s/refused/noting.jsonl", f->scratch.dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, sizeof bytes) : 0;
    if (fd >= 0)
        close(fd);
    buf_add(out, (harborai_str){bytes, len > 0 ? (size_t)len : 0});
}

static void test_refused(void)
{
    static const struct row {
        const char *name, *refused, *refused_at_commit;
        int fail_commits;
        const char *want, *aside;
    } rows[] = {
        {"none", NULL, NULL, 0, "put:a put:b put:c put:d put:e ", ""},
        {"when it is put", "b", NULL, 0, "put:a put:c put:d put:e ", END("b")},
        {"the last", "e", NULL, 0, "put:a put:b put:c put:d ", END("e")},
        {"when it is put, and the store fails", "b", NULL, 1, "put:a put:c put:d put:e ", END("b")},
        {"at the commit", NULL, "b", 0, "put:a put:c put:d put:e ", END("b")},
        {"at the last commit", NULL, "e", 0, "put:a put:b put:c put:d ", END("e")},
        {"both", "a", "c", 0, "put:b put:d put:e ", END("a") END("c")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        AUTO(buf) aside = BUF_INIT(KIB(64));
        set_up(&f);
        write_segment(&f, A, END("a") END("b") END("c") END("d") END("e"));
        f.noting.refused = rows[i].refused;
        f.noting.refused_at_commit = rows[i].refused_at_commit;
        f.noting.fail_commits = rows[i].fail_commits;
        harborai_status st = drain_copy_round(&f.copy, NULL);
        if (rows[i].fail_commits > 0)
            st = drain_copy_round(&f.copy, NULL);
        ROW(rows[i].name, st == HARBORAI_OK);
        ROW(rows[i].name, is_noted(&f, rows[i].want));
        read_aside(&f, &aside);
        ROW(rows[i].name, slice_is(buf_slice(&aside), rows[i].aside));
        ROW(rows[i].name, f.copy.status.backlog_bytes == 0);
        ROW(rows[i].name, f.copy.status.rows + f.copy.status.refused == 5);
        tear_down(&f);
    }
}

static void test_once(void)
{
    struct fixture f;
    struct drain_status status;
    struct index *index;
    bool is_ours = false;
    char path[256];
    set_up(&f);
    write_segment(&f, A, END("a") END("b"));
    struct drain_settings settings = settings_of(&f);
    CU_ASSERT_FATAL(index_create(scratch_dir(&f.scratch), &index, NULL) == HARBORAI_OK);
    snprintf(path, sizeof path, "%s/drain-sqlite.lock", f.scratch.dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && flock(fd, LOCK_EX) == 0);
    CU_ASSERT_EQUAL(drain_once(&settings, index_store(index), &is_ours, &status, NULL), HARBORAI_OK);
    CU_ASSERT(!is_ours && status.rows == 0);
    close(fd);
    CU_ASSERT_EQUAL(drain_once(&settings, index_store(index), &is_ours, &status, NULL), HARBORAI_OK);
    CU_ASSERT(is_ours && status.rows == 2);
    CU_ASSERT_EQUAL(drain_once(&settings, index_store(index), &is_ours, &status, NULL), HARBORAI_OK);
    CU_ASSERT(is_ours && status.rows == 0);
    index_destroy(index);
    tear_down(&f);
}

/* What stands there when it is stopped is copied before it ends. */
static void test_thread(void)
{
    struct fixture f;
    struct drain *drain;
    set_up(&f);
    write_segment(&f, A, END("a"));
    struct drain_settings settings = settings_of(&f);
    CU_ASSERT_EQUAL_FATAL(drain_start(&settings, &f.noting.store, &drain, NULL), HARBORAI_OK);
    write_segment(&f, B, END("b") END("c"));
    CU_ASSERT(drain_stop(drain, 10000));
    CU_ASSERT(is_noted(&f, "put:a put:b put:c "));
    CU_ASSERT(drain_stop(NULL, 0));
    tear_down(&f);
}

static void test_standby(void)
{
    struct fixture f;
    struct drain *first, *second;
    set_up(&f);
    struct drain_settings settings = settings_of(&f);
    char path[256];
    snprintf(path, sizeof path, "%s/drain-noting.lock", f.scratch.dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && flock(fd, LOCK_EX) == 0);
    write_segment(&f, A, END("a"));
    CU_ASSERT_EQUAL_FATAL(drain_start(&settings, &f.noting.store, &first, NULL), HARBORAI_OK);
    CU_ASSERT(drain_stop(first, 10000)); /* without having been its turn */
    CU_ASSERT(is_noted(&f, ""));
    close(fd);
    CU_ASSERT_EQUAL_FATAL(drain_start(&settings, &f.noting.store, &second, NULL), HARBORAI_OK);
    struct drain_status status = {.state = DRAIN_STARTING};
    while (status.state == DRAIN_STARTING) /* ends: nothing fails here */
        drain_status_of(second, &status);
    CU_ASSERT_EQUAL(status.state, DRAIN_ACTIVE);
    CU_ASSERT_EQUAL(status.rows, 1);
    CU_ASSERT(drain_stop(second, 10000));
    CU_ASSERT(is_noted(&f, "put:a "));
    tear_down(&f);
}

const CU_TestInfo drain_tests[] = {
    {"rounds", test_rounds},
    {"content at the end", test_content_at_the_end},
    {"backlog", test_backlog},
    {"a store that fails", test_failures},
    {"a store that is slow", test_slow},
    {"another store", test_another_store},
    {"a segment that cannot be read", test_unread},
    {"the mark", test_mark},
    {"refused rows", test_refused},
    {"once", test_once},
    {"a thread", test_thread},
    {"standby", test_standby},
    CU_TEST_INFO_NULL,
};
