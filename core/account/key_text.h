/* SPDX-License-Identifier: MIT */
/* The text of a client's key, as the gateway gives it out:
 *
 *     hk-AbCd…      "hk-", 43 letters and digits of chance, 6 that check what stands before them
 *
 * The check tells a key that was mistyped or cut from one that nobody knows, without a look-up, and
 * lets scanners for secrets tell a key from a word. What is kept of a key is its SHA-256: a slow hash
 * makes guessable passwords dear to try, but nobody tries 2^256 keys, and each request would pay it. */
#ifndef ACCOUNT_KEY_TEXT_H
#define ACCOUNT_KEY_TEXT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

#define KEY_TEXT_PREFIX "hk-"

enum {
    KEY_TEXT_RANDOM = 43, /* of 62 letters each: 256 bits */
    KEY_TEXT_CHECK = 6,
    KEY_TEXT_LEN = 3 + KEY_TEXT_RANDOM + KEY_TEXT_CHECK,
    KEY_TEXT_MASK_SIZE = 64, /* with the NUL */
    KEY_ID_RANDOM = 12,
    KEY_ID_LEN = 4 + KEY_ID_RANDOM,
    KEY_DIGEST_SIZE = 32
};

/* A new one; E_INTERNAL: the system gives no random bytes. [any] */
MUST_CHECK harborai_status key_text_make(char text[static KEY_TEXT_LEN + 1], harborai_error *error);
/* A new id, "key_" and 12 letters and digits: what a key is called where it must not stand. [any] */
MUST_CHECK harborai_status key_text_make_id(char id[static KEY_ID_LEN + 1], harborai_error *error);

enum key_text_form {
    KEY_TEXT_FOREIGN, /* it does not begin as ours */
    KEY_TEXT_BROKEN,  /* it does, but is no key: mistyped, or not all of it */
    KEY_TEXT_WHOLE    /* there may be such a key */
};
enum key_text_form key_text_form(harborai_str text); /* [any] */

/* "hk-Ab********wxyz": enough to know one's own by; of a short one nothing. What could end a line is not
 * in it. [any] */
void key_text_mask(harborai_str text, char shown[static KEY_TEXT_MASK_SIZE]);

/* Makes digests, one after the other: one thread's. */
struct key_hasher;
MUST_CHECK harborai_status key_hasher_create(struct key_hasher **ret_hasher, harborai_error *error);
void key_hasher_destroy(struct key_hasher *hasher); /* accepts NULL */
/* The SHA-256. False: there is no memory. */
MUST_CHECK bool key_hasher_digest(struct key_hasher *hasher, harborai_str text,
                                  unsigned char digest[static KEY_DIGEST_SIZE]);

/* Whether both are the same, in a time that says nothing of where they differ. [any] */
bool key_digest_equal(const unsigned char a[static KEY_DIGEST_SIZE],
                      const unsigned char b[static KEY_DIGEST_SIZE]);

#endif
