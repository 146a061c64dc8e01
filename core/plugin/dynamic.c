/* SPDX-License-Identifier: MIT */
/* Reads the dynamic section and the symbols by libelf. The file is not trusted yet: what cannot be
 * read is no finding of ours, the loader refuses it. Never maps anything. */
#include "plugin/dynamic.h"

#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <harborai/plugin.h>

#include "base/error.h"
#include "base/limits.h"

#define ROWS_MAX 65536 /* entries of a dynamic section */
#define STRINGS_MAX MIB(64)

struct object {
    struct trust *trust;
    const char *path;
    Elf *elf;
};

/* ---- Reading ------------------------------------------------------------------------------- */

static bool find_segment(const struct object *o, GElf_Word type, GElf_Addr address,
                         GElf_Phdr *ret_segment)
{
    size_t count = 0;
    if (elf_getphdrnum(o->elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(o->elf, (int)i, ret_segment) != NULL && ret_segment->p_type == type &&
            (type != PT_LOAD || (address >= ret_segment->p_vaddr &&
                                 address - ret_segment->p_vaddr < ret_segment->p_filesz)))
            return true;
    return false;
}

static Elf_Data *read_dynamic(const struct object *o, size_t *ret_count)
{
    GElf_Phdr segment;
    if (!find_segment(o, PT_DYNAMIC, 0, &segment))
        return NULL;
    *ret_count = segment.p_filesz / gelf_fsize(o->elf, ELF_T_DYN, 1, EV_CURRENT);
    return *ret_count > 0 && *ret_count <= ROWS_MAX
               ? elf_getdata_rawchunk(o->elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_DYN)
               : NULL;
}

/* The first entry of that tag; false: none. */
static bool find_entry(Elf_Data *dynamic, size_t count, GElf_Sxword tag, GElf_Xword *ret_value)
{
    GElf_Dyn entry;
    for (size_t i = 0; i < count && gelf_getdyn(dynamic, (int)i, &entry) != NULL; i++) {
        if (entry.d_tag == DT_NULL)
            return false;
        if (entry.d_tag == tag) {
            *ret_value = entry.d_un.d_val;
            return true;
        }
    }
    return false;
}

static bool read_string(const struct object *o, Elf_Data *dynamic, size_t count, GElf_Xword at,
                        const char **ret_text)
{
    GElf_Xword table, size;
    GElf_Phdr load;
    if (!find_entry(dynamic, count, DT_STRTAB, &table) ||
        !find_entry(dynamic, count, DT_STRSZ, &size) || size > STRINGS_MAX || at >= size ||
        !find_segment(o, PT_LOAD, table, &load) || size > load.p_filesz - (table - load.p_vaddr))
        return false;
    Elf_Data *strings = elf_getdata_rawchunk(
        o->elf, (int64_t)(load.p_offset + (table - load.p_vaddr)), size, ELF_T_BYTE);
    if (strings == NULL || ((const char *)strings->d_buf)[size - 1] != '\0')
        return false;
    *ret_text = (const char *)strings->d_buf + at;
    return true;
}

/* ---- Where libraries come from ------------------------------------------------------------- */

static harborai_status refuse_element(const struct object *o, harborai_str element,
                                      const char *why, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "'%s': would take libraries from '%.*s', %s: link it without "
                              "-Wl,-rpath, or mend it with 'patchelf --remove-rpath'",
                              o->path, SLICE_ARG(slice_cut(element, 200)), why);
}

/* What does not exist could be made by whoever may write to what does. */
static harborai_status check_directory(const struct object *o, harborai_str element,
                                       char directory[static PATH_MAX], harborai_error *error)
{
    char real[PATH_MAX];
    struct stat status;
    harborai_error why = HARBORAI_ERROR_INIT;
    while (realpath(directory, real) == NULL) {
        char *slash = strrchr(directory, '/');
        if (slash == NULL || slash[1] == '\0')
            return refuse_element(o, element, "which cannot be looked at", error);
        slash[slash == directory ? 1 : 0] = '\0';
    }
    if (trust_check_directory(o->trust, real, &why) < 0 || stat(real, &status) != 0)
        return refuse_element(o, element, "where others may write", error);
    if ((status.st_mode & S_IWOTH) != 0) /* sticky: nobody changes a file there, anybody adds one */
        return refuse_element(o, element, "where everybody may write", error);
    return HARBORAI_OK;
}

