/* SPDX-License-Identifier: MIT */
/* A .env file of any bytes gives variables with good names, and faults that say where. */
#include "base/limits.h"
#include "config/dotenv.h"
#include "fuzz.h"

static void check_variable(const struct dotenv *dotenv, const struct dotenv_variable *v)
{
    MUST(environment_is_name(v->name));
    MUST(v->name.data[v->name.len] == '\0' && v->value.data[v->value.len] == '\0');
    MUST(strlen(v->value.data) == v->value.len);
    MUST(v->place.line > 0 && v->place.column > 0 && v->value_place.column > v->place.column);
    MUST(dotenv_find(dotenv, v->name) == v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {size > 0 ? (const char *)data : "", size};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config_faults faults;
    struct dotenv dotenv = {NULL, NULL, 0};
    struct arena arena;
    size_t count = 0;

    arena_init(&arena, MIB(64));
    config_faults_init(&faults);
    MUST(dotenv_read(&arena, "f", text, &faults, &dotenv, &error) == HARBORAI_OK);
    for (const struct dotenv_variable *v = dotenv.first; v != NULL; v = v->next, count++)
        check_variable(&dotenv, v);
    MUST(count == dotenv.count);
    for (unsigned i = 0; i < faults.count; i++)
        MUST(faults.items[i].line > 0 && faults.items[i].column > 0 &&
             faults.items[i].message[0] != '\0');
    dotenv_wipe(&dotenv);
    config_faults_release(&faults);
    arena_release(&arena);
    return 0;
}
