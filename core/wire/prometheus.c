/* SPDX-License-Identifier: MIT */
/* Both text formats. They differ little: OpenMetrics names a family of counters without _total, has
 * units, writes bounds as floating-point numbers and ends with a line of its own. Numbers are integers
 * or exact decimals, so that no locale and no rounding gets in. */
#include "wire/prometheus.h"

#include "wire/json_write.h"

#define TOTAL "_total"

static const char *const types[] = {
    [PROMETHEUS_COUNTER] = "counter",     [PROMETHEUS_GAUGE] = "gauge",
    [PROMETHEUS_HISTOGRAM] = "histogram", [PROMETHEUS_SUMMARY] = "summary",
    [PROMETHEUS_UNTYPED] = "untyped",
};

static void add_escaped(struct buf *b, harborai_str text, bool has_quotes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\n')
            buf_add(b, HARBORAI_STR("\\n"));
        else if (c == '\\' || (c == '"' && has_quotes))
            buf_add(b, (harborai_str){(char[]){'\\', c}, 2});
        else
            buf_add_char(b, c);
    }
}

/* ---- Families ------------------------------------------------------------------------------- */

static void begin_line(struct prometheus *p, const char *word, harborai_str family)
{
    buf_add(p->out, HARBORAI_STR("# "));
    buf_add(p->out, slice_of(word));
    buf_add_char(p->out, ' ');
    buf_add(p->out, family);
    buf_add_char(p->out, ' ');
}

static harborai_str without_total(harborai_str name)
{
    return slice_ends_with(name, TOTAL) ? slice_cut(name, name.len - strlen(TOTAL)) : name;
}

static void add_unit(struct prometheus *p, harborai_str family)
{
    static const char *const units[] = {"seconds", "bytes"};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!slice_ends_with(family, units[i]))
            continue;
        begin_line(p, "UNIT", family);
        buf_add(p->out, slice_of(units[i]));
        buf_add_char(p->out, '\n');
    }
}

void prometheus_family(struct prometheus *p, const char *name, enum prometheus_type type,
                       const char *help)
{
    bool is_unknown = p->is_open && type == PROMETHEUS_UNTYPED;
    harborai_str family = slice_of(name);
    if (p->is_open && type == PROMETHEUS_COUNTER)
        family = without_total(family);
    begin_line(p, "HELP", family);
    add_escaped(p->out, slice_of(help), p->is_open);
    buf_add_char(p->out, '\n');
    begin_line(p, "TYPE", family);
    buf_add(p->out, slice_of(is_unknown ? "unknown" : types[type]));
    buf_add_char(p->out, '\n');
    if (p->is_open)
        add_unit(p, family);
}

void prometheus_end(struct prometheus *p)
{
    if (p->is_open)
        buf_add(p->out, HARBORAI_STR("# EOF\n"));
}

/* ---- Samples -------------------------------------------------------------------------------- */

static bool is_whole_number(harborai_str text)
{
    uint64_t number;
    return slice_to_u64(text, &number);
}

static void add_label(struct prometheus *p, const struct prometheus_label *label)
{
    buf_add(p->out, slice_of(label->name));
    buf_add(p->out, HARBORAI_STR("=\""));
    add_escaped(p->out, label->value, true);
    if (p->is_open && strcmp(label->name, "le") == 0 && is_whole_number(label->value))
        buf_add(p->out, HARBORAI_STR(".0"));
    buf_add_char(p->out, '"');
}

/* Everything of a sample before its value. */
static void add_series(struct prometheus *p, const char *name, const char *suffix,
                       const struct prometheus_label *labels, size_t label_count)
{
    buf_add(p->out, slice_of(name));
    buf_add(p->out, slice_of(suffix));
    for (size_t i = 0; i < label_count; i++) {
        buf_add_char(p->out, i == 0 ? '{' : ',');
        add_label(p, &labels[i]);
    }
    if (label_count > 0)
        buf_add_char(p->out, '}');
    buf_add_char(p->out, ' ');
}

void prometheus_sample(struct prometheus *p, const char *name, const char *suffix,
                       const struct prometheus_label *labels, size_t label_count, int64_t value)
{
    prometheus_sample_decimal(p, name, suffix, labels, label_count, value, 0);
}

void prometheus_sample_decimal(struct prometheus *p, const char *name, const char *suffix,
                               const struct prometheus_label *labels, size_t label_count,
                               int64_t number, unsigned scale)
{
    add_series(p, name, suffix, labels, label_count);
    json_write_decimal(p->out, number, scale);
    buf_add_char(p->out, '\n');
}
