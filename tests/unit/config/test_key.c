/* SPDX-License-Identifier: MIT */
/* References to keys: where each is read from, and what is said where it cannot be. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "config/command.h"
#include "support.h"

extern const CU_TestInfo key_tests[];

static char place[] = "/tmp/check_key.XXXXXX", in_place[64], home[64];
static const char *const pairs[] = {in_place, home, "KEY=sk-env", "TRAP=file:/etc/passwd", NULL};

static void write_key(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static void make_place(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place));
    snprintf(in_place, sizeof in_place, "CREDENTIALS_DIRECTORY=%s", place);
    snprintf(home, sizeof home, "HOME=%s", place);
    write_key("good", "sk-file\r\n", 0600);
    write_key("open", "sk-open", 0644);
    write_key("loose", "sk-loose", 0602);
    write_key("empty", "\n", 0600);
    write_key("padded", " sk\n", 0600);
    write_key("lines", "a\nb\n", 0600);
}

static void remove_place(void)
{
    static const char *const names[] = {"good", "open", "loose", "empty", "lines", "padded"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", place, names[i]);
        unlink(path);
    }
    rmdir(place);
}

/* The key, or what is said; warnings are added. */
static void read_key(const char *written, struct buf *out)
{
    AUTO(buf) text = BUF_INIT(KIB(8));
    struct fixed_environment fixed = fixed_environment(pairs);
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    struct config *config = NULL;

    config_faults_init(&faults);
    config_faults_init(&warnings);
    buf_printf(&text, "providers: { a: { api_key: '%s' } }", written);
    struct config_sources sources = {
        .file = "c.yaml", .text = buf_slice(&text), .warnings = &warnings};
    if (config_load(&sources, &fixed.environment, &config, &faults, NULL) < 0)
        buf_printf(out, "%s", faults.items[0].message);
    else if (config->providers[0].api_key != NULL)
        buf_add(out, secret_reveal(config->providers[0].api_key));
    else
        buf_printf(out, "needs %.*s", SLICE_ARG(config->providers[0].key_variable));
    for (unsigned i = 0; i < warnings.count; i++)
        buf_printf(out, "; %s", warnings.items[i].message);
    config_destroy(config);
}

/* '@' in what is written and wanted stands for the folder. */
static void add_with_place(struct buf *to, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '@')
            buf_add(to, slice_of(place));
        else
            buf_add_char(to, *text);
    buf_add_char(to, '\0');
}

