/* SPDX-License-Identifier: MIT */
/* Reads a provider's key, or another secret, from where the operator says that it is. The key's text appears in no
 * message; buffers that held it are wiped. */
#include "config/key.h"

#include <errno.h>

#include "base/error.h"
#include "base/limits.h"
#include "config/command.h"
#include "config/expand.h"

#define KEY_FILE_MAX KIB(64)

#define FAULT(r, node, ...) config_faults_add((r)->faults, (node)->place, __VA_ARGS__)
#define WARN(r, node, ...) config_faults_add((r)->warnings, (node)->place, __VA_ARGS__)

/* What is needed throughout. */
struct key {
    struct config_reader *r;
    const struct node *node;
    harborai_str shown;
    const struct setting *setting;
    struct secret **secret; /* these are filled */
    harborai_str *variable, *reference;
    bool *is_none; /* NULL: `none` is a text like any */
};

static void wipe(harborai_str text)
{
    if (text.len > 0)
        explicit_bzero((char *)(uintptr_t)text.data, text.len);
}

/* What no vendor gives out, and editors and clipboards add. It is the operator's to know better. */
static void warn_of_odd_text(const struct key *k, harborai_str text)
{
    bool is_trimmed = slice_trim(text).len == text.len, is_odd = false;
    for (size_t i = 0; i < text.len; i++)
        is_odd = is_odd || (unsigned char)text.data[i] <= ' ' || (unsigned char)text.data[i] > '~';
    if (!is_trimmed)
        WARN(k->r, k->node, "'%.*s' begins or ends with a blank, which is taken for a part of it: "
                            "write the key alone", SLICE_ARG(k->shown));
    else if (is_odd)
        WARN(k->r, k->node, "'%.*s' holds a blank or a character that is not ASCII, which keys do "
                            "not: write the key alone", SLICE_ARG(k->shown));
}

/* SQLAlchemy's names of its drivers stand behind a '+': postgresql+asyncpg://. */
static void check_url(const struct key *k, harborai_str text)
{
    if (!slice_starts_with(text, "postgresql://") && !slice_starts_with(text, "postgres://") &&
        !slice_starts_with(text, "postgresql+"))
        FAULT(k->r, k->node, "'%.*s' must begin with postgresql://", SLICE_ARG(k->shown));
}

static void store(const struct key *k, harborai_str text)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char name[128];
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(k->shown));
    secret_unref(take(*k->secret));
    harborai_status st = secret_create(text, name, k->secret, &error);
    if (st == HARBORAI_E_MEMORY)
        k->r->is_out_of_memory = true;
    else if (st < 0)
        FAULT(k->r, k->node, "%s", error.message);
    else if (k->setting->type == SETTING_SECRET)
        warn_of_odd_text(k, text);
    else if (k->setting->type == SETTING_DATABASE_URL)
        check_url(k, text);
}

/* ---- Written out, or ${VAR} --------------------------------------------------------------- */

static void take_text(const struct key *k, const struct expansion *expansion, harborai_str text)
{
    if (expansion->variable.len > 0)
        *k->variable = field_copy(k->r, expansion->variable);
    if (expansion->outcome == EXPANSION_DONE && k->is_none != NULL && slice_is(text, "none"))
        *k->is_none = true;
    else if (expansion->outcome == EXPANSION_DONE && text.len > 0)
        store(k, text);
    else if (expansion->variable.len == 0)
        FAULT(k->r, k->node, "'%.*s' is empty: give a key, or none for a vendor that needs none",
              SLICE_ARG(k->shown));
}

/* False: there is nothing to go on with, and what can be said has been. */
static bool expand(const struct key *k, harborai_str text, struct buf *out,
                   struct expansion *ret_expansion)
{
    *ret_expansion = expand_text(k->r->environment, text, out);
    if (out->failed != HARBORAI_OK)
        k->r->is_out_of_memory = true;
    else if (ret_expansion->outcome == EXPANSION_BROKEN)
        FAULT(k->r, k->node,
              "'%.*s' holds a '${' that names no variable: write '$${' for the characters",
              SLICE_ARG(k->shown));
    else if (ret_expansion->outcome == EXPANSION_REQUIRED ||
             ret_expansion->outcome == EXPANSION_TOO_LONG)
        expand_add_fault(k->r->faults, k->node->place, ret_expansion);
    else
        return true;
    return false;
}

