/* SPDX-License-Identifier: MIT */
/* Prometheus' text format. Numbers are integers or exact decimals, so that no locale and no
 * rounding gets in. */
#include "wire/prometheus.h"

#include "wire/json_write.h"

static const char *const types[] = {
    [PROMETHEUS_COUNTER] = "counter",     [PROMETHEUS_GAUGE] = "gauge",
    [PROMETHEUS_HISTOGRAM] = "histogram", [PROMETHEUS_SUMMARY] = "summary",
    [PROMETHEUS_UNTYPED] = "untyped",
};

static void add_escaped(struct buf *b, harborai_str text, bool is_label)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\n')
            buf_add(b, HARBORAI_STR("\\n"));
        else if (c == '\\' || (c == '"' && is_label))
            buf_add(b, (harborai_str){(char[]){'\\', c}, 2});
        else
            buf_add_char(b, c);
    }
}

void prometheus_family(struct buf *b, const char *name, enum prometheus_type type, const char *help)
{
    buf_add(b, HARBORAI_STR("# HELP "));
    buf_add(b, slice_of(name));
    buf_add_char(b, ' ');
    add_escaped(b, slice_of(help), false);
    buf_add(b, HARBORAI_STR("\n# TYPE "));
    buf_add(b, slice_of(name));
    buf_add_char(b, ' ');
    buf_add(b, slice_of(types[type]));
    buf_add_char(b, '\n');
}

/* Everything of a sample before its value. */
static void add_series(struct buf *b, const char *name, const char *suffix,
                       const struct prometheus_label *labels, size_t label_count)
{
    buf_add(b, slice_of(name));
    buf_add(b, slice_of(suffix));
    for (size_t i = 0; i < label_count; i++) {
        buf_add_char(b, i == 0 ? '{' : ',');
        buf_add(b, slice_of(labels[i].name));
        buf_add(b, HARBORAI_STR("=\""));
        add_escaped(b, labels[i].value, true);
        buf_add_char(b, '"');
    }
    if (label_count > 0)
        buf_add_char(b, '}');
    buf_add_char(b, ' ');
}

void prometheus_sample(struct buf *b, const char *name, const char *suffix,
                       const struct prometheus_label *labels, size_t label_count, int64_t value)
{
    prometheus_sample_decimal(b, name, suffix, labels, label_count, value, 0);
}

void prometheus_sample_decimal(struct buf *b, const char *name, const char *suffix,
                               const struct prometheus_label *labels, size_t label_count,
                               int64_t number, unsigned scale)
{
    add_series(b, name, suffix, labels, label_count);
    json_write_decimal(b, number, scale);
    buf_add_char(b, '\n');
}
