/* SPDX-License-Identifier: MIT */
/* Walks the notes of an ELF file by libelf, which reads what it is asked for. The file is not
 * trusted yet: every size is checked before it is used, and nothing is ever mapped. */
#include "plugin/note.h"

#include <libelf.h>
#include <gelf.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <harborai/plugin.h>

#include "base/limits.h"

/* A note segment holds the build id and others besides ours. */
#define NOTE_SEGMENT_MAX (LIMIT_MANIFEST + KIB(64))
#define NOTE_ROWS_MAX 1024 /* program or section headers of a file that was not built to hurt */

/* The linker's name for our own ELF header, against which a plugin's is compared. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct search {
    const char *path;
    char *json;     /* owned */
    unsigned found; /* notes of ours */
    GElf_Off at;    /* of the one that was found: a section may cover the same bytes again */
    GElf_Xword file_size;
};

static harborai_status fault(const struct search *s, harborai_error *error, const char *reason)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': %s", s->path, reason);
}

static harborai_status keep_descriptor(struct search *s, const char *text, size_t len,
                                       harborai_error *error)
{
    if (len > LIMIT_MANIFEST)
        return fault(s, error, "its manifest is larger than 256 KiB");
    if (len == 0 || text[len - 1] != '\0')
        return fault(s, error, "its manifest does not end with a NUL");
    s->json = slice_dup((harborai_str){text, strlen(text)});
    if (s->json == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "'%s': out of memory", s->path);
    return HARBORAI_OK;
}

static bool is_ours(const GElf_Nhdr *note, const char *owner)
{
    return note->n_type == HARBORAI_NOTE_TYPE && note->n_namesz == sizeof HARBORAI_NOTE_OWNER &&
           memcmp(owner, HARBORAI_NOTE_OWNER, sizeof HARBORAI_NOTE_OWNER) == 0;
}

/* The notes in [start, start + size) of the file. */
static harborai_status search_range(struct search *s, Elf *elf, GElf_Off start, GElf_Xword size,
                                    GElf_Xword align, harborai_error *error)
{
    if (size > NOTE_SEGMENT_MAX)
        return fault(s, error, "its manifest is larger than 256 KiB");
    Elf_Data *data = size == 0 ? NULL
                               : elf_getdata_rawchunk(elf, (int64_t)start, (size_t)size,
                                                      align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (data == NULL)
        return HARBORAI_OK; /* a broken range of notes is none: the file then has no manifest */
    const char *base = data->d_buf;
    size_t at = 0, next, owner, descriptor;
    GElf_Nhdr note;
    while ((next = gelf_getnote(data, at, &note, &owner, &descriptor)) > 0) {
        if (is_ours(&note, base + owner) && (s->found == 0 || start + at != s->at)) {
            s->at = start + at;
            if (++s->found > 1)
                return fault(s, error, "has more than one manifest");
            harborai_status st = keep_descriptor(s, base + descriptor, note.n_descsz, error);
            if (st < 0)
                return st;
        }
        at = next;
    }
    return HARBORAI_OK;
}

/* A file that was not copied to its end loads well, and the first touch of what is missing is a
 * SIGBUS. */
static bool is_outside(const struct search *s, GElf_Off start, GElf_Xword size)
{
    return size > 0 && (start > s->file_size || size > s->file_size - start);
}

static harborai_status search_segments(struct search *s, Elf *elf, harborai_error *error)
{
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0 || count > NOTE_ROWS_MAX)
        return fault(s, error, "its program headers cannot be read: copy it again");
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) == NULL)
            return fault(s, error, "its program headers cannot be read: copy it again");
        if (is_outside(s, segment.p_offset, segment.p_filesz))
            return fault(s, error, "cut short: its segments reach behind its end; copy it again");
        if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X) != 0)
            return fault(s, error, "wants an executable stack: link it with -Wl,-z,noexecstack");
        if (segment.p_type != PT_NOTE)
            continue;
        harborai_status st = search_range(s, elf, segment.p_offset, segment.p_filesz,
                                          segment.p_align, error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

/* For objects whose linker made no PT_NOTE of the section. */
static harborai_status search_sections(struct search *s, Elf *elf, harborai_error *error)
{
    size_t names, count = 0;
    if (elf_getshdrstrndx(elf, &names) != 0 || elf_getshdrnum(elf, &count) != 0 ||
        count > NOTE_ROWS_MAX)
        return HARBORAI_OK;
    for (size_t i = 1; i < count; i++) {
        GElf_Shdr section;
        if (gelf_getshdr(elf_getscn(elf, i), &section) == NULL || section.sh_type == SHT_NOBITS)
            continue;
        const char *name = elf_strptr(elf, names, section.sh_name);
        if (name == NULL || strcmp(name, HARBORAI_NOTE_SECTION) != 0)
            continue;
        harborai_status st = search_range(s, elf, section.sh_offset, section.sh_size,
                                          section.sh_addralign, error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status check_header(const struct search *s, Elf *elf, harborai_error *error)
{
    GElf_Ehdr header;
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        return fault(s, error, "not an ELF file: no plugin; copy or build it again, or take it away");
    if (header.e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
        header.e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
        header.e_machine != __ehdr_start.e_machine)
        return fault(s, error, "built for another machine: build it again on this one");
    if (header.e_type != ET_DYN)
        return fault(s, error, "not a shared object: link it with -shared");
    return HARBORAI_OK;
}

static harborai_status search_file(struct search *s, Elf *elf, harborai_error *error)
{
    harborai_status st = check_header(s, elf, error);
    if (st < 0)
        return st;
    st = search_segments(s, elf, error);
    if (st == HARBORAI_OK && s->found == 0)
        st = search_sections(s, elf, error);
    if (st < 0)
        return st;
    return s->found == 1 ? HARBORAI_OK
                         : fault(s, error, "has no manifest: no HarborAI plugin; build it "
                                           "with HARBORAI_MANIFEST, or take it away");
}

harborai_status note_read(int fd, const char *path, char **ret_json, harborai_error *error)
{
    struct search search = {.path = path};
    struct stat status;
    if (fstat(fd, &status) < 0)
        return fault(&search, error, "cannot be read");
    search.file_size = (GElf_Xword)status.st_size;
    (void)elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL); /* not …_MMAP: a file that shrinks would be SIGBUS */
    harborai_status st = search_file(&search, elf, error);
    elf_end(elf);
    if (st < 0) {
        free(search.json);
        return st;
    }
    *ret_json = search.json;
    return HARBORAI_OK;
}

harborai_status note_copy(const void *note, const char *path, char **ret_json,
                          harborai_error *error)
{
    struct search search = {.path = path};
    ElfW(Nhdr) header;
    memcpy(&header, note, sizeof header);
    const char *owner = (const char *)note + sizeof header;
    const GElf_Nhdr same = {header.n_namesz, header.n_descsz, header.n_type};
    if (!is_ours(&same, owner))
        return fault(&search, error, "has no manifest: build HarborAI again");
    size_t owner_size = (sizeof HARBORAI_NOTE_OWNER + 3) / 4 * 4;
    harborai_status st = keep_descriptor(&search, owner + owner_size, header.n_descsz, error);
    if (st == HARBORAI_OK)
        *ret_json = search.json;
    return st;
}