static void read_text(const struct key *k, harborai_str text)
{
    AUTO(buf) out = BUF_INIT(EXPANDED_MAX);
    struct expansion expansion;
    if (expand(k, text, &out, &expansion))
        take_text(k, &expansion, buf_slice(&out));
    wipe(buf_slice(&out));
}

/* ---- env: --------------------------------------------------------------------------------- */

static void read_variable(const struct key *k, harborai_str name)
{
    harborai_str value;
    if (!environment_is_name(name)) {
        FAULT(k->r, k->node, "'%.*s' must be env:NAME: '%.*s' is no variable's name",
              SLICE_ARG(k->shown), SLICE_ARG(node_excerpt(name)));
        return;
    }
    *k->variable = field_copy(k->r, name);
    if (environment_find_filled(k->r->environment, name, &value))
        store(k, value);
}

/* ---- file: and cred: ---------------------------------------------------------------------- */

static harborai_str without_line_end(harborai_str text)
{
    while (text.len > 0 &&
           (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* False: whoever can write it could put another key there. */
static bool check_access(const struct key *k, const char *name, const struct stat *about)
{
    if ((about->st_mode & S_IWOTH) != 0) {
        FAULT(k->r, k->node, "'%s' can be written by everybody: chmod 600", name);
        return false;
    }
    if ((about->st_mode & S_IROTH) != 0)
        WARN(k->r, k->node, "'%s' holds a key and can be read by everybody: chmod 600", name);
    if (!files_is_own(about))
        WARN(k->r, k->node, "'%s' holds a key and belongs to another user: chown it", name);
    return true;
}

static void read_file(const struct key *k, harborai_str path)
{
    AUTO(buf) text = BUF_INIT(KEY_FILE_MAX + FILES_SLACK);
    struct stat about;
    char words[128];

    int number = files_read_regular(path.data, KEY_FILE_MAX, &text, &about);
    if (number != 0)
        FAULT(k->r, k->node, "'%.*s' cannot be read from '%s': %s", SLICE_ARG(k->shown), path.data,
              number == EINVAL ? "it is no regular file" : error_of_errno(number, words));
    else if (text.len > KEY_FILE_MAX)
        FAULT(k->r, k->node, "'%s' is larger than %zu KiB: that is no key", path.data,
              KEY_FILE_MAX / KIB(1));
    else if (without_line_end(buf_slice(&text)).len == 0)
        FAULT(k->r, k->node, "'%s' is empty: it should hold the key", path.data);
    else if (check_access(k, path.data, &about))
        store(k, without_line_end(buf_slice(&text)));
    wipe(buf_slice(&text));
}

static void read_path(const struct key *k, harborai_str written)
{
    AUTO(buf) out = BUF_INIT(EXPANDED_MAX);
    struct expansion expansion;
    harborai_str path;

    if (!expand(k, written, &out, &expansion))
        return;
    if (expansion.outcome != EXPANSION_DONE)
        expand_add_fault(k->r->faults, k->node->place, &expansion);
    else if (out.len == 0 || memchr(out.data, '\0', out.len) != NULL)
        FAULT(k->r, k->node, "'%.*s' must be file:PATH, and there is no path", SLICE_ARG(k->shown));
    else if (field_resolve_path(k->r, k->node, buf_slice(&out), k->shown, &path))
        read_file(k, path);
}

static bool is_credential_name(harborai_str name)
{
    return name.len > 0 && name.len <= 255 && memchr(name.data, '/', name.len) == NULL &&
           !slice_is(name, ".") && !slice_is(name, "..");
}

static void read_credential(const struct key *k, harborai_str name)
{
    harborai_str folder;
    if (!is_credential_name(name)) {
        FAULT(k->r, k->node, "'%.*s' must be cred:NAME: '%.*s' is no credential's name",
              SLICE_ARG(k->shown), SLICE_ARG(node_excerpt(name)));
        return;
    }
    if (!environment_find_filled(k->r->environment, HARBORAI_STR("CREDENTIALS_DIRECTORY"),
                                 &folder)) {
        FAULT(k->r, k->node,
              "'%.*s' is a credential, but CREDENTIALS_DIRECTORY is not set: systemd sets it for a "
              "unit with LoadCredential=%.*s:PATH",
              SLICE_ARG(k->shown), SLICE_ARG(name));
        return;
    }
    harborai_str path = arena_printf(&k->r->config->arena, "%.*s/%.*s", SLICE_ARG(folder),
                                     SLICE_ARG(name));
    if (path.data == NULL)
        k->r->is_out_of_memory = true;
    else
        read_file(k, path);
}

/* ---- exec: -------------------------------------------------------------------------------- */

static void run(const struct key *k, char *const words[])
{
    AUTO(buf) output = BUF_INIT(COMMAND_OUTPUT_MAX);
    harborai_error error = HARBORAI_ERROR_INIT;
    if (command_run(words, &output, &error) < 0)
        FAULT(k->r, k->node, "'%.*s': %s", SLICE_ARG(k->shown), error.message);
    else if (without_line_end(buf_slice(&output)).len == 0)
        FAULT(k->r, k->node, "'%.*s': '%s' printed nothing", SLICE_ARG(k->shown), words[0]);
    else
        store(k, without_line_end(buf_slice(&output)));
    wipe(buf_slice(&output));
}

/* What a command is given may be secret itself: the reference that is kept names the program. */
static void read_command(const struct key *k, harborai_str line)
{
    AUTO(buf) storage = BUF_INIT(KIB(64));
    char *words[COMMAND_WORDS_MAX + 1];
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str program;

    if (command_split(line, &storage, words, &error) < 0) {
        FAULT(k->r, k->node, "'%.*s' must be exec:COMMAND, and that %s", SLICE_ARG(k->shown),
              error.message);
        return;
    }
    program = slice_of(words[0]);
    if (memchr(words[0], '/', program.len) != NULL &&
        !field_resolve_path(k->r, k->node, program, k->shown, &program))
        return;
    words[0] = (char *)(uintptr_t)program.data;
    *k->reference = arena_printf(&k->r->config->arena, "exec:%s", words[0]);
    if (!k->r->sources->without_commands)
        run(k, words);
}

/* ---- Which of them ------------------------------------------------------------------------ */

static void refuse_foreign(const struct key *k, harborai_str name)
{
    FAULT(k->r, k->node,
          "'%.*s': 'os.environ/…' is LiteLLM's way to name a variable: write env:%.*s",
          SLICE_ARG(k->shown), SLICE_ARG(node_excerpt(name)));
}

static const struct scheme {
    const char *prefix;
    void (*read)(const struct key *key, harborai_str rest);
    bool is_shown; /* as it is written */
} schemes[] = {
    {"env:", read_variable, false},     {"file:", read_path, true},
    {"cred:", read_credential, true},   {"exec:", read_command, false},
    {"os.environ/", refuse_foreign, false},
};

/* "Env:NAME", " file:PATH", "None": almost one of ours. */
static bool is_almost_reference(harborai_str text)
{
    harborai_str trimmed = slice_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        harborai_str prefix = slice_of(schemes[i].prefix);
        if (slice_equal_ignoring_case(slice_cut(trimmed, prefix.len), prefix))
            return true;
    }
    return slice_equal_ignoring_case(trimmed, HARBORAI_STR("none")) && !slice_is(text, "none");
}

static void read_any(const struct key *k, harborai_str text)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!slice_starts_with(text, schemes[i].prefix))
            continue;
        if (schemes[i].is_shown)
            *k->reference = field_copy(k->r, text);
        schemes[i].read(k, slice_trim(slice_from(text, strlen(schemes[i].prefix))));
        return;
    }
    if (is_almost_reference(text))
        WARN(k->r, k->node,
             "'%.*s' is taken for the key itself: env:, file:, cred:, exec: and none are written "
             "in small letters, with no blank before",
             SLICE_ARG(k->shown));
    read_text(k, text);
}

static void read_node(const struct key *k)
{
    if (k->node->is_faulty)
        return;
    if (!node_is_scalar(k->node)) {
        field_refuse(k->r, k->setting, k->node, k->shown);
        return;
    }
    read_any(k, k->node->text);
    wipe(k->node->text);
}

void key_read(struct config_reader *r, const struct setting *setting, const struct node *node,
              harborai_str shown, struct config_provider *provider)
{
    struct key key = {r, node, shown, setting, &provider->api_key, &provider->key_variable,
                      &provider->key_reference, &provider->key_none};
    read_node(&key);
}

void key_read_secret(struct config_reader *r, const struct setting *setting,
                     const struct node *node, harborai_str shown, struct config_secret *secret)
{
    struct key key = {r, node, shown, setting, &secret->text, &secret->variable,
                      &secret->reference, NULL};
    secret->variable = secret->reference = SLICE_NONE; /* of a lower source */
    if (r->kind == CONFIG_ORIGIN_VARIABLE || r->kind == CONFIG_ORIGIN_ENV_FILE)
        store(&key, node->text);
    else
        read_node(&key);
}
