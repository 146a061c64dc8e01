/* SPDX-License-Identifier: MIT */
/* In the place of export_xlsx.c where HarborAI is built --without-xlsx. */
#include "base/error.h"
#include "cli/export.h"

static harborai_status begin(struct export *e UNUSED, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_UNSUPPORTED,
                              "this harborai was built --without-xlsx: export --format csv, which "
                              "Excel reads too (--bom)");
}

const struct export_format export_xlsx = {.name = "xlsx", .is_binary = true, .begin = begin};
