/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/limits.h"
#include "support.h"

extern const CU_TestInfo dotenv_tests[];

/* "NAME=value;" of each variable at its place, then the faults, one a line. */
static void read_as_text(harborai_str text, struct buf *out)
{
    struct arena arena;
    struct dotenv dotenv = {0};
    AUTO(config_faults) faults;
    char line[1024];

    config_faults_init(&faults);
    arena_init(&arena, MIB(4));
    CU_ASSERT_EQUAL_FATAL(dotenv_read(&arena, ".env", text, &faults, &dotenv, NULL), HARBORAI_OK);
    for (const struct dotenv_variable *v = dotenv.first; v != NULL; v = v->next)
        buf_printf(out, "%u:%u:%u %.*s=%.*s;", v->place.line, v->place.column,
                   v->value_place.column, SLICE_ARG(v->name), SLICE_ARG(v->value));
    for (unsigned i = 0; i < faults.count; i++) {
        config_fault_format(&faults.items[i], line, sizeof line);
        buf_printf(out, "%s\n", line);
    }
    arena_release(&arena);
}

static const struct read_row rows[] = {
    {"", ""},
    {"\xef\xbb\xbf" "A=1", "1:1:3 A=1;"},
    {"A=1\nB=2\n", "1:1:3 A=1;2:1:3 B=2;"},
    {"A=1\r\nB='2'\r\n", "1:1:3 A=1;2:1:3 B=2;"},
    {"  # all of it\n\n\texport A = 1 \n", "3:9:13 A=1;"},
    {"export=1\n", "1:1:8 export=1;"},
    {"A=\nB=''\nC=\"\"\n", "1:1:3 A=;2:1:3 B=;3:1:3 C=;"},
    {"A=a b # c\nB=a#b\nC=#d\n", "1:1:3 A=a b;2:1:3 B=a#b;3:1:3 C=;"},
    {"A='a # $b \\n' # c\n", "1:1:3 A=a # $b \\n;"},
    {"A=\"a\\nb\\t\\\"\\\\\\$\\d\"\n", "1:1:3 A=a\nb\t\"\\$\\d;"},
    {"A='1\n2'\nB=3\n", "1:1:3 A=1\n2;3:1:3 B=3;"},
    {"A=$(rm x) ${B} `c`\n", "1:1:3 A=$(rm x) ${B} `c`;"},
    {"A=it's\n", "1:1:3 A=it's;"},
    {"\xe6\xb0\xb4=1\n", ".env:1:1: '\xe6\xb0\xb4' is no variable's name: A-Z, a-z, 0-9 and '_', no "
                         "digit first\n"},
    {"1A=1\nB-C=2\n=3\n",
     ".env:1:1: '1A' is no variable's name: A-Z, a-z, 0-9 and '_', no digit first\n"
     ".env:2:1: 'B-C' is no variable's name: A-Z, a-z, 0-9 and '_', no digit first\n"
     ".env:3:1: '' is no variable's name: A-Z, a-z, 0-9 and '_', no digit first\n"},
    {"A\nexport B\nexport\nC D=1\n",
     ".env:1:1: must be NAME=value: there is no '=' behind the name\n"
     ".env:2:8: must be NAME=value: there is no '=' behind the name\n"
     ".env:3:1: must be NAME=value: there is no '=' behind the name\n"
     ".env:4:1: must be NAME=value: there is no '=' behind the name\n"},
    {"A=1\nA=2\n", "1:1:3 A=1;.env:2:1: duplicate variable 'A': it stands in line 1 already\n"},
    {"A=\"\xe6\xb0\xb4\" x\nB=2\n", "2:1:3 B=2;.env:1:7: text behind the closing quote\n"},
    {"A='x\nB=2\n", "2:1:3 B=2;.env:1:3: no closing '\n"},
    {"A=\"x\\\"\nB=2\n", ".env:1:3: no closing \"\n"},
    {"A=a\x01z\n", ".env:1:4: a control character: put the value in \"…\" and write it with a "
                   "backslash\n"},
};

static void test_texts(void)
{
    check_reads(rows, ARRAY_LEN(rows), read_as_text);
}

static void test_nul(void)
{
    AUTO(buf) out = BUF_INIT(KIB(4));
    read_as_text(HARBORAI_STR("A='x\0y'\nB=2\0\n"), &out);
    CU_ASSERT(slice_is(buf_slice(&out),
                       ".env:1:3: a value cannot hold a NUL\n"
                       ".env:2:4: a control character: put the value in \"…\" and write it with a "
                       "backslash\n"));
}

static void test_many(void)
{
    AUTO(buf) text = BUF_INIT(KIB(64)), out = BUF_INIT(KIB(64));
    for (unsigned i = 0; i <= DOTENV_VARIABLES_MAX; i++)
        buf_printf(&text, "V%u=\n", i);
    read_as_text(buf_slice(&text), &out);
    CU_ASSERT(slice_ends_with(buf_slice(&out), ".env:1001:1: more than 1000 variables\n"));
}

static void test_layers(void)
{
    static const char *const pairs[] = {"A=above", "EMPTY=", NULL};
    struct fixed_environment above = fixed_environment(pairs);
    struct arena arena;
    struct dotenv dotenv;
    struct dotenv_environment layers;
    AUTO(config_faults) faults;
    harborai_str value;

    config_faults_init(&faults);
    arena_init(&arena, MIB(1));
    CU_ASSERT_EQUAL_FATAL(dotenv_read(&arena, ".env", HARBORAI_STR("A=below\nEMPTY=below\nB=1\n"),
                                      &faults, &dotenv, NULL),
                          HARBORAI_OK);
    dotenv_environment_init(&layers, &above.environment, &dotenv);
    CU_ASSERT(environment_find(&layers.environment, HARBORAI_STR("A"), &value));
    CU_ASSERT(slice_is(value, "above"));
    CU_ASSERT(environment_find(&layers.environment, HARBORAI_STR("EMPTY"), &value));
    CU_ASSERT(value.len == 0); /* what is set, be it to nothing, is set */
    CU_ASSERT(environment_find(&layers.environment, HARBORAI_STR("B"), &value));
    CU_ASSERT(slice_is(value, "1"));
    CU_ASSERT(!environment_find(&layers.environment, HARBORAI_STR("C"), &value));
    dotenv_wipe(&dotenv);
    CU_ASSERT(dotenv.last->value.len == 1 && dotenv.last->value.data[0] == '\0');
    arena_release(&arena);
}

const CU_TestInfo dotenv_tests[] = {{"texts", test_texts},
                                    {"NUL", test_nul},
                                    {"many", test_many},
                                    {"layers", test_layers},
                                    CU_TEST_INFO_NULL};
