/* SPDX-License-Identifier: MIT */
/* Plugins by libtool's -dlpreopen, which makes a table of their symbols. The notes are read from that
 * table, which is constant; libltdl itself is asked on the loader's thread alone, for it knows no
 * others. Nothing that libltdl would find in a file system is ever taken. */
#include "plugin/builtin.h"

#include <ltdl.h>
#include <stdio.h>

#include "base/error.h"

/* plugins/make-builtin gives them their names. */
#define NOTE "_LTX_harborai_manifest_note"

extern const lt_dlsymlist lt_preloaded_symbols[];

static const void *note_at(size_t index, harborai_str *ret_name)
{
    for (const lt_dlsymlist *s = lt_preloaded_symbols; s->name != NULL; s++) {
        harborai_str name = slice_of(s->name);
        if (s->address == NULL || !slice_ends_with(name, NOTE) || index-- > 0)
            continue;
        *ret_name = slice_cut(name, name.len - strlen(NOTE));
        return s->address;
    }
    return NULL;
}

static harborai_status no_symbol(const char *name, harborai_error *error)
{
    const char *reason = lt_dlerror();
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "built-in plugin '%s' cannot be had: %s: build HarborAI again", name,
                              reason != NULL ? reason : "libltdl gives no reason");
}

/* libltdl takes "openai.la" for the archive openai.a that was linked in. The handle is no more than a
 * place in the table: what was found stays when it is closed. */
static harborai_status find_preloaded(const char *name, harborai_plugin_query_fn *ret_query,
                                      harborai_error *error)
{
    char module[256];
    lt_dladvise advise = NULL;
    snprintf(module, sizeof module, "%s.la", name);
    lt_dlhandle handle = lt_dladvise_init(&advise) == 0 && lt_dladvise_preload(&advise) == 0
                             ? lt_dlopenadvise(module, advise)
                             : NULL;
    void *symbol = handle != NULL ? lt_dlsym(handle, HARBORAI_PLUGIN_QUERY_SYMBOL) : NULL;
    harborai_status st = symbol != NULL ? HARBORAI_OK : no_symbol(name, error);
    if (st == HARBORAI_OK)
        memcpy(ret_query, &symbol, sizeof *ret_query);
    lt_dladvise_destroy(&advise);
    if (handle != NULL)
        (void)lt_dlclose(handle);
    return st;
}

static harborai_status find_query(const char *name, harborai_plugin_query_fn *ret_query,
                                  harborai_error *error)
{
    if (lt_dlpreload_default(lt_preloaded_symbols) != 0 || lt_dlinit() != 0)
        return no_symbol(name, error);
    harborai_status st = find_preloaded(name, ret_query, error);
    (void)lt_dlexit();
    return st;
}

const struct builtin_plugins *builtin_of_program(void)
{
    static const struct builtin_plugins plugins = {note_at, find_query};
    return &plugins;
}
