/* SPDX-License-Identifier: MIT */
/* option_names: refuses an option of a provider that the plugin does not have. A misspelt one would
 * otherwise do nothing, silently.
 *
 *     static const char *const names[] = {"appid", NULL};
 *     st = option_names_check(config, names, error);
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_OPTION_NAMES_H
#define SDK_OPTION_NAMES_H

#include <harborai/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* `config` is what create() gets; `names` are the options, ended by NULL. "base_url", which every
 * provider may have, is never refused. E_CONFIG names the option, and the one that was probably
 * meant, else all; error->param is its pointer. */
harborai_status option_names_check(harborai_str config, const char *const *names,
                                   harborai_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_OPTION_NAMES_H */
