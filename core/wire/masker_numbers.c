/* SPDX-License-Identifier: MIT */
/* Knows phone, identity and card numbers by their groups of digits, their first digits and their check
 * digits. Must never take a time, an amount or an id of ours for one of them. */
#include "wire/masker_parts.h"

enum { MOST_GROUPS = 5, MOST_DIGITS = 19 };

/* Digits with a single blank or dash between their groups. */
struct number {
    char digits[MOST_DIGITS + 2];
    size_t group[MOST_GROUPS]; /* digits of each */
    size_t end[MOST_GROUPS];   /* behind each, in the text */
    size_t count, groups;
    bool has_blanks, has_dashes;
};

static void read_number(harborai_str text, size_t at, struct number *number)
{
    *number = (struct number){.count = 0};
    while (number->groups < MOST_GROUPS) {
        size_t begin = at;
        while (masker_is_digit(masker_char(text, at)) && number->count < MOST_DIGITS + 1)
            number->digits[number->count++] = text.data[at++];
        number->group[number->groups] = at - begin;
        number->end[number->groups++] = at;
        char c = masker_char(text, at);
        if ((c != ' ' && c != '-') || !masker_is_digit(masker_char(text, at + 1)) ||
            number->count > MOST_DIGITS)
            return;
        number->has_blanks |= c == ' ';
        number->has_dashes |= c == '-';
        at++;
    }
}

/* --- Check digits ------------------------------------------------------------------------------ */

/* ISO/IEC 7812-1, annex B. */
static bool has_luhn_digit(const char *digits, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = digits[count - 1 - i] - '0';
        digit *= i % 2 == 1 ? 2 : 1;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return sum % 10 == 0;
}

/* Of networks, ISO/IEC 7812-1: 3 to 6 and Mastercard's 2; times in ns or µs begin with 1. */
static bool is_card(const char *digits, size_t count)
{
    return count >= 13 && count <= MOST_DIGITS && digits[0] >= '2' && digits[0] <= '6' &&
           has_luhn_digit(digits, count);
}

/* GB 11643-1999: address, date of birth, serial, check character by ISO 7064 MOD 11-2. */
static bool is_resident_number(const char *digits, char check)
{
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const char checks[] = "10X98765432";
    int sum = 0, month = (digits[10] - '0') * 10 + digits[11] - '0',
        day = (digits[12] - '0') * 10 + digits[13] - '0';
    for (int i = 0; i < 17; i++)
        sum += weights[i] * (digits[i] - '0');
    return digits[0] != '0' && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
           checks[sum % 11] == (check == 'x' ? 'X' : check);
}

/* 1 and 3 to 9: mobile numbers of China (ITU-T E.164, country code 86). */
static bool is_mobile(const char *digits)
{
    return digits[0] == '1' && digits[1] >= '3';
}

/* --- Numbers in the text ------------------------------------------------------------------------ */

static bool is_free(harborai_str text, size_t end)
{
    char c = masker_char(text, end), next = masker_char(text, end + 1);
    return !masker_is_word(c) && c != '_' &&
           !((c == '.' || c == '-' || c == ',') && masker_is_digit(next));
}

static bool found(struct masker_span *ret_span, size_t begin, size_t end, enum masker_kind kind)
{
    *ret_span = (struct masker_span){begin, end, kind};
    return true;
}

/* Digits in one group. */
static bool plain_at(harborai_str text, size_t at, const struct number *n,
                     struct masker_span *ret_span)
{
    size_t count = n->group[0], end = n->end[0];
    char next = masker_char(text, end);
    if (count == 17 && (next | 0x20) == 'x' && is_free(text, end + 1) &&
        is_resident_number(n->digits, next))
        return found(ret_span, at, end + 1, MASKER_ID);
    if (!is_free(text, end))
        return false;
    if (count == 18 && is_resident_number(n->digits, n->digits[17]))
        return found(ret_span, at, end, MASKER_ID);
    if ((count == 11 && is_mobile(n->digits)) ||
        (count == 13 && memcmp(n->digits, "86", 2) == 0 && is_mobile(n->digits + 2)))
        return found(ret_span, at, end, MASKER_PHONE);
    return is_card(n->digits, count) && found(ret_span, at, end, MASKER_CARD);
}

