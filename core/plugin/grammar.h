/* SPDX-License-Identifier: MIT */
/* Forms of the names that a manifest and a configuration hold. [any] */
#ifndef PLUGIN_GRAMMAR_H
#define PLUGIN_GRAMMAR_H

#include "base/slice.h"

#define GRAMMAR_MODEL_NAME_MAX 256

/* Whether there is nothing in `text` but a-z, 0-9 and the characters of `others`. */
bool grammar_has_only(harborai_str text, const char *others);

/* SemVer 2.0, at most 64 characters. */
bool grammar_is_version(harborai_str text);

/* Of a provider or a preset: 1 to 32 of a-z, 0-9 and '-'. */
bool grammar_is_provider_name(harborai_str text);

/* Of a model or a pattern: not empty, not too long, no control character, no blank at its ends. */
bool grammar_is_model_name(harborai_str text);

#endif
