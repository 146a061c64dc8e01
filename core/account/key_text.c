/* SPDX-License-Identifier: MIT */
/* Makes, checks and digests the texts of keys. Must never write one anywhere but to its caller. */
#include "account/key_text.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/crc32c.h"
#include "base/error.h"

#define LETTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LETTER_COUNT 62
#define FAIR (256 / LETTER_COUNT * LETTER_COUNT) /* bytes from here on would favour some letters */

/* ---- Chance --------------------------------------------------------------------------------- */

static harborai_status fill(char *to, size_t count, harborai_error *error)
{
    unsigned char bytes[64];
    char text[128];
    size_t made = 0;
    while (made < count) {
        ssize_t got = getrandom(bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return harborai_error_set(error, HARBORAI_E_INTERNAL,
                                      "the system gives no random bytes: %s",
                                      error_of_errno(errno, text));
        for (ssize_t i = 0; i < got && made < count; i++)
            if (bytes[i] < FAIR)
                to[made++] = LETTERS[bytes[i] % LETTER_COUNT];
    }
    explicit_bzero(bytes, sizeof bytes);
    return HARBORAI_OK;
}

static void write_check(harborai_str checked, char to[static KEY_TEXT_CHECK])
{
    uint32_t sum = crc32c(0, checked);
    for (int i = KEY_TEXT_CHECK - 1; i >= 0; i--, sum /= LETTER_COUNT)
        to[i] = LETTERS[sum % LETTER_COUNT];
}

harborai_status key_text_make(char text[static KEY_TEXT_LEN + 1], harborai_error *error)
{
    const size_t checked = KEY_TEXT_LEN - KEY_TEXT_CHECK;
    memcpy(text, KEY_TEXT_PREFIX, 3);
    harborai_status st = fill(text + 3, KEY_TEXT_RANDOM, error);
    if (st < 0)
        return st;
    write_check((harborai_str){text, checked}, text + checked);
    text[KEY_TEXT_LEN] = '\0';
    return HARBORAI_OK;
}

harborai_status key_text_make_id(char id[static KEY_ID_LEN + 1], harborai_error *error)
{
    memcpy(id, "key_", 4);
    id[KEY_ID_LEN] = '\0';
    return fill(id + 4, KEY_ID_RANDOM, error);
}

/* ---- Form ----------------------------------------------------------------------------------- */

enum key_text_form key_text_form(harborai_str text)
{
    char check[KEY_TEXT_CHECK];
    const size_t checked = KEY_TEXT_LEN - KEY_TEXT_CHECK;
    if (text.len < 3 || memcmp(text.data, KEY_TEXT_PREFIX, 3) != 0)
        return KEY_TEXT_FOREIGN;
    if (text.len != KEY_TEXT_LEN)
        return KEY_TEXT_BROKEN;
    write_check(slice_cut(text, checked), check);
    return memcmp(check, text.data + checked, KEY_TEXT_CHECK) == 0 ? KEY_TEXT_WHOLE
                                                                   : KEY_TEXT_BROKEN;
}

void key_text_mask(harborai_str text, char shown[static KEY_TEXT_MASK_SIZE])
{
    enum { BEGIN = 5, END = 4, STARS = 8, LEAST = 20 };
    size_t at = 0;
    bool has_ends = text.len >= LEAST;
    for (size_t i = 0; has_ends && i < BEGIN; i++)
        shown[at++] = text.data[i];
    memset(shown + at, '*', STARS);
    at += STARS;
    for (size_t i = text.len - END; has_ends && i < text.len; i++)
        shown[at++] = text.data[i];
    shown[at] = '\0';
    for (size_t i = 0; i < at; i++)
        if (shown[i] <= ' ' || shown[i] >= 0x7f)
            shown[i] = '?';
}

/* ---- Digests -------------------------------------------------------------------------------- */

/* The algorithm is looked up once: that costs more than a digest. */
struct key_hasher {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

harborai_status key_hasher_create(struct key_hasher **ret_hasher, harborai_error *error)
{
    struct key_hasher *hasher = calloc(1, sizeof *hasher);
    if (hasher != NULL) {
        hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        hasher->context = EVP_MD_CTX_new();
    }
    if (hasher == NULL || hasher->sha256 == NULL || hasher->context == NULL) {
        key_hasher_destroy(hasher);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for SHA-256");
    }
    *ret_hasher = hasher;
    return HARBORAI_OK;
}

void key_hasher_destroy(struct key_hasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->sha256);
    free(hasher);
}

bool key_hasher_digest(struct key_hasher *hasher, harborai_str text,
                       unsigned char digest[static KEY_DIGEST_SIZE])
{
    return EVP_DigestInit_ex2(hasher->context, hasher->sha256, NULL) == 1 &&
           EVP_DigestUpdate(hasher->context, text.data, text.len) == 1 &&
           EVP_DigestFinal_ex(hasher->context, digest, NULL) == 1;
}

bool key_digest_equal(const unsigned char a[static KEY_DIGEST_SIZE],
                      const unsigned char b[static KEY_DIGEST_SIZE])
{
    return CRYPTO_memcmp(a, b, KEY_DIGEST_SIZE) == 0;
}
