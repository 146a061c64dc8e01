/* SPDX-License-Identifier: MIT */
/* Reads the header for types that it names. Quoted values with commas in them are for nobody whom we
 * ask about. */
#include "wire/accept.h"

/* "0.6", "1.000"; what is no such number wants it. */
static unsigned quality_of(harborai_str text)
{
    unsigned thousandths = 0, unit = 100;
    if (text.len == 0 || text.data[0] != '0')
        return ACCEPT_MOST;
    for (size_t i = 2; i < text.len && i < 5; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return ACCEPT_MOST;
        thousandths += unit * (unsigned)(text.data[i] - '0');
    }
    return thousandths;
}

/* False: it is of another version. */
static bool read_parameters(harborai_str rest, const char *version, unsigned *ret_quality)
{
    harborai_str item, name, value;
    *ret_quality = ACCEPT_MOST;
    while (rest.len > 0) {
        (void)slice_split(rest, ';', &item, &rest);
        (void)slice_split(item, '=', &name, &value);
        name = slice_trim(name);
        value = slice_trim(value);
        if (slice_equal_ignoring_case(name, HARBORAI_STR("version")) && !slice_is(value, version))
            return false;
        if (slice_equal_ignoring_case(name, HARBORAI_STR("q")))
            *ret_quality = quality_of(value);
    }
    return true;
}

unsigned accept_quality(harborai_str accept, const char *type, const char *version)
{
    harborai_str item, name, parameters;
    while (accept.len > 0) {
        unsigned quality;
        (void)slice_split(accept, ',', &item, &accept);
        (void)slice_split(item, ';', &name, &parameters);
        if (slice_equal_ignoring_case(slice_trim(name), slice_of(type)) &&
            read_parameters(parameters, version, &quality))
            return quality;
    }
    return 0;
}
