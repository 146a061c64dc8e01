/* SPDX-License-Identifier: MIT */
/* A file of any bytes is a plugin or is refused with a reason, both as an ELF file and as the
 * manifest in one; never more. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json_value.h"
#include "plugin/manifest.h"
#include "plugin/note.h"
#include "plugin/schema_words.h"

static void check_text(harborai_str text)
{
    MUST(text.data != NULL && text.data[text.len] == '\0' && strlen(text.data) == text.len);
}

/* Each fault can be told, in as many words as a message has room for. */
static void tell(void *context, const struct json_schema_fault *fault)
{
    unsigned *told = context;
    AUTO(buf) path = BUF_INIT(MIB(1));
    AUTO(buf) words = BUF_INIT(MIB(1));
    json_schema_add_path(fault->at, &path);
    schema_words_add_wanted(fault->schema, &words);
    if (fault->kind == JSON_SCHEMA_UNKNOWN)
        schema_words_add_hint(fault->schema, fault->at->key, &words);
    MUST(fault->kind == JSON_SCHEMA_ENDLESS || fault->value.len > 0);
    MUST(words.failed == HARBORAI_OK && words.len > 0 && path.failed == HARBORAI_OK);
    ++*told;
}

/* Whatever a schema is, it holds for a value or says why not, the same each time. */
static void check_schema(harborai_str schema, harborai_str value)
{
    unsigned told = 0, faults = json_schema_check(schema, value, tell, &told);
    MUST(faults == told);
    MUST(faults == json_schema_check(schema, value, NULL, NULL));
}

static void check_manifest(harborai_str json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct manifest *m = NULL;
    harborai_status st = manifest_create(json, "x.so", &m, &error);
    MUST((st == HARBORAI_OK) == (m != NULL));
    MUST(st == HARBORAI_OK || error.message[0] != '\0');
    if (m == NULL)
        return;
    check_text(m->id);
    check_text(m->version);
    check_text(m->provider);
    MUST(m->model_count > 0 || m->patterns.count > 0 || m->dynamic_models);
    for (size_t i = 0; i < m->model_count; i++) {
        check_text(m->models[i].name);
        MUST(m->models[i].context >= 0 && m->models[i].json.data[0] == '{');
        MUST(manifest_model_find(m, m->models[i].name) == &m->models[i]);
    }
    for (size_t i = 0; i < m->preset_count; i++) {
        check_text(m->presets[i].name);
        MUST(m->presets[i].options.len == 0 || m->presets[i].options.data[0] == '{');
        MUST(manifest_preset_find(m, m->presets[i].name) == &m->presets[i]);
    }
    if (m->config_schema.len > 0) {
        harborai_str value = json_pointer_find(json, HARBORAI_STR("/plugin/x-value"));
        check_schema(m->config_schema, value.len > 0 ? value : slice_trim(json));
        check_schema(m->config_schema, m->config_schema);
    }
    manifest_unref(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *json = NULL;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (note_read(fd, "x.so", &json, NULL) == HARBORAI_OK)
        check_manifest(slice_of(json));
    check_manifest((harborai_str){(const char *)data, size});
    free(json);
    close(fd);
    return 0;
}