static bool has_groups(const struct number *n, size_t a, size_t b, size_t c)
{
    return n->groups >= 2 && n->group[0] == a && n->group[1] == b &&
           (c == 0 || (n->groups >= 3 && n->group[2] == c));
}

/* 4-4-4-4 and 4-4-4-4-3, and American Express's 4-6-5. */
static bool grouped_card_at(harborai_str text, size_t at, const struct number *n,
                            struct masker_span *ret_span)
{
    for (size_t groups = n->groups; groups >= 3; groups--) {
        size_t count = 0;
        for (size_t i = 0; i < groups; i++)
            count += n->group[i];
        if (n->group[0] == 4 && count <= MOST_DIGITS && is_card(n->digits, count) &&
            is_free(text, n->end[groups - 1]))
            return found(ret_span, at, n->end[groups - 1], MASKER_CARD);
    }
    return false;
}

static bool grouped_at(harborai_str text, size_t at, const struct number *n,
                       struct masker_span *ret_span)
{
    if (grouped_card_at(text, at, n, ret_span))
        return true;
    if (has_groups(n, 3, 4, 4) && is_mobile(n->digits) && is_free(text, n->end[2]))
        return found(ret_span, at, n->end[2], MASKER_PHONE);
    if (!n->has_dashes)
        return false;
    if (has_groups(n, 3, 3, 4) && is_free(text, n->end[2])) /* North America */
        return found(ret_span, at, n->end[2], MASKER_PHONE);
    if (has_groups(n, 3, 2, 4) && is_free(text, n->end[2])) /* social security, United States */
        return found(ret_span, at, n->end[2], MASKER_ID);
    if (n->digits[0] == '0' && (has_groups(n, 3, 8, 0) || has_groups(n, 4, 8, 0) ||
                                has_groups(n, 4, 7, 0)) &&
        is_free(text, n->end[1])) /* fixed lines of China */
        return found(ret_span, at, n->end[1], MASKER_PHONE);
    return false;
}

/* E.164: a plus and up to 15 digits, with blanks, dashes, dots and parentheses between. */
static bool international_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    size_t count = 0, end = at + 1;
    if (!masker_is_digit(masker_char(text, end)) || text.data[end] == '0')
        return false;
    for (size_t i = end; i < text.len; i++) {
        if (masker_is_digit(text.data[i])) {
            count++;
            end = i + 1;
        } else if (strchr(" -.()", text.data[i]) == NULL || text.data[i] == '\0' || i - end > 1) {
            break;
        }
    }
    return count >= 8 && count <= 15 && !masker_is_word(masker_char(text, end)) &&
           found(ret_span, at, end, MASKER_PHONE);
}

/* (415) 555-2671 */
static bool area_code_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    static const char form[] = "(ddd) ddd-dddd";
    for (size_t i = 0; form[i] != '\0'; i++) {
        char c = masker_char(text, at + i);
        if (form[i] == 'd' ? !masker_is_digit(c) : c != form[i])
            return false;
    }
    size_t end = at + sizeof form - 1;
    return is_free(text, end) && found(ret_span, at, end, MASKER_PHONE);
}

bool masker_number_at(harborai_str text, size_t at, struct masker_span *ret_span)
{
    struct number number;
    char before = at > 0 ? text.data[at - 1] : '\0';
    if (text.data[at] == '+')
        return international_at(text, at, ret_span);
    if (text.data[at] == '(')
        return area_code_at(text, at, ret_span);
    if (before == '_' || ((before == '.' || before == ',') && at > 1 &&
                          masker_is_digit(text.data[at - 2])))
        return false;
    read_number(text, at, &number);
    if (plain_at(text, at, &number, ret_span))
        return true;
    return before != '-' && number.groups > 1 && number.has_blanks != number.has_dashes &&
           grouped_at(text, at, &number, ret_span);
}
