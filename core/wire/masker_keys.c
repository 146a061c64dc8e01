/* SPDX-License-Identifier: MIT */
/* Knows keys by how they begin, and passwords by what they are called. Must never take a word of prose
 * for a key: a masked log that nobody can read is switched off. */
#include "wire/masker_parts.h"

/* Letters of a key behind its prefix. */
enum letters { WORD, WORD_DASH, UPPER, WORD_SLASH };

/* As the vendors' consoles give them out; `least` letters follow the prefix. */
static const struct {
    const char *prefix;
    size_t least;
    enum letters letters;
} forms[] = {
    {"sk-", 12, WORD_DASH},      /* OpenAI, Anthropic, DeepSeek, Moonshot, OpenRouter … */
    {"sk_live_", 12, WORD},      /* Stripe */
    {"rk_live_", 12, WORD},
    {"hk-", 30, WORD},           /* our own */
    {"bce-v3/", 12, WORD_SLASH}, /* Baidu Qianfan: bce-v3/ALTAK-…/… */
    {"ALTAK-", 12, WORD_DASH},
    {"AKIA", 16, UPPER},         /* AWS */
    {"ASIA", 16, UPPER},
    {"AKLT", 16, WORD_DASH},     /* Volcengine */
    {"LTAI", 12, WORD},          /* Alibaba Cloud */
    {"AKID", 16, WORD},          /* Tencent Cloud */
    {"AIza", 30, WORD_DASH},     /* Google */
    {"ghp_", 30, WORD},          /* GitHub */
    {"gho_", 30, WORD},
    {"ghs_", 30, WORD},
    {"github_pat_", 20, WORD_DASH},
    {"glpat-", 16, WORD_DASH},   /* GitLab */
    {"xoxb-", 10, WORD_DASH},    /* Slack */
    {"xoxp-", 10, WORD_DASH},
    {"hf_", 30, WORD},           /* Hugging Face */
    {"gsk_", 20, WORD},          /* Groq */
    {"xai-", 20, WORD_DASH},
    {"pplx-", 20, WORD},         /* Perplexity */
    {"nvapi-", 20, WORD_DASH},   /* NVIDIA */
    {"r8_", 30, WORD},           /* Replicate */
    {"fw_", 20, WORD},           /* Fireworks */
};

static bool is_letter_of(enum letters letters, char c)
{
    if (letters == UPPER)
        return masker_is_digit(c) || (c >= 'A' && c <= 'Z');
    if (masker_is_word(c))
        return true;
    return letters != WORD && (c == '-' || c == '_' || (letters == WORD_SLASH && c == '/'));
}

static size_t skip_letters(harborai_str text, size_t at, enum letters letters)
{
    while (at < text.len && is_letter_of(letters, text.data[at]))
        at++;
    return at;
}

static bool begins_with(harborai_str text, size_t at, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len - at >= len && memcmp(text.data + at, prefix, len) == 0;
}

/* Prose has words with dashes, "sk-learn-compatible"; a key has digits, or capitals within. */
static bool looks_random(harborai_str text)
{
    bool has_digit = false, has_upper = false, has_lower = false;
    for (size_t i = 0; i < text.len; i++) {
        has_digit |= masker_is_digit(text.data[i]);
        has_upper |= text.data[i] >= 'A' && text.data[i] <= 'Z';
        has_lower |= text.data[i] >= 'a' && text.data[i] <= 'z';
    }
    return has_digit || (has_upper && has_lower) || text.len >= 32;
}

/* How the prefixes begin, as begins_name(). */
static bool begins_form(char c)
{
    switch (c) {
    case 'A': case 'L': case 'b': case 'f': case 'g': case 'h': case 'n': case 'p': case 'r':
    case 's': case 'x':
        return true;
    default:
        return false;
    }
}

static bool known_form_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    if (!begins_form(text.data[at]))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (text.data[at] != forms[i].prefix[0] || !begins_with(text, at, forms[i].prefix))
            continue;
        size_t rest = at + strlen(forms[i].prefix);
        size_t end = skip_letters(text, rest, forms[i].letters);
        harborai_str key = {text.data + rest, end - rest};
        if (key.len >= forms[i].least && looks_random(key)) {
            *ret_span = (struct masker_span){at, end, MASKER_KEY};
            return true;
        }
    }
    return false;
}

/* --- Others ------------------------------------------------------------------------------------ */

/* RFC 7519: base64url of '{"', a dot, and two more parts; the last may be empty. */
static bool web_token_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    if (!begins_with(text, at, "eyJ"))
        return false;
    size_t head = skip_letters(text, at, WORD_DASH);
    size_t body = skip_letters(text, head + 1 < text.len ? head + 1 : text.len, WORD_DASH);
    if (head - at < 10 || masker_char(text, head) != '.' || body - head < 10 ||
        masker_char(text, body) != '.')
        return false;
    *ret_span = (struct masker_span){at, skip_letters(text, body + 1, WORD_DASH), MASKER_KEY};
    return true;
}