static void test_references(void)
{
    static const struct row {
        const char *written, *want;
    } rows[] = {
        {"env:KEY", "sk-env"},
        {"env:NO_KEY", "needs NO_KEY"},
        {"env:NO KEY", "'providers.a.api_key' must be env:NAME: 'NO KEY' is no variable's name"},
        {"env:TRAP", "file:/etc/passwd"},
        {"${TRAP}", "file:/etc/passwd"},
        {"os.environ/KEY", "'providers.a.api_key': 'os.environ/…' is LiteLLM's way to name a "
                           "variable: write env:KEY"},
        {"file:@/good", "sk-file"},
        {"file:~/good", "sk-file"},
        {"file:${HOME}/good", "sk-file"},
        {" env:KEY", " env:KEY; 'providers.a.api_key' is taken for the key itself: env:, file:, "
                     "cred:, exec: and none are written in small letters, with no blank before; "
                     "'providers.a.api_key' begins or ends with a blank, which is taken for a part of "
                     "it: write the key alone"},
        {"Env:KEY", "Env:KEY; 'providers.a.api_key' is taken for the key itself: env:, file:, cred:, "
                    "exec: and none are written in small letters, with no blank before"},
        {"NONE", "NONE; 'providers.a.api_key' is taken for the key itself: env:, file:, cred:, exec: "
                 "and none are written in small letters, with no blank before"},
        {"none", "needs "},
        {"sk-\xc3\xa9", "sk-\xc3\xa9; 'providers.a.api_key' holds a blank or a character that is not "
                        "ASCII, which keys do not: write the key alone"},
        {"exec:echo sk a", "sk a; 'providers.a.api_key' holds a blank or a character that is not "
                           "ASCII, which keys do not: write the key alone"},
        {"file:@/padded", " sk; 'providers.a.api_key' begins or ends with a blank, which is taken for "
                          "a part of it: write the key alone"},
        {"file:@/open", "sk-open; '@/open' holds a key and can be read by everybody: chmod 600"},
        {"file:@/loose", "'@/loose' can be written by everybody: chmod 600"},
        {"file:@/empty", "'@/empty' is empty: it should hold the key"},
        {"file:@/lines", "'providers.a.api_key' holds a line end or another control character: "
                         "write the key alone, without a trailing newline"},
        {"file:@/none", "'providers.a.api_key' cannot be read from '@/none': No such file or "
                        "directory"},
        {"file:@", "'providers.a.api_key' cannot be read from '@': Is a directory"},
        {"file:/dev/null", "'providers.a.api_key' cannot be read from '/dev/null': it is no regular "
                           "file"},
        {"file:", "'providers.a.api_key' must be file:PATH, and there is no path"},
        {"file:${NO}", "environment variable 'NO' is not set: set it, or write ${NO:-default}"},
        {"cred:good", "sk-file"},
        {"cred:../good", "'providers.a.api_key' must be cred:NAME: '../good' is no credential's "
                         "name"},
        {"exec:printf sk-%s-$HOME \"a b\"", "sk-a b-$HOME; 'providers.a.api_key' holds a blank or a "
                                            "character that is not ASCII, which keys do not: write "
                                            "the key alone"},
        {"exec:printf %s\\n sk-exec", "sk-execn"},
        {"exec:sh -c \"echo sk; echo no >&2\"", "sk"},
        {"exec:cat", "'providers.a.api_key': 'cat' printed nothing"},
        {"exec:", "'providers.a.api_key' must be exec:COMMAND, and that names no program"},
        {"exec:echo \"a", "'providers.a.api_key' must be exec:COMMAND, and that has a quote that is "
                          "not closed"},
        {"exec:/nonexistent/x", "'providers.a.api_key': cannot start '/nonexistent/x': No such file "
                                "or directory"},
        {"exec:sh -c \"echo it is locked >&2; exit 3\"",
         "'providers.a.api_key': 'sh' failed with status 3: it is locked"},
        {"exec:sh -c \"kill -9 \\$\\$\"", "'providers.a.api_key': 'sh' was ended by signal 9"},
        {"exec:sh -c \"yes\"", "'providers.a.api_key': 'sh' printed more than 64 KiB"},
    };
    make_place();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) written = BUF_INIT(KIB(8)), want = BUF_INIT(KIB(8)), got = BUF_INIT(KIB(64));
        add_with_place(&written, rows[i].written);
        add_with_place(&want, rows[i].want);
        read_key(written.data, &got);
        bool is_same = slice_is(buf_slice(&got), want.data);
        ROW(rows[i].written, is_same);
        if (!is_same)
            fprintf(stderr, "  got  %.*s\n  want %s\n", SLICE_ARG(buf_slice(&got)), want.data);
    }
    remove_place();
}

static void test_credential_without_systemd(void)
{
    AUTO(buf) faults = BUF_INIT(KIB(4));
    struct config *c = load_text("providers: { a: { api_key: 'cred:k' } }", NULL, NULL, 0, &faults);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT(slice_is(buf_slice(&faults),
                       "c.yaml:1:28: 'providers.a.api_key' is a credential, but "
                       "CREDENTIALS_DIRECTORY is not set: systemd sets it for a unit with "
                       "LoadCredential=k:PATH\n"));
}

static void test_commands_not_wanted(void)
{
    struct fixed_environment fixed = fixed_environment(usual_pairs);
    struct config_sources sources = {
        .file = "c.yaml",
        .text = HARBORAI_STR("providers: { a: { api_key: 'exec:false with secrets' } }"),
        .without_commands = true};
    struct config *c = NULL;
    CU_ASSERT_EQUAL_FATAL(config_load(&sources, &fixed.environment, &c, NULL, NULL), HARBORAI_OK);
    CU_ASSERT(c->providers[0].api_key == NULL && !c->providers[0].key_none);
    CU_ASSERT(slice_is(c->providers[0].key_reference, "exec:false"));
    config_destroy(c);
}

