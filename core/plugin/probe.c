/* SPDX-License-Identifier: MIT */
/* Trust, note, manifest, what is asked of the dynamic loader, plugins.lock, in this order and on one
 * descriptor. */
#include "plugin/probe.h"

#include <stdlib.h>
#include <unistd.h>

#include "plugin/dynamic.h"
#include "plugin/note.h"

/* `json` is what came of reading the note, and freed. */
static harborai_status read_manifest(struct plugin_file *file, harborai_status st, char *json)
{
    if (st < 0) {
        file->stage = PLUGIN_STAGE_MANIFEST;
        return st;
    }
    st = manifest_create(slice_of(json), file->path, &file->manifest, &file->error);
    if (st < 0)
        file->stage = st == HARBORAI_E_UNSUPPORTED ? PLUGIN_STAGE_ABI : PLUGIN_STAGE_MANIFEST;
    free(json);
    return st;
}

harborai_status probe_open(struct trust *trust, const char *directory, const char *name,
                           const char *const *directories, size_t directory_count,
                           struct plugin_file *file, int *ret_fd)
{
    struct trusted_file opened = {.fd = -1};
    char *json = NULL;
    harborai_status st =
        trust_open(trust, directory, name, directories, directory_count, &opened, &file->error);
    if (st < 0) {
        file->stage = PLUGIN_STAGE_TRUST;
        return st;
    }
    free(file->path);
    file->path = opened.path;
    file->identity = opened.identity;
    st = note_read(opened.fd, file->path, &json, &file->error);
    st = read_manifest(file, st, json);
    if (st == HARBORAI_OK) {
        st = dynamic_check(trust, opened.fd, file->path, &file->warning, &file->error);
        if (st == HARBORAI_OK)
            st = trust_check_lock(trust, opened.fd, file->path, file->manifest->id, &file->error);
        file->stage = st < 0 ? PLUGIN_STAGE_TRUST : file->stage;
    }
    if (st < 0)
        close(opened.fd);
    else
        *ret_fd = opened.fd;
    return st;
}

harborai_status probe_builtin(const void *note, struct plugin_file *file)
{
    char *json = NULL;
    harborai_status st = note_copy(note, file->path, &json, &file->error);
    return read_manifest(file, st, json);
}