/* Where `word` begins in the text from `at` on; the text's length: nowhere. */
static size_t find_word(harborai_str text, size_t at, const char *word)
{
    size_t len = strlen(word);
    for (; at + len <= text.len; at++)
        if (memcmp(text.data + at, word, len) == 0)
            return at;
    return text.len;
}

/* RFC 7468, of any kind of private key; without its end, all that follows. */
static bool private_key_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    static const char begin[] = "-----BEGIN ", label[] = "PRIVATE KEY-----", end[] = "-----END ";
    harborai_str head = slice_cut(text, at + 64);
    if (!begins_with(text, at, begin) || find_word(head, at, label) == head.len)
        return false;
    size_t close = find_word(text, at, end);
    if (close < text.len)
        close = find_word(text, close + sizeof end, "-----");
    *ret_span =
        (struct masker_span){at, close < text.len ? close + 5 : text.len, MASKER_KEY};
    return true;
}

/* Zhipu: 32 hex digits, a dot, 16 letters. */
static bool zhipu_key_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    size_t dot = skip_letters(text, at, WORD);
    size_t end = dot < text.len ? skip_letters(text, dot + 1, WORD) : dot;
    if (dot - at != 32 || masker_char(text, dot) != '.' || end - dot != 17)
        return false;
    *ret_span = (struct masker_span){at, end, MASKER_KEY};
    return true;
}

bool masker_key_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    return known_form_at(text, at, ret_span) || web_token_at(text, at, ret_span) ||
           private_key_at(text, at, ret_span);
}

/* --- What is called a password ------------------------------------------------------------------ */

static const char *const names[] = {
    "authorization", "password",      "passwd",      "passphrase", "secret",     "api_key",
    "api-key",       "apikey",        "x-api-key",   "access_key", "access-key", "secret_key",
    "secret-key",    "access_token",  "auth_token",  "id_token",   "refresh_token",
    "client_secret", "private_key",   "session_key", "cookie",     "\xe5\xaf\x86\xe7\xa0\x81" /* password */,
    "\xe5\xaf\x86\xe9\x92\xa5" /* key */};

/* How the names begin: most words of a text are not looked at further. */
static bool begins_name(char c)
{
    switch (c | 0x20) {
    case 'a': case 'c': case 'i': case 'p': case 'r': case 's': case 'x':
        return true;
    default:
        return c == '\xe5';
    }
}

static size_t name_end(harborai_str text, size_t at)
{
    size_t best = at;
    if (!begins_name(text.data[at]))
        return at;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (len > best - at && slice_equal_ignoring_case(slice_cut(slice_from(text, at), len),
                                                         slice_of(names[i])))
            best = at + len;
    }
    return best;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the value of `name = value`, `"name": "value"` or `name: Bearer value` begins; 0: there is
 * none. The colon of Chinese text is U+FF1A. */
static size_t value_begin(harborai_str text, size_t at)
{
    static const char wide_colon[] = "\xef\xbc\x9a";
    while (masker_char(text, at) == '"' || masker_char(text, at) == '\'' ||
           is_blank(masker_char(text, at)))
        at++;
    if (masker_char(text, at) == ':' || masker_char(text, at) == '=')
        at++;
    else if (at < text.len && begins_with(text, at, wide_colon))
        at += sizeof wide_colon - 1;
    else
        return 0;
    while (masker_char(text, at) == '"' || masker_char(text, at) == '\'' ||
           is_blank(masker_char(text, at)))
        at++;
    return at;
}

static bool ends_value(char c)
{
    return (unsigned char)c <= ' ' || strchr("\"',;&<>()[]{}", c) != NULL;
}

static size_t value_end(harborai_str text, size_t at)
{
    while (at < text.len && !ends_value(text.data[at]))
        at++;
    return at;
}

/* Behind "Bearer " or "Basic ", if it stands there. */
static size_t skip_scheme(harborai_str text, size_t at)
{
    static const char *const schemes[] = {"bearer ", "basic ", "token "};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (slice_equal_ignoring_case(slice_cut(slice_from(text, at), strlen(schemes[i])),
                                      slice_of(schemes[i])))
            return at + strlen(schemes[i]);
    return at;
}

/* A bearer token without the header's name before it. */
static bool bearer_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    if ((text.data[at] | 0x20) != 'b')
        return false;
    size_t begin = skip_scheme(text, at);
    if (begin == at)
        return false;
    size_t end = value_end(text, begin);
    harborai_str value = {text.data + begin, end - begin};
    if (value.len < 12 || !looks_random(value))
        return false;
    *ret_span = (struct masker_span){begin, end, MASKER_KEY};
    return true;
}

bool masker_named_value_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    if (bearer_at(text, at, ret_span) || zhipu_key_at(text, at, ret_span))
        return true;
    size_t name = name_end(text, at), begin = name > at ? value_begin(text, name) : 0;
    if (begin == 0)
        return false;
    begin = skip_scheme(text, begin);
    size_t end = value_end(text, begin);
    if (end - begin < 4)
        return false;
    *ret_span = (struct masker_span){begin, end, MASKER_KEY};
    return true;
}
