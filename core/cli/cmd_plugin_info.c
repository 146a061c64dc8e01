/* SPDX-License-Identifier: MIT */
/* harborai plugin info: all that is known of one plugin without loading it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/plugins.h"
#include "cli/terminal.h"
#include "plugin/lock.h"

static const struct option_spec options[] = {
    {"state-dir", 0, "DIR", "whose gateway is asked, and where plugins.json is kept"},
    {"plugin", 0, "FILE", "use this plugin before all others; may be given again"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

/* ---- Lines ---------------------------------------------------------------------------------- */

static void print_field(const char *name, harborai_str text)
{
    AUTO(buf) clean = BUF_INIT(MIB(4));
    if (text.len == 0)
        return;
    terminal_add_line(&clean, text);
    printf("%-13s %.*s\n", name, SLICE_ARG(buf_slice(&clean)));
}

static void print_texts(const char *name, const struct manifest_texts *texts)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    for (size_t i = 0; i < texts->count; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", SLICE_ARG(texts->items[i]));
    print_field(name, buf_slice(&text));
}

static void print_models(const struct manifest *m)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    for (size_t i = 0; i < m->model_count; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", SLICE_ARG(m->models[i].name));
    print_field("models", buf_slice(&text));
    print_texts("patterns", &m->patterns);
}

static void print_secrets(const struct manifest *m)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    for (size_t i = 0; i < m->secret_count; i++) {
        const struct manifest_secret *s = &m->secrets[i];
        buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", SLICE_ARG(s->name));
        if (s->env.len > 0)
            buf_printf(&text, " in %.*s", SLICE_ARG(s->env));
        buf_add(&text, s->required ? HARBORAI_STR(" (required)") : SLICE_NONE);
    }
    print_field("secrets", buf_slice(&text));
}

static void print_manifest(const struct manifest *m)
{
    char abi[64];
    snprintf(abi, sizeof abi, "%u.%u, runs from %u.%u on", m->abi_major, m->abi_minor, m->abi_major,
             m->abi_minor_required);
    print_field("plugin", m->provider);
    print_field("id", m->id);
    print_field("version", m->version);
    print_field("name", m->name);
    print_field("description", m->description);
    print_field("homepage", m->homepage);
    print_field("license", m->license);
    print_field("ABI", slice_of(abi));
    print_texts("operations", &m->operations);
    print_texts("capabilities", &m->capabilities);
    print_models(m);
    print_field("base URL", m->base_url);
    print_texts("network", &m->network);
    print_secrets(m);
    print_field("prices of", m->prices_date);
}

/* ---- Trust ---------------------------------------------------------------------------------- */

/* "user 0, mode 0755": who could have changed the file. */
static void format_trust(const struct plugins *plugins, const struct plugin_file *file,
                         struct buf *text)
{
    bool is_off = plugins->config->plugin_trust == CONFIG_TRUST_OFF;
    struct stat status;
    if (file->origin == PLUGIN_ORIGIN_BUILT_IN)
        buf_printf(text, "as that of harborai itself");
    else if (stat(file->path, &status) == 0)
        buf_printf(text, "%s: of user %u, mode %04o",
                   file->stage == PLUGIN_STAGE_TRUST ? "refused"
                   : is_off                          ? "not checked, for plugin_trust is off"
                                                     : "checked, with all directories above",
                   (unsigned)status.st_uid, (unsigned)status.st_mode & 07777U);
}

/* Of the file as it is now; nothing if it cannot be read. */
static harborai_str digest_of(const struct plugin_file *file, char text[static PLUGIN_DIGEST_LEN + 1])
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool is_read = fd >= 0 && file->manifest != NULL && plugin_digest(fd, file->path, text, NULL) == 0;
    if (fd >= 0)
        close(fd);
    return is_read ? slice_of(text) : SLICE_NONE;
}

static void add_reason(const struct plugins *plugins, const struct plugin_file *file,
                       struct buf *text)
{
    const struct plugin_state_entry *entry = plugins_disabled(plugins, file);
    if (file->error.code != HARBORAI_OK)
        buf_add(text, slice_of(file->error.message));
    else if (entry != NULL)
        plugins_add_reason(plugins->state, entry, file->manifest->provider, text);
    else if (plugins_crash(plugins, file) != NULL)
        plugins_add_crash(plugins_crash(plugins, file), file->manifest->provider, text);
}

static void print_file(const struct plugins *plugins, const struct plugin_file *file)
{
    AUTO(buf) trust = BUF_INIT(KIB(1));
    AUTO(buf) reason = BUF_INIT(KIB(16));
    char digest[PLUGIN_DIGEST_LEN + 1];
    format_trust(plugins, file, &trust);
    add_reason(plugins, file, &reason);
    if (file->manifest != NULL)
        print_manifest(file->manifest);
    print_field("state", plugins_state_name(plugins, file));
    print_field("reason", buf_slice(&reason));
    print_field("file", slice_of(file->path));
    print_field("found by", slice_of(plugins_origin_name(file->origin)));
    print_field("trust", buf_slice(&trust));
    print_field("SHA-256", digest_of(file, digest));
    for (size_t i = 0; file->manifest != NULL && i < file->manifest->warnings.count; i++)
        print_field("warning", file->manifest->warnings.items[i]);
}

