/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../unit.h"
#include "base/limits.h"

static const char *fixed_get(const struct environment *self, const char *name)
{
    const struct fixed_environment *fixed = (const struct fixed_environment *)(const void *)self;
    size_t len = strlen(name);
    for (const char *const *pair = fixed->pairs; *pair != NULL; pair++)
        if (strncmp(*pair, name, len) == 0 && (*pair)[len] == '=')
            return *pair + len + 1;
    return NULL;
}

struct fixed_environment fixed_environment(const char *const *pairs)
{
    return (struct fixed_environment){{fixed_get}, pairs};
}

const char *const usual_pairs[] = {"OPENAI_API_KEY=sk-1", "PORT=8100", "EMPTY=", "HOME=/home/me",
                                   "YAML=a: [1]", NULL};

struct config *load_text(const char *text, const char *const *pairs,
                         const struct config_override *overrides, size_t override_count,
                         struct buf *faults)
{
    struct fixed_environment fixed = fixed_environment(pairs != NULL ? pairs : usual_pairs);
    struct config_sources sources = {.file = "c.yaml",
                                     .text = slice_of(text),
                                     .overrides = overrides,
                                     .override_count = override_count};
    struct config *config = NULL;
    AUTO(config_faults) found;
    char line[1024];

    config_faults_init(&found);
    if (config_load(&sources, &fixed.environment, &config, &found, NULL) < 0)
        config = NULL;
    for (unsigned i = 0; i < found.count; i++) {
        config_fault_format(&found.items[i], line, sizeof line);
        buf_printf(faults, "%s\n", line);
    }
    if (config != NULL)
        config->environment = NULL; /* it was of this frame */
    return config;
}

void check_reads(const struct read_row *rows, size_t count,
                 void (*read)(harborai_str text, struct buf *out))
{
    for (size_t i = 0; i < count; i++) {
        AUTO(buf) out = BUF_INIT(KIB(64));
        harborai_str text = unit_tight(slice_of(rows[i].text));
        read(text, &out);
        unit_drop(text);
        bool is_same = slice_is(buf_slice(&out), rows[i].want);
        ROW(rows[i].text, is_same);
        if (!is_same)
            fprintf(stderr, "  got  %.*s\n  want %s\n", SLICE_ARG(buf_slice(&out)), rows[i].want);
    }
}