static harborai_status check_element(const struct object *o, harborai_str element,
                                     harborai_error *error)
{
    static const char *const origins[] = {"$ORIGIN", "${ORIGIN}"};
    char directory[PATH_MAX];
    harborai_str before = SLICE_NONE, rest = element;
    for (size_t i = 0; i < ARRAY_LEN(origins); i++)
        if (slice_starts_with(element, origins[i])) {
            before = (harborai_str){o->path, (size_t)(strrchr(o->path, '/') - o->path)};
            rest = slice_from(element, strlen(origins[i]));
        }
    if (rest.len > 0 && memchr(rest.data, '$', rest.len) != NULL)
        return refuse_element(o, element, "which only the loader could tell", error);
    int len = snprintf(directory, sizeof directory, "%.*s%.*s", SLICE_ARG(before), SLICE_ARG(rest));
    if (len < 0 || (size_t)len >= sizeof directory || directory[0] != '/')
        return refuse_element(o, element, "which is no absolute directory", error);
    return check_directory(o, element, directory, error);
}

static harborai_status check_run_path(const struct object *o, Elf_Data *dynamic, size_t count,
                                      GElf_Sxword tag, harborai_error *error)
{
    GElf_Xword at;
    const char *text;
    if (!find_entry(dynamic, count, tag, &at))
        return HARBORAI_OK;
    if (!read_string(o, dynamic, count, at, &text))
        return refuse_element(o, SLICE_NONE, "which cannot be read", error);
    harborai_str rest = slice_of(text), element;
    harborai_status st = HARBORAI_OK;
    for (bool more = rest.len > 0; more && st == HARBORAI_OK;) {
        more = slice_split(rest, ':', &element, &rest);
        st = check_element(o, element, error);
    }
    return st;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static harborai_status check_entries(const struct object *o, harborai_error *error)
{
    size_t count = 0;
    GElf_Xword value, flags = 0;
    Elf_Data *dynamic = read_dynamic(o, &count);
    if (dynamic == NULL)
        return HARBORAI_OK;
    (void)find_entry(dynamic, count, DT_FLAGS, &flags);
    if ((flags & DF_TEXTREL) != 0 || find_entry(dynamic, count, DT_TEXTREL, &value))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s': its code is changed while it is loaded, which makes it "
                                  "writable: compile it with -fPIC", o->path);
    harborai_status st = check_run_path(o, dynamic, count, DT_RPATH, error);
    return st < 0 ? st : check_run_path(o, dynamic, count, DT_RUNPATH, error);
}

/* Not what the linker itself adds. */
static bool is_extra(const GElf_Sym *symbol, const char *name)
{
    static const char *const usual[] = {HARBORAI_PLUGIN_QUERY_SYMBOL, "_init", "_fini", "_edata",
                                        "__bss_start", "_end"};
    bool is_seen = GELF_ST_BIND(symbol->st_info) != STB_LOCAL && symbol->st_shndx != SHN_UNDEF &&
                   GELF_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT;
    for (size_t i = 0; is_seen && i < ARRAY_LEN(usual); i++)
        is_seen = strcmp(name, usual[i]) != 0;
    return is_seen;
}

static size_t count_extra(const struct object *o, char first[static 128])
{
    size_t extra = 0;
    GElf_Shdr header;
    GElf_Sym symbol;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(o->elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_DYNSYM)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        for (int i = 0; data != NULL && gelf_getsym(data, i, &symbol) != NULL; i++) {
            const char *name = elf_strptr(o->elf, header.sh_link, symbol.st_name);
            if (name != NULL && is_extra(&symbol, name) && extra++ == 0)
                snprintf(first, 128, "%s", name);
        }
    }
    return extra;
}

static harborai_status warn_of_symbols(const struct object *o, char **ret_warning,
                                       harborai_error *error)
{
    char first[128] = "";
    size_t extra = count_extra(o, first);
    if (extra > 0 &&
        asprintf(ret_warning,
                 "'%s' exports %zu symbol%s besides " HARBORAI_PLUGIN_QUERY_SYMBOL
                 ", '%s' first: link it with -fvisibility=hidden, or another object may be given "
                 "them", o->path, extra, extra == 1 ? "" : "s", first) < 0) {
        *ret_warning = NULL;
        return harborai_error_set(error, HARBORAI_E_MEMORY, "'%s': out of memory", o->path);
    }
    return HARBORAI_OK;
}

harborai_status dynamic_check(struct trust *t, int fd, const char *path, char **ret_warning,
                              harborai_error *error)
{
    (void)elf_version(EV_CURRENT);
    struct object object = {t, path, elf_begin(fd, ELF_C_READ, NULL)}; /* as in note_read() */
    harborai_status st = HARBORAI_OK;
    if (object.elf != NULL)
        st = check_entries(&object, error);
    if (object.elf != NULL && st == HARBORAI_OK)
        st = warn_of_symbols(&object, ret_warning, error);
    elf_end(object.elf);
    return st;
}
