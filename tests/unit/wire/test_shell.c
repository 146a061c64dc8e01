/* SPDX-License-Identifier: MIT */
#include "wire/shell.h"

#include "../unit.h"
#include "base/attr.h"
#include "base/limits.h"

extern const CU_TestInfo shell_tests[];

static const struct {
    const char *word, *want;
} words[] = {
    {"acme.so", "acme.so"},
    {"/opt/lib-1/a_b@c,d+e%f:g.so", "/opt/lib-1/a_b@c,d+e%f:g.so"},
    {"", "''"},
    {"two words", "'two words'"},
    {"it's", "'it'\\''s'"},
    {"lab/*", "'lab/*'"},
    {"$(reboot);`x`\"\\!", "'$(reboot);`x`\"\\!'"},
    {"~me", "'~me'"},
    {"=ls", "'=ls'"},
    {"#1", "'#1'"},
    {"caf\xc3\xa9", "'caf\xc3\xa9'"},
    {"\x1b[31m", "$'\\033[31m'"},
    {"a\nb'c\\d", "$'a\\012b\\'c\\\\d'"},
    {"del\x7f" "9", "$'del\\1779'"},
    {"c1\xc2\x9b", "$'c1\\302\\233'"},
    {"\xc3\xa9\n", "$'\\303\\251\\012'"},
    {"latin\xe9", "$'latin\\351'"},
};

static void test_words(void)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        AUTO(buf) text = BUF_INIT(KIB(1));
        struct shell_word room;
        harborai_str word = unit_tight(slice_of(words[i].word));
        shell_add_word(&text, word);
        ROW(words[i].want, slice_is(buf_slice(&text), words[i].want));
        ROW(words[i].want, strcmp(shell_word(word, &room), words[i].want) == 0);
        unit_drop(word);
    }
}

/* What a shell makes of it is what it was. */
static void test_shell_reads_it(void)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        AUTO(buf) command = BUF_INIT(KIB(1));
        char got[64];
        buf_add(&command, HARBORAI_STR("exec bash -c 'printf %s \"$1\"' bash "));
        shell_add_word(&command, slice_of(words[i].word));
        buf_add_char(&command, '\0');
        setenv("HARBORAI_TEST_COMMAND", command.data, 1);
        FILE *pipe = popen("exec bash -c \"$HARBORAI_TEST_COMMAND\"", "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
        size_t len = fread(got, 1, sizeof got, pipe);
        ROW(words[i].want, pclose(pipe) == 0);
        ROW(words[i].want, slice_is((harborai_str){got, len}, words[i].word));
    }
    unsetenv("HARBORAI_TEST_COMMAND");
}

/* Half of a word would be another file. */
static void test_too_long(void)
{
    char text[300];
    struct shell_word room;
    memset(text, 'a', sizeof text);
    CU_ASSERT(strlen(shell_word((harborai_str){text, 255}, &room)) == 255);
    CU_ASSERT_STRING_EQUAL(shell_word((harborai_str){text, 256}, &room), "…");
    text[0] = ' ';
    CU_ASSERT(strlen(shell_word((harborai_str){text, 253}, &room)) == 255);
    CU_ASSERT_STRING_EQUAL(shell_word((harborai_str){text, 254}, &room), "…");
}

const CU_TestInfo shell_tests[] = {{"words", test_words},
                                   {"as bash reads them", test_shell_reads_it},
                                   {"too long", test_too_long},
                                   CU_TEST_INFO_NULL};
