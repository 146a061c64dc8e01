/* SPDX-License-Identifier: MIT */
/* Excel, by libxlsxwriter: a row at a time, on further sheets where one is full. Strings are string cells,
 * which no spreadsheet takes for formulas. Must never believe the library that it wrote: it does not
 * check. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/export.h"

#define TEXT_MOST 32767       /* characters of a cell: Excel's limit */
#define DIGITS_MOST 999999999999999LL /* 15 digits: what Excel keeps of a number */
#define SHEET_MOST GIB(3)     /* bytes of a sheet before it is packed: an archive's entry has 4 GiB */
#define SHEETS_MOST 1000
#define CHECK_EVERY 1024      /* rows */

struct sheets {
    lxw_workbook *book; /* owned; NULL after workbook_close() */
    lxw_worksheet *sheet;
    lxw_format *head;
    lxw_row_t row;
    unsigned count;
    uint64_t sizes[SHEETS_MOST]; /* of each, at least */
    char *folder;                /* owned: for the library's own files */
    char target[64];             /* the file, by its descriptor */
    struct buf text;
};

static harborai_status fail(const struct export *e, const char *what, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot write '%s': %s",
                              output_file_name(e->file), what);
}

/* --- Sheets --------------------------------------------------------------------------------------- */

/* What the library has put aside of the sheet so far; false: its disk is full. */
static bool look_at_sheet(struct sheets *s)
{
    FILE *aside = s->sheet->optimize_tmpfile;
    long size = fflush(aside) == 0 ? ftell(aside) : -1;
    if (size < 0 || ferror(aside))
        return false;
    s->sizes[s->count - 1] = (uint64_t)size;
    return true;
}

static harborai_status add_sheet(struct export *e, harborai_error *error)
{
    struct sheets *s = e->own;
    char name[32];
    if (s->count == SHEETS_MOST)
        return fail(e, "so many calls do not fit into a workbook", error);
    snprintf(name, sizeof name, "calls %u", s->count + 1);
    s->sheet = workbook_add_worksheet(s->book, s->count == 0 ? "calls" : name);
    if (s->sheet == NULL)
        return fail(e, "no sheet can be made", error);
    s->count++;
    worksheet_freeze_panes(s->sheet, 1, 0);
    for (size_t i = 0; i < export_value_count(); i++) {
        lxw_col_t column = (lxw_col_t)i;
        worksheet_set_column(s->sheet, column, column, i < 8 ? 28 : 14, NULL);
        worksheet_write_string(s->sheet, 0, column, export_value_name(i), s->head);
    }
    s->row = 1;
    return HARBORAI_OK;
}

/* The library's own files come beside the one that is written: there has to be room for it anyway. */
static char *folder_of(const struct output_file *file)
{
    const char *temporary = getenv("TMPDIR");
    if (file->path == NULL)
        return slice_dup(slice_of(temporary != NULL && temporary[0] == '/' ? temporary : "/tmp"));
    char *path = slice_dup(slice_of(file->path));
    char *folder = path != NULL ? slice_dup(slice_of(dirname(path))) : NULL;
    free(path);
    return folder;
}

static harborai_status begin(struct export *e, harborai_error *error)
{
    struct sheets *s = calloc(1, sizeof *s);
    if (s == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    e->own = s;
    buf_init(&s->text, MIB(1));
    s->folder = folder_of(e->file);
    snprintf(s->target, sizeof s->target, "/proc/self/fd/%d", e->file->fd);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = s->folder};
    s->book = workbook_new_opt(s->target, &options);
    if (s->book == NULL || s->folder == NULL)
        return fail(e, "no workbook can be made", error);
    s->head = workbook_add_format(s->book);
    format_set_bold(s->head);
    return add_sheet(e, error);
}

/* --- Cells ---------------------------------------------------------------------------------------- */

/* What XML cannot say is U+FFFD; what a cell cannot hold is cut off. The library escapes the rest. */
static const char *cell_text(struct buf *out, harborai_str text)
{
    size_t characters = 0, i = 0;
    buf_clear(out);
    for (; i < text.len && characters < TEXT_MOST; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_none = slice_starts_with(slice_from(text, i), "\xef\xbf\xbe") ||
                       slice_starts_with(slice_from(text, i), "\xef\xbf\xbf");
        characters += (c & 0xc0) != 0x80 ? (c >= 0xf0 ? 2 : 1) : 0; /* as UTF-16 counts */
        if (is_none) {
            buf_add(out, HARBORAI_STR("\xef\xbf\xbd"));
            i += 2;
        } else {
            buf_add_char(out, (char)c);
        }
    }
    while (i < text.len && ((unsigned char)text.data[i] & 0xc0) == 0x80 && characters >= TEXT_MOST)
        buf_add_char(out, text.data[i++]);
    buf_add_char(out, '\0');
    return out->failed == HARBORAI_OK ? out->data : "";
}

