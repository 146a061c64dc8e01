/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

void fixture_open(struct fixture *f)
{
    snprintf(f->directory, sizeof f->directory, "/tmp/harborai-test-XXXXXX");
    must(mkdtemp(f->directory) != NULL, f->directory);
    must(chmod(f->directory, 0755) == 0, f->directory);
}

const char *fixture_path(struct fixture *f, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    return path;
}

void fixture_close(struct fixture *f)
{
    DIR *directory = opendir(f->directory);
    must(directory != NULL, f->directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(fixture_path(f, entry->d_name)) != 0)
            (void)rmdir(fixture_path(f, entry->d_name));
    closedir(directory);
    must(rmdir(f->directory) == 0, f->directory);
}

void fixture_write(struct fixture *f, const char *name, const char *bytes, size_t len, mode_t mode)
{
    char fresh[512];
    snprintf(fresh, sizeof fresh, "%s/.fresh", f->directory);
    FILE *file = fopen(fresh, "w");
    must(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, fresh);
    must(chmod(fresh, mode) == 0 && rename(fresh, fixture_path(f, name)) == 0, name);
}

void fixture_add(struct fixture *f, const char *plugin, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", FAULT_DIRECTORY, plugin);
    FILE *file = fopen(path, "r");
    struct stat status;
    must(file != NULL && fstat(fileno(file), &status) == 0, path);
    char *bytes = malloc((size_t)status.st_size);
    must(bytes != NULL && fread(bytes, 1, (size_t)status.st_size, file) == (size_t)status.st_size,
         path);
    fclose(file);
    fixture_write(f, name, bytes, (size_t)status.st_size, 0644);
    free(bytes);
}

struct plugin_catalog *fixture_scan(struct fixture *f)
{
    const struct discover_options options = {.environment = f->directory};
    struct plugin_catalog *catalog = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    must(plugin_catalog_create(&options, &catalog, &error) == HARBORAI_OK, error.message);
    return catalog;
}

const struct plugin_file *fixture_find(const struct plugin_catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->file_count; i++)
        if (strcmp(strrchr(catalog->files[i].path, '/') + 1, name) == 0)
            return &catalog->files[i];
    return NULL;
}