/* Those of other plugins are of no interest here. */
static enum gateway_state ask_gateway(const struct plugins *plugins,
                                      const struct plugin_file *file,
                                      struct gateway_answer *gateway)
{
    if (file->manifest == NULL)
        return GATEWAY_NONE;
    enum gateway_state state = gateway_ask_about(plugins->config->state_dir, "GET",
                                                 file->manifest->id.data, "", gateway);
    bool is_unknown = gateway->status == 404; /* there: nothing is wrong here */
    if (state != GATEWAY_ANSWERS)
        gateway->status = 0;
    return is_unknown ? GATEWAY_NONE : state;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void write_field(struct json_writer *w, const char *key, harborai_str text)
{
    if (text.len > 0)
        json_write_key_string(w, key, text);
}

static void write_texts(struct json_writer *w, const char *key, const struct manifest_texts *texts)
{
    json_write_key(w, slice_of(key));
    json_write_array(w);
    for (size_t i = 0; i < texts->count; i++)
        json_write_string(w, texts->items[i]);
    json_write_end(w);
}

static void write_lists(struct json_writer *w, const struct manifest *m)
{
    json_write_key(w, HARBORAI_STR("models"));
    json_write_array(w);
    for (size_t i = 0; i < m->model_count; i++)
        json_write_raw(w, m->models[i].json);
    json_write_end(w);
    json_write_key(w, HARBORAI_STR("secrets"));
    json_write_array(w);
    for (size_t i = 0; i < m->secret_count; i++) {
        json_write_object(w);
        json_write_key_string(w, "name", m->secrets[i].name);
        write_field(w, "env", m->secrets[i].env);
        json_write_key(w, HARBORAI_STR("required"));
        json_write_bool(w, m->secrets[i].required);
        json_write_end(w);
    }
    json_write_end(w);
}

static void write_manifest(struct json_writer *w, const struct manifest *m)
{
    const int64_t abi[] = {m->abi_major, m->abi_minor, m->abi_minor_required};
    json_write_key_string(w, "plugin", m->provider);
    json_write_key_string(w, "id", m->id);
    json_write_key_string(w, "version", m->version);
    json_write_key_string(w, "name", m->name);
    write_field(w, "description", m->description);
    write_field(w, "homepage", m->homepage);
    write_field(w, "license", m->license);
    write_field(w, "base_url", m->base_url);
    json_write_key(w, HARBORAI_STR("abi"));
    json_write_array(w);
    for (size_t i = 0; i < ARRAY_LEN(abi); i++)
        json_write_int64(w, abi[i]);
    json_write_end(w);
    write_texts(w, "operations", &m->operations);
    write_texts(w, "capabilities", &m->capabilities);
    write_texts(w, "patterns", &m->patterns);
    write_texts(w, "network", &m->network);
    write_texts(w, "warnings", &m->warnings);
    write_lists(w, m);
}

static void print_json(const struct plugins *plugins, const struct plugin_file *file,
                       const struct gateway_answer *gateway)
{
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) trust = BUF_INIT(KIB(1));
    AUTO(buf) reason = BUF_INIT(KIB(16));
    char digest[PLUGIN_DIGEST_LEN + 1];
    struct json_writer w = JSON_WRITER(&text);
    format_trust(plugins, file, &trust);
    add_reason(plugins, file, &reason);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("plugin"));
    json_write_object(&w);
    if (file->manifest != NULL)
        write_manifest(&w, file->manifest);
    json_write_key_string(&w, "state", plugins_state_name(plugins, file));
    write_field(&w, "reason", buf_slice(&reason));
    json_write_key_string(&w, "file", slice_of(file->path));
    json_write_key_string(&w, "found_by", slice_of(plugins_origin_name(file->origin)));
    write_field(&w, "trust", buf_slice(&trust));
    write_field(&w, "sha256", digest_of(file, digest));
    json_write_end(&w);
    if (gateway->status != 0) {
        json_write_key(&w, HARBORAI_STR("gateway"));
        json_write_raw(&w, buf_slice(&gateway->body));
    }
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

/* ---- The command ---------------------------------------------------------------------------- */

static void show(const struct plugins *plugins, const struct plugin_file *file,
                 const struct gateway_answer *gateway, const struct arguments *arguments)
{
    if (command_argument(&command_plugin_info, arguments, "json") != NULL) {
        print_json(plugins, file, gateway);
        return;
    }
    print_file(plugins, file);
    if (gateway->status != 0)
        gateway_print_providers(gateway, command_has_color(arguments, STDOUT_FILENO));
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    AUTO(gateway_answer) gateway = GATEWAY_ANSWER_INIT;
    struct subject target;
    if (arguments->rest_count != 1) {
        command_complain("'plugin info' takes one name of a plugin or provider");
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open(&plugins, &command_plugin_info, arguments), end;
    if (code == EXIT_OK)
        code = plugins_find(&plugins, arguments->rest[0], &target);
    if (code != EXIT_OK)
        return code;
    if (target.file == NULL) {
        command_complain("%s '%.*s' has no plugin that is found: 'harborai plugin doctor' says why",
                         subject_kind_name(target.kind), SLICE_ARG(target.name));
        return EXIT_FAILED;
    }
    enum gateway_state state = ask_gateway(&plugins, target.file, &gateway);
    show(&plugins, target.file, &gateway, arguments);
    code = plugins_check_state(&plugins);
    end = command_finish();
    if (code == EXIT_OK && state == GATEWAY_REFUSES)
        code = EXIT_FAILED;
    return code != EXIT_OK ? code : end;
}

const struct command command_plugin_info = {
    .name = "plugin info",
    .summary = "Show what is known of a plugin",
    .rest = "PLUGIN",
    .options = options,
    .run = run,
};