/* A number if a double tells each of its digits, else text. */
static bool number_of(const struct export_value *value, double *ret_number)
{
    int64_t number = value->number;
    double divisor = 1;
    unsigned scale = value->scale;
    for (; scale > 0 && number % 10 == 0; scale--)
        number /= 10;
    for (; scale > 0; scale--)
        divisor *= 10;
    *ret_number = (double)number / divisor;
    return number >= -DIGITS_MOST && number <= DIGITS_MOST;
}

static void write_cell(struct sheets *s, lxw_col_t column, const struct export_value *value)
{
    double number;
    bool is_number = value->kind == EXPORT_NUMBER || value->kind == EXPORT_MONEY;
    if (!value->is_known)
        return;
    if (value->kind == EXPORT_FLAG) {
        worksheet_write_boolean(s->sheet, s->row, column, value->number != 0, NULL);
    } else if (is_number && number_of(value, &number)) {
        worksheet_write_number(s->sheet, s->row, column, number, NULL);
    } else {
        AUTO(buf) plain = BUF_INIT(MIB(1));
        export_value_write(value, &plain);
        worksheet_write_string(s->sheet, s->row, column, cell_text(&s->text, buf_slice(&plain)),
                               NULL);
    }
}

static harborai_status add(struct export *e, const struct call *call, harborai_error *error)
{
    struct sheets *s = e->own;
    if (s->row % CHECK_EVERY == 0 && !look_at_sheet(s))
        return fail(e, "no room is left for it on the disk", error);
    if (s->row == LXW_ROW_MAX || s->sizes[s->count - 1] >= SHEET_MOST) {
        if (!look_at_sheet(s))
            return fail(e, "no room is left for it on the disk", error);
        harborai_status st = add_sheet(e, error);
        if (st < 0)
            return st;
    }
    for (size_t i = 0; i < export_value_count(); i++) {
        struct export_value value = export_value_of(i, call, &e->scratch);
        write_cell(s, (lxw_col_t)i, &value);
    }
    s->row++;
    return HARBORAI_OK;
}

/* --- The end -------------------------------------------------------------------------------------- */

/* The library copies a sheet, then packs it, and looks at neither's end: so there has to be room. */
static bool has_room(const struct sheets *s)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < s->count; i++)
        most = s->sizes[i] > most ? s->sizes[i] : most;
    int fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno != ENOSPC;
    int reason = posix_fallocate(fd, 0, (off_t)(most + most / 8 + MIB(1)));
    close(fd);
    return reason != ENOSPC && reason != EFBIG;
}

static unsigned number_at(const unsigned char *bytes, size_t len)
{
    unsigned number = 0;
    while (len-- > 0)
        number = number << 8 | bytes[len];
    return number;
}

/* The archive's own list: as long as it is, it ends the file. Each sheet has to have what was put
 * aside of it. */
static bool has_all_sheets(const struct sheets *s, int fd)
{
    unsigned char end[22], entry[46];
    char name[64];
    unsigned found = 0;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < (off_t)sizeof end || pread(fd, end, sizeof end, size - (off_t)sizeof end) != sizeof end ||
        memcmp(end, "PK\5\6", 4) != 0)
        return false;
    off_t at = number_at(end + 16, 4);
    for (unsigned i = number_at(end + 10, 2); i > 0; i--) {
        if (pread(fd, entry, sizeof entry, at) != sizeof entry || memcmp(entry, "PK\1\2", 4) != 0)
            return false;
        size_t len = number_at(entry + 28, 2);
        size_t kept = len < sizeof name ? len : sizeof name;
        if (pread(fd, name, kept, at + (off_t)sizeof entry) != (ssize_t)kept)
            return false;
        if (slice_starts_with((harborai_str){name, kept}, "xl/worksheets/sheet") &&
            found < s->count && number_at(entry + 24, 4) < s->sizes[found++])
            return false;
        at += (off_t)(sizeof entry + len + number_at(entry + 30, 2) + number_at(entry + 32, 2));
    }
    return found == s->count;
}

static harborai_status end(struct export *e, harborai_error *error)
{
    struct sheets *s = e->own;
    lxw_error result = LXW_NO_ERROR;
    lxw_worksheet_write_single_row(s->sheet); /* so that the size is that of all rows */
    if (!look_at_sheet(s) || !has_room(s))
        return fail(e, "no room is left for it on the disk", error);
    result = workbook_close(take(s->book));
    if (result != LXW_NO_ERROR)
        return fail(e, lxw_strerror(result), error);
    if (!has_all_sheets(s, e->file->fd))
        return fail(e, "what was written is not whole; is the disk full?", error);
    return HARBORAI_OK;
}

static void release(struct export *e)
{
    struct sheets *s = e->own;
    if (s == NULL)
        return;
    if (s->book != NULL)
        lxw_workbook_free(s->book);
    buf_release(&s->text);
    free(s->folder);
    free(s);
    e->own = NULL;
}

const struct export_format export_xlsx = {.name = "xlsx",
                                          .is_binary = true,
                                          .begin = begin,
                                          .add = add,
                                          .end = end,
                                          .release = release};