static void test_words(void)
{
    AUTO(buf) storage = BUF_INIT(KIB(4)), line = BUF_INIT(KIB(4));
    char *words[COMMAND_WORDS_MAX + 1];
    CU_ASSERT_EQUAL_FATAL(command_split(HARBORAI_STR(" a  'b c'\"d\\\"\" \\e\\ f '' "), &storage,
                                        words, NULL),
                          HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(words[0], "a");
    CU_ASSERT_STRING_EQUAL(words[1], "b cd\"");
    CU_ASSERT_STRING_EQUAL(words[2], "e f");
    CU_ASSERT_STRING_EQUAL(words[3], "");
    CU_ASSERT_PTR_NULL(words[4]);
    for (unsigned i = 0; i <= COMMAND_WORDS_MAX; i++)
        buf_add(&line, HARBORAI_STR("x "));
    buf_clear(&storage);
    CU_ASSERT_EQUAL(command_split(buf_slice(&line), &storage, words, NULL), HARBORAI_E_CONFIG);
}

/* Hosts may ignore SIGCHLD: then nobody knows how a command ended, but what it printed is there. */
static void test_commands_without_sigchld(void)
{
    static const struct row {
        const char *written, *want;
    } rows[] = {
        {"exec:echo sk-x", "sk-x"},
        {"exec:cat", "'providers.a.api_key': 'cat' printed nothing"},
        {"exec:sh -c \"exec >&-; exit 1\"", "'providers.a.api_key': 'sh' printed nothing"},
        {"exec:yes", "'providers.a.api_key': 'yes' printed more than 64 KiB"},
    };
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    int64_t start_ns = clock_monotonic_ns(&clock_system);
    sigaction(SIGCHLD, &ignore, &before);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) got = BUF_INIT(KIB(64));
        read_key(rows[i].written, &got);
        ROW(rows[i].written, slice_is(buf_slice(&got), rows[i].want));
    }
    sigaction(SIGCHLD, &before, NULL);
    CU_ASSERT(clock_monotonic_ns(&clock_system) - start_ns < NS_PER_MS * COMMAND_LIMIT_MS);
}

/* A signal that is to end us ends the command first, however long that would take. */
static void test_commands_interrupted(void)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    struct sigaction actions[ARRAY_LEN(numbers)]; /* who runs us in the background ignores SIGINT */
    sigset_t signals, before, after;
    sigemptyset(&signals);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        sigaction(numbers[i], &by_default, &actions[i]);
        sigaddset(&signals, numbers[i]);
    }
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        AUTO(buf) got = BUF_INIT(KIB(64));
        int64_t start_ns = clock_monotonic_ns(&clock_system);
        int number = 0;
        raise(numbers[i]);
        read_key("exec:sleep 77", &got);
        CU_ASSERT(clock_monotonic_ns(&clock_system) - start_ns < NS_PER_MS * COMMAND_LIMIT_MS);
        CU_ASSERT(slice_is(buf_slice(&got), "'providers.a.api_key': 'sleep' was ended: this program "
                                            "was to end"));
        CU_ASSERT(sigwait(&signals, &number) == 0 && number == numbers[i]); /* it is there still */
    }
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    CU_ASSERT(sigismember(&after, SIGTERM) && sigismember(&after, SIGINT) &&
              !sigismember(&after, SIGQUIT) && !sigismember(&after, SIGHUP));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sigaction(numbers[i], &actions[i], NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

const CU_TestInfo key_tests[] = {{"references", test_references},
                                 {"credential without systemd", test_credential_without_systemd},
                                 {"commands not wanted", test_commands_not_wanted},
                                 {"words", test_words},
                                 {"commands without SIGCHLD", test_commands_without_sigchld},
                                 {"commands interrupted", test_commands_interrupted},
                                 CU_TEST_INFO_NULL};
